//! Products of rows with vectors, for the processor at hand.
//!
//! The vectors of a batch stand in panels of 16, number `i` of each in line `i`, so that a row's number is multiplied by 16 of them at
//! once and a tile of rows stays in registers. A product is one running sum over the dimensions: what else is in the panel changes no
//! bit of it. For one vector alone 15 of 16 products would be for nothing: [`dots`] sums in another order, as fast as rows come from
//! memory.

/// Vectors in a panel: a register of AVX-512, two of AVX2.
pub(super) const WIDTH: usize = 16;
/// Rows in a tile.
const ROWS: usize = 6;

/// Vectors of `dim` numbers as panels `[dim, 16]`, one after the other; those missing in the last are 0.
pub(super) fn panels(vectors: &[Vec<f32>], dim: usize) -> Vec<f32> {
    let mut panels = vec![0.0; vectors.len().div_ceil(WIDTH) * WIDTH * dim];
    for (number, vector) in vectors.iter().enumerate() {
        let start = number / WIDTH * WIDTH * dim + number % WIDTH;
        panels[start..].iter_mut().step_by(WIDTH).zip(&vector[..dim]).for_each(|(place, &value)| *place = value);
    }
    panels
}

/// The products of rows of `dim` numbers, `stride` apart, with each vector of a panel.
///
/// # Panics
/// When there are fewer rows than sums, or the panel is not one of `dim` numbers.
pub(super) fn products(rows: &[f32], stride: usize, panel: &[f32], sums: &mut [[f32; WIDTH]]) {
    let dim = panel.len() / WIDTH;
    assert!(dim <= stride && sums.len().saturating_sub(1) * stride + dim <= rows.len(), "rows for {} sums", sums.len());
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has these instructions.
            return unsafe { products_avx512(rows, stride, panel, sums) };
        }
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: as above.
            return unsafe { products_avx2(rows, stride, panel, sums) };
        }
    }
    products_of::<{ cfg!(target_arch = "aarch64") }>(rows, stride, panel, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx2,fma")]
fn products_avx512(rows: &[f32], stride: usize, panel: &[f32], sums: &mut [[f32; WIDTH]]) {
    products_of::<true>(rows, stride, panel, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn products_avx2(rows: &[f32], stride: usize, panel: &[f32], sums: &mut [[f32; WIDTH]]) {
    products_of::<true>(rows, stride, panel, sums);
}

#[inline(always)]
fn products_of<const FUSED: bool>(rows: &[f32], stride: usize, panel: &[f32], sums: &mut [[f32; WIDTH]]) {
    let (tiles, rest) = sums.as_chunks_mut::<ROWS>();
    let done = tiles.len() * ROWS;
    for (number, tile) in tiles.iter_mut().enumerate() {
        *tile = products_of_tile::<FUSED, ROWS>(&rows[number * ROWS * stride..], stride, panel);
    }
    for (number, sums) in (done..).zip(rest) {
        [*sums] = products_of_tile::<FUSED, 1>(&rows[number * stride..], stride, panel);
    }
}

#[inline(always)]
fn products_of_tile<const FUSED: bool, const R: usize>(
    rows: &[f32],
    stride: usize,
    panel: &[f32],
) -> [[f32; WIDTH]; R] {
    let (lines, _) = panel.as_chunks::<WIDTH>();
    let rows: [&[f32]; R] = std::array::from_fn(|row| &rows[row * stride..][..lines.len()]);
    let mut sums = [[0.0f32; WIDTH]; R];
    for (at, line) in lines.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(rows) {
            for (sum, value) in sums.iter_mut().zip(line) {
                *sum = multiply_add::<FUSED>(row[at], *value, *sum);
            }
        }
    }
    sums
}

/// Where there is no instruction for it, a fused operation is a slow function.
#[inline(always)]
fn multiply_add<const FUSED: bool>(a: f32, b: f32, sum: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { a * b + sum }
}

/// The products of rows, `stride` apart, with one vector: for each row what [`dot`] gives.
///
/// # Panics
/// When there are fewer rows than sums.
pub(super) fn dots(rows: &[f32], stride: usize, vector: &[f32], sums: &mut [f32]) {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has these instructions.
            return unsafe { dots_avx2(rows, stride, vector, sums) };
        }
    }
    dots_of::<{ cfg!(target_arch = "aarch64") }>(rows, stride, vector, sums);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dots_avx2(rows: &[f32], stride: usize, vector: &[f32], sums: &mut [f32]) {
    dots_of::<true>(rows, stride, vector, sums);
}

#[inline(always)]
fn dots_of<const FUSED: bool>(rows: &[f32], stride: usize, vector: &[f32], sums: &mut [f32]) {
    for (number, sum) in sums.iter_mut().enumerate() {
        *sum = dot_of::<FUSED>(&rows[number * stride..][..vector.len()], vector);
    }
}

/// The product of two vectors of the same length.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has these instructions.
            return unsafe { dot_avx2(a, b) };
        }
    }
    dot_of::<{ cfg!(target_arch = "aarch64") }>(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    dot_of::<true>(a, b)
}

#[inline(always)]
fn dot_of<const FUSED: bool>(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 32;
    let mut sums = [0.0f32; LANES];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = multiply_add::<FUSED>(*a, *b, *sum);
        }
    }
    let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (a, b)| multiply_add::<FUSED>(*a, *b, sum));
    let mut width = LANES / 2;
    while width > 0 {
        let (low, high) = sums.split_at_mut(width);
        low.iter_mut().zip(high).for_each(|(low, high)| *low += *high);
        width /= 2;
    }
    sums[0] + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On every instruction set that this processor has.
    #[test]
    fn products_are_their_definition() {
        let value = |i: usize| ((i * (i + 5) * 31) % 997) as f32 / 498.5 - 1.0;
        for (count, dim, stride, vectors) in [(1, 1, 1, 1), (6, 16, 16, 16), (13, 100, 112, 17), (7, 3, 16, 40)] {
            let rows: Vec<f32> = (0..count * stride).map(value).collect();
            let vectors: Vec<Vec<f32>> =
                (0..vectors).map(|v| (0..dim).map(|i| value(v * 1000 + i)).collect()).collect();
            let panels = panels(&vectors, dim);
            for (number, panel) in panels.chunks_exact(dim * WIDTH).enumerate() {
                let (mut best, mut portable) = (vec![[0.0; WIDTH]; count], vec![[0.0; WIDTH]; count]);
                products(&rows, stride, panel, &mut best);
                products_of::<false>(&rows, stride, panel, &mut portable);
                for row in 0..count {
                    for lane in 0..WIDTH {
                        let expected: f64 = vectors.get(number * WIDTH + lane).map_or(0.0, |vector| {
                            (0..dim).map(|i| f64::from(rows[row * stride + i]) * f64::from(vector[i])).sum()
                        });
                        for found in [best[row][lane], portable[row][lane]] {
                            assert!((f64::from(found) - expected).abs() < 1e-4, "{count} {dim} {row} {lane}");
                        }
                    }
                }
            }
            let expected: f64 = (0..dim).map(|i| f64::from(rows[i]) * f64::from(vectors[0][i])).sum();
            for found in [dot(&rows[..dim], &vectors[0]), dot_of::<false>(&rows[..dim], &vectors[0])] {
                assert!((f64::from(found) - expected).abs() < 1e-4);
            }
            let mut sums = vec![0.0; count];
            dots(&rows, stride, &vectors[0], &mut sums);
            let expected: Vec<f32> = (0..count).map(|row| dot(&rows[row * stride..][..dim], &vectors[0])).collect();
            assert_eq!(sums, expected);
        }
    }
}
