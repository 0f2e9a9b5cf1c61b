//! What the tests of this binary share.

#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../../../classify-images/tests/common/bench.rs"]
mod bench;

use std::fs;
use std::io::Write;
use std::process::{Output, Stdio};

pub(crate) use bench::*;
use serde_json::Value;

/// The binary, with a file of six vectors `v.txt` in its folder: two groups of three.
pub(crate) fn bench() -> Bench {
    let bench = Bench::of(env!("CARGO_BIN_EXE_embed"));
    let vectors =
        "6 3\nking 1 0 0.5\nman 1 0 0\nwoman 0.9 0.25 0\nqueen 0.9 0.25 0.5\ntea -1 0.5 0\ncoffee -1 0.4 0.1\n";
    fs::write(bench.path("v.txt"), vectors).unwrap();
    bench
}

/// Runs a command with text on its standard input.
pub(crate) fn with_input(bench: &Bench, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = bench.command(arguments);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// What a command that must succeed prints.
pub(crate) fn stdout(output: Output) -> String {
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn figure(result: &Value, name: &str) -> f64 {
    let metrics = &result["metrics"];
    metrics[name].as_f64().unwrap_or_else(|| panic!("{name} in {metrics}"))
}
