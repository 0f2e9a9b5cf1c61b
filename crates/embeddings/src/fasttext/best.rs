//! The best of many scores.

/// The `k` best so far, in a heap whose root is the least of them.
///
/// Scores are often equal, for the logistic function is looked up in steps, and which of equals comes first should be what
/// it is in the reference program. So the heap moves its items just as the C++ library there does: a hole sinks to the
/// bottom along the lesser children, and the item that fills it rises from there.
pub(super) struct Best {
    k: usize,
    heap: Vec<(f32, usize)>,
}

impl Best {
    pub(super) fn new(k: usize) -> Self {
        Self { k, heap: Vec::new() }
    }

    /// Whether a score would be among the best; one equal to the least is.
    pub(super) fn takes(&self, score: f32) -> bool {
        self.heap.len() < self.k || self.heap.first().is_none_or(|&(least, _)| score >= least)
    }

    pub(super) fn add(&mut self, score: f32, item: usize) {
        self.heap.push((score, item));
        let last = self.heap.len() - 1;
        rise(&mut self.heap, last);
        if self.heap.len() > self.k {
            remove_least(&mut self.heap);
            self.heap.pop();
        }
    }

    /// All of them, the best first.
    pub(super) fn sorted(mut self) -> Vec<(f32, usize)> {
        for length in (2..=self.heap.len()).rev() {
            remove_least(&mut self.heap[..length]);
        }
        self.heap
    }
}

/// Moves the item at `at` up past all greater ones.
fn rise(heap: &mut [(f32, usize)], mut at: usize) {
    while at > 0 && heap[(at - 1) / 2].0 > heap[at].0 {
        heap.swap(at, (at - 1) / 2);
        at = (at - 1) / 2;
    }
}

/// Moves the root to the end, which leaves a heap of one item less.
fn remove_least(heap: &mut [(f32, usize)]) {
    let Some(last) = heap.len().checked_sub(1) else { return };
    let item = heap[last];
    heap[last] = heap[0];
    let (rest, mut hole) = (&mut heap[..last], 0);
    while 2 * hole + 1 < last {
        let left = 2 * hole + 1;
        let lesser = if left + 1 < last && rest[left + 1].0 <= rest[left].0 { left + 1 } else { left };
        rest[hole] = rest[lesser];
        hole = lesser;
    }
    if let Some(place) = rest.get_mut(hole) {
        *place = item;
        rise(rest, hole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_in_order() {
        for k in 1..20 {
            let mut best = Best::new(k);
            let scores: Vec<f32> = (0..50).map(|i| ((i * 37) % 23) as f32).collect();
            for (item, &score) in scores.iter().enumerate() {
                if best.takes(score) {
                    best.add(score, item);
                }
            }
            let found = best.sorted();
            assert!(found.iter().all(|&(score, item)| scores[item] == score));
            let mut expected = scores.clone();
            expected.sort_by(|a, b| b.total_cmp(a));
            assert_eq!(found.iter().map(|&(score, _)| score).collect::<Vec<_>>(), expected[..k]);
        }
        assert!(Best::new(3).sorted().is_empty());
    }
}
