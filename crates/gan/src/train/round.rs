//! One step of the game: `k` of the discriminator, one of the generator (Goodfellow et al. 2014, algorithm 1).

use burn::module::{Module, ModuleMapper, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use ognivo_core::Error;
use ognivo_core::random::stream;
use ognivo_core::run::CHECKPOINT;
use ognivo_core::train::clip::gradient_norm;

use super::Underway;
use crate::average::Average;
use crate::collapse::{Look, Memory};
use crate::game::{Game, Real};
use crate::objective::Objective;
use crate::{Result, lipschitz, noise};

/// The two networks, and the generator's average where it is kept.
#[derive(Debug)]
pub struct Players<G, D> {
    /// Turns noise into items.
    pub generator: G,
    /// Turns items into logits.
    pub discriminator: D,
    /// The averaged generator.
    pub average: Option<Average<G>>,
}

/// The players of a game.
pub(super) type PlayersOf<G, const D: usize> = Players<<G as Game<D>>::Generator, <G as Game<D>>::Discriminator>;

/// What the players said in a step, as means over the batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Opinions {
    /// D(x), the discriminator's opinion of real items before its last step: a probability, or the logit where there is none.
    pub real: f64,
    /// D(G(z)), of generated ones.
    pub fake: f64,
    /// The discriminator's loss.
    pub discriminator_loss: f64,
    /// The generator's.
    pub generator_loss: f64,
    /// Norm of the generator's gradient.
    pub generator_gradient: f64,
}

/// What a round of the discriminator leaves for the generator.
struct Dealt<const D: usize> {
    real: Tensor<D>,
    fake: Tensor<D>,
    labels: Vec<usize>,
    loss: f64,
    opinions: [f64; 2],
}

impl Underway<'_> {
    pub(super) fn step<const D: usize, G: Game<D>>(
        &mut self,
        game: &mut G,
        mut players: PlayersOf<G, D>,
    ) -> Result<PlayersOf<G, D>> {
        let config = self.training.config;
        let step = self.state.step;
        let factor = config.schedule.factor(step, self.total);
        let rates = [config.learning_rate, config.generator_learning_rate.unwrap_or(config.learning_rate)];
        let rates = rates.map(|rate| rate * factor);
        let mut dealt = None;
        for round in 0..config.discriminator_steps {
            let number = step * config.discriminator_steps + round;
            let (discriminator, left) =
                self.round(game, &players.generator, players.discriminator, number, rates[0])?;
            (players.discriminator, dealt) = (discriminator, Some(left));
        }
        let Some(Dealt { real, fake, labels, loss, opinions }) = dealt else {
            return Ok(players);
        };

        // The generator: minimise its loss on what it generated in the last round. The discriminator takes no gradient.
        let own = game.own_loss(fake.clone(), real.clone());
        let played = (config.adversarial || own.is_none()).then(|| {
            let judge = players.discriminator.clone().map(&mut Untracked);
            let seen = self.noisy(fake.clone(), &[step, 2]);
            config.objective.generator(game.judge(&judge, seen, &labels))
        });
        let Some(generator_loss) = [played, own].into_iter().flatten().reduce(|a, b| a + b) else {
            return Ok(players);
        };
        let generator_value = self.finite("generator", "loss", scalar(&generator_loss))?;
        let gradients = GradientsParams::from_grads(generator_loss.backward(), &players.generator);
        let norm = self.finite("generator", "gradient", gradient_norm(&players.generator, &gradients))?;
        players.generator = self.optimizers[1].step(rates[1], players.generator, gradients);
        players.average = players.average.map(|average| average.follow(&players.generator, step));

        self.state.step += 1;
        self.made += 1;
        let opinions = Opinions {
            real: opinions[0],
            fake: opinions[1],
            discriminator_loss: loss,
            generator_loss: generator_value,
            generator_gradient: norm,
        };
        self.state.sums.add(&opinions);
        self.watch(&opinions, real, fake);
        self.log(&opinions, rates[0])?;
        Ok(players)
    }

    /// One step of the discriminator on batch `number`.
    fn round<const D: usize, G: Game<D>>(
        &mut self,
        game: &mut G,
        generator: &G::Generator,
        discriminator: G::Discriminator,
        number: u64,
        rate: f64,
    ) -> Result<(G::Discriminator, Dealt<D>)> {
        let config = self.training.config;
        let device = self.training.device;
        let Real { items, labels } = game.real(number)?;
        let real = Tensor::<D>::from_data(items, device);
        let latent =
            noise::normal([real.dims()[0], game.latent()], self.training.seed, &[noise::LATENT, number], device);
        let fake = game.generate(generator, latent, &labels);
        let (real_seen, fake_seen) =
            (self.noisy(real.clone(), &[number, 0]), self.noisy(fake.clone().detach(), &[number, 1]));
        let real_logits = game.judge(&discriminator, real_seen.clone(), &labels);
        let fake_logits = game.judge(&discriminator, fake_seen.clone(), &labels);
        let opinions = [&real_logits, &fake_logits].map(|logits| self.mean_opinion(logits));
        let mut loss = config.objective.discriminator(real_logits, fake_logits, config.label_smoothing);
        if let Objective::WassersteinLipschitz { weight } = config.objective {
            let mut rng = stream(self.training.seed, &[noise::STRETCH, number]);
            let (a, b, distance) = lipschitz::stretches(real_seen, fake_seen, &mut rng);
            let (a, b) = (game.judge(&discriminator, a, &labels), game.judge(&discriminator, b, &labels));
            loss = loss + lipschitz::penalty(a, b, distance) * weight;
        }
        let value = scalar(&loss);
        if !value.is_finite() {
            // Judging what is no number gives no number; then the discriminator is not to blame.
            self.finite("generator", "output", scalar(&fake.clone().sum()))?;
        }
        let value = self.finite("discriminator", "loss", value)?;
        let gradients = GradientsParams::from_grads(loss.backward(), &discriminator);
        let mut discriminator = self.optimizers[0].step(rate, discriminator, gradients);
        if let Objective::WassersteinClipped { clip } = config.objective {
            discriminator = discriminator.map(&mut Clamp(clip));
        }
        Ok((discriminator, Dealt { real, fake, labels, loss: value, opinions }))
    }

    /// Items with this step's instance noise on them.
    fn noisy<const D: usize>(&self, items: Tensor<D>, place: &[u64]) -> Tensor<D> {
        let deviation = self.training.config.noise(self.state.step, self.total);
        if deviation == 0.0 {
            return items;
        }
        let parts = [&[noise::INSTANCE], place].concat();
        let noise = noise::normal(items.dims(), self.training.seed, &parts, self.training.device);
        items + noise * deviation
    }

    fn mean_opinion(&self, logits: &Tensor<2>) -> f64 {
        let logits = logits.clone().detach().inner().into_data().convert::<f32>();
        let logits = logits.as_slice::<f32>().unwrap_or_default();
        let opinion = |&logit: &f32| self.training.config.objective.opinion(f64::from(logit));
        logits.iter().map(opinion).sum::<f64>() / logits.len().max(1) as f64
    }

    /// Lets the detector look, and says what it found.
    fn watch<const D: usize>(&mut self, opinions: &Opinions, real: Tensor<D>, fake: Tensor<D>) {
        let config = &self.training.config.collapse;
        if !Memory::is_due(config, self.state.step) {
            return;
        }
        let width = real.dims()[1..].iter().product();
        let [real, fake] = [real, fake].map(|items| items.detach().inner().into_data().convert::<f32>());
        let [real, fake] = [&real, &fake].map(|items| items.as_slice::<f32>().unwrap_or_default());
        let probabilities = matches!(self.training.config.objective, Objective::Minimax | Objective::NonSaturating);
        let opinions = probabilities.then_some((opinions.real, opinions.fake));
        let look = Look::compare(real, fake, width);
        if let Some(alarm) = self.state.collapse.observe(config, self.state.step, look, opinions) {
            self.training.output.warn(&alarm);
            self.training.output.event("alarm", serde_json::json!({ "step": self.state.step, "message": alarm }));
            self.state.collapsed |= config.stop;
        }
    }

    /// The value, if it is a number.
    fn finite(&self, player: &str, what: &str, value: f64) -> Result<f64> {
        if value.is_finite() {
            return Ok(value);
        }
        let message = format!(
            "the {what} of the {player} in step {} is {value}; the last good state is {}. Try a lower --learning-rate, or another \
             objective",
            self.state.step + 1,
            self.training.run.file(CHECKPOINT).display()
        );
        Err(Error::NotFinite(message).into())
    }
}

fn scalar(loss: &Tensor<1>) -> f64 {
    f64::from(loss.clone().detach().into_scalar::<f32>())
}

/// Leaves values as they are and computes no gradient to them. Unlike `no_grad` it leaves batch normalisation in training mode.
struct Untracked;

impl ModuleMapper for Untracked {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if param.is_require_grad() { param.set_require_grad(false) } else { param }
    }
}

/// Cuts weights, but not running statistics, to `[-bound, bound]`.
struct Clamp(f64);

impl ModuleMapper for Clamp {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !param.is_require_grad() {
            return param;
        }
        param.map(|weight| weight.inner().clamp(-self.0, self.0).autodiff().require_grad())
    }
}
