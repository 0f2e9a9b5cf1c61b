//! Every command, with right and wrong input.

mod common;

use common::bench;
use ognivo_cnn::image::model::{InputShape, NetworkConfig};
use ognivo_core::weights::{save, tensors_of};
use serde_json::Value;

#[test]
fn models_are_listed() {
    let result = bench().result(&["models"]);
    assert!(result["metrics"]["models"].as_u64().unwrap() > 15);
}

#[test]
fn weights_are_verified_and_exported() {
    let bench = bench();
    let device = ognivo_core::device::parse("cpu").unwrap();
    let input = InputShape { channels: 3, height: 224, width: 224 };
    let network = NetworkConfig::named("squeezenet").unwrap().init(input, 10, &device).unwrap();
    let mut tensors = tensors_of(&network);
    save(&bench.path("good.safetensors"), &tensors, Value::Null).unwrap();
    let source = ["--model", "squeezenet1_1", "--weights", "good.safetensors"];
    let result = bench.result(&[&["verify"][..], &source, &["--classes", "10"]].concat());
    assert_eq!(result["metrics"]["logits"].as_array().unwrap().len(), 10);
    assert!(result["metrics"]["norm"].as_f64().unwrap() > 0.0);
    bench.result(&[&["export"][..], &source, &["--classes", "10", "--to", "again.safetensors"]].concat());
    let (again, metadata) = ognivo_core::weights::read(&bench.path("again.safetensors")).unwrap();
    assert_eq!(again, tensors);
    assert_eq!(metadata["network"]["network"], "squeezenet");

    // As published there are 1000 classes; and a tensor is missing.
    let said = bench.failure(&[&["verify"][..], &source].concat(), 1);
    assert!(said.contains("2 differences"), "{said}");
    tensors.remove("features.0.bias");
    save(&bench.path("bad.safetensors"), &tensors, Value::Null).unwrap();
    let bad = ["--model", "squeezenet1-1", "--weights", "bad.safetensors", "--classes", "10"];
    let output = bench.run(&[&["verify"][..], &bad].concat());
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("missing     features.0.bias [64]"));
    let said = bench.failure(&[&["export"][..], &bad].concat(), 1);
    assert!(said.contains("tensor features.0.bias: found nothing"), "{said}");
}

#[test]
fn wrong_usage_says_what_is_right() {
    let bench = bench();
    let said = bench.failure(&["verify", "--model", "resnet19"], 2);
    assert!(said.contains("did you mean"), "{said}");
    let said = bench.failure(&["verify", "--model", "resnet18", "--weights", "none.pth"], 1);
    assert!(said.contains("none.pth: cannot read"), "{said}");
    std::fs::write(bench.path("notes.pth"), "no weights").unwrap();
    let said = bench.failure(&["export", "--model", "resnet18", "--weights", "notes.pth"], 1);
    assert!(said.contains("a .pth file of torch.save"), "{said}");
}

/// A network trained on a part of the digits, to start from.
const ORIGIN: &[&str] = &[
    "train",
    "--from",
    "scratch",
    "--network",
    "resnet20",
    "--data",
    "digits",
    "--limit",
    "300",
    "--epochs",
    "3",
    "--run",
    "origin",
];

#[test]
fn a_run_is_fine_tuned_compared_and_used() {
    let bench = bench();
    bench.result(ORIGIN);
    let head = ["train", "--from", "origin", "--data", "digits", "--limit", "100", "--epochs", "5", "--threads", "1"];
    let result = bench.result(&[&head[..], &["--run", "head", "--compare-scratch"]].concat());
    let figure = |name: &str| result["metrics"][name].as_f64().unwrap_or_else(|| panic!("{name} in {result}"));
    assert!(figure("test_accuracy") > figure("baseline_accuracy") + 0.2, "{result}");
    assert!(figure("nearest_neighbour_accuracy") > 0.3 && figure("scratch_accuracy") > 0.0);
    let report = std::fs::read_to_string(bench.path("head/report.html")).unwrap();
    assert!(report.contains("What the origin is worth") && report.contains("the same network from random weights"));
    // Only the classifier learned.
    let tensors = |run: &str| ognivo_core::weights::read(&bench.path(run).join("model.safetensors")).unwrap().0;
    let (before, after) = (tensors("origin"), tensors("head"));
    assert!(before.iter().all(|(name, data)| (after[name] == *data) != name.starts_with("fc.")));
    // The features are there now; another seed takes them from the cache.
    let cached = || std::fs::read_dir(bench.path("cache/features")).unwrap().count();
    let files = cached();
    let output = bench.run(&[&head[..], &["--run", "again", "--seed", "5"]].concat());
    assert!(String::from_utf8_lossy(&output.stdout).contains("from the cache"), "{}", common::stderr(&output));
    assert_eq!(cached(), files);

    let evaluated = bench.result(&["evaluate", "--run", "head"]);
    assert_eq!(evaluated["metrics"]["test_accuracy"], result["metrics"]["test_accuracy"]);
    let test = ognivo_core::data::digits().unwrap().test.unwrap();
    ognivo_core::data::picture::write_png(&bench.path("digit.png"), &test.image(0).unwrap()).unwrap();
    assert_eq!(bench.result(&["predict", "digit.png", "--run", "head"])["metrics"]["classified"], 1);

    let settings: Value =
        serde_json::from_str(&std::fs::read_to_string(bench.path("head/transfer.json")).unwrap()).unwrap();
    assert_eq!((settings["from"].as_str(), settings["train"].as_str()), (Some("origin"), Some("head")));
    for (more, code, expected) in [
        (&["--freeze", "layer9"][..], 2, "stages are stem, layer1"),
        (&["--unfreeze-every", "1"], 2, "unfreeze_every"),
        (&["--train", "all", "--stage-rate", "2"], 2, "stage_rate"),
        (&["--from", "resnet19"], 2, "did you mean"),
        (&["--from", "scratch", "--network", "standard"], 2, "cannot be fine-tuned"),
        (&["--data", "no/such/folder"], 1, "no such file or folder"),
    ] {
        let said = bench.failure(&[&head[..], more, &["--run", "wrong"]].concat(), code);
        assert!(said.contains(expected), "{more:?}: {said}");
        let _ = std::fs::remove_dir_all(bench.path("wrong"));
    }
}

#[test]
fn an_interrupted_run_goes_on_without_its_origin() {
    let bench = bench();
    bench.result(ORIGIN);
    let arguments = [
        "train",
        "--from",
        "origin",
        "--data",
        "digits",
        "--limit",
        "200",
        "--epochs",
        "24",
        "--train",
        "all",
        "--unfreeze-every",
        "4",
        "--stage-rate",
        "0.5",
        "--threads",
        "1",
        "--set",
        "fit.checkpoint_seconds=0.02",
    ];
    common::survives_ctrl_c(&bench, &arguments);
}
