//! The running average of a generator's weights.

use std::path::Path;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;
use ognivo_core::weights::{self, NamedTensors};

use crate::Result;

/// A generator whose weights follow another's, `average = decay * average + (1 - decay) * weights` after each step, running statistics of
/// batch normalisation included. The players circle around each other; their average lies nearer to the middle (Yazici et al. 2019).
#[derive(Debug)]
pub struct Average<M> {
    module: M,
    decay: f64,
}

impl<M: Module> Average<M> {
    /// Begins at the weights `start`. `fresh` is a network of the same form of its own, on a device without gradients.
    ///
    /// # Errors
    /// Weights of another network, as coming from `source`.
    pub fn new(fresh: M, start: NamedTensors, decay: f64, source: &Path) -> Result<Self> {
        Ok(Self { module: weights::load_into(fresh, start, source)?, decay })
    }

    /// The averaged network.
    pub fn module(&self) -> &M {
        &self.module
    }

    /// Moves on towards `current`. The weight of the old average is at most `(step + 1) / (step + 10)`, so that the start is soon
    /// forgotten; steps count from 0.
    pub fn follow(self, current: &M, step: u64) -> Self {
        let decay = self.decay.min((step as f64 + 1.0) / (step as f64 + 10.0));
        let mut collected = Collect(Vec::new());
        current.valid().visit(&mut collected);
        let mut values = collected.0;
        values.reverse();
        Self { module: self.module.map(&mut Blend { values, decay }), decay: self.decay }
    }
}

/// Every tensor of a module, flat, in the order of its fields.
struct Collect(Vec<Tensor<1>>);

impl ModuleVisitor for Collect {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let count = value.shape().num_elements();
        self.0.push(value.reshape([count]));
    }
}

struct Blend {
    /// The last is the next one's.
    values: Vec<Tensor<1>>,
    decay: f64,
}

impl ModuleMapper for Blend {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.pop() else { return param };
        let decay = self.decay;
        param.map(|average| {
            let shape = average.dims();
            average * decay + value.reshape(shape) * (1.0 - decay)
        })
    }
}
