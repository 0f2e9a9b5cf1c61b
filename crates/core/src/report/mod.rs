//! A run's report: one self-contained `report.html`.
//!
//! No script, no network, no external font: the page can be mailed, printed and opened in ten years. It follows the
//! reader's light or dark theme, fits a phone, and says in words what its pictures show.
//!
//! ```
//! use ognivo_core::metrics::Interval;
//! use ognivo_core::report::{LineChart, Report, Series, Table, Tile};
//!
//! let mut report = Report::new("Digits");
//! report.tile(Tile::proportion("Test accuracy", Interval::wilson(352, 360)).baseline("majority class", 0.1028));
//! report.command("classify-images train");
//! let section = report.section("Training");
//! section.chart(&LineChart::new("Loss").x_label("epoch").series(Series::new("train", vec![(1.0, 0.9), (2.0, 0.4)])));
//! section.table(Table::new("Classes").text("Class").number("Recall").row(["zero", "98.6 %"]));
//! report.environment("Device", "flex");
//! assert!(report.to_html().contains("<h1>Digits</h1>"));
//! ```
//!
//! Every text given is escaped: class names, captions and paths may hold anything.

mod chart;
mod coloured_text;
mod page;
mod pictures;
mod table;
mod text;
mod tile;

pub use chart::{BarChart, Chart, ConfusionChart, Histogram, LineChart, MapChart, Series};
pub use coloured_text::ColouredText;
pub use page::{Report, Section};
pub use pictures::{Picture, PictureGrid, Tone};
pub use table::{Cell, Table};
pub use text::{duration, number, percent, utc};
pub use tile::Tile;
