//! Words a second of word2vec training on a text file, on as many threads as rayon has.
//!
//! ```text
//! RAYON_NUM_THREADS=1 taskset -c 0 cargo bench -p ognivo-embeddings --bench training -- TEXT [skip-gram|cbow] [hogwild|burn] [OUT.bin]
//! ```
//!
//! `gensim_training.py` beside this file does the same with gensim.

use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use ognivo_embeddings::WordVectors;
use ognivo_embeddings::corpus::{Corpus, Room};
use ognivo_embeddings::format::{Format, write_vectors};
use ognivo_embeddings::train::{Architecture, Engine};
use ognivo_embeddings::word2vec::{Word2VecConfig, train};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(text) = arguments.first() else {
        println!("skipped: no text given");
        return;
    };
    let has = |name: &str| arguments.iter().any(|argument| argument == name);
    let cbow = has("cbow");
    let number = |name: &str, default: u64| std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default);
    let config = Word2VecConfig {
        architecture: if cbow { Architecture::Cbow } else { Architecture::SkipGram },
        learning_rate: if cbow { 0.05 } else { 0.025 },
        epochs: number("EPOCHS", 1),
        seed: number("SEED", 1),
        hogwild: has("hogwild"),
        ..Word2VecConfig::default()
    };
    let start = Instant::now();
    let (corpus, vocabulary) = Corpus::read(&[text.into()], config.min_count, &Room::default()).expect("a text");
    let read = start.elapsed().as_secs_f64();
    let engine =
        if has("burn") { Engine::Burn(ognivo_core::device::parse("cpu").expect("a device")) } else { Engine::Cpu };
    let start = Instant::now();
    let trained =
        train(&engine, &config, &corpus, &vocabulary, None, &mut |_, _| ControlFlow::Continue(())).expect("training");
    let seconds = start.elapsed().as_secs_f64();
    let threads = rayon::current_num_threads();
    println!(
        "{} threads {threads} hogwild {}: {} words; read {read:.2} s; trained {seconds:.2} s, {:.3} M words/s",
        if cbow { "cbow" } else { "skip-gram" },
        config.hogwild,
        vocabulary.len(),
        trained.tokens as f64 / seconds / 1e6
    );
    if let Some(out) = arguments.iter().find(|argument| argument.ends_with(".bin")) {
        let vectors = WordVectors::new(vocabulary.names().clone(), trained.inputs).expect("a vector a word");
        write_vectors(Path::new(out), Format::Word2vecBinary, &vectors).expect("room on the disk");
    }
}
