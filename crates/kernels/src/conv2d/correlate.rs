//! The forward pass and the gradient to the input: bands of rows of every image, each computed in register tiles.

use std::mem::MaybeUninit;

use super::{
    channels::{MOST_PIXELS, Rows},
    correlation::Correlation,
    geometry::Geometry,
    panel::Panel,
};
use crate::{
    parallel::{Disjoint, filled, for_each},
    scratch,
    simd::{Ahead, Kernel, Level, Simd, blocks},
};

/// The output for the input `x`.
pub(super) fn forward(level: Level, g: &Geometry, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let per_output = g.group_in() * g.kernel_area();
    let strides = WeightStrides { group: g.group_out() * per_output, output: per_output, input: g.kernel_area() };
    correlate(level, g.batch, g.groups, &[g.forward()], x, (weight, strides), bias)
}

/// The gradient to the input for the output's gradient `dy`, plus `bias` on each input channel.
pub(super) fn input_gradient(level: Level, g: &Geometry, weight: &[f32], dy: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let per_output = g.group_in() * g.kernel_area();
    let strides = WeightStrides { group: g.group_out() * per_output, output: g.kernel_area(), input: per_output };
    correlate(level, g.batch, g.groups, &g.input_gradient(), dy, (weight, strides), bias)
}

/// Where the weight of (group, output channel, input channel, tap) lies, as floats from one to the next; taps are
/// consecutive. Swapping channels gives the gradient to the input.
#[derive(Clone, Copy, Debug)]
struct WeightStrides {
    group: usize,
    output: usize,
    input: usize,
}

/// Computes all `correlations` (which together cover the output) of a batch of inputs `[batch, groups * channels_in,
/// ..]`.
fn correlate(
    level: Level,
    batch: usize,
    groups: usize,
    correlations: &[Correlation],
    input: &[f32],
    weight: (&[f32], WeightStrides),
    bias: Option<&[f32]>,
) -> Vec<f32> {
    let channels_in = groups * correlations.first().map_or(0, |c| c.channels_in);
    let channels_out = groups * correlations.first().map_or(0, |c| c.channels_out);
    let [out_plane, in_plane] = correlations.first().map_or([0; 2], |c| [c.output, c.input].map(|[h, w]| h * w));
    assert!(input.len() >= batch * channels_in * in_plane && bias.is_none_or(|b| b.len() >= channels_out));

    // How the rows are cut does not change any sum: cut finer where there are few images.
    let pieces = (4 * rayon::current_num_threads()).div_ceil((batch * correlations.len()).max(1));
    let pieces = if rayon::current_num_threads() == 1 { 1 } else { pieces };
    let parts: Vec<Part> = correlations
        .iter()
        .map(|c| {
            let panel = Panel::new(c, level.lanes(), pieces);
            let across = across_channels(level, c, &panel);
            let block = if across { 2 * level.lanes() } else { level.tile_rows() };
            Part { correlation: c, panel, across, weight: pack(block, groups, c, weight.0, weight.1) }
        })
        .collect();
    let jobs: Vec<(&Part, usize)> = parts
        .iter()
        .flat_map(|part| (0..part.correlation.grid[0]).step_by(part.panel.band).map(move |first| (part, first)))
        .collect();
    let run = |output: &mut [MaybeUninit<f32>]| {
        let output = Disjoint::new(output);
        for_each(batch * jobs.len(), |index| {
            let (image, (part, first)) = (index / jobs.len(), jobs[index % jobs.len()]);
            let planes = image * channels_out * out_plane;
            let image_len = channels_in * in_plane;
            scratch::with(part.panel.len + part.collected() + part.turned(level), |memory| {
                level.run(Band {
                    part,
                    groups,
                    first,
                    input: &input[image * image_len..(image + 1) * image_len],
                    ahead: next(input, image + 1, image_len, index % jobs.len(), jobs.len()),
                    bias,
                    output: output.pointer(planes).cast(),
                    memory,
                });
            });
        });
    };
    // SAFETY: the correlations cover every pixel of every plane, and no two bands share one.
    unsafe { filled(batch * channels_out * out_plane, run) }
}

/// The share of image `image` that job number `job` of the image before it should fetch; empty after the last image.
fn next(input: &[f32], image: usize, len: usize, job: usize, jobs: usize) -> &[f32] {
    input.get(image * len + job * len / jobs..image * len + (job + 1) * len / jobs).unwrap_or_default()
}

/// A correlation made ready: the layout of its input, and its weights `[group, block of channels, term, channel]`.
struct Part<'a> {
    correlation: &'a Correlation,
    panel: Panel,
    /// Whether output channels go across the lanes instead of pixels.
    across: bool,
    weight: Vec<f32>,
}

/// Whether tiles with channels across the lanes are faster: they must be whole vectors, enough terms must pay for the
/// transposition, and pixels across the lanes must waste an eighth at least.
fn across_channels(level: Level, c: &Correlation, panel: &Panel) -> bool {
    let lanes = level.lanes();
    let with_pixels = panel.spans(panel.band).len() * lanes;
    let with_channels = panel.channel_rows(c, panel.band, level.registers()).cost(level.registers());
    c.channels_out.is_multiple_of(lanes) && panel.offsets.len() >= 64 && with_channels * 8 < with_pixels * 7
}

impl Panel {
    /// A band of `rows` for tiles with channels across the lanes. A copy has room behind its last pixel, the input itself has none.
    #[inline(always)]
    fn channel_rows(&self, c: &Correlation, rows: usize, registers: usize) -> Rows {
        Rows::new(rows, c.grid[1], self.pitch, self.len > 0, registers)
    }
}

impl Part<'_> {
    /// Floats to hold a band's result where it must be spread over the output afterwards.
    #[inline(always)]
    fn collected(&self) -> usize {
        let c = self.correlation;
        if c.step == [1, 1] { 0 } else { c.channels_out * self.panel.band * c.grid[1] }
    }

    /// Floats to hold two vectors of channels for each pixel of a band before they are transposed. The last band has fewer rows, and so no
    /// more pixels either way.
    fn turned(&self, level: Level) -> usize {
        let panel = &self.panel;
        let joined = (panel.band * panel.pitch).next_multiple_of(MOST_PIXELS);
        if self.across { 2 * level.lanes() * joined.max(panel.band * self.correlation.grid[1]) } else { 0 }
    }
}

fn pack(block: usize, groups: usize, c: &Correlation, weight: &[f32], strides: WeightStrides) -> Vec<f32> {
    let terms = c.channels_in * c.taps.len();
    let mut packed = Vec::with_capacity(groups * c.channels_out * terms);
    for group in 0..groups {
        for (first, size) in blocks(c.channels_out, block) {
            for i in 0..c.channels_in {
                for tap in &c.taps {
                    let base = group * strides.group + first * strides.output + i * strides.input + tap.index;
                    packed.extend((0..size).map(|m| weight[base + m * strides.output]));
                }
            }
        }
    }
    packed
}

/// Grid rows from `first` on, of one image, all groups.
struct Band<'a> {
    part: &'a Part<'a>,
    groups: usize,
    first: usize,
    input: &'a [f32],
    /// Input that the next band of this thread is likely to need.
    ahead: &'a [f32],
    bias: Option<&'a [f32]>,
    output: *mut f32,
    /// Room for the panel and for what [`Part::collected`] and [`Part::turned`] ask.
    memory: &'a mut [f32],
}

impl Kernel for Band<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { part, groups, first, input, ahead, bias, output, memory } = self;
        let Part { correlation: c, panel, across, weight } = part;
        let rows = panel.band.min(c.grid[0] - first);
        let pixels = rows * c.grid[1];
        let terms = panel.offsets.len();
        let in_planes = c.channels_in * c.input[0] * c.input[1];
        let out_plane = c.output[0] * c.output[1];
        let dense = c.step == [1, 1];
        let (copy, memory) = memory.split_at_mut(panel.len);
        let (collected, turned) = memory.split_at_mut(part.collected());
        let spans = panel.spans(rows);
        let steps = if *across { rows } else { spans.len().div_ceil(S::TILE.1) };
        let mut ahead = Ahead::new(ahead, groups * steps);
        for group in 0..groups {
            // SAFETY: the input holds all groups' planes, the output room for them; the panel's offsets and spans stay
            // inside what it copied or, for a direct panel, inside the input.
            unsafe {
                let planes = input.as_ptr().add(group * in_planes);
                let terms_from = match panel.direct(first) {
                    Some(start) => planes.add(start),
                    None => {
                        panel.fill::<S>(c, planes, first, rows, copy.as_mut_ptr());
                        copy.as_ptr()
                    }
                };
                let channel = group * c.channels_out;
                let group_output = output.add(channel * out_plane);
                let sums = Sums {
                    offsets: &panel.offsets,
                    panel: terms_from,
                    weight: weight.as_ptr().add(channel * terms),
                    bias: bias.map(|b| b.as_ptr().add(channel)),
                    output: if dense { group_output.add(first * c.grid[1]) } else { collected.as_mut_ptr() },
                    plane: if dense { out_plane } else { pixels },
                };
                if *across {
                    let rows = panel.channel_rows(c, rows, S::REGISTERS);
                    sums.across_channels::<S>(rows, c.channels_out, turned.as_mut_ptr(), &mut ahead);
                } else {
                    sums.across_pixels::<S>(spans, c.channels_out, &mut ahead);
                }
                if !dense {
                    scatter(c, collected, group_output, first, rows);
                }
            }
        }
    }
}

/// Spreads grid rows from `first` on over the output planes.
#[inline(always)]
unsafe fn scatter(c: &Correlation, collected: &[f32], output: *mut f32, first: usize, rows: usize) {
    let [step_y, step_x] = c.step;
    let width = c.grid[1];
    for channel in 0..c.channels_out {
        for row in 0..rows {
            let from = &collected[(channel * rows + row) * width..][..width];
            let y = c.origin[0] + (first + row) * step_y;
            // SAFETY: grid pixels lie inside the output planes.
            unsafe {
                let to = output.add((channel * c.output[0] + y) * c.output[1] + c.origin[1]);
                for (x, value) in from.iter().enumerate() {
                    *to.add(x * step_x) = *value;
                }
            }
        }
    }
}

/// What the tiles of a band share.
pub(super) struct Sums<'a> {
    pub(super) offsets: &'a [usize],
    pub(super) panel: *const f32,
    pub(super) weight: *const f32,
    pub(super) bias: Option<*const f32>,
    pub(super) output: *mut f32,
    /// Floats from one output channel to the next.
    pub(super) plane: usize,
}
