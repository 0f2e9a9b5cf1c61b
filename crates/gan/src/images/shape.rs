//! The form of the pictures that a run generates.

use ognivo_core::data::ImageSet;
use ognivo_core::run::RunDirectory;
use serde::{Deserialize, Serialize};

use super::data::common_shape;
use crate::{Error, Result};

/// The file of a run directory that holds a [`PictureShape`].
pub const SHAPE: &str = "pictures.json";
/// Sides that pictures of other sizes are brought to, and the largest of them for pictures of unequal sizes.
const SIDES: [usize; 4] = [64, 32, 28, 16];
/// Below this a picture shows nothing.
const SMALLEST: usize = 6;
/// Above this a network on a CPU is hopeless, and its first layer larger than all others together.
const LARGEST: usize = 256;

/// Square pictures with so many channels, and the classes they come in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureShape {
    /// 1 (grey) or 3 (colour).
    pub channels: usize,
    /// Pixels along each side.
    pub side: usize,
    /// The names of the classes, in the order of their labels.
    pub classes: Vec<String>,
}

impl PictureShape {
    /// The form for the pictures of `set`: `size` pixels along each side if one is asked for, else their own side where they are square,
    /// of equal size, and [`doublings`] has an answer; else the largest of 64, 32, 28 and 16 that is not above it.
    ///
    /// # Errors
    /// A size that is asked for and cannot be; pictures that cannot be read.
    pub fn of(set: &dyn ImageSet, size: Option<usize>) -> Result<Self> {
        let [channels, height, width] = common_shape(set)?;
        let own = height.max(width);
        let side = match size {
            Some(side) => side,
            None if height == width && doublings(own).is_some() => own,
            None => SIDES.into_iter().find(|&side| side <= own).unwrap_or(16),
        };
        let shape = Self { channels, side, classes: set.classes().to_vec() };
        shape.check()?;
        Ok(shape)
    }

    /// Reads the form of a run.
    ///
    /// # Errors
    /// A file that is missing, damaged, or of impossible pictures.
    pub fn open(run: &RunDirectory) -> Result<Self> {
        let shape: Self = run.read_json(SHAPE)?;
        shape.check()?;
        Ok(shape)
    }

    /// Values in a picture.
    pub fn values(&self) -> usize {
        self.channels * self.side * self.side
    }

    fn check(&self) -> Result<()> {
        if !(SMALLEST..=LARGEST).contains(&self.side) {
            return Err(Error::setting("model.size", self.side, format!("from {SMALLEST} to {LARGEST} pixels")));
        }
        match self.channels {
            1 | 3 => Ok(()),
            channels => Err(Error::setting("channels", channels, "1 (grey) or 3 (colour)")),
        }
    }
}

/// How often a square of which side is to be doubled to have this side: `(start, times)`. DCGAN's 64 is 4, four times doubled; MNIST's 28 is
/// 7, twice doubled. `None` for a side that is no square of 3 to 8 pixels, doubled at least once.
pub fn doublings(side: usize) -> Option<(usize, usize)> {
    let (mut start, mut times) = (side, 0);
    while start.is_multiple_of(2) && start > 4 {
        (start, times) = (start / 2, times + 1);
    }
    ((3..=8).contains(&start) && times > 0).then_some((start, times))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_by_hand() {
        for (side, expected) in [
            (8, Some((4, 1))),
            (28, Some((7, 2))),
            (32, Some((4, 3))),
            (64, Some((4, 4))),
            (48, Some((3, 4))),
            (7, None),
            (4, None),
            (30, None),
            (0, None),
        ] {
            assert_eq!(doublings(side), expected, "{side}");
        }
        assert!(SIDES.into_iter().all(|side| doublings(side).is_some()));
    }
}
