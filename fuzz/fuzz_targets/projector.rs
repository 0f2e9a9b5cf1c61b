//! Numbers and names for the TensorBoard projector, with a zero byte between the two files.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ognivo_embeddings::format::{Format, read_vectors_as};

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vectors.tsv");
    let middle = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
    fs::write(&path, &bytes[..middle]).unwrap();
    fs::write(folder.path().join("metadata.tsv"), bytes.get(middle + 1..).unwrap_or_default()).unwrap();
    if let Ok(vectors) = read_vectors_as(&path, Format::Projector) {
        assert!(vectors.words().iter().all(|word| vectors.get(word).is_some()));
    }
});
