//! The vocabulary: which tokens a text is cut into, and what each writes.
//!
//! A [`Vocabulary`] is built once, from the text to be learned, saved in the run directory and opened from there, so that a
//! network always meets the tokens it was trained with.

mod characters;
mod pieces;
mod spelling;
mod subwords;
pub mod unit;
mod words;

use ognivo_core::run::RunDirectory;
use serde::{Deserialize, Serialize};

use self::characters::Characters;
use self::subwords::Subwords;
pub use self::unit::Unit;
use self::words::Words;
use crate::Result;

/// The file of a run directory that holds the vocabulary.
pub const FILE: &str = "vocabulary.json";
/// The file beside it that holds the sub-words, in the form of the Hugging Face tokenizers library.
pub const TOKENIZER: &str = "tokenizer.json";

/// The tokens, numbered from 0.
#[derive(Clone, Debug)]
pub struct Vocabulary {
    unit: Unit,
    table: Table,
}

#[derive(Clone, Debug)]
enum Table {
    Characters(Characters),
    Bytes,
    Words(Words),
    Subwords(Box<Subwords>),
}

/// What `vocabulary.json` holds.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    unit: Unit,
    /// The characters or words in the order of their tokens.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    entries: Vec<String>,
}

impl Vocabulary {
    /// The vocabulary of a text.
    ///
    /// For words and sub-words give the training part alone. For characters give all parts, as char-rnn does (Karpathy 2015):
    /// the set of characters tells nothing about the text, and a validation part may then have no unknown one.
    ///
    /// # Errors
    /// A setting out of range; an empty text; a text that is not UTF-8, except for bytes.
    pub fn build(unit: &Unit, text: &[u8]) -> Result<Self> {
        unit.validate()?;
        let table = match unit {
            Unit::Characters => Table::Characters(Characters::build(utf8(text)?)?),
            Unit::Bytes => Table::Bytes,
            Unit::Words(settings) => Table::Words(Words::build(settings, utf8(text)?)?),
            Unit::Subwords(settings) => Table::Subwords(Box::new(Subwords::build(settings, utf8(text)?)?)),
        };
        Ok(Self { unit: unit.clone(), table })
    }

    /// What a token is.
    pub fn unit(&self) -> &Unit {
        &self.unit
    }

    /// Number of tokens.
    #[allow(clippy::len_without_is_empty, reason = "never empty")]
    pub fn len(&self) -> usize {
        match &self.table {
            Table::Characters(characters) => characters.len(),
            Table::Bytes => 256,
            Table::Words(words) => words.all().len(),
            Table::Subwords(subwords) => subwords.len(),
        }
    }

    /// The tokens of a text.
    ///
    /// Words are what stands between white space (any Unicode white space), and every line break `\n` is a token `<eos>`: so the
    /// text of the Penn Treebank has the 929 589 tokens, 10 000 of them different, to which published perplexities refer. A last
    /// line without a line break has no `<eos>`, so that a prompt can be continued. A word that is not in the vocabulary is `<unk>`.
    ///
    /// Tokens of words, and of a `tokenizer.json` that lowers letters or has an unknown token, do not give back all of the text:
    /// losses per character are then of less than it. Other tokens do.
    ///
    /// # Errors
    /// A character that is not in the vocabulary, with its place; a text that is not UTF-8, except for bytes.
    pub fn encode(&self, text: &[u8]) -> Result<Vec<u32>> {
        match &self.table {
            Table::Characters(characters) => characters.encode(utf8(text)?),
            Table::Bytes => Ok(text.iter().map(|&byte| u32::from(byte)).collect()),
            Table::Words(words) => Ok(words.encode(utf8(text)?)),
            Table::Subwords(subwords) => subwords.encode(utf8(text)?),
        }
    }

    /// What a token writes; nothing if there is no such token.
    pub fn bytes_of(&self, token: u32) -> &[u8] {
        match &self.table {
            Table::Characters(characters) => characters.pieces.get(token),
            Table::Bytes => BYTES.get(token as usize..).and_then(|rest| rest.get(..1)).unwrap_or_default(),
            Table::Words(words) => words.pieces.get(token),
            Table::Subwords(subwords) => subwords.pieces.get(token),
        }
    }

    /// What a token adds to a text that ends with the byte `last`: [`bytes_of`](Self::bytes_of), but a word at the beginning of
    /// a line has no space before it.
    pub fn bytes_after(&self, last: Option<u8>, token: u32) -> &[u8] {
        let drops_space = match &self.table {
            Table::Characters(_) | Table::Bytes => false,
            Table::Words(_) => last.is_none_or(|last| last.is_ascii_whitespace()),
            Table::Subwords(subwords) => subwords.drops_space(last),
        };
        match self.bytes_of(token) {
            [b' ', word @ ..] if drops_space => word,
            piece => piece,
        }
    }

    /// The text of tokens, as it is at the beginning of a line.
    pub fn decode(&self, tokens: &[u32]) -> Vec<u8> {
        let mut text: Vec<u8> = Vec::new();
        for &token in tokens {
            text.extend_from_slice(self.bytes_after(text.last().copied(), token));
        }
        text
    }

    /// The token of a beginning: the line break where it is a token, else 0.
    pub fn start(&self) -> u32 {
        (0..self.len() as u32).find(|&token| self.bytes_of(token) == b"\n").unwrap_or_default()
    }

    /// The token that stands for all that is not in the vocabulary, if there is one.
    pub fn unknown(&self) -> Option<u32> {
        match &self.table {
            Table::Characters(_) | Table::Bytes => None,
            Table::Words(_) => Some(0),
            Table::Subwords(subwords) => subwords.unknown(),
        }
    }

    /// The Unicode scalar values of a text, by which a loss per character is meant; a byte that is part of none counts as one.
    pub fn characters(&self, text: &[u8]) -> usize {
        text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
    }

    /// Writes the vocabulary into a run directory.
    ///
    /// # Errors
    /// When the disk is full or the folder read-only.
    pub fn save(&self, run: &RunDirectory) -> Result<()> {
        let entries = match &self.table {
            Table::Characters(characters) => characters.all().iter().map(char::to_string).collect(),
            Table::Bytes | Table::Subwords(_) => vec![],
            Table::Words(words) => words.all().to_vec(),
        };
        if let Table::Subwords(subwords) = &self.table {
            run.write_json(TOKENIZER, subwords.file())?;
        }
        Ok(run.write_json(FILE, &File { unit: self.unit.clone(), entries })?)
    }

    /// Reads the vocabulary of a run directory.
    ///
    /// # Errors
    /// A missing or damaged file, with the place of the damage.
    pub fn open(run: &RunDirectory) -> Result<Self> {
        let File { unit, entries } = run.read_json(FILE)?;
        let fault = |place: &str, found: String, expected: &str| {
            ognivo_core::Error::format(run.file(FILE), place, found, expected)
        };
        unit.validate().map_err(|error| fault("unit", error.to_string(), "settings in their range"))?;
        let table = match &unit {
            Unit::Characters => {
                let character = |(number, entry): (usize, &String)| {
                    let mut characters = entry.chars();
                    characters.next().filter(|_| characters.next().is_none()).ok_or_else(|| {
                        fault(&format!("entries, number {number}"), format!("{entry:?}"), "one character")
                    })
                };
                let characters = entries.iter().enumerate().map(character).collect::<Result<_, _>>()?;
                let expected = "different characters in the order of their code points";
                Table::Characters(Characters::new(characters).map_err(|found| fault("entries", found, expected))?)
            }
            Unit::Bytes | Unit::Subwords(_) if !entries.is_empty() => {
                let expected = format!("none: {} have no list here", unit.name());
                return Err(fault("entries", format!("{} entries", entries.len()), &expected).into());
            }
            Unit::Bytes => Table::Bytes,
            Unit::Words(_) => {
                let expected = "\"<unk>\", \"<eos>\", then different words";
                Table::Words(Words::new(entries).map_err(|found| fault("entries", found, expected))?)
            }
            Unit::Subwords(_) => Table::Subwords(Box::new(Subwords::open(&run.file(TOKENIZER))?)),
        };
        Ok(Self { unit, table })
    }
}

/// Every byte at its own place.
static BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        bytes[byte] = byte as u8;
        byte += 1;
    }
    bytes
};

/// A text that is UTF-8.
fn utf8(text: &[u8]) -> Result<&str> {
    std::str::from_utf8(text).map_err(|error| {
        let at = error.valid_up_to();
        ognivo_core::Error::Data(format!(
            "byte {at} of the text, {:#04x}, is no part of a UTF-8 character; for such text use the unit `bytes`",
            text[at]
        ))
        .into()
    })
}
