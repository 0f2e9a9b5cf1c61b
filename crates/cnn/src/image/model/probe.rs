//! Looking into a network while it runs.

use std::fmt::Display;

use burn::tensor::Tensor;

use crate::layer::{Activation, Pooling};

/// Who looks: called with a layer's name and output.
type Look<'a> = &'a mut dyn FnMut(&str, Tensor<4>);

/// Sees the output of every layer in a forward pass; blind in ordinary use, when it costs nothing.
pub(super) struct Probe<'a>(Option<Look<'a>>);

impl<'a> Probe<'a> {
    pub(super) fn blind() -> Self {
        Self(None)
    }

    pub(super) fn new(look: Look<'a>) -> Self {
        Self(Some(look))
    }

    /// Whether somebody looks: then layers are computed one by one, else what can be in one pass is.
    pub(super) fn watches(&self) -> bool {
        self.0.is_some()
    }

    /// Passes `x` on; a watched one is shown first, `[batch, features]` as `[batch, features, 1, 1]`.
    pub(super) fn see<const D: usize>(&mut self, name: impl Display, x: Tensor<D>) -> Tensor<D> {
        if let Some(look) = &mut self.0 {
            let mut shape = [1; 4];
            shape[..D].copy_from_slice(&x.dims());
            look(&name.to_string(), x.clone().reshape(shape));
        }
        x
    }
}

/// An activation and the pooling after it, seen one by one if somebody looks.
pub(super) fn activate_and_pool(
    activation: Activation,
    pool: &Pooling,
    x: Tensor<4>,
    [activation_name, pool_name]: [&str; 2],
    probe: &mut Probe,
) -> Tensor<4> {
    if activation == Activation::Relu && !probe.watches() {
        return pool.forward_relu(x);
    }
    let x = probe.see(activation_name, activation.forward_maps(x));
    probe.see(pool_name, pool.forward(x))
}
