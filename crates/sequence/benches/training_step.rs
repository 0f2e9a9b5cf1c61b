//! Times the training step of one recurrent layer: forward, backward, Adam; batch 32, 64 steps.
//!
//! ```text
//! RAYON_NUM_THREADS=1 taskset -c 0 cargo bench -p ognivo-sequence --bench training_step -- [hidden] [steps] [cell...]
//! ```
//!
//! `pytorch_step.py` beside this file is the same in PyTorch.

use std::time::Instant;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Distribution, Tensor};
use ognivo_core::train::optimizer::Optimizer;
use ognivo_sequence::cell::{CellConfig, StackConfig};

#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let hidden = numbers.next().unwrap_or(256);
    let steps = numbers.next().unwrap_or(20);
    let asked: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| a.parse::<usize>().is_err()).collect();
    let all = ["rnn:bias=two", "gru:reset=after:update=state:bias=two", "gru", "lstm:bias=two"];
    let more = ["peephole-lstm:peephole=diagonal:bias=two", "peephole-lstm:bias=two"];
    for cell in if asked.is_empty() { [&all[..], &more].concat() } else { asked } {
        time(cell, hidden, steps);
    }
}

fn time(cell: &str, hidden: usize, steps: usize) {
    let device = Device::flex().autodiff();
    device.seed(1);
    let config = StackConfig { cell: cell.parse::<CellConfig>().expect("a cell"), hidden, ..Default::default() };
    let mut stack = config.init(hidden, &device).expect("a sound configuration");
    let mut optimizer = Optimizer::new("adam".parse().expect("an optimiser")).expect("an optimiser");
    let x = Tensor::<3>::random([64, 32, hidden], Distribution::Normal(0.0, 1.0), &device);
    let mut times = Vec::new();
    for step in 0..steps + 3 {
        let start = Instant::now();
        let (outputs, _) = stack.forward(x.clone(), None, None);
        let gradients = GradientsParams::from_grads(outputs.square().mean().backward(), &stack);
        stack = optimizer.step(1e-3, stack, gradients);
        if step >= 3 {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    println!("ognivo {cell} hidden {hidden}: least {:6.1}  median {:6.1} ms", times[0], times[times.len() / 2]);
}
