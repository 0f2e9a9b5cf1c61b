//! Weights as named tensors in safetensors files, with PyTorch's names and layouts.
//!
//! A name is the path of fields from the module's root, joined by dots; enum variants add nothing. Three things differ between a Burn
//! module and PyTorch's, and are translated here, in both directions: Burn's `Linear` keeps its matrix `[inputs, outputs]` (PyTorch
//! `[outputs, inputs]`), Burn's normalisation layers call their parameters `gamma` and `beta` (PyTorch `weight` and `bias`), and
//! PyTorch's recurrent networks have no modules for their layers: what is `layers.1.reverse. ... .weight_ih` here, in a struct
//! `RecurrentLayer`, is `weight_ih_l1_reverse` there.

mod source;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::Write;
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{DType, Tensor, TensorData};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

pub use source::{Difference, SafetensorsFile, TensorKind, TensorSource, differences, load_from, read_all, shapes_of};

use crate::file::{hex, read_at_most, write_atomic};
use crate::{Error, Result};

/// Tensors by name, in the order of their names.
pub type NamedTensors = BTreeMap<String, TensorData>;

/// A file larger than this is refused before it is read: no model of this workspace comes near.
const FILE_LIMIT: u64 = 16 << 30;

/// The key under which a file carries Ognivo's own metadata.
const METADATA_KEY: &str = "ognivo";

/// What Ognivo's files say of themselves.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Stamp {
    /// SHA-256 over the tensors' names and bytes and the metadata.
    sha256: String,
    metadata: Value,
}

/// All parameters and running statistics of a module.
pub fn tensors_of<M: Module>(module: &M) -> NamedTensors {
    let mut collect = Collect { path: TensorPath::default(), tensors: NamedTensors::new() };
    // `valid` also settles running statistics that an update has left pending.
    module.valid().visit(&mut collect);
    collect.tensors
}

/// The module with every parameter and running statistic replaced by the tensor of its name; training state is kept.
///
/// # Errors
/// Names the first tensor that is missing, left over, of another shape or not of floating-point numbers, as coming from `source`.
pub fn load_into<M: Module>(module: M, tensors: NamedTensors, source: &Path) -> Result<M> {
    load_from(module, &mut source::Held::new(&tensors, source))
}

/// The first tensor that holds an infinite value or one that is not a number.
pub fn not_finite(tensors: &NamedTensors) -> Option<&str> {
    let is_finite = |data: &TensorData| data.as_slice::<f32>().is_ok_and(|v| v.iter().all(|value| value.is_finite()));
    let wrong = |(_, data): &(&String, &TensorData)| data.dtype() == DType::F32 && !is_finite(data);
    tensors.iter().find(wrong).map(|(name, _)| name.as_str())
}

/// Writes tensors and metadata to a safetensors file, atomically and with a checksum; equal content gives equal bytes.
pub fn save(path: &Path, tensors: &NamedTensors, metadata: Value) -> Result<()> {
    let views = tensors.iter().map(|(name, data)| {
        let invalid = |e: String| Error::format(path, place(name), e, "a tensor safetensors can hold");
        let dtype = TYPES.iter().find(|(own, _)| *own == data.dtype()).map(|(_, file)| *file);
        let dtype = dtype.ok_or_else(|| invalid(format!("type {:?}", data.dtype())))?;
        let view =
            TensorView::new(dtype, data.shape().to_vec(), data.as_bytes()).map_err(|e| invalid(e.to_string()))?;
        Ok((name.as_str(), view))
    });
    let views = views.collect::<Result<Vec<_>>>()?;
    let stamp = Stamp { sha256: checksum(tensors, &metadata), metadata };
    // One key only: the header keeps its metadata in a hash map, whose order would differ from run to run.
    let header = HashMap::from([(METADATA_KEY.to_string(), serde_json::json!(stamp).to_string())]);
    let bytes = safetensors::serialize(views, Some(header))
        .map_err(|e| Error::format(path, "header", e.to_string(), "tensors safetensors can hold"))?;
    write_atomic(path, |file| file.write_all(&bytes))
}

/// Reads a safetensors file and its metadata (null for a file that Ognivo did not write).
///
/// # Errors
/// When the file is unreadable or broken; when it is Ognivo's own and its checksum does not match.
pub fn read(path: &Path) -> Result<(NamedTensors, Value)> {
    // What is no file, such as /dev/zero, may go on until the memory is full.
    if !fs::metadata(path).map_err(Error::io(path, "read"))?.is_file() {
        return Err(Error::format(path, "kind", "a folder or device", "a safetensors file"));
    }
    parse(&read_at_most(path, FILE_LIMIT)?, path)
}

/// [`read`] from bytes; `path` is for the messages.
pub fn parse(bytes: &[u8], path: &Path) -> Result<(NamedTensors, Value)> {
    let broken = |place: &str, found: String| Error::format(path, place, found, "a valid safetensors file");
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| broken("header", e.to_string()))?;
    let file = SafeTensors::deserialize(bytes).map_err(|e| broken("header", e.to_string()))?;
    let mut tensors = NamedTensors::new();
    for (name, view) in file.iter() {
        let place = place(name);
        let dtype = TYPES.iter().find(|(_, file)| *file == view.dtype()).map(|(own, _)| *own);
        let dtype = dtype.ok_or_else(|| broken(&place, format!("type {:?}", view.dtype())))?;
        let data = TensorData::try_from_bytes_vec(view.data().to_vec(), view.shape().to_vec(), dtype)
            .map_err(|e| broken(&place, e.to_string()))?;
        tensors.insert(name.to_string(), data);
    }
    let Some(stamp) = header.metadata().as_ref().and_then(|metadata| metadata.get(METADATA_KEY)) else {
        return Ok((tensors, Value::Null));
    };
    let stamp: Stamp = serde_json::from_str(stamp).map_err(|e| broken("metadata", e.to_string()))?;
    let found = checksum(&tensors, &stamp.metadata);
    if found != stamp.sha256 {
        return Err(Error::format(
            path,
            "content",
            format!("sha256 {found}"),
            format!("{} (the file is damaged)", stamp.sha256),
        ));
    }
    Ok((tensors, stamp.metadata))
}

fn checksum(tensors: &NamedTensors, metadata: &Value) -> String {
    let mut hash = Sha256::new();
    for (name, data) in tensors {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(format!("{:?}{:?}", data.dtype(), data.shape().as_slice()));
        hash.update((data.as_bytes().len() as u64).to_le_bytes());
        hash.update(data.as_bytes());
    }
    hash.update(metadata.to_string());
    hex(&hash.finalize())
}

fn first_names<T>(tensors: &BTreeMap<String, T>) -> String {
    let names: Vec<_> = tensors.keys().take(3).map(|name| place(name)).collect();
    if names.is_empty() { "no tensor at all".into() } else { names.join(", ") }
}

/// The element types that Burn and safetensors share.
const TYPES: [(DType, Dtype); 7] = [
    (DType::F64, Dtype::F64),
    (DType::F32, Dtype::F32),
    (DType::F16, Dtype::F16),
    (DType::BF16, Dtype::BF16),
    (DType::I64, Dtype::I64),
    (DType::I32, Dtype::I32),
    (DType::U8, Dtype::U8),
];

/// Where in a file; a name that the file made up may be of any length and hold anything.
fn place(name: &str) -> String {
    const SHOWN: usize = 200;
    let plain = name.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    format!("tensor {}", plain.take(SHOWN).collect::<String>())
}

/// Where a traversal stands, and how the tensor there is named and laid out in a file.
#[derive(Default)]
struct TensorPath(Vec<(String, String)>);

impl TensorPath {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((name.to_string(), container.to_string()));
    }

    fn exit(&mut self) {
        self.0.pop();
    }

    fn name(&self) -> String {
        if let Some(name) = self.recurrent_name() {
            return name;
        }
        Self::joined(&self.0)
    }

    /// The name of what lies in a `RecurrentLayer`, the element of a list.
    fn recurrent_name(&self) -> Option<String> {
        let place = self.0.iter().position(|(_, container)| container == "Struct:RecurrentLayer")?;
        let [(list, _), (layer, _)] = self.0[..place].last_chunk()?;
        debug_assert_eq!(list, "layers");
        let direction = if self.0[place].0 == "reverse" { "_reverse" } else { "" };
        let name = format!("{}_l{layer}{direction}", self.0.last()?.0);
        let owner = Self::joined(&self.0[..place - 2]);
        Some(if owner.is_empty() { name } else { format!("{owner}.{name}") })
    }

    fn joined(path: &[(String, String)]) -> String {
        let fields = path.iter().filter(|(_, container)| !container.starts_with("Enum:"));
        let names = fields.map(|(name, container)| match (name.as_str(), container.as_str()) {
            ("gamma", container) if is_normalisation(container) => "weight",
            ("beta", container) if is_normalisation(container) => "bias",
            (name, _) => name,
        });
        names.collect::<Vec<_>>().join(".")
    }

    fn is_transposed(&self) -> bool {
        self.0.last().is_some_and(|(name, container)| name == "weight" && container == "Struct:Linear")
    }
}

/// A matrix with rows and columns exchanged in memory: a view would be laid out otherwise than a weight that was trained in place, and a
/// matrix product may then round otherwise.
fn transposed(data: TensorData) -> TensorData {
    let (shape, dtype) = (data.shape().clone(), data.dtype());
    let [rows, columns] = [shape[0], shape[1]];
    let bytes = data.as_bytes();
    let width = bytes.len() / (rows * columns).max(1);
    let mut exchanged = Vec::with_capacity(bytes.len());
    for column in 0..columns {
        for row in 0..rows {
            exchanged.extend_from_slice(&bytes[(row * columns + column) * width..][..width]);
        }
    }
    TensorData::from_bytes_vec(exchanged, [columns, rows], dtype)
}

fn is_normalisation(container: &str) -> bool {
    ["Struct:BatchNorm", "Struct:LayerNorm", "Struct:GroupNorm", "Struct:InstanceNorm", "Struct:RmsNorm"]
        .contains(&container)
}

struct Collect {
    path: TensorPath,
    tensors: NamedTensors,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let data = param.val().into_data();
        self.tensors.insert(self.path.name(), if self.path.is_transposed() { transposed(data) } else { data });
    }
}

#[cfg(test)]
mod tests {
    use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
    use burn::tensor::Device;

    use super::*;
    use crate::device;

    #[derive(Module, Debug)]
    enum Choice {
        Small(Net),
    }

    #[derive(Module, Debug)]
    struct Net {
        fc: Vec<Linear>,
        norm: BatchNorm,
    }

    fn net(device: &Device, outputs: usize) -> Choice {
        Choice::Small(Net {
            fc: vec![LinearConfig::new(2, 3).init(device), LinearConfig::new(3, outputs).init(device)],
            norm: BatchNormConfig::new(outputs).init(device),
        })
    }

    #[test]
    fn names_and_layouts_are_pytorchs_and_survive_a_file() {
        let device = device::parse("cpu").unwrap().autodiff();
        let model = net(&device, 4);
        let tensors = tensors_of(&model);
        let names: Vec<_> = tensors.keys().map(String::as_str).collect();
        let expected = [
            "fc.0.bias",
            "fc.0.weight",
            "fc.1.bias",
            "fc.1.weight",
            "norm.bias",
            "norm.running_mean",
            "norm.running_var",
            "norm.weight",
        ];
        assert_eq!(names, expected);
        assert_eq!(tensors["fc.0.weight"].shape().as_slice(), [3, 2]);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        save(&path, &tensors, serde_json::json!({"step": 3})).unwrap();
        let (read_back, metadata) = read(&path).unwrap();
        assert_eq!(metadata["step"], 3);
        let other = load_into(net(&device, 4), read_back, &path).unwrap();
        assert_eq!(tensors_of(&other), tensors);
        let Choice::Small(other) = other;
        assert!(other.fc[0].weight.val().is_require_grad(), "a loaded parameter still trains");
    }

    #[test]
    fn layers_of_a_recurrent_network_are_named_as_pytorchs() {
        #[derive(Module, Debug)]
        struct Model {
            rnn: Stack,
        }
        #[derive(Module, Debug)]
        struct Stack {
            layers: Vec<RecurrentLayer>,
        }
        #[derive(Module, Debug)]
        struct RecurrentLayer {
            forward: Cell,
            reverse: Option<Cell>,
        }
        #[derive(Module, Debug)]
        enum Cell {
            Simple(Simple),
        }
        #[derive(Module, Debug)]
        struct Simple {
            weights: Weights,
        }
        #[derive(Module, Debug)]
        struct Weights {
            weight_ih: Param<Tensor<2>>,
        }
        let device = device::parse("cpu").unwrap();
        let cell = |value: f32| {
            let weight_ih = Param::from_tensor(Tensor::<2>::full([1, 1], value, &device));
            Cell::Simple(Simple { weights: Weights { weight_ih } })
        };
        let layer = |value| RecurrentLayer { forward: cell(value), reverse: Some(cell(-value)) };
        let stack = Stack { layers: vec![layer(1.0), layer(2.0)] };
        let tensors = tensors_of(&stack);
        for (name, value) in [("l0", 1f32), ("l0_reverse", -1.0), ("l1", 2.0), ("l1_reverse", -2.0)] {
            assert_eq!(tensors[&format!("weight_ih_{name}")], TensorData::from([[value]]));
        }
        let model = Model { rnn: stack };
        let tensors = tensors_of(&model);
        assert!(tensors.keys().all(|name| name.starts_with("rnn.weight_ih_l")), "{tensors:?}");
        assert_eq!(tensors_of(&load_into(model, tensors.clone(), Path::new("m")).unwrap()), tensors);
    }

    #[test]
    fn another_network_is_refused_by_name() {
        let device = device::parse("cpu").unwrap();
        let error = load_into(net(&device, 5), tensors_of(&net(&device, 4)), Path::new("m.safetensors"))
            .unwrap_err()
            .to_string();
        assert!(error.contains("tensor fc.1.bias: found shape [4]; expected shape [5]"), "{error}");
        let mut tensors = tensors_of(&net(&device, 4));
        tensors.insert("head.bias".into(), TensorData::from([0f32]));
        let error = load_into(net(&device, 4), tensors.clone(), Path::new("m")).unwrap_err().to_string();
        assert!(error.contains("head.bias"), "{error}");
        tensors.remove("norm.weight");
        let error = load_into(net(&device, 4), tensors, Path::new("m")).unwrap_err().to_string();
        assert!(error.contains("tensor norm.weight: found nothing"), "{error}");
    }

    #[test]
    fn integers_are_no_weights_and_a_strange_name_is_shown_in_part() {
        let net = net(&device::parse("cpu").unwrap(), 4);
        let mut tensors = tensors_of(&net);
        tensors.insert("fc.0.bias".into(), TensorData::from([1i32, 2, 3]));
        let error = load_into(net.clone(), tensors, Path::new("m")).unwrap_err().to_string();
        assert_eq!(error, "m: tensor fc.0.bias: found type i32; expected floating-point numbers");
        let mut tensors = tensors_of(&net);
        tensors.insert(format!("\x1b[2J{}", "x".repeat(10_000)), TensorData::from([1f32]));
        let error = load_into(net, tensors, Path::new("m")).unwrap_err().to_string();
        assert!(error.len() < 400 && !error.contains('\x1b'), "{error:?}");
    }

    #[test]
    fn every_flipped_bit_of_content_is_noticed() {
        let tensors = NamedTensors::from([("a".to_string(), TensorData::from([1f32, 2.0]))]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        save(&path, &tensors, serde_json::json!({"step": 3})).unwrap();
        let bytes = fs::read(&path).unwrap();
        for position in 0..bytes.len() * 8 {
            let mut broken = bytes.clone();
            broken[position / 8] ^= 1 << (position % 8);
            if let Ok((read, metadata)) = parse(&broken, &path) {
                // White space in the header, or the stamp's own key, may change; what is read may not.
                assert!(metadata.is_null() || (read == tensors && metadata["step"] == 3), "bit {position}");
            }
        }
        for length in 0..bytes.len() {
            assert!(parse(&bytes[..length], &path).is_err());
        }
    }
}
