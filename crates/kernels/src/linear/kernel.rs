//! The operation as the CPU backend runs and differentiates it.

use burn::{
    backend::{
        Autodiff, Backend, Dispatch, Flex, TensorMetadata,
        autodiff::{
            checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
            grads::Gradients,
            ops::{Backward, Ops, OpsKind},
        },
        backend_extension,
        flex::FlexTensor,
        tensor::FloatTensor,
    },
    tensor::Tensor,
};

use crate::{
    few_rows,
    flex::{Values, register, tensor},
    product::Packed,
    simd::Level,
    sums,
};

pub(super) fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let biased = bias.is_some();
    let bias = bias.unwrap_or_else(|| Tensor::zeros([1], &x.device()));
    Tensor::from_dispatch(Dispatch::kernel_linear(
        x.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
        biased,
    ))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait LinearKernel: Backend {
    /// The values of `bias` are not looked at unless `biased`.
    fn kernel_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        biased: bool,
    ) -> FloatTensor<Self>;
}

/// A matrix `[inputs, outputs]`, or the transpose of one `[outputs, inputs]`, in row-major order.
#[derive(Clone, Debug)]
struct Weight {
    values: FlexTensor,
    transposed: bool,
}

impl Weight {
    fn new(weight: FlexTensor) -> Self {
        let turned = weight.transpose(0, 1);
        let transposed = !weight.is_contiguous() && turned.is_contiguous();
        Self { values: Values::new(if transposed { turned } else { weight }).into_tensor(), transposed }
    }

    /// Ready to be multiplied by rows of inputs.
    fn forward(&self) -> Packed {
        self.packed(self.transposed)
    }

    /// Ready to be multiplied by rows of gradients to outputs.
    fn backward(&self) -> Packed {
        self.packed(!self.transposed)
    }

    fn packed(&self, turn: bool) -> Packed {
        let [rows, columns] = self.values.shape().dims();
        let values = Values::new(self.values.clone());
        match turn {
            true => Packed::transposed(Level::detect(), values.as_slice(), rows, columns),
            false => Packed::new(Level::detect(), values.as_slice(), rows, columns),
        }
    }
}

fn forward(x: &FlexTensor, weight: &Weight, bias: Option<FlexTensor>) -> FlexTensor {
    let [rows, _] = x.shape().dims();
    if weight.transposed || rows > few_rows::MOST_ROWS {
        return product(x, &weight.forward(), bias);
    }
    let [_, outputs] = weight.values.shape().dims();
    let (x, values, bias) = (Values::new(x.clone()), Values::new(weight.values.clone()), bias.map(Values::new));
    let first = bias.as_ref().map(Values::as_slice);
    tensor(few_rows::multiply(rows, x.as_slice(), values.as_slice(), outputs, first), [rows, outputs])
}

/// `x` times `packed`, plus the row `first`.
fn product(x: &FlexTensor, packed: &Packed, first: Option<FlexTensor>) -> FlexTensor {
    let [rows, depth] = x.shape().dims();
    let (x, first) = (Values::new(x.clone()), first.map(Values::new));
    let values = packed.multiply(rows, x.as_slice(), depth, first.as_ref().map(Values::as_slice));
    tensor(values, [rows, packed.columns()])
}

impl LinearKernel for Flex {
    fn kernel_linear(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, biased: bool) -> FlexTensor {
        forward(&x, &Weight::new(weight), biased.then_some(bias))
    }
}

impl<C: CheckpointStrategy> LinearKernel for Autodiff<Flex, C> {
    fn kernel_linear(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        biased: bool,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let (x, weight) = (Values::new(x.into_primitive()).into_tensor(), Weight::new(weight.into_primitive()));
        let y = forward(&x, &weight, biased.then(|| bias.into_primitive()));
        match Linear.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }
}

#[derive(Debug)]
struct Linear;

impl Backward<Flex, 3> for Linear {
    type State = (FlexTensor, Weight);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let (x, weight) = ops.state;
        let dy = Values::new(gradients.consume::<Flex>(&ops.node)).into_tensor();
        let [_, outputs] = dy.shape().dims::<2>();
        let to_x = parents[0].map(|_| product(&dy, &weight.backward(), None));
        let to_weight = parents[1].map(|_| match weight.transposed {
            true => transposed_product(&dy, &x).transpose(0, 1),
            false => transposed_product(&x, &dy),
        });
        let to_bias =
            parents[2].map(|_| tensor(sums::of_columns(Values::new(dy.clone()).as_slice(), outputs), [outputs]));
        register(gradients, parents, [to_x, to_weight, to_bias]);
    }
}

/// `aᵀ b` of matrices with the same number of rows.
fn transposed_product(a: &FlexTensor, b: &FlexTensor) -> FlexTensor {
    let ([depth, rows], [_, columns]) = (a.shape().dims(), b.shape().dims());
    let (a, b) = (Values::new(a.clone()), Values::new(b.clone()));
    let packed = Packed::new(Level::detect(), b.as_slice(), depth, columns);
    tensor(packed.transpose_multiply(rows, a.as_slice(), rows, 0), [rows, columns])
}
