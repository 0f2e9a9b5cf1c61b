//! PyTorch's own files, `.pth` or `.pt`: a state dictionary as `torch.save` writes it.
//!
//! Since PyTorch 1.6 such a file is a zip with the pickle `data.pkl`, which describes the tensors, and a file of plain numbers for each
//! storage. Before, it was five pickles one after the other (a magic number, a version, the machine it was made on, the object, the order
//! of the storages) and then the storages. Both are read; numbers stay on the disk until they are asked for.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use burn::tensor::DType;
use flate2::Crc;
use ognivo_core::Error;
use ognivo_core::dataset::{StoredFile, stored_files};
use ognivo_core::weights::{TensorKind, TensorSource};

use super::pickle::{self, Element, Fault, Machine, NAME_LIMIT, TensorView, Value, shown};

/// The longest pickle that is read. The largest networks' take a few hundred KiB.
const PICKLE_LIMIT: u64 = 32 << 20;

/// The magic number of the old format, 0x1950a86a20f9469cfc6c, as a pickle holds it.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// A state dictionary in a file of PyTorch's.
#[derive(Debug)]
pub(super) struct PthFile {
    path: PathBuf,
    file: File,
    kinds: BTreeMap<String, TensorKind>,
    views: BTreeMap<String, Place>,
    /// The numbers of the last tensor that does not lie in row-major order.
    gathered: Option<(String, Vec<u8>)>,
}

/// Where a tensor's numbers lie.
#[derive(Clone, Debug)]
struct Place {
    /// Byte of the file at which its storage begins.
    storage: u64,
    width: usize,
    view: TensorView,
}

impl PthFile {
    /// Reads what the file says of its tensors, and checks that all it speaks of is there and, in the zip format, undamaged.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let mut file = File::open(path).map_err(Error::io(path, "read"))?;
        let mut start = [0; 2];
        file.read_exact(&mut start).map_err(Error::io(path, "read"))?;
        let (machine, root, starts) =
            if &start == b"PK" { open_zip(path, &mut file)? } else { open_old(path, &mut file)? };
        let mut opened =
            Self { path: path.to_path_buf(), file, kinds: BTreeMap::new(), views: BTreeMap::new(), gathered: None };
        for (name, tensor) in
            state_dict(&machine, root).map_err(|(found, expected)| broken(path, "state dictionary", found, expected))?
        {
            let view = machine.tensors[tensor].clone();
            let storage = &machine.storages[view.storage];
            let Some(&start) = starts.get(&storage.key) else {
                return Err(broken(
                    path,
                    "storages",
                    format!("no storage {}", shown(&storage.key)),
                    "one for every tensor",
                ));
            };
            let dtype = storage.element.dtype();
            opened.kinds.insert(name.clone(), TensorKind { shape: view.shape.clone(), dtype });
            opened.views.insert(name, Place { storage: start, width: dtype.size(), view });
        }
        Ok(opened)
    }
}

fn broken(path: &Path, place: impl Into<String>, found: impl Into<String>, expected: impl Into<String>) -> Error {
    Error::format(path, place, found, expected)
}

fn faulty(path: &Path, what: &str, fault: Fault) -> Error {
    broken(path, format!("{what}, byte {}", fault.byte), fault.found, fault.expected)
}

/// The pickle's values, the object it describes, and where every storage begins.
type Opened = (Machine, Value, HashMap<String, u64>);

fn open_zip(path: &Path, file: &mut File) -> Result<Opened, Error> {
    const FORM: &str = "a zip file as torch.save writes it";
    let files =
        stored_files(&mut BufReader::new(&mut *file)).map_err(|error| broken(path, "zip", error.to_string(), FORM))?;
    let mut pickles = files.iter().filter(|file| file.name.ends_with("/data.pkl"));
    let (Some(pickle), None) = (pickles.next(), pickles.next()) else {
        let names: Vec<_> = files.iter().take(3).map(|file| shown(&file.name)).collect();
        return Err(broken(
            path,
            "zip",
            format!("the files {}", names.join(", ")),
            "one data.pkl: a file of torch.save",
        ));
    };
    for file_in in &files {
        check(path, file, file_in)?;
    }
    let root = pickle.name.trim_end_matches("data.pkl");
    let find = |name: &str| files.iter().find(|file| file.name.strip_prefix(root) == Some(name));
    if let Some(order) = find("byteorder") {
        let order = content(path, file, order)?;
        if order != b"little" {
            return Err(broken(path, "byteorder", shown(&String::from_utf8_lossy(&order)), "little"));
        }
    }
    let mut machine = Machine::default();
    let (object, _) =
        pickle::run(&content(path, file, pickle)?, &mut machine).map_err(|fault| faulty(path, "data.pkl", fault))?;
    let by_name: HashMap<_, _> = files.iter().map(|file| (file.name.as_str(), file)).collect();
    let mut starts = HashMap::new();
    for storage in &machine.storages {
        let name = format!("{root}data/{}", storage.key);
        let stored =
            by_name.get(name.as_str()).ok_or_else(|| broken(path, "zip", format!("no {}", shown(&name)), FORM))?;
        let length = storage.count.checked_mul(storage.element.dtype().size() as u64);
        if length != Some(stored.length) {
            let expected = format!("{} numbers of {}", storage.count, storage.element.dtype().name());
            return Err(broken(path, shown(&name), format!("{} bytes", stored.length), expected));
        }
        starts.insert(storage.key.clone(), stored.start);
    }
    Ok((machine, object, starts))
}

/// Compares a file of the zip with its checksum.
fn check(path: &Path, file: &mut File, stored: &StoredFile) -> Result<(), Error> {
    file.seek(SeekFrom::Start(stored.start)).map_err(Error::io(path, "read"))?;
    let (mut crc, mut buffer, mut left) = (Crc::new(), vec![0; 1 << 20], stored.length);
    while left > 0 {
        let part = &mut buffer[..left.min(1 << 20) as usize];
        file.read_exact(part).map_err(Error::io(path, "read"))?;
        crc.update(part);
        left -= part.len() as u64;
    }
    if crc.sum() != stored.crc {
        let (found, expected) =
            (format!("checksum {:08x}", crc.sum()), format!("{:08x} (the file is damaged)", stored.crc));
        return Err(broken(path, shown(&stored.name), found, expected));
    }
    Ok(())
}

fn content(path: &Path, file: &mut File, stored: &StoredFile) -> Result<Vec<u8>, Error> {
    if stored.length > PICKLE_LIMIT {
        let found = format!("{} bytes", stored.length);
        return Err(broken(path, shown(&stored.name), found, format!("at most {PICKLE_LIMIT}")));
    }
    let mut bytes = vec![0; stored.length as usize];
    file.seek(SeekFrom::Start(stored.start)).map_err(Error::io(path, "read"))?;
    file.read_exact(&mut bytes).map_err(Error::io(path, "read"))?;
    Ok(bytes)
}

fn open_old(path: &Path, file: &mut File) -> Result<Opened, Error> {
    file.seek(SeekFrom::Start(0)).map_err(Error::io(path, "read"))?;
    let length = file.metadata().map_err(Error::io(path, "read"))?.len();
    let mut bytes = Vec::new();
    file.take(PICKLE_LIMIT).read_to_end(&mut bytes).map_err(Error::io(path, "read"))?;
    let (mut at, mut machine) = (0, Machine::default());
    let mut next = |what: &str, machine: &mut Machine| {
        let rest = bytes.get(at..).unwrap_or_default();
        let (value, taken) = pickle::run(rest, machine).map_err(|mut fault| {
            fault.byte += at;
            faulty(path, what, fault)
        })?;
        at += taken;
        Ok::<_, Error>((value, at))
    };
    let (magic, _) = next("magic number", &mut machine)?;
    if !matches!(magic, Value::Long(long) if machine.longs[long] == MAGIC) {
        return Err(broken(path, "magic number", "another one", "a file of torch.save: a zip, or its old format"));
    }
    match next("version", &mut machine)?.0 {
        Value::Int(1001) => {}
        version => return Err(broken(path, "version", format!("{version:?}"), "1001")),
    }
    let (system, _) = next("system", &mut machine)?;
    if entry(&machine, system, "little_endian") != Some(Value::Bool(true)) {
        return Err(broken(
            path,
            "system",
            "a machine whose numbers begin with their high bytes",
            "little_endian: True",
        ));
    }
    let (object, _) = next("object", &mut machine)?;
    let (keys, end) = next("keys", &mut machine)?;
    let Value::List(keys) = keys else { return Err(broken(path, "keys", "no list", "the keys of the storages")) };
    let by_key: HashMap<_, _> = machine.storages.iter().map(|storage| (storage.key.as_str(), storage)).collect();
    let (mut position, mut starts) = (end as u64, HashMap::new());
    for &key in &machine.lists[keys] {
        let key = text(&machine, key).unwrap_or_default();
        let Some(storage) = by_key.get(key) else {
            return Err(broken(path, "keys", format!("storage {}", shown(key)), "the storages of the tensors"));
        };
        let mut count = [0; 8];
        file.seek(SeekFrom::Start(position)).map_err(Error::io(path, "read"))?;
        file.read_exact(&mut count).map_err(Error::io(path, "read"))?;
        let count = u64::from_le_bytes(count);
        let bytes = count.checked_mul(storage.element.dtype().size() as u64);
        let end = bytes.and_then(|bytes| position.checked_add(8)?.checked_add(bytes)).filter(|&end| end <= length);
        let Some(end) = end.filter(|_| count == storage.count) else {
            let place = format!("byte {position}, storage {}", shown(key));
            return Err(broken(path, place, format!("{count} numbers"), format!("{}, in the file", storage.count)));
        };
        starts.insert(key.to_string(), position + 8);
        position = end;
    }
    Ok((machine, object, starts))
}

fn text(machine: &Machine, value: Value) -> Option<&str> {
    match value {
        Value::Text(text) => Some(&machine.texts[text]),
        _ => None,
    }
}

/// The value under a key of a dictionary; of several the last, as in Python.
fn entry(machine: &Machine, dict: Value, key: &str) -> Option<Value> {
    let Value::Dict(dict) = dict else { return None };
    machine.dicts[dict].iter().rev().find(|(found, _)| text(machine, *found) == Some(key)).map(|(_, value)| *value)
}

/// Names and tensors of the state dictionary, which may lie in a dictionary of a training run.
fn state_dict(machine: &Machine, root: Value) -> Result<BTreeMap<String, usize>, (String, &'static str)> {
    let Value::Dict(root) = root else { return Err(("no dictionary".into(), "a state_dict, not a whole model")) };
    let inner = ["state_dict", "model_state_dict", "model"].iter().find_map(|key| {
        match entry(machine, Value::Dict(root), key) {
            Some(Value::Dict(inner)) => Some(inner),
            _ => None,
        }
    });
    let mut tensors = BTreeMap::new();
    for &(key, value) in &machine.dicts[inner.unwrap_or(root)] {
        let Some(name) = text(machine, key).filter(|name| name.len() <= NAME_LIMIT) else {
            return Err(("a key that is no name".into(), "names of tensors"));
        };
        let Value::Tensor(tensor) = value else {
            return Err((format!("an entry {} that is no tensor", shown(name)), "tensors alone: a state_dict"));
        };
        tensors.insert(name.to_string(), tensor);
    }
    Ok(tensors)
}

impl Element {
    fn dtype(self) -> DType {
        match self {
            Self::F64 => DType::F64,
            Self::F32 => DType::F32,
            Self::F16 => DType::F16,
            Self::BF16 => DType::BF16,
            Self::I64 => DType::I64,
            Self::I32 => DType::I32,
            Self::U8 => DType::U8,
        }
    }
}

impl TensorView {
    /// Whether the numbers follow each other in row-major order.
    fn is_contiguous(&self) -> bool {
        let mut expected = 1_u64;
        self.shape.iter().zip(&self.strides).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected = expected.saturating_mul(size as u64);
            fits
        })
    }

    /// The numbers of the storage between the view's first and last.
    fn span(&self) -> u64 {
        1 + self
            .shape
            .iter()
            .zip(&self.strides)
            .map(|(&size, &stride)| (size as u64).saturating_sub(1) * stride)
            .sum::<u64>()
    }

    /// The bytes in row-major order, out of those of its span.
    fn gather(&self, span: &[u8], width: usize) -> Vec<u8> {
        let count: usize = self.shape.iter().product();
        let mut gathered = Vec::with_capacity(count * width);
        let mut index = vec![0; self.shape.len()];
        for _ in 0..count {
            let place: u64 = index.iter().zip(&self.strides).map(|(&index, &stride)| index as u64 * stride).sum();
            gathered.extend_from_slice(
                span.get(place as usize * width..).and_then(|rest| rest.get(..width)).unwrap_or_default(),
            );
            for (index, &size) in index.iter_mut().zip(&self.shape).rev() {
                *index += 1;
                if *index < size {
                    break;
                }
                *index = 0;
            }
        }
        gathered
    }
}

impl TensorSource for PthFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn tensors(&self) -> &BTreeMap<String, TensorKind> {
        &self.kinds
    }

    fn read(&mut self, name: &str, start: u64, into: &mut [u8]) -> Result<(), Error> {
        let ends = || Error::format(&self.path, format!("tensor {}", shown(name)), "too few numbers", "a whole tensor");
        let Some(Place { storage, width, view }) = self.views.get(name) else { return Err(ends()) };
        if into.is_empty() {
            return Ok(());
        }
        let first = storage + view.offset * *width as u64;
        if view.is_contiguous() {
            let sought = self.file.seek(SeekFrom::Start(first + start));
            return sought.and_then(|_| self.file.read_exact(into)).map_err(Error::io(&self.path, "read"));
        }
        if self.gathered.as_ref().is_none_or(|(held, _)| held != name) {
            let mut span = vec![0; view.span() as usize * width];
            let sought = self.file.seek(SeekFrom::Start(first));
            sought.and_then(|_| self.file.read_exact(&mut span)).map_err(Error::io(&self.path, "read"))?;
            self.gathered = Some((name.to_string(), view.gather(&span, *width)));
        }
        let held = self.gathered.as_ref().map_or(&[][..], |(_, bytes)| bytes);
        let part = usize::try_from(start).ok().and_then(|start| held.get(start..)?.get(..into.len()));
        into.copy_from_slice(part.ok_or_else(ends)?);
        Ok(())
    }
}
