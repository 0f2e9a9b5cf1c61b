//! Work on runs of one channel's values, vectorised.

use std::mem::MaybeUninit;

use super::planes::Line;
use crate::{
    activation::{leaky, positive, scaled},
    simd::vectorised,
    sums::{LANES, Lanes},
};

vectorised! {
    /// Adds the deviations of `x` from `centre` to `first`, their squares to `second`.
    pub(super) fn deviations(first: &mut Lanes, second: &mut Lanes, x: &[f32], centre: f32) {
        let (mut one, mut two) = (*first, *second);
        let chunks = x.chunks_exact(LANES);
        for (lane, value) in chunks.remainder().iter().enumerate() {
            let deviation = value - centre;
            one[lane] += deviation;
            two[lane] += deviation * deviation;
        }
        for chunk in chunks {
            for lane in 0..LANES {
                let deviation = chunk[lane] - centre;
                one[lane] += deviation;
                two[lane] += deviation * deviation;
            }
        }
        (*first, *second) = (one, two);
    }

    /// Adds the gradients to `plain`, the gradients times `x - centre` to `centred`.
    pub(super) fn gradient_sums(plain: &mut Lanes, centred: &mut Lanes, gradient: &[f32], x: &[f32], centre: f32) {
        let (mut one, mut two) = (*plain, *centred);
        let (gradients, values) = (gradient.chunks_exact(LANES), x.chunks_exact(LANES));
        for (lane, (gradient, value)) in gradients.remainder().iter().zip(values.remainder()).enumerate() {
            one[lane] += gradient;
            two[lane] += gradient * (value - centre);
        }
        for (gradient, value) in gradients.zip(values) {
            for lane in 0..LANES {
                one[lane] += gradient[lane];
                two[lane] += gradient[lane] * (value[lane] - centre);
            }
        }
        (*plain, *centred) = (one, two);
    }

    /// Writes the line's values at `x`, with `slope` where they are not positive; with `residual` added they are rectified instead.
    pub(super) fn write_rows(
        x: &[f32],
        y: &mut [MaybeUninit<f32>],
        line: Line,
        slope: f32,
        residual: Option<&[f32]>,
    ) {
        let at = |x: f32| (x - line.mean) * line.scale + line.shift;
        match residual {
            Some(residual) => {
                for ((y, x), residual) in y.iter_mut().zip(x).zip(residual) {
                    y.write(positive(at(*x) + residual));
                }
            }
            None if slope == 1.0 => {
                for (y, x) in y.iter_mut().zip(x) {
                    y.write(at(*x));
                }
            }
            None => {
                for (y, x) in y.iter_mut().zip(x) {
                    y.write(leaky(at(*x), slope));
                }
            }
        }
    }

    /// `scale x + shift`, over `x`.
    pub(super) fn scale_rows(x: &mut [f32], scale: f32, shift: f32) {
        for x in x {
            *x = *x * scale + shift;
        }
    }

    /// Scales the gradients at values where the line is not positive; keeps them where it is NaN.
    pub(super) fn mask_by_input(gradient: &mut [f32], x: &[f32], line: Line, slope: f32) {
        for (gradient, x) in gradient.iter_mut().zip(x) {
            let y = (x - line.mean) * line.scale + line.shift;
            *gradient = if y <= 0.0 { scaled(*gradient, slope) } else { *gradient };
        }
    }

    /// `a gradient + b (x - centre) + c`, over the gradient.
    pub(super) fn input_gradient(gradient: &mut [f32], x: &[f32], centre: f32, line: [f32; 3]) {
        let [a, b, c] = line;
        for (gradient, x) in gradient.iter_mut().zip(x) {
            *gradient = *gradient * a + (x - centre) * b + c;
        }
    }
}
