//! Arrays of eight floats in loops that the compiler turns into whatever vectors the target has.

use super::Simd;

const LANES: usize = 8;

/// No instruction set beyond the target's own.
#[derive(Clone, Copy)]
pub(super) struct Portable;

impl Simd for Portable {
    const LANES: usize = LANES;
    const TILE: (usize, usize) = (4, 2);
    const REGISTERS: usize = 8;
    type V = [f32; LANES];

    #[inline(always)]
    fn prefetch(_: *const f32) {}

    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; LANES]
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        // SAFETY: the caller gives `LANES` elements; an array of f32 has their alignment.
        unsafe { p.cast::<Self::V>().read() }
    }

    #[inline(always)]
    unsafe fn load_partial(p: *const f32, n: usize) -> Self::V {
        let mut v = [0.0; LANES];
        for (i, x) in v.iter_mut().enumerate().take(n) {
            // SAFETY: the caller gives `n` elements.
            *x = unsafe { *p.add(i) };
        }
        v
    }

    #[inline(always)]
    unsafe fn load_range(p: *const f32, from: usize, to: usize) -> Self::V {
        let mut v = [0.0; LANES];
        for (i, x) in v.iter_mut().enumerate().take(to).skip(from) {
            // SAFETY: the caller gives these elements.
            *x = unsafe { *p.wrapping_add(i) };
        }
        v
    }

    #[inline(always)]
    unsafe fn load_even_range(p: *const f32, from: usize, to: usize) -> Self::V {
        let mut v = [0.0; LANES];
        for (i, x) in v.iter_mut().enumerate().take(to).skip(from) {
            // SAFETY: the caller gives these elements.
            *x = unsafe { *p.wrapping_add(2 * i) };
        }
        v
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        // SAFETY: the caller gives room for `LANES` elements.
        unsafe { p.cast::<Self::V>().write(v) }
    }

    #[inline(always)]
    unsafe fn store_lanes(p: *mut f32, lanes: u32, v: Self::V) {
        let mut p = p;
        for (i, x) in v.iter().enumerate() {
            if lanes >> i & 1 == 1 {
                // SAFETY: the caller gives room for as many elements as bits are set.
                unsafe {
                    *p = *x;
                    p = p.add(1);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] + b[i])
    }

    #[inline(always)]
    unsafe fn mul_add(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Without the instruction `f32::mul_add` is a library call.
        if cfg!(any(target_arch = "aarch64", target_feature = "fma")) {
            std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
        } else {
            std::array::from_fn(|i| a[i] * b[i] + c[i])
        }
    }

    #[inline(always)]
    unsafe fn clamp(v: Self::V, low: Self::V, high: Self::V) -> Self::V {
        let cut = |i: usize| match v[i] {
            x if x < low[i] => low[i],
            x if x > high[i] => high[i],
            x => x,
        };
        std::array::from_fn(cut)
    }

    #[inline(always)]
    unsafe fn totals(v: [Self::V; 4]) -> [f32; 4] {
        v.map(|v| ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7])))
    }

    #[inline(always)]
    unsafe fn store_transposed(rows: &[Self::V], p: *mut f32, stride: usize, n: usize) {
        let column = |j: usize| std::array::from_fn(|i| rows[i][j]);
        // SAFETY: the caller gives room for `n` rows of `LANES` elements.
        (0..n).for_each(|j| unsafe { Self::store(p.add(j * stride), column(j)) });
    }
}
