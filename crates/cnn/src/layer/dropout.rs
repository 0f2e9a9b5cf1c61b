//! Dropout.

use burn::module::{Flag, Module, Param};
use burn::tensor::{Device, Distribution, Tensor};

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
        let device = x.device();
        if self.p == 0.0 || !self.training.is_enabled() || !device.is_autodiff() {
            return x;
        }
        match host_seed(&device) {
            Some(seed) => ognivo_kernels::dropout(x, self.p, seed),
            None => {
                let kept = x.random_like(Distribution::Bernoulli(1.0 - self.p));
                x * kept * (1.0 / (1.0 - self.p))
            }
        }
    }
}

/// A seed from the random state of the CPU backend. Elsewhere `None`: reading it would wait for the device, which makes the mask
/// faster itself.
#[cfg(feature = "flex")]
fn host_seed(device: &Device) -> Option<u64> {
    if *device != Device::flex() {
        return None;
    }
    // Four numbers of 16 bits: exact in single precision.
    let parts = Tensor::<1>::random([4], Distribution::Uniform(0.0, 65536.0), &Device::flex());
    let parts = parts.into_data().try_into_vec_as::<f32>().ok()?;
    Some(parts.into_iter().fold(0, |seed, part| seed << 16 | part as u64))
}

#[cfg(not(feature = "flex"))]
fn host_seed(_: &Device) -> Option<u64> {
    None
}
