//! Reading graphs: edge lists, adjacency lists, GML.

use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::gml;
use super::graph::{Graph, GraphBuilder};
use super::lines::{Lines, error, quoted};
use crate::{Error, Result};

/// Lines by which a format is recognised.
const SAMPLE: u64 = 1000;

/// How a graph is written down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GraphFormat {
    /// What its first thousand lines look like: GML by its name or first word; an edge list if weights are asked for or all lines
    /// have the same number of fields, from 2 to 4; an adjacency list if some line has more than 3. Anything else must be named.
    #[default]
    Auto,
    /// `from to` or `from to weight` a line; fields after these are not looked at.
    Edges,
    /// `node neighbour neighbour ...` a line.
    Adjacency,
    /// Graph Modelling Language: `graph [ node [ id 0 label "a" ] edge [ source 0 target 0 value 1 ] ]`.
    Gml,
}

/// What to make of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadOptions {
    /// How it is written.
    pub format: GraphFormat,
    /// Edges have weights: the third field of an edge list, `weight` or `value` in GML. Without this they are not looked at.
    pub weighted: bool,
    /// Edges lead one way. A GML file that says so itself is directed without this.
    pub directed: bool,
}

impl Graph {
    /// Reads a graph, gzip or plain, once: `path` may be a pipe.
    ///
    /// Names of nodes are any text. Fields are separated by spaces and tabs; by commas too if there is one in the first line.
    /// Empty lines and lines that begin with `#` or `%` are not looked at. [`Graph`] says what repeated edges and edges from a node
    /// to itself mean.
    ///
    /// # Errors
    /// A file that cannot be read; a line that is not of the format, or whose weight is not a finite number above 0; no edges.
    pub fn read(path: &Path, options: &ReadOptions) -> Result<Self> {
        let (format, comma, mut lines) = recognise(path, options)?;
        let graph = match format {
            GraphFormat::Gml => gml::read(lines, path, options)?,
            GraphFormat::Adjacency if options.weighted => {
                return Err(Error::setting("weighted", "true, for an adjacency list", "an edge list, or no weights"));
            }
            _ => {
                let mut builder = GraphBuilder::new(options.weighted, options.directed);
                while let Some((number, line)) = lines.next()? {
                    let mut fields = fields(line, comma);
                    let Some(from) = fields.next() else { continue };
                    let from = builder.node(from);
                    if format == GraphFormat::Adjacency {
                        for to in fields {
                            let to = builder.node(to);
                            builder.edge(from, to, 1.0)?;
                        }
                        continue;
                    }
                    let edge = edge(&mut fields, options.weighted);
                    let (to, weight) = edge.map_err(|(found, expected)| error(path, number, found, expected))?;
                    let to = builder.node(to);
                    builder.edge(from, to, weight)?;
                }
                builder.build()?
            }
        };
        if graph.edges() == 0 {
            let found = format!("{} nodes and no edges", graph.nodes());
            return Err(Error::data(path.display().to_string(), found, "at least one edge"));
        }
        Ok(graph)
    }
}

/// The fields of a line; none of a comment.
pub(crate) fn fields(line: &str, comma: bool) -> impl Iterator<Item = &str> {
    let line = if line.trim_start().starts_with(['#', '%']) { "" } else { line };
    line.split(move |c| c == ' ' || c == '\t' || (comma && c == ',')).filter(|field| !field.is_empty())
}

/// The second node and the weight of an edge, or what was found and what was expected.
fn edge<'a>(
    fields: &mut impl Iterator<Item = &'a str>,
    weighted: bool,
) -> Result<(&'a str, f32), (String, &'static str)> {
    let expected = if weighted { "`from to weight`" } else { "`from to`" };
    let to = fields.next().ok_or(("1 field".to_string(), expected))?;
    if !weighted {
        return Ok((to, 1.0));
    }
    let text = fields.next().ok_or(("2 fields".to_string(), expected))?;
    Ok((to, weight(text)?))
}

/// The weight of an edge, or what was found and what was expected.
pub(super) fn weight(text: &str) -> Result<f32, (String, &'static str)> {
    match text.parse::<f32>() {
        Ok(weight) if weight.is_finite() && weight > 0.0 => Ok(weight),
        _ => Err((quoted(text), "a weight: a finite number above 0")),
    }
}

/// The format of a file, whether commas separate its fields, and its lines.
fn recognise(path: &Path, options: &ReadOptions) -> Result<(GraphFormat, bool, Lines)> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let (mut comma, mut counts) = (false, BTreeSet::new());
    let mut gml = name.trim_end_matches(".gz").ends_with(".gml");
    let lines = Lines::open(path)?.peek(SAMPLE, |number, line| {
        let Some(first) = fields(line, false).next() else { return };
        if counts.is_empty() {
            comma = line.contains(',');
            let rest = line.trim_start().strip_prefix("graph").map(str::trim_start);
            gml |= number == 1 && first == "Creator" || matches!(rest, Some("" | "["));
        }
        counts.insert(fields(line, comma).count());
    })?;
    let most = counts.last().copied().unwrap_or(0);
    let format = match options.format {
        GraphFormat::Auto if gml => GraphFormat::Gml,
        GraphFormat::Auto if options.weighted || (counts.len() <= 1 && most <= 4) => GraphFormat::Edges,
        GraphFormat::Auto if most > 3 => GraphFormat::Adjacency,
        GraphFormat::Auto => {
            let expected = "the format to be named: `edges` or `adjacency`";
            return Err(Error::data(path.display().to_string(), "lines of different lengths, 3 at most", expected));
        }
        named => named,
    };
    Ok((format, comma, lines))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn read(text: &[u8], options: ReadOptions) -> Result<Graph> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g.txt");
        fs::write(&path, text).unwrap();
        Graph::read(&path, &options)
    }

    /// Names of the nodes and the edges by name.
    fn written(graph: &Graph) -> String {
        let name = |node| graph.names().name(node);
        graph.iter_edges().map(|(from, to, weight)| format!("{} {} {weight}\n", name(from), name(to))).collect()
    }

    const WEIGHTED: ReadOptions = ReadOptions { format: GraphFormat::Auto, weighted: true, directed: false };

    #[test]
    fn edge_lists_of_many_kinds_are_read() {
        let options = ReadOptions::default();
        let expected = "a b 1\nb дом 1\n";
        for text in [
            "a b\nb дом\n",
            "\u{feff}a b\r\nb дом",
            "# from to\n% 3 3\n\na\tb\n  b \t дом  \n",
            "a,b\nb, дом\n",
            "a b 2 1999\nb дом -3 2001\n",
            "a b\na b\nb a\nb дом\nb дом",
        ] {
            assert_eq!(written(&read(text.as_bytes(), options).unwrap()), expected, "{text}");
        }
        assert_eq!(written(&read(b"a b 0.5\nb c 1e1\nb a 2\n", WEIGHTED).unwrap()), "a b 2.5\nb c 10\n");
        let directed = ReadOptions { directed: true, ..WEIGHTED };
        assert_eq!(written(&read(b"a b 0.5\nb a 2\na b 1\n", directed).unwrap()), "a b 1.5\nb a 2\n");
    }

    #[test]
    fn adjacency_lists_and_gzip_are_read() {
        let text = b"1 2 3 4\n2 1\n5\n";
        let graph = read(text, ReadOptions::default()).unwrap();
        assert_eq!((graph.nodes(), graph.edges()), (5, 3));
        assert_eq!(graph.degree(graph.names().get("5").unwrap()), 0);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text).unwrap();
        let packed = packed.finish().unwrap();
        assert_eq!(read(&packed, ReadOptions::default()).unwrap(), graph);
        let cut = read(&packed[..packed.len() - 9], ReadOptions::default()).unwrap_err().to_string();
        assert!(cut.contains("gzip"), "{cut}");
    }

    #[test]
    fn faults_name_the_line() {
        for (text, options, expected) in [
            ("a b 1\nb c -2\n", WEIGHTED, "line 2: found \"-2\"; expected a weight: a finite number above 0"),
            ("a b 1\n# c\nb c NaN\n", WEIGHTED, "line 3: found \"NaN\""),
            ("a b 1\nb c 0\n", WEIGHTED, "line 2: found \"0\""),
            ("a b 1\nb c inf\n", WEIGHTED, "line 2: found \"inf\""),
            ("a b 1\nb c\n", WEIGHTED, "line 2: found 2 fields; expected `from to weight`"),
            ("a b 1\nb c\n", ReadOptions::default(), "expected the format to be named: `edges` or `adjacency`"),
            ("a b\nb\n", ReadOptions { format: GraphFormat::Edges, ..WEIGHTED }, "line 1: found 2 fields"),
            ("a b\nb\n", ReadOptions { format: GraphFormat::Edges, ..ReadOptions::default() }, "line 2: found 1 field"),
            ("a b c d e\n", ReadOptions { format: GraphFormat::Adjacency, ..WEIGHTED }, "weighted"),
            ("", ReadOptions::default(), "0 nodes and no edges"),
            ("# nothing\n", ReadOptions::default(), "0 nodes and no edges"),
        ] {
            let said = read(text.as_bytes(), options).unwrap_err().to_string();
            assert!(said.contains(expected), "{text:?}: {said}");
        }
        let said = read(b"a b\n\xff c\n", ReadOptions::default()).unwrap_err().to_string();
        assert!(said.contains("line 2: found bytes that are not UTF-8"), "{said}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1200))]

        #[test]
        fn damaged_files_are_read_or_refused(
            cut in 0..200usize,
            changes in prop::collection::vec((0..200usize, any::<u8>()), 0..4),
            weighted: bool,
            gml: bool,
        ) {
            let mut text = match gml {
                true => b"graph [\n directed 0 node [ id 1 label \"a b\" ]\nnode [ id 2 ]\n edge [ source 1 target 2 value 3 ] ]".to_vec(),
                false => b"# x\na b 1.5\nb c 2\n\nc\td 1e3\n%\nd d 7\na b 0.5 9\n".to_vec(),
            };
            for (place, byte) in changes {
                let length = text.len();
                text[place % length] = byte;
            }
            text.truncate(text.len().saturating_sub(cut % 30));
            if let Ok(graph) = read(&text, ReadOptions { weighted, ..ReadOptions::default() }) {
                prop_assert!(graph.edges() > 0);
            }
        }
    }
}
