//! The figures of an experiment's trainings, line by line in a file.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use ognivo_core::Error;
use ognivo_core::data::read_bytes;
use ognivo_core::run::write_atomic;
use serde::{Deserialize, Serialize};

use crate::Result;

/// The longest file that is read.
const LIMIT: u64 = 64 << 20;

/// Test pictures classified rightly, and all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// Rightly.
    pub right: u64,
    /// All.
    pub of: u64,
}

impl Share {
    /// As a number from 0 to 1.
    pub fn value(self) -> f64 {
        self.right as f64 / self.of as f64
    }
}

#[derive(Serialize, Deserialize)]
struct Line {
    trial: String,
    #[serde(flatten)]
    share: Share,
}

/// What the trainings so far came to, by their names.
pub struct Ledger {
    path: PathBuf,
    lines: Vec<Line>,
}

impl Ledger {
    /// The ledger at `path`, which need not exist yet. A last line that was not wholly written is dropped.
    ///
    /// # Errors
    /// The system's; a line that is none of a ledger.
    pub fn open(path: &Path) -> Result<Self> {
        let mut lines = Vec::new();
        if path.exists() {
            let bytes = read_bytes(path, LIMIT)?;
            let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
            for (number, line) in
                bytes[..whole].split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty())
            {
                let line = serde_json::from_slice(line).map_err(|error| {
                    Error::format(path, format!("line {}", number + 1), error.to_string(), "the figure of a training")
                })?;
                lines.push(line);
            }
            if whole < bytes.len() {
                write_atomic(path, |file| file.write_all(&bytes[..whole]))?;
            }
        }
        Ok(Self { path: path.to_path_buf(), lines })
    }

    /// The figure of a training, if it is done.
    pub fn get(&self, trial: &str) -> Option<Share> {
        self.lines.iter().find(|line| line.trial == trial).map(|line| line.share)
    }

    /// Writes a figure down.
    ///
    /// # Errors
    /// The system's.
    pub fn add(&mut self, trial: &str, share: Share) -> Result<()> {
        let line = Line { trial: trial.into(), share };
        let text = serde_json::to_string(&line).map_err(|error| Error::Data(error.to_string()))?;
        let written = OpenOptions::new().create(true).append(true).open(&self.path);
        written.and_then(|mut file| writeln!(file, "{text}")).map_err(Error::io(&self.path, "write"))?;
        self.lines.push(line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_kept_and_a_broken_end_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        ledger.add("frozen, 5, seed 1", Share { right: 3, of: 4 }).unwrap();
        ledger.add("scratch, 5, seed 1", Share { right: 1, of: 4 }).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let broken = [&whole[..], b"{\"trial\":\"fro"].concat();
        std::fs::write(&path, broken).unwrap();
        let mut again = Ledger::open(&path).unwrap();
        assert_eq!(again.get("frozen, 5, seed 1").map(Share::value), Some(0.75));
        assert!(again.get("frozen, 5, seed 2").is_none());
        assert_eq!(std::fs::read(&path).unwrap(), whole);
        again.add("frozen, 5, seed 2", Share { right: 2, of: 4 }).unwrap();
        assert!(Ledger::open(&path).unwrap().get("frozen, 5, seed 2").is_some());
        std::fs::write(&path, "nonsense\n").unwrap();
        assert!(Ledger::open(&path).err().unwrap().to_string().contains("line 1"));
    }
}
