//! Reading and writing 50 000 vectors of 100 numbers. `gensim_files.py` does the same with gensim.

use divan::Bencher;
use divan::counter::ItemsCount;
use ognivo_embeddings::format::{Format, read_vectors, write_vectors};
use ognivo_embeddings::{Table, WordVectors};

const ROWS: usize = 50_000;
const FORMATS: [&str; 4] = ["word2vec", "word2vec-binary", "npy", "safetensors"];

fn vectors() -> WordVectors {
    let values: Vec<f32> =
        (0..ROWS * 100).map(|i| ((i * 2_654_435_761) % (1 << 32)) as f32 / (1u64 << 32) as f32 - 0.5).collect();
    let names = (0..ROWS).map(|row| format!("word{row}")).collect();
    WordVectors::new(names, Table::from_values(100, &values).unwrap()).unwrap()
}

#[divan::bench(args = FORMATS)]
fn write(bencher: Bencher, name: &str) {
    let (folder, vectors, format) = (tempfile::tempdir().unwrap(), vectors(), name.parse::<Format>().unwrap());
    let path = folder.path().join("vectors");
    bencher.counter(ItemsCount::new(ROWS)).bench(|| write_vectors(&path, format, &vectors).unwrap());
}

#[divan::bench(args = FORMATS)]
fn read(bencher: Bencher, name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    write_vectors(&path, name.parse().unwrap(), &vectors()).unwrap();
    bencher.counter(ItemsCount::new(ROWS)).bench(|| read_vectors(&path).unwrap());
}

fn main() {
    divan::main();
}
