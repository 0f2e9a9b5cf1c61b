//! Training in a run directory: progress, figures, checkpoints, Ctrl-C.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use ognivo_core::cli::events::Output;
use ognivo_core::run::{MODEL, RunDirectory};
use ognivo_core::train::interrupt;
use ognivo_core::train::metrics_log::MetricsLog;
use ognivo_core::train::progress::Progress;
use ognivo_core::train::recorder::Recorder;
use ognivo_embeddings::format::{read_model, write_model};
use ognivo_embeddings::train::{Place, Plan, Trainer, initial_inputs};
use ognivo_embeddings::{Names, Table};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Centres between two looks at the clock and at Ctrl-C.
const CHUNK: usize = 100_000;
/// Parts of the training after which a figure is recorded.
const RECORDS: u64 = 200;
/// Where a run stands, and the tables that belong to it.
const STATE: &str = "checkpoint/state.json";

/// What is trained, and where it goes.
pub(crate) struct Training<'a> {
    pub(crate) plan: Plan<'a>,
    /// What the rows stand for.
    pub(crate) names: &'a Names,
    pub(crate) counts: &'a [u64],
    pub(crate) dim: usize,
    /// What a token is called: words, nodes.
    pub(crate) unit: &'static str,
    pub(crate) run: &'a RunDirectory,
    /// Whether to go on from what the run has saved.
    pub(crate) resume: bool,
    /// Tokens to be read in all.
    pub(crate) tokens: u64,
    /// Between two checkpoints.
    pub(crate) checkpoint: Duration,
}

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) input: Table,
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
    /// Length of the record.
    position: u64,
    /// Loss not yet recorded: its sum and how many measurements.
    pending: (f64, u64),
    recorded: u64,
    loss: f64,
}

impl Training<'_> {
    /// Trains to the end, or until Ctrl-C; the run directory then holds the vectors.
    pub(crate) fn run(self, output: &Output) -> anyhow::Result<Outcome> {
        let _lock = self.run.lock()?;
        let (epochs, seed) = (self.plan.epochs, self.plan.seed);
        let state: Option<State> = match self.resume && self.run.file(STATE).exists() {
            true => Some(self.run.read_json(STATE)?),
            false => None,
        };
        let (input, output_table) = match &state {
            Some(state) => {
                let folder = self.run.file(&state.tables);
                let model = read_model(&folder)?;
                let none = || ognivo_core::Error::format(folder.join(MODEL), "tensors", "no output", "input and output");
                (model.input, model.output.ok_or_else(none)?)
            }
            None => (initial_inputs(self.names.len(), self.dim, seed)?, Table::zeros(self.names.len(), self.dim)?),
        };
        let log = self.run.file(Recorder::FILE);
        let (mut log, mut pending, mut recorded, mut loss) = match &state {
            Some(state) => (MetricsLog::open_at(log, state.position)?, state.pending, state.recorded, state.loss),
            None => (MetricsLog::create(log)?, (0.0, 0), 0, f64::NAN),
        };
        let mut trainer = Trainer::new(self.plan, input, output_table, state.map(|state| state.places))?;
        let total = self.tokens;
        let (begun, before) = (Instant::now(), trainer.tokens());
        let bar = Progress::new(total, before, self.unit, output.is_silent());
        let mut saved = Instant::now();
        let (mut slot, mut shown) = (0, before);
        while !trainer.is_finished() && !interrupt::requested() {
            let at = trainer.advance(CHUNK)?;
            pending = (pending.0 + at.loss, pending.1 + 1);
            let epoch = (at.tokens * epochs / total.max(1)).min(epochs - 1);
            bar.advance(at.tokens - shown, epoch, epochs, at.loss);
            shown = at.tokens;
            if at.tokens * RECORDS / total.max(1) > recorded || trainer.is_finished() {
                recorded = at.tokens * RECORDS / total.max(1);
                loss = pending.0 / pending.1 as f64;
                pending = (0.0, 0);
                log.append(at.tokens, epoch, &[("loss", loss), ("learning_rate", at.learning_rate.into())])?;
                output.event("progress", json!({ "tokens": at.tokens, "of": total, "epoch": epoch, "loss": loss }));
            }
            if saved.elapsed() >= self.checkpoint && !trainer.is_finished() {
                // Two places take turns, so that one is always whole.
                slot = 1 - slot;
                let tables = format!("checkpoint/{}", ["a", "b"][slot]);
                let position = log.sync()?;
                save(self.run, &trainer, self.names, self.counts, State { tables, places: trainer.places(), position, pending, recorded, loss })?;
                saved = Instant::now();
            }
        }
        bar.finish();
        let interrupted = !trainer.is_finished();
        let tokens = trainer.tokens() - before;
        let time = begun.elapsed();
        let position = log.sync()?;
        let state = State { tables: ".".into(), places: trainer.places(), position, pending, recorded, loss };
        save(self.run, &trainer, self.names, self.counts, state)?;
        for slot in ["checkpoint/a", "checkpoint/b"] {
            // What is left behind is a waste of space, no more.
            let _ = fs::remove_dir_all(self.run.file(slot));
        }
        let (input, _) = trainer.into_tables();
        Ok(Outcome { input, tokens, time, interrupted, loss })
    }
}

/// Writes the tables, then the state that names them.
fn save(run: &RunDirectory, trainer: &Trainer<'_>, names: &Names, counts: &[u64], state: State) -> anyhow::Result<()> {
    let folder = run.file(&state.tables);
    fs::create_dir_all(&folder).map_err(ognivo_core::Error::io(&folder, "create"))?;
    let (input, output) = trainer.tables();
    write_model(&folder, names, counts, input, Some(output))?;
    Ok(run.write_json(STATE, &state)?)
}

/// Whether a run has been trained to its end already, or how far.
pub(crate) fn has_state(run: &Path) -> bool {
    run.join(STATE).exists()
}
