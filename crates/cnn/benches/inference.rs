//! Pictures of 224 x 224 classified by networks of the ImageNet line: milliseconds for a batch.
//!
//! ```text
//! RAYON_NUM_THREADS=2 cargo bench -p ognivo-cnn --bench inference -- [networks, batch sizes, rounds=N; by default the four below, 1 and 16]
//! ```
//!
//! `pytorch_inference.py` beside this file measures PyTorch and onnxruntime in the same way.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::model::{InputShape, NetworkConfig};

#[global_allocator]
static ALLOCATOR: ognivo_kernels::PooledAllocator = ognivo_kernels::PooledAllocator::new();

fn main() {
    let (mut networks, mut batches, mut rounds) = (Vec::new(), Vec::new(), 15);
    for word in std::env::args().skip(1).filter(|word| !word.starts_with("--")) {
        match (word.strip_prefix("rounds="), word.parse()) {
            (Some(count), _) => rounds = count.parse().expect("a number of rounds"),
            (_, Ok(batch)) => batches.push(batch),
            _ => networks.push(word),
        }
    }
    if networks.is_empty() {
        networks = ["resnet18", "alexnet", "vgg16", "mobilenet-v2"].map(String::from).to_vec();
    }
    if batches.is_empty() {
        batches = vec![1, 16];
    }
    let device = Device::flex();
    for name in networks {
        let input = InputShape { channels: 3, height: 224, width: 224 };
        let config = NetworkConfig::named(&name).expect("a network's name");
        let network = config.init(input, 1000, &device).expect("a network for 224 pixels");
        for &batch in &batches {
            let pictures = Tensor::<4>::ones([batch, 3, 224, 224], &device);
            let mut times: Vec<f64> = (0..rounds + 1)
                .map(|_| {
                    let start = Instant::now();
                    let logits = network.forward(pictures.clone()).into_data();
                    assert_eq!(logits.shape().to_vec(), [batch, 1000]);
                    1e3 * start.elapsed().as_secs_f64()
                })
                .skip(1)
                .collect();
            times.sort_by(f64::total_cmp);
            println!("{name:<14} batch {batch:>2}  best {:8.1} ms  median {:8.1} ms", times[0], times[rounds / 2]);
        }
    }
}
