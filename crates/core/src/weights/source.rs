//! Weights read from a file tensor by tensor, straight into a module: beside the module's own weights no more than the largest tensor is ever
//! in memory, where it replaces one that was drawn or is in a foreign element type; else a few rows of one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Bytes, DType, Tensor, TensorData};
use safetensors::tensor::Metadata;

use super::{NamedTensors, TYPES, TensorPath, first_names, place};
use crate::{Error, Result};

/// A row-major tensor that lies somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorKind {
    /// Length of each axis.
    pub shape: Vec<usize>,
    /// Of the numbers.
    pub dtype: DType,
}

/// Where tensors lie.
pub trait TensorSource {
    /// The file, for messages.
    fn path(&self) -> &Path;

    /// What there is, by name.
    fn tensors(&self) -> &BTreeMap<String, TensorKind>;

    /// Fills `into` with the bytes of tensor `name` from byte `start` on, little-endian numbers in row-major order.
    ///
    /// # Errors
    /// The file cannot be read, or ends too early.
    fn read(&mut self, name: &str, start: u64, into: &mut [u8]) -> Result<()>;
}

/// How a tensor of a file is not the module's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The file has no tensor of this name and shape.
    Missing(String, Vec<usize>),
    /// The module has no tensor of this name; the file's has this shape.
    Unexpected(String, Vec<usize>),
    /// Another shape.
    Shape {
        /// The tensor.
        name: String,
        /// In the file.
        found: Vec<usize>,
        /// In the module.
        expected: Vec<usize>,
    },
    /// No floating-point numbers.
    Type(String, DType),
}

/// Everything in which a file's tensors are not those of a module of these shapes ([`shapes_of`]): first those of the module by name, then those
/// left over. PyTorch's counts of batches, on which nothing here depends, are no difference.
pub fn differences(expected: &BTreeMap<String, Vec<usize>>, tensors: &BTreeMap<String, TensorKind>) -> Vec<Difference> {
    let mut found: Vec<_> = expected
        .iter()
        .filter_map(|(name, shape)| match tensors.get(name) {
            None => Some(Difference::Missing(name.clone(), shape.clone())),
            Some(kind) if kind.shape != *shape => {
                let (found, expected) = (kind.shape.clone(), shape.clone());
                Some(Difference::Shape { name: name.clone(), found, expected })
            }
            Some(kind) if !kind.dtype.is_float() => Some(Difference::Type(name.clone(), kind.dtype)),
            Some(_) => None,
        })
        .collect();
    let left_over = tensors.iter().filter(|(name, _)| !expected.contains_key(*name) && !counts_batches(name));
    found.extend(left_over.map(|(name, kind)| Difference::Unexpected(name.clone(), kind.shape.clone())));
    found
}

/// The module with every parameter and running statistic replaced by the tensor of its name; training state is kept.
///
/// # Errors
/// The first difference, with both shapes; what the source reports.
pub fn load_from<M: Module>(module: M, source: &mut impl TensorSource) -> Result<M> {
    if let Some(difference) = differences(&shapes_of(&module), source.tensors()).into_iter().next() {
        return Err(difference.into_error(source));
    }
    let mut replace = Replace { path: TensorPath::default(), source, error: None };
    let module = module.map(&mut replace);
    replace.error.map_or(Ok(module), Err)
}

impl Difference {
    fn into_error(self, source: &impl TensorSource) -> Error {
        let shape = |shape: &[usize]| format!("shape {shape:?}");
        let (name, found, expected) = match self {
            Self::Missing(name, expected) => {
                let found = format!("nothing; the file begins with {}", first_names(source.tensors()));
                (name, found, shape(&expected))
            }
            Self::Unexpected(name, found) => {
                let found = format!("a tensor of {} that this network does not have", shape(&found));
                (name, found, "only this network's tensors".into())
            }
            Self::Shape { name, found, expected } => (name, shape(&found), shape(&expected)),
            Self::Type(name, found) => (name, format!("type {}", found.name()), "floating-point numbers".into()),
        };
        Error::format(source.path(), place(&name), found, expected)
    }
}

/// PyTorch's batch normalisation counts its batches; nothing here depends on that count.
fn counts_batches(name: &str) -> bool {
    name.ends_with("num_batches_tracked")
}

/// The shapes of a module's tensors as a file has them, by name; no lazy parameter is drawn.
pub fn shapes_of<M: Module>(module: &M) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = Shapes { path: TensorPath::default(), found: BTreeMap::new() };
    module.visit(&mut shapes);
    shapes.found
}

struct Shapes {
    path: TensorPath,
    found: BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Shapes {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let mut shape = param.lazy_shape().to_vec();
        if self.path.is_transposed() {
            shape.reverse();
        }
        self.found.insert(self.path.name(), shape);
    }
}

struct Replace<'a, S> {
    path: TensorPath,
    source: &'a mut S,
    error: Option<Error>,
}

impl<S: TensorSource> ModuleMapper for Replace<'_, S> {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.path.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.exit();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.name();
        let Some(kind) = self.source.tensors().get(&name).cloned().filter(|_| self.error.is_none()) else {
            return param;
        };
        match fetch(self.source, &name, &kind, self.path.is_transposed()) {
            Ok(data) => {
                let data = if data.dtype() == DType::F32 { data } else { data.convert_dtype(DType::F32) };
                // A parameter that was not drawn yet never is.
                let (id, device) = (param.id, param.lazy_device());
                param.transform_for_load(Tensor::from_data(data, &device), id)
            }
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}

/// Bytes read at a time of a matrix whose rows and columns are exchanged.
const BLOCK: usize = 1 << 20;

/// A tensor of the source; a transposed matrix is laid out as such, not a view: a view would be laid out otherwise than a weight that was
/// trained in place, and a matrix product may then round otherwise.
fn fetch(source: &mut impl TensorSource, name: &str, kind: &TensorKind, transposed: bool) -> Result<TensorData> {
    let width = kind.dtype.size();
    let count: usize = kind.shape.iter().product();
    // Aligned as the numbers are, or they would be copied once more to become a tensor.
    let mut bytes = match width {
        4 => Bytes::from_elems(vec![0u32; count]),
        _ => Bytes::from_bytes_vec(vec![0; count * width]),
    };
    match kind.shape[..] {
        [rows, columns] if transposed && count > 0 => {
            let together = (BLOCK / (columns * width)).clamp(1, rows);
            let mut block = vec![0; together * columns * width];
            for first in (0..rows).step_by(together) {
                let block = &mut block[..together.min(rows - first) * columns * width];
                source.read(name, (first * columns * width) as u64, block)?;
                for (row, values) in (first..).zip(block.chunks_exact(columns * width)) {
                    for (column, value) in values.chunks_exact(width).enumerate() {
                        bytes[(column * rows + row) * width..][..width].copy_from_slice(value);
                    }
                }
            }
        }
        _ => source.read(name, 0, &mut bytes)?,
    }
    let mut shape = kind.shape.clone();
    if transposed {
        shape.reverse();
    }
    TensorData::try_from_bytes(bytes, shape, kind.dtype)
        .map_err(|error| Error::format(source.path(), place(name), error.to_string(), "a tensor"))
}

/// All tensors of a source, in memory.
///
/// # Errors
/// What the source reports.
pub fn read_all(source: &mut impl TensorSource) -> Result<NamedTensors> {
    let kinds = source.tensors().clone();
    kinds.into_iter().map(|(name, kind)| fetch(source, &name, &kind, false).map(|data| (name, data))).collect()
}

/// Tensors that are in memory already.
pub(super) struct Held<'a> {
    tensors: &'a NamedTensors,
    kinds: BTreeMap<String, TensorKind>,
    path: &'a Path,
}

impl<'a> Held<'a> {
    pub(super) fn new(tensors: &'a NamedTensors, path: &'a Path) -> Self {
        let kind = |data: &TensorData| TensorKind { shape: data.shape().to_vec(), dtype: data.dtype() };
        let kinds = tensors.iter().map(|(name, data)| (name.clone(), kind(data))).collect();
        Self { tensors, kinds, path }
    }
}

impl TensorSource for Held<'_> {
    fn path(&self) -> &Path {
        self.path
    }

    fn tensors(&self) -> &BTreeMap<String, TensorKind> {
        &self.kinds
    }

    fn read(&mut self, name: &str, start: u64, into: &mut [u8]) -> Result<()> {
        let bytes = self.tensors.get(name).map_or(&[][..], TensorData::as_bytes);
        let start = usize::try_from(start).unwrap_or(usize::MAX);
        let part = bytes.get(start..).and_then(|rest| rest.get(..into.len()));
        let part = part.ok_or_else(|| Error::format(self.path, place(name), "too few bytes", "a whole tensor"))?;
        into.copy_from_slice(part);
        Ok(())
    }
}

/// A safetensors file whose tensors stay on the disk until they are asked for. Ognivo's own checksum is not looked at.
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    file: File,
    kinds: BTreeMap<String, TensorKind>,
    /// Where each tensor begins in the file.
    starts: BTreeMap<String, u64>,
}

/// The longest header that is read, as in the safetensors library.
const HEADER_LIMIT: u64 = 100_000_000;

impl SafetensorsFile {
    /// Reads the header.
    ///
    /// # Errors
    /// The file is unreadable, or its header broken or not that of a file of its length; an element type that no weight has.
    pub fn open(path: &Path) -> Result<Self> {
        let broken = |place: &str, found: String| Error::format(path, place, found, "a valid safetensors file");
        let mut file = File::open(path).map_err(Error::io(path, "read"))?;
        let length = file.metadata().map_err(Error::io(path, "read"))?.len();
        let mut size = [0; 8];
        file.read_exact(&mut size).map_err(|error| broken("header", error.to_string()))?;
        let size = u64::from_le_bytes(size);
        if size > HEADER_LIMIT.min(length.saturating_sub(8)) {
            return Err(broken("header", format!("a length of {size} bytes in a file of {length}")));
        }
        let mut header = vec![0; size as usize];
        file.read_exact(&mut header).map_err(Error::io(path, "read"))?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|error| broken("header", error.to_string()))?;
        let (mut kinds, mut starts, mut end) = (BTreeMap::new(), BTreeMap::new(), 0);
        for (name, info) in metadata.tensors() {
            let dtype = TYPES.iter().find(|(_, file)| *file == info.dtype).map(|(own, _)| *own);
            let dtype = dtype.ok_or_else(|| broken(&place(&name), format!("type {:?}", info.dtype)))?;
            end = end.max(info.data_offsets.1 as u64);
            starts.insert(name.clone(), 8 + size + info.data_offsets.0 as u64);
            kinds.insert(name, TensorKind { shape: info.shape.clone(), dtype });
        }
        if 8 + size + end != length {
            return Err(broken("size", format!("{length} bytes; the header speaks of {}", 8 + size + end)));
        }
        Ok(Self { path: path.to_path_buf(), file, kinds, starts })
    }
}

impl TensorSource for SafetensorsFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> &BTreeMap<String, TensorKind> {
        &self.kinds
    }

    fn read(&mut self, name: &str, start: u64, into: &mut [u8]) -> Result<()> {
        let Some(first) = self.starts.get(name) else {
            return Err(Error::format(&self.path, place(name), "no such tensor", "a tensor of the file"));
        };
        let sought = self.file.seek(SeekFrom::Start(first.saturating_add(start)));
        sought.and_then(|_| self.file.read_exact(into)).map_err(Error::io(&self.path, "read"))
    }
}
