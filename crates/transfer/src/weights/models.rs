//! The registry of published weights.

use std::path::{Path, PathBuf};

use burn::tensor::Device;
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::image::preprocess::{Ground, Preprocessing};
use ognivo_core::Error;
use ognivo_core::dataset::{DataFile, Dataset, Index, Progress, Store};
use ognivo_core::weights::load_from;
use serde::Deserialize;

use super::WeightFile;
use crate::Result;

/// The registry that is built into the program.
const REGISTRY: &str = include_str!("models.toml");

/// Weights that somebody published, and how the pictures for them are prepared.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// torchvision's or timm's name in small letters, digits and hyphens: `resnet18`, `vgg16-bn`.
    pub name: String,
    /// The network.
    pub network: NetworkConfig,
    /// Where the file is served.
    pub url: String,
    /// The file's SHA-256, or its first digits, which torchvision puts into the file's name.
    pub sha256: String,
    /// Where the weights are described.
    pub home: String,
    /// What the publishers say of the licence.
    pub licence: String,
    /// Percent of ImageNet's validation pictures classified rightly, as published, with one crop of `crop` pixels.
    pub top1: f64,
    /// Percent with the class among the five most probable, likewise.
    pub top5: f64,
    /// Outputs.
    pub classes: usize,
    /// The shorter side is brought to so many pixels.
    pub resize: usize,
    /// And so many are cut out of the middle.
    pub crop: usize,
    /// Taken from each channel, of values from 0 to 1.
    pub mean: [f32; 3],
    /// What each channel is then divided by.
    pub deviation: [f32; 3],
    /// Beginnings of the names of tensors that the file has and the network does not need.
    #[serde(default)]
    pub dropped: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "model")]
    models: Vec<Published>,
}

/// All of the registry.
///
/// # Errors
/// Never for a released program: a test reads it.
pub fn published_models() -> Result<Vec<Published>> {
    let document: Document = toml::from_str(REGISTRY)
        .map_err(|error| Error::format("models.toml", "registry", error.message(), "a registry of weights"))?;
    Ok(document.models)
}

/// The weights called `name`; an underscore counts as a hyphen.
///
/// # Errors
/// There are none; the error suggests the nearest name, or lists all.
pub fn published(name: &str) -> Result<Published> {
    let models = published_models()?;
    let plain = name.replace('_', "-");
    let names: Vec<_> = models.iter().map(|model| model.name.clone()).collect();
    let found = models.into_iter().find(|model| model.name == plain);
    found.ok_or_else(|| {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        Error::Config(ognivo_core::cli::suggest::unknown("published network", name, &names)).into()
    })
}

impl Published {
    /// The pictures it is for.
    pub fn input(&self) -> InputShape {
        InputShape { channels: 3, height: self.crop, width: self.crop }
    }

    /// How pictures are prepared for it.
    pub fn preprocessing(&self) -> Preprocessing {
        Preprocessing {
            channels: 3,
            height: self.crop,
            width: self.crop,
            mean: self.mean.to_vec(),
            deviation: self.deviation.to_vec(),
            ground: Ground::Mixed,
        }
    }

    /// The file on this machine, downloaded first if need be.
    ///
    /// # Errors
    /// As [`Store::locate`].
    pub fn locate(&self, store: &Store, progress: &mut dyn FnMut(Progress<'_>)) -> Result<PathBuf> {
        let mut store = store.clone();
        store.add(Index::new("models.toml", vec![self.as_dataset()])?);
        Ok(store.locate(&self.set_name(), progress)?.join(self.file_name()))
    }

    /// The file's name at its publisher's.
    pub fn file_name(&self) -> String {
        self.url.rsplit('/').next().unwrap_or(&self.name).to_string()
    }

    /// As `$OGNIVO_DATA` and the cache call its folder.
    fn set_name(&self) -> String {
        format!("weights-{}", self.name)
    }

    fn as_dataset(&self) -> Dataset {
        let file = DataFile {
            name: self.file_name(),
            bytes: 0,
            sha256: self.sha256.clone(),
            urls: vec![self.url.clone()],
            unpack: None,
        };
        Dataset {
            name: self.set_name(),
            title: format!("Weights of {}", self.name),
            task: "transfer learning".into(),
            home: self.home.clone(),
            licence: self.licence.clone(),
            citation: self.home.clone(),
            ships: false,
            folder: String::new(),
            manual: None,
            classes: None,
            files: vec![file],
        }
    }

    /// A file of weights for this network, with the network's names and without what it does not need.
    ///
    /// # Errors
    /// As [`WeightFile::open`].
    pub fn open(&self, file: &Path) -> Result<WeightFile> {
        let shapes = self.network.backbone_shapes(self.input(), self.classes)?;
        Ok(WeightFile::open(file)?.without(&self.dropped).named_for(&self.network, &shapes))
    }

    /// The network with the weights of `file`, a download or a copy of it.
    ///
    /// # Errors
    /// The file is not that of this network: the first difference, with both shapes.
    pub fn load(&self, file: &Path, device: &Device) -> Result<Network> {
        let network = self.network.init_to_load(self.input(), self.classes, device)?;
        Ok(load_from(network, &mut self.open(file)?)?)
    }
}
