//! Data formats, through the public interface.

#[path = "../common/mod.rs"]
mod common;

mod cifar;
mod faults;
mod folder;
mod idx;
mod open;
mod picture;
mod real;
mod sets;
mod table;

#[global_allocator]
static ALLOCATOR: common::allocation::Counting = common::allocation::Counting;

use std::fs;
use std::path::Path;

/// Writes a file and the folders above it.
fn put(path: impl AsRef<Path>, bytes: impl AsRef<[u8]>) {
    let path = path.as_ref();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// The message of an error, which must be one.
fn message<T>(result: ognivo_core::Result<T>) -> String {
    match result {
        Ok(_) => panic!("expected an error"),
        Err(error) => error.to_string(),
    }
}

/// Asserts that a message holds every part.
#[track_caller]
fn assert_says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{message:?} does not say {part:?}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}
