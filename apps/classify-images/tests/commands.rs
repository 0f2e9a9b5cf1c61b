//! Every command on a small run, with right and wrong input.

mod common;

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use common::{Bench, bench, small};
use ognivo_core::data::{Image, digits, picture};
use serde_json::Value;

/// One trained run for the tests that only read it.
static TRAINED: LazyLock<(Bench, Value)> = LazyLock::new(|| {
    let bench = bench();
    let result = bench.result(&small(&["--epochs", "12", "--run", "r"]));
    (bench, result)
});

fn write_digit(path: &Path, index: usize, change: impl Fn(Image) -> Image) -> usize {
    let test = digits().unwrap().test.unwrap();
    picture::write_png(path, &change(test.image(index).unwrap())).unwrap();
    test.label(index)
}

#[test]
fn train_learns_and_leaves_everything_in_the_run_directory() {
    let (bench, result) = &*TRAINED;
    let metrics = &result["metrics"];
    let figure = |name: &str| metrics[name].as_f64().unwrap_or_else(|| panic!("{name} in {metrics}"));
    let (low, accuracy, high) = (figure("test_accuracy_low"), figure("test_accuracy"), figure("test_accuracy_high"));
    assert!(low < accuracy && accuracy < high && figure("test_loss") > 0.0);
    assert!(accuracy > 0.6 && figure("baseline_accuracy") < 0.12, "{metrics}");
    assert_eq!(result["run"], "r");
    for file in
        ["config.json", "preprocessing.json", "classes.json", "model.safetensors", "metrics.jsonl", "report.html"]
    {
        assert!(bench.path("r").join(file).is_file(), "{file}");
    }
    let report = fs::read_to_string(bench.path("r/report.html")).unwrap();
    assert!(report.contains("Confusion matrix") && !report.contains("http://") && !report.contains("https://"));
}

#[test]
fn evaluate_repeats_what_training_measured() {
    let (bench, trained) = &*TRAINED;
    let evaluated = bench.result(&["evaluate", "--run", "r"]);
    assert_eq!(evaluated["metrics"]["test_accuracy"], trained["metrics"]["test_accuracy"]);
    assert_eq!(evaluated["metrics"]["test_loss"], trained["metrics"]["test_loss"]);
    let valid = bench.result(&["evaluate", "--run", "r", "--part", "valid"]);
    assert_eq!(valid["metrics"]["valid_accuracy"], trained["metrics"]["valid_accuracy"]);
}

#[test]
fn predict_adapts_size_colour_and_polarity() {
    let (bench, _) = &*TRAINED;
    let large = |image: Image| picture::to_channels(&picture::resize(&image, 80, 80).unwrap(), 3).unwrap();
    let label = write_digit(&bench.path("plain.png"), 3, |image| image);
    write_digit(&bench.path("large.png"), 3, large);
    write_digit(&bench.path("dark-on-light.png"), 3, |image| picture::invert(&large(image)));
    let output = bench.run(&["predict", "plain.png", "large.png", "dark-on-light.png", "--run", "r", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let first: Vec<Value> =
        text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["classes"][0].clone()).collect();
    for guess in &first[..3] {
        assert_eq!(guess["class"], first[0]["class"], "the same digit in other clothes: {text}");
    }
    assert_eq!(first[0]["class"], label.to_string(), "{text}");
}

#[test]
fn predict_goes_on_after_a_file_that_is_no_picture() {
    let (bench, _) = &*TRAINED;
    write_digit(&bench.path("good.png"), 5, |image| image);
    fs::write(bench.path("notes.png"), "no picture").unwrap();
    let output = bench.run(&["predict", "notes.png", "missing.png", "good.png", "--run", "r"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("good.png"));
    let said = common::stderr(&output);
    assert!(said.contains("notes.png") && said.contains("missing.png"), "{said}");
}

#[test]
fn inspect_export_and_preview_write_what_they_say() {
    let (bench, _) = &*TRAINED;
    let inspected =
        bench.result(&["inspect", "--run", "r", "--layer", "blocks.0.conv", "--unit", "2", "--pictures", "100"]);
    assert!(inspected["metrics"]["parameters"].as_u64().unwrap() > 100);
    assert!(bench.path("r/filters.png").is_file() && bench.path("r/patches-blocks-0-conv-2.png").is_file());
    let said = bench.failure(&["inspect", "--run", "r", "--layer", "conv9", "--unit", "0"], 2);
    assert!(said.contains("blocks.0.conv"), "{said}");
    let resnet = bench.result(&["inspect", "--network", "resnet20", "--input", "3x32x32"]);
    assert_eq!(resnet["metrics"]["parameters"], 269_722);
    bench.result(&["export", "--run", "r", "--to", "out.safetensors"]);
    let (tensors, metadata) = ognivo_core::weights::read(&bench.path("out.safetensors")).unwrap();
    assert_eq!(tensors["blocks.0.conv.weight"].shape().as_slice(), [8, 1, 3, 3]);
    assert_eq!(metadata["classes"].as_array().unwrap().len(), 10);
    bench.result(&["augment-preview", "--augment", "shift=1", "--to", "preview.png"]);
    assert!(picture::decode_file(&bench.path("preview.png")).unwrap().width > 100);
}

#[test]
fn devices_and_data_are_listed() {
    let bench = bench();
    let devices = bench.result(&["devices"]);
    assert!(devices["metrics"]["usable"].as_u64().unwrap() >= 1);
    bench.result(&["data", "list"]);
    let said = bench.failure(&["train", "--device", "cuda:0"], 1);
    assert!(said.contains("--features cuda") || cfg!(feature = "cuda"), "{said}");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let bench = bench();
    let cases: [(&[&str], &str); 7] = [
        (&["train", "--set", "fit.epoch=3"], "did you mean `epochs`"),
        (&["train", "--set", "network=lenet"], "did you mean `lenet5`"),
        (&["train", "--network", "resnet21"], "unknown variant"),
        (&["train", "--augment", "flp"], "flip"),
        (&["train", "--set", "fit.optimizer.beta1=2"], "beta1"),
        (&["train", "--epochs", "many"], "invalid value"),
        (&["train", "--data", "mnits"], "mnist"),
    ];
    for (arguments, hint) in cases {
        let said = bench.failure(arguments, 2);
        assert!(said.contains(hint), "{arguments:?}: {said}");
    }
    let said = bench.failure(&["train", "--data", "no/such/folder"], 1);
    assert!(said.contains("no such file or folder"), "{said}");
    assert!(!bench.path("runs").exists(), "nothing is left behind");
}

#[test]
fn a_loss_that_is_not_finite_names_the_step_and_keeps_the_last_good_state() {
    let bench = bench();
    let said = bench.failure(&small(&["--learning-rate", "1e30", "--run", "r"]), 1);
    assert!(said.contains("step") && said.contains("learning-rate"), "{said}");
    ognivo_core::train::checkpoint::Checkpoint::read(&bench.path("r/checkpoint/last.safetensors")).unwrap();
}

#[test]
fn damaged_and_foreign_files_are_named() {
    let bench = bench();
    bench.result(&small(&["--epochs", "1", "--run", "r"]));
    bench.result(&small(&["--epochs", "1", "--run", "other", "--set", "network.channels=[8,9]"]));
    let checkpoint = bench.path("r/checkpoint/last.safetensors");
    let good = fs::read(&checkpoint).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 4;
    for broken in [&flipped[..], &good[..good.len() - 7], &[]] {
        fs::write(&checkpoint, broken).unwrap();
        let said = bench.failure(&["train", "--run", "r", "--resume", "--epochs", "2"], 1);
        assert!(said.contains("last.safetensors"), "{said}");
    }
    fs::copy(bench.path("other/checkpoint/last.safetensors"), &checkpoint).unwrap();
    let said = bench.failure(&["train", "--run", "r", "--resume", "--epochs", "2"], 1);
    assert!(said.contains("tensor blocks.1.bn.bias: found shape [9]; expected shape [8]"), "{said}");
    fs::write(&checkpoint, good).unwrap();
    bench.result(&["train", "--run", "r", "--resume", "--epochs", "2"]);
    fs::write(bench.path("r/config.json"), "{\"seed\": }").unwrap();
    let said = bench.failure(&["predict", "x.png", "--run", "r"], 1);
    assert!(said.contains("config.json") && said.contains("line 1"), "{said}");
}

#[test]
fn a_folder_of_pictures_trains_and_strays_are_reported() {
    let bench = bench();
    let test = digits().unwrap().test.unwrap();
    for index in 0..90 {
        let folder = bench.path("photos").join(format!("class {}", test.label(index) % 3));
        fs::create_dir_all(&folder).unwrap();
        // Sizes differ on purpose.
        let image = picture::resize(&test.image(index).unwrap(), 8 + index % 3, 9).unwrap();
        picture::write_png(&folder.join(format!("{index}.png")), &image).unwrap();
    }
    fs::write(bench.path("photos/class 0/readme.txt"), "not a picture").unwrap();
    let output = bench.run(&small(&["--data", "photos", "--epochs", "1", "--run", "r", "--set", "image_size=[12,12]"]));
    let said = common::stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("readme.txt") && said.contains("held out"), "{said}");
    // A run's configuration names its data set too, and repeats the run.
    bench.result(&["train", "--config", "r/config.json", "--run", "again"]);
    assert!(common::outcome(&bench.path("again")) == common::outcome(&bench.path("r")), "weights or metrics differ");
    fs::remove_dir_all(bench.path("photos/class 1")).unwrap();
    fs::remove_dir_all(bench.path("photos/class 2")).unwrap();
    let said = bench.failure(&["train", "--data", "photos"], 1);
    assert!(said.contains("class"), "{said}");
}

#[test]
fn a_run_directory_that_cannot_be_written_is_named() {
    let bench = bench();
    fs::write(bench.path("file"), "").unwrap();
    let said = bench.failure(&small(&["--run", "file/run"]), 1);
    assert!(said.contains("file/run"), "{said}");
}
