//! Product quantisation: rows cut into short pieces, each piece replaced by the number of its nearest centroid.
//!
//! After Jégou, Douze, Schmid, "Product quantization for nearest neighbor search" (2011) and Joulin et al.,
//! "FastText.zip: compressing text classification models" (2016).

use ognivo_core::random::{self, ChaCha8Rng};
use rayon::prelude::*;

use super::matrix::dot;
use crate::{Error, Result, Table};

/// Centroids for each piece: as many as a byte tells apart.
pub(super) const CENTROIDS: usize = 256;
const ITERATIONS: usize = 25;
/// Rows that centroids are learnt from, at most.
const MOST_ROWS: usize = 256 * CENTROIDS;
/// How far the halves of a split centroid are moved apart.
const APART: f32 = 1e-7;
/// First part of the random stream.
const STREAM: u64 = 0x6674_7071;

/// The centroids of each piece of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ProductQuantizer {
    pub(super) dim: usize,
    /// Numbers in a piece; the last may have fewer.
    pub(super) piece: usize,
    /// `CENTROIDS` vectors for each piece, one piece after the other: `CENTROIDS * dim` numbers.
    pub(super) centroids: Vec<f32>,
}

impl ProductQuantizer {
    /// Pieces in a row.
    pub(super) fn pieces(&self) -> usize {
        self.dim.div_ceil(self.piece)
    }

    /// Learns from rows of `dim` numbers, `piece` numbers to a piece.
    fn learn(rows: &(impl Fn(usize) -> Vec<f32> + Sync), count: usize, dim: usize, piece: usize) -> Result<Self> {
        if count < CENTROIDS {
            let expected = format!("at least {CENTROIDS} rows, one for each centroid");
            return Err(Error::data("a table to quantise", format!("{count} rows"), expected));
        }
        let learnt: Vec<Vec<f32>> = (0..dim.div_ceil(piece))
            .into_par_iter()
            .map(|number| {
                let mut rng = random::stream(1234, &[STREAM, number as u64]);
                let range = number * piece..dim.min((number + 1) * piece);
                let chosen = if count > MOST_ROWS { sample(&mut rng, count) } else { (0..count).collect() };
                let points: Vec<f32> = chosen.iter().flat_map(|&row| rows(row)[range.clone()].to_vec()).collect();
                k_means(&points, range.len(), &mut rng)
            })
            .collect();
        Ok(Self { dim, piece, centroids: learnt.concat() })
    }

    fn centroid(&self, piece: usize, code: u8) -> &[f32] {
        let width = self.piece.min(self.dim - piece * self.piece);
        let start = piece * CENTROIDS * self.piece + usize::from(code) * width;
        &self.centroids[start..start + width]
    }

    fn encode(&self, row: &[f32], codes: &mut [u8]) {
        for (piece, (values, code)) in row.chunks(self.piece).zip(codes).enumerate() {
            let start = piece * CENTROIDS * self.piece;
            *code = nearest(values, &self.centroids[start..start + CENTROIDS * values.len()]) as u8;
        }
    }
}

/// A table as codes, with the lengths of the rows apart if asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantizedMatrix {
    pub(super) rows: usize,
    pub(super) quantizer: ProductQuantizer,
    /// `pieces` bytes a row.
    pub(super) codes: Vec<u8>,
    /// The quantiser and the codes of the rows' lengths.
    pub(super) norms: Option<(ProductQuantizer, Vec<u8>)>,
}

impl QuantizedMatrix {
    /// Quantises a table: `piece` numbers share a byte; with `norms` the lengths of the rows have one of their own.
    ///
    /// # Errors
    /// When there are fewer rows than centroids, or `piece` is 0.
    pub fn new(table: &Table, piece: usize, norms: bool) -> Result<Self> {
        if piece == 0 {
            return Err(Error::setting("dsub", piece, "at least 1"));
        }
        let (rows, dim) = (table.rows(), table.dim());
        let lengths: Vec<f32> = table.iter().map(|row| dot(row, row).sqrt()).collect();
        let row = |at: usize| {
            let mut row = table.row(at).to_vec();
            if norms && lengths[at] != 0.0 {
                row.iter_mut().for_each(|value| *value /= lengths[at]);
            }
            row
        };
        let quantizer = ProductQuantizer::learn(&row, rows, dim, piece)?;
        let mut codes = vec![0; rows * quantizer.pieces()];
        codes.par_chunks_mut(quantizer.pieces()).enumerate().for_each(|(at, codes)| quantizer.encode(&row(at), codes));
        let norms = if norms {
            let quantizer = ProductQuantizer::learn(&|at| vec![lengths[at]], rows, 1, 1)?;
            let mut codes = vec![0; rows];
            codes.par_iter_mut().enumerate().for_each(|(at, code)| {
                quantizer.encode(&lengths[at..=at], std::slice::from_mut(code));
            });
            Some((quantizer, codes))
        } else {
            None
        };
        Ok(Self { rows, quantizer, codes, norms })
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        self.quantizer.dim
    }

    pub(super) fn add_row(&self, row: usize, vector: &mut [f32]) {
        let norm = self.norm(row);
        for (piece, (values, &code)) in vector.chunks_mut(self.quantizer.piece).zip(self.codes(row)).enumerate() {
            for (value, centre) in values.iter_mut().zip(self.quantizer.centroid(piece, code)) {
                *value += norm * centre;
            }
        }
    }

    pub(super) fn dot_row(&self, row: usize, vector: &[f32]) -> f32 {
        let pieces = vector.chunks(self.quantizer.piece).zip(self.codes(row)).enumerate();
        let products = pieces.map(|(piece, (values, &code))| {
            let centre = self.quantizer.centroid(piece, code);
            values.iter().zip(centre).map(|(value, centre)| value * centre).sum::<f32>()
        });
        products.sum::<f32>() * self.norm(row)
    }

    fn codes(&self, row: usize) -> &[u8] {
        let pieces = self.quantizer.pieces();
        &self.codes[row * pieces..(row + 1) * pieces]
    }

    fn norm(&self, row: usize) -> f32 {
        self.norms.as_ref().map_or(1.0, |(quantizer, codes)| quantizer.centroid(0, codes[row])[0])
    }
}

/// [`MOST_ROWS`] different rows.
fn sample(rng: &mut ChaCha8Rng, count: usize) -> Vec<usize> {
    let mut rows = random::shuffled(rng, count);
    rows.truncate(MOST_ROWS);
    rows
}

/// [`CENTROIDS`] means of points of `width` numbers. A centroid without points takes half of those of another.
fn k_means(points: &[f32], width: usize, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let count = points.len() / width;
    let order = random::shuffled(rng, count);
    let mut centroids: Vec<f32> =
        order[..CENTROIDS].iter().flat_map(|&at| points[at * width..(at + 1) * width].to_vec()).collect();
    for _ in 0..ITERATIONS {
        let codes: Vec<u8> = points.par_chunks_exact(width).map(|point| nearest(point, &centroids) as u8).collect();
        let mut members = [0usize; CENTROIDS];
        centroids.fill(0.0);
        for (point, &code) in points.chunks_exact(width).zip(&codes) {
            let code = usize::from(code);
            members[code] += 1;
            super::matrix::add(&mut centroids[code * width..(code + 1) * width], point);
        }
        for (centroid, &members) in centroids.chunks_exact_mut(width).zip(&members) {
            if members > 0 {
                centroid.iter_mut().for_each(|value| *value /= members as f32);
            }
        }
        split(&mut centroids, &mut members, width, count, rng);
    }
    centroids
}

/// Gives each empty centroid half the points of another, drawn in proportion to its points but one.
fn split(centroids: &mut [f32], members: &mut [usize; CENTROIDS], width: usize, count: usize, rng: &mut ChaCha8Rng) {
    for empty in 0..CENTROIDS {
        if members[empty] != 0 || count == CENTROIDS {
            continue;
        }
        let mut from = 0;
        while random::uniform(rng) * (count - CENTROIDS) as f32 >= members[from] as f32 - 1.0 {
            from = (from + 1) % CENTROIDS;
        }
        centroids.copy_within(from * width..(from + 1) * width, empty * width);
        for at in 0..width {
            let step = if at % 2 == 1 { APART } else { -APART };
            centroids[empty * width + at] += step;
            centroids[from * width + at] -= step;
        }
        members[empty] = members[from] / 2;
        members[from] -= members[empty];
    }
}

/// The number of the nearest centroid, the first of equals.
fn nearest(point: &[f32], centroids: &[f32]) -> usize {
    let mut best = (f32::INFINITY, 0);
    for (number, centroid) in centroids.chunks_exact(point.len()).enumerate() {
        let distance: f32 = point.iter().zip(centroid).map(|(a, b)| (a - b) * (a - b)).sum();
        if distance < best.0 {
            best = (distance, number);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize, dim: usize) -> Table {
        let mut rng = random::stream(5, &[]);
        let values: Vec<f32> = (0..rows * dim).map(|_| random::uniform(&mut rng) - 0.5).collect();
        Table::from_values(dim, &values).unwrap()
    }

    #[test]
    fn codes_stand_for_nearby_rows() {
        let table = table(1000, 7);
        for (piece, norms, most) in [(2, false, 0.05), (2, true, 0.05), (1, false, 0.003), (3, true, 0.13)] {
            let quantized = QuantizedMatrix::new(&table, piece, norms).unwrap();
            let mut error = 0.0;
            let probe = [0.3, -0.1, 0.7, 0.2, -0.9, 0.5, 0.1];
            for (at, row) in table.iter().enumerate() {
                let mut found = vec![0.0; 7];
                quantized.add_row(at, &mut found);
                assert!((dot(&found, &probe) - quantized.dot_row(at, &probe)).abs() < 1e-5);
                error += row.iter().zip(&found).map(|(a, b)| (a - b).powi(2)).sum::<f32>().sqrt() / 1000.0;
            }
            assert!(error < most, "piece {piece}, norms {norms}: mean error {error}");
            assert_eq!(quantized, QuantizedMatrix::new(&table, piece, norms).unwrap(), "the same each time");
        }
        assert!(QuantizedMatrix::new(&table, 0, false).is_err());
    }

    #[test]
    fn few_or_equal_rows() {
        let error = QuantizedMatrix::new(&table(255, 4), 2, false).unwrap_err().to_string();
        assert!(error.contains("255 rows") && error.contains("256"), "{error}");
        let exact = QuantizedMatrix::new(&table(256, 4), 2, false).unwrap();
        let mut row = vec![0.0; 4];
        exact.add_row(9, &mut row);
        assert_eq!(row, table(256, 4).row(9), "as many centroids as rows");
        QuantizedMatrix::new(&Table::zeros(300, 4).unwrap(), 2, true).unwrap();
    }
}
