//! A trained network in use: texture of any size.

use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::Error as CoreError;
use ognivo_core::data::picture::MAX_SIDE;
use ognivo_core::random::{self, stream};
use ognivo_core::run::RunDirectory;

use super::generator::{CELL, LEVELS, TextureGenerator, TextureNetwork};
use super::measure::plane;
use super::model::{TextureConfig, TextureModel};
use super::style::Plane;
use crate::noise::SAMPLE;
use crate::train::files;
use crate::{Error, Result};

/// Places of noise along the sides of a block that is generated at once.
const BLOCK: usize = 32;
/// Places of noise around it that have a part in it: two for the convolutions of the smallest level, two more for all others.
const AROUND: usize = 4;

/// A network with all that is needed to use it, from its run directory alone.
#[derive(Debug)]
pub struct Texturer {
    /// Where it comes from.
    pub run: RunDirectory,
    /// How it was trained.
    pub config: TextureConfig,
    network: TextureNetwork,
    latent: usize,
    device: Device,
}

impl Texturer {
    /// Opens a run directory.
    ///
    /// # Errors
    /// What is no run of a network for textures, has no weights yet, or is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let config: TextureConfig = files::configuration(&run, "gan texture train")?;
        let TextureModel::Network(own) = &config.model else {
            let message =
                format!("{}: a run of `gan texture optimise`, whose one picture is texture.png in it", path.display());
            return Err(CoreError::Config(message).into());
        };
        let fresh = TextureGenerator::Network(TextureNetwork::new(own.latent, own.filters, device)?);
        let latent = own.latent;
        match files::finished(fresh, &run)? {
            TextureGenerator::Network(network) => Ok(Self { run, config, network, latent, device: device.clone() }),
            TextureGenerator::Picture(_) => Err(Error::setting("model", "picture", "network")),
        }
    }

    /// A texture of `[width, height]` pixels, another one for another seed; a seamless one fits to itself at its edges.
    ///
    /// # Errors
    /// A side of 0 or above 16 384; a seamless texture whose sides are no multiples of 8.
    pub fn texture(&self, size: [usize; 2], seed: u64, seamless: bool) -> Result<Plane> {
        texture(&self.network, self.latent, size, seed, seamless, &self.device)
    }
}

/// [`Texturer::texture`] of any network in evaluation mode. It is made in blocks, so that memory does not grow with the network's channels.
///
/// # Errors
/// As there.
pub fn texture(
    network: &TextureNetwork,
    latent: usize,
    [width, height]: [usize; 2],
    seed: u64,
    seamless: bool,
    device: &Device,
) -> Result<Plane> {
    for side in [width, height] {
        if !(1..=MAX_SIDE).contains(&side) {
            return Err(Error::setting("size", side, format!("from 1 to {MAX_SIDE} pixels")));
        }
        if seamless && !side.is_multiple_of(CELL) {
            return Err(Error::setting("size", side, format!("a multiple of {CELL} for a seamless texture")));
        }
    }
    let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
    // A texture that need not fit to itself is cut out of a larger one.
    let more = if seamless { 0 } else { 2 * AROUND };
    let noise = Noise::new([columns + more, rows + more], latent, seed);
    let first = if seamless { 0 } else { AROUND };
    let mut texture = Plane { width, height, values: vec![0.0; 3 * width * height] };
    for top in (0..rows).step_by(BLOCK) {
        for left in (0..columns).step_by(BLOCK) {
            let (across, down) = (BLOCK.min(columns - left), BLOCK.min(rows - top));
            let window = noise.window([first + left, first + top], [across, down], device);
            let block = plane(network.forward(&window));
            let (x, y) = (left * CELL, top * CELL);
            let (wide, high) = ((across * CELL).min(width - x), (down * CELL).min(height - y));
            put(&block.part(AROUND * CELL, AROUND * CELL, wide, high), &mut texture, x, y);
        }
    }
    Ok(texture)
}

fn put(block: &Plane, whole: &mut Plane, x: usize, y: usize) {
    for (row, values) in block.values.chunks_exact(block.width).enumerate() {
        let (channel, line) = (row / block.height, row % block.height);
        let start = (channel * whole.height + y + line) * whole.width + x;
        whole.values[start..start + block.width].copy_from_slice(values);
    }
}

/// Noise on a torus.
struct Noise {
    /// Of the smallest level.
    columns: usize,
    rows: usize,
    latent: usize,
    /// For each level place after place, all channels of each.
    levels: [Vec<f32>; LEVELS],
}

impl Noise {
    fn new([columns, rows]: [usize; 2], latent: usize, seed: u64) -> Self {
        let levels = std::array::from_fn(|level| {
            let mut rng = stream(seed, &[SAMPLE, level as u64]);
            (0..(columns * rows * latent) << (2 * level)).map(|_| random::normal(&mut rng) as f32).collect()
        });
        Self { columns, rows, latent, levels }
    }

    /// `[1, latent, ...]` of each level: the places from `[left, top]` of the smallest on, with those around them.
    fn window(&self, [left, top]: [usize; 2], [across, down]: [usize; 2], device: &Device) -> [Tensor<4>; LEVELS] {
        std::array::from_fn(|level| {
            let [across, down] = [across, down].map(|count| (count + 2 * AROUND) << level);
            let [columns, rows] = [self.columns, self.rows].map(|count| count << level);
            // Far enough to the right and down that nothing is below 0.
            let [left, top] = [(left, columns), (top, rows)]
                .map(|(first, length)| (first << level) + AROUND * length - (AROUND << level));
            let at = |index: usize| {
                let (channel, place) = (index / (across * down), index % (across * down));
                let (column, row) = ((left + place % across) % columns, (top + place / across) % rows);
                self.levels[level][(row * columns + column) * self.latent + channel]
            };
            let values: Vec<f32> = (0..self.latent * across * down).map(at).collect();
            Tensor::from_data(TensorData::new(values, [1, self.latent, down, across]), device)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks are parts of what the network makes of all the noise at once, on a torus as it is.
    #[test]
    fn blocks_meet_and_a_seamless_texture_is_the_torus() {
        let device = Device::default();
        device.seed(2);
        let network = TextureNetwork::new(3, 2, &device).unwrap();
        let (columns, rows) = (BLOCK + 5, 3);
        let [width, height] = [columns * CELL, rows * CELL];
        let found = texture(&network, 3, [width, height], 9, true, &device).unwrap();
        let noise = Noise::new([columns, rows], 3, 9);
        let all = std::array::from_fn(|level| {
            let values = (0..3).flat_map(|channel| noise.levels[level].iter().skip(channel).step_by(3).copied());
            let values: Vec<f32> = values.collect();
            Tensor::from_data(TensorData::new(values, [1, 3, rows << level, columns << level]), &device)
        });
        let whole = plane(network.forward(&all));
        assert_eq!((found.width, found.height), (width, height));
        let apart = found.values.iter().zip(&whole.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let range = whole.values.iter().fold(0f32, |most, value| most.max(value.abs()));
        assert!(apart < 1e-5 * range.max(1e-6), "{apart} {range}");
        // Any size where it need not fit, the same for the same seed.
        let odd = texture(&network, 3, [61, 13], 9, false, &device).unwrap();
        assert_eq!((odd.width, odd.height, odd.values.len()), (61, 13, 3 * 61 * 13));
        assert_eq!(odd, texture(&network, 3, [61, 13], 9, false, &device).unwrap());
        assert!(texture(&network, 3, [61, 16], 9, true, &device).unwrap_err().to_string().contains("found 61"));
    }
}
