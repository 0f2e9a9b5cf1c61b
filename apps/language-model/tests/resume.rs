//! A run that was stopped, however roughly, ends with the same bytes as one that was not: state and all.

mod common;

use common::{bench, small, survives_ctrl_c, survives_kills};

const LONG: &[&str] = &["--epochs", "100", "--dropout", "0.2", "--layers", "2", "--set", "fit.schedule.curve=plateau"];

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), &small(LONG));
}

#[test]
fn ctrl_c_saves_and_exits_130() {
    survives_ctrl_c(&bench(), &small(LONG));
}

#[test]
fn a_resumed_run_keeps_its_settings_and_its_text() {
    let bench = bench();
    bench.result(&small(&["--epochs", "1", "--run", "r"]));
    let said = bench.failure(&["train", "--run", "r", "--resume", "--hidden", "32"], 2);
    assert!(said.contains("keeps its settings"), "{said}");
    let said = bench.failure(&small(&["--epochs", "1", "--run", "r"]), 2);
    assert!(said.contains("add --resume"), "{said}");
    let again = bench.result(&["train", "--run", "r", "--resume"]);
    let longer = bench.result(&["train", "--run", "r", "--resume", "--epochs", "2"]);
    let steps = |result: &serde_json::Value| result["metrics"]["steps"].as_u64().unwrap();
    assert_eq!(steps(&longer), 2 * steps(&again));

    std::fs::write(bench.path("text.txt"), common::text(20_100)).unwrap();
    let said = bench.failure(&["train", "--run", "r", "--resume", "--epochs", "3"], 1);
    assert!(said.contains("training part: found sha256") && said.contains("changed since the run began"), "{said}");
    let said = bench.failure(&["evaluate", "--run", "r"], 1);
    assert!(said.contains("found sha256"), "{said}");
}
