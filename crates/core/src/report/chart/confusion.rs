//! The confusion matrix as a heat map.

use std::fmt::Write;

use super::super::text::{grouped, number, percent, width};
use super::Chart;
use super::svg::{Anchor, FONT, Svg, short};
use crate::metrics::{Confusion, ConfusionMatrix};

/// Cells of more classes than this have no borders, numbers and titles of their own.
const SINGLE_CELLS: usize = 40;
/// More classes than this are not drawn: a cell would be smaller than a pixel or two.
const MOST: usize = 250;
/// Shades of a cell.
const SHADES: u32 = 12;

/// A heat map of a [`ConfusionMatrix`]: a row for each true class, a column for each predicted one. A cell's shade is its
/// share of the row: of right answers as it is, of mistakes the square root, so that rare ones are seen.
#[derive(Clone, Debug)]
pub struct ConfusionChart<'a> {
    title: String,
    matrix: &'a ConfusionMatrix,
    classes: &'a [String],
}

impl<'a> ConfusionChart<'a> {
    /// The matrix with the names of its classes; a class without a name is shown by its number.
    pub fn new(title: impl Into<String>, matrix: &'a ConfusionMatrix, classes: &'a [String]) -> Self {
        Self { title: title.into(), matrix, classes }
    }

    fn name(&self, class: usize) -> String {
        self.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
    }

    /// Shade 0 to [`SHADES`]; what occurs at all has at least 1.
    fn shade(&self, cell: Confusion) -> u32 {
        let share = cell.count as f64 / self.matrix.support(cell.target).max(1) as f64;
        let share = if cell.target == cell.predicted { share } else { share.sqrt() };
        ((share * f64::from(SHADES)).round() as u32).clamp(1, SHADES)
    }

    fn description(&self) -> String {
        let mut text = format!(
            "Confusion matrix: {}. {} classes, {} examples, accuracy {}.",
            self.title,
            self.matrix.classes(),
            self.matrix.total(),
            percent(self.matrix.accuracy().value)
        );
        for mistake in self.matrix.mistakes(5) {
            text += &format!(
                " {} taken for {}: {}.",
                self.name(mistake.target),
                self.name(mistake.predicted),
                mistake.count
            );
        }
        text
    }
}

impl Chart for ConfusionChart<'_> {
    fn title(&self) -> &str {
        &self.title
    }

    fn svg(&self, room: f64) -> String {
        let mut svg = Svg::default();
        let classes = self.matrix.classes();
        if classes == 0 || classes > MOST {
            svg.fitted("label", Anchor::Start, (0.0, 16.0), &format!("{classes} classes cannot be drawn"), room);
            return svg.finish(room, 28.0, &self.description());
        }
        let entries = [
            ("hit".to_owned(), "right, share of the true class"),
            ("miss".to_owned(), "mistaken, square root of the share"),
        ];
        let legend = svg.legend(room, &entries);

        let widest = (0..classes).map(|class| width(&self.name(class), FONT)).fold(0.0, f64::max);
        let names = widest.min(0.28 * room).min(150.0);
        let left = names + 10.0;
        let pitch = ((room - left - 2.0) / classes as f64).min(if classes <= 4 { 72.0 } else { 50.0 });
        let lying = widest + 8.0 <= pitch;
        // Labels thin out to every second, fifth, tenth ... class when rows are lower than text.
        let every = [1, 2, 5, 10, 20, 50, 100].into_iter().find(|every| *every as f64 * pitch >= 13.0).unwrap_or(250);
        let top = legend + 24.0 + if lying { 18.0 } else { names + 10.0 };
        let side = pitch * classes as f64;
        svg.text("axis-name", Anchor::End, (left - 10.0, top - 8.0), "true ↓");
        svg.text("axis-name", Anchor::Start, (left, legend + 16.0), "predicted →");

        svg.rect("class=\"field\"", [left, top, side, side], None);
        for class in (0..classes).step_by(every) {
            let middle = (class as f64 + 0.5) * pitch;
            let name = self.name(class);
            svg.fitted("label", Anchor::End, (left - 8.0, top + middle + 4.0), &name, names);
            if lying {
                svg.text("label", Anchor::Middle, (left + middle, top - 8.0), &name);
            } else {
                svg.upright("label", (left + middle + 4.0, top - 8.0), &name, names);
            }
            if every > 1 {
                let at = class as f64 * pitch;
                svg.line("grid", (left, top + at), (left + side, top + at));
                svg.line("grid", (left + at, top), (left + at, top + side));
            }
        }
        if classes <= SINGLE_CELLS {
            self.single_cells(&mut svg, left, top, pitch);
        } else {
            self.shade_by_shade(&mut svg, left, top, pitch);
        }
        svg.finish(room.min(left + side + 2.0).max(room.min(340.0)), top + side + 2.0, &self.description())
    }
}

impl ConfusionChart<'_> {
    fn single_cells(&self, svg: &mut Svg, left: f64, top: f64, pitch: f64) {
        let gap = if pitch > 20.0 { 1.0 } else { 0.5 };
        for cell in self.matrix.cells() {
            let (x, y) = (left + cell.predicted as f64 * pitch, top + cell.target as f64 * pitch);
            let kind = if cell.target == cell.predicted { "hit" } else { "miss" };
            let shade = self.shade(cell);
            let (target, predicted) = (self.name(cell.target), self.name(cell.predicted));
            let share = percent(cell.count as f64 / self.matrix.support(cell.target).max(1) as f64);
            let title = format!("true {target}, predicted {predicted}: {} ({share} of {target})", cell.count);
            let area = [x + gap, y + gap, pitch - 2.0 * gap, pitch - 2.0 * gap];
            svg.rect(&format!("class=\"cell {kind} h{shade}\" rx=\"2\""), area, Some(&title));
            let thousands = (cell.count >= 1000).then(|| number((cell.count as f64 / 1000.0).round()) + "k");
            let text = [Some(grouped(&cell.count.to_string())), thousands];
            if let Some(text) = text.iter().flatten().find(|text| width(text, FONT) + 4.0 <= pitch && pitch >= 18.0) {
                svg.text(
                    &format!("count {kind} h{shade}"),
                    Anchor::Middle,
                    (x + pitch / 2.0, y + pitch / 2.0 + 4.0),
                    text,
                );
            }
        }
    }

    /// One path for all cells of a shade: a few bytes a cell.
    fn shade_by_shade(&self, svg: &mut Svg, left: f64, top: f64, pitch: f64) {
        let mut paths = vec![[String::new(), String::new()]; SHADES as usize + 1];
        for cell in self.matrix.cells() {
            let (x, y) = (left + cell.predicted as f64 * pitch, top + cell.target as f64 * pitch);
            let path = &mut paths[self.shade(cell) as usize][usize::from(cell.target == cell.predicted)];
            let _ = write!(path, "M{} {}h{p}v{p}h-{p}z", short(x), short(y), p = short(pitch));
        }
        for (shade, [misses, hits]) in paths.iter().enumerate() {
            svg.path_data(&format!("class=\"cell miss h{shade}\""), misses);
            svg.path_data(&format!("class=\"cell hit h{shade}\""), hits);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(classes: usize) -> (ConfusionMatrix, Vec<String>) {
        let mut matrix = ConfusionMatrix::new(classes);
        for index in 0..classes * 50 {
            let target = index % classes;
            matrix.add(target, if index % 7 == 0 { (target * 5 + 1) % classes } else { target }).unwrap();
        }
        (matrix, (0..classes).map(|class| format!("<class {class}>")).collect())
    }

    #[test]
    fn every_cell_is_drawn_with_its_count() {
        let (matrix, names) = filled(10);
        let svg = ConfusionChart::new("c", &matrix, &names).svg(600.0);
        assert_eq!(svg.matches("<rect class=\"cell").count(), matrix.cells().count());
        assert_eq!(svg.matches("<text class=\"count").count(), matrix.cells().count());
        let cell = matrix.cells().next().unwrap();
        assert!(svg.contains(&format!("true &lt;class 0&gt;, predicted &lt;class 0&gt;: {} (", cell.count)));
        assert!(!svg.contains("<class"));
    }

    #[test]
    fn counts_without_room_are_rounded_or_left_out() {
        let mut matrix = ConfusionMatrix::new(10);
        (0..7).for_each(|_| matrix.add(0, 1).unwrap());
        (0..113).for_each(|_| matrix.add(1, 1).unwrap());
        (0..41_700).for_each(|_| matrix.add(2, 2).unwrap());
        let counts = |room| {
            let svg = ConfusionChart::new("c", &matrix, &[]).svg(room);
            let texts = svg.lines().filter(|line| line.contains("<text class=\"count"));
            texts.map(|line| line.split(['>', '<']).nth(2).unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(counts(600.0), ["7", "113", "41\u{202f}700"]);
        assert_eq!(counts(400.0), ["7", "113", "42k"]);
        assert_eq!(counts(240.0), ["7"]);
    }

    #[test]
    fn labels_thin_out() {
        let (matrix, names) = filled(100);
        let labels =
            |room| ConfusionChart::new("c", &matrix, &names).svg(room).matches("<text class=\"label\"").count();
        // Two of them are the legend's.
        assert_eq!((labels(980.0), labels(360.0)), (2 + 100, 2 + 40));
        let svg = ConfusionChart::new("c", &matrix, &names).svg(980.0);
        assert_eq!(svg.matches("h-").count(), matrix.cells().count());
    }

    #[test]
    fn shades_by_hand() {
        let mut matrix = ConfusionMatrix::new(3);
        matrix.add_batch(&[0, 0, 0, 0, 1], &[0, 0, 0, 1, 1]).unwrap();
        let chart = ConfusionChart::new("c", &matrix, &[]);
        let shade =
            |target, predicted| chart.shade(Confusion { target, predicted, count: matrix.count(target, predicted) });
        assert_eq!((shade(0, 0), shade(0, 1), shade(1, 1)), (9, 6, 12));
        assert!(chart.svg(400.0).contains(">2</text>"), "a class without a name has its number");
    }

    #[test]
    fn any_number_of_classes_has_an_answer() {
        for classes in [0, 1, 2, 41, 250, 251, 100_000] {
            let matrix = ConfusionMatrix::new(classes);
            let svg = ConfusionChart::new("c", &matrix, &[]).svg(360.0);
            assert!(svg.starts_with("<svg") && svg.len() < 100_000, "{classes}");
        }
    }
}
