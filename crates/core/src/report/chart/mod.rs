//! Charts as SVG, coloured by the page's variables so that they follow its theme.

mod axis;
mod bar;
mod confusion;
mod histogram;
mod line;
mod map;
mod svg;
mod theme;

pub use bar::BarChart;
pub use confusion::ConfusionChart;
pub use histogram::Histogram;
pub use line::{LineChart, Series};
pub use map::MapChart;

/// What a report can show as a chart.
pub trait Chart {
    /// Heading of the chart.
    fn title(&self) -> &str;

    /// An `<svg>` element drawn for a room of `width` CSS pixels. A report draws a chart at several widths and shows the
    /// one that fits, so that text keeps its size. All text in it must be escaped.
    fn svg(&self, width: f64) -> String;
}
