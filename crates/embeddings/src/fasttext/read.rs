//! Reading `.bin` and `.ftz` files, versions 11 and 12.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use hashbrown::HashMap;
use ognivo_core::Error as CoreError;

use super::config::{Config, LossKind, ModelKind};
use super::dictionary::{Dictionary, Entries};
use super::matrix::Matrix;
use super::quantizer::{CENTROIDS, ProductQuantizer, QuantizedMatrix};
use super::{MAGIC, Model};
use crate::{Result, Table};

impl Model {
    /// Reads a model of the reference program, or one written by [`write`](Self::write). Tables are read straight into
    /// place; what a file announces and does not hold is refused before memory is taken for it.
    ///
    /// # Errors
    /// When the file cannot be read or is not such a model: where, what was found, what was expected.
    pub fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(CoreError::io(path, "open"))?;
        let length = file.metadata().map_err(CoreError::io(path, "read"))?.len();
        Self::from_reader(BufReader::with_capacity(1 << 18, file), length, path)
    }

    /// [`read`](Self::read) from bytes in memory; `path` is what errors name.
    ///
    /// # Errors
    /// When they are not such a model.
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::from_reader(bytes, bytes.len() as u64, path)
    }

    fn from_reader(reader: impl BufRead, length: u64, path: &Path) -> Result<Self> {
        let mut input = Input { reader, path: path.to_path_buf(), at: 0, length };
        if input.i32()? != MAGIC {
            return Err(input.wrong("other bytes", "the number 793712314, by which a fastText model begins"));
        }
        let version = input.i32()?;
        if !(11..=12).contains(&version) {
            return Err(input.wrong(format!("version {version}"), "version 11 or 12"));
        }
        let config = config(&mut input, version)?;
        let dictionary = dictionary(&mut input, &config)?;
        let quantized = input.boolean()?;
        if !quantized && dictionary.kept().is_some() {
            return Err(input.wrong("a table of floats with chosen buckets", "a quantised table"));
        }
        let rows = dictionary.rows();
        let matrix = matrix(&mut input, quantized, rows, config.dim)?;
        let quantized_output = input.boolean()?;
        let outputs = match config.model {
            ModelKind::Supervised => dictionary.labels(),
            _ => dictionary.words(),
        };
        let output = self::matrix(&mut input, quantized && quantized_output, outputs, config.dim)?;
        if input.at != length {
            return Err(input.wrong(format!("{} more bytes", length - input.at), "the end of the file"));
        }
        Self::new(config, dictionary, matrix, output)
    }
}

fn config(input: &mut Input<impl Read>, version: i32) -> Result<Config> {
    let mut config = Config {
        dim: input.count("dim")?,
        ws: input.count("ws")?,
        epoch: input.count("epoch")?,
        min_count: input.count("minCount")? as u64,
        neg: input.count("neg")?,
        word_ngrams: input.count("wordNgrams")?,
        loss: match input.i32()? {
            1 => LossKind::HierarchicalSoftmax,
            2 => LossKind::NegativeSampling,
            3 => LossKind::Softmax,
            4 => LossKind::OneVersusAll,
            other => return Err(input.wrong(format!("loss {other}"), "1 (hs), 2 (ns), 3 (softmax) or 4 (ova)")),
        },
        model: match input.i32()? {
            1 => ModelKind::Cbow,
            2 => ModelKind::Skipgram,
            3 => ModelKind::Supervised,
            other => return Err(input.wrong(format!("model {other}"), "1 (cbow), 2 (sg) or 3 (sup)")),
        },
        bucket: input.count("bucket")?,
        minn: input.count("minn")?,
        maxn: input.count("maxn")?,
        lr_update_rate: input.count("lrUpdateRate")?,
        t: f64::from_le_bytes(input.array()?),
        ..Config::default()
    };
    if config.model == ModelKind::Supervised {
        // What a file does not hold.
        let of = Config::supervised();
        (config.lr, config.min_count_label) = (of.lr, of.min_count_label);
        if version == 11 {
            config.maxn = 0;
        }
    }
    if config.dim == 0 {
        return Err(input.wrong("dim 0", "at least 1"));
    }
    config.sizes().map_err(|error| input.wrong(error.to_string(), "settings of a model"))?;
    Ok(config)
}

fn dictionary(input: &mut Input<impl BufRead>, config: &Config) -> Result<Dictionary> {
    let size = input.count("number of entries")?;
    let words = input.count("number of words")?;
    let labels = input.count("number of labels")?;
    if words.checked_add(labels) != Some(size) {
        return Err(input.wrong(format!("{size} entries, {words} words, {labels} labels"), "as many as together"));
    }
    let tokens = input.i64()?.max(0) as u64;
    let kept = input.i64()?;
    // A zero byte, a count and a kind are the least an entry takes.
    input.holds(size as u64, 10, "entries")?;
    let mut entries = Entries::default();
    let mut word = Vec::new();
    for id in 0..size {
        input.until_zero(&mut word)?;
        let count = u64::try_from(input.i64()?).map_err(|_| input.wrong("a negative count", "a count of words"))?;
        let label = input.array::<1>()?[0] as usize;
        if label != usize::from(id >= words) {
            return Err(input.wrong(format!("entry {id} of kind {label}"), "words (kind 0), then labels (kind 1)"));
        }
        if entries.insert(&word) as usize != id {
            let word = String::from_utf8_lossy(&word).into_owned();
            return Err(input.wrong(format!("the word `{word}` a second time"), "different words"));
        }
        entries.counts[id] = count;
    }
    let kept = match u64::try_from(kept) {
        Err(_) => None,
        Ok(count) => {
            input.holds(count, 8, "chosen buckets")?;
            let mut kept = HashMap::with_capacity(count as usize);
            for _ in 0..count {
                let (bucket, row) = (input.count("bucket")?, input.count("row")?);
                if row as u64 >= count || kept.insert(bucket as u32, row as u32).is_some() {
                    return Err(input.wrong(
                        format!("bucket {bucket} in row {row}"),
                        format!("different buckets in rows below {count}"),
                    ));
                }
            }
            Some(kept)
        }
    };
    Ok(Dictionary::new(entries, words, tokens, kept, config))
}

fn matrix(input: &mut Input<impl Read>, quantized: bool, rows: usize, dim: usize) -> Result<Matrix> {
    if !quantized {
        input.shape(rows, dim)?;
        input.holds(rows as u64 * dim as u64, 4, "numbers of a table")?;
        let mut table = Table::zeros(rows, dim)?;
        for row in 0..rows {
            input.floats(table.row_mut(row))?;
        }
        return Ok(Matrix::Dense(table));
    }
    let with_norms = input.boolean()?;
    input.shape(rows, dim)?;
    let length = input.count("number of codes")?;
    input.holds(length as u64, 1, "codes")?;
    let codes = input.bytes(length)?;
    let quantizer = quantizer(input, dim)?;
    if rows.checked_mul(quantizer.pieces()) != Some(length) {
        let expected = format!("{} for each of {rows} rows", quantizer.pieces());
        return Err(input.wrong(format!("{length} codes"), expected));
    }
    let norms = if with_norms {
        input.holds(rows as u64, 1, "codes of norms")?;
        let codes = input.bytes(rows)?;
        Some((self::quantizer(input, 1)?, codes))
    } else {
        None
    };
    Ok(Matrix::Quantized(QuantizedMatrix { rows, quantizer, codes, norms }))
}

fn quantizer(input: &mut Input<impl Read>, expected: usize) -> Result<ProductQuantizer> {
    let [dim, pieces, piece, last] =
        [input.count("dim")?, input.count("pieces")?, input.count("dsub")?, input.count("last dsub")?];
    let fits = dim == expected
        && piece > 0
        && pieces == dim.div_ceil(piece)
        && (1..=piece).contains(&last)
        && (pieces - 1) * piece + last == dim;
    if !fits {
        let found = format!("{dim} numbers in {pieces} pieces of {piece}, the last of {last}");
        return Err(input.wrong(found, format!("{expected} numbers, cut into pieces")));
    }
    input.holds(dim as u64, CENTROIDS as u64 * 4, "centroids")?;
    let mut centroids = vec![0.0; CENTROIDS * dim];
    input.floats(&mut centroids)?;
    Ok(ProductQuantizer { dim, piece, centroids })
}

/// A stream that knows its file's name, where it is and how much is left.
struct Input<R> {
    reader: R,
    path: PathBuf,
    at: u64,
    length: u64,
}

impl<R: Read> Input<R> {
    fn wrong(&self, found: impl Into<String>, expected: impl Into<String>) -> crate::Error {
        CoreError::format(&self.path, format!("before byte {}", self.at), found, expected).into()
    }

    /// Refuses a number of items that the rest of the file cannot hold.
    fn holds(&self, items: u64, bytes: u64, what: &str) -> Result<()> {
        let left = self.length.saturating_sub(self.at);
        match items.checked_mul(bytes) {
            Some(needed) if needed <= left => Ok(()),
            _ => Err(self.wrong(format!("{left} more bytes"), format!("at least {bytes} for each of {items} {what}"))),
        }
    }

    fn exactly(&mut self, bytes: &mut [u8]) -> Result<()> {
        match self.reader.read_exact(bytes) {
            Ok(()) => {
                self.at += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.wrong("the end of the file", format!("{} more bytes", bytes.len())))
            }
            Err(error) => Err(CoreError::io(&self.path, "read")(error).into()),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.exactly(&mut bytes)?;
        Ok(bytes)
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.exactly(&mut bytes)?;
        Ok(bytes)
    }

    fn i32(&mut self) -> Result<i32> {
        self.array().map(i32::from_le_bytes)
    }

    fn i64(&mut self) -> Result<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn boolean(&mut self) -> Result<bool> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.wrong(format!("the byte {other}"), "0 or 1")),
        }
    }

    /// A number of 32 bits that is not negative.
    fn count(&mut self, what: &str) -> Result<usize> {
        let count = self.i32()?;
        usize::try_from(count).map_err(|_| self.wrong(format!("{what} {count}"), "a number that is not negative"))
    }

    fn shape(&mut self, rows: usize, dim: usize) -> Result<()> {
        let found = (self.i64()?, self.i64()?);
        if found != (rows as i64, dim as i64) {
            let found = format!("a table of {} rows of {}", found.0, found.1);
            return Err(self.wrong(found, format!("{rows} rows of {dim}")));
        }
        Ok(())
    }

    fn floats(&mut self, values: &mut [f32]) -> Result<()> {
        let mut bytes = [0; 4096];
        for values in values.chunks_mut(1024) {
            let bytes = &mut bytes[..values.len() * 4];
            self.exactly(bytes)?;
            for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
        Ok(())
    }
}

impl<R: BufRead> Input<R> {
    /// The bytes before a zero, which is passed over.
    fn until_zero(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        bytes.clear();
        let read = self.reader.read_until(0, bytes).map_err(CoreError::io(&self.path, "read"))?;
        self.at += read as u64;
        match bytes.pop() {
            Some(0) => Ok(()),
            _ => Err(self.wrong("the end of the file", "a zero byte after a word")),
        }
    }
}
