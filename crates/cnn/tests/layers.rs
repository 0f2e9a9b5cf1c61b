//! The layers against PyTorch and numpy (`reference/layers.py`) and against numbers worked out by hand.

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor, Tolerance, activation::log_softmax};
use common::{Digest, ramp, reference, training_device, values};
use ognivo_cnn::layer::*;
use proptest::prelude::*;
use serde::Deserialize;

/// Single precision against double.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Reference {
    convolution: Vec<ConvolutionCase>,
    pooling: Vec<PoolingCase>,
    adaptive: Vec<AdaptiveCase>,
    response_norm: Vec<ResponseNormCase>,
    batch_norm: BatchNormCase,
    activations: Activations,
    padding: Vec<PaddingCase>,
}

#[derive(Deserialize)]
struct ConvolutionCase {
    shape: [usize; 4],
    channels: [usize; 2],
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    groups: usize,
    bias: bool,
    boundary: Boundary,
    padding: Option<[usize; 2]>,
    y: Digest,
    gradients: Vec<Digest>,
}

#[derive(Deserialize)]
struct AdaptiveCase {
    shape: [usize; 4],
    size: [usize; 2],
    y: Digest,
    gradients: Vec<Digest>,
}

#[derive(Deserialize)]
struct PoolingCase {
    shape: [usize; 4],
    kind: String,
    size: [usize; 2],
    stride: [usize; 2],
    keep: bool,
    padding: [usize; 2],
    y: Digest,
    gradients: Vec<Digest>,
}

#[derive(Deserialize)]
struct ResponseNormCase {
    shape: [usize; 4],
    size: usize,
    alpha: f64,
    beta: f64,
    k: f64,
    y: Digest,
    gradients: Vec<Digest>,
}

#[derive(Deserialize)]
struct BatchNormCase {
    shape: [usize; 4],
    steps: Vec<BatchNormStep>,
    evaluated: Digest,
}

#[derive(Deserialize)]
struct BatchNormStep {
    y: Digest,
    gradients: Vec<Digest>,
    running_mean: Vec<f32>,
    running_var: Vec<f32>,
}

#[derive(Deserialize)]
struct Activations {
    x: Vec<f32>,
    functions: BTreeMap<String, Curve>,
}

#[derive(Deserialize)]
struct Curve {
    y: Vec<f32>,
    slope: Vec<f32>,
}

#[derive(Deserialize)]
struct PaddingCase {
    shape: [usize; 2],
    rows: (usize, usize),
    columns: (usize, usize),
    boundary: Boundary,
    y: Vec<f32>,
}

fn layers() -> Reference {
    reference("layers.json")
}

fn close(what: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{what}: length");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{what}[{i}]: {found}, expected {expected}"
        );
    }
}

/// Gradients of sum(y * ramp(shape, 99)), the scripts' objective.
fn backward(y: Tensor<4>) -> burn::tensor::Gradients {
    let weights = ramp(y.dims(), 99, &y.device());
    (y * weights).sum().backward()
}

fn picture(rows: &[&[f32]]) -> Tensor<4> {
    let flat: Vec<f32> = rows.concat();
    Tensor::<1>::from_floats(flat.as_slice(), &Device::default()).reshape([1, 1, rows.len(), rows[0].len()])
}

#[test]
fn convolution_and_its_gradients_are_pytorchs() {
    let device = training_device();
    for (index, case) in layers().convolution.iter().enumerate() {
        let what = format!("convolution {index}");
        let config = ConvolutionConfig::new(case.channels, case.kernel)
            .with_stride(case.stride)
            .with_dilation(case.dilation)
            .with_groups(case.groups)
            .with_bias(case.bias)
            .with_boundary(case.boundary)
            .with_padding(case.padding);
        let mut layer = config.init(&device).unwrap();
        let weight_shape = layer.weight.val().dims();
        layer.weight = Param::from_tensor(ramp(weight_shape, 2, &device));
        layer.bias = layer.bias.map(|_| Param::from_tensor(ramp([case.channels[1]], 3, &device)));
        let x = ramp(case.shape, 1, &device).require_grad();
        let y = layer.forward(x.clone());
        let [_, _, height, width] = y.dims();
        assert_eq!(config.output_size([case.shape[2], case.shape[3]]).unwrap(), [height, width], "{what}");
        case.y.check(&what, y.clone(), TOLERANCE);
        let gradients = backward(y);
        case.gradients[0].check(&format!("{what}: input"), x.grad(&gradients).unwrap(), TOLERANCE);
        case.gradients[1].check(&format!("{what}: weight"), layer.weight.val().grad(&gradients).unwrap(), TOLERANCE);
        if let Some(bias) = &layer.bias {
            case.gradients[2].check(&format!("{what}: bias"), bias.val().grad(&gradients).unwrap(), TOLERANCE);
        }
    }
}

#[test]
fn boundaries_are_numpys() {
    for case in layers().padding {
        let [height, width] = case.shape;
        let x = ramp([1, 1, height, width], 1, &Device::default());
        let y = case.boundary.pad(x, case.rows, case.columns);
        close(&format!("{:?} of {:?}", case.boundary, case.shape), &values(&y), &case.y, 1e-6);
    }
}

#[test]
fn a_window_of_three_sees_its_neighbours() {
    // w = (1, 10, 100) at offsets -1, 0, 1: y[j] = x[j - 1] + 10 x[j] + 100 x[j + 1].
    let x = picture(&[&[1.0, 2.0, 3.0, 4.0]]);
    let expected: [(Boundary, &[f32]); 4] = [
        (Boundary::Valid, &[321.0, 432.0]),
        (Boundary::Zero, &[210.0, 321.0, 432.0, 43.0]),
        (Boundary::Reflect, &[212.0, 321.0, 432.0, 343.0]),
        (Boundary::Wrap, &[214.0, 321.0, 432.0, 143.0]),
    ];
    for (boundary, expected) in expected {
        let config = ConvolutionConfig::new([1, 1], [1, 3]).with_boundary(boundary).with_bias(false);
        let mut layer = config.init(&Device::default()).unwrap();
        layer.weight = Param::from_tensor(Tensor::from_floats([[[[1.0, 10.0, 100.0]]]], &Device::default()));
        assert_eq!(values(&layer.forward(x.clone())), expected, "{boundary:?}");
    }
}

#[test]
fn convolutions_that_cannot_be_are_errors() {
    let device = Device::default();
    let base = ConvolutionConfig::new([4, 6], [3, 3]);
    for config in [
        base.clone().with_groups(0),
        base.clone().with_groups(4),
        base.clone().with_stride([0, 1]),
        base.clone().with_dilation([1, 0]),
        ConvolutionConfig::new([0, 6], [3, 3]),
        ConvolutionConfig::new([4, 6], [usize::MAX, 3]),
    ] {
        assert!(config.init(&device).is_err(), "{config:?}");
        assert!(config.output_size([8, 8]).is_err(), "{config:?}");
    }
    let error = base.with_boundary(Boundary::Valid).output_size([2, 9]).unwrap_err().to_string();
    assert_eq!(error, "layer convolution: found a picture of 2x9; expected at least 3x3 for its window");
}

#[test]
fn adaptive_averages_are_pytorchs() {
    for case in layers().adaptive {
        let x = ramp(case.shape, 1, &training_device()).require_grad();
        let y = adaptive_average(x.clone(), case.size);
        let what = format!("{:?} to {:?}", case.shape, case.size);
        case.y.check(&what, y.clone(), TOLERANCE);
        case.gradients[0].check(&what, x.grad(&backward(y)).unwrap(), TOLERANCE);
    }
}

#[test]
fn padding_that_has_no_meaning_is_refused() {
    let pooling = PoolingConfig::new([3, 3]).with_padding([1, 1]);
    let error = pooling.init(Aggregation::Average).unwrap_err().to_string();
    assert_eq!(error, "layer pooling: found padding [1, 1] around Average; expected padding for the maximum only");
    assert!(pooling.with_padding([2, 0]).init(Aggregation::Max).is_err());
    let convolution = ConvolutionConfig::new([1, 1], [3, 3]).with_padding(Some([usize::MAX, 0]));
    assert!(convolution.init(&Device::default()).is_err() && convolution.output_size([5, 5]).is_err());
}

fn aggregation(kind: &str) -> Aggregation {
    match kind {
        "max" => Aggregation::Max,
        "average" => Aggregation::Average,
        "l2" => Aggregation::L2,
        // A smooth maximum by the softmax's own trick: logsumexp(x) = x_0 - log softmax(x)_0.
        "log-sum-exp" => Aggregation::Custom(Arc::new(|windows: Tensor<5>| {
            let first: Tensor<5> = windows.clone().narrow(4, 0, 1);
            (first - log_softmax(windows, 4).narrow(4, 0, 1)).squeeze_dim::<4>(4)
        })),
        other => panic!("{other}"),
    }
}

#[test]
fn pooling_and_its_gradient_are_pytorchs() {
    let device = training_device();
    for (index, case) in layers().pooling.iter().enumerate() {
        let what = format!("pooling {index} ({})", case.kind);
        let edge = if case.keep { RaggedEdge::Keep } else { RaggedEdge::Drop };
        let config =
            PoolingConfig::new(case.size).with_stride(Some(case.stride)).with_edge(edge).with_padding(case.padding);
        let x = ramp(case.shape, 1, &device).require_grad();
        let y = config.init(aggregation(&case.kind)).unwrap().forward(x.clone());
        let [_, _, height, width] = y.dims();
        assert_eq!(config.output_size([case.shape[2], case.shape[3]]).unwrap(), [height, width], "{what}");
        case.y.check(&what, y.clone(), TOLERANCE);
        case.gradients[0].check(&what, x.grad(&backward(y)).unwrap(), TOLERANCE);
    }
}

#[test]
fn pooling_by_hand() {
    let x = picture(&[&[1.0, -2.0, 3.0], &[4.0, 0.0, -4.0], &[0.0, 3.0, 1.0]]);
    let pool = |aggregation: Aggregation, edge| {
        let layer = PoolingConfig::new([2, 2]).with_edge(edge).init(aggregation).unwrap();
        values(&layer.forward(x.clone()))
    };
    assert_eq!(pool(Aggregation::Max, RaggedEdge::Drop), [4.0]);
    assert_eq!(pool(Aggregation::Max, RaggedEdge::Keep), [4.0, 3.0, 3.0, 1.0]);
    assert_eq!(pool(Aggregation::Average, RaggedEdge::Keep), [0.75, -0.5, 1.5, 1.0]);
    close("l2", &pool(Aggregation::L2, RaggedEdge::Keep), &[21.0_f32.sqrt(), 5.0, 3.0, 1.0], 1e-6);
    let range = |windows: Tensor<5>| (windows.clone().max_dim(4) - windows.min_dim(4)).squeeze_dim::<4>(4);
    assert_eq!(pool(Aggregation::Custom(Arc::new(range)), RaggedEdge::Keep), [6.0, 7.0, 3.0, 0.0]);
}

#[test]
fn a_picture_smaller_than_the_window_is_one_cut_window_or_an_error() {
    let x = picture(&[&[1.0, 5.0, 3.0]]);
    let config = PoolingConfig::new([2, 2]);
    assert_eq!(
        config.output_size([1, 3]).unwrap_err().to_string(),
        "layer pooling: found a picture of 1x3; expected at least 2x2 for its window"
    );
    let config = config.with_edge(RaggedEdge::Keep);
    assert_eq!(config.output_size([1, 3]).unwrap(), [1, 2]);
    for (aggregation, expected) in
        [(Aggregation::Max, [5.0, 3.0]), (Aggregation::Average, [3.0, 3.0]), (Aggregation::L2, [26.0_f32.sqrt(), 3.0])]
    {
        close("cut", &values(&config.init(aggregation).unwrap().forward(x.clone())), &expected, 1e-6);
    }
    assert!(PoolingConfig::new([2, 0]).init(Aggregation::Max).is_err());
    assert!(PoolingConfig::new([2, 2]).with_stride(Some([0, 1])).init(Aggregation::Max).is_err());
}

#[test]
fn l2_pooling_of_zeros_has_no_gradient_rather_than_nan() {
    let x = Tensor::<4>::zeros([1, 1, 2, 2], &training_device()).require_grad();
    let y = PoolingConfig::new([2, 2]).init(Aggregation::L2).unwrap().forward(x.clone());
    assert_eq!(values(&y), [0.0]);
    let gradients = y.sum().backward();
    assert_eq!(values(&x.grad(&gradients).unwrap()), [0.0; 4]);
}

#[test]
fn local_response_norm_and_its_gradient_are_pytorchs() {
    let device = training_device();
    for (index, case) in layers().response_norm.iter().enumerate() {
        let pytorch =
            LocalResponseNormConfig::pytorch(case.size).with_alpha(case.alpha).with_beta(case.beta).with_k(case.k);
        // The paper's scaling is PyTorch's with alpha multiplied by the window's length.
        let paper = pytorch.clone().with_scaling(ResponseScaling::Sum).with_alpha(case.alpha / case.size as f64);
        for config in [pytorch, paper] {
            let what = format!("response norm {index}, {:?}", config.scaling);
            let x = ramp(case.shape, 1, &device).require_grad();
            let y = config.init().unwrap().forward(x.clone() * 3.0);
            case.y.check(&what, y.clone(), TOLERANCE);
            case.gradients[0].check(&what, x.grad(&backward(y)).unwrap(), TOLERANCE);
        }
    }
}

#[test]
fn local_response_norm_by_hand() {
    // Channels 1, 2, 3 and n = 3, k = 1, alpha = 1, beta = 1: sums of squares 5, 14, 13.
    let x = Tensor::<1>::from_floats([1.0, 2.0, 3.0], &Device::default()).reshape([1, 3, 1, 1]);
    let config = LocalResponseNormConfig::new().with_size(3).with_k(1.0).with_alpha(1.0).with_beta(1.0);
    let y = config.init().unwrap().forward(x);
    close("y", &values(&y), &[1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0], 1e-6);
    for broken in [config.clone().with_size(0), config.clone().with_k(0.0), config.with_alpha(f64::NAN)] {
        assert!(broken.init().is_err(), "{broken:?}");
    }
}

#[test]
fn batch_norm_trains_and_evaluates_as_pytorchs() {
    let device = training_device();
    let case = layers().batch_norm;
    let mut layer = BatchNormConfig::new(3).init(&device).unwrap();
    layer.weight = Param::from_tensor(ramp([3], 2, &device) * 0.5 + 1.0);
    layer.bias = Param::from_tensor(ramp([3], 3, &device));
    layer.weight = layer.weight.map(|w| w.detach().require_grad());
    layer.bias = layer.bias.map(|b| b.detach().require_grad());
    for (index, step) in case.steps.iter().enumerate() {
        let what = format!("step {index}");
        let x = ramp(case.shape, 10 + index, &device).require_grad();
        let y = layer.forward(x.clone() * 2.0 + 0.5);
        step.y.check(&what, y.clone(), TOLERANCE);
        let gradients = backward(y);
        let found = [&layer.weight, &layer.bias].map(|param| param.val().grad(&gradients).unwrap());
        step.gradients[0].check(&format!("{what}: input"), x.grad(&gradients).unwrap(), TOLERANCE);
        for (name, (expected, found)) in ["weight", "bias"].into_iter().zip(step.gradients[1..].iter().zip(found)) {
            expected.check(&format!("{what}: {name}"), found, TOLERANCE);
        }
        close("running mean", &values(&layer.running_mean.value()), &step.running_mean, 1e-5);
        close("running variance", &values(&layer.running_var.value()), &step.running_var, 1e-5);
    }
    let x = ramp(case.shape, 12, &Device::default()) * 2.0 + 0.5;
    case.evaluated.check("evaluated", layer.valid().forward(x), TOLERANCE);
}

#[test]
fn batch_norm_keeps_its_statistics_in_its_record_and_leaves_them_alone_in_evaluation() {
    let device = training_device();
    let config = BatchNormConfig::new(2);
    let layer = config.init(&device).unwrap();
    let x = ramp([4, 2, 3, 3], 1, &device) * 3.0 + 1.0;
    layer.forward(x.clone());
    let copy = config.init(&device).unwrap().load_record(layer.clone().into_record());
    let (mean, variance) = (values(&layer.running_mean.value()), values(&layer.running_var.value()));
    assert_ne!(mean, [0.0, 0.0], "the newest batch counts");
    assert_eq!((values(&copy.running_mean.value()), values(&copy.running_var.value())), (mean.clone(), variance));

    layer.valid().forward(x.clone().inner());
    layer.clone().freeze().forward(x.clone());
    layer.forward(x.inner());
    assert_eq!(values(&layer.running_mean.value()), mean);
}

#[test]
fn batch_norm_of_a_single_value_stays_finite() {
    let device = training_device();
    let layer = BatchNormConfig::new(2).init(&device).unwrap();
    let y = layer.forward(Tensor::ones([1, 2, 1, 1], &device) * 7.0);
    assert_eq!(values(&y), [0.0, 0.0]);
    assert_eq!(values(&layer.running_var.value()), [1.0, 1.0]);
    close("mean", &values(&layer.running_mean.value()), &[0.7, 0.7], 1e-6);
    for broken in
        [BatchNormConfig::new(0), BatchNormConfig::new(1).with_momentum(1.5), BatchNormConfig::new(1).with_epsilon(0.0)]
    {
        assert!(broken.init(&device).is_err(), "{broken:?}");
    }
}

#[test]
fn activations_and_their_slopes_are_pytorchs() {
    let device = training_device();
    let reference = layers().activations;
    for activation in Activation::ALL {
        let name = serde_json::to_value(activation).unwrap();
        assert_eq!(name, activation.name());
        let curve = &reference.functions[activation.name()];
        let x = Tensor::<1>::from_floats(reference.x.as_slice(), &device).require_grad();
        let y = activation.forward(x.clone());
        close(activation.name(), &values(&y), &curve.y, 1e-5);
        let gradients = y.sum().backward();
        close(&format!("{} slope", activation.name()), &values(&x.grad(&gradients).unwrap()), &curve.slope, 1e-5);

        let maps = Tensor::<1>::from_floats(reference.x.as_slice(), &device).reshape([1, 1, 5, 5]);
        close(activation.name(), &values(&activation.forward_maps(maps)), &curve.y, 1e-5);

        // Saturating means: flat far out on both sides.
        let far = Tensor::<1>::from_floats([-300.0, -200.0, 200.0, 300.0], &Device::default());
        let far = values(&activation.forward(far));
        let flat = (far[0] - far[1]).abs() < 1e-3 && (far[2] - far[3]).abs() < 1e-3;
        assert_eq!(activation.saturates(), flat, "{}", activation.name());
    }
}

#[test]
fn linear_is_x_w_plus_b() {
    let device = training_device();
    let mut layer = LinearConfig::new(3, 2).init(&device).unwrap();
    layer.weight = Param::from_data([[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]], &device);
    layer.bias = Some(Param::from_data([0.5, -0.5], &device));
    let x = Tensor::<2>::from_floats([[1.0, 2.0, 4.0]], &device).require_grad();
    let y = layer.forward(x.clone());
    y.to_data().assert_approx_eq::<f32>(&[[17.5, 169.5]].into(), Tolerance::default());
    let gradients = y.sum().backward();
    assert_eq!(values(&x.grad(&gradients).unwrap()), [11.0, 22.0, 33.0]);
    assert_eq!(values(&layer.weight.val().grad(&gradients).unwrap()), [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]);
    assert!(LinearConfig::new(0, 2).init(&device).is_err());
}

#[test]
fn dropout_keeps_the_mean_in_training_and_everything_in_evaluation() {
    let device = training_device();
    let dropout = Dropout::new(0.25).unwrap();
    let x = Tensor::<4>::ones([4, 10, 25, 25], &device);
    let y = values(&dropout.forward(x.clone()));
    let kept = 1.0 / 0.75;
    assert!(y.iter().all(|&v| v == 0.0 || (v - kept).abs() < 1e-6));
    let dropped = y.iter().filter(|&&v| v == 0.0).count() as f64 / y.len() as f64;
    // 25 000 draws: five standard deviations are 0.014.
    assert!((dropped - 0.25).abs() < 0.014, "{dropped}");
    assert_eq!(values(&dropout.valid().forward(x.clone().inner())), values(&x));
    for p in [-0.1, 1.0, f64::NAN] {
        assert!(Dropout::new(p).is_err(), "{p}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    /// The kernels and the general way through windows agree on every size, step and edge, and on the number of windows.
    #[test]
    fn a_users_maximum_and_mean_are_the_layers_own(
        size in [1_usize..5, 1..5], stride in [1_usize..5, 1..5], picture in [1_usize..10, 1..10], keep: bool,
    ) {
        let edge = if keep { RaggedEdge::Keep } else { RaggedEdge::Drop };
        let config = PoolingConfig::new(size).with_stride(Some(stride)).with_edge(edge);
        if let Ok([height, width]) = config.output_size(picture) {
            let x = ramp([2, 2, picture[0], picture[1]], 1, &Device::default());
            let pool = |aggregation| config.init(aggregation).unwrap().forward(x.clone());
            let maximum = pool(Aggregation::Custom(Arc::new(|w: Tensor<5>| w.max_dim(4).squeeze_dim::<4>(4))));
            let mean = pool(Aggregation::Custom(Arc::new(|w: Tensor<5>| w.mean_dim(4).squeeze_dim::<4>(4))));
            prop_assert_eq!(maximum.dims(), [2, 2, height, width]);
            prop_assert_eq!(values(&maximum), values(&pool(Aggregation::Max)));
            mean.to_data().assert_approx_eq::<f32>(&pool(Aggregation::Average).to_data(), Tolerance::rel_abs(1e-5, 1e-6));
        } else {
            prop_assert!(!keep && (picture[0] < size[0] || picture[1] < size[1]));
        }
    }

    /// On a torus there is no edge: turning the picture turns the output.
    #[test]
    fn wrapped_convolution_turns_with_the_picture(
        kernel in [1_usize..6, 1..6], dilation in [1_usize..3, 1..3], [height, width] in [1_usize..8, 1..8], turn in 0_usize..8,
    ) {
        let config = ConvolutionConfig::new([2, 3], kernel).with_dilation(dilation).with_boundary(Boundary::Wrap);
        let mut layer = config.init(&Device::default()).unwrap();
        layer.weight = Param::from_tensor(ramp([3, 2, kernel[0], kernel[1]], 2, &Device::default()));
        let x = ramp([1, 2, height, width], 1, &Device::default());
        let turned = |x: Tensor<4>| x.roll(&[turn as i64, 2 * turn as i64], &[2_usize, 3]);
        let expected = turned(layer.forward(x.clone()));
        prop_assert_eq!(expected.dims(), [1, 3, height, width]);
        let found = layer.forward(turned(x)).to_data();
        found.assert_approx_eq::<f32>(&expected.to_data(), Tolerance::rel_abs(1e-4, 1e-5));
    }
}
