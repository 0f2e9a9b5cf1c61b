//! Long short-term memory.

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use ognivo_kernels::{Forget, LstmForm, Peephole, Walk};

use super::config::{Biases, LstmConfig, Variant};
use super::weights::{Weights, project, uniform};
use super::{Recurrent, State, full_gate};

/// Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
///
/// ```text
/// i = s(U_i x + W_i h + b_i)    f = s(U_f x + W_f h + b_f)    g = tanh(U_g x + W_g h + b_g)    o = s(U_o x + W_o h + b_o)
/// c = f * c + i * g             h = o * tanh(c)
/// ```
///
/// Rows of the weights are in the order `i f g o`; those of a gate that a [`Variant`] lacks are left out.
#[derive(Module, Debug)]
pub struct Lstm {
    /// `U`, `W` and `b`.
    pub weights: Weights,
    /// From the gates of the step before (columns: `i f o`) to those of this step (rows: `i f o`), `[3 hidden, 3 hidden]`; only
    /// with [`Variant::FullGateRecurrence`].
    pub weight_gh: Option<Param<Tensor<2>>>,
    #[module(skip)]
    variant: Variant,
}

impl Lstm {
    pub(super) fn init(config: &LstmConfig, input: usize, hidden: usize, device: &Device) -> Self {
        let blocks = config.variant.blocks();
        let gates = blocks.iter().filter(|&&present| present).count();
        let mut weights = Weights::init(input, hidden, gates, config.bias, device);
        if let (Some(bias), true) = (config.forget_bias, blocks[1]) {
            let first = usize::from(blocks[0]) * hidden;
            let set = |parameter: Param<Tensor<1>>, value: f64| {
                let value = Tensor::full([hidden], value, device);
                Param::from_tensor(parameter.val().slice_assign(first..first + hidden, value).detach())
            };
            weights.bias_ih = weights.bias_ih.map(|parameter| set(parameter, bias));
            weights.bias_hh = weights.bias_hh.map(|parameter| set(parameter, 0.0));
        }
        let full = config.variant == Variant::FullGateRecurrence;
        let weight_gh = full.then(|| uniform([3 * hidden, 3 * hidden], hidden, device));
        Self { weights, weight_gh, variant: config.variant }
    }

    pub(super) fn parameters(config: &LstmConfig, input: usize, hidden: usize) -> usize {
        let gates = config.variant.blocks().into_iter().filter(|&present| present).count();
        let full = config.variant == Variant::FullGateRecurrence;
        Weights::parameters(input, hidden, gates, config.bias) + usize::from(full) * 9 * hidden * hidden
    }

    /// [`Recurrent::forward`], with peepholes if there are any.
    pub(super) fn run(
        &self,
        x: Tensor<3>,
        state: State,
        peephole: Option<Peephole>,
        walk: &Walk,
    ) -> (Tensor<3>, State) {
        let units = self.hidden();
        let present = self.variant.blocks();
        let weight = spread(self.weights.weight_ih.val(), present, units);
        let recurrent = spread(self.weights.weight_hh.val(), present, units);
        let projected = project(x, weight, self.weights.bias().map(|bias| spread(bias, present, units)));
        let (hidden, cell) = (state.hidden, state.cell.expect("the state of an LSTM has a cell"));
        if let Some(weight_gh) = &self.weight_gh {
            let gates = state.gates.expect("the state with full gate recurrence has gates");
            return full_gate::run(projected, recurrent, weight_gh.val(), peephole, [hidden, cell, gates], walk);
        }
        let form = self.variant.form();
        let (outputs, hidden, cell) = ognivo_kernels::lstm(projected, recurrent, peephole, hidden, cell, form, walk);
        (outputs, State { hidden, cell: Some(cell), gates: None })
    }
}

#[cfg(feature = "flex")]
impl Lstm {
    /// `None` with full gate recurrence.
    pub(super) fn parts(&self, peephole: Option<Peephole>) -> Option<super::stepping::Parts> {
        let (units, present) = (self.hidden(), self.variant.blocks());
        let peephole = peephole.map(|Peephole { weight, gates }| (super::numbers(weight), gates));
        self.weight_gh.is_none().then(|| super::stepping::Parts {
            kind: ognivo_kernels::StepKind::Lstm { form: self.variant.form(), peephole },
            input: spread(self.weights.weight_ih.val(), present, units),
            recurrent: spread(self.weights.weight_hh.val(), present, units),
            bias: self.weights.bias().map(|bias| spread(bias, present, units)),
        })
    }
}

impl Recurrent for Lstm {
    fn hidden(&self) -> usize {
        self.weights.hidden()
    }

    fn zero_state(&self, batch: usize, device: &Device) -> State {
        let units = self.hidden();
        let gates = self.weight_gh.as_ref().map(|_| Tensor::zeros([batch, 3 * units], device));
        State { cell: Some(Tensor::zeros([batch, units], device)), gates, ..State::zeros(batch, units, device) }
    }

    fn forward(&self, x: Tensor<3>, state: State, walk: &Walk) -> (Tensor<3>, State) {
        self.run(x, state, None, walk)
    }
}

impl Variant {
    /// Which of the blocks `i f g o` have weights.
    pub(super) fn blocks(self) -> [bool; 4] {
        let form = self.form();
        [form.input_gate, form.forget == Forget::Own, true, form.output_gate]
    }

    fn form(self) -> LstmForm {
        let standard = LstmForm::default();
        match self {
            Self::Standard | Self::FullGateRecurrence => standard,
            Self::NoInputGate => LstmForm { input_gate: false, ..standard },
            Self::NoForgetGate => LstmForm { forget: Forget::None, ..standard },
            Self::NoOutputGate => LstmForm { output_gate: false, ..standard },
            Self::NoInputActivation => LstmForm { input_activation: false, ..standard },
            Self::NoOutputActivation => LstmForm { output_activation: false, ..standard },
            Self::CoupledGates => LstmForm { forget: Forget::Coupled, ..standard },
        }
    }
}

/// Blocks of `units` rows with zeros put in for the absent ones.
pub(super) fn spread<const D: usize, const N: usize>(weight: Tensor<D>, present: [bool; N], units: usize) -> Tensor<D> {
    if present == [true; N] {
        return weight;
    }
    let mut absent = weight.dims();
    absent[0] = units;
    let zeros = Tensor::zeros(absent, &weight.device());
    let mut first = 0;
    let blocks = present.map(|present| {
        if !present {
            return zeros.clone();
        }
        first += units;
        weight.clone().slice(first - units..first)
    });
    Tensor::cat(blocks.into(), 0)
}

impl Biases {
    pub(super) fn count(self) -> usize {
        match self {
            Self::None => 0,
            Self::One => 1,
            Self::Two => 2,
        }
    }
}
