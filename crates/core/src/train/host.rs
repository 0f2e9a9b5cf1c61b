//! Reaching the memory of `f32` tensors of the CPU backend.

use burn::backend::Flex;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Tensor};

/// Whether [`host`] can be used: an `f32` tensor of the CPU backend, without autodiff.
pub(super) fn is_host<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device();
    tensor.dtype() == DType::F32 && !device.is_autodiff() && device == Device::flex()
}

/// The tensor in the backend's own form, rearranged only if it is a view with gaps.
///
/// # Panics
///
/// If not [`is_host`].
pub(super) fn host<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    let tensor = tensor.try_into_primitive::<Flex>().expect("on the CPU backend, without autodiff");
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// What a tensor from [`host`] holds.
pub(super) fn slice(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("contiguous f32")
}

/// What a tensor from [`host`] holds, copied first if another tensor shares it.
pub(super) fn slice_mut(tensor: &mut FlexTensor) -> &mut [f32] {
    let (start, end) = tensor.layout().contiguous_offsets().expect("contiguous");
    &mut tensor.storage_mut::<f32>()[start..end]
}
