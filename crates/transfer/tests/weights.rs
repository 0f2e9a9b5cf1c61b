//! Files of weights as PyTorch writes them (`reference/weights.py`), and damaged and hostile ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::{DType, Device, TensorData};
use ognivo_cnn::image::model::{InputShape, NetworkConfig};
use ognivo_core::dataset::{Index, Store};
use ognivo_core::weights::{
    NamedTensors, TensorKind, TensorSource, differences, load_from, read_all, save, shapes_of, tensors_of,
};
use ognivo_transfer::weights::{WeightFile, published, published_models, verify};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    tensors: BTreeMap<String, Described>,
    published: BTreeMap<String, Names>,
    timm: BTreeMap<String, Names>,
}

#[derive(Deserialize)]
struct Described {
    shape: Vec<usize>,
    #[serde(rename = "type")]
    dtype: String,
}

#[derive(Deserialize)]
struct Names {
    tensors: usize,
    sha256: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference")
}

fn reference() -> Reference {
    serde_json::from_str(&fs::read_to_string(folder().join("weights.json")).unwrap()).unwrap()
}

fn file(name: &str) -> PathBuf {
    folder().join("files").join(name)
}

fn read(path: &Path) -> Result<NamedTensors, ognivo_core::Error> {
    read_all(&mut WeightFile::open(path)?)
}

/// The numbers of the script's tensors: number `k` of their order there.
const ORDER: [&str; 10] = [
    "conv.weight",
    "conv.bias",
    "fc.weight",
    "fc.bias",
    "last.weight",
    "scalar",
    "count",
    "first.half",
    "second.half",
    "empty",
];

/// Bit for bit what PyTorch wrote, in each of its formats.
#[test]
fn every_format_gives_the_same_tensors() {
    let reference = reference();
    for name in ["new.pth", "old.pth", "run.pth", "protocol4.pth", "parameters.pth", "new.safetensors"] {
        let tensors = read(&file(name)).unwrap();
        assert_eq!(tensors.len(), reference.tensors.len(), "{name}");
        for (k, tensor) in ORDER.iter().enumerate() {
            let Described { shape, dtype } = &reference.tensors[*tensor];
            let found = &tensors[*tensor];
            assert_eq!(found.shape().to_vec(), *shape, "{name}, {tensor}");
            let expected_type = match dtype.as_str() {
                "float64" => DType::F64,
                "float32" => DType::F32,
                "float16" => DType::F16,
                "bfloat16" => DType::BF16,
                _ => DType::I64,
            };
            assert_eq!(found.dtype(), expected_type, "{name}, {tensor}");
            let count: usize = shape.iter().product();
            let scale = if dtype == "int64" { 1000.0 } else { 1.0 };
            let ramp = (0..count).map(|i| (((7919 * i + 104_729 * k) % 2001) as f64 - 1000.0) / 1000.0 * scale);
            // Rounded to the element type as PyTorch rounds.
            let expected = TensorData::new(
                ramp.map(|v| if scale > 1.0 { v.round() } else { v }).collect::<Vec<f64>>(),
                shape.clone(),
            );
            assert_eq!(*found, expected.convert_dtype(expected_type), "{name}, {tensor}");
        }
    }
}

#[test]
fn what_is_no_state_dictionary_is_refused_by_name() {
    let said = |name: &str| WeightFile::open(&file(name)).unwrap_err().to_string();
    let model = said("whole-model.pth");
    assert!(model.contains("the function torch.nn.modules.linear.Linear, which is not called"), "{model}");
    assert!(model.contains("data.pkl, byte") && model.contains("state_dict"), "{model}");
    let code = said("code.pth");
    assert!(code.contains("the function posix.system, which is not called"), "{code}");
    let text = said("text.pth");
    assert!(text.contains("an entry note that is no tensor"), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    for (content, expected) in [
        (&b""[..], "start: found the bytes []"),
        (b"hello, world", "a .pth file of torch.save, or a safetensors file"),
        (b"PK\x05\x06", "no end record of a zip file"),
        (b"\x80\x02K\x01.", "magic number: found another one"),
        (b"\x80\x02cos\nsystem\n", "the function os.system"),
        (b"\xff\xff\xff\xff\xff\xff\xff\xff{", "header"),
    ] {
        fs::write(&path, content).unwrap();
        let said = WeightFile::open(&path).unwrap_err().to_string();
        assert!(said.contains(expected) && said.contains("w.pth"), "{said}");
    }
    assert!(WeightFile::open(folder.path()).unwrap_err().to_string().contains("a folder or device"));
    assert!(WeightFile::open(&folder.path().join("none")).unwrap_err().to_string().contains("cannot read"));
}

/// A file in another order of bytes, with a storage too short or of two types: each is told.
#[test]
fn contradictions_within_a_file_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.pth");
    let good = fs::read(file("old.pth")).unwrap();
    let place = |needle: &[u8]| good.windows(needle.len()).position(|window| window == needle).unwrap();
    let cut = |from: &[u8], to: &[u8]| {
        let at = place(from);
        [&good[..at], to, &good[at + from.len()..]].concat()
    };
    for (broken, expected) in [
        (cut(b"little_endian", b"Little_endian"), "little_endian: True"),
        (cut(b"HalfStorage", b"CharStorage"), "the function torch.CharStorage"),
        (cut(b"HalfStorage", b"LongStorage"), "in the file"),
        (cut(b"storage", b"stowage"), "a persistent stowage"),
        (good[..good.len() - 3].to_vec(), "numbers"),
    ] {
        fs::write(&path, broken).unwrap();
        let said = WeightFile::open(&path).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}; expected {expected}");
    }
}

/// Whatever is done to a file, it is read as it was, refused, or, where nothing guards the numbers, read with other ones; nothing
/// panics, and no more memory is asked for than the file could fill.
#[test]
fn damaged_files_are_refused_or_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w");
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % below.max(1) as u64) as usize
    };
    for (name, guarded) in [("new.pth", true), ("old.pth", false), ("protocol4.pth", true), ("new.safetensors", false)]
    {
        let good = fs::read(file(name)).unwrap();
        let tensors = read(&file(name)).unwrap();
        let mut refused = 0;
        for round in 0..350 {
            let mut bytes = good.clone();
            let at = next(bytes.len());
            match round % 5 {
                0 => bytes[at] ^= 1 << next(8),
                1 => bytes[at] = [0, 0xff, b'.', b'R', b'('][next(5)],
                2 => bytes.truncate(at),
                3 => drop(bytes.drain(at..(at + 1 + next(40)).min(good.len()))),
                _ => {
                    let part = bytes[at..(at + 1 + next(40)).min(good.len())].to_vec();
                    let to = next(bytes.len());
                    bytes.splice(to..to, part);
                }
            }
            fs::write(&path, &bytes).unwrap();
            match read(&path) {
                Err(_) => refused += 1,
                Ok(found) if guarded => {
                    // Names are in the pickle, which the checksums cover, and so are the numbers.
                    assert!(found == tensors, "{name}, round {round}: other tensors, and nobody noticed");
                }
                Ok(_) => {}
            }
        }
        assert!(refused > 100, "{name}: {refused} refused");
    }
}

/// Names and shapes of every published network, without its weights.
#[test]
fn names_and_shapes_are_those_of_the_publishers() {
    let digest = |config: &NetworkConfig| {
        let input = InputShape { channels: 3, height: 224, width: 224 };
        let shapes = config.backbone_shapes(input, 1000).unwrap();
        let line = |(name, shape): (&String, &Vec<usize>)| {
            let sizes: Vec<_> = shape.iter().map(usize::to_string).collect();
            format!("{name} {}\n", sizes.join("x"))
        };
        let mut lines: Vec<_> = shapes.iter().map(line).collect();
        lines.sort();
        (lines.len(), ognivo_core::run::sha256(lines.concat().as_bytes()))
    };
    let reference = reference();
    let models = published_models().unwrap();
    for model in &models {
        // A second edition of weights is for the same network.
        let known = |name: &str| reference.published.get(name);
        let expected = known(&model.name).or_else(|| known(model.name.strip_suffix("-v2")?)).unwrap();
        let (count, sha256) = digest(&model.network);
        assert_eq!((count, sha256.as_str()), (expected.tensors, expected.sha256.as_str()), "{}", model.name);
    }
    for (name, expected) in &reference.timm {
        let (count, sha256) = digest(&NetworkConfig::named(name).unwrap());
        assert_eq!((count, sha256.as_str()), (expected.tensors, expected.sha256.as_str()), "{name}");
    }
    let known: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
    assert!(reference.published.keys().all(|name| known.contains(&name.as_str())));
}

#[test]
fn a_network_goes_through_a_file_and_differences_are_listed() {
    let device = Device::default();
    let input = InputShape { channels: 3, height: 64, width: 64 };
    let config = NetworkConfig::named("squeezenet").unwrap();
    let network = config.init(input, 10, &device).unwrap();
    let tensors = tensors_of(&network);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.safetensors");
    save(&path, &tensors, serde_json::Value::Null).unwrap();
    let other = config.init(input, 10, &device).unwrap();
    assert_ne!(tensors_of(&other), tensors);
    let loaded = load_from(other, &mut WeightFile::open(&path).unwrap()).unwrap();
    assert_eq!(tensors_of(&loaded), tensors);
    assert_eq!(verify::logits(&loaded, input, &device), verify::logits(&network, input, &device));

    let larger = config.init(input, 11, &device).unwrap();
    let mut kinds: BTreeMap<String, TensorKind> = WeightFile::open(&path).unwrap().tensors().clone();
    let kind = kinds.remove("features.0.weight").unwrap();
    kinds.insert("extra".into(), kind);
    kinds.insert("bn.num_batches_tracked".into(), TensorKind { shape: vec![], dtype: DType::I64 });
    let lines: Vec<_> = differences(&shapes_of(&larger), &kinds)
        .iter()
        .map(|difference| verify::Line(difference).to_string())
        .collect();
    let expected = [
        "misshapen   classifier.1.bias: found [10]; expected [11]",
        "misshapen   classifier.1.weight: found [10, 512, 1, 1]; expected [11, 512, 1, 1]",
        "missing     features.0.weight [64, 3, 3, 3]",
        "unexpected  extra [64, 3, 3, 3]",
    ];
    assert_eq!(lines, expected);
    let error = load_from(larger, &mut WeightFile::open(&path).unwrap()).unwrap_err().to_string();
    assert!(error.ends_with("tensor classifier.1.bias: found shape [10]; expected shape [11]"), "{error}");
}

#[test]
fn the_registry_is_sound_and_asks_the_store() {
    let models = published_models().unwrap();
    for model in &models {
        assert!(
            model.url.contains(&model.sha256) && model.url.starts_with("https://download.pytorch.org/"),
            "{}",
            model.name
        );
        assert!(model.top1 < model.top5 && model.top5 < 100.0 && model.crop <= model.resize && model.classes == 1000);
    }
    assert_eq!(published("mobilenet_v2").unwrap().name, "mobilenet-v2");
    let said = published("resnet19").unwrap_err().to_string();
    assert!(said.contains("did you mean"), "{said}");

    // A file under the right name is believed if its digest begins as it should.
    let folder = tempfile::tempdir().unwrap();
    let model = published("squeezenet1-1").unwrap();
    let own = folder.path().join("data/weights-squeezenet1-1");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join(model.file_name()), "not these weights").unwrap();
    let store = Store::new(Index::built_in().unwrap(), Some(folder.path().join("data")), folder.path().join("cache"));
    let said = model.locate(&store, &mut |_| {}).unwrap_err().to_string();
    assert!(said.contains("sha256") && said.contains("b8a52dc0"), "{said}");
    let content = fs::read(own.join(model.file_name())).unwrap();
    let mine = ognivo_transfer::weights::Published { sha256: ognivo_core::run::sha256(&content)[..8].into(), ..model };
    assert_eq!(mine.locate(&store, &mut |_| {}).unwrap(), own.join(mine.file_name()));
}

/// Whatever the length of its header begins with.
#[test]
fn a_safetensors_file_is_taken_for_no_pickle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.safetensors");
    for length in [0x80u64, 0x4b50] {
        let mut header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.to_vec();
        header.resize(length as usize, b' ');
        let bytes = [&length.to_le_bytes()[..], &header, &1.5f32.to_le_bytes()].concat();
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(WeightFile::open(&path).unwrap().format_name(), "safetensors", "{length:#x}");
    }
}

#[test]
fn a_dense_layer_that_timm_keeps_as_a_convolution_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("timm.safetensors");
    let values: Vec<f32> = (0..48).map(|i| i as f32).collect();
    let tensors = BTreeMap::from([
        ("pre_logits.fc1.weight".to_string(), TensorData::new(values.clone(), [3, 4, 2, 2])),
        ("head.fc.bias".to_string(), TensorData::new(vec![1f32, 2.0], [2])),
    ]);
    save(&path, &tensors, serde_json::Value::Null).unwrap();
    let network = NetworkConfig::named("vgg11").unwrap();
    let shapes = BTreeMap::from([("classifier.0.weight".into(), vec![3, 16]), ("classifier.6.bias".into(), vec![5])]);
    let mut file = WeightFile::open(&path).unwrap().named_for(&network, &shapes);
    // What does not fit keeps its shape, to be told of.
    assert_eq!(file.tensors()["classifier.6.bias"].shape, [2]);
    let read = read_all(&mut file).unwrap();
    assert_eq!(read.len(), 2);
    assert_eq!(read["classifier.0.weight"], TensorData::new(values, [3, 16]));
}
