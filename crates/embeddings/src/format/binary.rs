//! word2vec's binary files: a header, then name, space and 32-bit floats for each word.
//!
//! word2vec.c ends every vector with a line break, gensim does not; both are read, word2vec.c's is written.

use std::io::{BufRead as _, Write as _};
use std::path::Path;

use ognivo_core::run::write_atomic;

use super::input::{Input, shown, utf8};
use super::text::read_header;
use super::{broken, check_names, for_each_block, le_bytes};
use crate::{Lookup, Names, Result, Table, WordVectors};

/// The longest name, in bytes.
const LONGEST_NAME: u64 = 1 << 20;

pub(super) fn read(path: &Path) -> Result<WordVectors> {
    let mut input = Input::open(path)?;
    let (rows, dim) = read_header(&mut input)?;
    // A space, and the floats.
    input.check_room("line 1", rows, (dim as u64).saturating_mul(4).saturating_add(1))?;
    let mut table = Table::zeros(rows, dim)?;
    let (mut names, mut name) = (Names::default(), Vec::new());
    let mut bytes = vec![0; dim * 4];
    for word in 1..=rows {
        read_name(&mut input, &mut name, word)?;
        input.exactly(&mut bytes, "a vector")?;
        let (id, new) = names.insert(utf8(&name, path, || format!("the name of word {word}"))?);
        if new {
            for (value, bytes) in table.row_mut(id as usize).iter_mut().zip(bytes.as_chunks().0) {
                *value = f32::from_le_bytes(*bytes);
            }
        }
    }
    skip_line_breaks(&mut input)?;
    if !input.peek()?.is_empty() {
        let expected = format!("the end of the file after {rows} words (line 1)");
        return Err(broken(path, format!("byte {}", input.position()), "more bytes", expected));
    }
    table.truncate(names.len());
    WordVectors::new(names, table)
}

/// The name of a word, up to the space after it.
fn read_name(input: &mut Input, name: &mut Vec<u8>, word: usize) -> Result<()> {
    skip_line_breaks(input)?;
    let at = input.position();
    name.clear();
    input.until(b' ', LONGEST_NAME, name)?;
    if name.pop_if(|last| *last == b' ').is_none() {
        let found = match input.peek()?.is_empty() {
            true => format!("the end of the file after {}", shown(name)),
            false => format!("a name of more than {LONGEST_NAME} bytes"),
        };
        return Err(broken(input.path(), format!("byte {at}"), found, format!("the name of word {word} and a space")));
    }
    Ok(())
}

fn skip_line_breaks(input: &mut Input) -> Result<()> {
    while input.peek()?.first() == Some(&b'\n') {
        input.consume(1);
    }
    Ok(())
}

pub(super) fn write(path: &Path, vectors: &(dyn Lookup + Sync)) -> Result<()> {
    check_names(vectors.words(), path, "word2vec-binary", &[' ', '\n'])?;
    let (names, dim) = (vectors.words(), vectors.dim().max(1));
    let written = write_atomic(path, |file| {
        writeln!(file, "{} {}", names.len(), vectors.dim())?;
        let mut bytes = Vec::new();
        for_each_block(vectors, |first, block| {
            (first..).zip(block.chunks_exact(dim)).try_for_each(|(id, row)| {
                file.write_all(names.name(id as u32).as_bytes())?;
                le_bytes(row, &mut bytes);
                file.write_all(b" ").and_then(|()| file.write_all(&bytes)).and_then(|()| file.write_all(b"\n"))
            })
        })
    });
    Ok(written?)
}
