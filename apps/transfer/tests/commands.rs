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
