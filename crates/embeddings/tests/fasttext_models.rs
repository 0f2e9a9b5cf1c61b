//! Models of the reference program: what it says of them, and that they come out as they went in.
//! Made by `tests/reference/fasttext_models.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use ognivo_embeddings::Lookup;
use ognivo_embeddings::fasttext::{Matrix, Model, Tokens};
use serde::Deserialize;

const MODELS: [&str; 8] =
    ["skipgram.bin", "cbow-hs.bin", "softmax.bin", "hs.bin", "ova.bin", "ns.bin", "plain.ftz", "cutoff.ftz"];

#[derive(Deserialize)]
struct Expected {
    vectors: BTreeMap<String, Vec<f32>>,
    subwords: BTreeMap<String, (Vec<String>, Vec<u32>)>,
    sentences: Vec<Vec<f32>>,
    #[serde(default)]
    predictions: BTreeMap<String, Vec<Vec<(f32, String)>>>,
    #[serde(default)]
    test: BTreeMap<String, (u64, f64, f64)>,
    #[serde(default)]
    labels: BTreeMap<String, [Option<f64>; 3]>,
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/reference/fasttext").join(name)
}

fn expected() -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(path("expected.json")).unwrap()).unwrap()
}

fn sentences(all: &serde_json::Value) -> Vec<String> {
    serde_json::from_value(all["sentences"].clone()).unwrap()
}

fn models() -> impl Iterator<Item = (&'static str, Model, Expected, serde_json::Value)> {
    MODELS.into_iter().map(|name| {
        let all = expected();
        (name, Model::read(&path(name)).unwrap(), serde_json::from_value(all[name].clone()).unwrap(), all)
    })
}

/// The reference may add in another order where it has vector instructions.
fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() <= 1e-6 * b.abs().max(1e-3), "{what}: {found:?}, {expected:?}");
    }
}

#[test]
fn vectors_and_ngrams() {
    for (name, model, expected, all) in models() {
        let mut vector = vec![0.0; model.dim()];
        assert_eq!(expected.vectors.len(), 8);
        for (word, values) in &expected.vectors {
            model.word_vector(word.as_bytes(), &mut vector);
            assert_close(&vector, values, &format!("{name}: {word}"));
        }
        for (word, (texts, rows)) in expected.subwords {
            let found: (Vec<String>, Vec<u32>) = model.ngrams(word.as_bytes()).into_iter().unzip();
            assert_eq!(found.1, rows, "{name}: {word}");
            // The reference names n-grams that pruning took away, too, and so loses which row is whose.
            assert!(found.0 == texts || name == "cutoff.ftz", "{name}: {word}: {found:?} {texts:?}");
        }
        for (sentence, values) in sentences(&all).iter().zip(&expected.sentences) {
            model.sentence_vector(sentence.as_bytes(), &mut vector);
            assert_close(&vector, values, &format!("{name}: {sentence}"));
        }
    }
}

#[test]
fn predicted_labels_and_their_measures() {
    let mut classifiers = 0;
    for (name, model, expected, all) in models() {
        if expected.predictions.is_empty() {
            assert!(model.predict_text(b"x", 1, 0.0).is_err(), "{name} is no classifier");
            continue;
        }
        classifiers += 1;
        for (settings, lines) in &expected.predictions {
            let (k, threshold) = settings.split_once(' ').unwrap();
            for (sentence, values) in sentences(&all).iter().zip(lines) {
                let found =
                    model.predict_text(sentence.as_bytes(), k.parse().unwrap(), threshold.parse().unwrap()).unwrap();
                let labels: Vec<_> = found.iter().map(|(label, _)| label).collect();
                assert_eq!(labels, values.iter().map(|(_, label)| label).collect::<Vec<_>>(), "{name}: {sentence}");
                for ((_, found), (value, _)) in found.iter().zip(values) {
                    // The reference looks the logistic function up in steps of 1/32.
                    assert!((found - value).abs() < 1e-5, "{name}: {sentence}: {found} {value}");
                }
            }
        }
        let text = all["test.txt"].as_str().unwrap();
        for (k, &(examples, precision, recall)) in &expected.test {
            let meter = model.test(&mut Tokens::new(text.as_bytes(), "test.txt"), k.parse().unwrap(), 0.0).unwrap();
            assert_eq!(meter.examples, examples);
            assert!((meter.all.precision() - precision).abs() < 1e-9, "{name} P@{k}");
            assert!((meter.all.recall() - recall).abs() < 1e-9, "{name} R@{k}");
        }
        let meter = model.test(&mut Tokens::new(text.as_bytes(), "test.txt"), 1, 0.0).unwrap();
        for (label, values) in &expected.labels {
            let id = model.dictionary().label_id(label.as_bytes()).unwrap() as usize;
            let counts = meter.labels[id];
            for (found, value) in [counts.precision(), counts.recall(), counts.f1()].into_iter().zip(values) {
                assert!(value.map_or(found.is_nan(), |value| (value - found).abs() < 1e-9), "{name} {label}");
            }
        }
    }
    assert_eq!(classifiers, 6);
}

#[test]
fn files_come_out_as_they_went_in() {
    let folder = tempfile::tempdir().unwrap();
    for (name, model, ..) in models() {
        let copy = folder.path().join(name);
        model.write(&copy).unwrap();
        let (mut found, mut expected) = (fs::read(&copy).unwrap(), fs::read(path(name)).unwrap());
        if name == "cutoff.ftz" {
            // The reference writes the chosen buckets in the order of a hash table.
            found.sort_unstable();
            expected.sort_unstable();
        }
        assert!(found == expected, "{name}");
        assert_eq!(model.is_quantized(), name.ends_with(".ftz"));
    }
}

#[test]
fn version_11_classifiers_have_no_character_ngrams() {
    let mut bytes = fs::read(path("hs.bin")).unwrap();
    let with = Model::from_bytes(&bytes, "hs.bin".as_ref()).unwrap();
    bytes[4] = 11;
    let without = Model::from_bytes(&bytes, "hs.bin".as_ref()).unwrap();
    assert!(with.ngrams(b"stone").len() > 1);
    assert_eq!(without.ngrams(b"stone").len(), 1);
    bytes[4] = 13;
    let error = Model::from_bytes(&bytes, "hs.bin".as_ref()).unwrap_err().to_string();
    assert!(error.contains("hs.bin") && error.contains("version 13"), "{error}");
}

/// Every truncation, and more than a thousand changed copies of each model: an error or a model that can be used.
#[test]
fn damaged_files_are_errors() {
    let text = "__label__a дом rivers paper\n";
    let mut state = 1u64;
    let mut draw = move |n: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % n
    };
    let mut refused = 0;
    for name in MODELS {
        let whole = fs::read(path(name)).unwrap();
        for length in 0..whole.len() {
            assert!(Model::from_bytes(&whole[..length], "cut".as_ref()).is_err(), "{name} cut to {length} bytes");
        }
        for _ in 0..1500 {
            let mut bytes = whole.clone();
            // Most fields lie in front; large numbers and signs are the likeliest to do harm.
            let within = if draw(2) == 0 { 120 } else { bytes.len() };
            for _ in 0..1 + draw(3) {
                let at = draw(within);
                bytes[at] = [0, 1, 0x7f, 0x80, 0xff, draw(256) as u8][draw(6)];
            }
            match Model::from_bytes(&bytes, "damaged".as_ref()) {
                Err(_) => refused += 1,
                Ok(model) => {
                    let mut vector = vec![0.0; model.dim()];
                    model.word_vector("rivers".as_bytes(), &mut vector);
                    model.sentence_vector(text.as_bytes(), &mut vector);
                    let _ = model.predict_text(text.as_bytes(), 3, 0.0);
                    let _ = model.test(&mut Tokens::new(text.as_bytes(), "text"), 1, 0.0);
                    model.write_to(&mut std::io::sink()).unwrap();
                    assert_eq!(model.words().len().max(1), model.dictionary().words().max(1));
                }
            }
        }
    }
    assert!(refused > 1000, "{refused}");
}

#[test]
fn announced_sizes_cost_nothing() {
    let whole = fs::read(path("softmax.bin")).unwrap();
    // dim, bucket, number of words: each as large as can be.
    for at in [8, 8 + 8 * 4, 64, 68] {
        let mut bytes = whole.clone();
        bytes[at..at + 4].copy_from_slice(&i32::MAX.to_le_bytes());
        let error = Model::from_bytes(&bytes, "bomb.bin".as_ref()).unwrap_err().to_string();
        assert!(error.contains("bomb.bin"), "{error}");
    }
}

#[test]
fn tables_have_the_sizes_of_the_dictionary() {
    let model = Model::read(&path("softmax.bin")).unwrap();
    let Matrix::Dense(output) = model.output().clone() else { panic!("a table") };
    let other = Model::new(
        model.config().clone(),
        model.dictionary().clone(),
        Matrix::Dense(output.clone()),
        Matrix::Dense(output),
    );
    assert!(other.is_err());
}
