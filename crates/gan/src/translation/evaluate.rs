//! A trained generator, measured on pairs it has not seen.

use ognivo_core::data::Image;
use serde::Serialize;

use super::pairs::Pairs;
use super::translator::{Translator, distance, translate};
use crate::Result;
use crate::images::data::to_images;
use crate::images::shape::PictureShape;
use crate::measure::classifier::{Classifier, describe};
use crate::measure::{FeatureMeasures, Measures};

/// Pairs that the report shows.
const SHOWN: usize = 24;

/// What a generator reaches.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Pairs.
    pub count: usize,
    /// The mean absolute difference between what was made and what it was to be, on values from 0 to 1.
    pub l1: f64,
    /// The same of the mean of the pictures that were learnt from, whatever is given.
    pub l1_of_mean: f64,
    /// How steep the pictures that were made are, as a share of those they were to be: below 1 they are blurred.
    pub sharpness: f64,
    /// Sliced Wasserstein distance between the two sets, on pixels.
    pub sliced_wasserstein: f64,
    /// Distances between the two sets in the classifier's features; `None` without one.
    pub features: Option<FeatureMeasures>,
    /// What the classifier made of the pictures.
    pub recognised: Option<Recognised>,
    /// The first pictures that were made.
    #[serde(skip)]
    pub made: Vec<Image>,
}

/// Shares of pictures that a classifier, which has learnt from real ones, takes for what they are.
#[derive(Clone, Debug, Serialize)]
pub struct Recognised {
    /// Its network and the SHA-256 of its weights.
    pub classifier: (String, String),
    /// Of those that were made.
    pub made: f64,
    /// Of those they were to be.
    pub target: f64,
    /// Of those that were given, as they are.
    pub input: f64,
}

impl Evaluation {
    /// Measures on `unseen` pairs; `training` are those that were learnt from.
    ///
    /// # Errors
    /// A classifier with too many features.
    pub fn of(
        translator: &Translator,
        training: &Pairs,
        unseen: &Pairs,
        classifier: Option<&Classifier>,
    ) -> Result<Self> {
        let (shape, device) = (&translator.shape.target, &translator.device);
        let made = translate(&translator.generator, &unseen.input, unseen.len(), device);
        let target = unseen.target.values();
        let classifier = classifier.filter(|classifier| classifier.classes() == shape.classes);
        let [described, wanted] = [&made, &target].map(|values| describe(classifier, values, shape));
        let (described, wanted) = (described?, wanted?);
        let measures = Measures::of(&described, &wanted, shape.classes.len(), device)?;
        let right = |classes: &[usize]| {
            let right = classes.iter().zip(unseen.target.labels()).filter(|(found, label)| found == label).count();
            right as f64 / unseen.len() as f64
        };
        let recognised = classifier.map(|own| {
            let input = describe(classifier, &unseen.input.values(), &translator.shape.input())?;
            Ok::<_, crate::Error>(Recognised {
                classifier: (own.network().into(), own.sha256.clone()),
                made: right(&described.classes),
                target: right(&wanted.classes),
                input: right(&input.classes),
            })
        });
        let shown = SHOWN.min(unseen.len()) * shape.values();
        let mean = mean(training);
        let l1_of_mean = target.chunks_exact(mean.len()).map(|picture| distance(picture, &mean)).sum::<f64>();
        Ok(Self {
            count: unseen.len(),
            l1: distance(&made, &target),
            l1_of_mean: l1_of_mean / unseen.len() as f64,
            sharpness: steepness(&made, shape) / steepness(&target, shape).max(f64::MIN_POSITIVE),
            sliced_wasserstein: measures.sliced_wasserstein,
            features: measures.features,
            recognised: recognised.transpose()?,
            made: to_images(&made[..shown], shape)?,
        })
    }
}

/// The mean of the pictures that are to be made.
fn mean(pairs: &Pairs) -> Vec<f32> {
    let values = pairs.target.shape.values();
    let mut sums = vec![0f64; values];
    for index in 0..pairs.len() {
        let (picture, _) = pairs.target.batch(&[index]);
        let picture = picture.as_slice::<f32>().unwrap_or_default();
        sums.iter_mut().zip(picture).for_each(|(sum, value)| *sum += f64::from(*value));
    }
    sums.into_iter().map(|sum| (sum / pairs.len() as f64) as f32).collect()
}

/// The mean absolute difference of neighbouring pixels, across and down.
fn steepness(values: &[f32], shape: &PictureShape) -> f64 {
    let side = shape.side;
    let across =
        values.chunks_exact(side).flat_map(|row| row.windows(2)).map(|pair| f64::from((pair[1] - pair[0]).abs()));
    let down = values.chunks_exact(side * side).flat_map(|plane| plane.iter().zip(&plane[side..]));
    let down = down.map(|(above, below)| f64::from((below - above).abs()));
    across.sum::<f64>() + down.sum::<f64>()
}
