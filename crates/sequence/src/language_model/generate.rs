//! Letting a network write.
//!
//! The text passes through a [`stop string's`](Request::stop) watch and a UTF-8 check before it is shown, both of which hold
//! back only what cannot be decided yet.

use std::io::Write;
use std::time::{Duration, Instant};

use super::sample::Sampler;
use super::vocabulary::Vocabulary;
use crate::Result;

mod screen;
mod watch;

use self::screen::Screen;
use self::watch::Watch;

/// A network that reads one token after the other.
pub trait Next {
    /// Reads a token, and gives the logits of every token to be the next.
    ///
    /// # Errors
    /// Whatever keeps the network from computing.
    fn feed(&mut self, token: u32) -> Result<&[f32]>;
}

/// What is to be written.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The text to be continued. An empty one is continued as the beginning of a line.
    pub prompt: &'a [u8],
    /// Whether the prompt is written too, before what continues it.
    pub echo: bool,
    /// Most tokens to draw. With characters as tokens this is the number of characters.
    pub length: usize,
    /// Ends the text where this string would begin, the prompt not counted; an empty one never does.
    pub stop: &'a [u8],
    /// Whether to stop now, asked before every token: as a rule [`ognivo_core::train::interrupt::requested`].
    pub interrupted: fn() -> bool,
}

/// Why a text ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It has as many tokens as asked for.
    Length,
    /// The stop string came.
    Stop,
    /// The user interrupted it.
    Interrupted,
}

/// What has been written.
#[derive(Clone, Copy, Debug)]
pub struct Generated {
    /// Why it ended.
    pub end: End,
    /// Tokens read before the first one was drawn.
    pub prompt_tokens: usize,
    /// Tokens drawn.
    pub tokens: usize,
    /// Time to read the prompt.
    pub reading: Duration,
    /// Time to draw the tokens.
    pub writing: Duration,
}

impl Generated {
    /// Tokens drawn in a second.
    pub fn tokens_per_second(&self) -> f64 {
        self.tokens as f64 / self.writing.as_secs_f64().max(1e-9)
    }
}

/// Reads the prompt, then draws a token and reads it, again and again; writes what the tokens say as they come.
///
/// What is written is always UTF-8: a character is held back until all its bytes are there, a byte that belongs to none becomes
/// U+FFFD, and of a character cut off by the end nothing is written.
///
/// # Errors
/// A character of the prompt that is not in the vocabulary, by its name and place; the network's and the sampler's errors; an
/// [`Io`](ognivo_core::Error::Io) when `output` fails, with its own kind such as a broken pipe.
pub fn generate(
    vocabulary: &Vocabulary,
    network: &mut dyn Next,
    sampler: &mut Sampler,
    request: &Request<'_>,
    output: &mut dyn Write,
) -> Result<Generated> {
    let prompt = match request.prompt {
        [] => vec![vocabulary.start()],
        prompt => vocabulary.encode(prompt).map_err(|error| error.about("prompt"))?,
    };
    let mut screen = Screen::new(output);
    if request.echo {
        screen.write(request.prompt)?;
        screen.flush()?;
    }
    let mut generated = Generated {
        end: End::Length,
        prompt_tokens: prompt.len(),
        tokens: 0,
        reading: Duration::ZERO,
        writing: Duration::ZERO,
    };
    let start = Instant::now();
    // What a token writes depends on the byte before it: words after a line break have no space.
    let mut last = request.prompt.last().copied();
    let Some((&first, rest)) = prompt.split_first() else { return Ok(generated) };
    let mut logits = network.feed(first)?;
    for &token in rest {
        if (request.interrupted)() {
            generated.end = End::Interrupted;
            generated.reading = start.elapsed();
            return Ok(generated);
        }
        logits = network.feed(token)?;
    }
    generated.reading = start.elapsed();
    let start = Instant::now();
    let mut watch = Watch::new(request.stop);
    while generated.tokens < request.length {
        if (request.interrupted)() {
            generated.end = End::Interrupted;
            break;
        }
        let token = sampler.draw(logits)?;
        generated.tokens += 1;
        let piece = vocabulary.bytes_after(last, token);
        last = piece.last().copied().or(last);
        let stopped = watch.pass(piece, |bytes| screen.write(bytes))?;
        screen.flush()?;
        if stopped {
            generated.end = End::Stop;
            break;
        }
        if generated.tokens < request.length {
            logits = network.feed(token)?;
        }
    }
    if generated.end != End::Stop {
        screen.write(watch.held())?;
        screen.flush()?;
    }
    generated.writing = start.elapsed();
    Ok(generated)
}
