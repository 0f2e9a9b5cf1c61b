//! The tables of a model, as floats or quantised.

use super::quantizer::QuantizedMatrix;
use crate::Table;

/// A row for each word and bucket, or for each output.
#[derive(Clone, Debug, PartialEq)]
pub enum Matrix {
    /// As learnt.
    Dense(Table),
    /// As codes.
    Quantized(QuantizedMatrix),
}

impl Matrix {
    /// How many rows.
    pub fn rows(&self) -> usize {
        match self {
            Self::Dense(table) => table.rows(),
            Self::Quantized(matrix) => matrix.rows(),
        }
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        match self {
            Self::Dense(table) => table.dim(),
            Self::Quantized(matrix) => matrix.dim(),
        }
    }

    /// Adds a row to a vector.
    pub(super) fn add_row(&self, row: usize, vector: &mut [f32]) {
        match self {
            Self::Dense(table) => add(vector, table.row(row)),
            Self::Quantized(matrix) => matrix.add_row(row, vector),
        }
    }

    /// The product of a row and a vector.
    pub(super) fn dot_row(&self, row: usize, vector: &[f32]) -> f32 {
        match self {
            Self::Dense(table) => dot(table.row(row), vector),
            Self::Quantized(matrix) => matrix.dot_row(row, vector),
        }
    }

    /// The mean of rows; 0 of none.
    pub(super) fn mean(&self, rows: &[u32], vector: &mut [f32]) {
        vector.fill(0.0);
        for &row in rows {
            self.add_row(row as usize, vector);
        }
        if !rows.is_empty() {
            let scale = (1.0 / rows.len() as f64) as f32;
            vector.iter_mut().for_each(|value| *value *= scale);
        }
    }
}

#[inline(always)]
pub(super) fn add(to: &mut [f32], from: &[f32]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += from;
    }
}

/// A product of two vectors, summed in 16 lanes, so that it is the same on every machine.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0f32; 16];
    let (a, b) = (a.chunks_exact(16), b.chunks_exact(16));
    let rest: f32 = a.remainder().iter().zip(b.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a.zip(b) {
        for lane in 0..16 {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    for half in [8, 4, 2, 1] {
        for lane in 0..half {
            lanes[lane] += lanes[lane + half];
        }
    }
    lanes[0] + rest
}
