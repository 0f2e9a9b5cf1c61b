//! Pooling layer.

use std::fmt;
use std::sync::Arc;

use burn::config::Config;
use burn::module::Module;
use burn::tensor::{Tensor, s};
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What to do where the windows do not cover the picture's bottom or right edge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RaggedEdge {
    /// Only whole windows: the rest of the picture is not seen (PyTorch's default).
    #[default]
    Drop,
    /// If the last whole window leaves a rest, one window more, cut off at the edge (PyTorch's `ceil_mode`). It aggregates the
    /// values that exist, however few.
    Keep,
}

/// A function of the values in a window: what [`Aggregation::Custom`] calls. Any closure `Fn(Tensor<5>) -> Tensor<4>` is one.
pub trait Aggregate: Send + Sync {
    /// `[batch, channels, height, width, values]` to `[batch, channels, height, width]`: one number for the `values` of each
    /// window, in reading order. Windows cut off at an edge come in calls of their own, with fewer values.
    fn aggregate(&self, windows: Tensor<5>) -> Tensor<4>;
}

impl<F: Fn(Tensor<5>) -> Tensor<4> + Send + Sync> Aggregate for F {
    fn aggregate(&self, windows: Tensor<5>) -> Tensor<4> {
        self(windows)
    }
}

/// The function `F` of a [`Pooling`] layer.
#[derive(Clone, Default)]
pub enum Aggregation {
    /// The largest value.
    #[default]
    Max,
    /// The mean of the values.
    Average,
    /// The square root of the sum of squares, PyTorch's `LPPool2d` with exponent 2. Where all values are 0 the derivative is
    /// taken as 0.
    L2,
    /// The user's own.
    Custom(Arc<dyn Aggregate>),
}

impl fmt::Debug for Aggregation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Self::Max => "Max",
            Self::Average => "Average",
            Self::L2 => "L2",
            Self::Custom(_) => "Custom",
        })
    }
}

/// The windows of a [`Pooling`] layer.
#[derive(Config, Debug, PartialEq)]
pub struct PoolingConfig {
    /// `[height, width]` of the window.
    pub size: [usize; 2],
    /// Steps of the window, down and right; `None`: its size, so that windows tile the picture.
    #[config(default = "None")]
    pub stride: Option<[usize; 2]>,
    /// What to do with a rest at the edge.
    #[config(default = "RaggedEdge::Drop")]
    pub edge: RaggedEdge,
    /// Places added on every side, `[rows, columns]`, that are never the largest: at most half the window, and for the maximum only.
    #[config(default = "[0, 0]")]
    pub padding: [usize; 2],
}

/// The pooling layer: every window of `h` by `w` values becomes one,
///
/// `y[d, i, j] = F(x[d, s i + a, s' j + c] for a = 0..h, c = 0..w)`
///
/// for an aggregating function `F` and steps `s, s'`, which are `h, w` unless set. Along an axis of length `n` there are
/// `floor((n - h) / s) + 1` windows (with padding `p`, `n + 2 p` in place of `n`); [`RaggedEdge::Keep`] adds one where a rest remains and that window would start inside.
#[derive(Module, Debug)]
pub struct Pooling {
    #[module(skip)]
    config: PoolingConfig,
    #[module(skip)]
    aggregation: Aggregation,
}

impl PoolingConfig {
    /// Builds the layer, which has no parameters.
    ///
    /// # Errors
    /// A size or step of 0; padding of more than half the window, or for another function than the maximum.
    pub fn init(&self, aggregation: Aggregation) -> Result<Pooling> {
        self.check()?;
        if self.padding != [0, 0] && !matches!(aggregation, Aggregation::Max) {
            let found = format!("padding {:?} around {aggregation:?}", self.padding);
            return Err(Error::layer("pooling", found, "padding for the maximum only"));
        }
        Ok(Pooling { config: self.clone(), aggregation })
    }

    fn check(&self) -> Result<()> {
        if self.size.contains(&0) || self.steps().contains(&0) {
            let found = format!("size {:?}, stride {:?}", self.size, self.steps());
            return Err(Error::layer("pooling", found, "numbers of at least 1"));
        }
        if (0..2).any(|axis| self.padding[axis] > self.size[axis] / 2) {
            let found = format!("padding {:?}, size {:?}", self.padding, self.size);
            return Err(Error::layer("pooling", found, "padding of at most half the size"));
        }
        Ok(())
    }

    /// The stride in force.
    pub fn steps(&self) -> [usize; 2] {
        self.stride.unwrap_or(self.size)
    }

    /// `[height, width]` of the output for an input of `[height, width]`.
    ///
    /// # Errors
    /// No window fits into the picture.
    pub fn output_size(&self, input: [usize; 2]) -> Result<[usize; 2]> {
        self.check()?;
        let output = [0, 1].map(|axis| {
            let cover = self.cover(axis, input[axis]);
            cover.whole + usize::from(cover.rest > 0)
        });
        if output.contains(&0) {
            let smallest = if self.edge == RaggedEdge::Keep { [1, 1] } else { self.size };
            return Err(Error::layer(
                "pooling",
                format!("a picture of {}x{}", input[0], input[1]),
                format!("at least {}x{} for its window", smallest[0], smallest[1]),
            ));
        }
        Ok(output)
    }

    /// How windows cover an axis of `length`.
    fn cover(&self, axis: usize, length: usize) -> Cover {
        let (size, step, padding) = (self.size[axis], self.steps()[axis], self.padding[axis]);
        let padded = length.saturating_add(2 * padding);
        let whole = if length == 0 || padded < size { 0 } else { (padded - size) / step + 1 };
        let covered = if whole == 0 { 0 } else { (whole - 1) * step + size };
        let keeps = self.edge == RaggedEdge::Keep && covered < padded;
        let rest = if keeps { (length + padding).saturating_sub(whole * step) } else { 0 };
        Cover { whole, rest }
    }
}

/// The windows along one axis.
struct Cover {
    /// Whole windows.
    whole: usize,
    /// Length of the cut window after them, 0 if there is none.
    rest: usize,
}

impl Pooling {
    /// `[batch, channels, height, width]` to `[batch, channels, height_out, width_out]`.
    ///
    /// # Panics
    /// If no window fits; [`PoolingConfig::output_size`] tells beforehand.
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (size, cut) = self.windows_of(&x);
        let step = self.config.steps();
        match &self.aggregation {
            Aggregation::Max => ognivo_kernels::max_pool2d(x, size, step, self.config.padding, cut),
            Aggregation::Average => ognivo_kernels::avg_pool2d(x, size, step, [0, 0], false, cut),
            Aggregation::L2 => self.regions(x, &euclidean_norm),
            Aggregation::Custom(function) => self.regions(x, function.as_ref()),
        }
    }

    /// [`forward`](Self::forward) of `max(x, 0)`; for the maximum in one pass.
    ///
    /// # Panics
    /// As [`forward`](Self::forward).
    pub fn forward_relu(&self, x: Tensor<4>) -> Tensor<4> {
        match &self.aggregation {
            Aggregation::Max => {
                let (size, cut) = self.windows_of(&x);
                ognivo_kernels::relu_max_pool2d(x, size, self.config.steps(), self.config.padding, cut)
            }
            _ => self.forward(ognivo_kernels::relu(x)),
        }
    }

    /// The windows' size on `x`, and whether there are cut ones.
    fn windows_of(&self, x: &Tensor<4>) -> ([usize; 2], bool) {
        let [_, _, height, width] = x.dims();
        let mut size = self.config.size;
        if self.config.edge == RaggedEdge::Keep {
            // A picture smaller than the window has only the cut window, which is a whole one of the picture's own size.
            let [rows, columns] = self.config.padding;
            size = [size[0].min(height + 2 * rows), size[1].min(width + 2 * columns)];
        }
        let cut = (0..2).any(|axis| self.config.cover(axis, [height, width][axis]).rest > 0);
        (size, cut)
    }

    /// The windows' sizes and steps.
    pub fn config(&self) -> &PoolingConfig {
        &self.config
    }

    /// Applies `function` to the whole windows and, apart, to those cut at the bottom, at the right and at both.
    fn regions(&self, x: Tensor<4>, function: &dyn Aggregate) -> Tensor<4> {
        let [_, _, height, width] = x.dims();
        let bands = |axis, length| {
            let cover = self.config.cover(axis, length);
            let start = cover.whole * self.config.steps()[axis];
            let whole = Band { start: 0, count: cover.whole, size: self.config.size[axis] };
            let rest = Band { start, count: usize::from(cover.rest > 0), size: cover.rest };
            [whole, rest].into_iter().filter(|band| band.count > 0).collect::<Vec<_>>()
        };
        let columns = bands(1, width);
        let rows = bands(0, height).into_iter().map(|row| {
            let parts = columns.iter().map(|column| function.aggregate(self.windows(&x, &row, column)));
            Tensor::cat(parts.collect(), 3)
        });
        Tensor::cat(rows.collect(), 2)
    }

    /// `[batch, channels, rows.count, columns.count, rows.size * columns.size]`.
    fn windows(&self, x: &Tensor<4>, rows: &Band, columns: &Band) -> Tensor<5> {
        let [down, right] = self.config.steps();
        let mut places = Vec::with_capacity(rows.size * columns.size);
        for a in 0..rows.size {
            for c in 0..columns.size {
                let (top, left) = (rows.start + a, columns.start + c);
                let (bottom, end) = (top + (rows.count - 1) * down + 1, left + (columns.count - 1) * right + 1);
                let place: Tensor<4> = x.clone().slice(s![.., .., top..bottom;down, left..end;right]);
                places.push(place);
            }
        }
        Tensor::stack(places, 4)
    }
}

/// Windows of one size along an axis.
struct Band {
    start: usize,
    count: usize,
    size: usize,
}

fn euclidean_norm(windows: Tensor<5>) -> Tensor<4> {
    let squares = windows.square().sum_dim(4).squeeze_dim::<4>(4);
    // The root has no derivative at 0: such a window takes the root of 1 and no gradient, and is set to 0 after.
    let zero = squares.clone().equal_elem(0.0);
    squares.mask_fill(zero.clone(), 1.0).sqrt().mask_fill(zero, 0.0)
}
