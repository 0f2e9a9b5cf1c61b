//! `node2vec`: vectors of the nodes of a graph.

use std::path::PathBuf;

use clap::Subcommand;
use ognivo_core::cli::events::Output;
use ognivo_core::cli::{Ended, config};
use ognivo_core::train::interrupt;
use ognivo_embeddings::WordVectors;
use ognivo_embeddings::evaluate::Labels;
use ognivo_embeddings::node2vec::{self, Graph, GraphFormat, Node2VecConfig, ReadOptions, WalkSentences, Walker};
use ognivo_embeddings::train::{Engine, Loss};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::plot::overview;
use crate::run::{CHECKPOINT_SECONDS, EngineArgs, EngineKind, RunArgs, Summary, given, seconds};
use crate::sources;
use crate::train::{self, Course, Keeping, Training, WatchTrainer};
use crate::word2vec::{VectorArgs, described};

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
  embed node2vec train --data graph.edges --engine burn --device gpu
  embed node2vec train --run runs/embed/graph-001 --resume

Defaults: --dim 128 --window 10 --negative 5 --sample 0 --epochs 5 --learning-rate 0.025. The result does not depend on --threads, unless --hogwild is given.")]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    graph: GraphArgs,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    engine: EngineArgs,
    #[command(flatten)]
    run: RunArgs,
}

/// A graph and how it is read.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct GraphArgs {
    /// Graph: a file with `from to [weight]` or `node neighbour ...` a line, or GML, plain or gzip; - for standard input; or the name of a
    /// data set [default: karate, which ships]
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
    let path = match data {
        "-" => "/dev/stdin".into(),
        data => sources::file(data, &["edge", "adj", ".gml", "graph"], output)?,
    };
    Ok(Graph::read(&path, options)?)
}

/// The file of labels that `labels` names: a path, or a data set that has one.
pub(crate) fn labels_path(labels: &str, output: &Output) -> anyhow::Result<PathBuf> {
    sources::file(labels, &["label"], output)
}

/// Settings of the walks and of training.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Settings {
    /// Return parameter: the larger, the more seldom a walk goes straight back [default: 0.25; of fewer than 1000 nodes 1]
    #[arg(long)]
    p: Option<f64>,
    /// In-out parameter: above 1 walks stay near, below 1 they go far [default: 0.25; of fewer than 1000 nodes 2]
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
enum Kind {
    Node2vec,
}

/// Everything that a run of node2vec follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RunConfig {
    task: Kind,
    data: String,
    graph: ReadOptions,
    checkpoint_seconds: f64,
    #[serde(default)]
    engine: EngineKind,
    vectors: Node2VecConfig,
}

impl RunConfig {
    /// The defaults for a graph of so many nodes.
    fn of(nodes: usize) -> Self {
        Self {
            task: Kind::Node2vec,
            data: KARATE.into(),
            graph: ReadOptions::default(),
            checkpoint_seconds: CHECKPOINT_SECONDS,
            engine: EngineKind::Cpu,
            vectors: Node2VecConfig::for_graph(nodes),
        }
    }
}

impl Settings {
    fn overlay(&self) -> Vec<(String, Value)> {
        let mut flags = self.vectors.overlay();
        flags.extend(given([
            ("vectors.p", self.p.map(Value::from)),
            ("vectors.q", self.q.map(Value::from)),
            ("vectors.walks", self.walks.map(Value::from)),
            ("vectors.length", self.length.map(Value::from)),
        ]));
        flags
    }

    /// The defaults for a graph of so many nodes with these settings.
    pub(crate) fn config(&self, nodes: usize) -> anyhow::Result<Node2VecConfig> {
        let mut overlay = json!({});
        for (path, value) in self.overlay() {
            config::set(&mut overlay, &path, value)?;
        }
        let config: RunConfig = config::resolve(&RunConfig::of(nodes), &[overlay])?;
        config.vectors.word2vec(1).validate()?;
        Ok(config.vectors)
    }
}

fn train(args: &TrainArgs, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let mut flags = args.settings.overlay();
    flags.extend(args.engine.overlay());
    flags.extend(given([
        ("data", args.graph.data.as_deref().map(Value::from)),
        ("graph.format", args.graph.format.as_deref().map(Value::from)),
        ("graph.weighted", args.graph.weighted.then(|| true.into())),
        ("graph.directed", args.graph.directed.then(|| true.into())),
    ]));
    let (config, _): (RunConfig, _) = args.run.resolve(&RunConfig::of(0), flags.clone())?;
    config.vectors.word2vec(1).validate()?;
    let engine = args.engine.open(config.engine)?;
    engine.check(Loss::Negative, config.vectors.hogwild)?;
    let every = seconds(config.checkpoint_seconds)?;
    let graph = read(&config.data, &config.graph, output)?;
    // The defaults depend on the graph, so the settings are known now.
    let (config, saved): (RunConfig, _) = args.run.resolve(&RunConfig::of(graph.nodes()), flags)?;
    let walker = Walker::new(&graph, config.vectors.walk())?;
    let name = if config.data == "-" { "stdin".into() } else { sources::name_of(&config.data) };
    let resume = saved.is_some();
    let run = saved.map_or_else(|| args.run.create(&name, &config), Ok)?;
    let about = format!("{} nodes, {} edges", graph.nodes(), graph.edges());
    output.line(&format!("{name}: {about}, {} walks in a pass\n", walker.walks()));
    let (vectors, course) =
        trained(&engine, &walker, &config.vectors, Some(Keeping { run: &run, resume, every }), output)?;
    let label = labels(&config.data, output)?;
    let map = if course.interrupted { None } else { overview(&vectors, MAPPED, &label) };
    let Node2VecConfig { p, q, walks, length, .. } = config.vectors;
    let settings = described(&config.vectors.word2vec(graph.nodes()));
    let summary = Summary {
        command: "node2vec train",
        title: format!("{name}: vectors of nodes"),
        subtitle: format!("node2vec, p {p}, q {q}, {walks} walks of {length} nodes, {settings}; {about}"),
        unit: "node",
        vectors: &vectors,
        course: &course,
        tile: None,
        lines: Vec::new(),
        metrics: Map::from_iter([("nodes".into(), graph.nodes().into()), ("edges".into(), graph.edges().into())]),
        map,
        configuration: serde_json::to_string_pretty(&config)?,
    };
    summary.finish(&run, args.run.save_text, output)
}

/// What colours the nodes of the graph that ships; of others nothing is known.
fn labels(data: &str, output: &Output) -> anyhow::Result<impl Fn(&str) -> Option<String>> {
    let labels = if data == KARATE { Some(Labels::read(&labels_path(KARATE, output)?)?) } else { None };
    Ok(move |node: &str| {
        let labels = labels.as_ref()?;
        let of = labels.of(labels.nodes().get(node)?).first()?;
        Some(labels.names().name(*of).to_owned())
    })
}

/// Trains on the walks of a graph.
fn trained(
    engine: &Engine,
    walker: &Walker<'_>,
    config: &Node2VecConfig,
    keeping: Option<Keeping<'_>>,
    output: &Output,
) -> anyhow::Result<(WordVectors, Course)> {
    let (sentences, vocabulary) = WalkSentences::new(walker)?;
    let training = Training { epochs: config.epochs, unit: "nodes", keeping };
    let train =
        |earlier, watch: WatchTrainer<'_>| node2vec::train(engine, config, &sentences, &vocabulary, earlier, watch);
    train::vectors(training, &vocabulary, train, output)
}

/// The vectors of a graph's nodes, kept nowhere; none after Ctrl-C.
pub(crate) fn vectors(graph: &Graph, config: &Node2VecConfig, output: &Output) -> anyhow::Result<Option<WordVectors>> {
    interrupt::listen()?;
    let walker = Walker::new(graph, config.walk())?;
    let (vectors, course) = trained(&Engine::Cpu, &walker, config, None, output)?;
    Ok((!course.interrupted).then_some(vectors))
}
