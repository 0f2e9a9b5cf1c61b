//! Dropout.

use burn::module::Module;
use burn::nn::DropoutConfig;
use burn::tensor::Tensor;

use crate::{Error, Result};

/// Dropout (Hinton et al. 2012, arXiv 1207.0580; Srivastava et al. 2014): in training each value is set to 0 with probability `p`
/// and otherwise divided by `1 - p`, so that its mean stays; in evaluation nothing happens.
#[derive(Module, Debug)]
pub struct Dropout {
    mask: burn::nn::Dropout,
}

impl Dropout {
    /// Dropout with probability `p`.
    ///
    /// # Errors
    /// `p` is not in `[0, 1)`.
    pub fn new(p: f64) -> Result<Self> {
        if !(0.0..1.0).contains(&p) {
            return Err(Error::layer("dropout", format!("probability {p}"), "at least 0 and below 1"));
        }
        Ok(Self { mask: DropoutConfig::new(p).init() })
    }

    /// Drops values of any tensor; masks come from the device's random state.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        self.mask.forward(x)
    }
}
