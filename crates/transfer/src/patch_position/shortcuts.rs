//! How far ways around the task would lead: a linear classifier that sees nothing of two patches but a few numbers of one kind.

use ognivo_cnn::image::augment::FloatImage;
use ognivo_core::metrics::Interval;

use super::data::PairBatcher;
use crate::Result;
use crate::probe::{LinearProbe, Rows};

/// What a classifier sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cue {
    /// Mean and deviation of each colour of each patch.
    Colour,
    /// By how much red and blue are shifted against green in each patch: what a lens does, more so far from the middle.
    ColourShift,
    /// How well each patch's border would go on in the other's, for each direction.
    Edges,
}

impl Cue {
    /// All cues.
    pub const ALL: [Self; 3] = [Self::Colour, Self::ColourShift, Self::Edges];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Colour => "colour",
            Self::ColourShift => "colour shift",
            Self::Edges => "edges",
        }
    }

    /// What is seen of a pair.
    pub fn of(self, [first, second]: &[FloatImage; 2]) -> Vec<f32> {
        let both = |of: fn(&FloatImage) -> Vec<f32>| {
            let (mut first, second) = (of(first), of(second));
            // Which of two is the brighter is a difference.
            let difference: Vec<f32> = first.iter().zip(&second).map(|(a, b)| b - a).collect();
            first.extend(second);
            first.extend(difference);
            first
        };
        match self {
            Self::Colour => both(colours),
            Self::ColourShift => both(shifts),
            Self::Edges => edges(first, second),
        }
    }
}

/// The accuracy on `test` of a linear classifier of what `cue` tells, which learnt from `train`. Guessing is right with one in eight.
///
/// # Errors
/// A picture cannot be read.
pub fn audit(cue: Cue, train: &PairBatcher, test: &PairBatcher) -> Result<Interval> {
    let (train, test) = (rows(cue, train)?, rows(cue, test)?);
    let right = LinearProbe::fit(&train).right(&test);
    Ok(Interval::wilson(right as u64, test.labels.len() as u64))
}

fn rows(cue: Cue, pairs: &PairBatcher) -> Result<Rows> {
    use ognivo_core::train::loader::Batcher;
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    for item in 0..pairs.items() {
        let (patches, direction) = pairs.pair(item, 0)?;
        values.extend(cue.of(&patches));
        labels.push(direction);
    }
    Ok(Rows { width: values.len() / labels.len().max(1), values, labels, classes: 8 })
}

/// Mean and deviation of each channel.
fn colours(patch: &FloatImage) -> Vec<f32> {
    let [_, height, width] = patch.shape();
    let area = (height * width) as f32;
    let of = |plane: &[f32]| {
        let mean = plane.iter().sum::<f32>() / area;
        [mean, (plane.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / area).sqrt()]
    };
    patch.pixels().chunks_exact(height * width).flat_map(of).collect()
}

/// The shift, in rows and columns, of the first and the last channel against the middle one: the least squares of
/// `other = green - rows * d green / d row - columns * d green / d column + constant` (Lucas and Kanade 1981); zeros for a grey patch.
fn shifts(patch: &FloatImage) -> Vec<f32> {
    let [channels, height, width] = patch.shape();
    if channels != 3 || height < 3 || width < 3 {
        return vec![0.0; 4];
    }
    let at = |channel: usize, row: usize, column: usize| patch.pixels()[(channel * height + row) * width + column];
    let mut found = Vec::new();
    for other in [0, 2] {
        // Sums for the normal equations, of values less their means.
        let inner = (1..height - 1).flat_map(|row| (1..width - 1).map(move |column| (row, column)));
        let samples: Vec<[f32; 3]> = inner
            .map(|(row, column)| {
                let down = (at(1, row + 1, column) - at(1, row - 1, column)) / 2.0;
                let right = (at(1, row, column + 1) - at(1, row, column - 1)) / 2.0;
                [down, right, at(other, row, column) - at(1, row, column)]
            })
            .collect();
        let mean = |index: usize| samples.iter().map(|sample| sample[index]).sum::<f32>() / samples.len() as f32;
        let means = [mean(0), mean(1), mean(2)];
        let sum = |a: usize, b: usize| samples.iter().map(|s| (s[a] - means[a]) * (s[b] - means[b])).sum::<f32>();
        let (dd, rr, dr, do_, ro) = (sum(0, 0), sum(1, 1), sum(0, 1), sum(0, 2), sum(1, 2));
        let determinant = dd * rr - dr * dr;
        let sound = determinant > 1e-6 * (dd + rr).powi(2) && determinant > 0.0;
        let solved = |a: f32, b: f32| if sound { (-(a / determinant)).clamp(-b, b) } else { 0.0 };
        found.push(solved(do_ * rr - ro * dr, 3.0));
        found.push(solved(ro * dd - do_ * dr, 3.0));
    }
    found
}

/// For each direction, how much the borders that would meet differ, less the mean of all eight; logarithms, so that contrast counts little.
fn edges(first: &FloatImage, second: &FloatImage) -> Vec<f32> {
    let [channels, height, width] = first.shape();
    let at = |patch: &FloatImage, channel: usize, row: usize, column: usize| {
        patch.pixels()[(channel * height + row) * width + column]
    };
    // What a patch would have one pixel beyond its border, if it went on as it does there.
    let beyond = |patch: &FloatImage, channel: usize, [row, column]: [usize; 2], [down, right]: [i64; 2]| {
        let back = |place: usize, step: i64, side: usize| ((place as i64 - step).clamp(0, side as i64 - 1)) as usize;
        let (own, before) =
            (at(patch, channel, row, column), at(patch, channel, back(row, down, height), back(column, right, width)));
        own + (own - before) / 2.0
    };
    let mut mismatches = Vec::with_capacity(8);
    for [down, right] in super::data::DIRECTIONS {
        // The rows and columns along which the first patch would meet the second, and where these are in the second.
        let along = |step: i64, side: usize| -> Vec<(usize, usize)> {
            match step {
                -1 => vec![(0, side - 1)],
                1 => vec![(side - 1, 0)],
                _ => (0..side).map(|place| (place, place)).collect(),
            }
        };
        let (mut sum, mut count) = (0.0, 0.0);
        for (row, other_row) in along(down, height) {
            for (column, other_column) in along(right, width) {
                for channel in 0..channels {
                    let own = beyond(first, channel, [row, column], [down, right]);
                    let others = beyond(second, channel, [other_row, other_column], [-down, -right]);
                    sum += (own - others).abs();
                    count += 1.0;
                }
            }
        }
        mismatches.push((sum / count + 1e-3f32).ln());
    }
    let mean = mismatches.iter().sum::<f32>() / 8.0;
    mismatches.iter().map(|value| value - mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(of: impl Fn(usize, f32, f32) -> f32) -> FloatImage {
        let pixels = (0..3 * 64).map(|at| of(at / 64, (at / 8 % 8) as f32, (at % 8) as f32));
        FloatImage::new([3, 8, 8], pixels.collect()).unwrap()
    }

    #[test]
    fn the_shift_of_colours_is_found() {
        let scene = |row: f32, column: f32| (row * 0.4).sin() + (column * 0.35 + row * 0.1).cos();
        // Red stands half a pixel lower, blue a quarter further to the left, than green.
        let shifted = patch(|channel, row, column| match channel {
            0 => scene(row - 0.5, column),
            1 => scene(row, column),
            _ => scene(row, column + 0.25),
        });
        let found = shifts(&shifted);
        for (found, expected) in found.iter().zip([0.5, 0.0, 0.0, -0.25]) {
            assert!((found - expected).abs() < 0.08, "{found} {expected}");
        }
        assert_eq!(shifts(&patch(|_, _, _| 1.0)), [0.0; 4], "nothing is seen on an even ground");
    }

    #[test]
    fn borders_that_go_on_match_best() {
        let scene = |channel: usize, row: f32, column: f32| {
            (row * 0.35 + channel as f32).sin() + (column * 0.45).cos() + (row * column * 0.03).sin()
        };
        let first = patch(scene);
        for (number, [down, right]) in super::super::data::DIRECTIONS.into_iter().enumerate() {
            let second = patch(|c, row, column| scene(c, row + 8.0 * down as f32, column + 8.0 * right as f32));
            let found = Cue::Edges.of(&[first.clone(), second]);
            let best = (0..8).min_by(|&a, &b| found[a].total_cmp(&found[b])).unwrap();
            assert_eq!(best, number, "{found:?}");
        }
        assert_eq!(Cue::Colour.of(&[first.clone(), first.clone()]).len(), 18);
        assert!(Cue::Colour.of(&[first.clone(), first]).iter().skip(12).all(|&difference| difference == 0.0));
    }
}
