//! Textures: what is refused, and that both ways of learning come nearer to the style.

use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::model::{self, InputShape, Network};
use ognivo_cnn::image::preprocess::{Ground, Preprocessing};
use ognivo_core::cli::events::Output;
use ognivo_core::run::RunDirectory;
use ognivo_gan::game::Game;
use ognivo_gan::texture::encoder::{Encoder, SmallEncoder};
use ognivo_gan::texture::formula::{Formula, NAMES, lesson};
use ognivo_gan::texture::game::{TextureGame, generator};
use ognivo_gan::texture::measure::{Evaluation, Reference};
use ognivo_gan::texture::model::{NetworkConfig, PictureConfig, TextureConfig, TextureModel, recipe};
use ognivo_gan::texture::style::Plane;
use ognivo_gan::train::{Training, files};

/// An encoder that has learnt nothing: its windows are random, which is enough to tell colours and edges.
fn encoder(device: &Device) -> Encoder {
    device.seed(5);
    Encoder::small(SmallEncoder::new(device).unwrap(), device)
}

fn style(side: usize) -> Plane {
    Plane::of(&Formula::named("weave").unwrap().picture(side, side).unwrap()).unwrap()
}

fn small(model: TextureModel) -> TextureConfig {
    let mut config = recipe("weave", 64, model);
    config.crop = 40;
    config.judges = 16;
    config
}

#[test]
fn computed_textures_are_what_they_are_called() {
    for name in NAMES {
        let formula = Formula::named(name).unwrap();
        let image = formula.picture(48, 32).unwrap();
        assert_eq!((image.width, image.height, image.channels), (48, 32, 3));
        assert_eq!(image, Formula::named(name).unwrap().picture(48, 32).unwrap());
        let bright = image.pixels.iter().map(|&value| u64::from(value)).sum::<u64>() / image.pixels.len() as u64;
        let apart = image.pixels.iter().map(|&value| u64::from(value).abs_diff(bright)).sum::<u64>();
        assert!(apart / image.pixels.len() as u64 > 15, "{name} is plain");
    }
    assert!(Formula::named("brics").is_none());
    let (images, kinds) = lesson(3, 16, 8).unwrap();
    assert_eq!((images.len(), kinds[9]), (16, 1));
    assert!(images != lesson(4, 16, 8).unwrap().0 && images == lesson(3, 16, 8).unwrap().0);
}

#[test]
fn what_cannot_be_judged_is_refused() {
    let config = small(TextureModel::Network(NetworkConfig::default()));
    config.validate().unwrap();
    config.fits(&style(64)).unwrap();
    let said = config.fits(&style(30)).unwrap_err().to_string();
    assert!(said.contains("style picture of 30 x 30 pixels") && said.contains("at least 32 x 32"), "{said}");
    for (change, part) in [
        (TextureConfig { crop: 24, ..config.clone() }, "`crop`: found 24"),
        (TextureConfig { crop: 72, ..config.clone() }, "`crop`: found 72"),
    ] {
        let said = change.fits(&style(64)).unwrap_err().to_string();
        assert!(said.contains(part), "{said}");
    }
    let said = TextureConfig { crop: 44, ..config }.validate().unwrap_err().to_string();
    assert!(said.contains("multiple of 8"), "{said}");
    let odd = PictureConfig { width: 61, height: 40, seamless: true, ..PictureConfig::default() };
    let said = small(TextureModel::Picture(odd)).validate().unwrap_err().to_string();
    assert!(said.contains("found 61"), "{said}");
}

/// What a generator that is trained on the style for some epochs comes to.
fn learn(config: &TextureConfig) -> (Evaluation, Plane) {
    let (device, folder) = (Device::default(), tempfile::tempdir().unwrap());
    let encoder = encoder(&device);
    let reference = Reference::new(style(64), &encoder, &device);
    let mut game = TextureGame::new(config.clone(), &reference, device.clone()).unwrap();
    let run = RunDirectory::create(folder.path().join("run")).unwrap();
    let (output, autodiff) = (Output { json: false, quiet: true }, device.clone().autodiff());
    let training = Training { config: &config.fit, seed: 1, device: &autodiff, run: &run, output: &output };
    training.run(&mut game).unwrap();
    let fresh = generator(config, &reference.style, &device).unwrap();
    let texture = game.texture(&files::finished(fresh, &run).unwrap()).unwrap();
    (reference.evaluate(&texture, 1, &device), texture)
}

/// Nearer than noise of the style's colours and than their mean.
fn assert_nearer(evaluation: &Evaluation) {
    let Evaluation { texture, start, plain, .. } = evaluation;
    assert!(start.gram > 1.8 * texture.gram && plain.gram > 1.1 * texture.gram, "{evaluation:?}");
    assert!(start.patch > 1.4 * texture.patch && plain.patch > 1.1 * texture.patch, "{evaluation:?}");
}

#[test]
fn pixels_learn_the_style() {
    let mut config = small(TextureModel::Picture(PictureConfig {
        width: 56,
        height: 48,
        seamless: true,
        ..PictureConfig::default()
    }));
    config.fit.epochs = 5;
    let (evaluation, texture) = learn(&config);
    assert_eq!((texture.width, texture.height), (56, 48));
    assert_nearer(&evaluation);
    assert!(evaluation.seam < 1.5, "{evaluation:?}");
}

#[test]
fn a_network_learns_the_style() {
    let mut config = small(TextureModel::Network(NetworkConfig { latent: 4, filters: 8 }));
    config.fit.epochs = 3;
    // There are few steps.
    config.fit.generator_learning_rate = Some(2e-3);
    let (evaluation, texture) = learn(&config);
    assert_eq!((texture.width, texture.height), (128, 128));
    assert_nearer(&evaluation);
}

/// Of a larger network come the stages whose features are not too far apart, beside the pixels.
#[test]
fn a_larger_network_is_cut() {
    let device = Device::default();
    let input = InputShape { channels: 3, height: 32, width: 32 };
    let make = || match model::NetworkConfig::named("resnet20").unwrap().init(input, 5, &device) {
        Ok(Network::Backbone(network)) => network,
        other => panic!("{other:?}"),
    };
    let preprocessing = Preprocessing {
        channels: 3,
        height: 32,
        width: 32,
        mean: vec![0.4; 3],
        deviation: vec![0.3; 3],
        ground: Ground::Mixed,
    };
    let encoder = Encoder::cut(make(), None, &preprocessing, &device).unwrap();
    // 2 x 2 pixels in colour, and 32 channels at half the resolution; the last stage of blocks ends in means of all places.
    assert_eq!(encoder.channels, 12 + 32);
    assert_eq!(encoder.columns(Tensor::zeros([2, 3, 40, 48], &device)).dims(), [2, 44, 20, 24]);
    let pixels = style(64).part(0, 0, 8, 8);
    let columns = encoder.columns(Tensor::from_data(pixels.data(), &device)).into_data().convert::<f32>();
    // The first channels are red at the four places of a square.
    let red: Vec<f32> = (0..4).map(|part| columns.as_slice::<f32>().unwrap()[part * 16 + 5]).collect();
    assert_eq!(red, [18, 19, 26, 27].map(|place| pixels.values[place]));
    let said = Encoder::cut(make(), Some("layer1"), &preprocessing, &device).unwrap_err().to_string();
    assert!(said.contains("found layer1, 1 pixels apart"), "{said}");
}

/// The slope of the judgement along its own gradient to the pixels, which passes through the encoder, is that gradient's squared length.
#[test]
fn gradients_pass_through_the_encoder() {
    let device = Device::default();
    let encoder = encoder(&device);
    let config = small(TextureModel::Picture(PictureConfig {
        width: 40,
        height: 40,
        seamless: false,
        ..PictureConfig::default()
    }));
    let reference = Reference::new(style(64), &encoder, &device);
    let game = TextureGame::new(config, &reference, device.clone()).unwrap();
    let autodiff = device.clone().autodiff();
    let discriminator = game.discriminator(&autodiff).unwrap();
    let picture = Tensor::<4>::from_data(style(64).part(3, 5, 40, 40).data(), &autodiff).require_grad();
    let judge = |picture: Tensor<4>| game.judge(&discriminator, picture, &[]).mean();
    // Until the power iteration of the spectral normalisation has come to rest.
    for _ in 0..100 {
        judge(picture.clone().detach());
    }
    let gradients = judge(picture.clone()).backward();
    let gradient = picture.grad(&gradients).unwrap().into_data().convert::<f32>();
    let gradient = gradient.as_slice::<f32>().unwrap().to_vec();
    // Along the gradient itself the slope is its length squared; the function is made of pieces, so a short step.
    let squared: f64 = gradient.iter().map(|g| f64::from(*g).powi(2)).sum();
    let step = 2e-3 / squared.sqrt();
    let moved = |sign: f64| {
        let along = Tensor::<1>::from_floats(gradient.as_slice(), &autodiff).reshape([1, 3, 40, 40]);
        f64::from(judge(picture.clone().detach() + along * (sign * step)).into_scalar::<f32>())
    };
    let slope = (moved(1.0) - moved(-1.0)) / (2.0 * step);
    assert!((slope / squared - 1.0).abs() < 0.03, "{slope} {squared}");
}
