//! Running the binary as a user would.

#![allow(dead_code, reason = "each test binary uses a part of this")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A folder of its own for one test, and the binary in it.
pub(crate) struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_classify-images"));
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

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a run is judged by: weights and metrics, byte for byte.
pub(crate) fn outcome(run: &Path) -> (Vec<u8>, String) {
    (std::fs::read(run.join("model.safetensors")).unwrap(), std::fs::read_to_string(run.join("metrics.jsonl")).unwrap())
}
