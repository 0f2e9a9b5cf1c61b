//! Recipes: the settings training starts from, by what a token is and how long the text is.
//!
//! What each reaches is in docs/results.md. All of them were chosen on validation parts.

use ognivo_core::train::fit::FitConfig;
use ognivo_core::train::optimizer::{Adam, OptimizerConfig};
use ognivo_core::train::schedule::{Curve, ScheduleConfig};

use super::corpus::GRAMMAR;
use super::model::NetworkConfig;
use super::train::LanguageModelConfig;
use super::vocabulary::Unit;
use crate::cell::StackConfig;

/// What differs from recipe to recipe.
#[derive(Clone, Copy)]
struct Recipe {
    hidden: usize,
    layers: usize,
    embedding: usize,
    /// Between layers and after the last.
    dropout: f64,
    /// Before the first.
    embedding_dropout: f64,
    streams: usize,
    steps: usize,
    learning_rate: f64,
    /// Bytes of text to be read in all epochs; there is one epoch at least.
    read: usize,
}

/// Sentences of the grammar that ships with the code: six epochs, a minute and a half on two cores.
const SENTENCES: Recipe = Recipe {
    hidden: 256,
    layers: 1,
    embedding: 32,
    dropout: 0.0,
    embedding_dropout: 0.0,
    streams: 32,
    steps: 64,
    learning_rate: 6e-3,
    read: 5_000_000,
};

/// Characters and bytes, by the bytes of training text that a recipe is for at most.
const CHARACTERS: [(usize, Recipe); 4] = [
    (20_000, Recipe { hidden: 64, dropout: 0.2, streams: 8, steps: 32, read: 1_000_000, ..MINUTES }),
    (200_000, Recipe { hidden: 128, dropout: 0.3, streams: 16, read: 4_000_000, ..MINUTES }),
    (5_000_000, MINUTES),
    (usize::MAX, Recipe { hidden: 512, dropout: 0.0, streams: 64, steps: 128, learning_rate: 2e-3, ..MINUTES }),
];

/// A text the size of tiny-shakespeare: five minutes on two cores.
const MINUTES: Recipe = Recipe {
    hidden: 256,
    layers: 1,
    embedding: 64,
    dropout: 0.1,
    embedding_dropout: 0.0,
    streams: 32,
    steps: 64,
    learning_rate: 5e-3,
    read: 10_000_000,
};

/// Words and sub-words: fewer, longer steps of the text, larger vectors, more dropout (Zaremba et al. 2014).
const WORDS: [(usize, Recipe); 2] = [
    (
        1_000_000,
        Recipe { hidden: 128, embedding: 128, dropout: 0.5, embedding_dropout: 0.5, streams: 16, steps: 32, ..MINUTES },
    ),
    (
        usize::MAX,
        Recipe {
            hidden: 256,
            embedding: 256,
            dropout: 0.4,
            embedding_dropout: 0.4,
            streams: 32,
            steps: 35,
            read: 30_000_000,
            ..MINUTES
        },
    ),
];

/// The settings for a text called `data` of so many bytes of training text.
pub fn recipe(data: &str, unit: &Unit, bytes: usize) -> LanguageModelConfig {
    let of_size = |recipes: &[(usize, Recipe)]| {
        recipes.iter().find(|(most, _)| bytes <= *most).map_or(MINUTES, |(_, recipe)| *recipe)
    };
    let recipe = match unit {
        Unit::Characters | Unit::Bytes if data == GRAMMAR => SENTENCES,
        Unit::Characters | Unit::Bytes => of_size(&CHARACTERS),
        Unit::Words(_) | Unit::Subwords(_) => of_size(&WORDS),
    };
    LanguageModelConfig { unit: unit.clone(), ..recipe.config(data, bytes) }
}

/// The settings that do not depend on the text; what opening it goes by.
pub fn base_config(data: &str) -> LanguageModelConfig {
    MINUTES.config(data, usize::MAX)
}

impl Recipe {
    fn config(self, data: &str, bytes: usize) -> LanguageModelConfig {
        LanguageModelConfig {
            data: data.to_string(),
            seed: 1,
            unit: Unit::Characters,
            valid_fraction: 0.1,
            sequence_length: self.steps,
            network: NetworkConfig {
                embedding: self.embedding,
                tied: false,
                dropout: self.dropout,
                embedding_dropout: self.embedding_dropout,
                rnn: StackConfig {
                    hidden: self.hidden,
                    layers: self.layers,
                    dropout: if self.layers > 1 { self.dropout } else { 0.0 },
                    ..StackConfig::default()
                },
            },
            fit: FitConfig {
                epochs: (self.read.div_ceil(bytes.max(1)) as u64).clamp(1, 100),
                // A short text may have no room for all streams.
                batch_size: self.streams.min((bytes / 8 / self.steps).max(1)),
                learning_rate: self.learning_rate,
                optimizer: OptimizerConfig::Adam(Adam::default()),
                schedule: ScheduleConfig { warmup: 0, curve: Curve::Cosine { final_fraction: 0.01 } },
                clip_norm: Some(5.0),
                clip_value: None,
                patience: None,
                checkpoint_seconds: 30.0,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_sound() {
        for data in [GRAMMAR, "mine.txt"] {
            for unit in Unit::NAMES {
                let unit: Unit = unit.parse().unwrap();
                for bytes in [0, 1, 300, 5_000, 100_000, 1_000_000, 100_000_000, usize::MAX] {
                    let config = recipe(data, &unit, bytes);
                    config.validate().unwrap();
                    assert_eq!((config.data.as_str(), &config.unit), (data, &unit));
                    assert!(config.fit.batch_size >= 1 && config.fit.epochs >= 1);
                }
            }
        }
    }

    #[test]
    fn short_texts_have_room_for_their_batches() {
        for bytes in [1_000, 5_000, 20_000, 30_000] {
            let config = recipe("mine.txt", &Unit::Characters, bytes);
            assert!(config.fit.batch_size * config.sequence_length < bytes, "{bytes}");
        }
    }
}
