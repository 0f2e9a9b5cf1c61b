//! Training of vectors of words and nodes.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use common::{bench, figure, interrupted, outcome, resumes_after_ctrl_c, stderr, stdout, survives_kills, with_input};
use ognivo_embeddings::corpus::planted;
use serde_json::Value;

const WORDS: &[&str] = &["word2vec", "train", "--dim", "32", "--epochs", "2"];

fn with<'a>(arguments: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [arguments, more].concat()
}

#[test]
fn words_of_a_topic_become_neighbours() {
    let bench = bench();
    let result = bench.result(&with(WORDS, &["--epochs", "5", "--run", "r", "--save-text"]));
    assert!(figure(&result, "topic_share") > 0.9, "{result}");
    assert!(figure(&result, "baseline_topic_share") < 0.1);
    assert!(figure(&result, "words_per_second") > 0.0 && figure(&result, "loss") > 0.0);
    assert_eq!((figure(&result, "vectors"), figure(&result, "dim")), (230.0, 32.0));
    for file in ["config.json", "model.safetensors", "vocabulary.tsv", "metrics.jsonl", "report.html", "vectors.txt"] {
        assert!(bench.path("r").join(file).is_file(), "{file}");
    }
    let report = fs::read_to_string(bench.path("r/report.html")).unwrap();
    assert!(report.contains("t-SNE") && report.contains("violin") && report.contains("own topic"));
    assert!(!report.contains("http://") && !report.contains("https://"));
    // The newest run would be below runs/; this one is named.
    let near = stdout(bench.run(&["nn", "violin", "--run", "r", "--top", "3"]));
    let is_other_music = |word: &str| word != "violin" && planted::topic(word) == Some("music");
    assert!(near.lines().all(|line| is_other_music(line.split(' ').next().unwrap())), "{near}");
    let text = stdout(bench.run(&["vector", "violin", "--run", "r"]));
    let saved = fs::read_to_string(bench.path("r/vectors.txt")).unwrap();
    let line = saved.lines().find(|line| line.starts_with("violin ")).unwrap();
    let numbers = |line: &str| line.split(' ').skip(1).map(|number| number.parse().unwrap()).collect::<Vec<f32>>();
    assert_eq!(numbers(text.trim_end()), numbers(line));
    bench.result(&["plot", "--run", "r", "--labels", "topics", "--iterations", "20"]);
    assert!(bench.path("r/map.svg").is_file() && bench.path("r/map.html").is_file());
    bench.result(&["convert", "--run", "r", "--to", "v.npy"]);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let bench = bench();
    for (name, model) in [("sg", "skipgram"), ("cbow", "cbow")] {
        let runs = ["1", "2", "5"].map(|threads| {
            let run = format!("{name}{threads}");
            bench.result(&with(WORDS, &["--model", model, "--threads", threads, "--run", &run]));
            outcome(&bench.path(&run))
        });
        assert!(runs[0] == runs[1] && runs[0] == runs[2], "{model}");
    }
    bench.result(&with(WORDS, &["--seed", "2", "--run", "other"]));
    assert!(outcome(&bench.path("other")) != outcome(&bench.path("sg1")));
    bench.result(&with(WORDS, &["--hogwild", "--run", "hogwild"]));
    bench.result(&with(WORDS, &["--loss", "hierarchical", "--epochs", "1", "--run", "tree"]));
}

#[test]
fn text_comes_from_files_folders_gzip_and_standard_input() {
    let bench = bench();
    let mut text = String::new();
    for line in 0..300 {
        let _ = writeln!(text, "{} and {}", ["tea", "coffee"][line % 2], ["cup", "mug"][line % 3 / 2]);
    }
    fs::write(bench.path("a.txt"), &text).unwrap();
    fs::create_dir_all(bench.path("more/inner")).unwrap();
    fs::write(bench.path("more/inner/b.txt"), &text).unwrap();
    let gzip = Command::new("gzip").arg("-k").arg(bench.path("a.txt")).status();
    let small = ["word2vec", "train", "--dim", "8", "--epochs", "1"];
    bench.result(&with(&small, &["--data", "a.txt", "--run", "plain"]));
    if gzip.is_ok_and(|status| status.success()) {
        bench.result(&with(&small, &["--data", "a.txt.gz", "--run", "gzip"]));
        assert!(outcome(&bench.path("gzip")).0 == outcome(&bench.path("plain")).0);
    } else {
        eprintln!("skipped: no gzip here");
    }
    let output = with_input(&bench, &with(&small, &["--data", "-", "--run", "stdin"]), text.as_bytes());
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(outcome(&bench.path("stdin")).0 == outcome(&bench.path("plain")).0);
    bench.result(&with(&small, &["--data", "a.txt,more", "--run", "both"]));
    let counts = fs::read_to_string(bench.path("both/vocabulary.tsv")).unwrap();
    assert!(counts.starts_with("and\t600\n"), "{counts}");
    bench.result(&with(&small, &["--data", "a.txt", "--threads", "64"]));
    fs::write(bench.path("odd.txt"), [text.as_bytes(), &[0xff, 0xfe, b'\n'], text.as_bytes()].concat()).unwrap();
    let said = bench.failure(&with(&small, &["--data", "odd.txt"]), 1);
    assert!(said.contains("odd.txt") && said.contains("UTF-8") && said.contains("line 301"), "{said}");
}

#[test]
fn phrases_become_words() {
    let bench = bench();
    let mut text = String::new();
    for line in 0..200 {
        let _ = writeln!(text, "w{} new york w{} w{}", line % 7, line % 11, line % 13);
    }
    fs::write(bench.path("a.txt"), &text).unwrap();
    let result = bench.result(&["phrases", "--data", "a.txt", "--threshold", "3", "--to", "b.txt"]);
    assert_eq!(figure(&result, "joined"), 200.0);
    assert_eq!(fs::read_to_string(bench.path("b.txt")).unwrap(), text.replace("new york", "new_york"));
    assert_eq!(stdout(bench.run(&["phrases", "--data", "a.txt", "--threshold", "1e9"])), text);
    let said = bench.failure(&["phrases", "--data", "a.txt", "--threshold", "-1"], 2);
    assert!(said.contains("threshold"), "{said}");
    let said = bench.failure(&["phrases", "--data", "missing.txt"], 2);
    assert!(said.contains("missing.txt"), "{said}");
}

#[test]
fn unusable_texts_are_refused_with_advice() {
    let bench = bench();
    let refused = |content: &[u8], arguments: &[&str], hints: &[&str]| {
        fs::write(bench.path("bad.txt"), content).unwrap();
        let said = bench.failure(&with(&["word2vec", "train", "--data", "bad.txt"], arguments), 1);
        for hint in hints {
            assert!(said.contains(hint), "{said}");
        }
    };
    refused(b"", &[], &["no words"]);
    refused(b" \n\n", &[], &["no words"]);
    refused(b"every word once", &[], &["3 words", "min_count of at most 1"]);
    refused(&[b'x'; 2 << 20], &[], &["bad.txt"]);
    assert!(!bench.path("runs").exists(), "nothing is left behind");
}

#[test]
fn nodes_of_the_karate_club() {
    let bench = bench();
    let arguments =
        ["node2vec", "train", "--dim", "16", "--p", "1", "--q", "0.5", "--sample", "0", "--learning-rate", "0.05"];
    let result = bench.result(&with(&arguments, &["--run", "r", "--threads", "1"]));
    assert_eq!((figure(&result, "nodes"), figure(&result, "edges")), (34.0, 78.0));
    bench.result(&with(&arguments, &["--run", "s", "--threads", "3"]));
    assert!(outcome(&bench.path("r")) == outcome(&bench.path("s")));
    let scores = bench.result(&["evaluate", "nodes", "--run", "r"]);
    assert!(figure(&scores, "micro_f1") > figure(&scores, "baseline_micro_f1") + 0.2, "{scores}");
    assert!(fs::read_to_string(bench.path("r/report.html")).unwrap().contains("78 edges"));
    let links = bench.result(&["evaluate", "links", "--dim", "16", "--epochs", "2", "--share", "0.3"]);
    assert!((0.0..=1.0).contains(&figure(&links, "auc")) && figure(&links, "baseline_auc") > 0.5, "{links}");

    fs::write(bench.path("g.edges"), "a b 1\nb c 2\nc a 1\nd d 1\n").unwrap();
    let result = bench.result(&with(&arguments, &["--data", "g.edges", "--weighted", "--directed", "--run", "own"]));
    assert_eq!(figure(&result, "nodes"), 4.0);
    fs::write(bench.path("bad.edges"), "a b 1\nb c -2\n").unwrap();
    let said = bench.failure(&with(&arguments, &["--data", "bad.edges", "--weighted"]), 1);
    assert!(said.contains("bad.edges") && said.contains("line 2"), "{said}");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let bench = bench();
    for (arguments, hint) in [
        (&["word2vec", "train", "--dim", "0"][..], "setting `dim`"),
        (&["word2vec", "train", "--window", "0"], "setting `window`"),
        (&["word2vec", "train", "--epochs", "0"], "setting `epochs`"),
        (&["word2vec", "train", "--negative", "0"], "setting `negative`"),
        (&["word2vec", "train", "--learning-rate", "0"], "setting `learning_rate`"),
        (&["word2vec", "train", "--loss", "sofmax"], "softmax"),
        (&["word2vec", "train", "--set", "vectors.dmi=5"], "did you mean `dim`"),
        (&["word2vec", "train", "--set", "checkpoint_seconds=-1"], "checkpoint_seconds"),
        (&["word2vec", "train", "--data", "no/such.txt"], "no/such.txt"),
        (&["word2vec", "train", "--data", "planed"], "planed"),
        (&["word2vec", "train", "--model", "skipgarm"], "skipgram"),
        (&["word2vec", "train", "--engine", "brun"], "burn"),
        (&["word2vec", "train", "--device", "cuda"], "--engine burn"),
        (&["word2vec", "train", "--engine", "burn", "--loss", "softmax"], "setting `loss`"),
        (&["word2vec", "train", "--engine", "burn", "--hogwild"], "setting `hogwild`"),
        (&["node2vec", "train", "--engine", "burn", "--hogwild"], "setting `hogwild`"),
        (&["node2vec", "train", "--q", "0"], "setting `q`"),
        (&["node2vec", "train", "--length", "0"], "setting `length`"),
        (&["node2vec", "train", "--data", "missing.edges"], "missing.edges"),
    ] {
        let said = bench.failure(arguments, 2);
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
    assert!(!bench.path("runs").exists(), "nothing is left behind");
}

/// Training of some seconds that saves all the time.
const LONG: &[&str] = &["word2vec", "train", "--dim", "100", "--epochs", "30", "--set", "checkpoint_seconds=0.01"];

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), LONG);
}

#[test]
fn the_engine_of_burn_trains_words_and_nodes() {
    let bench = bench();
    let arguments = with(WORDS, &["--engine", "burn", "--epochs", "3", "--set", "checkpoint_seconds=0.01"]);
    let result = bench.result(&with(&arguments, &["--device", "cpu", "--threads", "1", "--run", "whole"]));
    assert!(figure(&result, "topic_share") > 0.9, "{result}");
    // On the processor the result does not depend on threads, and stopping changes nothing.
    let stopped = with(&arguments, &["--threads", "2", "--run", "stopped"]);
    let said = interrupted(&bench, &stopped, "stopped");
    assert!(said.contains("word2vec train --run stopped --resume"), "{said}");
    let said = bench.failure(&["word2vec", "train", "--run", "stopped", "--resume", "--engine", "cpu"], 2);
    assert!(said.contains("keeps its settings"), "{said}");
    bench.result(&["word2vec", "train", "--run", "stopped", "--resume"]);
    assert!(outcome(&bench.path("stopped")) == outcome(&bench.path("whole")), "weights or metrics differ");
    let nodes =
        bench.result(&["node2vec", "train", "--engine", "burn", "--p", "1", "--q", "0.5", "--dim", "16", "--run", "n"]);
    assert_eq!(figure(&nodes, "nodes"), 34.0);
    let scores = bench.result(&["evaluate", "nodes", "--run", "n"]);
    assert!(figure(&scores, "micro_f1") > figure(&scores, "baseline_micro_f1") + 0.2, "{scores}");
}

#[test]
fn ctrl_c_saves_what_there_is_and_resume_goes_on() {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    let bench = bench();
    let said = interrupted(&bench, &with(LONG, &["--run", "stopped"]), "stopped");
    assert!(said.contains("word2vec train --run stopped --resume"), "{said}");
    // What there is, is of use.
    let near: Value = bench.result(&["nn", "violin", "--run", "stopped"]);
    assert_eq!(figure(&near, "asked"), 1.0);
    let said = bench.failure(&with(LONG, &["--run", "stopped"]), 2);
    assert!(said.contains("--resume"), "{said}");
    let said = bench.failure(&["word2vec", "train", "--run", "stopped", "--resume", "--dim", "50"], 2);
    assert!(said.contains("keeps its settings"), "{said}");
    bench.result(&["word2vec", "train", "--run", "stopped", "--resume"]);
    bench.result(&with(LONG, &["--run", "whole"]));
    assert!(outcome(&bench.path("stopped")) == outcome(&bench.path("whole")), "weights or metrics differ");
}

#[test]
fn nodes_resume_after_ctrl_c() {
    let long =
        ["node2vec", "train", "--dim", "64", "--epochs", "40", "--threads", "1", "--set", "checkpoint_seconds=0.01"];
    resumes_after_ctrl_c(&bench(), &long);
}
