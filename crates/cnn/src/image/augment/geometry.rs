//! Moving, turning, scaling and mirroring a picture in one resampling.

use serde::{Deserialize, Serialize};

use super::FloatImage;

/// What lies outside a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Border {
    /// Black.
    #[default]
    Zero,
    /// The picture's mirror image about the centre of its outermost pixels: `dcb|abcd|cba`.
    Reflect,
}

/// Where a picture is put: scaled and turned about its centre, then moved, then mirrored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Factor of size, above 0.
    pub scale: f32,
    /// Turn against the clock as seen, in degrees.
    pub degrees: f32,
    /// Pixels to the right.
    pub right: i64,
    /// Pixels down.
    pub down: i64,
    /// Left and right exchanged.
    pub mirror: bool,
}

impl Default for Placement {
    /// Leaves a picture as it is.
    fn default() -> Self {
        Self { scale: 1.0, degrees: 0.0, right: 0, down: 0, mirror: false }
    }
}

impl Placement {
    /// Replaces the picture by itself, so placed. Whole moves and mirroring copy pixels exactly; turning and scaling
    /// interpolate between the four nearest pixels.
    pub fn apply(&self, image: &mut FloatImage, border: Border) {
        if image.pixels.is_empty() {
            return;
        }
        let blank = vec![0.0; image.pixels.len()];
        let source = std::mem::replace(&mut image.pixels, blank);
        if self.scale == 1.0 && self.degrees == 0.0 {
            self.copy(image, &source, border);
        } else {
            self.resample(image, &source, border);
        }
    }

    /// Whole pixels: the source column of each column and the source row of each row.
    fn copy(&self, image: &mut FloatImage, source: &[f32], border: Border) {
        let (height, width) = (image.height, image.width);
        let columns: Vec<Option<usize>> =
            (0..width).map(|x| border.index(self.unmirrored(x, width) - self.right, width)).collect();
        // Columns that exist lie side by side.
        let first = columns.iter().position(Option::is_some).unwrap_or(width);
        let columns: Vec<usize> = columns.into_iter().flatten().collect();
        for (target, source) in image.pixels.chunks_exact_mut(height * width).zip(source.chunks_exact(height * width)) {
            for (y, row) in target.chunks_exact_mut(width).enumerate() {
                let Some(y) = border.index(y as i64 - self.down, height) else {
                    continue;
                };
                let source = &source[y * width..][..width];
                for (pixel, &x) in row[first..].iter_mut().zip(&columns) {
                    *pixel = source[x];
                }
            }
        }
    }

    /// Bilinear interpolation at the place that each pixel comes from.
    fn resample(&self, image: &mut FloatImage, source: &[f32], border: Border) {
        let (height, width) = (image.height, image.width);
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let (sin, cos) = (sin / self.scale, cos / self.scale);
        let (centre_x, centre_y) = ((width - 1) as f32 / 2.0, (height - 1) as f32 / 2.0);
        for y in 0..height {
            let v = (y as i64 - self.down) as f32 - centre_y;
            for x in 0..width {
                let u = (self.unmirrored(x, width) - self.right) as f32 - centre_x;
                // The inverse turn; y points down.
                let (from_x, from_y) = (centre_x + cos * u - sin * v, centre_y + sin * u + cos * v);
                let taps = Taps::new(from_x, from_y, height, width, border);
                for channel in 0..image.channels {
                    let plane = channel * height * width;
                    image.pixels[plane + y * width + x] = taps.sample(&source[plane..][..height * width]);
                }
            }
        }
    }

    fn unmirrored(&self, x: usize, width: usize) -> i64 {
        if self.mirror { (width - 1 - x) as i64 } else { x as i64 }
    }
}

impl FloatImage {
    /// A square of `side` x `side` pixels around `centre` (row and column, whole at the middle of a pixel), each of them `scale` pixels of this
    /// picture wide, turned by `degrees` with the clock as seen; interpolated between the four nearest pixels, mirrored beyond the border. At
    /// whole pixels, unscaled and unturned, it is cut out exactly.
    pub fn window(&self, centre: [f32; 2], side: usize, scale: f32, degrees: f32) -> Self {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let (sin, cos) = (sin * scale, cos * scale);
        let (area, middle) = (self.height * self.width, (side as f32 - 1.0) / 2.0);
        let mut pixels = vec![0.0; self.channels * side * side];
        for y in 0..side {
            for x in 0..side {
                let (u, v) = (x as f32 - middle, y as f32 - middle);
                let (from_x, from_y) = (centre[1] + cos * u - sin * v, centre[0] + sin * u + cos * v);
                let taps = Taps::new(from_x, from_y, self.height, self.width, Border::Reflect);
                for (to, plane) in pixels.chunks_exact_mut(side * side).zip(self.pixels.chunks_exact(area)) {
                    to[y * side + x] = taps.sample(plane);
                }
            }
        }
        Self { channels: self.channels, height: side, width: side, pixels }
    }
}

/// The four pixels around a place, and their weights.
struct Taps {
    index: [usize; 4],
    weight: [f32; 4],
}

impl Taps {
    fn new(x: f32, y: f32, height: usize, width: usize, border: Border) -> Self {
        let (left, top) = (floor(x), floor(y));
        let (right_share, lower_share) = (x - left as f32, y - top as f32);
        let weight = [
            (1.0 - right_share) * (1.0 - lower_share),
            right_share * (1.0 - lower_share),
            (1.0 - right_share) * lower_share,
            right_share * lower_share,
        ];
        let inside = left >= 0 && top >= 0 && left + 1 < width as i64 && top + 1 < height as i64;
        if inside {
            let first = top as usize * width + left as usize;
            return Self { index: [first, first + 1, first + width, first + width + 1], weight };
        }
        let columns = [border.index(left, width), border.index(left + 1, width)];
        let rows = [border.index(top, height), border.index(top + 1, height)];
        let mut taps = Self { index: [0; 4], weight };
        for (i, (row, column)) in [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter().enumerate() {
            match (rows[row], columns[column]) {
                (Some(y), Some(x)) => taps.index[i] = y * width + x,
                _ => taps.weight[i] = 0.0,
            }
        }
        taps
    }

    fn sample(&self, plane: &[f32]) -> f32 {
        let [a, b, c, d] = self.index.map(|index| plane[index]);
        let [wa, wb, wc, wd] = self.weight;
        (a * wa + b * wb) + (c * wc + d * wd)
    }
}

/// `f32::floor` is a function call for processors before SSE 4.1; this is not.
fn floor(x: f32) -> i64 {
    let whole = x as i32;
    i64::from(whole) - i64::from(x < whole as f32)
}

impl Border {
    /// The pixel of a line of `length` that stands at `position`, which may lie outside.
    fn index(self, position: i64, length: usize) -> Option<usize> {
        let n = length as i64;
        if (0..n).contains(&position) {
            return Some(position as usize);
        }
        match self {
            Self::Zero => None,
            Self::Reflect if n == 1 => Some(0),
            Self::Reflect => {
                let position = position.rem_euclid(2 * n - 2);
                Some(position.min(2 * n - 2 - position) as usize)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pixels: &[f32]) -> FloatImage {
        FloatImage::new([1, 1, pixels.len()], pixels.to_vec()).unwrap()
    }

    #[test]
    fn a_window_is_cut_out_or_enlarged() {
        let pixels: Vec<f32> = (0..2 * 5 * 6).map(|i| ((i * 7) % 11) as f32).collect();
        let image = FloatImage::new([2, 5, 6], pixels.clone()).unwrap();
        let cut = image.window([2.5, 1.5], 2, 1.0, 0.0);
        assert_eq!(cut.shape(), [2, 2, 2]);
        let at = |channel: usize, y: usize, x: usize| pixels[(channel * 5 + y) * 6 + x];
        let expected: Vec<f32> =
            [0, 1].into_iter().flat_map(|c| [at(c, 2, 1), at(c, 2, 2), at(c, 3, 1), at(c, 3, 2)]).collect();
        assert_eq!(cut.pixels(), expected);
        // The window turned with the clock by a quarter: its upper edge is what lies to the right.
        let turned = image.window([2.5, 1.5], 2, 1.0, 90.0);
        let expected = [at(0, 2, 2), at(0, 3, 2), at(0, 2, 1), at(0, 3, 1)];
        assert!(turned.pixels()[..4].iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-4), "{turned:?}");
        // Pixels half as wide: the first one's middle is at row 1.75, column 1.25.
        let enlarged = image.window([2.0, 1.5], 2, 0.5, 0.0);
        let line = |y| 0.75 * at(0, y, 1) + 0.25 * at(0, y, 2);
        assert!((enlarged.pixels()[0] - (0.25 * line(1) + 0.75 * line(2))).abs() < 1e-4);
    }

    fn placed(placement: Placement, border: Border, pixels: &[f32]) -> Vec<f32> {
        let mut image = row(pixels);
        placement.apply(&mut image, border);
        image.into_pixels()
    }

    #[test]
    fn whole_moves_are_exact() {
        let right = |right| Placement { right, ..Placement::default() };
        let line = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(placed(right(1), Border::Zero, &line), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(placed(right(-3), Border::Zero, &line), [4.0, 0.0, 0.0, 0.0]);
        assert_eq!(placed(right(9), Border::Zero, &line), [0.0; 4]);
        assert_eq!(placed(right(2), Border::Reflect, &line), [3.0, 2.0, 1.0, 2.0]);
        assert_eq!(placed(right(-1), Border::Reflect, &line), [2.0, 3.0, 4.0, 3.0]);
        assert_eq!(placed(right(6), Border::Reflect, &line), line);
        assert_eq!(placed(right(7), Border::Reflect, &[5.0]), [5.0]);
        let both = Placement { right: 1, mirror: true, ..Placement::default() };
        assert_eq!(placed(both, Border::Zero, &line), [3.0, 2.0, 1.0, 0.0]);
    }

    #[test]
    fn a_quarter_turn_moves_pixels() {
        let mut image = FloatImage::new([1, 3, 3], (1..=9).map(|x| x as f32).collect()).unwrap();
        Placement { degrees: 90.0, ..Placement::default() }.apply(&mut image, Border::Zero);
        for (found, expected) in image.pixels().iter().zip([3.0, 6.0, 9.0, 2.0, 5.0, 8.0, 1.0, 4.0, 7.0]) {
            assert!((found - expected).abs() < 1e-5, "{:?}", image.pixels());
        }
    }
}
