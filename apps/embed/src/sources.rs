//! What `--data` names: files, folders, data sets.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::bail;
use ognivo_core::Error;
use ognivo_core::cli::events::Output;
use ognivo_core::dataset::{Store, TerminalProgress};

/// Folders in folders are entered so deep.
const DEPTH: usize = 16;

/// The files of `data`, in order: a file, a folder (its files in the order of their names, no hidden ones), the name of a data set, or
/// several of these with commas between; and a name for the run.
pub(crate) fn files(data: &str, output: &Output) -> anyhow::Result<(Vec<PathBuf>, String)> {
    // A comma may be part of a file's name.
    let items: Vec<&str> = if Path::new(data).exists() { vec![data] } else { data.split(',').collect() };
    let mut files = Vec::new();
    for item in &items {
        not_standard_input(item)?;
        let path = Path::new(item);
        if path.is_dir() {
            list(path, 0, &mut files)?;
        } else if path.exists() {
            files.push(path.to_path_buf());
        } else if item.is_empty() || item.contains(['/', '\\', '.']) {
            return Err(Error::Config(format!("{item:?}: no such file or folder")).into());
        } else {
            list(&located(item, output)?, 0, &mut files)?;
        }
    }
    if files.is_empty() {
        bail!("{data}: no files in it");
    }
    Ok((files, name_of(items.first().unwrap_or(&data))))
}

/// The one file of `data`: itself, or the only one in the data set or folder whose name has one of `parts` in it.
pub(crate) fn file(data: &str, parts: &[&str], output: &Output) -> anyhow::Result<PathBuf> {
    let (files, _) = files(data, output)?;
    if let [file] = &files[..] {
        return Ok(file.clone());
    }
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let mut fitting = files.iter().filter(|path| parts.iter().any(|part| name(path).contains(part)));
    match (fitting.next(), fitting.next()) {
        (Some(file), None) => Ok(file.clone()),
        _ => {
            let names: Vec<String> = files.iter().take(10).map(|path| path.display().to_string()).collect();
            bail!("{data}: found {}; expected the path of one file", names.join(", "))
        }
    }
}

/// Refuses `-`, for what reads its data more than once.
pub(crate) fn not_standard_input(data: &str) -> Result<(), Error> {
    match data {
        "-" => Err(Error::Config("found -, standard input, which can be read only once; expected a file".into())),
        _ => Ok(()),
    }
}

/// A name for a run: the file's without its endings.
pub(crate) fn name_of(data: &str) -> String {
    let name = Path::new(data).file_name().unwrap_or_default().to_string_lossy();
    let stem = name.split('.').find(|part| !part.is_empty()).unwrap_or("data");
    let plain = |c: char| if c.is_alphanumeric() || c == '-' || c == '_' { c } else { '-' };
    stem.chars().take(40).map(plain).collect()
}

/// The folder of a data set.
fn located(name: &str, output: &Output) -> anyhow::Result<PathBuf> {
    let store = Store::from_environment()?;
    let mut progress = TerminalProgress::new(output);
    Ok(store.locate(name, &mut |step| progress.show(step))?)
}

fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder, "read"))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<_>>()
        .map_err(Error::io(folder, "read"))?;
    paths.sort_by(|a, b| a.as_os_str().as_encoded_bytes().cmp(b.as_os_str().as_encoded_bytes()));
    for path in paths {
        if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".")) {
            continue;
        }
        // A link to a folder is not followed: it may lead back here.
        if path.is_dir() && !path.is_symlink() && depth < DEPTH {
            list(&path, depth + 1, files)?;
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_in_order_and_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("inner")).unwrap();
        for name in ["b.txt", "a.txt", "inner/c.labels", ".hidden"] {
            fs::write(path(name), "x").unwrap();
        }
        let quiet = Output { quiet: true, ..Output::default() };
        let data = folder.path().to_str().unwrap();
        let found = |data: &str| files(data, &quiet).unwrap().0;
        assert_eq!(found(data), [path("a.txt"), path("b.txt"), path("inner/c.labels")]);
        let both = format!("{},{}", path("b.txt").display(), path("a.txt").display());
        assert_eq!(found(&both), [path("b.txt"), path("a.txt")]);
        assert_eq!(file(data, &["label"], &quiet).unwrap(), path("inner/c.labels"));
        assert!(file(data, &["txt"], &quiet).unwrap_err().to_string().contains("one file"));
        assert!(files("no/such.txt", &quiet).unwrap_err().to_string().contains("no such file"));
        let names = ["a/My corpus.txt.gz", "graph.edges", "", "-"].map(name_of);
        assert_eq!(names, ["My-corpus", "graph", "data", "-"]);
    }
}
