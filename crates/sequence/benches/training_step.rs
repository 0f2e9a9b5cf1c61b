//! Times the training step of one recurrent layer: forward, backward, Adam; batch 32, sequences of 64 steps. On Linux the peak memory
//! of the process so far stands beside it: how much a step of a sequence takes is seen from several lengths, one run for each.
//!
//! ```text
//! RAYON_NUM_THREADS=1 taskset -c 0 cargo bench -p ognivo-sequence --bench training_step -- [hidden] [steps] [length] [cell...]
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
    ognivo_core::device::set_threads(0);
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let mut numbers = arguments.iter().filter_map(|argument| argument.parse::<usize>().ok());
    let hidden = numbers.next().unwrap_or(256);
    let steps = numbers.next().unwrap_or(20);
    let length = numbers.next().unwrap_or(64);
    let asked: Vec<&str> = arguments.iter().map(String::as_str).filter(|a| a.parse::<usize>().is_err()).collect();
    let all = ["rnn:bias=two", "gru:reset=after:update=state:bias=two", "gru", "lstm:bias=two"];
    let more = ["peephole-lstm:peephole=diagonal:bias=two", "peephole-lstm:bias=two"];
    for cell in if asked.is_empty() { [&all[..], &more].concat() } else { asked } {
        time(cell, hidden, steps, length);
    }
}

fn time(cell: &str, hidden: usize, steps: usize, length: usize) {
    let device = Device::flex().autodiff();
    device.seed(1);
    let config = StackConfig { cell: cell.parse::<CellConfig>().expect("a cell"), hidden, ..Default::default() };
    let mut stack = config.init(hidden, &device).expect("a sound configuration");
    let mut optimizer = Optimizer::new("adam".parse().expect("an optimiser")).expect("an optimiser");
    let x = Tensor::<3>::random([length, 32, hidden], Distribution::Normal(0.0, 1.0), &device);
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
    let (least, median) = (times[0], times[times.len() / 2]);
    let memory = peak_memory().map(|bytes| format!(", peak memory {:.1} MiB", bytes / 1048576.0)).unwrap_or_default();
    println!("ognivo {cell} hidden {hidden}: least {least:6.1}  median {median:6.1} ms{memory}");
}

/// The most memory that the process has had so far, in bytes; of Linux alone.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? * 1024.0)
}
