//! What the tests of this binary share.

#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../../../classify-images/tests/common/bench.rs"]
mod bench;

pub(crate) use bench::*;

pub(crate) fn bench() -> Bench {
    Bench::of(env!("CARGO_BIN_EXE_transfer"))
}
