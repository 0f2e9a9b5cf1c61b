//! What the tests of this binary share.

#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../../../classify-images/tests/common/bench.rs"]
mod bench;

pub(crate) use bench::*;

pub(crate) fn bench() -> Bench {
    Bench::of(env!("CARGO_BIN_EXE_gan"))
}

/// A training run of a second or two.
pub(crate) const SMALL: &[&str] = &[
    "train",
    "--model",
    "mixture",
    "--batch-size",
    "32",
    "--set",
    "model.hidden=16",
    "--set",
    "model.layers=1",
    "--set",
    "fit.checkpoint_seconds=0.02",
    "--threads",
    "1",
];

/// [`SMALL`] with more arguments.
pub(crate) fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, more].concat()
}
