//! Which network makes vectors, and of which of its layers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::Device;
use ognivo_cnn::image::model::{Network, NetworkConfig};
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::image::trained::Trained;
use ognivo_core::cli::events::Output;
use ognivo_core::data::{ImageSet, folder::FolderImages, picture};
use ognivo_core::random::{self, Rng};
use ognivo_transfer::vectors::{Extractor, Maker, PictureFiles, Source, index};

use crate::source;

/// A network and a layer.
#[derive(clap::Args)]
pub(crate) struct ExtractorArgs {
    /// The network: published weights by name (`models` lists them), a run directory of this program or of classify-images, or scratch for
    /// random weights
    #[arg(long)]
    from: String,
    /// A file of weights for the published network in --from [default: the published file, fetched and checked]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The network with --from scratch
    #[arg(long, default_value = "resnet20")]
    network: String,
    /// Decides the weights with --from scratch
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The stage or layer whose output is the vector; a wrong name lists them [default: what the classifier sees]
    #[arg(long, value_name = "NAME")]
    layer: Option<String>,
    /// Keep all numbers of the layer instead of averaging each channel over the picture
    #[arg(long)]
    flat: bool,
}

impl ExtractorArgs {
    /// The network, cut; and where it can be found again. From scratch, pictures are prepared as for the vectors in `to`, or, where there are
    /// none, as those of `files` that can be read suggest.
    pub(crate) fn open(
        &self,
        files: &PictureFiles,
        to: &Path,
        device: &Device,
        output: &Output,
    ) -> anyhow::Result<(Extractor, Source)> {
        let scratch = self.from == "scratch";
        let source = Source {
            from: self.from.clone(),
            weights: self.weights.clone(),
            network: scratch.then(|| self.network.clone()),
            seed: self.seed,
        };
        let prepared = || -> anyhow::Result<Preprocessing> {
            if let Some(maker) = index::maker(to)? {
                return Ok(maker.preprocessing);
            }
            let readable = |path: &PathBuf| picture::decode_file(path).is_ok();
            let paths =
                files.names.iter().map(|name| files.path(name)).filter(readable).map(|path| (path, 0)).collect();
            let set: Arc<dyn ImageSet> = Arc::new(FolderImages::new(paths, vec![String::new()])?);
            Ok(Preprocessing::measure(&*set, None)?)
        };
        let (network, preprocessing) = network(&source, prepared, device, output)?;
        Ok((Extractor::new(network, self.layer.as_deref(), !self.flat, preprocessing, device)?, source))
    }
}

/// The network that made an index, again.
///
/// # Errors
/// It is not to be had any more, or not the same.
pub(crate) fn again(source: &Source, maker: &Maker, device: &Device, output: &Output) -> anyhow::Result<Extractor> {
    let (network, preprocessing) = network(source, || Ok(maker.preprocessing.clone()), device, output)?;
    let extractor = Extractor::new(network, Some(&maker.layer), maker.pooled, preprocessing, device)?;
    match maker.difference(extractor.maker()) {
        None => Ok(extractor),
        Some(difference) => Err(ognivo_core::Error::Config(format!(
            "{} is not what the vectors were made with any more: {difference}; run vectorise again",
            source.from
        ))
        .into()),
    }
}

fn network(
    source: &Source,
    prepared: impl FnOnce() -> anyhow::Result<Preprocessing>,
    device: &Device,
    output: &Output,
) -> anyhow::Result<(Network, Preprocessing)> {
    if source.from == "scratch" {
        let preprocessing = prepared()?;
        device.seed(random::stream(source.seed, &[random::INIT]).next_u64());
        let config = NetworkConfig::named(source.network.as_deref().unwrap_or_default())?;
        return Ok((config.init(preprocessing.input(), 10, device)?, preprocessing));
    }
    if Path::new(&source.from).is_dir() {
        let Trained { network, preprocessing, .. } = Trained::open(Path::new(&source.from), device)?;
        return Ok((network, preprocessing));
    }
    let (model, file) = source::locate(&source.from, source.weights.as_deref(), output)?;
    Ok((model.load(&file, device)?, model.preprocessing()))
}
