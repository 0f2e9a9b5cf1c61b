//! What several test programs share. A program uses what it needs of it.
#![allow(dead_code)]

pub(crate) mod allocation;
pub(crate) mod mutate;

use std::path::PathBuf;

/// A folder of real data below `$OGNIVO_DATA`; where it is absent, says so on standard error and gives `None`.
pub(crate) fn real_data(folder: &str) -> Option<PathBuf> {
    let path = std::env::var_os("OGNIVO_DATA").map(|root| PathBuf::from(root).join(folder));
    let found = path.filter(|path| path.is_dir());
    if found.is_none() {
        eprintln!("skipped: no folder {folder} below the folder that OGNIVO_DATA names");
    }
    found
}
