//! Rows of numbers, and the products of those of two sets, on which most measures rest.

use burn::tensor::{Device, Tensor, TensorData};

/// Rows in one product: enough to keep a matrix product busy.
const BLOCK: usize = 512;

/// Rows of equal width.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    values: Vec<f32>,
    width: usize,
}

impl Rows {
    /// Rows that follow each other.
    ///
    /// # Panics
    /// If there is a part of a row, or no width.
    pub fn new(values: Vec<f32>, width: usize) -> Self {
        assert!(width > 0 && values.len().is_multiple_of(width), "{} values in rows of {width}", values.len());
        Self { values, width }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len() / self.width
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.width)
    }

    /// One of them.
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.width..(index + 1) * self.width]
    }

    /// The first `count`, or all.
    pub fn first(&self, count: usize) -> Self {
        Self { values: self.values[..(count * self.width).min(self.values.len())].to_vec(), width: self.width }
    }

    /// The mean of each column.
    pub fn means(&self) -> Vec<f64> {
        let mut sums = vec![0f64; self.width];
        for row in self.iter() {
            sums.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        sums.iter_mut().for_each(|sum| *sum /= self.len().max(1) as f64);
        sums
    }

    /// Rows with `centre` taken off: distances stay, and round less.
    fn centred(&self, centre: &[f64]) -> Self {
        let shifted = |row: &[f32]| row.iter().zip(centre).map(|(x, c)| (f64::from(*x) - c) as f32).collect::<Vec<_>>();
        Self { values: self.iter().flat_map(shifted).collect(), width: self.width }
    }

    fn tensor(&self, device: &Device) -> Tensor<2> {
        Tensor::from_data(TensorData::new(self.values.clone(), [self.len(), self.width]), device)
    }
}

/// Calls `each` with every row's number in `a` and its scalar products with all rows of `b`, in order.
pub fn products(a: &Rows, b: &Rows, device: &Device, mut each: impl FnMut(usize, &[f32])) {
    let columns = b.len();
    let b = b.tensor(device).transpose();
    for (block, rows) in a.values.chunks(BLOCK * a.width).enumerate() {
        let rows = Rows { values: rows.to_vec(), width: a.width };
        let found: Vec<f32> = rows.tensor(device).matmul(b.clone()).into_data().try_to_vec().unwrap_or_default();
        for (row, products) in found.chunks_exact(columns.max(1)).enumerate() {
            each(block * BLOCK + row, products);
        }
    }
}

/// The same with squared distances.
pub fn squared_distances(a: &Rows, b: &Rows, device: &Device, mut each: impl FnMut(usize, &[f32])) {
    let centre = b.means();
    let (a, b) = (a.centred(&centre), b.centred(&centre));
    let squares = |rows: &Rows| rows.iter().map(|row| row.iter().map(|x| x * x).sum()).collect::<Vec<f32>>();
    let (of_a, of_b) = (squares(&a), squares(&b));
    let mut distances = vec![0f32; b.len()];
    products(&a, &b, device, |row, products| {
        for ((distance, product), square) in distances.iter_mut().zip(products).zip(&of_b) {
            *distance = (of_a[row] + square - 2.0 * product).max(0.0);
        }
        each(row, &distances);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_definition_across_blocks() {
        let rows = |count: usize, shift: f32| {
            Rows::new((0..count * 3).map(|index| ((index * 37) % 101) as f32 / 10.0 + shift).collect(), 3)
        };
        let (a, b) = (rows(BLOCK + 5, 100.0), rows(7, 101.0));
        let mut seen = Vec::new();
        squared_distances(&a, &b, &Device::default(), |row, distances| {
            seen.push(row);
            for (other, found) in distances.iter().enumerate() {
                let exact: f32 = a.row(row).iter().zip(b.row(other)).map(|(x, y)| (x - y) * (x - y)).sum();
                assert!((found - exact).abs() < 1e-3 * exact.max(1.0), "{found} {exact}");
            }
        });
        assert_eq!(seen, (0..BLOCK + 5).collect::<Vec<_>>());
    }
}
