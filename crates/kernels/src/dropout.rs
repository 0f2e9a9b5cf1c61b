//! Dropout (Srivastava et al. 2014) with a mask that a seed determines.
//!
//! The random bits are those of Philox4x32-10 (Salmon et al. 2011), a function of seed and position, so that the mask
//! depends neither on the number of threads nor on the backend, and the backward pass makes it again instead of keeping
//! it.

#[cfg(feature = "flex")]
use burn::tensor::Device;
use burn::tensor::{Distribution, Tensor, TensorData};

use crate::simd::vectorised;

/// Multiplies each value of `x` by zero with probability `p`, else by `1 / (1 - p)`; each seed gives another mask, the
/// same on every backend and for any number of threads.
///
/// On the CPU backend it overwrites `x` when nothing else holds it, and its gradient likewise: about 25 integer
/// operations and 8 bytes a value each way, 2 cycles a value measured with AVX-512, half as fast as memory allows. On
/// other backends the mask is made on the host and copied.
///
/// # Panics
/// If `p` is not in `0..=1`.
pub fn dropout<const D: usize>(x: Tensor<D>, p: f64, seed: u64) -> Tensor<D> {
    assert!((0.0..=1.0).contains(&p), "dropout: probability {p} is not in 0..=1");
    if p == 0.0 {
        return x;
    }
    #[cfg(feature = "flex")]
    if crate::flex::runs_kernel(&x) {
        return kernel::dropout(x, p, seed);
    }
    dropout_reference(x, p, seed)
}

/// [`dropout`] with a mask that follows from the random state of `x`'s device: whoever calls `device.seed` before each step,
/// with a seed that depends on the step, has masks that depend on the step alone.
///
/// # Panics
/// As [`dropout`].
pub fn random_dropout<const D: usize>(x: Tensor<D>, p: f64) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if crate::flex::runs_kernel(&x) {
        // Four numbers of 16 bits: exact in single precision.
        let parts = Tensor::<1>::random([4], Distribution::Uniform(0.0, 65536.0), &Device::flex());
        let parts: Vec<f32> = parts.into_data().try_to_vec().expect("numbers of the CPU backend");
        return dropout(x, p, parts.into_iter().fold(0, |seed, part| seed << 16 | part as u64));
    }
    // Reading a seed would wait for the device, which makes the mask faster itself.
    assert!((0.0..=1.0).contains(&p), "dropout: probability {p} is not in 0..=1");
    let kept = x.random_like(Distribution::Bernoulli(1.0 - p));
    x * kept * (if p < 1.0 { 1.0 / (1.0 - p) } else { 0.0 })
}

/// [`dropout`] by a mask made on the host and Burn's multiplication, on any backend.
pub fn dropout_reference<const D: usize>(x: Tensor<D>, p: f64, seed: u64) -> Tensor<D> {
    let mut mask = vec![1f32; x.shape().num_elements()];
    Mask::new(p, seed).apply(0, &mut mask);
    let data = TensorData::new(mask, x.shape()).convert_dtype(x.dtype());
    let mask = Tensor::from_data(data, (&x.device(), x.dtype()));
    x * mask
}

/// Values that share 16 counters: value `16 w + j` of block `b` takes word `w` of counter `16 b + j`.
const BLOCK: usize = 64;

#[derive(Clone, Copy, Debug)]
struct Mask {
    key: [u32; 2],
    /// Words below it drop.
    threshold: u64,
    /// What kept values are multiplied by.
    factor: f32,
}

impl Mask {
    fn new(p: f64, seed: u64) -> Self {
        let factor = if p < 1.0 { (1.0 / (1.0 - p)) as f32 } else { 0.0 };
        Self { key: [seed as u32, (seed >> 32) as u32], threshold: (p * 2f64.powi(32)).round() as u64, factor }
    }

    /// Masks `values`, the first of which is at position `start`, a multiple of the block.
    fn apply(&self, start: usize, values: &mut [f32]) {
        debug_assert_eq!(start % BLOCK, 0);
        if self.threshold > u64::from(u32::MAX) {
            values.iter_mut().for_each(|value| *value *= 0.0);
        } else {
            mask_blocks(values, (start / BLOCK) as u64, self.key, self.threshold as u32, self.factor);
        }
    }
}

vectorised! {
    fn mask_blocks(values: &mut [f32], first: u64, key: [u32; 2], threshold: u32, factor: f32) {
        let mut blocks = values.chunks_exact_mut(BLOCK);
        let mut block = first;
        for values in &mut blocks {
            let words = philox(block, key);
            for (value, word) in values.iter_mut().zip(words.as_flattened()) {
                *value *= if *word < threshold { 0.0 } else { factor };
            }
            block += 1;
        }
        for (value, word) in blocks.into_remainder().iter_mut().zip(philox(block, key).as_flattened()) {
            *value *= if *word < threshold { 0.0 } else { factor };
        }
    }
}

/// Philox4x32-10 of the counters `16 block..16 block + 16`: word by word, each for all 16.
#[inline(always)]
fn philox(block: u64, key: [u32; 2]) -> [[u32; 16]; 4] {
    let counter = |lane: usize| 16 * block + lane as u64;
    let low = std::array::from_fn(|lane| counter(lane) as u32);
    let high = std::array::from_fn(|lane| (counter(lane) >> 32) as u32);
    let mut words = [low, high, [0; 16], [0; 16]];
    philox_rounds(&mut words, key);
    words
}

#[inline(always)]
fn philox_rounds<const N: usize>([a, b, c, d]: &mut [[u32; N]; 4], mut key: [u32; 2]) {
    for _ in 0..10 {
        for (((a, b), c), d) in a.iter_mut().zip(&mut *b).zip(&mut *c).zip(&mut *d) {
            let even = u64::from(*a) * 0xD251_1F53;
            let odd = u64::from(*c) * 0xCD9E_8D57;
            *a = (odd >> 32) as u32 ^ *b ^ key[0];
            *b = odd as u32;
            *c = (even >> 32) as u32 ^ *d ^ key[1];
            *d = even as u32;
        }
        key = [key[0].wrapping_add(0x9E37_79B9), key[1].wrapping_add(0xBB67_AE85)];
    }
}

#[cfg(feature = "flex")]
mod kernel {
    use burn::{
        backend::{
            Autodiff, Backend, Dispatch, Flex,
            autodiff::{
                checkpoint::{base::Checkpointer, strategy::CheckpointStrategy},
                grads::Gradients,
                ops::{Backward, Ops, OpsKind, unary},
            },
            backend_extension,
            flex::FlexTensor,
            tensor::FloatTensor,
        },
        tensor::Tensor,
    };

    use super::Mask;
    use crate::{flex::update, parallel::CHUNK};

    const _: () = assert!(CHUNK.is_multiple_of(super::BLOCK));

    pub(super) fn dropout<const D: usize>(x: Tensor<D>, p: f64, seed: u64) -> Tensor<D> {
        Tensor::from_dispatch(Dispatch::kernel_dropout(x.into_dispatch(), p, seed))
    }

    #[backend_extension(Flex, Autodiff)]
    pub(crate) trait DropoutKernel: Backend {
        fn kernel_dropout(x: FloatTensor<Self>, p: f64, seed: u64) -> FloatTensor<Self>;
    }

    impl DropoutKernel for Flex {
        fn kernel_dropout(x: FlexTensor, p: f64, seed: u64) -> FlexTensor {
            let mask = Mask::new(p, seed);
            update(x, |start, values| mask.apply(start, values))
        }
    }

    impl<C: CheckpointStrategy> DropoutKernel for Autodiff<Flex, C> {
        fn kernel_dropout(x: FloatTensor<Self>, p: f64, seed: u64) -> FloatTensor<Self> {
            let (x, node) = x.into_parts();
            let y = Flex::kernel_dropout(x, p, seed);
            match Dropout.prepare::<C>([node]).compute_bound().stateful() {
                OpsKind::Tracked(prep) => prep.finish((p, seed), y),
                OpsKind::UnTracked(prep) => prep.finish(y),
            }
        }
    }

    #[derive(Debug)]
    struct Dropout;

    impl Backward<Flex, 1> for Dropout {
        type State = (f64, u64);

        fn backward(self, ops: Ops<Self::State, 1>, gradients: &mut Gradients, _: &mut Checkpointer) {
            let (p, seed) = ops.state;
            unary::<Flex, _>(ops.parents, ops.node, gradients, |gradient| Flex::kernel_dropout(gradient, p, seed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::philox_rounds;

    /// The known answers of the Random123 library, file `kat_vectors`.
    #[test]
    fn philox_gives_the_published_words() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            let mut words = counter.map(|word: u32| [word]);
            philox_rounds(&mut words, key);
            assert_eq!(words.map(|[word]| word), expected);
        }
    }
}
