//! How likely vectors are neighbours.

use rayon::prelude::*;

use crate::Table;

/// Probabilities of pairs, the same both ways, all of them together 1; those of pairs that are not among each other's nearest are 0
/// and not kept.
pub(super) struct Affinities {
    /// Where the pairs of each vector begin, and where the last one's end.
    starts: Vec<usize>,
    others: Vec<u32>,
    values: Vec<f64>,
}

impl Affinities {
    /// Each vector's neighbours are drawn from a normal distribution around it, as wide as makes their perplexity the one given; the
    /// probability of a pair is the mean of both ways.
    pub(super) fn of(table: &Table, perplexity: f64, neighbours: usize) -> Self {
        let rows = table.rows();
        let own: Vec<Vec<(u32, f64)>> =
            (0..rows).into_par_iter().map(|row| conditional(table, row, perplexity, neighbours)).collect();
        let mut both: Vec<Vec<(u32, f64)>> = own.clone();
        for (row, list) in own.iter().enumerate() {
            for &(other, value) in list {
                both[other as usize].push((row as u32, value));
            }
        }
        let mut all = Self { starts: vec![0], others: Vec::new(), values: Vec::new() };
        for mut list in both {
            list.sort_unstable_by_key(|pair| pair.0);
            for (other, value) in list {
                let first = all.starts.last().is_some_and(|&start| start == all.others.len());
                match (all.others.last(), all.values.last_mut()) {
                    (Some(&last), Some(sum)) if !first && last == other => *sum += value / (2 * rows) as f64,
                    _ => {
                        all.others.push(other);
                        all.values.push(value / (2 * rows) as f64);
                    }
                }
            }
            all.starts.push(all.others.len());
        }
        all
    }

    /// The pairs of a vector: the other one and the probability.
    pub(super) fn of_row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> {
        let range = self.starts[row]..self.starts[row + 1];
        self.others[range.clone()].iter().map(|&other| other as usize).zip(self.values[range].iter().copied())
    }

    #[cfg(test)]
    pub(super) fn value(&self, row: usize, other: usize) -> f64 {
        self.of_row(row).find(|pair| pair.0 == other).map_or(0.0, |pair| pair.1)
    }
}

/// The nearest neighbours of a vector, each with the probability of being drawn.
fn conditional(table: &Table, row: usize, perplexity: f64, neighbours: usize) -> Vec<(u32, f64)> {
    let here = table.row(row);
    let distance = |other: &[f32]| here.iter().zip(other).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    let mut near: Vec<(u32, f64)> = (0..table.rows())
        .filter(|&other| other != row)
        .map(|other| (other as u32, distance(table.row(other))))
        .collect();
    if neighbours < near.len() {
        near.select_nth_unstable_by(neighbours, |a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        near.truncate(neighbours);
    }
    let nearest = near.iter().fold(f64::INFINITY, |least, pair| least.min(pair.1));
    near.iter_mut().for_each(|pair| pair.1 -= nearest);
    let precision = precision(&near, perplexity);
    near.iter_mut().for_each(|pair| pair.1 = (-pair.1 * precision).exp());
    let sum: f64 = near.iter().map(|pair| pair.1).sum();
    near.iter_mut().for_each(|pair| pair.1 /= sum);
    near
}

/// The precision of a normal distribution at which squared distances have that perplexity, by bisection. Where no precision has, as
/// when all distances are equal, the nearest there is.
fn precision(distances: &[(u32, f64)], perplexity: f64) -> f64 {
    // Of distances beyond any scale the precision is too small for a number; theirs is then the smallest.
    let largest = distances.iter().fold(0.0, |largest: f64, pair| largest.max(pair.1));
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut precision = if largest > 0.0 { 1.0 / largest } else { 1.0 };
    for _ in 0..200 {
        let excess = entropy(distances, precision) - perplexity.ln();
        if excess.abs() < 1e-12 {
            break;
        }
        if excess > 0.0 {
            low = precision;
            precision = if high.is_finite() { (low + high) / 2.0 } else { precision * 2.0 };
        } else {
            high = precision;
            precision = (low + high) / 2.0;
        }
        if !precision.is_finite() {
            return f64::MAX;
        }
    }
    precision
}

/// In nats.
fn entropy(distances: &[(u32, f64)], precision: f64) -> f64 {
    let (mut sum, mut mean) = (0.0, 0.0);
    for &(_, distance) in distances {
        let weight = (-distance * precision).exp();
        sum += weight;
        if weight > 0.0 {
            mean += weight * distance * precision;
        }
    }
    f64::ln(sum) + mean / sum
}

#[cfg(test)]
mod tests {
    use super::super::super::tests::table;
    use super::*;

    #[test]
    fn every_vector_has_the_perplexity_and_all_pairs_are_1() {
        let table = table(40, 6);
        for (perplexity, neighbours) in [(5.0, 39), (10.0, 31), (38.9, 39)] {
            for row in 0..40 {
                let list = conditional(&table, row, perplexity, neighbours);
                assert_eq!(list.len(), neighbours);
                let entropy: f64 = list.iter().map(|&(_, p)| if p > 0.0 { -p * p.ln() } else { 0.0 }).sum();
                assert!((entropy.exp() - perplexity).abs() < 1e-6, "{}", entropy.exp());
            }
            let all = Affinities::of(&table, perplexity, neighbours);
            let sum: f64 = (0..40).flat_map(|row| all.of_row(row).map(|pair| pair.1)).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
    }
}
