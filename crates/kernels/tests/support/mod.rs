//! What the tests of several operations share.
#![allow(dead_code)]

use burn::tensor::{DType, Device, Tensor, TensorData};

/// `count` values in -1..1 from an integer formula that the reference scripts repeat.
pub(crate) fn values(count: usize, salt: usize) -> Vec<f32> {
    (0..count).map(|i| (((i * (i + salt) * 31 + 17 * i) % 997) as f64 / 498.5 - 1.0) as f32).collect()
}

/// An operation on inputs given flat.
pub(crate) type Operation<'a> = &'a dyn Fn(&[Tensor<1>]) -> Tensor<1>;

/// The value of `operation` and the gradients of `Σ w y` by each input, where `w` are [`values`] with salt 99.
pub(crate) fn outcome(operation: Operation, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    outcome_on(Device::flex().autodiff(), operation, inputs)
}

/// [`outcome`] on a given device.
pub(crate) fn outcome_on(device: Device, operation: Operation, inputs: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let leaves: Vec<Tensor<1>> =
        inputs.iter().map(|input| Tensor::from_floats(input.as_slice(), &device).require_grad()).collect();
    let y = operation(&leaves);
    let weights = Tensor::<1>::from_floats(values(y.dims()[0], 99).as_slice(), &device);
    let gradients = (y.clone() * weights).sum().backward();
    let mut results = vec![y.into_data().try_to_vec().unwrap()];
    results.extend(leaves.iter().map(|leaf| leaf.grad(&gradients).unwrap().into_data().try_to_vec::<f32>().unwrap()));
    results
}

/// Asserts that value and gradients agree to `tolerance` of the largest number; NaN agrees with NaN.
pub(crate) fn assert_close(found: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (part, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "part {part}");
        let largest = expected.iter().filter(|v| v.is_finite()).fold(1f32, |largest, v| largest.max(v.abs()));
        for (index, (f, e)) in found.iter().zip(expected).enumerate() {
            let equal = f == e || (f.is_nan() && e.is_nan()) || (f - e).abs() <= tolerance * largest;
            assert!(equal, "part {part}, value {index}: found {f}, expected {e}");
        }
    }
}

/// Asserts that the gradients are the slopes of the value, measured by central differences.
pub(crate) fn assert_slopes(operation: Operation, inputs: &[Vec<f32>], step: f32, tolerance: f64) {
    let loss = |inputs: &[Vec<f32>]| -> f64 {
        let y = &outcome(operation, inputs)[0];
        y.iter().zip(values(y.len(), 99)).map(|(y, w)| f64::from(*y) * f64::from(w)).sum()
    };
    let gradients = outcome(operation, inputs);
    for part in 0..inputs.len() {
        for index in 0..inputs[part].len() {
            let mut moved = inputs.to_vec();
            moved[part][index] = inputs[part][index] + step;
            let up = (loss(&moved), moved[part][index]);
            moved[part][index] = inputs[part][index] - step;
            let down = (loss(&moved), moved[part][index]);
            let slope = (up.0 - down.0) / f64::from(up.1 - down.1);
            let found = f64::from(gradients[part + 1][index]);
            assert!((slope - found).abs() <= tolerance, "input {part}, value {index}: found {found}, slope {slope}");
        }
    }
}

/// [`assert_slopes`] in double precision, which Burn's operations have on the CPU backend and kernels do not: the gradients
/// are the slopes to within 1e-8.
pub(crate) fn assert_slopes_in_double_precision(operation: Operation, inputs: &[Vec<f32>]) {
    const STEP: f64 = 1e-5;
    let device = Device::flex().autodiff();
    let tensor = |values: &[f64]| {
        Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), (&device, DType::F64))
    };
    let numbers = |x: Tensor<1>| x.into_data().try_to_vec::<f64>().unwrap();
    let weigh = |y: &Tensor<1>| -> Vec<f64> { values(y.dims()[0], 99).into_iter().map(f64::from).collect() };
    let inputs: Vec<Vec<f64>> = inputs.iter().map(|input| input.iter().map(|x| f64::from(*x)).collect()).collect();
    let leaves: Vec<_> = inputs.iter().map(|input| tensor(input).require_grad()).collect();
    let y = operation(&leaves);
    let gradients = (y.clone() * tensor(&weigh(&y))).sum().backward();
    let loss = |inputs: &[Vec<f64>]| -> f64 {
        let y = operation(&inputs.iter().map(|input| tensor(input)).collect::<Vec<_>>());
        let weights = weigh(&y);
        numbers(y).iter().zip(weights).map(|(y, w)| y * w).sum()
    };
    for (part, leaf) in leaves.iter().enumerate() {
        let found = numbers(leaf.grad(&gradients).unwrap());
        for (index, found) in found.iter().enumerate() {
            let mut moved = inputs.clone();
            moved[part][index] = inputs[part][index] + STEP;
            let up = loss(&moved);
            moved[part][index] = inputs[part][index] - STEP;
            let slope = (up - loss(&moved)) / (2.0 * STEP);
            assert!((slope - found).abs() <= 1e-8, "input {part}, value {index}: found {found}, slope {slope}");
        }
    }
}

/// Asserts that 1, 2, 3 and 7 threads give the same bits.
pub(crate) fn assert_threads_agree(operation: Operation, inputs: &[Vec<f32>]) {
    struct Shared<'a>(Operation<'a>);
    // SAFETY: only one pool at a time calls the operation, while this thread waits for it.
    unsafe impl Sync for Shared<'_> {}
    let shared = Shared(operation);
    let bits = |threads: usize| {
        let shared = &shared;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let results = pool.install(|| {
            let Shared(operation) = shared;
            outcome(operation, inputs)
        });
        results.into_iter().flatten().map(f32::to_bits).collect::<Vec<u32>>()
    };
    let one = bits(1);
    for threads in [2, 3, 7] {
        assert!(one == bits(threads), "{threads} threads differ from one");
    }
}

/// The lines of a reference file, `name number...`, of the case `name`: its value, then its gradients.
pub(crate) fn golden(file: &str, name: &str) -> Vec<Vec<f32>> {
    let part = |part: &str| line(file, &format!("{name}.{part}"));
    let mut parts = vec![part("y").expect("the case's value")];
    parts.extend((0..).map_while(|index| part(&index.to_string())));
    parts
}

/// The numbers of the line called `name`.
pub(crate) fn line(file: &str, name: &str) -> Option<Vec<f32>> {
    let line = file.lines().find(|line| line.split(' ').next() == Some(name))?;
    Some(line.split(' ').skip(1).map(|number| number.parse().unwrap()).collect())
}
