//! Histograms: how values are distributed, of one group or several.

use super::super::text::number;
use super::Chart;
use super::axis::{Axis, Unit, drawable, range};
use super::line::color;
use super::svg::{Anchor, Svg};

/// How often values fall between round numbers; several groups are stacked.
#[derive(Clone, Debug, Default)]
pub struct Histogram {
    title: String,
    x_label: String,
    groups: Vec<(String, Vec<f64>)>,
}

/// Counts per bin and group.
struct Bins {
    /// One more than there are bins.
    edges: Vec<f64>,
    /// By group, then bin.
    counts: Vec<Vec<u64>>,
}

impl Histogram {
    /// An empty histogram.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// What is counted.
    pub fn x_label(self, label: impl Into<String>) -> Self {
        Self { x_label: label.into(), ..self }
    }

    /// Adds a group of values; those that are not finite are left out.
    pub fn group(mut self, name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        self.groups.push((name.into(), values.into_iter().filter(|&value| drawable(value, false)).collect()));
        self
    }

    /// About twenty bins. A value on an edge belongs to the bin above, that on the last edge to the last.
    fn bins(&self) -> Option<Bins> {
        let values = self.groups.iter().flat_map(|(_, values)| values.iter().copied());
        let axis = Axis::round(range(values, false)?, 20.0, false, Unit::Number);
        let edges: Vec<f64> = axis.ticks.iter().map(|&(edge, _)| edge).collect();
        let bins = edges.len().checked_sub(1).filter(|&bins| bins > 0)?;
        let count = |values: &Vec<f64>| {
            let mut counts = vec![0; bins];
            for value in values {
                let above = edges.partition_point(|edge| edge <= value);
                counts[above.saturating_sub(1).min(bins - 1)] += 1;
            }
            counts
        };
        let counts = self.groups.iter().map(|(_, values)| count(values)).collect();
        Some(Bins { edges, counts })
    }

    fn description(&self, bins: &Bins) -> String {
        let mut text = format!("Histogram: {}. {}.", self.title, self.x_label);
        for ((name, values), counts) in self.groups.iter().zip(&bins.counts) {
            let fullest = counts.iter().enumerate().max_by_key(|(index, count)| (**count, usize::MAX - index));
            if let (Some((bin, _)), false) = (fullest, values.is_empty()) {
                let (low, high) = (number(bins.edges[bin]), number(bins.edges[bin + 1]));
                text += &format!(" {name}: {} values, most between {low} and {high}.", values.len());
            }
        }
        text
    }
}

impl Chart for Histogram {
    fn title(&self) -> &str {
        &self.title
    }

    fn svg(&self, room: f64) -> String {
        let mut svg = Svg::default();
        let Some(bins) = self.bins() else {
            svg.text("label", Anchor::Start, (0.0, 16.0), "no finite values");
            return svg.finish(room, 28.0, &format!("Histogram: {}. No finite values.", self.title));
        };
        let names: Vec<_> = self.groups.iter().enumerate().map(|(index, (name, _))| (color(index), &**name)).collect();
        let top = if names.len() > 1 { svg.legend(room, &names) + 12.0 } else { 8.0 };
        let bottom = top + (room * 0.36).clamp(170.0, 280.0);

        let total = |bin: usize| bins.counts.iter().map(|counts| counts[bin]).sum::<u64>();
        let highest = (0..bins.edges.len() - 1).map(total).max().unwrap_or(0);
        let y_axis = Axis::round((0.0, highest as f64), ((bottom - top) / 48.0).floor(), true, Unit::Number);
        let (left, right) = (y_axis.label_width() + 10.0, room - 14.0);
        let ends = (bins.edges[0], bins.edges[bins.edges.len() - 1]);
        let x_axis = Axis::exact(ends, right - left, false);
        let x = |value| x_axis.place(value, left, right);

        for (value, label) in &y_axis.ticks {
            let y = y_axis.place(*value, bottom, top);
            svg.line("grid", (left, y), (right, y));
            svg.text("tick", Anchor::End, (left - 8.0, y + 4.0), label);
        }
        for (bin, edges) in bins.edges.windows(2).enumerate() {
            let mut below = 0;
            for (group, (name, _)) in self.groups.iter().enumerate() {
                let count = bins.counts[group][bin];
                if count > 0 {
                    let y = |count: u64| y_axis.place(count as f64, bottom, top);
                    let (from, to) = (x(edges[0]) + 0.5, x(edges[1]) - 0.5);
                    let title = format!("{name}: {count} between {} and {}", number(edges[0]), number(edges[1]));
                    let area = [from, y(below + count), to - from, y(below) - y(below + count)];
                    svg.rect(&format!("class=\"bar {}\"", color(group)), area, Some(&title));
                    below += count;
                }
            }
        }
        svg.line("axis", (left, bottom), (right, bottom));
        for (value, label) in &x_axis.ticks {
            svg.line("axis", (x(*value), bottom), (x(*value), bottom + 4.0));
            svg.text("tick", Anchor::Middle, (x(*value), bottom + 18.0), label);
        }
        svg.fitted("label", Anchor::Middle, ((left + right) / 2.0, bottom + 36.0), &self.x_label, right - left);
        svg.finish(room, bottom + if self.x_label.is_empty() { 26.0 } else { 42.0 }, &self.description(&bins))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn counts_by_hand() {
        let histogram = Histogram::new("h").group("a", [0.0, 0.05, 0.049, 0.5, 1.0, f64::NAN]).group("b", [0.99]);
        let bins = histogram.bins().unwrap();
        assert_eq!(bins.edges.len(), 21);
        assert_eq!((bins.counts[0][0], bins.counts[0][1], bins.counts[0][10], bins.counts[0][19]), (2, 1, 1, 1));
        assert_eq!(bins.counts[1][19], 1);
    }

    proptest! {
        #[test]
        fn every_finite_value_is_counted_once(values in prop::collection::vec(prop_oneof![-5.0..5.0, any::<f64>()], 0..60)) {
            let drawn = values.iter().filter(|&&value| drawable(value, false)).count() as u64;
            let histogram = Histogram::new("h").group("a", values);
            let counted = histogram.bins().map_or(0, |bins| bins.counts[0].iter().sum());
            prop_assert_eq!(counted, drawn);
            let svg = histogram.svg(360.0);
            prop_assert!(!svg.contains("=\"NaN") && !svg.contains("=\"inf"));
        }
    }
}
