//! A trained generator in use: pictures from noise, and the way from one to another.

use std::fs;
use std::io::Write;
use std::path::Path;

use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::Error as CoreError;
use ognivo_core::cli::suggest;
use ognivo_core::data::{Image, picture};
use ognivo_core::run::{RunDirectory, write_atomic};

use super::animation;
use super::data::to_images;
use super::model::{Generator, Networks};
use super::shape::PictureShape;
use crate::noise::{self, SAMPLE};
use crate::recipe::GanConfig;
use crate::train::files;
use crate::{Error, Result};

/// Pictures in one pass through the generator.
const PASS: usize = 250;
/// Most pictures on a way.
const LONGEST_WAY: usize = 10_000;
/// Below this hardly a draw would be kept.
const LEAST_TRUNCATION: f64 = 0.05;

/// A generator with all that is needed to use it, from its run directory alone.
#[derive(Debug)]
pub struct Trained {
    /// Where it comes from.
    pub run: RunDirectory,
    /// How it was trained.
    pub config: GanConfig,
    /// Its form.
    pub networks: Networks,
    /// The network, in evaluation mode.
    pub generator: Generator,
    /// Where its tensors live.
    pub device: Device,
}

/// Which pictures to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// How many.
    pub count: usize,
    /// They follow from it alone: the first of many are those of few.
    pub seed: u64,
    /// The class of all; of the networks that are told one, else each in turn.
    pub class: Option<usize>,
    /// Numbers of the noise beyond this are drawn again: less variety, fewer failures (Brock et al. 2019, section 3.1).
    pub truncation: Option<f64>,
}

impl Draw {
    /// Whether there is noise that is not drawn again.
    fn validate(&self) -> Result<()> {
        let bound = self.truncation.unwrap_or(1.0);
        crate::error::require("truncation", bound, bound >= LEAST_TRUNCATION, "a number of at least 0.05")
    }
}

impl Trained {
    /// Opens a run directory.
    ///
    /// # Errors
    /// What is no run of a generator of pictures, has no weights yet, or is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let run = RunDirectory::open(path)?;
        let config: GanConfig = files::configuration(&run, "gan train")?;
        let Some(kind) = config.model.pictures() else {
            let message =
                format!("{}: a run of a mixture, which has no pictures; its report shows its samples", path.display());
            return Err(CoreError::Config(message).into());
        };
        let networks = Networks { kind, shape: PictureShape::open(&run)? };
        let generator = networks.open(&run, device)?;
        Ok(Self { run, config, networks, generator, device: device.clone() })
    }

    /// The label of a class, given by its name or its number.
    ///
    /// # Errors
    /// A generator that is told no class; a name that is none of its classes.
    pub fn class(&self, name: &str) -> Result<usize> {
        let classes = &self.networks.shape.classes;
        if self.networks.classes() == 0 {
            let found = format!("{name:?}, and a generator that is told no class");
            return Err(Error::setting("class", found, "no class, or a run of --model conditional"));
        }
        let position = classes.iter().position(|class| class == name);
        position.or_else(|| name.parse().ok().filter(|&label| label < classes.len())).ok_or_else(|| {
            let known: Vec<&str> = classes.iter().map(String::as_str).collect();
            CoreError::Config(suggest::unknown("class", name, &known)).into()
        })
    }

    /// Values of generated pictures, from -1 to 1, picture after picture, and the classes that were asked for, none where the generator is
    /// told none.
    ///
    /// # Errors
    /// A truncation that leaves next to nothing.
    pub fn generate(&self, draw: &Draw) -> Result<(Vec<f32>, Vec<usize>)> {
        generate(&self.networks, &self.generator, draw, &self.device)
    }

    /// Calls `each` with the number of every picture and the picture, of which no more than a pass are kept in memory.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), and those of `each`.
    pub fn sample(&self, draw: &Draw, mut each: impl FnMut(usize, Image) -> Result<()>) -> Result<()> {
        let mut number = 0;
        in_passes(&self.networks, &self.generator, draw, &self.device, |values, _| {
            for image in to_images(&values, &self.networks.shape)? {
                each(number, image)?;
                number += 1;
            }
            Ok(())
        })
    }

    /// Pictures on the way from one noise to the next, from the last back to the first: `steps` from each of `draw.count`, along great
    /// circles, on which noise keeps the length that the generator knows (White 2016).
    ///
    /// # Errors
    /// Nothing to walk between, too long a way, a truncation that leaves next to nothing.
    pub fn interpolate(&self, draw: &Draw, steps: usize) -> Result<Vec<Image>> {
        if draw.count < 2 || steps == 0 {
            let found = format!("{} points and {steps} steps", draw.count);
            return Err(Error::setting("points", found, "at least two points and one step"));
        }
        if draw.count.saturating_mul(steps) > LONGEST_WAY {
            let found = format!("{} points of {steps} steps each", draw.count);
            return Err(Error::setting("points", found, format!("at most {LONGEST_WAY} pictures in all")));
        }
        draw.validate()?;
        let latent = self.networks.latent();
        let points = noise::truncated(draw.count * latent, draw.seed, &[SAMPLE, u64::MAX], draw.truncation);
        let points: Vec<&[f32]> = points.chunks_exact(latent).collect();
        let between = |index: usize, step: usize| {
            let (from, to) = (points[index], points[(index + 1) % points.len()]);
            along_great_circle(from, to, step as f64 / steps as f64)
        };
        let path: Vec<f32> = (0..draw.count).flat_map(|i| (0..steps).flat_map(move |step| between(i, step))).collect();
        let label = draw.class.unwrap_or(0);
        let mut images = Vec::with_capacity(draw.count * steps);
        for part in path.chunks(PASS * latent) {
            let count = part.len() / latent;
            let labels = if self.networks.classes() > 0 { vec![label; count] } else { Vec::new() };
            let noise = Tensor::from_data(TensorData::new(part.to_vec(), [count, latent]), &self.device);
            let values = numbers(self.networks.generate(&self.generator, noise, &labels));
            images.extend(to_images(&values, &self.networks.shape)?);
        }
        Ok(images)
    }
}

/// [`Trained::generate`] with any generator in evaluation mode.
///
/// # Errors
/// A truncation that leaves next to nothing.
pub(crate) fn generate(
    networks: &Networks,
    generator: &Generator,
    draw: &Draw,
    device: &Device,
) -> Result<(Vec<f32>, Vec<usize>)> {
    let (mut values, mut labels) = (Vec::new(), Vec::new());
    in_passes(networks, generator, draw, device, |of_pass, asked| {
        values.extend(of_pass);
        labels.extend_from_slice(asked);
        Ok(())
    })?;
    Ok((values, labels))
}

/// Calls `each` with the values of some pictures, and the classes that were asked for, until there are all.
fn in_passes(
    networks: &Networks,
    generator: &Generator,
    draw: &Draw,
    device: &Device,
    mut each: impl FnMut(Vec<f32>, &[usize]) -> Result<()>,
) -> Result<()> {
    let (latent, classes) = (networks.latent(), networks.classes());
    draw.validate()?;
    for (part, first) in (0..draw.count).step_by(PASS).enumerate() {
        let count = PASS.min(draw.count - first);
        // A whole part is drawn always, so that a picture does not depend on how many follow it.
        let noise = noise::truncated(PASS * latent, draw.seed, &[SAMPLE, part as u64], draw.truncation);
        let noise = TensorData::new(noise[..count * latent].to_vec(), [count, latent]);
        let label = |index: usize| draw.class.unwrap_or(index % classes.max(1));
        let labels: Vec<usize> = if classes > 0 { (first..first + count).map(label).collect() } else { Vec::new() };
        each(numbers(networks.generate(generator, Tensor::from_data(noise, device), &labels)), &labels)?;
    }
    Ok(())
}

/// The point at `share` of the way from `a` to `b` on the circle around the origin (Shoemake 1985), its length between theirs.
fn along_great_circle(a: &[f32], b: &[f32], share: f64) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let angle = (dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)).clamp(-1.0, 1.0).acos();
    let (to_a, to_b) = match angle.sin() {
        // The same direction, or the opposite one, to which no circle leads rather than another.
        sine if sine < 1e-6 => (1.0 - share, share),
        sine => (((1.0 - share) * angle).sin() / sine, (share * angle).sin() / sine),
    };
    a.iter().zip(b).map(|(a, b)| (to_a * f64::from(*a) + to_b * f64::from(*b)) as f32).collect()
}

/// The values of a tensor on a plain device.
pub(crate) fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().convert::<f32>().try_to_vec().unwrap_or_default()
}

/// Writes a PNG file, wholly or not at all; folders on the way to it are made.
///
/// # Errors
/// The system's, naming the file: a full disk leaves what was there before.
pub fn save_png(path: &Path, image: &Image) -> Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(CoreError::io(folder, "create"))?;
    }
    let bytes = picture::encode_png(image)?;
    Ok(write_atomic(path, |file| file.write_all(&bytes))?)
}

/// Writes pictures of one form as an animation.
///
/// # Errors
/// The system's, naming the file.
pub fn save_animation(path: &Path, frames: &[Image]) -> Result<()> {
    let bytes = animation::encode(frames)?;
    Ok(write_atomic(path, |file| file.write_all(&bytes))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_noises_keeps_their_length() {
        let (a, b) = ([3.0, 0.0, 0.0], [0.0, 3.0, 0.0]);
        let half = along_great_circle(&a, &b, 0.5);
        let expected = 3.0 * 0.5f32.sqrt();
        assert!((half[0] - expected).abs() < 1e-6 && (half[1] - expected).abs() < 1e-6 && half[2] == 0.0);
        assert_eq!(along_great_circle(&a, &b, 0.0), a);
        // No division by nothing where the two are the same or opposite.
        assert_eq!(along_great_circle(&a, &a, 0.3), a);
        assert!(along_great_circle(&a, &[-3.0, 0.0, 0.0], 0.5).iter().all(|x| x.is_finite()));
    }
}
