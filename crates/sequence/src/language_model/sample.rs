//! Drawing the next token from the network's logits.

use ognivo_core::random::{self, ChaCha8Rng};

use crate::{Error, Result};

/// First part of the random stream that draws tokens.
const SAMPLE: u64 = u64::from_le_bytes(*b"sampling");

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SampleConfig {
    /// Divides the logits (default 1): below 1 likely tokens become likelier; 0 always takes the likeliest.
    pub temperature: f64,
    /// Only that many of the likeliest tokens are drawn from (default all; Fan et al. 2018).
    pub top_k: Option<usize>,
    /// Only the likeliest tokens whose probabilities first sum to this are drawn from (default all; nucleus sampling,
    /// Holtzman et al. 2020). Applied after the temperature and `top_k`.
    pub top_p: Option<f64>,
}

impl Default for SampleConfig {
    fn default() -> Self {
        Self { temperature: 1.0, top_k: None, top_p: None }
    }
}

impl SampleConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// A number out of range, by its name.
    pub fn validate(&self) -> Result<()> {
        if !(self.temperature >= 0.0 && self.temperature.is_finite()) {
            return Err(Error::setting("temperature", self.temperature, "0 (the likeliest token) or more"));
        }
        if self.top_k == Some(0) {
            return Err(Error::setting("top_k", 0, "at least 1"));
        }
        if let Some(top_p) = self.top_p.filter(|&top_p| !(top_p > 0.0 && top_p <= 1.0)) {
            return Err(Error::setting("top_p", top_p, "more than 0, at most 1"));
        }
        Ok(())
    }
}

/// Draws tokens; the same seed and logits give the same tokens.
#[derive(Clone, Debug)]
pub struct Sampler {
    config: SampleConfig,
    rng: ChaCha8Rng,
    /// The tokens that may be drawn, with their weights; kept for its memory.
    candidates: Vec<(f64, u32)>,
}

impl Sampler {
    /// A sampler whose draws follow from `seed`.
    ///
    /// # Errors
    /// As [`SampleConfig::validate`].
    pub fn new(config: SampleConfig, seed: u64) -> Result<Self> {
        config.validate()?;
        Ok(Self { config, rng: random::stream(seed, &[SAMPLE]), candidates: Vec::new() })
    }

    /// A token, its number being the place of its logit. Of equal logits the one with the lower number counts as likelier.
    ///
    /// After the first call with as many logits it allocates nothing.
    ///
    /// # Errors
    /// Logits that are not numbers: the network's weights are broken, or there is no logit.
    pub fn draw(&mut self, logits: &[f32]) -> Result<u32> {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        if !largest.is_finite() || logits.iter().any(|logit| logit.is_nan()) {
            return Err(ognivo_core::Error::Data(
                "the network's outputs are not numbers: its weights are damaged, or its training diverged".into(),
            )
            .into());
        }
        if self.config.temperature == 0.0 {
            return Ok(logits.iter().position(|&logit| logit == largest).unwrap_or_default() as u32);
        }
        self.weigh(logits, f64::from(largest));
        self.truncate();
        Ok(self.pick())
    }

    /// Makes every token a candidate whose weight is proportional to its probability; the likeliest has the weight 1.
    fn weigh(&mut self, logits: &[f32], largest: f64) {
        let temperature = self.config.temperature;
        let weight = |logit: f32| ((f64::from(logit) - largest) / temperature).exp();
        self.candidates.clear();
        self.candidates.extend(logits.iter().zip(0..).map(|(&logit, token)| (weight(logit), token)));
    }

    /// Leaves the candidates that `top_k` and `top_p` allow.
    fn truncate(&mut self) {
        let likelier = |a: &(f64, u32), b: &(f64, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if let Some(top_k) = self.config.top_k.filter(|&top_k| top_k < self.candidates.len()) {
            self.candidates.select_nth_unstable_by(top_k, likelier);
            self.candidates.truncate(top_k);
        }
        if let Some(top_p) = self.config.top_p.filter(|&top_p| top_p < 1.0) {
            self.candidates.sort_unstable_by(likelier);
            let goal = top_p * self.candidates.iter().map(|&(weight, _)| weight).sum::<f64>();
            let mut sum = 0.0;
            let complete = self.candidates.iter().position(|&(weight, _)| {
                sum += weight;
                sum >= goal
            });
            let kept = complete.map_or(self.candidates.len(), |last| last + 1);
            self.candidates.truncate(kept);
        }
    }

    /// One of the candidates, with the probability of its share of the weights.
    fn pick(&mut self) -> u32 {
        let sum: f64 = self.candidates.iter().map(|&(weight, _)| weight).sum();
        let mut rest = random::uniform_f64(&mut self.rng) * sum;
        let mut last = 0;
        for &(weight, token) in self.candidates.iter().filter(|(weight, _)| *weight > 0.0) {
            last = token;
            if rest < weight {
                break;
            }
            rest -= weight;
        }
        last
    }
}
