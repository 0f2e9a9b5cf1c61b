//! Gradient clipping, over a whole module as PyTorch does it (Burn's own clips each tensor alone).

use std::collections::HashSet;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// The L2 norm of all gradients of `module` taken as one vector; 0 without gradients.
pub fn gradient_norm<M: Module>(module: &M, gradients: &GradientsParams) -> f64 {
    let mut squares = Squares { gradients, seen: HashSet::new(), sum: 0.0 };
    module.visit(&mut squares);
    squares.sum.sqrt()
}

/// Scales all gradients of `module` by one factor so that their norm is at most `max`, and returns the norm that they
/// had: `torch.nn.utils.clip_grad_norm_` (Pascanu, Mikolov and Bengio 2013, algorithm 1).
///
/// The factor is $\min(1, \text{max} / (\text{norm} + 10^{-6}))$. A norm that is not finite leaves the gradients as
/// they are: the caller sees it and stops.
pub fn clip_norm<M: Module>(module: &M, gradients: GradientsParams, max: f64) -> (GradientsParams, f64) {
    let norm = gradient_norm(module, &gradients);
    let factor = max / (norm + 1e-6);
    if !norm.is_finite() || factor >= 1.0 {
        return (gradients, norm);
    }
    (map(module, gradients, Change::Scale(factor)), norm)
}

/// Cuts every number of every gradient of `module` to between `-max` and `max`: `torch.nn.utils.clip_grad_value_`.
pub fn clip_value<M: Module>(module: &M, gradients: GradientsParams, max: f64) -> GradientsParams {
    map(module, gradients, Change::Clamp(max))
}

/// Adds up squares in double precision; a parameter that the module holds twice (tied weights) counts once.
struct Squares<'a> {
    gradients: &'a GradientsParams,
    seen: HashSet<ParamId>,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(parameter.id)
            && self.seen.insert(parameter.id)
        {
            self.sum += sum_of_squares(gradient);
        }
    }
}

fn sum_of_squares<const D: usize>(gradient: Tensor<D>) -> f64 {
    #[cfg(feature = "flex")]
    if super::host::is_host(&gradient) {
        return on_host(super::host::slice(&super::host::host(gradient)));
    }
    gradient.square().sum().into_scalar::<f64>()
}

/// One thread and a fixed order, so that the sum has the same bits whatever the number of threads: 16 partial sums
/// over the columns of rows of 16.
#[cfg(feature = "flex")]
fn on_host(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; 16];
    let rows = values.chunks_exact(sums.len());
    let rest = rows.remainder();
    for row in rows {
        for (sum, &x) in sums.iter_mut().zip(row) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()
}

#[derive(Clone, Copy)]
enum Change {
    Scale(f64),
    Clamp(f64),
}

fn map<M: Module>(module: &M, gradients: GradientsParams, change: Change) -> GradientsParams {
    let mut map = Map { from: gradients, to: GradientsParams::new(), change };
    module.visit(&mut map);
    map.to
}

/// Moves the changed gradients to a new set; each tensor is taken out of the old one, so that it can change in place.
struct Map {
    from: GradientsParams,
    to: GradientsParams,
    change: Change,
}

impl ModuleVisitor for Map {
    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if let Some(gradient) = self.from.remove::<D>(parameter.id) {
            let changed = match self.change {
                Change::Scale(factor) => gradient * factor,
                Change::Clamp(max) => gradient.clamp(-max, max),
            };
            self.to.register(parameter.id, changed);
        }
    }
}
