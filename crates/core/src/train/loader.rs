//! An ordered, prefetching loader: worker threads prepare batches ahead, the consumer gets them in order.
//!
//! What a batch contains depends on the seed, the epoch and the batch's position alone, never on the number of workers or on timing.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use crate::{Error, Result, random};

/// Batches waiting ready, per worker.
const PREFETCH: usize = 4;

/// Where a batch stands in a run; with the seed, all that its random choices may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Epoch, from 0.
    pub epoch: u64,
    /// Batch within the epoch, from 0.
    pub batch: usize,
}

/// Turns items, named by their indices, into a batch. Runs on worker threads.
pub trait Batcher: Send + Sync + 'static {
    /// What the training step takes.
    type Batch: Send + 'static;

    /// How many items there are.
    fn items(&self) -> usize;

    /// Reads, augments and stacks the items.
    ///
    /// # Errors
    /// When an item cannot be read; ends the epoch.
    fn batch(&self, indices: &[usize], position: Position) -> Result<Self::Batch>;
}

/// Batches of a data set, epoch after epoch.
pub struct Loader<B: Batcher> {
    batcher: Arc<B>,
    batch_size: usize,
    shuffle: Option<u64>,
    workers: usize,
}

impl<B: Batcher> Loader<B> {
    /// Batches of `batch_size` (the last may be smaller) in the order of the items.
    pub fn new(batcher: B, batch_size: usize, workers: usize) -> Self {
        Self { batcher: Arc::new(batcher), batch_size: batch_size.max(1), shuffle: None, workers: workers.max(1) }
    }

    /// Draws a new order each epoch from the seed.
    pub fn shuffled(mut self, seed: u64) -> Self {
        self.shuffle = Some(seed);
        self
    }

    /// Batches in an epoch.
    pub fn batches(&self) -> usize {
        self.batcher.items().div_ceil(self.batch_size)
    }

    /// Items in an epoch.
    pub fn items(&self) -> usize {
        self.batcher.items()
    }

    /// The batches of one epoch from `first` on. Dropping the iterator stops the workers.
    pub fn epoch(&self, epoch: u64, first: usize) -> Batches<B::Batch> {
        let order = match self.shuffle {
            Some(seed) => random::permutation(seed, epoch, self.batcher.items()),
            None => (0..self.batcher.items()).collect(),
        };
        let order: Arc<[usize]> = order.into();
        let (batches, workers, size) = (self.batches(), self.workers, self.batch_size);
        // Worker w makes batches first + w, first + w + workers, ... and the consumer takes from the workers in turn:
        // bounded queues and the right order with no reordering buffer.
        let queues = (0..workers).map(|worker| {
            let (sender, receiver) = sync_channel(PREFETCH);
            let (batcher, order) = (self.batcher.clone(), order.clone());
            thread::spawn(move || {
                for batch in (first.saturating_add(worker)..batches).step_by(workers) {
                    let indices = &order[batch * size..order.len().min((batch + 1) * size)];
                    let made = batcher.batch(indices, Position { epoch, batch });
                    let failed = made.is_err();
                    if sender.send(made).is_err() || failed {
                        return;
                    }
                }
            });
            receiver
        });
        Batches { queues: queues.collect(), turn: 0, left: batches.saturating_sub(first) }
    }
}

/// The batches of an epoch, in order.
pub struct Batches<T> {
    queues: Vec<Receiver<Result<T>>>,
    turn: usize,
    left: usize,
}

impl<T> Iterator for Batches<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let queue = &self.queues[self.turn];
        self.turn = (self.turn + 1) % self.queues.len();
        // A worker that ends after an error has delivered it, and nothing is asked of it again: this one has panicked.
        let batch =
            queue.recv().unwrap_or_else(|_| Err(Error::Data("a thread that prepares batches has panicked".into())));
        if batch.is_err() {
            self.left = 0;
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    struct Numbers {
        items: usize,
        broken: Option<usize>,
    }

    impl Batcher for Numbers {
        type Batch = (Position, Vec<usize>);

        fn items(&self) -> usize {
            self.items
        }

        fn batch(&self, indices: &[usize], position: Position) -> Result<Self::Batch> {
            // Later batches are ready sooner, so that any dependence on timing shows.
            thread::sleep(Duration::from_micros(300u64.saturating_sub(20 * position.batch as u64)));
            match self.broken {
                Some(item) if indices.contains(&item) => Err(Error::Data(format!("item {item}"))),
                _ => Ok((position, indices.to_vec())),
            }
        }
    }

    fn epoch(workers: usize, epoch: u64, first: usize) -> Vec<(Position, Vec<usize>)> {
        let loader = Loader::new(Numbers { items: 103, broken: None }, 8, workers).shuffled(7);
        loader.epoch(epoch, first).map(|batch| batch.unwrap()).collect()
    }

    #[test]
    fn batches_do_not_depend_on_the_number_of_workers() {
        let reference = epoch(1, 2, 0);
        assert_eq!(reference.len(), 13);
        let mut seen: Vec<_> = reference.iter().flat_map(|(_, items)| items.clone()).collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..103).collect::<Vec<_>>(), "each item once an epoch");
        for workers in [2, 3, 8, 40] {
            assert_eq!(epoch(workers, 2, 0), reference);
            assert_eq!(epoch(workers, 2, 5), reference[5..], "an epoch can start in its middle");
        }
        assert_ne!(epoch(1, 3, 0), reference, "each epoch has an order of its own");
    }

    #[test]
    fn an_error_ends_the_epoch_in_its_place() {
        let loader = Loader::new(Numbers { items: 40, broken: Some(17) }, 8, 3);
        let batches: Vec<_> = loader.epoch(0, 0).map(|batch| batch.is_ok()).collect();
        assert_eq!(batches, [true, true, false]);
    }

    struct Panicking;

    impl Batcher for Panicking {
        type Batch = ();

        fn items(&self) -> usize {
            3
        }

        fn batch(&self, _: &[usize], position: Position) -> Result<()> {
            assert_ne!(position.batch, 1, "a panic on purpose");
            Ok(())
        }
    }

    #[test]
    fn a_panic_is_an_error_and_no_early_end() {
        for workers in [1, 2] {
            let batches: Vec<_> = Loader::new(Panicking, 1, workers).epoch(0, 0).map(|batch| batch.is_ok()).collect();
            assert_eq!(batches, [true, false]);
        }
    }

    #[test]
    fn nothing_gives_no_batch_and_a_dropped_epoch_stops() {
        let loader = Loader::new(Numbers { items: 0, broken: None }, 8, 3);
        assert_eq!(loader.epoch(0, 0).count(), 0);
        let loader = Loader::new(Numbers { items: 10_000, broken: None }, 1, 2);
        drop(loader.epoch(0, 0));
    }
}
