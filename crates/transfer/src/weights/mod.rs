//! Weights that others trained: files of them, and the published ones by name.
//!
//! [`WeightFile`] opens PyTorch's `.pth` files (old and new) and safetensors files, whichever it finds; numbers stay on the disk until they
//! are asked for, so that loading takes no more memory than the network itself. [`published`] has the registry. A file is loaded whole or not
//! at all: no tensor may be missing, left over or of another shape.

mod models;
mod pickle;
mod pth;
mod timm;
pub mod verify;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use ognivo_cnn::image::model::NetworkConfig;
use ognivo_core::Error;
use ognivo_core::weights::{SafetensorsFile, TensorKind, TensorSource};

pub use models::{Published, published, published_models};

use self::pth::PthFile;

/// A file of weights, opened.
#[derive(Debug)]
pub struct WeightFile {
    format: Format,
    kinds: BTreeMap<String, TensorKind>,
    /// What the file calls tensors that have another name here.
    names: BTreeMap<String, String>,
}

#[derive(Debug)]
enum Format {
    Safetensors(SafetensorsFile),
    Pth(PthFile),
}

impl WeightFile {
    /// Opens a file, in whichever of the formats it is.
    ///
    /// # Errors
    /// It cannot be read, is none of them, is damaged, or holds more than tensors; says where and what.
    pub fn open(path: &Path) -> Result<Self, Error> {
        // What is no file, such as a pipe, cannot be gone back in.
        if !std::fs::metadata(path).map_err(Error::io(path, "read"))?.is_file() {
            return Err(Error::format(path, "kind", "a folder or device", "a file of weights"));
        }
        let mut start = Vec::new();
        let opened = File::open(path).and_then(|file| file.take(9).read_to_end(&mut start));
        opened.map_err(Error::io(path, "read"))?;
        let format = match start.as_slice() {
            // First: a header's length may begin with any byte, such as a pickle's 0x80. It is below 2^40, which neither a zip nor a pickle
            // looks like.
            [_, _, _, _, _, 0, 0, 0, b'{'] => Format::Safetensors(SafetensorsFile::open(path)?),
            [b'P', b'K', ..] | [0x80, ..] => Format::Pth(PthFile::open(path)?),
            [_, _, _, _, _, _, _, _, b'{'] => Format::Safetensors(SafetensorsFile::open(path)?),
            _ => {
                let expected = "weights: a .pth file of torch.save, or a safetensors file";
                return Err(Error::format(path, "start", format!("the bytes {start:02x?}"), expected));
            }
        };
        let kinds = match &format {
            Format::Safetensors(file) => file.tensors().clone(),
            Format::Pth(file) => file.tensors().clone(),
        };
        Ok(Self { format, kinds, names: BTreeMap::new() })
    }

    /// The file without the tensors whose names begin with one of `prefixes`.
    pub fn without(mut self, prefixes: &[String]) -> Self {
        self.kinds.retain(|name, _| !prefixes.iter().any(|prefix| name.starts_with(prefix.as_str())));
        self
    }

    /// The file with timm's tensors under the names of `network`, whose tensors have these `shapes`. A dense layer that timm keeps as a
    /// convolution is the same numbers in the same order.
    pub fn named_for(mut self, network: &NetworkConfig, shapes: &BTreeMap<String, Vec<usize>>) -> Self {
        for (name, shape) in shapes {
            let Some(timm) = timm::name(network, name).filter(|_| !self.kinds.contains_key(name)) else { continue };
            let Some(mut kind) = self.kinds.remove(&timm) else { continue };
            if let ([outputs, _], [first, rest @ ..]) = (&shape[..], &kind.shape[..]) {
                let inputs = rest.iter().try_fold(1usize, |all, &size| all.checked_mul(size));
                if outputs == first && inputs == Some(shape[1]) {
                    kind.shape = shape.clone();
                }
            }
            self.kinds.insert(name.clone(), kind);
            self.names.insert(name.clone(), timm);
        }
        self
    }

    /// How the file is made.
    pub fn format_name(&self) -> &'static str {
        match self.format {
            Format::Safetensors(_) => "safetensors",
            Format::Pth(_) => "PyTorch's pickle",
        }
    }
}

impl TensorSource for WeightFile {
    fn path(&self) -> &Path {
        match &self.format {
            Format::Safetensors(file) => file.path(),
            Format::Pth(file) => file.path(),
        }
    }

    fn tensors(&self) -> &BTreeMap<String, TensorKind> {
        &self.kinds
    }

    fn read(&mut self, name: &str, start: u64, into: &mut [u8]) -> Result<(), Error> {
        let name = self.names.get(name).map_or(name, String::as_str);
        match &mut self.format {
            Format::Safetensors(file) => file.read(name, start, into),
            Format::Pth(file) => file.read(name, start, into),
        }
    }
}
