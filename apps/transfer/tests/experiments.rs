//! Curves, transferability, patch position and probes from the command line, in small.

mod common;

use common::bench;
use ognivo_core::data::{digits, picture};

#[test]
fn a_curve_is_measured_and_gone_on_with() {
    let bench = bench();
    let origin = ["train", "--from", "scratch", "--data", "digits", "--classes", "0,1,2,3,4", "--limit", "150"];
    let classes = [
        "--network",
        "alexnet",
        "--set",
        "network.stem=cifar",
        "--set",
        "network.width=0.1",
        "--set",
        "network.hidden=16",
    ];
    let more = ["--set", "network.dropout=0", "--set", "image_size=[16,16]", "--epochs", "2", "--run", "origin"];
    let trained = bench.result(&[&origin[..], &classes, &more].concat());
    assert!((trained["metrics"]["baseline_accuracy"].as_f64().unwrap() - 0.2).abs() < 0.03, "five classes: {trained}");
    let target = ["curve", "--from", "origin", "--data", "digits", "--classes", "5,6,7,8,9", "--sizes", "10,20"];
    let small = ["--steps", "5", "--epochs", "1", "--seeds", "2", "--test", "60", "--run", "curve", "--resume"];
    let curve = [&target[..], &small].concat();
    let result = bench.result(&curve);
    let rows = result["metrics"]["rows"].as_array().unwrap();
    assert!(rows.len() == 2 && rows[1]["examples"] == 20 && rows[1]["scratch"]["high"].is_number(), "{result}");
    let lines = || std::fs::read_to_string(bench.path("curve/trials.jsonl")).unwrap().lines().count();
    assert_eq!(lines(), 12);
    assert_eq!(bench.result(&["curve", "--run", "curve", "--resume"])["metrics"]["rows"], result["metrics"]["rows"]);
    assert_eq!(lines(), 12, "nothing is measured twice");
    assert!(std::fs::read_to_string(bench.path("curve/report.html")).unwrap().contains("What transfer is worth"));
    let divided =
        ["transferability", "--data", "digits", "--limit", "30", "--epochs", "1", "--seeds", "1", "--test", "30"];
    let narrow = ["--set", "network.width=0.05", "--set", "image_size=[16,16]", "--run", "halves"];
    let halves = bench.result(&[&divided[..], &narrow].concat());
    let rows = halves["metrics"]["rows"].as_array().unwrap();
    assert!(rows.len() == 7 && rows[6]["accuracy"]["AnB+"]["mean"].is_number(), "{halves}");
    for (arguments, code, expected) in [
        (&["curve", "--from", "origin", "--data", "digits", "--sizes", "100000"][..], 2, "expected sizes from 1"),
        (&["curve", "--from", "scratch", "--data", "digits"], 2, "nothing to transfer"),
        (&["curve", "--from", "origin", "--data", "digits", "--classes", "5,x"], 2, "found \"x\""),
        (&["curve", "--from", "origin", "--data", "digits", "--run", "curve"], 2, "--resume"),
        (&["transferability", "--data", "digits", "--network", "standard"], 2, "has no stages"),
    ] {
        let said = bench.failure(arguments, code);
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn patches_are_learnt_from_and_probed() {
    let bench = bench();
    let train = digits().unwrap().train;
    for index in 0..120 {
        let folder = bench.path("pictures").join(train.label(index).to_string());
        std::fs::create_dir_all(&folder).unwrap();
        picture::write_png(&folder.join(format!("{index}.png")), &train.image(index).unwrap()).unwrap();
    }
    let size =
        ["--set", "image_size=[24,24]", "--set", "pairs.patch=6", "--set", "pairs.gap=1", "--set", "pairs.jitter=1"];
    let arguments = ["patch-position", "train", "--data", "pictures", "--epochs", "1", "--run", "patches"];
    let result = bench.result(&[&arguments[..], &size].concat());
    assert!(
        result["metrics"]["test_accuracy"].as_f64().unwrap() > 0.0 && result["metrics"]["baseline_accuracy"] == 0.125
    );
    let report = std::fs::read_to_string(bench.path("patches/report.html")).unwrap();
    assert!(report.contains("Directions taken for others") && report.contains("below left"));
    bench.result(&["patch-position", "train", "--run", "patches", "--resume"]);
    let probe =
        ["probe", "--from", "patches/trunk", "--data", "pictures", "--labels", "20", "--steps", "2", "--seeds", "1"];
    let probed = bench.result(&[&probe[..], &["--epochs", "1", "--run", "probed"]].concat());
    let rows = probed["metrics"]["rows"].as_array().unwrap();
    assert_eq!(
        rows.iter().map(|row| row["features"].as_str().unwrap()).collect::<Vec<_>>(),
        ["random", "own", "supervised"]
    );
    assert!(rows.iter().all(|row| row["stages"].as_array().unwrap().len() == 4), "{probed}");
    assert!(bench.result(&["vectorise", "pictures", "--from", "patches/trunk"])["metrics"]["vectors"] == 120);
    let shortcuts =
        ["patch-position", "shortcuts", "--data", "pictures", "--limit", "60", "--side", "24", "--patch", "6"];
    let audited = bench.result(&[&shortcuts[..], &["--gap", "1", "--jitter", "1"]].concat());
    assert_eq!(audited["metrics"]["rows"].as_array().unwrap().len(), 6);
    let zoomed = ["--gap", "1", "--jitter", "1", "--zoom", "0.9,1.4", "--wobble", "0.1", "--anywhere"];
    let audited = bench.result(&[&shortcuts[..], &zoomed].concat());
    assert_eq!(audited["metrics"]["rows"].as_array().unwrap().len(), 7);
    let said = bench.failure(&[&shortcuts[..], &["--zoom", "0.9"]].concat(), 2);
    assert!(said.contains("two numbers"), "{said}");
    let said = bench.failure(&["patch-position", "train", "--data", "pictures", "--run", "wrong"], 2);
    assert!(said.contains("pictures of at least 60 x 60"), "{said}");
}
