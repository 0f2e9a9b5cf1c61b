//! The binary from end to end: what it prints, what it exits with, what it leaves behind.

#[path = "../../../crates/core/src/dataset/tests/server.rs"]
#[allow(dead_code, reason = "the tests of the library use all of its answers")]
mod server;

use std::fs;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use server::{Answer, Server};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// The binary with folders of its own, and a set `own` that a server of the test holds.
struct Bench {
    folder: TempDir,
    server: Server,
    content: Vec<u8>,
}

impl Bench {
    fn new(script: Vec<Answer>) -> Self {
        let content: Vec<u8> =
            (0..200_000u32).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let hash: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        let server = Server::start();
        server.put("/a.bin", &content, script);
        let folder = TempDir::new().unwrap();
        let index = format!(
            "[[set]]\nname = 'own'\ntitle = 'One of our own'\ntask = 'a task'\nhome = 'http://home'\nlicence = 'free'\n\
             citation = ''\n[[set.file]]\nname = 'a.bin'\nbytes = {}\nsha256 = '{hash}'\nurls = ['{}']\n",
            content.len(),
            server.url("/a.bin")
        );
        fs::write(folder.path().join("index.toml"), index).unwrap();
        Self { folder, server, content }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_datasets"));
        command.args(arguments).env("NO_PROXY", "127.0.0.1").env("OGNIVO_CACHE", self.folder.path().join("cache"));
        command.env("OGNIVO_INDEX", self.folder.path().join("index.toml")).env_remove("OGNIVO_DATA");
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("cache/own/a.bin")
    }
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Every line as JSON; the last one is the result of `command`.
fn json_lines(output: &Output, command: &str) -> Vec<Value> {
    let lines: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let last = lines.last().unwrap();
    assert_eq!((&last["event"], &last["command"]), (&"result".into(), &command.into()));
    assert!(last["metrics"].is_object());
    lines
}

#[test]
fn list_shows_every_set_and_its_state() {
    let bench = Bench::new(vec![]);
    let output = bench.run(&["list"]);
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<&str> = text(&output.stdout).lines().collect();
    assert!(lines[0].starts_with("NAME ") && lines[0].ends_with("STATE"));
    let line = |name: &str| lines.iter().find(|line| line.starts_with(&format!("{name} "))).unwrap();
    assert!(line("digits").contains("CC BY 4.0") && line("digits").ends_with("ships"));
    assert!(line("mnist").contains("11.59 MB") && line("mnist").ends_with("absent"));
    assert!(line("own").contains("a task"));

    let lines = json_lines(&bench.run(&["list", "--json"]), "list");
    let sets = lines.len() as u64 - 1;
    assert_eq!(lines[sets as usize]["metrics"], serde_json::json!({"datasets": sets, "present": 2}));
    assert!(lines.iter().any(|line| line["name"] == "cifar10" && line["bytes"] == 170_052_171));
}

#[test]
fn fetch_then_path_then_verify() {
    let bench = Bench::new(vec![Answer::CutAfter(300_000)]);
    let output = bench.run(&["path", "own"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(text(&output.stderr).contains("own is not on this machine"));

    let lines = json_lines(&bench.run(&["--json", "fetch", "own", "digits"]), "fetch");
    assert_eq!(lines.last().unwrap()["metrics"], serde_json::json!({"fetched": 2, "failed": 0}));
    assert!(lines.iter().any(|line| line["event"] == "retry"));
    assert_eq!(fs::read(bench.file()).unwrap(), bench.content);

    let output = bench.run(&["path", "own", "--quiet"]);
    assert_eq!(text(&output.stdout).trim_end(), bench.file().parent().unwrap().to_str().unwrap());
    let lines = json_lines(&bench.run(&["path", "own", "--json"]), "path");
    assert_eq!(lines[0]["path"], bench.file().parent().unwrap().to_str().unwrap());

    let output = bench.run(&["verify"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).ends_with("4 files good, 0 not\n"));

    let mut damaged = bench.content.clone();
    damaged[5] ^= 1;
    fs::write(bench.file(), damaged).unwrap();
    let output = bench.run(&["verify", "own", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&output, "verify");
    assert_eq!(lines[0]["state"], "wrong");
    assert_ne!(lines[0]["found"], lines[0]["expected"]);
    assert_eq!(lines[1]["metrics"], serde_json::json!({"good": 0, "bad": 1}));
}

#[test]
fn a_set_that_fails_does_not_keep_others_back() {
    let bench = Bench::new(vec![Answer::Status("404 Not Found", ""); 9]);
    let output = bench.run(&["fetch", "own", "digits", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&output, "fetch");
    assert_eq!(lines.last().unwrap()["metrics"], serde_json::json!({"fetched": 1, "failed": 1}));
    assert!(text(&output.stderr).contains("HTTP 404 Not Found") && text(&output.stderr).contains("By hand: "));
}

#[test]
fn bad_usage_exits_with_2() {
    let bench = Bench::new(vec![]);
    for arguments in [&["fetch"][..], &["fetch", "mnits"], &["verify", "mnits"], &["path", "mnits"], &["lst"], &[]] {
        let output = bench.run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    let output = bench.run(&["fetch", "own", "mnits", "--json"]);
    assert!(text(&output.stderr).contains("did you mean \"mnist\"?"));
    let lines = json_lines(&output, "fetch");
    assert!(lines[0]["error"].as_str().unwrap().contains("mnits"));
    assert!(bench.server.requests().is_empty(), "names are looked at before anything is fetched");
}

#[test]
fn a_broken_index_is_reported_with_its_line() {
    let bench = Bench::new(vec![]);
    fs::write(bench.folder.path().join("index.toml"), "[[set]]\nname = 5\n").unwrap();
    let output = bench.run(&["list"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("index.toml: line 2"), "{}", text(&output.stderr));
}

#[test]
fn help_has_examples() {
    let output = Bench::new(vec![]).run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("datasets fetch mnist") && text(&output.stdout).contains("OGNIVO_CACHE"));
}

#[cfg(target_os = "linux")]
#[test]
fn a_pipe_closed_early_ends_it_quietly() {
    let bench = Bench::new(vec![]);
    for arguments in [&["list"][..], &["list", "--json"]] {
        let mut child = bench.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    }
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let output = bench.command(&["list"]).stdout(full).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("cannot write to standard output"));
}

#[cfg(unix)]
#[test]
fn an_interrupted_download_is_gone_on_with() {
    let bench = Bench::new(vec![Answer::Stall(300_000, Duration::from_secs(20))]);
    let part = bench.folder.path().join("cache/.store/own/a.bin.part");
    let mut child = bench.command(&["fetch", "own"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let start = Instant::now();
    while fs::metadata(&part).map_or(0, |metadata| metadata.len()) < 300_000 {
        assert!(start.elapsed() < Duration::from_secs(10), "the download does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    // What Ctrl-C does.
    let killed = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(killed.success());
    assert!(!child.wait().unwrap().success());
    let mut told = String::new();
    child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(!told.contains("panicked"), "{told}");
    assert!(!bench.file().exists());

    assert_eq!(bench.run(&["fetch", "own"]).status.code(), Some(0));
    assert_eq!(fs::read(bench.file()).unwrap(), bench.content);
    assert_eq!(bench.server.requests()[1].1.as_deref(), Some("bytes=300000-"));
}
