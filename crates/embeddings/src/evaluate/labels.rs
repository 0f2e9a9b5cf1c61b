//! What is known of nodes: files of labels.

use std::path::Path;

use crate::node2vec::{Lines, fields, line_error};
use crate::{Error, Names, Result};

/// Nodes and the labels of each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Labels {
    nodes: Names,
    names: Names,
    /// For each node the numbers of its labels, ascending.
    of: Vec<Vec<u32>>,
}

impl Labels {
    /// Reads `node label label ...` a line, gzip or plain, in fields and with comments as in an edge list. Lines about the same node
    /// are taken together.
    ///
    /// # Errors
    /// A file that cannot be read, a line without label, no lines.
    pub fn read(path: &Path) -> Result<Self> {
        let mut labels = Self::default();
        let mut lines = Lines::open(path)?;
        let mut comma = None;
        while let Some((number, line)) = lines.next()? {
            let mut found = fields(line, comma.unwrap_or_else(|| line.contains(','))).peekable();
            let Some(node) = found.next() else { continue };
            comma = comma.or(Some(line.contains(',')));
            if found.peek().is_none() {
                return Err(line_error(path, number, "1 field", "`node label label ...`"));
            }
            labels.add(node, found);
        }
        if labels.nodes.is_empty() {
            return Err(Error::data(path.display().to_string(), "no labels", "`node label label ...` a line"));
        }
        Ok(labels)
    }

    /// Gives labels to a node.
    pub fn add<'a>(&mut self, node: &str, labels: impl IntoIterator<Item = &'a str>) {
        let (node, new) = self.nodes.insert(node);
        if new {
            self.of.push(Vec::new());
        }
        let of = &mut self.of[node as usize];
        of.extend(labels.into_iter().map(|label| self.names.insert(label).0));
        of.sort_unstable();
        of.dedup();
    }

    /// The names of the labels.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// The names of the nodes.
    pub fn nodes(&self) -> &Names {
        &self.nodes
    }

    /// The labels of a node, ascending.
    ///
    /// # Panics
    /// When there is no such node.
    pub fn of(&self, node: u32) -> &[u32] {
        &self.of[node as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Labels::read(&path)
        };
        let labels = read("# node label\na x y\nb\ty\n\na z x\n").unwrap();
        assert_eq!(labels.nodes().iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(labels.names().iter().collect::<Vec<_>>(), ["x", "y", "z"]);
        assert_eq!((labels.of(0), labels.of(1)), ([0, 1, 2].as_slice(), [1].as_slice()));
        assert_eq!(read("a,x\nb,y z\n").unwrap().names().len(), 3);
        assert!(read("a x\nb\n").unwrap_err().to_string().contains("line 2: found 1 field"));
        assert!(read("#\n").unwrap_err().to_string().contains("no labels"));
    }
}
