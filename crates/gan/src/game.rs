//! What training needs to know of a game.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::run::RunDirectory;

use crate::Result;

/// Two networks, the real items, and how success is measured. Items are tensors `[batch, ...]` of `D` dimensions.
pub trait Game<const D: usize> {
    /// Turns noise into items.
    type Generator: Module;
    /// Turns items into logits.
    type Discriminator: Module;

    /// A new generator, its weights drawn from the device's random state.
    ///
    /// # Errors
    /// Settings that make no network.
    fn generator(&self, device: &Device) -> Result<Self::Generator>;

    /// A new discriminator, likewise.
    ///
    /// # Errors
    /// Settings that make no network.
    fn discriminator(&self, device: &Device) -> Result<Self::Discriminator>;

    /// Numbers in the noise of one item.
    fn latent(&self) -> usize;

    /// The real items of batch `number`, counted over the whole of training, which alone decides what is in it.
    ///
    /// # Errors
    /// Items that cannot be read.
    fn real(&mut self, number: u64) -> Result<Real>;

    /// Batches in an epoch.
    fn batches(&self) -> u64;

    /// Items from noise `[batch, latent]`, as the labels say where the game has any.
    fn generate(&self, generator: &Self::Generator, noise: Tensor<2>, labels: &[usize]) -> Tensor<D>;

    /// Logits `[batch, 1]` of items, or more of them where each part of an item is judged by itself.
    fn judge(&self, discriminator: &Self::Discriminator, items: Tensor<D>, labels: &[usize]) -> Tensor<2>;

    /// A loss `[1]` of the generator besides the objective's, such as how far `generated` items are from the real ones that belong to them, in
    /// the same order.
    fn own_loss(&self, _generated: Tensor<D>, _real: Tensor<D>) -> Option<Tensor<1>> {
        None
    }

    /// Figures at the end of an epoch, by name, and what is to be kept for the report in files of the run whose names follow from the
    /// epoch. Both networks are in evaluation mode on a plain device; the generator is the averaged one where there is one.
    ///
    /// # Errors
    /// A full disk.
    fn observe(&mut self, moment: &Moment<Self::Generator, Self::Discriminator>) -> Result<Vec<(&'static str, f64)>>;
}

/// Real items of one batch.
#[derive(Clone, Debug)]
pub struct Real {
    /// `[batch, ...]`.
    pub items: TensorData,
    /// The class of each, or whatever else the game must know to generate and judge items like these; nothing where there is no such thing.
    pub labels: Vec<usize>,
}

/// The players at the end of an epoch.
pub struct Moment<'a, G, D> {
    /// The generator that would be kept.
    pub generator: &'a G,
    /// The discriminator.
    pub discriminator: &'a D,
    /// The epoch that ended, from 0.
    pub epoch: u64,
    /// Epochs in all.
    pub epochs: u64,
    /// Where files go.
    pub run: &'a RunDirectory,
}
