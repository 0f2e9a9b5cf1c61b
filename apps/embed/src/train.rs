//! Training: progress, figures, checkpoints, Ctrl-C.

use std::fs;
use std::time::{Duration, Instant};

use ognivo_core::cli::events::Output;
use ognivo_core::run::{MODEL, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_core::train::metrics_log::MetricsLog;
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::corpus::Vocabulary;
use ognivo_embeddings::format::{read_model, write_model};
use ognivo_embeddings::train::{Place, Plan, Trainer, initial_inputs};
use ognivo_embeddings::{Table, WordVectors};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Centres between two looks at the clock and at Ctrl-C.
const CHUNK: usize = 20_000;
/// Parts of the training after which a figure is recorded.
const RECORDS: u64 = 200;
/// Where a run stands, and the tables that belong to it.
const STATE: &str = "checkpoint/state.json";

/// What is trained.
pub(crate) struct Training<'a> {
    pub(crate) plan: Plan<'a>,
    /// What the rows stand for.
    pub(crate) vocabulary: &'a Vocabulary,
    pub(crate) dim: usize,
    /// What a token is called: words, nodes.
    pub(crate) unit: &'static str,
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
    places: Vec<Place>,
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
    /// Trains to the end, or until Ctrl-C; the run directory then holds the vectors.
    pub(crate) fn run(self, keeping: Option<Keeping<'_>>, output: &Output) -> anyhow::Result<Outcome> {
        let _lock = keeping.map(|keeping| keeping.run.lock()).transpose()?;
        let (epochs, total) = (self.plan.epochs, self.plan.sentences.tokens() * self.plan.epochs);
        let resumed = keeping.filter(|keeping| keeping.resume && keeping.run.file(STATE).exists());
        let state: Option<State> = resumed.map(|keeping| keeping.run.read_json(STATE)).transpose()?;
        let (inputs, outputs) = match (&state, resumed) {
            (Some(state), Some(keeping)) => tables(keeping.run, state)?,
            _ => {
                let words = self.vocabulary.len();
                (initial_inputs(words, self.dim, self.plan.seed)?, Table::zeros(words, self.dim)?)
            }
        };
        let mut figures = state.as_ref().map_or(Figures::default(), |state| state.figures);
        let log = |keeping: Keeping<'_>| {
            let path = keeping.run.file(Recorder::FILE);
            match &state {
                Some(state) => MetricsLog::open_at(path, state.position),
                None => MetricsLog::create(path),
            }
        };
        let mut log = keeping.map(log).transpose()?;
        let places = state.map(|state| state.places);
        let mut trainer = Trainer::new(self.plan, inputs, outputs, places)?;
        let (begun, before) = (Instant::now(), trainer.tokens());
        let bar = Progress::new(total, before, self.unit, output.is_silent());
        let (mut saved, mut shown, mut slot) = (Instant::now(), before, 0);
        while !trainer.is_finished() && !interrupt::requested() {
            let at = trainer.advance(CHUNK)?;
            let epoch = (at.tokens.saturating_mul(epochs) / total.max(1)).min(epochs - 1);
            bar.advance(at.tokens - shown, epoch, epochs, at.loss);
            shown = at.tokens;
            (figures.sum, figures.count) = (figures.sum + at.loss, figures.count + 1);
            let part = at.tokens.saturating_mul(RECORDS) / total.max(1);
            if part > figures.parts || trainer.is_finished() {
                figures = Figures { sum: 0.0, count: 0, parts: part, loss: figures.sum / figures.count as f64 };
                let values = [("loss", figures.loss), ("learning_rate", at.learning_rate.into())];
                log.as_mut().map_or(Ok(()), |log| log.append(at.tokens, epoch, &values))?;
                let loss = figures.loss;
                output.event("progress", json!({ "tokens": at.tokens, "of": total, "epoch": epoch, "loss": loss }));
            }
            if let (Some(keeping), Some(log)) = (keeping, &mut log)
                && saved.elapsed() >= keeping.every
                && !trainer.is_finished()
            {
                // Two places take turns, so that one is always whole.
                slot = 1 - slot;
                let tables = format!("checkpoint/{}", ["a", "b"][slot]);
                let state = State { tables, places: trainer.places(), position: log.sync()?, figures };
                save(keeping.run, &trainer, self.vocabulary, &state)?;
                saved = Instant::now();
            }
        }
        bar.finish();
        let (time, tokens) = (begun.elapsed(), trainer.tokens() - before);
        let interrupted = !trainer.is_finished();
        if let (Some(keeping), Some(log)) = (keeping, &mut log) {
            let state = State { tables: ".".into(), places: trainer.places(), position: log.sync()?, figures };
            save(keeping.run, &trainer, self.vocabulary, &state)?;
            for slot in ["checkpoint/a", "checkpoint/b"] {
                // What is left behind takes space, no more.
                let _ = fs::remove_dir_all(keeping.run.file(slot));
            }
        }
        let vectors = WordVectors::new(self.vocabulary.names().clone(), trainer.into_tables().0)?;
        Ok(Outcome { vectors, tokens, time, interrupted, loss: figures.loss })
    }
}

/// The tables that a state names.
fn tables(run: &RunDirectory, state: &State) -> anyhow::Result<(Table, Table)> {
    let folder = run.file(&state.tables);
    let model = read_model(&folder)?;
    let output = model.output.ok_or_else(|| {
        ognivo_core::Error::format(folder.join(MODEL), "tensors", "no output", "what a run was saved with")
    })?;
    Ok((model.input, output))
}

/// Writes the tables, then the state that names them.
fn save(run: &RunDirectory, trainer: &Trainer<'_>, vocabulary: &Vocabulary, state: &State) -> anyhow::Result<()> {
    let folder = run.file(&state.tables);
    fs::create_dir_all(&folder).map_err(ognivo_core::Error::io(&folder, "create"))?;
    let (input, output) = trainer.tables();
    write_model(&folder, vocabulary.names(), vocabulary.counts(), input, Some(output))?;
    Ok(run.write_json(STATE, state)?)
}
