//! Tables of text and numbers, as HTML.

use std::fmt::Write;

use super::text::escape;

/// A table with a caption; the first cell of each row is its header. More rows than fit are scrolled through on screen
/// and printed in full.
#[derive(Clone, Debug)]
pub struct Table {
    caption: String,
    /// Name, and whether it holds numbers.
    columns: Vec<(String, bool)>,
    rows: Vec<Vec<Cell>>,
}

/// A cell: text, with a bar behind it where it shows a share.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    share: Option<f64>,
}

impl Cell {
    /// Text over a bar of so large a share of the cell, between 0 and 1.
    pub fn bar(text: impl Into<String>, share: f64) -> Self {
        Self { text: text.into(), share: share.is_finite().then(|| share.clamp(0.0, 1.0)) }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), share: None }
    }
}

impl Table {
    /// A table without columns yet.
    pub fn new(caption: impl Into<String>) -> Self {
        Self { caption: caption.into(), columns: Vec::new(), rows: Vec::new() }
    }

    /// Adds a column of text, set left.
    pub fn text(mut self, name: impl Into<String>) -> Self {
        self.columns.push((name.into(), false));
        self
    }

    /// Adds a column of numbers, set right.
    pub fn number(mut self, name: impl Into<String>) -> Self {
        self.columns.push((name.into(), true));
        self
    }

    /// Adds a row. Cells without a column are left out, missing ones are empty.
    pub fn row<C: Into<Cell>>(mut self, cells: impl IntoIterator<Item = C>) -> Self {
        self.push(cells);
        self
    }

    /// Adds a row to a table that is being filled in a loop.
    pub fn push<C: Into<Cell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub(super) fn html(&self) -> String {
        let class = |numeric| if numeric { " class=\"number\"" } else { "" };
        let caption = escape(&self.caption);
        // Only what is really scrolled need be reachable with the keyboard.
        let (scroll, focus) = if self.rows.len() > 15 { (" long", " tabindex=\"0\"") } else { ("", "") };
        let mut html = format!(
            "<figure class=\"card table\"><h3>{caption}</h3><div class=\"scroll{scroll}\" role=\"region\" \
             aria-label=\"{caption}\"{focus}><table>\n<thead><tr>"
        );
        for (name, numeric) in &self.columns {
            let _ = write!(html, "<th scope=\"col\"{}>{}</th>", class(*numeric), escape(name));
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            html.push_str("<tr>");
            for (index, (_, numeric)) in self.columns.iter().enumerate() {
                let (tag, scope) = if index == 0 { ("th", " scope=\"row\"") } else { ("td", "") };
                let _ = write!(html, "<{tag}{scope}{}", class(*numeric));
                if let Some(cell) = row.get(index) {
                    if let Some(share) = cell.share {
                        let _ = write!(html, " style=\"--share:{:.1}%\"", 100.0 * share);
                    }
                    let _ = write!(html, ">{}</{tag}>", escape(&cell.text));
                } else {
                    let _ = write!(html, "></{tag}>");
                }
            }
            html.push_str("</tr>\n");
        }
        html + "</tbody>\n</table></div></figure>\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_keep_to_the_columns() {
        let html = Table::new("A & B")
            .text("Class")
            .number("Recall")
            .row([Cell::from("<i>"), Cell::bar("50 %", 0.5)])
            .row(["short"])
            .row(["long", "1", "2"])
            .row([Cell::from("x"), Cell::bar("NaN", f64::NAN)])
            .html();
        assert!(html.contains("<h3>A &amp; B</h3>"));
        assert!(html.contains(
            "<tr><th scope=\"row\">&lt;i&gt;</th><td class=\"number\" style=\"--share:50.0%\">50 %</td></tr>"
        ));
        assert!(html.contains("<tr><th scope=\"row\">short</th><td class=\"number\"></td></tr>"));
        assert!(html.contains("<tr><th scope=\"row\">long</th><td class=\"number\">1</td></tr>"));
        assert!(html.contains("<td class=\"number\">NaN</td>"));
        assert!(!html.contains("tabindex"));
    }
}
