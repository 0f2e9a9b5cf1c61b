//! A layer with its weights.

use burn::module::{Devices, Module, ModuleMapper, ModuleVisitor};
use burn::tensor::Device;

use super::layers::{Kind, Layer};
use crate::Result;
use crate::image::model::plan::Plan;
use crate::layer::{
    Activation, Aggregation, BatchNorm, Convolution, Dropout, Initialisation, Linear, LinearConfig, LocalResponseNorm,
    Pooling,
};

/// A layer of a [`Backbone`](super::Backbone), or several that are one operation.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) operation: Operation,
}

/// What a node computes; see [`Kind`].
#[derive(Clone, Debug)]
#[allow(clippy::large_enum_variant)] // Nearly all nodes are of the large ones.
pub(super) enum Operation {
    Convolution(Convolution),
    BatchNorm(BatchNorm),
    Linear(Linear),
    Dropout(Dropout),
    Pooling(Pooling),
    LocalResponseNorm(LocalResponseNorm),
    Activation(Activation),
    AdaptiveAverage([usize; 2]),
    Subsample { stride: usize, channels: usize },
    Sum { body: Vec<Node>, shortcut: Vec<Node>, relu: bool },
    Concat(Vec<Vec<Node>>),
    Gate(Vec<Node>),
}

impl Node {
    /// Draws the weights, or leaves that undone where they are to be `loaded`.
    pub(super) fn init(layer: &Layer, plan: &Plan, loaded: bool, device: &Device) -> Result<Self> {
        let all = |layers: &[Layer]| -> Result<Vec<Self>> {
            layers.iter().map(|layer| Self::init(layer, plan, loaded, device)).collect()
        };
        let drawn = |initialisation| if loaded { Initialisation::Loaded } else { initialisation };
        let operation = match &layer.kind {
            Kind::Convolution(config) => {
                let config = config.clone();
                let initialisation = drawn(config.initialisation);
                Operation::Convolution(config.with_initialisation(initialisation).init(device)?)
            }
            Kind::BatchNorm(config) => Operation::BatchNorm(config.init(device)?),
            Kind::Activation(activation) => Operation::Activation(*activation),
            Kind::Pooling(config) => Operation::Pooling(config.init(Aggregation::Max)?),
            Kind::AdaptiveAverage(size) => Operation::AdaptiveAverage(*size),
            Kind::LocalResponseNorm(config) => Operation::LocalResponseNorm(config.init()?),
            Kind::Dropout(p) => Operation::Dropout(Dropout::new(*p)?),
            Kind::Linear { outputs, initialisation } => {
                let config = LinearConfig::new(plan.inputs_of(&layer.name), *outputs);
                Operation::Linear(config.with_initialisation(drawn(*initialisation)).init(device)?)
            }
            Kind::Subsample { stride, channels } => Operation::Subsample { stride: *stride, channels: *channels },
            Kind::Sum { body, shortcut, relu } => {
                Operation::Sum { body: all(body)?, shortcut: all(shortcut)?, relu: *relu }
            }
            Kind::Concat(branches) => {
                Operation::Concat(branches.iter().map(|branch| all(branch)).collect::<Result<_>>()?)
            }
            Kind::Gate(layers) => Operation::Gate(all(layers)?),
        };
        Ok(Self { name: layer.name.clone(), operation })
    }

    /// Adds the names of all layers in it.
    pub(super) fn names(&self, names: &mut Vec<String>) {
        match &self.operation {
            Operation::Sum { body, shortcut, .. } => {
                body.iter().chain(shortcut).for_each(|node| node.names(names));
            }
            Operation::Concat(branches) => branches.iter().flatten().for_each(|node| node.names(names)),
            Operation::Gate(layers) => layers.iter().for_each(|node| node.names(names)),
            _ => {}
        }
        names.push(self.name.clone());
    }

    /// Channels or features out, where weights decide them.
    pub(super) fn outputs(&self) -> Option<usize> {
        match &self.operation {
            Operation::Linear(linear) => Some(linear.weight.lazy_shape().dims::<2>()[1]),
            Operation::Convolution(convolution) => Some(convolution.config().channels[1]),
            _ => None,
        }
    }

    pub(super) fn inputs(&self) -> Option<usize> {
        match &self.operation {
            Operation::Linear(linear) => Some(linear.weight.lazy_shape().dims::<2>()[0]),
            Operation::Convolution(convolution) => Some(convolution.config().channels[0]),
            _ => None,
        }
    }

    pub(super) fn as_convolution(&self) -> Option<&Convolution> {
        match &self.operation {
            Operation::Convolution(convolution) => Some(convolution),
            _ => None,
        }
    }
}

/// What is done to every layer that is a module, whatever its type.
trait Change {
    fn change<M: Module>(&mut self, name: &str, module: M) -> M;
}

impl Node {
    fn change(self, by: &mut impl Change) -> Self {
        let Self { name, operation } = self;
        let mut all = |nodes: Vec<Self>| nodes.into_iter().map(|node| node.change(by)).collect::<Vec<_>>();
        let operation = match operation {
            Operation::Sum { body, shortcut, relu } => {
                let body = all(body);
                Operation::Sum { body, shortcut: all(shortcut), relu }
            }
            Operation::Concat(branches) => Operation::Concat(branches.into_iter().map(all).collect()),
            Operation::Gate(layers) => Operation::Gate(all(layers)),
            Operation::Convolution(module) => Operation::Convolution(by.change(&name, module)),
            Operation::BatchNorm(module) => Operation::BatchNorm(by.change(&name, module)),
            Operation::Linear(module) => Operation::Linear(by.change(&name, module)),
            Operation::Dropout(module) => Operation::Dropout(by.change(&name, module)),
            Operation::Pooling(_)
            | Operation::LocalResponseNorm(_)
            | Operation::Activation(_)
            | Operation::AdaptiveAverage(_)
            | Operation::Subsample { .. } => operation,
        };
        Self { name, operation }
    }

    /// The modules in the order of computation, with their names.
    fn each(&self, look: &mut impl Look) {
        match &self.operation {
            Operation::Sum { body, shortcut, .. } => body.iter().chain(shortcut).for_each(|node| node.each(look)),
            Operation::Concat(branches) => branches.iter().flatten().for_each(|node| node.each(look)),
            Operation::Gate(layers) => layers.iter().for_each(|node| node.each(look)),
            Operation::Convolution(module) => look.look(&self.name, module),
            Operation::BatchNorm(module) => look.look(&self.name, module),
            Operation::Linear(module) => look.look(&self.name, module),
            Operation::Dropout(module) => look.look(&self.name, module),
            Operation::Pooling(_)
            | Operation::LocalResponseNorm(_)
            | Operation::Activation(_)
            | Operation::AdaptiveAverage(_)
            | Operation::Subsample { .. } => {}
        }
    }
}

/// What looks at every layer that is a module.
trait Look {
    fn look<M: Module>(&mut self, name: &str, module: &M);
}

/// Tells a visitor or mapper which layer it is in.
const CONTAINER: &str = "Struct:Layer";

struct Fork<'a>(&'a Device);
struct ToDevice<'a>(&'a Device);
struct Train;
struct Valid;
struct Materialize;
struct Mapping<'a, M>(&'a mut M);

impl Change for Fork<'_> {
    fn change<M: Module>(&mut self, _: &str, module: M) -> M {
        module.fork(self.0)
    }
}

impl Change for ToDevice<'_> {
    fn change<M: Module>(&mut self, _: &str, module: M) -> M {
        module.to_device(self.0)
    }
}

impl Change for Train {
    fn change<M: Module>(&mut self, _: &str, module: M) -> M {
        module.train()
    }
}

impl Change for Valid {
    fn change<M: Module>(&mut self, _: &str, module: M) -> M {
        module.valid()
    }
}

impl Change for Materialize {
    fn change<M: Module>(&mut self, _: &str, module: M) -> M {
        module.materialize()
    }
}

impl<Mapper: ModuleMapper> Change for Mapping<'_, Mapper> {
    fn change<M: Module>(&mut self, name: &str, module: M) -> M {
        self.0.enter_module(name, CONTAINER);
        let module = module.map(self.0);
        self.0.exit_module(name, CONTAINER);
        module
    }
}

struct Visit<'a, V>(&'a mut V);
struct Collect(Devices);

impl<V: ModuleVisitor> Look for Visit<'_, V> {
    fn look<M: Module>(&mut self, name: &str, module: &M) {
        self.0.enter_module(name, CONTAINER);
        module.visit(self.0);
        self.0.exit_module(name, CONTAINER);
    }
}

impl Look for Collect {
    fn look<M: Module>(&mut self, _: &str, module: &M) {
        self.0 = module.collect_devices(std::mem::take(&mut self.0));
    }
}

impl Module for Node {
    fn collect_devices(&self, devices: Devices) -> Devices {
        let mut collect = Collect(devices);
        self.each(&mut collect);
        collect.0
    }

    fn fork(self, device: &Device) -> Self {
        self.change(&mut Fork(device))
    }

    fn to_device(self, device: &Device) -> Self {
        self.change(&mut ToDevice(device))
    }

    fn train(self) -> Self {
        self.change(&mut Train)
    }

    fn valid(&self) -> Self {
        self.clone().change(&mut Valid)
    }

    fn materialize(self) -> Self {
        self.change(&mut Materialize)
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        self.each(&mut Visit(visitor));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        self.change(&mut Mapping(mapper))
    }
}
