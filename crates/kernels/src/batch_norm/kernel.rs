//! The operations as the CPU backend runs and differentiates them.

use burn::{
    backend::{
        Autodiff, AutodiffBackend, Backend, Dispatch, Flex,
        autodiff::{
            NodeId,
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

use super::{
    BatchStatistics,
    planes::{Epilogue, Geometry, Mask, Normalised, affine, backward, normalise},
};
use crate::flex::{Values, register, tensor};

pub(super) fn batch_norm(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
    slope: f32,
) -> (Tensor<4>, BatchStatistics) {
    let (x, gamma, beta) = (x.into_dispatch(), gamma.into_dispatch(), beta.into_dispatch());
    results(Dispatch::kernel_batch_norm(x, gamma, beta, epsilon, slope))
}

pub(super) fn batch_norm_add_relu(
    x: Tensor<4>,
    residual: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> (Tensor<4>, BatchStatistics) {
    let (x, residual) = (x.into_dispatch(), residual.into_dispatch());
    let (gamma, beta) = (gamma.into_dispatch(), beta.into_dispatch());
    results(Dispatch::kernel_batch_norm_add_relu(x, residual, gamma, beta, epsilon))
}

type OfDispatch = FloatTensor<Dispatch>;

fn results((y, mean, variance): (OfDispatch, OfDispatch, OfDispatch)) -> (Tensor<4>, BatchStatistics) {
    let flat = |t| Tensor::from_dispatch(t).inner();
    (Tensor::from_dispatch(y), BatchStatistics { mean: flat(mean), variance: flat(variance) })
}

pub(super) fn channel_affine(x: Tensor<4>, scale: Tensor<1>, shift: Tensor<1>) -> Tensor<4> {
    Tensor::from_dispatch(Dispatch::kernel_channel_affine(
        x.into_dispatch(),
        scale.into_dispatch(),
        shift.into_dispatch(),
    ))
}

#[backend_extension(Flex, Autodiff)]
pub(crate) trait BatchNormKernel: Backend {
    /// The normalised `x`, with `slope` where it is not positive; the mean; the biased variance.
    fn kernel_batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        slope: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// The normalised `x` plus `residual`, rectified; the mean; the biased variance.
    fn kernel_batch_norm_add_relu(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// `scale x + shift`, with one scale and one shift a channel.
    fn kernel_channel_affine(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self>;
}

type Three = (FlexTensor, FlexTensor, FlexTensor);

fn of_channels(values: &[f32]) -> FlexTensor {
    tensor(values.to_vec(), [values.len()])
}

fn forward(
    x: FlexTensor,
    gamma: FlexTensor,
    beta: FlexTensor,
    epsilon: f64,
    epilogue: Epilogue,
) -> (Three, Normalised) {
    let shape = x.layout().shape().clone();
    let (x, gamma, beta) = (Values::new(x), Values::new(gamma), Values::new(beta));
    let geometry = Geometry::of(&shape);
    let (y, normalised) = normalise(&geometry, x.as_slice(), gamma.as_slice(), beta.as_slice(), epsilon, epilogue);
    let outputs = (tensor(y, shape), of_channels(&normalised.mean), of_channels(&normalised.variance));
    (outputs, normalised)
}

impl BatchNormKernel for Flex {
    fn kernel_batch_norm(
        x: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
        slope: f32,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        forward(x, gamma, beta, epsilon, Epilogue::Slope(slope)).0
    }

    fn kernel_batch_norm_add_relu(
        x: FlexTensor,
        residual: FlexTensor,
        gamma: FlexTensor,
        beta: FlexTensor,
        epsilon: f64,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let residual = Values::new(residual);
        forward(x, gamma, beta, epsilon, Epilogue::AddRelu(residual.as_slice())).0
    }

    fn kernel_channel_affine(x: FlexTensor, scale: FlexTensor, shift: FlexTensor) -> FlexTensor {
        let (scale, shift) = (Values::new(scale), Values::new(shift));
        affine(&Geometry::of(x.layout().shape()), x, scale.as_slice(), shift.as_slice())
    }
}

impl<C: CheckpointStrategy> BatchNormKernel for Autodiff<Flex, C> {
    fn kernel_batch_norm(
        x: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
        slope: f32,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), gamma.node(), beta.node()];
        let (y, mean, variance) = match BatchNorm.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let input = prep.checkpoint(&x);
                let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
                let ((y, mean, variance), normalised) = forward(x, gamma, beta, epsilon, Epilogue::Slope(slope));
                (prep.finish((input, normalised, slope), y), mean, variance)
            }
            OpsKind::UnTracked(prep) => {
                let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
                let (y, mean, variance) = Flex::kernel_batch_norm(x, gamma, beta, epsilon, slope);
                (prep.finish(y), mean, variance)
            }
        };
        (y, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn kernel_batch_norm_add_relu(
        x: FloatTensor<Self>,
        residual: FloatTensor<Self>,
        gamma: FloatTensor<Self>,
        beta: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let nodes = [x.node(), residual.node(), gamma.node(), beta.node()];
        let (y, mean, variance) = match BatchNormAddRelu.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let input = prep.checkpoint(&x);
                let residual = Values::new(residual.into_primitive());
                let (x, gamma, beta) = (x.into_primitive(), gamma.into_primitive(), beta.into_primitive());
                let ((y, mean, variance), normalised) =
                    forward(x, gamma, beta, epsilon, Epilogue::AddRelu(residual.as_slice()));
                (prep.finish((input, normalised, y.clone()), y), mean, variance)
            }
            OpsKind::UnTracked(prep) => {
                let (x, residual) = (x.into_primitive(), residual.into_primitive());
                let (gamma, beta) = (gamma.into_primitive(), beta.into_primitive());
                let (y, mean, variance) = Flex::kernel_batch_norm_add_relu(x, residual, gamma, beta, epsilon);
                (prep.finish(y), mean, variance)
            }
        };
        (y, Self::from_inner(mean), Self::from_inner(variance))
    }

    fn kernel_channel_affine(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), scale.node(), shift.node()];
        match ChannelAffine.prepare::<C>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let input = prep.checkpoint(&x);
                let scale = scale.into_primitive();
                let y = Flex::kernel_channel_affine(x.into_primitive(), scale.clone(), shift.into_primitive());
                prep.finish((input, scale), y)
            }
            OpsKind::UnTracked(prep) => prep.finish(Flex::kernel_channel_affine(
                x.into_primitive(),
                scale.into_primitive(),
                shift.into_primitive(),
            )),
        }
    }
}

#[derive(Debug)]
struct BatchNorm;

impl Backward<Flex, 3> for BatchNorm {
    type State = (NodeId, Normalised, f32);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let gradient = gradients.consume::<Flex>(&ops.node);
        let (input, normalised, slope) = ops.state;
        let input = checkpointer.retrieve_node_output(input);
        let mask = if slope == 1.0 { Mask::None } else { Mask::Recompute(&normalised, slope) };
        let [x, _, gamma, beta] = of_parents(input, gradient, &normalised, mask, false);
        register(gradients, parents, [x, gamma, beta]);
    }
}

#[derive(Debug)]
struct BatchNormAddRelu;

impl Backward<Flex, 4> for BatchNormAddRelu {
    type State = (NodeId, Normalised, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 4>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let gradient = gradients.consume::<Flex>(&ops.node);
        let (input, normalised, output) = ops.state;
        let input = checkpointer.retrieve_node_output(input);
        let output = Values::new(output);
        let mask = Mask::Output(output.as_slice());
        let found = of_parents(input, gradient, &normalised, mask, parents[1].is_some());
        register(gradients, parents, found);
    }
}

/// The gradients to `x`, to the residual if there is one, to gamma and to beta.
fn of_parents(
    input: FlexTensor,
    gradient: FlexTensor,
    normalised: &Normalised,
    mask: Mask,
    residual: bool,
) -> [Option<FlexTensor>; 4] {
    let geometry = Geometry::of(input.layout().shape());
    let input = Values::new(input);
    let coefficients = |channel, sums| normalised.coefficients(&geometry, channel, sums);
    let result = backward(&geometry, gradient, input.as_slice(), mask, &normalised.mean, coefficients, residual);
    let gamma = of_channels(&normalised.scale_gradient(&result.centred()));
    let beta = of_channels(&result.plain());
    [Some(result.input), result.masked, Some(gamma), Some(beta)]
}

#[derive(Debug)]
struct ChannelAffine;

impl Backward<Flex, 3> for ChannelAffine {
    type State = (NodeId, FlexTensor);

    fn backward(self, ops: Ops<Self::State, 3>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let parents = ops.parents.map(|parent| parent.map(|parent| parent.id));
        let gradient = gradients.consume::<Flex>(&ops.node);
        let input = checkpointer.retrieve_node_output::<FlexTensor>(ops.state.0);
        let geometry = Geometry::of(input.layout().shape());
        let (input, factor) = (Values::new(input), Values::new(ops.state.1));
        let centre = vec![0.0; geometry.channels];
        let coefficients = |channel: usize, _| [factor.as_slice()[channel], 0.0, 0.0];
        let result = backward(&geometry, gradient, input.as_slice(), Mask::None, &centre, coefficients, false);
        let scale: Vec<f32> = result.centred().iter().map(|sum| *sum as f32).collect();
        let shift = result.plain();
        register(gradients, parents, [result.input, of_channels(&scale), of_channels(&shift)].map(Some));
    }
}
