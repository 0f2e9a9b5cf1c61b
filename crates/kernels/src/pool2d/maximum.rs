//! Maximum pooling of planes.

use std::mem::MaybeUninit;

use super::window::{Window, strided};
use crate::{
    parallel::{Disjoint, fill, filled, filled_by_pieces, for_each_light},
    simd::vectorised,
};

/// For every output, the place in its window where the maximum was found, counted row by row.
#[derive(Debug)]
pub(super) enum Places {
    /// For windows of up to 255 places.
    Small(Vec<u8>),
    /// For larger windows.
    Large(Vec<u32>),
}

/// How a place is stored.
trait Place: Copy + Send + Sync {
    /// Says that the output depends on no input.
    const NONE: Self;
    fn new(place: u32) -> Self;
    fn index(self) -> usize;
}

impl Place for u8 {
    const NONE: u8 = u8::MAX;
    #[inline(always)]
    fn new(place: u32) -> Self {
        place as u8
    }
    #[inline(always)]
    fn index(self) -> usize {
        usize::from(self)
    }
}

impl Place for u32 {
    const NONE: u32 = u32::MAX;
    #[inline(always)]
    fn new(place: u32) -> Self {
        place
    }
    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

/// The maxima over all windows of all planes of `x`, rectified if asked, and their places.
pub(super) fn forward(x: &[f32], window: &Window, rectify: bool) -> (Vec<f32>, Places) {
    if window.rows.kernel * window.columns.kernel < usize::from(u8::NONE) {
        let (y, places) = planes(x, window, rectify, small_plane);
        (y, Places::Small(places))
    } else {
        let (y, places) = planes(x, window, rectify, large_plane);
        (y, Places::Large(places))
    }
}

type Plane<P> = fn(&[f32], &mut [MaybeUninit<f32>], &mut [MaybeUninit<P>], &Window, bool);

fn planes<P: Place>(x: &[f32], window: &Window, rectify: bool, plane: Plane<P>) -> (Vec<f32>, Vec<P>) {
    let (input, output) = (window.input(), window.output());
    let count = window.planes;
    let mut places = Vec::new();
    let write = |y: &mut [MaybeUninit<f32>]| {
        let write = |places: &mut [MaybeUninit<P>]| {
            let (y, places) = (Disjoint::new(y), Disjoint::new(places));
            for_each_light(count, x.len(), |index| {
                let range = index * output..(index + 1) * output;
                // SAFETY: planes are disjoint and each is visited once.
                let (y, places) = unsafe { (y.slice(range.clone()), places.slice(range)) };
                plane(&x[index * input..][..input], y, places, window, rectify);
            });
        };
        // SAFETY: the planes cover the places, and `plane` writes all of its part.
        places = unsafe { filled(count * output, write) };
    };
    // SAFETY: the planes cover the outputs, and `plane` writes all of its part.
    let y = unsafe { filled(count * output, write) };
    (y, places)
}

vectorised! {
    fn small_plane(
        x: &[f32],
        y: &mut [MaybeUninit<f32>],
        places: &mut [MaybeUninit<u8>],
        window: &Window,
        rectify: bool,
    ) {
        if window.rows.pairs() && window.columns.pairs() {
            pairs(x, y, places, window, rectify);
        } else {
            any_window(x, y, places, window, rectify);
        }
    }

    fn large_plane(
        x: &[f32],
        y: &mut [MaybeUninit<f32>],
        places: &mut [MaybeUninit<u32>],
        window: &Window,
        rectify: bool,
    ) {
        any_window(x, y, places, window, rectify);
    }

    fn scatter_pairs(gradient: &[f32], places: &[u8], dx: &mut [MaybeUninit<f32>], window: &Window) {
        let (width, outputs) = (window.columns.input, window.columns.output);
        for row in 0..window.rows.output {
            let (upper, lower) = dx[2 * row * width..][..2 * width].split_at_mut(width);
            let (gradient, places) = (&gradient[row * outputs..][..outputs], &places[row * outputs..][..outputs]);
            for (line, first) in [(&mut *upper, 0), (&mut *lower, 2)] {
                let (pairs, rest) = line.split_at_mut(2 * outputs);
                for ((pair, gradient), place) in pairs.chunks_exact_mut(2).zip(gradient).zip(places) {
                    pair[0].write(if *place == first { *gradient } else { 0.0 });
                    pair[1].write(if *place == first + 1 { *gradient } else { 0.0 });
                }
                for value in rest {
                    value.write(0.0);
                }
            }
        }
        for value in &mut dx[2 * window.rows.output * width..] {
            value.write(0.0);
        }
    }
}

/// Whether `value`, later in the window, takes the place of `best`.
#[inline(always)]
fn wins(value: f32, best: f32) -> bool {
    (value > best) | value.is_nan()
}

/// Windows of 2 by 2 side by side.
#[inline(always)]
fn pairs(x: &[f32], y: &mut [MaybeUninit<f32>], places: &mut [MaybeUninit<u8>], window: &Window, rectify: bool) {
    let (width, outputs) = (window.columns.input, window.columns.output);
    for row in 0..window.rows.output {
        let (upper, lower) = x[2 * row * width..][..2 * width].split_at(width);
        let (y, places) = (&mut y[row * outputs..][..outputs], &mut places[row * outputs..][..outputs]);
        let windows = upper.chunks_exact(2).zip(lower.chunks_exact(2));
        for ((y, place), (upper, lower)) in y.iter_mut().zip(places).zip(windows) {
            let (mut best, mut at) = (upper[0], 0u32);
            for (value, index) in [(upper[1], 1), (lower[0], 2), (lower[1], 3)] {
                at = if wins(value, best) { index } else { at };
                best = if wins(value, best) { value } else { best };
            }
            let cleared = rectify & (best <= 0.0);
            y.write(if cleared { 0.0 } else { best });
            place.write(if cleared { u8::NONE } else { at as u8 });
        }
    }
}

#[inline(always)]
fn any_window<P: Place>(
    x: &[f32],
    y: &mut [MaybeUninit<f32>],
    places: &mut [MaybeUninit<P>],
    window: &Window,
    rectify: bool,
) {
    const NONE: u32 = u32::MAX;
    let Window { rows, columns, .. } = window;
    let (mut best, mut at) = (vec![0f32; columns.output], vec![0u32; columns.output]);
    for row in 0..rows.output {
        best.fill(f32::NEG_INFINITY);
        at.fill(NONE);
        for down in rows.places(row) {
            let line = &x[rows.input_at(row, down) * columns.input..][..columns.input];
            for across in 0..columns.kernel {
                let outputs = columns.outputs(across);
                if outputs.is_empty() {
                    continue;
                }
                let place = (down * columns.kernel + across) as u32;
                let line = &line[columns.input_at(outputs.start, across)..];
                let (best, at) = (&mut best[outputs.clone()], &mut at[outputs]);
                assert!(at.len() == best.len() && (best.len() - 1) * columns.stride < line.len());
                strided(best.len(), columns.stride, |output, input| {
                    // SAFETY: the assertion above bounds both.
                    let (value, best, at) = unsafe {
                        (*line.get_unchecked(input), best.get_unchecked_mut(output), at.get_unchecked_mut(output))
                    };
                    let wins = wins(value, *best);
                    *at = if wins { place } else { *at };
                    *best = if wins { value } else { *best };
                });
            }
        }
        let down = rows.places(row);
        for (output, at) in at.iter_mut().enumerate() {
            // A window of -∞ alone: nothing exceeded the start value, so the first place has it.
            let across = columns.places(output);
            if *at == NONE && !down.is_empty() && !across.is_empty() {
                *at = (down.start * columns.kernel + across.start) as u32;
            }
        }
        let (y, places) = (&mut y[row * columns.output..][..columns.output], &mut places[row * columns.output..]);
        for (((y, place), best), at) in y.iter_mut().zip(places).zip(&best).zip(&at) {
            let cleared = rectify & (*best <= 0.0);
            y.write(if cleared { 0.0 } else { *best });
            place.write(if cleared || *at == NONE { P::NONE } else { P::new(*at) });
        }
    }
}

/// The inputs' gradients: each output's goes to the place of its maximum.
pub(super) fn backward(gradient: &[f32], places: &Places, window: &Window) -> Vec<f32> {
    match places {
        Places::Small(places) if window.rows.pairs() && window.columns.pairs() => {
            each_plane(gradient, places, window, |gradient, places, dx| scatter_pairs(gradient, places, dx, window))
        }
        Places::Small(places) => each_plane(gradient, places, window, scatter(window)),
        Places::Large(places) => each_plane(gradient, places, window, scatter(window)),
    }
}

fn each_plane<P: Place>(
    gradient: &[f32],
    places: &[P],
    window: &Window,
    scatter: impl Fn(&[f32], &[P], &mut [MaybeUninit<f32>]) + Sync + Send,
) -> Vec<f32> {
    let (input, output) = (window.input(), window.output());
    let write = |plane: usize, dx: &mut [MaybeUninit<f32>]| {
        scatter(&gradient[plane * output..][..output], &places[plane * output..][..output], dx);
    };
    // SAFETY: `scatter` writes the whole plane.
    unsafe { filled_by_pieces(window.planes, input, window.planes * input, write) }
}

fn scatter<P: Place>(window: &Window) -> impl Fn(&[f32], &[P], &mut [MaybeUninit<f32>]) + Sync + Send {
    let Window { rows, columns, .. } = *window;
    move |gradient, places, dx| {
        let dx = fill(dx, 0.0);
        let outputs = (0..rows.output).flat_map(|row| (0..columns.output).map(move |column| (row, column)));
        for (((row, column), gradient), place) in outputs.zip(gradient).zip(places) {
            let place = place.index();
            if place != P::NONE.index() {
                let (down, across) = (place / columns.kernel, place % columns.kernel);
                dx[rows.input_at(row, down) * columns.input + columns.input_at(column, across)] += gradient;
            }
        }
    }
}
