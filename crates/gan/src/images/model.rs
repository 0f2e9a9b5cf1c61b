//! The networks of a run: which, and how they are called, whatever they are.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::run::RunDirectory;

use super::dcgan::{DcganConfig, DcganDiscriminator, DcganGenerator};
use super::mlp::{MlpConfig, MlpDiscriminator, MlpGenerator};
use super::shape::PictureShape;
use crate::train::files;
use crate::{Error, Result};

/// Which networks, for which pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Networks {
    /// Their settings.
    pub kind: Kind,
    /// The pictures.
    pub shape: PictureShape,
}

/// The kinds of networks for pictures.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Fully connected.
    Mlp(MlpConfig),
    /// Convolutional.
    Dcgan(DcganConfig),
    /// Convolutional, told the class.
    Conditional(DcganConfig),
}

/// A generator of pictures.
#[derive(Module, Debug)]
pub enum Generator {
    /// Fully connected.
    Mlp(MlpGenerator),
    /// Convolutional.
    Dcgan(DcganGenerator),
}

/// A discriminator of pictures.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one discriminator in a program, not an array of them.
pub enum Discriminator {
    /// Fully connected.
    Mlp(MlpDiscriminator),
    /// Convolutional.
    Dcgan(DcganDiscriminator),
}

impl Networks {
    /// Whether the settings fit each other and the pictures.
    ///
    /// # Errors
    /// Names the setting; classes asked for of pictures that have only one.
    pub fn validate(&self) -> Result<()> {
        match &self.kind {
            Kind::Mlp(config) => config.validate(),
            Kind::Dcgan(config) => config.validate(&self.shape),
            Kind::Conditional(config) if self.shape.classes.len() > 1 => config.validate(&self.shape),
            Kind::Conditional(_) => {
                let found = format!("conditional, and pictures of one class, {:?}", self.shape.classes.join(", "));
                Err(Error::setting("model", found, "at least two classes, or --model dcgan"))
            }
        }
    }

    /// Numbers in the noise.
    pub fn latent(&self) -> usize {
        match &self.kind {
            Kind::Mlp(config) => config.latent,
            Kind::Dcgan(config) | Kind::Conditional(config) => config.latent,
        }
    }

    /// How many classes the networks are told of; 0 where they are told nothing.
    pub fn classes(&self) -> usize {
        if matches!(self.kind, Kind::Conditional(_)) { self.shape.classes.len() } else { 0 }
    }

    /// A new generator.
    ///
    /// # Errors
    /// Settings that make no network.
    pub fn generator(&self, device: &Device) -> Result<Generator> {
        self.validate()?;
        Ok(match &self.kind {
            Kind::Mlp(config) => Generator::Mlp(config.generator(&self.shape, device)?),
            Kind::Dcgan(config) | Kind::Conditional(config) => {
                Generator::Dcgan(config.generator(&self.shape, self.classes(), device)?)
            }
        })
    }

    /// A new discriminator.
    ///
    /// # Errors
    /// Settings that make no network.
    pub fn discriminator(&self, device: &Device) -> Result<Discriminator> {
        self.validate()?;
        Ok(match &self.kind {
            Kind::Mlp(config) => Discriminator::Mlp(config.discriminator(&self.shape, device)?),
            Kind::Dcgan(config) | Kind::Conditional(config) => {
                Discriminator::Dcgan(config.discriminator(&self.shape, self.classes(), device)?)
            }
        })
    }

    /// The generator of a finished run, in evaluation on a plain device.
    ///
    /// # Errors
    /// A run without weights yet; a file that is damaged or of other networks.
    pub fn open(&self, run: &RunDirectory, device: &Device) -> Result<Generator> {
        files::finished(self.generator(device)?, run)
    }

    /// Pictures `[batch, channels, side, side]` for noise `[batch, latent]`; of the given classes, one for each, where the networks are told.
    pub fn generate(&self, generator: &Generator, noise: Tensor<2>, labels: &[usize]) -> Tensor<4> {
        match generator {
            Generator::Mlp(network) => network.forward(noise),
            Generator::Dcgan(network) => match self.unit_vectors(labels, &noise.device()) {
                None => network.forward(noise),
                Some(classes) => network.forward(Tensor::cat(vec![noise, classes], 1)),
            },
        }
    }

    /// Logits `[batch, 1]` of pictures.
    pub fn judge(&self, discriminator: &Discriminator, pictures: Tensor<4>, labels: &[usize]) -> Tensor<2> {
        match discriminator {
            Discriminator::Mlp(network) => network.forward(pictures),
            Discriminator::Dcgan(network) => {
                let classes = self.unit_vectors(labels, &pictures.device());
                network.forward(pictures, classes)
            }
        }
    }

    /// `[labels, classes]`, a 1 in each row; `None` where the networks are told no class.
    fn unit_vectors(&self, labels: &[usize], device: &Device) -> Option<Tensor<2>> {
        let classes = self.classes();
        let mut values = vec![0f32; labels.len() * classes];
        values.chunks_exact_mut(classes.max(1)).zip(labels).for_each(|(row, &label)| row[label] = 1.0);
        (classes > 0).then(|| Tensor::from_data(TensorData::new(values, [labels.len(), classes]), device))
    }
}
