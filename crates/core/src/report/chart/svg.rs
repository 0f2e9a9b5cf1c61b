//! Writing SVG: the elements that charts are made of.

use std::fmt::Write;

use super::super::text::{escape, fit, width};
use super::theme;

/// Font size of all text in charts, in pixels; the style sheet says the same.
pub(super) const FONT: f64 = 12.0;

/// Where a text's position lies in it.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing under construction. Classes name the style sheet's rules.
#[derive(Default)]
pub(super) struct Svg {
    body: String,
}

impl Svg {
    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(short);
        let _ = writeln!(self.body, "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>");
    }

    /// A rectangle; `title` is shown when pointed at.
    pub(super) fn rect(&mut self, attributes: &str, [x, y, w, h]: [f64; 4], title: Option<&str>) {
        let [x, y, w, h] = [x, y, w.max(0.0), h.max(0.0)].map(short);
        let _ = write!(self.body, "<rect {attributes} x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"");
        self.close("rect", title);
    }

    /// A dot; `title` is shown when pointed at.
    pub(super) fn dot(&mut self, class: &str, (x, y): (f64, f64), radius: f64, title: Option<&str>) {
        let [x, y, r] = [x, y, radius].map(short);
        let _ = write!(self.body, "<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"");
        self.close("circle", title);
    }

    /// A picture, and a frame around it of the class; `title` is shown when pointed at.
    pub(super) fn picture(&mut self, class: &str, [x, y, w, h]: [f64; 4], uri: &str, title: &str) {
        let [left, top, wide, high] = [x, y, w, h].map(short);
        let at = format!("x=\"{left}\" y=\"{top}\" width=\"{wide}\" height=\"{high}\"");
        // The frame lies under the picture, so that it is drawn by filling, as all that has a group's colour.
        self.rect(&format!("class=\"dot {class}\""), [x - 2.0, y - 2.0, w + 4.0, h + 4.0], None);
        let _ = writeln!(self.body, "<image href=\"{uri}\" {at}><title>{}</title></image>", escape(title));
    }

    fn close(&mut self, tag: &str, title: Option<&str>) {
        let _ = match title {
            Some(title) => writeln!(self.body, "><title>{}</title></{tag}>", escape(title)),
            None => writeln!(self.body, "/>"),
        };
    }

    /// A path through points, a new subpath in each slice.
    pub(super) fn path<'a>(&mut self, class: &str, parts: impl IntoIterator<Item = &'a [(f64, f64)]>, close: bool) {
        let mut data = String::new();
        for part in parts {
            for (index, &(x, y)) in part.iter().enumerate() {
                let _ = write!(data, "{}{} {}", if index == 0 { 'M' } else { 'L' }, short(x), short(y));
            }
            if close {
                data.push('Z');
            }
        }
        self.path_data(&format!("class=\"{class}\""), &data);
    }

    /// A path given in SVG's own letters.
    pub(super) fn path_data(&mut self, attributes: &str, data: &str) {
        if !data.is_empty() {
            let _ = writeln!(self.body, "<path {attributes} d=\"{data}\"/>");
        }
    }

    pub(super) fn text(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str) {
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" text-anchor=\"{}\" x=\"{}\" y=\"{}\">{}</text>",
            anchor.name(),
            short(x),
            short(y),
            escape(text)
        );
    }

    /// Text shortened to `limit` pixels, whole when pointed at.
    pub(super) fn fitted(&mut self, class: &str, anchor: Anchor, (x, y): (f64, f64), text: &str, limit: f64) {
        let shortened = fit(text, FONT, limit);
        if shortened == text {
            return self.text(class, anchor, (x, y), text);
        }
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" text-anchor=\"{}\" x=\"{}\" y=\"{}\">{}<title>{}</title></text>",
            anchor.name(),
            short(x),
            short(y),
            escape(&shortened),
            escape(text)
        );
    }

    /// Text that reads upwards from `(x, y)`, shortened to `limit` pixels.
    pub(super) fn upright(&mut self, class: &str, (x, y): (f64, f64), text: &str, limit: f64) {
        let (x, y) = (short(x), short(y));
        let _ = writeln!(
            self.body,
            "<text class=\"{class}\" transform=\"translate({x} {y}) rotate(-90)\">{}<title>{}</title></text>",
            escape(&fit(text, FONT, limit)),
            escape(text)
        );
    }

    /// Names with their swatches, in rows of at most `room` pixels from the top; returns the height taken.
    pub(super) fn legend(&mut self, room: f64, entries: &[(String, &str)]) -> f64 {
        const ROW: f64 = 20.0;
        const SWATCH: f64 = 20.0;
        let (mut x, mut y) = (0.0, 0.0);
        for (class, name) in entries {
            let name_width = width(name, FONT).min(room - SWATCH);
            if x > 0.0 && x + SWATCH + name_width > room {
                (x, y) = (0.0, y + ROW);
            }
            self.rect(&format!("class=\"swatch {class}\" rx=\"2\""), [x, y + 5.0, 14.0, 6.0], None);
            self.fitted("label", Anchor::Start, (x + SWATCH, y + 12.0), name, name_width);
            x += SWATCH + name_width + 16.0;
        }
        if entries.is_empty() { 0.0 } else { y + ROW }
    }

    /// A file of its own: the drawing below its title, on a ground, in the colours of the page. Programs that know no themes show the
    /// light one.
    pub(super) fn finish_alone(self, title: &str, width: f64, height: f64, description: &str) -> String {
        const MARGIN: f64 = 20.0;
        const HEAD: f64 = 32.0;
        let (w, h) = (short(width + 2.0 * MARGIN), short(height + HEAD + 2.0 * MARGIN));
        let (label, title) = (escape(description), escape(&fit(title, 15.0, width)));
        let (light, dark) = (theme::rules(theme::LIGHT), theme::rules(theme::DARK));
        let (y, body) = (short(MARGIN + HEAD), self.body);
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" role=\"img\" aria-label=\"{label}\">\n\
             <style>\n{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n</style>\n<rect class=\"ground\" width=\"{w}\" height=\"{h}\"/>\n\
             <text class=\"title\" x=\"{MARGIN}\" y=\"{}\">{title}</text>\n<g transform=\"translate({MARGIN} {y})\">\n{body}</g>\n</svg>\n",
            short(MARGIN + 14.0),
        )
    }

    /// The element, with what a reader who cannot see it is told.
    pub(super) fn finish(self, width: f64, height: f64, description: &str) -> String {
        let (w, h, label) = (short(width), short(height), escape(description));
        let body = self.body;
        format!(
            "<svg viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" style=\"--w:{w}\" role=\"img\" aria-label=\"{label}\">\n{body}</svg>\n"
        )
    }
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Middle => "middle",
            Self::End => "end",
        }
    }
}

/// A coordinate to a hundredth of a pixel.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
