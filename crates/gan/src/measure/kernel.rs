//! The kernel distance between two clouds of features (Binkowski et al. 2018): the squared maximum mean discrepancy for the kernel
//! `(x . y / d + 1)^3`, without bias, so that it is 0 on average for two samples of the same cloud, however few.

use burn::tensor::Device;

use super::rows::{Rows, products};

/// Rows of each cloud in one estimate; the distance is the mean over so many such blocks as there are.
const BLOCK: usize = 1000;

/// The distance, over as many rows of both as the smaller has; 0 for fewer than two.
pub fn distance(a: &Rows, b: &Rows, device: &Device) -> f64 {
    let count = a.len().min(b.len());
    let block = BLOCK.min(count);
    if block < 2 {
        return 0.0;
    }
    let blocks = count / block;
    let part = |rows: &Rows, index: usize| {
        let values = (index * block..(index + 1) * block).flat_map(|row| rows.row(row).to_vec()).collect();
        Rows::new(values, rows.width())
    };
    (0..blocks).map(|index| discrepancy(&part(a, index), &part(b, index), device)).sum::<f64>() / blocks as f64
}

/// Of two clouds of equally many rows.
fn discrepancy(a: &Rows, b: &Rows, device: &Device) -> f64 {
    let (count, width) = (a.len() as f64, a.width() as f64);
    let mean = |x: &Rows, y: &Rows, own: bool| {
        let mut sum = 0.0;
        products(x, y, device, |row, products| {
            let kernels = products.iter().map(|product| (f64::from(*product) / width + 1.0).powi(3));
            // An item with itself says nothing.
            sum +=
                kernels.enumerate().filter(|(other, _)| !own || *other != row).map(|(_, kernel)| kernel).sum::<f64>();
        });
        sum / (count * if own { count - 1.0 } else { count })
    };
    mean(a, a, true) + mean(b, b, true) - 2.0 * mean(a, b, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        // Kernels of 1 and 1: (1 + 1)^3 = 8; of 0 with anything: 1.
        let rows = |values: &[f32]| Rows::new(values.to_vec(), 1);
        let device = Device::default();
        assert!((distance(&rows(&[1.0, 1.0]), &rows(&[0.0, 0.0]), &device) - (8.0 + 1.0 - 2.0)).abs() < 1e-6);
        assert!(
            (distance(&rows(&[1.0, 0.0]), &rows(&[1.0, 0.0]), &device) - (1.0 + 1.0 - 2.0 * 11.0 / 4.0)).abs() < 1e-6
        );
        assert_eq!(distance(&rows(&[1.0]), &rows(&[0.0, 3.0]), &device), 0.0);
    }
}
