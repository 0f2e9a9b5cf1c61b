//! Sets in memory, parts of sets, and the stratified split.

use std::sync::Arc;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Image, ImageSet, pixel_bytes};
use crate::{Error, Result};

/// Pictures of one size, their pixels in one buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryImages {
    name: String,
    shape: [usize; 3],
    pixels: Vec<u8>,
    labels: Vec<usize>,
    classes: Vec<String>,
}

impl MemoryImages {
    /// A set from its parts: `shape` is (height, width, channels), `pixels` holds `labels.len()` such pictures one
    /// after another, `name` is what [`ImageSet::origin`] says before the index.
    ///
    /// # Errors
    /// Sides of zero, channels other than 1 or 3, a number of bytes that does not fit, a label without a class name
    /// (the message names the record).
    pub fn new(
        name: impl Into<String>,
        shape: [usize; 3],
        pixels: Vec<u8>,
        labels: Vec<usize>,
        classes: Vec<String>,
    ) -> Result<Self> {
        let [height, width, channels] = shape;
        let one = pixel_bytes(width, height, channels).filter(|&one| one > 0 && matches!(channels, 1 | 3));
        if one.and_then(|one| one.checked_mul(labels.len())) != Some(pixels.len()) {
            let (count, bytes) = (labels.len(), pixels.len());
            return Err(Error::Data(format!(
                "{count} pictures of height {height}, width {width} and {channels} channels cannot stand on {bytes} bytes"
            )));
        }
        if let Some((record, label)) = labels.iter().enumerate().find(|&(_, &label)| label >= classes.len()) {
            return Err(Error::Data(format!(
                "record {record}: found label {label}; expected a label from 0 to {} (there are {} class names)",
                classes.len().saturating_sub(1),
                classes.len()
            )));
        }
        Ok(Self { name: name.into(), shape, pixels, labels, classes })
    }

    /// Height, width and channels of every picture.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// All pixels: (count, height, width, channels).
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// All labels.
    pub fn labels(&self) -> &[usize] {
        &self.labels
    }
}

impl ImageSet for MemoryImages {
    fn len(&self) -> usize {
        self.labels.len()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[index]
    }

    fn image(&self, index: usize) -> Result<Image> {
        let [height, width, channels] = self.shape;
        let Some(pixels) = self.pixels.chunks_exact(height * width * channels).nth(index) else {
            return Err(Error::Data(format!("{}: no picture {index}, there are {}", self.name, self.len())));
        };
        Ok(Image { width, height, channels, pixels: pixels.to_vec() })
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn origin(&self, index: usize) -> String {
        format!("{}[{index}]", self.name)
    }
}

/// Some pictures of another set, in an order of its own.
#[derive(Clone)]
pub struct Subset {
    set: Arc<dyn ImageSet>,
    indices: Vec<usize>,
}

impl Subset {
    /// The pictures `indices` of `set`; an index may come more than once.
    ///
    /// # Errors
    /// An index that is not below `set.len()`.
    pub fn new(set: Arc<dyn ImageSet>, indices: Vec<usize>) -> Result<Self> {
        match indices.iter().find(|&&index| index >= set.len()) {
            Some(index) => Err(Error::Data(format!("no picture {index} in a set of {}", set.len()))),
            None => Ok(Self { set, indices }),
        }
    }

    /// Which pictures of the other set these are.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl ImageSet for Subset {
    fn len(&self) -> usize {
        self.indices.len()
    }

    fn label(&self, index: usize) -> usize {
        self.set.label(self.indices[index])
    }

    fn image(&self, index: usize) -> Result<Image> {
        match self.indices.get(index) {
            Some(&index) => self.set.image(index),
            None => Err(Error::Data(format!("no picture {index} in a part of {}", self.len()))),
        }
    }

    fn classes(&self) -> &[String] {
        self.set.classes()
    }

    fn origin(&self, index: usize) -> String {
        self.set.origin(self.indices[index])
    }
}

/// The pictures of some classes of another set, which are its only classes.
#[derive(Clone)]
pub struct ClassSubset {
    pictures: Subset,
    /// The new label of each old one.
    labels: Vec<Option<usize>>,
    classes: Vec<String>,
}

impl ClassSubset {
    /// The pictures of `set` that are of one of the `classes`, which are labelled in the order given.
    ///
    /// # Errors
    /// A class that `set` does not have, with those it has, or one that is named twice.
    pub fn new(set: Arc<dyn ImageSet>, classes: &[String]) -> Result<Self> {
        let mut labels = vec![None; set.classes().len()];
        for (new, class) in classes.iter().enumerate() {
            let old = set.classes().iter().position(|known| known == class);
            let Some(label) = old.map(|old| &mut labels[old]).filter(|label| label.is_none()) else {
                let known = set.classes().join(", ");
                let message = format!("classes: found {class:?}; expected each of {known} at most once");
                return Err(Error::Config(message));
            };
            *label = Some(new);
        }
        let indices = (0..set.len()).filter(|&index| labels[set.label(index)].is_some()).collect();
        Ok(Self { pictures: Subset::new(set, indices)?, labels, classes: classes.to_vec() })
    }
}

impl ImageSet for ClassSubset {
    fn len(&self) -> usize {
        self.pictures.len()
    }

    fn label(&self, index: usize) -> usize {
        self.labels[self.pictures.label(index)].unwrap_or_default()
    }

    fn image(&self, index: usize) -> Result<Image> {
        self.pictures.image(index)
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn origin(&self, index: usize) -> String {
        self.pictures.origin(index)
    }
}

/// Splits a set into (what is left, what is taken), taking `fraction` of every class at random.
///
/// Of a class of n pictures `round(fraction * n)` are taken, but at least one, and at least one is left, where n is
/// two or more; the only picture of a class is left. Both parts keep the order of `set`. The same set, fraction and
/// seed give the same split on every machine.
///
/// # Errors
/// A fraction that is not above 0 and below 1; a set in which nothing can be taken.
pub fn split_stratified(set: &Arc<dyn ImageSet>, fraction: f64, seed: u64) -> Result<(Subset, Subset)> {
    if !(fraction > 0.0 && fraction < 1.0) {
        return Err(Error::Config(format!("the fraction to split off is {fraction}; expected above 0 and below 1")));
    }
    let mut members = vec![Vec::new(); set.classes().len()];
    for index in 0..set.len() {
        let label = set.label(index);
        let class = members
            .get_mut(label)
            .ok_or_else(|| Error::Data(format!("{}: label {label} has no class name", set.origin(index))))?;
        class.push(index);
    }
    let mut taken = vec![false; set.len()];
    for (class, members) in members.iter().enumerate().filter(|(_, members)| members.len() > 1) {
        // A stream for each class, and random keys to sort by: growing one class leaves the draw of the others alone.
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        random.set_stream(class as u64);
        let mut keyed: Vec<(u64, usize)> = members.iter().map(|&index| (random.next_u64(), index)).collect();
        keyed.sort_unstable();
        let count = (fraction * members.len() as f64).round() as usize;
        for &(_, index) in keyed.iter().take(count.clamp(1, members.len() - 1)) {
            taken[index] = true;
        }
    }
    let (taken, left): (Vec<usize>, Vec<usize>) = (0..set.len()).partition(|&index| taken[index]);
    if taken.is_empty() {
        return Err(Error::Data(format!(
            "nothing to split off: none of the {} classes has two pictures",
            set.classes().len()
        )));
    }
    Ok((Subset::new(set.clone(), left)?, Subset::new(set.clone(), taken)?))
}
