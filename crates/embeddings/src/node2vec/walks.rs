//! Random walks of second order.

use std::io::{self, Write};
use std::ops::Range;

use ognivo_core::random::{self, ChaCha8Rng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::alias::Alias;
use super::graph::Graph;
use super::order::Order;
use crate::{Error, Result};

/// First part of the [`random::stream`] that draws the steps of a walk: "walk" in ASCII.
const WALK: u64 = u64::from_be_bytes(*b"walk\0\0\0\0");
/// Walks that are made in one piece.
const PIECE: u64 = 256;

/// How to walk. Defaults are those of the paper, with `p` and `q` as for BlogCatalog there.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WalkConfig {
    /// Return parameter: the larger, the more seldom a walk goes straight back.
    pub p: f64,
    /// In-out parameter: above 1 a walk stays near the node it came from, below 1 it goes away.
    pub q: f64,
    /// Walks from each node.
    pub walks: u32,
    /// Nodes in a walk.
    pub length: u32,
    /// What chance depends on.
    pub seed: u64,
}

impl Default for WalkConfig {
    fn default() -> Self {
        Self { p: 0.25, q: 0.25, walks: 10, length: 80, seed: 1 }
    }
}

/// Makes the walks of a graph.
///
/// A walk goes from node `v`, to which it came from `t`, to a neighbour `x` of `v` with a probability in proportion to the weight of
/// the edge from `v` to `x` times `1/p` if `x` is `t`, 1 if an edge leads from `t` to `x`, and `1/q` otherwise (Grover and
/// Leskovec 2016, section 3.2). The first step has no `t` and follows the weights alone, as do all with `p = q = 1` (DeepWalk).
/// It ends after `length` nodes, or at a node without edges that lead on.
///
/// Walks are numbered. Round `number / nodes` begins once at every node, in an order of its own; walks of the first
/// `config.walks` rounds are one epoch, the next as many the second. A walk depends on the graph, the configuration and its number
/// alone: it can be made at any time, on any thread.
///
/// Steps are drawn by rejection: a neighbour by weight, kept with probability in proportion to its bias. Nothing is stored for pairs
/// of nodes; a graph with weights has 8 bytes more for each entry of a row. What exceeds the other biases of the way back is drawn
/// apart, and after as many refusals as there are neighbours (at least 8) they are all looked at, so no `p` or `q` makes a step slow.
#[derive(Debug)]
pub struct Walker<'a> {
    graph: &'a Graph,
    config: WalkConfig,
    /// For a graph with weights.
    alias: Option<Alias>,
    bias: Bias,
}

#[derive(Clone, Copy, Debug)]
struct Bias {
    /// `p = q = 1`: every bias is 1.
    none: bool,
    back: f64,
    away: f64,
    /// The larger of 1 and `away`.
    most: f64,
    /// The smallest of all three over `most`: a draw below it is kept whatever it is for.
    surely: f32,
}

impl<'a> Walker<'a> {
    /// Prepares for the walks of a graph.
    ///
    /// # Errors
    /// When `p` or `q` is not a finite number above 0, or `walks` or `length` is 0.
    pub fn new(graph: &'a Graph, config: WalkConfig) -> Result<Self> {
        for (key, value) in [("p", config.p), ("q", config.q)] {
            if !(value.is_finite() && value > 0.0 && (1.0 / value).is_finite()) {
                return Err(Error::setting(key, value, "a finite number above 0"));
            }
        }
        for (key, value) in [("walks", config.walks), ("length", config.length)] {
            if value == 0 {
                return Err(Error::setting(key, value, "at least 1"));
            }
        }
        let (back, away) = (1.0 / config.p, 1.0 / config.q);
        let most = away.max(1.0);
        let bias = Bias {
            none: config.p == 1.0 && config.q == 1.0,
            back,
            away,
            most,
            surely: (back.min(away).min(1.0) / most) as f32,
        };
        let alias = graph.weighted().then(|| Alias::new(graph));
        Ok(Self { graph, config, alias, bias })
    }

    /// The graph.
    pub fn graph(&self) -> &'a Graph {
        self.graph
    }

    /// How to walk.
    pub fn config(&self) -> &WalkConfig {
        &self.config
    }

    /// Walks in an epoch.
    pub fn walks(&self) -> u64 {
        self.graph.nodes() as u64 * u64::from(self.config.walks)
    }

    /// Writes walk `number` over what is in `walk`.
    pub fn walk(&self, number: u64, walk: &mut Vec<u32>) {
        walk.clear();
        let nodes = self.graph.nodes() as u64;
        if nodes == 0 {
            return;
        }
        let order = Order::new(self.config.seed, number / nodes, nodes);
        let mut rng = random::stream(self.config.seed, &[WALK, number]);
        let (mut before, mut node) = (None, order.at(number % nodes) as u32);
        walk.push(node);
        while walk.len() < self.config.length as usize && self.graph.degree(node) > 0 {
            let next = match before {
                Some(before) if !self.bias.none => self.step(before, node, &mut rng),
                _ => self.neighbor(node, &mut rng),
            };
            (before, node) = (Some(node), next);
            walk.push(node);
        }
    }

    /// How often each node is visited in an epoch.
    pub fn counts(&self, epoch: u64) -> Vec<u64> {
        let nodes = self.graph.nodes();
        let zeros = || vec![0u64; nodes];
        let first = epoch * self.walks();
        let pieces = self.walks().div_ceil(PIECE);
        let counted = (0..pieces).into_par_iter().fold(
            || (zeros(), Vec::new()),
            |(mut counts, mut walk), piece| {
                for number in piece * PIECE..((piece + 1) * PIECE).min(self.walks()) {
                    self.walk(first + number, &mut walk);
                    walk.iter().for_each(|&node| counts[node as usize] += 1);
                }
                (counts, walk)
            },
        );
        counted.map(|(counts, _)| counts).reduce(zeros, |mut all, counts| {
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += count);
            all
        })
    }

    /// Writes the walks of an epoch, one a line, nodes by name between spaces, in the order of their numbers; how many nodes.
    ///
    /// # Errors
    /// The writer's.
    pub fn write(&self, epoch: u64, to: &mut impl Write) -> io::Result<u64> {
        let end = (epoch + 1) * self.walks();
        let mut tokens = 0;
        // So many at once that threads have enough to do, in bounded memory.
        let block = PIECE * 4 * rayon::current_num_threads() as u64;
        for first in (epoch * self.walks()..end).step_by(block as usize) {
            let pieces = (first..(first + block).min(end)).step_by(PIECE as usize).collect::<Vec<_>>();
            let texts: Vec<_> =
                pieces.into_par_iter().map(|first| self.text(first..(first + PIECE).min(end))).collect();
            for (text, count) in texts {
                to.write_all(text.as_bytes())?;
                tokens += count;
            }
        }
        Ok(tokens)
    }

    fn text(&self, numbers: Range<u64>) -> (String, u64) {
        let (mut text, mut walk, mut tokens) = (String::new(), Vec::new(), 0);
        for number in numbers {
            self.walk(number, &mut walk);
            tokens += walk.len() as u64;
            for (place, &node) in walk.iter().enumerate() {
                if place > 0 {
                    text.push(' ');
                }
                text.push_str(self.graph.names().name(node));
            }
            text.push('\n');
        }
        (text, tokens)
    }

    /// A neighbour of `node`, which has some, by weight.
    fn neighbor(&self, node: u32, rng: &mut ChaCha8Rng) -> u32 {
        let row = self.graph.neighbors(node);
        let place = random::below(rng, row.len());
        match &self.alias {
            None => row[place],
            Some(alias) => row[alias.draw(self.graph.row(node), place, random::uniform(rng))],
        }
    }

    /// A neighbour of `node` for a walk that came from `before`.
    fn step(&self, before: u32, node: u32, rng: &mut ChaCha8Rng) -> u32 {
        let Bias { back, most, surely, .. } = self.bias;
        // The part of the way back that is above `most` is an outcome of its own, of this probability.
        let excess = if back > most {
            let (way, all) = self.way_back(before, node);
            let excess = (back - most) * way;
            excess / (excess + most * all)
        } else {
            0.0
        };
        for _ in 0..self.graph.degree(node).max(8) {
            if excess > 0.0 && random::uniform_f64(rng) < excess {
                return before;
            }
            let next = self.neighbor(node, rng);
            let draw = random::uniform(rng);
            if draw < surely || f64::from(draw) * most < self.bias(before, next) {
                return next;
            }
        }
        self.step_exactly(before, node, rng)
    }

    /// [`step`](Self::step) with all neighbours in sight.
    fn step_exactly(&self, before: u32, node: u32, rng: &mut ChaCha8Rng) -> u32 {
        let (row, weights) = (self.graph.neighbors(node), self.graph.weights(node));
        let mass = |place: usize| {
            let weight = weights.get(place).map_or(1.0, |&weight| f64::from(weight));
            weight * self.bias(before, row[place])
        };
        let mut left = random::uniform_f64(rng) * (0..row.len()).map(mass).sum::<f64>();
        for (place, &next) in row.iter().enumerate() {
            left -= mass(place);
            if left < 0.0 {
                return next;
            }
        }
        // Only rounding leads here.
        row[row.len() - 1]
    }

    /// The weight of the way back, 0 if there is none, and of all ways.
    fn way_back(&self, before: u32, node: u32) -> (f64, f64) {
        let row = self.graph.neighbors(node);
        match &self.alias {
            None => {
                let way = !self.graph.directed() || row.binary_search(&before).is_ok();
                (f64::from(u8::from(way)), row.len() as f64)
            }
            Some(alias) => {
                let way = row.binary_search(&before).map_or(0.0, |place| f64::from(self.graph.weights(node)[place]));
                (way, alias.total(node))
            }
        }
    }

    fn bias(&self, before: u32, next: u32) -> f64 {
        if next == before {
            self.bias.back
        } else if self.bias.away == 1.0 || self.graph.has_edge(before, next) {
            1.0
        } else {
            self.bias.away
        }
    }
}

#[cfg(test)]
#[path = "walks_tests.rs"]
mod tests;
