//! Pairs from any pictures: the outline of one, to be filled in.

use std::sync::Arc;

use ognivo_core::data::{Image, ImageSet, picture};
use ognivo_core::{Error, Result};

/// A pixel is on an edge where its gradient is at least this share of the picture's steepest.
const THRESHOLD: f64 = 0.25;
/// No picture is so even that what is below this, of 255 and over the eight pixels around, is not noise.
const FAINTEST: f64 = 64.0;

/// The edges of another set's pictures, brought to squares of `side` pixels before.
pub struct Edges {
    /// The other set.
    pub pictures: Arc<dyn ImageSet>,
    /// Pixels along each side.
    pub side: usize,
}

impl ImageSet for Edges {
    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn label(&self, index: usize) -> usize {
        self.pictures.label(index)
    }

    fn image(&self, index: usize) -> Result<Image> {
        edges(&picture::resize(&self.pictures.image(index)?, self.side, self.side)?)
    }

    fn classes(&self) -> &[String] {
        self.pictures.classes()
    }

    fn origin(&self, index: usize) -> String {
        self.pictures.origin(index)
    }
}

/// White lines on black where the grey picture is steepest: Sobel's gradient, thinned to the ridge across its direction as Canny 1986 does.
///
/// # Errors
/// A picture whose fields do not agree.
pub fn edges(image: &Image) -> Result<Image> {
    let grey = picture::to_channels(image, 1)?;
    let (width, height) = (grey.width, grey.height);
    let at = |x: isize, y: isize| {
        let inside = |place: isize, length: usize| place.clamp(0, length as isize - 1) as usize;
        f64::from(grey.pixels[inside(y, height) * width + inside(x, width)])
    };
    let slope = |x: isize, y: isize| {
        let across = |dy: isize| at(x + 1, y + dy) - at(x - 1, y + dy);
        let down = |dx: isize| at(x + dx, y + 1) - at(x + dx, y - 1);
        (across(-1) + 2.0 * across(0) + across(1), down(-1) + 2.0 * down(0) + down(1))
    };
    let slopes: Vec<(f64, f64)> =
        (0..width * height).map(|place| slope((place % width) as isize, (place / width) as isize)).collect();
    let steepness: Vec<f64> = slopes.iter().map(|(x, y)| x.hypot(*y)).collect();
    let least = (steepness.iter().copied().fold(0.0, f64::max) * THRESHOLD).max(FAINTEST);
    let is_edge = |place: usize| {
        let own = steepness[place];
        let (dx, dy) = slopes[place];
        // The neighbours uphill and downhill, in one of eight directions.
        let step = |part: f64| (part / own * 1.3).round() as isize;
        let neighbour = |sign: isize| {
            let (x, y) = ((place % width) as isize + sign * step(dx), (place / width) as isize + sign * step(dy));
            let inside = (0..width as isize).contains(&x) && (0..height as isize).contains(&y);
            if inside { steepness[y as usize * width + x as usize] } else { 0.0 }
        };
        // Of two that are equally steep the first counts.
        own >= least && own > neighbour(-1) && own >= neighbour(1)
    };
    let pixels = (0..width * height).map(|place| if is_edge(place) { 255 } else { 0 }).collect();
    Image::new(width, height, 1, pixels).map_err(|error| Error::Data(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_has_four_thin_edges_and_an_even_picture_none() {
        let inside = |x: usize, y: usize| (4..12).contains(&x) && (4..12).contains(&y);
        let pixels = (0..256).map(|place| if inside(place % 16, place / 16) { 200 } else { 10 }).collect();
        let drawn = edges(&Image::new(16, 16, 1, pixels).unwrap()).unwrap();
        // Half-way down a row crosses the left and the right edge, each one pixel wide and beside the step.
        let row: Vec<usize> = (0..16).filter(|x| drawn.pixels[8 * 16 + x] == 255).collect();
        assert_eq!(row.len(), 2, "{row:?}");
        assert!(row[0].abs_diff(4) <= 1 && row[1].abs_diff(12) <= 1, "{row:?}");
        let column: Vec<usize> = (0..16).filter(|y| drawn.pixels[y * 16 + 8] == 255).collect();
        assert_eq!(column, row);
        assert!(drawn.pixels.iter().all(|&value| value == 0 || value == 255));
        let even = edges(&Image::new(5, 4, 3, (0..60).map(|index| 100 + index % 2).collect()).unwrap()).unwrap();
        assert!(even.pixels.iter().all(|&value| value == 0) && even.channels == 1);
    }
}
