//! The flags that commands of every task share.

use std::path::PathBuf;

use burn::tensor::Device;
use clap::Args;
use serde_json::Value;

use super::config;
use super::events::Output;
use crate::{Result, device};

/// What is shown and where it goes.
#[derive(Args, Clone, Debug, Default)]
pub struct OutputArgs {
    /// Print JSON lines only; the last line holds the result
    #[arg(long, global = true)]
    pub json: bool,
    /// Print only what was asked for, and errors
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

impl OutputArgs {
    /// How the command is to speak.
    pub fn output(&self) -> Output {
        Output { json: self.json, quiet: self.quiet }
    }
}

/// Where the computation runs.
#[derive(Args, Clone, Debug)]
pub struct DeviceArgs {
    /// Device: auto, cpu, gpu, or a backend with an index such as cuda:1 (`devices` lists them)
    #[arg(long, default_value = "auto")]
    pub device: String,
    /// Threads of the CPU backend [default: one per core]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
}

impl DeviceArgs {
    /// Applies `--threads` and finds `--device`.
    pub fn open(&self) -> Result<Device> {
        device::set_threads(self.threads);
        device::parse(&self.device)
    }
}

/// What a training command takes, on top of its task's own flags.
#[derive(Args, Clone, Debug)]
pub struct TrainArgs {
    /// The run directory itself [default: the next free runs/TASK/DATA-NUMBER]
    #[arg(long, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// Go on with the run in --run where it stopped (a directory that does not exist yet starts a new run)
    #[arg(long, requires = "run")]
    pub resume: bool,
    /// Read settings from a JSON file such as a run's config.json; flags beat it
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Set any setting by its path, e.g. --set optimizer.weight_decay=0.0005 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub settings: Vec<String>,
    /// Passes over the training data
    #[arg(long)]
    pub epochs: Option<u64>,
    /// Items in a step
    #[arg(long)]
    pub batch_size: Option<usize>,
    /// Peak learning rate
    #[arg(long)]
    pub learning_rate: Option<f64>,
    /// Everything random follows from it
    #[arg(long)]
    pub seed: Option<u64>,
    /// Where to compute
    #[command(flatten)]
    pub device: DeviceArgs,
}

impl TrainArgs {
    /// The settings given on the command line, as an overlay: `--epochs 3` is `{"<fit>": {"epochs": 3}}` with `fit` the key under
    /// which the task keeps its [`FitConfig`](crate::train::fit::FitConfig); `--set` comes last.
    pub fn overlay(&self, fit: &str) -> Result<Value> {
        let mut overlay = Value::Object(Default::default());
        let mut set =
            |path: String, value: Option<Value>| value.map_or(Ok(()), |value| config::set(&mut overlay, &path, value));
        set(format!("{fit}.epochs"), self.epochs.map(Value::from))?;
        set(format!("{fit}.batch_size"), self.batch_size.map(Value::from))?;
        set(format!("{fit}.learning_rate"), self.learning_rate.map(Value::from))?;
        set("seed".into(), self.seed.map(Value::from))?;
        for setting in &self.settings {
            let (path, value) = config::parse_setting(setting)?;
            config::set(&mut overlay, &path, value)?;
        }
        Ok(overlay)
    }
}
