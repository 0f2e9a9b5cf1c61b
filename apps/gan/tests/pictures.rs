//! Generators of pictures, as a user trains and uses them.

mod common;

use std::path::Path;

use common::{Bench, bench, stderr, survives_ctrl_c, survives_kills};
use ognivo_core::data::{Image, picture};

/// A training run of a second or two on the digits.
const SMALL: &[&str] = &[
    "train",
    "--limit",
    "160",
    "--batch-size",
    "16",
    "--set",
    "model.latent=8",
    "--set",
    "classifier_epochs=1",
    "--set",
    "fit.checkpoint_seconds=0.02",
    "--threads",
    "1",
];
const FEW: &[&str] = &["--set", "model.filters=4"];

fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [SMALL, more].concat()
}

#[test]
fn a_conditional_run_killed_ten_times_ends_with_the_same_bytes() {
    survives_kills(&bench(), &small(&[FEW, &["--model", "conditional", "--epochs", "120"]].concat()));
}

#[test]
fn ctrl_c_saves_and_exits_130() {
    survives_ctrl_c(&bench(), &small(&[FEW, &["--model", "dcgan", "--epochs", "60"]].concat()));
}

#[test]
fn every_kind_is_trained_sampled_and_reported() {
    let bench = bench();
    for (model, more) in [("mlp", &["--set", "model.hidden=16"][..]), ("dcgan", FEW), ("conditional", FEW)] {
        let result = bench.result(&small(&[&["--model", model, "--epochs", "3", "--run", model], more].concat()));
        assert_eq!(result["metrics"]["steps"], 30);
        let page = std::fs::read_to_string(bench.path(&format!("{model}/report.html"))).unwrap();
        for part in
            ["The same noise, after so many epochs", "epoch 3", "D(G(z))", "Between samples", "the floor", "gan train"]
        {
            assert!(page.contains(part), "{model}: {part}");
        }
        let grid = open(&bench, &format!("{model}/progress/epoch-00003.png"));
        assert_eq!(open(&bench, &format!("{model}/training.png")).width, grid.width);

        bench.result(&["sample", "--run", model, "--count", "6", "--columns", "3", "--to", "a.png"]);
        bench.result(&["sample", "--run", model, "--count", "6", "--columns", "3", "--to", "b.png"]);
        let read = |name: &str| std::fs::read(bench.path(name)).unwrap();
        assert_eq!(read("a.png"), read("b.png"));
        bench.result(&["sample", "--run", model, "--count", "4", "--to", "files", "--truncation", "0.5"]);
        let files: Vec<_> = std::fs::read_dir(bench.path("files")).unwrap().map(|file| file.unwrap().path()).collect();
        assert_eq!(files.len(), 4);
        assert!(files.iter().all(|file| picture::decode_file(file).unwrap().width == 8));
        std::fs::remove_dir_all(bench.path("files")).unwrap();
        let result =
            bench.result(&["interpolate", "--run", model, "--points", "2", "--steps", "3", "--animation", "way.png"]);
        assert_eq!((result["metrics"]["pictures"].as_u64(), open(&bench, "way.png").width), (Some(6), 8));
    }
    // The first pictures of many are those of few.
    bench.result(&["sample", "--run", "dcgan", "--count", "1", "--to", "one"]);
    bench.result(&["sample", "--run", "dcgan", "--count", "2", "--to", "two"]);
    assert_eq!(open(&bench, "one/0.png"), open(&bench, "two/0.png"));
    // Only one of them knows of classes.
    bench.result(&["sample", "--run", "conditional", "--class", "7", "--count", "2", "--to", "sevens"]);
    assert!(bench.path("sevens/1-7.png").is_file());
    let said = bench.failure(&["sample", "--run", "dcgan", "--class", "7"], 2);
    assert!(said.contains("told no class"), "{said}");
    let said = bench.failure(&["sample", "--run", "conditional", "--class", "seven"], 2);
    assert!(said.contains("class") && said.contains("seven"), "{said}");
    for command in ["sample", "interpolate"] {
        let said = bench.failure(&[command, "--run", "mlp", "--truncation", "NaN"], 2);
        assert!(said.contains("`truncation`: found NaN"), "{said}");
    }
}

/// Figures of training, taken again, and beside the classifier of another run.
#[test]
fn what_is_generated_is_measured_beside_its_floor() {
    let bench = bench();
    let arguments = small(&[FEW, &["--model", "conditional", "--epochs", "1", "--run", "r"]].concat());
    let trained = bench.result(&arguments)["metrics"].clone();
    let floor = trained["frechet_floor"].as_f64().unwrap();
    assert!(trained["frechet"].as_f64().unwrap() > 2.0 * floor && floor > 0.0, "{trained}");
    assert!(trained["frechet_untrained"].as_f64().unwrap() > 2.0 * floor);
    // 510 test pictures are two halves of 255.
    assert_eq!((trained["count"].as_u64(), trained["classes_total"].as_u64()), (Some(255), Some(10)));
    assert!(trained["precision_floor"].as_f64().unwrap() > 0.5);
    assert!((0.0..=1.0).contains(&trained["conditional_accuracy"].as_f64().unwrap()));
    assert_eq!(trained["classifier_sha256"].as_str().unwrap().len(), 64);
    let again = bench.result(&["evaluate", "--run", "r"])["metrics"].clone();
    for (name, value) in again.as_object().unwrap() {
        match (value.as_f64(), trained[name].as_f64()) {
            (Some(found), Some(before)) => {
                assert!((found - before).abs() <= 1e-6 * before.abs(), "{name}: {found} {before}")
            }
            _ => assert_eq!(&trained[name], value, "{name}"),
        }
    }
    // The classifier is a run of its own, and serves another one.
    let arguments = small(&[FEW, &["--epochs", "1", "--run", "s", "--classifier", "r/classifier"]].concat());
    let other = bench.result(&arguments)["metrics"].clone();
    assert_eq!(other["classifier_sha256"], trained["classifier_sha256"]);
    assert_eq!(other["frechet_floor"], trained["frechet_floor"]);
    assert!(other["conditional_accuracy"].is_null());
    let said = bench.failure(&["evaluate", "--run", "s", "--classifier", "s"], 1);
    assert!(said.contains("config.json"), "{said}");
    // Without one there are measures on pixels.
    let arguments = small(&["--model", "mlp", "--epochs", "1", "--run", "t", "--set", "classifier_epochs=0"]);
    let plain = bench.result(&arguments)["metrics"].clone();
    assert!(plain["frechet"].is_null() && plain["sliced_wasserstein"].as_f64().unwrap() > 0.0);
}

fn open(bench: &Bench, name: &str) -> Image {
    picture::decode_file(&bench.path(name)).unwrap()
}

fn put(path: &Path, width: usize, height: usize, channels: usize, value: impl Fn(usize) -> u8) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let pixels = (0..width * height * channels).map(value).collect();
    picture::write_png(path, &Image::new(width, height, channels, pixels).unwrap()).unwrap();
}

/// Folders that nobody should train on, and that must not break anything: trained for a few steps with batch normalisation.
#[test]
fn odd_folders_are_trained_on() {
    let bench = bench();
    let train = |run: &str, data: &str, more: &[&str]| {
        let few = if more.contains(&"mlp") { &["--set", "model.hidden=4"] } else { FEW };
        let arguments = [&["train", "--data", data, "--epochs", "2", "--run", run], few, more].concat();
        let output = bench.run(&arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        stderr(&output)
    };
    // One picture, which is fewer than a batch, in a batch of one.
    put(&bench.path("one/a.png"), 16, 16, 3, |index| (index * 5) as u8);
    assert!(train("r1", "one", &[]).contains("1 pictures are fewer than a batch of 64"));
    train("r2", "one", &["--batch-size", "1", "--model", "mlp"]);
    train("r3", "one", &["--batch-size", "1"]);
    // Different sizes and modes; what is no picture is passed over and named.
    put(&bench.path("mixed/a.png"), 20, 9, 1, |index| index as u8);
    put(&bench.path("mixed/b.png"), 40, 64, 3, |index| index as u8);
    std::fs::write(bench.path("mixed/notes.txt"), "no picture").unwrap();
    assert!(train("r4", "mixed", &["--set", "model.size=16"]).contains("notes.txt: skipped"));
    bench.result(&["sample", "--run", "r4", "--count", "1", "--to", "mixed-sample"]);
    assert_eq!(open(&bench, "mixed-sample/0.png").channels, 3);
    // All black.
    for index in 0..4 {
        put(&bench.path(&format!("black/{index}.png")), 8, 8, 1, |_| 0);
    }
    train("r5", "black", &["--set", "fit.collapse.after=0", "--set", "fit.collapse.every=1"]);
    // A picture that is damaged leaves no run behind.
    std::fs::write(bench.path("black/5.png"), "\u{89}PNG nonsense").unwrap();
    let said = bench.failure(&["train", "--data", "black", "--run", "r6"], 1);
    assert!(said.contains("5.png") && !bench.path("r6").exists(), "{said}");
}

#[test]
fn wrong_usage_says_what_was_expected() {
    let bench = bench();
    put(&bench.path("one/a.png"), 16, 16, 1, |index| index as u8);
    for (arguments, code, part) in [
        (&["train", "--model", "conditional", "--data", "one"][..], 2, "at least two classes"),
        (&["train", "--set", "model.size=30"], 2, "`model.size`: found 30"),
        (&["train", "--set", "model.size=100000"], 2, "`model.size`: found 100000"),
        (&["train", "--set", "model.filters=0"], 2, "`model.filters`: found 0"),
        (&["train", "--set", "model.filters=1024", "--set", "model.size=256"], 2, "at most 128 for pictures of 256"),
        (&["train", "--limit", "0"], 2, "`limit`: found 0"),
        (&["train", "--model", "mixture", "--limit", "5"], 2, "`limit`: found 5"),
        (&["train", "--model", "mlp", "--set", "model.hiden=3"], 2, "hiden"),
        (&["train", "--data", "nowhere/at/all"], 1, "nowhere/at/all"),
        (&["sample", "--run", "one"], 2, "not a run directory"),
        (&["sample"], 1, "no run yet"),
    ] {
        let said = bench.failure(arguments, code);
        assert!(said.contains(part), "{arguments:?}: {said}");
        assert!(!bench.path("runs").exists(), "nothing is left behind");
    }
    // A run of other networks.
    bench.result(&small(&["--model", "mlp", "--epochs", "1", "--run", "r"]));
    let said = bench.failure(&["train", "--run", "r", "--resume", "--model", "dcgan"], 2);
    assert!(said.contains("keeps its settings"), "{said}");
    bench.result(&["train", "--model", "mixture", "--epochs", "1", "--set", "model.hidden=8", "--run", "m"]);
    let said = bench.failure(&["sample", "--run", "m"], 2);
    assert!(said.contains("a run of a mixture"), "{said}");
    // A run of other pictures.
    let file = bench.path("r/pictures.json");
    let text = std::fs::read_to_string(&file).unwrap().replace("\"side\": 8", "\"side\": 16");
    std::fs::write(&file, text).unwrap();
    let said = bench.failure(&["sample", "--run", "r"], 1);
    assert!(said.contains("model.safetensors") && said.contains("shape"), "{said}");
}

/// A device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_is_full_is_an_error_that_names_the_file() {
    let bench = bench();
    bench.result(&small(&["--model", "mlp", "--epochs", "1", "--run", "r"]));
    let said = bench.failure(&["sample", "--run", "r", "--to", "/proc/ognivo/a.png"], 1);
    assert!(said.contains("/proc/ognivo") && said.contains("cannot create"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let mount = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"])
        .arg(folder.path())
        .output();
    if !mount.is_ok_and(|output| output.status.success()) {
        return eprintln!("skipped: no full disk can be made here (mounting a tmpfs needs root)");
    }
    let to = folder.path().join("many");
    let said = bench.failure(&["sample", "--run", "r", "--count", "500", "--to", to.to_str().unwrap()], 1);
    // What was written before is whole.
    let files: Vec<_> = std::fs::read_dir(&to).unwrap().map(|file| file.unwrap().path()).collect();
    let whole = files.iter().all(|file| picture::decode_file(file).is_ok());
    assert!(std::process::Command::new("umount").arg(folder.path()).status().unwrap().success());
    assert!(said.contains("many") && said.contains("cannot write"), "{said}");
    assert!(whole && !files.is_empty());
}
