//! Training: progress, figures, checkpoints, Ctrl-C.

use std::fs;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use ognivo_core::cli::events::Output;
use ognivo_core::run::{MODEL, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_core::train::metrics_log::MetricsLog;
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::corpus::Vocabulary;
use ognivo_embeddings::format::{read_model, write_model};
use ognivo_embeddings::train::{self, Places, Trainer};
use ognivo_embeddings::word2vec::Trained;
use ognivo_embeddings::{Table, WordVectors};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Parts of the training after which a figure is recorded.
const RECORDS: u64 = 200;
/// Where a run stands, and the tables that belong to it.
const STATE: &str = "checkpoint/state.json";

/// Sees how far training is, and may end it.
pub(crate) type Watch<'a> = &'a mut dyn FnMut(&train::Progress, &Trainer) -> ControlFlow<()>;

/// What is trained.
#[derive(Clone, Copy)]
pub(crate) struct Training<'a> {
    pub(crate) vocabulary: &'a Vocabulary,
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

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) vectors: WordVectors,
    /// Tokens that this process read, and the time it took.
    pub(crate) tokens: u64,
    pub(crate) time: Duration,
    /// Ctrl-C came first; what there is, is saved.
    pub(crate) interrupted: bool,
    /// The mean loss of the last part.
    pub(crate) loss: f64,
}

impl Outcome {
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
    places: Option<Places>,
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
    /// Trains to the end, or until Ctrl-C; the run directory then holds the vectors. `train` goes on from what it is given, if
    /// anything, and calls what it is given second.
    pub(crate) fn run(
        self,
        train: impl FnOnce(Option<Trained>, Watch<'_>) -> ognivo_embeddings::Result<Trained>,
        output: &Output,
    ) -> anyhow::Result<Outcome> {
        let Self { vocabulary, epochs, unit, keeping } = self;
        let _lock = keeping.map(|keeping| keeping.run.lock()).transpose()?;
        let resumed = keeping.filter(|keeping| keeping.resume && keeping.run.file(STATE).exists());
        let state: Option<State> = resumed.map(|keeping| keeping.run.read_json(STATE)).transpose()?;
        let mut figures = state.as_ref().map_or(Figures::default(), |state| state.figures);
        let before = state.as_ref().map_or(0, |state| state.tokens);
        let mut log = match keeping {
            Some(keeping) => Some(open_log(keeping.run, state.as_ref())?),
            None => None,
        };
        let earlier = match (resumed, state) {
            (Some(keeping), Some(state)) => Some(tables(keeping.run, state)?),
            _ => None,
        };
        let (begun, mut saved) = (Instant::now(), Instant::now());
        let (mut bar, mut shown, mut slot, mut failed) = (None, before, 0, None);
        let mut watch = |at: &train::Progress, trainer: &Trainer| {
            let epoch = (at.tokens.saturating_mul(epochs) / at.of.max(1)).min(epochs.saturating_sub(1));
            let bar = bar.get_or_insert_with(|| Progress::new(at.of, before, unit, output.is_silent()));
            bar.advance(at.tokens.saturating_sub(shown), epoch, epochs, at.loss);
            shown = at.tokens;
            (figures.sum, figures.count) = (figures.sum + at.loss, figures.count + 1);
            let part = at.tokens.saturating_mul(RECORDS) / at.of.max(1);
            if part > figures.parts || trainer.is_finished() {
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
                && !trainer.is_finished()
            {
                // Two places take turns, so that one is always whole.
                slot = 1 - slot;
                let tables = format!("checkpoint/{}", ["a", "b"][slot]);
                let places = Some(trainer.places());
                let write = || {
                    let position = log.sync()?;
                    let state = State { tables, places, tokens: at.tokens, position, figures };
                    save(keeping.run, trainer.tables()?.each_ref().map(AsRef::as_ref), vocabulary, &state)
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
        let Trained { inputs, outputs, places, tokens } = trained;
        let interrupted = places.is_some();
        if let (Some(keeping), Some(log)) = (keeping, &mut log) {
            let state = State { tables: ".".into(), places, tokens, position: log.sync()?, figures };
            save(keeping.run, [&inputs, &outputs], vocabulary, &state)?;
            for slot in ["checkpoint/a", "checkpoint/b"] {
                // What is left behind takes space, no more.
                let _ = fs::remove_dir_all(keeping.run.file(slot));
            }
        }
        let vectors = WordVectors::new(vocabulary.names().clone(), inputs)?;
        Ok(Outcome { vectors, tokens: tokens.saturating_sub(before), time, interrupted, loss: figures.loss })
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

/// What a state and its tables go on from.
fn tables(run: &RunDirectory, state: State) -> anyhow::Result<Trained> {
    let folder = run.file(&state.tables);
    let model = read_model(&folder)?;
    let outputs = model.output.ok_or_else(|| {
        ognivo_core::Error::format(folder.join(MODEL), "tensors", "no output", "what a run was saved with")
    })?;
    Ok(Trained { inputs: model.input, outputs, places: state.places, tokens: state.tokens })
}

/// Writes the tables, then the state that names them.
fn save(
    run: &RunDirectory,
    [inputs, outputs]: [&Table; 2],
    vocabulary: &Vocabulary,
    state: &State,
) -> anyhow::Result<()> {
    let folder = run.file(&state.tables);
    fs::create_dir_all(&folder).map_err(ognivo_core::Error::io(&folder, "create"))?;
    write_model(&folder, vocabulary.names(), vocabulary.counts(), inputs, Some(outputs))?;
    Ok(run.write_json(STATE, state)?)
}
