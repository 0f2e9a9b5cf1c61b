//! Translation, as a user trains and uses it.

mod common;

use std::path::Path;

use common::{Bench, bench, stderr, survives_ctrl_c, survives_kills};
use ognivo_core::data::{Image, picture};

/// A training run of a second or two on the digits.
const SMALL: &[&str] = &[
    "translate",
    "train",
    "--limit",
    "160",
    "--batch-size",
    "16",
    "--set",
    "model.filters=4",
    "--set",
    "classifier_epochs=0",
    "--set",
    "fit.checkpoint_seconds=0.02",
    "--threads",
    "1",
];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, more].concat()
}

#[test]
fn a_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), &small(&["--epochs", "60", "--set", "model.size=16"]));
}

#[test]
fn ctrl_c_saves_and_exits_130() {
    survives_ctrl_c(&bench(), &small(&["--epochs", "30", "--set", "model.size=16"]));
}

fn put(path: &Path, side: usize, value: impl Fn(usize) -> u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = (0..side * side).map(value).collect();
    picture::write_png(path, &Image::new(side, side, 1, pixels).unwrap()).unwrap();
}

fn pairs(bench: &Bench, folder: &str, count: usize) {
    for index in 0..count {
        put(&bench.path(&format!("{folder}/input/{index}.png")), 20, |place| (place * (index + 1)) as u8);
        put(&bench.path(&format!("{folder}/target/{index}.png")), 16, |place| (place * (index + 1) / 2) as u8);
    }
}

#[test]
fn digits_are_made_from_their_edges_and_measured() {
    let bench = bench();
    let arguments = small(&["--epochs", "4", "--set", "classifier_epochs=1", "--run", "r"]);
    let figures = bench.result(&arguments)["metrics"].clone();
    let number = |name: &str| figures[name].as_f64().unwrap();
    assert_eq!((figures["count"].as_u64(), figures["steps"].as_u64()), (Some(510), Some(40)));
    assert!(number("accuracy_real") > number("accuracy_input"), "{figures}");
    assert!(number("l1") > 0.0 && number("l1_of_mean") > 0.0 && number("sharpness") > 0.0);
    let page = std::fs::read_to_string(bench.path("r/report.html")).unwrap();
    for part in ["What was given, what was made", "D(G(z))", "epoch 4", "gan translate train"] {
        assert!(page.contains(part), "{part}");
    }
    assert!(bench.path("r/training.png").is_file());

    put(&bench.path("in/a.png"), 30, |place| if place % 30 > 12 { 255 } else { 0 });
    put(&bench.path("in/deep/b.png"), 8, |place| place as u8);
    bench.result(&["translate", "apply", "in/a.png", "--run", "r", "--edges", "--to", "one.png"]);
    assert_eq!(picture::decode_file(&bench.path("one.png")).unwrap().width, 8);
    let result = bench.result(&["translate", "apply", "in", "--run", "r", "--to", "out"]);
    assert_eq!(result["metrics"]["pictures"], 2);
    assert!(bench.path("out/a.png").is_file() && bench.path("out/deep/b.png").is_file());
    let said = bench.failure(&["translate", "apply", "in", "--run", "r", "--to", "out.png"], 2);
    assert!(said.contains("is a folder"), "{said}");
    let said = bench.failure(&["translate", "apply", "in/a.png", "--run", "r", "--to", "/proc/ognivo/a.png"], 1);
    assert!(said.contains("/proc/ognivo"), "{said}");
    // A run of one command is not that of another.
    for arguments in [&["sample", "--run", "r"][..], &["train", "--run", "r", "--resume"]] {
        let said = bench.failure(arguments, 2);
        assert!(said.contains("config.json: not of a run of `gan train`"), "{said}");
    }
    std::fs::create_dir_all(bench.path("other")).unwrap();
    std::fs::write(bench.path("other/config.json"), r#"{"network": {"network": "lenet5"}}"#).unwrap();
    for arguments in [
        &["translate", "apply", "in/a.png", "--run", "other"][..],
        &["translate", "train", "--run", "other", "--resume"],
    ] {
        let said = bench.failure(arguments, 2);
        assert!(said.contains("not of a run of `gan translate train`"), "{said}");
    }
}

#[test]
fn pairs_of_the_users_own() {
    let bench = bench();
    pairs(&bench, "own", 6);
    std::fs::write(bench.path("own/input/notes.txt"), "no picture").unwrap();
    let arguments = [
        "translate",
        "train",
        "--data",
        "own",
        "--epochs",
        "2",
        "--set",
        "model.filters=4",
        "--run",
        "r",
        "--threads",
        "1",
    ];
    let output = bench.run(&arguments);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("notes.txt: skipped") && said.contains("fewer than a batch of 16"), "{said}");
    // The film's figure.
    let film =
        ["translate", "train", "--data", "sprites", "--limit", "32", "--epochs", "1", "--set", "model.filters=4"];
    let film = [&film[..], &["--set", "model.size=16", "--run", "film", "--threads", "1"]].concat();
    bench.result(&film);
    assert!(bench.path("film/film.png").is_file());
    // Files without a partner are named.
    std::fs::remove_file(bench.path("own/target/3.png")).unwrap();
    put(&bench.path("own/target/z.png"), 16, |place| place as u8);
    let said = bench.failure(&["translate", "train", "--data", "own", "--run", "s"], 1);
    assert!(said.contains("target/3 for own/input/3.png") && said.contains("input/z for own/target/z.png"), "{said}");
    std::fs::remove_dir_all(bench.path("own/target")).unwrap();
    let said = bench.failure(&["translate", "train", "--data", "own", "--run", "s"], 1);
    assert!(said.contains("own/target"), "{said}");
    pairs(&bench, "single", 1);
    let said = bench.failure(&["translate", "train", "--data", "single", "--run", "s"], 1);
    assert!(said.contains("at least 2"), "{said}");
    for (setting, part) in [
        ("model.patch=20", "`model.patch`: found 20"),
        ("model.size=30", "`model.size`: found 30"),
        ("model.l1=-1", "`model.l1`: found -1"),
        ("model.filter=3", "did you mean `filters`"),
        ("fit.objective=wasserstein-lipschitz", "judges patches singly"),
    ] {
        let said = bench.failure(&["translate", "train", "--set", setting], 2);
        assert!(said.contains(part), "{setting}: {said}");
    }
    let said = bench.failure(&["train", "--set", "fit.adversarial=false"], 2);
    assert!(said.contains("`fit.adversarial`: found false"), "{said}");
    assert!(!bench.path("runs").exists() && !bench.path("s").exists(), "nothing is left behind");
}
