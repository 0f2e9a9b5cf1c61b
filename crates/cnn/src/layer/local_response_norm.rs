//! Local response normalisation.

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What `alpha` multiplies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ResponseScaling {
    /// The sum of squares, as in the paper.
    #[default]
    Sum,
    /// The sum divided by the window's length `n` (also at the ends, where fewer channels exist), as in PyTorch and Caffe.
    Mean,
}

/// How a [`LocalResponseNorm`] layer is built. The defaults are the paper's.
#[derive(Config, Debug, PartialEq)]
pub struct LocalResponseNormConfig {
    /// `n`, channels in a window.
    #[config(default = 5)]
    pub size: usize,
    /// `k`.
    #[config(default = 2.0)]
    pub k: f64,
    /// `alpha`.
    #[config(default = 1e-4)]
    pub alpha: f64,
    /// `beta`.
    #[config(default = 0.75)]
    pub beta: f64,
    /// What `alpha` multiplies.
    #[config(default = "ResponseScaling::Sum")]
    pub scaling: ResponseScaling,
}

/// Local response normalisation across channels (Krizhevsky, Sutskever and Hinton 2012, section 3.3):
///
/// `y[d, i, j] = x[d, i, j] / (k + alpha * sum over d' of x[d', i, j]^2)^beta`
///
/// where `d'` runs over the `n` channels from `d - n/2` to `d + (n - 1)/2` (integer division) that exist. For odd `n` the window
/// is centred, as in the paper; for even `n` it is placed as PyTorch places it, one longer before than after.
/// [`ResponseScaling::Mean`] divides the sum by `n`, which is PyTorch's `LocalResponseNorm`.
#[derive(Module, Debug)]
pub struct LocalResponseNorm {
    #[module(skip)]
    config: LocalResponseNormConfig,
}

impl LocalResponseNormConfig {
    /// PyTorch's defaults, `k = 1`, `alpha = 1e-4`, `beta = 0.75` and the mean of squares, for a window of `size`.
    pub fn pytorch(size: usize) -> Self {
        Self::new().with_size(size).with_k(1.0).with_scaling(ResponseScaling::Mean)
    }

    /// Builds the layer, which has no parameters.
    ///
    /// # Errors
    /// An empty window, or numbers with which the bracket could fail to be positive: `k` not above 0, `alpha` below 0, `beta` not
    /// finite.
    pub fn init(&self) -> Result<LocalResponseNorm> {
        let fail = |found: String, expected: &str| Err(Error::layer("local response norm", found, expected));
        if self.size == 0 {
            return fail("size 0".into(), "at least 1 channel");
        }
        if !(self.k > 0.0 && self.k.is_finite()) {
            return fail(format!("k {}", self.k), "a positive number");
        }
        if !(self.alpha >= 0.0 && self.alpha.is_finite()) {
            return fail(format!("alpha {}", self.alpha), "a number of at least 0");
        }
        if !self.beta.is_finite() {
            return fail(format!("beta {}", self.beta), "a finite number");
        }
        Ok(LocalResponseNorm { config: self.clone() })
    }
}

impl LocalResponseNorm {
    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let LocalResponseNormConfig { size, k, alpha, beta, scaling } = self.config;
        let [batch, channels, height, width] = x.dims();
        let alpha = if scaling == ResponseScaling::Mean { alpha / size as f64 } else { alpha };
        // The windows' sums are one multiplication by a band of ones: [channels, channels] x [channels, places].
        let squares = x.clone().square().reshape([batch, channels, height * width]);
        let sums = band(channels, size, &x.device()).matmul(squares).reshape([batch, channels, height, width]);
        x * (sums * alpha + k).powf_scalar(-beta)
    }
}

/// `[1, channels, channels]`: row `d` is 1 where a channel is in the window of `d`.
fn band(channels: usize, size: usize, device: &Device) -> Tensor<3> {
    let (before, after) = (size / 2, (size - 1) / 2);
    let mut ones = vec![0.0_f32; channels * channels];
    for d in 0..channels {
        let first = d.saturating_sub(before);
        let last = d.saturating_add(after).min(channels - 1);
        ones[d * channels + first..=d * channels + last].fill(1.0);
    }
    Tensor::from_data(TensorData::new(ones, [1, channels, channels]), device)
}
