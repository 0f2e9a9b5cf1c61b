//! Pairs of pictures: opened from a folder, or made from single pictures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::TensorData;
use ognivo_core::Error;
use ognivo_core::cli::events::Output;
use ognivo_core::data::folder::{self, FolderImages};
use ognivo_core::data::{Image, ImageSet, ImageSplits, Subset, split_stratified};

use super::edges::Edges;
use super::model::PairShape;
use super::sprites;
use crate::Result;
use crate::images::data::{Pictures, common_shape, open};
use crate::images::shape::PictureShape;

/// Folders of a folder of pairs.
const PARTS: [&str; 2] = ["input", "target"];
/// Names of missing files that an error lists.
const LISTED: usize = 10;
/// The part held out to measure with, where the data has none.
const HELD_OUT: f64 = 0.15;

/// Pictures, and those they are to become, in the same order.
#[derive(Clone)]
pub struct PairSet {
    /// What is given.
    pub input: Arc<dyn ImageSet>,
    /// What is to be made.
    pub target: Arc<dyn ImageSet>,
}

impl PairSet {
    /// How many there are.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.target.len()
    }

    fn part(&self, of_target: Subset) -> Result<Self> {
        let input = Arc::new(Subset::new(self.input.clone(), of_target.indices().to_vec())?);
        Ok(Self { input, target: Arc::new(of_target) })
    }

    /// Divides it: what is left, and `fraction` of each class.
    fn divide(&self, fraction: f64) -> Result<(Self, Self)> {
        let (left, taken) = split_stratified(&self.target, fraction, 0)?;
        Ok((self.part(left)?, self.part(taken)?))
    }

    /// At most `limit` of them, chosen at random, evenly over the classes.
    ///
    /// # Errors
    /// None for a limit of 1 and more.
    pub fn limited(&self, limit: Option<usize>) -> Result<Self> {
        match limit.filter(|&limit| limit < self.len()) {
            Some(limit) => Ok(self.divide(limit as f64 / self.len() as f64)?.1),
            None => Ok(self.clone()),
        }
    }
}

/// The pairs of a source.
pub struct PairSplits {
    /// To learn from.
    pub train: PairSet,
    /// To measure with.
    pub test: PairSet,
    /// The form of both pictures.
    pub shape: PairShape,
    /// The pictures to be made, as a classifier learns them; `None` for pairs without classes.
    pub labelled: Option<ImageSplits>,
    /// Whether the test pairs follow each other like the frames of a film.
    pub is_film: bool,
    /// For the user.
    pub warnings: Vec<String>,
}

impl PairSplits {
    /// The pairs of `source`: a folder with the folders `input` and `target`, the name `sprites`, or pictures of any kind that
    /// [`open`] takes, which are to be made from their edges. `size` is the side that is asked for.
    ///
    /// # Errors
    /// Pictures without a partner, by name; fewer than two pairs; a source that holds no pictures.
    pub fn open(source: &str, size: Option<usize>, output: &Output) -> Result<Self> {
        let path = Path::new(source);
        if PARTS.iter().any(|part| path.join(part).is_dir()) {
            return Self::of_folder(path, size);
        }
        if source == sprites::NAME && !path.exists() {
            return Self::of_sprites(size);
        }
        let pictures = open(source, output)?;
        let target = PictureShape::of(&*pictures.train, size)?;
        let pairs = |pictures: &Arc<dyn ImageSet>| PairSet {
            input: Arc::new(Edges { pictures: pictures.clone(), side: target.side }),
            target: pictures.clone(),
        };
        let (train, test) = with_test(pairs(&pictures.train), pictures.test.as_ref().map(pairs))?;
        let warnings = pictures.warnings.clone();
        let labelled = (target.classes.len() > 1).then_some(pictures);
        Ok(Self { train, test, shape: PairShape { input_channels: 1, target }, labelled, is_film: false, warnings })
    }

    fn of_sprites(size: Option<usize>) -> Result<Self> {
        let side = size.unwrap_or(32);
        let part = |first: usize, count: usize| {
            let (input, target) = sprites::frames(first, count, side)?;
            Ok::<_, crate::Error>(PairSet { input: Arc::new(input), target: Arc::new(target) })
        };
        let (frames, following) = sprites::FRAMES;
        let (train, test) = (part(0, frames)?, part(frames, following)?);
        let target = PictureShape::of(&*train.target, Some(side))?;
        let shape = PairShape { input_channels: 3, target };
        Ok(Self { train, test, shape, labelled: None, is_film: true, warnings: Vec::new() })
    }

    fn of_folder(path: &Path, size: Option<usize>) -> Result<Self> {
        let mut warnings = Vec::new();
        let pairs = paired(path, &mut warnings)?;
        // Pairs that are kept apart, to measure with.
        let own_test = path.join("test");
        let own_test = own_test.is_dir().then(|| paired(&own_test, &mut warnings)).transpose()?;
        let (train, test) = with_test(pairs, own_test)?;
        let target = PictureShape::of(&*train.target, size)?;
        let shape = PairShape { input_channels: common_shape(&*train.input)?[0], target };
        Ok(Self { train, test, shape, labelled: None, is_film: false, warnings })
    }
}

/// The test part, held out of the training part where there is none.
fn with_test(train: PairSet, test: Option<PairSet>) -> Result<(PairSet, PairSet)> {
    match test {
        Some(test) => Ok((train, test)),
        None if train.len() < 2 => {
            let message =
                format!("found {} pair; expected at least 2, one to learn from and one to measure with", train.len());
            Err(Error::Data(message).into())
        }
        None => train.divide(HELD_OUT),
    }
}

/// The pairs of a folder, by the names of their files without the ending.
fn paired(path: &Path, warnings: &mut Vec<String>) -> Result<PairSet> {
    let mut files = PARTS.map(|_| BTreeMap::new());
    for (part, files) in PARTS.iter().zip(&mut files) {
        *files = named(&path.join(part), warnings)?;
    }
    let [input, target] = &files;
    let missing = |of: &BTreeMap<String, PathBuf>, among: &BTreeMap<String, PathBuf>, part: &str| {
        let absent = of.iter().filter(|(name, _)| !among.contains_key(*name));
        absent.map(|(name, partner)| format!("{part}/{name} for {}", partner.display())).collect::<Vec<_>>()
    };
    let absent = [missing(input, target, "target"), missing(target, input, "input")].concat();
    if !absent.is_empty() {
        let shown = absent.iter().take(LISTED).map(|line| format!("\n- {line}")).collect::<String>();
        let more = absent.len().saturating_sub(LISTED);
        let more = if more > 0 { format!("\nand {more} more") } else { String::new() };
        let message = format!(
            "{}: found {} pictures in input and {} in target; expected one of the same name in each. Missing:{shown}{more}",
            path.display(),
            input.len(),
            target.len()
        );
        return Err(Error::Data(message).into());
    }
    if input.is_empty() {
        let message =
            format!("{}: found no picture in input and target; expected pairs of the same names", path.display());
        return Err(Error::Data(message).into());
    }
    let set = |files: &BTreeMap<String, PathBuf>| -> Result<Arc<dyn ImageSet>> {
        let files = files.values().map(|file| (file.clone(), 0)).collect();
        Ok(Arc::new(FolderImages::new(files, vec!["pairs".to_string()])?))
    };
    Ok(PairSet { input: set(input)?, target: set(target)? })
}

/// The pictures of a folder and the folders in it, by their paths in it without the ending.
fn named(root: &Path, warnings: &mut Vec<String>) -> Result<BTreeMap<String, PathBuf>> {
    let mut skipped = Vec::new();
    let found = folder::list_pictures(root, &mut skipped)?;
    warnings.extend(skipped.iter().map(ToString::to_string));
    let mut files = BTreeMap::new();
    for file in found {
        let name = file.strip_prefix(root).unwrap_or(&file).with_extension("").to_string_lossy().into_owned();
        if let Some(other) = files.insert(name, file.clone()) {
            let message = format!("{}: found also {}; expected one picture of a name", file.display(), other.display());
            return Err(Error::Data(message).into());
        }
    }
    Ok(files)
}

/// Pairs in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// What is given.
    pub input: Pictures,
    /// What is to be made, with its class.
    pub target: Pictures,
}

impl Pairs {
    /// Reads at most `count` pairs of a set, from the first on.
    ///
    /// # Errors
    /// No pair; a picture that cannot be read.
    pub fn read(set: &PairSet, count: usize, shape: &PairShape) -> Result<Self> {
        let count = count.min(set.len());
        let input = Pictures::read_some(&*set.input, 0..count, &shape.input())?;
        Ok(Self { input, target: Pictures::read_some(&*set.target, 0..count, &shape.target)? })
    }

    /// How many there are, at least one.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> usize {
        self.target.len()
    }

    /// The pairs with the given indices, `[count, channels of both, side, side]`, what is given first.
    pub fn batch(&self, indices: &[usize]) -> TensorData {
        let parts = [&self.input, &self.target].map(|pictures| {
            let values: Vec<f32> = pictures.batch(indices).0.try_to_vec().unwrap_or_default();
            (values, pictures.shape.values())
        });
        let pair =
            |index: usize| parts.iter().flat_map(move |(values, width)| &values[index * width..(index + 1) * width]);
        let joined: Vec<f32> = (0..indices.len()).flat_map(pair).copied().collect();
        let channels = self.input.shape.channels + self.target.shape.channels;
        let side = self.target.shape.side;
        TensorData::new(joined, [indices.len(), channels, side, side])
    }

    /// One pair as pictures.
    ///
    /// # Errors
    /// None for an index below [`len`](Self::len).
    pub fn images(&self, index: usize) -> Result<[Image; 2]> {
        Ok([self.input.image(index)?, self.target.image(index)?])
    }
}
