//! Vectors on a map of two dimensions: principal components and t-SNE.
//!
//! - [`pca`]: the directions in which vectors differ most. Exact, linear: distances on the map are never larger than they are.
//! - [`tsne`]: neighbours stay neighbours, whatever becomes of distances.
//!
//! - [`map`]: either, with what is to be said of the result.
//!
//! They take vectors as rows of a [`Table`](crate::Table) and give a point for each; `ognivo_core::report::MapChart` draws them.

mod eigen;
pub mod map;
pub mod pca;
pub mod tsne;

#[cfg(test)]
mod tests {
    use crate::Table;

    /// Vectors from the formula that `tests/reference/plot.py` has too.
    pub(super) fn table(rows: usize, dim: usize) -> Table {
        let value = |at: usize| {
            let (i, j) = (at / dim, at % dim);
            ((i * 37 + j * 101 + i * j * 13 + i * i * 7) % 97) as f32 / 32.0 + (i % 4 * (j % 3)) as f32
        };
        Table::from_values(dim, &(0..rows * dim).map(value).collect::<Vec<_>>()).unwrap()
    }
}
