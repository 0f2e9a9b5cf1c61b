//! Batches of a text: it is cut into streams that are read side by side, so that the state after a batch is where the next
//! one begins.

use std::sync::Arc;

use burn::tensor::{Device, Int, Tensor, TensorData};
use ognivo_core::random;
use ognivo_core::train::loader::{Batcher, Position};

use crate::{Error, Result};

/// A text of `n` tokens as `streams` streams of `(n - 1) / streams` tokens, of which batch `k` of an epoch has steps
/// `k * steps ..`; the targets are the tokens one further.
///
/// An item, as the loader counts, is the part of one stream that lies in one batch: item `k * streams + s`. The few tokens that
/// are left over by the division lie at the beginning or the end, drawn anew each epoch.
#[derive(Clone, Debug)]
pub struct Streams {
    tokens: Arc<[u32]>,
    streams: usize,
    steps: usize,
    seed: u64,
}

/// Tokens and the tokens that follow them, `[steps, streams]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextBatch {
    /// The tokens, time-major.
    pub inputs: Vec<i32>,
    /// The token after each.
    pub targets: Vec<i32>,
    /// Streams.
    pub streams: usize,
    /// Whether the streams begin here.
    pub first: bool,
}

impl Streams {
    /// Cuts `tokens` into `streams` streams, read `steps` steps at a time.
    ///
    /// # Errors
    /// When a stream is shorter than `steps`.
    pub fn new(tokens: impl Into<Arc<[u32]>>, streams: usize, steps: usize, seed: u64) -> Result<Self> {
        let tokens = tokens.into();
        if steps == 0 || streams == 0 {
            return Err(Error::setting(
                "sequence_length and batch_size",
                format!("{steps} and {streams}"),
                "at least 1",
            ));
        }
        let length = tokens.len().saturating_sub(1) / streams;
        if length < steps {
            let found = format!("{} tokens, which make {streams} streams of {length}", tokens.len());
            let expected = format!(
                "streams of at least sequence_length = {steps} tokens; use a longer text, --sequence-length {} or --batch-size {}",
                length.max(1),
                (tokens.len().saturating_sub(1) / steps).max(1)
            );
            return Err(Error::Data { what: "training text".into(), found, expected });
        }
        Ok(Self { tokens, streams, steps, seed })
    }

    /// Tokens in a stream.
    pub fn length(&self) -> usize {
        (self.tokens.len() - 1) / self.streams
    }

    /// Tokens in an item, on average: those at the end of the streams may have fewer than others.
    pub fn tokens_per_item(&self) -> f64 {
        self.length() as f64 / self.length().div_ceil(self.steps) as f64
    }
}

impl Batcher for Streams {
    type Batch = TextBatch;

    fn items(&self) -> usize {
        self.length().div_ceil(self.steps) * self.streams
    }

    fn batch(&self, _: &[usize], Position { epoch, batch }: Position) -> ognivo_core::Result<TextBatch> {
        let length = self.length();
        let spare = self.tokens.len() - 1 - length * self.streams;
        let offset = random::below(&mut random::stream(self.seed, &[random::ORDER, epoch]), spare + 1);
        let steps = batch * self.steps..length.min((batch + 1) * self.steps);
        let read = |ahead: usize| {
            let token = |step: usize, stream: usize| self.tokens[offset + stream * length + step + ahead] as i32;
            steps.clone().flat_map(|step| (0..self.streams).map(move |stream| token(step, stream))).collect()
        };
        Ok(TextBatch { inputs: read(0), targets: read(1), streams: self.streams, first: batch == 0 })
    }
}

impl TextBatch {
    /// Tokens in the batch.
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty()
    }

    /// Inputs and targets on a device, `[steps, streams]`.
    pub fn upload(self, device: &Device) -> (Tensor<2, Int>, Tensor<2, Int>) {
        let shape = [self.inputs.len() / self.streams, self.streams];
        let tensor = |tokens: Vec<i32>| Tensor::from_data(TensorData::new(tokens, shape), device);
        (tensor(self.inputs), tensor(self.targets))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(streams: &Streams, epoch: u64) -> Vec<TextBatch> {
        let count = streams.items() / streams.streams;
        (0..count).map(|batch| streams.batch(&[], Position { epoch, batch }).unwrap()).collect()
    }

    #[test]
    fn streams_lie_side_by_side() {
        // 13 tokens: two streams of six, the second ending with the last target.
        let streams = Streams::new((0..13).collect::<Vec<u32>>(), 2, 4, 1).unwrap();
        let batches = batches(&streams, 0);
        assert_eq!(batches.len(), 2);
        assert_eq!(batches[0].inputs, [0, 6, 1, 7, 2, 8, 3, 9]);
        assert_eq!(batches[0].targets, [1, 7, 2, 8, 3, 9, 4, 10]);
        assert_eq!(batches[1].inputs, [4, 10, 5, 11]);
        assert_eq!(batches[1].targets, [5, 11, 6, 12]);
        assert_eq!([batches[0].first, batches[1].first], [true, false]);
    }

    #[test]
    fn every_epoch_reads_all_but_the_remainder_once() {
        let streams = Streams::new((0..100).collect::<Vec<u32>>(), 7, 5, 3).unwrap();
        let mut offsets = std::collections::BTreeSet::new();
        for epoch in 0..20 {
            let mut read: Vec<i32> = batches(&streams, epoch).into_iter().flat_map(|batch| batch.inputs).collect();
            read.sort_unstable();
            assert_eq!(read, (read[0]..read[0] + 98).collect::<Vec<_>>());
            offsets.insert(read[0]);
            assert_eq!(batches(&streams, epoch), batches(&streams.clone(), epoch));
        }
        assert_eq!(offsets.into_iter().collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn a_text_too_short_is_refused_with_advice() {
        let error = Streams::new(vec![0; 40], 8, 16, 0).unwrap_err().to_string();
        assert!(error.contains("40 tokens") && error.contains("--sequence-length 4 or --batch-size 2"), "{error}");
        assert!(Streams::new(vec![], 1, 1, 0).is_err() && Streams::new(vec![1], 1, 1, 0).is_err());
        assert!(Streams::new(vec![1, 2], 1, 1, 0).is_ok());
    }
}
