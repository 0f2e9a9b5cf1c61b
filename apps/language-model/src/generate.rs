//! `generate`: lets a trained network write.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::train::interrupt;
use ognivo_sequence::language_model::generate::{End, Generated, Request, generate};
use ognivo_sequence::language_model::sample::{SampleConfig, Sampler};
use ognivo_sequence::language_model::trained::Trained;
use ognivo_sequence::language_model::vocabulary::Vocabulary;
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  language-model generate --prompt 'ROMEO:' --length 300
  language-model generate --temperature 0.7 --top-p 0.95 --seed 2
  language-model generate --prompt-file begin.txt --stop THE_END --quiet > story.txt")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// The text to continue [default: none, the beginning of a line]
    #[arg(long, default_value = "", hide_default_value = true, conflicts_with = "prompt_file")]
    prompt: String,
    /// A file with the text to continue, taken as it is
    #[arg(long, value_name = "FILE")]
    prompt_file: Option<PathBuf>,
    /// Most tokens to write: characters, bytes, words or sub-words, as the network was trained
    #[arg(long, default_value_t = 500)]
    length: usize,
    /// Below 1 the text is safer, above 1 bolder; 0 takes the likeliest token every time
    #[arg(long, default_value_t = 1.0, allow_negative_numbers = true)]
    temperature: f64,
    /// Draw from that many of the likeliest tokens only
    #[arg(long, value_name = "NUMBER")]
    top_k: Option<usize>,
    /// Draw from the likeliest tokens only, as many as together have this probability
    #[arg(long, value_name = "PROBABILITY", allow_negative_numbers = true)]
    top_p: Option<f64>,
    /// Another seed writes another text
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End the text where this would come
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    stop: String,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    let config = SampleConfig { temperature: args.temperature, top_k: args.top_k, top_p: args.top_p };
    let mut sampler = Sampler::new(config, args.seed)?;
    let prompt = match &args.prompt_file {
        Some(path) => fs::read(path).with_context(|| format!("{}: cannot read", path.display()))?,
        None => args.prompt.clone().into_bytes(),
    };
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    warn_of_unknown(&trained.vocabulary, &prompt, output)?;
    let mut network = trained.next();
    interrupt::listen()?;
    let request = Request {
        prompt: &prompt,
        echo: true,
        length: args.length,
        stop: args.stop.as_bytes(),
        interrupted: interrupt::requested,
    };
    let mut text = Vec::new();
    let mut stdout = io::stdout().lock();
    let to: &mut dyn Write = if output.json { &mut text } else { &mut stdout };
    let generated = match generate(&trained.vocabulary, network.as_mut(), &mut sampler, &request, to) {
        Ok(generated) => generated,
        // Who reads the text has enough of it.
        Err(error) if is_broken_pipe(&error) => return Ok(Ended::Done),
        Err(error) => return Err(error.into()),
    };
    drop(stdout);
    output.answer("");
    report(&generated, &String::from_utf8_lossy(&text), trained.run.path(), output);
    Ok(if generated.end == End::Interrupted { Ended::Interrupted } else { Ended::Done })
}

/// Says how much of the prompt the network cannot know.
fn warn_of_unknown(vocabulary: &Vocabulary, prompt: &[u8], output: &Output) -> anyhow::Result<()> {
    if let Some(unknown) = vocabulary.unknown() {
        let tokens = vocabulary.encode(prompt)?;
        let found = tokens.iter().filter(|&&token| token == unknown).count();
        if found > 0 {
            let name = String::from_utf8_lossy(vocabulary.bytes_of(unknown)).trim().to_string();
            output.warn(&format!("{found} of {} tokens of the prompt are unknown and read as {name}", tokens.len()));
        }
    }
    Ok(())
}

fn report(generated: &Generated, text: &str, run: &std::path::Path, output: &Output) {
    let speed = generated.tokens_per_second();
    if !output.is_silent() {
        // Not in the text's way, should that go into a file.
        let _ = writeln!(io::stderr(), "{} tokens, {speed:.0} a second", generated.tokens);
    }
    let end = match generated.end {
        End::Length => "length",
        End::Stop => "stop",
        End::Interrupted => "interrupted",
    };
    let metrics = json!({
        "text": text,
        "end": end,
        "prompt_tokens": generated.prompt_tokens,
        "tokens": generated.tokens,
        "seconds": (generated.reading + generated.writing).as_secs_f64(),
        "tokens_per_second": speed,
    });
    output.result("generate", metrics, Some(run));
}

fn is_broken_pipe(error: &ognivo_sequence::Error) -> bool {
    use ognivo_core::Error::Io;
    matches!(error, ognivo_sequence::Error::Core(Io { cause, .. }) if cause.kind() == ErrorKind::BrokenPipe)
}
