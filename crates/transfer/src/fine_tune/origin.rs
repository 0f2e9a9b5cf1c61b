//! Where a network comes from before it is fine-tuned.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use burn::tensor::{Device, TensorData};
use ognivo_cnn::image::model::{InputShape, Network, NetworkConfig};
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::run::{CONFIG, MODEL, RunDirectory};
use ognivo_core::weights::{NamedTensors, TensorKind, TensorSource, load_from, shapes_of, tensors_of};
use ognivo_core::{Error, random, random::Rng};

use crate::Result;
use crate::weights::{Published, WeightFile};

/// What fine-tuning starts from.
#[derive(Clone, Debug)]
pub struct Origin {
    /// For people, and for `transfer.json`.
    pub name: String,
    /// The network.
    pub network: NetworkConfig,
    /// How its pictures were prepared; `None` where the new pictures are to decide.
    pub preprocessing: Option<Preprocessing>,
    /// The file of its weights, and beginnings of names in it that the network does not need; `None` for random weights.
    weights: Option<(PathBuf, Vec<String>)>,
    /// So many stages are the origin's, those after them new; all but the classifier where absent.
    kept: Option<usize>,
}

impl Origin {
    /// Published weights, in `file`.
    pub fn published(model: &Published, file: &Path) -> Self {
        Self {
            name: model.name.clone(),
            network: model.network.clone(),
            preprocessing: Some(model.preprocessing()),
            weights: Some((file.to_path_buf(), model.dropped.clone())),
            kept: None,
        }
    }

    /// The network of a run, of this program's or of `classify-images`.
    ///
    /// # Errors
    /// It is no run, or a file of it is damaged.
    pub fn run(path: &Path) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let config: ClassifierConfig = run.read_json(CONFIG)?;
        Ok(Self {
            name: path.display().to_string(),
            network: config.network,
            preprocessing: Some(Preprocessing::open(&run)?),
            weights: Some((run.file(MODEL), Vec::new())),
            kept: None,
        })
    }

    /// Random weights.
    pub fn scratch(network: NetworkConfig, preprocessing: Option<Preprocessing>) -> Self {
        Self { name: "scratch".into(), network, preprocessing, weights: None, kept: None }
    }

    /// The same of which only the first `stages` are kept.
    pub fn first_stages(self, stages: usize) -> Self {
        Self { kept: Some(stages), ..self }
    }

    /// The network with a new classifier for so many `classes`, drawn from `seed`; the rest is the origin's.
    ///
    /// # Errors
    /// The file is not that of the network, apart from the classifier: the first difference.
    pub fn open(&self, input: InputShape, classes: usize, seed: u64, device: &Device) -> Result<Network> {
        device.seed(random::stream(seed, &[random::INIT]).next_u64());
        let network = self.network.init(input, classes, device)?;
        let Some((file, dropped)) = &self.weights else { return Ok(network) };
        let source = WeightFile::open(file)?.without(dropped).named_for(&self.network, &shapes_of(&network));
        let head = head_of(&network, self.kept)?;
        let mut own = tensors_of(&network);
        own.retain(|name, _| is_of(name, &head));
        let mut kinds = source.tensors().clone();
        kinds.retain(|name, _| !is_of(name, &head));
        let kind = |data: &TensorData| TensorKind { shape: data.shape().to_vec(), dtype: data.dtype() };
        kinds.extend(own.iter().map(|(name, data)| (name.clone(), kind(data))));
        Ok(load_from(network, &mut WithHead { source, own, kinds })?)
    }
}

/// The layers of the classifier, or all after the first `kept` stages.
fn head_of(network: &Network, kept: Option<usize>) -> Result<Vec<String>> {
    let Network::Backbone(backbone) = network else {
        let name = network.config().name();
        let message =
            format!("{name} cannot be fine-tuned: it is not written as layers with stages; try resnet18 or resnet20");
        return Err(Error::Config(message).into());
    };
    let before_last = backbone.stages().len().saturating_sub(1);
    let new = backbone.stages().iter().skip(kept.map_or(before_last, |kept| kept.min(before_last)));
    Ok(new.flat_map(|stage| stage.layers.iter().cloned()).collect())
}

fn is_of(tensor: &str, layers: &[String]) -> bool {
    tensor.rsplit_once('.').is_some_and(|(layer, _)| layers.iter().any(|known| known == layer))
}

/// A file's tensors, with those of a new classifier in place of its own.
struct WithHead {
    source: WeightFile,
    own: NamedTensors,
    kinds: BTreeMap<String, TensorKind>,
}

impl TensorSource for WithHead {
    fn path(&self) -> &Path {
        self.source.path()
    }

    fn tensors(&self) -> &BTreeMap<String, TensorKind> {
        &self.kinds
    }

    fn read(&mut self, name: &str, start: u64, into: &mut [u8]) -> ognivo_core::Result<()> {
        let Some(data) = self.own.get(name) else { return self.source.read(name, start, into) };
        let part = usize::try_from(start).ok().and_then(|start| data.as_bytes().get(start..)?.get(..into.len()));
        into.copy_from_slice(part.ok_or_else(|| {
            Error::format(self.source.path(), format!("tensor {name}"), "too few bytes", "a whole tensor")
        })?);
        Ok(())
    }
}
