//! Tables and words in safetensors files, written and read row by row.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ognivo_core::run::write_atomic;
use serde::{Deserialize, Serialize};

use super::input::{GZIP, Input, shown, utf8};
use super::npy::Float;
use super::{broken, for_each_block, le_bytes};
use crate::{Lookup, Names, Result, Table, WordVectors};

/// The longest header that is read, in bytes.
const LONGEST_HEADER: u64 = 16 << 20;
// The tensors of a file of vectors.
const VECTORS: &str = "vectors";
const WORDS: &str = "words";
const ENDS: &str = "word_ends";

/// A tensor to be written.
pub(crate) enum Tensor<'a> {
    /// 32-bit floats `[rows, dim]`.
    Table(&'a Table),
    /// The same, of everything that a lookup knows.
    Vectors(&'a (dyn Lookup + Sync)),
    /// The bytes of names, `[bytes]`.
    Text(&'a Names),
    /// Where in [`Text`](Self::Text) each name ends: 64-bit integers `[names]`.
    Ends(&'a Names),
}

#[derive(Serialize, Deserialize)]
struct Header {
    #[serde(rename = "__metadata__", default)]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<u64>,
    data_offsets: [u64; 2],
}

impl Tensor<'_> {
    fn entry(&self, start: u64) -> Entry {
        let (dtype, size, shape) = match self {
            Self::Table(table) => ("F32", 4, vec![table.rows() as u64, table.dim() as u64]),
            Self::Vectors(vectors) => ("F32", 4, vec![vectors.words().len() as u64, vectors.dim() as u64]),
            Self::Text(names) => ("U8", 1, vec![names.iter().map(|name| name.len() as u64).sum()]),
            Self::Ends(names) => ("I64", 8, vec![names.len() as u64]),
        };
        let end = start + size * shape.iter().product::<u64>();
        Entry { dtype: dtype.into(), shape, data_offsets: [start, end] }
    }

    fn write(&self, file: &mut impl Write) -> io::Result<()> {
        let mut bytes = Vec::new();
        match self {
            Self::Table(table) => table.iter().try_for_each(|row| {
                le_bytes(row, &mut bytes);
                file.write_all(&bytes)
            }),
            Self::Vectors(vectors) => for_each_block(*vectors, |_, block| {
                le_bytes(block, &mut bytes);
                file.write_all(&bytes)
            }),
            Self::Text(names) => names.iter().try_for_each(|name| file.write_all(name.as_bytes())),
            Self::Ends(names) => {
                let mut end = 0i64;
                names.iter().try_for_each(|name| {
                    end += name.len() as i64;
                    file.write_all(&end.to_le_bytes())
                })
            }
        }
    }
}

/// Writes tensors one after the other, wide numbers first, so that all are aligned.
pub(crate) fn write_tensors(path: &Path, tensors: &[(&str, Tensor<'_>)]) -> Result<()> {
    let mut header = Header { metadata: [("format".into(), "pt".into())].into(), tensors: BTreeMap::new() };
    let mut end = 0;
    for (name, tensor) in tensors {
        let entry = tensor.entry(end);
        end = entry.data_offsets[1];
        header.tensors.insert(name.to_string(), entry);
    }
    let written = write_atomic(path, |file| {
        let mut header = serde_json::to_vec(&header)?;
        header.resize(header.len().next_multiple_of(8), b' ');
        file.write_all(&(header.len() as u64).to_le_bytes())?;
        file.write_all(&header)?;
        tensors.iter().try_for_each(|(_, tensor)| tensor.write(file))
    });
    Ok(written?)
}

/// A file of tensors, whose header has been read.
pub(crate) struct Tensors {
    path: PathBuf,
    /// Bytes before the first tensor, and after it.
    start: u64,
    length: u64,
    entries: BTreeMap<String, Entry>,
}

impl Tensors {
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let mut input = Input::open_at(path, 0)?;
        let mut length = [0; 8];
        input.exactly(&mut length, "the header's length")?;
        if length.starts_with(&GZIP) {
            return Err(broken(path, "byte 0", "a gzip file", "a safetensors file that is not packed"));
        }
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEADER {
            let found = format!("a header of {length} bytes");
            return Err(broken(path, "byte 0", found, format!("at most {LONGEST_HEADER}")));
        }
        input.check_room("byte 0", 1, length)?;
        let mut header = vec![0; length as usize];
        input.exactly(&mut header, "header")?;
        let header: Header = serde_json::from_slice(&header)
            .map_err(|error| broken(path, "header", error.to_string(), "the header of a safetensors file"))?;
        let start = input.position();
        Ok(Self { path: path.into(), start, length: input.most().saturating_sub(start), entries: header.tensors })
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// The table of that name.
    pub(crate) fn table(&self, name: &str) -> Result<Table> {
        let entry = self.entry(name)?;
        let float = match entry.dtype.as_str() {
            "F16" => Float::F16,
            "BF16" => Float::Bf16,
            "F32" => Float::F32,
            "F64" => Float::F64,
            other => return Err(self.broken(name, format!("type {}", shown(other.as_bytes())), "floats")),
        };
        let &[rows, dim] = entry.shape.as_slice() else {
            return Err(self.broken(name, format!("{} dimensions", entry.shape.len()), "rows and columns"));
        };
        let mut input = self.stream(name, float.bytes() as u64)?;
        match (usize::try_from(rows), usize::try_from(dim)) {
            (Ok(rows), Ok(dim)) if dim > 0 => {
                input.check_room(&place(name), rows, (dim as u64).saturating_mul(float.bytes() as u64))?;
                float.read_rows(&mut input, rows, dim)
            }
            _ => Err(self.broken(name, format!("shape {rows} x {dim}"), "vectors of at least one number")),
        }
    }

    /// The names that two tensors hold.
    fn names(&self) -> Result<Names> {
        let (text, ends) = (self.bytes(WORDS, "U8", 1)?, self.bytes(ENDS, "I64", 8)?);
        let (mut names, mut start) = (Names::default(), 0);
        for (number, end) in ends.as_chunks().0.iter().map(|end| i64::from_le_bytes(*end)).enumerate() {
            let range = usize::try_from(end).ok().and_then(|end| text.get(start..end).map(|name| (name, end)));
            let Some((name, end)) = range else {
                let expected = format!("the end of name {number}, from {start} to {}", text.len());
                return Err(self.broken(ENDS, end.to_string(), expected));
            };
            let name = utf8(name, &self.path, || place(WORDS))?;
            if !names.insert(name).1 {
                return Err(self.broken(
                    WORDS,
                    format!("{} a second time", shown(name.as_bytes())),
                    "names that differ",
                ));
            }
            start = end;
        }
        Ok(names)
    }

    fn bytes(&self, name: &str, dtype: &str, size: u64) -> Result<Vec<u8>> {
        let entry = self.entry(name)?;
        if entry.dtype != dtype || entry.shape.len() != 1 {
            let found = format!("type {} in {} dimensions", shown(entry.dtype.as_bytes()), entry.shape.len());
            return Err(self.broken(name, found, format!("type {dtype} in one dimension")));
        }
        let mut input = self.stream(name, size)?;
        let length = entry.data_offsets[1] - entry.data_offsets[0];
        input.check_room(&place(name), 1, length)?;
        let mut bytes = vec![0; length as usize];
        input.exactly(&mut bytes, name)?;
        Ok(bytes)
    }

    /// The file from the first byte of a tensor on, whose place has been checked.
    fn stream(&self, name: &str, size: u64) -> Result<Input> {
        let entry = self.entry(name)?;
        let [begin, end] = entry.data_offsets;
        let bytes = entry.shape.iter().try_fold(size, |all, &size| all.checked_mul(size));
        if begin > end || end > self.length || bytes != Some(end - begin) {
            let found = format!("bytes {begin} to {end} of {} for the shape {:?}", self.length, entry.shape);
            return Err(self.broken(name, found, "as many bytes as the shape needs, within the file"));
        }
        Input::open_at(&self.path, self.start + begin)
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| {
            let names: Vec<_> = self.entries.keys().take(3).map(|name| shown(name.as_bytes())).collect();
            let found = if names.is_empty() { "no tensors".into() } else { format!("tensors {}", names.join(", ")) };
            broken(&self.path, "header", found, place(name))
        })
    }

    fn broken(&self, name: &str, found: impl Into<String>, expected: impl Into<String>) -> crate::Error {
        broken(&self.path, place(name), found, expected)
    }
}

fn place(name: &str) -> String {
    format!("tensor {name}")
}

/// Reads words and vectors.
pub(super) fn read(path: &Path) -> Result<WordVectors> {
    let file = Tensors::open(path)?;
    let names = file.names()?;
    let table = file.table(VECTORS)?;
    if names.len() != table.rows() {
        let found = format!("{} names", names.len());
        return Err(file.broken(ENDS, found, format!("{}, one for each row of {VECTORS}", table.rows())));
    }
    WordVectors::new(names, table)
}

/// Writes words and vectors.
pub(super) fn write(path: &Path, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    let names = vectors.words();
    write_tensors(
        path,
        &[(ENDS, Tensor::Ends(names)), (VECTORS, Tensor::Vectors(vectors)), (WORDS, Tensor::Text(names))],
    )
}
