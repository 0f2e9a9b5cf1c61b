//! The commands on data sets, shared by every binary that offers them.

use clap::Subcommand;
use indicatif::DecimalBytes;
use serde_json::json;

use super::{FileState, State, Store, TerminalProgress};
use crate::cli::{Ended, events::Output};
use crate::{Error, Result};

/// What can be done with data sets.
#[derive(Clone, Debug, Subcommand)]
pub enum DatasetCommand {
    /// List the known data sets and whether they are here
    List,
    /// Download data sets, check and unpack them
    Fetch {
        /// Names as in the list
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Compare the files of data sets with their checksums; without names, of all that are here
    Verify {
        /// Names as in the list
        #[arg(value_name = "NAME")]
        names: Vec<String>,
    },
    /// Print the folder that holds a data set
    Path {
        /// A name as in the list
        #[arg(value_name = "NAME")]
        name: String,
    },
}

impl DatasetCommand {
    /// Runs the command on the store of the environment, for [`exit`](crate::cli::exit).
    ///
    /// # Errors
    /// What kept the command from doing its work.
    pub fn execute(&self, output: &Output) -> Result<Ended> {
        let sound = self.run(&Store::from_environment()?, output)?;
        Ok(if sound { Ended::Done } else { Ended::Failed })
    }

    /// Runs the command; false if it did its work but found fault with a data set, and has said so.
    ///
    /// # Errors
    /// What kept the command from doing its work.
    pub fn run(&self, store: &Store, output: &Output) -> Result<bool> {
        match self {
            Self::List => {
                list(store, output);
                Ok(true)
            }
            Self::Fetch { names } => fetch(store, output, names),
            Self::Verify { names } => verify(store, output, names),
            Self::Path { name } => path(store, output, name).map(|()| true),
        }
    }

    /// Its name on the command line.
    pub fn name(&self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Fetch { .. } => "fetch",
            Self::Verify { .. } => "verify",
            Self::Path { .. } => "path",
        }
    }
}

/// Prints a table of all data sets.
pub fn list(store: &Store, output: &Output) {
    let mut rows = vec![["NAME", "TASK", "SIZE", "LICENCE", "STATE"].map(String::from)];
    let mut present = 0;
    for set in store.index().sets() {
        let state = match store.state(set) {
            State::Ships => "ships",
            State::Present => "present",
            State::Absent => "absent",
        };
        present += u64::from(state != "absent");
        output.event(
            "dataset",
            json!({
                "name": set.name, "title": set.title, "task": set.task, "bytes": set.bytes(), "licence": set.licence,
                "citation": set.citation, "home": set.home, "state": state,
            }),
        );
        let size = DecimalBytes(set.bytes()).to_string();
        rows.push([set.name.clone(), set.task.clone(), size, set.licence.clone(), state.into()]);
    }
    for line in table(&rows) {
        output.answer(&line);
    }
    output.result("list", json!({"datasets": rows.len() - 1, "present": present}), None);
}

/// Downloads, checks and unpacks the sets called `names`. One that fails does not keep the others from being fetched.
///
/// # Errors
/// [`Error::Config`] for an unknown name, before anything is fetched.
pub fn fetch(store: &Store, output: &Output, names: &[String]) -> Result<bool> {
    for name in names {
        store.index().get(name)?;
    }
    let mut failed = 0;
    for name in names {
        let mut progress = TerminalProgress::new(output);
        let located = store.locate(name, &mut |step| progress.show(step));
        drop(progress);
        match located {
            Ok(folder) => {
                output.line(&format!("{name}: {}", folder.display()));
                output.event("fetched", json!({"name": name, "path": folder.to_string_lossy()}));
            }
            Err(error) => {
                failed += 1;
                output.error(&error);
                output.event("failed", json!({"name": name, "error": error.to_string()}));
            }
        }
    }
    output.result("fetch", json!({"fetched": names.len() - failed, "failed": failed}), None);
    Ok(failed == 0)
}

/// Hashes the files of the sets called `names`, or of all that are here, and reports those that are not as they should.
///
/// # Errors
/// [`Error::Config`] for an unknown name; [`Error::Io`] for a file that cannot be read.
pub fn verify(store: &Store, output: &Output, names: &[String]) -> Result<bool> {
    let mut sets = Vec::new();
    for name in names {
        sets.push(store.index().get(name)?);
    }
    if names.is_empty() {
        sets.extend(store.index().sets().iter().filter(|set| store.state(set) != State::Absent));
    }
    let (mut good, mut bad) = (0, 0);
    for set in sets {
        let mut progress = TerminalProgress::new(output);
        let states = store.verify(set, &mut |step| progress.show(step))?;
        drop(progress);
        // Archives may be thrown away once they are unpacked.
        let only_unpacked = set.is_packed() && store.state(set) == State::Present;
        for (path, state) in states {
            let (word, detail) = match &state {
                FileState::Good => ("good", String::new()),
                FileState::Missing if only_unpacked => ("unpacked", ": only its content is here".into()),
                FileState::Missing => ("missing", ": fetch gets it".into()),
                FileState::Wrong { found, expected } => {
                    ("wrong", format!(": found {found}; expected {expected}; remove it and fetch it again"))
                }
            };
            good += u64::from(word == "good");
            bad += u64::from(matches!(word, "missing" | "wrong"));
            output.line(&format!("{word:8} {} {}{detail}", set.name, path.display()));
            if output.quiet && word == "wrong" {
                output.error(&format!("{}{detail}", path.display()));
            }
            let mut event = json!({"name": set.name, "path": path.to_string_lossy(), "state": word});
            if let FileState::Wrong { found, expected } = state {
                event["found"] = found.into();
                event["expected"] = expected.into();
            }
            output.event("file", event);
        }
    }
    output.line(&format!("{good} files good, {bad} not"));
    output.result("verify", json!({"good": good, "bad": bad}), None);
    Ok(bad == 0)
}

/// Prints the folder of the set called `name`, without the network.
///
/// # Errors
/// [`Error::Data`] if it is not on this machine; otherwise as [`Store::find`].
pub fn path(store: &Store, output: &Output, name: &str) -> Result<()> {
    let mut progress = TerminalProgress::new(output);
    let found = store.find(name, &mut |step| {
        // What is printed here is read by other programs: the path alone.
        if !matches!(step, super::Progress::Unpack { .. }) {
            progress.show(step);
        }
    });
    drop(progress);
    let folder = found?.ok_or_else(|| Error::Data(format!("{name} is not on this machine; `fetch {name}` gets it")))?;
    output.answer(&folder.display().to_string());
    output.event("path", json!({"name": name, "path": folder.to_string_lossy()}));
    output.result("path", json!({}), None);
    Ok(())
}

/// Lines with columns as wide as their widest cell.
fn table<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_string()
    };
    rows.iter().map(line).collect()
}
