//! An optimiser's memory as named tensors, for checkpoints.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::{DType, Tensor, TensorData};

use super::{Optimizer, ParameterState};
use crate::{Error, Result};

/// Name of the entry that holds the number of updates, an `i64` of shape `[1]`.
const STEP: &str = "step";

impl Optimizer {
    /// Everything that a later [`load_state`](Self::load_state) needs to go on bit for bit, in the module's order.
    ///
    /// Entries are called `<parameter>/<slot>` after PyTorch's slots, `conv1.weight/exp_avg` say, in the parameter's
    /// shape; `<parameter>/step` counts its updates.
    pub fn state<M: Module>(&self, module: &M) -> Vec<(String, TensorData)> {
        let mut save = Save { optimizer: self, path: Vec::new(), entries: Vec::new() };
        module.visit(&mut save);
        save.entries
    }

    /// Replaces the optimiser's memory by what [`state`](Self::state) returned for a module of the same architecture.
    ///
    /// # Errors
    /// An entry that belongs to no parameter, has the wrong shape or type, or is missing: names the first one, as coming from
    /// `source`. The optimiser is then unchanged.
    pub fn load_state<M: Module>(
        &mut self,
        module: &M,
        entries: impl IntoIterator<Item = (String, TensorData)>,
        source: &Path,
    ) -> Result<()> {
        let entries = entries.into_iter().collect();
        let (path, states) = (Vec::new(), HashMap::new());
        let mut load = Load { optimizer: self, source, path, entries, states, error: None };
        module.visit(&mut load);
        let Load { entries, states, error, .. } = load;
        if let Some(error) = error {
            return Err(error);
        }
        if let Some((name, _)) = entries.first_key_value() {
            let slots = self.config.slots().join(", ");
            let expected = format!("a parameter of the model followed by /{STEP} or a slot of {}", self.config.name());
            return Err(wrong(source, name, "an entry that nothing asks for", &format!("{expected} ({slots})")));
        }
        self.states = states;
        Ok(())
    }
}

struct Save<'a> {
    optimizer: &'a Optimizer,
    path: Vec<String>,
    entries: Vec<(String, TensorData)>,
}

impl ModuleVisitor for Save<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        let Some(state) = self.optimizer.states.get(&parameter.id) else {
            return;
        };
        let path = self.path.join(".");
        self.entries.push((format!("{path}/{STEP}"), TensorData::new(vec![state.step as i64], [1])));
        for (name, slot) in self.optimizer.config.slots().iter().zip(&state.slots) {
            let slot = slot.clone().reshape::<D, _>(parameter.lazy_shape());
            self.entries.push((format!("{path}/{name}"), slot.into_data()));
        }
    }
}

struct Load<'a> {
    optimizer: &'a Optimizer,
    source: &'a Path,
    path: Vec<String>,
    entries: BTreeMap<String, TensorData>,
    states: HashMap<ParamId, ParameterState>,
    error: Option<Error>,
}

impl ModuleVisitor for Load<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_string());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) {
        if self.error.is_some() {
            return;
        }
        match self.parameter(parameter) {
            Ok(Some(state)) => _ = self.states.insert(parameter.id, state),
            Ok(None) => {}
            Err(error) => self.error = Some(error),
        }
    }
}

impl Load<'_> {
    /// The state of one parameter; none if it has no entries, as before its first gradient.
    fn parameter<const D: usize>(&mut self, parameter: &Param<Tensor<D>>) -> Result<Option<ParameterState>> {
        let path = self.path.join(".");
        let slots = self.optimizer.config.slots();
        let present = |name: &&str| self.entries.contains_key(&format!("{path}/{name}"));
        if !std::iter::once(&STEP).chain(slots).any(present) {
            return Ok(None);
        }
        let step = self.step(&format!("{path}/{STEP}"))?;
        let value = parameter.base().inner();
        let (device, dtype, shape) = (value.device(), value.dtype(), value.shape());
        let slots = slots.iter().map(|slot| {
            let name = format!("{path}/{slot}");
            let data = self.take(&name)?;
            if data.dtype() != dtype || *data.shape() != shape {
                let (found, expected) = (describe(data.dtype(), data.shape()), describe(dtype, &shape));
                return Err(wrong(self.source, &name, &found, &expected));
            }
            Ok(Tensor::<D>::from_data(data, (&device, dtype)).reshape([shape.num_elements()]))
        });
        let slots = slots.collect::<Result<Vec<_>>>()?;
        Ok(Some(ParameterState { step, slots }))
    }

    fn step(&mut self, name: &str) -> Result<u64> {
        let data = self.take(name)?;
        let found = describe(data.dtype(), data.shape());
        match data.try_into_vec::<i64>().as_deref() {
            Ok([step]) => u64::try_from(*step).map_err(|_| wrong(self.source, name, &step.to_string(), "a count")),
            _ => Err(wrong(self.source, name, &found, &describe(DType::I64, &[1]))),
        }
    }

    fn take(&mut self, name: &str) -> Result<TensorData> {
        self.entries.remove(name).ok_or_else(|| wrong(self.source, name, "nothing", "an entry of this name"))
    }
}

fn describe(dtype: DType, shape: &[usize]) -> String {
    format!("{} {shape:?}", dtype.name())
}

fn wrong(source: &Path, name: &str, found: &str, expected: &str) -> Error {
    Error::format(source, format!("optimizer state {name}"), found, expected)
}
