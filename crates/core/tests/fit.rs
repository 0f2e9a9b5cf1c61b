//! The training loop on the smallest of tasks: a straight line through points.
#![cfg(feature = "flex")]

use std::cell::{Cell, RefCell};
use std::fs;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use ognivo_core::cli::events::Output;
use ognivo_core::run::{CHECKPOINT, MODEL, RunDirectory};
use ognivo_core::train::checkpoint::Checkpoint;
use ognivo_core::train::fit::{Best, Fit, FitConfig, Learner, Outcome, Step, Stopped, Validation};
use ognivo_core::train::loader::{Batcher, Loader, Position};
use ognivo_core::train::metrics_log::read_metrics;
use ognivo_core::train::optimizer::OptimizerConfig;
use ognivo_core::train::recorder::Recorder;
use ognivo_core::train::schedule::ScheduleConfig;
use ognivo_core::weights::{self, NamedTensors};
use ognivo_core::{Error, Result};

const ITEMS: usize = 60;
const BATCH: usize = 8;
/// The last batch of an epoch holds 4 items.
const BATCHES: u64 = 8;
const EPOCHS: u64 = 5;

#[derive(Module, Debug)]
struct Line {
    layer: Linear,
}

impl Line {
    fn new(outputs: usize) -> Self {
        let device = Device::flex().autodiff();
        device.seed(1);
        Self { layer: LinearConfig::new(1, outputs).init(&device) }
    }

    /// Mean squared distance from `y = 2 x - 1`.
    fn loss(&self, x: Tensor<2>) -> Tensor<1> {
        (self.layer.forward(x.clone()) - (x * 2.0 - 1.0)).square().mean()
    }
}

/// Points from -1 to 1.
struct Points {
    items: usize,
}

impl Batcher for Points {
    type Batch = Vec<f32>;

    fn items(&self) -> usize {
        self.items
    }

    fn batch(&self, indices: &[usize], _: Position) -> Result<Vec<f32>> {
        Ok(indices.iter().map(|&index| 2.0 * index as f32 / ITEMS as f32 - 1.0).collect())
    }
}

/// Learns the line, and can be told to go wrong.
#[derive(Default)]
struct Task {
    /// Scores to tell, epoch by epoch; without, the loss with its sign changed.
    scores: Option<Vec<f64>>,
    without_validation: bool,
    /// The step of this run, from 1, that fails.
    fails_at: Option<u64>,
    /// The step whose loss is not a number.
    nan_at: Option<u64>,
    /// Instead of no number, a large one.
    large: bool,
    steps: Cell<u64>,
    /// Carried from batch to batch: what the last batch leaves in the next one's points.
    trace: Cell<f32>,
    /// Loss and items of each step.
    losses: RefCell<Vec<(f64, usize)>>,
    /// Weights at the end of each epoch.
    seen: RefCell<Vec<NamedTensors>>,
}

impl Learner for &Task {
    type Model = Line;
    type Batcher = Points;

    fn step(&mut self, model: &Line, batch: Vec<f32>) -> Result<Step> {
        self.steps.set(self.steps.get() + 1);
        let now = Some(self.steps.get());
        if now == self.fails_at {
            return Err(Error::Data("stopped on purpose".into()));
        }
        let items = batch.len();
        let device = model.layer.weight.val().device();
        let last = self.trace.replace(0.5 * self.trace.get() + batch[0]);
        let x = Tensor::from_data(TensorData::new(batch, [items, 1]), &device) + 0.01 * last;
        // Noise stands for dropout: a resumed run must draw the same.
        let noise = Tensor::random([items, 1], Distribution::Normal(0.0, 0.01), &device);
        let loss = model.loss(x + noise)
            * match now == self.nan_at {
                true if self.large => 1e6,
                true => f64::NAN,
                false => 1.0,
            };
        self.losses.borrow_mut().push((loss.clone().into_scalar::<f32>().into(), items));
        let root = loss.clone().detach().inner().sqrt();
        Ok(Step { loss, figures: vec![("distance", root)], items })
    }

    fn validate(&self, model: &Line) -> Result<Option<Validation>> {
        let epoch = self.seen.borrow().len();
        self.seen.borrow_mut().push(weights::tensors_of(model));
        if self.without_validation {
            return Ok(None);
        }
        let device = model.layer.weight.val().device();
        assert!(!device.is_autodiff(), "validation is done on a plain device");
        let x = Tensor::from_data([[-0.5f32], [0.25], [0.75]], &device);
        let loss = f64::from(model.loss(x).into_scalar::<f32>());
        let score = self.scores.as_ref().map_or(-loss, |scores| scores[epoch]);
        Ok(Some(Validation { score, figures: vec![("loss", loss)] }))
    }

    fn diverged_above(&self) -> f64 {
        1e5
    }

    fn carried(&self) -> NamedTensors {
        NamedTensors::from([("trace".into(), TensorData::from([self.trace.get()]))])
    }

    fn carry(&mut self, _: &Line, mut carried: NamedTensors, source: &Path) -> Result<()> {
        let trace = carried.remove("trace").and_then(|trace| trace.try_into_vec::<f32>().ok());
        let missing = || Error::format(source, "carried tensor trace", "nothing", "one number");
        self.trace.set(*trace.ok_or_else(missing)?.first().ok_or_else(missing)?);
        Ok(())
    }
}

fn settings() -> FitConfig {
    FitConfig {
        epochs: EPOCHS,
        batch_size: BATCH,
        learning_rate: 0.03,
        optimizer: OptimizerConfig::default(),
        schedule: ScheduleConfig::default(),
        clip_norm: Some(1.0),
        clip_value: None,
        patience: None,
        checkpoint_seconds: 1e9,
    }
}

fn with_a_checkpoint_every_step() -> FitConfig {
    FitConfig { checkpoint_seconds: 0.0, ..settings() }
}

fn fit(folder: &Path, config: &FitConfig, task: &Task) -> Result<Outcome> {
    fit_line(folder, config, task, 1, ITEMS)
}

/// Trains a line with so many outputs on so many items.
fn fit_line(folder: &Path, config: &FitConfig, task: &Task, outputs: usize, items: usize) -> Result<Outcome> {
    let _alone = alone();
    let model = Line::new(outputs);
    fs::create_dir_all(folder.join("checkpoint")).unwrap();
    fs::write(folder.join("config.json"), "{}").unwrap();
    let run = RunDirectory::open(folder)?;
    let output = Output { json: false, quiet: true };
    let device = Device::flex().autodiff();
    let fit = Fit { config, seed: 3, device: &device, run: &run, output: &output };
    fit.run(&mut { task }, model, &Loader::new(Points { items }, config.batch_size, 2).shuffled(3))
}

/// Tests of one program run side by side, but the device has one generator, which a run seeds at every step and a network draws from.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The weights that training begins with.
fn initial() -> NamedTensors {
    let _alone = alone();
    weights::tensors_of(&Line::new(1))
}

fn model_file(folder: &Path) -> NamedTensors {
    weights::read(&folder.join(MODEL)).unwrap().0
}

fn last_checkpoint(folder: &Path) -> Checkpoint {
    Checkpoint::read(&folder.join(CHECKPOINT)).unwrap()
}

/// What must not depend on interruptions. (The time that a run took does.)
fn results(folder: &Path) -> (Vec<u8>, Vec<u8>, Checkpoint) {
    let mut checkpoint = last_checkpoint(folder);
    checkpoint.state["seconds"].take();
    let read = |name: &str| fs::read(folder.join(name)).unwrap();
    (read(MODEL), read(Recorder::FILE), checkpoint)
}

#[test]
fn it_learns_and_records() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::default();
    let outcome = fit(folder.path(), &FitConfig { epochs: 20, ..settings() }, &task).unwrap();
    assert_eq!((outcome.stopped, outcome.steps), (Stopped::Finished, 20 * BATCHES));
    assert!(outcome.items_per_second > 0.0 && outcome.seconds > 0.0);
    let weights = model_file(folder.path());
    let number = |name: &str| weights[name].as_slice::<f32>().unwrap()[0];
    assert!((number("layer.weight") - 2.0).abs() < 0.1 && (number("layer.bias") + 1.0).abs() < 0.1, "{weights:?}");

    let records = read_metrics(folder.path().join(Recorder::FILE)).unwrap();
    let epochs: Vec<_> = records.iter().filter(|record| record.value("valid/loss").is_some()).collect();
    assert_eq!(epochs.len(), 20);
    assert_eq!((epochs[1].step, epochs[1].epoch), (2 * BATCHES, 1));
    assert!(epochs[0].value("train/loss").unwrap() > 10.0 * epochs[19].value("train/loss").unwrap());
    assert!(epochs[0].value("train/distance").is_some());
    assert_eq!(records.iter().filter(|r| r.value("step/learning_rate") == Some(0.03)).count() as u64, 20 * BATCHES);
}

/// The mean over an epoch counts items, not batches: the last batch is smaller.
#[test]
fn means_are_weighted_by_items() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::default();
    fit(folder.path(), &FitConfig { epochs: 1, ..settings() }, &task).unwrap();
    let losses = task.losses.borrow();
    let mean = losses.iter().map(|(loss, items)| loss * *items as f64).sum::<f64>() / ITEMS as f64;
    let of_batches = losses.iter().map(|(loss, _)| loss).sum::<f64>() / BATCHES as f64;
    let records = read_metrics(folder.path().join(Recorder::FILE)).unwrap();
    let recorded = records.last().unwrap().value("train/loss").unwrap();
    assert!((recorded - mean).abs() < 1e-9, "{recorded} {mean}");
    assert!((recorded - of_batches).abs() > 1e-6, "else this test could not fail");
}

#[test]
fn a_run_that_was_stopped_ends_with_the_same_bytes() {
    let whole = tempfile::tempdir().unwrap();
    let outcome = fit(whole.path(), &settings(), &Task::default()).unwrap();
    let expected = results(whole.path());
    assert_ne!(expected.2.carried["trace"], TensorData::from([0f32]));
    // Before the first step and the last of an epoch, between two epochs, in the middle of one.
    for stop in [1, BATCHES, BATCHES + 1, 3 * BATCHES + 5] {
        // A checkpoint after every step, or none but the first: then what was logged since is taken back.
        for checkpoint_seconds in [0.0, 1e9] {
            let folder = tempfile::tempdir().unwrap();
            let config = FitConfig { checkpoint_seconds, ..settings() };
            let stopped = Task { fails_at: Some(stop), ..Task::default() };
            assert!(fit(folder.path(), &config, &stopped).unwrap_err().to_string().contains("on purpose"));
            let done = last_checkpoint(folder.path()).state["step"].as_u64().unwrap();
            assert_eq!(done, if checkpoint_seconds == 0.0 { stop - 1 } else { 0 });
            let rest = Task::default();
            let resumed = fit(folder.path(), &config, &rest).unwrap();
            assert_eq!(rest.steps.get(), EPOCHS * BATCHES - done, "no step is made twice");
            assert_eq!((resumed.steps, resumed.best), (outcome.steps, outcome.best));
            assert!(results(folder.path()) == expected, "stopped at step {stop}, {checkpoint_seconds} s");
        }
    }
}

#[test]
fn more_epochs_go_on_from_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let outcome = fit(folder.path(), &settings(), &Task::default()).unwrap();
    let again = Task::default();
    let nothing = fit(folder.path(), &settings(), &again).unwrap();
    assert_eq!((again.steps.get(), nothing.stopped, nothing.best), (0, Stopped::Finished, outcome.best));
    assert_eq!(nothing.items_per_second, 0.0);
    let more = Task::default();
    fit(folder.path(), &FitConfig { epochs: EPOCHS + 1, ..settings() }, &more).unwrap();
    assert_eq!(more.steps.get(), BATCHES);
}

#[test]
fn the_best_epochs_weights_are_kept() {
    for (scores, best) in [
        ([0.1, 0.9, 0.3, 0.2, 0.8], Best { epoch: 1, score: 0.9, reached: 1 }),
        ([0.9, 0.1, 0.1, 0.1, 0.1], Best { epoch: 0, score: 0.9, reached: 0 }),
        ([-3.0, -2.0, -2.0, -2.5, -1.0], Best { epoch: 4, score: -1.0, reached: 4 }),
        // Of equally good epochs the last.
        ([0.1, 0.5, 0.5, 0.4, 0.5], Best { epoch: 4, score: 0.5, reached: 1 }),
    ] {
        // The weights of the best epoch also outlive the checkpoints that follow, and are there when only the last is written.
        for checkpoint_seconds in [0.0, 1e9] {
            let folder = tempfile::tempdir().unwrap();
            let task = Task { scores: Some(scores.to_vec()), ..Task::default() };
            let outcome = fit(folder.path(), &FitConfig { checkpoint_seconds, ..settings() }, &task).unwrap();
            assert_eq!(outcome.best, Some(best));
            let seen = task.seen.borrow();
            assert_eq!(model_file(folder.path()), seen[best.epoch as usize]);
            assert_ne!(seen[0], seen[1], "each epoch has weights of its own");
            assert_eq!(last_checkpoint(folder.path()).model, seen[4], "a checkpoint holds the last weights");
        }
    }
}

#[test]
fn patience_counts_from_the_first_of_the_best() {
    for (patience, epochs) in [(1, 3), (2, 4), (3, 5), (4, 8)] {
        let folder = tempfile::tempdir().unwrap();
        // The best score is reached in epoch 1; epoch 2 is as good and no better. With enough patience, epoch 5 is.
        let scores = vec![0.1, 0.5, 0.5, 0.4, 0.3, 0.6, 0.2, 0.1];
        let config = FitConfig { epochs: 8, patience: Some(patience), ..settings() };
        let task = Task { scores: Some(scores), ..Task::default() };
        let outcome = fit(folder.path(), &config, &task).unwrap();
        assert_eq!(outcome.steps, epochs * BATCHES, "patience {patience}");
        assert_eq!(outcome.stopped, if epochs < 8 { Stopped::Early } else { Stopped::Finished });
        let best = outcome.best.unwrap();
        assert_eq!((best.epoch, best.reached), if epochs < 8 { (2, 1) } else { (5, 5) });
        assert_eq!(model_file(folder.path()), task.seen.borrow()[best.epoch as usize]);
        if epochs < 8 {
            let again = Task::default();
            let outcome = fit(folder.path(), &config, &again).unwrap();
            assert_eq!((outcome.stopped, again.steps.get()), (Stopped::Early, 0), "it stays stopped");
        }
    }
}

#[test]
fn without_validation_the_last_weights_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task { without_validation: true, ..Task::default() };
    let outcome = fit(folder.path(), &FitConfig { patience: Some(1), ..settings() }, &task).unwrap();
    assert_eq!((outcome.stopped, outcome.best), (Stopped::Finished, None), "there is no score to lose patience with");
    assert_eq!(model_file(folder.path()), last_checkpoint(folder.path()).model);
    assert_eq!(model_file(folder.path()), *task.seen.borrow().last().unwrap());
}

#[test]
fn a_loss_that_is_no_number_stops_at_its_step() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task { nan_at: Some(BATCHES + 3), ..Task::default() };
    let error = fit(folder.path(), &with_a_checkpoint_every_step(), &task).unwrap_err();
    assert!(matches!(error, Error::NotFinite(_)), "{error:?}");
    let said = error.to_string();
    assert!(said.contains("the loss of step 11 is NaN (epoch 2)") && said.contains(CHECKPOINT), "{said}");
    let good = last_checkpoint(folder.path());
    assert_eq!(good.state["step"], BATCHES + 2);
    assert_eq!(model_file(folder.path()), task.seen.borrow()[0], "the best weights so far");
    // A loss that explodes is found too.
    let exploding = Task { nan_at: Some(1), large: true, ..Task::default() };
    let said = fit(folder.path(), &settings(), &exploding).unwrap_err().to_string();
    assert!(said.contains("the loss of step 11 explodes: ") && said.contains("is above 100000"), "{said}");
    // The cause is gone: the run goes on.
    assert_eq!(fit(folder.path(), &settings(), &Task::default()).unwrap().stopped, Stopped::Finished);
}

#[test]
fn a_loss_that_is_no_number_has_the_advice_that_fits() {
    let advice = |clip_norm, clip_value| {
        let folder = tempfile::tempdir().unwrap();
        let config = FitConfig { clip_norm, clip_value, ..settings() };
        let task = Task { nan_at: Some(1), ..Task::default() };
        let said = fit(folder.path(), &config, &task).unwrap_err().to_string();
        said.split_once(". Try a lower --learning-rate, ").unwrap().1.to_string()
    };
    assert_eq!(advice(None, None), "or clip the gradient with --set fit.clip_norm=1");
    assert_eq!(advice(Some(5.0), None), "or a fit.clip_norm below 5");
    assert_eq!(advice(None, Some(0.5)), "or a fit.clip_value below 0.5");
}

/// Plain gradient descent in which a step is the clipped gradient.
#[test]
fn gradients_are_clipped_by_value_and_then_by_norm() {
    let steps = |clip_norm, clip_value| {
        let folder = tempfile::tempdir().unwrap();
        let optimizer = "sgd".parse().unwrap();
        let config = FitConfig {
            epochs: 1,
            batch_size: ITEMS,
            learning_rate: 1.0,
            optimizer,
            clip_norm,
            clip_value,
            ..settings()
        };
        fit(folder.path(), &config, &Task::default()).unwrap();
        let (before, after) = (initial(), model_file(folder.path()));
        ["layer.weight", "layer.bias"].map(|name| {
            let value = |tensors: &NamedTensors| tensors[name].as_slice::<f32>().unwrap()[0];
            value(&before) - value(&after)
        })
    };
    let whole = steps(None, None);
    assert!(whole.iter().all(|step| step.abs() > 0.3), "{whole:?}");
    let by_value = steps(None, Some(0.25));
    assert!(by_value.iter().zip(&whole).all(|(step, whole)| (step - 0.25 * whole.signum()).abs() < 1e-6));
    let by_both = steps(Some(0.1), Some(0.25));
    let share = 0.1 / (0.25 * 2f32.sqrt() + 1e-6);
    assert!(by_both.iter().zip(&by_value).all(|(both, value)| (both - share * value).abs() < 1e-6), "{by_both:?}");
}

#[test]
fn a_plateau_lowers_the_rate_and_is_resumed() {
    let scores = vec![0.1, 0.5, 0.4, 0.3, 0.6, 0.2];
    let schedule = r#"{"curve": {"curve": "plateau", "factor": 0.5, "patience": 0, "cooldown": 1}}"#;
    let config =
        FitConfig { epochs: 6, schedule: serde_json::from_str(schedule).unwrap(), ..with_a_checkpoint_every_step() };
    let whole = tempfile::tempdir().unwrap();
    fit(whole.path(), &config, &Task { scores: Some(scores.clone()), ..Task::default() }).unwrap();
    let records = read_metrics(whole.path().join(Recorder::FILE)).unwrap();
    let rates: Vec<f64> = (0..6)
        .map(|epoch| records.iter().find(|r| r.epoch == epoch).unwrap().value("step/learning_rate").unwrap() / 0.03)
        .collect();
    assert_eq!(rates, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5], "lower after the third epoch; the fourth is not counted");
    for stop in [3 * BATCHES + 1, 4 * BATCHES + 3] {
        let folder = tempfile::tempdir().unwrap();
        let task = Task { scores: Some(scores.clone()), fails_at: Some(stop), ..Task::default() };
        fit(folder.path(), &config, &task).unwrap_err();
        let rest = scores[(stop / BATCHES) as usize..].to_vec();
        fit(folder.path(), &config, &Task { scores: Some(rest), ..Task::default() }).unwrap();
        assert!(results(folder.path()) == results(whole.path()), "stopped at step {stop}");
    }
    let folder = tempfile::tempdir().unwrap();
    let said = fit(folder.path(), &config, &Task { without_validation: true, ..Task::default() }).unwrap_err();
    assert!(said.to_string().contains("schedule plateau follows the validation score"), "{said}");
}

#[test]
fn weights_or_scores_that_are_no_numbers_are_not_kept() {
    // So large a step that the weights overflow in the last update of the epoch, after a finite loss.
    let folder = tempfile::tempdir().unwrap();
    let config = FitConfig { learning_rate: 1e300, epochs: 1, batch_size: ITEMS, ..settings() };
    let task = Task { without_validation: true, ..Task::default() };
    let error = fit(folder.path(), &config, &task).unwrap_err();
    assert!(matches!(error, Error::NotFinite(_)), "{error:?}");
    assert!(error.to_string().contains("tensor layer.bias after step 1 is not finite (epoch 1)"), "{error}");
    assert!(!folder.path().join(MODEL).exists(), "no weights that cannot be used");

    let folder = tempfile::tempdir().unwrap();
    let task = Task { scores: Some(vec![0.5, f64::NAN]), ..Task::default() };
    let said = fit(folder.path(), &with_a_checkpoint_every_step(), &task).unwrap_err().to_string();
    assert!(said.contains("the validation score after step 16 is NaN (epoch 2)"), "{said}");
    assert_eq!(model_file(folder.path()), task.seen.borrow()[0]);
}

#[test]
fn what_cannot_be_trained_is_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let said = |config: FitConfig, items| {
        fit_line(folder.path(), &config, &Task::default(), 1, items).unwrap_err().to_string()
    };
    assert!(
        said(FitConfig { patience: Some(0), ..settings() }, ITEMS)
            .contains("fit.patience: found 0; expected at least 1")
    );
    assert!(said(FitConfig { epochs: 0, ..settings() }, ITEMS).contains("fit.epochs"));
    assert!(said(FitConfig { clip_value: Some(0.0), ..settings() }, ITEMS).contains("fit.clip_value: found 0"));
    assert!(said(FitConfig { learning_rate: f64::NAN, ..settings() }, ITEMS).contains("fit.learning_rate"));
    assert!(said(settings(), 0).contains("no item"));
    assert!(!folder.path().join(CHECKPOINT).exists());
    // So many epochs that their steps cannot be counted.
    let task = Task { fails_at: Some(3), ..Task::default() };
    let forever = FitConfig { epochs: u64::MAX, ..settings() };
    assert!(fit(folder.path(), &forever, &task).unwrap_err().to_string().contains("on purpose"));
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(CHECKPOINT);
    let stopped = Task { fails_at: Some(4), ..Task::default() };
    fit(folder.path(), &with_a_checkpoint_every_step(), &stopped).unwrap_err();
    let good = last_checkpoint(folder.path());
    let other = fit_line(folder.path(), &settings(), &Task::default(), 2, ITEMS).unwrap_err().to_string();
    let named = format!("{}: tensor layer.bias: found shape [1]; expected shape [2]", path.display());
    assert_eq!(other, named);

    let adam = |key: &str| format!("optimizer state layer.bias/{key}");
    type Spoil = fn(&mut Checkpoint);
    let cases: [(Spoil, String); 7] = [
        (|c| c.state = serde_json::json!([1]), "state".into()),
        (|c| c.state["epoch"] = serde_json::json!(-1), "state".into()),
        (|c| c.state["batch"] = serde_json::json!(9), "state: found batch 9 of an epoch".into()),
        (|c| c.state["batch"] = serde_json::json!(u64::MAX), "state".into()),
        (|c| _ = c.optimizer.remove("layer.bias/step"), adam("step")),
        (|c| c.carried.clear(), "carried tensor trace: found nothing".into()),
        (|c| _ = c.optimizer.insert("layer.bias/exp_avg".into(), TensorData::from([0i64])), adam("exp_avg")),
    ];
    for (spoil, place) in cases {
        let mut bad = good.clone();
        spoil(&mut bad);
        bad.save(&path).unwrap();
        let said = fit(folder.path(), &settings(), &Task::default()).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}: {place}", path.display())), "{said}");
    }
    let mut bad = good.clone();
    bad.state["metrics_position"] = serde_json::json!(u64::MAX);
    bad.save(&path).unwrap();
    let said = fit(folder.path(), &settings(), &Task::default()).unwrap_err().to_string();
    assert!(said.contains("metrics.jsonl: end: found"), "{said}");
    good.save(&path).unwrap();
    fit(folder.path(), &settings(), &Task::default()).unwrap();
}
