//! `node2vec`: vectors of the nodes of a graph.

use std::path::PathBuf;

use clap::Subcommand;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::train::interrupt;
use ognivo_embeddings::WordVectors;
use ognivo_embeddings::evaluate::Labels;
use ognivo_embeddings::node2vec::{Graph, GraphFormat, ReadOptions, WalkConfig, WalkSentences, Walker};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::plot::overview;
use crate::run::{RunArgs, Summary, seconds};
use crate::sources;
use crate::train::{Keeping, Outcome, Training};
use crate::word2vec::{VectorArgs, VectorConfig};

/// The graph that ships.
const KARATE: &str = "karate";
/// Nodes on the report's map.
const MAPPED: usize = 200;

#[derive(Subcommand)]
pub(crate) enum Node2vecCommand {
    /// Train vectors of nodes and write a report
    Train(Box<TrainArgs>),
}

impl Node2vecCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "node2vec train",
        }
    }

    pub(crate) fn run(self, output: &Output) -> anyhow::Result<Ended> {
        match self {
            Self::Train(args) => train(&args, output),
        }
    }
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  embed node2vec train                                            Zachary's karate club, which ships
  embed node2vec train --data graph.edges --p 0.25 --q 4
  embed node2vec train --data graph.edges.gz --weighted --directed --walks 20 --length 40
  embed node2vec train --data bc_adjlist.txt --p 1 --q 1          DeepWalk
  embed node2vec train --run runs/embed/graph-001 --resume

Defaults: --dim 128 --window 10 --negative 5 --sample 0 --epochs 5. The result does not depend on --threads, unless --hogwild is given.")]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    graph: GraphArgs,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    run: RunArgs,
}

/// A graph and how it is read.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct GraphArgs {
    /// Graph: a file with `from to [weight]` or `node neighbour ...` a line, or GML, plain or gzip; or the name of a data set
    /// [default: karate, which ships]
    #[arg(long)]
    pub(crate) data: Option<String>,
    /// How the file is written: auto, edges, adjacency, gml [default: auto]
    #[arg(long, value_parser = ["auto", "edges", "adjacency", "gml"])]
    pub(crate) format: Option<String>,
    /// Edges have weights: the third field, or `weight` or `value` in GML
    #[arg(long)]
    pub(crate) weighted: bool,
    /// Edges lead one way
    #[arg(long)]
    pub(crate) directed: bool,
}

impl GraphArgs {
    /// The graph.
    pub(crate) fn read(&self, output: &Output) -> anyhow::Result<Graph> {
        let format = match self.format.as_deref() {
            Some("edges") => GraphFormat::Edges,
            Some("adjacency") => GraphFormat::Adjacency,
            Some("gml") => GraphFormat::Gml,
            _ => GraphFormat::Auto,
        };
        let options = ReadOptions { format, weighted: self.weighted, directed: self.directed };
        read(self.data.as_deref().unwrap_or(KARATE), &options, output)
    }
}

/// Reads the graph that `data` names.
fn read(data: &str, options: &ReadOptions, output: &Output) -> anyhow::Result<Graph> {
    let path = sources::file(data, &["edge", "adj", ".gml", "graph"], output)?;
    Ok(Graph::read(&path, options)?)
}

/// The file of labels that `labels` names: a path, or a data set that has one.
pub(crate) fn labels_path(labels: &str, output: &Output) -> anyhow::Result<PathBuf> {
    sources::file(labels, &["label"], output)
}

/// Settings of the walks and of training.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Settings {
    /// Return parameter: the larger, the more seldom a walk goes straight back [default: 0.25]
    #[arg(long)]
    p: Option<f64>,
    /// In-out parameter: above 1 walks stay near, below 1 they go far [default: 0.25]
    #[arg(long)]
    q: Option<f64>,
    /// Walks from each node [default: 10]
    #[arg(long)]
    walks: Option<u32>,
    /// Nodes in a walk [default: 80]
    #[arg(long)]
    length: Option<u32>,
    #[command(flatten)]
    vectors: VectorArgs,
}

/// Refuses the configuration of another kind of run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Node2vecTask {
    Node2vec,
}

/// Everything that a run of node2vec follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node2vecConfig {
    /// `node2vec`.
    task: Node2vecTask,
    data: String,
    graph: ReadOptions,
    walks: WalkConfig,
    pub(crate) vectors: VectorConfig,
}

impl Default for Node2vecConfig {
    fn default() -> Self {
        Self {
            task: Node2vecTask::Node2vec,
            data: KARATE.into(),
            graph: ReadOptions::default(),
            walks: WalkConfig::default(),
            vectors: VectorConfig { dim: 128, window: 10, sample: 0.0, ..VectorConfig::default() },
        }
    }
}

impl Settings {
    fn overlay(&self) -> Vec<(String, Value)> {
        let flags = [
            ("walks.p", self.p.map(Value::from)),
            ("walks.q", self.q.map(Value::from)),
            ("walks.walks", self.walks.map(Value::from)),
            ("walks.length", self.length.map(Value::from)),
            // The walks follow from the same seed.
            ("walks.seed", self.vectors.seed.map(Value::from)),
        ];
        let own = flags.into_iter().filter_map(|(name, value)| Some((name.to_string(), value?)));
        own.chain(self.vectors.overlay()).collect()
    }

    /// The defaults with these settings.
    pub(crate) fn config(&self) -> anyhow::Result<Node2vecConfig> {
        let mut overlay = json!({});
        for (path, value) in self.overlay() {
            config::set(&mut overlay, &path, value)?;
        }
        let config: Node2vecConfig = config::resolve(&Node2vecConfig::default(), &[overlay])?;
        config.vectors.validate()?;
        Ok(config)
    }
}

fn train(args: &TrainArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let mut flags = args.settings.overlay();
    let graph = &args.graph;
    flags.extend(graph.data.as_ref().map(|data| ("data".to_string(), json!(data))));
    flags.extend(graph.format.as_ref().map(|format| ("graph.format".to_string(), json!(format))));
    flags.extend(graph.weighted.then(|| ("graph.weighted".to_string(), json!(true))));
    flags.extend(graph.directed.then(|| ("graph.directed".to_string(), json!(true))));
    let (config, saved): (Node2vecConfig, _) = args.run.resolve(&Node2vecConfig::default(), flags)?;
    config.vectors.validate()?;
    let graph = read(&config.data, &config.graph, output)?;
    let walker = Walker::new(&graph, config.walks)?;
    let name = sources::name_of(&config.data);
    let resume = saved.is_some();
    let run = saved.map_or_else(|| args.run.create(&name, &config), Ok)?;
    let about = format!("{} nodes, {} edges", graph.nodes(), graph.edges());
    output.line(&format!("{name}: {about}, {} walks in a pass\n", walker.walks()));
    let keeping = Keeping { run: &run, resume, every: seconds(config.vectors.checkpoint_seconds)? };
    let outcome = trained(&walker, &config, Some(keeping), output)?;
    let labels =
        (config.data == KARATE).then(|| Labels::read(&labels_path(KARATE, output)?).map_err(anyhow::Error::from));
    let labels = labels.transpose()?;
    let label = |node: &str| {
        let labels = labels.as_ref()?;
        let of = labels.of(labels.nodes().get(node)?).first()?;
        Some(labels.names().name(*of).to_owned())
    };
    let map = if outcome.interrupted { None } else { overview(&outcome.vectors, MAPPED, &label) };
    let WalkConfig { p, q, walks, length, .. } = config.walks;
    let summary = Summary {
        command: "node2vec train",
        title: format!("{name}: vectors of nodes"),
        subtitle: format!(
            "node2vec, p {p}, q {q}, {walks} walks of {length} nodes, {}; {about}",
            config.vectors.describe()
        ),
        unit: "node",
        outcome: &outcome,
        tile: None,
        lines: Vec::new(),
        metrics: Map::from_iter([("nodes".into(), graph.nodes().into()), ("edges".into(), graph.edges().into())]),
        map,
        configuration: serde_json::to_string_pretty(&config)?,
    };
    summary.finish(&run, args.run.save_text, output)
}

/// Trains on the walks of a graph.
fn trained(
    walker: &Walker<'_>,
    config: &Node2vecConfig,
    keeping: Option<Keeping<'_>>,
    output: &Output,
) -> anyhow::Result<Outcome> {
    let (sentences, vocabulary) = WalkSentences::new(walker)?;
    let keep = vocabulary.keep(config.vectors.sample);
    let objective = config.vectors.objective(vocabulary.counts());
    let plan = config.vectors.plan(&sentences, &objective, keep.as_deref());
    Training { plan, vocabulary: &vocabulary, dim: config.vectors.dim, unit: "nodes" }.run(keeping, output)
}

/// The vectors of a graph's nodes, kept nowhere; none after Ctrl-C.
pub(crate) fn vectors(graph: &Graph, config: &Node2vecConfig, output: &Output) -> anyhow::Result<Option<WordVectors>> {
    interrupt::listen()?;
    let walker = Walker::new(graph, config.walks)?;
    let outcome = trained(&walker, config, None, output)?;
    Ok((!outcome.interrupted).then_some(outcome.vectors))
}
