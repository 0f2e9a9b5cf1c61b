//! Tables: CSV and TSV files of numbers with a label column, plain or in gzip.

mod columns;
mod lines;

use std::collections::HashMap;
use std::path::Path;

use csv::ByteRecord;

use columns::Columns;
use lines::Lines;

use super::source::Source;
use super::{MemoryImages, pixel_bytes};
use crate::{Error, Result};

/// A record (a line, unless quotes span lines) that is longer is refused.
pub const MAX_RECORD: u64 = 16 << 20;
/// A table with more numbers is refused: 4 GiB of them.
pub const MAX_VALUES: usize = 1 << 30;
/// A column with more distinct values is not a label column.
pub const MAX_CLASSES: usize = 1 << 16;

/// How a table is written. The default guesses all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    /// The label column: its name in the header, or its index from 0, negative from the end.
    ///
    /// `None`: the column called label, class or target, else the last one.
    pub label_column: Option<String>,
    /// Whether the first record is a header.
    ///
    /// `None`: it is if none of its fields is a number, or one of them is the name of the label column.
    pub header: Option<bool>,
    /// What stands between fields. `None`: whichever of comma, tab and semicolon the first line has most of.
    pub delimiter: Option<u8>,
    /// Class names in the order of labels; a label is one of them or the index of one.
    ///
    /// `None`: the values found, in numerical order if all are numbers, else in the order of their bytes.
    pub classes: Option<Vec<String>>,
}

/// Numbers, a row for each record, and the class of each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// What errors and reports call it: the path of the file.
    pub name: String,
    /// Names of the feature columns: the header's, or their indices in the file.
    pub columns: Vec<String>,
    /// rows x columns, row by row; all finite.
    pub features: Vec<f32>,
    /// One for each row, below `classes.len()`.
    pub labels: Vec<usize>,
    /// Class names.
    pub classes: Vec<String>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// No records, no such label column, rows of different lengths, fields that are not finite numbers, labels that are
    /// empty or unknown; the message has line and column.
    pub fn read(path: &Path, options: &TableOptions) -> Result<Self> {
        Self::parse(Source::open(path)?, options)
    }

    /// The same from the bytes of a file; `path` is what errors name.
    pub fn from_bytes(bytes: &[u8], path: &Path, options: &TableOptions) -> Result<Self> {
        Self::parse(Source::from_bytes(bytes, path), options)
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.labels.len()
    }

    /// The features of row `index`.
    pub fn row(&self, index: usize) -> Option<&[f32]> {
        let width = self.columns.len();
        self.features.get(index.checked_mul(width)?..)?.get(..width)
    }

    /// The rows as grey pictures, the columns being pixels row by row: `x` becomes `round(255 x / white)`.
    ///
    /// `white` is the value of a white pixel; `None` takes the smallest of 1, 16 and 255 that no value exceeds.
    ///
    /// # Errors
    /// `width * height` is not the number of columns; a value below 0 or above `white`.
    pub fn images(&self, width: usize, height: usize, white: Option<f32>) -> Result<MemoryImages> {
        if pixel_bytes(width, height, 1) != Some(self.columns.len()) {
            let (name, columns) = (&self.name, self.columns.len());
            return Err(Error::Data(format!(
                "{name}: {columns} columns are not pictures of {width} x {height} pixels"
            )));
        }
        let largest = self.features.iter().copied().fold(0.0, f32::max);
        let white = white.unwrap_or_else(|| [1.0, 16.0].into_iter().find(|&white| largest <= white).unwrap_or(255.0));
        if !(white.is_finite() && white > 0.0) {
            return Err(Error::Config(format!("the value of a white pixel is {white}; expected above 0")));
        }
        if let Some(at) = self.features.iter().position(|value| !(0.0..=white).contains(value)) {
            let (row, column) = (at / self.columns.len().max(1), at % self.columns.len().max(1));
            let (name, value) = (&self.name, self.features.get(at).copied().unwrap_or_default());
            return Err(Error::Data(format!(
                "{name}: record {row}, pixel {column}: found {value}; expected a value from 0 to {white} (white)"
            )));
        }
        let scale = |&value: &f32| (f64::from(value) * 255.0 / f64::from(white)).round() as u8;
        let pixels = self.features.iter().map(scale).collect();
        MemoryImages::new(&self.name, [height, width, 1], pixels, self.labels.clone(), self.classes.clone())
    }

    fn parse(source: Source, options: &TableOptions) -> Result<Self> {
        let path = source.path().to_path_buf();
        let mut lines = Lines::new(source);
        let delimiter = lines.delimiter().map_err(|error| lines.source().failure(error, "a table"))?;
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(options.delimiter.unwrap_or(delimiter))
            .from_reader(lines);

        let mut record = ByteRecord::new();
        let mut rows: Option<Rows> = None;
        loop {
            reader.get_mut().begin_record();
            match reader.read_byte_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => return Err(failure(error, reader.get_ref())),
            }
            let place = Place { path: &path, line: reader.get_ref().line };
            match &mut rows {
                Some(rows) => rows.push(&record, place)?,
                None => {
                    let columns = Columns::new(&record, options, place)?;
                    let mut first = Rows::new(columns, options.classes.clone());
                    if !first.columns.has_header {
                        first.push(&record, place)?;
                    }
                    rows = Some(first);
                }
            }
        }
        match rows {
            Some(rows) if !rows.labels.is_empty() => Ok(rows.finish(path.display().to_string())),
            _ => Err(Error::format(path, "end of file", "no records", "at least one row of numbers and a label")),
        }
    }
}

/// Where a record stands, for errors.
#[derive(Clone, Copy)]
struct Place<'a> {
    path: &'a Path,
    line: u64,
}

impl Place<'_> {
    fn error(self, column: Option<usize>, found: String, expected: impl Into<String>) -> Error {
        let column = column.map(|column| format!(", column {column} (from 0)")).unwrap_or_default();
        Error::format(self.path, format!("line {}{column}", self.line), found, expected)
    }
}

fn failure(error: csv::Error, lines: &Lines) -> Error {
    let source = lines.source();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => source.failure(error, "records of a table"),
        kind => {
            Error::format(source.path(), format!("line {}", lines.line), format!("{kind:?}"), "a record of a table")
        }
    }
}

/// A field as an error shows it: at most 40 characters.
fn shown(field: &[u8]) -> String {
    String::from_utf8_lossy(field.get(..160).unwrap_or(field)).chars().take(40).collect()
}

/// Records read so far; classes are numbered as they come and put in order at the end.
struct Rows {
    columns: Columns,
    features: Vec<f32>,
    labels: Vec<usize>,
    classes: Vec<String>,
    numbers: HashMap<String, usize>,
    is_given: bool,
}

impl Rows {
    fn new(columns: Columns, given: Option<Vec<String>>) -> Self {
        let is_given = given.is_some();
        let classes = given.unwrap_or_default();
        let numbers = classes.iter().cloned().enumerate().map(|(label, name)| (name, label)).collect();
        Self { columns, features: Vec::new(), labels: Vec::new(), classes, numbers, is_given }
    }

    fn push(&mut self, record: &ByteRecord, place: Place) -> Result<()> {
        let width = self.columns.width;
        if record.len() != width {
            return Err(place.error(
                None,
                format!("{} fields", record.len()),
                format!("{width}, as in the first record"),
            ));
        }
        if self.features.len() + width > MAX_VALUES {
            return Err(place.error(None, "more records".into(), format!("a table of at most {MAX_VALUES} numbers")));
        }
        for (column, field) in record.iter().enumerate() {
            if column == self.columns.label {
                let label = self.label(field, place, column)?;
                self.labels.push(label);
                continue;
            }
            let value = str::from_utf8(field).ok().and_then(|field| field.trim().parse::<f32>().ok());
            match value.filter(|value| value.is_finite()) {
                Some(value) => self.features.push(value),
                None => return Err(place.error(Some(column), format!("{:?}", shown(field)), "a finite number")),
            }
        }
        Ok(())
    }

    fn label(&mut self, field: &[u8], place: Place, column: usize) -> Result<usize> {
        let wrong = |expected: String| place.error(Some(column), format!("{:?}", shown(field)), expected);
        let name = str::from_utf8(field).map(str::trim).map_err(|_| wrong("a label in UTF-8".into()))?;
        if name.is_empty() {
            return Err(wrong("a label".into()));
        }
        if let Some(&label) = self.numbers.get(name) {
            return Ok(label);
        }
        let count = self.classes.len();
        if self.is_given {
            let label = name.parse().ok().filter(|&label: &usize| label < count);
            return label.ok_or_else(|| wrong(format!("one of the {count} class names, or its index below {count}")));
        }
        if count >= MAX_CLASSES {
            return Err(wrong(format!("at most {MAX_CLASSES} different labels: is this the label column?")));
        }
        self.classes.push(name.to_string());
        self.numbers.insert(name.to_string(), count);
        Ok(count)
    }

    fn finish(self, name: String) -> Table {
        let Self { columns, features, mut labels, mut classes, is_given, .. } = self;
        if !is_given {
            let numbers: Option<Vec<f64>> = classes.iter().map(|class| class.parse().ok()).collect();
            let mut order: Vec<usize> = (0..classes.len()).collect();
            match numbers {
                Some(numbers) => {
                    order.sort_by(|&a, &b| numbers[a].total_cmp(&numbers[b]).then_with(|| classes[a].cmp(&classes[b])));
                }
                None => order.sort_by(|&a, &b| classes[a].cmp(&classes[b])),
            }
            let mut rank = vec![0; order.len()];
            order.iter().enumerate().for_each(|(place, &class)| rank[class] = place);
            labels.iter_mut().for_each(|label| *label = rank[*label]);
            classes = order.into_iter().map(|class| std::mem::take(&mut classes[class])).collect();
        }
        Table { name, columns: columns.names, features, labels, classes }
    }
}
