//! A thousand and more damaged files for each format of a run directory, and for the index of data sets: an error that
//! names the file and the place or a sound result, never a panic, never more memory than the file can account for.
//!
//! Data files are in `data/faults.rs`, archives in the unit tests of `dataset`.
#![cfg(feature = "flex")]

mod common;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, TensorData};
use ognivo_core::cli::config;
use ognivo_core::dataset::Index;
use ognivo_core::run::read_json;
use ognivo_core::train::checkpoint::Checkpoint;
use ognivo_core::train::fit::FitConfig;
use ognivo_core::train::metrics_log::{MetricsLog, read_metrics};
use ognivo_core::train::optimizer::OptimizerConfig;
use ognivo_core::train::schedule::ScheduleConfig;
use ognivo_core::weights::{self, NamedTensors};
use ognivo_core::{Error, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use safetensors::{Dtype, tensor::TensorView};
use serde_json::{Value, json};

use common::allocation::{Counting, peak};
use common::mutate::for_each_mutant;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MUTANTS: usize = 1500;

/// Reads every mutant from a file, checks errors and memory, and returns how many were (read, refused).
fn survive<T>(files: &[&[u8]], most_memory: u64, read: impl Fn(&Path) -> Result<T>) -> (usize, usize) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged-file");
    let (mut sound, mut refused) = (0, 0);
    for_each_mutant(files, MUTANTS, |bytes| {
        // A file that is emptied and written again goes to the disk at once on some file systems, which takes time.
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        let (result, held) = peak(|| read(&path));
        assert!(held <= most_memory, "{held} bytes held for a file of {}: {bytes:02x?}", bytes.len());
        match result {
            Ok(_) => sound += 1,
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                match error {
                    Error::Format { .. } => assert!(said.starts_with(path.to_str().unwrap()), "{said}"),
                    // It names the setting; who read the file knows its name.
                    Error::Config(_) => assert!(said.starts_with("configuration: "), "{said}"),
                    other => panic!("{other:?}"),
                }
                assert!(said.len() < 2000, "{said}");
            }
        }
    });
    assert_eq!(sound + refused, files.len() * MUTANTS);
    (sound, refused)
}

fn settings() -> FitConfig {
    FitConfig {
        epochs: 5,
        batch_size: 64,
        learning_rate: 1e-3,
        optimizer: OptimizerConfig::default(),
        schedule: ScheduleConfig::default(),
        clip_norm: Some(1.0),
        clip_value: None,
        patience: None,
        checkpoint_seconds: 60.0,
    }
}

#[test]
fn configurations() {
    let whole = serde_json::to_vec_pretty(&settings()).unwrap();
    let part = br#"{"epochs": 7, "optimizer": {"optimizer": "sgd", "momentum": 0.9}, "schedule": {"curve": "cosine"}}"#;
    let (sound, refused) = survive(&[&whole, part], 1 << 20, |path| {
        let overlay: Value = read_json(path)?;
        let config: FitConfig = config::resolve(&settings(), &[overlay])?;
        // Out of range is as good as refused; what matters is that it is noticed, and in words.
        if let Err(error) = config.validate() {
            assert!(matches!(error, Error::Config(_)), "{error:?}");
        }
        Ok(())
    });
    assert!(sound > 0 && refused > 1000, "{sound} {refused}");
}

/// Well-formed JSON with one to three wrong members, which damaged bytes seldom give.
#[test]
fn settings_of_any_kind() {
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(u64::MAX),
        json!(1e300),
        json!("sgd"),
        json!("cosine"),
        json!(""),
        json!([]),
        json!({}),
        json!({"optimizer": "sgd"}),
        json!({"curve": {"curve": {"curve": "step"}}}),
    ];
    let keys = ["epochs", "optimizer", "momentum", "curve", "every", "warmup", "epoch", "", "a.b", "patience"];
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let (mut sound, mut refused) = (0, 0);
    for _ in 0..MUTANTS {
        let mut overlay = serde_json::to_value(settings()).unwrap();
        for _ in 0..rng.random_range(1..=3) {
            let mut place = &mut overlay;
            while place.as_object().is_some_and(|members| !members.is_empty()) && rng.random_bool(0.6) {
                let members = place.as_object_mut().unwrap();
                let number = rng.random_range(0..members.len());
                place = members.values_mut().nth(number).unwrap();
            }
            let value = values[rng.random_range(0..values.len())].clone();
            match place.as_object_mut() {
                Some(members) => _ = members.insert(keys[rng.random_range(0..keys.len())].into(), value),
                None => *place = value,
            }
        }
        match config::resolve::<FitConfig>(&settings(), std::slice::from_ref(&overlay)) {
            Ok(config) => {
                sound += 1;
                let _ = config.validate();
            }
            Err(error) => {
                refused += 1;
                let said = error.to_string();
                let place = said.strip_prefix("configuration: ").and_then(|rest| rest.split(": ").next()).unwrap();
                // It names a setting; one that is there, or one that the chosen variant misses.
                let pointer = format!("/{}", place.replace('.', "/"));
                let named = overlay.pointer(&pointer).is_some() || keys.iter().any(|key| place.ends_with(key));
                assert!(named || overlay.as_object().is_none(), "{said}: {overlay}");
            }
        }
    }
    assert!(sound > 50 && refused > 500, "{sound} {refused}");
}

#[test]
fn deep_and_long_configurations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.json");
    for text in ["[".repeat(1 << 20), "{\"a\":".repeat(1 << 18), "9".repeat(1 << 20), "\"".repeat(1 << 20)] {
        fs::write(&path, text).unwrap();
        let said = read_json::<Value>(&path).unwrap_err().to_string();
        assert!(said.contains("config.json: line 1, column "), "{said}");
    }
    let sparse = fs::File::create(&path).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let (error, held) = peak(|| read_json::<Value>(&path).unwrap_err());
    assert!(error.to_string().contains("more bytes") && held < 1 << 20, "{error} {held}");
}

#[derive(Module, Debug)]
struct Net {
    fc: Linear,
    norm: BatchNorm,
}

fn net() -> Net {
    let device = Device::flex();
    Net { fc: LinearConfig::new(4, 6).init(&device), norm: BatchNormConfig::new(6).init(&device) }
}

/// A file as PyTorch's `safetensors.torch.save_file` writes it: no checksum, and a counter that is an integer.
fn from_pytorch(half: bool) -> Vec<u8> {
    let mut tensors = weights::tensors_of(&net());
    if half {
        tensors = tensors.into_iter().map(|(k, v)| (k, v.convert::<burn::tensor::f16>())).collect();
    }
    tensors.insert("norm.num_batches_tracked".into(), TensorData::new(vec![7i64], [1; 0]));
    let views = tensors.iter().map(|(name, data)| {
        let dtype = match (name.ends_with("tracked"), half) {
            (true, _) => Dtype::I64,
            (_, true) => Dtype::F16,
            _ => Dtype::F32,
        };
        (name.as_str(), TensorView::new(dtype, data.shape().to_vec(), data.as_bytes()).unwrap())
    });
    safetensors::serialize(views, Some(HashMap::from([("format".to_string(), "pt".to_string())]))).unwrap()
}

fn read_tensors(path: &Path) -> Result<NamedTensors> {
    let (tensors, _) = weights::parse(&fs::read(path).unwrap(), path)?;
    for data in tensors.values() {
        assert_eq!(data.as_bytes().len(), data.shape().num_elements() * data.dtype().size());
    }
    Ok(tensors)
}

#[test]
fn weights_of_pytorch() {
    let network = net();
    let shapes =
        |net: &Net| weights::tensors_of(net).into_iter().map(|(k, v)| (k, v.shape().clone())).collect::<Vec<_>>();
    let expected = shapes(&network);
    let (sound, refused) = survive(&[&from_pytorch(false), &from_pytorch(true)], 256 << 10, |path| {
        let loaded = weights::load_into(network.clone(), read_tensors(path)?, path)?;
        assert_eq!(shapes(&loaded), expected);
        Ok(())
    });
    // No checksum guards the numbers: damage there must go through.
    assert!(sound > 50 && refused > 1000, "{sound} {refused}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole");
    for half in [false, true] {
        fs::write(&path, from_pytorch(half)).unwrap();
        weights::load_into(net(), read_tensors(&path).unwrap(), &path).unwrap();
    }
}

#[test]
fn weights_of_ognivo() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole");
    weights::save(&path, &weights::tensors_of(&net()), json!({"network": "small"})).unwrap();
    let bytes = fs::read(&path).unwrap();
    let whole = read_tensors(&path).unwrap();
    let (sound, refused) = survive(&[&bytes], 256 << 10, |path| {
        let (tensors, metadata) = weights::read(path)?;
        assert!(metadata.is_null() || tensors == whole, "damage under a checksum that agrees");
        Ok(())
    });
    assert!(refused > 1000, "{sound} {refused}");
}

/// What a header may claim without a byte behind it.
#[test]
fn headers_that_lie() {
    let huge = u64::MAX / 4;
    for (header, place) in [
        (r#"{"a":{"dtype":"F32","shape":[9223372036854775807,2],"data_offsets":[0,8]}}"#.to_string(), "header"),
        (r#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]}}"#.to_string(), "header"),
        (format!(r#"{{"a":{{"dtype":"U8","shape":[{huge}],"data_offsets":[0,{huge}]}}}}"#), "header"),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#.to_string(), "header"),
        (r#"{"a":{"dtype":"F8_E4M3","shape":[0],"data_offsets":[0,0]}}"#.to_string(), "tensor a"),
        (r#"{"__metadata__":{"ognivo":"{"}}"#.to_string(), "metadata"),
        (r#"{"__metadata__":{"ognivo":"{\"sha256\":\"\",\"metadata\":null}"}}"#.to_string(), "content"),
    ] {
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes()].concat();
        let (result, held) = peak(|| weights::parse(&bytes, Path::new("some-file")));
        let said = result.unwrap_err().to_string();
        assert!(said.starts_with(&format!("some-file: {place}: found ")) && held < 1 << 20, "{said} {held}");
    }
    let empty = br#"{"a":{"dtype":"F32","shape":[0,4611686018427387904],"data_offsets":[0,0]}}"#;
    let bytes = [(empty.len() as u64).to_le_bytes().as_slice(), empty].concat();
    if let Ok((tensors, _)) = weights::parse(&bytes, Path::new("some-file")) {
        let said = weights::load_into(net(), tensors, Path::new("some-file")).unwrap_err().to_string();
        assert!(said.contains("tensor fc.bias: found nothing"), "{said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn devices_and_folders_are_no_weights() {
    for path in ["/dev/zero", "/"] {
        let said = weights::read(Path::new(path)).unwrap_err().to_string();
        assert_eq!(said, format!("{path}: kind: found a folder or device; expected a safetensors file"));
    }
}

#[test]
fn checkpoints() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole");
    let whole = Checkpoint {
        model: weights::tensors_of(&net()),
        optimizer: NamedTensors::from([
            ("fc.bias/step".to_string(), TensorData::new(vec![3i64], [1])),
            ("fc.bias/exp_avg".to_string(), TensorData::new(vec![0.5f32; 6], [6])),
        ]),
        carried: NamedTensors::from([("hidden.0".to_string(), TensorData::new(vec![0.25f32; 4], [2, 2]))]),
        state: json!({"epoch": 1, "batch": 2, "step": 12, "sums": {"items": 8, "figures": [["loss", 0.25]]}}),
    };
    whole.save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    let (sound, refused) = survive(&[&bytes], 256 << 10, |path| {
        assert_eq!(Checkpoint::read(path)?, whole, "damage that the checksum does not notice");
        Ok(())
    });
    assert!(refused > 1000, "{sound} {refused}");
}

#[test]
fn metrics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whole");
    let mut log = MetricsLog::create(&path).unwrap();
    for step in 0..20 {
        let loss = if step == 7 { f64::NAN } else { 1.0 / (step + 1) as f64 };
        log.append(step, step / 5, &[("train/loss", loss), ("train/accuracy", 0.5)]).unwrap();
    }
    let bytes = fs::read(&path).unwrap();
    let (sound, refused) = survive(&[&bytes], 256 << 10, |path| {
        let records = read_metrics(path)?;
        assert!(records.iter().map(|record| record.values.len()).sum::<usize>() < bytes.len());
        Ok(())
    });
    assert!(sound > 50 && refused > 500, "{sound} {refused}");
    let (_, refused) = survive(&[&bytes], 256 << 10, |path| MetricsLog::open_at(path, bytes.len() as u64).map(drop));
    assert!(refused > 100, "{refused}");
}

#[test]
fn indices() {
    let text = "[[set]]\nname = 'letters'\ntitle = 'Letters'\ntask = 'image classification'\nhome = 'https://home.example'\n\
                licence = 'CC0'\ncitation = 'A. Nobody'\nfolder = 'data'\n[[set.file]]\nname = 'a.tar.gz'\nbytes = 12\n\
                sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'\nunpack = 'tar.gz'\n\
                urls = ['https://one.example/a', 'http://two.example/a']\n";
    let (sound, refused) = survive(&[text.as_bytes()], 1 << 20, |path| {
        let index = Index::read(path)?;
        for set in index.sets() {
            assert!(set.files.iter().all(|file| !file.name.contains("..") && !file.name.starts_with('/')));
        }
        Ok(())
    });
    assert!(sound > 10 && refused > 500, "{sound} {refused}");
    let deep = format!("a = {}", "[".repeat(1 << 18));
    assert!(Index::parse("some-file", &deep).unwrap_err().to_string().starts_with("some-file: line 1: "));
}
