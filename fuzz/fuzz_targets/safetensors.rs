//! Weights: safetensors files of Ognivo and of PyTorch.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_core::weights;

fuzz_target!(|bytes: &[u8]| {
    if let Ok((tensors, _)) = weights::parse(bytes, Path::new("input")) {
        let held: usize = tensors.values().map(|tensor| tensor.as_bytes().len()).sum();
        assert!(held <= bytes.len());
        assert!(tensors.values().all(|t| t.as_bytes().len() == t.shape().num_elements() * t.dtype().size()));
    }
});
