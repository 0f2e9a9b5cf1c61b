//! Mixup: training on weighted means of two pictures (Zhang et al. 2018).

use ognivo_core::random::{self, Rng};

/// Which items of a batch are mixed, and how much of each remains.
///
/// With partner `p` and weight `λ`, picture `x` becomes `λ x + (1 - λ) x[p]`, and its loss `λ L(y) + (1 - λ) L(y[p])`.
#[derive(Clone, Debug, PartialEq)]
pub struct MixupPlan {
    /// The partner of each item; a permutation.
    pub partners: Vec<usize>,
    /// Each item's own weight `λ`, between 0 and 1.
    pub lambdas: Vec<f32>,
}

/// The plan for batch `batch_index` of `n` items in `epoch`, with weights drawn from Beta(`alpha`, `alpha`).
///
/// The same numbers give the same plan. With `alpha` 0 every item stays as it is.
pub fn mixup_plan(alpha: f64, seed: u64, epoch: u64, batch_index: usize, n: usize) -> MixupPlan {
    if alpha.is_nan() || alpha <= 0.0 {
        return MixupPlan { partners: (0..n).collect(), lambdas: vec![1.0; n] };
    }
    // Beyond these the distribution has reached its limit, and the arithmetic would not.
    let alpha = alpha.clamp(1e-300, 1e6);
    let mut rng = random::stream(seed, &[random::MIXUP, epoch, batch_index as u64]);
    let partners = random::shuffled(&mut rng, n);
    let lambdas = (0..n).map(|_| symmetric_beta(&mut rng, alpha) as f32).collect();
    MixupPlan { partners, lambdas }
}

/// A draw from Beta(`alpha`, `alpha`): `x / (x + y)` of two Gamma draws.
fn symmetric_beta(rng: &mut impl Rng, alpha: f64) -> f64 {
    let (x, y) = (log_gamma_draw(rng, alpha), log_gamma_draw(rng, alpha));
    1.0 / (1.0 + (y - x).exp())
}

/// The logarithm of a draw from Gamma(`shape`, 1), which for a small shape would be too small a number itself
/// (Marsaglia and Tsang 2000, with the power of a uniform draw for a shape below 1).
fn log_gamma_draw(rng: &mut impl Rng, shape: f64) -> f64 {
    if shape < 1.0 {
        let uniform = 1.0 - random::uniform_f64(rng);
        return log_gamma_draw(rng, shape + 1.0) + uniform.ln() / shape;
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal = random::normal(rng);
        let v = (1.0 + c * normal).powi(3);
        let uniform = 1.0 - random::uniform_f64(rng);
        if v > 0.0 && uniform.ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            return (d * v).ln();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_follow_the_beta_distribution() {
        // Quantiles at 10, 30, 50, 70, 90 %: scipy.stats.beta(a, a).ppf.
        let quantiles = [
            (0.2, [0.0002477646919, 0.05788057532, 0.5, 0.9421194247, 0.9997522353]),
            (1.0, [0.1, 0.3, 0.5, 0.7, 0.9]),
            (3.0, [0.2466364533, 0.3898183505, 0.5, 0.6101816495, 0.7533635467]),
        ];
        for (alpha, quantiles) in quantiles {
            let n = 40_000;
            let plan = mixup_plan(alpha, 5, 1, 0, n);
            for (quantile, share) in quantiles.into_iter().zip([0.1, 0.3, 0.5, 0.7, 0.9]) {
                let below = plan.lambdas.iter().filter(|&&lambda| f64::from(lambda) < quantile).count();
                let deviation = (share * (1.0 - share) / n as f64).sqrt();
                let found = below as f64 / n as f64;
                assert!((found - share).abs() < 4.0 * deviation, "alpha {alpha}: {found} instead of {share}");
            }
        }
    }

    #[test]
    fn plan_is_a_permutation_that_can_be_drawn_again() {
        let plan = mixup_plan(0.4, 1, 2, 3, 50);
        assert_eq!(plan, mixup_plan(0.4, 1, 2, 3, 50));
        for other in [mixup_plan(0.4, 0, 2, 3, 50), mixup_plan(0.4, 1, 0, 3, 50), mixup_plan(0.4, 1, 2, 0, 50)] {
            assert_ne!(plan, other);
        }
        let mut partners = plan.partners;
        partners.sort_unstable();
        assert_eq!(partners, (0..50).collect::<Vec<_>>());
    }

    #[test]
    fn extreme_settings_stay_between_nothing_and_one() {
        for alpha in [f64::MIN_POSITIVE, 1e-3, 1000.0, f64::INFINITY] {
            let plan = mixup_plan(alpha, 1, 0, 0, 1000);
            assert!(plan.lambdas.iter().all(|lambda| (0.0..=1.0).contains(lambda)), "{alpha}: {:?}", plan.lambdas);
        }
        let off = mixup_plan(0.0, 1, 0, 0, 3);
        assert_eq!(off, MixupPlan { partners: vec![0, 1, 2], lambdas: vec![1.0; 3] });
        assert!(mixup_plan(1.0, 1, 0, 0, 0).partners.is_empty());
    }
}
