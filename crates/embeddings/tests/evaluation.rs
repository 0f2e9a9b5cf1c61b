//! Analogies, similarities and neighbours are those of gensim on the same vectors, to the last question; ranks are SciPy's.
#![cfg(feature = "flex")]

use std::fs;
use std::path::{Path, PathBuf};

use ognivo_embeddings::evaluate::{analogies, similarity};
use ognivo_embeddings::query::{self, Index, Neighbour, Query};
use ognivo_embeddings::{Names, Table, WordVectors};
use serde_json::Value;

const ROWS: u64 = 12;
const COLUMNS: u64 = 30;
const DIM: usize = 16;

fn noise(mut number: u64) -> f64 {
    for _ in 0..2 {
        number = (number * 2_654_435_761 + 12345) % (1 << 32);
        number ^= number >> 15;
    }
    number as f64 / (1u64 << 32) as f64 - 0.5
}

/// As in `reference/evaluation.py`.
fn vectors() -> WordVectors {
    let part = |kind: u64, number: u64, i: usize| noise(kind * 1_000_000 + number * 100 + i as u64);
    let (mut words, mut values) = (Names::default(), Vec::new());
    for (column, row) in (0..COLUMNS).flat_map(|column| (0..ROWS).map(move |row| (column, row))) {
        let place = column * ROWS + row;
        for spelling in 0..if place % 5 == 2 { 2 } else { 1 } {
            let word = format!("r{row}c{column}");
            words.insert(&if spelling == 1 { word.to_uppercase() } else { word });
            let value = |i| part(1, row, i) + part(2, column, i) + 0.6 * part(3 + spelling, place, i);
            values.extend((0..DIM).map(|i| value(i) as f32));
        }
    }
    WordVectors::new(words, Table::from_values(DIM, &values).unwrap()).unwrap()
}

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/evaluation").join(name)
}

fn scores() -> Value {
    serde_json::from_slice(&fs::read(reference("scores.json")).unwrap()).unwrap()
}

#[test]
fn analogies_are_those_of_gensim_to_the_last_question() {
    let (vectors, questions) = (vectors(), analogies::read(&reference("questions.txt")).unwrap());
    for expected in scores()["analogies"].as_array().unwrap() {
        let config = analogies::AnalogyConfig {
            most_frequent: expected["limit"].as_u64().unwrap() as usize,
            fold_case: expected["fold"].as_bool().unwrap(),
        };
        let found = analogies::evaluate(&vectors, &questions, &config).unwrap();
        let groups = found.groups.iter().map(|(name, score)| (name.as_str(), *score));
        let all = groups.chain([("Total accuracy", found.total)]);
        let expected = expected["groups"].as_array().unwrap();
        assert_eq!(expected.len(), found.groups.len() + 1);
        for ((name, score), expected) in all.zip(expected) {
            assert_eq!(name, expected[0].as_str().unwrap());
            assert_eq!(
                [score.correct as u64, score.asked as u64],
                [1, 2].map(|i| expected[i].as_u64().unwrap()),
                "{name}"
            );
        }
        assert_eq!(found.semantic.asked + found.syntactic.asked, found.total.asked);
        assert_eq!(found.total.questions, questions.iter().map(|group| group.questions.len()).sum::<usize>());
        assert!(config.most_frequent == 300 || found.total.coverage() > 0.9 || !config.fold_case);
    }
}

#[test]
fn similarities_are_those_of_gensim() {
    let (vectors, pairs) = (vectors(), similarity::read(&reference("pairs.tsv")).unwrap());
    assert_eq!(pairs.len(), 270);
    for expected in scores()["similarity"].as_array().unwrap() {
        let limit = expected["limit"].as_u64().unwrap() as usize;
        let config =
            similarity::SimilarityConfig { most_frequent: limit, fold_case: expected["fold"].as_bool().unwrap() };
        let found = similarity::evaluate(&vectors, &pairs, &config).unwrap();
        assert!((found.spearman - expected["spearman"].as_f64().unwrap()).abs() < 1e-9, "{found:?} {expected}");
        assert!(
            (100.0 * (1.0 - found.coverage()) - expected["out_percent"].as_f64().unwrap()).abs() < 1e-9,
            "{expected}"
        );
    }
}

#[test]
fn correlations_are_those_of_scipy() {
    for case in scores()["spearman"].as_array().unwrap() {
        let values = |key| case[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect::<Vec<_>>();
        let found = similarity::spearman(&values("a"), &values("b")).unwrap();
        assert!((found - case["expected"].as_f64().unwrap()).abs() < 1e-12, "{found} {case}");
    }
    assert_eq!(similarity::spearman(&[1.0, 2.0], &[3.0, 3.0]), None);
    assert_eq!(similarity::spearman(&[], &[]), None);
}

#[test]
fn neighbours_are_those_of_gensim() {
    let (vectors, scores) = (vectors(), scores());
    let index = Index::new(&vectors).unwrap();
    let analogy = Query::analogy(&vectors, &["r3c4", "r5c6"], &["r3c6"]).unwrap();
    let [analogy, word] = index.nearest(&[analogy, Query::word(&vectors, "r3c4").unwrap()], 5).try_into().unwrap();
    let by_product = index.analogy_by_product(&["r3c4", "r5c6"], &["r3c6"], 5).unwrap();
    for (found, expected) in [analogy, by_product, word].iter().zip(scores["nearest"].as_array().unwrap()) {
        assert_eq!(found.len(), 5);
        for (Neighbour { id, similarity }, expected) in found.iter().zip(expected.as_array().unwrap()) {
            assert_eq!(index.words().name(*id), expected[0].as_str().unwrap());
            assert!((f64::from(*similarity) - expected[1].as_f64().unwrap()).abs() < 1e-6, "{similarity} {expected}");
        }
    }
    let cosine = query::similarity(&vectors, "r3c4", "r5c6").unwrap();
    assert!((f64::from(cosine) - scores["cosine"].as_f64().unwrap()).abs() < 1e-6);
}

#[test]
fn files_of_every_layout_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs");
    let read = |text: &str| {
        fs::write(&path, text).unwrap();
        similarity::read(&path).map_err(|error| error.to_string())
    };
    let expected = similarity::Pair { words: ["old".into(), "new".into()], score: 1.58 };
    for text in [
        "old\tnew\t1.58\n",
        "# The test\n\nWord 1,Word 2,Human (mean)\nold,new,1.58\n",
        "word1;word2;sim\r\nold;new;1.58\r\n",
        "word1\tword2\tPOS\tSimLex999\tconc(w1)\nold\tnew\tA\t1.58\t2.72\n",
        "old new 1.58 2 3 4",
        "\u{feff}old\tnew\t1.58\t1\t2\n",
    ] {
        assert_eq!(read(text).unwrap(), std::slice::from_ref(&expected), "{text}");
    }
    assert!(
        read("old\tnew\t1.58\nold\tnew\n").unwrap_err().contains("line 2: found \"old\\tnew\"; expected two words")
    );
    assert!(read("a b c\na b c\n").unwrap_err().contains("line 2: found \"a b c\""));
    assert!(read("# nothing\n").unwrap_err().contains("expected lines of two words and a number"));
    assert!(read("a b nan\na b nan\n").unwrap_err().contains("line 2"));
    let questions = |text: &[u8]| {
        fs::write(&path, text).unwrap();
        analogies::read(&path).map_err(|error| error.to_string())
    };
    let groups = questions(b"a b c d\r\n: capitals \nA B C D\n\na b c d\n").unwrap();
    assert_eq!(
        groups.iter().map(|group| (group.name.as_str(), group.questions.len())).collect::<Vec<_>>(),
        [("", 1), ("capitals", 2)]
    );
    assert!(questions(b": a\na b c\n").unwrap_err().contains("line 2: found 3 words; expected four words"));
    assert!(questions(b": a\n\xff b c d\n").unwrap_err().contains("line 2, byte 1 of it"));
    assert!(questions(b": a\n").unwrap_err().contains("expected questions"));
}

#[test]
fn nothing_to_compare_is_said() {
    let vectors = vectors();
    let pair = similarity::Pair { words: ["x".into(), "y".into()], score: 1.0 };
    let said = similarity::evaluate(&vectors, &[pair], &Default::default()).unwrap_err().to_string();
    assert!(said.contains("found 0 of 1 pairs with vectors for both words"), "{said}");
    let group = analogies::Group { name: "a".into(), questions: vec![["x", "y", "z", "w"].map(String::from)] };
    let found = analogies::evaluate(&vectors, &[group], &Default::default()).unwrap();
    assert_eq!(found.total.accuracy(), None);
    assert!(found.check().unwrap_err().to_string().contains("none of 1 whose words all have vectors"));
}

/// The published sizes of the sets.
#[test]
fn real_sets_are_read_whole() {
    let Some(data) =
        std::env::var_os("OGNIVO_DATA").map(|data| PathBuf::from(data).join("word-eval")).filter(|p| p.is_dir())
    else {
        return eprintln!("skipped: no folder word-eval below the folder that OGNIVO_DATA names");
    };
    for (name, pairs) in [
        ("wordsim353.tsv", 353),
        ("simlex999.txt", 999),
        ("russe-hj.csv", 398),
        ("word-sim/EN-MEN-TR-3k.txt", 3000),
        ("word-sim/EN-RW-STANFORD.txt", 2034),
        ("word-sim/EN-SIMLEX-999.txt", 999),
        ("word-sim/EN-WS-353-ALL.txt", 353),
        ("word-sim/EN-RG-65.txt", 65),
        ("word-sim/EN-SimVerb-3500.txt", 3500),
    ] {
        assert_eq!(similarity::read(&data.join(name)).unwrap().len(), pairs, "{name}");
    }
    let groups = analogies::read(&data.join("questions-words.txt")).unwrap();
    assert_eq!((groups.len(), groups.iter().map(|group| group.questions.len()).sum::<usize>()), (14, 19_544));
    let syntactic = groups.iter().filter(|group| group.name.starts_with("gram"));
    assert_eq!(syntactic.map(|group| group.questions.len()).sum::<usize>(), 10_675);
}
