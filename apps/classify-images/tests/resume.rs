//! A run that was stopped, however roughly, ends with the same bytes as one that was not.

mod common;

use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use common::{bench, small, survives_ctrl_c, survives_kills};

const EPOCHS: &[&str] = &["--epochs", "200"];

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), &small(EPOCHS));
}

#[test]
fn ctrl_c_saves_and_exits_130() {
    survives_ctrl_c(&bench(), &small(EPOCHS));
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    let bench = bench();
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
    let bench = bench();
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
