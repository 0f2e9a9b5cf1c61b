//! Looking into a trained model: the numbers it has learned, which cells follow what in a text, and the text coloured by a cell.
//!
//! Karpathy 2015, "The unreasonable effectiveness of recurrent neural networks"; Karpathy, Johnson and Fei-Fei 2015, "Visualizing
//! and understanding recurrent networks" (arXiv:1506.02078): in a network that reads characters, single cells turn on inside
//! quotes, count the position in the line, the depth of indentation. There such cells were found by eye; here each is related to
//! the properties of the text, with a baseline that says what the best of so many cells would reach by chance.
//!
//! Reading order: [`activations`], what the cells did; [`property`], what the text was; [`relation`], both together; [`parameters`];
//! [`page`], what is shown.

pub mod activations;
pub mod page;
pub mod parameters;
pub mod property;
pub mod relation;

use std::ops::Range;

use ognivo_core::report::ColouredText;
use ognivo_core::weights::tensors_of;

pub use self::activations::{Activations, CellIndex};
pub use self::parameters::Parameters;
use self::property::{PROPERTIES, Property, Reader, Values};
use self::relation::{FEWEST_TOKENS, Relation, Standardised};
use super::model::LanguageModel;
use super::vocabulary::Vocabulary;
use crate::Result;

/// A model that has read a text.
#[derive(Clone, Debug)]
pub struct Inspection {
    /// The model's numbers.
    pub parameters: Parameters,
    /// What its cells did.
    pub activations: Activations,
    /// How its cells follow each property; `None` for a property that hardly varies in the text. Nothing for a text of fewer than
    /// [`FEWEST_TOKENS`].
    pub relations: Vec<(Property, Option<Relation>)>,
    /// The characters of the text, each with the number of the token that completes it.
    characters: Vec<(char, usize)>,
    /// Properties after each character.
    values: Vec<Values>,
}

impl Inspection {
    /// Lets a model in evaluation mode read a text, and relates its cells to all properties.
    ///
    /// # Errors
    /// A text that the vocabulary has no tokens for, or an empty one.
    pub fn new(model: &LanguageModel, vocabulary: &Vocabulary, text: &[u8]) -> Result<Self> {
        let tokens = vocabulary.encode(text)?;
        let mut last = None;
        let pieces = tokens.iter().map(|&token| {
            let piece = vocabulary.bytes_after(last, token);
            last = piece.last().copied().or(last);
            piece
        });
        let characters = characters(pieces);
        let mut reader = Reader::new();
        let values: Vec<_> = characters.iter().map(|&(character, _)| reader.read(character)).collect();
        let after = after_tokens(&characters, &values, tokens.len());
        let activations = Activations::record(model, &tokens)?;
        let mut relations = Vec::new();
        if tokens.len() >= FEWEST_TOKENS {
            let cells = Standardised::new(&activations, &model.decoder.bias.val().device());
            for (index, &property) in PROPERTIES.iter().enumerate() {
                let values: Vec<f32> = after.iter().map(|values| values[index]).collect();
                relations.push((property, cells.relate(&values)?));
            }
        }
        Ok(Self { parameters: Parameters::of(&tensors_of(model)), activations, relations, characters, values })
    }

    /// The text's characters.
    pub fn characters(&self) -> usize {
        self.characters.len()
    }

    /// A part of the text, coloured by a cell; where activations exceed 1, the largest in the whole text has the full colour.
    ///
    /// # Errors
    /// The network has no such cell.
    pub fn coloured(&self, cell: CellIndex, part: Range<usize>, title: impl Into<String>) -> Result<ColouredText> {
        let activations = self.activations.of(cell)?;
        let scale = activations.iter().fold(1f32, |scale, value| scale.max(value.abs()));
        let mut text = ColouredText::new(title);
        for &(character, token) in self.characters.get(part).unwrap_or_default() {
            text.push(character.encode_utf8(&mut [0; 4]), f64::from(activations[token] / scale));
        }
        Ok(text)
    }

    /// So many characters in which a property (by its index) varies most, from the beginning of a line if one is near.
    pub fn telling_part(&self, property: usize, length: usize) -> Range<usize> {
        let all = self.characters.len();
        let variance = |start: usize| {
            let part = &self.values[start..(start + length).min(all)];
            let mean = |f: &dyn Fn(f64) -> f64| {
                part.iter().map(|values| f(f64::from(values[property]))).sum::<f64>() / part.len() as f64
            };
            mean(&|x| x * x) - mean(&|x| x).powi(2)
        };
        let last = all.saturating_sub(length);
        let starts = (0..last).step_by((length / 2).max(1)).chain([last]);
        let best = starts.map(|start| (start, variance(start))).fold((0, f64::NEG_INFINITY), |best, next| {
            // The first of equally good ones.
            if next.1 > best.1 { next } else { best }
        });
        let start = best.0;
        let near =
            self.characters[start..(start + length / 4).min(all)].iter().position(|&(character, _)| character == '\n');
        let start = match near {
            Some(distance) if start > 0 => start + distance + 1,
            _ => start,
        };
        start..(start + length).min(all)
    }
}

/// The first characters of a text; a byte that is part of no character counts as one.
pub fn first_characters(text: &[u8], count: usize) -> &[u8] {
    let begins = |&(_, &byte): &(usize, &u8)| byte & 0xc0 != 0x80;
    text.iter().enumerate().filter(begins).nth(count).map_or(text, |(end, _)| &text[..end])
}

/// The characters that tokens write, each with the number of the token that completes it. What is not UTF-8 becomes U+FFFD.
fn characters<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<(char, usize)> {
    let mut text = Vec::new();
    // The token of every byte.
    let mut tokens = Vec::new();
    for (token, piece) in pieces.enumerate() {
        text.extend_from_slice(piece);
        tokens.resize(text.len(), token);
    }
    let mut end = 0;
    let mut characters = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        let broken = Some((char::REPLACEMENT_CHARACTER, chunk.invalid().len())).filter(|&(_, bytes)| bytes > 0);
        for (character, bytes) in chunk.valid().chars().map(|c| (c, c.len_utf8())).chain(broken) {
            end += bytes;
            characters.push((character, tokens[end - 1]));
        }
    }
    characters
}

/// The properties after each token: after the last character that is complete then.
fn after_tokens(characters: &[(char, usize)], values: &[Values], tokens: usize) -> Vec<Values> {
    let mut read = characters.iter().zip(values).peekable();
    let mut last = Reader::new().values();
    let after = |token| {
        while let Some((_, values)) = read.next_if(|((_, completed), _)| *completed <= token) {
            last = *values;
        }
        last
    };
    (0..tokens).map(after).collect()
}

/// Rows as columns of equal width, the first `left` of them set left, the others right.
fn aligned(rows: &[Vec<String>], left: usize) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < left { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_string() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests;
