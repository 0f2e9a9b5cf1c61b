//! The index of data sets: its format, and the checks that make it safe to act on.

use std::collections::HashSet;
use std::path::{Component, Path};

use serde::Deserialize;

use super::archive::Packing;
use crate::cli::suggest;
use crate::{Error, Result, file};

/// The index that is built into the program.
const BUILT_IN: &str = include_str!("../../../../datasets/index.toml");

/// The longest index file that is read, in bytes.
const FILE_LIMIT: u64 = 16 << 20;

/// One data set of the index: a `[[set]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// What `--data` calls it: small letters, digits and hyphens.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// The task it serves, such as "image classification".
    pub task: String,
    /// Its home page.
    pub home: String,
    /// Its licence, or that none is known.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// Whether it is built into the program.
    #[serde(default)]
    pub ships: bool,
    /// The folder that holds the data, below the place where the archives are unpacked; empty for that place itself.
    #[serde(default)]
    pub folder: String,
    /// How to get it by hand, in a sentence, where a program cannot.
    #[serde(default)]
    pub manual: Option<String>,
    /// Class names in the order of the labels, where the files do not hold them.
    #[serde(default)]
    pub classes: Option<Vec<String>>,
    /// Its files: all plain, or all archives.
    #[serde(rename = "file")]
    pub files: Vec<DataFile>,
}

/// One file of a data set: a `[[set.file]]` table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFile {
    /// Its name, with `/` where it lies in a sub-folder.
    pub name: String,
    /// Its size in bytes; 0 where it is not known.
    pub bytes: u64,
    /// Its SHA-256, 64 small hexadecimal digits, or the first of them, at least 8: enough to notice another file or a damaged one, not
    /// to stop someone who makes one on purpose.
    pub sha256: String,
    /// Where it is served, in the order in which to try.
    #[serde(default)]
    pub urls: Vec<String>,
    /// How to unpack it, if it is an archive.
    #[serde(default)]
    pub unpack: Option<Packing>,
}

impl DataFile {
    /// Whether a file of so many bytes may be it.
    pub(super) fn has_length(&self, bytes: u64) -> bool {
        self.bytes == 0 || self.bytes == bytes
    }
}

impl Dataset {
    /// The size of all its files together, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add)
    }

    /// Whether its files are archives.
    pub fn is_packed(&self) -> bool {
        self.files.iter().any(|file| file.unpack.is_some())
    }

    /// What is wrong with the entry, if anything is.
    fn fault(&self) -> Option<(String, &'static str)> {
        let name_is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.name.is_empty() || !self.name.chars().all(name_is_plain) {
            return Some((format!("name {:?}", self.name), "small letters, digits and hyphens"));
        }
        if !(self.folder.is_empty() || stays_inside(&self.folder)) {
            return Some((format!("folder {:?}", self.folder), "a relative path without `..`"));
        }
        if self.files.is_empty() {
            return Some(("no file".into(), "at least one [[set.file]]"));
        }
        if self.files.iter().any(|file| file.unpack.is_some() != self.is_packed()) {
            return Some(("plain files and archives together".into(), "all files plain or all of them archives"));
        }
        if self.ships && self.is_packed() {
            return Some(("an archive that ships".into(), "plain files"));
        }
        let mut seen = HashSet::new();
        self.files.iter().find_map(|file| {
            if !stays_inside(&file.name) {
                return Some((format!("file name {:?}", file.name), "a relative path without `..`"));
            }
            if !seen.insert(&file.name) {
                return Some((format!("file {:?} twice", file.name), "distinct file names"));
            }
            if !(8..=64).contains(&file.sha256.len())
                || !file.sha256.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            {
                return Some((format!("sha256 {:?}", file.sha256), "8 to 64 small hexadecimal digits"));
            }
            let url = file.urls.iter().find(|url| !url.starts_with("https://") && !url.starts_with("http://"))?;
            Some((format!("URL {url:?}"), "one that starts with https:// or http://"))
        })
    }
}

/// Whether a path of the index names something below the folder it is joined to, on every platform.
fn stays_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.contains(['\\', ':', '\0'])
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// The data sets that are known by name, in the order of the index.
#[derive(Clone, Debug)]
pub struct Index {
    sets: Vec<Dataset>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "set", default)]
    sets: Vec<Dataset>,
}

impl Index {
    /// The index that is built into the program.
    ///
    /// # Errors
    /// Never for a released program: a test reads it.
    pub fn built_in() -> Result<Self> {
        Self::parse("datasets/index.toml", BUILT_IN)
    }

    /// An index of these sets; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`] that names the set.
    pub fn new(path: impl AsRef<Path>, sets: Vec<Dataset>) -> Result<Self> {
        let path = path.as_ref();
        let mut names = HashSet::new();
        for (number, set) in sets.iter().enumerate() {
            let place = || format!("set {} ({})", number + 1, set.name);
            if let Some((found, expected)) = set.fault() {
                return Err(Error::format(path, place(), found, expected));
            }
            if !names.insert(&set.name) {
                return Err(Error::format(path, place(), "a name that occurs before", "distinct names"));
            }
        }
        Ok(Self { sets })
    }

    /// Reads an index from the text of a TOML file; `path` is for messages.
    ///
    /// # Errors
    /// [`Error::Format`] that names the line or the set.
    pub fn parse(path: impl AsRef<Path>, text: &str) -> Result<Self> {
        let path = path.as_ref();
        let document: Document = toml::from_str(text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
            Error::format(path, format!("line {line}"), error.message(), "an index of data sets")
        })?;
        Self::new(path, document.sets)
    }

    /// Reads an index file.
    ///
    /// # Errors
    /// [`Error::Io`] if it cannot be read, [`Error::Format`] if it is not an index.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let text = String::from_utf8(file::read_at_most(path, FILE_LIMIT)?).map_err(|error| {
            let place = format!("byte {}", error.utf8_error().valid_up_to());
            Error::format(path, place, "a byte that is not UTF-8", "text in UTF-8")
        })?;
        Self::parse(path, &text)
    }

    /// Adds the sets of `other`; one of the same name is replaced in its place.
    pub fn extend(&mut self, other: Self) {
        for mut set in other.sets {
            // What ships is fixed when the program is built.
            set.ships = false;
            match self.sets.iter_mut().find(|known| known.name == set.name) {
                Some(known) => *known = set,
                None => self.sets.push(set),
            }
        }
    }

    /// All sets.
    pub fn sets(&self) -> &[Dataset] {
        &self.sets
    }

    /// The set called `name`.
    ///
    /// # Errors
    /// [`Error::Config`] that suggests the nearest name, or lists all where none is near.
    pub fn get(&self, name: &str) -> Result<&Dataset> {
        self.sets.iter().find(|set| set.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.sets.iter().map(|set| set.name.as_str()).collect();
            Error::Config(suggest::unknown("data set", name, &names))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn text(set: &str, file: &str) -> String {
        format!(
            "[[set]]\ntitle = ''\ntask = ''\nhome = ''\nlicence = ''\ncitation = ''\n{set}\n[[set.file]]\nbytes = 4\n{file}\n"
        )
    }

    #[test]
    fn built_in_index_holds_the_image_sets() {
        let index = Index::built_in().unwrap();
        let mnist = index.get("mnist").unwrap();
        assert_eq!(mnist.files.len(), 4);
        assert_eq!(mnist.bytes(), 9_912_422 + 28_881 + 1_648_877 + 4_542);
        assert!(!mnist.is_packed());
        let cifar = index.get("cifar10").unwrap();
        assert_eq!(cifar.folder, "cifar-10-batches-bin");
        assert_eq!(cifar.files[0].sha256, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd");
        assert_eq!(
            index.sets().iter().filter(|set| set.ships).map(|set| set.name.as_str()).collect::<Vec<_>>(),
            ["digits", "karate"]
        );
        for set in index.sets().iter().filter(|set| !set.ships) {
            let fetchable = set.files.iter().all(|file| !file.urls.is_empty());
            assert!(fetchable || set.manual.is_some(), "{} can neither be fetched nor says how to get it", set.name);
        }
    }

    #[test]
    fn unknown_name_suggests_the_nearest() {
        let message = Index::built_in().unwrap().get("fashon-mnist").unwrap_err().to_string();
        assert_eq!(message, r#"unknown data set "fashon-mnist"; did you mean "fashion-mnist"?"#);
        let message = Index::built_in().unwrap().get("zzz").unwrap_err().to_string();
        assert!(!message.contains("did you mean") && message.contains("cifar100"), "{message}");
    }

    #[test]
    fn unsafe_or_wrong_entries_are_refused() {
        let file = format!("name = 'a'\nsha256 = '{HASH}'");
        assert!(Index::parse("x", &text("name = 'a'", &file)).is_ok());
        for (set, file, expected) in [
            ("name = '../a'", file.as_str(), "name \"../a\""),
            ("name = 'a'\nfolder = '/etc'", &file, "folder \"/etc\""),
            ("name = 'a'", &file.replace("'a'", "'../a'"), "file name \"../a\""),
            ("name = 'a'", &file.replace("'a'", "'C:a'"), "file name \"C:a\""),
            ("name = 'a'", &file.replace(HASH, "abc"), "sha256 \"abc\""),
            ("name = 'a'", &format!("{file}\nurls = ['file:///etc/passwd']"), "URL"),
            ("name = 'a'", &format!("{file}\nunpack = 'rar'"), "line 12: found unknown variant"),
            ("name = 'a'", &format!("{file}\nsha = 1"), "line 12: found unknown field"),
            ("name = 'a'\nships = true", &format!("{file}\nunpack = 'zip'"), "an archive that ships"),
            ("name = 'a'", &format!("{file}\n[[set.file]]\nbytes=1\n{file}"), "file \"a\" twice"),
        ] {
            let message = Index::parse("x", &text(set, file)).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}: should mention {expected}");
        }
        let twice = text("name = 'a'", &file).repeat(2);
        assert!(Index::parse("x", &twice).unwrap_err().to_string().contains("occurs before"));
    }

    #[test]
    fn extension_replaces_and_adds() {
        let mut index = Index::built_in().unwrap();
        let count = index.sets().len();
        let file = format!("name = 'a'\nsha256 = '{HASH}'");
        index.extend(Index::parse("x", &text("name = 'digits'\nships = true", &file)).unwrap());
        index.extend(Index::parse("x", &text("name = 'own'", &file)).unwrap());
        assert_eq!(index.sets().len(), count + 1);
        assert!(!index.get("digits").unwrap().ships, "only the program itself ships sets");
        assert_eq!(index.get("own").unwrap().bytes(), 4);
    }
}
