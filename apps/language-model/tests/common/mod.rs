//! What the tests of this binary share.

#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../../../classify-images/tests/common/bench.rs"]
mod bench;

use std::fs;

pub(crate) use bench::*;
use ognivo_core::random;

/// The binary, with a text `text.txt` in its folder.
pub(crate) fn bench() -> Bench {
    let bench = Bench::of(env!("CARGO_BIN_EXE_language-model"));
    fs::write(bench.path("text.txt"), text(20_000)).unwrap();
    bench
}

/// Lines of words, some of them not English, from a random generator: of so many bytes or a little more.
pub(crate) fn text(bytes: usize) -> String {
    let words = ["the", "old", "sea", "and", "a", "bird", "of", "wind", "море", "\"yes\"", "naïve", "—"];
    let (mut rng, mut text) = (random::stream(1, &[]), String::new());
    while text.len() < bytes {
        text += words[random::below(&mut rng, words.len())];
        text += if random::below(&mut rng, 8) == 0 { ".\n" } else { " " };
    }
    text
}

/// A training run of a second or two.
pub(crate) const SMALL: &[&str] = &[
    "train",
    "--data",
    "text.txt",
    "--hidden",
    "16",
    "--batch-size",
    "8",
    "--sequence-length",
    "24",
    "--set",
    "network.embedding=8",
    "--learning-rate",
    "0.02",
    "--set",
    "fit.checkpoint_seconds=0.02",
    "--threads",
    "1",
];

/// [`SMALL`] with more arguments.
pub(crate) fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, more].concat()
}
