//! Characters as tokens.

use std::collections::BTreeSet;

use super::pieces::Pieces;
use super::unit::LARGEST;
use crate::{Error, Result};

/// The characters of a text in the order of their code points; a token is the place in this order.
#[derive(Clone, Debug)]
pub(super) struct Characters {
    characters: Vec<char>,
    /// The tokens of ASCII characters, of which most text is.
    ascii: Vec<Option<u32>>,
    pub(super) pieces: Pieces,
}

impl Characters {
    /// The characters of a text.
    pub(super) fn build(text: &str) -> Result<Self> {
        let mut ascii = [false; 128];
        let mut others = BTreeSet::new();
        for character in text.chars() {
            match ascii.get_mut(character as usize) {
                Some(found) => *found = true,
                None => _ = others.insert(character),
            }
        }
        let ascii = (0..128u8).zip(ascii).filter(|&(_, found)| found).map(|(code, _)| char::from(code));
        let characters: Vec<_> = ascii.chain(others).collect();
        if characters.is_empty() {
            return Err(ognivo_core::Error::Data("the text is empty: there are no characters to learn".into()).into());
        }
        Self::new(characters).map_err(|found| Error::setting("unit", found, "a text to read as characters"))
    }

    /// Characters in the order of their code points.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn new(characters: Vec<char>) -> Result<Self, String> {
        if let Some(pair) = characters.windows(2).find(|pair| pair[0] >= pair[1]) {
            return Err(format!("{} before {}, not in the order of code points", named(pair[0]), named(pair[1])));
        }
        if characters.is_empty() || characters.len() > LARGEST {
            return Err(format!("{} different characters", characters.len()));
        }
        let pieces = characters.iter().map(|character| character.to_string()).collect();
        let mut ascii = vec![None; 128];
        for (character, token) in characters.iter().zip(0..).take_while(|(character, _)| character.is_ascii()) {
            ascii[*character as usize] = Some(token);
        }
        Ok(Self { characters, ascii, pieces })
    }

    pub(super) fn len(&self) -> usize {
        self.characters.len()
    }

    pub(super) fn all(&self) -> &[char] {
        &self.characters
    }

    fn token(&self, character: char) -> Option<u32> {
        match self.ascii.get(character as usize) {
            Some(token) => *token,
            None => self.characters.binary_search(&character).ok().map(|token| token as u32),
        }
    }

    /// The tokens of a text.
    pub(super) fn encode(&self, text: &str) -> Result<Vec<u32>> {
        let mut tokens = Vec::with_capacity(text.len());
        for (at, character) in text.char_indices() {
            tokens.push(self.token(character).ok_or_else(|| self.unknown(text, at, character))?);
        }
        Ok(tokens)
    }

    /// The error about the first character of a text that is not in the vocabulary, `character` at byte `at`.
    fn unknown(&self, text: &str, at: usize, character: char) -> Error {
        let (line, column) = place(&text[..at]);
        let others: BTreeSet<_> = text[at..].chars().filter(|&c| self.token(c).is_none()).collect();
        let others = match others.len() - 1 {
            0 => String::new(),
            1 => ", and 1 other character neither".into(),
            n => format!(", and {n} other characters neither"),
        };
        ognivo_core::Error::Data(format!(
            "line {line}, column {column}: the character {} is not among the {} of the vocabulary{others}",
            named(character),
            self.len()
        ))
        .into()
    }
}

/// `'Ж' (U+0416)`.
pub(super) fn named(character: char) -> String {
    format!("{character:?} (U+{:04X})", u32::from(character))
}

/// Line and column of what follows `before`, both from 1.
pub(super) fn place(before: &str) -> (usize, usize) {
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    (line, before[start..].chars().count() + 1)
}
