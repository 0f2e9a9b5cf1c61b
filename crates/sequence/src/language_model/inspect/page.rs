//! What is shown of an [`Inspection`]: lines for a terminal, a page with coloured texts.

use ognivo_core::report::{Cell, Report, Table, Tile, number};

use super::relation::{FEWEST_TOKENS, Relation, SHIFTS};
use super::{CellIndex, Inspection, aligned};
use crate::Result;

/// A relation is shown as a coloured text if chance does as well at most so often,
const UNLIKELY: f64 = 0.05;
/// and if its correlation is at least so large: with a long text the slightest one is no chance.
const STRONG: f64 = 0.3;
/// Cells that are listed for each property.
const LISTED: usize = 4;

impl Inspection {
    /// The cells that follow each property best, as a table for a terminal.
    pub fn relation_lines(&self) -> String {
        if self.relations.is_empty() {
            return too_short(self.activations.tokens()) + "\n";
        }
        let mut rows = vec![["property", "cell", "r", "by chance", "p", "next"].map(String::from).to_vec()];
        for (property, relation) in &self.relations {
            rows.push(match relation {
                Some(relation) => {
                    let (best, next) = listed(relation);
                    let [r, chance, p] = [best.1, relation.chance, relation.p].map(|value| format!("{value:.2}"));
                    vec![property.name.into(), best.0, r, chance, p, next]
                }
                None => vec![property.name.into(), "-".into(), "hardly varies".into()],
            });
        }
        aligned(&rows, 2)
    }

    /// A page with the chosen cells, the cells that follow each property best, and the parameters. `shown` characters of the text
    /// are coloured for each cell.
    ///
    /// # Errors
    /// A chosen cell that the network does not have.
    pub fn page(&self, title: &str, subtitle: &str, chosen: &[CellIndex], shown: usize) -> Result<Report> {
        let mut report = Report::new(title);
        report.subtitle(subtitle);
        report.tile(Tile::new("Parameters", number(self.parameters.count() as f64)));
        report.tile(Tile::new("Cells", number(self.activations.cells().count() as f64)));
        let read = Tile::new("Characters read", number(self.characters() as f64));
        report.tile(read.detail(format!("{} tokens", number(self.activations.tokens() as f64))));
        if !chosen.is_empty() {
            let section = report.section("Chosen cells");
            section.text(COLOURS);
            for &cell in chosen {
                section.coloured_text(self.coloured(cell, 0..shown, format!("Cell {cell}"))?);
            }
        }
        if self.relations.is_empty() {
            report.note(too_short(self.activations.tokens()));
        } else {
            self.relation_section(&mut report);
            self.telling_section(&mut report, shown)?;
        }
        self.parameter_section(&mut report);
        Ok(report)
    }

    fn relation_section(&self, report: &mut Report) {
        let section = report.section("What the cells follow");
        section.text(format!(
            "For each property of the text, known after every token from what was read so far, the cell whose activation has the \
             largest Pearson correlation r with it. By chance: the mean of the largest |r| among all cells when the property is \
             shifted against the text by 1/{0}, 2/{0}, ... {1}/{0} of its length. p: how often such a shift does as well as the text \
             itself, counting that one; it cannot be below {2:.2}. With {3} properties a p of 0.05 is no surprise.",
            SHIFTS + 1,
            SHIFTS,
            1.0 / (SHIFTS + 1) as f64,
            self.relations.len(),
        ));
        let mut table = Table::new("Cells by property").text("Property").text("Best cell").number("r");
        table = table.number("By chance").number("p").text("Next best").text("The property is");
        for (property, relation) in &self.relations {
            let cells: [Cell; 7] = match relation {
                Some(relation) => {
                    let (best, next) = listed(relation);
                    [
                        property.name.into(),
                        best.0.into(),
                        Cell::bar(format!("{:.3}", best.1), best.1.abs()),
                        Cell::bar(format!("{:.3}", relation.chance), relation.chance),
                        format!("{:.2}", relation.p).into(),
                        next.into(),
                        property.meaning.into(),
                    ]
                }
                None => [property.name, "-", "hardly varies", "", "", "", property.meaning].map(Cell::from),
            };
            table.push(cells);
        }
        section.table(table);
        if self.activations.tokens() < 10 * FEWEST_TOKENS {
            section.text(format!("From {} tokens: more make the correlations surer.", self.activations.tokens()));
        }
    }

    fn telling_section(&self, report: &mut Report, shown: usize) -> Result<()> {
        let section = report.section("The text as these cells see it");
        section.text(COLOURS);
        section.text(format!(
            "For each property whose best cell has |r| of at least {STRONG} and p of at most {UNLIKELY}, the {shown} characters in \
             which it varies most."
        ));
        for (index, (property, relation)) in self.relations.iter().enumerate() {
            let Some(relation) = relation.as_ref().filter(|relation| relation.p <= UNLIKELY) else { continue };
            let Some(&(cell, r)) = relation.cells.first().filter(|(_, r)| r.abs() >= STRONG) else { continue };
            let part = self.telling_part(index, shown);
            let title = format!("Cell {cell}: {}", property.name);
            let detail = format!("r = {r:.3}; characters {} to {}", part.start + 1, part.end);
            section.coloured_text(self.coloured(cell, part, title)?.detail(detail));
        }
        Ok(())
    }

    fn parameter_section(&self, report: &mut Report) {
        let section = report.section("Parameters");
        let total = self.parameters.count().max(1) as f64;
        let mut table = Table::new("Parameters by layer").text("Layer").number("Parameters").text("Tensors");
        for layer in &self.parameters.layers {
            let tensors = layer.tensors.iter().map(|tensor| {
                let shape: Vec<_> = tensor.shape.iter().map(usize::to_string).collect();
                format!("{} {} (size {:.3})", tensor.name, shape.join(" × "), tensor.size)
            });
            let count = Cell::bar(number(layer.count() as f64), layer.count() as f64 / total);
            table.push([layer.name.as_str().into(), count, tensors.collect::<Vec<_>>().join(", ").into()]);
        }
        section.table(table);
        section.text("The size of a tensor is the root of the mean square of its values.");
    }
}

fn too_short(tokens: usize) -> String {
    format!("What the cells follow is not shown: {tokens} tokens were read, and it takes {FEWEST_TOKENS} at least.")
}

const COLOURS: &str = "A character has the colour of the cell's activation after the token that completes it: blue above 0, orange below. \
    The activation is tanh(c) where the cell has a memory c, else its output h.";

/// The best cell and its correlation; the next ones, as text.
fn listed(relation: &Relation) -> ((String, f64), String) {
    let mut cells = relation.cells.iter().take(LISTED).map(|(cell, r)| (cell.to_string(), *r));
    let best = cells.next().unwrap_or_default();
    let next: Vec<_> = cells.map(|(cell, r)| format!("{cell} ({r:.2})")).collect();
    (best, next.join(", "))
}
