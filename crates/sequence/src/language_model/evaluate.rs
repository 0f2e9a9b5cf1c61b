//! How well a model predicts a text.

use std::ops::Range;

use burn::tensor::Device;
use ognivo_core::metrics::CrossEntropy;

use super::batch::TextBatch;
use super::model::LanguageModel;
use super::train::cross_entropy;
use crate::cell::State;
use crate::{Error, Result};

/// Streams that a text is read in at most,
const STREAMS: usize = 64;
/// with so many tokens in each at least.
const LENGTH: usize = 512;
/// Steps at a time at most,
const STEPS: usize = 128;
/// with so many scores (32 MB) at most: with a large vocabulary there are many for each step.
const SCORES: usize = 1 << 23;
/// Tokens before the beginning of a stream that are read, not scored, so that no token is predicted from nothing.
const WARM_UP: usize = 128;

/// How well a text was predicted.
#[derive(Clone, Debug, PartialEq)]
pub struct Scores {
    /// Mean of `-ln p(token | all before it)` over all tokens but the first, in nats.
    pub loss: CrossEntropy,
    /// Characters (Unicode scalar values) of the scored tokens.
    pub characters: u64,
    /// Bytes of the scored tokens.
    pub bytes: u64,
}

impl Scores {
    /// Total loss over the characters of the text, whatever the tokens are.
    pub fn nats_per_character(&self) -> f64 {
        self.total() / self.characters as f64
    }

    /// [`nats_per_character`](Self::nats_per_character) in bits.
    pub fn bits_per_character(&self) -> f64 {
        self.nats_per_character() / std::f64::consts::LN_2
    }

    /// Total loss in bits over the bytes of the text: what a compressor with this model would need.
    pub fn bits_per_byte(&self) -> f64 {
        self.total() / std::f64::consts::LN_2 / self.bytes as f64
    }

    /// `e` to the mean loss of a token.
    pub fn perplexity(&self) -> f64 {
        self.loss.perplexity()
    }

    fn total(&self) -> f64 {
        self.loss.mean() * self.loss.items() as f64
    }
}

/// Scores every token of a text but the first, each once. `model` is in evaluation mode; `sizes` are the characters and bytes of
/// the tokens from the second on.
///
/// A text of 1024 tokens or more is cut into streams that are read side by side, 64 at most. Each but the first reads the 128 tokens
/// before its own without scoring them: its first predictions start from that much of the text, not from all of it.
///
/// # Errors
/// Without a token to score.
pub fn evaluate(model: &LanguageModel, tokens: &[u32], sizes: [u64; 2], device: &Device) -> Result<Scores> {
    let scored = tokens.len().saturating_sub(1);
    if scored == 0 {
        let found = format!("{} tokens", tokens.len());
        return Err(Error::Data { what: "text to be scored".into(), found, expected: "at least 2".into() });
    }
    let streams = (scored / LENGTH).clamp(1, STREAMS);
    let length = scored / streams;
    let mut states = model.start(1);
    if streams > 1 {
        // The steps just before streams 1, 2, ... begin.
        let warm_up = WARM_UP.min(length);
        let (inputs, _) = batch(&tokens[length - warm_up..], streams - 1, length, 0..warm_up).upload(device);
        let (_, warm) = model.read(inputs, None);
        states = states.into_iter().zip(warm).map(|(first, others)| first.join(others)).collect();
    }
    let mut loss = CrossEntropy::new();
    let mut score = |batch: TextBatch, states: Vec<State>| {
        let items = batch.len() as u64;
        let (inputs, targets) = batch.upload(device);
        let (scores, states) = model.forward(inputs, Some(states));
        loss.add_mean(f64::from(cross_entropy(scores, targets).into_scalar::<f32>()), items);
        states
    };
    let steps = (SCORES / (streams * model.tokens())).clamp(1, STEPS);
    for step in (0..length).step_by(steps) {
        states = score(batch(tokens, streams, length, step..length.min(step + steps)), states);
    }
    let rest = scored - streams * length;
    if rest > 0 {
        let last = states.into_iter().map(|state| state.map(|tensor| tensor.slice(streams - 1..streams))).collect();
        score(batch(&tokens[streams * length..], 1, rest, 0..rest), last);
    }
    let [characters, bytes] = sizes;
    Ok(Scores { loss, characters, bytes })
}

/// Some steps of `streams` streams of `length` tokens, and the tokens one further.
fn batch(tokens: &[u32], streams: usize, length: usize, steps: Range<usize>) -> TextBatch {
    let read = |ahead: usize| {
        let token = |step: usize, stream: usize| tokens[stream * length + step + ahead] as i32;
        steps.clone().flat_map(|step| (0..streams).map(move |stream| token(step, stream))).collect()
    };
    TextBatch { inputs: read(0), targets: read(1), streams, first: steps.start == 0 }
}
