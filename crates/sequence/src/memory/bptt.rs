//! Backpropagation through time, term by term.
//!
//! The gradient of a loss `L` at step `t` with respect to the recurrent matrix, which every step uses, is a sum over the steps
//! `k <= t` at which it was used:
//!
//! ```text
//! dL/dW = sum over k of  dL/dh_t * (dh_t/dh_{t-1} ... dh_{k+1}/dh_k) * d+h_k/dW
//! ```
//!
//! with `d+` the derivative for `h_{k-1}` held fixed. The product of Jacobians shrinks or grows with every factor: why gradients vanish
//! or explode (Bengio, Simard and Frasconi 1994). Here each term is computed as it stands; autodiff, which adds them up on its way
//! back without ever forming a Jacobian, gives the same sum, and the tests hold the two to each other.

use ognivo_kernels::Activation;

use super::matrix::Matrix;
use crate::cell::Rnn;

/// What one step contributes to the gradient.
#[derive(Clone, Debug)]
pub struct Term {
    /// The step `k` at which the weights were used, from 0.
    pub step: usize,
    /// `dh_t/dh_k`, `[hidden, hidden]`: a product of `t - k` Jacobians.
    pub jacobian: Matrix,
    /// The term of `dL/dW`, `[hidden, hidden]`.
    pub recurrent: Matrix,
    /// The term of `dL/dU`, `[hidden, input]`.
    pub input: Matrix,
}

/// The terms of a loss at the last of `inputs`, `[step][input]`, of which `gradient` is `dL/dh_t`; the latest step first.
///
/// # Panics
/// When sizes do not fit each other.
pub fn terms(rnn: &Rnn, inputs: &[Vec<f64>], initial: &[f64], gradient: &[f64]) -> Vec<Term> {
    let matrix = |parameter: &burn::module::Param<burn::tensor::Tensor<2>>| {
        let tensor = parameter.val();
        let [rows, columns] = tensor.dims();
        let values = tensor.into_data().iter::<f64>().collect();
        Matrix::new(rows, columns, values)
    };
    let (of_input, recurrent) = (matrix(&rnn.weights.weight_ih), matrix(&rnn.weights.weight_hh));
    let bias: Vec<f64> =
        rnn.weights.bias().map_or(vec![0.0; initial.len()], |bias| bias.into_data().iter::<f64>().collect());

    // Forwards: h_0, h_1, ..., h_t.
    let mut states = vec![initial.to_vec()];
    for x in inputs {
        let before = &states[states.len() - 1];
        let sums = of_input.times_vector(x).into_iter().zip(recurrent.times_vector(before)).zip(&bias);
        states.push(sums.map(|((a, b), c)| function(rnn.activation(), a + b + c)).collect());
    }

    // Backwards: the product of Jacobians grows by a factor at each step.
    let mut product = Matrix::identity(initial.len(), initial.len());
    let mut terms = Vec::with_capacity(inputs.len());
    for step in (0..inputs.len()).rev() {
        let (before, after) = (&states[step], &states[step + 1]);
        let slopes: Vec<f64> = after.iter().map(|&value| slope(rnn.activation(), value)).collect();
        let reached = product.vector_times(gradient);
        let error: Vec<f64> = reached.iter().zip(&slopes).map(|(gradient, slope)| gradient * slope).collect();
        let jacobian = recurrent.clone().rows_scaled(&slopes);
        let next = product.times(&jacobian);
        terms.push(Term {
            step,
            jacobian: std::mem::replace(&mut product, next),
            recurrent: Matrix::outer(&error, before),
            input: Matrix::outer(&error, &inputs[step]),
        });
    }
    terms
}

fn function(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::Tanh => x.tanh(),
        Activation::Relu => x.max(0.0),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Activation::Identity => x,
    }
}

/// The derivative, from the function's value.
fn slope(activation: Activation, y: f64) -> f64 {
    match activation {
        Activation::Tanh => 1.0 - y * y,
        Activation::Relu => f64::from(u8::from(y > 0.0)),
        Activation::Sigmoid => y * (1.0 - y),
        Activation::Identity => 1.0,
    }
}
