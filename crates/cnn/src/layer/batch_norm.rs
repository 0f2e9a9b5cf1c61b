//! Batch normalisation.

use burn::config::Config;
use burn::module::{Flag, Module, Param, RunningState};
use burn::tensor::{Device, Tensor};
use ognivo_kernels::{
    BatchStatistics, batch_norm2d, batch_norm2d_add_relu, batch_norm2d_inference, batch_norm2d_leaky_relu,
    batch_norm2d_relu, leaky_relu, relu,
};

use crate::{Error, Result};

/// How a [`BatchNorm`] layer is built. The defaults are PyTorch's.
#[derive(Config, Debug, PartialEq)]
pub struct BatchNormConfig {
    /// Channels.
    pub channels: usize,
    /// The share of the newest batch in the running statistics.
    #[config(default = 0.1)]
    pub momentum: f64,
    /// Added to the variance.
    #[config(default = 1e-5)]
    pub epsilon: f64,
}

/// Batch normalisation of pictures (Ioffe and Szegedy 2015, arXiv 1502.03167, algorithms 1 and 2).
///
/// For channel `d`, with mean `m[d]` and variance `v[d]`:
///
/// `y[d, i, j] = weight[d] * (x[d, i, j] - m[d]) / sqrt(v[d] + epsilon) + bias[d]`
///
/// In training `m` and `v` are the batch's own, over its `N` = batch * height * width values, `v` divided by `N`; then the running
/// statistics follow, `running = (1 - momentum) * running + momentum * new`, where the new variance is the *unbiased* one,
/// divided by `N - 1`, as in the paper's algorithm 2 and in PyTorch (Burn's own layer keeps the biased one). A batch with a
/// single value per channel says nothing of the variance and leaves the running one as it is. In evaluation `m` and `v` are
/// the running statistics.
///
/// Names are PyTorch's: `weight` and `bias` are the paper's gamma and beta. The running statistics are part of the module's
/// record. A clone of the module shares them until it is loaded from a record; one thread at a time may train it.
#[derive(Module, Debug)]
pub struct BatchNorm {
    /// gamma, `[channels]`, 1 at the start.
    pub weight: Param<Tensor<1>>,
    /// beta, `[channels]`, 0 at the start.
    pub bias: Param<Tensor<1>>,
    /// Running mean, `[channels]`, 0 at the start.
    pub running_mean: RunningState<Tensor<1>>,
    /// Running unbiased variance, `[channels]`, 1 at the start.
    pub running_var: RunningState<Tensor<1>>,
    /// Off when the layer is frozen: it then evaluates, wherever it is.
    pub training: Param<Flag>,
    momentum: f64,
    epsilon: f64,
}

impl BatchNormConfig {
    /// Builds the layer.
    ///
    /// # Errors
    /// No channels, a momentum outside `[0, 1]`, an epsilon that is not positive.
    pub fn init(&self, device: &Device) -> Result<BatchNorm> {
        let Self { channels, momentum, epsilon } = *self;
        if channels == 0 {
            return Err(Error::layer("batch norm", "0 channels", "at least 1"));
        }
        if !(0.0..=1.0).contains(&momentum) {
            return Err(Error::layer("batch norm", format!("momentum {momentum}"), "a number from 0 to 1"));
        }
        if !(epsilon > 0.0 && epsilon.is_finite()) {
            return Err(Error::layer("batch norm", format!("epsilon {epsilon}"), "a positive number"));
        }
        Ok(BatchNorm {
            weight: Param::from_tensor(Tensor::ones([channels], device)),
            bias: Param::from_tensor(Tensor::zeros([channels], device)),
            running_mean: RunningState::new(Tensor::zeros([channels], device)),
            running_var: RunningState::new(Tensor::ones([channels], device)),
            training: Param::from_bool(true),
            momentum,
            epsilon,
        })
    }
}

impl BatchNorm {
    /// `[batch, channels, height, width]` to the same shape.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        if !self.trains(&x) {
            return self.evaluate(x);
        }
        let count = values_per_channel(&x);
        let (y, statistics) = batch_norm2d(x, self.weight.val(), self.bias.val(), self.epsilon);
        self.update(statistics, count);
        y
    }

    /// [`forward`](Self::forward), then `max(y, 0)`; in training in one pass.
    pub fn forward_relu(&self, x: Tensor<4>) -> Tensor<4> {
        if !self.trains(&x) {
            return relu(self.evaluate(x));
        }
        let count = values_per_channel(&x);
        let (y, statistics) = batch_norm2d_relu(x, self.weight.val(), self.bias.val(), self.epsilon);
        self.update(statistics, count);
        y
    }

    /// [`forward`](Self::forward), then [`leaky_relu`] of the slope; in training in one pass.
    pub fn forward_leaky_relu(&self, x: Tensor<4>, slope: f64) -> Tensor<4> {
        if !self.trains(&x) {
            return leaky_relu(self.evaluate(x), slope);
        }
        let count = values_per_channel(&x);
        let (y, statistics) = batch_norm2d_leaky_relu(x, self.weight.val(), self.bias.val(), self.epsilon, slope);
        self.update(statistics, count);
        y
    }

    /// [`forward_leaky_relu`](Self::forward_leaky_relu) of vectors, `[batch, channels]` to the same shape; of slope 0 it rectifies.
    pub fn forward_vectors(&self, x: Tensor<2>, slope: f64) -> Tensor<2> {
        let [batch, channels] = x.dims();
        self.forward_leaky_relu(x.reshape([batch, channels, 1, 1]), slope).flatten(1, 3)
    }

    /// [`forward`](Self::forward), then `max(y + residual, 0)`, the end of a residual block; in training in one pass.
    pub fn forward_add_relu(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        if !self.trains(&x) {
            return relu(self.evaluate(x) + residual);
        }
        let count = values_per_channel(&x);
        let (y, statistics) = batch_norm2d_add_relu(x, residual, self.weight.val(), self.bias.val(), self.epsilon);
        self.update(statistics, count);
        y
    }

    /// `scale` and `shift` of each channel when `x` is to be evaluated and no gradients are wanted: then this is `scale x + shift`.
    pub(crate) fn affine(&self, x: &Tensor<4>) -> Option<(Tensor<1>, Tensor<1>)> {
        if x.device().is_autodiff() {
            return None;
        }
        Some(self.running(x).affine(self.weight.val(), self.bias.val(), self.epsilon))
    }

    fn trains(&self, x: &Tensor<4>) -> bool {
        self.training.is_enabled() && x.device().is_autodiff()
    }

    fn evaluate(&self, x: Tensor<4>) -> Tensor<4> {
        let statistics = self.running(&x);
        batch_norm2d_inference(x, self.weight.val(), self.bias.val(), statistics, self.epsilon)
    }

    /// The running statistics, where `x` is.
    fn running(&self, x: &Tensor<4>) -> BatchStatistics {
        let [mean, variance] =
            [&self.running_mean, &self.running_var].map(|running| running.value_sync().to_device(&x.device()));
        BatchStatistics { mean, variance }
    }

    /// Lets the running statistics follow those of a batch with `count` values in a channel.
    fn update(&self, batch: BatchStatistics, count: usize) {
        self.follow(&self.running_mean, batch.mean);
        if count > 1 {
            let count = count as f64;
            self.follow(&self.running_var, batch.variance * (count / (count - 1.0)));
        }
    }

    fn follow(&self, running: &RunningState<Tensor<1>>, new: Tensor<1>) {
        let old = running.value_sync();
        let gradients = old.is_autodiff();
        let value = old.inner() * (1.0 - self.momentum) + new.inner() * self.momentum;
        running.update(if gradients { value.autodiff() } else { value });
        // A record reads the value without synchronising it: unsynchronised it would be one batch behind.
        running.value_sync();
    }
}

fn values_per_channel(x: &Tensor<4>) -> usize {
    let [batch, _, height, width] = x.dims();
    batch * height * width
}
