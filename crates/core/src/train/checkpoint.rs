//! Everything that resuming needs, in one file that is replaced in one step.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::weights::{self, NamedTensors};
use crate::{Error, Result};

const FORMAT: u64 = 1;

/// A moment of a training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The module's parameters and running statistics.
    pub model: NamedTensors,
    /// The optimiser's state.
    pub optimizer: NamedTensors,
    /// What the task carries from batch to batch, as a recurrent network its state; often nothing.
    pub carried: NamedTensors,
    /// Position in the data, running sums, best score: whatever the loop keeps.
    pub state: Value,
}

#[derive(Serialize, Deserialize)]
struct Metadata {
    format: u64,
    state: Value,
}

impl Checkpoint {
    /// Writes the checkpoint, atomically.
    ///
    /// # Errors
    /// [`Error::NotFinite`], naming the tensor, when a value is infinite or not a number: what is saved is always a good state.
    pub fn save(&self, path: &Path) -> Result<()> {
        let wrong = weights::not_finite(&self.model).or_else(|| weights::not_finite(&self.carried));
        if let Some(name) = wrong {
            return Err(Error::NotFinite(format!("tensor {name} holds a value that is not finite")));
        }
        let part = |prefix: &'static str, tensors: &NamedTensors| {
            tensors.iter().map(move |(name, data)| (format!("{prefix}{name}"), data.clone())).collect::<Vec<_>>()
        };
        let parts = [("model/", &self.model), ("optimizer/", &self.optimizer), ("carried/", &self.carried)];
        let tensors = parts.into_iter().flat_map(|(prefix, tensors)| part(prefix, tensors)).collect();
        weights::save(path, &tensors, serde_json::json!(Metadata { format: FORMAT, state: self.state.clone() }))
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// When the file is broken, damaged, or not a checkpoint of this version.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_parts(weights::read(path)?, path)
    }

    /// [`read`](Self::read) from bytes; `path` is for the messages.
    ///
    /// # Errors
    /// When they are broken, damaged, or not a checkpoint of this version.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        Self::from_parts(weights::parse(bytes, path)?, path)
    }

    fn from_parts((tensors, metadata): (NamedTensors, Value), path: &Path) -> Result<Self> {
        let expected = || format!("an Ognivo checkpoint of format {FORMAT}");
        let metadata: Metadata =
            serde_json::from_value(metadata).map_err(|e| Error::format(path, "metadata", e.to_string(), expected()))?;
        if metadata.format != FORMAT {
            return Err(Error::format(path, "metadata", format!("format {}", metadata.format), expected()));
        }
        let [mut model, mut optimizer, mut carried] = [const { NamedTensors::new() }; 3];
        for (name, data) in tensors {
            let (part, own) = match name.split_once('/') {
                Some(("model", own)) => (&mut model, own),
                Some(("optimizer", own)) => (&mut optimizer, own),
                Some(("carried", own)) => (&mut carried, own),
                _ => {
                    let expected = "model/..., optimizer/... or carried/...";
                    return Err(Error::format(path, format!("tensor {name}"), "no such part", expected));
                }
            };
            part.insert(own.into(), data);
        }
        Ok(Self { model, optimizer, carried, state: metadata.state })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    fn checkpoint(value: f32) -> Checkpoint {
        Checkpoint {
            model: NamedTensors::from([("fc.weight".into(), TensorData::from([value]))]),
            optimizer: NamedTensors::from([("fc.weight/exp_avg".into(), TensorData::from([0.1f32]))]),
            carried: NamedTensors::from([("hidden.0".into(), TensorData::from([-value]))]),
            state: serde_json::json!({"step": 12, "sum": 0.1 + 0.2}),
        }
    }

    #[test]
    fn what_is_saved_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        checkpoint(1.0).save(&path).unwrap();
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint(1.0));
    }

    #[test]
    fn a_bad_state_never_replaces_a_good_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("last.safetensors");
        checkpoint(1.0).save(&path).unwrap();
        let error = checkpoint(f32::NAN).save(&path).unwrap_err().to_string();
        assert!(error.contains("fc.weight"), "{error}");
        assert_eq!(Checkpoint::read(&path).unwrap(), checkpoint(1.0));
    }

    #[test]
    fn weights_alone_are_not_a_checkpoint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.safetensors");
        weights::save(&path, &checkpoint(1.0).model, Value::Null).unwrap();
        assert!(Checkpoint::read(&path).unwrap_err().to_string().contains("checkpoint of format 1"));
    }
}
