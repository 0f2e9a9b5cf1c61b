//! The two nets, on the kernels or on Burn's operations.

use burn::{
    optim::Adam,
    tensor::{Device, Gradients, Tensor, ops::ConvOptions, s},
};
use ognivo_kernels as kernels;

use crate::{Operations, Parameter, probe::probe};

pub(crate) trait Net {
    /// The shape of a batch.
    fn batch(&self) -> [usize; 4];
    fn forward(&mut self, x: Tensor<4>) -> Tensor<2>;
    fn update(&mut self, adam: &Adam, gradients: &Gradients);
}

struct Conv {
    weight: Parameter<4>,
    bias: Option<Parameter<1>>,
    stride: usize,
    padding: usize,
    operations: Operations,
}

impl Conv {
    fn new(
        operations: Operations,
        inputs: usize,
        outputs: usize,
        stride: usize,
        padding: usize,
        bias: bool,
        device: &Device,
    ) -> Self {
        let scale = 1.0 / (9.0 * inputs as f64).sqrt();
        Self {
            weight: Parameter::new([outputs, inputs, 3, 3], scale, device),
            bias: bias.then(|| Parameter::new([outputs], scale, device)),
            stride,
            padding,
            operations,
        }
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let options = ConvOptions::new([self.stride; 2], [self.padding; 2], [1, 1], 1);
        let (weight, bias) = (self.weight.value.clone(), self.bias.as_ref().map(|bias| bias.value.clone()));
        let y = match self.operations {
            Operations::Kernels => kernels::conv2d(x, weight, bias, options),
            Operations::Burn => burn::tensor::module::conv2d(x, weight, bias, options),
        };
        probe(y, "convolution")
    }

    fn update(&mut self, adam: &Adam, gradients: &Gradients) {
        self.weight.step(adam, gradients);
        if let Some(bias) = &mut self.bias {
            bias.step(adam, gradients);
        }
    }
}

struct Linear {
    weight: Parameter<2>,
    bias: Parameter<1>,
    operations: Operations,
}

impl Linear {
    fn new(operations: Operations, inputs: usize, outputs: usize, device: &Device) -> Self {
        let scale = 1.0 / (inputs as f64).sqrt();
        let (weight, bias) =
            (Parameter::new([inputs, outputs], scale, device), Parameter::new([outputs], scale, device));
        Self { weight, bias, operations }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let (weight, bias) = (self.weight.value.clone(), Some(self.bias.value.clone()));
        let y = match self.operations {
            Operations::Kernels => kernels::linear(x, weight, bias),
            Operations::Burn => burn::tensor::module::linear(x, weight, bias),
        };
        probe(y, "linear")
    }

    fn update(&mut self, adam: &Adam, gradients: &Gradients) {
        self.weight.step(adam, gradients);
        self.bias.step(adam, gradients);
    }
}

/// The net of PyTorch's MNIST example.
pub(crate) struct Mnist {
    operations: Operations,
    convs: [Conv; 2],
    linears: [Linear; 2],
    seed: u64,
}

impl Mnist {
    pub(crate) fn new(operations: Operations, device: &Device) -> Self {
        let conv = |inputs, outputs| Conv::new(operations, inputs, outputs, 1, 0, true, device);
        let linear = |inputs, outputs| Linear::new(operations, inputs, outputs, device);
        Self { operations, convs: [conv(1, 32), conv(32, 64)], linears: [linear(9216, 128), linear(128, 10)], seed: 0 }
    }

    fn relu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let y = match self.operations {
            Operations::Kernels => kernels::relu(x),
            Operations::Burn => burn::tensor::activation::relu(x),
        };
        probe(y, "relu")
    }

    fn dropout<const D: usize>(&mut self, x: Tensor<D>, p: f64) -> Tensor<D> {
        self.seed += 1;
        let y = match self.operations {
            Operations::Kernels => kernels::dropout(x, p, self.seed),
            Operations::Burn => {
                let kept = burn::tensor::Distribution::Bernoulli(1.0 - p);
                let mask = Tensor::random(x.shape(), kept, &x.device());
                x * mask * (1.0 / (1.0 - p))
            }
        };
        probe(y, "dropout")
    }
}

impl Net for Mnist {
    fn batch(&self) -> [usize; 4] {
        [64, 1, 28, 28]
    }

    fn forward(&mut self, x: Tensor<4>) -> Tensor<2> {
        let x = self.convs[0].forward(x);
        let x = self.relu(x);
        let x = self.convs[1].forward(x);
        let (kernel, none) = ([2, 2], [0, 0]);
        let x = match self.operations {
            Operations::Kernels => probe(kernels::relu_max_pool2d(x, kernel, kernel, none, false), "relu, pooling"),
            Operations::Burn => {
                let x = self.relu(x);
                probe(kernels::max_pool2d_reference(x, kernel, kernel, none, false), "pooling")
            }
        };
        let x = self.dropout(x, 0.25);
        let x = self.linears[0].forward(x.flatten(1, 3));
        let x = self.relu(x);
        let x = self.dropout(x, 0.5);
        self.linears[1].forward(x)
    }

    fn update(&mut self, adam: &Adam, gradients: &Gradients) {
        self.convs.iter_mut().for_each(|conv| conv.update(adam, gradients));
        self.linears.iter_mut().for_each(|linear| linear.update(adam, gradients));
    }
}

struct Norm {
    gamma: Parameter<1>,
    beta: Parameter<1>,
    operations: Operations,
}

impl Norm {
    fn new(operations: Operations, channels: usize, device: &Device) -> Self {
        let (gamma, beta) = (Parameter::full([channels], 1.0, device), Parameter::full([channels], 0.0, device));
        Self { gamma, beta, operations }
    }

    fn relu(&self, x: Tensor<4>) -> Tensor<4> {
        let (gamma, beta) = (self.gamma.value.clone(), self.beta.value.clone());
        let (y, _) = match self.operations {
            Operations::Kernels => kernels::batch_norm2d_relu(x, gamma, beta, 1e-5),
            Operations::Burn => kernels::batch_norm2d_relu_reference(x, gamma, beta, 1e-5),
        };
        probe(y, "norm, relu")
    }

    fn add_relu(&self, x: Tensor<4>, residual: Tensor<4>) -> Tensor<4> {
        let (gamma, beta) = (self.gamma.value.clone(), self.beta.value.clone());
        let (y, _) = match self.operations {
            Operations::Kernels => kernels::batch_norm2d_add_relu(x, residual, gamma, beta, 1e-5),
            Operations::Burn => kernels::batch_norm2d_add_relu_reference(x, residual, gamma, beta, 1e-5),
        };
        probe(y, "norm, add, relu")
    }

    fn update(&mut self, adam: &Adam, gradients: &Gradients) {
        self.gamma.step(adam, gradients);
        self.beta.step(adam, gradients);
    }
}

struct Block {
    convs: [Conv; 2],
    norms: [Norm; 2],
    stride: usize,
    padding: usize,
}

impl Block {
    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let y = self.norms[0].relu(self.convs[0].forward(x.clone()));
        let y = self.convs[1].forward(y);
        let residual = if self.stride > 1 {
            let x = x.slice(s![.., .., ..;2, ..;2]);
            let [batch, _, height, width] = x.dims();
            let zeros = Tensor::zeros([batch, self.padding, height, width], &x.device());
            probe(Tensor::cat(vec![zeros.clone(), x, zeros], 1), "shortcut")
        } else {
            x
        };
        self.norms[1].add_relu(y, residual)
    }
}

/// The residual network of 20 layers for CIFAR, with shortcuts of subsampled inputs and zero channels.
pub(crate) struct ResNet20 {
    operations: Operations,
    conv: Conv,
    norm: Norm,
    blocks: Vec<Block>,
    linear: Linear,
}

impl ResNet20 {
    pub(crate) fn new(operations: Operations, device: &Device) -> Self {
        let conv = |inputs, outputs, stride| Conv::new(operations, inputs, outputs, stride, 1, false, device);
        let sizes = [(16, 16), (16, 16), (16, 16), (16, 32), (32, 32), (32, 32), (32, 64), (64, 64), (64, 64)];
        let block = |(inputs, outputs): (usize, usize)| {
            let stride = outputs / inputs;
            Block {
                convs: [conv(inputs, outputs, stride), conv(outputs, outputs, 1)],
                norms: [Norm::new(operations, outputs, device), Norm::new(operations, outputs, device)],
                stride,
                padding: (outputs - inputs) / 2,
            }
        };
        Self {
            operations,
            conv: conv(3, 16, 1),
            norm: Norm::new(operations, 16, device),
            blocks: sizes.into_iter().map(block).collect(),
            linear: Linear::new(operations, 64, 10, device),
        }
    }
}

impl Net for ResNet20 {
    fn batch(&self) -> [usize; 4] {
        [128, 3, 32, 32]
    }

    fn forward(&mut self, x: Tensor<4>) -> Tensor<2> {
        let mut x = self.norm.relu(self.conv.forward(x));
        for block in &self.blocks {
            x = block.forward(x);
        }
        let (kernel, none) = ([8, 8], [0, 0]);
        let x = match self.operations {
            Operations::Kernels => kernels::avg_pool2d(x, kernel, kernel, none, true, false),
            Operations::Burn => kernels::avg_pool2d_reference(x, kernel, kernel, none, true, false),
        };
        self.linear.forward(probe(x, "pooling").flatten(1, 3))
    }

    fn update(&mut self, adam: &Adam, gradients: &Gradients) {
        self.conv.update(adam, gradients);
        self.norm.update(adam, gradients);
        for block in &mut self.blocks {
            block.convs.iter_mut().for_each(|conv| conv.update(adam, gradients));
            block.norms.iter_mut().for_each(|norm| norm.update(adam, gradients));
        }
        self.linear.update(adam, gradients);
    }
}
