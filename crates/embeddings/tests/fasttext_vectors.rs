//! Vectors of words from their n-grams: the same for any number of threads, near for words of one topic, and there for
//! words that were never seen.

use ognivo_embeddings::Lookup;
use ognivo_embeddings::fasttext::{Config, LossKind, Model, train};

/// Lines of words of one of four topics; endings vary.
fn text(lines: usize) -> String {
    let mut state = 5u64;
    let mut draw = move |n: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % n
    };
    let stems = [
        ["river", "water", "boat"],
        ["bread", "butter", "salt"],
        ["piano", "violin", "chord"],
        ["planet", "comet", "orbit"],
    ];
    let ends = ["", "s", "ing", "ly", "er"];
    let mut text = String::new();
    for _ in 0..lines {
        let topic = draw(4) as usize;
        for _ in 0..10 {
            text += stems[topic][draw(3) as usize];
            text += ends[draw(5) as usize];
            text += if draw(4) == 0 { " and " } else { " " };
        }
        text.push('\n');
    }
    text
}

fn trained(config: Config) -> Model {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("text.txt");
    std::fs::write(&path, text(1500)).unwrap();
    train::unsupervised(config, &path, |_| true).unwrap()
}

fn config(base: Config) -> Config {
    Config { dim: 24, epoch: 8, bucket: 4000, min_count: 2, t: 1e-2, thread: 1, ..base }
}

fn similarity(model: &Model, a: &str, b: &str) -> f32 {
    let [a, b] = [a, b].map(|word| {
        let mut vector = vec![0.0; model.dim()];
        assert!(model.vector(word, &mut vector), "{word}");
        vector
    });
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}

#[test]
fn words_of_a_topic_are_near_also_unseen_ones() {
    for (name, config) in [
        ("skipgram", config(Config::skipgram())),
        ("cbow", config(Config::cbow())),
        ("skipgram hs", Config { loss: LossKind::HierarchicalSoftmax, ..config(Config::skipgram()) }),
    ] {
        let model = trained(config);
        let near = similarity(&model, "river", "boats");
        let far = similarity(&model, "river", "comets");
        assert!(near > far + 0.3, "{name}: {near} {far}");
        assert_eq!(model.dictionary().word_id(b"butterings"), None);
        let near = similarity(&model, "butterings", "bread");
        let far = similarity(&model, "butterings", "piano");
        assert!(near > far + 0.2, "{name}: {near} {far}");
    }
}

#[test]
fn the_result_does_not_depend_on_threads() {
    let bytes = |thread| {
        let mut bytes = Vec::new();
        let config = Config { epoch: 2, thread, ..config(Config::skipgram()) };
        trained(config).write_to(&mut bytes).unwrap();
        bytes
    };
    let one = bytes(1);
    assert!(one == bytes(2) && one == bytes(5));
}
