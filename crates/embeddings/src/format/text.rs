//! Lines of a word and its numbers: word2vec's text files, fastText's `.vec`, GloVe.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use ognivo_core::run::write_atomic;
use rayon::prelude::*;

use super::input::{Input, shown, utf8, without_end};
use super::{broken, check_names, for_each_block};
use crate::{Error, Lookup, Names, Result, Table, WordVectors};

/// The longest header, the longest first line without one, and the most that a name adds to a line, in bytes.
const LONGEST_HEADER: u64 = 100;
const LONGEST_FIRST: u64 = 64 << 20;
const LONGEST_NAME: usize = 1 << 20;
/// Lines are parsed in blocks of about so many bytes.
const BLOCK: usize = 1 << 20;
/// The shortest row but for its name: a separator and a digit for each number.
const BYTES_A_NUMBER: u64 = 2;

/// Reads a file with a header.
pub(super) fn read(path: &Path) -> Result<WordVectors> {
    let mut input = Input::open(path)?;
    let (rows, dim) = read_header(&mut input)?;
    input.check_room("line 1", rows, (dim as u64).saturating_mul(BYTES_A_NUMBER))?;
    let (names, table) = read_rows(&mut input, 2, rows, dim, true)?;
    if names.missing > 0 {
        let found = format!("the end of the file after {} vectors", rows - names.missing);
        return Err(broken(path, format!("line {}", names.lines), found, format!("{rows} vectors (line 1)")));
    }
    WordVectors::new(names.names, table)
}

/// Reads a file without one.
pub(super) fn read_glove(path: &Path) -> Result<WordVectors> {
    let (rows, dim) = count_rows(path, true)?;
    let mut input = Input::open(path)?;
    let (names, table) = read_rows(&mut input, 1, rows, dim, true)?;
    WordVectors::new(names.names, table)
}

/// Reads lines of numbers alone.
pub(super) fn read_numbers(path: &Path) -> Result<Table> {
    let (rows, dim) = count_rows(path, false)?;
    let mut input = Input::open(path)?;
    Ok(read_rows(&mut input, 1, rows, dim, false)?.1)
}

/// The two numbers of a header.
pub(super) fn shape(line: &[u8]) -> Option<(usize, usize)> {
    let mut fields = std::str::from_utf8(line).ok()?.trim_ascii().split(' ');
    let shape = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    fields.next().is_none().then_some(shape)
}

/// Reads the first line of a word2vec file: how many words, how many numbers each.
pub(super) fn read_header(input: &mut Input) -> Result<(usize, usize)> {
    let mut line = Vec::new();
    input.until(b'\n', LONGEST_HEADER, &mut line)?;
    let wrong = |found: String| broken(input.path(), "line 1", found, "the numbers of words and of dimensions");
    match shape(&line) {
        Some((_, 0)) => Err(wrong("0 dimensions".into())),
        Some(shape) if line.ends_with(b"\n") => Ok(shape),
        _ => Err(wrong(shown(without_end(&line)))),
    }
}

/// How many lines a file without a header has (an upper bound for its rows), and how many numbers its first one holds.
fn count_rows(path: &Path, named: bool) -> Result<(usize, usize)> {
    let mut input = Input::open(path)?;
    if !input.is_file() {
        let expected = "a file, which can be read twice: its first line does not say how many follow";
        return Err(broken(path, "kind", "a pipe or device", expected));
    }
    let mut first = Vec::new();
    input.until(b'\n', LONGEST_FIRST, &mut first)?;
    if first.len() as u64 == LONGEST_FIRST {
        let expected = "a word and its numbers";
        return Err(broken(path, "line 1", format!("more than {LONGEST_FIRST} bytes"), expected));
    }
    let (mut fields, mut numbers) = (0, 0);
    for field in first.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()) {
        fields += 1;
        numbers = if number(field).is_some() { numbers + 1 } else { 0 };
    }
    // A word may be a number itself.
    let dim = if named && numbers == fields { numbers.max(1) - 1 } else { numbers };
    if dim == 0 {
        let expected = if named { "a word and its numbers" } else { "numbers" };
        return Err(broken(path, "line 1", shown(without_end(&first)), expected));
    }
    let mut rows = usize::from(first.ends_with(b"\n"));
    let mut ended = rows == 1;
    while let bytes = input.peek()?
        && let Some(&last) = bytes.last()
    {
        rows += bytes.iter().map(|&byte| usize::from(byte == b'\n')).sum::<usize>();
        ended = last == b'\n';
        let count = bytes.len();
        input.consume(count);
    }
    rows += usize::from(!ended);
    let needed = (rows as u64).saturating_mul((dim as u64).saturating_mul(BYTES_A_NUMBER));
    if needed > input.position() + 1 || u32::try_from(rows).is_err() {
        let found = format!("{rows} lines in {} bytes", input.position());
        return Err(broken(path, "size", found, format!("lines of {dim} numbers, as in line 1, fewer than 2^32")));
    }
    Ok((rows, dim))
}

/// What was read beside the numbers.
struct Read {
    names: Names,
    /// Rows that the file does not have, repeated names not counted.
    missing: usize,
    /// The number of the line after the last.
    lines: u64,
}

/// Reads at most `rows` lines, the first of which is number `line`; blank ones count for nothing.
fn read_rows(input: &mut Input, mut line: u64, rows: usize, dim: usize, named: bool) -> Result<(Read, Table)> {
    let mut table = Table::zeros(rows, dim)?;
    let (mut names, mut filled, mut read) = (Names::default(), 0, 0);
    let limit = LONGEST_NAME.saturating_add(dim.saturating_mul(64));
    let mut block = Vec::new();
    while next_block(input, &mut block, limit, line)? {
        let whole = block.iter().rposition(|&byte| byte == b'\n').map_or(block.len(), |end| end + 1);
        let numbered = (line..).zip(block[..whole].split_inclusive(|&byte| byte == b'\n'));
        line += block[..whole].iter().filter(|&&byte| byte == b'\n').count() as u64;
        let lines: Vec<_> = numbered.filter(|(_, line)| !line.iter().all(u8::is_ascii_whitespace)).collect();
        if let Some(&(number, _)) = lines.get(rows - read) {
            let expected = format!("the end of the file after {rows} vectors");
            return Err(broken(input.path(), format!("line {number}"), "one more line", expected));
        }
        read += lines.len();
        let stride = table.stride();
        let parsed: Vec<_> = table
            .rows_mut(filled..filled + lines.len())
            .par_chunks_mut(stride)
            .zip(&lines)
            .with_min_len(16)
            .map(|(row, (_, line))| parse(without_end(line), &mut row[..dim], named))
            .collect();
        for (row, ((number, _), parsed)) in (filled..).zip(lines.iter().zip(parsed)) {
            let name = parsed.map_err(|fault| fault.at(input.path(), *number))?;
            if !named || names.insert(utf8(name, input.path(), || format!("line {number}"))?).1 {
                if row > filled {
                    table.rows_mut(0..row + 1).copy_within(row * stride.., filled * stride);
                }
                filled += 1;
            }
        }
        block.drain(..whole);
    }
    table.truncate(filled);
    Ok((Read { names, missing: rows - read, lines: line }, table))
}

/// Fills `block`, which holds the beginning of a line, with more lines, at least one whole one; false at the end.
fn next_block(input: &mut Input, block: &mut Vec<u8>, limit: usize, line: u64) -> Result<bool> {
    loop {
        let begun = block.len();
        let end = begun + BLOCK;
        while block.len() < end {
            let bytes = input.peek()?;
            let count = bytes.len().min(end - block.len());
            if count == 0 {
                return Ok(!block.is_empty());
            }
            block.extend_from_slice(&bytes[..count]);
            input.consume(count);
        }
        if block[begun..].contains(&b'\n') {
            return Ok(true);
        }
        if block.len() > limit {
            let found = format!("a line of more than {limit} bytes");
            return Err(broken(input.path(), format!("line {line}"), found, "a word and its numbers"));
        }
    }
}

/// What is wrong with a line.
struct Fault {
    found: String,
    expected: String,
}

impl Fault {
    fn at(self, path: &Path, line: u64) -> Error {
        broken(path, format!("line {line}"), self.found, self.expected)
    }
}

/// A number as text.
pub(super) fn number(field: &[u8]) -> Option<f32> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

fn is_separator(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// Fills `row` with the numbers at the end of a line and returns what stands before them.
fn parse<'a>(line: &'a [u8], row: &mut [f32], named: bool) -> Result<&'a [u8], Fault> {
    let name = if named { line.iter().position(|&byte| is_separator(byte)).unwrap_or(line.len()) } else { 0 };
    if fill(&line[name..], row) { Ok(&line[..name]) } else { parse_backwards(line, row, named) }
}

/// Whether there is a number for each of `row`, and nothing else.
fn fill(numbers: &[u8], row: &mut [f32]) -> bool {
    let mut fields = numbers.split(|&byte| is_separator(byte)).filter(|field| !field.is_empty());
    let all = row.iter_mut().all(|value| fields.next().and_then(number).map(|found| *value = found).is_some());
    all && fields.next().is_none()
}

/// As [`parse`] for a name that holds spaces, as a few of GloVe's do; else says what is wrong.
fn parse_backwards<'a>(line: &'a [u8], row: &mut [f32], named: bool) -> Result<&'a [u8], Fault> {
    let dim = row.len();
    let mut rest = line.trim_ascii_end();
    for (found, value) in row.iter_mut().rev().enumerate() {
        let start = rest.iter().rposition(|&byte| is_separator(byte)).map_or(0, |before| before + 1);
        if named && start == 0 {
            let found = format!("{found} numbers after {}", shown(rest));
            return Err(Fault { found, expected: format!("{dim} numbers") });
        }
        *value = number(&rest[start..]).ok_or_else(|| Fault {
            found: format!("{} as number {} of {dim}", shown(&rest[start..]), dim - found),
            expected: "a number".into(),
        })?;
        rest = rest[..start].trim_ascii_end();
    }
    let before = rest.rsplit(|&byte| is_separator(byte)).next().unwrap_or_default();
    let too_many = if named { before.len() < rest.len() && number(before).is_some() } else { !rest.is_empty() };
    if too_many {
        return Err(Fault { found: format!("more than {dim} numbers"), expected: format!("{dim} numbers") });
    }
    Ok(rest)
}

/// Writes a file with a header.
pub(super) fn write(path: &Path, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    check_names(vectors.words(), path, "word2vec", &[' ', '\t', '\n', '\r'])?;
    write_rows(path, vectors, &format!("{} {}\n", vectors.words().len(), vectors.dim()), " ", true)
}

/// Writes a file without one.
pub(super) fn write_glove(path: &Path, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    check_names(vectors.words(), path, "glove", &[' ', '\t', '\n', '\r'])?;
    write_rows(path, vectors, "", " ", true)
}

/// Writes lines of numbers, after their names or alone.
pub(super) fn write_rows(
    path: &Path,
    vectors: &(dyn Lookup + Sync),
    header: &str,
    separator: &str,
    named: bool,
) -> Result<()> {
    let (names, dim) = (vectors.words(), vectors.dim().max(1));
    let line = |id: usize, row: &[f32]| {
        let mut line = Vec::with_capacity(32 + row.len() * 13);
        if named {
            line.extend_from_slice(names.name(id as u32).as_bytes());
        }
        for (column, &value) in row.iter().enumerate() {
            if named || column > 0 {
                line.extend_from_slice(separator.as_bytes());
            }
            push_number(value, &mut line);
        }
        line.push(b'\n');
        line
    };
    let written = write_atomic(path, |file| {
        file.write_all(header.as_bytes())?;
        for_each_block(vectors, |first, block| {
            let lines: Vec<_> =
                block.par_chunks(dim).enumerate().with_min_len(16).map(|(at, row)| line(first + at, row)).collect();
            lines.iter().try_for_each(|line| file.write_all(line))
        })
    });
    Ok(written?)
}

/// The shortest digits that read back as the same number, without long rows of zeros.
fn push_number(value: f32, text: &mut Vec<u8>) {
    let magnitude = value.abs();
    let plain = magnitude == 0.0 || (1e-5..1e16).contains(&magnitude) || !value.is_finite();
    // Writing to memory does not fail.
    let _ = if plain { write!(text, "{value}") } else { write!(text, "{value:e}") };
}
