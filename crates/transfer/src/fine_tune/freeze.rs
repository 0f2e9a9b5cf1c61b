//! Which layers learn.

use std::collections::{HashMap, HashSet};

use burn::module::{Flag, Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::Tensor;
use ognivo_cnn::image::model::{Backbone, Network, Stage};
use ognivo_core::Error;

use super::settings::{Settings, Train};

/// Which layers are frozen in which epoch.
#[derive(Clone, Debug)]
pub struct Freezing {
    stages: Vec<Stage>,
    /// Layers that never learn.
    frozen: HashSet<String>,
    settings: Settings,
}

impl Freezing {
    /// As the settings say, for the stages of `network`.
    ///
    /// # Errors
    /// A setting out of its range, or a pattern that no stage and no layer matches.
    pub fn new(network: &Backbone, settings: &Settings) -> Result<Self, Error> {
        settings.validate()?;
        let stages = network.stages().to_vec();
        let mut frozen = HashSet::new();
        for pattern in &settings.freeze {
            let before = frozen.len();
            for stage in &stages {
                let layers = stage.layers.iter().filter(|layer| stage.name == *pattern || matches(pattern, layer));
                frozen.extend(layers.cloned());
            }
            if frozen.len() == before {
                let known: Vec<_> = stages.iter().map(|stage| stage.name.as_str()).collect();
                let known = known.join(", ");
                return Err(Error::Config(format!(
                    "freeze: no new layer is called {pattern:?}; stages are {known}, and a pattern such as layer1.* means layers"
                )));
            }
        }
        if settings.train == Train::Head {
            frozen.extend(stages.iter().rev().skip(1).flat_map(|stage| stage.layers.iter().cloned()));
        }
        Ok(Self { stages, frozen, settings: settings.clone() })
    }

    /// The layers that do not learn in `epoch`, from 0.
    pub fn frozen_in(&self, epoch: u64) -> HashSet<String> {
        let mut frozen = self.frozen.clone();
        if let Some(every) = self.settings.unfreeze_every {
            let learning = usize::try_from(epoch / every.max(1)).unwrap_or(usize::MAX).saturating_add(1);
            frozen.extend(self.stages.iter().rev().skip(learning).flat_map(|stage| stage.layers.iter().cloned()));
        }
        frozen
    }

    /// The number of stages at the beginning of which no layer ever learns: what they put out can be computed once.
    pub fn never_learning(&self) -> usize {
        let never = |stage: &&Stage| stage.layers.iter().all(|layer| self.frozen.contains(layer));
        self.stages.iter().take_while(never).count()
    }

    /// The network as `epoch` trains it: frozen layers have no gradients and evaluate.
    pub fn apply(&self, network: Network, epoch: u64) -> Network {
        let frozen = self.frozen_in(epoch);
        network.map(&mut Apply { place: Place::default(), frozen, statistics: self.settings.frozen_statistics })
    }

    /// What the learning rate of every parameter is multiplied by.
    pub fn rate_factors(&self, network: &Network) -> HashMap<ParamId, f64> {
        if self.settings.stage_rate == 1.0 {
            return HashMap::new();
        }
        let last = self.stages.len().saturating_sub(1);
        let of_stage = |number: usize| self.settings.stage_rate.powi((last - number) as i32);
        let layers = self.stages.iter().enumerate();
        let of_layer: HashMap<_, _> = layers
            .flat_map(|(number, stage)| stage.layers.iter().map(move |layer| (layer.clone(), of_stage(number))))
            .collect();
        let mut factors = Factors { place: Place::default(), of_layer, found: HashMap::new() };
        network.visit(&mut factors);
        factors.found
    }
}

/// Whether `name` is `pattern`, in which `*` stands for any characters.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| name.strip_prefix(first)) else { return false };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    true
}

/// Where a traversal stands: names with the containers that they are fields of.
#[derive(Default)]
struct Place(Vec<(String, String)>);

impl Place {
    fn enter(&mut self, name: &str, container: &str) {
        self.0.push((name.into(), container.into()));
    }

    /// The layer: the first name that is no enum's variant.
    fn layer(&self) -> Option<&str> {
        self.0.iter().find(|(_, container)| !container.starts_with("Enum:")).map(|(name, _)| name.as_str())
    }
}

struct Apply {
    place: Place,
    frozen: HashSet<String>,
    statistics: bool,
}

impl Apply {
    fn is_frozen(&self) -> bool {
        self.place.layer().is_some_and(|layer| self.frozen.contains(layer))
    }
}

impl ModuleMapper for Apply {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.0.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        // Running statistics are visited too, and never have gradients.
        let is_parameter = self.place.0.last().is_some_and(|(name, _)| ["weight", "bias"].contains(&name.as_str()));
        if is_parameter { param.set_require_grad(!self.is_frozen()) } else { param }
    }

    fn map_flag(&mut self, flag: Param<Flag>) -> Param<Flag> {
        let normalises = self.place.0.last().is_some_and(|(_, container)| container == "Struct:BatchNorm");
        let stays = self.is_frozen() || (self.statistics && normalises);
        flag.with_value(!stays)
    }
}

struct Factors {
    place: Place,
    of_layer: HashMap<String, f64>,
    found: HashMap<ParamId, f64>,
}

impl ModuleVisitor for Factors {
    fn enter_module(&mut self, name: &str, container: &str) {
        self.place.enter(name, container);
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.place.0.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(&factor) = self.place.layer().and_then(|layer| self.of_layer.get(layer)) {
            self.found.insert(param.id, factor);
        }
    }
}
