//! How weights are drawn before training.

use burn::module::{Param, ParamId};
use burn::tensor::{Device, Distribution, Shape, Tensor};
use serde::{Deserialize, Serialize};

/// The distribution the weights of a layer start from. `fan_in` is the number of inputs of one output value: for a convolution
/// `channels_in / groups * kernel_height * kernel_width`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Initialisation {
    /// What PyTorch's `Conv2d` and `Linear` do: weights and biases uniform on `(-1, 1) / sqrt(fan_in)`, which is their
    /// "Kaiming uniform" with `a = sqrt(5)`.
    #[default]
    PytorchDefault,
    /// He, Zhang, Ren and Sun 2015, "Delving deep into rectifiers", equation 10: weights normal with mean 0 and variance
    /// `2 / fan_in`, which keeps the variance of the signal through layers of rectified linear units; biases 0.
    He,
    /// Radford, Metz and Chintala 2016, section 4 (DCGAN): weights normal with mean 0 and deviation 0.02, whatever the layer; biases 0.
    Dcgan,
    /// Nothing is drawn, and no memory taken: the weights are loaded next. Without that they are 0.
    #[serde(skip)]
    Loaded,
}

impl Initialisation {
    /// Draws a weight now, from the device's random state.
    pub(crate) fn weight<const D: usize>(
        self,
        shape: impl Into<Shape>,
        fan_in: usize,
        device: &Device,
    ) -> Param<Tensor<D>> {
        let fan_in = fan_in.max(1) as f64;
        let distribution = match self {
            Self::Loaded => return loaded(shape.into(), device),
            Self::PytorchDefault => uniform(fan_in),
            Self::He => Distribution::Normal(0.0, (2.0 / fan_in).sqrt()),
            Self::Dcgan => Distribution::Normal(0.0, 0.02),
        };
        Param::from_tensor(Tensor::random(shape, distribution, device))
    }

    /// Draws a bias now, from the device's random state.
    pub(crate) fn bias(self, length: usize, fan_in: usize, device: &Device) -> Param<Tensor<1>> {
        Param::from_tensor(match self {
            Self::PytorchDefault => Tensor::random([length], uniform(fan_in.max(1) as f64), device),
            Self::He | Self::Dcgan => Tensor::zeros([length], device),
            Self::Loaded => return loaded([length].into(), device),
        })
    }
}

/// A parameter that is made when it is first looked at.
fn loaded<const D: usize>(shape: Shape, device: &Device) -> Param<Tensor<D>> {
    let zeros = |shape: Shape| move |device: &Device, grad| Tensor::zeros(shape, device).set_require_grad(grad);
    Param::uninitialized(ParamId::new(), zeros(shape.clone()), device.clone(), true, shape)
}

fn uniform(fan_in: f64) -> Distribution {
    let bound = 1.0 / fan_in.sqrt();
    Distribution::Uniform(-bound, bound)
}
