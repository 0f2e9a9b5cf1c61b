//! Clusters of vectors.

use ognivo_core::random::{self, ChaCha8Rng};

use crate::{Error, Result, Table};

/// First part of the [`random::stream`] that begins clusters: "clusters" in ASCII.
const CLUSTERS: u64 = u64::from_be_bytes(*b"clusters");
/// Beginnings of which the best end is kept.
const BEGINNINGS: u64 = 10;
/// Steps from one beginning.
const STEPS: usize = 300;

/// The number of the cluster of each row, of `count` clusters, by k-means (Lloyd 1982): the best of ten beginnings by the rule of
/// k-means++ (Arthur and Vassilvitskii 2007).
///
/// # Errors
/// When there are fewer rows than clusters, no clusters, or a number that is not finite.
pub fn k_means(table: &Table, count: usize, seed: u64) -> Result<Vec<u32>> {
    if count == 0 || count > table.rows() {
        let found = format!("{count} clusters of {} vectors", table.rows());
        return Err(Error::data("k-means", found, "at least one cluster, and a vector for each"));
    }
    if let Some(row) = table.iter().position(|row| row.iter().any(|value| !value.is_finite())) {
        let found = format!("a number that is not finite in vector {row}");
        return Err(Error::data("k-means", found, "finite numbers"));
    }
    let runs =
        (0..BEGINNINGS).map(|run| lloyd(table, begin(table, count, &mut random::stream(seed, &[CLUSTERS, run]))));
    let best = runs.min_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(best.map(|(clusters, _)| clusters).unwrap_or_default())
}

/// How many rows are not of the most frequent class of their cluster. `classes[i]` is the class of the row whose cluster is
/// `clusters[i]`.
pub fn misplaced(clusters: &[u32], classes: &[u32]) -> usize {
    let mut counts = std::collections::BTreeMap::<u32, std::collections::BTreeMap<u32, usize>>::new();
    for (&cluster, &class) in clusters.iter().zip(classes) {
        *counts.entry(cluster).or_default().entry(class).or_default() += 1;
    }
    let rest = |classes: &std::collections::BTreeMap<u32, usize>| {
        classes.values().sum::<usize>() - classes.values().max().copied().unwrap_or(0)
    };
    counts.values().map(rest).sum()
}

/// Rows, each drawn in proportion to its squared distance from those before.
fn begin(table: &Table, count: usize, rng: &mut ChaCha8Rng) -> Vec<Vec<f64>> {
    let center = |row: usize| table.row(row).iter().map(|&value| f64::from(value)).collect::<Vec<f64>>();
    let mut centers = vec![center(random::below(rng, table.rows()))];
    let mut nearest = vec![f64::INFINITY; table.rows()];
    while let Some(last) = centers.last().filter(|_| centers.len() < count) {
        for (row, nearest) in nearest.iter_mut().enumerate() {
            *nearest = nearest.min(distance(table.row(row), last));
        }
        let mut left = random::uniform_f64(rng) * nearest.iter().sum::<f64>();
        let chosen = nearest.iter().position(|&distance| {
            left -= distance;
            left < 0.0
        });
        // Where all rows lie on centres, any will do.
        centers.push(center(chosen.unwrap_or(centers.len() - 1)));
    }
    centers
}

/// Clusters from these centres on, and the sum of squared distances to the centres.
fn lloyd(table: &Table, mut centers: Vec<Vec<f64>>) -> (Vec<u32>, f64) {
    let mut clusters = vec![u32::MAX; table.rows()];
    let mut sum = 0.0;
    for _ in 0..STEPS {
        let mut changed = false;
        sum = 0.0;
        for (row, cluster) in clusters.iter_mut().enumerate() {
            let distances = centers.iter().map(|center| distance(table.row(row), center));
            let nearest = distances.enumerate().min_by(|(_, a), (_, b)| a.total_cmp(b));
            if let Some((nearest, distance)) = nearest {
                sum += distance;
                changed |= *cluster != nearest as u32;
                *cluster = nearest as u32;
            }
        }
        if !changed {
            break;
        }
        let mut means = vec![vec![0.0; table.dim()]; centers.len()];
        let mut counts = vec![0u32; centers.len()];
        for (row, &cluster) in table.iter().zip(&clusters) {
            counts[cluster as usize] += 1;
            means[cluster as usize].iter_mut().zip(row).for_each(|(mean, &value)| *mean += f64::from(value));
        }
        for ((center, mean), &count) in centers.iter_mut().zip(means).zip(&counts) {
            // A cluster that has lost all its rows stays where it was.
            if count > 0 {
                *center = mean.into_iter().map(|sum| sum / f64::from(count)).collect();
            }
        }
    }
    (clusters, sum)
}

fn distance(row: &[f32], center: &[f64]) -> f64 {
    row.iter().zip(center).map(|(&value, center)| (f64::from(value) - center).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_that_are_apart_are_found() {
        let mut rng = random::stream(1, &[]);
        let classes: Vec<u32> = (0..90).map(|row| row % 3).collect();
        let values: Vec<f32> = classes
            .iter()
            .flat_map(|&class| [class as f32 * 3.0, (class * class) as f32])
            .map(|value| value + random::uniform(&mut rng))
            .collect();
        let table = Table::from_values(2, &values).unwrap();
        for seed in 0..20 {
            let clusters = k_means(&table, 3, seed).unwrap();
            assert_eq!(misplaced(&clusters, &classes), 0, "seed {seed}");
            assert_eq!(k_means(&table, 3, seed).unwrap(), clusters);
        }
        assert_eq!(misplaced(&k_means(&table, 1, 0).unwrap(), &classes), 60);
        assert_eq!(misplaced(&[0, 0, 1, 1, 1], &[5, 6, 6, 6, 5]), 2);
    }

    #[test]
    fn what_has_no_clusters_is_refused() {
        let table = Table::from_values(1, &[1.0, 1.0]).unwrap();
        assert!(k_means(&table, 0, 1).is_err());
        assert!(k_means(&table, 3, 1).unwrap_err().to_string().contains("3 clusters of 2 vectors"));
        assert_eq!(k_means(&table, 2, 1).unwrap().len(), 2);
        assert!(k_means(&Table::from_values(1, &[1.0, f32::NAN]).unwrap(), 1, 1).is_err());
    }
}
