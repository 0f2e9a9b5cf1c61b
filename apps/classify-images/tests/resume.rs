//! A run that was stopped, however roughly, ends with the same bytes as one that was not.

mod common;

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use common::{Bench, outcome, small};
use ognivo_core::random;

const EPOCHS: &[&str] = &["--epochs", "200"];

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    let bench = Bench::new();
    bench.result(&small(&[EPOCHS, &["--run", "whole"]].concat()));
    let mut delays = random::stream(1, &[]);
    let mut killed = 0;
    while killed < 10 {
        // --resume starts the run the first time and goes on with it afterwards.
        let mut child = bench.spawn(&small(&[EPOCHS, &["--run", "killed", "--resume"]].concat()));
        sleep(Duration::from_millis(40 + random::below(&mut delays, 200) as u64));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        killed += 1;
    }
    assert_eq!(killed, 10, "the run is too short to be killed ten times");
    bench.result(&small(&[EPOCHS, &["--run", "killed", "--resume"]].concat()));
    let (weights, metrics) = outcome(&bench.path("whole"));
    let (killed_weights, killed_metrics) = outcome(&bench.path("killed"));
    assert_eq!(killed_metrics, metrics);
    assert!(killed_weights == weights, "the weights differ");
}

#[test]
fn ctrl_c_saves_and_exits_130() {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    let bench = Bench::new();
    bench.result(&small(&[EPOCHS, &["--run", "whole"]].concat()));
    let child = bench.spawn(&small(&[EPOCHS, &["--run", "stopped"]].concat()));
    // Once the first checkpoint is there, training is under way.
    while !bench.path("stopped/checkpoint/last.safetensors").exists() {
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = common::stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("--resume"), "{said}");
    bench.result(&["train", "--run", "stopped", "--resume"]);
    assert!(outcome(&bench.path("stopped")) == outcome(&bench.path("whole")), "weights or metrics differ");
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    let bench = Bench::new();
    // One step takes long enough here for the second signal to come within it.
    let arguments =
        ["train", "--batch-size", "1200", "--set", "network.channels=[256,256]", "--epochs", "50", "--run", "r"];
    let mut child = bench.spawn(&arguments);
    while !bench.path("r/checkpoint/last.safetensors").exists() {
        sleep(Duration::from_millis(5));
    }
    let pid = child.id().to_string();
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        sleep(Duration::from_millis(100));
    }
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_resumed_run_keeps_its_settings_but_may_go_on_longer() {
    let bench = Bench::new();
    bench.result(&small(&["--epochs", "1", "--run", "r"]));
    let said = bench.failure(&["train", "--run", "r", "--resume", "--learning-rate", "0.5"], 2);
    assert!(said.contains("keeps its settings"), "{said}");
    let said = bench.failure(&small(&["--epochs", "1", "--run", "r"]), 2);
    assert!(said.contains("add --resume"), "{said}");
    let again = bench.result(&["train", "--run", "r", "--resume"]);
    let longer = bench.result(&["train", "--run", "r", "--resume", "--epochs", "2"]);
    let steps = |result: &serde_json::Value| result["metrics"]["steps"].as_u64().unwrap();
    assert_eq!(steps(&longer), 2 * steps(&again));
}
