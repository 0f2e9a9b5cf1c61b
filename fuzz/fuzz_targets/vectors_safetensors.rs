//! Words and vectors in safetensors files.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ognivo_embeddings::format::{Format, read_vectors_as};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors");
    fs::write(&path, bytes).unwrap();
    if let Ok(vectors) = read_vectors_as(&path, Format::Safetensors) {
        assert!(vectors.words().iter().all(|word| vectors.get(word).is_some()));
    }
});
