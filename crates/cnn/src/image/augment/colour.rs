//! Brightness, contrast, erasing.

use ognivo_core::random::{self, Rng};

use super::{FloatImage, between};

/// Rectangles tried before a picture is left as it is.
const ATTEMPTS: usize = 10;
/// Height to width of a rectangle, and the other way round (Zhong et al. 2017: $r_1$).
const ASPECT: f32 = 0.3;
/// Share of red, green and blue in grey (ITU-R BT.601).
const GREY: [f32; 3] = [0.2989, 0.587, 0.114];

/// Multiplies by `factor` and cuts to 0 to 1.
pub(super) fn brighten(image: &mut FloatImage, factor: f32) {
    image.pixels.iter_mut().for_each(|pixel| *pixel = (*pixel * factor).clamp(0.0, 1.0));
}

/// Multiplies the distance to the picture's mean grey by `factor` and cuts to 0 to 1.
pub(super) fn contrast(image: &mut FloatImage, factor: f32) {
    let mean = mean_grey(image);
    image.pixels.iter_mut().for_each(|pixel| *pixel = (mean + (*pixel - mean) * factor).clamp(0.0, 1.0));
}

/// Mean over all pixels; colours weigh as the eye does, other numbers of channels alike.
fn mean_grey(image: &FloatImage) -> f32 {
    let area = image.height * image.width;
    if image.pixels.is_empty() {
        return 0.0;
    }
    let mean = |plane: &[f32]| plane.iter().sum::<f32>() / area as f32;
    let means = image.pixels.chunks_exact(area).map(mean);
    match image.channels {
        3 => means.zip(GREY).map(|(mean, share)| mean * share).sum(),
        channels => means.sum::<f32>() / channels as f32,
    }
}

/// Replaces a random rectangle by noise (Zhong et al. 2017, algorithm 1, with random values): its share of the picture
/// lies in `area`, its aspect between 0.3 and 1 / 0.3. A picture in which no tried rectangle fits stays as it is.
pub(super) fn erase(image: &mut FloatImage, area: [f32; 2], rng: &mut impl Rng) {
    let (height, width) = (image.height, image.width);
    for _ in 0..ATTEMPTS {
        let pixels = (height * width) as f32 * between(rng, area);
        let aspect = between(rng, [ASPECT.ln(), -ASPECT.ln()]).exp();
        let (h, w) = ((pixels * aspect).sqrt().round() as usize, (pixels / aspect).sqrt().round() as usize);
        if h > height || w > width {
            continue;
        }
        let (top, left) = (random::below(rng, height - h + 1), random::below(rng, width - w + 1));
        for row in 0..image.channels * h {
            let (channel, y) = (row / h, top + row % h);
            let start = (channel * height + y) * width + left;
            image.pixels[start..start + w].iter_mut().for_each(|pixel| *pixel = random::uniform(rng));
        }
        return;
    }
}
