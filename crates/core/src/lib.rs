//! The parts every Ognivo task stands on.
//!
//! In reading order:
//!
//! - [`device`]: where tensors live. [`random`]: numbers that follow from the seed alone.
//! - [`data`]: reading pictures and tables. [`dataset`]: getting them, by name.
//! - [`train`]: the parts of a training loop, and [`train::fit`], the loop itself.
//! - [`run`]: the folder in which a run leaves its files. [`weights`]: networks in files, as PyTorch names them.
//! - [`eigen`]: symmetric matrices. [`metrics`]: what a network scored. [`report`]: the page that shows it.
//! - [`cli`]: the grammar of the command lines.
//!
//! Errors are one type, [`enum@Error`], which says which file, where in it, what was found and what was expected.
//!
//! # A task from end to end
//!
//! A task brings a network, a [`Batcher`](train::loader::Batcher) that makes batches and a [`Learner`](train::fit::Learner) that
//! scores them; [`Fit`](train::fit::Fit) does the rest. Here a straight line is put through points of `y = 2 x - 1`:
//!
//! ```
//! use burn::module::Module;
//! use burn::nn::{Linear, LinearConfig};
//! use burn::tensor::{Tensor, TensorData};
//! use ognivo_core::cli::events::Output;
//! use ognivo_core::run::{MODEL, RunDirectory};
//! use ognivo_core::train::fit::{Fit, FitConfig, Learner, Step, Validation};
//! use ognivo_core::train::loader::{Batcher, Loader, Position};
//! use ognivo_core::train::schedule::ScheduleConfig;
//! use ognivo_core::{Result, device, weights};
//!
//! #[derive(Module, Debug)]
//! struct Line {
//!     layer: Linear,
//! }
//!
//! /// 64 points from -1 to 1.
//! struct Points;
//!
//! impl Batcher for Points {
//!     type Batch = Vec<f32>;
//!
//!     fn items(&self) -> usize {
//!         64
//!     }
//!
//!     fn batch(&self, indices: &[usize], _: Position) -> Result<Vec<f32>> {
//!         Ok(indices.iter().map(|&index| index as f32 / 32.0 - 1.0).collect())
//!     }
//! }
//!
//! struct Regression;
//!
//! impl Learner for Regression {
//!     type Model = Line;
//!     type Batcher = Points;
//!
//!     fn step(&mut self, model: &Line, batch: Vec<f32>) -> Result<Step> {
//!         let items = batch.len();
//!         let x = Tensor::<2>::from_data(TensorData::new(batch, [items, 1]), &model.layer.weight.device());
//!         let loss = (model.layer.forward(x.clone()) - (x * 2.0 - 1.0)).square().mean();
//!         Ok(Step { loss, figures: vec![], items })
//!     }
//!
//!     /// No points are held out: the last weights are the ones to keep.
//!     fn validate(&self, _: &Line) -> Result<Option<Validation>> {
//!         Ok(None)
//!     }
//! }
//!
//! let device = device::parse("cpu")?.autodiff();
//! let config = FitConfig {
//!     epochs: 40,
//!     batch_size: 8,
//!     learning_rate: 0.05,
//!     optimizer: "adam".parse()?,
//!     schedule: ScheduleConfig::default(),
//!     clip_norm: None,
//!     clip_value: None,
//!     patience: None,
//!     checkpoint_seconds: 60.0,
//! };
//! let folder = tempfile::tempdir()?;
//! let run = RunDirectory::create(folder.path().join("line-001"))?;
//! run.write_json("config.json", &config)?;
//! let output = Output { quiet: true, ..Output::default() };
//!
//! let model = Line { layer: LinearConfig::new(1, 1).init(&device) };
//! let loader = Loader::new(Points, config.batch_size, 1).shuffled(7);
//! let fit = Fit { config: &config, seed: 7, device: &device, run: &run, output: &output };
//! let outcome = fit.run(&mut Regression, model, &loader)?;
//! assert_eq!(outcome.steps, 40 * 8);
//!
//! // Names, layouts and file are PyTorch's: `safetensors.torch.load_file` reads it.
//! let (tensors, _) = weights::read(&run.file(MODEL))?;
//! let slope = tensors["layer.weight"].as_slice::<f32>().map_err(|error| format!("{error:?}"))?[0];
//! assert!((slope - 2.0).abs() < 0.05);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cli;
pub mod data;
pub mod dataset;
pub mod device;
pub mod eigen;
mod error;
mod file;
pub mod metrics;
pub mod random;
pub mod report;
pub mod run;
pub mod train;
pub mod weights;

pub use error::{Error, Result};
