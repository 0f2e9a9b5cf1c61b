//! Line charts: curves over steps or epochs.

use super::super::text::{number, percent, width};
use super::Chart;
use super::axis::{Axis, Unit, drawable, range};
use super::svg::{Anchor, FONT, Svg};

/// Curves over a common axis, as losses over epochs.
#[derive(Clone, Debug, Default)]
pub struct LineChart {
    title: String,
    x_label: String,
    y_label: String,
    series: Vec<Series>,
    marks: Vec<(f64, f64, String)>,
    x_log: bool,
    y_log: bool,
    unit: Unit,
}

/// A curve, with a band around it where several runs stand behind it.
///
/// Values that are not finite, or not positive on a logarithmic axis, leave a gap.
#[derive(Clone, Debug, Default)]
pub struct Series {
    name: String,
    points: Vec<(f64, f64)>,
    /// x, low, high.
    band: Vec<(f64, f64, f64)>,
}

impl Series {
    /// A curve through `(x, y)` points, in their order.
    pub fn new(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.into(), points, band: Vec::new() }
    }

    /// Adds a band of `(x, low, high)`.
    pub fn band(mut self, band: Vec<(f64, f64, f64)>) -> Self {
        self.band = band;
        self
    }

    /// The mean of several runs and a band of one standard deviation (n-1) on both sides, at each place of the first run
    /// where all have a point.
    pub fn mean_of_runs(name: impl Into<String>, runs: &[Vec<(f64, f64)>]) -> Self {
        let count = runs.len() as f64;
        let (mut points, mut band) = (Vec::new(), Vec::new());
        for (index, &(x, _)) in runs.first().into_iter().flatten().enumerate() {
            let at = |run: &Vec<(f64, f64)>| run.get(index).filter(|point| point.0 == x).map(|point| point.1);
            let Some(values) = runs.iter().map(at).collect::<Option<Vec<f64>>>() else { continue };
            let mean = values.iter().sum::<f64>() / count;
            let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
            let deviation = (squares / (count - 1.0).max(1.0)).sqrt();
            points.push((x, mean));
            band.push((x, mean - deviation, mean + deviation));
        }
        Self::new(name, points).band(if runs.len() > 1 { band } else { Vec::new() })
    }
}

impl LineChart {
    /// An empty chart.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// What runs along the horizontal axis.
    pub fn x_label(self, label: impl Into<String>) -> Self {
        Self { x_label: label.into(), ..self }
    }

    /// What runs along the vertical axis.
    pub fn y_label(self, label: impl Into<String>) -> Self {
        Self { y_label: label.into(), ..self }
    }

    /// Makes the horizontal axis logarithmic.
    pub fn x_log(self) -> Self {
        Self { x_log: true, ..self }
    }

    /// Makes the vertical axis logarithmic.
    pub fn y_log(self) -> Self {
        Self { y_log: true, ..self }
    }

    /// Writes the vertical axis, whose values are shares, in percent.
    pub fn y_percent(self) -> Self {
        Self { unit: Unit::Percent, ..self }
    }

    /// Adds a curve. The ninth has the colour of the first, dashed.
    pub fn series(mut self, series: Series) -> Self {
        self.series.push(series);
        self
    }

    /// Marks a point, as that of the best epoch: a line across, a dot and a label.
    pub fn mark(mut self, x: f64, y: f64, label: impl Into<String>) -> Self {
        self.marks.push((x, y, label.into()));
        self
    }

    fn drawable(&self, (x, y): (f64, f64)) -> bool {
        drawable(x, self.x_log) && drawable(y, self.y_log)
    }

    fn value(&self, value: f64) -> String {
        if self.unit == Unit::Percent { percent(value) } else { number(value) }
    }

    /// Smallest and largest x and y of all that is drawn.
    fn ranges(&self) -> Option<((f64, f64), (f64, f64))> {
        let points = || {
            let bands = self.series.iter().flat_map(|series| &series.band);
            let bands = bands.flat_map(|&(x, low, high)| [(x, low), (x, high)]);
            let curves = self.series.iter().flat_map(|series| series.points.iter().copied()).chain(bands);
            curves.chain(self.marks.iter().map(|&(x, y, _)| (x, y))).filter(|&point| self.drawable(point))
        };
        range(points().map(|point| point.0), self.x_log).zip(range(points().map(|point| point.1), self.y_log))
    }

    fn description(&self) -> String {
        let mut text = format!("Line chart: {}.", self.title);
        if !self.x_label.is_empty() {
            text += &format!(" Horizontal: {}.", self.x_label);
        }
        for series in &self.series {
            let values = || series.points.iter().copied().filter(|&point| self.drawable(point));
            let lowest = values().min_by(|a, b| a.1.total_cmp(&b.1));
            let highest = values().max_by(|a, b| a.1.total_cmp(&b.1));
            if let (Some(low), Some(high), Some(last)) = (lowest, highest, values().next_back()) {
                text += &format!(
                    " {}: lowest {} at {}, highest {} at {}, last {}.",
                    series.name,
                    self.value(low.1),
                    number(low.0),
                    self.value(high.1),
                    number(high.0),
                    self.value(last.1)
                );
            }
        }
        for (_, _, label) in &self.marks {
            text += &format!(" Marked: {label}.");
        }
        text
    }
}

impl Chart for LineChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn svg(&self, room: f64) -> String {
        let mut svg = Svg::default();
        let Some((x_range, y_range)) = self.ranges() else {
            svg.text("label", Anchor::Start, (0.0, 16.0), "no finite values");
            return svg.finish(room, 28.0, &self.description());
        };
        let names: Vec<_> =
            self.series.iter().enumerate().map(|(index, series)| (color(index), &*series.name)).collect();
        let mut top = if names.len() > 1 { svg.legend(room, &names) + 8.0 } else { 4.0 };
        if !self.y_label.is_empty() {
            svg.fitted("label", Anchor::Start, (0.0, top + 10.0), &self.y_label, room);
            top += 18.0;
        }

        let plot_height = (room * 0.42).clamp(190.0, 320.0);
        let y_axis = if self.y_log {
            // As many ticks as rows of text have room, whatever their width.
            Axis::log(y_range, plot_height * 1.4, true)
        } else {
            Axis::round(y_range, (plot_height / 48.0).floor(), false, self.unit)
        };
        let (left, right) = (y_axis.label_width() + 10.0, room - 14.0);
        let whole = self.series.iter().flat_map(|series| &series.points).all(|point| point.0.fract() == 0.0);
        let x_axis = if self.x_log {
            Axis::log(x_range, right - left, false)
        } else {
            Axis::exact(x_range, right - left, whole)
        };
        let x = |value| x_axis.place(value, left, right);

        // Labels of marks stand above the plot, each in the first row where it has room.
        let marks: Vec<_> = self.marks.iter().filter(|(x, y, _)| self.drawable((*x, *y))).collect();
        let mut rows: Vec<Vec<(f64, f64)>> = Vec::new();
        let places: Vec<_> = marks
            .iter()
            .map(|(at, _, label)| {
                let wide = width(label, FONT).min(right);
                let start = (x(*at) - wide / 2.0).clamp(0.0, right - wide);
                let free = |row: &Vec<(f64, f64)>| {
                    row.iter().all(|&(from, to)| start + wide + 10.0 <= from || to + 10.0 <= start)
                };
                let row = rows.iter().position(free).unwrap_or(rows.len());
                if row == rows.len() {
                    rows.push(Vec::new());
                }
                rows[row].push((start, start + wide));
                (start, wide, top + 16.0 * row as f64 + 10.0)
            })
            .collect();
        top += 16.0 * rows.len() as f64 + 6.0;
        let bottom = top + plot_height;
        let place = |(at, value): (f64, f64)| (x(at), y_axis.place(value, bottom, top));

        for (value, label) in &y_axis.ticks {
            let y = y_axis.place(*value, bottom, top);
            svg.line("grid", (left, y), (right, y));
            svg.text("tick", Anchor::End, (left - 8.0, y + 4.0), label);
        }
        for (value, label) in &x_axis.ticks {
            svg.line("axis", (x(*value), bottom), (x(*value), bottom + 4.0));
            svg.text("tick", Anchor::Middle, (x(*value), bottom + 18.0), label);
        }
        svg.line("axis", (left, bottom), (right, bottom));
        svg.fitted("label", Anchor::Middle, ((left + right) / 2.0, bottom + 36.0), &self.x_label, right - left);

        for (mark, (start, wide, baseline)) in marks.iter().zip(places) {
            svg.line("mark", (x(mark.0), baseline + 4.0), (x(mark.0), bottom));
            svg.fitted("mark-label", Anchor::Start, (start, baseline), &mark.2, wide);
        }
        for (index, series) in self.series.iter().enumerate() {
            let band: Vec<_> = series
                .band
                .iter()
                .copied()
                .filter(|&(x, a, b)| self.drawable((x, a)) && self.drawable((x, b)))
                .collect();
            let upper = band.iter().map(|&(x, _, high)| place((x, high)));
            let outline: Vec<_> = upper.chain(band.iter().rev().map(|&(x, low, _)| place((x, low)))).collect();
            if !outline.is_empty() {
                svg.path(&format!("band {}", color(index)), [&outline[..]], true);
            }
            let points = thin(&series.points, room as usize, |point| self.drawable(point));
            let parts: Vec<Vec<_>> = points
                .split(|&point| !self.drawable(point))
                .map(|part| part.iter().map(|&point| place(point)).collect())
                .collect();
            svg.path(&format!("line {}", color(index)), parts.iter().map(Vec::as_slice), false);
            let few = series.points.len() <= 40;
            for &point in points.iter().filter(|&&point| few && self.drawable(point)) {
                let title = format!("{}: {} at {}", series.name, self.value(point.1), number(point.0));
                svg.dot(&format!("dot {}", color(index)), place(point), 2.5, Some(&title));
            }
        }
        for (at, value, label) in marks {
            svg.dot("mark-dot", place((*at, *value)), 4.5, Some(label));
        }
        svg.finish(room, bottom + if self.x_label.is_empty() { 26.0 } else { 42.0 }, &self.description())
    }
}

/// The style of the curve `index`: eight colours, then the same dashed.
pub(super) fn color(index: usize) -> String {
    format!("s{}{}", index % 8 + 1, if index / 8 % 2 == 1 { " dashed" } else { "" })
}

/// At most about `3 * chunks` points that look the same: of each chunk the lowest, the highest and one gap.
fn thin(points: &[(f64, f64)], chunks: usize, drawable: impl Fn((f64, f64)) -> bool) -> Vec<(f64, f64)> {
    if points.len() <= 3 * chunks {
        return points.to_vec();
    }
    let mut kept = Vec::with_capacity(3 * chunks + 2);
    kept.extend(points.first());
    for chunk in points.chunks(points.len().div_ceil(chunks.max(1))) {
        let drawn = || chunk.iter().enumerate().filter(|(_, point)| drawable(**point));
        let lowest = drawn().min_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let highest = drawn().max_by(|a, b| a.1.1.total_cmp(&b.1.1));
        let gap = chunk.iter().enumerate().find(|(_, point)| !drawable(**point));
        let mut indices: Vec<_> = [lowest, highest, gap].into_iter().flatten().map(|(index, _)| index).collect();
        indices.sort_unstable();
        indices.dedup();
        kept.extend(indices.into_iter().map(|index| chunk[index]));
    }
    kept.extend(points.last());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_spread_by_hand() {
        let runs =
            [vec![(1.0, 1.0), (2.0, 5.0), (3.0, 0.0)], vec![(1.0, 3.0), (2.0, 5.0)], vec![(1.0, 5.0), (2.0, 5.0)]];
        let series = Series::mean_of_runs("loss", &runs);
        assert_eq!(series.points, [(1.0, 3.0), (2.0, 5.0)]);
        assert_eq!(series.band, [(1.0, 1.0, 5.0), (2.0, 5.0, 5.0)]);
        assert!(Series::mean_of_runs("one", &runs[..1]).band.is_empty());
        assert!(Series::mean_of_runs("none", &[]).points.is_empty());
    }

    #[test]
    fn a_long_curve_keeps_its_peaks_and_gaps_and_little_else() {
        let mut points: Vec<_> = (0..1_000_000).map(|step| (f64::from(step), f64::from(step % 100))).collect();
        points[543_210].1 = 1e6;
        points[654_321].1 = f64::NAN;
        let kept = thin(&points, 600, |(_, y)| y.is_finite());
        assert!(kept.len() <= 1802, "{}", kept.len());
        assert!(kept.contains(&points[543_210]) && kept.iter().any(|point| point.1.is_nan()));
        assert_eq!((kept.first(), kept.last()), (points.first(), points.last()));
        assert!(kept.windows(2).all(|pair| pair[0].0 <= pair[1].0));
        let svg = LineChart::new("long").series(Series::new("x", points)).svg(600.0);
        assert!(svg.len() < 60_000, "{}", svg.len());
    }

    #[test]
    fn gaps_are_not_bridged() {
        let points = vec![(1.0, 1.0), (2.0, f64::NAN), (3.0, 2.0), (4.0, 3.0)];
        let svg = LineChart::new("gap").series(Series::new("x", points.clone())).svg(400.0);
        let line = svg.lines().find(|line| line.contains("class=\"line")).unwrap();
        assert_eq!(line.matches('M').count(), 2);
        let zero = vec![(1.0, 0.0), (2.0, 1.0), (3.0, 10.0)];
        let svg = LineChart::new("log").y_log().series(Series::new("x", zero)).svg(400.0);
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn odd_input_is_drawn_or_said() {
        for points in [
            vec![],
            vec![(f64::NAN, 1.0)],
            vec![(1.0, f64::INFINITY)],
            vec![(0.0, 0.0)],
            vec![(1e308, -1e308)],
            vec![(5.0, 7.0); 3],
        ] {
            for chart in [LineChart::new("odd"), LineChart::new("odd").x_log().y_log()] {
                let svg = chart.series(Series::new("<x>", points.clone())).mark(f64::NAN, 1.0, "never").svg(360.0);
                assert!(svg.starts_with("<svg") && !svg.contains("\"NaN") && !svg.contains("inf"), "{svg}");
                assert!(!svg.contains("<x>"));
            }
        }
    }

    #[test]
    fn marks_do_not_overlap() {
        let points: Vec<_> = (0..10).map(|x| (f64::from(x), 1.0)).collect();
        let chart = LineChart::new("marks").series(Series::new("x", points));
        let chart =
            chart.mark(5.0, 1.0, "best: epoch 5, 97.8 %").mark(6.0, 1.0, "stopped: epoch 6").mark(0.0, 1.0, "a");
        let svg = chart.svg(600.0);
        let rows: Vec<_> = svg
            .lines()
            .filter(|line| line.contains("mark-label"))
            .map(|line| line.split(" y=\"").nth(1).unwrap().split('"').next().unwrap().to_owned())
            .collect();
        assert_eq!(rows.len(), 3);
        assert_ne!(rows[0], rows[1]);
        assert_eq!(rows[0], rows[2]);
    }
}
