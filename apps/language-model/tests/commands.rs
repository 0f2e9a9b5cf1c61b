//! Every command on a small run, with right and wrong input.

mod common;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use common::{Bench, bench, small, stderr, text};
use serde_json::Value;

/// One trained run for the tests that only read it.
static TRAINED: LazyLock<(Bench, Value)> = LazyLock::new(|| {
    let bench = bench();
    let result = bench.result(&small(&["--epochs", "8", "--run", "r"]));
    (bench, result)
});

fn figure(result: &Value, name: &str) -> f64 {
    let metrics = &result["metrics"];
    metrics[name].as_f64().unwrap_or_else(|| panic!("{name} in {metrics}"))
}

#[test]
fn train_learns_and_leaves_everything_in_the_run_directory() {
    let (bench, result) = &*TRAINED;
    let loss = figure(result, "valid_nats_per_char");
    assert!(loss < figure(result, "bigram_nats_per_char"), "{result}");
    assert!(figure(result, "bigram_nats_per_char") < figure(result, "unigram_nats_per_char"));
    // A token is a character here; some have two or three bytes.
    assert!((figure(result, "valid_perplexity").ln() - loss).abs() < 1e-9);
    assert!(figure(result, "valid_bits_per_byte") < figure(result, "valid_bits_per_char"));
    assert!(figure(result, "tokens_per_second") > 0.0);
    assert_eq!(result["metrics"].get("true_nats_per_char"), None);
    assert_eq!(result["run"], "r");
    for file in ["config.json", "vocabulary.json", "split.json", "model.safetensors", "metrics.jsonl", "report.html"] {
        assert!(bench.path("r").join(file).is_file(), "{file}");
    }
    let report = fs::read_to_string(bench.path("r/report.html")).unwrap();
    assert!(report.contains("Written at temperature 1") && report.contains("море"));
    assert!(!report.contains("http://") && !report.contains("https://"));
}

#[test]
fn evaluate_repeats_what_training_measured_and_names_the_split() {
    let (bench, trained) = &*TRAINED;
    let evaluated = bench.result(&["evaluate", "--run", "r"]);
    for name in ["valid_nats_per_char", "valid_bits_per_byte", "valid_perplexity", "bigram_nats_per_char"] {
        assert_eq!(evaluated["metrics"][name], trained["metrics"][name], "{name}");
    }
    let split: Value = serde_json::from_slice(&fs::read(bench.path("r/split.json")).unwrap()).unwrap();
    assert_eq!(evaluated["metrics"]["sha256"], split["valid"]["sha256"]);
    let said = String::from_utf8(bench.run(&["evaluate", "--run", "r"]).stdout).unwrap();
    assert!(said.contains(split["valid"]["sha256"].as_str().unwrap()) && said.contains("bits per byte"), "{said}");
    let train = bench.result(&["evaluate", "--run", "r", "--part", "train"]);
    assert_eq!(train["metrics"]["sha256"], split["train"]["sha256"]);

    // The whole of another text, and one with a character that the model does not know.
    fs::write(bench.path("other.txt"), "the old bird and the sea\n").unwrap();
    let other = bench.result(&["evaluate", "--run", "r", "--data", "other.txt"]);
    assert_eq!(figure(&other, "tokens"), 24.0);
    fs::write(bench.path("strange.txt"), "the old ✿\n").unwrap();
    let said = bench.failure(&["evaluate", "--run", "r", "--data", "strange.txt"], 1);
    assert!(said.contains('✿') && said.contains("strange.txt"), "{said}");
    let said = bench.failure(&["evaluate", "--run", "r", "--part", "test"], 2);
    assert!(said.contains("no part \"test\""), "{said}");
}

#[test]
fn generate_writes_and_inspect_and_export_tell() {
    let (bench, _) = &*TRAINED;
    let arguments = ["generate", "--run", "r", "--prompt", "the old", "--length", "80", "--seed", "3"];
    let written = bench.result(&arguments);
    assert_eq!(bench.result(&arguments)["metrics"]["text"], written["metrics"]["text"]);
    let text = written["metrics"]["text"].as_str().unwrap();
    assert!(text.starts_with("the old") && text.chars().count() == 87, "{text}");
    bench.result(&["inspect", "--run", "r"]);

    let exported = bench.result(&["export", "--run", "r", "--to", "out.safetensors"]);
    // Two biases, as PyTorch's LSTM has.
    assert_eq!(figure(&exported, "tensors"), 7.0);
    let (tensors, metadata) = ognivo_core::weights::read(&bench.path("out.safetensors")).unwrap();
    assert_eq!(tensors["rnn.weight_ih_l0"].shape().as_slice(), [64, 8]);
    assert_eq!(metadata["pytorch"], true);
    bench.result(&["devices"]);
    bench.result(&["data", "list"]);
}

#[test]
fn every_kind_of_token_trains_and_writes() {
    let bench = bench();
    for unit in ["bytes", "words", "subwords:300"] {
        let result = bench.result(&small(&["--epochs", "1", "--unit", unit, "--run", unit]));
        assert!(figure(&result, "valid_bits_per_byte") > 0.0);
        let written = bench.result(&["generate", "--run", unit, "--length", "200"]);
        assert!(!written["metrics"]["text"].as_str().unwrap().is_empty());
    }
    // Any file, byte by byte.
    let noise: Vec<u8> = text(9_000).bytes().enumerate().map(|(i, byte)| byte ^ (i % 256) as u8).collect();
    fs::write(bench.path("noise.bin"), noise).unwrap();
    let said = bench.failure(&["train", "--data", "noise.bin"], 1);
    assert!(said.contains("noise.bin") && said.contains("--bytes"), "{said}");
    bench.result(&small(&["--data", "noise.bin", "--bytes", "--epochs", "1"]));
}

#[test]
fn a_test_part_is_measured_once_training_is_done() {
    let bench = bench();
    fs::create_dir(bench.path("parts")).unwrap();
    for (name, bytes) in [("a.train.txt", 9_000), ("a.valid.txt", 2_000), ("a.test.txt", 1_500)] {
        fs::write(bench.path("parts").join(name), text(bytes)).unwrap();
    }
    let result = bench.result(&small(&["--data", "parts", "--epochs", "1", "--run", "r"]));
    let evaluated = bench.result(&["evaluate", "--run", "r", "--part", "test"]);
    assert_eq!(evaluated["metrics"]["test_nats_per_char"], result["metrics"]["test_nats_per_char"]);
}

#[test]
fn unusable_texts_are_refused_with_advice_and_nothing_is_left_behind() {
    let bench = bench();
    let refused = |content: &[u8], arguments: &[&str], hints: &[&str]| {
        fs::write(bench.path("bad.txt"), content).unwrap();
        let said = bench.failure(&[&["train", "--data", "bad.txt"], arguments].concat(), 1);
        for hint in hints {
            assert!(said.contains(hint), "{said}");
        }
    };
    refused(b"", &[], &["bad.txt", "empty"]);
    refused(b"x", &[], &["bad.txt", "one character"]);
    refused(&[b'x'; 5000], &[], &["bad.txt", "character \"x\"", "nothing else"]);
    refused(b"good text, then \xff\xfe and more text", &[], &["bad.txt", "byte 16", "--bytes"]);
    refused(b"a short text", &[], &["training text", "--sequence-length", "--batch-size"]);
    refused(text(3000).as_bytes(), &["--sequence-length", "4000"], &["training text", "sequence_length = 4000"]);
    let said = bench.failure(&["train", "--data", "no/such/file.txt"], 1);
    assert!(said.contains("no/such/file.txt"), "{said}");
    assert!(!bench.path("runs").exists(), "nothing is left behind");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let bench = bench();
    let cases: [(&[&str], &str); 10] = [
        (&["train", "--set", "fit.epoch=3"], "did you mean `epochs`"),
        (&["train", "--cell", "lsmt"], "did you mean \"lstm\""),
        (&["train", "--unit", "chars"], "characters"),
        (&["train", "--bytes", "--unit", "words"], "cannot be used with"),
        (&["train", "--set", "network.tied=true"], "network.embedding"),
        (&["train", "--dropout", "1"], "dropout"),
        (&["train", "--hidden", "0"], "hidden"),
        (&["train", "--sequence-length", "0"], "sequence_length"),
        (&["train", "--epochs", "many"], "invalid value"),
        (&["train", "--data", "tiny-shakespear"], "tiny-shakespeare"),
    ];
    for (arguments, hint) in cases {
        let said = bench.failure(arguments, 2);
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
    assert!(!bench.path("runs").exists(), "nothing is left behind");
}

#[test]
fn an_exploding_loss_stops_and_suggests_clipping() {
    let bench = bench();
    let explode = ["--learning-rate", "1e30", "--set", "fit.clip_norm=null", "--run", "r"];
    let said = bench.failure(&small(&explode), 1);
    assert!(said.contains("explodes") && said.contains("--set fit.clip_norm=1"), "{said}");
    ognivo_core::train::checkpoint::Checkpoint::read(&bench.path("r/checkpoint/last.safetensors")).unwrap();
    let said = bench.failure(&["generate", "--run", "r"], 2);
    assert!(said.contains("no model.safetensors yet"), "{said}");
}

#[test]
fn files_of_another_run_are_named() {
    let bench = bench();
    fs::write(bench.path("other.txt"), text(20_000).to_uppercase()).unwrap();
    bench.result(&small(&["--epochs", "1", "--run", "r"]));
    bench.result(&small(&["--epochs", "1", "--run", "other", "--data", "other.txt"]));
    fs::copy(bench.path("other/vocabulary.json"), bench.path("r/vocabulary.json")).unwrap();
    for command in ["generate", "evaluate", "inspect", "export"] {
        let said = bench.failure(&[command, "--run", "r"], 1);
        assert!(said.contains("split.json: vocabulary") && said.contains("is another one"), "{command}: {said}");
    }
    let said = bench.failure(&["evaluate", "--run", "nowhere"], 2);
    assert!(said.contains("not a run directory"), "{said}");
    let said = bench.failure(&["generate"], 1);
    assert!(said.contains("language-model train"), "{said}");
}

#[test]
fn ctrl_c_ends_a_text() {
    if !cfg!(unix) {
        return eprintln!("skipped: signals are sent with kill(1)");
    }
    let (bench, _) = &*TRAINED;
    let arguments = ["generate", "--run", "r", "--length", "1000000000"];
    let child = bench.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    sleep(Duration::from_millis(500));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", stderr(&output));
}
