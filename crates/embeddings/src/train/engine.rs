//! What computes, behind one interface.

use std::borrow::Cow;

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use super::batched::Batched;
use super::{Loss, Native, Place, Plan, Progress};
use crate::{Error, Result, Table};

/// What computes.
#[derive(Clone, Debug, Default)]
pub enum Engine {
    /// The processor, row by row: the fastest there is on one.
    #[default]
    Cpu,
    /// Any device of Burn, in batches.
    Burn(Device),
}

impl Engine {
    /// Refuses what the engine cannot do, before any text is read.
    ///
    /// # Errors
    /// For the setting.
    pub fn check(&self, loss: Loss, hogwild: bool) -> Result<()> {
        if matches!(self, Self::Cpu) {
            return Ok(());
        }
        if hogwild {
            return Err(Error::setting("hogwild", true, "false with the engine burn, which has batches instead"));
        }
        if !matches!(loss, Loss::Negative | Loss::Hierarchical) {
            let expected = "negative or hierarchical with the engine burn; the engine cpu has all losses";
            return Err(Error::setting("loss", format!("{loss:?}").to_lowercase(), expected));
        }
        Ok(())
    }
}

/// Where training stands in its text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Places {
    /// Of [`Engine::Cpu`].
    Cpu(Vec<Place>),
    /// Of [`Engine::Burn`].
    Burn(Vec<Place>),
}

/// Training under way.
pub enum Trainer<'a> {
    /// Of [`Engine::Cpu`].
    Cpu(Box<Native<'a>>),
    /// Of [`Engine::Burn`].
    Burn(Box<Batched<'a>>),
}

impl<'a> Trainer<'a> {
    /// Training of these tables, from the beginning or from `places` that an earlier one had come to.
    ///
    /// # Errors
    /// For settings without meaning, or that the engine does not know; tables of different widths or too few rows; places of
    /// another text or engine.
    pub fn new(engine: &Engine, plan: Plan<'a>, inputs: Table, outputs: Table, places: Option<Places>) -> Result<Self> {
        plan.check(&inputs, &outputs)?;
        engine.check(plan.objective.loss(), plan.hogwild)?;
        let other = |found: &str, expected: &str| Err(Error::setting("engine", found, expected));
        match (engine, places) {
            (Engine::Cpu, None) => Native::new(plan, inputs, outputs, None).map(Box::new).map(Self::Cpu),
            (Engine::Cpu, Some(Places::Cpu(places))) => {
                Native::new(plan, inputs, outputs, Some(places)).map(Box::new).map(Self::Cpu)
            }
            (Engine::Cpu, Some(Places::Burn(_))) => other("cpu", "burn, with which this training began"),
            (Engine::Burn(device), None) => {
                Batched::new(plan, inputs, outputs, None, device).map(Box::new).map(Self::Burn)
            }
            (Engine::Burn(device), Some(Places::Burn(places))) => {
                Batched::new(plan, inputs, outputs, Some(places), device).map(Box::new).map(Self::Burn)
            }
            (Engine::Burn(_), Some(Places::Cpu(_))) => other("burn", "cpu, with which this training began"),
        }
    }

    /// Whether all passes are done.
    pub fn is_finished(&self) -> bool {
        match self {
            Self::Cpu(trainer) => trainer.is_finished(),
            Self::Burn(trainer) => trainer.is_finished(),
        }
    }

    /// Goes on for about `centres` words.
    ///
    /// # Errors
    /// When the loss is no longer a finite number.
    pub fn advance(&mut self, centres: usize) -> Result<Progress> {
        let (loss, measured) = match self {
            Self::Cpu(trainer) => trainer.advance(centres),
            Self::Burn(trainer) => trainer.advance(centres),
        };
        let loss = loss / measured.max(1) as f64;
        let tokens = self.tokens();
        if !loss.is_finite() {
            let what = format!("training stopped: after {tokens} tokens the loss is {loss}");
            return Err(ognivo_core::Error::NotFinite(format!("{what}; a smaller learning rate may help")).into());
        }
        let plan = self.plan();
        Ok(Progress { tokens, of: plan.tokens_in_all(), loss, learning_rate: plan.rate(tokens) })
    }

    fn plan(&self) -> &Plan<'a> {
        match self {
            Self::Cpu(trainer) => &trainer.plan,
            Self::Burn(trainer) => &trainer.plan,
        }
    }

    /// Tokens read so far.
    pub fn tokens(&self) -> u64 {
        match self {
            Self::Cpu(trainer) => trainer.tokens(),
            Self::Burn(trainer) => trainer.tokens(),
        }
    }

    /// The input and the output table as they are now, copied where they are not in this process's memory row by row.
    ///
    /// # Errors
    /// When there is no memory for a copy, or the device fails.
    pub fn tables(&self) -> Result<[Cow<'_, Table>; 2]> {
        match self {
            Self::Cpu(trainer) => Ok(trainer.tables().map(Cow::Borrowed)),
            Self::Burn(trainer) => Ok(trainer.tables()?.map(Cow::Owned)),
        }
    }

    /// Where training stands, for [`new`](Self::new).
    pub fn places(&self) -> Places {
        match self {
            Self::Cpu(trainer) => Places::Cpu(trainer.places()),
            Self::Burn(trainer) => Places::Burn(trainer.places()),
        }
    }

    /// The tables.
    ///
    /// # Errors
    /// As [`tables`](Self::tables).
    pub fn into_tables(self) -> Result<[Table; 2]> {
        match self {
            Self::Cpu(trainer) => Ok(trainer.into_tables()),
            Self::Burn(trainer) => trainer.into_tables(),
        }
    }
}
