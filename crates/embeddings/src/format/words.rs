//! Lists of names: alone, a line for each, or with how often each occurs.

use std::io::Write as _;
use std::path::Path;

use ognivo_core::run::write_atomic;

use super::check_names;
use super::input::{Lines, shown};
use crate::{Names, Result};

/// Reads a line for each name; a name is the line up to its first tab if `first_column`, else all of it.
pub(super) fn read_list(path: &Path, first_column: bool) -> Result<Names> {
    let mut lines = Lines::open(path)?;
    let mut names = Names::default();
    while let Some(line) = lines.next()? {
        let name = if first_column { line.split('\t').next().unwrap_or_default() } else { line };
        if !names.insert(name).1 {
            let found = format!("{} a second time", shown(name.as_bytes()));
            return Err(lines.broken(found, "names that differ"));
        }
    }
    Ok(names)
}

/// Writes a line for each name.
pub(super) fn write_list(path: &Path, names: &Names, format: &str, separators: &[char]) -> Result<()> {
    check_names(names, path, format, separators)?;
    Ok(write_atomic(path, |file| names.iter().try_for_each(|name| writeln!(file, "{name}")))?)
}

/// Reads a vocabulary file: a word and its count a line, with a space (word2vec's `-save-vocab`) or a tab between.
///
/// # Errors
/// The system's; names the line that has no count, or a word a second time.
pub fn read_vocabulary(path: &Path) -> Result<(Names, Vec<u64>)> {
    let mut lines = Lines::open(path)?;
    let (mut names, mut counts) = (Names::default(), Vec::new());
    while let Some(line) = lines.next()? {
        let entry = line.rsplit_once([' ', '\t']).and_then(|(name, count)| Some((name, count.parse().ok()?)));
        let Some((name, count)) = entry else {
            let found = shown(line.as_bytes());
            return Err(lines.broken(found, "a word, a space or tab, and how often it occurs"));
        };
        if !names.insert(name).1 {
            let found = format!("{} a second time", shown(name.as_bytes()));
            return Err(lines.broken(found, "words that differ"));
        }
        counts.push(count);
    }
    Ok((names, counts))
}

/// Writes a vocabulary file with `separator` between word and count: a space as word2vec does, or a tab.
///
/// # Errors
/// The system's; a name that holds the separator or a line break; not as many counts as names.
pub fn write_vocabulary(path: &Path, names: &Names, counts: &[u64], separator: char) -> Result<()> {
    check_names(names, path, "of a vocabulary", &[separator, '\n', '\r'])?;
    if names.len() != counts.len() {
        let found = format!("{} names and {} counts", names.len(), counts.len());
        return Err(crate::Error::data("a vocabulary", found, "a count for each name"));
    }
    let written = write_atomic(path, |file| {
        names.iter().zip(counts).try_for_each(|(name, count)| writeln!(file, "{name}{separator}{count}"))
    });
    Ok(written?)
}
