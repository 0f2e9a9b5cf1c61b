//! A trained generator, measured against real pictures.
//!
//! The reference is one half of the real pictures that the generator has not seen (the test part; where there is none, of the training
//! part), the floor is the other half measured against it, and what a generator would reach that repeats training pictures is shown beside:
//! so many of these, measured in the same way.

use burn::tensor::Device;
use ognivo_core::data::{Image, ImageSplits};
use ognivo_core::{Error, random};
use serde::Serialize;

use super::data::Pictures;
use super::mlp::MlpConfig;
use super::model::{Generator, Kind, Networks};
use super::sample::{Draw, Trained, generate};
use super::shape::PictureShape;
use crate::Result;
use crate::measure::classifier::{Classifier, describe};
use crate::measure::nearest::{median, nearest};
use crate::measure::{Described, Measures};

/// Samples whose nearest training picture is looked for.
const LOOKED_UP: usize = 1000;
/// Of these, those nearest to a training picture, for the report.
const SHOWN: usize = 8;
/// Pictures that the measures of a moment of training are computed with.
pub const MOMENT: usize = 1000;

/// What a generator reaches.
#[derive(Clone, Debug, Serialize)]
pub struct Evaluation {
    /// Generated pictures, and real ones in each half.
    pub count: usize,
    /// Whether the reference is a test part.
    pub unseen: bool,
    /// The classifier's network, the SHA-256 of its weights, and its accuracy on the test part; `None` without one.
    pub classifier: Option<(String, String, f64)>,
    /// Of generated pictures.
    pub generated: Measures,
    /// Of training pictures.
    pub training: Measures,
    /// Of the other half.
    pub floor: Measures,
    /// The Frechet distance of a fully connected generator that has learnt nothing.
    pub untrained_frechet: Option<f64>,
    /// The share of pictures that the classifier takes for the class that was asked for.
    pub conditional_accuracy: Option<f64>,
    /// The middle distance of generated pictures from the nearest training picture, and of pictures of the other half.
    pub nearest_training: [f64; 2],
    /// The generated pictures nearest to a training picture, that one, and their distance.
    #[serde(skip)]
    pub nearest_pairs: Vec<(Image, Image, f64)>,
    /// The names of the classifier's classes.
    pub classes: Vec<String>,
}

impl Evaluation {
    /// Measures with `count` generated pictures, or as many as there are real ones in a half. `training` are the generator's own pictures.
    ///
    /// # Errors
    /// Fewer than four real pictures; pictures that cannot be read; a classifier with too many features.
    pub fn of(
        trained: &Trained,
        training: &Pictures,
        splits: &ImageSplits,
        classifier: Option<&Classifier>,
        count: usize,
    ) -> Result<Self> {
        let (shape, device) = (&trained.networks.shape, &trained.device);
        let (real, unseen) = match &splits.test {
            Some(test) if test.len() >= 4 => (test, true),
            _ => (&splits.train, false),
        };
        if real.len() < 4 {
            let message =
                format!("found {} pictures; expected at least 4 to measure with, two in each half", real.len());
            return Err(Error::Data(message).into());
        }
        let count = count.clamp(2, real.len() / 2);
        let order = random::permutation(0, 0, real.len());
        let half = |from: usize| {
            let pictures = Pictures::read_some(&**real, order[from..from + count].iter().copied(), shape)?;
            describe(classifier, &pictures.values(), shape)
        };
        let (reference, other) = (half(0)?, half(count)?);
        let classes = classifier.map_or(Vec::new(), |classifier| classifier.classes().to_vec());
        let measures = |pictures: &Described| Measures::of(pictures, &reference, classes.len(), device);

        let draw = Draw { count, seed: trained.config.seed, class: None, truncation: None };
        let (values, asked) = trained.generate(&draw)?;
        let generated = describe(classifier, &values, shape)?;
        let conditional_accuracy = (!asked.is_empty() && classes == shape.classes).then(|| {
            let right = asked.iter().zip(&generated.classes).filter(|(asked, found)| asked == found).count();
            right as f64 / asked.len() as f64
        });
        let seen = random::permutation(1, 0, training.len());
        let seen = describe(classifier, &training.select(&seen[..count.min(seen.len())]).values(), shape)?;
        let untrained = describe(classifier, &untrained(shape, count, device)?, shape)?;

        let looked_up = generated.pixels.first(LOOKED_UP);
        let found = nearest(&looked_up, training, device);
        let floor = nearest(&other.pixels.first(LOOKED_UP), training, device);
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by(|&a, &b| found[a].1.total_cmp(&found[b].1));
        let images = super::data::to_images(&values[..looked_up.len() * shape.values()], shape)?;
        let pair = |&index: &usize| Ok((images[index].clone(), training.image(found[index].0)?, found[index].1));
        Ok(Self {
            count,
            unseen,
            classifier: classifier
                .map(|own| Ok::<_, crate::Error>((own.network().into(), own.sha256.clone(), own.accuracy(splits)?)))
                .transpose()?,
            generated: measures(&generated)?,
            training: measures(&seen)?,
            floor: measures(&other)?,
            untrained_frechet: measures(&untrained)?.features.map(|features| features.frechet),
            conditional_accuracy,
            nearest_training: [median(&found), median(&floor)],
            nearest_pairs: order.iter().take(SHOWN).map(pair).collect::<Result<_>>()?,
            classes,
        })
    }
}

/// Pictures of a fully connected generator as it is before training.
fn untrained(shape: &PictureShape, count: usize, device: &Device) -> Result<Vec<f32>> {
    let networks = Networks { kind: Kind::Mlp(MlpConfig::default()), shape: shape.clone() };
    device.seed(0);
    let generator = networks.generator(device)?;
    Ok(generate(&networks, &generator, &Draw { count, seed: 0, class: None, truncation: None }, device)?.0)
}

/// What training is watched by: some of its own pictures, described once.
#[derive(Debug)]
pub struct Watch {
    classifier: Classifier,
    reference: Described,
}

impl Watch {
    /// With up to 1 000 of the training pictures.
    ///
    /// # Errors
    /// A classifier with too many features.
    pub fn new(classifier: Classifier, training: &Pictures) -> Result<Self> {
        let order = random::permutation(0, 0, training.len());
        let some = training.select(&order[..MOMENT.min(order.len())]);
        let reference = describe(Some(&classifier), &some.values(), &training.shape)?;
        Ok(Self { classifier, reference })
    }

    /// The classifier back.
    pub fn into_classifier(self) -> Classifier {
        self.classifier
    }

    /// The measures of a moment.
    ///
    /// # Errors
    /// None for a generator of these networks.
    pub fn look(
        &self,
        networks: &Networks,
        generator: &Generator,
        seed: u64,
        device: &Device,
    ) -> Result<Vec<(&'static str, f64)>> {
        let draw = Draw { count: MOMENT, seed, class: None, truncation: None };
        let (values, _) = generate(networks, generator, &draw, device)?;
        let described = describe(Some(&self.classifier), &values, &networks.shape)?;
        let measures = Measures::of(&described, &self.reference, self.classifier.classes().len(), device)?;
        let mut figures = vec![("sliced_wasserstein", measures.sliced_wasserstein)];
        if let Some(features) = measures.features {
            figures.push(("frechet", features.frechet));
            figures.push(("precision", features.precision));
            figures.push(("recall", features.recall));
            figures.push(("coverage_classes", features.classes.covered as f64));
        }
        Ok(figures)
    }
}
