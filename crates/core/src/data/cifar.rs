//! The binary version of CIFAR-10 and CIFAR-100 (Krizhevsky 2009, Learning multiple layers of features from tiny images).
//!
//! A record is one label byte (CIFAR-100: the coarse label, then the fine one) and 3072 bytes of a 32 x 32 picture:
//! the red plane, the green plane, the blue plane. Files have no header.

use std::path::{Path, PathBuf};

use super::MemoryImages;
use super::source::{MAX_BYTES, Source, read_text};
use crate::{Error, Result};

/// Pixels in a row, and rows.
pub const SIDE: usize = 32;
const PLANE: usize = SIDE * SIDE;
const MAX_NAMES: u64 = 1 << 20;

/// Which labels a record carries and which of them is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Records {
    /// One label of ten.
    Cifar10,
    /// Two labels, of which the fine one of a hundred is read.
    Cifar100Fine,
    /// Two labels, of which the coarse one of twenty is read.
    Cifar100Coarse,
}

impl Records {
    /// Label bytes before the picture, and which of them counts.
    fn labels(self) -> (usize, usize) {
        match self {
            Self::Cifar10 => (1, 0),
            Self::Cifar100Coarse => (2, 0),
            Self::Cifar100Fine => (2, 1),
        }
    }

    /// Where the class names stand, and how many the format has.
    fn names(self) -> (&'static str, usize) {
        match self {
            Self::Cifar10 => ("batches.meta.txt", 10),
            Self::Cifar100Fine => ("fine_label_names.txt", 100),
            Self::Cifar100Coarse => ("coarse_label_names.txt", 20),
        }
    }
}

/// What lies in a CIFAR folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Training batches, in order.
    pub train: Vec<PathBuf>,
    /// Test batch.
    pub test: Option<PathBuf>,
    /// Official training batches that are not there.
    pub missing: Vec<PathBuf>,
}

/// Looks for `data_batch_1.bin` to `data_batch_5.bin` and `test_batch.bin`, the folder `cifar-10-batches-bin`.
pub fn find_cifar10(folder: &Path) -> Option<Files> {
    let batches = (1..=5).map(|batch| folder.join(format!("data_batch_{batch}.bin")));
    let (train, missing): (Vec<_>, Vec<_>) = batches.partition(|path| path.is_file());
    let test = Some(folder.join("test_batch.bin")).filter(|path| path.is_file());
    (!train.is_empty()).then_some(Files { train, test, missing })
}

/// Looks for `train.bin`, `test.bin` and the names of the fine labels, the folder `cifar-100-binary`.
pub fn find_cifar100(folder: &Path) -> Option<Files> {
    let file = |name: &str| Some(folder.join(name)).filter(|path| path.is_file());
    file("fine_label_names.txt").or_else(|| file("coarse_label_names.txt"))?;
    Some(Files { train: vec![file("train.bin")?], test: file("test.bin"), missing: Vec::new() })
}

/// Reads the class names that lie beside the batches.
///
/// # Errors
/// No such file, or another number of names than the format has.
pub fn read_names(folder: &Path, records: Records) -> Result<Vec<String>> {
    let (file, count) = records.names();
    let path = folder.join(file);
    let text = read_text(&path, MAX_NAMES)?;
    let names: Vec<String> = text.lines().map(str::trim).filter(|name| !name.is_empty()).map(String::from).collect();
    if names.len() != count {
        return Err(Error::format(
            path,
            "whole file",
            format!("{} names", names.len()),
            format!("{count} class names"),
        ));
    }
    Ok(names)
}

/// Reads batches into one set, planes interleaved.
///
/// # Errors
/// A file that is empty or not a whole number of records; a label out of range, with its record.
pub fn read_set(batches: &[PathBuf], records: Records, classes: &[String]) -> Result<MemoryImages> {
    let mut batch = Batch::default();
    for path in batches {
        batch.append(Source::open(path)?, records, classes)?;
    }
    let name = match batches {
        [one] => one.display().to_string(),
        _ => batches.first().and_then(|path| path.parent()).unwrap_or(Path::new("cifar")).display().to_string(),
    };
    batch.into_set(name, classes)
}

/// The same from the bytes of one batch; `path` is what errors name.
pub fn from_bytes(bytes: &[u8], path: &Path, records: Records, classes: &[String]) -> Result<MemoryImages> {
    let mut batch = Batch::default();
    batch.append(Source::from_bytes(bytes, path), records, classes)?;
    batch.into_set(path.display().to_string(), classes)
}

#[derive(Default)]
struct Batch {
    pixels: Vec<u8>,
    labels: Vec<usize>,
}

impl Batch {
    fn append(&mut self, mut source: Source, records: Records, classes: &[String]) -> Result<()> {
        let (label_bytes, label_at) = records.labels();
        let size = label_bytes + 3 * PLANE;
        let bytes = source.rest(MAX_BYTES / 2, "CIFAR records")?;
        if bytes.is_empty() || !bytes.len().is_multiple_of(size) {
            let found = match bytes.len() % size {
                0 => "an empty file".to_string(),
                left => format!("a last record of {left} bytes"),
            };
            let at = format!("record {}, byte {}", bytes.len() / size, bytes.len() / size * size);
            return Err(Error::format(source.path(), at, found, format!("whole records of {size} bytes")));
        }
        self.pixels.reserve(bytes.len() / size * 3 * PLANE);
        for (record, bytes) in bytes.chunks_exact(size).enumerate() {
            let (labels, planes) = bytes.split_at(label_bytes);
            let label = labels.get(label_at).copied().map_or(0, usize::from);
            if label >= classes.len() {
                let at = format!("record {record}, byte {}", record * size + label_at);
                let expected = format!("a label below {}", classes.len());
                return Err(Error::format(source.path(), at, format!("label {label}"), expected));
            }
            self.labels.push(label);
            let (red, rest) = planes.split_at(PLANE);
            let (green, blue) = rest.split_at(PLANE);
            self.pixels.extend(red.iter().zip(green).zip(blue).flat_map(|((&red, &green), &blue)| [red, green, blue]));
        }
        Ok(())
    }

    fn into_set(self, name: String, classes: &[String]) -> Result<MemoryImages> {
        MemoryImages::new(name, [SIDE, SIDE, 3], self.pixels, self.labels, classes.to_vec())
    }
}
