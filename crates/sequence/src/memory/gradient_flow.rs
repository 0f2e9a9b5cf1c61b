//! How far back gradients reach: the norm of `dh_t/dh_k` against `t - k`.

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Distribution, Tensor, TensorData};
use ognivo_core::random::{self, Rng};
use ognivo_core::train::interrupt;
use serde::{Deserialize, Serialize};

use super::matrix::Matrix;
use crate::cell::{Cell, CellConfig, Recurrent, State};
use crate::{Error, Result};

/// What is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowConfig {
    /// The cell (default `lstm`), as it is before training.
    pub cell: CellConfig,
    /// Units (default 64).
    pub hidden: usize,
    /// Steps (default 100).
    pub steps: usize,
    /// Sequences of independent normal numbers, as many at a step as there are units (default 5).
    pub sequences: usize,
    /// What the recurrent matrix `W` is multiplied by (default 1).
    pub recurrent_scale: f64,
    /// Everything random follows from it.
    pub seed: u64,
}

impl Default for FlowConfig {
    fn default() -> Self {
        Self { cell: CellConfig::default(), hidden: 64, steps: 100, sequences: 5, recurrent_scale: 1.0, seed: 1 }
    }
}

/// Norms over several sequences, by distance `t - k` from 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// The geometric mean.
    pub mean: Vec<f64>,
    /// The smallest.
    pub low: Vec<f64>,
    /// The largest.
    pub high: Vec<f64>,
}

impl Curve {
    fn of(runs: &[Vec<f64>]) -> Self {
        let distances = runs.iter().map(Vec::len).min().unwrap_or(0);
        let at = |fold: fn(&mut dyn Iterator<Item = f64>) -> f64| -> Vec<f64> {
            (0..distances).map(|distance| fold(&mut runs.iter().map(|run| run[distance]))).collect()
        };
        let count = runs.len() as f64;
        let logarithms = at(|norms| norms.map(f64::ln).sum());
        Self {
            mean: logarithms.into_iter().map(|sum| (sum / count).exp()).collect(),
            low: at(|norms| norms.fold(f64::INFINITY, f64::min)),
            high: at(|norms| norms.fold(0.0, f64::max)),
        }
    }

    /// The factor by which the norm changes from step to step, from distance 1 to the last.
    pub fn factor(&self) -> f64 {
        match (self.mean.get(1), self.mean.last()) {
            // Nothing passes the first step.
            (Some(&0.0), _) => 0.0,
            (Some(first), Some(last)) if self.mean.len() > 2 => (last / first).powf(1.0 / (self.mean.len() - 2) as f64),
            _ => f64::NAN,
        }
    }
}

/// What was measured of a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Of `dh_t/dh_k`.
    pub hidden: Curve,
    /// Of `dh_t/dc_k`, for an LSTM.
    pub cell: Option<Curve>,
}

/// Measures an untrained cell; of fewer sequences or distances after Ctrl-C.
///
/// # Errors
/// A setting out of its range.
pub fn measure(config: &FlowConfig, device: &Device) -> Result<Measured> {
    let FlowConfig { cell, hidden, steps, sequences, recurrent_scale, seed } = config;
    for (key, value, most) in [("hidden", *hidden, 1024), ("steps", *steps, 100_000), ("sequences", *sequences, 1000)] {
        if !(1..=most).contains(&value) {
            return Err(Error::setting(key, value, format!("1 to {most}")));
        }
    }
    if !(*recurrent_scale >= 0.0 && recurrent_scale.is_finite()) {
        return Err(Error::setting("recurrent_scale", recurrent_scale, "a number not below 0"));
    }
    let device = device.clone().autodiff();
    device.seed(random::stream(*seed, &[random::INIT]).next_u64());
    let cell = cell
        .init(*hidden, *hidden, &device)?
        .map(&mut ScaleRecurrent { name: String::new(), factor: *recurrent_scale });
    let mut flows: Vec<Flow> = Vec::new();
    for _ in 0..*sequences {
        let x = Tensor::<3>::random([*steps, 1, *hidden], Distribution::Normal(0.0, 1.0), &device);
        flows.push(flow(&cell, x));
        if interrupt::requested() {
            break;
        }
    }
    let hidden = Curve::of(&flows.iter().map(|flow| flow.hidden.clone()).collect::<Vec<_>>());
    let through_cell: Option<Vec<_>> = flows.into_iter().map(|flow| flow.cell).collect();
    Ok(Measured { hidden, cell: through_cell.map(|runs| Curve::of(&runs)) })
}

/// Multiplies the recurrent matrices of a module.
struct ScaleRecurrent {
    name: String,
    factor: f64,
}

impl ModuleMapper for ScaleRecurrent {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.name = name.into();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.name != "weight_hh" {
            return param;
        }
        let value = param.val() * self.factor;
        Param::from_tensor(value.detach())
    }
}

/// Norms of the Jacobians between the last step and the steps before, by distance `t - k` from 0.
#[derive(Clone, Debug)]
pub struct Flow {
    /// The spectral norm of `dh_t/dh_k`.
    pub hidden: Vec<f64>,
    /// The spectral norm of `dh_t/dc_k`, the way through an LSTM's memory cells ("constant error carousel").
    pub cell: Option<Vec<f64>>,
}

/// The flow of gradients through `cell`, on a device with autodiff, from the last step of one sequence `x` `[time, 1, input]` to
/// its first; fewer distances after Ctrl-C.
///
/// The Jacobian of each step is computed whole, by autodiff: a batch of copies of the state, one for each output, whose gradients
/// are its rows. Their products are formed in double precision.
///
/// # Panics
/// When sizes do not fit each other, or the cell is on a device without autodiff.
pub fn flow(cell: &Cell, x: Tensor<3>) -> Flow {
    let [time, _, _] = x.dims();
    let units = cell.hidden();
    let mut states = vec![cell.zero_state(1, &x.device())];
    for step in 0..time {
        let input = x.clone().slice(step..step + 1).squeeze_dim(0);
        states.push(cell.step(input, states[step].clone()).detach());
    }
    let sizes: Vec<usize> = states[0].tensors().map(|part| part.dims()[1]).collect();
    // dh_t/ds_t, with s the whole state: the hidden state is its first part.
    let mut product = Matrix::identity(units, sizes.iter().sum());
    let mut flow = Flow { hidden: Vec::new(), cell: states[0].cell.as_ref().map(|_| Vec::new()) };
    for step in (0..=time).rev() {
        flow.hidden.push(product.columns(0, units).norm());
        if let Some(norms) = &mut flow.cell {
            norms.push(product.columns(units, 2 * units).norm());
        }
        if step == 0 || interrupt::requested() {
            break;
        }
        let input = x.clone().slice(step - 1..step).squeeze_dim(0);
        product = product.times(&step_jacobian(cell, input, &states[step - 1], &sizes));
    }
    flow
}

/// `ds_t/ds_{t-1}`, of all parts of the state.
fn step_jacobian(cell: &Cell, x: Tensor<2>, state: &State, sizes: &[usize]) -> Matrix {
    let total: usize = sizes.iter().sum();
    let mut values = Vec::with_capacity(total * total);
    for (part, &outputs) in sizes.iter().enumerate() {
        let copies = state.clone().map(|tensor| tensor.repeat_dim(0, outputs).detach().require_grad());
        let after = cell.step(x.clone().repeat_dim(0, outputs), copies.clone());
        let Some(output) = after.tensors().nth(part) else { continue };
        let one_each = Tensor::<2>::eye(outputs, &output.device());
        let gradients = (output.clone() * one_each).sum().backward();
        let rows: Vec<Vec<f64>> = copies.tensors().map(|leaf| gradient(leaf, &gradients)).collect();
        for output in 0..outputs {
            for (row, &size) in rows.iter().zip(sizes) {
                values.extend_from_slice(&row[output * size..(output + 1) * size]);
            }
        }
    }
    Matrix::new(total, total, values)
}

/// 0 where the output does not depend on the leaf.
fn gradient(leaf: &Tensor<2>, gradients: &burn::tensor::Gradients) -> Vec<f64> {
    let zeros = || TensorData::zeros::<f32, _>(leaf.shape());
    leaf.grad(gradients).map_or_else(zeros, Tensor::into_data).iter::<f64>().collect()
}
