//! The forward pass and the gradient to the input: bands of rows of every image, each computed in register tiles.

use std::{mem::MaybeUninit, ops::Range};

use super::{
    channels::{Rows, cost},
    correlation::Correlation,
    geometry::Geometry,
    panel::Panel,
};
use crate::{
    parallel::{Disjoint, filled, for_each, for_each_light},
    scratch,
    simd::{Ahead, Kernel, Level, Simd, blocks},
};

/// What the sums become before they are written.
#[derive(Clone, Copy, Default)]
pub(super) struct Finish<'a> {
    /// Factors of the output channels, multiplied into the weights.
    pub(super) scale: Option<&'a [f32]>,
    /// Added to the output channels.
    pub(super) bias: Option<&'a [f32]>,
    /// The least and the greatest value written.
    pub(super) limits: Option<[f32; 2]>,
}

/// The output for the input `x`.
pub(super) fn forward(level: Level, g: &Geometry, x: &[f32], weight: &[f32], finish: Finish) -> Vec<f32> {
    let per_output = g.group_in() * g.kernel_area();
    let strides = WeightStrides { group: g.group_out() * per_output, output: per_output, input: g.kernel_area() };
    correlate(level, g.batch, g.groups, &[g.forward()], x, (weight, strides), finish)
}

/// The gradient to the input for the output's gradient `dy`, plus `bias` on each input channel.
pub(super) fn input_gradient(level: Level, g: &Geometry, weight: &[f32], dy: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let per_output = g.group_in() * g.kernel_area();
    let strides = WeightStrides { group: g.group_out() * per_output, output: g.kernel_area(), input: per_output };
    let finish = Finish { bias, ..Finish::default() };
    correlate(level, g.batch, g.groups, &g.input_gradient(), dy, (weight, strides), finish)
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
    finish: Finish,
) -> Vec<f32> {
    let channels_in = groups * correlations.first().map_or(0, |c| c.channels_in);
    let channels_out = groups * correlations.first().map_or(0, |c| c.channels_out);
    let [out_plane, in_plane] = correlations.first().map_or([0; 2], |c| [c.output, c.input].map(|[h, w]| h * w));
    assert!(input.len() >= batch * channels_in * in_plane);
    assert!([finish.bias, finish.scale].iter().flatten().all(|values| values.len() >= channels_out));

    // How the work is cut does not change any sum: cut finer where there are few images.
    let pieces = (4 * rayon::current_num_threads()).div_ceil((batch * correlations.len()).max(1));
    let pieces = if rayon::current_num_threads() == 1 { 1 } else { pieces };
    let parts: Vec<Part> =
        correlations.iter().map(|c| Part::new(level, c, groups, pieces, weight, finish.scale)).collect();
    let jobs: Vec<(&Part, Piece)> =
        parts.iter().flat_map(|part| part.pieces(groups).map(move |piece| (part, piece))).collect();
    let run = |output: &mut [MaybeUninit<f32>]| {
        let output = Disjoint::new(output);
        for_each(batch * jobs.len(), |index| {
            let (image, (part, piece)) = (index / jobs.len(), &jobs[index % jobs.len()]);
            let planes = image * channels_out * out_plane;
            let image_len = channels_in * in_plane;
            scratch::with(part.panel.len + part.collected() + part.turned(level), |memory| {
                level.run(Band {
                    part,
                    piece: piece.clone(),
                    input: &input[image * image_len..(image + 1) * image_len],
                    ahead: next(input, image + 1, image_len, index % jobs.len(), jobs.len()),
                    finish,
                    output: output.pointer(planes).cast(),
                    memory,
                });
            });
        });
    };
    // SAFETY: the correlations cover every pixel of every plane, and no two pieces share one.
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
    /// Groups, and output channels of each, that one job computes.
    groups: usize,
    channels: usize,
    weight: Vec<f32>,
}

/// What a job computes: some groups, of each some channels, of these some grid rows.
#[derive(Clone)]
struct Piece {
    groups: Range<usize>,
    channels: Range<usize>,
    first_row: usize,
}

impl<'a> Part<'a> {
    /// `c`, to be computed in `pieces` jobs an image, if that many can be had.
    ///
    /// Every job reads the weights of its channels and the input of its groups and rows. So groups are split first; else channels
    /// where their weights are more than the input, as they are deep in a network, or rows.
    fn new(
        level: Level,
        c: &'a Correlation,
        groups: usize,
        pieces: usize,
        weight: (&[f32], WeightStrides),
        scale: Option<&[f32]>,
    ) -> Self {
        let terms = c.channels_in * c.taps.len();
        let split = |count: usize| count.div_ceil(pieces.clamp(1, count.max(1)));
        let groups_at_once = if groups > 1 { split(groups) } else { 1 };
        let by_channels = groups == 1 && terms * c.channels_out > c.channels_in * c.input[0] * c.input[1];
        // Channels are cut into whole blocks of either tile.
        let block = [2 * level.lanes(), level.tile_rows()];
        let blocks = |block: usize| split(c.channels_out.div_ceil(block)) * block;
        let rows = match (groups > 1, by_channels) {
            (true, _) => pieces.div_ceil(groups.div_ceil(groups_at_once)),
            (_, true) => pieces.div_ceil(c.channels_out.div_ceil(blocks(block[0]))),
            _ => pieces,
        };
        let panel = Panel::new(c, level.lanes(), rows);
        let across = across_channels(level, c, &panel);
        let block = block[usize::from(!across)];
        let channels = if by_channels { blocks(block) } else { c.channels_out };
        Self {
            correlation: c,
            panel,
            across,
            groups: groups_at_once,
            channels: channels.max(1),
            weight: pack(block, groups, c, weight, scale),
        }
    }

    /// The jobs of an image.
    fn pieces(&self, groups: usize) -> impl Iterator<Item = Piece> {
        let c = self.correlation;
        let rows = move |channels: Range<usize>, groups: Range<usize>| {
            (0..c.grid[0]).step_by(self.panel.band).map(move |first_row| Piece {
                groups: groups.clone(),
                channels: channels.clone(),
                first_row,
            })
        };
        let ranges = |count: usize, step: usize| (0..count).step_by(step).map(move |at| at..count.min(at + step));
        ranges(groups, self.groups).flat_map(move |groups| {
            ranges(c.channels_out, self.channels).flat_map(move |channels| rows(channels, groups.clone()))
        })
    }
}

/// Whether tiles with channels across the lanes are faster: they must be whole vectors, and enough terms must pay for the
/// transposition. With few registers both tiles are equally large, and the weights of this one stay in the first-level cache, which is worth an
/// eighth; with many the other is half as large again, and must waste an eighth of it.
fn across_channels(level: Level, c: &Correlation, panel: &Panel) -> bool {
    let (lanes, registers) = (level.lanes(), level.registers());
    let with_pixels = panel.spans(panel.band).len() * lanes;
    let with_channels = cost(panel.band * c.grid[1], registers);
    let faster = with_channels * 8 < with_pixels * if registers >= 32 { 7 } else { 9 };
    c.channels_out.is_multiple_of(lanes) && panel.offsets.len() >= 64 && faster
}

impl Part<'_> {
    /// Floats to hold a band's result where it must be spread over the output afterwards.
    #[inline(always)]
    fn collected(&self) -> usize {
        let c = self.correlation;
        if c.step == [1, 1] { 0 } else { c.channels_out * self.panel.band * c.grid[1] }
    }

    /// Floats to hold two vectors of channels for each pixel of a band before they are transposed.
    fn turned(&self, level: Level) -> usize {
        if self.across { 2 * level.lanes() * self.panel.band * self.correlation.grid[1] } else { 0 }
    }
}

/// Blocks of channels that a task packs.
const PACKED: usize = 4;

fn pack(
    block: usize,
    groups: usize,
    c: &Correlation,
    (weight, strides): (&[f32], WeightStrides),
    scale: Option<&[f32]>,
) -> Vec<f32> {
    let terms = c.channels_in * c.taps.len();
    let blocks: Vec<(usize, usize, usize)> = (0..groups)
        .flat_map(|group| blocks(c.channels_out, block).map(move |(first, size)| (group, first, size)))
        .collect();
    let length = groups * c.channels_out * terms;
    let write = |packed: &mut [MaybeUninit<f32>]| {
        let packed = Disjoint::new(packed);
        for_each_light(blocks.len().div_ceil(PACKED), length, |task| {
            for &(group, first, size) in blocks.iter().skip(task * PACKED).take(PACKED) {
                let channel = group * c.channels_out + first;
                // SAFETY: blocks are disjoint and each is visited once.
                let packed = unsafe { packed.slice(channel * terms..(channel + size) * terms) };
                let mut lines = packed.chunks_exact_mut(size);
                let scale = scale.map(|scale| &scale[channel..channel + size]);
                for i in 0..c.channels_in {
                    for tap in &c.taps {
                        let base = group * strides.group + first * strides.output + i * strides.input + tap.index;
                        let values = weight[base..].iter().step_by(strides.output);
                        let line = lines.next().unwrap_or_default();
                        let places = line.iter_mut().zip(values);
                        match scale {
                            Some(scale) => places.zip(scale).for_each(|((to, value), by)| _ = to.write(value * by)),
                            None => places.for_each(|(to, value)| _ = to.write(*value)),
                        }
                    }
                }
            }
        });
    };
    // SAFETY: the blocks make up the whole, and each has a line for every term.
    unsafe { filled(length, write) }
}

/// A piece of one image.
struct Band<'a> {
    part: &'a Part<'a>,
    piece: Piece,
    input: &'a [f32],
    /// Input that the next piece of this thread is likely to need.
    ahead: &'a [f32],
    finish: Finish<'a>,
    output: *mut f32,
    /// Room for the panel and for what [`Part::collected`] and [`Part::turned`] ask.
    memory: &'a mut [f32],
}

impl Kernel for Band<'_> {
    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { part, piece, input, ahead, finish, output, memory } = self;
        let Part { correlation: c, panel, across, weight, .. } = part;
        let first = piece.first_row;
        let rows = panel.band.min(c.grid[0] - first);
        let pixels = rows * c.grid[1];
        let terms = panel.offsets.len();
        let in_planes = c.channels_in * c.input[0] * c.input[1];
        let out_plane = c.output[0] * c.output[1];
        let dense = c.step == [1, 1];
        let (copy, memory) = memory.split_at_mut(panel.len);
        let (collected, turned) = memory.split_at_mut(part.collected());
        let spans = panel.spans(rows);
        let steps = if *across { pixels.div_ceil(8) } else { spans.len().div_ceil(S::TILE.1) };
        let mut ahead = Ahead::new(ahead, piece.groups.len() * steps);
        let channels = piece.channels.len();
        for group in piece.groups {
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
                let channel = group * c.channels_out + piece.channels.start;
                let group_output = output.add(channel * out_plane);
                let sums = Sums {
                    offsets: &panel.offsets,
                    panel: terms_from,
                    weight: weight.as_ptr().add(channel * terms),
                    bias: finish.bias.map(|b| b.as_ptr().add(channel)),
                    limits: finish.limits,
                    output: if dense { group_output.add(first * c.grid[1]) } else { collected.as_mut_ptr() },
                    plane: if dense { out_plane } else { pixels },
                };
                if *across {
                    let rows = Rows { count: rows, width: c.grid[1], pitch: panel.pitch };
                    sums.across_channels::<S>(rows, channels, turned.as_mut_ptr(), &mut ahead);
                } else {
                    sums.across_pixels::<S>(spans, channels, &mut ahead);
                }
                if !dense {
                    scatter(c, channels, collected, group_output, first, rows);
                }
            }
        }
    }
}

/// Spreads grid rows from `first` on of `channels` channels over the output planes.
#[inline(always)]
unsafe fn scatter(c: &Correlation, channels: usize, collected: &[f32], output: *mut f32, first: usize, rows: usize) {
    let [step_y, step_x] = c.step;
    let width = c.grid[1];
    for channel in 0..channels {
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
    pub(super) limits: Option<[f32; 2]>,
    pub(super) output: *mut f32,
    /// Floats from one output channel to the next.
    pub(super) plane: usize,
}

impl Sums<'_> {
    /// `sums` between the limits.
    #[inline(always)]
    pub(super) unsafe fn limited<S: Simd>(&self, sums: S::V) -> S::V {
        match self.limits {
            // SAFETY: the caller's.
            Some([low, high]) => unsafe { S::clamp(sums, S::splat(low), S::splat(high)) },
            None => sums,
        }
    }
}
