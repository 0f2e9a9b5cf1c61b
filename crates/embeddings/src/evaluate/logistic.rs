//! Logistic regression with an L2 penalty.

use crate::Table;

/// The gradient is followed until it is shorter: the penalty alone makes the weights exact to this number.
const PRECISION: f64 = 1e-5;
/// Steps of Newton's method; a dozen are enough.
const STEPS: usize = 100;

/// A linear classifier of vectors: the one that minimises `|weights|^2 / 2 + c * sum(log(1 + exp(-y (weights x + bias))))`, where `y` is
/// 1 for members and -1 for others. The bias is not penalised. This is scikit-learn's `LogisticRegression(C=c)`.
///
/// It is found by Newton's method, whose steps are solved for by conjugate gradients as exactly as the gradient is small (Dembo,
/// Eisenstat and Steihaug 1982), with a line search.
#[derive(Clone, Debug, PartialEq)]
pub struct LogisticRegression {
    /// A number for each of the vectors' numbers.
    pub weights: Vec<f64>,
    /// Added to every score.
    pub bias: f64,
}

impl LogisticRegression {
    /// The best classifier of the given rows of a table, of which `members[i]` says whether row `rows[i]` is one. Where all are or
    /// none is, every score is infinite.
    ///
    /// # Panics
    /// When there are not as many rows as answers, or no such rows.
    pub fn fit(table: &Table, rows: &[u32], members: &[bool], c: f64) -> Self {
        assert_eq!(rows.len(), members.len(), "an answer for each row");
        let count = members.iter().filter(|&&member| member).count();
        if count == 0 || count == members.len() {
            let bias = if count == 0 { f64::NEG_INFINITY } else { f64::INFINITY };
            return Self { weights: vec![0.0; table.dim()], bias };
        }
        let mut solution = Problem { table, rows, members, c }.solve();
        let bias = solution.pop().unwrap_or(0.0);
        Self { weights: solution, bias }
    }

    /// The logarithm of the odds that a vector is of a member: above 0 where it is likely.
    pub fn score(&self, vector: &[f32]) -> f64 {
        dot(vector, &self.weights) + self.bias
    }
}

/// Weights and, last, the bias stand in one vector.
struct Problem<'a> {
    table: &'a Table,
    rows: &'a [u32],
    members: &'a [bool],
    c: f64,
}

impl Problem<'_> {
    fn solve(&self) -> Vec<f64> {
        let size = self.table.dim() + 1;
        let mut point = vec![0.0; size];
        let (mut gradient, mut curvature) = (vec![0.0; size], vec![0.0; self.rows.len()]);
        let mut value = self.descent(&point, &mut gradient, &mut curvature);
        let (mut next, mut next_gradient, mut next_curvature) = (point.clone(), gradient.clone(), curvature.clone());
        let first = norm(&gradient);
        for _ in 0..STEPS {
            let length = norm(&gradient);
            if length <= PRECISION {
                break;
            }
            let step = self.newton_step(&gradient, &curvature, length * (length / first).sqrt().min(0.1));
            let slope = inner(&gradient, &step);
            let better = (0..30).map(|halvings| 0.5f64.powi(halvings)).find(|&share| {
                next.iter_mut()
                    .zip(point.iter().zip(&step))
                    .for_each(|(next, (point, step))| *next = point + share * step);
                let found = self.descent(&next, &mut next_gradient, &mut next_curvature);
                // Near the end a decrease is smaller than what the sum is exact to; there the gradient decides.
                let enough = found <= value + 1e-4 * share * slope
                    || (share == 1.0 && found <= value * (1.0 + 1e-12) && norm(&next_gradient) < length);
                if enough {
                    value = found;
                }
                enough
            });
            if better.is_none() {
                break;
            }
            std::mem::swap(&mut point, &mut next);
            std::mem::swap(&mut gradient, &mut next_gradient);
            std::mem::swap(&mut curvature, &mut next_curvature);
        }
        point
    }

    /// Solves `hessian step = -gradient` until what is left is shorter than `precision`.
    fn newton_step(&self, gradient: &[f64], curvature: &[f64], precision: f64) -> Vec<f64> {
        let mut step = vec![0.0; gradient.len()];
        let mut left: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut direction = left.clone();
        let mut product = vec![0.0; gradient.len()];
        let mut square = inner(&left, &left);
        for _ in 0..2 * gradient.len() {
            self.hessian(curvature, &direction, &mut product);
            let bend = inner(&direction, &product);
            if bend <= 0.0 || !bend.is_finite() {
                break;
            }
            let share = square / bend;
            step.iter_mut().zip(&direction).for_each(|(step, direction)| *step += share * direction);
            left.iter_mut().zip(&product).for_each(|(left, product)| *left -= share * product);
            let next = inner(&left, &left);
            if next.sqrt() <= precision {
                break;
            }
            direction
                .iter_mut()
                .zip(&left)
                .for_each(|(direction, left)| *direction = left + next / square * *direction);
            square = next;
        }
        step
    }

    /// The value at a point; writes the gradient and the second derivative of the loss of each row by its score.
    fn descent(&self, point: &[f64], gradient: &mut [f64], curvature: &mut [f64]) -> f64 {
        let mut loss = 0.0;
        self.pass(point, gradient, |index, score| {
            let sign = if self.members[index] { 1.0 } else { -1.0 };
            let margin = sign * score;
            // exp(-|margin|) cannot overflow.
            let small = (-margin.abs()).exp();
            loss += small.ln_1p() + (-margin).max(0.0);
            let wrong = if margin > 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
            curvature[index] = self.c * wrong * (1.0 - wrong);
            -sign * self.c * wrong
        });
        let (weights, _) = point.split_at(point.len() - 1);
        gradient.iter_mut().zip(weights).for_each(|(gradient, weight)| *gradient += weight);
        self.c * loss + inner(weights, weights) / 2.0
    }

    /// The second derivatives, applied to `direction`.
    fn hessian(&self, curvature: &[f64], direction: &[f64], product: &mut [f64]) {
        self.pass(direction, product, |index, score| curvature[index] * score);
        let weights = direction.len() - 1;
        product.iter_mut().zip(&direction[..weights]).for_each(|(product, direction)| *product += direction);
    }

    /// The sum of all rows (with a 1 at their end), each times what `factor` makes of its number and its product with `vector`.
    fn pass(&self, vector: &[f64], sum: &mut [f64], factor: impl FnMut(usize, f64) -> f64) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has it.
            return unsafe { self.pass_avx2(vector, sum, factor) };
        }
        self.pass_anywhere(vector, sum, factor);
    }

    /// The same in registers twice as wide. The results are the same to the bit.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn pass_avx2(&self, vector: &[f64], sum: &mut [f64], factor: impl FnMut(usize, f64) -> f64) {
        self.pass_anywhere(vector, sum, factor);
    }

    #[inline(always)]
    fn pass_anywhere(&self, vector: &[f64], sum: &mut [f64], mut factor: impl FnMut(usize, f64) -> f64) {
        let (weights, bias) = vector.split_at(vector.len() - 1);
        sum.fill(0.0);
        let (sums, bias_sum) = sum.split_at_mut(vector.len() - 1);
        for (index, &row) in self.rows.iter().enumerate() {
            let row = self.table.row(row as usize);
            let factor = factor(index, dot(row, weights) + bias[0]);
            sums.iter_mut().zip(row).for_each(|(sum, &value)| *sum += factor * f64::from(value));
            bias_sum[0] += factor;
        }
    }
}

/// In sixteen sums, which fill registers.
#[inline(always)]
fn dot(row: &[f32], weights: &[f64]) -> f64 {
    let mut sums = [0.0; 16];
    let (rows, row_rest) = row.as_chunks::<16>();
    let (chunks, rest) = weights.as_chunks::<16>();
    for (row, weights) in rows.iter().zip(chunks) {
        for lane in 0..16 {
            sums[lane] += f64::from(row[lane]) * weights[lane];
        }
    }
    let rest: f64 = row_rest.iter().zip(rest).map(|(&value, weight)| f64::from(value) * weight).sum();
    sums.iter().sum::<f64>() + rest
}

fn inner(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn norm(a: &[f64]) -> f64 {
    inner(a, a).sqrt()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    /// Made by `tests/reference/logistic.py` with scikit-learn.
    #[derive(Deserialize)]
    struct Case {
        rows: usize,
        dim: usize,
        scale: f32,
        c: f64,
        weights: Vec<f64>,
        bias: f64,
        scores: Vec<f64>,
    }

    /// The formula of the script.
    fn value(row: usize, column: usize, scale: f32) -> f32 {
        (((row * 31 + column * 17 + row * column * 7) % 101) as f32 / 101.0 - 0.3) * scale
    }

    #[test]
    fn classifiers_are_scikit_learns() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/reference/logistic.json")).unwrap();
        assert_eq!(cases.len(), 5);
        for case in cases {
            let values: Vec<f32> = (0..case.rows)
                .flat_map(|row| (0..case.dim).map(move |column| value(row, column, case.scale)))
                .collect();
            let table = Table::from_values(case.dim, &values).unwrap();
            let members: Vec<bool> = (0..case.rows).map(|row| (row * row + row / 3) % 7 < 2).collect();
            let rows: Vec<u32> = (0..case.rows as u32).collect();
            let found = LogisticRegression::fit(&table, &rows, &members, case.c);
            let near = |found: f64, expected: f64| (found - expected).abs() <= 1e-4 * expected.abs().max(1.0);
            for (found, expected) in found.weights.iter().zip(&case.weights) {
                assert!(near(*found, *expected), "{found} {expected}");
            }
            assert!(near(found.bias, case.bias), "{} {}", found.bias, case.bias);
            for (row, expected) in case.scores.iter().enumerate() {
                let score = found.score(table.row(row));
                assert!(near(score, *expected), "{score} {expected}");
            }
        }
    }

    #[test]
    fn one_class_is_always_or_never_predicted() {
        let table = Table::from_values(1, &[1.0, 2.0]).unwrap();
        assert_eq!(LogisticRegression::fit(&table, &[0, 1], &[true; 2], 1.0).score(&[3.0]), f64::INFINITY);
        assert_eq!(LogisticRegression::fit(&table, &[0, 1], &[false; 2], 1.0).score(&[3.0]), f64::NEG_INFINITY);
    }

    #[test]
    fn extreme_vectors_end() {
        for scale in [1e-30, 1e-3, 1e10, 1e30] {
            let values: Vec<f32> = (0..200).map(|i| value(i / 4, i % 4, scale)).collect();
            let table = Table::from_values(4, &values).unwrap();
            let members: Vec<bool> = (0..50).map(|row| row % 3 == 0).collect();
            let found = LogisticRegression::fit(&table, &(0..50).collect::<Vec<_>>(), &members, 1.0);
            assert!(found.bias.is_finite() && found.weights.iter().all(|weight| weight.is_finite()), "{found:?}");
        }
    }
}
