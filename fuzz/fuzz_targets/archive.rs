//! Archives: the first byte says whether the rest is unpacked as zip, as tar.gz, or packed with gzip first.
#![no_main]

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use ognivo_core::dataset::Packing;

fuzz_target!(|bytes: &[u8]| {
    let Some((first, rest)) = bytes.split_first() else { return };
    let (packing, content) = match first % 3 {
        0 => (Packing::Zip, rest.to_vec()),
        1 => (Packing::TarGz, rest.to_vec()),
        // A tar file within a sound gzip stream, whose checksum would hide it else.
        _ => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
            encoder.write_all(rest).unwrap();
            (Packing::TarGz, encoder.finish().unwrap())
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let (archive, target) = (folder.path().join("archive"), folder.path().join("target"));
    fs::write(&archive, content).unwrap();
    fs::create_dir(&target).unwrap();
    let _ = packing.unpack(&archive, &target);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is written outside the target");
});
