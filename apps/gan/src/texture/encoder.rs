//! Where the features come from.

use std::path::Path;

use ognivo_cnn::image::model::Network;
use ognivo_cnn::image::trained::Trained;
use ognivo_core::cli::events::Output;
use ognivo_core::device::Device;
use ognivo_core::run::RunDirectory;
use ognivo_core::weights;
use ognivo_gan::texture::encoder::{Encoder, SmallEncoder};
use ognivo_gan::texture::model::{EncoderConfig, SMALL};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The file of a run that has the weights of the encoder that was trained for it.
const WEIGHTS: &str = "encoder.safetensors";
/// The file of a run that says which encoder it learnt with.
const RECORD: &str = "encoder.json";

/// Which encoder a run learns with.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// Of its weights with their names.
    pub(super) sha256: String,
    /// The share of new textures whose kind the small one tells.
    pub(super) accuracy: Option<f64>,
}

/// The encoder that is no part of the run: that of another run, of `classify-images` or `transfer`.
pub(super) fn foreign(config: &EncoderConfig, device: &Device) -> anyhow::Result<Option<Encoder>> {
    if config.from == SMALL {
        return match config.stage {
            None => Ok(None),
            Some(_) => Err(ognivo_core::Error::Config("--stage: the small encoder has no stages".into()).into()),
        };
    }
    let path = Path::new(&config.from);
    if !path.is_dir() {
        let message = format!(
            "--encoder {}: no such folder; expected small, or a run of classify-images or transfer",
            config.from
        );
        return Err(ognivo_core::Error::Config(message).into());
    }
    let Trained { network, preprocessing, .. } = Trained::open(path, device)?;
    let name = network.config().name();
    let Network::Backbone(network) = network else {
        let message = format!(
            "--encoder {}: found a network {name}; expected one with stages, such as vgg16 or resnet20",
            config.from
        );
        return Err(ognivo_core::Error::Config(message).into());
    };
    Ok(Some(Encoder::cut(network, config.stage.as_deref(), &preprocessing, device)?))
}

/// The encoder of a run: the `foreign` one, or the small one, which is trained and saved if it is not there. `None` when Ctrl-C stopped that.
pub(super) fn of_run(
    run: &RunDirectory,
    foreign: Option<Encoder>,
    steps: u64,
    device: &Device,
    output: &Output,
) -> anyhow::Result<Option<(Encoder, Record)>> {
    let known: Option<Record> = run.file(RECORD).exists().then(|| run.read_json(RECORD)).transpose()?;
    if let Some(encoder) = foreign {
        let record = Record { sha256: encoder.sha256.clone(), accuracy: None };
        anyhow::ensure!(
            known.is_none_or(|known| known == record),
            "{}: the encoder's weights are others than those the run was started with",
            run.file(RECORD).display()
        );
        run.write_json(RECORD, &record)?;
        return Ok(Some((encoder, record)));
    }
    let file = run.file(WEIGHTS);
    if let Some(record) = known {
        let network = weights::load_into(SmallEncoder::new(device)?, weights::read(&file)?.0, &file)?;
        return Ok(Some((Encoder::small(network, device), record)));
    }
    output.line("The encoder, on textures that are computed:");
    let learnt = SmallEncoder::learn(steps, device, |step| {
        if step.is_multiple_of(100) {
            output.line(&format!("step {step} of {steps}"));
        }
    })?;
    let Some((network, accuracy)) = learnt else { return Ok(None) };
    weights::save(&file, &weights::tensors_of(&network), Value::Null)?;
    let encoder = Encoder::small(network, device);
    let record = Record { sha256: encoder.sha256.clone(), accuracy: Some(accuracy) };
    // The record is written last: its presence says that the weights are there.
    run.write_json(RECORD, &record)?;
    Ok(Some((encoder, record)))
}
