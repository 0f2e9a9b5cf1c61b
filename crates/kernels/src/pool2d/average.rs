//! Average pooling of planes.

use std::mem::MaybeUninit;

use super::window::{Window, strided};
use crate::{
    parallel::{fill, filled_by_pieces},
    simd::vectorised,
    sums::{BLOCK, Lanes, add, fold},
};

/// The means over all windows of all planes of `x`.
pub(super) fn forward(x: &[f32], window: &Window, count_padding: bool) -> Vec<f32> {
    let input = window.input();
    let widths = widths(window, count_padding);
    let write = |plane: usize, y: &mut [MaybeUninit<f32>]| {
        let x = &x[plane * input..][..input];
        if whole_plane(window) {
            let sum: f64 = x.chunks(BLOCK).map(sum).sum();
            y[0].write((sum / input as f64) as f32);
        } else {
            average(x, y, window, &widths, count_padding);
        }
    };
    // SAFETY: a window that is the whole plane has one output, and `average` writes every output.
    unsafe { filled_by_pieces(window.planes, window.output(), x.len(), write) }
}

/// The inputs' gradients: each output's is shared out over its window.
pub(super) fn backward(gradient: &[f32], window: &Window, count_padding: bool) -> Vec<f32> {
    let (input, output) = (window.input(), window.output());
    let widths = widths(window, count_padding);
    let write = |plane: usize, dx: &mut [MaybeUninit<f32>]| {
        let gradient = &gradient[plane * output..][..output];
        if whole_plane(window) {
            fill(dx, gradient[0] / input as f32);
        } else {
            share_out(gradient, fill(dx, 0.0), window, &widths, count_padding);
        }
    };
    // SAFETY: `fill` writes the whole plane.
    unsafe { filled_by_pieces(window.planes, input, window.planes * input, write) }
}

/// Whether the one window is the plane itself.
fn whole_plane(window: &Window) -> bool {
    [window.rows, window.columns].iter().all(|side| side.kernel == side.input && side.padding == 0 && side.output == 1)
}

/// For each output of a row, how many columns its mean counts.
fn widths(window: &Window, count_padding: bool) -> Vec<f32> {
    (0..window.columns.output).map(|column| window.columns.counted(column, count_padding) as f32).collect()
}

fn sum(x: &[f32]) -> f64 {
    let mut sums = Lanes::default();
    add(&mut sums, x);
    fold(sums)
}

vectorised! {
    fn average(x: &[f32], y: &mut [MaybeUninit<f32>], window: &Window, widths: &[f32], count_padding: bool) {
        let Window { rows, columns, .. } = window;
        for row in 0..rows.output {
            let y = fill(&mut y[row * columns.output..][..columns.output], 0.0);
            for down in rows.places(row) {
                let line = &x[rows.input_at(row, down) * columns.input..][..columns.input];
                for across in 0..columns.kernel {
                    let outputs = columns.outputs(across);
                    if outputs.is_empty() {
                        continue;
                    }
                    let line = &line[columns.input_at(outputs.start, across)..];
                    let y = &mut y[outputs];
                    assert!((y.len() - 1) * columns.stride < line.len());
                    strided(y.len(), columns.stride, |output, input| {
                        // SAFETY: the assertion above bounds both.
                        unsafe { *y.get_unchecked_mut(output) += line.get_unchecked(input) };
                    });
                }
            }
            let height = rows.counted(row, count_padding) as f32;
            for (y, width) in y.iter_mut().zip(widths) {
                *y /= (height * width).max(1.0);
            }
        }
    }

    fn share_out(gradient: &[f32], dx: &mut [f32], window: &Window, widths: &[f32], count_padding: bool) {
        let Window { rows, columns, .. } = window;
        let mut shares = vec![0f32; columns.output];
        for row in 0..rows.output {
            let gradient = &gradient[row * columns.output..][..columns.output];
            let height = rows.counted(row, count_padding) as f32;
            for ((share, gradient), width) in shares.iter_mut().zip(gradient).zip(widths) {
                *share = gradient / (height * width).max(1.0);
            }
            for down in rows.places(row) {
                let line = &mut dx[rows.input_at(row, down) * columns.input..][..columns.input];
                for across in 0..columns.kernel {
                    let outputs = columns.outputs(across);
                    if outputs.is_empty() {
                        continue;
                    }
                    let line = &mut line[columns.input_at(outputs.start, across)..];
                    let shares = &shares[outputs];
                    assert!((shares.len() - 1) * columns.stride < line.len());
                    strided(shares.len(), columns.stride, |output, input| {
                        // SAFETY: the assertion above bounds both.
                        unsafe { *line.get_unchecked_mut(input) += shares.get_unchecked(output) };
                    });
                }
            }
        }
    }
}
