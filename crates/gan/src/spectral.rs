//! Spectral normalisation of a weight.

use burn::module::{Module, RunningState};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_cnn::layer::{Convolution, Linear};
use ognivo_core::random::{self, stream};

use crate::noise::NORM;

/// Divides a weight by its largest singular value (Miyato et al. 2018), so that a layer stretches no distance.
///
/// The value is found by power iteration, one round for each pass in training: `v = unit(W^T u)`, `u = unit(W v)`, `sigma = u^T W v`, in
/// which `u` and `v` count as constants for the gradient (algorithm 1 there). `u` is part of the module's record.
#[derive(Module, Debug)]
pub struct SpectralNorm {
    /// The left singular vector, `[rows]`.
    pub u: RunningState<Tensor<1>>,
}

impl SpectralNorm {
    /// For a weight that is seen as a matrix of `rows` rows, whatever its further dimensions. `u` starts at the same vector each time.
    pub fn new(rows: usize, device: &Device) -> Self {
        let mut rng = stream(0, &[NORM]);
        let start: Vec<f32> = (0..rows).map(|_| random::normal(&mut rng) as f32).collect();
        Self { u: RunningState::new(unit(Tensor::from_data(TensorData::new(start, [rows]), device))) }
    }

    /// The weight with largest singular value 1, as far as the iteration has come.
    pub fn forward<const D: usize>(&self, weight: Tensor<D>) -> Tensor<D> {
        let shape = weight.dims();
        let gradients = weight.device().is_autodiff();
        let rows = shape[0];
        let columns = shape[1..].iter().product();
        let matrix = weight.clone().reshape([rows, columns]);
        let plain = if gradients { matrix.clone().inner() } else { matrix.clone() };
        let kept = self.u.value_sync();
        let u = if kept.is_autodiff() { kept.inner() } else { kept };
        let v = unit((plain.clone() * u.unsqueeze_dim::<2>(1)).sum_dim(0).reshape([columns]));
        let u = unit((plain * v.clone().unsqueeze_dim::<2>(0)).sum_dim(1).reshape([rows]));
        let (mut outer, mut stored) = (u.clone().unsqueeze_dim::<2>(1) * v.unsqueeze_dim::<2>(0), u);
        if gradients {
            (outer, stored) = (outer.autodiff(), stored.autodiff());
            self.u.update(stored);
            // A record reads the value without synchronising it.
            self.u.value_sync();
        }
        let sigma = (matrix * outer).sum();
        weight / sigma.clamp_min(f64::from(f32::MIN_POSITIVE)).reshape([1; D])
    }

    /// `layer` with its weight so divided.
    pub fn linear(&self, layer: &Linear, x: Tensor<2>) -> Tensor<2> {
        let bias = layer.bias.as_ref().map(|bias| bias.val());
        ognivo_kernels::linear(x, self.forward(layer.weight.val()), bias)
    }

    /// The weight so divided and the bias of `layer`, with `options` as its stride and padding.
    pub fn convolution(&self, layer: &Convolution, x: Tensor<4>, options: ConvOptions<2>) -> Tensor<4> {
        let bias = layer.bias.as_ref().map(|bias| bias.val());
        ognivo_kernels::conv2d(x, self.forward(layer.weight.val()), bias, options)
    }
}

fn unit(vector: Tensor<1>) -> Tensor<1> {
    let norm = vector.clone().square().sum().sqrt().clamp_min(1e-12);
    vector / norm
}
