//! Two-dimensional convolution (cross-correlation) with stride, zero padding, dilation and groups.
//!
//! In reading order: `geometry` checks the sizes, `correlation` turns a convolution and its gradient to the input into
//! correlations, `panel` lays out their input, `correlate` computes them in the register tiles of `pixels` or
//! `channels`, `weight_gradient` and `weight_tiles` are the gradient to weight and bias, `kernel` ties all to Burn;
//! `transposed` is the same with forward and backward exchanged.

use burn::tensor::{Tensor, ops::ConvOptions};
use geometry::Geometry;

pub use transposed::{conv_transpose2d, conv_transpose2d_reference};

#[cfg(feature = "flex")]
mod channels;
#[cfg(feature = "flex")]
mod correlate;
#[cfg(feature = "flex")]
mod correlation;
mod geometry;
#[cfg(feature = "flex")]
mod kernel;
#[cfg(feature = "flex")]
mod panel;
#[cfg(feature = "flex")]
mod pixels;
#[cfg(all(test, feature = "flex"))]
mod tests;
mod transposed;
#[cfg(feature = "flex")]
mod weight_gradient;
#[cfg(feature = "flex")]
mod weight_tiles;

/// Cross-correlates `x` `[batch, channels_in, height, width]` with `weight` `[channels_out, channels_in / groups,
/// kernel_height, kernel_width]` and adds `bias` `[channels_out]`: with stride `s`, padding `p` and dilation `d`, `y[n,
/// o, u] = bias[o] + sum over i, t of weight[o, i, t] x[n, i, s u + d t - p]` for pixels `u` and kernel positions `t`,
/// `i` in the group of `o`.
///
/// `f32` tensors of the CPU backend take this crate's kernel, all others [`conv2d_reference`]. Results do not depend on
/// the number of threads. No gradient is computed for an argument that is not tracked.
///
/// # Cost
/// Forward and each gradient take `2 batch channels_out output_pixels (channels_in / groups) kernel_pixels` flops.
/// Memory traffic is input and output once (4 bytes a number; outputs twice where they are not in the cache), plus one
/// padded copy of a band of the input, which stays in the second-level cache. Deep shapes are bound by arithmetic; the
/// first layer, 1 x 1 and depthwise kernels by memory.
///
/// On one AVX-512 core (Sapphire Rapids, two FMA units, measured peak 232 GFLOP/s), with other work on the machine: the
/// best processor time of 120 runs in milliseconds with the share of peak, and PyTorch 2.15 (oneDNN) in turns with it:
///
/// | `x`, to channels, 3 x 3 kernel | forward | to input | to weight and bias | PyTorch |
/// |---|---|---|---|---|
/// | 64 x 1 x 28 x 28, to 32 | 0.17 (62 %) | 0.91 (12 %) | 0.43 (25 %) | 2.9, 3.0, 0.70 |
/// | 64 x 32 x 26 x 26, to 64 | 7.7 (76 %) | 9.4 (62 %) | 7.9 (75 %) | 15.4, 9.1, 9.4 |
/// | 128 x 3 x 32 x 32, to 16, padded | 0.84 (58 %) | 1.9 (26 %) | 1.3 (39 %) | 1.4, 4.8, 1.4 |
/// | 128 x 16 x 32 x 32, to 16, padded | 4.0 (65 %) | 4.0 (65 %) | 4.3 (61 %) | 5.3, 5.0, 5.1 |
/// | 128 x 16 x 32 x 32, to 32, padded, stride 2 | 3.0 (43 %) | 4.6 (28 %) | 2.2 (59 %) | 2.5, 5.4, 2.9 |
/// | 128 x 32 x 16 x 16, to 32, padded | 3.7 (70 %) | 3.8 (69 %) | 3.7 (71 %) | 3.9, 3.9, 3.9 |
/// | 128 x 32 x 16 x 16, to 64, padded, stride 2 | 2.7 (49 %) | 3.9 (33 %) | 2.1 (62 %) | 2.0, 3.4, 2.6 |
/// | 128 x 64 x 8 x 8, to 64, padded | 3.9 (66 %) | 3.9 (67 %) | 3.6 (72 %) | 3.3, 3.3, 3.7 |
///
/// # Panics
/// If the sizes do not fit: the input's channels are not those of the weight, a group is not whole, or the kernel
/// exceeds the padded input.
pub fn conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Option<Tensor<1>>, options: ConvOptions<2>) -> Tensor<4> {
    let checked = Geometry::new(x.dims(), weight.dims(), &options).and_then(|geometry| match &bias {
        Some(bias) if bias.dims() != [geometry.channels_out] => {
            Err(format!("bias {:?} does not fit {} output channels", bias.dims(), geometry.channels_out))
        }
        _ => Ok(()),
    });
    if let Err(message) = checked {
        panic!("conv2d: {message}");
    }
    #[cfg(feature = "flex")]
    if crate::flex::runs_kernel(&x)
        && crate::flex::runs_kernel(&weight)
        && bias.as_ref().is_none_or(crate::flex::runs_kernel)
    {
        return kernel::conv2d(x, weight, bias, options);
    }
    conv2d_reference(x, weight, bias, options)
}

/// `min(max(scale[o] * conv2d(x, weight)[o] + shift[o], limits[0]), limits[1])` for each output channel `o`: a convolution with the
/// normalisation by running statistics and the rectifier behind it, in the one pass of [`conv2d`].
///
/// So on the CPU backend without autodiff, where the scale is multiplied into the weights on the way; otherwise the operations one by
/// one ([`conv2d_affine_reference`]). NaN stays NaN.
///
/// # Panics
/// As [`conv2d`], or if scale and shift do not have one value for each output channel.
pub fn conv2d_affine(
    x: Tensor<4>,
    weight: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    limits: [f32; 2],
    options: ConvOptions<2>,
) -> Tensor<4> {
    let [channels, ..] = weight.dims();
    let fits = Geometry::new(x.dims(), weight.dims(), &options).map(|_| ());
    assert_eq!(fits, Ok(()), "conv2d_affine");
    assert_eq!([scale.dims(), shift.dims()], [[channels]; 2], "conv2d_affine: values for {channels} output channels");
    #[cfg(feature = "flex")]
    if !x.is_autodiff()
        && [&x, &weight].into_iter().all(crate::flex::runs_kernel)
        && [&scale, &shift].into_iter().all(crate::flex::runs_kernel)
    {
        return kernel::conv2d_affine(x, weight, scale, shift, limits, options);
    }
    conv2d_affine_reference(x, weight, scale, shift, limits, options)
}

/// [`conv2d_affine`] by Burn's operations.
pub fn conv2d_affine_reference(
    x: Tensor<4>,
    weight: Tensor<4>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    [low, high]: [f32; 2],
    options: ConvOptions<2>,
) -> Tensor<4> {
    let wide = |values: Tensor<1>| {
        let [channels] = values.dims();
        values.reshape([1, channels, 1, 1])
    };
    let y = conv2d_reference(x, weight, None, options) * wide(scale) + wide(shift);
    let y = if low.is_finite() { y.clamp_min(low) } else { y };
    if high.is_finite() { y.clamp_max(high) } else { y }
}

/// Burn's own convolution, which [`conv2d`] equals up to rounding and runs on every other backend and element type.
pub fn conv2d_reference(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvOptions<2>,
) -> Tensor<4> {
    burn::tensor::module::conv2d(x, weight, bias, options)
}
