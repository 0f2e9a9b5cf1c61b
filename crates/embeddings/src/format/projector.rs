//! Files for the TensorBoard projector: numbers with tabs between, and the names in a file beside.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::{beside, broken, text, words};
use crate::{Lookup, Result, WordVectors};

/// Reads the numbers at `path` and the names beside.
pub(super) fn read(path: &Path) -> Result<WordVectors> {
    let (table, list) = (text::read_numbers(path)?, metadata(path));
    let names = words::read_list(&list, true)?;
    // With more than one column there is a header.
    if names.len() == table.rows() + 1 {
        let names = names.iter().skip(1).collect();
        return WordVectors::new(names, table);
    }
    if names.len() != table.rows() {
        let expected = format!("{}, one for each line of {}", table.rows(), path.display());
        return Err(broken(&list, "lines", format!("{} names", names.len()), expected));
    }
    WordVectors::new(names, table)
}

/// Writes both files.
pub(super) fn write(path: &Path, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    words::write_list(&metadata(path), vectors.words(), "projector", &['\t', '\n', '\r'])?;
    text::write_rows(path, vectors, "", "\t", false)
}

/// `metadata.tsv` for `vectors.tsv`, `a_metadata.tsv` for gensim's `a_tensor.tsv`, else `a.metadata.tsv` for `a.tsv`.
fn metadata(path: &Path) -> PathBuf {
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let known = ["vectors", "tensor"].into_iter().find(|known| name.contains(known));
    known.map_or_else(|| beside(path, "metadata.tsv"), |known| path.with_file_name(name.replacen(known, "metadata", 1)))
}
