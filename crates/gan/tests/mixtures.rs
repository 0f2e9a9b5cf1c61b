//! The exactly known game: the discriminator against fixed generators, and training as a whole.

use burn::tensor::{Device, Tensor};
use ognivo_core::cli::events::Output;
use ognivo_core::random::stream;
use ognivo_core::run::{MODEL, RunDirectory};
use ognivo_core::weights;
use ognivo_gan::config::AdversarialConfig;
use ognivo_gan::game::{Game, Moment, Real};
use ognivo_gan::mixture::game::MixtureGame;
use ognivo_gan::mixture::measure::opinions;
use ognivo_gan::mixture::model::{Discriminator, Generator, MixtureConfig};
use ognivo_gan::mixture::settle::settle;
use ognivo_gan::mixture::target::Mixture;
use ognivo_gan::objective::Objective;
use ognivo_gan::recipe;
use ognivo_gan::train::{Outcome, Stopped, Training};

const QUIET: Output = Output { json: false, quiet: true };

/// Against a generator whose density is known the discriminator must come to p / (p + q), and the game to its value.
#[test]
fn the_discriminator_comes_to_the_known_optimum() {
    let device = Device::default().autodiff();
    let real = Mixture { centres: vec![vec![-1.0], vec![1.0]], deviation: 0.5 };
    let fake = Mixture { centres: vec![vec![0.5]], deviation: 0.9 };
    let config = MixtureConfig { hidden: 32, layers: 2, ..MixtureConfig::default() };
    for (objective, smoothing) in
        [(Objective::Minimax, 0.0), (Objective::NonSaturating, 0.1), (Objective::LeastSquares, 0.0)]
    {
        let start = config.discriminator(1, &device).unwrap();
        let batch = |step: u64| {
            let mut rng = stream(9, &[step]);
            let items = |mixture: &Mixture, rng: &mut _| Tensor::<2>::from_data(mixture.sample(512, rng), &device);
            (items(&real, &mut rng), items(&fake, &mut rng))
        };
        let settled = settle(start, &objective, smoothing, 600, 5e-3, batch).unwrap();
        let places: Vec<Vec<f64>> = (0..=40).map(|index| vec![-2.0 + 0.1 * f64::from(index)]).collect();
        let found = opinions(&settled, &places, &objective, &Device::default());
        let errors: Vec<f64> = places
            .iter()
            .zip(found)
            .map(|(x, found)| (found - objective.optimum(real.density(x), fake.density(x), smoothing).unwrap()).abs())
            .collect();
        let worst = errors.iter().copied().fold(0.0, f64::max);
        assert!(worst < 0.05, "{objective:?}: {worst}, {errors:?}");
    }
}

/// Settings for a few hundred steps on a small game.
fn small() -> (MixtureConfig, AdversarialConfig) {
    let config = MixtureConfig { hidden: 32, layers: 2, latent: 1, ..MixtureConfig::default() };
    let fit = AdversarialConfig {
        epochs: 8,
        batch_size: 64,
        learning_rate: 2e-3,
        generator_learning_rate: Some(1e-3),
        instance_noise: 0.5,
        average: 0.98,
        ..recipe::mixture("line").fit
    };
    (config, fit)
}

fn game(fit: &AdversarialConfig, config: &MixtureConfig, seed: u64) -> MixtureGame {
    let mixture = Mixture::named("line", config.deviation).unwrap();
    MixtureGame { mixture, config: config.clone(), fit: fit.clone(), seed, device: Device::default() }
}

fn train<const D: usize>(
    game: &mut impl Game<D>,
    fit: &AdversarialConfig,
    run: &RunDirectory,
) -> ognivo_gan::Result<Outcome> {
    let device = Device::default().autodiff();
    Training { config: fit, seed: 5, device: &device, run, output: &QUIET }.run(game)
}

#[test]
fn three_modes_on_a_line_are_found() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(folder.path().join("r")).unwrap();
    let (config, fit) = small();
    let mut game = game(&fit, &config, 5);
    let outcome = train(&mut game, &fit, &run).unwrap();
    assert_eq!((outcome.stopped, outcome.steps), (Stopped::Finished, 800));
    let (generator, discriminator) = ognivo_gan::mixture::game::open(&game, &run).unwrap();
    let summary = game.summarise(&generator, &discriminator).unwrap();
    assert_eq!(summary.coverage.covered, 3);
    assert!(summary.coverage.within_3_sigma > 0.9, "{:?}", summary.coverage);
    let [_, settled] = summary.distances.unwrap();
    assert!(settled.mean < 0.12, "{settled:?}");
    // The density is exact here: it sums to one, and the value is the integral of p ln(p/(p+q)) + q ln(q/(p+q)).
    let step = summary.slice[1][0] - summary.slice[0][0];
    let sum: f64 = summary.slice.iter().map(|row| row[2] * step).sum();
    assert!((sum - 1.0).abs() < 0.05, "{sum}");
    let term = |a: f64, b: f64| if a > 0.0 { a * (a / (a + b)).ln() } else { 0.0 };
    let best: f64 = summary.slice.iter().map(|row| (term(row[1], row[2]) + term(row[2], row[1])) * step).sum();
    assert!(best > -2.0 * 2f64.ln() - 0.01, "{best}");
    assert!((summary.value.unwrap() - best).abs() < 0.1, "{:?} {best}", summary.value);
}

#[test]
fn every_objective_trains_and_clipping_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (config, mut fit) = small();
    fit.epochs = 1;
    for (number, objective) in [
        Objective::Minimax,
        Objective::LeastSquares,
        Objective::Hinge,
        Objective::WassersteinClipped { clip: 0.05 },
        Objective::WassersteinLipschitz { weight: 10.0 },
    ]
    .into_iter()
    .enumerate()
    {
        fit.objective = objective.clone();
        fit.discriminator_steps = 1 + number as u64 % 2;
        let run = RunDirectory::create(folder.path().join(number.to_string())).unwrap();
        let mut game = game(&fit, &MixtureConfig { spectral_norm: number == 2, ..config.clone() }, 5);
        assert_eq!(train(&mut game, &fit, &run).unwrap().steps, 100, "{objective:?}");
        let (tensors, _) = weights::read(&run.file(MODEL)).unwrap();
        let weights = tensors.iter().filter(|(name, _)| name.starts_with("discriminator."));
        let largest =
            weights.flat_map(|(_, data)| data.as_slice::<f32>().unwrap().to_vec()).map(f32::abs).fold(0.0, f32::max);
        assert_eq!(
            largest <= 0.05,
            matches!(objective, Objective::WassersteinClipped { .. }),
            "{objective:?}: {largest}"
        );
    }
}

/// A game whose real items are whatever is asked for.
struct Broken {
    game: MixtureGame,
    spoil: fn(u64) -> Option<f32>,
    /// The player whose answers are no numbers.
    broken: Option<&'static str>,
}

impl Game<2> for Broken {
    type Generator = Generator;
    type Discriminator = Discriminator;

    fn generator(&self, device: &Device) -> ognivo_gan::Result<Generator> {
        self.game.generator(device)
    }

    fn discriminator(&self, device: &Device) -> ognivo_gan::Result<Discriminator> {
        self.game.discriminator(device)
    }

    fn latent(&self) -> usize {
        self.game.latent()
    }

    fn real(&mut self, number: u64) -> ognivo_gan::Result<Real> {
        let mut real = self.game.real(number)?;
        if let Some(value) = (self.spoil)(number).filter(|_| self.broken.is_none()) {
            real.items.as_mut_slice::<f32>().unwrap().fill(value);
        }
        Ok(real)
    }

    fn batches(&self) -> u64 {
        self.game.batches()
    }

    fn generate(&self, generator: &Generator, noise: Tensor<2>, labels: &[usize]) -> Tensor<2> {
        let items = self.game.generate(generator, noise, labels);
        if self.broken == Some("generator") { items * f32::NAN } else { items }
    }

    fn judge(&self, discriminator: &Discriminator, items: Tensor<2>, labels: &[usize]) -> Tensor<2> {
        let logits = self.game.judge(discriminator, items, labels);
        if self.broken == Some("discriminator") { logits * f32::NAN } else { logits }
    }

    fn observe(&mut self, moment: &Moment<Generator, Discriminator>) -> ognivo_gan::Result<Vec<(&'static str, f64)>> {
        self.game.observe(moment)
    }
}

#[test]
fn what_is_no_number_stops_the_run_and_says_whose_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (config, fit) = small();
    for (broken, expected) in [
        (None, "the loss of the discriminator in step 8 is NaN"),
        (Some("discriminator"), "the loss of the discriminator in step 1 is NaN"),
        (Some("generator"), "the output of the generator in step 1 is NaN"),
    ] {
        let run = RunDirectory::create(folder.path().join(broken.unwrap_or("data"))).unwrap();
        let spoil: fn(u64) -> Option<f32> = |number| (number == 7).then_some(f32::NAN);
        let mut game = Broken { game: game(&fit, &config, 5), spoil, broken };
        let said = train(&mut game, &fit, &run).unwrap_err().to_string();
        assert!(said.starts_with(expected), "{said}");
        assert!(said.contains("checkpoint/last.safetensors"), "{said}");
    }
}

#[test]
fn data_that_is_all_the_same_is_survived() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(folder.path().join("r")).unwrap();
    let (config, mut fit) = small();
    (fit.epochs, fit.batch_size, fit.collapse.after) = (1, 1, 0);
    let mut game = Broken { game: game(&fit, &config, 5), spoil: |_| Some(0.0), broken: None };
    assert_eq!(train(&mut game, &fit, &run).unwrap().alarms, 0);
}

/// A generator that learns far too fast for its discriminator jumps from point to point with all its samples.
#[test]
fn a_provoked_collapse_raises_an_alarm_and_can_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunDirectory::create(folder.path().join("r")).unwrap();
    let (config, mut fit) = small();
    fit.instance_noise = 0.0;
    (fit.learning_rate, fit.generator_learning_rate) = (1e-4, Some(2e-2));
    (fit.collapse.after, fit.collapse.every, fit.collapse.stop) = (100, 25, true);
    let mut game = game(&fit, &config, 5);
    let outcome = train(&mut game, &fit, &run).unwrap();
    assert_eq!((outcome.stopped, outcome.alarms), (Stopped::Collapsed, 1));
    assert_eq!(outcome.first_alarm, Some(outcome.steps));
    // It stays stopped.
    let again = train(&mut game, &fit, &run).unwrap();
    assert_eq!((again.stopped, again.steps), (Stopped::Collapsed, outcome.steps));
}
