//! Two-dimensional convolution (cross-correlation) with stride, zero padding, dilation and groups.

#[cfg(feature = "flex")]
mod autodiff;
#[cfg(feature = "flex")]
mod correlate;
mod geometry;
#[cfg(feature = "flex")]
mod panel;
#[cfg(all(test, feature = "flex"))]
mod tests;
#[cfg(feature = "flex")]
mod weight_gradient;

use burn::tensor::{Tensor, ops::ConvOptions};
use geometry::Geometry;

/// Cross-correlates `x` `[batch, channels_in, height, width]` with `weight` `[channels_out, channels_in / groups, kernel_height,
/// kernel_width]` and adds `bias` `[channels_out]`.
///
/// # Panics
/// If the sizes do not fit: the input's channels are not those of the weight, a group is not whole, or the kernel exceeds the
/// padded input.
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
    if on_flex(&x, &weight, &bias) {
        use autodiff::Convolution;
        use burn::backend::Dispatch;
        let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
        return Tensor::from_dispatch(match bias {
            Some(bias) => Dispatch::convolve_with_bias(x, weight, bias.into_dispatch(), options),
            None => Dispatch::convolve(x, weight, options),
        });
    }
    conv2d_reference(x, weight, bias, options)
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

#[cfg(feature = "flex")]
fn on_flex(x: &Tensor<4>, weight: &Tensor<4>, bias: &Option<Tensor<1>>) -> bool {
    use crate::flex::runs_kernels;
    runs_kernels(&x.device(), x.dtype())
        && runs_kernels(&weight.device(), weight.dtype())
        && bias.as_ref().is_none_or(|b| runs_kernels(&b.device(), b.dtype()))
}

#[cfg(feature = "flex")]
use crate::simd::Level;

/// The kernel's forward pass on contiguous slices.
#[cfg(feature = "flex")]
fn forward(level: Level, g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let per_output = g.group_in() * g.kernel_area();
    let strides = correlate::WeightStrides {
        group: g.group_out() * per_output,
        output: per_output,
        input: g.kernel_area(),
    };
    correlate::correlate(level, g.batch, g.groups, &[g.forward()], x, (weight, strides), bias)
}

/// The gradient to the input.
#[cfg(feature = "flex")]
fn input_gradient(level: Level, g: &Geometry, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let per_output = g.group_in() * g.kernel_area();
    let strides = correlate::WeightStrides {
        group: g.group_out() * per_output,
        output: g.kernel_area(),
        input: per_output,
    };
    correlate::correlate(level, g.batch, g.groups, &g.input_gradient(), dy, (weight, strides), None)
}

#[cfg(feature = "flex")]
use weight_gradient::weight_gradient;
