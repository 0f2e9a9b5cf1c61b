//! Dropout whose masks follow from the device's random state.

use burn::tensor::{Device, Distribution, Tensor};

/// Dropout (Srivastava et al. 2014) where gradients are computed; on a device without autodiff `x` itself.
///
/// The masks follow from the device's random state: whoever calls `device.seed` before each step, with a seed that depends on the
/// step, has masks that depend on the step alone.
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64) -> Tensor<D> {
    let device = x.device();
    if p == 0.0 || !device.is_autodiff() {
        return x;
    }
    match host_seed(&device) {
        Some(seed) => ognivo_kernels::dropout(x, p, seed),
        None => {
            let kept = x.random_like(Distribution::Bernoulli(1.0 - p));
            x * kept * (1.0 / (1.0 - p))
        }
    }
}

/// A seed from the random state of the CPU backend. Elsewhere `None`: reading it would wait for the device, which makes the mask
/// faster itself.
#[cfg(feature = "flex")]
fn host_seed(device: &Device) -> Option<u64> {
    if *device != Device::flex() {
        return None;
    }
    // Four numbers of 16 bits: exact in single precision.
    let parts = Tensor::<1>::random([4], Distribution::Uniform(0.0, 65536.0), &Device::flex());
    let parts = parts.into_data().try_into_vec_as::<f32>().ok()?;
    Some(parts.into_iter().fold(0, |seed, part| seed << 16 | part as u64))
}

#[cfg(not(feature = "flex"))]
fn host_seed(_: &Device) -> Option<u64> {
    None
}
