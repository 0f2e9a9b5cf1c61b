//! Maps: named points or small pictures on the plane, coloured by group.

use std::path::Path;

use super::super::pictures::data_uri;
use super::super::text::{number, width};
use super::Chart;
use super::axis::drawable;
use super::line::color;
use super::svg::{Anchor, FONT, Svg};
use crate::data::{Image, picture};
use crate::{Result, run::write_atomic};

/// Radius of a point.
const RADIUS: f64 = 3.5;
/// Longer side of a picture as it is drawn, and in pixels of its own.
const PICTURE: f64 = 28.0;
const PIXELS: usize = 40;
/// Groups that have a colour of their own, or a colour and a pattern; those after share the last.
const GROUPS: usize = 16;

/// Points with names, as a t-SNE of words: the same scale both ways, names where they have room.
#[derive(Clone, Debug, Default)]
pub struct MapChart {
    title: String,
    x_label: String,
    y_label: String,
    groups: Vec<String>,
    points: Vec<Point>,
}

#[derive(Clone, Debug)]
struct Point {
    name: String,
    place: (f64, f64),
    /// Its number among the groups.
    group: Option<usize>,
    picture: Option<Thumbnail>,
}

#[derive(Clone, Debug)]
struct Thumbnail {
    uri: String,
    /// As drawn.
    size: (f64, f64),
}

impl MapChart {
    /// An empty map.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// What runs to the right.
    pub fn x_label(self, label: impl Into<String>) -> Self {
        Self { x_label: label.into(), ..self }
    }

    /// What runs upwards.
    pub fn y_label(self, label: impl Into<String>) -> Self {
        Self { y_label: label.into(), ..self }
    }

    /// Adds a point. Groups have colours in the order in which they come. Names are placed in the order of the points, so the most
    /// important comes first. A point that is not finite is not drawn, and said so.
    pub fn point(mut self, name: impl Into<String>, place: (f64, f64), group: Option<&str>) -> Self {
        let group = group.map(|group| {
            self.groups.iter().position(|known| known == group).unwrap_or_else(|| {
                self.groups.push(group.to_owned());
                self.groups.len() - 1
            })
        });
        self.points.push(Point { name: name.into(), place, group, picture: None });
        self
    }

    /// Adds a point that is drawn as a small picture in a frame of its group's colour, and named when pointed at.
    ///
    /// # Errors
    /// An image whose pixels do not fit its size.
    pub fn picture(
        mut self,
        name: impl Into<String>,
        place: (f64, f64),
        group: Option<&str>,
        image: &Image,
    ) -> Result<Self> {
        let longer = image.width.max(image.height).max(1);
        let shrunk = |side: usize| if longer > PIXELS { (side * PIXELS).div_ceil(longer) } else { side };
        let uri = data_uri(&picture::resize(image, shrunk(image.width), shrunk(image.height))?)?;
        let drawn = |side: usize| PICTURE * side as f64 / longer as f64;
        self = self.point(name, place, group);
        if let Some(point) = self.points.last_mut() {
            point.picture = Some(Thumbnail { uri, size: (drawn(image.width), drawn(image.height)) });
        }
        Ok(self)
    }

    /// Writes the map as an SVG file drawn `width` pixels wide, which needs nothing else and follows its reader's light or dark theme.
    ///
    /// # Errors
    /// The system's, naming the file; one that is there then stays.
    pub fn write(&self, path: &Path, width: f64) -> Result<()> {
        let (svg, height) = self.draw(width);
        let text = svg.finish_alone(&self.title, width, height, &self.description());
        write_atomic(path, |file| std::io::Write::write_all(file, text.as_bytes()))
    }

    /// The drawing and its height.
    fn draw(&self, room: f64) -> (Svg, f64) {
        let mut svg = Svg::default();
        let drawn: Vec<&Point> = self.points.iter().filter(|point| point.is_drawable()).collect();
        let Some(frame) = Frame::around(&drawn, room) else {
            svg.text("label", Anchor::Start, (0.0, 16.0), "no finite points");
            return (svg, 28.0);
        };
        let top = svg.legend(room, &self.legend()) + if self.groups.is_empty() { 0.0 } else { 8.0 };
        let axes = |label: &str| if label.is_empty() { 0.0 } else { 18.0 };
        let (left, bottom) = (axes(&self.y_label), top + frame.height);
        svg.rect("class=\"field\" rx=\"4\"", [left, top, room - left, frame.height], None);
        if !self.y_label.is_empty() {
            svg.upright("axis-name", (12.0, bottom), &self.y_label, frame.height);
        }
        if !self.x_label.is_empty() {
            svg.fitted("axis-name", Anchor::Start, (left, bottom + 16.0), &self.x_label, room - left);
        }
        let places: Vec<_> = drawn.iter().map(|point| frame.place(point.place, (left, top), room)).collect();
        for (point, &place) in drawn.iter().zip(&places) {
            match &point.picture {
                Some(Thumbnail { uri, size: (w, h) }) => {
                    let corner = [place.0 - w / 2.0, place.1 - h / 2.0, *w, *h];
                    svg.picture(&self.color(point.group), corner, uri, &self.about(point));
                }
                None => svg.dot(&format!("dot {}", self.color(point.group)), place, RADIUS, Some(&self.about(point))),
            }
        }
        let mut taken = Taken::new(&places);
        for (point, &place) in drawn.iter().zip(&places).filter(|(point, _)| point.picture.is_none()) {
            if let Some((anchor, at)) = taken.room_for(&point.name, place, [left, top, room, bottom]) {
                svg.text("label", anchor, at, &point.name);
            }
        }
        (svg, bottom + axes(&self.x_label) + 4.0)
    }

    fn color(&self, group: Option<usize>) -> String {
        // Grey is the eighth colour; without groups all points have the first.
        group.map_or_else(|| color(if self.groups.is_empty() { 0 } else { 7 }), |group| color(group.min(GROUPS - 1)))
    }

    fn legend(&self) -> Vec<(String, &str)> {
        let shown = if self.groups.len() > GROUPS { GROUPS - 1 } else { self.groups.len() };
        let mut entries: Vec<_> =
            self.groups[..shown].iter().enumerate().map(|(index, name)| (color(index), name.as_str())).collect();
        if shown < self.groups.len() {
            entries.push((color(GROUPS - 1), "others"));
        }
        entries
    }

    fn about(&self, point: &Point) -> String {
        let group = point.group.map_or(String::new(), |group| format!(" ({})", self.groups[group]));
        let (x, y) = point.place;
        format!("{}{group} at {}, {}", point.name, number(x), number(y))
    }

    fn description(&self) -> String {
        let mut text = format!("Map: {}. {} points.", self.title, self.points.len());
        let missing = self.points.iter().filter(|point| !point.is_drawable()).count();
        if missing > 0 {
            text += &format!(" {missing} of them are not finite and not drawn.");
        }
        for (index, group) in self.groups.iter().enumerate() {
            let members = self.points.iter().filter(|point| point.group == Some(index) && point.is_drawable());
            let (count, x, y) = members
                .fold((0.0, 0.0, 0.0), |(count, x, y), point| (count + 1.0, x + point.place.0, y + point.place.1));
            if count > 0.0 {
                text += &format!(" {group}: {count} around {}, {}.", number(x / count), number(y / count));
            }
        }
        text
    }
}

impl Chart for MapChart {
    fn title(&self) -> &str {
        &self.title
    }

    fn svg(&self, room: f64) -> String {
        let (svg, height) = self.draw(room);
        svg.finish(room, height, &self.description())
    }
}

impl Point {
    fn is_drawable(&self) -> bool {
        drawable(self.place.0, false) && drawable(self.place.1, false)
    }
}

/// The part of the plane that is drawn.
struct Frame {
    centre: (f64, f64),
    /// Units of the plane in a pixel.
    scale: f64,
    height: f64,
}

impl Frame {
    /// All points, with a margin that names have room in.
    fn around(points: &[&Point], room: f64) -> Option<Self> {
        let range = |of: fn(&Point) -> f64| super::axis::range(points.iter().map(|point| of(point)), false);
        let (x, y) = range(|point| point.place.0).zip(range(|point| point.place.1))?;
        let (wide, high) = (x.1 - x.0, y.1 - y.0);
        let aspect = if wide > 0.0 { high / wide } else { 1.0 };
        let height = (room * aspect).clamp(room * 0.45, room * 0.8);
        let margin = room * 0.08 + 12.0;
        let scale = (wide / (room - 2.0 * margin)).max(high / (height - 2.0 * margin));
        Some(Self {
            centre: (x.0 / 2.0 + x.1 / 2.0, y.0 / 2.0 + y.1 / 2.0),
            scale: if scale > 0.0 { scale } else { 1.0 },
            height,
        })
    }

    fn place(&self, (x, y): (f64, f64), (left, top): (f64, f64), room: f64) -> (f64, f64) {
        let centre = ((left + room) / 2.0, top + self.height / 2.0);
        (centre.0 + (x - self.centre.0) / self.scale, centre.1 - (y - self.centre.1) / self.scale)
    }
}

/// Boxes `[left, top, right, bottom]` that are covered, found by the squares of a grid.
struct Taken {
    squares: std::collections::HashMap<(i64, i64), Vec<[f64; 4]>>,
}

impl Taken {
    /// Side of a square of the grid.
    const SIDE: f64 = 40.0;

    fn new(points: &[(f64, f64)]) -> Self {
        let mut taken = Self { squares: Default::default() };
        for &(x, y) in points {
            taken.add([x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS]);
        }
        taken
    }

    /// Where a name can stand beside its point, which is then taken; none where it would cover something.
    fn room_for(&mut self, name: &str, (x, y): (f64, f64), within: [f64; 4]) -> Option<(Anchor, (f64, f64))> {
        let (wide, gap, half) = (width(name, FONT) * 0.92, RADIUS + 2.0, FONT / 2.0);
        let choices = [
            (Anchor::Start, (x + gap, y + 4.0), [x + gap, y - half, x + gap + wide, y + half]),
            (Anchor::End, (x - gap, y + 4.0), [x - gap - wide, y - half, x - gap, y + half]),
            (Anchor::Middle, (x, y - gap - 2.0), [x - wide / 2.0, y - gap - FONT, x + wide / 2.0, y - gap]),
            (Anchor::Middle, (x, y + gap + 9.0), [x - wide / 2.0, y + gap, x + wide / 2.0, y + gap + FONT]),
        ];
        let inside =
            |own: &[f64; 4]| own[0] >= within[0] && own[1] >= within[1] && own[2] <= within[2] && own[3] <= within[3];
        let (anchor, at, own) = choices.into_iter().find(|(_, _, own)| inside(own) && self.is_free(own))?;
        self.add(own);
        Some((anchor, at))
    }

    fn is_free(&self, own: &[f64; 4]) -> bool {
        Self::squares(own).all(|square| {
            self.squares
                .get(&square)
                .into_iter()
                .flatten()
                .all(|other| own[2] <= other[0] || other[2] <= own[0] || own[3] <= other[1] || other[3] <= own[1])
        })
    }

    fn add(&mut self, own: [f64; 4]) {
        for square in Self::squares(&own) {
            self.squares.entry(square).or_default().push(own);
        }
    }

    fn squares(own: &[f64; 4]) -> impl Iterator<Item = (i64, i64)> + use<> {
        let [left, top, right, bottom] = own.map(|value| (value / Self::SIDE).floor() as i64);
        (left..=right).flat_map(move |x| (top..=bottom).map(move |y| (x, y)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups() -> MapChart {
        let chart = MapChart::new("Two <groups>").x_label("to the right").y_label("upwards");
        let chart = (0..20)
            .fold(chart, |chart, i| chart.point(format!("a{i}"), (f64::from(i % 5), f64::from(i / 5)), Some("first")));
        (0..20).fold(chart, |chart, i| chart.point("b&b", (10.0 + f64::from(i) / 50.0, 3.0), Some("second")))
    }

    #[test]
    fn points_names_and_groups_are_drawn() {
        let svg = groups().svg(640.0);
        assert_eq!(svg.matches("<circle class=\"dot s1\"").count(), 20);
        assert_eq!(svg.matches("<circle class=\"dot s2\"").count(), 20);
        for part in [">a7<", ">b&amp;b<", ">first<", ">second<", "to the right", "second: 20 around 10.19, 3."] {
            assert!(svg.contains(part), "{part} in {svg}");
        }
        // Names that would cover each other are left out; pointing at the point shows them.
        assert!((2..=8).contains(&svg.matches(">b&amp;b</text>").count()));
        assert_eq!(svg.matches("<title>b&amp;b (second) at").count(), 20);
    }

    #[test]
    fn pictures_are_drawn_in_frames() {
        let wide = Image { width: 100, height: 50, channels: 3, pixels: vec![9; 15_000] };
        let small = Image { width: 8, height: 8, channels: 1, pixels: vec![9; 64] };
        let chart = MapChart::new("pictures").picture("<a>", (0.0, 0.0), Some("first"), &wide).unwrap();
        let chart = chart.picture("b", (1.0, 2.0), Some("second"), &small).unwrap();
        let svg = chart.svg(640.0);
        assert_eq!(svg.matches("<image href=\"data:image/png;base64,").count(), 2);
        assert!(svg.contains("width=\"28\" height=\"14\"") && svg.contains("width=\"28\" height=\"28\""));
        assert!(
            svg.contains("class=\"dot s2\"") && svg.contains("<title>&lt;a&gt; (first) at") && !svg.contains("<circle")
        );
        let broken = Image { width: 1, height: 1, channels: 1, pixels: vec![] };
        assert!(MapChart::new("").picture("", (0.0, 0.0), None, &broken).is_err());
    }

    #[test]
    fn a_unit_is_as_long_both_ways_and_all_lies_in_the_frame() {
        let svg = groups().svg(640.0);
        let value = |line: &str, name: &str| -> f64 {
            line.split(&format!(" {name}=\"")).nth(1).unwrap().split('"').next().unwrap().parse().unwrap()
        };
        let dots: Vec<(f64, f64)> = svg
            .lines()
            .filter(|line| line.contains("<circle"))
            .map(|line| (value(line, "cx"), value(line, "cy")))
            .collect();
        let (right, up) = (dots[1].0 - dots[0].0, dots[0].1 - dots[5].1);
        assert!((right - up).abs() < 0.02 && right > 0.0, "{right} {up}");
        let field = svg.lines().find(|line| line.contains("class=\"field\"")).unwrap();
        let (x, y, w, h) = (value(field, "x"), value(field, "y"), value(field, "width"), value(field, "height"));
        assert!(dots.iter().all(|dot| dot.0 > x && dot.0 < x + w && dot.1 > y && dot.1 < y + h));
    }

    #[test]
    fn odd_input_is_drawn_or_said() {
        for places in [
            vec![],
            vec![(f64::NAN, 1.0)],
            vec![(1.0, 1.0); 3],
            vec![(1e300, -1e300), (-1e300, 1e300)],
            vec![(0.0, 5.0)],
        ] {
            let chart = places.iter().fold(MapChart::new("odd"), |chart, &place| chart.point("<x>", place, None));
            let svg = chart.svg(300.0);
            assert!(svg.starts_with("<svg") && !svg.contains("\"NaN") && !svg.contains("inf"), "{svg}");
            assert!(!svg.contains("<x>"));
        }
        let many = (0..40)
            .fold(MapChart::new("many"), |chart, i| chart.point("x", (f64::from(i), 0.0), Some(&format!("group {i}"))));
        let svg = many.svg(640.0);
        assert!(svg.contains(">others<") && !svg.contains(">group 15<") && svg.contains(">group 14<"));
    }

    #[test]
    fn a_file_of_its_own_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.svg");
        groups().write(&path, 800.0).unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && text.ends_with("</svg>\n"));
        for part in ["prefers-color-scheme: dark", ">Two &lt;groups&gt;<", "class=\"ground\"", ".s2 { fill: #"] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("var("), "drawing programs know no variables");
    }
}
