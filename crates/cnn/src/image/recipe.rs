//! Recipes: the settings training starts from, by the size of the pictures.
//!
//! What each reaches is in docs/results.md. All of them were chosen on validation parts.

use ognivo_core::data::ImageSet;
use ognivo_core::train::fit::FitConfig;
use ognivo_core::train::optimizer::{AdamW, OptimizerConfig, Sgd};
use ognivo_core::train::schedule::{Curve, ScheduleConfig};

use super::augment::AugmentConfig;
use super::model::{CifarResNetConfig, NetworkConfig, PytorchMnistConfig, StandardConfig};
use super::preprocess;
use super::train::ClassifierConfig;
use crate::Result;

/// The settings for a data set called `data` in whose training part lie the pictures of `set`, brought to `size` (height, width) if
/// one is asked for.
pub fn recipe(data: &str, set: &dyn ImageSet, size: Option<[usize; 2]>) -> Result<ClassifierConfig> {
    let [channels, height, width] = preprocess::common_shape(set)?;
    let [height, width] = size.unwrap_or([height, width]);
    let config = match (channels, height.min(width)) {
        (1, 28) => grey28()?,
        (_, ..20) => small()?,
        _ => colour32()?,
    };
    Ok(ClassifierConfig { data: data.to_string(), ..config })
}

/// The settings that do not depend on the pictures; what opening a data set goes by.
pub fn base_config(data: &str) -> ClassifierConfig {
    ClassifierConfig {
        data: data.to_string(),
        seed: 1,
        image_size: None,
        classes: None,
        limit: None,
        valid_fraction: 0.1,
        label_column: None,
        coarse_labels: false,
        network: NetworkConfig::default(),
        augment: AugmentConfig::default(),
        label_smoothing: 0.0,
        fit: one_cycle(64, 0.001),
    }
}

/// Tiny pictures such as the 8x8 digits: two blocks of the standard scheme, trained in seconds.
fn small() -> Result<ClassifierConfig> {
    let network = StandardConfig { channels: vec![32, 64], dense: vec![128], dense_dropout: 0.5, ..Default::default() };
    Ok(ClassifierConfig {
        network: NetworkConfig::Standard(network),
        augment: "rotate=10,scale=0.9..1.1,mixup=0.2".parse::<AugmentConfig>()?,
        fit: FitConfig { epochs: 80, ..one_cycle(32, 0.003) },
        ..base_config("")
    })
}

/// MNIST, Fashion-MNIST and their like: the network of PyTorch's MNIST example.
fn grey28() -> Result<ClassifierConfig> {
    Ok(ClassifierConfig {
        network: NetworkConfig::PytorchMnist(PytorchMnistConfig::default()),
        augment: "shift=2,rotate=10".parse::<AugmentConfig>()?,
        fit: FitConfig { epochs: 12, ..one_cycle(64, 0.002) },
        ..base_config("")
    })
}

/// CIFAR and larger pictures: ResNet-20 with the augmentation of its paper, section 4.2 (He et al. 2016).
fn colour32() -> Result<ClassifierConfig> {
    Ok(ClassifierConfig {
        network: NetworkConfig::Resnet20(CifarResNetConfig::default()),
        augment: "crop=4,flip".parse::<AugmentConfig>()?,
        fit: FitConfig {
            epochs: 30,
            optimizer: OptimizerConfig::Sgd(Sgd {
                momentum: 0.9,
                nesterov: true,
                weight_decay: 5e-4,
                ..Sgd::default()
            }),
            ..one_cycle(128, 0.2)
        },
        ..base_config("")
    })
}

/// AdamW along one cycle of the learning rate (Smith and Topin 2018).
fn one_cycle(batch_size: usize, learning_rate: f64) -> FitConfig {
    FitConfig {
        epochs: 10,
        batch_size,
        learning_rate,
        optimizer: OptimizerConfig::AdamW(AdamW::default()),
        schedule: ScheduleConfig {
            warmup: 0,
            curve: Curve::OneCycle { rise: 0.3, start_divisor: 25.0, final_divisor: 1e4 },
        },
        clip_norm: None,
        clip_value: None,
        patience: None,
        checkpoint_seconds: 30.0,
    }
}
