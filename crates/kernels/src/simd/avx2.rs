//! Eight lanes, sixteen registers.

use super::{Kernel, Simd};
use std::arch::x86_64::*;

/// AVX2 with FMA.
#[derive(Clone, Copy)]
pub(super) struct Avx2;

#[target_feature(enable = "avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run::<Avx2>();
}

/// All bits set in the first `n` lanes.
#[inline(always)]
unsafe fn mask(n: usize) -> __m256i {
    // SAFETY: only reached inside `run`.
    unsafe { _mm256_cmpgt_epi32(_mm256_set1_epi32(n as i32), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)) }
}

// SAFETY of every block: the trait's contract gives the instruction set and the pointers.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx2 {
    const LANES: usize = 8;
    // 4 by 3 would fit as well, but the compiler then keeps a sum in memory, at half the speed.
    const TILE: (usize, usize) = (6, 2);
    const REGISTERS: usize = 16;
    type V = __m256;

    #[inline(always)]
    fn prefetch(p: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m256 {
        unsafe { _mm256_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(p, mask(n)) }
    }

    #[inline(always)]
    unsafe fn load_range(p: *const f32, from: usize, to: usize) -> __m256 {
        unsafe { _mm256_maskload_ps(p, _mm256_andnot_si256(mask(from), mask(to))) }
    }

    #[inline(always)]
    unsafe fn load_even_range(p: *const f32, from: usize, to: usize) -> __m256 {
        // The second load starts one early, so that nothing past the last element is read.
        unsafe {
            let (first, end) = (2 * from, 2 * to - 1);
            let low = _mm256_maskload_ps(p, _mm256_andnot_si256(mask(first), mask(end)));
            let (first, end) = (first.saturating_sub(7), end.saturating_sub(7));
            let high = _mm256_maskload_ps(p.wrapping_add(7), _mm256_andnot_si256(mask(first), mask(end)));
            let mixed = _mm256_shuffle_ps::<0b11_01_10_00>(low, high);
            _mm256_castpd_ps(_mm256_permute4x64_pd::<0b11_01_10_00>(_mm256_castps_pd(mixed)))
        }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m256) {
        unsafe { _mm256_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn store_lanes(p: *mut f32, lanes: u32, v: __m256) {
        unsafe {
            if lanes & (lanes + 1) == 0 {
                return _mm256_maskstore_ps(p, mask(lanes.count_ones() as usize), v);
            }
            let mut all = [0.0f32; 8];
            _mm256_storeu_ps(all.as_mut_ptr(), v);
            let mut p = p;
            for (i, x) in all.into_iter().enumerate() {
                if lanes >> i & 1 == 1 {
                    *p = x;
                    p = p.add(1);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn add(a: __m256, b: __m256) -> __m256 {
        unsafe { _mm256_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn clamp(v: __m256, low: __m256, high: __m256) -> __m256 {
        // Of a pair with a NaN the instructions give the second.
        unsafe { _mm256_min_ps(high, _mm256_max_ps(low, v)) }
    }

    #[inline(always)]
    unsafe fn totals([a, b, c, d]: [__m256; 4]) -> [f32; 4] {
        unsafe {
            let pairs = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
            let sums = _mm_add_ps(_mm256_castps256_ps128(pairs), _mm256_extractf128_ps::<1>(pairs));
            std::mem::transmute::<__m128, [f32; 4]>(sums)
        }
    }

    #[inline(always)]
    unsafe fn store_transposed(rows: &[__m256], p: *mut f32, stride: usize, n: usize) {
        unsafe {
            let mut pairs = [_mm256_setzero_ps(); 8];
            for i in 0..4 {
                pairs[2 * i] = _mm256_unpacklo_ps(rows[2 * i], rows[2 * i + 1]);
                pairs[2 * i + 1] = _mm256_unpackhi_ps(rows[2 * i], rows[2 * i + 1]);
            }
            let mut fours = pairs;
            for i in 0..2 {
                for h in 0..2 {
                    let (a, b) = (pairs[4 * i + h], pairs[4 * i + 2 + h]);
                    fours[4 * i + 2 * h] = _mm256_shuffle_ps::<0b01_00_01_00>(a, b);
                    fours[4 * i + 2 * h + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(a, b);
                }
            }
            for j in 0..4 {
                if j < n {
                    _mm256_storeu_ps(p.add(j * stride), _mm256_permute2f128_ps::<0x20>(fours[j], fours[j + 4]));
                }
                if j + 4 < n {
                    _mm256_storeu_ps(p.add((j + 4) * stride), _mm256_permute2f128_ps::<0x31>(fours[j], fours[j + 4]));
                }
            }
        }
    }
}
