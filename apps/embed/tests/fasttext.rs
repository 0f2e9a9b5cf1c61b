//! fastText's own command lines on models that its program made, and training of classifiers.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use common::{Bench, bench, figure, outcome, resumes_after_ctrl_c, stdout, survives_kills, with_input};
use ognivo_core::random;
use ognivo_embeddings::corpus::planted;
use serde_json::Value;

/// A model that fastText's program made, and what the program says of it.
fn reference(name: &str) -> (String, Value) {
    let folder =
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../crates/embeddings/tests/reference/fasttext"));
    let expected: Value = serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    (folder.join(name).to_str().unwrap().to_owned(), expected)
}

fn numbers(line: &str) -> Vec<f64> {
    line.split_whitespace().filter_map(|field| field.parse().ok()).collect()
}

fn assert_close(found: &[f64], expected: &Value) {
    let expected: Vec<f64> = serde_json::from_value(expected.clone()).unwrap();
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    // Printed with five digits.
    assert!(
        found.iter().zip(&expected).all(|(a, b)| (a - b).abs() <= 1e-4 * b.abs().max(1e-3)),
        "{found:?} {expected:?}"
    );
}

#[test]
fn predictions_are_those_of_the_program() {
    let bench = bench();
    for name in ["softmax.bin", "hs.bin", "ova.bin", "ns.bin", "plain.ftz"] {
        let (model, expected) = reference(name);
        let sentences: Vec<String> = serde_json::from_value(expected["sentences"].clone()).unwrap();
        let input = sentences.join("\n") + "\n";
        let printed = stdout(with_input(&bench, &["predict-prob", &model, "-", "2", "0.3"], input.as_bytes()));
        let of_model = &expected[name]["predictions"]["2 0.3"];
        for (line, expected) in printed.lines().zip(of_model.as_array().unwrap()) {
            let found: Vec<&str> = line.split_whitespace().collect();
            let expected = expected.as_array().unwrap();
            assert_eq!(found.len(), 2 * expected.len(), "{name}: {line}");
            for (pair, expected) in found.chunks(2).zip(expected) {
                assert_eq!(pair[0], expected[1]);
                assert!(
                    (pair[1].parse::<f64>().unwrap() - expected[0].as_f64().unwrap()).abs() < 1e-4,
                    "{name}: {line}"
                );
            }
        }
        assert_eq!(printed.lines().count(), sentences.len());
        // Without probabilities, and by flags.
        let labels = stdout(with_input(&bench, &["predict", "--vectors", &model], input.as_bytes()));
        let best = |list: &Value| list[0][1].as_str().unwrap_or_default().to_owned();
        let first = &expected[name]["predictions"]["1 0.0"];
        assert_eq!(labels.lines().collect::<Vec<_>>(), first.as_array().unwrap().iter().map(best).collect::<Vec<_>>());
    }
}

#[test]
fn test_and_test_label_print_what_the_program_prints() {
    let bench = bench();
    let (model, expected) = reference("hs.bin");
    fs::write(bench.path("test.txt"), expected["test.txt"].as_str().unwrap()).unwrap();
    for k in [1, 2] {
        let counts: Vec<f64> = serde_json::from_value(expected["hs.bin"]["test"][k.to_string()].clone()).unwrap();
        let text = stdout(bench.run(&["test", &model, "test.txt", &k.to_string()]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], format!("N\t{}", counts[0]));
        assert!(lines[1].starts_with(&format!("P@{k}\t")) && lines[2].starts_with(&format!("R@{k}\t")), "{text}");
        assert!(
            (numbers(lines[1])[0] - counts[1]).abs() < 1e-3 && (numbers(lines[2])[0] - counts[2]).abs() < 1e-3,
            "{text}"
        );
    }
    let text = stdout(bench.run(&["test-label", &model, "test.txt"]));
    assert_eq!(
        text.lines().filter(|line| line.contains("F1-Score : ") && line.contains("__label__")).count(),
        3,
        "{text}"
    );
    let result = bench.result(&["test", "--vectors", &model, "--data", "test.txt", "--labels"]);
    assert_eq!(result["metrics"]["labels"].as_array().unwrap().len(), 3);
    assert!(figure(&result, "accuracy") > 0.5 && figure(&result, "macro_f1") > 0.5 && figure(&result, "f1") > 0.5);
    let said = bench.failure(&["test", &model], 2);
    assert!(said.contains("--data"), "{said}");
    let said = bench.failure(&["test", &model, "missing.txt"], 1);
    assert!(said.contains("missing.txt"), "{said}");
}

#[test]
fn vectors_of_words_lines_and_ngrams() {
    let bench = bench();
    let (model, expected) = reference("skipgram.bin");
    let own = &expected["skipgram.bin"];
    let words = ["дом", "rivers", "unseen"];
    let text = stdout(with_input(&bench, &["print-word-vectors", &model], words.join("\n").as_bytes()));
    for (line, word) in text.lines().zip(words) {
        assert!(line.starts_with(word));
        assert_close(&numbers(line), &own["vectors"][word]);
    }
    // The same by the command of this program; the third word is in no vocabulary.
    let result = bench.result(&["vector", "rivers", "unseen", "--vectors", &model]);
    assert_eq!((figure(&result, "found"), figure(&result, "unknown")), (2.0, 0.0));
    let text = stdout(with_input(&bench, &["print-sentence-vectors", &model], "дом rivers paper\n".as_bytes()));
    assert_close(&numbers(&text), &own["sentences"][0]);
    let text = stdout(bench.run(&["print-ngrams", &model, "unseen"]));
    let ngrams: Vec<&str> = text.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(serde_json::json!(ngrams), own["subwords"]["unseen"][0]);
    let text = stdout(bench.run(&["dump", &model, "args"]));
    assert!(text.starts_with("dim 5\n") && text.contains("\nmaxn 4\n"), "{text}");
    let said = bench.failure(&["dump", &model, "everything"], 2);
    assert!(said.contains("dict"), "{said}");
}

#[test]
fn neighbours_and_analogies_are_those_of_the_program() {
    let bench = bench();
    let (model, expected) = reference("skipgram.bin");
    let own = &expected["skipgram.bin"];
    let check = |text: &str, expected: &Value| {
        let expected = expected.as_array().unwrap();
        assert_eq!(text.lines().count(), expected.len(), "{text}");
        for (line, expected) in text.lines().zip(expected) {
            let (word, similarity) = line.rsplit_once(' ').unwrap();
            assert_eq!(word.trim_start_matches("Query word? "), expected[1]);
            assert!((similarity.parse::<f64>().unwrap() - expected[0].as_f64().unwrap()).abs() < 1e-5);
        }
    };
    for word in ["rivers", "unseen"] {
        check(&stdout(with_input(&bench, &["nn", &model, "5"], word.as_bytes())), &own["neighbours"][word]);
        check(&stdout(bench.run(&["nn", word, "--vectors", &model, "--top", "5"])), &own["neighbours"][word]);
    }
    check(&stdout(with_input(&bench, &["analogies", &model, "4"], b"rivers river paper")), &own["analogies"]);
}

/// A text with labels in a bench of its own: words of a label come together.
fn labelled() -> Bench {
    labelled_lines(400)
}

fn labelled_lines(lines: usize) -> Bench {
    let bench = bench();
    let mut rng = random::stream(5, &[]);
    for (file, lines) in [("train.txt", lines), ("test.txt", 100)] {
        let mut text = String::new();
        for line in 0..lines {
            let _ = write!(text, "__label__{}", ["sea", "law"][line % 2]);
            for _ in 0..6 {
                let list =
                    [["ship", "wave", "tide", "mast"], ["judge", "court", "trial", "oath"], ["the", "of", "a", "in"]];
                let of = if random::below(&mut rng, 2) == 0 { 2 } else { line % 2 };
                let _ = write!(text, " {}", list[of][random::below(&mut rng, 4)]);
            }
            text.push('\n');
        }
        fs::write(bench.path(file), text).unwrap();
    }
    bench
}

#[test]
fn a_classifier_learns_is_measured_and_predicts() {
    let bench = labelled();
    let arguments = [
        "fasttext",
        "supervised",
        "--data",
        "train.txt",
        "--test",
        "test.txt",
        "--dim",
        "10",
        "--learning-rate",
        "0.5",
    ];
    let result = bench.result(&[&arguments[..], &["--run", "r", "--threads", "1", "--save-text"]].concat());
    assert!(figure(&result, "accuracy") > 0.9, "{result}");
    assert!((figure(&result, "baseline_accuracy") - 0.5).abs() < 0.01);
    for file in ["config.json", "model.bin", "metrics.jsonl", "report.html", "vectors.txt"] {
        assert!(bench.path("r").join(file).is_file(), "{file}");
    }
    // The number of threads changes nothing.
    bench.result(&[&arguments[..], &["--run", "s", "--threads", "3"]].concat());
    let model = |run: &str| fs::read(bench.path(run).join("model.bin")).unwrap();
    assert!(model("r") == model("s"));
    let text = stdout(with_input(&bench, &["predict", "--run", "r"], b"the ship and the mast\na judge\n"));
    assert_eq!(text, "__label__sea\n__label__law\n");
    let again = bench.result(&["test", "--run", "r", "--data", "test.txt"]);
    assert_eq!(again["metrics"]["accuracy"], result["metrics"]["accuracy"]);

    // As fastText's scripts say it.
    let script = [
        "supervised",
        "-input",
        "train.txt",
        "-output",
        "m",
        "-lr",
        "0.5",
        "-dim",
        "10",
        "-verbose",
        "0",
        "-thread",
        "1",
    ];
    assert_eq!(stdout(bench.run(&script)), "");
    let text = stdout(bench.run(&["test", "m.bin", "test.txt"]));
    assert!(text.starts_with("N\t100\n"), "{text}");
    let words = fs::read_to_string(bench.path("m.vec")).unwrap();
    assert!(words.starts_with("13 10\n"), "{}", &words[..20]);
}

#[test]
fn words_are_trained_from_their_subwords() {
    let bench = labelled();
    for command in ["skipgram", "cbow"] {
        let script = "-input train.txt -output w -dim 8 -bucket 500 -minCount 1 -epoch 1 -thread 1 -verbose 0";
        let arguments = [vec![command], script.split(' ').collect()].concat();
        assert!(bench.run(&arguments).status.success());
        let result = bench.result(&["vector", "ship", "shipwreck", "--vectors", "w.bin"]);
        assert_eq!((figure(&result, "found"), figure(&result, "unknown")), (2.0, 0.0), "unseen words have vectors");
        assert!(fs::read_to_string(bench.path("w.vec")).unwrap().contains("\nship "));
    }
}

#[test]
fn subwords_are_trained_in_a_run_directory() {
    let bench = bench();
    fs::write(bench.path("text.txt"), planted::planted(200_000, 1)).unwrap();
    let arguments = ["fasttext", "train", "--data", "text.txt", "--dim", "32", "--buckets", "2000", "--sample", "0.01"];
    let run = |more: &[&str]| bench.result(&[&arguments[..], more].concat());
    let result = run(&["--run", "r", "--threads", "1", "--save-text"]);
    // The end of the line is a word to fastText.
    assert_eq!((figure(&result, "vectors"), figure(&result, "dim")), (231.0, 32.0));
    assert!(figure(&result, "loss") > 0.0 && figure(&result, "words_per_second") > 0.0);
    for file in ["config.json", "model.bin", "metrics.jsonl", "report.html", "vectors.txt"] {
        assert!(bench.path("r").join(file).is_file(), "{file}");
    }
    let near = stdout(bench.run(&["nn", "violin", "--run", "r", "--top", "3"]));
    let topic = |line: &str| planted::topic(line.split(' ').next().unwrap());
    assert!(near.lines().all(|line| topic(line) == Some("music")), "{near}");
    // Unseen words have vectors.
    let result = bench.result(&["vector", "violinist", "--run", "r"]);
    assert_eq!(figure(&result, "found"), 1.0);
    run(&["--run", "s", "--threads", "3"]);
    assert!(outcome(&bench.path("r")) == outcome(&bench.path("s")));
    run(&["--run", "cbow", "--model", "cbow", "--min-n", "2", "--max-n", "4", "--epochs", "1"]);
    run(&["--run", "burn", "--engine", "burn", "--epochs", "1"]);
    assert!(stdout(bench.run(&["dump", "cbow/model.bin", "args"])).contains("\nmodel cbow\nbucket 2000\nminn 2\n"));
    for (more, hint) in [
        (&["--loss", "one-vs-all"][..], "setting `loss`"),
        (&["--engine", "burn", "--loss", "softmax"], "setting `loss`"),
        (&["--set", "mnin=2"], "did you mean `minn`"),
        (&["--set", "model=supervised"], "setting `model`"),
        (&["--dim", "0"], "setting `dim`"),
    ] {
        let said = bench.failure(&[&arguments[..], more].concat(), 2);
        assert!(said.contains(hint), "{more:?}: {said}");
    }
    let said = bench.failure(&["fasttext", "train"], 2);
    assert!(said.contains("--data"), "{said}");
}

#[test]
fn subwords_resume_after_ctrl_c() {
    let bench = bench();
    fs::write(bench.path("text.txt"), planted::planted(300_000, 1)).unwrap();
    let long = "fasttext train --data text.txt --dim 64 --buckets 2000 --sample 0.01 --epochs 6 --threads 1 --set checkpoint_seconds=0.01";
    resumes_after_ctrl_c(&bench, &long.split(' ').collect::<Vec<_>>());
}

/// Training of some seconds that saves all the time.
const LONG: &str =
    "fasttext supervised --data train.txt --dim 100 --epochs 800 --threads 1 --set checkpoint_seconds=0.01";

#[test]
fn a_classifier_resumes_after_ctrl_c() {
    resumes_after_ctrl_c(&labelled_lines(20_000), &LONG.split(' ').collect::<Vec<_>>());
}

#[test]
fn a_classifier_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&labelled_lines(20_000), &LONG.split(' ').collect::<Vec<_>>());
}

#[test]
fn settings_are_searched_for() {
    let bench = labelled();
    let script =
        "supervised -input train.txt -output best -dim 5 -thread 1 -autotune-validation test.txt -autotune-duration 2";
    assert!(bench.run(&script.split(' ').collect::<Vec<_>>()).status.success());
    let text = stdout(bench.run(&["test", "best.bin", "test.txt"]));
    assert!(numbers(text.lines().nth(1).unwrap())[0] > 0.9, "{text}");
    // What was given stays.
    assert!(stdout(bench.run(&["dump", "best.bin", "args"])).starts_with("dim 5\n"));
}

#[test]
fn quantised_models_are_small_and_predict() {
    let bench = labelled();
    let script =
        "supervised -input train.txt -output m -lr 0.5 -dim 10 -wordNgrams 2 -bucket 1000 -verbose 0 -thread 1";
    assert!(bench.run(&script.split(' ').collect::<Vec<_>>()).status.success());
    let size = |name: &str| fs::metadata(bench.path(name)).unwrap().len();
    // As fastText's scripts say it, and by this program's own flags.
    assert!(bench.run(&["quantize", "-output", "m", "-input", "train.txt", "-qnorm"]).status.success());
    let result = bench.result(&["quantize", "--model", "m.bin", "--to", "own.ftz", "--qnorm"]);
    assert_eq!(figure(&result, "bytes_before"), size("m.bin") as f64);
    assert!(fs::read(bench.path("own.ftz")).unwrap() == fs::read(bench.path("m.ftz")).unwrap());
    assert!(size("m.ftz") * 2 < size("m.bin"), "{} {}", size("m.ftz"), size("m.bin"));
    let arguments =
        ["quantize", "--model", "m.bin", "--to", "cut.ftz", "--cutoff", "300", "--retrain", "--data", "train.txt"];
    bench.result(&arguments);
    assert!(size("cut.ftz") < size("m.ftz"));
    for model in ["m.ftz", "cut.ftz"] {
        let result = bench.result(&["test", model, "test.txt"]);
        assert!(figure(&result, "accuracy") > 0.9, "{model}: {result}");
    }
    let said = bench.failure(&["quantize", "--model", "m.bin"], 2);
    assert!(said.contains("--to"), "{said}");
    let said = bench.failure(&["quantize", "--model", "m.ftz", "--to", "x.ftz"], 1);
    assert!(said.contains("quantise"), "{said}");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let bench = labelled();
    for (arguments, hint) in [
        (&["supervised", "-inptu", "train.txt"][..], "did you mean \"input\""),
        (&["supervised", "-input", "train.txt"], "-output PREFIX"),
        (&["supervised", "-input", "train.txt", "-output", "m", "-lr", "fast"], "setting `lr`"),
        (&["fasttext", "supervised", "--data", "train.txt", "--set", "wordNgram=2"], "did you mean `wordNgrams`"),
        (&["fasttext", "supervised", "--data", "train.txt", "--dim", "0"], "dim"),
        (&["fasttext", "supervised", "--data", "train.txt", "--epochs", "many"], "invalid value"),
        (&["fasttext", "supervised", "--data", "no/such.txt"], "no/such.txt"),
        (&["fasttext", "supervised", "--data", "-"], "only once"),
        (&["supervised", "-input", "-", "-output", "m"], "only once"),
        (&["predict", "m.bin", "test.txt", "many"], "invalid value"),
    ] {
        let said = bench.failure(arguments, 2);
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
    fs::write(bench.path("plain.txt"), "no labels here\n").unwrap();
    let said = bench.failure(&["fasttext", "supervised", "--data", "plain.txt"], 1);
    assert!(said.contains("label"), "{said}");
    let said = bench.failure(&["supervised", "-input", "missing.txt", "-output", "m"], 1);
    assert!(said.contains("missing.txt"), "{said}");
    let said = bench.failure(&["predict", "--vectors", "v.txt"], 1);
    assert!(said.contains("v.txt"), "{said}");
}
