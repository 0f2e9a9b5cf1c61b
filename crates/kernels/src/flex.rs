//! Between Burn's tensors and the kernels' slices.

use burn::backend::DispatchDevice;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, TensorData};

/// Whether tensors of this device and type are plain `f32` memory of the CPU backend, tracked by autodiff or not.
pub(crate) fn runs_kernels(device: &Device, dtype: DType) -> bool {
    let on_flex = match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(inner) => matches!(**inner, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns)]
        _ => false,
    };
    on_flex && dtype == DType::F32
}

/// The elements of a contiguous `f32` tensor.
///
/// # Panics
/// Where the tensor is neither; callers pass what [`runs_kernels`] accepted through `to_contiguous`.
pub(crate) fn elements(tensor: &FlexTensor) -> &[f32] {
    tensor.as_slice().expect("a contiguous f32 tensor")
}

/// A tensor that owns `data`.
pub(crate) fn tensor<const D: usize>(data: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(data, shape))
}
