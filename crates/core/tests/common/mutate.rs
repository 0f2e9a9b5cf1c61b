//! Damaged copies of a file, for tests that a parser survives anything.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Calls `parse` with `count` damaged copies of each of `files`; the same ones at every run.
///
/// The first copies are cut at every byte of the file's first 64 and are followed by random damage.
pub(crate) fn for_each_mutant(files: &[&[u8]], count: usize, mut parse: impl FnMut(&[u8])) {
    for (number, file) in files.iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(number as u64);
        let cuts = file.len().min(64).min(count);
        (0..cuts).for_each(|length| parse(&file[..length]));
        (cuts..count).for_each(|_| parse(&mutate(file, &mut rng)));
    }
}

/// One damaged copy: one to three faults, each a cut, flipped bits, overwritten bytes, an extreme number in place of
/// another, a lost, doubled or zeroed stretch, or foreign bytes put in.
pub(crate) fn mutate(bytes: &[u8], rng: &mut impl Rng) -> Vec<u8> {
    let mut copy = bytes.to_vec();
    for _ in 0..rng.random_range(1..=3) {
        fault(&mut copy, rng);
    }
    copy
}

fn fault(bytes: &mut Vec<u8>, rng: &mut impl Rng) {
    if bytes.is_empty() {
        bytes.push(rng.random());
        return;
    }
    let length = bytes.len();
    // Half of all faults fall on the first bytes, where the header is.
    let at = if rng.random() { rng.random_range(0..length) } else { rng.random_range(0..length.min(64)) };
    let end = (at + rng.random_range(1..=32)).min(length);
    match rng.random_range(0..8) {
        0 => bytes.truncate(at),
        1 => (0..rng.random_range(1..=8)).for_each(|_| {
            let at = rng.random_range(0..length);
            bytes[at] ^= 1 << rng.random_range(0..8);
        }),
        2 => bytes[at..end].fill_with(|| rng.random()),
        3 => {
            const EXTREMES: [u32; 6] = [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 0x0001_0000];
            let value = EXTREMES[rng.random_range(0..EXTREMES.len())];
            let value = if rng.random() { value.to_be_bytes() } else { value.to_le_bytes() };
            let width = [1, 2, 4][rng.random_range(0..3)].min(length - at);
            bytes[at..at + width].copy_from_slice(&value[..width]);
        }
        4 => drop(bytes.drain(at..end)),
        5 => {
            let stretch = bytes[at..end].to_vec();
            bytes.splice(at..at, stretch);
        }
        6 => bytes[at..end].fill(0),
        _ => {
            let foreign: Vec<u8> = (at..end).map(|_| rng.random()).collect();
            bytes.splice(at..at, foreign);
        }
    }
}
