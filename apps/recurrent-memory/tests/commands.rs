//! The binary as a user runs it, on problems of a few steps.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_recurrent-memory")).current_dir(folder).args(arguments).output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a command that must fail with exit code 2 says.
fn refusal(arguments: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), arguments);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    said
}

fn report(folder: &Path, result: &Value) -> String {
    let path = PathBuf::from(result["metrics"]["report"].as_str().unwrap());
    let page = std::fs::read_to_string(folder.join(path)).unwrap();
    assert!(!page.contains("http://") && !page.contains("https://"), "self-contained");
    page
}

#[test]
fn gradient_flow_measures_every_cell() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["gradient-flow", "--hidden", "8", "--steps", "12", "--sequences", "2", "--json"];
    let lines = lines(&run(folder.path(), &arguments));
    let result = lines.last().unwrap();
    let factor = |name: &str| result["metrics"][name].as_f64().unwrap_or_else(|| panic!("{name} in {result}"));
    assert!(factor("rnn factor") < 1.0 && factor("gru factor") < 1.0);
    assert!(factor("lstm cell factor") < factor("lstm:forget_bias=1 cell factor"));
    assert!(factor("lstm:forget_bias=1 cell factor") < factor("lstm:forget_bias=5 cell factor"));
    let cells: Vec<&Value> = lines.iter().filter(|line| line["event"] == "cell").collect();
    assert_eq!(cells.len(), 5);
    assert_eq!(cells[0]["norms"]["hidden"]["mean"].as_array().unwrap().len(), 13);
    assert_eq!(cells[0]["norms"]["hidden"]["mean"][0], 1.0);
    let page = report(folder.path(), result);
    assert!(page.contains("dh_t/dh_k") && page.contains("By the memory cell") && page.contains("gradient-flow"));
    assert!(result["metrics"]["report"].as_str().unwrap().starts_with("runs/recurrent-memory/gradient-flow-001"));

    // For people: a table with a line for each, the same numbers again.
    let output = run(
        folder.path(),
        &["gradient-flow", "--hidden", "8", "--steps", "12", "--cells", "rnn", "--report", "flow.html"],
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("rnn dh/dh") && text.contains("per step") && text.contains("report   flow.html"), "{text}");
    assert!(folder.path().join("flow.html").is_file());
}

#[test]
fn solve_tells_which_cell_solves_which_length() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = |report: &'static str| {
        let cells = ["solve", "--task", "spikes", "--cells", "rnn,lstm:bias=two", "--lengths", "2,3", "--hidden", "8"];
        let training =
            ["--steps", "60", "--check-every", "20", "--learning-rate", "0.02", "--threads", "1", "--repeats", "2"];
        [cells.as_slice(), training.as_slice(), &["--report", report, "--json"]].concat()
    };
    let first = lines(&run(folder.path(), &arguments("a.html")));
    let result = first.last().unwrap();
    let runs = result["metrics"]["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    for run in runs {
        assert_eq!(run["seeds"], 2);
        assert!(run["test_loss"].as_f64().unwrap() < run["baseline_loss"].as_f64().unwrap(), "{run}");
    }
    assert_eq!((&runs[3]["cell"], &runs[3]["length"]), (&Value::from("lstm:bias=two"), &Value::from(3)));
    let page = report(folder.path(), result);
    for part in ["best constant answer", "Training at length 3", "lstm:bias=two", "Gers"] {
        assert!(page.contains(part), "{part}");
    }
    // The same seed: the same numbers, but for the time they took.
    let second = lines(&run(folder.path(), &arguments("b.html")));
    let checks = |lines: &[Value]| lines.iter().filter(|line| line["event"] == "check").cloned().collect::<Vec<_>>();
    assert_eq!(checks(&first), checks(&second));
    assert!(checks(&first).len() >= 8);
}

#[test]
fn wrong_usage_says_what_was_expected() {
    for (arguments, part) in [
        (&["solve", "--task", "ading"][..], "did you mean \"adding\""),
        (&["solve", "--cells", "lstn"], "did you mean \"lstm\""),
        (&["solve", "--cells", "lstm:forget_bais=1"], "did you mean `forget_bias`"),
        (&["solve", "--cells", "lstm:bias=none:forget_bias=1"], "`forget_bias`: found 1"),
        (&["solve", "--lengths", "10,3"], "`length`: found 3; expected 6 to"),
        (&["solve", "--steps", "0"], "`steps`: found 0"),
        (&["solve", "--learning-rate", "-1"], "`learning_rate`: found -1"),
        (&["solve", "--hidden", "999999"], "`hidden`: found 999999"),
        (&["gradient-flow", "--steps", "0"], "`steps`: found 0"),
        (&["gradient-flow", "--recurrent-scale", "nan"], "`recurrent_scale`: found NaN"),
        (&["gradient-flow", "--cells", "gru:reset"], "expected key=value"),
    ] {
        let said = refusal(arguments);
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
}

/// Ctrl-C ends the step, keeps what there is and exits with 130.
#[cfg(unix)]
#[test]
fn ctrl_c_writes_the_report_of_what_there_is() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;

    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_recurrent-memory"))
        .current_dir(folder.path())
        .args(["solve", "--cells", "rnn", "--steps", "1000000", "--check-every", "5", "--report", "r.html", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Once it trains.
    let mut first = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
    assert!(first.contains("check"), "{first}");
    let stopped = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(stopped.success());
    // Whatever it still writes must find a reader.
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(std::fs::read_to_string(folder.path().join("r.html")).unwrap().contains("Stopped early"));
}
