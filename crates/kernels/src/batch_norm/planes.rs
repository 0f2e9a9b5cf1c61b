//! The passes over a channel's planes.
//!
//! Sums are taken in blocks of a fixed size, in single precision within a block and in double precision over blocks, in
//! one order: the result is the same for any number of threads.

use std::{mem::MaybeUninit, ops::Range};

use burn::{backend::flex::FlexTensor, tensor::Shape};

use super::rows::{deviations, gradient_sums, input_gradient, mask_by_input, scale_rows, write_rows};
use crate::{
    activation::mask_by_output,
    flex::{Update, tensor},
    parallel::{Disjoint, filled, for_each_light},
    sums::{BLOCK, Lanes, add, fold},
};

/// `[batch, channels, height, width]` with height and width joined.
pub(super) struct Geometry {
    batch: usize,
    pub(super) channels: usize,
    plane: usize,
}

impl Geometry {
    pub(super) fn of(shape: &Shape) -> Self {
        let [batch, channels, height, width] = shape.dims();
        Self { batch, channels, plane: height * width }
    }

    /// Number of values in the tensor.
    fn values(&self) -> usize {
        self.batch * self.channels * self.plane
    }

    /// Number of values in a channel.
    fn count(&self) -> f64 {
        (self.batch * self.plane) as f64
    }

    /// The places of the channel's planes, image by image.
    fn planes(&self, channel: usize) -> impl Iterator<Item = Range<usize>> {
        let (plane, stride) = (self.plane, self.channels * self.plane);
        (0..self.batch).map(move |image| {
            let start = image * stride + channel * plane;
            start..start + plane
        })
    }

    /// The places of the channel's values in blocks: each a few small planes or a part of a large one.
    fn blocks(&self, channel: usize) -> impl Iterator<Item = impl Iterator<Item = Range<usize>> + Clone> {
        let (batch, plane, stride) = (self.batch, self.plane, self.channels * self.plane);
        let images = (BLOCK / plane).max(1);
        (0..batch).step_by(images).flat_map(move |first| {
            (0..plane).step_by(BLOCK).map(move |offset| {
                (first..batch.min(first + images)).map(move |image| {
                    let start = image * stride + channel * plane;
                    start + offset..start + plane.min(offset + BLOCK)
                })
            })
        })
    }
}

/// What follows the normalisation in the same pass.
#[derive(Clone, Copy)]
pub(super) enum Epilogue<'a> {
    /// Values that are not positive are scaled: by 1 nothing changes, by 0 they are rectified.
    Slope(f32),
    AddRelu(&'a [f32]),
}

/// One channel's `(x - mean) scale + shift`.
#[derive(Clone, Copy)]
pub(super) struct Line {
    pub(super) mean: f32,
    pub(super) scale: f32,
    pub(super) shift: f32,
}

/// What normalised a batch, per channel.
#[derive(Clone, Debug)]
pub(super) struct Normalised {
    pub(super) mean: Vec<f32>,
    /// Biased variance.
    pub(super) variance: Vec<f32>,
    /// `1 / √(variance + ε)`.
    reciprocal: Vec<f32>,
    /// `γ / √(variance + ε)`.
    scale: Vec<f32>,
    shift: Vec<f32>,
}

impl Normalised {
    fn line(&self, channel: usize) -> Line {
        Line { mean: self.mean[channel], scale: self.scale[channel], shift: self.shift[channel] }
    }

    /// `∂x = a ∂y + b (x - mean) + c` as `[a, b, c]`, from the sums of `∂y` and of `∂y (x - mean)`.
    pub(super) fn coefficients(&self, geometry: &Geometry, channel: usize, [plain, centred]: [f64; 2]) -> [f32; 3] {
        let (scale, reciprocal) = (f64::from(self.scale[channel]), f64::from(self.reciprocal[channel]));
        let b = -scale * reciprocal * reciprocal * centred / geometry.count();
        [self.scale[channel], b as f32, (-scale * plain / geometry.count()) as f32]
    }

    /// `∂γ` from the sums of `∂y (x - mean)`.
    pub(super) fn scale_gradient(&self, centred: &[f64]) -> Vec<f32> {
        centred.iter().zip(&self.reciprocal).map(|(sum, reciprocal)| (sum * f64::from(*reciprocal)) as f32).collect()
    }
}

/// A channel's mean and biased variance.
///
/// Each block gives its moments by two passes, the second around the rounded mean and correcting it; blocks are joined
/// by the formula of Chan, Golub and LeVeque (1979).
fn moments(geometry: &Geometry, x: &[f32], channel: usize) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for block in geometry.blocks(channel) {
        let (mut sum, mut length) = (Lanes::default(), 0);
        for range in block.clone() {
            length += range.len();
            add(&mut sum, &x[range]);
        }
        let length = length as f64;
        let centre = (fold(sum) / length) as f32;
        let (mut first, mut second) = (Lanes::default(), Lanes::default());
        for range in block {
            deviations(&mut first, &mut second, &x[range], centre);
        }
        let first = fold(first) / length;
        let difference = f64::from(centre) + first - mean;
        let total = count + length;
        mean += difference * length / total;
        squares += fold(second) - first * first * length + difference * difference * count * length / total;
        count = total;
    }
    // Not `max`, which would turn NaN into zero.
    (mean, if squares < 0.0 { 0.0 } else { squares / count })
}

/// Normalises every channel of `x`; returns the result with what normalised it.
pub(super) fn normalise(
    geometry: &Geometry,
    x: &[f32],
    gamma: &[f32],
    beta: &[f32],
    epsilon: f64,
    epilogue: Epilogue,
) -> (Vec<f32>, Normalised) {
    let mut statistics = vec![[0f64; 2]; geometry.channels];
    let describe = |statistics: &[f64; 2], channel: usize| {
        let reciprocal = (1.0 / (statistics[1] + epsilon).sqrt()) as f32;
        let line = Line { mean: statistics[0] as f32, scale: gamma[channel] * reciprocal, shift: beta[channel] };
        (reciprocal, line)
    };
    let shared = Disjoint::new(&mut statistics);
    let write = |y: &mut [MaybeUninit<f32>]| {
        let y = Disjoint::new(y);
        for_each_light(geometry.channels, geometry.values(), |channel| {
            let (mean, variance) = moments(geometry, x, channel);
            // SAFETY: each channel is visited once.
            let statistics = unsafe { &mut shared.slice(channel..channel + 1)[0] };
            *statistics = [mean, variance];
            let (_, line) = describe(statistics, channel);
            for range in geometry.planes(channel) {
                // SAFETY: the planes of all channels are disjoint.
                let y = unsafe { y.slice(range.clone()) };
                match epilogue {
                    Epilogue::Slope(slope) => write_rows(&x[range], y, line, slope, None),
                    Epilogue::AddRelu(residual) => write_rows(&x[range.clone()], y, line, 0.0, Some(&residual[range])),
                }
            }
        });
    };
    // SAFETY: the planes of all channels cover the tensor.
    let y = unsafe { filled(geometry.values(), write) };
    let lines = statistics.iter().enumerate().map(|(channel, statistics)| describe(statistics, channel));
    let (reciprocal, scale) = lines.map(|(reciprocal, line)| (reciprocal, line.scale)).unzip();
    let mean = statistics.iter().map(|[mean, _]| *mean as f32).collect();
    let variance = statistics.iter().map(|[_, variance]| *variance as f32).collect();
    (y, Normalised { mean, variance, reciprocal, scale, shift: beta.to_vec() })
}

/// `scale x + shift` with one scale and one shift a channel.
pub(super) fn affine(geometry: &Geometry, x: FlexTensor, scale: &[f32], shift: &[f32]) -> FlexTensor {
    let change = |update: &Update| {
        let tasks = geometry.batch * geometry.channels;
        for_each_light(tasks, geometry.values(), |plane| {
            let channel = plane % geometry.channels;
            // SAFETY: planes are disjoint and each is visited once.
            let values = unsafe { update.load(plane * geometry.plane..(plane + 1) * geometry.plane) };
            scale_rows(values, scale[channel], shift[channel]);
        });
    };
    // SAFETY: the planes cover the tensor.
    unsafe { Update::run(x, change) }
}

/// Which values' gradients the rectification let through.
#[derive(Clone, Copy)]
pub(super) enum Mask<'a> {
    /// There was none.
    None,
    /// Those whose output, computed again from the input, is positive; of the others this share.
    Recompute(&'a Normalised, f32),
    /// Those whose output, given, is positive.
    Output(&'a [f32]),
}

/// Result of [`backward`].
pub(super) struct Gradient {
    pub(super) input: FlexTensor,
    /// The output's gradient as the mask let it through, if it was to be kept.
    pub(super) masked: Option<FlexTensor>,
    /// Per channel, the sums of the masked gradient and of the masked gradient times `x - centre`.
    sums: Vec<[f64; 2]>,
}

impl Gradient {
    /// The sum over each channel of the masked gradient.
    pub(super) fn plain(&self) -> Vec<f32> {
        self.sums.iter().map(|[plain, _]| *plain as f32).collect()
    }

    /// The sum over each channel of the masked gradient times `x - centre`.
    pub(super) fn centred(&self) -> Vec<f64> {
        self.sums.iter().map(|[_, centred]| *centred).collect()
    }
}

/// Masks the output's `gradient`, sums it over each channel, and from `coefficients(channel, sums) = [a, b, c]` makes
/// the input's gradient `a gradient + b (x - centre) + c`, over the output's gradient unless the masked one is to be
/// kept.
pub(super) fn backward(
    geometry: &Geometry,
    gradient: FlexTensor,
    x: &[f32],
    mask: Mask,
    centre: &[f32],
    coefficients: impl Fn(usize, [f64; 2]) -> [f32; 3] + Sync,
    keep_masked: bool,
) -> Gradient {
    let shape = gradient.layout().shape().clone();
    let mut sums = vec![[0f64; 2]; geometry.channels];
    let shared = Disjoint::new(&mut sums);
    let channel_sums = |update: &Update, channel: usize| {
        let mut total = [0f64; 2];
        for block in geometry.blocks(channel) {
            let (mut plain, mut centred) = (Lanes::default(), Lanes::default());
            for range in block {
                // SAFETY: the blocks of all channels are disjoint and each is visited once.
                let gradient = unsafe { update.load(range.clone()) };
                match mask {
                    Mask::None => {}
                    Mask::Recompute(normalised, slope) => {
                        mask_by_input(gradient, &x[range.clone()], normalised.line(channel), slope);
                    }
                    Mask::Output(output) => mask_by_output(gradient, &output[range.clone()], 0.0),
                }
                gradient_sums(&mut plain, &mut centred, gradient, &x[range], centre[channel]);
            }
            total[0] += fold(plain);
            total[1] += fold(centred);
        }
        // SAFETY: each channel is visited once.
        unsafe { shared.slice(channel..channel + 1)[0] = total };
        coefficients(channel, total)
    };
    let mut input = None;
    let in_place = |update: &Update| {
        for_each_light(geometry.channels, geometry.values(), |channel| {
            let line = channel_sums(update, channel);
            for range in geometry.planes(channel) {
                // SAFETY: the planes were loaded above and are this channel's own.
                let gradient = unsafe { update.loaded(range.clone()) };
                input_gradient(gradient, &x[range], centre[channel], line);
            }
        });
    };
    let beside = |update: &Update| {
        let write = |output: &mut [MaybeUninit<f32>]| {
            let output = Disjoint::new(output);
            for_each_light(geometry.channels, geometry.values(), |channel| {
                let line = channel_sums(update, channel);
                for range in geometry.planes(channel) {
                    // SAFETY: the planes were loaded above and are this channel's own.
                    let gradient = unsafe { update.loaded(range.clone()) };
                    // SAFETY: the planes of all channels are disjoint.
                    let output = unsafe { output.slice(range.clone()) };
                    let output = output.write_copy_of_slice(gradient);
                    input_gradient(output, &x[range], centre[channel], line);
                }
            });
        };
        // SAFETY: the planes of all channels cover the tensor.
        input = Some(unsafe { filled(geometry.values(), write) });
    };
    // SAFETY: the blocks of all channels cover the tensor.
    let gradient = unsafe { if keep_masked { Update::run(gradient, beside) } else { Update::run(gradient, in_place) } };
    match input {
        Some(input) => Gradient { input: tensor(input, shape), masked: Some(gradient), sums },
        None => Gradient { input: gradient, masked: None, sums },
    }
}
