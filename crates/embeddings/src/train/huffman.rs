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
    /// The tree for leaves with these counts, sorted from the most frequent on. There is one inner node fewer than leaves; the
    /// last is the root. Ties are broken as in word2vec.c.
    pub fn new(counts: &[u64]) -> Self {
        let leaves = counts.len();
        let mut tree = Self { starts: vec![0], ..Self::default() };
        let mut count: Vec<u64> = counts.to_vec();
        let mut parent = vec![0u32; (2 * leaves).saturating_sub(1)];
        let mut turn = vec![false; parent.len()];
        // Leaves are taken from the rarest on, inner nodes in the order they were made: both come by increasing count.
        let (mut leaf, mut inner) = (leaves, leaves);
        for node in leaves..parent.len() {
            let mut total = 0u64;
            for second in [false, true] {
                let is_leaf = leaf > 0 && (inner >= node || count[leaf - 1] < count[inner]);
                let child = if is_leaf {
                    leaf -= 1;
                    leaf
                } else {
                    inner += 1;
                    inner - 1
                };
                total = total.saturating_add(count[child]);
                parent[child] = node as u32;
                turn[child] = second;
            }
            count.push(total);
        }
        let root = parent.len().saturating_sub(1);
        for leaf in 0..leaves {
            let start = tree.nodes.len();
            let mut node = leaf;
            while node != root {
                tree.turns.push(turn[node]);
                node = parent[node] as usize;
                tree.nodes.push((node - leaves) as u32);
            }
            tree.nodes[start..].reverse();
            tree.turns[start..].reverse();
            tree.starts.push(tree.nodes.len());
        }
        tree
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
}
