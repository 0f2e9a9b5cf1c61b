//! Problems with known answers.

use std::fmt;
use std::str::FromStr;

use ognivo_core::cli::suggest;
use ognivo_core::random::Rng;
use serde::{Deserialize, Serialize};

use super::{adding, copy, order, spikes, timing};
use crate::{Error, Result};

/// Which problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// The sum of two marked numbers ([`adding`]).
    Adding,
    /// Symbols to be repeated after a pause ([`copy`]).
    Copy,
    /// In which order two symbols came ([`order`]).
    Order,
    /// Whether spikes came `length` steps apart or one less ([`timing`]).
    Timing,
    /// A spike every `length` steps, from nothing but the first ([`spikes`]).
    Spikes,
}

/// A sequence with its answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Sequence {
    /// `[step][feature]`, flat.
    pub inputs: Vec<f32>,
    /// Steps at which an answer is expected, and the answers: the number of a class, or a number.
    pub answers: Vec<(usize, f32)>,
}

/// What an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A number; the loss is the mean squared error.
    Number,
    /// One of so many classes; the loss is the cross-entropy in nats.
    Class(usize),
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Adding, Self::Copy, Self::Order, Self::Timing, Self::Spikes];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Adding => "adding",
            Self::Copy => "copy",
            Self::Order => "order",
            Self::Timing => "timing",
            Self::Spikes => "spikes",
        }
    }

    /// What it is, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Adding => {
                "add two marked numbers among many, at the end (Hochreiter and Schmidhuber 1997, experiment 4)"
            }
            Self::Copy => "repeat five symbols after a pause (Arjovsky, Shah and Bengio 2016)",
            Self::Order => "say in which order two symbols came (Hochreiter and Schmidhuber 1997, experiment 6a)",
            Self::Timing => "tell spikes that come every N steps from those every N-1 (Gers and Schmidhuber 2000)",
            Self::Spikes => "go on with spikes every N steps, given the first (Gers and Schmidhuber 2000)",
        }
    }

    /// The shortest length that has a meaning.
    pub fn shortest(self) -> usize {
        match self {
            Self::Adding => adding::SHORTEST,
            Self::Copy => copy::SHORTEST,
            Self::Order => order::SHORTEST,
            Self::Timing => timing::SHORTEST,
            Self::Spikes => spikes::SHORTEST,
        }
    }

    /// Features of an input.
    pub fn features(self) -> usize {
        match self {
            Self::Adding => adding::FEATURES,
            Self::Copy => copy::FEATURES,
            Self::Order => order::FEATURES,
            Self::Timing => timing::FEATURES,
            Self::Spikes => spikes::FEATURES,
        }
    }

    /// What an answer is.
    pub fn answer(self) -> Answer {
        match self {
            Self::Adding => Answer::Number,
            Self::Copy => Answer::Class(copy::SYMBOLS),
            Self::Order => Answer::Class(order::CLASSES),
            Self::Timing | Self::Spikes => Answer::Class(2),
        }
    }

    /// A sequence of the problem of this `length`.
    pub fn sample(self, length: usize, rng: &mut impl Rng) -> Sequence {
        match self {
            Self::Adding => adding::sample(length, rng),
            Self::Copy => copy::sample(length, rng),
            Self::Order => order::sample(length, rng),
            Self::Timing => timing::sample(length, rng),
            Self::Spikes => spikes::sample(length, rng),
        }
    }

    /// The loss of always giving the best constant answer: what a network that remembers nothing reaches.
    pub fn baseline_loss(self, length: usize) -> f64 {
        match (self, self.answer()) {
            (Self::Spikes, _) => spikes::entropy(length),
            // The only numbers are those of the adding problem.
            (_, Answer::Number) => adding::variance(length),
            (_, Answer::Class(classes)) => (classes as f64).ln(),
        }
    }

    /// The share of sequences that the best constant answer gets right.
    pub fn baseline_correct(self, length: usize) -> f64 {
        match self {
            Self::Adding => adding::correct_by_chance(length),
            Self::Copy => (copy::SYMBOLS as f64).powi(-(copy::REMEMBERED as i32)),
            Self::Order => 1.0 / order::CLASSES as f64,
            Self::Timing => 0.5f64.powi(timing::PAUSES as i32),
            // Whoever never answers with a spike misses them all.
            Self::Spikes => 0.0,
        }
    }

    /// Whether an answer is right: the class, or a number within [`adding::TOLERANCE`].
    pub fn is_right(self, found: f32, expected: f32) -> bool {
        match self.answer() {
            Answer::Number => (found - expected).abs() < adding::TOLERANCE,
            Answer::Class(_) => found == expected,
        }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Task {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|task| task.name() == name);
        found.ok_or_else(|| ognivo_core::Error::Config(suggest::unknown("task", name, &known)).into())
    }
}
