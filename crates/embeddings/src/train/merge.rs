//! Bringing the shards' copies together, the same way whatever the number of threads.
//!
//! A row that one shard touched becomes that shard's copy. Where several did, their changes are added up in the order of the
//! shards, as if one had come after the other, as long as each moved the row only a little of the way to where the text
//! at hand pulls it. A row touched often has gone all of that way in every copy; adding up would overshoot by the number of shards,
//! so there the changes are averaged. In between, with each touch going the part `pull` of the way and `n` touches a copy, a copy has
//! gone `f = 1 - (1 - pull)^n` of it, all `k` one after the other would have gone `1 - (1 - f)^k`, and their sum `k f`: the sum is
//! multiplied by the quotient of the two.

use ognivo_kernels::merge_copies;
use rayon::prelude::*;

use super::rows::{Overlay, Shared, hash, prefetch_row};

/// Moves the table's rows to where the shards have taken them.
///
/// `copies` are the shards' overlays of this table, in the order of the shards.
pub(crate) fn merge(table: Shared, copies: &[&Overlay], pull: f32) {
    let rest = -(1.0 - pull.min(0.999)).ln();
    let parts = if copies.iter().map(|copy| copy.touched.len()).sum::<usize>() < 256 {
        1
    } else {
        rayon::current_num_threads()
    };
    if parts == 1 {
        merge_part(table, copies, rest, 0, 1);
    } else {
        (0..parts).into_par_iter().for_each(|part| merge_part(table, copies, rest, part as u32, parts as u32));
    }
}

/// The rows whose number falls to this part, each from all shards in order.
fn merge_part(table: Shared, copies: &[&Overlay], rest: f32, part: u32, parts: u32) {
    let most: usize = copies.iter().map(|copy| copy.touched.len()).sum();
    let mut map = vec![NONE; (2 * most + 1).next_power_of_two()];
    let mask = map.len() - 1;
    let mut firsts: Vec<u32> = Vec::new();
    let mut all: Vec<Copy> = Vec::new();
    for overlay in copies {
        for (copy, &(row, touches)) in overlay.touched.iter().enumerate() {
            let hash = hash(row);
            // The upper bits say whose it is, the lower ones where it stands in the map.
            if (u64::from(hash) * u64::from(parts)) >> 32 != u64::from(part) {
                continue;
            }
            let mut place = hash as usize & mask;
            while map[place] != NONE && all[map[place] as usize].row != row {
                place = (place + 1) & mask;
            }
            let this = all.len() as u32;
            all.push(Copy { row, touches, at: overlay.copy(copy), next: NONE });
            // The map leads to the last copy so far, which is where the next one is hung; the list of firsts keeps the order.
            match map[place] {
                NONE => firsts.push(this),
                last => all[last as usize].next = this,
            }
            map[place] = this;
        }
    }
    let mut changed: Vec<&[f32]> = Vec::new();
    for (number, &first) in firsts.iter().enumerate() {
        if let Some(&ahead) = firsts.get(number + AHEAD) {
            let ahead = &all[ahead as usize];
            table.prefetch(ahead.row);
            prefetch_row(ahead.at, table.stride);
        }
        changed.clear();
        let (row, mut touches, mut next) = (all[first as usize].row, 0, first);
        while next != NONE {
            let copy = &all[next as usize];
            // SAFETY: copies are `stride` long, and nobody writes to them during a merge.
            changed.push(unsafe { std::slice::from_raw_parts(copy.at, table.stride) });
            (touches, next) = (touches + copy.touches, copy.next);
        }
        // SAFETY: this part alone handles the row, which is `stride` long and apart from all copies.
        let row = unsafe { std::slice::from_raw_parts_mut(table.row(row), table.stride) };
        match &changed[..] {
            [copy] => row.copy_from_slice(copy),
            _ => merge_copies(row, &changed, weight(changed.len(), touches, rest)),
        }
    }
}

/// Rows by which memory is asked for ahead.
const AHEAD: usize = 4;

/// Stands where there is no number.
const NONE: u32 = u32::MAX;

/// One shard's copy of a row, how often it was touched, and the number of the next shard's copy of the same row.
struct Copy {
    row: u32,
    touches: u32,
    at: *const f32,
    next: u32,
}

/// What the sum of the changes of `copies` copies is multiplied by.
fn weight(copies: usize, touches: u32, rest: f32) -> f32 {
    if copies == 1 {
        return 1.0;
    }
    let way = touches as f32 * rest;
    slowness(way / copies as f32) / slowness(way)
}

/// `x / (1 - e^-x)`, for `x >= 0`: how many times longer a way takes if each step is a part of what is left.
fn slowness(x: f32) -> f32 {
    // The function is needed for small numbers almost always; its series goes on with x^6 / 30240.
    if x < 1.0 { 1.0 + x * (0.5 + x * (1.0 / 12.0 - x * x / 720.0)) } else { x / -(-x).exp_m1() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_touches_add_up_and_many_are_averaged() {
        let rest = |pull: f32| -(1.0 - pull).ln();
        assert_eq!(weight(1, 1000, rest(0.1)), 1.0);
        assert!((weight(16, 16, rest(0.001)) - 1.0).abs() < 0.01);
        assert!((weight(16, 16 * 10_000, rest(0.01)) - 1.0 / 16.0).abs() < 1e-6);
        assert_eq!(weight(4, 4, rest(0.0)), 1.0);
        // By hand: f = 1/2, 1 - (1/2)^2 = 3/4, over 2 * 1/2.
        assert!((weight(2, 2, rest(0.5)) - 0.75).abs() < 5e-5);
    }

    #[test]
    fn the_series_is_the_function() {
        for i in 1..2000 {
            let x = f64::from(i) / 1000.0;
            let expected = x / -(-x).exp_m1();
            assert!((f64::from(slowness(x as f32)) - expected).abs() < 4e-5, "{x}");
        }
        assert_eq!(slowness(0.0), 1.0);
    }
}
