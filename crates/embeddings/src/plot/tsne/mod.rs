//! t-SNE: a map on which neighbours stay neighbours (van der Maaten and Hinton 2008, "Visualizing data using t-SNE").
//!
//! Vectors become probabilities of being neighbours (`affinity`); points of the plane are moved down the gradient of the divergence
//! between these and their own (`forces`), exactly or with far points taken together (`quadtree`; van der Maaten 2014, "Accelerating
//! t-SNE using tree-based algorithms").

mod affinity;
mod forces;
mod quadtree;

use ognivo_core::random;

use self::affinity::Affinities;
use super::pca::{Components, require_finite};
use crate::{Error, Result, Table};

/// Where the points begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Init {
    /// On the first two principal components: the map then keeps the large arrangement too (Kobak and Berens 2019).
    #[default]
    Pca,
    /// At random.
    Random,
}

/// Settings of t-SNE.
#[derive(Clone, Debug, PartialEq)]
pub struct TsneConfig {
    /// How many neighbours a point has, about.
    pub perplexity: f64,
    /// Steps in all.
    pub iterations: usize,
    /// Of these, the first, during which attraction is exaggerated.
    pub exaggerated: usize,
    /// By how much.
    pub early_exaggeration: f64,
    /// Step size; without one, a quarter of points / exaggeration, at least 50 (Belkina et al. 2019).
    pub learning_rate: Option<f64>,
    /// A group of points this small, as seen from a point (its width over its distance), counts as one; 0 is exact.
    pub theta: f64,
    /// Where the points begin.
    pub init: Init,
    /// What a random beginning follows from.
    pub seed: u64,
}

impl TsneConfig {
    /// What is usual for so many points: a perplexity of 30, or a third of the points if that is less; exact up to 500 points.
    pub fn of_points(points: usize) -> Self {
        Self {
            perplexity: 30f64.min((points.saturating_sub(1)) as f64 / 3.0).max(1.0),
            iterations: 1000,
            exaggerated: 250,
            early_exaggeration: 12.0,
            learning_rate: None,
            theta: if points <= 500 { 0.0 } else { 0.5 },
            init: Init::Pca,
            seed: 1,
        }
    }

    fn validate(&self, points: usize) -> Result<()> {
        let most = points.saturating_sub(1) as f64;
        if points < 3 {
            return Err(Error::data("t-SNE", format!("{points} vectors"), "at least 3"));
        }
        if !(1.0..=most).contains(&self.perplexity) {
            let expected = format!("from 1 to {most}, the number of vectors less 1");
            return Err(Error::setting("perplexity", self.perplexity, expected));
        }
        if !(0.0..=1.0).contains(&self.theta) {
            return Err(Error::setting("theta", self.theta, "from 0 to 1"));
        }
        if !(self.early_exaggeration.is_finite() && self.early_exaggeration >= 1.0) {
            return Err(Error::setting("early_exaggeration", self.early_exaggeration, "at least 1"));
        }
        match self.learning_rate {
            Some(rate) if !(rate.is_finite() && rate > 0.0) => {
                Err(Error::setting("learning_rate", rate, "more than 0"))
            }
            _ => Ok(()),
        }
    }
}

/// A map.
#[derive(Clone, Debug)]
pub struct Tsne {
    /// A point for each vector.
    pub points: Vec<(f64, f64)>,
    /// The Kullback-Leibler divergence left between the vectors' neighbourhoods and the points', in nats.
    pub divergence: f64,
}

/// Makes a map of the table's rows. It depends on nothing but these and the configuration, whatever the number of threads.
///
/// After each step `go_on` is asked with the steps done; when it says no, the map is what it is by then.
///
/// # Errors
/// Settings without meaning; fewer than three vectors; numbers that are not finite.
pub fn tsne(table: &Table, config: &TsneConfig, go_on: &mut dyn FnMut(usize) -> bool) -> Result<Tsne> {
    config.validate(table.rows())?;
    require_finite(table)?;
    let neighbours = match config.theta {
        0.0 => table.rows() - 1,
        _ => ((3.0 * config.perplexity) as usize + 1).min(table.rows() - 1),
    };
    let affinities = Affinities::of(table, config.perplexity, neighbours);
    let mut points = start(table, config)?;
    let rate = config.learning_rate.unwrap_or((points.len() as f64 / config.early_exaggeration / 4.0).max(50.0));
    let mut movement = Movement::new(points.len());
    for step in 0..config.iterations {
        let early = step < config.exaggerated;
        let (exaggeration, momentum) = if early { (config.early_exaggeration, 0.5) } else { (1.0, 0.8) };
        let gradient = affinities.gradient(&points, exaggeration, config.theta).gradient;
        movement.step(&mut points, &gradient, rate, momentum);
        if !go_on(step + 1) {
            break;
        }
    }
    let divergence = affinities.gradient(&points, 1.0, config.theta).divergence;
    let count = points.len() as f64;
    let (x, y) = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point[0] / count, sum.1 + point[1] / count));
    Ok(Tsne { points: points.iter().map(|point| (point[0] - x, point[1] - y)).collect(), divergence })
}

/// The points' beginning: spread by 1e-4, so that the first steps arrange them all.
fn start(table: &Table, config: &TsneConfig) -> Result<Vec<[f64; 2]>> {
    const SPREAD: f64 = 1e-4;
    let random = || {
        let mut rng = random::stream(config.seed, &[]);
        let mut normal = move || {
            let (radius, angle) = (1.0 - random::uniform_f64(&mut rng), random::uniform_f64(&mut rng));
            (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
        };
        (0..table.rows()).map(|_| [SPREAD * normal(), SPREAD * normal()]).collect()
    };
    if config.init == Init::Random {
        return Ok(random());
    }
    let components = Components::of(table, 2)?;
    let deviation = components.variances.first().map_or(0.0, |variance| variance.sqrt());
    // Vectors that are all the same have no components.
    Ok(if deviation > 0.0 {
        components.map(table).into_iter().map(|(x, y)| [SPREAD * x / deviation, SPREAD * y / deviation]).collect()
    } else {
        random()
    })
}

/// Gradient descent with momentum, and a gain for each number that grows while it keeps its direction (Jacobs 1988).
struct Movement {
    steps: Vec<[f64; 2]>,
    gains: Vec<[f64; 2]>,
}

impl Movement {
    fn new(points: usize) -> Self {
        Self { steps: vec![[0.0; 2]; points], gains: vec![[1.0; 2]; points] }
    }

    fn step(&mut self, points: &mut [[f64; 2]], gradient: &[[f64; 2]], rate: f64, momentum: f64) {
        for (i, slope) in gradient.iter().enumerate() {
            for axis in 0..2 {
                let (step, gain) = (&mut self.steps[i][axis], &mut self.gains[i][axis]);
                *gain = if slope[axis] * *step < 0.0 { *gain + 0.2 } else { (*gain * 0.8).max(0.01) };
                *step = momentum * *step - rate * *gain * slope[axis];
                points[i][axis] += *step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::super::tests::table;
    use super::*;

    #[derive(Deserialize)]
    struct Reference {
        tsne: Case,
        converged: Converged,
    }

    #[derive(Deserialize)]
    struct Case {
        rows: usize,
        dim: usize,
        perplexity: f64,
        /// The upper triangle, row by row.
        joint: Vec<f64>,
        points: Vec<[f64; 2]>,
        divergence: f64,
        gradient: Vec<[f64; 2]>,
        nearest: Nearest,
    }

    #[derive(Deserialize)]
    struct Nearest {
        neighbours: usize,
        divergence: f64,
        gradient: Vec<[f64; 2]>,
    }

    #[derive(Deserialize)]
    struct Converged {
        rows: usize,
        dim: usize,
        perplexity: f64,
        divergence: f64,
    }

    fn reference() -> Reference {
        serde_json::from_str(include_str!("../../../tests/reference/plot.json")).unwrap()
    }

    fn assert_close(found: &[[f64; 2]], expected: &[[f64; 2]], tolerance: f64) {
        let scale = expected.iter().flatten().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert!((found - expected).abs() < tolerance * scale, "{found} {expected}");
        }
        assert_eq!(found.len(), expected.len());
    }

    #[test]
    fn probabilities_divergence_and_gradient_equal_scikit_learn() {
        let case = reference().tsne;
        let table = table(case.rows, case.dim);
        let affinities = Affinities::of(&table, case.perplexity, case.rows - 1);
        let mut expected = case.joint.iter();
        for i in 0..case.rows {
            for j in i + 1..case.rows {
                let (found, expected) = (affinities.value(i, j), expected.next().unwrap());
                // scikit-learn's search for the perplexity ends 1e-5 from it.
                assert!((found - expected).abs() < 1e-4 * expected.max(1e-3), "{i} {j}: {found} {expected}");
                assert_eq!(affinities.value(j, i), found);
            }
        }
        let forces = affinities.gradient(&case.points, 1.0, 0.0);
        assert!((forces.divergence - case.divergence).abs() < 1e-4 * case.divergence);
        assert_close(&forces.gradient, &case.gradient, 1e-4);

        // Of the nearest neighbours alone, and with far points taken together.
        let affinities = Affinities::of(&table, case.perplexity, case.nearest.neighbours);
        let exact = affinities.gradient(&case.points, 1.0, 0.0);
        assert!((exact.divergence - case.nearest.divergence).abs() < 1e-4 * case.nearest.divergence);
        assert_close(&exact.gradient, &case.nearest.gradient, 1e-4);
        assert_close(&affinities.gradient(&case.points, 1.0, 1e-9).gradient, &exact.gradient, 1e-12);
        assert_close(&affinities.gradient(&case.points, 1.0, 0.5).gradient, &exact.gradient, 0.03);
    }

    #[test]
    fn the_gradient_is_that_of_the_divergence() {
        let affinities = Affinities::of(&table(12, 5), 4.0, 11);
        let points: Vec<[f64; 2]> = (0..12).map(|i| [f64::from(i * 5 % 7), f64::from(i * 3 % 5) - 1.5]).collect();
        let gradient = affinities.gradient(&points, 1.0, 0.0).gradient;
        for (i, axis) in (0..12).flat_map(|i| [(i, 0), (i, 1)]) {
            let at = |by: f64| {
                let mut moved = points.clone();
                moved[i][axis] += by;
                affinities.gradient(&moved, 1.0, 0.0).divergence
            };
            let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
            assert!((slope - gradient[i][axis]).abs() < 1e-8, "{slope} {}", gradient[i][axis]);
        }
    }

    #[test]
    fn descends_as_far_as_scikit_learn() {
        let case = reference().converged;
        let table = table(case.rows, case.dim);
        let config = TsneConfig { perplexity: case.perplexity, ..TsneConfig::of_points(case.rows) };
        let found = tsne(&table, &config, &mut |_| true).unwrap();
        assert!(found.divergence < 1.05 * case.divergence, "{} against {}", found.divergence, case.divergence);
        let (fast, other) = (TsneConfig { theta: 0.5, ..config.clone() }, TsneConfig { init: Init::Random, ..config });
        for config in [fast, other] {
            let near = tsne(&table, &config, &mut |_| true).unwrap();
            assert!(near.divergence < 1.15 * case.divergence, "{config:?}: {}", near.divergence);
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_map_and_groups_stay_together() {
        // Three groups far apart.
        let rows = 600;
        let values: Vec<f32> = table(rows, 8)
            .iter()
            .enumerate()
            .flat_map(|(i, row)| row.iter().map(move |v| v + 40.0 * (i % 3) as f32))
            .collect();
        let table = Table::from_values(8, &values).unwrap();
        let config = TsneConfig { iterations: 300, init: Init::Random, seed: 5, ..TsneConfig::of_points(rows) };
        let map = |threads: usize, config: &TsneConfig| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| tsne(&table, config, &mut |_| true).unwrap()).points
        };
        let points = map(1, &config);
        assert_eq!(points, map(3, &config));
        assert_ne!(points, map(1, &TsneConfig { seed: 6, ..config }));
        let distance = |a: &(f64, f64), b: &(f64, f64)| (a.0 - b.0).powi(2) + (a.1 - b.1).powi(2);
        let right = (0..rows).filter(|&i| {
            let others = (0..rows).filter(|&j| j != i);
            let nearest =
                others.min_by(|&a, &b| distance(&points[i], &points[a]).total_cmp(&distance(&points[i], &points[b])));
            nearest.unwrap() % 3 == i % 3
        });
        assert!(right.count() >= rows - 3);
    }

    #[test]
    fn odd_input_is_mapped_or_refused() {
        let map = |table: &Table, change: &dyn Fn(&mut TsneConfig)| {
            let mut config = TsneConfig { iterations: 20, ..TsneConfig::of_points(table.rows()) };
            change(&mut config);
            tsne(table, &config, &mut |_| true)
        };
        let same = Table::from_values(2, &[1.0; 40]).unwrap();
        assert!(map(&same, &|_| ()).unwrap().points.iter().all(|point| point.0.is_finite() && point.1.is_finite()));
        assert!(map(&same, &|config| config.theta = 0.5).unwrap().divergence.is_finite());
        let wide = Table::from_values(1, &[0.0, 1e30, -1e30, 1e-30]).unwrap();
        assert!(map(&wide, &|_| ()).unwrap().points.iter().all(|point| point.0.is_finite()));
        let said = |change: &dyn Fn(&mut TsneConfig)| map(&same, change).unwrap_err().to_string();
        assert!(said(&|config| config.perplexity = 20.0).contains("from 1 to 19"));
        assert!(said(&|config| config.perplexity = f64::NAN).contains("perplexity"));
        assert!(said(&|config| config.theta = 2.0).contains("theta"));
        assert!(said(&|config| config.learning_rate = Some(0.0)).contains("learning_rate"));
        assert!(said(&|config| config.early_exaggeration = 0.5).contains("early_exaggeration"));
        assert!(map(&Table::zeros(2, 2).unwrap(), &|_| ()).is_err());
        let mut steps = 0;
        let stopped = tsne(&same, &TsneConfig::of_points(20), &mut |done| {
            steps = done;
            done < 7
        });
        assert!(stopped.is_ok() && steps == 7);
    }
}
