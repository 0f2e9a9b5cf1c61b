//! The model a command works with: a run, a file of vectors, a fastText model.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::bail;
use ognivo_core::cli::chosen_run;
use ognivo_embeddings::fasttext::Model;
use ognivo_embeddings::format::read_vectors;
use ognivo_embeddings::{Lookup, Names, Table, WordVectors};

use crate::TASK;

/// The fastText model of a run.
pub(crate) const FASTTEXT_MODEL: &str = "model.bin";

/// Which model to open.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct ModelArgs {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR")]
    pub(crate) run: Option<PathBuf>,
    /// A file instead of a run: vectors in any format, or a fastText model (.bin, .ftz)
    #[arg(long, value_name = "FILE", conflicts_with = "run")]
    pub(crate) vectors: Option<PathBuf>,
}

/// What vectors come from.
pub(crate) enum Opened {
    Vectors(WordVectors),
    FastText(Box<Model>),
}

impl ModelArgs {
    /// Where the model is: the file, the run asked for, or the newest.
    pub(crate) fn path(&self) -> anyhow::Result<PathBuf> {
        match &self.vectors {
            Some(file) => Ok(file.clone()),
            None => run_or_newest(&self.run),
        }
    }

    pub(crate) fn open(&self) -> anyhow::Result<Opened> {
        Opened::open(&self.path()?)
    }

    /// The folder of the run, if it is one.
    pub(crate) fn folder(&self) -> anyhow::Result<Option<PathBuf>> {
        Ok(Some(self.path()?).filter(|path| path.is_dir()))
    }
}

/// The run asked for, else the newest.
pub(crate) fn run_or_newest(run: &Option<PathBuf>) -> anyhow::Result<PathBuf> {
    match chosen_run(run, TASK) {
        Ok(path) => Ok(path),
        Err(_) => bail!("no run yet: `{TASK} word2vec train` makes one, --run names one, --vectors a file"),
    }
}

impl Opened {
    /// Opens a run directory, a file of vectors, or a fastText model.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let file = if path.is_dir() { path.join(FASTTEXT_MODEL) } else { path.to_path_buf() };
        if file.exists() && is_fasttext(&file)? {
            return Ok(Self::FastText(Box::new(Model::read(&file)?)));
        }
        Ok(Self::Vectors(read_vectors(path)?))
    }

    /// As a table: of a fastText model the vectors of its words, computed.
    pub(crate) fn into_vectors(self) -> anyhow::Result<WordVectors> {
        match self {
            Self::Vectors(vectors) => Ok(vectors),
            Self::FastText(model) => computed(&*model),
        }
    }

    pub(crate) fn lookup(&self) -> &(dyn Lookup + Sync) {
        match self {
            Self::Vectors(vectors) => vectors,
            Self::FastText(model) => &**model,
        }
    }
}

/// The vectors of all words of a model.
pub(crate) fn computed(model: &dyn Lookup) -> anyhow::Result<WordVectors> {
    let words = model.words();
    let mut table = Table::zeros(words.len(), model.dim())?;
    for (row, word) in words.iter().enumerate() {
        model.vector(word, table.row_mut(row));
    }
    Ok(WordVectors::new(words.clone(), table)?)
}

/// The vectors of some of the words, in that order; those that are not known are said.
pub(crate) fn chosen(model: &dyn Lookup, words: &[String]) -> anyhow::Result<(WordVectors, Vec<String>)> {
    let (mut names, mut rows, mut unknown) = (Names::default(), Vec::new(), Vec::new());
    let mut vector = vec![0.0; model.dim()];
    for word in words {
        if !model.vector(word, &mut vector) {
            unknown.push(word.clone());
        } else if names.insert(word).1 {
            rows.extend_from_slice(&vector);
        }
    }
    Ok((WordVectors::new(names, Table::from_values(model.dim(), &rows)?)?, unknown))
}

/// A fastText model for a command that needs one.
pub(crate) fn open_fasttext(path: &Path) -> anyhow::Result<Model> {
    let file = if path.is_dir() { path.join(FASTTEXT_MODEL) } else { path.to_path_buf() };
    if path.is_dir() && !file.exists() {
        bail!("{}: not a run of fastText: it has no {FASTTEXT_MODEL}", path.display());
    }
    Ok(Model::read(&file)?)
}

/// Whether a file begins as fastText's models do.
fn is_fasttext(path: &Path) -> anyhow::Result<bool> {
    const MAGIC: [u8; 4] = 793_712_314_u32.to_le_bytes();
    let mut head = Vec::new();
    let file = File::open(path).map_err(ognivo_core::Error::io(path, "read"))?;
    file.take(4).read_to_end(&mut head).map_err(ognivo_core::Error::io(path, "read"))?;
    Ok(head == MAGIC)
}
