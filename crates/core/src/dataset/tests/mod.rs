//! The store against a server, against archives that mean harm, and on real data.

mod archives;
#[path = "../../../tests/common/mod.rs"]
mod common;
mod downloads;
mod folders;
pub(crate) mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use tempfile::TempDir;

use super::download::Patience;
use super::{Index, Progress, Store};
use crate::{Result, file};

#[global_allocator]
static ALLOCATOR: common::allocation::Counting = common::allocation::Counting;

/// A file of an index under test: its name, the content the index promises, its URLs and packing.
struct Promise<'a> {
    name: &'a str,
    content: &'a [u8],
    urls: Vec<String>,
    unpack: Option<&'a str>,
}

fn hash(content: &[u8]) -> String {
    file::hex(&Sha256::digest(content))
}

/// A store with one set, `set`, over temporary folders, that waits milliseconds where the real one waits seconds.
struct Bench {
    folder: TempDir,
    store: Store,
}

impl Bench {
    fn new(files: &[Promise<'_>], extra: &str) -> Self {
        let mut text = format!(
            "[[set]]\nname = 'set'\ntitle = ''\ntask = ''\nhome = 'http://home.example'\nlicence = ''\ncitation = ''\n{extra}\n"
        );
        for Promise { name, content, urls, unpack } in files {
            let (bytes, sha256) = (content.len(), hash(content));
            let unpack = unpack.map_or(String::new(), |packing| format!("unpack = '{packing}'\n"));
            text += &format!(
                "[[set.file]]\nname = '{name}'\nbytes = {bytes}\nsha256 = '{sha256}'\nurls = {urls:?}\n{unpack}"
            );
        }
        let folder = TempDir::new().unwrap();
        let index = Index::parse("test index", &text).unwrap();
        let mut store = Store::new(index, Some(folder.path().join("data")), folder.path().join("cache"));
        store.patience = Patience {
            attempts: 3,
            first_wait: Duration::from_millis(1),
            longest_wait: Duration::from_secs(5),
            silence: Duration::from_millis(500),
        };
        Self { folder, store }
    }

    fn locate(&self) -> Result<PathBuf> {
        self.store.locate("set", &mut |_| {})
    }

    /// Locates, and tells how often files were hashed.
    fn count_checks(&self) -> usize {
        let mut files = std::collections::HashSet::new();
        let mut count = |step: Progress<'_>| {
            if let Progress::Check { file, .. } = step {
                files.insert(file.to_owned());
            }
        };
        self.store.locate("set", &mut count).unwrap();
        files.len()
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    fn write(&self, inside: &str, content: &[u8]) {
        write(&self.path(inside), content);
    }
}

fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
