//! GML, the Graph Modelling Language (Himsolt 1997): lists of keys and values, of which nodes and edges are read.

use std::path::Path;

use super::graph::{Graph, GraphBuilder};
use super::lines::{Lines, error, quoted};
use super::read::{ReadOptions, weight};
use crate::{Names, Result};

/// No list lies deeper in others.
const DEEPEST: usize = 64;

/// Reads a graph. The name of a node is its label, else its id.
pub(super) fn read(mut lines: Lines, path: &Path, options: &ReadOptions) -> Result<Graph> {
    let mut parser =
        Parser { path, ids: Names::default(), names: Names::default(), edges: Vec::new(), directed: false };
    let mut lists = vec![List::new(Kind::Other, 0)];
    let mut key = String::new();
    let mut last = 1;
    while let Some((number, line)) = lines.next()? {
        last = number;
        for token in tokens(line) {
            let token = token.map_err(|found| error(path, number, quoted(found), "a text that ends on its line"))?;
            let depth = lists.len();
            match (token, lists.last_mut()) {
                ("]", Some(_)) if depth > 1 && key.is_empty() => {
                    if let Some(list) = lists.pop() {
                        parser.end(list, options.weighted)?;
                    }
                }
                ("[", Some(top)) if !key.is_empty() && depth < DEEPEST => {
                    let kind = match (top.kind, key.as_str()) {
                        (Kind::Other, "graph") if depth == 1 => Kind::Graph,
                        (Kind::Graph, "node") => Kind::Node,
                        (Kind::Graph, "edge") => Kind::Edge,
                        _ => Kind::Other,
                    };
                    lists.push(List::new(kind, number));
                    key.clear();
                }
                ("[" | "]", _) => {
                    let expected =
                        format!("a key before each list, a value after each key, at most {DEEPEST} lists deep");
                    return Err(error(path, number, quoted(token), expected));
                }
                (value, Some(top)) if !key.is_empty() => {
                    if top.kind == Kind::Graph && key == "directed" {
                        parser.directed = value == "1";
                    }
                    if let Some(field) = top.field(&key) {
                        *field = Some(value.trim_matches('"').to_string());
                    }
                    key.clear();
                }
                (new, _) => key.push_str(new),
            }
        }
    }
    if lists.len() > 1 || !key.is_empty() {
        return Err(error(path, last, "the end of the file", "`]`, or the value of a key"));
    }
    let directed = options.directed || parser.directed;
    let mut builder = GraphBuilder::with_nodes(parser.names, options.weighted, directed);
    for (from, to, weight) in parser.edges {
        builder.edge(from, to, weight)?;
    }
    builder.build()
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The file itself, or a list that does not matter.
    Other,
    Graph,
    Node,
    Edge,
}

/// A list that is being read, and the values in it that matter.
struct List {
    kind: Kind,
    line: u64,
    /// `id` of a node, `source` of an edge.
    first: Option<String>,
    /// `label` of a node, `target` of an edge.
    second: Option<String>,
    weight: Option<String>,
}

impl List {
    fn new(kind: Kind, line: u64) -> Self {
        Self { kind, line, first: None, second: None, weight: None }
    }

    fn field(&mut self, key: &str) -> Option<&mut Option<String>> {
        match (self.kind, key) {
            (Kind::Node, "id") | (Kind::Edge, "source") => Some(&mut self.first),
            (Kind::Node, "label") | (Kind::Edge, "target") => Some(&mut self.second),
            (Kind::Edge, "weight" | "value") => Some(&mut self.weight),
            _ => None,
        }
    }
}

struct Parser<'a> {
    path: &'a Path,
    /// Beside `names`.
    ids: Names,
    names: Names,
    edges: Vec<(u32, u32, f32)>,
    directed: bool,
}

impl Parser<'_> {
    /// Takes a node or an edge whose list has ended.
    fn end(&mut self, list: List, weighted: bool) -> Result<()> {
        let List { kind, line, first, second, weight: text } = list;
        let fault = |found: String, expected: &str| error(self.path, line, found, expected);
        match (kind, first, second) {
            (Kind::Node, Some(id), label) => {
                let name = label.unwrap_or_else(|| id.clone());
                if !(self.ids.insert(&id).1 && self.names.insert(&name).1) {
                    return Err(fault(
                        format!("a second node {} (id {})", quoted(&name), quoted(&id)),
                        "distinct nodes",
                    ));
                }
            }
            (Kind::Node, None, _) => return Err(fault("a node without id".into(), "`id`")),
            (Kind::Edge, Some(source), Some(target)) => {
                let node = |id: &str| {
                    let known = self.ids.get(id);
                    known.ok_or_else(|| fault(format!("an edge to {}", quoted(id)), "the id of a node before it"))
                };
                let (from, to) = (node(&source)?, node(&target)?);
                let weight = match (weighted, text) {
                    (true, Some(text)) => weight(&text).map_err(|(found, expected)| fault(found, expected))?,
                    (true, None) => return Err(fault("an edge without weight".into(), "`weight` or `value`")),
                    (false, _) => 1.0,
                };
                self.edges.push((from, to, weight));
            }
            (Kind::Edge, ..) => return Err(fault("half an edge".into(), "`source` and `target`")),
            (Kind::Other | Kind::Graph, ..) => {}
        }
        Ok(())
    }
}

/// Brackets, texts with their quotes, and words of a line; the rest of the line where a text does not end on it.
fn tokens(line: &str) -> impl Iterator<Item = Result<&str, &str>> {
    let mut rest = line;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next().filter(|&c| c != '#')?;
        let end = match first {
            '[' | ']' => 1,
            '"' => match rest[1..].find('"') {
                Some(length) => length + 2,
                None => return Some(Err(std::mem::take(&mut rest))),
            },
            _ => rest.find(|c: char| c.is_whitespace() || "[]\"".contains(c)).unwrap_or(rest.len()),
        };
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(Ok(token))
    })
}

#[cfg(test)]
mod tests {
    use super::super::read::GraphFormat;
    use super::*;

    fn read(text: &str, weighted: bool) -> Result<Graph> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("g");
        std::fs::write(&path, text).unwrap();
        Graph::read(&path, &ReadOptions { weighted, format: GraphFormat::Auto, directed: false })
    }

    #[test]
    fn nodes_and_edges_are_read() {
        let text = "Creator \"x [\" graph\n[ comment [ node [ id 9 ] ] directed 1\n  node [ id 7 label \"Mme. Magloire\" graphics [ x 1 ] ]\
                    node\n[\nid 3 ]\nedge [ source 3 target 7 value 2.5 ]\n]\n";
        let graph = read(text, true).unwrap();
        assert_eq!(graph.names().iter().collect::<Vec<_>>(), ["Mme. Magloire", "3"]);
        assert!(graph.directed());
        assert_eq!(graph.iter_edges().collect::<Vec<_>>(), [(1, 0, 2.5)]);
    }

    #[test]
    fn faults_name_the_line() {
        for (text, expected) in [
            ("graph [\nnode [ id 1 ]\nnode [ id 1 ] ]", "line 3: found a second node \"1\""),
            ("graph [\nnode [ label \"a\" ] ]", "line 2: found a node without id"),
            ("graph [\nnode [ id 1 ]\nedge [ source 1 target 2 ] ]", "line 3: found an edge to \"2\""),
            ("graph [\nnode [ id 1 ]\nedge [ source 1 ] ]", "line 3: found half an edge"),
            ("graph [\nnode [ id 1 ]\nedge [ source 1 target 1 ] ]", "line 3: found an edge without weight"),
            ("graph [\nnode [ id 1 ]\nedge [\nsource 1 target 1 value -1 ] ]", "line 3: found \"-1\""),
            ("graph [\nnode [ id 1 label \"a\n", "line 2: found \"\\\"a\"; expected a text"),
            ("graph [\nnode [ id 1 ]\n", "expected `]`"),
            ("graph [\nid ]\n", "line 2: found \"]\""),
            ("graph [\n]\n]", "line 3: found \"]\""),
            (&format!("graph [\n{}", "a [".repeat(100)), "line 2: found \"[\""),
        ] {
            let said = read(text, true).unwrap_err().to_string();
            assert!(said.contains(expected), "{text:?}: {said}");
        }
    }
}
