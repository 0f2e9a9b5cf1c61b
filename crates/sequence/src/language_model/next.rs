//! A trained network that reads one token after the other: on plain numbers on the CPU, by the model's own pass elsewhere.

use burn::tensor::{Device, Int, Tensor, TensorData};

use super::generate::Next;
use super::model::LanguageModel;
use crate::cell::State;
use crate::{Error, Result};

/// The network before any text, in evaluation mode.
pub fn reader(model: &LanguageModel, device: &Device) -> Box<dyn Next> {
    #[cfg(feature = "flex")]
    if *device == Device::flex()
        && let Some(native) = native::Native::new(model)
    {
        return Box::new(native);
    }
    Box::new(Pass { model: model.clone(), states: None, device: device.clone(), scores: Vec::new() })
}

/// [`LanguageModel::forward`] for one token at a time.
struct Pass {
    model: LanguageModel,
    states: Option<Vec<State>>,
    device: Device,
    scores: Vec<f32>,
}

impl Next for Pass {
    fn feed(&mut self, token: u32) -> Result<&[f32]> {
        check(token, self.model.tokens())?;
        let token = Tensor::<2, Int>::from_data(TensorData::new(vec![token as i32], [1, 1]), &self.device);
        let (scores, states) = self.model.forward(token, self.states.take());
        self.states = Some(states);
        // Every backend gives its floats back as f32.
        self.scores = scores.into_data().convert::<f32>().try_to_vec().unwrap_or_default();
        Ok(&self.scores)
    }
}

fn check(token: u32, tokens: usize) -> Result<()> {
    if (token as usize) < tokens {
        return Ok(());
    }
    Err(Error::Data { what: "token".into(), found: token.to_string(), expected: format!("less than {tokens}") })
}

#[cfg(feature = "flex")]
mod native {
    use ognivo_kernels::matrix_vector_add;

    use super::{LanguageModel, Next, Result, check};
    use crate::cell::{Stepping, numbers};

    /// The network on plain numbers; nothing is allocated for a token.
    pub(super) struct Native {
        /// `[tokens, embedding]`.
        vectors: Vec<f32>,
        rnn: Stepping,
        /// `[tokens, hidden]`; the tokens' vectors take its place where it is empty.
        weight: Vec<f32>,
        bias: Vec<f32>,
        scores: Vec<f32>,
    }

    impl Native {
        /// `None` where the layers have no single steps.
        pub(super) fn new(model: &LanguageModel) -> Option<Self> {
            let bias = numbers(model.decoder.bias.val());
            Some(Self {
                vectors: numbers(model.encoder.weight.val()),
                rnn: Stepping::new(&model.rnn)?,
                weight: model.decoder.weight.as_ref().map(|weight| numbers(weight.val())).unwrap_or_default(),
                scores: vec![0.0; bias.len()],
                bias,
            })
        }
    }

    impl Next for Native {
        fn feed(&mut self, token: u32) -> Result<&[f32]> {
            let tokens = self.bias.len();
            check(token, tokens)?;
            let size = self.vectors.len() / tokens;
            let output = self.rnn.step(&self.vectors[token as usize * size..][..size]);
            self.scores.copy_from_slice(&self.bias);
            let weight = if self.weight.is_empty() { &self.vectors } else { &self.weight };
            matrix_vector_add(weight, output, &mut self.scores);
            Ok(&self.scores)
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;
    use crate::language_model::model::NetworkConfig;

    #[test]
    fn both_ways_give_the_scores_of_a_pass_over_the_text() {
        let device = Device::flex();
        device.seed(1);
        for tied in [false, true] {
            let mut config = NetworkConfig { embedding: 16, tied, ..Default::default() };
            (config.rnn.hidden, config.rnn.layers) = (16, 2);
            let model = config.init(11, &device).unwrap();
            let text: [u32; 6] = [3, 0, 10, 3, 7, 1];
            let tokens = TensorData::new(text.map(|token| token as i32).to_vec(), [6, 1]);
            let (scores, _) = model.forward(Tensor::from_data(tokens, &device), None);
            let expected: Vec<f32> = scores.into_data().try_to_vec().unwrap();
            let pass = Pass { model: model.clone(), states: None, device: device.clone(), scores: vec![] };
            let ways: [Box<dyn Next>; 2] = [Box::new(pass), reader(&model, &device)];
            for mut way in ways {
                for (token, expected) in text.iter().zip(expected.chunks(11)) {
                    let found = way.feed(*token).unwrap();
                    assert!(found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-5), "{found:?} {expected:?}");
                }
                assert!(way.feed(11).unwrap_err().to_string().contains("less than 11"));
            }
        }
    }
}
