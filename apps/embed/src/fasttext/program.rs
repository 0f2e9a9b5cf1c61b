//! fastText's own command lines.

use std::path::{Path, PathBuf};
use std::time::Instant;

use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;
use ognivo_core::device;
use ognivo_core::train::interrupt;
use ognivo_core::train::progress::Progress;
use ognivo_embeddings::fasttext::train::{self, Trained};
use ognivo_embeddings::fasttext::{Autotune, Config, ModelKind};
use ognivo_embeddings::train::Engine;
use serde_json::json;

use super::trained;
use crate::flags::{Flags, Parsed};
use crate::sources;
use crate::train::Course;

/// fastText's `supervised`, `skipgram` and `cbow -input FILE -output PREFIX ...`.
pub(crate) fn flags(defaults: Config, flags: &Flags, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let command = match defaults.model {
        ModelKind::Supervised => "supervised",
        ModelKind::Skipgram => "skipgram",
        ModelKind::Cbow => "cbow",
    };
    let Parsed { config, input, output: prefix, verbose, autotune, .. } = flags.parse(defaults)?;
    let (Some(input), Some(prefix)) = (input, prefix) else {
        let message = "expected -input FILE and -output PREFIX, and any of fastText's other flags";
        return Err(ognivo_core::Error::Config(message.into()).into());
    };
    sources::not_standard_input(&input.to_string_lossy())?;
    // More threads than cores only wait for each other, and the result does not depend on them.
    let config = Config { thread: config.thread.min(device::threads()), ..config };
    let save_output = config.save_output;
    let quiet = Output { quiet: output.quiet || verbose == 0, ..*output };
    let (trained, course) = match &autotune {
        Some(search) => searched(search, &config, &input, &quiet)?,
        None => trained(&Engine::Cpu, &config, &input, None, &quiet)?,
    };
    let with = |ending: &str| PathBuf::from(format!("{}.{ending}", prefix.display()));
    // Of a search for a size comes a quantised model.
    let file = if trained.model.is_quantized() { with("ftz") } else { with("bin") };
    trained.model.write(&file)?;
    trained.model.write_vectors(&with("vec"))?;
    if save_output {
        trained.model.write_output(&with("output"))?;
    }
    let metrics = json!({
        "loss": course.loss,
        "words": trained.model.dictionary().words(),
        "labels": trained.model.dictionary().labels(),
        "words_per_second": course.tokens_per_second(),
        "training_seconds": course.time.as_secs_f64(),
        "file": file,
    });
    quiet.line(&format!(
        "{:.1} s, {:.0} words/s, loss {:.6}",
        course.time.as_secs_f64(),
        course.tokens_per_second(),
        course.loss
    ));
    output.result(command, metrics, None);
    Ok(if course.interrupted { Ended::Interrupted } else { Ended::Done })
}

/// Searches for settings, and says of each that is tried what it came to.
fn searched(search: &Autotune, start: &Config, input: &Path, output: &Output) -> anyhow::Result<(Trained, Course)> {
    let begun = Instant::now();
    let bar = Progress::new(search.duration.as_secs(), 0, "s", output.is_silent());
    let (mut tokens, mut before, mut loss) = (0, 0, f64::NAN);
    let watch = |at: &train::Progress| {
        tokens += at.tokens.saturating_sub(if at.tokens < before { 0 } else { before });
        (before, loss) = (at.tokens, at.loss);
        !interrupt::requested()
    };
    let mut seconds = 0;
    let tuned = search.run(start, input, watch, |trial| {
        let best = if trial.best { "  best so far" } else { "" };
        output.line(&format!("trial {:>3}  {:.6}{best}", trial.number, trial.score));
        let details =
            json!({ "number": trial.number, "score": trial.score, "best": trial.best, "settings": trial.config });
        output.event("trial", details);
        let now = begun.elapsed().as_secs();
        bar.step(now - seconds, format!("trial {}", trial.number));
        seconds = now;
    })?;
    bar.finish();
    output.line(&format!("best of {} trials: {:.6}", tuned.trials, tuned.trial.score));
    let course = Course { tokens, time: begun.elapsed(), interrupted: interrupt::requested(), loss };
    Ok((Trained { model: tuned.model, finished: true, place: None }, course))
}
