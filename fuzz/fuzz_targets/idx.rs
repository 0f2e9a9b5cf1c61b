//! IDX arrays, plain or in gzip.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_core::data::idx::Idx;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = Idx::from_bytes(bytes, Path::new("input")) {
        assert_eq!(array.dims.iter().product::<usize>(), array.values.len());
    }
});
