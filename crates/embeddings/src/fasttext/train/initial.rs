//! What the rows of words are before training.

use std::io::BufRead;
use std::path::Path;

use ognivo_core::Error as CoreError;
use rayon::prelude::*;

use crate::fasttext::dictionary::Dictionary;
use crate::format::input::Input;
use crate::train::rng::{Rng, mixed};
use crate::{Names, Result, Table, WordVectors};

/// A table of numbers spread evenly from `-1/dim` to `1/dim`, each row from the seed and its number alone.
pub(super) fn uniform(rows: usize, dim: usize, seed: u64) -> Result<Table> {
    let table = Table::zeros(rows, dim)?;
    let scale = 2.0 / dim as f32 / (1u32 << 24) as f32;
    let stride = table.stride();
    // SAFETY: the table has `rows` rows of `stride` floats, and is borrowed exclusively.
    let values = unsafe { std::slice::from_raw_parts_mut(table.as_ptr(), rows * stride) };
    values.par_chunks_exact_mut(stride).with_min_len(1024).enumerate().for_each(|(row, values)| {
        let mut rng = Rng::from_state(mixed(seed ^ mixed(row as u64 + 1)));
        for values in values[..dim].chunks_mut(2) {
            let random = rng.next_u64();
            for (value, bits) in values.iter_mut().zip([random >> 40, random & 0xff_ffff]) {
                *value = bits as f32 * scale - 1.0 / dim as f32;
            }
        }
    });
    Ok(table)
}

/// Puts vectors into the rows of their words.
pub(super) fn copy(vectors: &WordVectors, dictionary: &Dictionary, input: &mut Table) {
    for (word, vector) in vectors.words().iter().zip(vectors.table().iter()) {
        if let Some(row) = dictionary.word_id(word.as_bytes()) {
            input.row_mut(row as usize).copy_from_slice(vector);
        }
    }
}

/// Reads a `.vec` file: a line with the number and the size of the vectors, then a line for each, plain or gzip. Of a
/// word that comes twice the last vector counts.
///
/// # Errors
/// When the file cannot be read, is not such a file, or its vectors have not `dim` numbers.
pub fn read_vectors(path: &Path, dim: usize) -> Result<WordVectors> {
    let mut reader = Input::open(path)?;
    let mut line = Vec::new();
    let mut next = |line: &mut Vec<u8>| -> Result<bool> {
        line.clear();
        Ok(reader.read_until(b'\n', line).map_err(CoreError::io(path, "read"))? > 0)
    };
    let wrong =
        |line: u64, found: String, expected: &str| CoreError::format(path, format!("line {line}"), found, expected);
    next(&mut line)?;
    let head = String::from_utf8_lossy(&line).into_owned();
    let mut numbers = head.split_ascii_whitespace().map(str::parse::<usize>);
    let (Some(Ok(count)), Some(Ok(found)), None) = (numbers.next(), numbers.next(), numbers.next()) else {
        return Err(wrong(1, format!("`{}`", head.trim()), "the number of vectors and their size").into());
    };
    if found != dim {
        let expected = format!("vectors of dim = {dim} numbers, as the model is to have");
        return Err(wrong(1, format!("vectors of {found} numbers"), &expected).into());
    }
    let (mut words, mut values) = (Names::default(), Vec::new());
    for at in 0..count {
        let at = at as u64 + 2;
        if !next(&mut line)? {
            return Err(wrong(at, "the end of the file".into(), &format!("{count} vectors")).into());
        }
        let text = String::from_utf8_lossy(&line);
        let mut fields = text.split_ascii_whitespace();
        let word = fields.next().unwrap_or_default();
        let vector: Option<Vec<f32>> = fields.map(|field| field.parse().ok().filter(|v: &f32| v.is_finite())).collect();
        let Some(vector) = vector.filter(|vector| vector.len() == dim) else {
            return Err(wrong(at, format!("other fields after `{word}`"), &format!("{dim} numbers")).into());
        };
        match words.insert(word) {
            (_, true) => values.extend(vector),
            (id, false) => values[id as usize * dim..(id as usize + 1) * dim].copy_from_slice(&vector),
        }
    }
    WordVectors::new(words, Table::from_values(dim, &values)?)
}
