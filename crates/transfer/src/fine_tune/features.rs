//! What frozen stages put out for a set of pictures: computed once, kept in the cache under a hash of all it depends on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_cnn::image::batch::ImageBatch;
use ognivo_cnn::image::model::Network;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_core::data::ImageSet;
use ognivo_core::train::loader::{Batcher, Position};
use ognivo_core::weights::{self, NamedTensors, tensors_of};
use ognivo_core::{Error, run::sha256};
use serde_json::json;

use crate::Result;
use crate::outputs::{self, LARGEST, Outputs};

/// The features of a set of pictures, with their labels.
#[derive(Clone, Debug)]
pub struct Features {
    values: Arc<Vec<f32>>,
    labels: Arc<Vec<usize>>,
    /// `[channels, height, width]` of one picture's.
    shape: [usize; 3],
    classes: usize,
    /// Whether they came from the cache.
    pub cached: bool,
}

impl Features {
    /// What the first `stages` stages of `network`, in evaluation mode on `device`, put out for the pictures of `set`; from the file
    /// in `cache` if the same was computed before, and from where a computation was stopped if one was. `go_on` is called with the number of
    /// pictures done since it was last called; when it says no, there are no features.
    ///
    /// # Errors
    /// A picture cannot be read. A damaged file of the cache is made anew, and one that cannot be written is no error.
    pub fn compute(
        network: &Network,
        stages: usize,
        set: &Arc<dyn ImageSet>,
        preprocessing: &Preprocessing,
        device: &Device,
        cache: Option<&Path>,
        go_on: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Option<Self>> {
        let Network::Backbone(backbone) = network else {
            return Err(Error::Config("features need a network that is written as stages".into()).into());
        };
        let labels: Vec<_> = (0..set.len()).map(|index| set.label(index)).collect();
        let file = match cache {
            Some(folder) => Some(folder.join(format!("{}.safetensors", key(network, stages, set, preprocessing)?))),
            None => None,
        };
        let classes = set.classes().len();
        let known = file.as_deref().and_then(|file| read(file, set.len()));
        let cached = known.is_some();
        let Outputs { values, shape } = match known {
            Some(known) => known,
            None => {
                let forward = |x| Ok(backbone.forward_stages(0..stages, x));
                let journal = file.as_ref().map(|file| file.with_extension("part"));
                let made = outputs::compute(set, preprocessing, device, journal.as_deref(), &forward, go_on)?;
                let Some(made) = made else { return Ok(None) };
                if let Some(file) = &file {
                    write(file, &made, set.len());
                }
                if let Some(journal) = journal {
                    let _ = std::fs::remove_file(journal);
                }
                made
            }
        };
        Ok(Some(Self { values: Arc::new(values), labels: Arc::new(labels), shape, classes, cached }))
    }

    /// How many pictures they are of.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether they are of none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Numbers of one picture.
    fn width(&self) -> usize {
        self.shape.iter().product()
    }

    /// One picture's, scaled to length 1.
    fn direction(&self, index: usize) -> Vec<f32> {
        let row = &self.values[index * self.width()..][..self.width()];
        let length = row.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
        row.iter().map(|v| v / length).collect()
    }

    /// The share of the pictures of `test` whose nearest neighbour in `self` by the cosine is of their own class; of equally near ones the
    /// first counts.
    pub fn nearest_neighbour_accuracy(&self, test: &Self) -> f64 {
        let own: Vec<_> = (0..self.len()).map(|index| self.direction(index)).collect();
        let right = (0..test.len()).filter(|&index| {
            let asked = test.direction(index);
            let similarity = |row: &Vec<f32>| row.iter().zip(&asked).map(|(a, b)| a * b).sum::<f32>();
            let best = own
                .iter()
                .map(similarity)
                .enumerate()
                .fold((0, f32::NEG_INFINITY), |best, found| if found.1 > best.1 { found } else { best });
            self.labels.get(best.0) == Some(&test.labels[index])
        });
        right.count() as f64 / test.len().max(1) as f64
    }
}

/// A hash of the frozen stages' weights, the pictures as the network sees them, and their order.
fn key(network: &Network, stages: usize, set: &Arc<dyn ImageSet>, preprocessing: &Preprocessing) -> Result<String> {
    let Network::Backbone(backbone) = network else { return Ok(String::new()) };
    let layers: Vec<_> = backbone.stages().iter().take(stages).flat_map(|stage| &stage.layers).collect();
    let mut parts = vec![sha256(json!([network.config(), stages, preprocessing]).to_string().as_bytes())];
    for (name, data) in tensors_of(network) {
        if name.rsplit_once('.').is_some_and(|(layer, _)| layers.iter().any(|known| *known == layer)) {
            parts.push(format!("{name} {}", sha256(data.as_bytes())));
        }
    }
    for index in 0..set.len() {
        parts.push(sha256(&preprocessing.fit(&set.image(index)?)?.pixels));
    }
    Ok(sha256(parts.join("\n").as_bytes()))
}

/// The name of the tensor in a file of features.
const FEATURES: &str = "features";

fn read(file: &Path, count: usize) -> Option<Outputs> {
    let (mut tensors, _) = weights::read(file).ok()?;
    let data = tensors.remove(FEATURES)?;
    let shape: [usize; 4] = data.shape().to_vec().try_into().ok()?;
    let [found, channels, height, width] = shape;
    let values = data.try_into_vec_as::<f32>().ok()?;
    (found == count).then_some(Outputs { values, shape: [channels, height, width] })
}

fn write(file: &Path, made: &Outputs, count: usize) {
    let [channels, height, width] = made.shape;
    let data = TensorData::new(made.values.clone(), [count, channels, height, width]);
    let made = file.parent().map(std::fs::create_dir_all);
    if made.is_some_and(|made| made.is_ok()) {
        // A cache that cannot be written costs time, nothing else.
        let _ = weights::save(file, &NamedTensors::from([(FEATURES.to_string(), data)]), json!(null));
    }
}

/// The folder of features in the cache, where there is one.
pub fn cache_folder() -> Option<PathBuf> {
    ognivo_core::dataset::cache_folder().ok().map(|folder| folder.join("features"))
}

/// Whether the stages' output for so many pictures is small enough to be kept.
pub fn can_be_kept(network: &Network, stages: usize, preprocessing: &Preprocessing, pictures: usize) -> bool {
    let Network::Backbone(backbone) = network else { return false };
    let last = stages.checked_sub(1).and_then(|last| backbone.stages().get(last)).and_then(|stage| stage.layers.last());
    let summary = network.summary(preprocessing.input());
    let size = last.zip(summary.ok()).and_then(|(layer, summary)| summary.layer(layer).ok().map(|row| row.output));
    size.is_some_and(|size| size.iter().product::<usize>().saturating_mul(pictures) <= LARGEST)
}

/// Makes batches of features.
pub struct FeatureBatcher(pub Features);

impl Batcher for FeatureBatcher {
    type Batch = ImageBatch;

    fn items(&self) -> usize {
        self.0.len()
    }

    fn batch(&self, indices: &[usize], _: Position) -> ognivo_core::Result<ImageBatch> {
        let Features { values, labels, shape, classes, .. } = &self.0;
        let width = self.0.width();
        let mut rows = Vec::with_capacity(indices.len() * width);
        let mut targets = vec![0f32; indices.len() * classes];
        for (&index, target) in indices.iter().zip(targets.chunks_exact_mut(*classes)) {
            rows.extend_from_slice(&values[index * width..][..width]);
            target[labels[index]] = 1.0;
        }
        let [channels, height, width] = *shape;
        Ok(ImageBatch {
            images: TensorData::new(rows, [indices.len(), channels, height, width]),
            labels: indices.iter().map(|&index| labels[index]).collect(),
            targets: TensorData::new(targets, [indices.len(), *classes]),
        })
    }
}

/// The rest of `network`, from stage number `first` on, on what the stages before put out: logits `[batch, classes]`.
pub fn rest(network: &Network, first: usize, features: Tensor<4>) -> Tensor<2> {
    match network {
        Network::Backbone(backbone) if first > 0 => backbone.forward_stages(first..usize::MAX, features).flatten(1, 3),
        network => network.forward(features),
    }
}
