//! One call for every place the figures of a run go.

use std::path::Path;

use super::metrics_log::MetricsLog;
use super::tensorboard::EventWriter;
use crate::Result;
use crate::data::Image;

/// Writes the figures of a run to `metrics.jsonl` and, unless it is `None`, to TensorBoard.
#[derive(Debug)]
pub struct Recorder {
    /// The record of the run, resumed exactly.
    pub jsonl: MetricsLog,
    /// A copy for TensorBoard, with wall-clock times.
    pub tensorboard: Option<EventWriter>,
}

impl Recorder {
    /// The log's name in a run directory.
    pub const FILE: &str = "metrics.jsonl";

    /// Starts recording a new run in its directory.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn create(run: impl AsRef<Path>) -> Result<Self> {
        let run = run.as_ref();
        let jsonl = MetricsLog::create(run.join(Self::FILE))?;
        Ok(Self { jsonl, tensorboard: Some(EventWriter::create(run, None)?) })
    }

    /// Goes on from a checkpoint taken after `step` steps when the log was `position` bytes long; what was recorded later
    /// is forgotten.
    ///
    /// # Errors
    /// A log that is not the checkpoint's, or the system's, naming the file.
    pub fn resume(run: impl AsRef<Path>, step: u64, position: u64) -> Result<Self> {
        let run = run.as_ref();
        let jsonl = MetricsLog::open_at(run.join(Self::FILE), position)?;
        Ok(Self { jsonl, tensorboard: Some(EventWriter::create(run, Some(step.saturating_add(1)))?) })
    }

    /// Records the figures of one moment.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn scalars(&mut self, step: u64, epoch: u64, values: &[(&str, f64)]) -> Result<()> {
        self.jsonl.append(step, epoch, values)?;
        self.tensorboard.as_mut().map_or(Ok(()), |writer| writer.scalars(step, values))
    }

    /// Shows a picture in TensorBoard; `metrics.jsonl` holds numbers only.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn image(&mut self, step: u64, tag: &str, image: &Image) -> Result<()> {
        self.tensorboard.as_mut().map_or(Ok(()), |writer| writer.image(step, tag, image))
    }

    /// Waits until the log is on the disk and returns the position a checkpoint records.
    ///
    /// # Errors
    /// The system's, naming the file.
    pub fn sync(&mut self) -> Result<u64> {
        self.jsonl.sync()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::train::metrics_log::read_metrics;

    fn event_files(run: &Path) -> usize {
        let names = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().contains("tfevents")).count()
    }

    #[test]
    fn records_and_resumes() {
        let run = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::create(&run).unwrap();
        recorder.scalars(1, 0, &[("loss", 2.0)]).unwrap();
        let position = recorder.sync().unwrap();
        recorder.scalars(2, 0, &[("loss", 1.5)]).unwrap();
        let whole = fs::read(run.path().join(Recorder::FILE)).unwrap();

        let mut recorder = Recorder::resume(&run, 1, position).unwrap();
        assert_eq!(read_metrics(run.path().join(Recorder::FILE)).unwrap().len(), 1);
        recorder.scalars(2, 0, &[("loss", 1.5)]).unwrap();
        assert_eq!(fs::read(run.path().join(Recorder::FILE)).unwrap(), whole);
        assert_eq!(event_files(run.path()), 2);
    }

    #[test]
    fn tensorboard_can_be_left_out() {
        let run = tempfile::tempdir().unwrap();
        let jsonl = MetricsLog::create(run.path().join(Recorder::FILE)).unwrap();
        let mut recorder = Recorder { jsonl, tensorboard: None };
        recorder.scalars(1, 0, &[("loss", 2.0)]).unwrap();
        recorder.image(1, "x", &Image { width: 1, height: 1, channels: 1, pixels: vec![0] }).unwrap();
        assert_eq!(event_files(run.path()), 0);
    }
}
