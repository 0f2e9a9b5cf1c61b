//! The same layers, forward and backward, on every backend of this build that works on this machine.
//!
//! Build with `--features ndarray,wgpu` for more than the default backend.

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::device::{self, BACKENDS};
use ognivo_core::weights;
use ognivo_sequence::cell::{CellConfig, Stack, StackConfig};

const TIME: usize = 6;
const BATCH: usize = 3;
const INPUT: usize = 4;

fn config(cell: &str) -> StackConfig {
    StackConfig { cell: cell.parse::<CellConfig>().unwrap(), hidden: 10, layers: 2, ..Default::default() }
}

/// Outputs, last states and the gradient to the input of a weighted sum of both.
fn run(stack: Stack, device: &Device) -> Vec<f32> {
    let device = device.clone().autodiff();
    let values = |count: usize| (0..count).map(|i| ((i * 37) % 23) as f32 / 11.0 - 1.0).collect::<Vec<f32>>();
    let x = TensorData::new(values(TIME * BATCH * INPUT), [TIME, BATCH, INPUT]);
    let x = Tensor::<3>::from_data(x, &device).require_grad();
    let (outputs, states) = stack.forward(x.clone(), None, Some(&[6, 2, 5]));
    let states = states.iter().flat_map(|state| state.tensors()).map(|tensor| tensor.clone().reshape([-1]));
    let all = Tensor::<1>::cat(std::iter::once(outputs.reshape([-1])).chain(states).collect(), 0);
    let weights = Tensor::<1>::from_data(TensorData::new(values(all.dims()[0]), [all.dims()[0]]), &device);
    let gradients = (all.clone() * weights).sum().backward();
    let slope = x.grad(&gradients).unwrap().reshape([-1]);
    let numbers = |tensor: Tensor<1>| tensor.into_data().convert::<f32>().try_to_vec::<f32>().unwrap();
    [numbers(all.inner()), numbers(slope)].concat()
}

#[test]
fn every_backend_computes_the_same_layers() {
    let here = device::parse("cpu").unwrap();
    here.seed(5);
    let found = device::list();
    for cell in ["rnn", "lstm", "gru", "peephole-lstm"] {
        let config = config(cell);
        let stack = config.init(INPUT, &here.clone().autodiff()).unwrap();
        let tensors = weights::tensors_of(&stack);
        let expected = run(stack, &here);
        for backend in BACKENDS.iter().filter(|backend| backend.compiled) {
            // One device of each backend is enough.
            let device = found.iter().find(|found| found.name.split(':').next() == Some(backend.name));
            let Some(device) = device.filter(|device| device.usable.is_ok()) else {
                eprintln!("skipped: {} has no usable device here ({device:?})", backend.name);
                continue;
            };
            let plain = device::parse(&device.name).unwrap();
            let empty = config.init(INPUT, &plain.clone().autodiff()).unwrap();
            let stack = weights::load_into(empty, tensors.clone(), "weights".as_ref()).unwrap();
            let values = run(stack, &plain);
            let worst = values.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            eprintln!("{cell} on {}: largest difference {worst:.1e}", device.name);
            assert!(values.len() == expected.len() && worst < 2e-5, "{cell} on {}: {worst}", device.name);
        }
    }
}
