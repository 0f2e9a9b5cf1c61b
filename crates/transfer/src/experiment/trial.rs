//! One training of an experiment.

use std::path::Path;

use burn::tensor::Device;
use ognivo_cnn::image::data::Splits;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_cnn::image::trained::Trained;
use ognivo_core::Error;
use ognivo_core::cli::events::Output;
use ognivo_core::run::RunDirectory;
use ognivo_core::train::fit::Stopped;

use super::ledger::Share;
use crate::Result;
use crate::fine_tune::Settings;
use crate::fine_tune::origin::Origin;
use crate::fine_tune::session::Session;

/// A network, what of it learns, and how.
pub struct Trial<'a> {
    /// Where the network comes from.
    pub origin: &'a Origin,
    /// What of it learns.
    pub settings: Settings,
    /// How.
    pub config: ClassifierConfig,
    /// With autodiff.
    pub device: &'a Device,
}

impl Trial<'_> {
    /// Trains in `folder`, of which whatever was there before is removed, and measures on the test part; none after Ctrl-C.
    ///
    /// # Errors
    /// As of a training run.
    pub fn run(&self, splits: &Splits, folder: &Path) -> Result<Option<Share>> {
        clear(folder)?;
        let run = RunDirectory::create(folder)?;
        let quiet = Output { json: false, quiet: true };
        let mut session = Session::start(&run, &self.settings, &self.config, self.origin, splits, self.device)?;
        // Nobody will ask for the features of just these pictures again.
        session.cache = None;
        if session.fit(splits, &quiet)?.stopped == Stopped::Interrupted {
            return Ok(None);
        }
        let scores = Trained::open(folder, &self.device.clone().inner())?.evaluate(&splits.test)?;
        let of = splits.test.len() as u64;
        Ok(Some(Share { right: (scores.accuracy() * of as f64).round() as u64, of }))
    }
}

/// Removes a folder that trials were made in.
pub(super) fn clear(folder: &Path) -> Result<()> {
    match folder.exists() {
        true => Ok(std::fs::remove_dir_all(folder).map_err(Error::io(folder, "remove"))?),
        false => Ok(()),
    }
}
