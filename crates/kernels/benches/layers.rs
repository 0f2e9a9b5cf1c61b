//! Each operation forward and forward with backward at the sizes of the two nets of `training_step.rs`, beside Burn's.
//!
//! ```text
//! RAYON_NUM_THREADS=1 taskset -c 0 cargo bench -p ognivo-kernels --bench layers
//! ```

use burn::tensor::{Device, Tensor};
use divan::{Bencher, counter::BytesCount};
use ognivo_kernels::*;

#[global_allocator]
static ALLOCATOR: PooledAllocator = PooledAllocator::new();

/// After the MNIST example net's second convolution.
const MNIST: [usize; 4] = [64, 64, 24, 24];
/// In ResNet-20's first, second and third stage.
const STAGES: [usize; 3] = [16, 32, 64];

fn main() {
    divan::main();
}

fn stage(channels: usize) -> [usize; 4] {
    let side = 512 / channels;
    [128, channels, side, side]
}

fn values(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count as u64).map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f32).collect();
    Tensor::<1>::from_floats(values.as_slice(), device).reshape(shape) / 2f64.powi(23) - 1.0
}

fn per_channel(shape: [usize; 4], device: &Device) -> Tensor<1> {
    Tensor::ones([shape[1]], device)
}

fn bytes(shape: [usize; 4]) -> BytesCount {
    BytesCount::new(4 * shape.iter().product::<usize>())
}

/// Times `operation` on a plain device; inputs are fresh, so that it may write over them.
fn forward(bencher: Bencher, shape: [usize; 4], operation: impl Fn(Tensor<4>) -> Tensor<4> + Sync) {
    let x = values(shape, &Device::flex());
    bencher.counter(bytes(shape)).with_inputs(|| x.clone() * 1.0).bench_local_values(&operation);
}

/// Times `operation` and its gradient, of ones.
fn step(bencher: Bencher, shape: [usize; 4], operation: impl Fn(Tensor<4>) -> Tensor<4> + Sync) {
    let device = Device::flex().autodiff();
    let x = values(shape, &device).require_grad();
    bencher.counter(bytes(shape)).with_inputs(|| x.clone() * 1.0).bench_local_values(|x| operation(x).backward());
}

mod relus {
    use super::*;

    #[divan::bench]
    fn kernel(bencher: Bencher) {
        step(bencher, MNIST, relu);
    }

    #[divan::bench]
    fn burn(bencher: Bencher) {
        step(bencher, MNIST, relu_reference);
    }

    #[divan::bench]
    fn kernel_forward(bencher: Bencher) {
        forward(bencher, MNIST, relu);
    }

    #[divan::bench]
    fn burn_forward(bencher: Bencher) {
        forward(bencher, MNIST, relu_reference);
    }
}

mod max_pools {
    use super::*;

    type Pool = fn(Tensor<4>, [usize; 2], [usize; 2], [usize; 2], bool) -> Tensor<4>;

    fn halves(bencher: Bencher, pool: Pool) {
        step(bencher, MNIST, |x| pool(x, [2, 2], [2, 2], [0, 0], false));
    }

    fn overlapping(bencher: Bencher, pool: Pool) {
        step(bencher, MNIST, |x| pool(x, [3, 3], [2, 2], [1, 1], false));
    }

    #[divan::bench]
    fn halves_kernel(bencher: Bencher) {
        halves(bencher, max_pool2d);
    }

    #[divan::bench]
    fn halves_burn(bencher: Bencher) {
        halves(bencher, max_pool2d_reference);
    }

    #[divan::bench]
    fn halves_of_relu_kernel(bencher: Bencher) {
        halves(bencher, relu_max_pool2d);
    }

    #[divan::bench]
    fn halves_of_relu_burn(bencher: Bencher) {
        halves(bencher, relu_max_pool2d_reference);
    }

    #[divan::bench]
    fn overlapping_kernel(bencher: Bencher) {
        overlapping(bencher, max_pool2d);
    }

    #[divan::bench]
    fn overlapping_burn(bencher: Bencher) {
        overlapping(bencher, max_pool2d_reference);
    }
}

mod average_pools {
    use super::*;

    #[divan::bench]
    fn halves_kernel(bencher: Bencher) {
        step(bencher, MNIST, |x| avg_pool2d(x, [2, 2], [2, 2], [0, 0], true, false));
    }

    #[divan::bench]
    fn halves_burn(bencher: Bencher) {
        step(bencher, MNIST, |x| avg_pool2d_reference(x, [2, 2], [2, 2], [0, 0], true, false));
    }

    #[divan::bench]
    fn whole_plane_kernel(bencher: Bencher) {
        step(bencher, stage(64), |x| avg_pool2d(x, [8, 8], [8, 8], [0, 0], true, false));
    }

    #[divan::bench]
    fn whole_plane_burn(bencher: Bencher) {
        step(bencher, stage(64), |x| avg_pool2d_reference(x, [8, 8], [8, 8], [0, 0], true, false));
    }
}

mod norms {
    use super::*;

    fn parameters(x: &Tensor<4>) -> (Tensor<1>, Tensor<1>) {
        let ones = per_channel(x.dims(), &x.device());
        (ones.clone().require_grad(), ones.require_grad())
    }

    #[divan::bench(args = STAGES)]
    fn plain_kernel(bencher: Bencher, channels: usize) {
        step(bencher, stage(channels), |x| {
            let (gamma, beta) = parameters(&x);
            batch_norm2d(x, gamma, beta, 1e-5).0
        });
    }

    #[divan::bench(args = STAGES)]
    fn plain_burn(bencher: Bencher, channels: usize) {
        step(bencher, stage(channels), |x| {
            let (gamma, beta) = parameters(&x);
            burn::tensor::module::batch_norm_train(x, gamma, beta, 1e-5).output
        });
    }

    #[divan::bench(args = STAGES)]
    fn relu_kernel(bencher: Bencher, channels: usize) {
        step(bencher, stage(channels), |x| {
            let (gamma, beta) = parameters(&x);
            batch_norm2d_relu(x, gamma, beta, 1e-5).0
        });
    }

    #[divan::bench(args = STAGES)]
    fn add_relu_kernel(bencher: Bencher, channels: usize) {
        step(bencher, stage(channels), |x| {
            let (gamma, beta) = parameters(&x);
            batch_norm2d_add_relu(x.clone(), x, gamma, beta, 1e-5).0
        });
    }

    fn statistics(x: &Tensor<4>) -> BatchStatistics {
        BatchStatistics { mean: per_channel(x.dims(), &x.device()), variance: per_channel(x.dims(), &x.device()) }
    }

    #[divan::bench(args = STAGES)]
    fn inference_kernel(bencher: Bencher, channels: usize) {
        forward(bencher, stage(channels), |x| {
            let (ones, statistics) = (per_channel(x.dims(), &x.device()), statistics(&x));
            batch_norm2d_inference(x, ones.clone(), ones, statistics, 1e-5)
        });
    }

    #[divan::bench(args = STAGES)]
    fn inference_burn(bencher: Bencher, channels: usize) {
        forward(bencher, stage(channels), |x| {
            let (ones, BatchStatistics { mean, variance }) = (per_channel(x.dims(), &x.device()), statistics(&x));
            burn::tensor::module::batch_norm(x, ones.clone(), ones, mean, variance, 1e-5)
        });
    }
}

mod dropouts {
    use super::*;

    const SHAPE: [usize; 4] = [64, 64, 12, 12];

    #[divan::bench]
    fn kernel(bencher: Bencher) {
        step(bencher, SHAPE, |x| dropout(x, 0.25, 1));
    }

    #[divan::bench]
    fn burn(bencher: Bencher) {
        step(bencher, SHAPE, |x| {
            let mask = Tensor::random(x.shape(), burn::tensor::Distribution::Bernoulli(0.75), &x.device());
            x * mask * (1.0 / 0.75)
        });
    }
}

mod graph {
    use super::*;

    /// What autodiff's own bookkeeping takes: a hundred operations on one value, forward and backward.
    #[divan::bench]
    fn hundred_nodes(bencher: Bencher) {
        step(bencher, [1, 1, 1, 1], |x| (0..100).fold(x, |x, _| relu(x)));
    }
}
