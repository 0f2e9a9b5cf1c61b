//! The binary tree of hierarchical softmax: frequent words get short codes (Huffman 1952; Mikolov et al. 2013).

/// For each leaf the inner nodes from the root to it, and which way each turns.
#[derive(Clone, Debug, Default)]
pub struct Huffman {
    /// Where the path of each leaf begins in `nodes` and `turns`; one more at the end.
    starts: Vec<usize>,
    nodes: Vec<u32>,
    turns: Vec<bool>,
}

impl Huffman {
    /// The paths in the tree for leaves with these counts, sorted from the most frequent on. There is one inner node fewer than leaves;
    /// the last is the root.
    pub fn new(counts: &[u64]) -> Self {
        let tree = Tree::new(counts);
        let mut paths = Self { starts: vec![0], ..Self::default() };
        for leaf in 0..counts.len() as u32 {
            let start = paths.nodes.len();
            for (row, second) in tree.path(leaf) {
                paths.nodes.push(row as u32);
                paths.turns.push(second);
            }
            paths.nodes[start..].reverse();
            paths.turns[start..].reverse();
            paths.starts.push(paths.nodes.len());
        }
        paths
    }

    /// Leaves.
    pub fn leaves(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Inner nodes.
    pub fn inner_nodes(&self) -> usize {
        self.leaves().saturating_sub(1)
    }

    /// The inner nodes on the way to a leaf, the root first, and at each whether the way goes to the second child.
    pub fn path(&self, leaf: u32) -> (&[u32], &[bool]) {
        let range = self.starts[leaf as usize]..self.starts[leaf as usize + 1];
        (&self.nodes[range.clone()], &self.turns[range])
    }
}

/// A Huffman tree over outputs, built as the reference program builds it, so that its rows mean the same.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    outputs: usize,
    /// Left and right child of each inner node; the inner nodes are numbered from `outputs`, the root comes last.
    children: Vec<[u32; 2]>,
    parent: Vec<u32>,
}

impl Tree {
    /// `counts` fall. A tree of no or one output has no inner nodes.
    pub(crate) fn new(counts: &[u64]) -> Self {
        /// More than any count of a text.
        const NOT_YET: u64 = 1_000_000_000_000_000;
        let outputs = counts.len();
        let nodes = (2 * outputs).saturating_sub(1);
        let mut total = counts.to_vec();
        total.resize(nodes, NOT_YET);
        let mut parent = vec![u32::MAX; nodes];
        let mut children = Vec::with_capacity(nodes - outputs);
        let (mut leaves, mut inner) = (outputs, outputs);
        for node in outputs..nodes {
            // The rarest leaf that is left, or the lightest inner node.
            let pair = [(); 2].map(|()| {
                let leaf = leaves.checked_sub(1).filter(|&leaf| inner >= node || total[leaf] < total[inner]);
                match leaf {
                    Some(leaf) => leaves = leaf,
                    None => inner += 1,
                }
                leaf.unwrap_or(inner - 1)
            });
            total[node] = total[pair[0]].saturating_add(total[pair[1]]);
            for child in pair {
                parent[child] = node as u32;
            }
            children.push(pair.map(|child| child as u32));
        }
        Self { outputs, children, parent }
    }

    /// The root; none of an empty tree.
    pub(crate) fn root(&self) -> Option<u32> {
        self.parent.len().checked_sub(1).map(|root| root as u32)
    }

    /// The row and the two children of an inner node; none of a leaf.
    pub(crate) fn inner(&self, node: u32) -> Option<(usize, [u32; 2])> {
        let row = (node as usize).checked_sub(self.outputs)?;
        Some((row, self.children[row]))
    }

    /// From an output to the root: each row, and whether the right child was come from.
    pub(crate) fn path(&self, output: u32) -> impl Iterator<Item = (usize, bool)> + '_ {
        let mut node = output;
        std::iter::from_fn(move || {
            let parent = *self.parent.get(node as usize).filter(|&&parent| parent != u32::MAX)?;
            let row = parent as usize - self.outputs;
            let right = self.children[row][1] == node;
            node = parent;
            Some((row, right))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_tree_by_hand() {
        // 1 + 1 = 2; 2 + 2 = 4 (leaf 1 and the node of the two); 4 + 5 = 9.
        let tree = Huffman::new(&[5, 2, 1, 1]);
        let lengths: Vec<usize> = (0..4).map(|leaf| tree.path(leaf).0.len()).collect();
        assert_eq!((lengths, tree.inner_nodes()), (vec![1, 2, 3, 3], 3));
        assert_eq!(tree.path(0), (&[2][..], &[true][..]));
        assert_eq!(tree.path(3).0, [2, 1, 0]);
        assert_ne!(tree.path(2).1, tree.path(3).1);
    }

    #[test]
    fn codes_are_complete_and_optimal() {
        let counts: Vec<u64> = (0..1000u64).map(|i| 100_000 / (i + 1)).collect();
        let tree = Huffman::new(&counts);
        let kraft: f64 = (0..1000).map(|leaf| 0.5f64.powi(tree.path(leaf).0.len() as i32)).sum();
        assert!((kraft - 1.0).abs() < 1e-9);
        let total: u64 = counts.iter().sum();
        let (mut mean, mut entropy) = (0.0, 0.0);
        for (leaf, &count) in counts.iter().enumerate() {
            let p = count as f64 / total as f64;
            mean += p * tree.path(leaf as u32).0.len() as f64;
            entropy -= p * p.log2();
        }
        assert!(entropy <= mean && mean < entropy + 1.0, "{entropy} {mean}");
    }

    #[test]
    fn few_leaves_have_few_nodes() {
        assert_eq!(Huffman::new(&[]).inner_nodes(), 0);
        let one = Huffman::new(&[3]);
        assert_eq!((one.inner_nodes(), one.path(0)), (0, (&[][..], &[][..])));
    }

    #[test]
    fn frequent_outputs_have_short_codes() {
        let counts = [50, 20, 15, 10, 5];
        let tree = Tree::new(&counts);
        let lengths: Vec<usize> = (0..5).map(|output| tree.path(output).count()).collect();
        // 5 + 10, 15 + 15, 20 + 30, 50 + 50.
        assert_eq!(lengths, [1, 2, 3, 4, 4]);
        let kraft: f64 = lengths.iter().map(|&length| 0.5f64.powi(length as i32)).sum();
        assert_eq!(kraft, 1.0);
        assert_eq!(tree.root(), Some(8));
        assert_eq!(tree.path(0).next(), Some((3, tree.inner(8).unwrap().1[1] == 0)));
    }

    #[test]
    fn small_trees() {
        assert_eq!(Tree::new(&[]).root(), None);
        let one = Tree::new(&[7]);
        assert_eq!((one.root(), one.inner(0), one.path(0).count()), (Some(0), None, 0));
        // Equal and huge counts, as a hostile file may have them.
        let wild = Tree::new(&[u64::MAX, u64::MAX, 0, 0]);
        assert!((0..4).all(|output| wild.path(output).count() > 0));
    }
}
