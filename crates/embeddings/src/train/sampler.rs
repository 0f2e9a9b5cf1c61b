//! Drawing from a fixed distribution in constant time: Walker's alias method, tables made as by Vose (1991).

use super::rng::Rng;

/// A distribution over `0 .. n`.
#[derive(Clone, Debug)]
pub struct Sampler {
    cells: Vec<Cell>,
}

/// A cell has probability `1 / n`: its own number with `keep / 2^32`, else the other.
#[derive(Clone, Copy, Debug)]
struct Cell {
    keep: u32,
    other: u32,
}

impl Sampler {
    /// Draws `i` with a probability proportional to `weights[i]`, which are finite and not negative; if all are 0, all are equally
    /// likely.
    pub fn new(weights: &[f64]) -> Self {
        let n = weights.len();
        let total: f64 = weights.iter().sum();
        let mut shares: Vec<f64> =
            weights.iter().map(|w| if total > 0.0 { w / total * n as f64 } else { 1.0 }).collect();
        let mut cells: Vec<Cell> = (0..n).map(|i| Cell { keep: u32::MAX, other: i as u32 }).collect();
        alias(&mut shares, |cell, keep, other| cells[cell] = Cell { keep: (keep * 4_294_967_296.0) as u32, other });
        Self { cells }
    }

    /// Negative examples as in Mikolov et al. 2013: counts to the power of 3/4.
    pub fn negatives(counts: &[u64]) -> Self {
        Self::new(&counts.iter().map(|&count| (count as f64).powf(0.75)).collect::<Vec<_>>())
    }

    /// How many numbers there are to draw from.
    pub fn len(&self) -> usize {
        self.cells.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cells.is_empty()
    }

    /// One number; 0 if there are none.
    #[inline(always)]
    pub fn draw(&self, rng: &mut Rng) -> u32 {
        let bits = rng.next_u64();
        let cell = ((bits >> 32) * self.cells.len() as u64) >> 32;
        let Some(&Cell { keep, other }) = self.cells.get(cell as usize) else { return 0 };
        // No branch: it could not be foreseen, and would wait for the cell to come from memory.
        std::hint::select_unpredictable(bits as u32 <= keep, cell as u32, other)
    }
}

/// Fills the cells that are not their own alone. `shares` are probabilities times their number, and are used up; `set` gets a cell, the
/// part of it that is its own, and whose the rest is.
pub(crate) fn alias(shares: &mut [f64], mut set: impl FnMut(usize, f64, u32)) {
    let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..shares.len()).partition(|&i| shares[i] < 1.0);
    while let (Some(&poor), Some(&rich)) = (small.last(), large.last()) {
        small.pop();
        set(poor, shares[poor], rich as u32);
        shares[rich] -= 1.0 - shares[poor];
        if shares[rich] < 1.0 {
            large.pop();
            small.push(rich);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_follow_the_weights() {
        let weights = [5.0, 0.0, 1.0, 3.0, 0.5, 0.5];
        let sampler = Sampler::new(&weights);
        let mut rng = Rng::new(3, &[]);
        let mut counts = [0.0; 6];
        let n = 200_000;
        (0..n).for_each(|_| counts[sampler.draw(&mut rng) as usize] += 1.0);
        for (count, weight) in counts.iter().zip(weights) {
            let p: f64 = weight / 10.0;
            let spread = (f64::from(n) * p * (1.0 - p)).sqrt();
            assert!((count - f64::from(n) * p).abs() <= 5.0 * spread, "{counts:?}");
        }
    }

    #[test]
    fn odd_distributions_draw_something() {
        let mut rng = Rng::new(1, &[]);
        assert_eq!(Sampler::new(&[]).draw(&mut rng), 0);
        assert_eq!(Sampler::new(&[7.0]).draw(&mut rng), 0);
        let zeros = Sampler::new(&[0.0, 0.0]);
        assert_eq!((0..100).map(|_| zeros.draw(&mut rng)).max(), Some(1));
    }
}
