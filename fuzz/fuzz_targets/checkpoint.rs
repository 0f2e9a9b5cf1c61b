//! Checkpoints. Damage is noticed by a checksum, so the fuzzer seldom gets behind it: what lies there is also in the target
//! `safetensors`.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_core::train::checkpoint::Checkpoint;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = Checkpoint::parse(bytes, Path::new("input")) {
        assert!(checkpoint.state.to_string().len() <= bytes.len());
    }
});
