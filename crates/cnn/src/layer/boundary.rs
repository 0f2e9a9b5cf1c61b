//! What a convolution sees beyond the edge of the picture.

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde::{Deserialize, Serialize};

/// What `x[i, j]` is for an index outside the picture.
///
/// With any policy but [`Valid`](Self::Valid) a convolution of stride 1 keeps the height and width. Written for one axis of
/// length `n` holding `a b c d`:
///
/// | policy | to the left | picture | to the right | `numpy.pad` mode |
/// |---|---|---|---|---|
/// | zero | `0 0` | `a b c d` | `0 0` | `constant` |
/// | reflect | `c b` | `a b c d` | `c b` | `reflect` |
/// | wrap | `c d` | `a b c d` | `a b` | `wrap` |
///
/// `reflect` does not repeat the edge itself. Both `reflect` and `wrap` continue periodically where the padding is longer than
/// the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Boundary {
    /// Nothing: the window stays inside the picture and the output is smaller.
    Valid,
    /// 0.
    #[default]
    Zero,
    /// The picture mirrored about its edge pixels.
    Reflect,
    /// The picture repeated, as on a torus.
    Wrap,
}

impl Boundary {
    /// Surrounds `x` `[batch, channels, height, width]` with `(top, bottom)` rows and `(left, right)` columns.
    ///
    /// [`Valid`](Self::Valid) adds nothing.
    pub fn pad(self, x: Tensor<4>, rows: (usize, usize), columns: (usize, usize)) -> Tensor<4> {
        match self {
            Self::Valid => x,
            Self::Zero if rows == (0, 0) && columns == (0, 0) => x,
            Self::Zero => x.pad([rows, columns], 0.0_f32),
            Self::Reflect | Self::Wrap => self.extend(self.extend(x, 2, rows), 3, columns),
        }
    }

    fn extend(self, x: Tensor<4>, axis: usize, (before, after): (usize, usize)) -> Tensor<4> {
        let length = x.dims()[axis];
        if (before, after) == (0, 0) || length == 0 {
            return x;
        }
        let source: Vec<i32> = (0..before + length + after).map(|i| self.source(i, before, length) as i32).collect();
        let source = indices(source, &x.device());
        x.select(axis, source)
    }

    /// The pixel that position `i` of the padded axis shows.
    fn source(self, i: usize, before: usize, length: usize) -> usize {
        // Distances from the first pixel are taken modulo the period; `before` of them are to its left.
        let period = if self == Self::Reflect { (2 * (length - 1)).max(1) } else { length };
        let place = (i + period * before.div_ceil(period) - before) % period;
        if place < length { place } else { period - place }
    }
}

fn indices(values: Vec<i32>, device: &Device) -> Tensor<1, Int> {
    let length = values.len();
    Tensor::from_data(TensorData::new(values, [length]), device)
}
