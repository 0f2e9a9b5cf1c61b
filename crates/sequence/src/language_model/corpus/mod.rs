//! The text that a language model learns from: found, read, checked and divided.

mod files;
mod read;
#[cfg(test)]
mod tests;

use std::path::Path;

use ognivo_core::cli::events::Output;
use ognivo_core::{Error as CoreError, run};
use serde::{Deserialize, Serialize};

use super::grammar::Grammar;
use crate::{Error, Result};

/// The name under which [`open`] generates sentences of [`Grammar::english`].
pub const GRAMMAR: &str = "grammar";
/// A part with fewer characters has nothing to predict, or nothing to predict it from.
const LEAST: usize = 2;
/// Below so many characters of training text a network learns the text, not the language.
const TINY: usize = 100_000;
/// The loss on fewer characters than these is uncertain in its second digit.
const TINY_VALID: usize = 10_000;

/// How a corpus is read and divided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CorpusOptions {
    /// Take any bytes, exactly as they are: no check for UTF-8, no change of line ends.
    pub bytes: bool,
    /// The share of the text, from its end, that is held out for validation: above 0 and below 1.
    pub valid_fraction: f64,
    /// Characters of text to generate; only for `grammar`.
    pub generate: usize,
}

impl Default for CorpusOptions {
    fn default() -> Self {
        Self { bytes: false, valid_fraction: 0.1, generate: 1_000_000 }
    }
}

impl CorpusOptions {
    /// Says which setting has no meaning.
    ///
    /// # Errors
    /// [`Error::Setting`].
    pub fn validate(&self) -> Result<()> {
        if !(self.valid_fraction > 0.0 && self.valid_fraction < 1.0) {
            return Err(Error::setting("valid_fraction", self.valid_fraction, "a number above 0 and below 1"));
        }
        if self.generate as u64 > read::LIMIT {
            return Err(Error::setting("generate", self.generate, format!("at most {} characters", read::LIMIT)));
        }
        Ok(())
    }
}

/// A part of a corpus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The text; valid UTF-8 unless [`CorpusOptions::bytes`].
    pub text: Vec<u8>,
    /// Its SHA-256, 64 small hexadecimal digits: of the text as it is here, not of the files.
    pub sha256: String,
}

impl Part {
    fn new(text: Vec<u8>) -> Self {
        let sha256 = run::sha256(&text);
        Self { text, sha256 }
    }
}

/// A text in its parts.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    /// What [`open`] was asked for, short enough for the name of a run: a set's name, or the first file's without its
    /// ending.
    pub name: String,
    /// To learn from.
    pub train: Part,
    /// To choose by.
    pub valid: Part,
    /// To measure the result on, once; only where the data comes with such a part.
    pub test: Option<Part>,
    /// The true entropy in nats per character, of generated text only. No model stays below it in the long run; the loss
    /// of a perfect model on 100 000 characters differs from it by 0.2 % (one standard deviation).
    pub entropy: Option<f64>,
    /// What was changed, passed over or is to be expected, a sentence each; to be shown to the user.
    pub notes: Vec<String>,
}

/// Opens a corpus. `data` is
///
/// - the name of a data set of the index, which is fetched if it is not on this machine: `tiny-shakespeare`;
/// - a file;
/// - a folder, whose files are taken in the order of their names' bytes, those of folders in it too, hidden ones not;
/// - several of these with commas between, in the order given;
/// - `grammar`: text generated from `seed`, whose entropy is known.
///
/// A path that exists comes before a name. Links to folders and what is more than 16 folders deep are passed over.
///
/// A file may be gzip, which its first bytes tell. Unless [`CorpusOptions::bytes`], text is UTF-8; a byte order mark at
/// its beginning is dropped, the line end `\r\n` becomes `\n`, and a file that another follows is closed with a line
/// end, if it has none. What was changed is said in [`Corpus::notes`].
///
/// A folder or data set with files called train and valid (or val, dev, validation) or test, as in `ptb.train.txt`, is
/// divided as they say. Otherwise the last [`CorpusOptions::valid_fraction`] of the text's bytes are the validation
/// part, beginning with a whole character.
///
/// # Errors
/// A path that does not exist, an unknown name; files that cannot be read, are damaged, or hold more than 4 GiB;
/// bytes that are not UTF-8, with file, byte and line; a part with fewer than two characters or, of the training part,
/// two different ones.
pub fn open(data: &str, options: &CorpusOptions, seed: u64, output: &Output) -> Result<Corpus> {
    options.validate()?;
    if data == GRAMMAR && !Path::new(data).exists() {
        let grammar = Grammar::english()?;
        let text = grammar.text(options.generate, seed).into_bytes();
        let corpus = Corpus::new(data, text, None, None, options)?;
        return Ok(Corpus { entropy: Some(grammar.entropy()), ..corpus });
    }
    let mut files = files::find(data, output)?;
    let mut room = read::LIMIT;
    let mut read = |paths: &[_]| read::join(paths, options.bytes, &mut room, &mut files.notes);
    let train = read(&files.train)?;
    let mut part = |paths: &[_]| if paths.is_empty() { Ok(None) } else { read(paths).map(Some) };
    let (valid, test) = (part(&files.valid)?, part(&files.test)?);
    let mut corpus = Corpus::new(data, train, valid, test, options)?;
    corpus.name = files.name;
    files.notes.append(&mut corpus.notes);
    Ok(Corpus { notes: files.notes, ..corpus })
}

impl Corpus {
    /// The corpus of these texts, the validation part split off the training part if there is none; `data` is its name.
    fn new(
        data: &str,
        mut train: Vec<u8>,
        valid: Option<Vec<u8>>,
        test: Option<Vec<u8>>,
        options: &CorpusOptions,
    ) -> Result<Self> {
        let bytes = options.bytes;
        if valid.is_none() {
            // Whoever has one text thinks of it as a whole, not in parts.
            check("the text", &train, 2 * LEAST, bytes).map_err(|fault| unusable(data, fault))?;
        }
        let valid = valid.unwrap_or_else(|| split_end(&mut train, options));
        for (name, text) in [("training", Some(&train)), ("validation", Some(&valid)), ("test", test.as_ref())] {
            let Some(text) = text else { continue };
            check(&format!("the {name} part"), text, LEAST, bytes).map_err(|fault| unusable(data, fault))?;
        }
        if let Some(only) = only_character(&train, bytes) {
            let fault =
                format!("the training part is {only} and nothing else; expected two different characters at least");
            return Err(unusable(data, fault));
        }
        let notes = advice(&train, &valid, bytes);
        let [train, valid] = [train, valid].map(Part::new);
        Ok(Self { name: data.into(), train, valid, test: test.map(Part::new), entropy: None, notes })
    }
}

fn unusable(data: &str, fault: String) -> Error {
    CoreError::Data(format!("{data}: {fault}")).into()
}

/// Splits the validation part off the end of `text`, which has four characters or more: each part gets two at least.
fn split_end(text: &mut Vec<u8>, options: &CorpusOptions) -> Vec<u8> {
    let is_start = |at: usize| options.bytes || text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
    let back = |from: usize| (0..=from).rev().find(|&at| is_start(at)).unwrap_or(0);
    let next = |from: usize| (from + 1..=text.len()).find(|&at| is_start(at)).unwrap_or(text.len());
    let (first, last) = ((0..LEAST).fold(0, |at, _| next(at)), (0..LEAST).fold(text.len(), |at, _| back(at - 1)));
    let wanted = (text.len() as f64 * (1.0 - options.valid_fraction)) as usize;
    let at = back(wanted.clamp(first, last));
    let valid = text.split_off(at);
    text.shrink_to_fit();
    valid
}

/// What a text with fewer than `least` characters is told.
fn check(what: &str, text: &[u8], least: usize, bytes: bool) -> Result<(), String> {
    let unit = if bytes { "byte" } else { "character" };
    match count(text, least, bytes) {
        0 => Err(format!("{what} is empty; expected {least} {unit}s at least")),
        1 => Err(format!("{what} is one {unit}; expected {least} at least")),
        found if found < least => Err(format!("{what} is {found} {unit}s; expected {least} at least")),
        _ => Ok(()),
    }
}

/// The number of characters in `text`, counted to `most` and no further.
fn count(text: &[u8], most: usize, bytes: bool) -> usize {
    text.iter().filter(|&byte| bytes || byte & 0xC0 != 0x80).take(most).count()
}

/// The character that `text` consists of, in words, if there is no other.
fn only_character(text: &[u8], bytes: bool) -> Option<String> {
    let first = *text.first()?;
    if bytes {
        return text.iter().all(|&byte| byte == first).then(|| format!("the byte {first:#04x}"));
    }
    let length = 1 + text[1..].iter().take_while(|&&byte| byte & 0xC0 == 0x80).count();
    let (character, _) = text.split_at(length);
    let all = text.chunks(length).all(|other| other == character);
    all.then(|| format!("the character {:?}", String::from_utf8_lossy(character)))
}

/// What small parts are to expect.
fn advice(train: &[u8], valid: &[u8], bytes: bool) -> Vec<String> {
    let unit = if bytes { "bytes" } else { "characters" };
    let (train, valid) = (count(train, TINY, bytes), count(valid, TINY_VALID, bytes));
    let mut notes = Vec::new();
    if train < TINY {
        notes.push(format!(
            "the training part has only {train} {unit}; a network soon knows so little text by heart: take a small one with \
             much dropout, or find more text ({TINY} {unit} or more)"
        ));
    }
    if valid < TINY_VALID {
        notes.push(format!(
            "the validation part has only {valid} {unit}; on fewer than {TINY_VALID}, small differences of the loss mean \
             nothing"
        ));
    }
    notes
}
