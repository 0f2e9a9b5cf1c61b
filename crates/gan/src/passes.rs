//! Which items are in which batch.

use ognivo_core::random;

/// Batches of numbered items, in a new order in each pass. Whole batches only: what is left of a pass is passed over.
pub(crate) struct Passes {
    seed: u64,
    items: usize,
    size: usize,
    /// A pass and the order of the items in it.
    order: (u64, Vec<usize>),
}

impl Passes {
    /// Batches of `asked` items, or of all where there are fewer; there is at least one item.
    pub(crate) fn new(seed: u64, items: usize, asked: usize) -> Self {
        Self { seed, items, size: asked.min(items), order: (0, random::permutation(seed, 0, items)) }
    }

    /// Items in a batch.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// Batches in a pass.
    pub(crate) fn batches(&self) -> u64 {
        (self.items / self.size) as u64
    }

    /// The items of batch `number`, counted over all passes.
    pub(crate) fn batch(&mut self, number: u64) -> &[usize] {
        let (pass, position) = (number / self.batches(), (number % self.batches()) as usize);
        if self.order.0 != pass {
            self.order = (pass, random::permutation(self.seed, pass, self.items));
        }
        &self.order.1[position * self.size..(position + 1) * self.size]
    }
}
