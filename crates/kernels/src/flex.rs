//! Between Burn's tensors and the kernels' slices.

use std::{marker::PhantomData, ops::Range};

use burn::{
    backend::{
        DispatchDevice, Flex,
        autodiff::{NodeId, grads::Gradients},
        flex::{FlexTensor, Layout},
    },
    tensor::{Bytes, DType, Shape, Tensor},
};

use crate::parallel::{CHUNK, filled, for_each_light};

/// Whether `x` is a 32-bit float tensor of the CPU backend, with or without autodiff.
pub(crate) fn runs_kernel<const D: usize>(x: &Tensor<D>) -> bool {
    let on_flex = match x.device().as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(inner) => matches!(**inner, DispatchDevice::Flex(_)),
        #[allow(unreachable_patterns)]
        _ => false,
    };
    on_flex && x.dtype() == DType::F32
}

/// The values of a tensor of 32-bit floats in row-major order, copied only when its layout is another.
pub(crate) struct Values(FlexTensor);

impl Values {
    pub(crate) fn new(x: FlexTensor) -> Self {
        Self(contiguous(x))
    }

    pub(crate) fn as_slice(&self) -> &[f32] {
        self.0.as_slice().expect("a contiguous tensor of f32")
    }

    /// The tensor they are the values of.
    pub(crate) fn into_tensor(self) -> FlexTensor {
        self.0
    }
}

fn contiguous(x: FlexTensor) -> FlexTensor {
    if x.is_contiguous() { x } else { x.to_contiguous() }
}

/// A tensor made of `values` in row-major order.
pub(crate) fn tensor(values: Vec<f32>, shape: impl Into<Shape>) -> FlexTensor {
    FlexTensor::new(Bytes::from_elems(values), Layout::contiguous(shape.into()), DType::F32)
}

/// Registers the gradients of those parents that are tracked.
pub(crate) fn register<const N: usize>(
    gradients: &mut Gradients,
    parents: [Option<NodeId>; N],
    of_parents: [Option<FlexTensor>; N],
) {
    for (parent, gradient) in parents.into_iter().zip(of_parents) {
        if let (Some(parent), Some(gradient)) = (parent, gradient) {
            gradients.register::<Flex>(parent, gradient);
        }
    }
}

/// A tensor to be changed value by value: over its own memory when nothing else holds it, else into a new buffer.
pub(crate) struct Update<'a> {
    values: *mut f32,
    length: usize,
    /// The input's values when they lie elsewhere than at `values`.
    source: Option<&'a [f32]>,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer stands for an exclusive borrow of floats, which are `Send` and `Sync`; ranges are handed out by
// an unsafe function whose callers keep them disjoint.
unsafe impl Sync for Update<'_> {}

impl Update<'_> {
    /// Runs `change`, which must load every range of `x` at least once, and returns the changed tensor.
    ///
    /// # Safety
    /// `change` must load every value through [`Update::load`].
    pub(crate) unsafe fn run(x: FlexTensor, change: impl FnOnce(&Update)) -> FlexTensor {
        let mut x = contiguous(x);
        let (start, end) = x.layout().contiguous_offsets().expect("a contiguous tensor");
        let length = end - start;
        if let Some(storage) = x.try_storage_mut::<f32>() {
            let values = storage[start..end].as_mut_ptr();
            change(&Update { values, length, source: None, lifetime: PhantomData });
            return x;
        }
        let source = &x.storage::<f32>()[start..end];
        // SAFETY: the caller promises that every value is loaded, and loading copies it into the new buffer.
        let values = unsafe {
            filled::<f32>(length, |values| {
                change(&Update {
                    values: values.as_mut_ptr().cast(),
                    length,
                    source: Some(source),
                    lifetime: PhantomData,
                })
            })
        };
        tensor(values, x.layout().shape().clone())
    }

    /// The input's values in `range`, to be changed.
    ///
    /// # Safety
    /// While the result is held nothing else may hold any part of the range, and it may be loaded once only.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn load(&self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: the range lies within the buffer and is exclusively the caller's; it is initialised, by the input
        // itself or by the copy, before a reference to it is made.
        unsafe {
            let start = self.values.add(range.start);
            if let Some(source) = self.source {
                std::ptr::copy_nonoverlapping(source[range.clone()].as_ptr(), start, range.len());
            }
            std::slice::from_raw_parts_mut(start, range.len())
        }
    }

    /// The values in `range` as they have become since they were loaded.
    ///
    /// # Safety
    /// All of the range must have been loaded, and while the result is held nothing else may hold any part of it.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn loaded(&self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start <= range.end && range.end <= self.length);
        // SAFETY: the range lies within the buffer, is initialised and is exclusively the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.values.add(range.start), range.len()) }
    }
}

/// Changes `x` chunk by chunk, in parallel; `change` gets the position of the chunk's first value and the chunk.
pub(crate) fn update(x: FlexTensor, change: impl Fn(usize, &mut [f32]) + Sync) -> FlexTensor {
    let body = |update: &Update| {
        let length = update.length;
        for_each_light(length.div_ceil(CHUNK), length, |chunk| {
            let start = chunk * CHUNK;
            // SAFETY: chunks are disjoint and each is visited once.
            change(start, unsafe { update.load(start..length.min(start + CHUNK)) });
        });
    };
    // SAFETY: the chunks cover the tensor.
    unsafe { Update::run(x, body) }
}
