//! Transposed convolution: the convolution's gradient to its input, taken as an operation of its own.

#[cfg(feature = "flex")]
mod kernel;

use burn::tensor::{
    Tensor,
    ops::{ConvOptions, ConvTransposeOptions},
};

use super::geometry::Geometry;

/// Spreads `x` `[batch, channels_in, height, width]` with `weight` `[channels_in, channels_out / groups, kernel_height,
/// kernel_width]` and adds `bias` `[channels_out]`: with stride `s`, padding `p` and dilation `d`, `y[n, o, s u + d t - p] +=
/// weight[i, o, t] x[n, i, u]` for pixels `u`, kernel positions `t` and channels `i` in the group of `o`.
///
/// An output side is `(input - 1) s - 2 p + d (kernel - 1) + 1 + padding_out`, PyTorch's `ConvTranspose2d`. As this is what
/// [`conv2d`](super::conv2d()) sends back to its input, the kernels are the same with their parts exchanged: forward is the convolution's
/// gradient to the input, the gradient to the input its forward pass.
///
/// # Cost
/// Forward and each gradient take `2 batch channels_in input_pixels (channels_out / groups) kernel_pixels` flops. With stride 2 the
/// output falls into four grids of pixels, each a correlation with stride 1 and a quarter of the kernel; no zero is multiplied.
///
/// # Panics
/// If the sizes do not fit: the input's channels are not those of the weight, the padding leaves no output, or `padding_out` is not below the
/// stride.
pub fn conv_transpose2d(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvTransposeOptions<2>,
) -> Tensor<4> {
    let checked = geometry(x.dims(), weight.dims(), &options).and_then(|geometry| match &bias {
        Some(bias) if bias.dims() != [geometry.channels_in] => {
            Err(format!("bias {:?} does not fit {} output channels", bias.dims(), geometry.channels_in))
        }
        _ => Ok(()),
    });
    if let Err(message) = checked {
        panic!("conv_transpose2d: {message}");
    }
    #[cfg(feature = "flex")]
    if crate::flex::runs_kernel(&x)
        && crate::flex::runs_kernel(&weight)
        && bias.as_ref().is_none_or(crate::flex::runs_kernel)
    {
        return kernel::conv_transpose2d(x, weight, bias, options);
    }
    conv_transpose2d_reference(x, weight, bias, options)
}

/// Burn's own transposed convolution, which [`conv_transpose2d`] equals up to rounding and runs on every other backend and element type.
pub fn conv_transpose2d_reference(
    x: Tensor<4>,
    weight: Tensor<4>,
    bias: Option<Tensor<1>>,
    options: ConvTransposeOptions<2>,
) -> Tensor<4> {
    burn::tensor::module::conv_transpose2d(x, weight, bias, options)
}

/// The convolution that would have `x`'s place as its output, or what is wrong with the sizes.
fn geometry(x: [usize; 4], weight: [usize; 4], options: &ConvTransposeOptions<2>) -> Result<Geometry, String> {
    let [batch, channels_in, height, width] = x;
    let [weight_in, group_out, kernel_height, kernel_width] = weight;
    let ConvTransposeOptions { stride, padding, padding_out, dilation, groups } = options.clone();
    if channels_in != weight_in {
        return Err(format!("weight {weight:?} does not fit an input of {channels_in} channels"));
    }
    let (input, kernel) = ([height, width], [kernel_height, kernel_width]);
    let mut output = [0; 2];
    for axis in 0..2 {
        if padding_out[axis] >= stride[axis].max(1) {
            return Err(format!("padding_out {padding_out:?} must be below the stride {stride:?}"));
        }
        let full = input[axis].saturating_sub(1) * stride[axis]
            + dilation[axis] * kernel[axis].saturating_sub(1)
            + 1
            + padding_out[axis];
        output[axis] = full
            .checked_sub(2 * padding[axis])
            .filter(|&side| side > 0 && input[axis] > 0)
            .ok_or_else(|| format!("padding {padding:?} leaves nothing of an output of extent {full}"))?;
    }
    let y = [batch, group_out * groups, output[0], output[1]];
    Geometry::new(y, weight, &ConvOptions::new(stride, padding, dilation, groups))
}
