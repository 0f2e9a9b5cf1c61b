//! The public convolution on the CPU backend: against PyTorch, finite differences, Burn's operation and itself on other
//! threads.
#![cfg(feature = "flex")]

use burn::prelude::*;
use burn::tensor::{DType, TensorData, ops::ConvOptions};
use ognivo_kernels::{conv2d, conv2d_reference};

/// The formula of reference/conv2d.py.
fn values<const D: usize>(shape: [usize; D], salt: usize, device: &Device) -> Tensor<D> {
    let n = shape.iter().product();
    let data: Vec<f32> = (0..n).map(|i| ((i * 37 + salt * 11) % 23) as f32 / 8.0 - 1.25).collect();
    Tensor::from_data(TensorData::new(data, shape), device)
}

fn read<const D: usize>(t: Tensor<D>) -> Vec<f32> {
    t.into_data().try_into_vec().unwrap()
}

/// Value, and gradients to input, weight and bias of the value's product with a fixed tensor.
fn all(
    f: impl Fn(Tensor<4>, Tensor<4>, Option<Tensor<1>>, ConvOptions<2>) -> Tensor<4>,
    x: [usize; 4],
    w: [usize; 4],
    options: &ConvOptions<2>,
) -> [Vec<f32>; 4] {
    let device = Device::flex().autodiff();
    let (x, w) = (values(x, 1, &device).require_grad(), values(w, 2, &device).require_grad());
    let b = values([w.dims()[0]], 3, &device).require_grad();
    let y = f(x.clone(), w.clone(), Some(b.clone()), options.clone());
    let grads = (y.clone() * values(y.dims(), 4, &device)).sum().backward();
    [read(y), read(x.grad(&grads).unwrap()), read(w.grad(&grads).unwrap()), read(b.grad(&grads).unwrap())]
}

/// Length, first four numbers and a weighted sum, as reference/conv2d.py prints them.
type Golden = (usize, [f32; 4], f64);

fn assert_golden(found: &[Vec<f32>; 4], golden: &[Golden; 4]) {
    for (found, (len, first, sum)) in found.iter().zip(golden) {
        assert_eq!(found.len(), *len);
        for (a, b) in found.iter().zip(first) {
            assert!((a - b).abs() < 1e-5, "{a} instead of {b}");
        }
        let weighted: f64 = found.iter().enumerate().map(|(i, x)| f64::from(*x) * (i % 7 + 1) as f64).sum();
        assert!((weighted - sum).abs() < 1e-3, "{weighted} instead of {sum}");
    }
}

#[test]
fn padded_3x3_equals_pytorch() {
    let found = all(conv2d, [2, 3, 7, 6], [4, 3, 3, 3], &ConvOptions::new([1, 1], [1, 1], [1, 1], 1));
    assert_golden(
        &found,
        &[
            (336, [2.703125, -0.9375, 0.734375, 0.25], 118.234375),
            (252, [1.125, -6.453125, 7.46875, -9.875], 393.25),
            (108, [-4.34375, 1.0, 6.953125, 6.9375], 1013.171875),
            (4, [9.5, 10.875, 9.375, 13.625], 113.875),
        ],
    );
}

#[test]
fn strided_dilated_grouped_equals_pytorch() {
    let found = all(conv2d, [2, 4, 9, 11], [6, 2, 3, 2], &ConvOptions::new([2, 3], [2, 1], [2, 1], 2));
    assert_golden(
        &found,
        &[
            (240, [-1.984375, 1.15625, 1.046875, 4.171875], 358.796875),
            (792, [2.09375, 0.0, 3.703125, -0.90625], 88.609375),
            (72, [1.640625, -3.421875, 0.140625, -0.234375], 275.203125),
            (6, [6.625, 3.625, 6.375, 3.375], 113.125),
        ],
    );
}

#[test]
fn gradients_equal_finite_differences() {
    let (x_shape, w_shape) = ([2, 2, 5, 6], [3, 2, 3, 2]);
    let options = ConvOptions::new([2, 1], [1, 1], [1, 2], 1);
    let [_, dx, dw, db] = all(conv2d, x_shape, w_shape, &options);
    let device = Device::flex();
    let x = read(values(x_shape, 1, &device));
    let w = read(values(w_shape, 2, &device));
    let b = read(values([3], 3, &device));
    // The values are small multiples of 1/8, so that a step of one half is exact for a function linear in each
    // argument.
    let loss = |x: &[f32], w: &[f32], b: &[f32]| -> f32 {
        let tensor = |v: &[f32], s: [usize; 4]| Tensor::<4>::from_data(TensorData::new(v.to_vec(), s), &device);
        let bias = Tensor::<1>::from_data(TensorData::new(b.to_vec(), [3]), &device);
        let y = conv2d(tensor(x, x_shape), tensor(w, w_shape), Some(bias), options.clone());
        let weights = values(y.dims(), 4, &device);
        (y * weights).sum().into_scalar::<f32>()
    };
    let moved = |v: &[f32], i: usize, by: f32| {
        let mut v = v.to_vec();
        v[i] += by;
        v
    };
    for (i, g) in dx.iter().enumerate() {
        let d = loss(&moved(&x, i, 0.5), &w, &b) - loss(&moved(&x, i, -0.5), &w, &b);
        assert!((d - g).abs() < 1e-3, "dx[{i}]: {g} instead of {d}");
    }
    for (i, g) in dw.iter().enumerate() {
        let d = loss(&x, &moved(&w, i, 0.5), &b) - loss(&x, &moved(&w, i, -0.5), &b);
        assert!((d - g).abs() < 1e-3, "dw[{i}]: {g} instead of {d}");
    }
    for (i, g) in db.iter().enumerate() {
        let d = loss(&x, &w, &moved(&b, i, 0.5)) - loss(&x, &w, &moved(&b, i, -0.5));
        assert!((d - g).abs() < 1e-3, "db[{i}]: {g} instead of {d}");
    }
}

#[test]
fn views_are_read_as_their_contiguous_copies() {
    let device = Device::flex();
    let x = values([6, 9, 8, 5], 1, &device);
    let w = values([3, 3, 4, 5], 2, &device);
    let x_view = x.swap_dims(0, 3).slice([0..4, 2..7, 1..8, 0..6]).flip([2]);
    let w_view = w.swap_dims(0, 3);
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let copy = |t: &Tensor<4>| Tensor::<4>::from_data(t.to_data(), &device);
    let (x_view, w_view) = (x_view.slice([0..4, 0..3, 0..7, 0..6]), w_view.slice([0..5, 0..3, 0..3, 0..3]));
    let expected = read(conv2d(copy(&x_view), copy(&w_view), None, options.clone()));
    assert_eq!(read(conv2d(x_view, w_view, None, options)), expected);
}

#[test]
fn untracked_parents_get_no_gradient_and_change_nothing() {
    let device = Device::flex().autodiff();
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let x = values([2, 3, 8, 8], 1, &device);
    let w = values([4, 3, 3, 3], 2, &device);
    let [_, expected_dx, expected_dw, _] = all(conv2d, x.dims(), w.dims(), &options);

    let tracked = w.clone().require_grad();
    let y = conv2d(x.clone(), tracked.clone(), None, options.clone());
    let grads = (y.clone() * values(y.dims(), 4, &device)).sum().backward();
    assert_eq!(read(tracked.grad(&grads).unwrap()), expected_dw);
    assert!(x.grad(&grads).is_none());

    let tracked = x.require_grad();
    let y = conv2d(tracked.clone(), w.clone(), None, options);
    let grads = (y.clone() * values(y.dims(), 4, &device)).sum().backward();
    assert_eq!(read(tracked.grad(&grads).unwrap()), expected_dx);
    assert!(w.grad(&grads).is_none());
}

#[test]
fn one_thread_and_many_agree_bit_for_bit() {
    for (x, w, stride) in
        [([37, 5, 12, 11], [9, 5, 3, 3], 1), ([19, 4, 16, 16], [8, 4, 3, 3], 2), ([1, 3, 64, 64], [8, 3, 3, 3], 1)]
    {
        let options = ConvOptions::new([stride; 2], [1, 1], [1, 1], 1);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| all(conv2d, x, w, &options)).map(|v| v.into_iter().map(f32::to_bits).collect::<Vec<_>>())
        };
        let one = on(1);
        assert!(on(2) == one && on(5) == one, "{x:?} {w:?}");
        assert!(on(1) == one, "{x:?} {w:?}: not even the same threads");
    }
}

#[test]
fn empty_batches_and_single_pixels_work() {
    let options = ConvOptions::new([1, 1], [0, 0], [1, 1], 1);
    let [y, dx, dw, db] = all(conv2d, [0, 3, 5, 5], [4, 3, 3, 3], &options);
    assert!(y.is_empty() && dx.is_empty());
    assert_eq!((dw, db), (vec![0.0; 4 * 27], vec![0.0; 4]));
    for (x, w) in [([1, 1, 1, 1], [1, 1, 1, 1]), ([1, 2, 3, 1], [1, 2, 3, 1]), ([2, 1, 1, 33], [1, 1, 1, 2])] {
        assert_eq!(all(conv2d, x, w, &options), all(conv2d_reference, x, w, &options));
    }
}

#[test]
fn other_element_types_take_burns_operation() {
    let device = Device::flex();
    let options = ConvOptions::new([1, 1], [1, 1], [1, 1], 1);
    let (x, w) = (values([1, 2, 6, 6], 1, &device).cast(DType::F64), values([3, 2, 3, 3], 2, &device).cast(DType::F64));
    let y = conv2d(x.clone(), w.clone(), None, options.clone());
    assert_eq!(y.dtype(), DType::F64);
    assert_eq!(y.into_data(), conv2d_reference(x, w, None, options).into_data());
}

#[test]
#[should_panic(expected = "conv2d: kernel of extent 5 exceeds the padded input of extent 4")]
fn a_kernel_larger_than_the_input_is_refused() {
    let device = Device::flex();
    let (x, w) = (values([1, 1, 4, 4], 1, &device), values([1, 1, 5, 5], 2, &device));
    conv2d(x, w, None, ConvOptions::new([1, 1], [0, 0], [1, 1], 1));
}

#[test]
#[should_panic(expected = "conv2d: weight [2, 3, 1, 1] in 1 groups does not fit an input of 2 channels")]
fn channels_that_do_not_fit_are_refused() {
    let device = Device::flex();
    let (x, w) = (values([1, 2, 4, 4], 1, &device), values([2, 3, 1, 1], 2, &device));
    conv2d(x, w, None, ConvOptions::new([1, 1], [0, 0], [1, 1], 1));
}
