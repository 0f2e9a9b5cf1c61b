//! Points of the plane in squares within squares, so that far ones can be taken together (Barnes and Hut 1986).

use super::forces::{Push, between};

/// Squares are halved no further than this: points nearer to each other count as one place.
const DEPTH: u32 = 40;
/// A square without points in place of a quarter.
const NONE: u32 = u32::MAX;

/// The squares, the whole plane's first.
pub(super) struct Quadtree {
    squares: Vec<Square>,
    /// The side of the whole.
    side: f64,
}

#[derive(Clone)]
struct Square {
    /// The mean of its points, and how many there are.
    mean: [f64; 2],
    count: f64,
    /// All [`NONE`] in a square of one place.
    quarters: [u32; 4],
}

impl Quadtree {
    pub(super) fn of(points: &[[f64; 2]]) -> Self {
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for point in points {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let side = (high[0] - low[0]).max(high[1] - low[1]);
        let mut tree = Self { squares: Vec::with_capacity(2 * points.len()), side };
        for &point in points {
            tree.insert(point, low);
        }
        tree
    }

    /// What the points push the point `here`, one of them, with. A square whose side is less than `theta` times its distance counts as
    /// one place.
    pub(super) fn push(&self, here: [f64; 2], theta: f64) -> Push {
        let mut push = Push::default();
        // Three quarters are left waiting on each level at most.
        let mut waiting = [(0u32, 0.0); 3 * DEPTH as usize + 4];
        waiting[0] = (0, self.side);
        let mut left = usize::from(!self.squares.is_empty());
        while left > 0 {
            left -= 1;
            let (index, side) = waiting[left];
            let square = &self.squares[index as usize];
            let (away, squared) = between(here, square.mean);
            if square.is_place() || side * side < theta * theta * squared {
                push.add(away, squared, square.count);
                continue;
            }
            for quarter in square.quarters.into_iter().filter(|&quarter| quarter != NONE) {
                waiting[left] = (quarter, side / 2.0);
                left += 1;
            }
        }
        // Itself, at no distance.
        push.weight -= 1.0;
        push
    }

    fn insert(&mut self, point: [f64; 2], mut corner: [f64; 2]) {
        let single = Square { mean: point, count: 1.0, quarters: [NONE; 4] };
        if self.squares.is_empty() {
            return self.squares.push(single);
        }
        let (mut index, mut half) = (0, self.side / 2.0);
        for _ in 0..DEPTH {
            let square = &mut self.squares[index];
            let (old, was_place) = (square.clone(), square.is_place());
            square.add(point);
            if was_place {
                if old.mean == point {
                    return;
                }
                // Who lived here alone moves into a quarter.
                let quarter = quarter(old.mean, corner, half);
                self.squares[index].quarters[quarter] = self.squares.len() as u32;
                self.squares.push(old);
            }
            let quarter = quarter(point, corner, half);
            let next = self.squares[index].quarters[quarter];
            if next == NONE {
                self.squares[index].quarters[quarter] = self.squares.len() as u32;
                return self.squares.push(single);
            }
            index = next as usize;
            corner = [corner[0] + half * (quarter % 2) as f64, corner[1] + half * (quarter / 2) as f64];
            half /= 2.0;
        }
        self.squares[index].add(point);
    }
}

impl Square {
    fn add(&mut self, point: [f64; 2]) {
        self.count += 1.0;
        for (mean, value) in self.mean.iter_mut().zip(point) {
            *mean += (value - *mean) / self.count;
        }
    }

    fn is_place(&self) -> bool {
        self.quarters == [NONE; 4]
    }
}

fn quarter(point: [f64; 2], corner: [f64; 2], half: f64) -> usize {
    usize::from(point[0] >= corner[0] + half) + 2 * usize::from(point[1] >= corner[1] + half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn without_grouping_it_is_the_sum_over_all(
            points in prop::collection::vec(prop::array::uniform2(prop_oneof![-1e3..1e3, Just(0.5), Just(0.500_000_000_000_01)]), 1..60),
        ) {
            let tree = Quadtree::of(&points);
            prop_assert_eq!(tree.squares[0].count, points.len() as f64);
            for &here in &points {
                let mut expected = Push::default();
                for &other in &points {
                    let (away, squared) = between(here, other);
                    expected.add(away, squared, 1.0);
                }
                let found = tree.push(here, 1e-12);
                prop_assert!((found.weight + 1.0 - expected.weight).abs() < 1e-9);
                prop_assert!((found.force[0] - expected.force[0]).abs() < 1e-9 && (found.force[1] - expected.force[1]).abs() < 1e-9);
            }
        }
    }
}
