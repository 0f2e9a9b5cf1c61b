//! Files of vectors: word2vec text and binary, GloVe, NumPy, safetensors, the TensorBoard projector.
//!
//! [`read_vectors`] recognises a file by its content, [`write_vectors`] writes one. Reading order: `text` (word2vec, fastText's `.vec`,
//! GloVe), `binary` (word2vec), `npy`, `safetensors`, `projector`, `words` (lists of names, with or without counts), `model` (what a
//! run directory holds).
//!
//! Readers fill the table as the bytes come, having compared what the header promises with the size of the file; writers take row after
//! row. Neither holds a second copy of the vectors. Where a name stands twice, the first vector is kept, as gensim does.

mod binary;
pub(crate) mod input;
mod model;
mod npy;
mod projector;
pub(crate) mod safetensors;
mod text;
mod words;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use ognivo_core::cli::suggest;

use self::input::Input;
pub use self::model::{Model, VOCABULARY, read_model, write_model};
pub use self::words::{read_vocabulary, write_vocabulary};
use crate::{Error, Lookup, Names, Result, WordVectors};

/// A way to write words and their vectors down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `words dim`, then a line `word number number ...` for each. fastText's `.vec` is the same.
    Word2vec,
    /// `words dim`, then for each word its name, a space and its numbers as 32-bit floats.
    Word2vecBinary,
    /// Lines as in [`Word2vec`](Self::Word2vec), no header.
    Glove,
    /// A NumPy array; the names stand in a text file beside it, `vectors.words.txt` for `vectors.npy`.
    Npy,
    /// Tensors `vectors`, `words` (the names one after the other) and `word_ends` (where each ends).
    Safetensors,
    /// For the TensorBoard projector: `vectors.tsv`, and the names in `metadata.tsv` beside it.
    Projector,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 6] =
        [Self::Word2vec, Self::Word2vecBinary, Self::Glove, Self::Npy, Self::Safetensors, Self::Projector];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Word2vec => "word2vec",
            Self::Word2vecBinary => "word2vec-binary",
            Self::Glove => "glove",
            Self::Npy => "npy",
            Self::Safetensors => "safetensors",
            Self::Projector => "projector",
        }
    }

    /// The format that a name of a file suggests, for writing.
    ///
    /// # Errors
    /// When the ending says nothing.
    pub fn of_name(path: &Path) -> Result<Self> {
        match path.extension().and_then(OsStr::to_str) {
            Some("txt" | "vec" | "w2v") => Ok(Self::Word2vec),
            Some("bin") => Ok(Self::Word2vecBinary),
            Some("glove") => Ok(Self::Glove),
            Some("npy") => Ok(Self::Npy),
            Some("safetensors") => Ok(Self::Safetensors),
            Some("tsv") => Ok(Self::Projector),
            _ => {
                let expected = "a name that ends in .txt, .vec, .bin, .glove, .npy, .safetensors or .tsv, or a format that is named";
                Err(Error::data("a file of vectors", path.display().to_string(), expected))
            }
        }
    }

    /// The format of an existing file, by its first bytes.
    ///
    /// # Errors
    /// The system's; a file that is none of these.
    pub fn of_file(path: &Path) -> Result<Self> {
        const FASTTEXT: [u8; 4] = 793_712_314_u32.to_le_bytes();
        let mut input = Input::open(path)?;
        let head = input.peek()?;
        if head.starts_with(npy::MAGIC) {
            return Ok(Self::Npy);
        }
        if head.get(8) == Some(&b'{') {
            return Ok(Self::Safetensors);
        }
        if head.starts_with(&FASTTEXT) {
            let expected = "a file of vectors; a fastText model is opened as one";
            return Err(broken(path, "byte 0", "a fastText model", expected));
        }
        let (first, rest) =
            head.iter().position(|&byte| byte == b'\n').map_or((head, &[][..]), |end| head.split_at(end));
        if let Some((_, dim)) = text::shape(first) {
            let textual = looks_textual(&rest[1.min(rest.len())..], dim);
            return Ok(if textual { Self::Word2vec } else { Self::Word2vecBinary });
        }
        let first = first.trim_ascii();
        let is_number = |field: &[u8]| text::number(field).is_some();
        if first.split(|&byte| byte == b'\t').all(is_number) {
            return Ok(Self::Projector);
        }
        let numbers = first.split(u8::is_ascii_whitespace).filter(|field| is_number(field)).count();
        if numbers > 0 {
            return Ok(Self::Glove);
        }
        let expected =
            "`words dim` (word2vec), a word and its numbers (GloVe), or a file of NumPy, safetensors or the projector";
        Err(broken(path, "line 1", input::shown(first), expected))
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name);
        let found = Self::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| ognivo_core::Error::Config(suggest::unknown("format", name, &names)).into())
    }
}

/// Whether a first row is a name and `dim` numbers in text; of a row that goes on beyond what is at hand, whether it may be.
fn looks_textual(row: &[u8], dim: usize) -> bool {
    let end = row.iter().position(|&byte| byte == b'\n');
    let line = &row[..end.unwrap_or(row.len())];
    let name = line.iter().position(|&byte| byte == b' ' || byte == b'\t').unwrap_or(line.len());
    let numbers = &line[name..];
    match end {
        Some(_) => {
            let mut fields = numbers.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
            // A byte of a binary number may be a line end: then there are too few. What is longer than binary numbers and still
            // readable is text with a fault in it.
            let readable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
            fields.clone().count() == dim && fields.all(|field| text::number(field).is_some())
                || numbers.len() / 8 > dim && numbers.iter().all(readable)
        }
        // The characters of `-1.5e+03`, `nan`, `inf`.
        None => numbers.iter().all(|byte| b"0123456789+-.eE \t\rnaifNAIF".contains(byte)),
    }
}

/// Reads a file of vectors in any of the [formats](Format), in gzip too, or the input vectors of a run directory.
///
/// # Errors
/// The system's; [`ognivo_core::Error::Format`] that says where the file breaks its format.
pub fn read_vectors(path: &Path) -> Result<WordVectors> {
    if path.is_dir() {
        return read_model(path)?.into_vectors();
    }
    read_vectors_as(path, Format::of_file(path)?)
}

/// Reads a file of vectors in a format that is known.
///
/// # Errors
/// As [`read_vectors`].
pub fn read_vectors_as(path: &Path, format: Format) -> Result<WordVectors> {
    match format {
        Format::Word2vec => text::read(path),
        Format::Word2vecBinary => binary::read(path),
        Format::Glove => text::read_glove(path),
        Format::Npy => npy::read(path),
        Format::Safetensors => safetensors::read(path),
        Format::Projector => projector::read(path),
    }
}

/// Writes the vectors of all words that `vectors` knows, atomically: with a full disk an older file stays as it was.
///
/// # Errors
/// The system's; a name that the format cannot hold, with one that can.
pub fn write_vectors(path: &Path, format: Format, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    match format {
        Format::Word2vec => text::write(path, vectors),
        Format::Word2vecBinary => binary::write(path, vectors),
        Format::Glove => text::write_glove(path, vectors),
        Format::Npy => npy::write(path, vectors),
        Format::Safetensors => safetensors::write(path, vectors),
        Format::Projector => projector::write(path, vectors),
    }
}

/// A file that breaks its format at `place`.
pub(crate) fn broken(
    path: &Path,
    place: impl Into<String>,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Error {
    ognivo_core::Error::format(path, place, found, expected).into()
}

/// Refuses names that hold a character of `separators`, which `format` puts between them.
fn check_names(names: &Names, path: &Path, format: &str, separators: &[char]) -> Result<()> {
    match names.iter().find(|name| name.contains(separators)) {
        None => Ok(()),
        Some(name) => {
            let separators: Vec<_> = separators.iter().map(|separator| format!("{separator:?}")).collect();
            let expected = format!(
                "names without {} in the format {format}; the format safetensors holds any name",
                separators.join(", ")
            );
            let found = format!("a name that it cannot hold, {}", input::shown(name.as_bytes()));
            Err(Error::data(path.display().to_string(), found, expected))
        }
    }
}

/// The rows of all words in blocks: `take` gets the first word's number and the numbers of some whole rows.
fn for_each_block(
    vectors: &(dyn Lookup + Sync),
    mut take: impl FnMut(usize, &[f32]) -> std::io::Result<()>,
) -> std::io::Result<()> {
    const FLOATS: usize = 1 << 18;
    let (names, dim) = (vectors.words(), vectors.dim().max(1));
    let rows = (FLOATS / dim).max(1);
    let mut block = vec![0.0; rows.min(names.len()) * dim];
    for first in (0..names.len()).step_by(rows) {
        let count = rows.min(names.len() - first);
        let block = &mut block[..count * dim];
        for (id, row) in (first..).zip(block.chunks_exact_mut(dim)) {
            if !vectors.vector(names.name(id as u32), row) {
                let message = format!("no vector for the word {:?}", names.name(id as u32));
                return Err(std::io::Error::other(message));
            }
        }
        take(first, block)?;
    }
    Ok(())
}

/// Floats as the bytes of a little-endian file.
fn le_bytes(floats: &[f32], bytes: &mut Vec<u8>) {
    bytes.clear();
    bytes.extend(floats.iter().flat_map(|value| value.to_le_bytes()));
}

/// `vectors.txt` for `vectors.npy` and the ending `txt`.
fn beside(path: &Path, ending: &str) -> PathBuf {
    path.with_extension(ending)
}
