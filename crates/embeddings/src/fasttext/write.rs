//! Writing `.bin` and `.ftz` files (version 12), `.vec` files and listings.

use std::io::{self, Write};
use std::path::Path;

use ognivo_core::run::write_atomic;

use super::config::{Config, ModelKind};
use super::dictionary::Dictionary;
use super::matrix::Matrix;
use super::quantizer::{ProductQuantizer, QuantizedMatrix};
use super::{MAGIC, Model, VERSION};
use crate::{Lookup, Result, Table};

impl Model {
    /// Writes the model as the reference program does: a `.bin` file, or a `.ftz` file if it is quantised.
    ///
    /// # Errors
    /// When the disk is full; a file that was there is then untouched.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(write_atomic(path, |file| self.write_to(file))?)
    }

    /// [`write`](Self::write) to a stream.
    ///
    /// # Errors
    /// Those of the stream.
    pub fn write_to(&self, file: &mut impl Write) -> io::Result<()> {
        write_parts(file, &self.config, &self.dictionary, [&self.input, &self.output].map(Part::from))
    }

    /// Writes the vectors of all words as text: a line with their number and size, then a line a word.
    ///
    /// # Errors
    /// When the disk is full; a file that was there is then untouched.
    pub fn write_vectors(&self, path: &Path) -> Result<()> {
        let mut vector = vec![0.0; self.dim()];
        Ok(write_atomic(path, |file| {
            writeln!(file, "{} {}", self.dictionary.words(), vector.len())?;
            for id in 0..self.dictionary.words() {
                let word = self.dictionary.entry(id).unwrap_or_default();
                self.word_vector(word, &mut vector);
                file.write_all(word)?;
                file.write_all(b" ")?;
                print_vector(file, &vector)?;
            }
            Ok(())
        })?)
    }

    /// Writes the rows of the output as text, as `-saveOutput` does: labels of a classifier, else words.
    ///
    /// # Errors
    /// As [`write_vectors`](Self::write_vectors); and when the output is quantised.
    pub fn write_output(&self, path: &Path) -> Result<()> {
        let Matrix::Dense(output) = &self.output else {
            return Err(crate::Error::data("the output of a model", "a quantised table", "a table of floats"));
        };
        let first = if self.config.model == ModelKind::Supervised { self.dictionary.words() } else { 0 };
        Ok(write_atomic(path, |file| {
            writeln!(file, "{} {}", output.rows(), output.dim())?;
            for (id, row) in (first..).zip(output.iter()) {
                file.write_all(self.dictionary.entry(id).unwrap_or_default())?;
                file.write_all(b" ")?;
                print_vector(file, row)?;
            }
            Ok(())
        })?)
    }

    /// Writes what `fasttext dump` prints: the settings (`args`), the words and labels (`dict`), the input (`input`) or
    /// the output (`output`).
    ///
    /// # Errors
    /// Those of the stream; for another `part`, and for tables of a quantised model.
    pub fn dump(&self, part: &str, file: &mut impl Write) -> Result<()> {
        let c = &self.config;
        let written = match (part, &self.input, &self.output) {
            ("args", ..) => (|| {
                for (name, value) in [("dim", c.dim), ("ws", c.ws), ("epoch", c.epoch)] {
                    writeln!(file, "{name} {value}")?;
                }
                writeln!(file, "minCount {}\nneg {}\nwordNgrams {}", c.min_count, c.neg, c.word_ngrams)?;
                let loss = ["", "hs", "ns", "softmax", "one-vs-all"][c.loss as usize];
                let model = ["", "cbow", "sg", "sup"][c.model as usize];
                writeln!(file, "loss {loss}\nmodel {model}\nbucket {}\nminn {}", c.bucket, c.minn)?;
                writeln!(file, "maxn {}\nlrUpdateRate {}\nt {}", c.maxn, c.lr_update_rate, c.t)
            })(),
            ("dict", ..) => (|| {
                let words = self.dictionary.words();
                writeln!(file, "{}", words + self.dictionary.labels())?;
                for id in 0..words + self.dictionary.labels() {
                    file.write_all(self.dictionary.entry(id).unwrap_or_default())?;
                    let kind = if id < words { "word" } else { "label" };
                    writeln!(file, " {} {kind}", self.dictionary.frequency(id).unwrap_or_default())?;
                }
                Ok(())
            })(),
            ("input", Matrix::Dense(table), _) | ("output", _, Matrix::Dense(table)) => dump_table(file, table),
            ("input" | "output", ..) => {
                return Err(crate::Error::data("a table to print", "a quantised one", "a table of floats"));
            }
            _ => return Err(crate::Error::setting("dump", part, "args, dict, input or output")),
        };
        Ok(written.map_err(ognivo_core::Error::io("standard output", "write"))?)
    }
}

/// A table that is written from where it stands.
#[derive(Clone, Copy)]
enum Part<'a> {
    Dense(&'a Table),
    Quantized(&'a QuantizedMatrix),
}

impl<'a> From<&'a Matrix> for Part<'a> {
    fn from(matrix: &'a Matrix) -> Self {
        match matrix {
            Matrix::Dense(table) => Self::Dense(table),
            Matrix::Quantized(matrix) => Self::Quantized(matrix),
        }
    }
}

/// Writes a model that is still being trained, as [`Model::write`].
pub(super) fn write_unfinished(
    path: &Path,
    config: &Config,
    dictionary: &Dictionary,
    tables: [&Table; 2],
) -> Result<()> {
    Ok(write_atomic(path, |file| write_parts(file, config, dictionary, tables.map(Part::Dense)))?)
}

fn write_parts(file: &mut impl Write, c: &Config, dictionary: &Dictionary, tables: [Part<'_>; 2]) -> io::Result<()> {
    file.write_all(&MAGIC.to_le_bytes())?;
    file.write_all(&VERSION.to_le_bytes())?;
    integers(file, &[c.dim, c.ws, c.epoch, c.min_count as usize, c.neg, c.word_ngrams])?;
    integers(file, &[c.loss as usize, c.model as usize, c.bucket, c.minn, c.maxn, c.lr_update_rate])?;
    file.write_all(&c.t.to_le_bytes())?;

    let (words, labels) = (dictionary.words(), dictionary.labels());
    integers(file, &[words + labels, words, labels])?;
    file.write_all(&(dictionary.tokens() as i64).to_le_bytes())?;
    let kept = dictionary.kept();
    file.write_all(&kept.map_or(-1, |kept| kept.len() as i64).to_le_bytes())?;
    for id in 0..words + labels {
        file.write_all(dictionary.entry(id).unwrap_or_default())?;
        file.write_all(&[0])?;
        file.write_all(&(dictionary.frequency(id).unwrap_or_default() as i64).to_le_bytes())?;
        file.write_all(&[u8::from(id >= words)])?;
    }
    let mut kept: Vec<_> = kept.into_iter().flatten().collect();
    kept.sort_by_key(|&(_, row)| row);
    for (&bucket, &row) in kept {
        integers(file, &[bucket as usize, row as usize])?;
    }

    tables.into_iter().try_for_each(|table| {
        file.write_all(&[u8::from(matches!(table, Part::Quantized(_)))])?;
        matrix(file, table)
    })
}

fn dump_table(file: &mut impl Write, table: &Table) -> io::Result<()> {
    writeln!(file, "{} {}", table.rows(), table.dim())?;
    for row in table.iter() {
        let row: Vec<String> = row.iter().map(|&value| digits(value, 6)).collect();
        writeln!(file, "{}", row.join(" "))?;
    }
    Ok(())
}

/// Writes a vector as the reference prints it: five digits, a space after each number, the end of the line.
///
/// # Errors
/// Those of the stream.
pub fn print_vector(file: &mut impl Write, vector: &[f32]) -> io::Result<()> {
    for &value in vector {
        write!(file, "{} ", digits(value, 5))?;
    }
    writeln!(file)
}

/// A number with so many digits, as C++ prints it with that precision.
pub fn digits(value: f32, precision: usize) -> String {
    if value == 0.0 || !value.is_finite() {
        return if value.is_nan() { "nan".into() } else { format!("{value}") };
    }
    let most = precision as i32 - 1;
    let scientific = format!("{value:.*e}", precision - 1);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |number: &str| match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => number.to_string(),
    };
    if (-4..=most).contains(&exponent) {
        trim(&format!("{value:.*}", (most - exponent) as usize))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(digits), exponent.abs())
    }
}

fn integers(file: &mut impl Write, values: &[usize]) -> io::Result<()> {
    values.iter().try_for_each(|&value| file.write_all(&(value as i32).to_le_bytes()))
}

fn matrix(file: &mut impl Write, table: Part<'_>) -> io::Result<()> {
    let shape = |file: &mut dyn Write, rows: usize, dim: usize| {
        file.write_all(&(rows as i64).to_le_bytes())?;
        file.write_all(&(dim as i64).to_le_bytes())
    };
    match table {
        Part::Dense(table) => {
            shape(file, table.rows(), table.dim())?;
            table.iter().try_for_each(|row| floats(file, row))
        }
        Part::Quantized(quantized) => {
            file.write_all(&[u8::from(quantized.norms.is_some())])?;
            shape(file, quantized.rows(), quantized.dim())?;
            integers(file, &[quantized.codes.len()])?;
            file.write_all(&quantized.codes)?;
            quantizer(file, &quantized.quantizer)?;
            match &quantized.norms {
                Some((of_norms, codes)) => {
                    file.write_all(codes)?;
                    quantizer(file, of_norms)
                }
                None => Ok(()),
            }
        }
    }
}

fn quantizer(file: &mut impl Write, quantizer: &ProductQuantizer) -> io::Result<()> {
    let (dim, piece, pieces) = (quantizer.dim, quantizer.piece, quantizer.pieces());
    integers(file, &[dim, pieces, piece, dim - (pieces - 1) * piece])?;
    floats(file, &quantizer.centroids)
}

fn floats(file: &mut impl Write, values: &[f32]) -> io::Result<()> {
    let mut bytes = [0; 4096];
    for values in values.chunks(1024) {
        for (value, bytes) in values.iter().zip(bytes.as_chunks_mut().0) {
            *bytes = value.to_le_bytes();
        }
        file.write_all(&bytes[..values.len() * 4])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_as_the_reference_prints_them() {
        // From `print("%.5g")`, which follows the same rules.
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.123456, "-0.12346"),
            (0.000123456, "0.00012346"),
            (0.0000123456, "1.2346e-05"),
            (12345.6, "12346"),
            (123456.0, "1.2346e+05"),
            (99999.6, "1e+05"),
            (0.3, "0.3"),
        ] {
            assert_eq!(digits(value, 5), text);
        }
    }
}
