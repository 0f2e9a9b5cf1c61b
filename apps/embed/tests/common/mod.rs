//! What the tests of this binary share.

#![allow(dead_code, reason = "each test binary uses a part of this")]

#[path = "../../../classify-images/tests/common/bench.rs"]
mod bench;

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

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

/// Starts a training and sends it Ctrl-C after its first checkpoint; what it says.
pub(crate) fn interrupted(bench: &Bench, arguments: &[&str], run: &str) -> String {
    let mut command = bench.command(arguments);
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    while !bench.path(run).join("checkpoint/state.json").exists() {
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
    stderr(&output)
}

/// Training with `arguments`, stopped with Ctrl-C and taken up again, ends with the same bytes as when it is left alone.
pub(crate) fn resumes_after_ctrl_c(bench: &Bench, arguments: &[&str]) {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    let said = interrupted(bench, &[arguments, &["--run", "stopped"]].concat(), "stopped");
    assert!(said.contains(&format!("{} --run stopped --resume", arguments[..2].join(" "))), "{said}");
    bench.result(&[&arguments[..2], &["--run", "stopped", "--resume"]].concat());
    bench.result(&[arguments, &["--run", "whole"]].concat());
    assert!(outcome(&bench.path("stopped")) == outcome(&bench.path("whole")), "the model or metrics differ");
}
