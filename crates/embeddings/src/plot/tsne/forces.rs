//! The divergence between the neighbourhoods of vectors and of points, and its gradient.

use rayon::prelude::*;

use super::affinity::Affinities;
use super::quadtree::Quadtree;

/// What pushes the points.
pub(super) struct Forces {
    /// Of the divergence by each point, its first factor exaggerated.
    pub(super) gradient: Vec<[f64; 2]>,
    /// In nats, without exaggeration.
    pub(super) divergence: f64,
}

/// What the points push one of them with: the sum of `(a - b) w^2` and of `w = 1 / (1 + |a - b|^2)` over all others.
#[derive(Clone, Copy, Default)]
pub(super) struct Push {
    pub(super) force: [f64; 2],
    pub(super) weight: f64,
}

impl Push {
    /// Adds `count` points at the same place, so far away.
    pub(super) fn add(&mut self, away: [f64; 2], squared: f64, count: f64) {
        let weight = 1.0 / (1.0 + squared);
        self.weight += count * weight;
        let scale = count * weight * weight;
        self.force[0] += scale * away[0];
        self.force[1] += scale * away[1];
    }
}

impl Affinities {
    /// With `theta` 0 every pair is looked at; else points are taken together as [`Quadtree`] says.
    pub(super) fn gradient(&self, points: &[[f64; 2]], exaggeration: f64, theta: f64) -> Forces {
        let tree = (theta > 0.0).then(|| Quadtree::of(points));
        // Of each point: attraction, what its pairs add to the divergence but for the common sum, and how it is pushed.
        let each = |(i, &here): (usize, &[f64; 2])| {
            let (mut pull, mut divergence) = ([0.0; 2], 0.0);
            for (other, probability) in self.of_row(i) {
                let (away, squared) = between(here, points[other]);
                let weight = 1.0 / (1.0 + squared);
                pull[0] += probability * weight * away[0];
                pull[1] += probability * weight * away[1];
                if probability > 0.0 {
                    divergence += probability * (probability / weight).ln();
                }
            }
            let push = tree.as_ref().map_or_else(|| pushed(here, i, points), |tree| tree.push(here, theta));
            (pull, divergence, push)
        };
        let each: Vec<_> = points.par_iter().enumerate().map(each).collect();
        // In order, so that the sum is the same whatever the number of threads.
        let total: f64 = each.iter().map(|(_, _, push)| push.weight).sum();
        let (mut divergence, mut pairs) = (0.0, 0.0);
        for (i, (_, own, _)) in each.iter().enumerate() {
            divergence += own;
            pairs += self.of_row(i).map(|pair| pair.1).sum::<f64>();
        }
        let gradient = each
            .iter()
            .map(|(pull, _, push)| [0, 1].map(|axis| 4.0 * (exaggeration * pull[axis] - push.force[axis] / total)));
        Forces { gradient: gradient.collect(), divergence: divergence + pairs * total.ln() }
    }
}

/// From all other points, one by one.
fn pushed(here: [f64; 2], own: usize, points: &[[f64; 2]]) -> Push {
    let mut push = Push::default();
    for other in points[..own].iter().chain(&points[own + 1..]) {
        let (away, squared) = between(here, *other);
        push.add(away, squared, 1.0);
    }
    push
}

/// The way from the second to the first, and its squared length.
pub(super) fn between(a: [f64; 2], b: [f64; 2]) -> ([f64; 2], f64) {
    let away = [a[0] - b[0], a[1] - b[1]];
    (away, away[0] * away[0] + away[1] * away[1])
}
