//! Vectors on the plane by either way, and what is to be said of the map.

use ognivo_core::cli::events::Output;
use ognivo_core::report::{number, percent};
use ognivo_core::train::interrupt;
use ognivo_core::train::progress::Progress;
use serde_json::{Value, json};

use super::pca::Components;
use super::tsne::{TsneConfig, tsne};
use crate::{Result, Table};

/// How vectors become points.
#[derive(Clone, Debug)]
pub enum Method {
    /// Their two principal components.
    Components,
    /// t-SNE.
    Tsne(TsneConfig),
}

/// Points, and what is to be said of them.
#[derive(Clone, Debug)]
pub struct Map {
    /// A point for each row.
    pub points: Vec<(f64, f64)>,
    /// What the axes mean; nothing in t-SNE.
    pub axes: [String; 2],
    /// The method and how well the map shows the vectors, in a few words.
    pub about: String,
    /// The same as figures.
    pub figures: Value,
}

impl Map {
    /// The rows of `table` as points; Ctrl-C ends t-SNE where it is.
    ///
    /// # Errors
    /// Of [`Components::of`] and [`tsne`].
    pub fn make(table: &Table, method: &Method, output: &Output) -> Result<Self> {
        match method {
            Method::Components => Self::components(table),
            Method::Tsne(config) => Self::tsne(table, config, output),
        }
    }

    fn components(table: &Table) -> Result<Self> {
        let components = Components::of(table, 2)?;
        let shares = [components.share(0), components.share(1)];
        let axis = |index: usize| format!("component {}, {} of the variance", index + 1, percent(shares[index]));
        Ok(Self {
            points: components.map(table),
            axes: [axis(0), axis(1)],
            about: format!("two principal components have {} of the variance", percent(shares[0] + shares[1])),
            figures: json!({ "variance_share": shares }),
        })
    }

    fn tsne(table: &Table, config: &TsneConfig, output: &Output) -> Result<Self> {
        let bar = Progress::new(config.iterations as u64, 0, "steps", output.is_silent());
        let map = tsne(table, config, &mut |_| {
            bar.step(1, "t-SNE");
            !interrupt::requested()
        })?;
        bar.finish();
        let (perplexity, divergence) = (config.perplexity, map.divergence);
        let shown = number(perplexity);
        Ok(Self {
            points: map.points,
            axes: Default::default(),
            about: format!("t-SNE, perplexity {shown}, Kullback-Leibler divergence {divergence:.4}"),
            figures: json!({ "perplexity": perplexity, "divergence": divergence }),
        })
    }
}
