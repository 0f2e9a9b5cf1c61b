//! What a command says on standard output: lines for people, or one JSON object a line for programs.

use std::io::{self, ErrorKind, Write};
use std::path::Path;

use serde_json::{Map, Value, json};

/// How a command speaks. Copied into whatever reports.
///
/// For people: lines on standard output. With `json`, standard output is JSON lines only, and the last one is the
/// [`result`](Self::result). Warnings go to standard error in either case.
///
/// A reader that closes the pipe early (`| head`) ends the program quietly, with exit code 0; any other failure to write
/// ends it with a message and exit code 1, for nobody can be told anything any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// JSON lines on standard output, and nothing else there.
    pub json: bool,
    /// No lines for people except the answer that was asked for.
    pub quiet: bool,
}

impl Output {
    /// A line that tells how things go; not shown with `json` or `quiet`.
    pub fn line(&self, text: &str) {
        if !self.json && !self.quiet {
            print(text);
        }
    }

    /// A line that is what the user asked for: shown with `quiet` too, not with `json`.
    pub fn answer(&self, text: &str) {
        if !self.json {
            print(text);
        }
    }

    /// Whether progress is not to be shown.
    pub fn is_silent(&self) -> bool {
        self.json || self.quiet
    }

    /// A JSON line `{"event": name, ...details}`; only with `json`.
    ///
    /// `details` is an object, whose members follow; any other value stands under `value`.
    pub fn event(&self, name: &str, details: Value) {
        if self.json {
            print(&object(name, details));
        }
    }

    /// A warning on standard error.
    pub fn warn(&self, text: &str) {
        // Nothing is left to do when even standard error is closed.
        let _ = writeln!(io::stderr(), "warning: {text}");
    }

    /// What went wrong, on standard error.
    pub fn error(&self, error: &dyn std::fmt::Display) {
        let _ = writeln!(io::stderr(), "error: {error:#}");
    }

    /// The last line of a command that did its work: its figures, and the run directory if it has one.
    pub fn result(&self, command: &str, metrics: Value, run: Option<&Path>) {
        let mut details = json!({"command": command, "metrics": metrics});
        if let Some(run) = run {
            details["run"] = json!(run.to_string_lossy());
        }
        self.event("result", details);
    }

    /// The last line of a command that failed: `error: ...` on standard error, and with `json` a result that has an
    /// `error` in place of figures.
    pub fn failure(&self, command: &str, error: &dyn std::fmt::Display) {
        self.error(error);
        self.event("result", json!({"command": command, "metrics": {}, "error": format!("{error:#}")}));
    }
}

/// `{"event":name,...details}`, the name first, where the eye looks for it.
fn object(name: &str, details: Value) -> String {
    let mut members = match details {
        Value::Object(members) => members,
        Value::Null => Map::new(),
        value => Map::from_iter([("value".to_string(), value)]),
    };
    members.remove("event");
    let name = Value::from(name);
    match Value::Object(members).to_string().strip_prefix('{') {
        Some(rest) if rest.len() > 1 => format!("{{\"event\":{name},{rest}"),
        _ => format!("{{\"event\":{name}}}"),
    }
}

fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        let _ = writeln!(io::stderr(), "error: cannot write to standard output: {error}");
        std::process::exit(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_carries_its_name_and_members() {
        assert_eq!(object("epoch", json!({"loss": 0.5, "event": "other"})), r#"{"event":"epoch","loss":0.5}"#);
        assert_eq!(object("x", json!([1])), r#"{"event":"x","value":[1]}"#);
        assert_eq!(object("a\"b", Value::Null), r#"{"event":"a\"b"}"#);
        assert_eq!(object("x", json!({})), r#"{"event":"x"}"#);
    }
}
