//! Files of weights: PyTorch's pickles in a zip or one after the other, and safetensors.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use ognivo_core::weights::{TensorSource, read_all};
use ognivo_transfer::weights::WeightFile;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    fs::write(&path, bytes).unwrap();
    if let Ok(mut file) = WeightFile::open(&path) {
        // No tensor is larger than the file that holds its numbers.
        let largest = file.tensors().values().map(|kind| kind.shape.iter().product::<usize>() * kind.dtype.size()).max();
        assert!(largest.unwrap_or(0) <= bytes.len());
        if file.tensors().len() < 100 {
            let _ = read_all(&mut file);
        }
    }
});
