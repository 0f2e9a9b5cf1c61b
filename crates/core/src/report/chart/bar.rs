//! Bar charts: one value for each name.

use super::super::text::{number, percent, width};
use super::Chart;
use super::axis::{Unit, drawable, range};
use super::svg::{Anchor, FONT, Svg};
use crate::metrics::Interval;

const ROW: f64 = 22.0;

/// Horizontal bars, one a row, with interval whiskers where given; many rows stand in columns.
#[derive(Clone, Debug, Default)]
pub struct BarChart {
    title: String,
    bars: Vec<Bar>,
    unit: Unit,
    reference: Option<(f64, String)>,
}

#[derive(Clone, Debug)]
struct Bar {
    label: String,
    value: f64,
    whisker: Option<(f64, f64)>,
}

impl BarChart {
    /// An empty chart.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Writes values, which are shares, in percent.
    pub fn percent(self) -> Self {
        Self { unit: Unit::Percent, ..self }
    }

    /// Adds a bar. One whose value is not finite has its row and value but no bar.
    pub fn bar(mut self, label: impl Into<String>, value: f64) -> Self {
        self.push(label, value);
        self
    }

    /// Adds a bar to a chart that is being filled in a loop.
    pub fn push(&mut self, label: impl Into<String>, value: f64) {
        self.bars.push(Bar { label: label.into(), value, whisker: None });
    }

    /// Adds a bar with whiskers at the ends of its interval.
    pub fn push_interval(&mut self, label: impl Into<String>, interval: Interval) {
        let whisker =
            Some((interval.low, interval.high)).filter(|&(low, high)| drawable(low, false) && drawable(high, false));
        self.bars.push(Bar { label: label.into(), value: interval.value, whisker });
    }

    /// A line across all bars, as a baseline.
    pub fn reference(self, value: f64, name: impl Into<String>) -> Self {
        Self { reference: Some((value, name.into())).filter(|(value, _)| drawable(*value, false)), ..self }
    }

    fn value(&self, value: f64) -> String {
        if self.unit == Unit::Percent { percent(value) } else { number(value) }
    }

    fn description(&self) -> String {
        let mut text = format!("Bar chart: {}.", self.title);
        for bar in self.bars.iter().take(20) {
            text += &format!(" {}: {}.", bar.label, self.value(bar.value));
        }
        if self.bars.len() > 20 {
            text += &format!(" And {} more.", self.bars.len() - 20);
        }
        if let Some((value, name)) = &self.reference {
            text += &format!(" Line at {}: {name}.", self.value(*value));
        }
        text
    }
}

impl Chart for BarChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn svg(&self, room: f64) -> String {
        let mut svg = Svg::default();
        let values = self.bars.iter().flat_map(|bar| {
            let (low, high) = bar.whisker.unwrap_or((bar.value, bar.value));
            [bar.value, low, high]
        });
        let values = values.chain(self.reference.as_ref().map(|(value, _)| *value)).chain([0.0]);
        let (low, high) = range(values, false).unwrap_or((0.0, 1.0));
        let high = if self.unit == Unit::Percent && low >= 0.0 && high <= 1.0 { 1.0 } else { high };
        let high = if high > low { high } else { low + 1.0 };

        let top = match &self.reference {
            Some((value, name)) => {
                svg.legend(room, &[("reference".into(), &format!("{name}: {}", self.value(*value)))]) + 6.0
            }
            None => 2.0,
        };
        let columns = if self.bars.len() > 24 { (room / 290.0).floor().clamp(1.0, 4.0) } else { 1.0 };
        let rows = (self.bars.len() as f64 / columns).ceil().max(1.0);
        let gap = 28.0;
        let column = (room - gap * (columns - 1.0)) / columns;
        let widest = |texts: &mut dyn Iterator<Item = f64>| texts.fold(0.0, f64::max);
        let labels = widest(&mut self.bars.iter().map(|bar| width(&bar.label, FONT))).min(0.4 * column);
        let numbers = widest(&mut self.bars.iter().map(|bar| width(&self.value(bar.value), FONT)));
        let (start, end) = (labels + 10.0, (column - numbers - 10.0).max(labels + 30.0));
        let place = |value: f64| start + (value - low) / (high - low) * (end - start);

        for (index, bar) in self.bars.iter().enumerate() {
            let left = (index as f64 / rows).floor() * (column + gap);
            let y = top + (index as f64 % rows) * ROW;
            let middle = y + ROW / 2.0;
            svg.fitted("label", Anchor::End, (left + labels, middle + 4.0), &bar.label, labels);
            svg.text("value", Anchor::End, (left + column, middle + 4.0), &self.value(bar.value));
            svg.rect("class=\"track\" rx=\"2\"", [left + start, y + 4.0, end - start, ROW - 8.0], None);
            if drawable(bar.value, false) {
                let (from, to) = (place(bar.value.min(0.0)), place(bar.value.max(0.0)));
                let title = format!("{}: {}", bar.label, self.value(bar.value));
                svg.rect("class=\"bar s1\" rx=\"2\"", [left + from, y + 4.0, to - from, ROW - 8.0], Some(&title));
            }
            if let Some((low, high)) = bar.whisker {
                let (from, to) = (left + place(low), left + place(high));
                svg.line("whisker", (from, middle), (to, middle));
                svg.line("whisker", (from, middle - 3.0), (from, middle + 3.0));
                svg.line("whisker", (to, middle - 3.0), (to, middle + 3.0));
            }
            if let Some((value, _)) = &self.reference {
                svg.line("reference", (left + place(*value), y + 1.0), (left + place(*value), y + ROW - 1.0));
            }
        }
        svg.finish(room, top + rows * ROW + 2.0, &self.description())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_their_lengths() {
        let svg = BarChart::new("b").bar("a", 2.0).bar("b", -1.0).bar("c", f64::NAN).reference(1.0, "r").svg(500.0);
        let bars: Vec<f64> = svg
            .lines()
            .filter(|line| line.contains("class=\"bar"))
            .map(|line| line.split(" width=\"").nth(1).unwrap().split('"').next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(bars.len(), 2);
        assert!((bars[0] / bars[1] - 2.0).abs() < 0.01, "{bars:?}");
        assert!(svg.contains(">NaN</text>") && svg.contains("r: 1"));
    }

    #[test]
    fn many_bars_stand_in_columns() {
        let mut chart = BarChart::new("many").percent();
        (0..100).for_each(|class| chart.push_interval(format!("class {class}"), Interval::wilson(class, 100)));
        let height =
            |svg: String| svg.split("height=\"").nth(1).unwrap().split('"').next().unwrap().parse::<f64>().unwrap();
        assert!(height(chart.svg(980.0)) < 34.0 * ROW + 10.0);
        assert!(height(chart.svg(360.0)) > 100.0 * ROW);
    }

    #[test]
    fn odd_input_is_drawn() {
        for value in [0.0, f64::MAX, f64::MIN, 1e300, -1e300, f64::NAN, f64::INFINITY, 5e-324] {
            let svg = BarChart::new("odd").bar("<x>", value).bar("", -value).reference(value, "r").svg(360.0);
            assert!(!svg.contains("=\"NaN") && !svg.contains("=\"inf") && !svg.contains("<x>"), "{svg}");
        }
        assert!(BarChart::new("none").svg(360.0).starts_with("<svg"));
    }
}
