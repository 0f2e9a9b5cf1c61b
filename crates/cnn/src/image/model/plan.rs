//! A network on paper: shapes, costs and receptive fields layer by layer, before any weight exists.

use super::InputShape;
use crate::image::inspect::{LayerSummary, ReceptiveField, Summary};
use crate::layer::{Activation, ConvolutionConfig, Dropout, PoolingConfig};
use crate::{Error, Result};

/// The most parameters a network may have, and the most values of one picture a layer may put out: 2^28, 1 GiB in single
/// precision. A configuration beyond it is a mistake, better refused than left to exhaust the memory.
const LIMIT: u64 = 1 << 28;

/// A place between layers.
#[derive(Clone, Copy)]
pub(super) struct Place {
    shape: [usize; 3],
    field: ReceptiveField,
}

impl Place {
    /// The same shape, seeing what `other` sees.
    pub(super) fn seeing(self, other: Self) -> Self {
        Self { field: other.field, ..self }
    }
}

/// Walks through a network's layers in the order of computation.
pub(super) struct Plan {
    input: InputShape,
    layers: Vec<LayerSummary>,
    shape: [usize; 3],
    field: ReceptiveField,
    parameters: u64,
}

impl Plan {
    pub(super) fn new(input: InputShape) -> Result<Self> {
        let InputShape { channels, height, width } = input;
        let values = [channels, height, width].iter().try_fold(1_u64, |product, &n| product.checked_mul(n as u64));
        if !values.is_some_and(|values| (1..=LIMIT).contains(&values)) {
            return Err(Error::layer(
                "input",
                format!("pictures of {channels} x {height} x {width}"),
                format!("1 to {LIMIT} values"),
            ));
        }
        let shape = [channels, height, width];
        Ok(Self { input, layers: Vec::new(), shape, field: ReceptiveField::PIXEL, parameters: 0 })
    }

    pub(super) fn finish(self) -> Summary {
        Summary { input: self.input, layers: self.layers }
    }

    /// The shape of the pictures.
    pub(super) fn inputs(&self) -> InputShape {
        self.input
    }

    /// `[channels, height, width]` after the last layer so far.
    pub(super) fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Where the walk stands.
    pub(super) fn place(&self) -> Place {
        Place { shape: self.shape, field: self.field }
    }

    /// Goes back to an earlier place, where a branch begins, or on to one where branches meet.
    pub(super) fn go_to(&mut self, place: Place) {
        (self.shape, self.field) = (place.shape, place.field);
    }

    /// How many values of one picture enter `layer`; 0 if there is no such layer.
    pub(super) fn inputs_of(&self, layer: &str) -> usize {
        self.layers.iter().find(|row| row.name == layer).map_or(0, |row| row.input.iter().product())
    }

    /// How many values of one picture the last layer so far puts out.
    pub(super) fn outputs_of_last(&self) -> usize {
        self.shape.iter().product()
    }

    pub(super) fn convolution(&mut self, name: &str, config: &ConvolutionConfig) -> Result<()> {
        let [_, height, width] = self.shape;
        let [rows, columns] = config.output_size([height, width]).map_err(|error| error.named(name))?;
        let [channels_in, channels_out] = config.channels;
        let [kernel_height, kernel_width] = config.kernel;
        let weights = product(&[channels_out, channels_in / config.groups, kernel_height, kernel_width]);
        let biases = if config.bias { channels_out as u64 } else { 0 };
        for (axis, (before, _)) in config.padding().into_iter().enumerate() {
            self.field.slide(axis, config.kernel[axis], config.dilation[axis], config.stride[axis], before);
        }
        let multiply_adds = weights.saturating_mul(product(&[rows, columns]));
        let kind = format!("convolution {kernel_height}x{kernel_width}");
        self.push(name, kind, [channels_out, rows, columns], weights.saturating_add(biases), multiply_adds)
    }

    pub(super) fn pooling(&mut self, name: &str, kind: &str, config: &PoolingConfig) -> Result<()> {
        let [channels, height, width] = self.shape;
        let [rows, columns] = config.output_size([height, width]).map_err(|error| error.named(name))?;
        for axis in 0..2 {
            self.field.slide(axis, config.size[axis], 1, config.steps()[axis], config.padding[axis]);
        }
        let kind = format!("{kind} pooling {}x{}", config.size[0], config.size[1]);
        self.push(name, kind, [channels, rows, columns], 0, 0)
    }

    /// The mean of each channel.
    pub(super) fn global_average(&mut self, name: &str) -> Result<()> {
        self.field = ReceptiveField::whole(self.input);
        self.push(name, "global average".into(), [self.shape[0], 1, 1], 0, 0)
    }

    /// Means of parts of the picture, so many rows and columns of them.
    pub(super) fn adaptive_average(&mut self, name: &str, [rows, columns]: [usize; 2]) -> Result<()> {
        if self.shape[1..] != [rows, columns] {
            // The parts may overlap and be of unequal sizes, so that no window slides: each may see everything.
            self.field = ReceptiveField::whole(self.input);
        }
        self.push(name, format!("adaptive average {rows}x{columns}"), [self.shape[0], rows, columns], 0, 0)
    }

    /// Every `stride`-th pixel of each row and column, and new channels without a signal.
    pub(super) fn subsample(&mut self, name: &str, stride: usize, channels: usize) -> Result<()> {
        let [_, height, width] = self.shape;
        (0..2).for_each(|axis| self.field.slide(axis, 1, 1, stride, 0));
        self.push(name, "subsample".into(), [channels, height.div_ceil(stride), width.div_ceil(stride)], 0, 0)
    }

    /// Branches that ended at `ends`, with pictures of one size, side by side.
    pub(super) fn concat(&mut self, name: &str, ends: &[Place]) -> Result<()> {
        let channels = ends.iter().map(|end| end.shape[0]).sum();
        // The widest sees all that the others see: their windows have one centre.
        let widest = ends.iter().max_by_key(|end| end.field.size);
        if let Some(widest) = widest {
            self.go_to(*widest);
        }
        self.push(name, "concatenation".into(), [channels, self.shape[1], self.shape[2]], 0, 0)
    }

    pub(super) fn batch_norm(&mut self, name: &str) -> Result<()> {
        self.push(name, "batch norm".into(), self.shape, 2 * self.shape[0] as u64, 0)
    }

    pub(super) fn activation(&mut self, name: &str, activation: Activation) -> Result<()> {
        self.unchanged(name, activation.name())
    }

    pub(super) fn dropout(&mut self, name: &str, p: f64) -> Result<()> {
        Dropout::new(p).map_err(|error| error.named(name))?;
        self.unchanged(name, &format!("dropout {p}"))
    }

    /// A layer without parameters that keeps the shape.
    pub(super) fn unchanged(&mut self, name: &str, kind: &str) -> Result<()> {
        self.push(name, kind.into(), self.shape, 0, 0)
    }

    /// A dense layer on all values of the picture.
    pub(super) fn linear(&mut self, name: &str, outputs: usize) -> Result<()> {
        self.field = ReceptiveField::whole(self.input);
        let weights = product(&self.shape).saturating_mul(outputs as u64);
        self.push(name, "linear".into(), [outputs, 1, 1], weights.saturating_add(outputs as u64), weights)
    }

    fn push(
        &mut self,
        name: &str,
        kind: String,
        output: [usize; 3],
        parameters: u64,
        multiply_adds: u64,
    ) -> Result<()> {
        self.parameters = self.parameters.saturating_add(parameters);
        if self.parameters > LIMIT {
            return Err(Error::layer(
                name,
                format!("{} parameters up to here", self.parameters),
                format!("at most {LIMIT}"),
            ));
        }
        if product(&output) > LIMIT {
            let found = format!("{} values out for one picture", product(&output));
            return Err(Error::layer(name, found, format!("at most {LIMIT}")));
        }
        let (input, receptive_field) = (self.shape, self.field);
        self.layers.push(LayerSummary {
            name: name.into(),
            kind,
            input,
            output,
            parameters,
            multiply_adds,
            receptive_field,
        });
        self.shape = output;
        Ok(())
    }
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1, |product, &factor| product.saturating_mul(factor as u64))
}
