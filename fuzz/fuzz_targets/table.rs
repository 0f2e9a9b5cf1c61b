//! Tables, plain or in gzip, and their view as pictures.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_core::data::table::{Table, TableOptions};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(table) = Table::from_bytes(bytes, Path::new("input"), &TableOptions::default()) {
        assert_eq!(table.features.len(), table.rows() * table.columns.len());
        assert!(table.labels.iter().all(|&label| label < table.classes.len()));
        let _ = table.images(table.columns.len(), 1, None);
    }
});
