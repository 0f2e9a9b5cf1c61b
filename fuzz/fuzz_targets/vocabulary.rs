//! Vocabulary files: words and how often they occur.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ognivo_embeddings::format::read_vocabulary;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocabulary.tsv");
    fs::write(&path, bytes).unwrap();
    if let Ok((names, counts)) = read_vocabulary(&path) {
        assert_eq!(names.len(), counts.len());
    }
});
