//! A text coloured by a number for each of its pieces, as HTML.

use std::fmt::Write;

use super::text::escape;

/// Shades of each of the two colours.
const SHADES: f64 = 8.0;

/// A text whose pieces stand on a ground between two colours: the second at -1, the page's own at 0, the first at 1.
///
/// Numbers beyond these count as -1 and 1, what is no number as 0. Line breaks are shown as such and by a sign.
#[derive(Clone, Debug)]
pub struct ColouredText {
    title: String,
    detail: String,
    pieces: String,
    /// The shade of the last span, which is open unless there is none.
    open: Option<i32>,
}

impl ColouredText {
    /// A text without pieces yet.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), detail: String::new(), pieces: String::new(), open: None }
    }

    /// A second, quieter line below the title.
    pub fn detail(mut self, text: impl Into<String>) -> Self {
        self.detail = text.into();
        self
    }

    /// Adds a piece.
    pub fn piece(mut self, text: &str, value: f64) -> Self {
        self.push(text, value);
        self
    }

    /// Adds a piece to a text that is being filled in a loop.
    pub fn push(&mut self, text: &str, value: f64) {
        // Of what is no number this makes 0.
        let shade = (SHADES * value.clamp(-1.0, 1.0)).round() as i32;
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.shade(shade);
                self.pieces.push_str("<i></i>\n");
            }
            if !line.is_empty() {
                self.shade(shade);
                self.pieces.push_str(&escape(line));
            }
        }
    }

    /// Ends the open span where another shade begins.
    fn shade(&mut self, shade: i32) {
        if self.open == Some(shade) {
            return;
        }
        self.close();
        let class = match shade {
            0 => String::new(),
            _ => format!(" class=\"{}{}\"", if shade > 0 { "up" } else { "down" }, shade.abs()),
        };
        let _ = write!(self.pieces, "<span{class}>");
        self.open = Some(shade);
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.pieces.push_str("</span>");
        }
    }

    pub(super) fn html(mut self) -> String {
        self.close();
        let mut html = format!("<figure class=\"card\"><h3>{}</h3>", escape(&self.title));
        if !self.detail.is_empty() {
            let _ = write!(html, "<p class=\"quiet\">{}</p>", escape(&self.detail));
        }
        let _ = writeln!(
            html,
            "<p class=\"scale\" aria-hidden=\"true\">\u{2212}1 <span class=\"down8\"></span><span class=\"down4\"></span>\
             <span></span><span class=\"up4\"></span><span class=\"up8\"></span> 1</p>\
             <pre class=\"coloured\">{}</pre></figure>",
            self.pieces
        );
        html
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(pieces: &[(&str, f64)]) -> String {
        let html = pieces.iter().fold(ColouredText::new("t"), |text, (piece, value)| text.piece(piece, *value)).html();
        let (_, text) = html.split_once("<pre class=\"coloured\">").unwrap();
        text.split_once("</pre>").unwrap().0.to_string()
    }

    #[test]
    fn neighbours_of_one_shade_share_a_span() {
        assert_eq!(pieces(&[]), "");
        assert_eq!(
            pieces(&[("a", 0.5), ("<b>", 0.51), ("c", -1.0), ("d", 0.0), ("e", -7.0)]),
            "<span class=\"up4\">a&lt;b&gt;</span><span class=\"down8\">c</span><span>d</span><span class=\"down8\">e</span>"
        );
    }

    #[test]
    fn what_is_no_number_has_no_colour() {
        assert_eq!(pieces(&[("a", f64::NAN)]), "<span>a</span>");
        assert_eq!(pieces(&[("a", f64::INFINITY)]), "<span class=\"up8\">a</span>");
    }

    #[test]
    fn line_breaks_are_seen() {
        assert_eq!(pieces(&[("a\n\nb", 1.0)]), "<span class=\"up8\">a<i></i>\n<i></i>\nb</span>");
    }

    #[test]
    fn a_scale_and_a_detail_stand_above() {
        let html = ColouredText::new("Cell 3").detail("r = 0.5").piece("x", 1.0).html();
        assert!(
            html.starts_with("<figure class=\"card\"><h3>Cell 3</h3><p class=\"quiet\">r = 0.5</p><p class=\"scale\"")
        );
        assert!(!ColouredText::new("Cell 3").html().contains("quiet"));
    }
}
