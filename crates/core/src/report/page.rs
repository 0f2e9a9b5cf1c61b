//! The page itself: what stands on it, in what order, and the file it becomes.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use burn::tensor::Device;

use super::chart::Chart;
use super::coloured_text::ColouredText;
use super::pictures::PictureGrid;
use super::table::Table;
use super::text::{duration, escape};
use super::tile::Tile;
use crate::{Result, run::write_atomic};

/// Widths a chart is drawn at; the style sheet shows the largest that has room.
const ROOMS: [u32; 4] = [300, 460, 640, 960];

/// The page, to be filled in reading order and written once. What is not given does not appear.
#[derive(Clone, Debug, Default)]
pub struct Report {
    title: String,
    subtitle: String,
    tiles: Vec<Tile>,
    /// Text, and whether it is a warning.
    notes: Vec<(String, bool)>,
    sections: Vec<Section>,
    command: String,
    configuration: String,
    environment: Vec<(String, String)>,
}

/// A part of the page under its own heading.
#[derive(Clone, Debug)]
pub struct Section {
    title: String,
    html: String,
}

impl Report {
    /// An empty report.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A line below the title: what was trained on what, and when.
    pub fn subtitle(&mut self, text: impl Into<String>) -> &mut Self {
        self.subtitle = text.into();
        self
    }

    /// Adds a key figure; the most important comes first.
    pub fn tile(&mut self, tile: Tile) -> &mut Self {
        self.tiles.push(tile);
        self
    }

    /// Adds a remark below the key figures.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Self {
        self.notes.push((text.into(), false));
        self
    }

    /// Adds a remark that the figures must not be read without.
    pub fn warning(&mut self, text: impl Into<String>) -> &mut Self {
        self.notes.push((text.into(), true));
        self
    }

    /// The command line that made the run.
    pub fn command(&mut self, line: impl Into<String>) -> &mut Self {
        self.command = line.into();
        self
    }

    /// The resolved configuration, as text; folded away until asked for.
    pub fn configuration(&mut self, text: impl Into<String>) -> &mut Self {
        self.configuration = text.into();
        self
    }

    /// Adds a line on the surroundings: device, threads, versions, time.
    pub fn environment(&mut self, name: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    /// Adds a section to be filled.
    pub fn section(&mut self, title: impl Into<String>) -> &mut Section {
        self.sections.push(Section { title: title.into(), html: String::new() });
        let last = self.sections.len() - 1;
        &mut self.sections[last]
    }

    /// Adds what a run was made with: device, threads, system, version, and the time it took.
    pub fn surroundings(&mut self, device: &Device, time: Duration) -> &mut Self {
        self.environment("Device", format!("{device:?}"))
            .environment("Threads", crate::device::threads().to_string())
            .environment("System", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH))
            .environment("Ognivo", env!("CARGO_PKG_VERSION"))
            .environment("Training time", duration(time))
    }

    /// The whole page.
    pub fn to_html(&self) -> String {
        let title = escape(&self.title);
        let mut html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"Ognivo\">\n\
             <link rel=\"icon\" href=\"data:,\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n<body>\n\
             <header>\n<p class=\"kicker\">{SPARK}Ognivo report</p>\n<h1>{title}</h1>\n",
            include_str!("style.css")
        );
        if !self.subtitle.is_empty() {
            let _ = writeln!(html, "<p class=\"subtitle\">{}</p>", escape(&self.subtitle));
        }
        html.push_str("</header>\n<main>\n");
        if !self.tiles.is_empty() {
            let tiles: String = self.tiles.iter().map(Tile::html).collect();
            let _ = writeln!(html, "<ul class=\"tiles\" aria-label=\"Key figures\">\n{tiles}</ul>");
        }
        for (text, warning) in &self.notes {
            let (class, label) = if *warning { ("note warning", "Warning") } else { ("note", "Note") };
            let _ = writeln!(html, "<p class=\"{class}\"><b>{label}</b> {}</p>", escape(text));
        }
        let origin = self.origin();
        let sections = self.sections.iter().chain(&origin);
        if sections.clone().count() > 2 {
            html.push_str("<nav aria-label=\"Sections\">");
            for (number, section) in sections.clone().enumerate() {
                let _ = write!(html, "<a href=\"#section-{}\">{}</a> ", number + 1, escape(&section.title));
            }
            html.push_str("</nav>\n");
        }
        for (number, section) in sections.enumerate() {
            let (number, title) = (number + 1, escape(&section.title));
            let _ = writeln!(
                html,
                "<section id=\"section-{number}\" aria-labelledby=\"heading-{number}\">\n\
                 <h2 id=\"heading-{number}\">{title}</h2>\n{}</section>",
                section.html
            );
        }
        html + "</main>\n</body>\n</html>\n"
    }

    /// Command, configuration and environment.
    fn origin(&self) -> Option<Section> {
        let mut html = String::new();
        if !self.command.is_empty() {
            let command = escape(&self.command);
            let _ = writeln!(
                html,
                "<div class=\"card\"><h3>Command</h3><pre class=\"command\"><code>{command}</code></pre></div>"
            );
        }
        if !self.environment.is_empty() {
            html.push_str("<div class=\"card\"><h3>Environment</h3><dl>\n");
            for (name, value) in &self.environment {
                let _ = writeln!(html, "<div><dt>{}</dt><dd>{}</dd></div>", escape(name), escape(value));
            }
            html.push_str("</dl></div>\n");
        }
        if !self.configuration.is_empty() {
            let configuration = escape(&self.configuration);
            let _ = writeln!(
                html,
                "<details class=\"card\"><summary>Configuration</summary><pre><code>{configuration}</code></pre></details>"
            );
        }
        (!html.is_empty()).then(|| Section { title: "How it was made".into(), html })
    }

    /// Writes the page as a whole or not at all: a report already at `path` stays until the new one is on the disk.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        write_atomic(path.as_ref(), |file| file.write_all(self.to_html().as_bytes()))
    }
}

impl Section {
    /// Adds a paragraph.
    pub fn text(&mut self, paragraph: impl AsRef<str>) -> &mut Self {
        let _ = writeln!(self.html, "<p>{}</p>", escape(paragraph.as_ref()));
        self
    }

    /// Adds a chart as wide as the page.
    pub fn chart(&mut self, chart: &dyn Chart) -> &mut Self {
        let _ =
            writeln!(self.html, "<figure class=\"card chart\"><h3>{}</h3><div class=\"room\">", escape(chart.title()));
        for room in ROOMS {
            let _ = writeln!(self.html, "<div class=\"room-{room}\">{}</div>", chart.svg(room.into()));
        }
        self.html.push_str("</div></figure>\n");
        self
    }

    /// Adds charts side by side where there is room, else one below the other.
    pub fn charts(&mut self, charts: &[&dyn Chart]) -> &mut Self {
        self.html.push_str("<div class=\"beside\">\n");
        charts.iter().for_each(|chart| {
            self.chart(*chart);
        });
        self.html.push_str("</div>\n");
        self
    }

    /// Adds a table.
    pub fn table(&mut self, table: Table) -> &mut Self {
        self.html.push_str(&table.html());
        self
    }

    /// Adds a text as it is, with its line breaks and spaces.
    pub fn listing(&mut self, title: impl AsRef<str>, text: impl AsRef<str>) -> &mut Self {
        let (title, text) = (escape(title.as_ref()), escape(text.as_ref()));
        // A line break at the beginning of what is in `pre` is not part of it.
        let _ = writeln!(
            self.html,
            "<figure class=\"card\"><h3>{title}</h3><pre class=\"coloured\">\n{text}</pre></figure>"
        );
        self
    }

    /// Adds a coloured text.
    pub fn coloured_text(&mut self, text: ColouredText) -> &mut Self {
        self.html.push_str(&text.html());
        self
    }

    /// Adds pictures.
    pub fn pictures(&mut self, grid: PictureGrid) -> &mut Self {
        self.html.push_str(&grid.html());
        self
    }
}

/// The spark at the head of the page.
const SPARK: &str = "<svg class=\"spark\" viewBox=\"0 0 16 16\" width=\"16\" height=\"16\" aria-hidden=\"true\">\
    <path d=\"M8 0l1.5 5.1L14 2.5 11 7l5 1-5 1 3 4.5-4.5-2.6L8 16l-1.5-5.1L2 13.5 5 9 0 8l5-1-3-4.5 4.5 2.6z\"/></svg>";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::data::Image;
    use crate::metrics::{ConfusionMatrix, Interval};
    use crate::report::{BarChart, ConfusionChart, Histogram, LineChart, MapChart, Picture, Series};

    const EVIL: &str = "<script>alert(\"1\")</script>' onload='x";

    /// A report in which every text that a user can give is markup.
    fn hostile() -> Report {
        let mut matrix = ConfusionMatrix::new(2);
        matrix.add_batch(&[0, 1, 1], &[0, 0, 1]).unwrap();
        let classes = [EVIL.to_owned(), EVIL.to_owned()];
        let image = Image { width: 2, height: 2, channels: 1, pixels: vec![1; 4] };
        let mut report = Report::new(EVIL);
        report.subtitle(EVIL).note(EVIL).warning(EVIL).command(EVIL).configuration(EVIL).environment(EVIL, EVIL);
        report.tile(Tile::proportion(EVIL, Interval::wilson(1, 2)).baseline(EVIL, 0.5)).tile(Tile::new(EVIL, EVIL));
        let curve = LineChart::new(EVIL).x_label(EVIL).y_label(EVIL).mark(1.0, 1.0, EVIL);
        let curve = curve.series(Series::new(EVIL, vec![(1.0, 1.0), (2.0, 3.0)])).series(Series::new(EVIL, vec![]));
        let section = report.section(EVIL);
        section.text(EVIL).chart(&curve).charts(&[
            &BarChart::new(EVIL).bar(EVIL, 1.0).reference(0.5, EVIL),
            &Histogram::new(EVIL).x_label(EVIL).group(EVIL, [1.0, 2.0]).group(EVIL, [1.0]),
            &ConfusionChart::new(EVIL, &matrix, &classes),
            &MapChart::new(EVIL).x_label(EVIL).y_label(EVIL).point(EVIL, (1.0, 1.0), Some(EVIL)),
        ]);
        section.table(Table::new(EVIL).text(EVIL).number(EVIL).row([EVIL, EVIL]));
        section.listing(EVIL, EVIL);
        section.coloured_text(ColouredText::new(EVIL).detail(EVIL).piece(EVIL, 0.5).piece(EVIL, -0.5));
        section.pictures(PictureGrid::new(EVIL).picture(Picture::new(&image, EVIL).unwrap().detail(EVIL)));
        report
    }

    #[test]
    fn no_text_becomes_markup_and_nothing_is_fetched() {
        let html = hostile().to_html();
        assert!(!html.contains("<script") && !html.contains("' onload"), "escaped everywhere");
        assert!(html.matches("&lt;script&gt;alert(&quot;1&quot;)").count() > 30);
        for reach in ["http:", "https:", "url(", "@import", "src=\"/", "<link rel=\"stylesheet"] {
            assert!(!html.contains(reach), "{reach}");
        }
    }

    #[test]
    fn tags_are_balanced() {
        let html = hostile().to_html();
        let (head, body) = html.split_once("<body>").unwrap();
        assert!(head.contains("<title>"));
        let mut open = Vec::new();
        for tag in body.split('<').skip(1) {
            let (tag, rest) = tag.split_once('>').expect("every < has its >");
            let _ = rest;
            let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap();
            match () {
                () if tag.ends_with('/') || name == "img" => {}
                () if tag.starts_with('/') && ["body", "html"].contains(&name) && open.is_empty() => {}
                () if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "</{name}>"),
                () => open.push(name),
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }

    #[test]
    fn an_empty_report_has_a_heading_and_nothing_empty() {
        let html = Report::new("Nothing").to_html();
        assert!(html.contains("<h1>Nothing</h1>"));
        for part in ["<ul", "<nav", "<section", "<p class=\"subtitle"] {
            assert!(!html.contains(part), "{part}");
        }
    }

    #[test]
    fn written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.html");
        fs::write(&path, "before").unwrap();
        Report::new("after").write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), Report::new("after").to_html());
        // A folder cannot be replaced by a file: nothing of the attempt is left.
        let taken = folder.path().join("taken");
        fs::create_dir(&taken).unwrap();
        let said = Report::new("x").write(&taken).unwrap_err().to_string();
        assert!(said.starts_with(&format!("{}: cannot write", taken.display())), "{said}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
        assert!(Report::new("x").write(folder.path().join("no such").join("report.html")).is_err());
    }
}
