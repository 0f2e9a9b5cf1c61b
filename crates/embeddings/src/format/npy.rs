//! NumPy arrays (`numpy.save`), with the names in a text file beside.

use std::io::Write as _;
use std::path::Path;

use ognivo_core::run::write_atomic;

use super::input::{Input, shown};
use super::{beside, broken, check_names, for_each_block, le_bytes, words};
use crate::{Lookup, Result, Table, WordVectors};

/// How a file begins.
pub(super) const MAGIC: &[u8] = b"\x93NUMPY";
/// The longest header that is read, in bytes. NumPy itself refuses more than 10000.
const LONGEST_HEADER: usize = 10_000;
/// The ending of the list of names.
const LIST: &str = "words.txt";

/// Reads an array of two dimensions and the list of names beside it.
pub(super) fn read(path: &Path) -> Result<WordVectors> {
    let (table, list) = (read_array(path)?, beside(path, LIST));
    let names = words::read_list(&list, false)?;
    if names.len() != table.rows() {
        let expected = format!("{}, one for each row of {}", table.rows(), path.display());
        return Err(broken(&list, "lines", format!("{} names", names.len()), expected));
    }
    WordVectors::new(names, table)
}

/// The number types that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Float {
    F16,
    Bf16,
    F32,
    F64,
}

impl Float {
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::Bf16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// Numbers of little-endian bytes.
    pub(super) fn decode(self, bytes: &[u8], row: &mut [f32]) {
        use burn::tensor::{bf16, f16};
        match self {
            Self::F16 => zip(bytes, row, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::Bf16 => zip(bytes, row, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::F32 => zip(bytes, row, f32::from_le_bytes),
            Self::F64 => zip(bytes, row, |bytes| f64::from_le_bytes(bytes) as f32),
        }
    }

    /// Reads the rows of a table one after the other.
    pub(super) fn read_rows(self, input: &mut Input, rows: usize, dim: usize) -> Result<Table> {
        let mut table = Table::zeros(rows, dim)?;
        let mut bytes = vec![0; dim * self.bytes()];
        for row in 0..rows {
            input.exactly(&mut bytes, "a row")?;
            self.decode(&bytes, table.row_mut(row));
        }
        Ok(table)
    }
}

fn zip<const N: usize>(bytes: &[u8], row: &mut [f32], value: impl Fn([u8; N]) -> f32) {
    for (into, bytes) in row.iter_mut().zip(bytes.as_chunks().0) {
        *into = value(*bytes);
    }
}

fn read_array(path: &Path) -> Result<Table> {
    let mut input = Input::open(path)?;
    let mut start = [0; 8];
    input.exactly(&mut start, "a header")?;
    if !start.starts_with(MAGIC) {
        return Err(broken(path, "byte 0", shown(&start), "a NumPy array"));
    }
    let length = match start[6] {
        1 => {
            let mut length = [0; 2];
            input.exactly(&mut length, "the header's length")?;
            u16::from_le_bytes(length) as usize
        }
        2 | 3 => {
            let mut length = [0; 4];
            input.exactly(&mut length, "the header's length")?;
            u32::from_le_bytes(length) as usize
        }
        version => return Err(broken(path, "byte 6", format!("version {version}"), "version 1, 2 or 3")),
    };
    if length > LONGEST_HEADER {
        let expected = format!("at most {LONGEST_HEADER}");
        return Err(broken(path, "byte 8", format!("a header of {length} bytes"), expected));
    }
    let mut header = vec![0; length];
    input.exactly(&mut header, "header")?;
    let (float, rows, dim) =
        parse_header(&header).map_err(|(found, expected)| broken(path, "header", found, expected))?;
    input.check_room("header", rows, (dim as u64).saturating_mul(float.bytes() as u64))?;
    let table = float.read_rows(&mut input, rows, dim)?;
    if !input.peek()?.is_empty() {
        let expected = format!("the end of the file after {rows} rows");
        return Err(broken(path, format!("byte {}", input.position()), "more bytes", expected));
    }
    Ok(table)
}

/// Number type, rows and columns of an array; or what was found, and what is expected.
fn parse_header(header: &[u8]) -> Result<(Float, usize, usize), (String, String)> {
    let text = String::from_utf8_lossy(header);
    let wrong = |found: &str, expected: &str| (shown(found.as_bytes()), expected.to_string());
    let value = |key: &str| {
        let after = text.split_once(&format!("'{key}'")).and_then(|(_, rest)| rest.trim_start().strip_prefix(':'));
        after.map(str::trim_start).ok_or_else(|| wrong(&text, &format!("a dictionary with the key '{key}'")))
    };
    let descr = value("descr")?;
    let float = match descr.strip_prefix('\'').and_then(|rest| rest.split('\'').next()) {
        Some("<f2") => Float::F16,
        Some("<f4") => Float::F32,
        Some("<f8") => Float::F64,
        _ => return Err(wrong(descr.split(['}', ']']).next().unwrap_or_default(), "numbers of type <f2, <f4 or <f8")),
    };
    let order = value("fortran_order")?;
    if !order.starts_with("False") {
        let found = "fortran_order, in which columns stand one after the other";
        return Err((found.into(), "rows one after the other (numpy.ascontiguousarray makes them)".into()));
    }
    let shape = value("shape")?;
    let inner = shape.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inner, _)| inner);
    let mut sizes = inner.unwrap_or_default().split(',').map(str::trim).filter(|size| !size.is_empty());
    match (sizes.next().map(str::parse), sizes.next().map(str::parse), sizes.next()) {
        (Some(Ok(rows)), Some(Ok(dim)), None) if dim > 0 => Ok((float, rows, dim)),
        _ => Err(wrong(shape.split_inclusive(')').next().unwrap_or_default(), "a shape of rows and columns")),
    }
}

/// Writes an array of 32-bit floats and the list of names.
pub(super) fn write(path: &Path, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    check_names(vectors.words(), path, "npy", &['\n', '\r'])?;
    words::write_list(&beside(path, LIST), vectors.words(), "npy", &['\n', '\r'])?;
    let shape = format!("({}, {})", vectors.words().len(), vectors.dim());
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    // The numbers begin at a multiple of 64 bytes; ten stand before the header, a line break ends it.
    let padding = 64 - (10 + header.len() + 1) % 64;
    header.extend(std::iter::repeat_n(' ', padding % 64));
    header.push('\n');
    let written = write_atomic(path, |file| {
        file.write_all(MAGIC)?;
        file.write_all(&[1, 0])?;
        file.write_all(&(header.len() as u16).to_le_bytes())?;
        file.write_all(header.as_bytes())?;
        let mut bytes = Vec::new();
        for_each_block(vectors, |_, block| {
            le_bytes(block, &mut bytes);
            file.write_all(&bytes)
        })
    });
    Ok(written?)
}
