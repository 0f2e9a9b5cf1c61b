//! Networks for pictures, and training with them.

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use ognivo_core::cli::events::Output;
use ognivo_core::data::digits;
use ognivo_core::run::RunDirectory;
use ognivo_core::train::optimizer::{Optimizer, OptimizerConfig, Sgd};
use ognivo_core::weights::{load_into, tensors_of};
use ognivo_gan::config::AdversarialConfig;
use ognivo_gan::game::Game;
use ognivo_gan::images::data::Pictures;
use ognivo_gan::images::dcgan::DcganConfig;
use ognivo_gan::images::game::ImageGame;
use ognivo_gan::images::mlp::MlpConfig;
use ognivo_gan::images::model::{Generator, Kind, Networks};
use ognivo_gan::images::shape::PictureShape;
use ognivo_gan::objective::Objective;
use ognivo_gan::train::{Stopped, Training};
use serde::Deserialize;

fn shape(channels: usize, side: usize) -> PictureShape {
    PictureShape { channels, side, classes: ["a", "b", "c"].map(String::from).to_vec() }
}

/// At 64 pixels and 64 filters: the networks of PyTorch's example, whose numbers of weights are 3 576 704 and 2 765 568 (its first layer and
/// its last are convolutions of the same size as the dense layers here; biases stand only where no normalisation follows, 3 and 64 and 1).
#[test]
fn dcgan_has_the_weights_of_the_paper() {
    let device = Device::default();
    let count = |networks: &Networks| {
        (networks.generator(&device).unwrap().num_params(), networks.discriminator(&device).unwrap().num_params())
    };
    let networks = Networks { kind: Kind::Dcgan(DcganConfig::default()), shape: shape(3, 64) };
    // Running means and variances, two numbers a channel, count as parameters in Burn.
    let (running, other) = (2 * (512 + 256 + 128 + 64), 2 * (128 + 256 + 512));
    assert_eq!(count(&networks), (3_576_704 + 3 + running, 2_765_568 + 64 + 1 + other));
    // A class is one more number of the noise, and one more weight for each feature.
    let conditional = Networks { kind: Kind::Conditional(DcganConfig::default()), ..networks.clone() };
    let (generator, discriminator) =
        (count(&conditional).0 - count(&networks).0, count(&conditional).1 - count(&networks).1);
    assert_eq!((generator, discriminator), (3 * 512 * 16, 3 * (512 * 16 + 1)));
}

#[test]
fn pictures_have_their_shape_and_the_class_matters() {
    let device = Device::default();
    device.seed(1);
    let noise = Tensor::<2>::ones([2, 5], &device);
    let small = DcganConfig { latent: 5, filters: 4, ..DcganConfig::default() };
    let alike =
        |values: Tensor<2>| values.clone().narrow(0, 0, 1).equal(values.narrow(0, 1, 1)).all().into_scalar::<bool>();
    for side in [8, 28, 32, 64] {
        for (spectral_norm, dense) in [(false, 0), (true, 0), (false, 6), (true, 6)] {
            let config = DcganConfig { spectral_norm, dense, ..small.clone() };
            for kind in [Kind::Dcgan(config.clone()), Kind::Conditional(config)] {
                let networks = Networks { kind, shape: shape(3, side) };
                let told = networks.classes() > 0;
                let labels: &[usize] = if told { &[0, 2] } else { &[] };
                let pictures = networks.generate(&networks.generator(&device).unwrap(), noise.clone(), labels);
                assert_eq!(pictures.dims(), [2, 3, side, side]);
                assert_eq!(alike(pictures.clone().flatten(1, 3)), !told, "one noise, two classes");
                let twice = pictures.clone().narrow(0, 0, 1).repeat_dim(0, 2);
                let logits = networks.judge(&networks.discriminator(&device).unwrap(), twice, labels);
                assert_eq!(logits.dims(), [2, 1]);
                assert_eq!(alike(logits), !told);
            }
        }
    }
    let networks =
        Networks { kind: Kind::Mlp(MlpConfig { latent: 5, hidden: 7, ..MlpConfig::default() }), shape: shape(1, 9) };
    let pictures = networks.generate(&networks.generator(&device).unwrap(), noise, &[]);
    assert_eq!(pictures.dims(), [2, 1, 9, 9]);
    assert!(pictures.clone().abs().max().into_scalar::<f32>() <= 1.0);
    assert_eq!(networks.judge(&networks.discriminator(&device).unwrap(), pictures, &[]).dims(), [2, 1]);
}

/// Made by `reference/dcgan.py`: of each tensor the sum of its values times `cos(index)`, and of their magnitudes.
#[derive(Deserialize)]
struct Step {
    classes: usize,
    pictures: Vec<f32>,
    d_loss: f32,
    g_loss: f32,
    generator: BTreeMap<String, [f64; 2]>,
    discriminator: BTreeMap<String, [f64; 2]>,
}

/// The formula of the script.
fn values(count: usize, salt: usize, scale: f64) -> Vec<f32> {
    (0..count).map(|index| (scale * (1.7 * index as f64 + 0.9 * salt as f64).sin()) as f32).collect()
}

/// The module with weights by the formula, as the script fills its own.
fn filled<M: Module>(module: M) -> M {
    let tensors = tensors_of(&module).into_iter().enumerate().map(|(salt, (name, data))| {
        let shift = if name.contains("norm") && name.ends_with("weight") { 1.0 } else { 0.0 };
        let values = values(data.shape().num_elements(), salt, 0.1).into_iter().map(|value| value + shift).collect();
        let own = if name.contains("running") { data } else { TensorData::new(values, data.shape().clone()) };
        (name, own)
    });
    load_into(module, tensors.collect(), Path::new("formula")).unwrap()
}

fn assert_state<M: Module>(module: &M, expected: &BTreeMap<String, [f64; 2]>) {
    let tensors = tensors_of(module);
    assert!(tensors.keys().eq(expected.keys()), "{:?}", tensors.keys());
    for (name, data) in tensors {
        let values = data.as_slice::<f32>().unwrap().iter().map(|&value| f64::from(value));
        let probe: f64 = values.clone().enumerate().map(|(index, value)| value * (index as f64).cos()).sum();
        let [expected, magnitude] = expected[&name];
        assert!((probe - expected).abs() < 2e-6 * magnitude.max(1.0), "{name}: {probe} {expected}");
        assert!((values.map(f64::abs).sum::<f64>() - magnitude).abs() < 1e-5 * magnitude.max(1.0), "{name}");
    }
}

/// Forward passes, both losses, every gradient and running statistic of one step of each player, as in PyTorch.
#[test]
fn a_step_of_each_player_is_pytorchs() {
    let device = Device::default().autodiff();
    let steps: Vec<Step> = serde_json::from_str(include_str!("reference/dcgan.json")).unwrap();
    assert_eq!(steps.len(), 2);
    for expected in steps {
        let config = DcganConfig { latent: 5, filters: 3, ..DcganConfig::default() };
        let kind = if expected.classes > 0 { Kind::Conditional(config) } else { Kind::Dcgan(config) };
        let networks = Networks { kind, shape: shape(1, 28) };
        let labels: Vec<usize> =
            if expected.classes > 0 { (0..4).map(|index| index % 3).collect() } else { Vec::new() };
        let generator = filled(networks.generator(&device).unwrap());
        let discriminator = filled(networks.discriminator(&device).unwrap());
        let noise = Tensor::<2>::from_data(TensorData::new(values(20, 1, 1.5), [4, 5]), &device);
        let real = Tensor::<4>::from_data(TensorData::new(values(4 * 784, 2, 1.0), [4, 1, 28, 28]), &device);

        let descent = || Optimizer::new(OptimizerConfig::Sgd(Sgd::default())).unwrap();
        let fake = networks.generate(&generator, noise, &labels);
        let judge = |network: &_, pictures| networks.judge(network, pictures, &labels);
        let objective = Objective::NonSaturating;
        let loss =
            objective.discriminator(judge(&discriminator, real), judge(&discriminator, fake.clone().detach()), 0.0);
        assert!((loss.clone().into_scalar::<f32>() - expected.d_loss).abs() < 1e-5 * expected.d_loss.max(1.0));
        let gradients = GradientsParams::from_grads(loss.backward(), &discriminator);
        let discriminator = descent().step(0.01, discriminator, gradients);
        let loss = objective.generator(judge(&discriminator, fake.clone()));
        assert!((loss.clone().into_scalar::<f32>() - expected.g_loss).abs() < 1e-5 * expected.g_loss.max(1.0));
        let gradients = GradientsParams::from_grads(loss.backward(), &generator);
        let generator = descent().step(0.01, generator, gradients);

        let pictures = fake.inner().into_data();
        let pictures = pictures.as_slice::<f32>().unwrap().iter().step_by(97);
        assert_eq!(pictures.len(), expected.pictures.len());
        assert!(pictures.zip(&expected.pictures).all(|(found, expected)| (found - expected).abs() < 1e-5));
        assert_state(&generator, &expected.generator);
        assert_state(&discriminator, &expected.discriminator);
    }
}

/// A game on the digits that ship, with few filters.
fn game(fit: &AdversarialConfig, kind: Kind) -> ImageGame {
    let train = digits().unwrap().train;
    let shape = PictureShape::of(&*train, None).unwrap();
    let pictures = Pictures::read(&*train, &shape).unwrap();
    ImageGame::new(Networks { kind, shape }, pictures, fit.clone(), 3, Device::default()).unwrap()
}

#[test]
fn every_picture_comes_once_a_pass_but_for_the_rest_of_a_batch() {
    let fit = AdversarialConfig { batch_size: 100, ..AdversarialConfig::default() };
    let mut game = game(&fit, Kind::Mlp(MlpConfig::default()));
    assert_eq!(game.batches(), 12);
    let mut pass = |first: u64| -> Vec<Vec<u8>> {
        let batches = (first..first + 12).flat_map(|number| {
            let real = game.real(number).unwrap();
            assert_eq!((real.items.shape().as_slice(), real.labels.len()), ([100, 1, 8, 8].as_slice(), 100));
            real.items.as_bytes().chunks(64 * 4).map(<[u8]>::to_vec).collect::<Vec<_>>()
        });
        batches.collect()
    };
    let (first, second) = (pass(0), pass(12));
    assert_ne!(first, second, "each pass has an order of its own");
    assert_eq!(first, pass(0), "a batch is a function of its number");
    let mut sorted = first.clone();
    sorted.sort();
    sorted.dedup();
    // Some digits are drawn alike to the pixel; a pass that drew pictures at random would have repeated a third of them.
    assert!(sorted.len() > 1190, "{}", sorted.len());
}

/// Every objective, with spectral normalisation where that is usual: the generator learns to deceive, that is its gradient has the right sign.
#[test]
fn a_few_steps_change_both_networks_and_the_averaged_generator_follows() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::default().autodiff();
    for (number, objective) in
        [Objective::NonSaturating, Objective::Hinge, Objective::WassersteinLipschitz { weight: 10.0 }]
            .into_iter()
            .enumerate()
    {
        let spectral_norm = objective == Objective::Hinge;
        let fit =
            AdversarialConfig { epochs: 1, batch_size: 128, objective, average: 0.9, ..AdversarialConfig::default() };
        let dense = 5 * number;
        let config = DcganConfig { latent: 8, filters: 4, spectral_norm, dense, ..DcganConfig::default() };
        let mut game = game(&fit, Kind::Conditional(config));
        let run = RunDirectory::create(folder.path().join(number.to_string())).unwrap();
        let output = Output { json: false, quiet: true };
        let training = Training { config: &fit, seed: 3, device: &device, run: &run, output: &output };
        let outcome = training.run(&mut game).unwrap();
        assert_eq!((outcome.stopped, outcome.steps), (Stopped::Finished, 10));
        let (tensors, _) = ognivo_core::weights::read(&run.file(ognivo_core::run::MODEL)).unwrap();
        device.seed(1);
        let fresh: Generator = game.generator(&device).unwrap();
        for (name, data) in tensors_of(&fresh) {
            let trained = &tensors[&format!("generator.{name}")];
            assert_eq!(trained.shape(), data.shape());
            assert_ne!(trained, &data, "{name}");
        }
    }
}
