//! Training on a mixture: real items are drawn anew at each step.

use std::fs;

use burn::tensor::{Device, Tensor};
use ognivo_core::Error;
use ognivo_core::data::picture;
use ognivo_core::random::{Rng, stream};
use ognivo_core::run::{MODEL, RunDirectory};
use ognivo_core::weights;
use serde::{Deserialize, Serialize};

use super::density::places;
use super::measure::{Coverage, Subject, opinions};
use super::model::{Discriminator, Generator, MixtureConfig};
use super::target::Mixture;
use super::{picture as drawing, settle};
use crate::config::AdversarialConfig;
use crate::game::{Game, Moment, Real};
use crate::noise::{self, FIXED, REAL};
use crate::{Result, train::files};

/// Steps that count as an epoch.
pub const STEPS: u64 = 100;
/// Moments of a run that are kept for its report.
const KEPT: u64 = 10;
/// The folder of a run in which they are.
pub const PROGRESS: &str = "progress";
/// Samples by which coverage is measured while training goes on.
const SAMPLES: usize = 2000;
/// Octaves of sines and cosines that the discriminator is given which settles against the finished generator.
const OCTAVES: usize = 6;
/// Its steps, batch and learning rate.
const SETTLE: (u64, usize, f64) = (3000, 512, 4e-3);

/// The game of a mixture.
pub struct MixtureGame {
    /// The mixture.
    pub mixture: Mixture,
    /// The networks.
    pub config: MixtureConfig,
    /// How it is played.
    pub fit: AdversarialConfig,
    /// The seed of the run.
    pub seed: u64,
    /// Where tensors live, without autodiff.
    pub device: Device,
}

/// What is kept of a moment in one dimension: `[x, p, q, D]` along the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curves(pub Vec<[f64; 4]>);

/// A finished run, measured.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Of 10 000 samples.
    pub coverage: Coverage,
    /// How far the discriminator is from the best one as training left it, and how far a new one that has settled; `None` where the objective has no
    /// best discriminator.
    pub distances: Option<[super::measure::Distance; 2]>,
    /// The value of the game for the settled discriminator, where its logits are log odds.
    pub value: Option<f64>,
    /// `[x, p, q, p / (p + q), D]` along a line through the first mode (in one dimension, through all), with the settled discriminator.
    pub slice: Vec<[f64; 5]>,
}

impl MixtureGame {
    fn subject<'a>(&'a self, generator: &'a Generator) -> Subject<'a> {
        Subject { mixture: &self.mixture, config: &self.config, generator, seed: self.seed, device: &self.device }
    }

    /// Measures what training has left.
    ///
    /// # Errors
    /// A discriminator that diverges while it settles.
    pub fn summarise(&self, generator: &Generator, discriminator: &Discriminator) -> Result<Summary> {
        let subject = self.subject(generator);
        let AdversarialConfig { objective, label_smoothing, .. } = &self.fit;
        let coverage = Coverage::of(&self.mixture, &subject.samples(10_000, 1));
        let (mut distances, mut value, mut slice) = (None, None, Vec::new());
        if objective.has_target() {
            let density = subject.density(100_000, 0.2);
            let settled = self.settled(&subject)?;
            let distance =
                |network: &Discriminator| subject.distance(network, &density, objective, *label_smoothing, 2000);
            distances = distance(discriminator).zip(distance(&settled)).map(|(left, settled)| [left, settled]);
            if objective.opinion(0.0) == 0.5 {
                value = Some(subject.value(&settled, 10_000));
            }
            let target = density.target(&self.mixture);
            let line = self.line();
            let found = opinions(&settled, &line, objective, &self.device);
            slice = line
                .iter()
                .zip(found)
                .filter_map(|(x, found)| {
                    let (p, q) = (target.density(x), density.at(x));
                    Some([*x.first()?, p, q, objective.optimum(p, q, *label_smoothing)?, found])
                })
                .collect();
        }
        Ok(Summary { coverage, distances, value, slice })
    }

    /// A new discriminator, with sines and cosines of the coordinates, after [`SETTLE`] steps against the generator as it is.
    fn settled(&self, subject: &Subject) -> Result<Discriminator> {
        let (steps, batch, rate) = SETTLE;
        let device = self.device.clone().autodiff();
        let AdversarialConfig { objective, label_smoothing, .. } = &self.fit;
        let config = MixtureConfig { frequencies: OCTAVES.max(self.config.frequencies), ..self.config.clone() };
        device.seed(stream(self.seed, &[FIXED]).next_u64());
        let start = config.discriminator(self.mixture.dimensions(), &device)?;
        settle::settle(start, objective, *label_smoothing, steps, rate, |step| {
            let real = self.mixture.sample(batch, &mut stream(self.seed, &[REAL, u64::MAX, step]));
            let noise = noise::normal([batch, self.config.latent], self.seed, &[FIXED, step], &self.device);
            let fake = subject.generator.forward(noise);
            (Tensor::from_data(real, &device), fake.autodiff())
        })
    }

    /// Places along the first axis: through all of a line, else from side to side of the first mode.
    fn line(&self) -> Vec<Vec<f64>> {
        const PLACES: i32 = 240;
        let along = (0..=PLACES).map(|index| 2.0 * f64::from(index) / f64::from(PLACES) - 1.0);
        match (self.mixture.dimensions(), self.mixture.centres.first()) {
            (2, Some(centre)) => {
                let side = 6.0 * self.mixture.deviation;
                along.map(|share| vec![centre[0] + share * side, centre[1]]).collect()
            }
            _ => along.map(|share| vec![share * self.mixture.extent()]).collect(),
        }
    }

    /// Keeps the moment in a file of the run: a picture in two dimensions, the curves in one.
    fn keep(&self, moment: &Moment<Generator, Discriminator>) -> Result<()> {
        let folder = moment.run.file(PROGRESS);
        fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
        let subject = self.subject(moment.generator);
        let name = format!("{PROGRESS}/epoch-{:05}", moment.epoch + 1);
        if self.mixture.dimensions() == 2 {
            let real = places(&self.mixture, 1000, self.seed);
            let fake = subject.samples(1000, 4);
            let judge = |points: &[Vec<f64>]| opinions(moment.discriminator, points, &self.fit.objective, &self.device);
            let image = drawing::draw(&self.mixture, &real, &fake, judge)?;
            return Ok(picture::write_png(&moment.run.file(&format!("{name}.png")), &image)?);
        }
        let line = self.line();
        let found = opinions(moment.discriminator, &line, &self.fit.objective, &self.device);
        let density = subject.density(20_000, 0.3);
        let curves = line.iter().zip(found);
        let curves = curves.map(|(x, found)| [x[0], self.mixture.density(x), density.at(x), found]).collect();
        Ok(moment.run.write_json(&format!("{name}.json"), &Curves(curves))?)
    }
}

impl Game<2> for MixtureGame {
    type Generator = Generator;
    type Discriminator = Discriminator;

    fn generator(&self, device: &Device) -> Result<Generator> {
        self.config.generator(self.mixture.dimensions(), device)
    }

    fn discriminator(&self, device: &Device) -> Result<Discriminator> {
        self.config.discriminator(self.mixture.dimensions(), device)
    }

    fn latent(&self) -> usize {
        self.config.latent
    }

    fn real(&mut self, number: u64) -> Result<Real> {
        let items = self.mixture.sample(self.fit.batch_size, &mut stream(self.seed, &[REAL, number]));
        Ok(Real { items, labels: Vec::new() })
    }

    fn batches(&self) -> u64 {
        STEPS * self.fit.discriminator_steps
    }

    fn generate(&self, generator: &Generator, noise: Tensor<2>, _: &[usize]) -> Tensor<2> {
        generator.forward(noise)
    }

    fn judge(&self, discriminator: &Discriminator, items: Tensor<2>, _: &[usize]) -> Tensor<2> {
        discriminator.forward(items)
    }

    fn observe(&mut self, moment: &Moment<Generator, Discriminator>) -> Result<Vec<(&'static str, f64)>> {
        let subject = self.subject(moment.generator);
        let coverage = Coverage::of(&self.mixture, &subject.samples(SAMPLES, 5));
        let every = moment.epochs.div_ceil(KEPT).max(1);
        let mut figures = vec![("modes_covered", coverage.covered as f64), ("within_3_sigma", coverage.within_3_sigma)];
        if moment.epoch == 0 || (moment.epoch + 1).is_multiple_of(every) || moment.epoch + 1 == moment.epochs {
            self.keep(moment)?;
        }
        let AdversarialConfig { objective, label_smoothing, .. } = &self.fit;
        if objective.has_target() {
            let density = subject.density(20_000, 0.3);
            let distance = subject.distance(moment.discriminator, &density, objective, *label_smoothing, 500);
            figures.extend(distance.map(|distance| ("discriminator_error", distance.mean)));
        }
        Ok(figures)
    }
}

/// Both networks from the weights of a finished run, on a plain device.
///
/// # Errors
/// A file that is damaged or of another network.
pub fn open(game: &MixtureGame, run: &RunDirectory) -> Result<(Generator, Discriminator)> {
    let path = run.file(MODEL);
    let (mut tensors, _) = weights::read(&path)?;
    let generator = files::part(&mut tensors, files::GENERATOR);
    let discriminator = files::part(&mut tensors, files::DISCRIMINATOR);
    Ok((
        weights::load_into(game.generator(&game.device)?, generator, &path)?,
        weights::load_into(game.discriminator(&game.device)?, discriminator, &path)?,
    ))
}
