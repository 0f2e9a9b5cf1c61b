//! A thousand and more damaged files for each reader of vectors: an error that names the file and the place or a sound result, never a
//! panic, never more memory than the file can account for.
#![cfg(feature = "flex")]

#[path = "../../core/tests/common/mod.rs"]
mod common;

use std::fs;
use std::path::Path;

use ognivo_embeddings::format::{
    Format, read_model, read_vectors, read_vectors_as, read_vocabulary, write_model, write_vectors, write_vocabulary,
};
use ognivo_embeddings::node2vec::{Graph, GraphFormat, ReadOptions};
use ognivo_embeddings::{Names, Result, Table, WordVectors};

use common::allocation::{Counting, peak};
use common::mutate::for_each_mutant;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MUTANTS: usize = 1500;
/// What a reader may hold for the small files here: buffers, and tables whose rows are padded to a cache line.
const MEMORY: u64 = 4 << 20;

fn vectors() -> WordVectors {
    let names: Names = ["the", "дом", "naïve", "1.5", "</s>", "a"].into_iter().collect();
    let values: Vec<f32> = (0..30).map(|i| (i as f32 - 15.0) / 7.0).collect();
    WordVectors::new(names, Table::from_values(5, &values).unwrap()).unwrap()
}

/// Reads every mutant of a file in `folder`, checks errors and memory, and returns how many were (read, refused).
fn survive<T>(folder: &Path, name: &str, read: impl Fn(&Path) -> Result<T>) -> (usize, usize) {
    let path = folder.join(name);
    let whole = fs::read(&path).unwrap();
    read(&path).unwrap();
    let (mut sound, mut refused) = (0, 0);
    for_each_mutant(&[&whole], MUTANTS, |bytes| {
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        let (result, held) = peak(|| read(&path));
        assert!(held <= MEMORY, "{held} bytes held for a file of {}: {bytes:02x?}", bytes.len());
        match result {
            Ok(_) => sound += 1,
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                assert!(said.starts_with(folder.to_str().unwrap()) && said.len() < 2000, "{said}");
            }
        }
    });
    fs::write(&path, &whole).unwrap();
    (sound, refused)
}

#[test]
fn vectors_in_every_format() {
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        write_vectors(&path, format, &vectors()).unwrap();
        let (sound, refused) = survive(folder.path(), "vectors", |path| read_vectors_as(path, format));
        assert!(sound > 10 && refused > 300, "{format:?}: {sound} {refused}");
        // The format is guessed too.
        if format != Format::Npy {
            survive(folder.path(), "vectors", read_vectors);
        }
    }
}

#[test]
fn lists_beside_the_numbers() {
    for (format, list) in [(Format::Npy, "vectors.words.txt"), (Format::Projector, "metadata")] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vectors");
        write_vectors(&path, format, &vectors()).unwrap();
        let (sound, refused) = survive(folder.path(), list, |_| read_vectors_as(&path, format));
        assert!(sound > 10 && refused > 300, "{format:?}: {sound} {refused}");
    }
}

#[test]
fn gzip() {
    use std::io::Write;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    write_vectors(&path, Format::Word2vec, &vectors()).unwrap();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(&fs::read(&path).unwrap()).unwrap();
    fs::write(&path, packed.finish().unwrap()).unwrap();
    let (_, refused) = survive(folder.path(), "vectors", read_vectors);
    assert!(refused > 1000, "{refused}");
}

#[test]
fn vocabularies() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = vectors();
    write_vocabulary(&folder.path().join("v"), vectors.words(), &[9, 8, 7, 6, 5, 4], '\t').unwrap();
    let (sound, refused) = survive(folder.path(), "v", read_vocabulary);
    assert!(sound > 10 && refused > 300, "{sound} {refused}");
}

#[test]
fn run_directories() {
    let folder = tempfile::tempdir().unwrap();
    let vectors = vectors();
    write_model(folder.path(), vectors.words(), &[9, 8, 7, 6, 5, 4], vectors.table(), Some(vectors.table())).unwrap();
    for file in ["model.safetensors", "vocabulary.tsv"] {
        let (sound, refused) = survive(folder.path(), file, |_| read_model(folder.path()));
        assert!(sound > 10 && refused > 100, "{file}: {sound} {refused}");
    }
}

#[test]
fn graphs() {
    let gml = "graph [ directed 0 node [ id 0 label \"a b\" ] node [ id 1 ] edge [ source 0 target 1 weight 2.5 ] ]\n";
    let texts = [
        (GraphFormat::Edges, "# a graph\nn1 n2 0.5\nn2 n3 2\nn3 n1 1e3\n"),
        (GraphFormat::Adjacency, "% a graph\nn1 n2 n3 n4\nn2 n3\nn3 n1\n"),
        (GraphFormat::Gml, gml),
    ];
    for (format, text) in texts {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("graph"), text).unwrap();
        for (format, weighted) in [(format, true), (GraphFormat::Auto, false)] {
            let weighted = weighted && format != GraphFormat::Adjacency;
            let options = ReadOptions { format, weighted, directed: false };
            let (sound, refused) = survive(folder.path(), "graph", |path| Graph::read(path, &options));
            assert!(sound > 10 && refused > 10, "{format:?}: {sound} {refused}");
        }
    }
}
