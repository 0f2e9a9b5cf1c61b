//! Pairs of patches.

use std::sync::Arc;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_cnn::image::augment::FloatImage;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_core::Error;
use ognivo_core::data::ImageSet;
use ognivo_core::random::{self, Rng};
use ognivo_core::train::loader::{Batcher, Position};
use serde::{Deserialize, Serialize};

/// The eight directions, in reading order: rows and columns of patches from the first to the second.
pub const DIRECTIONS: [[i64; 2]; 8] = [[-1, -1], [-1, 0], [-1, 1], [0, -1], [0, 1], [1, -1], [1, 0], [1, 1]];
/// Their names.
pub const NAMES: [&str; 8] =
    ["above left", "above", "above right", "left", "right", "below left", "below", "below right"];

/// First part of the stream that chooses a pair.
const PAIRS: u64 = 103;
/// Stands for the epoch in pairs that are always the same.
const HELD_OUT: u64 = u64::MAX;
/// The fewest pixels to a side that a coarsened patch has: the paper's 100 in all.
const COARSEST: usize = 10;

/// How far [`Colour::Jitter`] goes, in deviations of pixels: of the brightness, of the logarithm of the contrast, of one channel.
const LIGHT: f64 = 0.25;
const CONTRAST: f64 = 0.2;
const TINT: f64 = 0.1;

/// What is done to the colours of patches, against the shift of colours that lenses make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Colour {
    /// Nothing.
    Keep,
    /// Of each patch one channel stays, chosen at random; in place of the others stands noise, a hundredth as strong.
    #[default]
    Drop,
    /// What lies along the axis from green to magenta is taken out: `x (I - a'a / aa')` with `a = (-1, 2, -1)`.
    Project,
    /// Brightness, contrast and each channel of each patch are changed at random, so that colours do not tell what goes on where.
    Jitter,
}

/// How patches are cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PairConfig {
    /// Pixels of a side of a patch.
    pub patch: usize,
    /// Pixels between patches, so that edges do not go on from one to the next (the paper: half a patch).
    pub gap: usize,
    /// The second patch is moved by up to so many pixels each way, at random.
    pub jitter: usize,
    /// What is done to colours.
    pub colour: Colour,
    /// The share of patches that are brought to fewer pixels, a hundred at least, and back.
    pub coarse: f64,
    /// How many of the picture's pixels one of a patch is wide; drawn from this range for each pair, and with it gap and jitter. Numbers
    /// that are not whole also hide the blocks of JPEG, which tell where in the picture a patch lies.
    pub zoom: [f64; 2],
    /// Each patch alone is besides made larger by a factor `exp(w n)` and turned by `w n` radians, with `n` standard normal: edges meet less well.
    pub wobble: f64,
    /// The first patch may lie where only its partner fits, not all eight neighbours. Patches can be larger; but who can tell where in the
    /// picture a patch lies has a hint of the direction.
    pub anywhere: bool,
}

/// A pixel of the patch for each of the picture.
const UNZOOMED: [f64; 2] = [1.0; 2];

impl Default for PairConfig {
    fn default() -> Self {
        Self {
            patch: 16,
            gap: 4,
            jitter: 2,
            colour: Colour::Drop,
            coarse: 0.25,
            zoom: UNZOOMED,
            wobble: 0.0,
            anywhere: false,
        }
    }
}

impl PairConfig {
    /// Whether two patches and what is between them fit pictures of `height` x `width`.
    ///
    /// # Errors
    /// They do not; says how large pictures must be.
    pub fn validate(&self, [height, width]: [usize; 2]) -> Result<(), Error> {
        let fail = |setting: &str, found: String, expected: String| {
            Err(Error::Config(format!("pairs.{setting}: found {found}; expected {expected}")))
        };
        if self.patch < 4 {
            return fail("patch", self.patch.to_string(), "at least 4 pixels".into());
        }
        if !(0.0..=1.0).contains(&self.coarse) {
            return fail("coarse", self.coarse.to_string(), "from 0 to 1".into());
        }
        let [least, most] = self.zoom;
        if !(0.1..=10.0).contains(&least) || !(least..=10.0).contains(&most) {
            return fail("zoom", format!("{:?}", self.zoom), "two numbers from 0.1 to 10, the smaller first".into());
        }
        if !(0.0..=0.5).contains(&self.wobble) {
            return fail("wobble", self.wobble.to_string(), "from 0 to 0.5".into());
        }
        if self.jitter > self.gap {
            return fail(
                "jitter",
                self.jitter.to_string(),
                format!("at most the gap, {}: patches must not overlap", self.gap),
            );
        }
        let needed = self.needed();
        if height < needed || width < needed {
            let count = if self.anywhere { "two" } else { "three" };
            let expected =
                format!("pictures of at least {needed} x {needed}, for {count} patches, gaps and jitter in a row");
            return fail("patch", format!("{} with pictures of {height} x {width}", self.patch), expected);
        }
        Ok(())
    }

    /// The side of a picture in which all eight neighbours of a patch in the middle fit, or one if that is enough, however near it is looked at.
    pub fn needed(&self) -> usize {
        let neighbours = if self.anywhere { 1 } else { 2 };
        let patches = self.patch.saturating_mul(1 + neighbours);
        let between = self.gap.saturating_add(self.jitter).saturating_mul(neighbours);
        (patches.saturating_add(between) as f64 * self.zoom[1]).ceil() as usize
    }

    /// Where a pair lies in a picture of `height` x `width`. Unless [`anywhere`](Self::anywhere) the first patch lies where all of
    /// its neighbours fit, so that its place tells nothing of the direction.
    pub fn place(&self, size: [usize; 2], rng: &mut impl Rng) -> Pair {
        let direction = random::below(rng, 8);
        let exact = self.zoom == UNZOOMED;
        let [least, most] = self.zoom;
        let zoom = if exact { 1.0 } else { least + (most - least) * random::uniform_f64(rng) };
        let extent = self.patch as f64 * zoom;
        let margin = (self.patch + self.gap + self.jitter) as f64 * zoom;
        let mut corners = [[0.0; 2]; 2];
        for (axis, step) in DIRECTIONS[direction].into_iter().enumerate() {
            let jitter = random::below(rng, 2 * self.jitter + 1) as i64 - self.jitter as i64;
            let moved = (step * (self.patch + self.gap) as i64 + jitter) as f64 * zoom;
            let (before, behind) = if self.anywhere { ((-moved).max(0.0), moved.max(0.0)) } else { (margin, margin) };
            // What is left over is 0 at least, but for rounding.
            let room = (size[axis] as f64 - extent - before - behind).max(0.0);
            let free =
                if exact { random::below(rng, room as usize + 1) as f64 } else { random::uniform_f64(rng) * room };
            corners[0][axis] = before + free;
            corners[1][axis] = before + free + moved;
        }
        Pair { corners, zoom, direction }
    }
}

/// Where two patches lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pair {
    /// The upper left corner (row, column) of each, in the picture's pixels.
    pub corners: [[f64; 2]; 2],
    /// How many of the picture's pixels one of a patch is wide.
    pub zoom: f64,
    /// The number of the direction from the first to the second.
    pub direction: usize,
}

/// Patches and the directions asked for.
pub struct PairBatch {
    /// `[2 pairs, channels, patch, patch]`, normalised: all first ones, then all second ones.
    pub patches: TensorData,
    /// Of each pair, its direction's number.
    pub directions: Vec<usize>,
}

impl PairBatch {
    /// Patches and directions (as distributions `[pairs, 8]`) on `device`.
    pub fn upload(self, device: &Device) -> (Tensor<4>, Tensor<2>) {
        let mut targets = vec![0f32; self.directions.len() * 8];
        self.directions.iter().enumerate().for_each(|(pair, direction)| targets[pair * 8 + direction] = 1.0);
        let targets = TensorData::new(targets, [self.directions.len(), 8]);
        (Tensor::from_data(self.patches, device), Tensor::from_data(targets, device))
    }
}

/// Cuts pairs out of the pictures of a set: new ones every epoch, or always the same.
pub struct PairBatcher {
    set: Arc<dyn ImageSet>,
    preprocessing: Preprocessing,
    config: PairConfig,
    /// Pairs of a picture in an epoch.
    per_picture: usize,
    seed: u64,
    always_same: bool,
}

impl PairBatcher {
    /// Pairs for training.
    ///
    /// # Errors
    /// As [`PairConfig::validate`].
    pub fn training(
        set: Arc<dyn ImageSet>,
        preprocessing: Preprocessing,
        config: PairConfig,
        per_picture: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        config.validate([preprocessing.height, preprocessing.width])?;
        Ok(Self { set, preprocessing, config, per_picture, seed, always_same: false })
    }

    /// Pairs that are the same in every epoch.
    ///
    /// # Errors
    /// As [`PairConfig::validate`].
    pub fn evaluation(
        set: Arc<dyn ImageSet>,
        preprocessing: Preprocessing,
        config: PairConfig,
        per_picture: usize,
        seed: u64,
    ) -> Result<Self, Error> {
        Ok(Self { always_same: true, ..Self::training(set, preprocessing, config, per_picture, seed)? })
    }

    /// Both patches of pair `item` as the network sees them, and their direction.
    ///
    /// # Errors
    /// The picture cannot be read.
    pub fn pair(&self, item: usize, epoch: u64) -> ognivo_core::Result<([FloatImage; 2], usize)> {
        let Preprocessing { channels, height, width, .. } = self.preprocessing;
        let image = self.set.image(item / self.per_picture)?;
        let image = FloatImage::from(&self.preprocessing.fit(&image).map_err(ognivo_core::Error::from)?);
        let mut normal = vec![0.0; image.pixels().len()];
        self.preprocessing.normalise(image.pixels(), &mut normal);
        let image = FloatImage::new([channels, height, width], normal)?;
        let epoch = if self.always_same { HELD_OUT } else { epoch };
        let mut rng = random::stream(self.seed, &[PAIRS, epoch, item as u64]);
        let Pair { corners: [first, second], zoom, direction } = self.config.place([height, width], &mut rng);
        let PairConfig { patch: side, wobble, .. } = self.config;
        let mut cut = |corner: [f64; 2]| {
            let middle = (side as f64 * zoom - 1.0) / 2.0;
            let [grown, turned] = [(); 2].map(|()| if wobble > 0.0 { wobble * random::normal(&mut rng) } else { 0.0 });
            let (scale, degrees) = ((zoom * grown.exp()) as f32, turned.to_degrees() as f32);
            let mut patch = image.window(corner.map(|at| (at + middle) as f32), side, scale, degrees);
            recolour(&mut patch, self.config.colour, &mut rng);
            if self.config.coarse > 0.0 && random::uniform_f64(&mut rng) < self.config.coarse {
                let finest = self.config.patch;
                let side = COARSEST.min(finest) + random::below(&mut rng, finest.saturating_sub(COARSEST) + 1);
                coarsen(&mut patch, side);
            }
            patch
        };
        Ok(([cut(first), cut(second)], direction))
    }
}

impl Batcher for PairBatcher {
    type Batch = PairBatch;

    fn items(&self) -> usize {
        self.set.len() * self.per_picture
    }

    fn batch(&self, indices: &[usize], position: Position) -> ognivo_core::Result<PairBatch> {
        let (mut firsts, mut seconds, mut directions) = (Vec::new(), Vec::new(), Vec::new());
        for &index in indices {
            let ([first, second], direction) = self.pair(index, position.epoch)?;
            firsts.extend(first.into_pixels());
            seconds.extend(second.into_pixels());
            directions.push(direction);
        }
        firsts.extend(seconds);
        let (channels, side) = (self.preprocessing.channels, self.config.patch);
        Ok(PairBatch { patches: TensorData::new(firsts, [2 * indices.len(), channels, side, side]), directions })
    }
}

/// Does to a patch's colours what is asked; grey ones stay.
fn recolour(patch: &mut FloatImage, colour: Colour, rng: &mut impl Rng) {
    let [channels, height, width] = patch.shape();
    let area = height * width;
    match colour {
        Colour::Keep => {}
        Colour::Drop if channels == 3 => {
            let kept = random::below(rng, 3);
            let pixels = patch.pixels_mut();
            let own = &pixels[kept * area..][..area];
            let mean = own.iter().sum::<f32>() / area as f32;
            let deviation = (own.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / area as f32).sqrt();
            for channel in (0..3).filter(|&channel| channel != kept) {
                for value in &mut pixels[channel * area..][..area] {
                    *value = random::normal(rng) as f32 * deviation / 100.0;
                }
            }
        }
        Colour::Project if channels == 3 => {
            let pixels = patch.pixels_mut();
            for at in 0..area {
                let [red, green, blue] = [0, 1, 2].map(|channel| pixels[channel * area + at]);
                // Along a = (-1, 2, -1), whose square is 6.
                let along = (2.0 * green - red - blue) / 6.0;
                for (channel, step) in [(0, -1.0), (1, 2.0), (2, -1.0)] {
                    pixels[channel * area + at] -= along * step;
                }
            }
        }
        Colour::Jitter => {
            let (light, contrast) = (LIGHT * random::normal(rng), (CONTRAST * random::normal(rng)).exp() as f32);
            for plane in patch.pixels_mut().chunks_exact_mut(area) {
                let shift = (light + TINT * random::normal(rng)) as f32;
                plane.iter_mut().for_each(|value| *value = *value * contrast + shift);
            }
        }
        Colour::Drop | Colour::Project => {}
    }
}

/// Brings a patch to `side` pixels a side by means, and back by repeating.
fn coarsen(patch: &mut FloatImage, side: usize) {
    let [channels, height, width] = patch.shape();
    let area = height * width;
    let block = |at: usize, full: usize| at * side / full;
    for plane in patch.pixels_mut().chunks_exact_mut(area).take(channels) {
        let mut sums = vec![(0f32, 0f32); side * side];
        for (at, value) in plane.iter().enumerate() {
            let (sum, count) = &mut sums[block(at / width, height) * side + block(at % width, width)];
            (*sum, *count) = (*sum + value, *count + 1.0);
        }
        for (at, value) in plane.iter_mut().enumerate() {
            let (sum, count) = sums[block(at / width, height) * side + block(at % width, width)];
            *value = sum / count;
        }
    }
}

#[cfg(test)]
mod tests {
    use ognivo_cnn::image::preprocess::Ground;
    use ognivo_core::data::MemoryImages;

    use super::*;

    /// Colour pictures in which every pixel says where it is: red the row, green the column, blue their number.
    fn batcher(config: PairConfig, side: usize) -> PairBatcher {
        let pixels = (0..2).flat_map(|n| {
            (0..side * side)
                .flat_map(move |at| [(at / side) as u8, (at % side) as u8, n as u8 * 100 + (at * 7 % 50) as u8])
        });
        let set = MemoryImages::new("m", [side, side, 3], pixels.collect(), vec![0, 1], vec!["a".into(), "b".into()]);
        let preprocessing = Preprocessing {
            channels: 3,
            height: side,
            width: side,
            mean: vec![0.0; 3],
            deviation: vec![1.0 / 255.0; 3],
            ground: Ground::Mixed,
        };
        PairBatcher::training(Arc::new(set.unwrap()), preprocessing, config, 3, 1).unwrap()
    }

    #[test]
    fn the_second_patch_lies_where_it_is_said_to() {
        let config =
            PairConfig { patch: 4, gap: 2, jitter: 1, colour: Colour::Keep, coarse: 0.0, ..PairConfig::default() };
        assert_eq!(config.needed(), 18);
        let batcher = batcher(config, 21);
        let (mut counts, mut corners, mut shifts) = ([0; 8], std::collections::HashSet::new(), [[0; 3]; 2]);
        for epoch in 0..200 {
            for item in 0..6 {
                let ([first, second], direction) = batcher.pair(item, epoch).unwrap();
                // The corner of a patch is what its first pixel says.
                let corner = |patch: &FloatImage| [patch.pixels()[0], patch.pixels()[16]].map(|v| v.round() as i64);
                let (a, b) = (corner(&first), corner(&second));
                counts[direction] += 1;
                corners.insert(a);
                for axis in 0..2 {
                    let jitter = b[axis] - a[axis] - DIRECTIONS[direction][axis] * 6;
                    assert!(jitter.abs() <= 1 && (0..=17).contains(&b[axis]), "{a:?} {b:?} {direction}");
                    shifts[axis][(jitter + 1) as usize] += 1;
                }
            }
        }
        // 1200 pairs: five standard deviations about the mean of each.
        assert!(counts.iter().all(|&count| (count as i64 - 150).abs() < 58), "{counts:?}");
        assert!(shifts.iter().flatten().all(|&count: &i64| (count - 400).abs() < 82), "{shifts:?}");
        // All first corners from which all neighbours fit: 7 to 10 both ways.
        assert_eq!(corners.len(), 16);
        assert!(corners.iter().flatten().all(|place| (7..=10).contains(place)));
    }

    /// Both patches lie in the picture, as far from each other as is said, and what is cut out is what lies there.
    #[test]
    fn zoomed_pairs_may_lie_anywhere() {
        let zoomed =
            PairConfig { patch: 6, gap: 2, jitter: 1, zoom: [0.5, 1.25], anywhere: true, ..PairConfig::default() };
        assert_eq!(zoomed.needed(), 19);
        let mut rng = random::stream(1, &[]);
        let mut zooms = [f64::INFINITY, 0.0];
        for _ in 0..1000 {
            let Pair { corners, zoom, direction } = zoomed.place([19, 24], &mut rng);
            zooms = [zooms[0].min(zoom), zooms[1].max(zoom)];
            for (axis, side) in [(0, 19.0), (1, 24.0)] {
                let jitter = (corners[1][axis] - corners[0][axis]) / zoom - 8.0 * DIRECTIONS[direction][axis] as f64;
                assert!(jitter.abs() < 1.0 + 1e-9, "{corners:?}");
                assert!(corners.iter().all(|c| c[axis] > -1e-9 && c[axis] + 6.0 * zoom < side + 1e-9), "{corners:?}");
            }
        }
        assert!(zooms[0] < 0.52 && zooms[1] > 1.23, "{zooms:?}");

        // Red says the row and green the column: a patch's mean is its middle.
        let zoom = [1.0, 1.25];
        let plain = PairConfig { patch: 4, gap: 1, jitter: 0, colour: Colour::Keep, coarse: 0.0, zoom, ..zoomed };
        let batcher = batcher(plain.clone(), 16);
        for item in 0..6 {
            let ([first, second], direction) = batcher.pair(item, 0).unwrap();
            let mean = |patch: &FloatImage, axis: usize| patch.pixels()[axis * 16..][..16].iter().sum::<f32>() / 16.0;
            let across = |patch: &FloatImage| patch.pixels()[16 + 1] - patch.pixels()[16];
            let apart = [0, 1].map(|axis| mean(&second, axis) - mean(&first, axis));
            let expected = DIRECTIONS[direction].map(|step| 5.0 * step as f32 * across(&first));
            assert!(apart.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{apart:?} {expected:?}");
        }
        let turned = self::batcher(PairConfig { wobble: 0.1, ..plain }, 16);
        assert_ne!(turned.pair(0, 0).unwrap().0[0], batcher.pair(0, 0).unwrap().0[0]);
    }

    #[test]
    fn pairs_are_the_same_again_and_new_ones_every_epoch() {
        let batcher = batcher(PairConfig { patch: 4, gap: 2, jitter: 1, ..PairConfig::default() }, 24);
        let at = |epoch, batch| batcher.batch(&[0, 4, 5], Position { epoch, batch }).unwrap().patches;
        assert_eq!(at(1, 0), at(1, 7));
        assert_ne!(at(1, 0), at(2, 0));
        let same = PairBatcher { always_same: true, ..batcher };
        let at = |epoch| same.batch(&[0, 4, 5], Position { epoch, batch: 0 }).unwrap().patches;
        assert_eq!(at(1), at(2));
        assert_eq!(at(1).shape().to_vec(), [6, 3, 4, 4]);
    }

    #[test]
    fn colours_are_dropped_or_projected() {
        let mut rng = random::stream(1, &[]);
        let pixels: Vec<f32> = (0..48).map(|i| ((i * 29) % 31) as f32 / 10.0).collect();
        let patch = FloatImage::new([3, 4, 4], pixels.clone()).unwrap();
        let mut kept = [0; 3];
        for _ in 0..60 {
            let mut dropped = patch.clone();
            recolour(&mut dropped, Colour::Drop, &mut rng);
            let same: Vec<_> = (0..3).filter(|c| dropped.pixels()[c * 16..][..16] == pixels[c * 16..][..16]).collect();
            assert_eq!(same.len(), 1);
            kept[same[0]] += 1;
            let others = (0..48).filter(|at| at / 16 != same[0]).map(|at| dropped.pixels()[at].abs());
            // Five hundredths of a deviation below 1.
            assert!(others.fold(0f32, f32::max) < 0.05);
        }
        assert!(kept.iter().all(|&count| count > 5), "{kept:?}");
        let mut projected = patch.clone();
        recolour(&mut projected, Colour::Project, &mut rng);
        for at in 0..16 {
            let [r, g, b] = [0, 1, 2].map(|channel| projected.pixels()[channel * 16 + at]);
            assert!((2.0 * g - r - b).abs() < 1e-5, "nothing is left along the axis");
            let before = [0, 1, 2].map(|channel| pixels[channel * 16 + at]);
            // What stands at right angles to the axis stays: the sum, and red less blue.
            assert!(
                (r + g + b - before.iter().sum::<f32>()).abs() < 1e-5 && (r - b - before[0] + before[2]).abs() < 1e-5
            );
        }
        let mut coarse = patch;
        coarsen(&mut coarse, 2);
        let mean = (pixels[0] + pixels[1] + pixels[4] + pixels[5]) / 4.0;
        assert!([0, 1, 4, 5].iter().all(|&at| (coarse.pixels()[at] - mean).abs() < 1e-6));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let config = PairConfig::default();
        assert_eq!(config.needed(), 60);
        for (config, size, expected) in [
            (config.clone(), [64, 59], "at least 60 x 60"),
            (PairConfig { patch: 3, ..config.clone() }, [64, 64], "at least 4"),
            (PairConfig { jitter: 5, ..config.clone() }, [90, 90], "must not overlap"),
            (PairConfig { coarse: 1.5, ..config.clone() }, [64, 64], "from 0 to 1"),
            (PairConfig { patch: usize::MAX, ..config.clone() }, [64, 64], "pictures of at least"),
            (PairConfig { zoom: [1.0, 1.1], ..config.clone() }, [64, 64], "at least 66 x 66"),
            (PairConfig { zoom: [1.0, 0.9], ..config.clone() }, [64, 64], "the smaller first"),
            (PairConfig { zoom: [f64::NAN, 1.0], ..config.clone() }, [64, 64], "from 0.1 to 10"),
            (PairConfig { wobble: 0.6, ..config.clone() }, [64, 64], "from 0 to 0.5"),
            (PairConfig { anywhere: true, ..config.clone() }, [64, 37], "at least 38 x 38, for two patches"),
        ] {
            let said = config.validate(size).unwrap_err().to_string();
            assert!(said.contains(expected), "{said}");
        }
        assert!(config.validate([60, 60]).is_ok());
    }
}
