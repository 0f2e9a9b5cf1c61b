//! Times one step of two LSTM layers for one sequence, as generating a text takes them: `cargo bench -p ognivo-kernels --bench
//! generation`. `pytorch_generation.py` beside this file is the same in PyTorch.

use std::time::Instant;

use ognivo_kernels::{LstmForm, StepCell, StepKind};

fn main() {
    for hidden in [256, 512] {
        let layer = || {
            let values = |count: usize| (0..count).map(|i| ((i * 31) % 997) as f32 / 2e4 - 0.025).collect::<Vec<_>>();
            let kind = StepKind::Lstm { form: LstmForm::default(), peephole: None };
            StepCell::new(kind, values(4 * hidden * hidden), values(4 * hidden * hidden), values(4 * hidden))
        };
        let mut layers = [layer(), layer()];
        let mut x = vec![0.1; hidden];
        let mut times = Vec::new();
        for _ in 0..21 {
            let start = Instant::now();
            for _ in 0..200 {
                for layer in &mut layers {
                    let output = layer.step(&x);
                    x.copy_from_slice(output);
                }
            }
            times.push(start.elapsed().as_secs_f64() / 200.0);
        }
        times.sort_by(f64::total_cmp);
        let bytes = 2.0 * 8.0 * (hidden * hidden) as f64 * 4.0;
        println!(
            "two layers of {hidden}: {:.0} steps a second, {:.1} GB/s of weights (median of 21)",
            1.0 / times[10],
            bytes / times[10] / 1e9
        );
    }
}
