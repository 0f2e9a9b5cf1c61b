//! What learns: a network from noise to texture, or the picture itself.

use burn::module::{Module, Param};
use burn::tensor::module::interpolate;
use burn::tensor::ops::{InterpolateMode, InterpolateOptions};
use burn::tensor::{Device, Tensor};
use ognivo_cnn::layer::{BatchNorm, BatchNormConfig, Boundary, Convolution, ConvolutionConfig};

use super::style::Plane;
use crate::Result;

/// Sizes of noise: each is twice the one before along both sides, and the last has a place for every pixel.
pub const LEVELS: usize = 4;
/// Pixels along each side that one place of the smallest noise belongs to.
pub const CELL: usize = 1 << (LEVELS - 1);
/// Slope of the network's units on the left.
const SLOPE: f64 = 0.2;

/// Noise of several sizes to a texture of any height and width, from coarse to fine (Ulyanov et al. 2016, "Texture networks").
///
/// At each level the noise joins what the level above has made, doubled; two convolutions of 3 x 3 follow, with batch normalisation and leaky
/// rectified units. Beyond the edge lies the opposite edge, so that a texture always fits to itself; one that need not is cut out of a larger one.
#[derive(Module, Debug)]
pub struct TextureNetwork {
    first: Level,
    others: Vec<Level>,
    output: Convolution,
}

/// Two convolutions of one size.
#[derive(Module, Debug)]
struct Level {
    layers: Vec<Convolution>,
    norms: Vec<BatchNorm>,
}

fn around(channels: [usize; 2], bias: bool, device: &Device) -> Result<Convolution> {
    Ok(ConvolutionConfig::new(channels, [3, 3]).with_boundary(Boundary::Wrap).with_bias(bias).init(device)?)
}

impl Level {
    fn new(from: usize, to: usize, device: &Device) -> Result<Self> {
        let norm = || BatchNormConfig::new(to).init(device);
        let layers = vec![around([from, to], false, device)?, around([to, to], false, device)?];
        Ok(Self { layers, norms: vec![norm()?, norm()?] })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let layers = self.layers.iter().zip(&self.norms);
        layers.fold(x, |x, (layer, norm)| norm.forward_leaky_relu(layer.forward(x), SLOPE))
    }
}

impl TextureNetwork {
    /// With `latent` channels of noise at each level and `filters` channels next to the picture; twice and four times as many farther away.
    ///
    /// # Errors
    /// No channels.
    pub fn new(latent: usize, filters: usize, device: &Device) -> Result<Self> {
        let channels: [usize; LEVELS] = std::array::from_fn(|level| filters << (LEVELS - 1 - level).min(2));
        let first = Level::new(latent, channels[0], device)?;
        let others = channels.windows(2).map(|pair| Level::new(pair[0] + latent, pair[1], device));
        let others = others.collect::<Result<_>>()?;
        Ok(Self { first, others, output: around([filters, 3], true, device)? })
    }

    /// Noise `[batch, latent, height, width]` of each of the [`LEVELS`], smallest first, to `[batch, 3, height, width]` of the last with values from -1
    /// to 1.
    pub fn forward(&self, noise: &[Tensor<4>; LEVELS]) -> Tensor<4> {
        let [smallest, others @ ..] = noise;
        let first = self.first.forward(smallest.clone());
        let last = self.others.iter().zip(others).fold(first, |above, (level, noise)| {
            level.forward(Tensor::cat(vec![enlarged(above, 2, InterpolateMode::Nearest), noise.clone()], 1))
        });
        self.output.forward(last).tanh()
    }
}

/// `times` as high and wide.
pub(super) fn enlarged(x: Tensor<4>, times: usize, mode: InterpolateMode) -> Tensor<4> {
    let [_, _, height, width] = x.dims();
    interpolate(
        x,
        InterpolateOptions::new(mode).with_align_corners(false).with_output_size([times * height, times * width]),
    )
}

/// A picture whose pixels learn: the sum of [`LEVELS`] pictures, each half as high and wide as the one before, so that whole areas learn as fast as
/// single pixels.
#[derive(Module, Debug)]
pub struct LearntPicture {
    /// `[1, 3, height, width]`; tanh makes values of the sum.
    pixels: Param<Tensor<4>>,
    smaller: Vec<Param<Tensor<4>>>,
}

impl LearntPicture {
    /// That starts as `start`, whose sides are multiples of [`CELL`].
    pub fn new(start: &Plane, device: &Device) -> Self {
        let values = Tensor::<4>::from_data(start.data(), device).clamp(-0.99, 0.99);
        // The inverse of tanh.
        let pixels = ((values.clone() + 1.0) / (-values + 1.0)).log() * 0.5;
        let zeros = |level: usize| Tensor::zeros([1, 3, start.height >> level, start.width >> level], device);
        let smaller = (1..LEVELS).map(|level| Param::from_tensor(zeros(level))).collect();
        Self { pixels: Param::from_tensor(pixels), smaller }
    }

    /// `[1, 3, height, width]` with values from -1 to 1.
    pub fn forward(&self) -> Tensor<4> {
        let smaller = self.smaller.iter().enumerate();
        let sum = smaller.fold(self.pixels.val(), |sum, (index, level)| {
            sum + enlarged(level.val(), 2 << index, InterpolateMode::Bilinear)
        });
        sum.tanh()
    }
}

/// Either of the two.
#[derive(Module, Debug)]
#[allow(clippy::large_enum_variant)] // There is one generator in a program, not an array of them.
pub enum TextureGenerator {
    /// A network.
    Network(TextureNetwork),
    /// A picture.
    Picture(LearntPicture),
}
