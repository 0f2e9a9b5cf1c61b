//! What features are worth to a linear classifier.

/// Features and classes of some items.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Row after row.
    pub values: Vec<f32>,
    /// Numbers in a row.
    pub width: usize,
    /// Of each row.
    pub labels: Vec<usize>,
    /// How many classes there are.
    pub classes: usize,
}

/// Multinomial logistic regression on standardised features: the minimum of
/// `mean(-ln p(label | row)) + PENALTY / 2 * |weights|^2`; the biases are not penalised. The function is strictly convex in the weights, so there is one minimum,
/// and no learning rate or number of epochs to choose.
#[derive(Clone, Debug)]
pub struct LinearProbe {
    mean: Vec<f64>,
    /// 1 / the deviation; 0 for a feature that does not vary.
    scale: Vec<f64>,
    /// `[width + 1][classes]`; the last row has the biases.
    weights: Vec<f64>,
    classes: usize,
}

/// What large weights cost.
const PENALTY: f64 = 1e-3;
/// The gradient is followed until it is shorter, or for so many steps.
const PRECISION: f64 = 1e-4;
const STEPS: usize = 2000;

impl LinearProbe {
    /// The best classifier of `rows`.
    pub fn fit(rows: &Rows) -> Self {
        let (width, count) = (rows.width, rows.labels.len().max(1) as f64);
        let (mut mean, mut scale) = (vec![0.0; width], vec![0.0; width]);
        for row in rows.values.chunks_exact(width.max(1)) {
            mean.iter_mut().zip(row).for_each(|(sum, &value)| *sum += f64::from(value) / count);
        }
        for row in rows.values.chunks_exact(width.max(1)) {
            let each = scale.iter_mut().zip(row).zip(&mean);
            each.for_each(|((sum, &value), mean)| *sum += (f64::from(value) - mean).powi(2) / count);
        }
        for (scale, mean) in scale.iter_mut().zip(&mean) {
            let deviation = scale.sqrt();
            *scale = if deviation > 1e-9 * (1.0 + mean.abs()) { 1.0 / deviation } else { 0.0 };
        }
        let mut probe = Self { mean, scale, weights: vec![0.0; (width + 1) * rows.classes], classes: rows.classes };
        let points = probe.standardised(rows);
        probe.descend(&points, &rows.labels);
        probe
    }

    /// How many of `rows` it classifies rightly.
    pub fn right(&self, rows: &Rows) -> usize {
        let points = self.standardised(rows);
        let mut scores = vec![0.0; self.classes];
        let right = points.chunks_exact(self.mean.len() + 1).zip(&rows.labels).filter(|(point, label)| {
            self.score(&self.weights, point, &mut scores);
            let best = (0..scores.len()).fold(0, |best, class| if scores[class] > scores[best] { class } else { best });
            best == **label
        });
        right.count()
    }

    /// Rows of `width + 1`: the standardised features and a 1.
    fn standardised(&self, rows: &Rows) -> Vec<f64> {
        let row = |row: &[f32]| {
            let each = row.iter().zip(self.mean.iter().zip(&self.scale));
            each.map(|(&value, (mean, scale))| (f64::from(value) - mean) * scale).chain([1.0]).collect::<Vec<_>>()
        };
        rows.values.chunks_exact(rows.width.max(1)).flat_map(row).collect()
    }

    fn score(&self, weights: &[f64], point: &[f64], scores: &mut [f64]) {
        scores.fill(0.0);
        for (value, row) in point.iter().zip(weights.chunks_exact(self.classes)) {
            scores.iter_mut().zip(row).for_each(|(score, weight)| *score += value * weight);
        }
    }

    /// The value at `weights`, whose gradient is written to `gradient`.
    fn value(&self, weights: &[f64], points: &[f64], labels: &[usize], gradient: &mut [f64]) -> f64 {
        let (wide, count) = (self.mean.len() + 1, labels.len().max(1) as f64);
        let biases = (wide - 1) * self.classes;
        let mut value = PENALTY / 2.0 * weights[..biases].iter().map(|weight| weight * weight).sum::<f64>();
        gradient[..biases].iter_mut().zip(weights).for_each(|(slope, weight)| *slope = PENALTY * weight);
        gradient[biases..].fill(0.0);
        let mut scores = vec![0.0; self.classes];
        for (point, &label) in points.chunks_exact(wide).zip(labels) {
            self.score(weights, point, &mut scores);
            let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let wanted = scores[label] - most;
            let sum: f64 = scores.iter().map(|score| (score - most).exp()).sum();
            value += (sum.ln() - wanted) / count;
            // The probabilities less 1 for the label: the slope of the scores.
            scores.iter_mut().for_each(|score| *score = (*score - most).exp() / sum / count);
            scores[label] -= 1.0 / count;
            for (value, slopes) in point.iter().zip(gradient.chunks_exact_mut(self.classes)) {
                slopes.iter_mut().zip(&scores).for_each(|(slope, score)| *slope += value * score);
            }
        }
        value
    }

    /// Nesterov's accelerated descent, begun anew where it goes up (O'Donoghue and Candès 2015). The step is that of the curvature, of which half
    /// the largest eigenvalue of the points' products is a bound (Böhning 1992).
    fn descend(&mut self, points: &[f64], labels: &[usize]) {
        let step = 1.0 / (largest_eigenvalue(points, self.mean.len() + 1, labels.len()) / 2.0 + PENALTY);
        let (mut at, mut gradient) = (self.weights.clone(), vec![0.0; self.weights.len()]);
        let (mut ahead, mut momentum, mut before) = (at.clone(), 1.0f64, f64::INFINITY);
        for _ in 0..STEPS {
            let value = self.value(&ahead, points, labels, &mut gradient);
            if gradient.iter().map(|slope| slope * slope).sum::<f64>().sqrt() < PRECISION {
                break;
            }
            let next: Vec<f64> = ahead.iter().zip(&gradient).map(|(weight, slope)| weight - step * slope).collect();
            let later = (1.0 + (1.0 + 4.0 * momentum * momentum).sqrt()) / 2.0;
            let push = if value > before { 0.0 } else { (momentum - 1.0) / later };
            momentum = if value > before { 1.0 } else { later };
            ahead = next.iter().zip(&at).map(|(next, at)| next + push * (next - at)).collect();
            (at, before) = (next, value);
        }
        self.weights = ahead;
    }
}

/// Of the mean of the points' products with themselves, by the power method, and a tenth more.
fn largest_eigenvalue(points: &[f64], wide: usize, count: usize) -> f64 {
    let mut vector = vec![1.0; wide];
    let mut value = 1.0;
    for _ in 0..30 {
        let mut next = vec![0.0; wide];
        for point in points.chunks_exact(wide) {
            let product: f64 = point.iter().zip(&vector).map(|(a, b)| a * b).sum();
            next.iter_mut().zip(point).for_each(|(sum, value)| *sum += product * value / count.max(1) as f64);
        }
        let length = next.iter().map(|value| value * value).sum::<f64>().sqrt();
        let before = vector.iter().map(|value| value * value).sum::<f64>().sqrt();
        value = length / before.max(f64::MIN_POSITIVE);
        vector = next.iter().map(|next| next / length.max(f64::MIN_POSITIVE)).collect();
    }
    1.1 * value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Rows {
        let labels: Vec<usize> = (0..count).map(|i| (i * i + i / 3) % 3).collect();
        let noise = |i: usize, j: usize| ((i * 37 + j * 101 + i * j * 13) % 97) as f32 / 30.0;
        // The third feature never varies, the fourth is large.
        let values = labels.iter().enumerate().flat_map(|(i, &label)| {
            [noise(i, 0) + label as f32, noise(i, 1) - (label == 1) as u8 as f32, 7.0, 1000.0 * noise(i, 3)]
        });
        Rows { values: values.collect(), width: 4, labels, classes: 3 }
    }

    /// The function is convex: where its gradient is 0 is its minimum. The gradient is compared with differences of the function.
    #[test]
    fn the_minimum_is_found() {
        let rows = rows(120);
        let probe = LinearProbe::fit(&rows);
        let points = probe.standardised(&rows);
        let mut gradient = vec![0.0; probe.weights.len()];
        let least = probe.value(&probe.weights, &points, &rows.labels, &mut gradient);
        assert!(gradient.iter().all(|slope| slope.abs() < PRECISION), "{gradient:?}");
        let elsewhere: Vec<f64> = (0..15).map(|i| f64::from(i * 7 % 11) / 10.0 - 0.5).collect();
        let mut scratch = vec![0.0; 15];
        assert!(probe.value(&elsewhere, &points, &rows.labels, &mut gradient) > least);
        for at in 0..15 {
            let mut moved = |by: f64| {
                let mut weights = elsewhere.clone();
                weights[at] += by;
                probe.value(&weights, &points, &rows.labels, &mut scratch)
            };
            let difference = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((difference - gradient[at]).abs() < 1e-7, "{at}: {difference} {}", gradient[at]);
        }
        assert_eq!(probe.scale[2], 0.0);
        let right = probe.right(&rows);
        assert!((60..120).contains(&right), "more than the commonest class: {right}");
    }
}
