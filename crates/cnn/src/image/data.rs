//! Opening a data set for classification: by name or by path, with its parts in place.

use std::path::Path;
use std::sync::Arc;

use ognivo_core::cli::events::Output;
use ognivo_core::data::{self, ClassSubset, ImageOptions, ImageSet, ImageSplits, Subset, split_stratified};
use ognivo_core::dataset::{Store, TerminalProgress};
use ognivo_core::{Error, random};

use super::train::ClassifierConfig;
use crate::Result;

/// The split of training pictures is the same for every seed of training, so that runs can be compared.
const SPLIT_SEED: u64 = 0;
/// The part held out for testing where the data has no test part.
const TEST_FRACTION: f64 = 0.15;

/// The pictures of a run.
#[derive(Clone)]
pub struct Splits {
    /// To learn from.
    pub train: Arc<dyn ImageSet>,
    /// To choose the best epoch by.
    pub valid: Option<Arc<dyn ImageSet>>,
    /// To measure the result on, once.
    pub test: Arc<dyn ImageSet>,
    /// What was passed over or decided on the way, for the user.
    pub notes: Vec<String>,
}

/// The pictures of a run, opened and divided as its configuration says.
pub fn open(config: &ClassifierConfig, output: &Output) -> Result<Splits> {
    split(open_source(&config.data, &config.image_options(), output)?, config)
}

/// The data set `source`: the digits that ship, a path, or a name of the index (fetched when it is not on this machine).
pub fn open_source(source: &str, options: &ImageOptions, output: &Output) -> Result<ImageSplits> {
    let path = Path::new(source);
    if path.exists() {
        return Ok(data::open_images(path, options)?);
    }
    if source == "digits" {
        return Ok(data::digits()?);
    }
    if source.contains(['/', '\\', '.']) {
        return Err(Error::Data(format!("{source}: no such file or folder")).into());
    }
    let store = Store::from_environment()?;
    let mut progress = TerminalProgress::new(output);
    let folder = store.locate(source, &mut |step| progress.show(step))?;
    let classes = options.classes.clone().or_else(|| store.index().get(source).ok()?.classes.clone());
    Ok(data::open_images(&folder, &ImageOptions { classes, ..options.clone() })?)
}

/// Divides opened data as the configuration says.
pub fn split(opened: ImageSplits, config: &ClassifierConfig) -> Result<Splits> {
    let mut notes = opened.warnings;
    let of_classes = |set: Arc<dyn ImageSet>| -> Result<Arc<dyn ImageSet>> {
        Ok(match &config.classes {
            Some(classes) => Arc::new(ClassSubset::new(set, classes)?),
            None => set,
        })
    };
    let mut train = of_classes(opened.train)?;
    let mut valid = opened.valid.map(of_classes).transpose()?;
    let mut test = opened.test.map(of_classes).transpose()?;
    if test.is_none() {
        let (rest, held_out) = split_stratified(&train, TEST_FRACTION, SPLIT_SEED)?;
        notes.push(format!(
            "the data has no test part: {} of {} pictures are held out as one",
            held_out.len(),
            train.len()
        ));
        (train, test) = (Arc::new(rest), Some(Arc::new(held_out) as Arc<dyn ImageSet>));
    }
    if let Some(limit) = config.limit.filter(|&limit| limit < train.len()) {
        let fraction = limit as f64 / train.len() as f64;
        train = Arc::new(split_stratified(&train, fraction, SPLIT_SEED)?.1);
    }
    if valid.is_none() && config.valid_fraction > 0.0 {
        let (rest, held_out) = split_stratified(&train, config.valid_fraction, SPLIT_SEED)?;
        (train, valid) = (Arc::new(rest), Some(Arc::new(held_out) as Arc<dyn ImageSet>));
    }
    let Some(test) = test.filter(|test| !test.is_empty()) else {
        return Err(Error::Data(format!("{}: no picture is left to test on", config.data)).into());
    };
    if train.is_empty() {
        return Err(Error::Data(format!("{}: no picture is left to train on", config.data)).into());
    }
    Ok(Splits { train, valid, test, notes })
}

/// `count` pictures drawn from a set, the same for the same seed.
pub fn sample(set: &Arc<dyn ImageSet>, count: usize, seed: u64) -> Result<Subset> {
    let mut indices = random::permutation(seed, 0, set.len());
    indices.truncate(count);
    Ok(Subset::new(set.clone(), indices)?)
}

/// The share of `test` that always guessing the most frequent class of `train` gets right.
pub fn majority_share(train: &dyn ImageSet, test: &dyn ImageSet) -> f64 {
    let mut counts = vec![0usize; train.classes().len()];
    (0..train.len()).for_each(|index| counts[train.label(index)] += 1);
    let majority = (0..counts.len()).fold(0, |best, class| if counts[class] > counts[best] { class } else { best });
    (0..test.len()).filter(|&index| test.label(index) == majority).count() as f64 / test.len() as f64
}
