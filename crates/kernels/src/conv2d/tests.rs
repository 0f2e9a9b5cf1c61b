use burn::tensor::{Device, TensorData};
use proptest::prelude::*;

use super::{
    correlate::{Finish, forward, input_gradient},
    weight_gradient::weight_gradient,
    *,
};
use crate::simd::Level;

/// Values that look random and are the same everywhere.
fn values(n: usize, salt: usize) -> Vec<f32> {
    (0..n).map(|i| ((i * 7919 + salt * 104_729) % 1009) as f32 / 504.5 - 1.0).collect()
}

/// Sums of `terms` products of numbers up to one, which differ by rounding.
fn assert_close(what: &str, level: Level, found: &[f32], expected: &[f32], terms: usize) {
    assert_eq!(found.len(), expected.len(), "{what} {level:?}");
    let scale = expected.iter().fold((terms as f32).sqrt(), |largest, x| largest.max(x.abs()));
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() <= 2e-5 * scale, "{what} {level:?} at {i}: {a} instead of {b}");
    }
}

/// Every instruction set against Burn's convolution: value and all three gradients.
fn compare(x_shape: [usize; 4], w_shape: [usize; 4], options: &ConvOptions<2>) {
    let g = Geometry::new(x_shape, w_shape, options).unwrap();
    let [x, w] = [x_shape, w_shape].map(|s| values(s.iter().product(), s[1] + s[3]));
    let b = values(g.channels_out, 3);
    let device = Device::flex().autodiff();
    let tensor =
        |v: &[f32], s: [usize; 4]| Tensor::<4>::from_data(TensorData::new(v.to_vec(), s), &device).require_grad();
    let (tx, tw) = (tensor(&x, x_shape), tensor(&w, w_shape));
    let tb = Tensor::<1>::from_data(TensorData::new(b.clone(), [b.len()]), &device).require_grad();
    let y = conv2d_reference(tx.clone(), tw.clone(), Some(tb.clone()), options.clone());
    let dy = values(y.shape().num_elements(), 5);
    let weighted = y.clone() * Tensor::from_data(TensorData::new(dy.clone(), y.dims()), &device);
    let grads = weighted.sum().backward();
    let read = |t: TensorData| t.try_into_vec::<f32>().unwrap();
    let expected = [
        read(y.into_data()),
        read(tx.grad(&grads).unwrap().into_data()),
        read(tw.grad(&grads).unwrap().into_data()),
        read(tb.grad(&grads).unwrap().into_data()),
    ];
    let pixels = g.batch * g.output[0] * g.output[1];
    for level in Level::available() {
        assert_close(
            "forward",
            level,
            &forward(level, &g, &x, &w, Finish { bias: Some(&b), ..Finish::default() }),
            &expected[0],
            g.group_in() * g.kernel_area(),
        );
        assert_close(
            "to input",
            level,
            &input_gradient(level, &g, &w, &dy, None),
            &expected[1],
            g.group_out() * g.kernel_area(),
        );
        let (dw, db) = weight_gradient(level, &g, &x, &dy);
        assert_close("to weight", level, &dw, &expected[2], pixels);
        assert_close("to bias", level, &db, &expected[3], pixels);
    }
}

#[test]
fn the_networks_shapes_equal_burns_convolution_on_every_instruction_set() {
    for (x, w, stride, padding, groups) in [
        ([3, 1, 28, 28], [32, 1, 3, 3], 1, 0, 1),
        ([2, 32, 26, 26], [64, 32, 3, 3], 1, 0, 1),
        ([2, 3, 32, 32], [16, 3, 3, 3], 1, 1, 1),
        ([2, 16, 32, 32], [16, 16, 3, 3], 1, 1, 1),
        ([2, 16, 32, 32], [32, 16, 3, 3], 2, 1, 1),
        ([2, 64, 8, 8], [64, 64, 3, 3], 1, 1, 1),
        ([2, 16, 32, 32], [32, 16, 1, 1], 2, 0, 1),
        ([2, 64, 16, 16], [64, 64, 1, 1], 1, 0, 1),
        ([2, 6, 14, 14], [16, 6, 5, 5], 1, 0, 1),
        ([2, 64, 16, 16], [64, 1, 3, 3], 1, 1, 64),
        // Output channels across the lanes, in one block and a half, in groups, and with rows that are no whole tiles.
        ([2, 48, 7, 7], [48, 48, 3, 3], 1, 1, 1),
        ([3, 64, 7, 7], [64, 32, 3, 3], 1, 1, 2),
        ([2, 16, 15, 9], [16, 16, 3, 3], 2, 1, 1),
        // Tiles go on from row to row: in a copy, and in the input itself.
        ([3, 64, 14, 14], [128, 64, 4, 4], 2, 1, 1),
        ([2, 96, 7, 7], [64, 96, 1, 1], 1, 0, 1),
        ([2, 16, 9, 9], [16, 16, 3, 3], 1, 0, 1),
        // Several bands of rows.
        ([1, 24, 90, 70], [8, 24, 3, 3], 1, 1, 1),
        ([1, 4, 224, 224], [24, 4, 7, 7], 2, 3, 1),
    ] {
        compare(x, w, &ConvOptions::new([stride; 2], [padding; 2], [1; 2], groups));
    }
}

#[test]
fn padding_on_one_side_equals_burns_convolution() {
    let options = ConvOptions::new_with_padding([1, 2], [(0, 3), (2, 1)], [2, 1], 1);
    compare([2, 3, 9, 10], [5, 3, 3, 4], &options);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_equals_burns_convolution_on_every_instruction_set(
        batch in 1usize..4,
        (groups, group_in, group_out) in (1usize..4, 1usize..6, 1usize..20),
        (height, width) in (1usize..20, 1usize..40),
        kernel in [1usize..5, 1usize..5],
        stride in [1usize..4, 1usize..4],
        padding in [0usize..4, 0usize..4],
        dilation in [1usize..4, 1usize..4],
    ) {
        let x = [batch, groups * group_in, height, width];
        let w = [groups * group_out, group_in, kernel[0], kernel[1]];
        let options = ConvOptions::new(stride, padding, dilation, groups);
        prop_assume!(Geometry::new(x, w, &options).is_ok());
        compare(x, w, &options);
    }
}

#[test]
fn scaled_shifted_and_cut_in_one_pass() {
    let device = Device::flex();
    for (x_shape, w_shape, groups) in [
        ([2, 3, 9, 11], [5, 3, 3, 3], 1),
        ([1, 32, 7, 7], [48, 32, 3, 3], 1),
        ([1, 64, 5, 6], [32, 64, 1, 1], 1),
        ([3, 8, 10, 10], [8, 1, 3, 3], 8),
        ([1, 32, 12, 12], [32, 16, 2, 2], 2),
    ] {
        let options = ConvOptions::new([1, 1], [1, 1], [1, 1], groups);
        let tensor =
            |s: [usize; 4], salt| Tensor::<4>::from_data(TensorData::new(values(s.iter().product(), salt), s), &device);
        let channels = w_shape[0];
        let of_channels = |salt| Tensor::<1>::from_data(TensorData::new(values(channels, salt), [channels]), &device);
        let mut x = values(x_shape.iter().product(), 1);
        x[3] = f32::NAN;
        let x = Tensor::<4>::from_data(TensorData::new(x, x_shape), &device);
        for limits in [[0.0, f32::INFINITY], [0.0, 0.5], [f32::NEG_INFINITY, f32::INFINITY]] {
            let arguments = || (x.clone(), tensor(w_shape, 2), of_channels(3), of_channels(4));
            let (a, b, c, d) = arguments();
            let found = conv2d_affine(a, b, c, d, limits, options.clone()).into_data().try_into_vec::<f32>().unwrap();
            let (a, b, c, d) = arguments();
            let expected = conv2d_affine_reference(a, b, c, d, limits, options.clone());
            let expected = expected.into_data().try_into_vec::<f32>().unwrap();
            assert!(found.iter().any(|value| value.is_nan()), "NaN stays");
            let sound =
                |values: Vec<f32>| values.into_iter().map(|v| if v.is_nan() { 9.0 } else { v }).collect::<Vec<_>>();
            assert_close(
                "affine",
                Level::detect(),
                &sound(found),
                &sound(expected),
                w_shape[1] * w_shape[2] * w_shape[3],
            );
        }
    }
}
