//! The forward pass through nodes.

use burn::tensor::Tensor;

use super::node::{Node, Operation};
use crate::image::model::probe::Probe;
use crate::layer::{Activation, adaptive_average};

/// Nodes one after the other. What can be computed in one pass is, unless somebody wants to see the parts.
pub(super) fn run(nodes: &[Node], mut x: Tensor<4>, probe: &mut Probe) -> Tensor<4> {
    let mut rest = nodes;
    while let [node, behind @ ..] = rest {
        if !probe.watches()
            && let Some((y, behind)) = convolution_affine(rest, &x)
        {
            (x, rest) = (y, behind);
            continue;
        }
        let next = behind.first().filter(|_| !probe.watches()).map(|next| &next.operation);
        (x, rest) = match (&node.operation, next) {
            (Operation::BatchNorm(norm), Some(Operation::Activation(Activation::Relu))) => {
                (norm.forward_relu(x), &behind[1..])
            }
            (Operation::Activation(Activation::Relu), Some(Operation::Pooling(pooling))) => {
                (pooling.forward_relu(x), &behind[1..])
            }
            _ => (node.forward(x, probe), behind),
        };
    }
    x
}

/// A convolution, the normalisation behind it and the rectifier behind that in one pass, where they come first and no gradients are wanted;
/// with the nodes that are left.
fn convolution_affine<'a>(nodes: &'a [Node], x: &Tensor<4>) -> Option<(Tensor<4>, &'a [Node])> {
    let [first, second, behind @ ..] = nodes else { return None };
    let (Operation::Convolution(convolution), Operation::BatchNorm(norm)) = (&first.operation, &second.operation)
    else {
        return None;
    };
    let (scale, shift) = norm.affine(x)?;
    let limits = behind.first().and_then(|next| match &next.operation {
        Operation::Activation(activation) => activation.limits(),
        _ => None,
    });
    let (limits, behind) = limits.map_or((ANY, behind), |limits| (limits, &behind[1..]));
    Some((convolution.forward_affine(x.clone(), scale, shift, limits), behind))
}

/// No limits.
const ANY: [f32; 2] = [f32::NEG_INFINITY, f32::INFINITY];

impl Node {
    fn forward(&self, x: Tensor<4>, probe: &mut Probe) -> Tensor<4> {
        let y = match &self.operation {
            Operation::Convolution(convolution) => convolution.forward(x),
            Operation::BatchNorm(norm) => norm.forward(x),
            Operation::Linear(linear) => {
                let y = linear.forward(x.flatten(1, 3));
                let [batch, features] = y.dims();
                y.reshape([batch, features, 1, 1])
            }
            Operation::Dropout(dropout) => dropout.forward(x),
            Operation::Pooling(pooling) => pooling.forward(x),
            Operation::LocalResponseNorm(norm) => norm.forward(x),
            Operation::Activation(activation) => activation.forward_maps(x),
            Operation::AdaptiveAverage(size) => adaptive_average(x, *size),
            Operation::Subsample { stride, channels } => subsample(x, *stride, *channels),
            Operation::Sum { body, shortcut, relu } => sum(body, shortcut, *relu, x, probe),
            Operation::Concat(branches) => {
                let parts = branches.iter().map(|branch| run(branch, x.clone(), probe)).collect();
                Tensor::cat(parts, 1)
            }
            Operation::Gate(layers) => x.clone() * run(layers, x, probe),
        };
        probe.see(&self.name, y)
    }
}

fn sum(body: &[Node], shortcut: &[Node], relu: bool, x: Tensor<4>, probe: &mut Probe) -> Tensor<4> {
    if let [body @ .., Node { operation: Operation::BatchNorm(norm), .. }] = body
        && relu
        && !probe.watches()
        && x.device().is_autodiff()
    {
        let y = run(body, x.clone(), probe);
        return norm.forward_add_relu(y, run(shortcut, x, probe));
    }
    let y = run(body, x.clone(), probe) + run(shortcut, x, probe);
    if relu { ognivo_kernels::relu(y) } else { y }
}

fn subsample(x: Tensor<4>, stride: usize, channels: usize) -> Tensor<4> {
    let new = channels - x.dims()[1];
    let x = ognivo_kernels::max_pool2d(x, [1, 1], [stride; 2], [0, 0], false);
    x.pad([(new / 2, new - new / 2), (0, 0), (0, 0)], 0.0_f32)
}
