//! PNG pictures: the signature is put in front, so every input reaches the decoder.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_core::data::picture::decode_bytes;

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

// `decode_bytes` turns a panic of the decoder into an error; libFuzzer's own hook would stop at it. A panic that gets out
// still stops the fuzzer.
fuzz_target!(init: std::panic::set_hook(Box::new(|_| {})), |bytes: &[u8]| {
    let rest = bytes.strip_prefix(SIGNATURE).unwrap_or(bytes);
    if let Ok(image) = decode_bytes(&[SIGNATURE, rest].concat(), Path::new("input")) {
        assert_eq!(image.pixels.len(), image.width * image.height * image.channels);
    }
});
