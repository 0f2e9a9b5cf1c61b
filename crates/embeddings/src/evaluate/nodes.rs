//! Classification of nodes by their vectors.

use ognivo_core::random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::labels::Labels;
use super::logistic::LogisticRegression;
use crate::{Error, Result, Table, WordVectors};

/// First part of the [`random::stream`] that splits nodes: "nodes" in ASCII.
const NODES: u64 = u64::from_be_bytes(*b"nodes\0\0\0");

/// How nodes are classified. Defaults are the protocol of the node2vec paper.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NodesConfig {
    /// The shares of the labelled nodes that are learned from, one after the other.
    pub shares: Vec<f64>,
    /// Random splits for each share.
    pub shuffles: u32,
    /// The weight of errors against the penalty of [`LogisticRegression`].
    pub c: f64,
    /// What the splits depend on.
    pub seed: u64,
}

impl Default for NodesConfig {
    fn default() -> Self {
        Self { shares: vec![0.5], shuffles: 5, c: 1.0, seed: 1 }
    }
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NodeScores {
    /// Nodes with labels and a vector: those that count.
    pub nodes: usize,
    /// Nodes with labels and no vector.
    pub without_vector: usize,
    /// Different labels.
    pub labels: usize,
    /// A line for each share.
    pub shares: Vec<ShareScores>,
}

/// The scores at one share.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShareScores {
    /// The share.
    pub share: f64,
    /// Nodes that were learned from.
    pub train: usize,
    /// Nodes that were asked about.
    pub test: usize,
    /// The mean over labels of F1.
    pub macro_f1: Spread,
    /// F1 of all decisions together.
    pub micro_f1: Spread,
    /// The same when the most frequent labels are predicted for every node.
    pub baseline_macro_f1: Spread,
    /// As above.
    pub baseline_micro_f1: Spread,
}

/// The mean of several runs and their standard deviation (of the sample; 0 for one run).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub deviation: f64,
}

impl Spread {
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let count = values.clone().count().max(1) as f64;
        let mean = values.clone().sum::<f64>() / count;
        let squares: f64 = values.map(|value| (value - mean).powi(2)).sum();
        Self { mean, deviation: (squares / (count - 1.0).max(1.0)).sqrt() }
    }
}

/// Learns a [`LogisticRegression`] for each label from some of the nodes, predicts for each of the others as many labels as it has
/// (the best), and compares: the protocol of DeepWalk and node2vec, with scikit-learn's F1. A label that stands nowhere among the
/// tested nodes and is not predicted has an F1 of 0.
///
/// # Errors
/// Vectors that are not finite; a share that leaves no node to learn from or to ask about; settings without meaning.
pub fn classify_nodes(vectors: &WordVectors, labels: &Labels, config: &NodesConfig) -> Result<NodeScores> {
    check(config)?;
    let known = labels.nodes().iter().enumerate();
    let nodes: Vec<(u32, &[u32])> =
        known.filter_map(|(node, name)| Some((vectors.words().get(name)?, labels.of(node as u32)))).collect();
    let finite = |row: u32| vectors.table().row(row as usize).iter().all(|value| value.is_finite());
    if let Some(&(row, _)) = nodes.iter().find(|&&(row, _)| !finite(row)) {
        let what = format!("the vector of {}", vectors.words().name(row));
        return Err(Error::data(what, "a number that is not finite", "finite numbers"));
    }
    let all = labels.names().len();
    let mut shares = Vec::new();
    for &share in &config.shares {
        let train = (share * nodes.len() as f64) as usize;
        if train == 0 || train == nodes.len() {
            let found =
                format!("{} nodes with labels and a vector, of which {train} are to be learned from", nodes.len());
            return Err(Error::data(
                "classification of nodes",
                found,
                "at least one to learn from and one to ask about",
            ));
        }
        let runs: Vec<Run> = (0..u64::from(config.shuffles))
            .map(|shuffle| {
                let order = random::shuffled(&mut random::stream(config.seed, &[NODES, shuffle]), nodes.len());
                let order: Vec<_> = order.into_iter().map(|place| nodes[place]).collect();
                Run::new(vectors.table(), &order[..train], &order[train..], all, config.c)
            })
            .collect();
        shares.push(ShareScores {
            share,
            train,
            test: nodes.len() - train,
            macro_f1: Spread::of(runs.iter().map(|run| run.scores.0)),
            micro_f1: Spread::of(runs.iter().map(|run| run.scores.1)),
            baseline_macro_f1: Spread::of(runs.iter().map(|run| run.baseline.0)),
            baseline_micro_f1: Spread::of(runs.iter().map(|run| run.baseline.1)),
        });
    }
    Ok(NodeScores { nodes: nodes.len(), without_vector: labels.nodes().len() - nodes.len(), labels: all, shares })
}

fn check(config: &NodesConfig) -> Result<()> {
    for &share in &config.shares {
        if !(share > 0.0 && share < 1.0) {
            return Err(Error::setting("shares", share, "numbers between 0 and 1"));
        }
    }
    if config.shuffles == 0 {
        return Err(Error::setting("shuffles", 0, "at least 1"));
    }
    if !(config.c.is_finite() && config.c > 0.0) {
        return Err(Error::setting("c", config.c, "a finite number above 0"));
    }
    Ok(())
}

/// Macro and micro F1 of one split.
struct Run {
    scores: (f64, f64),
    baseline: (f64, f64),
}

impl Run {
    /// From nodes given by their row and their labels.
    fn new(table: &Table, train: &[(u32, &[u32])], test: &[(u32, &[u32])], labels: usize, c: f64) -> Self {
        let rows: Vec<u32> = train.iter().map(|&(row, _)| row).collect();
        let classifiers: Vec<LogisticRegression> = (0..labels as u32)
            .into_par_iter()
            .map(|label| {
                let members: Vec<bool> = train.iter().map(|(_, of)| of.binary_search(&label).is_ok()).collect();
                LogisticRegression::fit(table, &rows, &members, c)
            })
            .collect();
        let mut frequencies = vec![0.0; labels];
        train.iter().flat_map(|(_, of)| *of).for_each(|&label| frequencies[label as usize] += 1.0);
        let learned = test.par_iter().map(|&(row, of)| {
            let row = table.row(row as usize);
            best(&classifiers.iter().map(|classifier| classifier.score(row)).collect::<Vec<_>>(), of.len())
        });
        let learned: Vec<_> = learned.collect();
        let frequent: Vec<_> = test.iter().map(|(_, of)| best(&frequencies, of.len())).collect();
        let truth: Vec<&[u32]> = test.iter().map(|&(_, of)| of).collect();
        Self { scores: f1(&truth, &learned, labels), baseline: f1(&truth, &frequent, labels) }
    }
}

/// The `count` labels of the highest scores; of equal ones the first.
fn best(scores: &[f64], count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..scores.len() as u32).collect();
    order.sort_by(|&a, &b| scores[b as usize].total_cmp(&scores[a as usize]));
    order.truncate(count);
    order
}

/// Macro and micro F1 of predicted sets of labels.
fn f1(truth: &[&[u32]], predicted: &[Vec<u32>], labels: usize) -> (f64, f64) {
    // Of each label: right predictions, all predictions and all occurrences together.
    let mut counts = vec![(0u64, 0u64); labels];
    for (truth, predicted) in truth.iter().zip(predicted) {
        for &label in predicted {
            let (right, both) = &mut counts[label as usize];
            *right += u64::from(truth.contains(&label));
            *both += 1;
        }
        truth.iter().for_each(|&label| counts[label as usize].1 += 1);
    }
    let score = |(right, both): (u64, u64)| if both == 0 { 0.0 } else { 2.0 * right as f64 / both as f64 };
    let sum = counts.iter().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1));
    (counts.iter().map(|&count| score(count)).sum::<f64>() / labels.max(1) as f64, score(sum))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Names;

    #[test]
    fn f1_is_scikit_learns() {
        // sklearn.metrics.f1_score of [[1,1,0,0],[0,1,0,0],[1,0,1,0]] and [[1,0,1,0],[0,1,0,0],[0,1,1,0]].
        let truth: [&[u32]; 3] = [&[0, 1], &[1], &[0, 2]];
        let predicted = [vec![2, 0], vec![1], vec![1, 2]];
        let (large, small) = f1(&truth, &predicted, 4);
        assert!((large - 0.458_333_333_333).abs() < 1e-9, "{large}");
        assert!((small - 0.6).abs() < 1e-12, "{small}");
        assert_eq!(best(&[0.5, 2.0, 2.0, -1.0], 3), [1, 2, 0]);
    }

    /// Three groups of vectors; nodes of group 2 also have the label of group 0; one has no vector.
    fn groups() -> (WordVectors, Labels) {
        let (mut names, mut values, mut labels) = (Names::default(), Vec::new(), Labels::default());
        let mut rng = random::stream(2, &[]);
        for node in 0..150 {
            let name = node.to_string();
            let group = node % 3;
            names.insert(&name);
            values.extend((0..3).map(|place| random::uniform(&mut rng) + f32::from(u8::from(place == group)) * 0.8));
            labels.add(&name, [["x", "y", "z"][group]].into_iter().chain((group == 2).then_some("x")));
        }
        labels.add("stranger", ["y"]);
        (WordVectors::new(names, Table::from_values(3, &values).unwrap()).unwrap(), labels)
    }

    #[test]
    fn groups_that_are_apart_are_learned() {
        let (vectors, labels) = groups();
        let config = NodesConfig { shares: vec![0.2, 0.5], shuffles: 3, ..NodesConfig::default() };
        let found = classify_nodes(&vectors, &labels, &config).unwrap();
        assert_eq!((found.nodes, found.without_vector, found.labels), (150, 1, 3));
        assert_eq!(
            found.shares.iter().map(|share| (share.train, share.test)).collect::<Vec<_>>(),
            [(30, 120), (75, 75)]
        );
        for share in &found.shares {
            assert!(share.macro_f1.mean > 0.85 && share.micro_f1.mean > 0.85, "{share:?}");
            assert!(share.baseline_micro_f1.mean < 0.8 && share.baseline_macro_f1.mean < 0.7, "{share:?}");
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        assert_eq!(pool.install(|| classify_nodes(&vectors, &labels, &config)).unwrap(), found);
        let other = classify_nodes(&vectors, &labels, &NodesConfig { seed: 2, ..config }).unwrap();
        assert_ne!(other.shares[0].macro_f1, found.shares[0].macro_f1);
    }

    #[test]
    fn what_cannot_be_done_is_refused() {
        let (vectors, labels) = groups();
        let config = NodesConfig::default();
        for (key, config) in [
            ("shares", NodesConfig { shares: vec![1.0], ..config.clone() }),
            ("shares", NodesConfig { shares: vec![f64::NAN], ..config.clone() }),
            ("shuffles", NodesConfig { shuffles: 0, ..config.clone() }),
            ("`c`", NodesConfig { c: -1.0, ..config.clone() }),
            ("0 are to be learned from", NodesConfig { shares: vec![0.001], ..config.clone() }),
        ] {
            let said = classify_nodes(&vectors, &labels, &config).unwrap_err().to_string();
            assert!(said.contains(key), "{said}");
        }
        let mut table = vectors.table().clone();
        table.row_mut(7)[1] = f32::NAN;
        let broken = WordVectors::new(vectors.words().clone(), table).unwrap();
        let said = classify_nodes(&broken, &labels, &config).unwrap_err().to_string();
        assert!(said.contains("the vector of 7"), "{said}");
    }
}
