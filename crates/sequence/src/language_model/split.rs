//! What a run was trained on: the parts of its text, each with its size and hash, and the vocabulary's hash.
//!
//! A run keeps no copy of the text. With this it notices when the text is another one than it began with.

use std::path::PathBuf;

use ognivo_core::run::{self, RunDirectory};
use serde::{Deserialize, Serialize};

use super::corpus::{Corpus, Part};
use super::vocabulary::Vocabulary;
use crate::Result;

/// The file of a run directory that holds a [`Split`].
pub const SPLIT: &str = "split.json";

/// A corpus in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The corpus' name.
    pub name: String,
    /// What was learned from.
    pub train: PartSize,
    /// What was chosen by.
    pub valid: PartSize,
    /// What the result was measured on, once, where the corpus has such a part.
    pub test: Option<PartSize>,
    /// The true entropy in nats per character, of generated text only.
    pub entropy: Option<f64>,
    /// SHA-256 of the unit and of what every token writes, in their order.
    pub vocabulary: String,
}

/// A part of a text in numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartSize {
    /// Unicode scalar values; a byte that is part of none counts as one.
    pub characters: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256 of the text.
    pub sha256: String,
}

impl Split {
    /// Measures a corpus.
    pub fn new(corpus: &Corpus, vocabulary: &Vocabulary) -> Self {
        let size = |part: &Part| PartSize {
            characters: vocabulary.characters(&part.text) as u64,
            bytes: part.text.len() as u64,
            sha256: part.sha256.clone(),
        };
        Self {
            name: corpus.name.clone(),
            train: size(&corpus.train),
            valid: size(&corpus.valid),
            test: corpus.test.as_ref().map(size),
            entropy: corpus.entropy,
            vocabulary: fingerprint(vocabulary),
        }
    }

    /// Reads the file of a run directory.
    ///
    /// # Errors
    /// A missing or damaged file; a vocabulary that is not the one the network was trained with.
    pub fn open(run: &RunDirectory, vocabulary: &Vocabulary) -> Result<Self> {
        let split: Self = run.read_json(SPLIT)?;
        let found = fingerprint(vocabulary);
        if found == split.vocabulary {
            return Ok(split);
        }
        let found = format!("sha256 {found} of {} tokens ({})", vocabulary.len(), vocabulary.unit().name());
        let expected =
            format!("{}, with which the network was trained: the vocabulary is another one", split.vocabulary);
        Err(ognivo_core::Error::format(run.file(SPLIT), "vocabulary", found, expected).into())
    }

    /// Refuses a corpus that is not this one.
    ///
    /// # Errors
    /// Names the part that is another one.
    pub fn require(&self, corpus: &Corpus) -> Result<()> {
        let test = self.test.as_ref().zip(corpus.test.as_ref());
        let parts = [("training", &self.train, &corpus.train), ("validation", &self.valid, &corpus.valid)].into_iter();
        for (name, size, part) in parts.chain(test.map(|(size, part)| ("test", size, part))) {
            if size.sha256 != part.sha256 {
                let found = format!("sha256 {} ({} bytes)", part.sha256, part.text.len());
                let expected =
                    format!("{} ({} bytes): the text has changed since the run began", size.sha256, size.bytes);
                let place = format!("{name} part");
                return Err(ognivo_core::Error::format(PathBuf::from(&self.name), place, found, expected).into());
            }
        }
        Ok(())
    }
}

/// What tells vocabularies apart.
fn fingerprint(vocabulary: &Vocabulary) -> String {
    let mut bytes = serde_json::to_vec(vocabulary.unit()).unwrap_or_default();
    for token in 0..vocabulary.len() as u32 {
        let text = vocabulary.bytes_of(token);
        bytes.extend((text.len() as u64).to_le_bytes());
        bytes.extend(text);
    }
    run::sha256(&bytes)
}
