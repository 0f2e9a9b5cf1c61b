//! Times forward and backward passes of a recurrent layer over a batch of sequences, with the product for its inputs.
//!
//! ```text
//! RAYON_NUM_THREADS=1 taskset -c 0 cargo bench -p ognivo-kernels --bench recurrent -- [kernels|burn] [rnn|lstm|diagonal|dense|gru|gru-pytorch] [hidden] [steps]
//! ```
//!
//! Prints milliseconds, least and median over the steps, and the share of them that the pass forward takes.
//! `pytorch_recurrent.py` beside this file is the same in PyTorch.

use std::{env, time::Instant};

use burn::tensor::{Device, Distribution, Tensor};
use ognivo_kernels::{
    Activation, GruForm, LstmForm, Peephole, PeepholeGates, Reset, Update, Walk, gru, gru_reference, linear,
    linear_reference, lstm, lstm_reference, rnn, rnn_reference,
};

#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

const TIME: usize = 64;
const BATCH: usize = 32;

struct Layer {
    kind: String,
    kernels: bool,
    input: Tensor<2>,
    bias: Tensor<1>,
    recurrent: Tensor<2>,
    peephole: Option<Tensor<2>>,
    state: Tensor<2>,
}

impl Layer {
    fn new(kind: &str, kernels: bool, hidden: usize, device: &Device) -> Self {
        let gates = match kind {
            "rnn" => 1,
            "gru" | "gru-pytorch" => 3,
            _ => 4,
        };
        let bound = 1.0 / (hidden as f64).sqrt();
        let matrix = |rows: usize, columns: usize| {
            Tensor::<2>::random([rows, columns], Distribution::Uniform(-bound, bound), device).require_grad()
        };
        Self {
            kind: kind.into(),
            kernels,
            input: matrix(gates * hidden, hidden),
            bias: Tensor::zeros([gates * hidden], device).require_grad(),
            recurrent: matrix(gates * hidden, hidden),
            peephole: match kind {
                "diagonal" => Some(matrix(3, hidden)),
                "dense" => Some(matrix(3 * hidden, hidden)),
                _ => None,
            },
            state: Tensor::zeros([BATCH, hidden], device),
        }
    }

    fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [time, batch, inputs] = x.dims();
        let linear = if self.kernels { linear } else { linear_reference };
        let rows = x.reshape([time * batch, inputs]);
        let projected = linear(rows, self.input.clone().transpose(), Some(self.bias.clone()));
        let projected = projected.reshape([time as i64, batch as i64, -1]);
        let (recurrent, state, walk) = (self.recurrent.clone(), self.state.clone(), Walk::default());
        match self.kind.as_str() {
            "rnn" => {
                let run = if self.kernels { rnn } else { rnn_reference };
                run(projected, recurrent, state, Activation::Tanh, &walk).0
            }
            "gru" | "gru-pytorch" => {
                let form = match self.kind.as_str() {
                    "gru" => GruForm::default(),
                    _ => GruForm { reset: Reset::After, update: Update::State },
                };
                let run = if self.kernels { gru } else { gru_reference };
                run(projected, recurrent, None, state, form, &walk).0
            }
            _ => {
                let peephole = self.peephole.clone().map(|weight| Peephole { weight, gates: PeepholeGates::ALL });
                let run = if self.kernels { lstm } else { lstm_reference };
                run(projected, recurrent, peephole, state.clone(), state, LstmForm::default(), &walk).0
            }
        }
    }
}

fn time(kind: &str, kernels: bool, hidden: usize, steps: usize) {
    let device = Device::flex().autodiff();
    let layer = Layer::new(kind, kernels, hidden, &device);
    let x = Tensor::<3>::random([TIME, BATCH, hidden], Distribution::Normal(0.0, 1.0), &device).require_grad();
    let (mut whole, mut forward) = (Vec::new(), Vec::new());
    for step in 0..steps + 3 {
        let start = Instant::now();
        let y = layer.forward(x.clone());
        let middle = start.elapsed().as_secs_f64() * 1e3;
        let gradients = y.sum().backward();
        std::hint::black_box(layer.recurrent.grad(&gradients));
        if step >= 3 {
            whole.push(start.elapsed().as_secs_f64() * 1e3);
            forward.push(middle);
        }
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (median_whole, median_forward) = (median(&mut whole), median(&mut forward));
    let name = if kernels { "kernels" } else { "burn" };
    println!(
        "{name} {kind} hidden {hidden}: least {:6.1}  median {median_whole:6.1} ms, forward {median_forward:6.1}",
        whole[0]
    );
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let given = |name: &str| arguments.iter().any(|argument| argument == name);
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let hidden = numbers.next();
    let steps = numbers.next().unwrap_or(20);
    let kinds = ["rnn", "lstm", "diagonal", "dense", "gru", "gru-pytorch"];
    for hidden in hidden.map_or(vec![256, 512], |hidden| vec![hidden]) {
        for kernels in [true, false]
            .into_iter()
            .filter(|k| given(if *k { "kernels" } else { "burn" }) || !(given("kernels") || given("burn")))
        {
            for kind in kinds.into_iter().filter(|kind| given(kind) || !kinds.iter().any(|kind| given(kind))) {
                time(kind, kernels, hidden, steps);
            }
        }
    }
}
