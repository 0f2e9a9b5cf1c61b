//! Training: progress, figures, checkpoints, Ctrl-C.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use ognivo_core::cli::events::Output;
use ognivo_core::run::{MODEL, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_core::train::metrics_log::MetricsLog;
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::WordVectors;
use ognivo_embeddings::corpus::Vocabulary;
use ognivo_embeddings::format::{read_model, write_model};
use ognivo_embeddings::train::{self, Trainer};
use ognivo_embeddings::word2vec::Trained;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Parts of the training after which a figure is recorded.
const RECORDS: u64 = 200;
/// Where a run stands, and the tables that belong to it.
const STATE: &str = "checkpoint/state.json";
/// Where tables are saved under way, in turns, so that one of them is always whole.
const SLOTS: [&str; 2] = ["checkpoint/a", "checkpoint/b"];

/// Sees how far training is, and may end it.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&train::Progress, &dyn Saved) -> ControlFlow<()>;

/// What training has come to, under way or at its end.
pub(crate) trait Saved {
    /// Whether all passes are done.
    fn is_finished(&self) -> bool;

    /// What going on needs besides the tables; none when nothing is left to do, or nothing can go on from here.
    fn place(&self) -> anyhow::Result<Option<Value>>;

    /// Writes the tables to a folder.
    fn write(&self, folder: &Path) -> anyhow::Result<()>;
}

/// What is trained.
#[derive(Clone, Copy)]
pub(crate) struct Training<'a> {
    pub(crate) epochs: u64,
    /// What a token is called: words, nodes.
    pub(crate) unit: &'static str,
    /// Where it is kept, if anywhere.
    pub(crate) keeping: Option<Keeping<'a>>,
}

/// Where it is kept.
#[derive(Clone, Copy)]
pub(crate) struct Keeping<'a> {
    pub(crate) run: &'a RunDirectory,
    /// Whether to go on from what the run has saved.
    pub(crate) resume: bool,
    /// Between two checkpoints.
    pub(crate) every: Duration,
}

/// How training went.
pub(crate) struct Course {
    /// Tokens that this process read, and the time it took.
    pub(crate) tokens: u64,
    pub(crate) time: Duration,
    /// Ctrl-C came first; what there is, is saved.
    pub(crate) interrupted: bool,
    /// The mean loss of the last part.
    pub(crate) loss: f64,
}

impl Course {
    pub(crate) fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.time.as_secs_f64().max(1e-9)
    }
}

/// What resuming needs besides the tables.
#[derive(Serialize, Deserialize)]
struct State {
    /// The folder of the tables, below the run.
    tables: String,
    /// None when all passes are done.
    places: Option<Value>,
    tokens: u64,
    /// Length of the record in bytes.
    position: u64,
    figures: Figures,
}

/// Losses on their way to the record.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Figures {
    /// Of what is not yet recorded: the sum, and of how many measurements.
    sum: f64,
    count: u64,
    /// Parts of the training that are recorded.
    parts: u64,
    /// What was recorded last.
    loss: f64,
}

impl Training<'_> {
    /// Trains to the end, or until Ctrl-C; the run directory then holds the tables. `load` makes what was saved in a folder, with its place
    /// and the tokens read until then, into what `train` goes on from; `train` calls what it is given second.
    pub(crate) fn run<T: Saved>(
        self,
        load: impl FnOnce(&Path, Option<Value>, u64) -> anyhow::Result<T>,
        train: impl FnOnce(Option<T>, Watch<'_>) -> ognivo_embeddings::Result<T>,
        output: &Output,
    ) -> anyhow::Result<(T, Course)> {
        let Self { epochs, unit, keeping } = self;
        let _lock = keeping.map(|keeping| keeping.run.lock()).transpose()?;
        let resumed = keeping.filter(|keeping| keeping.resume && keeping.run.file(STATE).exists());
        let state: Option<State> = resumed.map(|keeping| keeping.run.read_json(STATE)).transpose()?;
        let mut figures = state.as_ref().map_or(Figures::default(), |state| state.figures);
        let before = state.as_ref().map_or(0, |state| state.tokens);
        let mut log = match keeping {
            Some(keeping) => Some(open_log(keeping.run, state.as_ref())?),
            None => None,
        };
        // The first to be written is the one that the state does not name.
        let mut slot = usize::from(state.as_ref().is_some_and(|state| state.tables == SLOTS[1]));
        let earlier = match (resumed, state) {
            (Some(keeping), Some(state)) => Some(load(&keeping.run.file(&state.tables), state.places, state.tokens)?),
            _ => None,
        };
        let (begun, mut saved) = (Instant::now(), Instant::now());
        let (mut bar, mut shown, mut failed) = (None, before, None);
        let mut watch = |at: &train::Progress, standing: &dyn Saved| {
            let epoch = (at.tokens.saturating_mul(epochs) / at.of.max(1)).min(epochs.saturating_sub(1));
            let bar = bar.get_or_insert_with(|| Progress::new(at.of, before, unit, output.is_silent()));
            bar.advance(at.tokens.saturating_sub(shown), epoch, epochs, at.loss);
            shown = at.tokens;
            (figures.sum, figures.count) = (figures.sum + at.loss, figures.count + 1);
            let part = at.tokens.saturating_mul(RECORDS) / at.of.max(1);
            if part > figures.parts || standing.is_finished() {
                let loss = figures.sum / figures.count as f64;
                figures = Figures { sum: 0.0, count: 0, parts: part, loss };
                let values = [("loss", loss), ("learning_rate", at.learning_rate.into())];
                if let Some(Err(error)) = log.as_mut().map(|log| log.append(at.tokens, epoch, &values)) {
                    failed = Some(error.into());
                    return ControlFlow::Break(());
                }
                output.event("progress", json!({ "tokens": at.tokens, "of": at.of, "epoch": epoch, "loss": loss }));
            }
            if let (Some(keeping), Some(log)) = (keeping, &mut log)
                && saved.elapsed() >= keeping.every
                && !standing.is_finished()
            {
                slot = 1 - slot;
                let tables = SLOTS[slot].into();
                let write = || {
                    // Where nothing can go on from, nothing is saved under way.
                    let Some(place) = standing.place()? else { return Ok(()) };
                    let position = log.sync()?;
                    save(
                        keeping.run,
                        standing,
                        &State { tables, places: Some(place), tokens: at.tokens, position, figures },
                    )
                };
                if let Err(error) = write() {
                    failed = Some(error);
                    return ControlFlow::Break(());
                }
                saved = Instant::now();
            }
            if interrupt::requested() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let trained = train(earlier, &mut watch)?;
        let time = begun.elapsed();
        bar.iter().for_each(Progress::finish);
        if let Some(error) = failed {
            return Err(error);
        }
        let interrupted = !trained.is_finished();
        if let (Some(keeping), Some(log)) = (keeping, &mut log) {
            let places = trained.place()?;
            let state = State { tables: ".".into(), places, tokens: shown, position: log.sync()?, figures };
            if interrupted && state.places.is_none() {
                trained.write(keeping.run.path())?;
            } else {
                save(keeping.run, &trained, &state)?;
            }
            for slot in SLOTS {
                // What is left behind takes space, no more.
                let _ = fs::remove_dir_all(keeping.run.file(slot));
            }
        }
        let course = Course { tokens: shown.saturating_sub(before), time, interrupted, loss: figures.loss };
        Ok((trained, course))
    }
}

/// The record of a run, as long as it was when the state was saved.
fn open_log(run: &RunDirectory, state: Option<&State>) -> anyhow::Result<MetricsLog> {
    let path = run.file(Recorder::FILE);
    Ok(match state {
        Some(state) => MetricsLog::open_at(path, state.position)?,
        None => MetricsLog::create(path)?,
    })
}

/// Writes the tables, then the state that names them.
fn save(run: &RunDirectory, saved: &dyn Saved, state: &State) -> anyhow::Result<()> {
    let folder = run.file(&state.tables);
    fs::create_dir_all(&folder).map_err(ognivo_core::Error::io(&folder, "create"))?;
    saved.write(&folder)?;
    Ok(run.write_json(STATE, state)?)
}

/// Vectors of words or nodes, and what they are of.
pub(crate) struct Vectors<'a> {
    pub(crate) trained: Trained,
    pub(crate) vocabulary: &'a Vocabulary,
}

impl<'a> Vectors<'a> {
    /// What [`Saved::write`] wrote to a folder.
    fn load(folder: &Path, place: Option<Value>, tokens: u64, vocabulary: &'a Vocabulary) -> anyhow::Result<Self> {
        let places = place.map(serde_json::from_value).transpose()?;
        let model = read_model(folder)?;
        let outputs = model.output.ok_or_else(|| {
            ognivo_core::Error::format(folder.join(MODEL), "tensors", "no output", "what a run was saved with")
        })?;
        Ok(Self { trained: Trained { inputs: model.input, outputs, places, tokens }, vocabulary })
    }
}

impl Saved for Vectors<'_> {
    fn is_finished(&self) -> bool {
        self.trained.places.is_none()
    }

    fn place(&self) -> anyhow::Result<Option<Value>> {
        Ok(self.trained.places.as_ref().map(serde_json::to_value).transpose()?)
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let Trained { inputs, outputs, .. } = &self.trained;
        Ok(write_model(folder, self.vocabulary.names(), self.vocabulary.counts(), inputs, Some(outputs))?)
    }
}

/// The same under way.
struct UnderWay<'a> {
    trainer: &'a Trainer<'a>,
    vocabulary: &'a Vocabulary,
}

impl Saved for UnderWay<'_> {
    fn is_finished(&self) -> bool {
        self.trainer.is_finished()
    }

    fn place(&self) -> anyhow::Result<Option<Value>> {
        Ok(Some(serde_json::to_value(self.trainer.places())?))
    }

    fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let [inputs, outputs] = self.trainer.tables()?;
        Ok(write_model(folder, self.vocabulary.names(), self.vocabulary.counts(), &inputs, Some(&outputs))?)
    }
}

/// [`Training::run`] of vectors of what `vocabulary` names. `train` goes on from what it is given first, if anything, and calls what it is given
/// second.
pub(crate) fn vectors(
    training: Training<'_>,
    vocabulary: &Vocabulary,
    train: impl FnOnce(Option<Trained>, WatchTrainer<'_>) -> ognivo_embeddings::Result<Trained>,
    output: &Output,
) -> anyhow::Result<(WordVectors, Course)> {
    let (vectors, course) = training.run(
        |folder, place, tokens| Vectors::load(folder, place, tokens, vocabulary),
        |earlier, watch| {
            let mut told = |at: &train::Progress, trainer: &Trainer<'_>| watch(at, &UnderWay { trainer, vocabulary });
            let trained = train(earlier.map(|earlier| earlier.trained), &mut told)?;
            Ok(Vectors { trained, vocabulary })
        },
        output,
    )?;
    Ok((WordVectors::new(vocabulary.names().clone(), vectors.trained.inputs)?, course))
}

/// What a trainer of the library tells.
pub(crate) type WatchTrainer<'a> = &'a mut dyn FnMut(&train::Progress, &Trainer<'_>) -> ControlFlow<()>;
