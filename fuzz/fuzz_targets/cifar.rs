//! CIFAR batches of both kinds.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_core::data::ImageSet;
use ognivo_core::data::cifar::{Records, from_bytes};

fuzz_target!(|bytes: &[u8]| {
    for (records, count) in [(Records::Cifar10, 10), (Records::Cifar100Fine, 100), (Records::Cifar100Coarse, 20)] {
        let classes: Vec<String> = (0..count).map(|class| class.to_string()).collect();
        if let Ok(set) = from_bytes(bytes, Path::new("input"), records, &classes) {
            assert!((0..set.len()).all(|index| set.label(index) < count && set.image(index).is_ok()));
        }
    }
});
