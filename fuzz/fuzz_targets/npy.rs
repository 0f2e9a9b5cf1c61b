//! NumPy arrays: the magic bytes are put in front, the names lie beside.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ognivo_embeddings::format::{Format, read_vectors_as};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors.npy");
    fs::write(&path, [b"\x93NUMPY\x01\0", bytes].concat()).unwrap();
    fs::write(folder.path().join("vectors.words.txt"), "a\nb\n").unwrap();
    if let Ok(vectors) = read_vectors_as(&path, Format::Npy) {
        assert!(vectors.words().iter().all(|word| vectors.get(word).is_some()));
    }
});
