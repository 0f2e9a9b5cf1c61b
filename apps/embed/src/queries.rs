//! What a command is asked: its arguments, the lines of standard input, or what someone types.

use std::io::{self, BufRead, BufReader, IsTerminal, StdinLock, Write};

use ognivo_core::Error;
use ognivo_embeddings::fasttext::{Tokens, train};

/// Questions that are answered together, at most.
const TOGETHER: usize = 256;

/// Questions one after the other.
pub(crate) struct Queries<'a> {
    arguments: std::slice::Iter<'a, String>,
    /// Standard input, where it is read once the arguments are done.
    input: Option<BufReader<StdinLock<'static>>>,
    /// Shown before each line is read, where somebody types.
    prompt: Option<&'static str>,
}

impl<'a> Queries<'a> {
    /// The arguments, or standard input when there are none. `interactive` prompts even where no terminal is.
    pub(crate) fn new(arguments: &'a [String], interactive: bool, prompt: &'static str) -> Self {
        let typed = interactive || io::stdin().is_terminal();
        Self {
            arguments: arguments.iter(),
            input: (arguments.is_empty() || interactive).then(|| BufReader::new(io::stdin().lock())),
            prompt: typed.then_some(prompt),
        }
    }

    /// The next, without the end of its line.
    pub(crate) fn next(&mut self) -> Result<Option<String>, Error> {
        if let Some(argument) = self.arguments.next() {
            return Ok(Some(argument.clone()));
        }
        let Some(input) = &mut self.input else { return Ok(None) };
        if let Some(prompt) = self.prompt {
            print!("{prompt}");
            io::stdout().flush().map_err(Error::io("standard output", "write"))?;
        }
        let mut line = Vec::new();
        let read = input.read_until(b'\n', &mut line).map_err(Error::io("standard input", "read"))?;
        if read == 0 {
            if self.prompt.is_some() {
                println!();
            }
            return Ok(None);
        }
        Ok(Some(String::from_utf8_lossy(&line).trim_end_matches(['\n', '\r']).to_owned()))
    }

    /// The next, and those that can be had without waiting: whoever asks one at a time is answered one at a time. Empty at the end.
    pub(crate) fn at_hand(&mut self) -> Result<Vec<String>, Error> {
        let mut all = Vec::from_iter(self.next()?);
        while !all.is_empty() && all.len() < TOGETHER && self.has_next() {
            all.extend(self.next()?);
        }
        Ok(all)
    }

    /// Whether the next need not be waited for.
    fn has_next(&self) -> bool {
        let arrived = |input: &BufReader<StdinLock>| self.prompt.is_none() && input.buffer().contains(&b'\n');
        self.arguments.len() > 0 || self.input.as_ref().is_some_and(arrived)
    }
}

/// The words of a text file, plain or gzip, or of standard input for `-`.
pub(crate) fn open_text(name: &str) -> anyhow::Result<Tokens<Box<dyn BufRead>>> {
    Ok(match name {
        "-" => Tokens::new(Box::new(io::stdin().lock()), "standard input"),
        _ => train::open(name.as_ref())?,
    })
}
