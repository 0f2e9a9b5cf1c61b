//! Optimisers: PyTorch's update rules over the parameters of a Burn module.
//!
//! Burn's own optimisers have other defaults, no Adadelta, and cost a dozen passes over memory a step. Here each rule
//! exists twice: `fused` updates a parameter of the CPU backend in one pass and in place, `operations` is the same
//! rule in Burn's tensor operations for every other device. Tests hold the two to each other and to PyTorch.

mod config;
#[cfg(feature = "flex")]
mod fused;
mod operations;
mod state;

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

pub use config::{Adadelta, Adagrad, Adam, AdamW, OptimizerConfig, RmsProp, Sgd};

use crate::Result;

/// Updates the parameters of a module from their gradients, and keeps what the rule remembers of each parameter.
#[derive(Clone, Debug)]
pub struct Optimizer {
    config: OptimizerConfig,
    /// False keeps to Burn's operations on every device.
    #[cfg_attr(not(feature = "flex"), allow(dead_code))]
    fused: bool,
    states: HashMap<ParamId, ParameterState>,
    /// What the learning rate of a parameter is multiplied by; 1 for those that are not here.
    factors: HashMap<ParamId, f64>,
}

/// What the rule remembers of one parameter.
#[derive(Clone, Debug)]
struct ParameterState {
    /// Updates made so far.
    step: u64,
    /// One flat tensor for each of [`OptimizerConfig::slots`], on the parameter's device, without autodiff.
    slots: Vec<Tensor<1>>,
}

impl Optimizer {
    /// An optimiser that has not made a step yet. Settings out of range are an error.
    pub fn new(config: OptimizerConfig) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, fused: true, states: HashMap::new(), factors: HashMap::new() })
    }

    /// The same optimiser on Burn's tensor operations alone, also where a fused pass exists: the reference of tests and
    /// benches.
    pub fn with_tensor_operations(mut self) -> Self {
        self.fused = false;
        self
    }

    /// Multiplies the learning rate of single parameters from now on; that of all others is used as it is.
    pub fn set_factors(&mut self, factors: HashMap<ParamId, f64>) {
        self.factors = factors;
    }

    /// The rule and its settings.
    pub fn config(&self) -> &OptimizerConfig {
        &self.config
    }

    /// One update of every trainable parameter of `module` that has a gradient in `gradients`.
    ///
    /// A parameter without a gradient is skipped and its step is not counted, as in PyTorch; buffers and frozen
    /// parameters stay as they are. On the CPU backend the parameters change in place, without a copy as long as no
    /// clone of the module is alive.
    pub fn step<M: Module>(&mut self, learning_rate: f64, module: M, gradients: GradientsParams) -> M {
        module.map(&mut Step { optimizer: self, learning_rate, gradients })
    }

    /// The new value of one parameter, from its value and gradient without autodiff.
    fn update<const D: usize>(
        &mut self,
        learning_rate: f64,
        id: ParamId,
        value: Tensor<D>,
        gradient: Tensor<D>,
    ) -> Tensor<D> {
        let device = value.device();
        let state = self.states.entry(id).or_insert_with(|| {
            let slot =
                || Tensor::full([value.shape().num_elements()], self.config.initial_slot(), (&device, value.dtype()));
            ParameterState { step: 0, slots: self.config.slots().iter().map(|_| slot()).collect() }
        });
        state.step += 1;
        for slot in &mut state.slots {
            // The module may have moved since the last step.
            if slot.device() != device {
                *slot = slot.clone().to_device(&device);
            }
        }
        #[cfg(feature = "flex")]
        if self.fused && fused::applies(&value, &gradient) {
            return fused::update(&self.config, learning_rate, state, value, gradient);
        }
        let shape = value.dims();
        let count = value.shape().num_elements();
        operations::update(&self.config, learning_rate, state, value.reshape([count]), gradient.reshape([count]))
            .reshape(shape)
    }
}

/// Walks the module for [`Optimizer::step`].
struct Step<'a> {
    optimizer: &'a mut Optimizer,
    learning_rate: f64,
    gradients: GradientsParams,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, parameter: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradients.remove::<D>(parameter.id) else {
            return parameter;
        };
        if !parameter.is_require_grad() {
            return parameter;
        }
        let (id, value, mapper) = parameter.consume();
        let checkpointing = value.gradient_checkpointing_strategy();
        let value = value.inner();
        let gradient = gradient.inner().to_device(&value.device());
        let rate = self.learning_rate * self.optimizer.factors.get(&id).copied().unwrap_or(1.0);
        let mut value = self.optimizer.update(rate, id, value, gradient).autodiff();
        if let Some(strategy) = checkpointing {
            value = value.with_gradient_checkpointing_strategy(strategy);
        }
        Param::from_mapped_value(id, value.require_grad(), mapper)
    }
}
