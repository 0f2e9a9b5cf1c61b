//! Questions asked of vectors: nearest neighbours, analogies, similarities.
//!
//! [`Index`] answers exactly, many questions at once; [`Graph`] answers nearly so, in a fraction of the time, for large tables. What a
//! question is made of is asked of a [`Lookup`], so that words made from sub-words can be asked about too.

mod graph;
mod index;
mod products;

use ognivo_core::cli::suggest;

pub use self::graph::{Graph, GraphConfig};
pub use self::index::{Index, Neighbour};
use crate::{Error, Lookup, Result};

/// What neighbours are sought of, and which rows are no answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// A vector of any length.
    pub vector: Vec<f32>,
    /// Rows that are left out.
    pub exclude: Vec<u32>,
}

impl Query {
    /// The neighbours of a word, which is left out.
    ///
    /// # Errors
    /// As [`vector`].
    pub fn word(lookup: &dyn Lookup, word: &str) -> Result<Self> {
        Ok(Self { vector: vector(lookup, word)?, exclude: lookup.words().get(word).into_iter().collect() })
    }

    /// What is to the `positive` words as they are to the `negative` ones: the words nearest to the sum of their vectors of length 1,
    /// those of the negative ones subtracted (3CosAdd; Mikolov, Yih and Zweig 2013). `king` and `woman` without `man` gives `queen`.
    ///
    /// # Errors
    /// As [`vector`].
    pub fn analogy(lookup: &dyn Lookup, positive: &[&str], negative: &[&str]) -> Result<Self> {
        let mut query = Self { vector: vec![0.0; lookup.dim()], exclude: Vec::new() };
        let signed = positive.iter().map(|word| (word, 1.0)).chain(negative.iter().map(|word| (word, -1.0)));
        for (word, sign) in signed {
            let other = unit(vector(lookup, word)?);
            query.vector.iter_mut().zip(other).for_each(|(sum, value)| *sum += sign * value);
            query.exclude.extend(lookup.words().get(word));
        }
        Ok(query)
    }
}

/// The vector of a word.
///
/// # Errors
/// When there is none: names the word that is spelled most alike.
pub fn vector(lookup: &dyn Lookup, word: &str) -> Result<Vec<f32>> {
    let mut vector = vec![0.0; lookup.dim()];
    if lookup.vector(word, &mut vector) { Ok(vector) } else { Err(unknown(lookup, word)) }
}

/// The cosine of the angle between two words; 0 where a vector is 0.
///
/// # Errors
/// As [`vector`].
pub fn similarity(lookup: &dyn Lookup, a: &str, b: &str) -> Result<f32> {
    Ok(cosine(&vector(lookup, a)?, &vector(lookup, b)?) as f32)
}

/// The cosine of the angle between two vectors; 0 where one is 0. In 64 bits and with one root, so that equal vectors have exactly 1.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum::<f64>();
    let scale = (product(a, a) * product(b, b)).sqrt();
    if scale > 0.0 { product(a, b) / scale } else { 0.0 }
}

/// 1 / the length of a vector; 0 for a vector of length 0.
fn inverse_length(vector: &[f32]) -> f32 {
    // In 64 bits: the square of a float may be none.
    let square: f64 = vector.iter().map(|&value| f64::from(value) * f64::from(value)).sum();
    if square > 0.0 { square.sqrt().recip() as f32 } else { 0.0 }
}

/// A vector brought to length 1.
fn unit(mut vector: Vec<f32>) -> Vec<f32> {
    let inverse = inverse_length(&vector);
    vector.iter_mut().for_each(|value| *value *= inverse);
    vector
}

fn unknown(lookup: &dyn Lookup, word: &str) -> Error {
    // Words of another length are spelled otherwise: no need to compare them.
    let near = |name: &&str| name.len().abs_diff(word.len()) <= word.len().div_ceil(3).max(2);
    let names: Vec<&str> = lookup.words().iter().filter(near).collect();
    let short: String = word.chars().take(64).collect();
    let expected = match suggest::nearest(word, &names) {
        Some(name) => format!("one of the {} words that have a vector; did you mean {name:?}?", lookup.words().len()),
        None => format!("one of the {} words that have a vector", lookup.words().len()),
    };
    Error::data("word", format!("{short:?}"), expected)
}

#[cfg(test)]
mod tests;
