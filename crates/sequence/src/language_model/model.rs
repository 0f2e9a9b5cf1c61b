//! The network: tokens as vectors, a stack of recurrent layers, a score for each possible next token.

use burn::module::{Module, Param};
use burn::nn::{Embedding, EmbeddingConfig, Initializer};
use burn::tensor::{Device, Distribution, Int, Tensor};
use ognivo_kernels::linear;
use serde::{Deserialize, Serialize};

use crate::cell::{Stack, StackConfig, State, dropout};
use crate::{Error, Result};

/// How a [`LanguageModel`] is built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Size of the vectors that tokens become (default 128).
    pub embedding: usize,
    /// Whether the scores are products with the tokens' own vectors (Press and Wolf 2017; Inan et al. 2017): one matrix less, and
    /// `embedding` must be the hidden size.
    pub tied: bool,
    /// Probability of dropout on the outputs of the last layer, another mask at each step (Zaremba et al. 2014; default 0); between
    /// layers it is `rnn.dropout`.
    pub dropout: f64,
    /// Probability of dropout on the vectors that enter the first layer (default 0): with words as tokens as good as the others;
    /// with characters it hides which one it was.
    pub embedding_dropout: f64,
    /// The recurrent layers.
    pub rnn: StackConfig,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { embedding: 128, tied: false, dropout: 0.0, embedding_dropout: 0.0, rnn: StackConfig::default() }
    }
}

/// A recurrent language model (Mikolov et al. 2010).
///
/// Its fields have the names of PyTorch's example `word_language_model`: `encoder.weight` `[tokens, embedding]`,
/// `rnn.weight_ih_l0` and so on, `decoder.weight` `[tokens, hidden]`, `decoder.bias`.
#[derive(Module, Debug)]
pub struct LanguageModel {
    /// Tokens as vectors.
    pub encoder: Embedding,
    /// The recurrent layers.
    pub rnn: Stack,
    /// Scores of the next token.
    pub decoder: Decoder,
    dropout: f64,
    embedding_dropout: f64,
}

/// `W h + b`.
#[derive(Module, Debug)]
pub struct Decoder {
    /// `W`, `[tokens, hidden]`; without, the tokens' vectors take its place.
    pub weight: Option<Param<Tensor<2>>>,
    /// `b`, `[tokens]`.
    pub bias: Param<Tensor<1>>,
}

impl NetworkConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// The first setting out of its range, by its key.
    pub fn validate(&self) -> Result<()> {
        self.rnn.validate().map_err(|error| error.below("rnn"))?;
        if self.embedding == 0 || self.embedding > 1 << 14 {
            return Err(Error::setting("embedding", self.embedding, "1 to 16384"));
        }
        if self.tied && self.embedding != self.rnn.hidden {
            return Err(Error::setting(
                "embedding",
                self.embedding,
                format!("{}, the hidden size, with tied weights", self.rnn.hidden),
            ));
        }
        for (key, probability) in [("dropout", self.dropout), ("embedding_dropout", self.embedding_dropout)] {
            if !(0.0..1.0).contains(&probability) {
                return Err(Error::setting(key, probability, "at least 0 and below 1"));
            }
        }
        if self.rnn.bidirectional {
            return Err(Error::setting("rnn.bidirectional", true, "false: a language model may not look ahead"));
        }
        Ok(())
    }

    /// Makes the network for a vocabulary of `tokens`, drawing its weights from the device's random state.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn init(&self, tokens: usize, device: &Device) -> Result<LanguageModel> {
        self.validate()?;
        let hidden = self.rnn.hidden;
        // Tied vectors are drawn as the matrix they stand for.
        let spread = if self.tied { 1.0 / (hidden as f64).sqrt() } else { 1.0 };
        let initializer = Initializer::Normal { mean: 0.0, std: spread };
        let encoder = EmbeddingConfig::new(tokens, self.embedding).with_initializer(initializer).init(device);
        // Drawn now: a parameter that is drawn at its first use would depend on the order of uses.
        encoder.weight.val();
        let rnn = self.rnn.init(self.embedding, device)?;
        let bound = 1.0 / (hidden as f64).sqrt();
        let weight = (!self.tied)
            .then(|| Tensor::random([tokens, hidden], Distribution::Uniform(-bound, bound), device))
            .map(Param::from_tensor);
        let decoder = Decoder { weight, bias: Param::from_tensor(Tensor::zeros([tokens], device)) };
        Ok(LanguageModel { encoder, rnn, decoder, dropout: self.dropout, embedding_dropout: self.embedding_dropout })
    }

    /// How many numbers the network learns.
    pub fn parameters(&self, tokens: usize) -> usize {
        let decoder = if self.tied { 0 } else { tokens * self.rnn.hidden };
        tokens * self.embedding + self.rnn.parameters(self.embedding) + decoder + tokens
    }
}

impl LanguageModel {
    /// From `tokens` `[steps, streams]` and the states before the first step (that of no text without) to the scores of each next
    /// token, `[steps * streams, tokens]`, and the states after the last step.
    pub fn forward(&self, tokens: Tensor<2, Int>, states: Option<Vec<State>>) -> (Tensor<2>, Vec<State>) {
        let [steps, streams] = tokens.dims();
        let (outputs, states) = self.read(tokens, states);
        let outputs = dropout(outputs, self.dropout);
        (self.decode(outputs.reshape([(steps * streams) as i64, -1])), states)
    }

    /// [`forward`](Self::forward) without the scores: the outputs of the last layer, `[steps, streams, hidden]`, and the states.
    pub fn read(&self, tokens: Tensor<2, Int>, states: Option<Vec<State>>) -> (Tensor<3>, Vec<State>) {
        let vectors = dropout(self.encoder.forward(tokens), self.embedding_dropout);
        self.rnn.forward(vectors, states, None)
    }

    /// Size of the vocabulary.
    pub fn tokens(&self) -> usize {
        self.decoder.bias.dims()[0]
    }

    /// The states before any text, of `streams` streams.
    pub fn start(&self, streams: usize) -> Vec<State> {
        self.rnn.zero_state(streams, &self.decoder.bias.val().device())
    }

    /// Scores from outputs `[rows, hidden]`.
    fn decode(&self, outputs: Tensor<2>) -> Tensor<2> {
        let weight = self.decoder.weight.as_ref().unwrap_or(&self.encoder.weight).val();
        linear(outputs, weight.transpose(), Some(self.decoder.bias.val()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted() {
        for tied in [false, true] {
            let config = NetworkConfig {
                embedding: 24,
                tied,
                rnn: StackConfig { hidden: 24, layers: 2, ..Default::default() },
                ..Default::default()
            };
            let model = config.init(17, &Device::flex()).unwrap();
            assert_eq!(model.num_params(), config.parameters(17));
            let tokens = Tensor::<2, Int>::zeros([5, 3], &Device::flex());
            let (scores, states) = model.forward(tokens, None);
            assert_eq!((scores.dims(), states.len()), ([15, 17], 2));
        }
    }

    #[test]
    fn settings_without_a_meaning_are_refused() {
        let bad = |change: fn(&mut NetworkConfig)| {
            let mut config = NetworkConfig::default();
            change(&mut config);
            config.validate().unwrap_err().to_string()
        };
        assert!(bad(|c| c.tied = true).contains("256"));
        assert!(bad(|c| c.embedding = 0).contains("embedding"));
        assert!(bad(|c| c.dropout = 1.0).contains("dropout"));
        assert!(bad(|c| c.rnn.bidirectional = true).contains("look ahead"));
        assert!(bad(|c| c.rnn.hidden = 0).contains("rnn.hidden"));
    }
}
