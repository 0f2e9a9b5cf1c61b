//! The sliced Wasserstein distance (Rabin et al. 2012): along a random direction the best way to carry one cloud to the other is in
//! order, so its cost is known exactly; the distance is the root of the mean squared cost over many directions.

use burn::tensor::Device;
use ognivo_core::random::{self, stream};

use super::rows::{Rows, products};
use crate::noise::SLICE;

/// Directions, the same each time.
const DIRECTIONS: usize = 256;

/// The distance between as many rows of both as the smaller has: `sqrt(mean over directions v of mean over i of (a_i . v - b_i . v)^2)` with
/// the projections in order.
pub fn distance(a: &Rows, b: &Rows, device: &Device) -> f64 {
    along(a, b, &directions(a.width()), device)
}

/// Unit vectors.
fn directions(width: usize) -> Rows {
    let mut rng = stream(0, &[SLICE]);
    let values: Vec<f64> = (0..DIRECTIONS * width).map(|_| random::normal(&mut rng)).collect();
    let unit = |vector: &[f64]| {
        let length = vector.iter().map(|x| x * x).sum::<f64>().sqrt();
        vector.iter().map(move |x| (x / length) as f32).collect::<Vec<_>>()
    };
    Rows::new(values.chunks_exact(width).flat_map(unit).collect(), width)
}

/// The distance along given directions.
pub fn along(a: &Rows, b: &Rows, directions: &Rows, device: &Device) -> f64 {
    let count = a.len().min(b.len());
    let project = |rows: &Rows| {
        let mut projections = Vec::with_capacity(directions.len());
        products(directions, &rows.first(count), device, |_, products| {
            let mut sorted = products.to_vec();
            sorted.sort_by(f32::total_cmp);
            projections.push(sorted);
        });
        projections
    };
    let costs = project(a)
        .into_iter()
        .zip(project(b))
        .map(|(a, b)| a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>() / count.max(1) as f64);
    (costs.sum::<f64>() / directions.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let rows = |values: &[f32]| Rows::new(values.to_vec(), 2);
        let (a, b) = (rows(&[0.0, 0.0, 2.0, 5.0]), rows(&[3.0, 5.0, 0.0, 1.0]));
        // Along the first axis 0 and 2 go to 0 and 3: cost 1/2; along the second 0 and 5 go to 1 and 5: cost 1/2.
        let axes = rows(&[1.0, 0.0, 0.0, 1.0]);
        assert!((along(&a, &b, &axes, &Device::default()) - 0.5f64.sqrt()).abs() < 1e-6);
        assert_eq!(distance(&a, &a, &Device::default()), 0.0);
        // A shift by a vector of length 5 in the plane costs 25/2 on average over directions.
        let shifted = rows(&[3.0, 4.0, 5.0, 9.0]);
        assert!((distance(&a, &shifted, &Device::default()) - 12.5f64.sqrt()).abs() < 0.2);
    }
}
