//! Dropout.

use burn::module::{Flag, Module, Param};
use burn::tensor::Tensor;

use crate::{Error, Result};

/// Dropout (Hinton et al. 2012, arXiv 1207.0580; Srivastava et al. 2014): in training each value is set to 0 with probability `p`
/// and otherwise divided by `1 - p`, so that its mean stays; in evaluation nothing happens.
///
/// The masks follow from the device's random state: whoever calls `device.seed` before each step, with a seed that depends on the
/// step, has masks that depend on the step alone.
#[derive(Module, Debug)]
pub struct Dropout {
    /// Off when the layer is frozen: it then evaluates, wherever it is.
    pub training: Param<Flag>,
    p: f64,
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
        Ok(Self { training: Param::from_bool(true), p })
    }

    /// Drops values of any tensor.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        if self.p == 0.0 || !self.training.is_enabled() || !x.device().is_autodiff() {
            return x;
        }
        ognivo_kernels::random_dropout(x, self.p)
    }
}
