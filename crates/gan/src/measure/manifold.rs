//! Precision and recall of distributions (Kynkaanniemi et al. 2019): how much of what is generated looks real, and how much of what is real
//! can be generated.
//!
//! A cloud's manifold is the union of balls around its rows, each as wide as the distance to the third nearest other row. Precision is the
//! share of generated rows in the manifold of the real ones, recall the share of real rows in that of the generated ones.

use burn::tensor::Device;

use super::rows::{Rows, squared_distances};

/// Neighbours within a ball, the paper's `k`.
const NEIGHBOURS: usize = 3;

/// Precision and recall of `generated` against `real`.
pub fn precision_and_recall(generated: &Rows, real: &Rows, device: &Device) -> (f64, f64) {
    (share_within(generated, real, device), share_within(real, generated, device))
}

/// The share of rows that lie in the manifold of `cloud`.
fn share_within(rows: &Rows, cloud: &Rows, device: &Device) -> f64 {
    let radii = squared_radii(cloud, device);
    let mut within = 0usize;
    squared_distances(rows, cloud, device, |_, distances| {
        within += usize::from(distances.iter().zip(&radii).any(|(distance, radius)| distance <= radius));
    });
    within as f64 / rows.len().max(1) as f64
}

/// Squared distances from each row to the third nearest other one; of fewer rows, to the farthest.
fn squared_radii(cloud: &Rows, device: &Device) -> Vec<f32> {
    let mut radii = Vec::with_capacity(cloud.len());
    squared_distances(cloud, cloud, device, |row, distances| {
        let others = distances.iter().enumerate().filter(|(other, _)| *other != row);
        let mut others: Vec<f32> = others.map(|(_, distance)| *distance).collect();
        let place = (NEIGHBOURS - 1).min(others.len().saturating_sub(1));
        radii.push(if others.is_empty() { 0.0 } else { *others.select_nth_unstable_by(place, f32::total_cmp).1 });
    });
    radii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let rows = |values: &[f32]| Rows::new(values.to_vec(), 1);
        // Real rows at 0, 1, 2, 3, each reaches its third neighbour: radii 3, 2, 2, 3, so the manifold is [-3, 6].
        let real = rows(&[0.0, 1.0, 2.0, 3.0]);
        // Generated at 5, 5, 5, 5, 100: radii 0 but for the last, whose is 95: the manifold is 5 and [5, 195].
        let generated = rows(&[5.0, 5.0, 5.0, 5.0, 100.0]);
        assert_eq!(precision_and_recall(&generated, &real, &Device::default()), (0.8, 0.0));
        assert_eq!(precision_and_recall(&real, &real, &Device::default()), (1.0, 1.0));
        assert_eq!(precision_and_recall(&rows(&[1.0]), &rows(&[1.5]), &Device::default()), (0.0, 0.0));
    }
}
