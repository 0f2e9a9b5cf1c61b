//! The encoder: what a network that was trained for something else says of every place of a picture.
//!
//! What is judged are columns (Hariharan et al. 2015, "Hypercolumns"): for each square of 2 x 2 pixels these themselves, and the features of every
//! stage there. Deep features alone leave the colours of single pixels open; pixels alone hold no context.
//!
//! Published weights of VGG are what the paper has; any other network of `ognivo-cnn` that is written as a list of layers will do. Where there is
//! none, [`SmallEncoder`] learns in a minute to tell the eight kinds of [`formula`](super::formula) apart, whatever their scale, direction and
//! colours.

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::activation::log_softmax;
use burn::tensor::ops::InterpolateMode;
use burn::tensor::{Device, Int, Tensor, TensorData};
use ognivo_cnn::image::model::Backbone;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_cnn::layer::{Convolution, ConvolutionConfig, Initialisation, Linear, LinearConfig};
use ognivo_core::Error;
use ognivo_core::run::sha256;
use ognivo_core::train::interrupt;
use ognivo_core::train::optimizer::{Adam, Optimizer, OptimizerConfig};
use ognivo_core::weights::tensors_of;
use ognivo_kernels::{max_pool2d, relu};

use super::formula::{NAMES, lesson};
use super::generator::enlarged;
use super::style::Plane;
use crate::Result;

/// Channels after each of its three convolutions.
const CHANNELS: [usize; 3] = [16, 32, 64];
/// Pixels between columns.
pub const STEP: usize = 2;
/// Most pixels between the features of a stage.
pub const WIDEST: usize = 4;
/// Side of a picture that shows the form of the features.
const TRIED: usize = 64;
/// Side of the pictures it learns from, pictures in a step, and pictures it is examined with.
const LESSON: (usize, usize, usize) = (32, 32, 512);

/// A network that is cut, on both kinds of device: gradients pass through it, its weights stay.
#[derive(Debug)]
pub struct Encoder {
    plain: Cut,
    tracked: Cut,
    /// Taken from the channels of pictures from 0 to 1, and what they are divided by.
    mean: [f32; 3],
    deviation: [f32; 3],
    /// Numbers in a column.
    pub channels: usize,
    /// SHA-256 of its weights with their names.
    pub sha256: String,
}

#[derive(Debug)]
enum Cut {
    Small(SmallEncoder),
    /// The first so many stages of a larger network.
    Backbone(Box<Backbone>, usize),
}

impl Encoder {
    /// The small encoder; `device` is a plain one.
    pub fn small(network: SmallEncoder, device: &Device) -> Self {
        let tracked = network.clone().train().freeze();
        let digest = digest(&network);
        Self::new([Cut::Small(network.valid()), Cut::Small(tracked)], [[0.5; 3]; 2], digest, device)
    }

    /// The stages of `network`, on a plain device, up to `stage` or up to the last whose features lie at most [`WIDEST`] pixels apart, with pictures
    /// prepared as for the whole network.
    ///
    /// # Errors
    /// There is no such stage, or its features lie neither 2 nor 4 pixels apart; a network for grey pictures.
    pub fn cut(network: Backbone, stage: Option<&str>, preprocessing: &Preprocessing, device: &Device) -> Result<Self> {
        let ([r, g, b], [x, y, z]) = (preprocessing.mean.as_slice(), preprocessing.deviation.as_slice()) else {
            let found = format!("a network for pictures of {} channels", preprocessing.channels);
            return Err(crate::Error::setting("encoder", found, "a network for pictures in colour"));
        };
        // Tried with pictures of the network's own size, as dense layers need them.
        let (height, width) = (preprocessing.height, preprocessing.width);
        let apart = |stages: usize| {
            let rows = network.forward_stages(0..stages, Tensor::zeros([1, 3, height, width], device)).dims()[2];
            (height + rows / 2) / rows.max(1)
        };
        let number = match stage {
            Some(name) => network.stage(name)? + 1,
            None => (1..network.stages().len()).take_while(|&stages| apart(stages) <= WIDEST).last().unwrap_or(0),
        };
        let found = apart(number);
        if ![STEP, WIDEST].contains(&found) {
            let found = format!("{}, {found} pixels apart", stage.unwrap_or("no stage"));
            return Err(crate::Error::setting(
                "encoder.stage",
                found,
                "a stage whose features lie 2 or 4 pixels apart",
            ));
        }
        let scale = [[*r, *g, *b], [*x, *y, *z]];
        let digest = digest(&network);
        let tracked = network.clone().train().freeze();
        let cut = [network.valid(), tracked].map(|network| Cut::Backbone(Box::new(network), number));
        Ok(Self::new(cut, scale, digest, device))
    }

    fn new([plain, tracked]: [Cut; 2], [mean, deviation]: [[f32; 3]; 2], sha256: String, device: &Device) -> Self {
        let mut encoder = Self { plain, tracked, mean, deviation, channels: 0, sha256 };
        encoder.channels = encoder.columns(Tensor::zeros([1, 3, TRIED, TRIED], device)).dims()[1];
        encoder
    }

    /// Pictures `[batch, 3, height, width]` with values from -1 to 1, sides multiples of [`WIDEST`], to columns
    /// `[batch, channels, height / 2, width / 2]`.
    pub fn columns(&self, pictures: Tensor<4>) -> Tensor<4> {
        let [batch, channels, height, width] = pictures.dims();
        let (rows, columns) = (height / STEP, width / STEP);
        let squares = pictures.clone().reshape([batch, channels, rows, STEP, columns, STEP]);
        let pixels = squares.permute([0, 1, 3, 5, 2, 4]).reshape([batch, channels * STEP * STEP, rows, columns]);
        let mut parts = vec![pixels];
        for features in self.features(pictures) {
            match rows / features.dims()[2] {
                1 => parts.push(features),
                times => parts.push(enlarged(features, times, InterpolateMode::Nearest)),
            }
        }
        Tensor::cat(parts, 1)
    }

    /// Features of every stage in which they lie at least [`STEP`] pixels apart.
    fn features(&self, pictures: Tensor<4>) -> Vec<Tensor<4>> {
        let (device, height) = (pictures.device(), pictures.dims()[2]);
        let row = |values: [f32; 3]| Tensor::<1>::from_floats(values, &device).reshape([1, 3, 1, 1]);
        let x = (pictures * 0.5 + 0.5 - row(self.mean)) / row(self.deviation);
        let mut features = match if device.is_autodiff() { &self.tracked } else { &self.plain } {
            Cut::Small(network) => network.features(x),
            Cut::Backbone(network, stages) => (0..*stages)
                .scan(x, |x, stage| {
                    *x = network.forward_stages(stage..stage + 1, x.clone());
                    Some(x.clone())
                })
                .collect(),
        };
        features.retain(|features| features.dims()[2] * STEP <= height);
        features
    }
}

fn digest<M: Module>(network: &M) -> String {
    let tensors: Vec<String> = tensors_of(network)
        .iter()
        .map(|(name, data)| format!("{name} {:?} {}", data.shape(), sha256(data.as_bytes())))
        .collect();
    sha256(tensors.join("\n").as_bytes())
}

/// Three convolutions of 3 x 3 with rectified units, the first two with pooling behind, and means of all places for a classifier.
#[derive(Module, Debug)]
pub struct SmallEncoder {
    layers: Vec<Convolution>,
    output: Linear,
}

impl SmallEncoder {
    /// With weights from the device's random state.
    ///
    /// # Errors
    /// None.
    pub fn new(device: &Device) -> Result<Self> {
        let mut from = 3;
        let mut layers = Vec::with_capacity(CHANNELS.len());
        for to in CHANNELS {
            let config = ConvolutionConfig::new([from, to], [3, 3]).with_initialisation(Initialisation::He);
            layers.push(config.init(device)?);
            from = to;
        }
        Ok(Self { layers, output: LinearConfig::new(from, NAMES.len()).init(device)? })
    }

    /// After each convolution.
    fn features(&self, x: Tensor<4>) -> Vec<Tensor<4>> {
        let layers = self.layers.iter().enumerate();
        layers
            .scan(x, |x, (index, layer)| {
                let input = if index == 0 { x.clone() } else { max_pool2d(x.clone(), [2, 2], [2, 2], [0, 0], false) };
                *x = relu(layer.forward(input));
                Some(x.clone())
            })
            .collect()
    }

    fn logits(&self, x: Tensor<4>) -> Tensor<2> {
        let features = &self.features(x)[CHANNELS.len() - 1];
        let [batch, channels, height, width] = features.dims();
        let places = features.clone().reshape([batch, channels, height * width]);
        self.output.forward(places.mean_dim(2).reshape([batch, channels]))
    }

    /// Teaches a new one to tell the kinds of textures apart, in so many `steps`, always in the same way; with the share of new pictures that it is
    /// right with. `None` when Ctrl-C stopped it. `device` is a plain one; `told` hears how far it is.
    ///
    /// # Errors
    /// A loss that is not a number.
    pub fn learn(steps: u64, device: &Device, mut told: impl FnMut(u64)) -> Result<Option<(Self, f64)>> {
        let (side, batch, examined) = LESSON;
        let autodiff = device.clone().autodiff();
        autodiff.seed(0);
        let mut network = Self::new(&autodiff)?;
        let mut optimizer = Optimizer::new(OptimizerConfig::Adam(Adam::default()))?;
        for step in 0..steps {
            if interrupt::requested() {
                return Ok(None);
            }
            let (pictures, kinds) = pictures(step, batch, side, &autodiff)?;
            let kinds = Tensor::<1, Int>::from_data(TensorData::new(kinds, [batch]), &autodiff).unsqueeze_dim::<2>(1);
            let loss = -log_softmax(network.logits(pictures), 1).gather(1, kinds).mean();
            if !loss.clone().detach().into_scalar::<f32>().is_finite() {
                return Err(Error::NotFinite(format!("the encoder's loss in step {}", step + 1)).into());
            }
            let gradients = GradientsParams::from_grads(loss.backward(), &network);
            let rate = 3e-3 * (1.0 - step as f64 / steps as f64);
            network = optimizer.step(rate, network, gradients);
            told(step + 1);
        }
        let network = network.valid();
        let (pictures, kinds) = pictures(u64::MAX, examined, side, device)?;
        let found = network.logits(pictures).argmax(1).into_data().convert::<i32>();
        let right = found.as_slice::<i32>().unwrap_or_default().iter().zip(&kinds).filter(|(a, b)| a == b).count();
        Ok(Some((network, right as f64 / examined as f64)))
    }
}

/// Pictures of a lesson from -1 to 1, and their kinds.
fn pictures(number: u64, count: usize, side: usize, device: &Device) -> Result<(Tensor<4>, Vec<i32>)> {
    let (images, kinds) = lesson(number, count, side)?;
    let mut values = Vec::with_capacity(count * 3 * side * side);
    for image in &images {
        values.extend(Plane::of(image)?.values);
    }
    let pictures = Tensor::from_data(TensorData::new(values, [count, 3, side, side]), device);
    Ok((pictures, kinds.into_iter().map(|kind| kind as i32).collect()))
}
