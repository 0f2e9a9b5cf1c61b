//! A detector of collapse: it watches samples and opinions while training goes on.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::error::{Error, require};

/// When the detector looks and what it calls a collapse.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CollapseConfig {
    /// Steps between two looks; 0 for no detector.
    pub every: u64,
    /// Steps before the first look, in which a generator is still finding its form.
    pub after: u64,
    /// Looks in a row that must be bad.
    pub patience: u64,
    /// A mean distance between generated items below this share of that between real ones is bad.
    pub spread: f64,
    /// A larger share of generated items with a near copy among the others is bad.
    pub duplicates: f64,
    /// A discriminator that gives real items more than `1 - certainty` and generated ones less than `certainty` is bad; this is only asked
    /// where it gives probabilities.
    pub certainty: f64,
    /// Whether an alarm ends the run; else it is a warning.
    pub stop: bool,
}

impl Default for CollapseConfig {
    fn default() -> Self {
        Self { every: 50, after: 500, patience: 5, spread: 0.2, duplicates: 0.5, certainty: 0.01, stop: false }
    }
}

impl CollapseConfig {
    pub(crate) fn validate(&self) -> Result<()> {
        if self.patience == 0 {
            return Err(Error::setting("fit.collapse.patience", 0, "at least 1"));
        }
        let shares = [("spread", self.spread), ("duplicates", self.duplicates), ("certainty", self.certainty)];
        shares.into_iter().try_for_each(|(setting, share)| {
            require(&format!("fit.collapse.{setting}"), share, (0.0..=1.0).contains(&share), "a number from 0 to 1")
        })
    }
}

/// Items of a batch that are compared with each other.
const COMPARED: usize = 64;
/// A copy lies nearer than this share of the median distance from a real item to the nearest other one.
const COPY: f64 = 0.1;

/// What one look found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Mean distance between generated items, divided by that between real ones.
    pub spread: f64,
    /// Share of generated items with a near copy among the others.
    pub duplicates: f64,
}

impl Look {
    /// Compares the items of two batches, rows of `width` numbers; `None` where the real ones do not differ from each other.
    pub fn compare(real: &[f32], fake: &[f32], width: usize) -> Option<Self> {
        let (real, fake) = (Distances::of(real, width)?, Distances::of(fake, width)?);
        let mut nearest = real.nearest.clone();
        nearest.sort_by(f64::total_cmp);
        let near = COPY * nearest.get(nearest.len() / 2)?;
        if real.mean <= 0.0 || near <= 0.0 {
            return None;
        }
        let copies = fake.nearest.iter().filter(|&&distance| distance < near).count();
        Some(Self { spread: fake.mean / real.mean, duplicates: copies as f64 / fake.nearest.len() as f64 })
    }
}

/// Distances among the first items of a batch.
struct Distances {
    mean: f64,
    /// Of each item to the nearest other one.
    nearest: Vec<f64>,
}

impl Distances {
    /// `None` for fewer than two items.
    fn of(batch: &[f32], width: usize) -> Option<Self> {
        let items: Vec<&[f32]> = batch.chunks_exact(width.max(1)).take(COMPARED).collect();
        if items.len() < 2 {
            return None;
        }
        let (mut sum, mut pairs, mut nearest) = (0.0, 0u32, vec![f64::INFINITY; items.len()]);
        for (i, a) in items.iter().enumerate() {
            for (j, b) in items.iter().enumerate().skip(i + 1) {
                let squares = a.iter().zip(*b).map(|(x, y)| f64::from(x - y).powi(2));
                let distance = squares.sum::<f64>().sqrt();
                (sum, pairs) = (sum + distance, pairs + 1);
                nearest[i] = nearest[i].min(distance);
                nearest[j] = nearest[j].min(distance);
            }
        }
        Some(Self { mean: sum / f64::from(pairs), nearest })
    }
}

/// What the detector remembers from look to look; part of a checkpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// Bad looks in a row.
    bad: u64,
    /// Alarms so far.
    pub alarms: u64,
    /// The step of the first.
    pub first: Option<u64>,
}

impl Memory {
    /// Whether a look is due after `step` steps.
    pub fn is_due(config: &CollapseConfig, step: u64) -> bool {
        config.every > 0 && step >= config.after && step.is_multiple_of(config.every)
    }

    /// Takes in a look and the mean opinions of real and generated items, where they are probabilities. What to say when this is the
    /// look that makes it an alarm; the next alarm comes only after a good look.
    pub fn observe(
        &mut self,
        config: &CollapseConfig,
        step: u64,
        look: Option<Look>,
        opinions: Option<(f64, f64)>,
    ) -> Option<String> {
        let complaint = complaint(config, look, opinions);
        let Some(complaint) = complaint else {
            self.bad = 0;
            return None;
        };
        self.bad += 1;
        if self.bad != config.patience {
            return None;
        }
        self.alarms += 1;
        self.first.get_or_insert(step);
        Some(format!("step {step}: {complaint}, for {} steps", config.patience * config.every))
    }
}

fn complaint(config: &CollapseConfig, look: Option<Look>, opinions: Option<(f64, f64)>) -> Option<String> {
    if let Some(Look { spread, duplicates }) = look {
        if spread < config.spread {
            return Some(format!(
                "the generator has collapsed: its samples are {spread:.3} times as far from each other as real items"
            ));
        }
        if duplicates > config.duplicates {
            return Some(format!(
                "the generator repeats itself: {:.0} % of its samples have a near copy among {COMPARED}",
                100.0 * duplicates
            ));
        }
    }
    let (real, fake) = opinions?;
    (real > 1.0 - config.certainty && fake < config.certainty).then(|| {
        format!("the discriminator is never wrong, D(x) {real:.4} and D(G(z)) {fake:.4}: the generator learns nothing")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Points along a line, `gap` apart.
    fn line(gap: f32, count: usize) -> Vec<f32> {
        (0..count).flat_map(|index| [gap * index as f32, 1.0]).collect()
    }

    #[test]
    fn spread_and_duplicates_by_hand() {
        // Three points at 0, 1, 2: distances 1, 1, 2, mean 4/3; the nearest is always 1.
        let look = Look::compare(&line(1.0, 3), &line(0.5, 3), 2).unwrap();
        assert!((look.spread - 0.5).abs() < 1e-12 && look.duplicates == 0.0);
        // Two of four within a tenth of 1.
        let fake = [0.0, 0.0, 0.05, 0.0, 5.0, 0.0, 9.0, 0.0];
        assert_eq!(Look::compare(&line(1.0, 4), &fake, 2).unwrap().duplicates, 0.5);
        for (real, fake) in [(line(0.0, 4), line(1.0, 4)), (line(1.0, 1), line(1.0, 4)), (line(1.0, 4), vec![])] {
            assert_eq!(Look::compare(&real, &fake, 2), None, "nothing to compare");
        }
    }

    #[test]
    fn an_alarm_needs_patience_and_comes_once() {
        let config = CollapseConfig { patience: 3, ..CollapseConfig::default() };
        let (bad, good) = (Look { spread: 0.1, duplicates: 0.0 }, Look { spread: 1.0, duplicates: 0.0 });
        let mut memory = Memory::default();
        let mut alarms = Vec::new();
        for (step, look) in [bad, bad, good, bad, bad, bad, bad, bad, good, bad, bad, bad].into_iter().enumerate() {
            alarms.extend(memory.observe(&config, step as u64, Some(look), None).map(|_| step));
        }
        assert_eq!((alarms, memory.alarms, memory.first), (vec![5, 11], 2, Some(5)));
    }

    #[test]
    fn each_pattern_has_its_words() {
        let config = CollapseConfig { patience: 1, ..CollapseConfig::default() };
        let say = |look, opinions| Memory::default().observe(&config, 700, look, opinions);
        let repeats = say(Some(Look { spread: 0.9, duplicates: 0.7 }), None).unwrap();
        assert!(repeats.starts_with("step 700: the generator repeats itself: 70 %"), "{repeats}");
        assert!(say(None, Some((0.999, 0.001))).unwrap().contains("never wrong"));
        assert_eq!(say(Some(Look { spread: 0.9, duplicates: 0.1 }), Some((0.9, 0.1))), None);
        assert_eq!(say(None, None), None);
    }

    #[test]
    fn looks_come_at_their_steps() {
        let config = CollapseConfig { every: 50, after: 100, ..CollapseConfig::default() };
        let due: Vec<u64> = (0..260).filter(|&step| Memory::is_due(&config, step)).collect();
        assert_eq!(due, [100, 150, 200, 250]);
        assert!(!Memory::is_due(&CollapseConfig { every: 0, ..config }, 100));
    }
}
