//! The front door: what does a path hold?

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cifar::{self, Records};
use super::folder::{self, FolderImages};
use super::table::{Table, TableOptions};
use super::{ImageSet, MemoryImages, idx, tiny_imagenet};
use crate::{Error, Result};

/// Folders that hold nothing but one folder are entered so many times.
const MAX_DESCENT: usize = 4;

/// The parts of a data set.
#[derive(Clone)]
pub struct ImageSplits {
    /// What is trained on.
    pub train: Arc<dyn ImageSet>,
    /// What choices are made on, where the set comes with such a part.
    pub valid: Option<Arc<dyn ImageSet>>,
    /// What the result is measured on, where the set comes with such a part.
    pub test: Option<Arc<dyn ImageSet>>,
    /// What was skipped or is odd, a sentence each with its path; to be shown to the user.
    pub warnings: Vec<String>,
    /// How the files lay.
    pub layout: Layout,
}

/// How the files of a data set lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// MNIST's four files.
    Idx,
    /// `data_batch_*.bin` and `test_batch.bin`.
    Cifar10,
    /// `train.bin` and `test.bin` with coarse and fine labels.
    Cifar100,
    /// A folder for each class.
    ClassFolders,
    /// `train/<wnid>/images` and `val/val_annotations.txt`.
    TinyImageNet,
    /// A CSV or TSV file.
    Table,
    /// Pictures in one folder, without classes.
    OneFolder,
}

/// What cannot be seen from the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImageOptions {
    /// Class names of IDX files (default: the numbers from 0 to 9) or of a table's labels.
    pub classes: Option<Vec<String>>,
    /// The 20 coarse labels of CIFAR-100 instead of the 100 fine ones.
    pub coarse: bool,
    /// How a table is written.
    pub table: TableOptions,
    /// Width and height of the pictures in a table (default: square).
    pub table_size: Option<(usize, usize)>,
    /// The value of a white pixel in a table (default: the smallest of 1, 16 and 255 that no value exceeds).
    pub table_white: Option<f32>,
}

/// Opens labelled images, whatever the layout: MNIST's four IDX files, CIFAR-10 or CIFAR-100 in binary, a folder per
/// class with or without `train`, `valid` and `test`, Tiny ImageNet, or a table. A folder that holds nothing but one
/// such folder (`MNIST/raw`) or one table will do.
///
/// # Errors
/// A path that holds none of these (the message lists what was looked for), files that break their format, a label out
/// of range, fewer than two classes in the training part.
pub fn open_images(path: &Path, options: &ImageOptions) -> Result<ImageSplits> {
    let splits = recognised(path, options)?.ok_or_else(|| unrecognised(path))?;
    check_two_classes(splits.train.as_ref())?;
    Ok(splits)
}

/// Pictures whose labels do not matter: what [`open_images`] opens, with one class or many, and besides a folder in which pictures
/// themselves lie, which are of one class with the folder's name.
///
/// # Errors
/// As [`open_images`], without its demand for two classes.
pub fn open_pictures(path: &Path, options: &ImageOptions) -> Result<ImageSplits> {
    let found = recognised(path, options)?;
    let loose = path.is_dir() && folder::has_own_pictures(path)?;
    match found {
        // One folder beside loose pictures makes no classes.
        Some(splits) if !loose || splits.train.classes().len() > 1 => return Ok(splits),
        None if !loose => return Err(unrecognised(path)),
        _ => {}
    }
    let (mut files, mut skipped) = (Vec::new(), Vec::new());
    folder::pictures(path, 0, &mut skipped, &mut |file| files.push((file, 0)))?;
    let name = path.file_name().map_or("pictures".into(), |name| name.to_string_lossy().into_owned());
    Ok(ImageSplits {
        train: Arc::new(FolderImages::new(files, vec![name])?),
        valid: None,
        test: None,
        warnings: skipped.iter().map(ToString::to_string).collect(),
        layout: Layout::OneFolder,
    })
}

/// The set that a path holds, if it is one of the kinds that [`unrecognised`] lists.
fn recognised(path: &Path, options: &ImageOptions) -> Result<Option<ImageSplits>> {
    let metadata = fs::metadata(path).map_err(Error::io(path, "open"))?;
    if !metadata.is_dir() {
        return is_table(path).then(|| open_table(path, options)).transpose();
    }
    let mut folder = path.to_path_buf();
    let mut opened = None;
    for _ in 0..MAX_DESCENT {
        opened = open_folder(&folder, options)?;
        match (&opened, only_folder(&folder)?) {
            (None, Some(inner)) => folder = inner,
            _ => break,
        }
    }
    Ok(opened)
}

fn open_folder(folder: &Path, options: &ImageOptions) -> Result<Option<ImageSplits>> {
    if let Some(files) = idx::find(folder)? {
        return open_idx(&files, options).map(Some);
    }
    if let Some(files) = cifar::find_cifar10(folder) {
        return open_cifar(folder, &files, Layout::Cifar10, Records::Cifar10).map(Some);
    }
    if let Some(files) = cifar::find_cifar100(folder) {
        let records = if options.coarse { Records::Cifar100Coarse } else { Records::Cifar100Fine };
        return open_cifar(folder, &files, Layout::Cifar100, records).map(Some);
    }
    if tiny_imagenet::is_tiny_imagenet(folder) {
        let mut skipped = Vec::new();
        let (train, valid) = tiny_imagenet::open(folder, &mut skipped)?;
        return Ok(Some(ImageSplits {
            train: Arc::new(train),
            valid: Some(Arc::new(valid)),
            test: None,
            warnings: skipped.iter().map(ToString::to_string).collect(),
            layout: Layout::TinyImageNet,
        }));
    }
    let class_folders = open_class_folders(folder)?;
    if class_folders.is_some() {
        return Ok(class_folders);
    }
    match only_table(folder)? {
        Some(table) => open_table(&table, options).map(Some),
        None => Ok(None),
    }
}

fn open_idx(files: &idx::Files, options: &ImageOptions) -> Result<ImageSplits> {
    let classes = options.classes.clone().unwrap_or_else(|| (0..10).map(|digit| digit.to_string()).collect());
    let read = |(images, labels): &(PathBuf, PathBuf)| idx::read_set(images, labels, &classes);
    Ok(ImageSplits {
        train: Arc::new(read(&files.train)?),
        valid: None,
        test: files.test.as_ref().map(read).transpose()?.map(shared),
        warnings: Vec::new(),
        layout: Layout::Idx,
    })
}

fn open_cifar(folder: &Path, files: &cifar::Files, layout: Layout, records: Records) -> Result<ImageSplits> {
    let classes = cifar::read_names(folder, records)?;
    let test = files.test.as_ref().map(|test| cifar::read_set(std::slice::from_ref(test), records, &classes));
    let missing = |path: &PathBuf| format!("{}: this training batch is missing", path.display());
    Ok(ImageSplits {
        train: Arc::new(cifar::read_set(&files.train, records, &classes)?),
        valid: None,
        test: test.transpose()?.map(shared),
        warnings: files.missing.iter().map(missing).collect(),
        layout,
    })
}

fn open_class_folders(root: &Path) -> Result<Option<ImageSplits>> {
    let parts = folder::parts(root)?;
    let mut skipped = Vec::new();
    let (train, valid, test) = match &parts.train {
        Some(train) => {
            let train = FolderImages::open(train, &mut skipped)?;
            let mut part = |path: &Option<PathBuf>| -> Result<Option<Arc<dyn ImageSet>>> {
                let part = path.as_ref().map(|path| FolderImages::open_with(path, train.classes(), &mut skipped));
                Ok(part.transpose()?.map(|part| Arc::new(part) as Arc<dyn ImageSet>))
            };
            let (valid, test) = (part(&parts.valid)?, part(&parts.test)?);
            skipped.extend(
                parts.others.iter().map(|path| folder::Skipped { path: path.clone(), reason: "not a part of the set" }),
            );
            (train, valid, test)
        }
        None => {
            if let Some(part) = parts.valid.as_ref().or(parts.test.as_ref()) {
                let part = part.display();
                return Err(Error::Data(format!(
                    "{part}: found this part of a set; expected a folder `train` beside it"
                )));
            }
            let is_set = match parts.others.as_slice() {
                // One folder is a class if pictures lie in it, and otherwise something to look into.
                [one] => folder::has_own_pictures(one)?,
                folders => any(folders, folder::has_pictures)?,
            };
            if !is_set {
                return Ok(None);
            }
            (FolderImages::open(root, &mut skipped)?, None, None)
        }
    };
    Ok(Some(ImageSplits {
        train: Arc::new(train),
        valid,
        test,
        warnings: skipped.iter().map(ToString::to_string).collect(),
        layout: Layout::ClassFolders,
    }))
}

fn open_table(path: &Path, options: &ImageOptions) -> Result<ImageSplits> {
    let mut how = options.table.clone();
    how.classes = how.classes.or_else(|| options.classes.clone());
    let table = Table::read(path, &how)?;
    let columns = table.columns.len();
    let (width, height) = match options.table_size {
        Some(size) => size,
        None if columns.isqrt().pow(2) == columns => (columns.isqrt(), columns.isqrt()),
        None => {
            let found = format!("{columns} columns of numbers");
            let expected = "a square number of pixels, or a given width and height";
            return Err(Error::format(path, "line 1", found, expected));
        }
    };
    Ok(ImageSplits {
        train: Arc::new(table.images(width, height, options.table_white)?),
        valid: None,
        test: None,
        warnings: Vec::new(),
        layout: Layout::Table,
    })
}

/// Whether `holds` for any folder; stops at the first error.
fn any(folders: &[PathBuf], holds: impl Fn(&Path) -> Result<bool>) -> Result<bool> {
    for folder in folders {
        if holds(folder)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn shared(set: MemoryImages) -> Arc<dyn ImageSet> {
    Arc::new(set)
}

/// The folder in `folder`, if there is exactly one that is not hidden.
fn only_folder(folder: &Path) -> Result<Option<PathBuf>> {
    let mut folders = folder::list(folder)?.into_iter().filter(|path| path.is_dir() && !folder::is_hidden(path));
    Ok(folders.next().filter(|_| folders.next().is_none()))
}

/// The table in `folder`, if there is exactly one and no folder.
fn only_table(folder: &Path) -> Result<Option<PathBuf>> {
    let paths = folder::list(folder)?;
    if paths.iter().any(|path| path.is_dir() && !folder::is_hidden(path)) {
        return Ok(None);
    }
    let mut tables = paths.into_iter().filter(|path| path.is_file() && is_table(path));
    Ok(tables.next().filter(|_| tables.next().is_none()))
}

fn is_table(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with(".csv") || name.ends_with(".tsv")
}

fn check_two_classes(set: &dyn ImageSet) -> Result<()> {
    let Some(first) = (!set.is_empty()).then(|| set.label(0)) else {
        return Err(Error::Data("the training part has no pictures".into()));
    };
    if (1..set.len()).any(|index| set.label(index) != first) {
        return Ok(());
    }
    let (origin, count) = (set.origin(0), set.len());
    let name = set.classes().get(first).map_or("", String::as_str);
    Err(Error::Data(format!(
        "{origin} and all {count} training pictures are of one class, {name:?}; expected at least two classes"
    )))
}

fn unrecognised(path: &Path) -> Error {
    Error::Data(format!(
        "{}: no labelled images found here. Looked for:\n\
         - IDX: train-images-idx3-ubyte and train-labels-idx1-ubyte, or with .gz\n\
         - CIFAR-10: data_batch_1.bin and batches.meta.txt\n\
         - CIFAR-100: train.bin and fine_label_names.txt\n\
         - Tiny ImageNet: train/<identifier>/images and val/val_annotations.txt\n\
         - a folder for each class with png, jpg or jpeg files in it, or such folders in a folder called train\n\
         - a table: a file ending in .csv or .tsv, or with .gz\n\
         - a folder that holds nothing but one such folder or table",
        path.display()
    ))
}
