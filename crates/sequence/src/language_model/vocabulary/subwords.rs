//! Sub-words as tokens, by the `tokenizers` crate.
//!
//! Byte-pair encoding (Sennrich et al. 2016) joins the most frequent pair of neighbouring tokens into a new one, again and again;
//! starting from bytes (Radford et al. 2019, GPT-2) it can write any text.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use ognivo_core::run::read_json;
use serde_json::Value;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{Model, Tokenizer};

use super::pieces::Pieces;
use super::spelling::{self, Spelling};
use super::unit::{LARGEST, Subwords as Settings};
use crate::{Error, Result};

/// A pair must be there so often to become a token.
const MIN_PAIRS: u64 = 2;
/// Bytes that are encoded at once, where a text may be divided: what the tokenizer keeps of a text takes many times its size.
const CHUNK: usize = 1 << 16;

/// Sub-words.
#[derive(Clone, Debug)]
pub(super) struct Subwords {
    tokenizer: Tokenizer,
    spelling: Spelling,
    /// Whether a text may be encoded in parts, divided at the beginnings of lines.
    divisible: bool,
    unknown: Option<u32>,
    /// What each token writes.
    pub(super) pieces: Pieces,
}

impl Subwords {
    /// The sub-words of a text, or of the file that the settings name.
    pub(super) fn build(settings: &Settings, text: &str) -> Result<Self> {
        if let Some(file) = &settings.file {
            return Self::open(file);
        }
        if text.is_empty() {
            return Err(ognivo_core::Error::Data("the text is empty: there are no sub-words to learn".into()).into());
        }
        let mut tokenizer = Tokenizer::new(BPE::default());
        let bytes = ByteLevel::default().add_prefix_space(false).trim_offsets(false);
        tokenizer.with_pre_tokenizer(Some(bytes)).with_decoder(Some(bytes));
        let alphabet = ByteLevel::alphabet().into_iter().collect();
        let trainer = BpeTrainer::builder().vocab_size(settings.size).min_frequency(MIN_PAIRS);
        let trainer = trainer.initial_alphabet(alphabet).show_progress(false).build();
        let trained = tokenizer.train(&mut TrainerWrapper::BpeTrainer(trainer), chunks(text));
        trained.map_err(|error| ognivo_core::Error::Data(format!("cannot find sub-words in the text: {error}")))?;
        let json = serde_json::to_value(&tokenizer).unwrap_or_default();
        Self::new(tokenizer, &json).map_err(|(place, found, expected)| {
            ognivo_core::Error::Data(format!("sub-words: {place}: found {found}; expected {expected}")).into()
        })
    }

    /// Reads a `tokenizer.json`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut json: Value = read_json(path)?;
        let fault = |(place, found, expected): Fault| ognivo_core::Error::format(path, place, found, expected);
        if let Some(object) = json.as_object_mut() {
            // What is done to a text as a whole, cutting, padding and tokens around it, does not apply to one that goes on.
            object.retain(|key, _| !["truncation", "padding", "post_processor"].contains(&key.as_str()));
        }
        check_merges(&json).map_err(fault)?;
        let expected = "a tokenizer of the Hugging Face tokenizers library";
        let tokenizer = fenced(|| Tokenizer::from_bytes(json.to_string()).map_err(|error| error.to_string()))
            .map_err(|found| fault(("tokenizer".into(), found, expected.into())))?;
        Ok(Self::new(tokenizer, &json).map_err(fault)?)
    }

    /// `json` is the tokenizer as it stands in a file.
    fn new(tokenizer: Tokenizer, json: &Value) -> Result<Self, Fault> {
        let spelling = Spelling::of(json)?;
        let tokens = tokenizer.get_vocab(true);
        let len = tokens.values().max().map_or(0, |&last| last as usize + 1);
        if !(2..=LARGEST).contains(&len) {
            return Err(("model.vocab".into(), format!("{len} tokens"), format!("2 to {LARGEST}")));
        }
        let mut pieces = vec![Vec::new(); len];
        for (token, id) in &tokens {
            pieces[*id as usize] = spelling.bytes(token);
        }
        for (id, token) in tokenizer.get_added_tokens_decoder() {
            if let Some(piece) = pieces.get_mut(id as usize) {
                *piece = token.content.into_bytes();
            }
        }
        let model = &json["model"];
        let named = model["unk_token"].as_str().and_then(|token| tokenizer.get_model().token_to_id(token));
        let numbered = model["unk_id"].as_u64().and_then(|id| u32::try_from(id).ok());
        let divisible = spelling == Spelling::Bytes && json["normalizer"].is_null() && !spelling::prepends_space(json);
        let unknown = named.or(numbered).filter(|&id| (id as usize) < len);
        Ok(Self { tokenizer, divisible, unknown, pieces: pieces.into_iter().collect(), spelling })
    }

    pub(super) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// The token of what the tokenizer cannot encode, if it has one.
    pub(super) fn unknown(&self) -> Option<u32> {
        self.unknown
    }

    /// Whether a space before the token is not written after `last`.
    pub(super) fn drops_space(&self, last: Option<u8>) -> bool {
        match self.spelling {
            Spelling::Bytes | Spelling::Suffixed { .. } => false,
            Spelling::Spaces { prepended } => prepended && last.is_none(),
            Spelling::Prefixed { .. } => last.is_none_or(|last| last.is_ascii_whitespace()),
        }
    }

    /// As it stands in a file.
    pub(super) fn file(&self) -> &impl serde::Serialize {
        &self.tokenizer
    }

    /// The tokens of a text.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let parts: Vec<&str> = if self.divisible { chunks(text).collect() } else { vec![text] };
        let mut tokens = Vec::with_capacity(text.len() / 3);
        for parts in parts.chunks(64) {
            let encodings = fenced(|| {
                self.tokenizer.encode_batch_fast(parts.to_vec(), false).map_err(|error| error.to_string())
            })
            .map_err(|error| ognivo_core::Error::Data(format!("the tokenizer cannot encode the text: {error}")))?;
            for encoding in encodings {
                if let Some(&id) = encoding.get_ids().iter().find(|&&id| id as usize >= self.len()) {
                    return Err(Error::setting("unit", format!("token {id}"), format!("tokens below {}", self.len())));
                }
                tokens.extend_from_slice(encoding.get_ids());
            }
        }
        Ok(tokens)
    }
}

/// Place, what was found, what was expected.
pub(super) type Fault = (String, String, String);

/// Merges that the library joins without looking: the right part must begin with the prefix of continuing sub-words, if there
/// is one, and what they are joined to must be a token.
fn check_merges(json: &Value) -> Result<(), Fault> {
    let model = &json["model"];
    let prefix = model["continuing_subword_prefix"].as_str().unwrap_or_default();
    let Some(merges) = model["merges"].as_array() else { return Ok(()) };
    for (number, merge) in merges.iter().enumerate() {
        let parts =
            merge.as_str().map_or_else(|| merge[0].as_str().zip(merge[1].as_str()), |merge| merge.split_once(' '));
        // Merges of another form are found by the library itself.
        let Some((left, right)) = parts else { continue };
        let fault = |expected| Err((format!("model.merges, number {number}"), format!("{left:?} {right:?}"), expected));
        let Some(added) = right.strip_prefix(prefix) else {
            return fault(format!("the second to begin with {prefix:?}"));
        };
        let joined = format!("{left}{added}");
        if model["vocab"].get(&joined).is_none() {
            return fault(format!("{joined:?} among the tokens"));
        }
    }
    Ok(())
}

/// Calls the library, which panics on some files that are damaged.
fn fenced<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err("what the tokenizers library cannot cope with".into()))
}

/// Parts of a text of some [`CHUNK`] bytes, each but the first beginning where a line does, and with no white space: there every
/// byte-level tokenizer divides a text anyway. Where no line ends for long, a part ends after 16 times as much.
fn chunks(text: &str) -> impl Iterator<Item = &str> + Send {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (chunk, after) = rest.split_at(chunk_end(rest));
        rest = after;
        Some(chunk)
    })
}

/// Where the first part of a text ends.
fn chunk_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let Some(window) = bytes.get(CHUNK..) else { return text.len() };
    let window = &window[..window.len().min(15 * CHUNK)];
    let begins = |pair: &[u8]| pair[0] == b'\n' && pair[1].is_ascii_graphic();
    match window.windows(2).position(begins) {
        Some(at) => CHUNK + at + 1,
        None => text.floor_char_boundary(CHUNK + window.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_divided_before_lines() {
        let line = format!("{}\n\n  b\n", "a".repeat(CHUNK));
        let text = line.repeat(3) + "end";
        let parts: Vec<_> = chunks(&text).collect();
        assert_eq!(parts, [line.as_str(), &line, &line, "end"]);
        let endless = "я".repeat(20 * CHUNK);
        let parts: Vec<_> = chunks(&endless).collect();
        assert_eq!(parts.concat(), endless);
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [16 * CHUNK, 16 * CHUNK, 8 * CHUNK]);
    }
}
