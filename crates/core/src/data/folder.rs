//! One folder per class: `root/<class>/*.png`, or `root/train/<class>/...` with `valid` and `test` beside it.
//!
//! Classes and pictures are in the order of their names' bytes, so labels do not depend on the file system; nested
//! folders belong to their class. What is not a picture is skipped and reported.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Image, ImageSet, picture};
use crate::{Error, Result};

/// Deeper folders are skipped.
const MAX_DEPTH: usize = 16;
const PICTURES: [&str; 3] = ["png", "jpg", "jpeg"];

/// Pictures in files, decoded when they are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderImages {
    files: Vec<(PathBuf, usize)>,
    classes: Vec<String>,
}

/// A file or folder that is not part of a set, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it is not used.
    pub reason: &'static str,
}

impl std::fmt::Display for Skipped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: skipped, {}", self.path.display(), self.reason)
    }
}

impl FolderImages {
    /// A set of picture files with their labels.
    ///
    /// # Errors
    /// A label without a class name.
    pub fn new(files: Vec<(PathBuf, usize)>, classes: Vec<String>) -> Result<Self> {
        match files.iter().find(|(_, label)| *label >= classes.len()) {
            Some((path, label)) => {
                let (path, count) = (path.display(), classes.len());
                Err(Error::Data(format!("{path}: found label {label}; expected a label below {count}")))
            }
            None => Ok(Self { files, classes }),
        }
    }

    /// Reads the names below `root`, which has one folder per class; the classes are the folders' names.
    ///
    /// # Errors
    /// No class folder, one without pictures, or a name that is not UTF-8.
    pub fn open(root: &Path, skipped: &mut Vec<Skipped>) -> Result<Self> {
        Self::collect(root, None, skipped)
    }

    /// The same with given classes (those of the training part); a class may be absent, an unknown one is an error.
    ///
    /// # Errors
    /// A class folder that `classes` does not have; no pictures at all.
    pub fn open_with(root: &Path, classes: &[String], skipped: &mut Vec<Skipped>) -> Result<Self> {
        Self::collect(root, Some(classes), skipped)
    }

    fn collect(root: &Path, known: Option<&[String]>, skipped: &mut Vec<Skipped>) -> Result<Self> {
        let folders = class_folders(root, skipped)?;
        let classes: Vec<String> = match known {
            Some(known) => known.to_vec(),
            None => folders.keys().cloned().collect(),
        };
        let labels: BTreeMap<&String, usize> = classes.iter().enumerate().map(|(label, name)| (name, label)).collect();
        let mut files = Vec::new();
        for (name, folder) in &folders {
            let Some(&label) = labels.get(name) else {
                let (root, count) = (root.display(), classes.len());
                return Err(Error::Data(format!(
                    "{root}: found a folder for class {name:?}; expected only the {count} classes of the training part"
                )));
            };
            let before = files.len();
            pictures(folder, 0, skipped, &mut |path| files.push((path, label)))?;
            if files.len() == before {
                if known.is_none() {
                    let folder = folder.display();
                    return Err(Error::Data(format!("{folder}: this class folder has no pictures (png, jpg, jpeg)")));
                }
                skipped.push(Skipped { path: folder.clone(), reason: "a class folder without pictures" });
            }
        }
        if files.is_empty() {
            let root = root.display();
            return Err(Error::Data(format!("{root}: found no pictures; expected one folder of them for each class")));
        }
        Self::new(files, classes)
    }

    /// The file of picture `index`.
    pub fn path(&self, index: usize) -> Option<&Path> {
        self.files.get(index).map(|(path, _)| path.as_path())
    }

    /// The same pictures with other names for the classes, label by label.
    pub(crate) fn with_names(self, classes: Vec<String>) -> Result<Self> {
        Self::new(self.files, classes)
    }
}

impl ImageSet for FolderImages {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn label(&self, index: usize) -> usize {
        self.files[index].1
    }

    fn image(&self, index: usize) -> Result<Image> {
        match self.path(index) {
            Some(path) => picture::decode_file(path),
            None => Err(Error::Data(format!("no picture {index} in a folder set of {}", self.len()))),
        }
    }

    fn classes(&self) -> &[String] {
        &self.classes
    }

    fn origin(&self, index: usize) -> String {
        self.files[index].0.display().to_string()
    }
}

/// The parts of a set with a `train` folder; names in any case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parts {
    pub(crate) train: Option<PathBuf>,
    pub(crate) valid: Option<PathBuf>,
    pub(crate) test: Option<PathBuf>,
    /// Visible folders with other names.
    pub(crate) others: Vec<PathBuf>,
}

/// Sorts the visible folders of `root` into parts.
pub(crate) fn parts(root: &Path) -> Result<Parts> {
    let mut parts = Parts::default();
    for path in list(root)?.into_iter().filter(|path| path.is_dir() && !is_hidden(path)) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        let slot = match name.as_str() {
            "train" | "training" => &mut parts.train,
            "valid" | "val" | "validation" => &mut parts.valid,
            "test" | "testing" => &mut parts.test,
            _ => {
                parts.others.push(path);
                continue;
            }
        };
        if let Some(first) = slot.replace(path.clone()) {
            let (first, second) = (first.display(), path.display());
            return Err(Error::Data(format!("{first} and {second} are both the same part of the set; expected one")));
        }
    }
    Ok(parts)
}

/// The pictures in `root` and below it, folder by folder; what is no picture is skipped.
///
/// # Errors
/// A folder that cannot be read.
pub fn list_pictures(root: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    pictures(root, 0, skipped, &mut |path| found.push(path))?;
    Ok(found)
}

/// Whether some picture lies in `folder` or below it.
pub(crate) fn has_pictures(folder: &Path) -> Result<bool> {
    let mut found = false;
    pictures(folder, 0, &mut Vec::new(), &mut |_| found = true)?;
    Ok(found)
}

/// Whether some picture lies in `folder` itself.
pub(crate) fn has_own_pictures(folder: &Path) -> Result<bool> {
    Ok(list(folder)?.iter().any(|path| path.is_file() && is_picture(path)))
}

/// Visible folders below `root` by name; all else there is skipped.
fn class_folders(root: &Path, skipped: &mut Vec<Skipped>) -> Result<BTreeMap<String, PathBuf>> {
    let mut folders = BTreeMap::new();
    for path in list(root)? {
        if is_hidden(&path) {
            skipped.push(Skipped { path, reason: "hidden" });
        } else if !path.is_dir() {
            skipped.push(Skipped { path, reason: "a file beside the class folders" });
        } else {
            match path.file_name().and_then(|name| name.to_str()) {
                Some(name) => folders.insert(name.to_string(), path),
                None => {
                    return Err(Error::Data(format!("{}: the name of this class folder is not UTF-8", path.display())));
                }
            };
        }
    }
    Ok(folders)
}

/// Calls `found` for every picture in `folder` and below, in order.
pub(crate) fn pictures(
    folder: &Path,
    depth: usize,
    skipped: &mut Vec<Skipped>,
    found: &mut dyn FnMut(PathBuf),
) -> Result<()> {
    for path in list(folder)? {
        if is_hidden(&path) {
            skipped.push(Skipped { path, reason: "hidden" });
        } else if path.is_dir() {
            // A link may lead round in a circle.
            if path.is_symlink() {
                skipped.push(Skipped { path, reason: "a link to a folder" });
            } else if depth >= MAX_DEPTH {
                skipped.push(Skipped { path, reason: "too deep" });
            } else {
                pictures(&path, depth + 1, skipped, found)?;
            }
        } else if !is_picture(&path) {
            skipped.push(Skipped { path, reason: "not named .png, .jpg or .jpeg" });
        } else if !path.is_file() {
            skipped.push(Skipped { path, reason: "not a file" });
        } else {
            found(path);
        }
    }
    Ok(())
}

/// What lies in a folder, ordered by the bytes of the names.
pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(Error::io(folder, "read"))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(Error::io(folder, "read"))?;
    paths.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(paths)
}

/// Named as hidden, or as the folder in which macOS archives keep their metadata.
pub(crate) fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".") || name == "__MACOSX")
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    PICTURES.iter().any(|picture| extension.eq_ignore_ascii_case(picture))
}
