//! Pictures in a folder, under names.

use std::path::{Path, PathBuf};

use ognivo_core::Error;
use ognivo_core::data::folder::{Skipped, list_pictures};

use crate::Result;

/// The pictures in a folder and below it.
#[derive(Clone, Debug)]
pub struct PictureFiles {
    /// The folder.
    pub root: PathBuf,
    /// The names of the pictures: their paths from the folder, with slashes, in the order of their bytes.
    pub names: Vec<String>,
}

impl PictureFiles {
    /// Lists `root`.
    ///
    /// # Errors
    /// The system's; a folder without pictures; a name that is not UTF-8 or holds a line break.
    pub fn list(root: &Path, skipped: &mut Vec<Skipped>) -> Result<Self> {
        let mut names = Vec::new();
        for path in list_pictures(root, skipped)? {
            let parts = path.strip_prefix(root).unwrap_or(&path).iter().map(|part| part.to_str());
            let name = parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"));
            let Some(name) = name.filter(|name| !name.contains(['\n', '\r'])) else {
                let message = "the name of this picture is not UTF-8, or holds a line break";
                return Err(Error::Data(format!("{}: {message}", path.display())).into());
            };
            names.push(name);
        }
        if names.is_empty() {
            let root = root.display();
            return Err(Error::Data(format!("{root}: no picture (png, jpg, jpeg) in this folder or below it")).into());
        }
        names.sort_unstable();
        Ok(Self { root: root.to_path_buf(), names })
    }

    /// The file of a picture.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// The class of a picture by its name: the folder that it lies in, `cats` for `train/cats/1.png`. `images` is no class, as in Tiny ImageNet's
/// `train/n01443537/images`, nor is a part of a set; there is none at the top.
pub fn class_of(name: &str) -> Option<&str> {
    const PARTS: [&str; 7] = ["train", "training", "valid", "val", "validation", "test", "testing"];
    let class = name.rsplit('/').skip(1).find(|folder| !folder.eq_ignore_ascii_case("images"))?;
    (!PARTS.iter().any(|part| class.eq_ignore_ascii_case(part))).then_some(class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_folders() {
        for (name, class) in [
            ("cats/1.png", Some("cats")),
            ("train/cats/1.png", Some("cats")),
            ("train/n014/images/n014_1.JPEG", Some("n014")),
            ("val/images/val_1.JPEG", None),
            ("images/1.png", None),
            ("1.png", None),
        ] {
            assert_eq!(class_of(name), class, "{name}");
        }
    }
}
