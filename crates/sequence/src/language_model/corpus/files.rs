//! Finds the files of a corpus.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ognivo_core::Error as CoreError;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::suggest;
use ognivo_core::dataset::{Dataset, Store, TerminalProgress};

use super::GRAMMAR;
use crate::Result;

/// Folders in folders are entered so deep.
const MAX_DEPTH: usize = 16;
/// What [`Dataset::task`] of a text says.
const TASK: &str = "language model";

/// The files of a corpus, by the part they belong to.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// See [`Corpus::name`](super::Corpus::name).
    pub(super) name: String,
    pub(super) train: Vec<PathBuf>,
    /// Empty where the data has no such part.
    pub(super) valid: Vec<PathBuf>,
    /// Empty where the data has no such part.
    pub(super) test: Vec<PathBuf>,
    pub(super) notes: Vec<String>,
}

/// The files that `data` means: see [`open`](super::open).
pub(super) fn find(data: &str, output: &Output) -> Result<Files> {
    // A comma may be part of a file's name.
    let items: Vec<&str> = if Path::new(data).exists() { vec![data] } else { data.split(',').collect() };
    if let [item] = items[..] {
        return find_one(item, output);
    }
    let mut joined = Files::default();
    for item in items {
        let files = find_one(item, output)?;
        if !(files.valid.is_empty() && files.test.is_empty()) {
            let fault = format!("{item}: has parts of its own, so it cannot be joined with others; expected it alone");
            return Err(CoreError::Data(fault).into());
        }
        if joined.name.is_empty() {
            joined.name = files.name;
        }
        joined.train.extend(files.train);
        joined.notes.extend(files.notes);
    }
    Ok(joined)
}

fn find_one(item: &str, output: &Output) -> Result<Files> {
    let path = Path::new(item);
    if path.is_dir() {
        let mut paths = Vec::new();
        list(path, 0, &mut paths)?;
        if paths.is_empty() {
            return Err(CoreError::Data(format!("{item}: found no file in this folder; expected files of text")).into());
        }
        let files = parts(name(path), paths);
        return Ok(files);
    }
    if path.exists() {
        return Ok(Files { name: name(path), train: vec![path.into()], ..Files::default() });
    }
    if item.is_empty() || item.contains(['/', '\\', '.']) {
        return Err(CoreError::Data(format!("{item:?}: no such file or folder")).into());
    }
    if item == GRAMMAR {
        let fault = format!("{item}: generated text cannot be joined with others; expected it alone");
        return Err(CoreError::Config(fault).into());
    }
    find_set(item, output)
}

/// The files of a set of the index, and no others that lie beside them.
fn find_set(item: &str, output: &Output) -> Result<Files> {
    let store = Store::from_environment()?;
    let is_text = |set: &&Dataset| set.task.contains(TASK);
    let sets = store.index().sets().iter();
    let Some(set) = sets.clone().find(|set| set.name == item) else {
        let names: Vec<&str> = sets.filter(is_text).map(|set| set.name.as_str()).chain([GRAMMAR]).collect();
        let fault = format!("{}, or the path of a file or folder", suggest::unknown("text", item, &names));
        return Err(CoreError::Config(fault).into());
    };
    if !is_text(&set) {
        let fault = format!("data set {item} is for {}; expected one for a {TASK}", set.task);
        return Err(CoreError::Config(fault).into());
    }
    let mut progress = TerminalProgress::new(output);
    let folder = store.locate(item, &mut |step| progress.show(step))?;
    let mut paths = Vec::new();
    if set.is_packed() {
        list(&folder, 0, &mut paths)?;
    } else {
        paths.extend(set.files.iter().map(|file| folder.join(&file.name)));
    }
    // What lies beside the text is the set's own affair.
    Ok(Files { notes: Vec::new(), ..parts(item.into(), paths) })
}

/// The files below `folder`, without hidden ones, in the order of their paths' bytes.
fn list(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).map_err(CoreError::io(folder, "read"))?;
    let entries = entries.map(|entry| entry.and_then(|entry| Ok((entry.path(), entry.file_type()?))));
    let mut entries: Vec<(PathBuf, fs::FileType)> =
        entries.collect::<io::Result<_>>().map_err(CoreError::io(folder, "read"))?;
    entries.sort_by(|(a, _), (b, _)| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    for (path, kind) in entries {
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        // A link to a folder is not followed: it may lead back here.
        if kind.is_dir() && depth < MAX_DEPTH {
            list(&path, depth + 1, paths)?;
        } else if path.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

/// Divides files by their names, if these say how: at least a training file and one other part.
fn parts(name: String, paths: Vec<PathBuf>) -> Files {
    let mut files = Files { name, ..Files::default() };
    let mut others = Vec::new();
    for path in &paths {
        match part_of(path) {
            Some("train") => files.train.push(path.clone()),
            Some("test") => files.test.push(path.clone()),
            Some(_) => files.valid.push(path.clone()),
            None => others.push(path),
        }
    }
    if files.train.is_empty() || (files.valid.is_empty() && files.test.is_empty()) {
        return Files { name: files.name, train: paths, ..Files::default() };
    }
    let show = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    for (part, paths) in [("training", &files.train), ("validation", &files.valid), ("test", &files.test)] {
        if !paths.is_empty() {
            files.notes.push(format!("{}: the {part} part, as the name says", show(paths)));
        }
    }
    files.notes.extend(others.iter().map(|path| format!("{}: skipped, not a part of the set", path.display())));
    files
}

/// The part that a file's name says it is, as in `ptb.train.txt`.
fn part_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    let known = ["train", "test", "valid", "validation", "val", "dev"];
    name.split('.').find_map(|word| known.into_iter().find(|part| *part == word))
}

/// A file's or folder's name without endings, of characters that any file name may have.
fn name(path: &Path) -> String {
    let full = path.canonicalize().unwrap_or_else(|_| path.into());
    let name = full.file_name().unwrap_or_default().to_string_lossy();
    let stem = if path.is_dir() { &name } else { name.split('.').find(|part| !part.is_empty()).unwrap_or_default() };
    let plain: String = stem.chars().take(60).map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    if plain.is_empty() { "text".into() } else { plain }
}
