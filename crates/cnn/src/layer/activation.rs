//! Activation functions.

use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// A nonlinearity applied to every value, `y = f(x)`.
///
/// **Without horizontal asymptote on at least one side** (the derivative does not vanish for large `x`, so gradients pass through
/// many layers): [`Relu`](Self::Relu), [`LeakyRelu`](Self::LeakyRelu), [`Elu`](Self::Elu), [`Gelu`](Self::Gelu),
/// [`Silu`](Self::Silu), [`Softplus`](Self::Softplus). Of these only leaky ReLU has none on either side.
///
/// **With horizontal asymptotes on both sides** (saturating): [`Tanh`](Self::Tanh), [`Sigmoid`](Self::Sigmoid),
/// [`HardTanh`](Self::HardTanh), [`LecunTanh`](Self::LecunTanh), [`Relu6`](Self::Relu6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Activation {
    /// Rectified linear unit, `max(x, 0)` (Nair and Hinton 2010). Derivative at 0: 0.
    #[default]
    Relu,
    /// `x` for positive `x`, `0.01 x` otherwise (Maas, Hannun and Ng 2013).
    LeakyRelu,
    /// Exponential linear unit, `x` for positive `x`, `exp(x) - 1` otherwise (Clevert et al. 2016, alpha = 1).
    Elu,
    /// `x Phi(x)` with the normal distribution function `Phi`, exact, not the tanh approximation (Hendrycks and Gimpel 2016).
    Gelu,
    /// `x / (1 + exp(-x))`, also called swish (Elfwing et al. 2018).
    Silu,
    /// `ln(1 + exp(x))`.
    Softplus,
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x` cut to `[-1, 1]`.
    HardTanh,
    /// `1.7159 tanh(2 x / 3)`, which has `f(1) = 1` and `f(-1) = -1` (LeCun et al. 1998, appendix A).
    LecunTanh,
    /// `min(max(x, 0), 6)` (Krizhevsky 2010, "Convolutional deep belief networks on CIFAR-10"; in MobileNets).
    Relu6,
}

impl Activation {
    /// Every activation, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Relu,
        Self::LeakyRelu,
        Self::Elu,
        Self::Gelu,
        Self::Silu,
        Self::Softplus,
        Self::Tanh,
        Self::Sigmoid,
        Self::HardTanh,
        Self::LecunTanh,
        Self::Relu6,
    ];

    /// Applies the function to a tensor of any rank.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(x),
            Self::LeakyRelu => activation::leaky_relu(x, 0.01),
            Self::Elu => activation::elu(x, 1.0),
            Self::Gelu => activation::gelu(x),
            Self::Silu => activation::silu(x),
            Self::Softplus => activation::softplus(x, 1.0),
            Self::Tanh => activation::tanh(x),
            Self::Sigmoid => activation::sigmoid(x),
            Self::HardTanh => activation::hardtanh(x, -1.0, 1.0),
            Self::LecunTanh => activation::tanh(x * (2.0 / 3.0)) * 1.7159,
            Self::Relu6 => activation::hardtanh(x, 0.0, 6.0),
        }
    }

    /// The same for feature maps `[batch, channels, height, width]`, where ReLU and leaky ReLU have a kernel of their own.
    pub fn forward_maps(self, x: Tensor<4>) -> Tensor<4> {
        match self {
            Self::Relu => ognivo_kernels::relu(x),
            Self::LeakyRelu => ognivo_kernels::leaky_relu(x, 0.01),
            other => other.forward(x),
        }
    }

    /// `[low, high]` where the function is `min(max(x, low), high)`.
    pub(crate) fn limits(self) -> Option<[f32; 2]> {
        match self {
            Self::Relu => Some([0.0, f32::INFINITY]),
            Self::Relu6 => Some([0.0, 6.0]),
            Self::HardTanh => Some([-1.0, 1.0]),
            _ => None,
        }
    }

    /// Whether the function has a horizontal asymptote on both sides.
    pub fn saturates(self) -> bool {
        matches!(self, Self::Tanh | Self::Sigmoid | Self::HardTanh | Self::LecunTanh | Self::Relu6)
    }

    /// The name used in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::LeakyRelu => "leaky-relu",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Softplus => "softplus",
            Self::Tanh => "tanh",
            Self::Sigmoid => "sigmoid",
            Self::HardTanh => "hard-tanh",
            Self::LecunTanh => "lecun-tanh",
            Self::Relu6 => "relu6",
        }
    }
}
