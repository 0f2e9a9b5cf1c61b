//! fastText models, `.bin` and `.ftz`.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use ognivo_embeddings::fasttext::Model;
use ognivo_embeddings::Lookup;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = Model::from_bytes(bytes, Path::new("input")) {
        let mut vector = vec![0.0; model.dim()];
        model.word_vector(b"word", &mut vector);
        let _ = model.predict_text(b"a line of words", 3, 0.0);
        model.write_to(&mut std::io::sink()).expect("a sink takes all");
    }
});
