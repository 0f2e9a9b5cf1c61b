//! Running a binary as a user would. The binaries' tests share this file.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use ognivo_core::random;
use serde_json::Value;

/// A folder of its own for one test, and the binary in it.
pub(crate) struct Bench {
    program: &'static str,
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn of(program: &'static str) -> Self {
        Self { program, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program);
        command.current_dir(self.folder.path()).args(arguments);
        // No test reaches the network or the user's own files.
        command.env("OGNIVO_CACHE", self.path("cache")).env_remove("OGNIVO_DATA").env_remove("OGNIVO_INDEX");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Runs a command that must succeed, with `--json`; its result line.
    pub(crate) fn result(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = lines.last().unwrap().clone();
        assert_eq!(last["event"], "result");
        last
    }

    /// Runs a command that must fail with exit code `code`; what it says.
    pub(crate) fn failure(&self, arguments: &[&str], code: i32) -> String {
        let output = self.run(arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{said}");
        said
    }
}

/// Training with `arguments`, killed again and again, ends with the same bytes as when it is left alone.
pub(crate) fn survives_kills(bench: &Bench, arguments: &[&str]) {
    bench.result(&[arguments, &["--run", "whole"]].concat());
    let killed = [arguments, &["--run", "killed", "--resume"]].concat();
    let mut delays = random::stream(1, &[]);
    for _ in 0..10 {
        // --resume starts the run the first time and goes on with it afterwards.
        let mut child = bench.spawn(&killed);
        sleep(Duration::from_millis(40 + random::below(&mut delays, 200) as u64));
        assert!(child.try_wait().unwrap().is_none(), "the run is too short to be killed ten times");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    bench.result(&killed);
    let (weights, metrics) = outcome(&bench.path("whole"));
    let (killed_weights, killed_metrics) = outcome(&bench.path("killed"));
    assert_eq!(killed_metrics, metrics);
    assert!(killed_weights == weights, "the weights differ");
}

/// Training with `arguments` saves on Ctrl-C, exits with 130, and when it is taken up again ends with the same bytes.
pub(crate) fn survives_ctrl_c(bench: &Bench, arguments: &[&str]) {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    bench.result(&[arguments, &["--run", "whole"]].concat());
    let child = bench.spawn(&[arguments, &["--run", "stopped"]].concat());
    // Once the first checkpoint is there, training is under way.
    while !bench.path("stopped/checkpoint/last.safetensors").exists() {
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("--resume"), "{said}");
    let command: Vec<&str> = arguments.iter().copied().take_while(|argument| !argument.starts_with('-')).collect();
    bench.result(&[&command, &["--run", "stopped", "--resume"][..]].concat());
    assert!(outcome(&bench.path("stopped")) == outcome(&bench.path("whole")), "weights or metrics differ");
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a run is judged by: weights and metrics, byte for byte.
pub(crate) fn outcome(run: &Path) -> (Vec<u8>, String) {
    let model = ["model.safetensors", "model.bin"].map(|file| run.join(file)).into_iter().find(|file| file.exists());
    (std::fs::read(model.expect("a model")).unwrap(), std::fs::read_to_string(run.join("metrics.jsonl")).unwrap())
}
