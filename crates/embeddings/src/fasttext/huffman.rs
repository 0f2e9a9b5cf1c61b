//! The binary tree of the hierarchical softmax.

/// A Huffman tree over outputs, built as the reference program builds it, so that its rows mean the same.
#[derive(Clone, Debug)]
pub(super) struct Huffman {
    outputs: usize,
    /// Left and right child of each inner node; the inner nodes are numbered from `outputs`, the root comes last.
    children: Vec<[u32; 2]>,
    parent: Vec<u32>,
}

impl Huffman {
    /// `counts` fall. A tree of no or one output has no inner nodes.
    pub(super) fn new(counts: &[u64]) -> Self {
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
    pub(super) fn root(&self) -> Option<u32> {
        self.parent.len().checked_sub(1).map(|root| root as u32)
    }

    /// The row and the two children of an inner node; none of a leaf.
    pub(super) fn inner(&self, node: u32) -> Option<(usize, [u32; 2])> {
        let row = (node as usize).checked_sub(self.outputs)?;
        Some((row, self.children[row]))
    }

    /// From an output to the root: each row, and whether the right child was come from.
    pub(super) fn path(&self, output: u32) -> impl Iterator<Item = (usize, bool)> + '_ {
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
    fn frequent_outputs_have_short_codes() {
        let counts = [50, 20, 15, 10, 5];
        let tree = Huffman::new(&counts);
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
        assert_eq!(Huffman::new(&[]).root(), None);
        let one = Huffman::new(&[7]);
        assert_eq!((one.root(), one.inner(0), one.path(0).count()), (Some(0), None, 0));
        // Equal and huge counts, as a hostile file may have them.
        let wild = Huffman::new(&[u64::MAX, u64::MAX, 0, 0]);
        assert!((0..4).all(|output| wild.path(output).count() > 0));
    }
}
