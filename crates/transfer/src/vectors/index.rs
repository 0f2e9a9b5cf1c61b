//! A folder of vectors: made, brought up to date, opened.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ognivo_core::Error;
use ognivo_core::data::folder::FolderImages;
use ognivo_core::data::{ImageSet, picture};
use ognivo_core::run::{read_json, sha256, write_atomic};
use ognivo_embeddings::format::{Format, read_vectors_as, write_vectors};
use ognivo_embeddings::{Names, Table, WordVectors};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::extractor::{Extractor, Maker};
use super::files::PictureFiles;
use crate::Result;
use crate::outputs::{self, LARGEST};

/// What the vectors are of and who made them.
pub const INDEX: &str = "index.json";
/// Names and vectors, as [`Format::Safetensors`] has them.
pub const VECTORS: &str = "vectors.safetensors";
/// The same as a NumPy array; the names stand in `vectors.words.txt`.
pub const ARRAY: &str = "vectors.npy";

/// Where a network came from, so that it can be opened again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// A published name, a run directory, or `scratch`.
    pub from: String,
    /// The file of weights for a published network, where it is not the published one.
    pub weights: Option<PathBuf>,
    /// The network from `scratch`.
    pub network: Option<String>,
    /// What its weights were drawn from.
    pub seed: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    source: Source,
    maker: Maker,
    /// The folder of the pictures.
    root: PathBuf,
    pictures: Vec<Entry>,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    /// Of the prepared picture.
    sha256: String,
}

/// Vectors of the pictures of a folder.
pub struct VectorIndex {
    /// Names and vectors.
    pub vectors: WordVectors,
    /// What they depend on.
    pub maker: Maker,
    /// Where their network came from.
    pub source: Source,
    /// The pictures.
    pub files: PictureFiles,
    entries: Vec<Entry>,
}

/// What bringing an index up to date came to.
pub struct Update {
    /// The index; none if it was told to stop.
    pub index: Option<VectorIndex>,
    /// Pictures whose vectors were there already.
    pub kept: usize,
    /// Pictures that cannot be read, each with the reason.
    pub unreadable: Vec<String>,
}

impl VectorIndex {
    /// Opens the index in `folder`.
    ///
    /// # Errors
    /// There is none, or its files are damaged or do not belong together.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(INDEX);
        if !path.is_file() {
            let message = format!("{}: no {INDEX} here; `vectorise` makes one", folder.display());
            return Err(Error::Config(message).into());
        }
        let Description { source, maker, root, pictures } = read_json(&path)?;
        let file = folder.join(VECTORS);
        let vectors = read_vectors_as(&file, Format::Safetensors)?;
        let same = vectors.words().iter().eq(pictures.iter().map(|entry| entry.name.as_str()));
        if !same {
            let found = format!("{} names that are not those of {INDEX}", vectors.words().len());
            let expected = format!("the {} pictures there; `vectorise` brings both up to date", pictures.len());
            return Err(Error::format(file, "tensor words", found, expected).into());
        }
        let names = pictures.iter().map(|entry| entry.name.clone()).collect();
        Ok(Self { vectors, maker, source, files: PictureFiles { root, names }, entries: pictures })
    }

    /// Brings the index in `folder` up to date with `files`, or makes it. Vectors of pictures that are as they were stay; what was
    /// computed before an interruption is not computed again. `hashed` is called for every picture that has been looked at; `go_on` with
    /// the number of pictures done since it was last called, and says whether to go on.
    ///
    /// # Errors
    /// An index of another maker or of other pictures' folder, which is left as it is: the first difference; vectors too large to be kept;
    /// no picture that can be read; what the disk refuses.
    pub fn update(
        folder: &Path,
        extractor: &Extractor,
        source: &Source,
        files: &PictureFiles,
        hashed: &mut dyn FnMut(),
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Update> {
        let known = known(folder, extractor.maker(), &files.root)?;
        let (mut entries, mut unreadable) = (Vec::new(), Vec::new());
        for name in &files.names {
            hashed();
            let prepared = picture::decode_file(&files.path(name)).map_err(Into::into);
            match prepared.and_then(|image| Ok(extractor.maker().preprocessing.fit(&image)?)) {
                Ok(image) => entries.push(Entry { name: name.clone(), sha256: sha256(&image.pixels) }),
                Err(error) => unreadable.push(crate::Error::to_string(&error)),
            }
        }
        if entries.is_empty() {
            let message =
                format!("{}: no picture here can be read; the first: {}", files.root.display(), unreadable[0]);
            return Err(Error::Data(message).into());
        }
        let missing: Vec<&Entry> = entries.iter().filter(|entry| !known.contains_key(&entry.sha256)).collect();
        let kept = entries.len() - missing.len();
        let Some(made) = compute(folder, extractor, files, &missing, go_on)? else {
            return Ok(Update { index: None, kept, unreadable });
        };
        let dim = made.first().map(Vec::len).or_else(|| known.values().next().map(Vec::len)).unwrap_or(0);
        let mut table = Table::zeros(entries.len(), dim)?;
        let mut made = made.into_iter();
        for (row, entry) in entries.iter().enumerate() {
            let new = || made.next().unwrap_or_default();
            table.row_mut(row).copy_from_slice(&known.get(&entry.sha256).cloned().unwrap_or_else(new));
        }
        let names: Names = entries.iter().map(|entry| entry.name.as_str()).collect();
        let files = PictureFiles { root: files.root.clone(), names: names.iter().map(str::to_owned).collect() };
        let vectors = WordVectors::new(names, table)?;
        let (maker, source) = (extractor.maker().clone(), source.clone());
        let index = Self { vectors, maker, source, files, entries };
        index.write(folder)?;
        Ok(Update { index: Some(index), kept, unreadable })
    }

    /// The description last: a folder whose files do not belong together is recognised.
    fn write(&self, folder: &Path) -> Result<()> {
        write_vectors(&folder.join(VECTORS), Format::Safetensors, &self.vectors)?;
        write_vectors(&folder.join(ARRAY), Format::Npy, &self.vectors)?;
        let (source, maker) = (self.source.clone(), self.maker.clone());
        let description = Description { source, maker, root: self.files.root.clone(), pictures: self.entries.clone() };
        let path = folder.join(INDEX);
        let text = serde_json::to_string_pretty(&description)
            .map_err(|error| Error::format(&path, "JSON", error.to_string(), "values JSON can hold"))?;
        write_atomic(&path, |file| std::io::Write::write_all(file, text.as_bytes()))?;
        for part in parts(folder) {
            let _ = std::fs::remove_file(part);
        }
        Ok(())
    }
}

/// The vectors that an index in `folder` has, by the hash of their pictures; none where there is no index, or a damaged one.
fn known(folder: &Path, maker: &Maker, root: &Path) -> Result<HashMap<String, Vec<f32>>> {
    if !folder.join(INDEX).is_file() {
        return Ok(HashMap::new());
    }
    let Description { maker: own, root: own_root, .. } = read_json(&folder.join(INDEX))?;
    let refused = |what: String| {
        let folder = folder.display();
        let message =
            format!("{folder}: the vectors here were made otherwise: {what}; name another --to, or remove it");
        Err(Error::Config(message).into())
    };
    if let Some(difference) = own.difference(maker) {
        return refused(difference);
    }
    if own_root != root {
        return refused(format!("pictures of {} and {}", own_root.display(), root.display()));
    }
    let Ok(index) = VectorIndex::open(folder) else { return Ok(HashMap::new()) };
    let rows = index.entries.iter().zip(index.vectors.table().iter());
    Ok(rows.map(|(entry, row)| (entry.sha256.clone(), row.to_vec())).collect())
}

/// The vectors of some pictures; none if told to stop.
fn compute(
    folder: &Path,
    extractor: &Extractor,
    files: &PictureFiles,
    entries: &[&Entry],
    go_on: &mut dyn FnMut(usize) -> bool,
) -> Result<Option<Vec<Vec<f32>>>> {
    if entries.is_empty() {
        return Ok(Some(Vec::new()));
    }
    std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let hashes: Vec<_> = entries.iter().map(|entry| entry.sha256.as_str()).collect();
    let key = sha256(json!([extractor.maker(), hashes]).to_string().as_bytes());
    let paths = entries.iter().map(|entry| (files.path(&entry.name), 0)).collect();
    let set: Arc<dyn ImageSet> = Arc::new(FolderImages::new(paths, vec![String::new()])?);
    let limit = LARGEST / entries.len();
    let forward = |x| {
        let vectors = extractor.forward(x)?;
        let [_, numbers, ..] = vectors.dims();
        if numbers > limit {
            let (count, layer) = (entries.len(), &extractor.maker().layer);
            let message = format!(
                "{count} vectors of {numbers} numbers are more than 1 GiB; average over the picture, or take a later layer than {layer}"
            );
            return Err(Error::Config(message).into());
        }
        Ok(vectors)
    };
    let (journal, preprocessing) = (folder.join(format!("{key}.part")), &extractor.maker().preprocessing);
    let made = outputs::compute(&set, preprocessing, extractor.device(), Some(&journal), &forward, go_on)?;
    Ok(made.map(|made| made.values.chunks_exact(made.shape.iter().product()).map(<[f32]>::to_vec).collect()))
}

/// Journals of computations in a folder.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|ending| ending == "part")).collect()
}

/// Who made the index in `folder`, if there is one.
///
/// # Errors
/// Its description is damaged.
pub fn maker(folder: &Path) -> Result<Option<Maker>> {
    match folder.join(INDEX).is_file() {
        true => Ok(Some(read_json::<Description>(&folder.join(INDEX))?.maker)),
        false => Ok(None),
    }
}

/// The newest index under `runs/vectors/`.
pub fn newest() -> Option<PathBuf> {
    let entries = std::fs::read_dir(Path::new("runs").join("vectors")).ok()?.flatten();
    let written = |path: &Path| std::fs::metadata(path.join(INDEX)).and_then(|about| about.modified()).ok();
    entries.map(|entry| entry.path()).filter_map(|path| Some((written(&path)?, path))).max().map(|(_, path)| path)
}
