//! The gradient to the weight, `dw[o, i, t] = sum over images and pixels p of dy[o, p] x[i, p * stride + t]`, and to
//! the bias.
//!
//! Here output channels lie across the lanes: `dy` is transposed once per image, and a register tile holds two vectors
//! of output channels for several terms (i, t), whose pixels of `x` are broadcast. So no sum across lanes is needed,
//! and rows of any length and any stride run at full width.
//!
//! Images are added up in a fixed number of chunks, and the chunks in order: the result does not depend on the threads.

use super::{
    geometry::Geometry,
    panel::{Lines, inside_rows},
    weight_tiles::Terms,
};
use crate::{
    parallel::{Disjoint, for_each},
    scratch,
    simd::{Kernel, Level, Simd},
};

/// Chunks of images that are summed apart, at most.
const CHUNKS: usize = 16;
/// Floats that all chunks' sums may take together, unless one chunk alone takes more.
const MEMORY: usize = 32 * 1024 * 1024;
/// Floats of transposed `dy` and padded `x` at a time; they stay in the second-level cache.
const BUDGET: usize = 128 * 1024;

/// The gradients to weight and bias for the input `x` and the output's gradient `dy`.
pub(super) fn weight_gradient(level: Level, geometry: &Geometry, x: &[f32], dy: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let g = geometry;
    let plan = Plan::new(g, level.lanes());
    let sums_len = g.groups * plan.padded_out * (plan.offsets.len() + 1);
    let chunks = CHUNKS.min(g.batch).min(MEMORY / sums_len.max(1)).max(1);
    let [x_len, dy_len] = [(g.channels_in, g.input), (g.channels_out, g.output)].map(|(c, [h, w])| c * h * w);
    assert!(x.len() == g.batch * x_len && dy.len() == g.batch * dy_len);

    let mut sums = vec![0.0f32; chunks * sums_len];
    let shared = Disjoint::new(&mut sums);
    for_each(chunks, |chunk| {
        let images = chunk * g.batch / chunks..(chunk + 1) * g.batch / chunks;
        scratch::with(plan.transposed + plan.copied, |memory| {
            level.run(Chunk {
                geometry: g,
                plan: &plan,
                x: &x[images.start * x_len..images.end * x_len],
                dy: &dy[images.start * dy_len..images.end * dy_len],
                // SAFETY: each chunk has its own `sums_len` floats.
                sums: unsafe { shared.slice(chunk * sums_len..(chunk + 1) * sums_len) },
                memory,
            });
        });
    });
    let (total, others) = sums.split_at_mut(sums_len);
    for chunk in others.chunks_exact(sums_len) {
        for (sum, term) in total.iter_mut().zip(chunk) {
            *sum += term;
        }
    }
    plan.unpack(g, total)
}

/// Layout of what one image is turned into.
struct Plan {
    /// Floats in a vector.
    lanes: usize,
    /// Output channels of a group, rounded up to whole vectors.
    padded_out: usize,
    /// Output rows handled at a time.
    band: usize,
    /// Floats of `dy` transposed, of one band and group.
    transposed: usize,
    /// Floats of `x` copied with its padding; none where it has none.
    copied: usize,
    /// Input row and column that the first kernel position reads for output pixel (0, 0).
    first: [isize; 2],
    /// Rows and columns of a copied plane.
    rows: usize,
    pitch: usize,
    /// Distance of each term (input channel, tap) from the first one.
    offsets: Vec<usize>,
    /// Whether the terms come in threes that read consecutive pixels, as those of a 3 x 3 kernel.
    triples: bool,
}

impl Plan {
    fn new(g: &Geometry, lanes: usize) -> Self {
        let forward = g.forward();
        let padded_out = g.group_out().div_ceil(lanes) * lanes;
        let (Some(first), Some(last)) = (forward.taps.first(), forward.taps.last()) else {
            unreachable!("a kernel has at least one position")
        };
        let [height, width] = g.output;
        let reach = [last.dy - first.dy, last.dx - first.dx].map(|d| d as usize);
        let inside = first.dy >= 0
            && first.dx >= 0
            && last.dy as usize + (height - 1) * g.stride[0] < g.input[0]
            && last.dx as usize + (width - 1) * g.stride[1] < g.input[1];

        let wide = (width - 1) * g.stride[1] + reach[1] + 1;
        let per_row = width * padded_out + if inside { 0 } else { g.stride[0] * wide * g.group_in() };
        let band = (BUDGET / per_row.max(1)).clamp(1, height);
        let [rows, pitch] = if inside { g.input } else { [(band - 1) * g.stride[0] + reach[0] + 1, wide] };
        let offsets = (0..g.group_in())
            .flat_map(|i| {
                forward
                    .taps
                    .iter()
                    .map(move |tap| (i * rows + (tap.dy - first.dy) as usize) * pitch + (tap.dx - first.dx) as usize)
            })
            .collect::<Vec<_>>();
        let triples = g.kernel[1] == 3 && offsets.windows(2).step_by(3).all(|o| o[1] == o[0] + 1);
        let transposed = band * width * padded_out;
        let copied = if inside { 0 } else { g.group_in() * rows * pitch + lanes };
        Self { lanes, padded_out, band, transposed, copied, first: [first.dy, first.dx], rows, pitch, offsets, triples }
    }

    /// Blocks of output channels of one group, two vectors wide where possible: `(first channel, vectors)`.
    #[inline(always)]
    fn blocks(&self, lanes: usize) -> impl Iterator<Item = (usize, usize)> + use<> {
        let padded_out = self.padded_out;
        (0..padded_out).step_by(2 * lanes).map(move |first| (first, if first + lanes < padded_out { 2 } else { 1 }))
    }

    /// From `[group, block, term, channel in block]`, with the bias as the last term, to the weight's and the bias'
    /// layout.
    fn unpack(&self, g: &Geometry, sums: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let terms = self.offsets.len();
        let mut weight = vec![0.0; g.channels_out * terms];
        let mut bias = vec![0.0; g.channels_out];
        for group in 0..g.groups {
            for (first, vectors) in self.blocks(self.lanes) {
                let width = vectors * self.lanes;
                let block = &sums[(group * self.padded_out + first) * (terms + 1)..][..width * (terms + 1)];
                for channel in 0..width.min(g.group_out() - first) {
                    let out = group * g.group_out() + first + channel;
                    let column = block.iter().skip(channel).step_by(width);
                    for (w, sum) in weight[out * terms..(out + 1) * terms].iter_mut().zip(column) {
                        *w = *sum;
                    }
                    bias[out] = block[terms * width + channel];
                }
            }
        }
        (weight, bias)
    }
}

/// Consecutive images whose gradients are added to `sums`.
struct Chunk<'a> {
    geometry: &'a Geometry,
    plan: &'a Plan,
    x: &'a [f32],
    dy: &'a [f32],
    sums: &'a mut [f32],
    /// Room for the transposed `dy` and the padded `x`.
    memory: &'a mut [f32],
}

impl Kernel for Chunk<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { geometry: g, plan, x, dy, sums, memory } = self;
        let [height, width] = g.output;
        let x_plane = g.input[0] * g.input[1];
        let images = dy.len() / (g.channels_out * height * width).max(1);
        let (transposed, copied) = memory.split_at_mut(plan.transposed);
        for (image, group) in (0..images).flat_map(|image| (0..g.groups).map(move |group| (image, group))) {
            let x = &x[(image * g.channels_in + group * g.group_in()) * x_plane..][..g.group_in() * x_plane];
            let planes = (image * g.channels_out + group * g.group_out()) * height * width;
            let dy = &dy[planes..][..g.group_out() * height * width];
            for from in (0..height).step_by(plan.band) {
                let rows = plan.band.min(height - from);
                // SAFETY: the slices hold the group's planes; the plan's offsets stay inside `x` or its padded copy.
                unsafe {
                    transpose::<S>(plan, g, dy, from * width, rows * width, transposed.as_mut_ptr());
                    let pixels = if plan.copied > 0 {
                        pad::<S>(plan, g, x, from, rows, copied.as_mut_ptr());
                        copied.as_ptr()
                    } else {
                        let first = plan.first[0] as usize + from * g.stride[0];
                        x.as_ptr().add(first * plan.pitch + plan.first[1] as usize)
                    };
                    let terms = Terms {
                        offsets: &plan.offsets,
                        pixels,
                        rows,
                        width,
                        row_step: g.stride[0] * plan.pitch,
                        step: g.stride[1],
                        triples: plan.triples,
                    };
                    for (first, vectors) in plan.blocks(S::LANES) {
                        let gradients = transposed.as_ptr().add(first * rows * width);
                        let sums = sums.as_mut_ptr().add((group * plan.padded_out + first) * (plan.offsets.len() + 1));
                        match vectors {
                            2 => terms.all::<S, 2>(gradients, sums),
                            _ => terms.all::<S, 1>(gradients, sums),
                        }
                    }
                }
            }
        }
    }
}

/// Transposes `count` pixels of `dy` from pixel `from` on, to `[block of output channels, pixel, channel]`.
#[inline(always)]
unsafe fn transpose<S: Simd>(plan: &Plan, g: &Geometry, dy: &[f32], from: usize, count: usize, to: *mut f32) {
    let plane = g.output[0] * g.output[1];
    for (first, vectors) in plan.blocks(S::LANES) {
        let width = vectors * S::LANES;
        for vector in 0..vectors {
            let first_channel = first + vector * S::LANES;
            let channels = S::LANES.min(g.group_out() - first_channel);
            for pixel in (0..count).step_by(S::LANES) {
                let n = S::LANES.min(count - pixel);
                // SAFETY: channels and pixels are inside `dy`, and `to` has room for all blocks.
                unsafe {
                    let mut lines = [S::splat(0.0); 16];
                    for (channel, line) in lines.iter_mut().enumerate().take(channels) {
                        let p = dy.as_ptr().add((first_channel + channel) * plane + from + pixel);
                        *line = if n == S::LANES { S::load(p) } else { S::load_partial(p, n) };
                    }
                    let to = to.add(first * count + pixel * width + vector * S::LANES);
                    S::store_transposed(&lines[..S::LANES], to, width, n);
                }
            }
        }
    }
}

/// Copies the input rows for `rows` output rows from row `from` on, with zeros around.
#[inline(always)]
unsafe fn pad<S: Simd>(plan: &Plan, g: &Geometry, x: &[f32], from: usize, rows: usize, to: *mut f32) {
    let [height, width] = g.input;
    let [dy, dx] = plan.first;
    let rows = rows * g.stride[0] + plan.rows - plan.band * g.stride[0];
    let left = ((-dx).max(0) as usize).min(plan.pitch);
    let right = ((width as isize - dx).max(0) as usize).clamp(left, plan.pitch);
    let y = dy + (from * g.stride[0]) as isize;
    let lines = Lines { pitch: plan.pitch, count: rows, inside: inside_rows(y, height, 1, rows), columns: left..right };
    for channel in 0..g.group_in() {
        let source = x.as_ptr().wrapping_add(channel * height * width).wrapping_offset(y * width as isize + dx);
        // SAFETY: rows and columns inside are inside `x`; after the last line there is room for a vector.
        unsafe { lines.copy::<S>(source, [width, 1], to.add(channel * plan.rows * plan.pitch)) };
    }
}
