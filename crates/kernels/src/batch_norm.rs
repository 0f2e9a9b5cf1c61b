//! Batch normalisation over a mini-batch (Ioffe and Szegedy 2015, algorithm 1).

use burn::tensor::Tensor;

/// The mini-batch's own moments, per channel, without gradient.
#[derive(Clone, Debug)]
pub struct BatchStatistics {
    /// Mean, `[channels]`.
    pub mean: Tensor<1>,
    /// Biased variance (divided by the number of values), `[channels]`.
    pub variance: Tensor<1>,
}

/// Normalises each channel of `x` `[batch, channels, height, width]` by the batch's own moments, then scales by `gamma`
/// and shifts by `beta`, both `[channels]`.
pub fn batch_norm2d(x: Tensor<4>, gamma: Tensor<1>, beta: Tensor<1>, epsilon: f64) -> (Tensor<4>, BatchStatistics) {
    let channels = x.dims()[1];
    let mean = x.clone().mean_dims(&[0, 2, 3]);
    let centred = x - mean.clone();
    let variance = centred.clone().square().mean_dims(&[0, 2, 3]);
    let y = centred / (variance.clone() + epsilon).sqrt();
    let y = y * gamma.reshape([1, channels, 1, 1]) + beta.reshape([1, channels, 1, 1]);
    let flat = |t: Tensor<4>| t.detach().inner().reshape([channels]);
    (y, BatchStatistics { mean: flat(mean), variance: flat(variance) })
}
