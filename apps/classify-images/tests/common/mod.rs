//! What the tests of this binary share.

#![allow(dead_code, reason = "each test binary uses a part of this")]

mod bench;

pub(crate) use bench::*;

pub(crate) fn bench() -> Bench {
    Bench::of(env!("CARGO_BIN_EXE_classify-images"))
}

/// A training run of a few seconds.
pub(crate) const SMALL: &[&str] = &[
    "train",
    "--limit",
    "400",
    "--batch-size",
    "16",
    "--set",
    "network.channels=[8,8]",
    "--set",
    "network.dense=[16]",
    "--set",
    "network.dense_dropout=0.1",
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
