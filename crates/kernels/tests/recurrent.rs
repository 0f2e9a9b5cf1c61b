//! The kernels over sequences against Burn's operations, finite differences, and themselves on other numbers of threads.
#![cfg(feature = "flex")]

mod support;

use burn::tensor::{Device, Tensor};
use ognivo_kernels::{
    Activation, Forget, GruForm, LstmForm, Peephole, PeepholeGates, Reset, StepCell, StepKind, Update, Walk, gru,
    gru_reference, linear_reference, lstm, lstm_reference, rnn, rnn_reference,
};
use proptest::prelude::*;
use support::{
    Operation, assert_close, assert_slopes, assert_slopes_in_double_precision, assert_threads_agree, outcome, values,
};

/// Sizes of a batch of sequences and how it is walked.
#[derive(Clone, Debug)]
struct Case {
    time: usize,
    batch: usize,
    hidden: usize,
    lengths: Option<Vec<usize>>,
    reverse: bool,
    masked: bool,
}

impl Case {
    fn new(time: usize, batch: usize, hidden: usize) -> Self {
        Self { time, batch, hidden, lengths: None, reverse: false, masked: false }
    }

    fn walk(&self, device: &Device) -> Walk {
        let shape = [self.batch, self.hidden];
        let mask = || {
            let values: Vec<f32> = (0..self.batch * self.hidden).map(|i| [0.0, 1.25, 1.25][i % 3]).collect();
            Tensor::<1>::from_floats(values.as_slice(), &device.clone().inner()).reshape(shape)
        };
        let hidden_mask = self.masked.then(|| {
            let mask = mask();
            if *device == device.clone().inner() { mask } else { Tensor::from_inner(mask) }
        });
        Walk { lengths: self.lengths.clone(), reverse: self.reverse, hidden_mask }
    }

    /// Values of the size of a state, scaled so that sums of products stay of order one.
    fn state(&self, salt: usize) -> Vec<f32> {
        values(self.batch * self.hidden, salt)
    }

    fn projected(&self, gates: usize) -> Vec<f32> {
        values(self.time * self.batch * gates * self.hidden, 5)
    }

    fn matrix(&self, gates: usize) -> Vec<f32> {
        let scale = 1.7 / (self.hidden as f32).sqrt();
        values(gates * self.hidden * self.hidden, 11).into_iter().map(|value| value * scale).collect()
    }
}

fn any_case() -> impl Strategy<Value = Case> {
    (1..7usize, 1..20usize, 1..40usize, any::<(bool, bool)>()).prop_flat_map(
        |(time, batch, hidden, (reverse, masked))| {
            proptest::option::of(proptest::collection::vec(0..=time, batch)).prop_map(move |lengths| Case {
                time,
                batch,
                hidden,
                lengths,
                reverse,
                masked,
            })
        },
    )
}

/// Outputs and last states, flat, one after the other.
fn flat(outputs: Tensor<3>, states: Vec<Tensor<2>>) -> Tensor<1> {
    let states = states.into_iter().map(|state| state.reshape([-1]));
    Tensor::cat(std::iter::once(outputs.reshape([-1])).chain(states).collect(), 0)
}

type Lstm = fn(
    Tensor<3>,
    Tensor<2>,
    Option<Peephole>,
    Tensor<2>,
    Tensor<2>,
    LstmForm,
    &Walk,
) -> (Tensor<3>, Tensor<2>, Tensor<2>);

#[derive(Clone, Copy, Debug)]
enum Peep {
    None,
    Diagonal(PeepholeGates),
    Dense(PeepholeGates),
}

fn run_lstm(lstm: Lstm, case: &Case, form: LstmForm, peep: Peep, x: &[Tensor<1>]) -> Tensor<1> {
    // What a form does not use has no gradient in the reference; in the kernel it is 0.
    let unused = x.iter().fold(x[0].clone().slice(0..1) * 0.0, |sum, input| sum + input.clone().sum() * 0.0);
    run_bare_lstm(lstm, case, form, peep, x) + unused
}

fn run_bare_lstm(lstm: Lstm, case: &Case, form: LstmForm, peep: Peep, x: &[Tensor<1>]) -> Tensor<1> {
    let Case { time, batch, hidden, .. } = *case;
    let (rows, gates) = match peep {
        Peep::None => (0, None),
        Peep::Diagonal(gates) => (3, Some(gates)),
        Peep::Dense(gates) => (3 * hidden, Some(gates)),
    };
    let peephole = gates.map(|gates| Peephole { weight: x[4].clone().reshape([rows, hidden]), gates });
    let (outputs, h, c) = lstm(
        x[0].clone().reshape([time, batch, 4 * hidden]),
        x[1].clone().reshape([4 * hidden, hidden]),
        peephole,
        x[2].clone().reshape([batch, hidden]),
        x[3].clone().reshape([batch, hidden]),
        form,
        &case.walk(&x[0].device()),
    );
    flat(outputs, vec![h, c])
}

fn lstm_inputs(case: &Case, peep: Peep) -> Vec<Vec<f32>> {
    let mut inputs = vec![case.projected(4), case.matrix(4), case.state(2), case.state(3)];
    match peep {
        Peep::None => {}
        Peep::Diagonal(_) => inputs.push(values(3 * case.hidden, 8)),
        Peep::Dense(_) => inputs.push(case.matrix(3)),
    }
    inputs
}

fn any_form() -> impl Strategy<Value = LstmForm> {
    let forget = prop_oneof![Just(Forget::Own), Just(Forget::None), Just(Forget::Coupled)];
    (any::<[bool; 4]>(), forget, any::<bool>()).prop_map(|([i, o, g, h], forget, standard)| match standard {
        true => LstmForm::default(),
        false => LstmForm { input_gate: i, forget, output_gate: o, input_activation: g, output_activation: h },
    })
}

fn any_peep() -> impl Strategy<Value = Peep> {
    (0..3usize, any::<[bool; 3]>()).prop_map(|(kind, [input, forget, output])| {
        let gates = PeepholeGates { input, forget, output };
        [Peep::None, Peep::Diagonal(gates), Peep::Dense(gates)][kind]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn lstm_equals_burn(case in any_case(), form in any_form(), peep in any_peep()) {
        let inputs = lstm_inputs(&case, peep);
        let found = outcome(&|x| run_lstm(lstm, &case, form, peep, x), &inputs);
        let expected = outcome(&|x| run_lstm(lstm_reference, &case, form, peep, x), &inputs);
        assert_close(&found, &expected, 2e-5);
    }
}

#[test]
fn lstm_gradients_are_slopes() {
    let case = Case { lengths: Some(vec![3, 1]), ..Case::new(3, 2, 3) };
    for peep in [Peep::None, Peep::Diagonal(PeepholeGates::ALL), Peep::Dense(PeepholeGates::ALL)] {
        let inputs = lstm_inputs(&case, peep);
        assert_slopes(&|x| run_lstm(lstm, &case, LstmForm::default(), peep, x), &inputs, 1e-2, 2e-3);
    }
}

#[test]
fn lstm_on_any_number_of_threads_gives_the_same_bits() {
    let case = Case::new(5, 13, 70);
    for peep in [Peep::None, Peep::Diagonal(PeepholeGates::ALL), Peep::Dense(PeepholeGates::ALL)] {
        let inputs = lstm_inputs(&case, peep);
        assert_threads_agree(&|x| run_lstm(lstm, &case, LstmForm::default(), peep, x), &inputs);
    }
}

type Gru = fn(Tensor<3>, Tensor<2>, Option<Tensor<1>>, Tensor<2>, GruForm, &Walk) -> (Tensor<3>, Tensor<2>);

fn run_gru(gru: Gru, case: &Case, form: GruForm, x: &[Tensor<1>]) -> Tensor<1> {
    let Case { time, batch, hidden, .. } = *case;
    let (outputs, h) = gru(
        x[0].clone().reshape([time, batch, 3 * hidden]),
        x[1].clone().reshape([3 * hidden, hidden]),
        x.get(3).cloned(),
        x[2].clone().reshape([batch, hidden]),
        form,
        &case.walk(&x[0].device()),
    );
    flat(outputs, vec![h])
}

fn gru_inputs(case: &Case, form: GruForm, biased: bool) -> Vec<Vec<f32>> {
    let mut inputs = vec![case.projected(3), case.matrix(3), case.state(2)];
    if biased && form.reset == Reset::After {
        inputs.push(values(case.hidden, 4));
    }
    inputs
}

const GRU_FORMS: [GruForm; 4] = [
    GruForm { reset: Reset::Before, update: Update::Candidate },
    GruForm { reset: Reset::Before, update: Update::State },
    GruForm { reset: Reset::After, update: Update::Candidate },
    GruForm { reset: Reset::After, update: Update::State },
];

const ACTIVATIONS: [Activation; 4] = [Activation::Tanh, Activation::Relu, Activation::Sigmoid, Activation::Identity];

type Rnn = fn(Tensor<3>, Tensor<2>, Tensor<2>, Activation, &Walk) -> (Tensor<3>, Tensor<2>);

fn run_rnn(rnn: Rnn, case: &Case, activation: Activation, x: &[Tensor<1>]) -> Tensor<1> {
    let Case { time, batch, hidden, .. } = *case;
    let (outputs, h) = rnn(
        x[0].clone().reshape([time, batch, hidden]),
        x[1].clone().reshape([hidden, hidden]),
        x[2].clone().reshape([batch, hidden]),
        activation,
        &case.walk(&x[0].device()),
    );
    flat(outputs, vec![h])
}

fn rnn_inputs(case: &Case) -> Vec<Vec<f32>> {
    vec![case.projected(1), case.matrix(1), case.state(2)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn gru_equals_burn(case in any_case(), form in 0..4usize, biased: bool) {
        let form = GRU_FORMS[form];
        let inputs = gru_inputs(&case, form, biased);
        let found = outcome(&|x| run_gru(gru, &case, form, x), &inputs);
        let expected = outcome(&|x| run_gru(gru_reference, &case, form, x), &inputs);
        assert_close(&found, &expected, 2e-5);
    }

    #[test]
    fn rnn_equals_burn(case in any_case(), activation in 0..4usize) {
        let inputs = rnn_inputs(&case);
        let found = outcome(&|x| run_rnn(rnn, &case, ACTIVATIONS[activation], x), &inputs);
        let expected = outcome(&|x| run_rnn(rnn_reference, &case, ACTIVATIONS[activation], x), &inputs);
        assert_close(&found, &expected, 2e-5);
    }
}

#[test]
fn gru_and_rnn_gradients_are_slopes() {
    let case = Case { lengths: Some(vec![3, 1]), reverse: true, ..Case::new(3, 2, 3) };
    for form in GRU_FORMS {
        assert_slopes(&|x| run_gru(gru, &case, form, x), &gru_inputs(&case, form, true), 1e-2, 2e-3);
    }
    for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Identity] {
        assert_slopes(&|x| run_rnn(rnn, &case, activation, x), &rnn_inputs(&case), 1e-2, 2e-3);
    }
}

#[test]
fn in_double_precision_gradients_are_slopes() {
    let case = Case { lengths: Some(vec![3, 1]), ..Case::new(3, 2, 3) };
    for peep in [Peep::None, Peep::Diagonal(PeepholeGates::ALL), Peep::Dense(PeepholeGates::ALL)] {
        let run = |x: &[Tensor<1>]| run_lstm(lstm, &case, LstmForm::default(), peep, x);
        assert_slopes_in_double_precision(&run, &lstm_inputs(&case, peep));
    }
    for form in GRU_FORMS {
        assert_slopes_in_double_precision(&|x| run_gru(gru, &case, form, x), &gru_inputs(&case, form, true));
    }
    for activation in [Activation::Tanh, Activation::Sigmoid, Activation::Identity] {
        assert_slopes_in_double_precision(&|x| run_rnn(rnn, &case, activation, x), &rnn_inputs(&case));
    }
}

#[test]
fn gru_and_rnn_on_any_number_of_threads_give_the_same_bits() {
    let case = Case::new(5, 13, 70);
    for form in GRU_FORMS {
        assert_threads_agree(&|x| run_gru(gru, &case, form, x), &gru_inputs(&case, form, true));
    }
    assert_threads_agree(&|x| run_rnn(rnn, &case, Activation::Tanh, x), &rnn_inputs(&case));
}

/// Steps that do not exist may hold anything.
#[test]
fn padding_reaches_nothing() {
    let case = Case { lengths: Some(vec![2, 0, 4]), ..Case::new(4, 3, 5) };
    let poisoned = |gates: usize| {
        let mut projected = case.projected(gates);
        for (place, value) in projected.iter_mut().enumerate() {
            let (step, sequence) = (place / (3 * gates * 5), place / (gates * 5) % 3);
            if step >= [2, 0, 4][sequence] {
                *value = f32::NAN;
            }
        }
        projected
    };
    for reverse in [false, true] {
        let case = Case { reverse, ..case.clone() };
        let peep = Peep::Dense(PeepholeGates::ALL);
        let runs: [(Vec<Vec<f32>>, usize, Operation); 3] = [
            (lstm_inputs(&case, peep), 4, &|x| run_bare_lstm(lstm, &case, LstmForm::default(), peep, x)),
            (gru_inputs(&case, GruForm::default(), false), 3, &|x| run_gru(gru, &case, GruForm::default(), x)),
            (rnn_inputs(&case), 1, &|x| run_rnn(rnn, &case, Activation::Tanh, x)),
        ];
        for (mut inputs, gates, run) in runs {
            let clean = outcome(run, &inputs);
            inputs[0] = poisoned(gates);
            assert_eq!(outcome(run, &inputs), clean, "{gates} gates");
        }
    }
}

/// One step at a time on plain numbers is the same as the whole sequence.
#[test]
fn steps_equal_sequences() {
    let (time, hidden, inputs) = (4, 21, 5);
    let case = Case::new(time, 1, hidden);
    let device = Device::flex();
    let x = values(time * inputs, 6);
    let tensor = |values: &[f32], shape: [usize; 2]| Tensor::<1>::from_floats(values, &device).reshape(shape);
    let check = |kind: StepKind, gates: usize, run: &dyn Fn(Tensor<3>, Tensor<2>) -> Tensor<3>| {
        let weights = [values(gates * hidden * inputs, 1), case.matrix(gates), values(gates * hidden, 9)];
        let mut cell = StepCell::new(kind.clone(), weights[0].clone(), weights[1].clone(), weights[2].clone());
        let bias = Tensor::<1>::from_floats(weights[2].as_slice(), &device);
        let input = tensor(&weights[0], [gates * hidden, inputs]);
        let projected = linear_reference(tensor(&x, [time, inputs]), input.transpose(), Some(bias));
        let projected = projected.reshape([time, 1, gates * hidden]);
        let expected = run(projected, tensor(&weights[1], [gates * hidden, hidden]));
        let expected: Vec<f32> = expected.into_data().try_to_vec().unwrap();
        let found: Vec<f32> = x.chunks(inputs).flat_map(|x| cell.step(x).to_vec()).collect();
        assert_close(&[found], &[expected], 1e-5);
    };
    let zero = || Tensor::<2>::zeros([1, hidden], &device);
    let walk = Walk::default();
    check(StepKind::Rnn(Activation::Tanh), 1, &|p, w| rnn_reference(p, w, zero(), Activation::Tanh, &walk).0);
    for form in GRU_FORMS {
        let kind = StepKind::Gru { form, recurrent_bias: vec![] };
        check(kind, 3, &|p, w| gru_reference(p, w, None, zero(), form, &walk).0);
    }
    let gates = PeepholeGates { forget: false, ..PeepholeGates::ALL };
    for rows in [0, 3, 3 * hidden] {
        let weight = values(rows * hidden, 8).into_iter().map(|value| value * 0.2).collect::<Vec<_>>();
        let form = LstmForm::default();
        let kind = StepKind::Lstm { form, peephole: (rows > 0).then(|| (weight.clone(), gates)) };
        check(kind, 4, &|p, w| {
            let peephole = (rows > 0).then(|| Peephole { weight: tensor(&weight, [rows, hidden]), gates });
            lstm_reference(p, w, peephole, zero(), zero(), form, &walk).0
        });
    }
}
