//! Accuracy against the number of examples of the new task: frozen features, fine-tuning, and no transfer at all.

use std::path::Path;
use std::sync::Arc;

use burn::tensor::Device;
use ognivo_cnn::image::data::Splits;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_core::Error;
use ognivo_core::data::{ImageSet, Subset};
use ognivo_core::metrics::Interval;
use ognivo_core::random;
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, Share};
use super::trial::{Trial, clear};
use crate::Result;
use crate::fine_tune::origin::Origin;
use crate::fine_tune::{Settings, Train};

/// First part of the stream that chooses the examples.
const EXAMPLES: u64 = 101;

/// How a curve is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CurveConfig {
    /// Numbers of examples.
    pub sizes: Vec<usize>,
    /// So many trainings of each kind with each number, with other examples and other random weights.
    pub seeds: u64,
    /// A training has at least so many steps,
    pub steps: u64,
    /// and at least so many epochs.
    pub epochs: u64,
    /// The learning rate of a classifier alone; that of a whole network is the configuration's.
    pub head_learning_rate: f64,
}

/// What is made of the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// Its features stay, a classifier learns.
    Frozen,
    /// Everything learns, from where it was.
    FineTuned,
    /// Nothing: the same network from random weights.
    Scratch,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 3] = [Self::Frozen, Self::FineTuned, Self::Scratch];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Frozen => "frozen",
            Self::FineTuned => "fine-tuned",
            Self::Scratch => "scratch",
        }
    }
}

/// What was measured with one number of examples.
#[derive(Clone, Debug)]
pub struct Row {
    /// Examples.
    pub size: usize,
    /// Of each method, the accuracy with each seed.
    pub accuracies: [Vec<f64>; 3],
}

impl Row {
    /// The accuracies of a method.
    pub fn of(&self, method: Method) -> &[f64] {
        &self.accuracies[method as usize]
    }

    /// By how much a method beats learning from scratch, seed by seed: both had the same examples.
    pub fn gain(&self, method: Method) -> Interval {
        let scratch = self.of(Method::Scratch);
        Interval::of_mean(&self.of(method).iter().zip(scratch).map(|(own, scratch)| own - scratch).collect::<Vec<_>>())
    }
}

/// Where learning from scratch overtakes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Crossing {
    /// With about so many examples, between these two that were measured.
    At(f64, usize, usize),
    /// With the fewest examples already.
    Before(usize),
    /// Not with the most examples yet.
    Beyond(usize),
}

impl Crossing {
    /// The last place where the mean of scratch rises to that of `method`: between the two measured numbers where the sign of the
    /// difference changes, on a logarithmic scale.
    pub fn of(rows: &[Row], method: Method) -> Option<Self> {
        let gains: Vec<_> = rows.iter().map(|row| (row.size, row.gain(method).value)).collect();
        let (first, last) = (gains.first()?, gains.last()?);
        if last.1 > 0.0 {
            return Some(Self::Beyond(last.0));
        }
        let Some(pair) = gains.windows(2).rev().find(|pair| pair[0].1 > 0.0) else {
            return Some(Self::Before(first.0));
        };
        let [(low, above), (high, below)] = [pair[0], pair[1]];
        let share = above / (above - below);
        Some(Self::At((low as f64) * (high as f64 / low as f64).powf(share), low, high))
    }
}

impl std::fmt::Display for Crossing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(place, low, high) => {
                write!(f, "overtaken by scratch at about {place:.0} examples (from {low} to {high})")
            }
            Self::Before(first) => write!(f, "not better than scratch with {first} examples already"),
            Self::Beyond(last) => write!(f, "still better than scratch with {last} examples"),
        }
    }
}

/// The order in which pictures of `set` become examples: a picture of each class, in random order, then another of each. The first `m` are the
/// examples of size `m`, so a larger size has those of a smaller one.
pub fn order(set: &dyn ImageSet, seed: u64) -> Vec<usize> {
    let mut rng = random::stream(seed, &[EXAMPLES]);
    let mut seen = vec![0u64; set.classes().len()];
    let mut keyed: Vec<(u64, u64, usize)> = random::shuffled(&mut rng, set.len())
        .into_iter()
        .map(|index| {
            let count = &mut seen[set.label(index)];
            *count += 1;
            (*count, random::Rng::next_u64(&mut rng), index)
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, _, index)| index).collect()
}

/// Measures; none after Ctrl-C. Trainings take place in `folder`; `told` hears of each that is done, with its place among all.
///
/// # Errors
/// No number of examples that the training part has; as of a training run.
#[allow(clippy::too_many_arguments, reason = "each is something of its own")]
pub fn run(
    curve: &CurveConfig,
    config: &ClassifierConfig,
    origin: &Origin,
    splits: &Splits,
    folder: &Path,
    ledger: &mut Ledger,
    device: &Device,
    told: &mut dyn FnMut(&str, Share, usize, usize),
) -> Result<Option<Vec<Row>>> {
    let sizes: Vec<usize> =
        curve.sizes.iter().copied().filter(|&size| (1..=splits.train.len()).contains(&size)).collect();
    if sizes.is_empty() || curve.seeds == 0 {
        let found = format!("sizes {:?}, {} seeds", curve.sizes, curve.seeds);
        let message = format!("{found}; expected sizes from 1 to {} and at least one seed", splits.train.len());
        return Err(Error::Config(message).into());
    }
    let scratch = Origin::scratch(origin.network.clone(), origin.preprocessing.clone());
    let (all, mut done) = (sizes.len() * curve.seeds as usize * 3, 0);
    let mut rows = Vec::new();
    for &size in &sizes {
        let mut row = Row { size, accuracies: Default::default() };
        for seed in 1..=curve.seeds {
            let examples = order(&*splits.train, seed)[..size].to_vec();
            let train: Arc<dyn ImageSet> = Arc::new(Subset::new(splits.train.clone(), examples)?);
            let splits = Splits { train, valid: None, ..splits.clone() };
            for method in Method::ALL {
                let name = format!("{} with {size}, seed {seed}", method.name());
                let share = match ledger.get(&name) {
                    Some(share) => share,
                    None => {
                        let mut config = config.clone();
                        config.seed = seed;
                        let batches = (size as u64).div_ceil(config.fit.batch_size.max(1) as u64);
                        config.fit.epochs = curve.epochs.max(curve.steps.div_ceil(batches));
                        let (origin, train) = match method {
                            Method::Frozen => (origin, Train::Head),
                            Method::FineTuned => (origin, Train::All),
                            Method::Scratch => (&scratch, Train::All),
                        };
                        if method == Method::Frozen {
                            config.fit.learning_rate = curve.head_learning_rate;
                        }
                        let settings = Settings { from: origin.name.clone(), train, ..Settings::default() };
                        let Some(share) = (Trial { origin, settings, config, device }).run(&splits, folder)? else {
                            return Ok(None);
                        };
                        ledger.add(&name, share)?;
                        share
                    }
                };
                done += 1;
                told(&name, share, done, all);
                row.accuracies[method as usize].push(share.value());
            }
        }
        rows.push(row);
    }
    clear(folder)?;
    Ok(Some(rows))
}

#[cfg(test)]
mod tests {
    use ognivo_core::data::digits;

    use super::*;

    #[test]
    fn examples_are_nested_and_spread_over_the_classes() {
        let train = digits().unwrap().train;
        let (one, two) = (order(&*train, 1), order(&*train, 2));
        let mut sorted = one.clone();
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..train.len()) && one != two && one == order(&*train, 1));
        for tens in [1, 5] {
            let mut counts = [0; 10];
            one[..10 * tens].iter().for_each(|&index| counts[train.label(index)] += 1);
            assert_eq!(counts, [tens; 10]);
        }
        let firsts: std::collections::HashSet<_> = (0..30).map(|seed| train.label(order(&*train, seed)[0])).collect();
        assert!(firsts.len() > 5, "no class comes first always");
    }

    #[test]
    fn the_crossing_is_where_the_difference_changes_its_sign() {
        let rows = |gains: &[(usize, f64)]| -> Vec<Row> {
            let row = |&(size, gain)| Row { size, accuracies: [vec![0.5 + gain; 2], vec![0.5; 2], vec![0.5; 2]] };
            gains.iter().map(row).collect()
        };
        let of = |gains: &[(usize, f64)]| Crossing::of(&rows(gains), Method::Frozen);
        let Some(Crossing::At(place, 100, 400)) = of(&[(10, 0.2), (100, 0.1), (400, -0.1)]) else { panic!() };
        assert!((place - 200.0).abs() < 1e-9, "half way on a logarithmic scale: {place}");
        assert_eq!(of(&[(10, 0.2), (100, 0.1)]), Some(Crossing::Beyond(100)));
        assert_eq!(of(&[(10, -0.2), (100, -0.1)]), Some(Crossing::Before(10)));
        assert!(matches!(of(&[(1, 0.1), (2, -0.1), (4, 0.1), (8, -0.3)]), Some(Crossing::At(_, 4, 8))));
        assert_eq!(of(&[]), None);
        let gain = rows(&[(10, 0.25)])[0].gain(Method::Frozen);
        assert_eq!((gain.value, gain.low, gain.high), (0.25, 0.25, 0.25));
    }
}
