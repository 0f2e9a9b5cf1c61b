//! IDX, the format of MNIST: a big-endian header and an array (LeCun, Cortes and Burges, the MNIST database).
//!
//! Two zero bytes, a type code, the number of dimensions, each dimension as a 32-bit integer, then the values. All
//! big-endian, often in gzip. A set is four files: training and test images, training and test labels.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use flate2::{Compression, write::GzEncoder};

use super::source::{MAX_BYTES, Source};
use super::{ImageSet, MemoryImages, pixel_bytes};
use crate::{Error, Result};

/// An array of any of the types that IDX knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Idx {
    /// Sizes, slowest first. Their product is the number of values.
    pub dims: Vec<usize>,
    /// The values, the last dimension running fastest.
    pub values: Values,
}

/// The values of an [`Idx`], by their type code.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 0x08
    U8(Vec<u8>),
    /// 0x09
    I8(Vec<i8>),
    /// 0x0B
    I16(Vec<i16>),
    /// 0x0C
    I32(Vec<i32>),
    /// 0x0D
    F32(Vec<f32>),
    /// 0x0E
    F64(Vec<f64>),
}

impl Idx {
    /// Reads a file, plain or gzip.
    ///
    /// # Errors
    /// A header that is not IDX, one that asks for more than the file can hold (before allocating anything), too few
    /// values, or bytes after the last value.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(Source::open(path)?)
    }

    /// The same from the bytes of a file; `path` is what errors name.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::parse(Source::from_bytes(bytes, path))
    }

    fn parse(mut source: Source) -> Result<Self> {
        let magic = source.exactly(4, "the IDX magic number")?;
        let (code, count) = match *magic {
            [0, 0, code, count] if count > 0 => (code, count),
            _ => {
                return Err(Error::format(
                    source.path(),
                    "byte 0",
                    format!("the bytes {magic:02x?}"),
                    "an IDX magic number: 0, 0, type code, number of dimensions",
                ));
            }
        };
        let Some(width) = width(code) else {
            let found = format!("type code 0x{code:02x}");
            return Err(Error::format(source.path(), "byte 2", found, "0x08, 0x09, 0x0b, 0x0c, 0x0d or 0x0e"));
        };
        let dims: Vec<usize> =
            chunks(&source.exactly(4 * u64::from(count), "dimensions")?, |b| u32::from_be_bytes(b) as usize);
        let bytes = dims.iter().try_fold(width, |product, &dim| product.checked_mul(dim as u64));
        let Some(bytes) = bytes.filter(|&bytes| bytes <= MAX_BYTES) else {
            let expected = format!("at most {MAX_BYTES} bytes of values");
            return Err(Error::format(source.path(), "header", format!("dimensions {dims:?}"), expected));
        };
        let what = format!("values (dimensions {dims:?})");
        let raw = source.exactly(bytes, &what)?;
        source.end(&what)?;
        Ok(Self { dims, values: Values::from_be_bytes(code, raw) })
    }

    /// Writes a file; in gzip (without name and time, so the same array gives the same bytes) if `path` ends in `.gz`.
    ///
    /// # Errors
    /// Dimensions that do not give the number of values or do not fit the header, and whatever the disk refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let header = self.header()?;
        let file = BufWriter::new(File::create(path).map_err(Error::io(path, "create"))?);
        if path.extension().is_some_and(|extension| extension == "gz") {
            let mut gzip = GzEncoder::new(file, Compression::default());
            self.write_to(&header, &mut gzip).and_then(|()| gzip.finish()).and_then(|mut file| file.flush())
        } else {
            let mut file = file;
            self.write_to(&header, &mut file).and_then(|()| file.flush())
        }
        .map_err(Error::io(path, "write"))
    }

    fn header(&self) -> Result<Vec<u8>> {
        let product = self.dims.iter().try_fold(1usize, |product, &dim| product.checked_mul(dim));
        let count = u8::try_from(self.dims.len()).ok().filter(|&count| count > 0);
        let dims: Option<Vec<u32>> = self.dims.iter().map(|&dim| u32::try_from(dim).ok()).collect();
        let (Some(count), Some(dims), true) = (count, dims, product == Some(self.values.len())) else {
            let length = self.values.len();
            return Err(Error::Data(format!(
                "{length} values cannot be written as IDX with dimensions {:?}",
                self.dims
            )));
        };
        let mut header = vec![0, 0, self.values.code(), count];
        header.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
        Ok(header)
    }

    fn write_to(&self, header: &[u8], out: &mut impl Write) -> std::io::Result<()> {
        out.write_all(header)?;
        match &self.values {
            Values::U8(values) => out.write_all(values),
            Values::I8(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
            Values::I16(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
            Values::I32(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
            Values::F32(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
            Values::F64(values) => values.iter().try_for_each(|value| out.write_all(&value.to_be_bytes())),
        }
    }
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(values) => values.len(),
            Self::I8(values) => values.len(),
            Self::I16(values) => values.len(),
            Self::I32(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn code(&self) -> u8 {
        match self {
            Self::U8(_) => 0x08,
            Self::I8(_) => 0x09,
            Self::I16(_) => 0x0b,
            Self::I32(_) => 0x0c,
            Self::F32(_) => 0x0d,
            Self::F64(_) => 0x0e,
        }
    }

    fn from_be_bytes(code: u8, raw: Vec<u8>) -> Self {
        match code {
            0x09 => Self::I8(chunks(&raw, i8::from_be_bytes)),
            0x0b => Self::I16(chunks(&raw, i16::from_be_bytes)),
            0x0c => Self::I32(chunks(&raw, i32::from_be_bytes)),
            0x0d => Self::F32(chunks(&raw, f32::from_be_bytes)),
            0x0e => Self::F64(chunks(&raw, f64::from_be_bytes)),
            _ => Self::U8(raw),
        }
    }

    /// The values as class labels, where all are whole and not negative.
    fn labels(&self) -> Result<Vec<usize>, String> {
        fn whole<T: Copy + TryInto<usize> + std::fmt::Display>(values: &[T]) -> Result<Vec<usize>, String> {
            let label = |(record, &value): (usize, &T)| {
                value.try_into().map_err(|_| format!("label {value} at record {record}"))
            };
            values.iter().enumerate().map(label).collect()
        }
        match self {
            Self::U8(values) => whole(values),
            Self::I8(values) => whole(values),
            Self::I16(values) => whole(values),
            Self::I32(values) => whole(values),
            Self::F32(_) | Self::F64(_) => Err("floating-point values".into()),
        }
    }
}

/// Bytes of one value of a type code.
fn width(code: u8) -> Option<u64> {
    match code {
        0x08 | 0x09 => Some(1),
        0x0b => Some(2),
        0x0c | 0x0d => Some(4),
        0x0e => Some(8),
        _ => None,
    }
}

fn chunks<const N: usize, T>(bytes: &[u8], value: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|&chunk| value(chunk)).collect()
}

/// A pair of files: images (count, height, width) or (count, height, width, 1 or 3) of u8, and as many labels.
///
/// # Errors
/// Arrays of other shapes or types, numbers that do not agree, a label that has no name in `classes`.
pub fn read_set(images: &Path, labels: &Path, classes: &[String]) -> Result<MemoryImages> {
    let array = Idx::read(images)?;
    let (shape, pixels) = match (array.dims.as_slice(), array.values) {
        (&[_, height, width], Values::U8(pixels)) => ([height, width, 1], pixels),
        (&[_, height, width, channels @ (1 | 3)], Values::U8(pixels)) => ([height, width, channels], pixels),
        (dims, values) => {
            let found = format!("dimensions {dims:?} of type 0x{:02x}", values.code());
            return Err(Error::format(images, "header", found, "count x height x width of type 0x08 (unsigned byte)"));
        }
    };
    let count = array.dims.first().copied().unwrap_or(0);
    if count == 0 || pixel_bytes(shape[1], shape[0], shape[2]) == Some(0) {
        return Err(Error::format(images, "header", format!("dimensions {:?}", array.dims), "at least one picture"));
    }

    let array = Idx::read(labels)?;
    let values = match (array.dims.as_slice(), array.values.labels()) {
        (&[records], Ok(values)) if records == count => values,
        (&[records], Ok(_)) => {
            let expected = format!("{count} labels, one for each image of {}", images.display());
            return Err(Error::format(labels, "header", format!("{records} labels"), expected));
        }
        (&[_], Err(found)) => return Err(Error::format(labels, "values", found, "whole numbers from 0")),
        (dims, _) => {
            return Err(Error::format(labels, "header", format!("dimensions {dims:?}"), "one dimension of labels"));
        }
    };
    MemoryImages::new(images.display().to_string(), shape, pixels, values, classes.to_vec())
        .map_err(|error| Error::Data(format!("{}: {error}", labels.display())))
}

/// Writes a set as a pair of files: u8 images (count, height, width), with a fourth dimension for colour, and u8 labels.
///
/// # Errors
/// More than 256 classes, and whatever the disk refuses.
pub fn write_set(images: &Path, labels: &Path, set: &MemoryImages) -> Result<()> {
    let [height, width, channels] = set.shape();
    let mut dims = vec![set.len(), height, width];
    if channels > 1 {
        dims.push(channels);
    }
    let values: Result<Vec<u8>, _> = (0..set.len()).map(|index| u8::try_from(set.label(index))).collect();
    let values = values.map_err(|_| Error::Data("IDX labels are bytes: at most 256 classes can be written".into()))?;
    Idx { dims, values: Values::U8(set.pixels().to_vec()) }.write(images)?;
    Idx { dims: vec![values.len()], values: Values::U8(values) }.write(labels)
}

/// MNIST's four files in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Training images and labels.
    pub train: (PathBuf, PathBuf),
    /// Test images and labels.
    pub test: Option<(PathBuf, PathBuf)>,
}

/// Looks for the four official names, `train-images-idx3-ubyte` and so on, also with a dot before `idx` and with `.gz`.
///
/// `None` if there are no training images. The plain file is taken where both are there.
///
/// # Errors
/// Images without their labels.
pub fn find(folder: &Path) -> Result<Option<Files>> {
    let file = |stem: &str, dims: u8| {
        let names = ["-", "."].into_iter().flat_map(|dot| {
            ["", ".gz"].into_iter().map(move |gz| folder.join(format!("{stem}{dot}idx{dims}-ubyte{gz}")))
        });
        names.into_iter().find(|path| path.is_file())
    };
    let pair = |part: &str| match (file(&format!("{part}-images"), 3), file(&format!("{part}-labels"), 1)) {
        (Some(images), Some(labels)) => Ok(Some((images, labels))),
        (None, _) => Ok(None),
        (Some(images), None) => Err(Error::Data(format!(
            "{}: the images have no labels; expected {part}-labels-idx1-ubyte or {part}-labels-idx1-ubyte.gz beside them",
            images.display()
        ))),
    };
    match pair("train")? {
        Some(train) => Ok(Some(Files { train, test: pair("t10k")? })),
        None => Ok(None),
    }
}
