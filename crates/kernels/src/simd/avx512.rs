//! Sixteen lanes, thirty-two registers.

use super::{Kernel, Simd, avx2::Avx2};
use std::arch::x86_64::*;

/// AVX-512 F and DQ.
#[derive(Clone, Copy)]
pub(super) struct Avx512;

#[target_feature(enable = "avx512f,avx512dq,avx2,fma")]
pub(super) unsafe fn run<K: Kernel>(kernel: K) {
    kernel.run::<Avx512>();
}

/// The first `n` lanes.
#[inline(always)]
fn mask(n: usize) -> __mmask16 {
    ((1u32 << n) - 1) as __mmask16
}

// SAFETY of every block: the trait's contract gives the instruction set and the pointers.
#[allow(clippy::undocumented_unsafe_blocks)]
impl Simd for Avx512 {
    const LANES: usize = 16;
    const TILE: (usize, usize) = (8, 3);
    const REGISTERS: usize = 32;
    type V = __m512;

    #[inline(always)]
    fn prefetch(p: *const f32) {
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }

    #[inline(always)]
    unsafe fn splat(x: f32) -> __m512 {
        unsafe { _mm512_set1_ps(x) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(mask(n), p) }
    }

    #[inline(always)]
    unsafe fn load_range(p: *const f32, from: usize, to: usize) -> __m512 {
        unsafe { _mm512_maskz_loadu_ps(mask(to) & !mask(from), p) }
    }

    #[inline(always)]
    unsafe fn load_even_range(p: *const f32, from: usize, to: usize) -> __m512 {
        // The second load starts one early, so that nothing past the last element is read.
        unsafe {
            let index = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31);
            let (first, end) = (2 * from, 2 * to - 1);
            let low = _mm512_maskz_loadu_ps(mask(end.min(16)) & !mask(first.min(16)), p);
            let (first, end) = (first.saturating_sub(15), end.saturating_sub(15));
            let high = _mm512_maskz_loadu_ps(mask(end) & !mask(first), p.wrapping_add(15));
            _mm512_permutex2var_ps(low, index, high)
        }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        unsafe { _mm512_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn store_lanes(p: *mut f32, lanes: u32, v: __m512) {
        unsafe {
            let together = _mm512_maskz_compress_ps(lanes as __mmask16, v);
            _mm512_mask_storeu_ps(p, mask(lanes.count_ones() as usize), together);
        }
    }

    #[inline(always)]
    unsafe fn add(a: __m512, b: __m512) -> __m512 {
        unsafe { _mm512_add_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn clamp(v: __m512, low: __m512, high: __m512) -> __m512 {
        // Of a pair with a NaN the instructions give the second.
        unsafe { _mm512_min_ps(high, _mm512_max_ps(low, v)) }
    }

    #[inline(always)]
    unsafe fn totals([a, b, c, d]: [__m512; 4]) -> [f32; 4] {
        // No closure: it would be compiled without these instructions.
        unsafe {
            let a = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps::<1>(a));
            let b = _mm256_add_ps(_mm512_castps512_ps256(b), _mm512_extractf32x8_ps::<1>(b));
            let c = _mm256_add_ps(_mm512_castps512_ps256(c), _mm512_extractf32x8_ps::<1>(c));
            let d = _mm256_add_ps(_mm512_castps512_ps256(d), _mm512_extractf32x8_ps::<1>(d));
            Avx2::totals([a, b, c, d])
        }
    }

    #[inline(always)]
    unsafe fn store_transposed(rows: &[__m512], p: *mut f32, stride: usize, n: usize) {
        unsafe {
            // Within each 128-bit quarter: 4 x 4 blocks, as in the 4 x 4 transpose of SSE.
            let mut fours = [_mm512_setzero_ps(); 16];
            for i in 0..4 {
                let r = &rows[4 * i..4 * i + 4];
                let (a, b) = (_mm512_unpacklo_ps(r[0], r[1]), _mm512_unpacklo_ps(r[2], r[3]));
                let (c, d) = (_mm512_unpackhi_ps(r[0], r[1]), _mm512_unpackhi_ps(r[2], r[3]));
                fours[i] = _mm512_shuffle_ps::<0b01_00_01_00>(a, b);
                fours[4 + i] = _mm512_shuffle_ps::<0b11_10_11_10>(a, b);
                fours[8 + i] = _mm512_shuffle_ps::<0b01_00_01_00>(c, d);
                fours[12 + i] = _mm512_shuffle_ps::<0b11_10_11_10>(c, d);
            }
            // Then the quarters: fours[4 j + i] holds, in quarter q, rows 4 i .. 4 i + 3 of column 4 q + j.
            for j in 0..4 {
                let f = &fours[4 * j..4 * j + 4];
                let (a, b) = (_mm512_shuffle_f32x4::<0x88>(f[0], f[1]), _mm512_shuffle_f32x4::<0x88>(f[2], f[3]));
                let (c, d) = (_mm512_shuffle_f32x4::<0xdd>(f[0], f[1]), _mm512_shuffle_f32x4::<0xdd>(f[2], f[3]));
                let columns = [
                    _mm512_shuffle_f32x4::<0x88>(a, b),
                    _mm512_shuffle_f32x4::<0x88>(c, d),
                    _mm512_shuffle_f32x4::<0xdd>(a, b),
                    _mm512_shuffle_f32x4::<0xdd>(c, d),
                ];
                for (q, column) in columns.into_iter().enumerate() {
                    if 4 * q + j < n {
                        _mm512_storeu_ps(p.add((4 * q + j) * stride), column);
                    }
                }
            }
        }
    }
}
