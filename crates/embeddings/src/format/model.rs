//! The tables of a trained model in a run directory: `model.safetensors` and `vocabulary.tsv`.

use std::path::Path;

use ognivo_core::run::MODEL;

use super::safetensors::{Tensor, Tensors, write_tensors};
use super::{broken, read_vocabulary, write_vocabulary};
use crate::{Names, Result, Table, WordVectors};

/// The file of a run directory that holds the names and counts, in the order of the rows.
pub const VOCABULARY: &str = "vocabulary.tsv";
// The tensors.
const INPUT: &str = "input";
const OUTPUT: &str = "output";

/// What [`read_model`] finds in a run directory.
#[derive(Debug)]
pub struct Model {
    /// Words, nodes or labels.
    pub names: Names,
    /// How often each occurs in what was learned.
    pub counts: Vec<u64>,
    /// The vectors that are used: a row for each name, then those of sub-words where the model has them.
    pub input: Table,
    /// The vectors of what is predicted, if they were kept.
    pub output: Option<Table>,
}

impl Model {
    /// The names and their own rows.
    ///
    /// # Errors
    /// None for what [`read_model`] has checked.
    pub fn into_vectors(self) -> Result<WordVectors> {
        let Self { names, mut input, .. } = self;
        input.truncate(names.len());
        WordVectors::new(names, input)
    }
}

/// Writes names, counts and tables, which are not copied, to a folder.
///
/// # Errors
/// The system's; a name with a tab or line break.
pub fn write_model(folder: &Path, names: &Names, counts: &[u64], input: &Table, output: Option<&Table>) -> Result<()> {
    write_vocabulary(&folder.join(VOCABULARY), names, counts, '\t')?;
    let tables = [(INPUT, Some(input)), (OUTPUT, output)];
    let tensors: Vec<_> = tables.into_iter().filter_map(|(name, table)| Some((name, Tensor::Table(table?)))).collect();
    write_tensors(&folder.join(MODEL), &tensors)
}

/// Reads what [`write_model`] wrote.
///
/// # Errors
/// The system's; damage; fewer vectors than names.
pub fn read_model(folder: &Path) -> Result<Model> {
    let (names, counts) = read_vocabulary(&folder.join(VOCABULARY))?;
    let file = Tensors::open(&folder.join(MODEL))?;
    let input = file.table(INPUT)?;
    let output = if file.contains(OUTPUT) { Some(file.table(OUTPUT)?) } else { None };
    if input.rows() < names.len() {
        let found = format!("{} rows", input.rows());
        let expected = format!("one for each of the {} names in {VOCABULARY}", names.len());
        return Err(broken(&folder.join(MODEL), format!("tensor {INPUT}"), found, expected));
    }
    Ok(Model { names, counts, input, output })
}
