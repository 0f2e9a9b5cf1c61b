//! Which classes generated pictures are taken for, and how evenly.

use serde::Serialize;

/// A class is covered with this share of what it has among real pictures.
pub const COVERED: f64 = 0.1;

/// Classes of pictures, by a classifier.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Classes {
    /// The share of each.
    pub shares: Vec<f64>,
    /// Classes with at least a tenth of the share they have among real pictures.
    pub covered: usize,
    /// Classes that real pictures are taken for.
    pub total: usize,
    /// Entropy of the shares in nats: `ln` of the number of classes where all are alike.
    pub entropy: f64,
}

impl Classes {
    /// Of pictures against real ones, each given by the label it is taken for, of so many classes.
    pub fn of(pictures: &[usize], real: &[usize], classes: usize) -> Self {
        let shares = |labels: &[usize]| {
            let mut counts = vec![0usize; classes];
            labels.iter().for_each(|&label| counts[label] += 1);
            counts.iter().map(|&count| count as f64 / labels.len().max(1) as f64).collect::<Vec<_>>()
        };
        let (own, due) = (shares(pictures), shares(real));
        let covered =
            own.iter().zip(&due).filter(|&(own, due)| *due > 0.0 && *own > 0.0 && *own >= COVERED * due).count();
        let entropy = -own.iter().filter(|share| **share > 0.0).map(|share| share * share.ln()).sum::<f64>();
        Self { shares: own, covered, total: due.iter().filter(|share| **share > 0.0).count(), entropy }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let real: Vec<usize> = (0..100).map(|index| index % 2).collect();
        // 96 zeros and four ones: 4 % is less than a tenth of 50 %; a class that real pictures do not have counts for nothing.
        let pictures: Vec<usize> = (0..100).map(|index| if index < 4 { 1 } else { 0 }).collect();
        let classes = Classes::of(&pictures, &real, 3);
        assert_eq!((classes.covered, classes.total, classes.shares), (1, 2, vec![0.96, 0.04, 0.0]));
        assert!((classes.entropy - (-(0.96f64 * 0.96f64.ln()) - 0.04 * 0.04f64.ln())).abs() < 1e-12);
        let even = Classes::of(&real, &real, 3);
        assert!(even.covered == 2 && (even.entropy - 2f64.ln()).abs() < 1e-12);
        assert_eq!(Classes::of(&[], &real, 3).covered, 0);
    }
}
