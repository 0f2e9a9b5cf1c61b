//! Pictures from pictures: the networks, the pairs, and that they are learnt.

use burn::module::Module;
use burn::tensor::{Device, Distribution, Tensor};
use ognivo_core::cli::events::Output;
use ognivo_core::data::{ImageSet, MemoryImages, picture};
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_core::train::schedule::ScheduleConfig;
use ognivo_gan::game::Game;
use ognivo_gan::images::shape::{PictureShape, SHAPE};
use ognivo_gan::train::Training;
use ognivo_gan::translation::evaluate::Evaluation;
use ognivo_gan::translation::game::TranslationGame;
use ognivo_gan::translation::model::{PairShape, TranslationConfig, UnetConfig, recipe};
use ognivo_gan::translation::pairs::{PairSet, Pairs};
use ognivo_gan::translation::sprites;
use ognivo_gan::translation::translator::Translator;

fn shape(input_channels: usize, channels: usize, side: usize) -> PairShape {
    PairShape { input_channels, target: PictureShape { channels, side, classes: vec!["all".into()] } }
}

/// Weights counted by hand for 28 pixels, grey to colour, 4 filters: windows of 4 x 4, and 7 x 7 at the bottom.
#[test]
fn networks_have_the_form_that_is_described() {
    let device = Device::default();
    let config = UnetConfig { filters: 4, ..UnetConfig::default() };
    let norm = |channels: usize| 4 * channels;
    let generator = (16 * 4 + 4) // down to 14 x 14
        + (16 * 4 * 8 + norm(8)) // to 7 x 7
        + (49 * 8 * 16 + 16) + (49 * 16 * 8 + norm(8)) // the bottom and back
        + (16 * 16 * 4 + norm(4)) // to 14 x 14, with what was there
        + (16 * 8 * 3 + 3); // to 28 x 28
    let shape28 = shape(1, 3, 28);
    assert_eq!(config.generator(&shape28, &device).unwrap().num_params(), generator);
    let discriminator = (16 * 4 * 4 + 4) + (16 * 4 * 8 + norm(8)) + (16 * 8 + 1);
    assert_eq!(config.discriminator(&shape28, &device).unwrap().num_params(), discriminator);
    // So many patches of 16, 34 and 70 pixels.
    for (side, patch, places) in [(28, 16, 12), (32, 16, 14), (32, 34, 6), (64, 34, 14), (64, 70, 6)] {
        let (config, shape) = (UnetConfig { patch, ..config.clone() }, shape(1, 3, side));
        let given = Tensor::<4>::random([2, 1, side, side], Distribution::Default, &device);
        let made = config.generator(&shape, &device).unwrap().forward(given.clone());
        assert_eq!(made.dims(), [2, 3, side, side]);
        let logits = config.discriminator(&shape, &device).unwrap().forward(Tensor::cat(vec![given, made], 1));
        assert_eq!(logits.dims(), [2 * places * places, 1]);
    }
    let said = UnetConfig { patch: 70, ..config.clone() }.validate(&shape(1, 1, 16)).unwrap_err().to_string();
    assert!(said.contains("`model.patch`: found 70"), "{said}");
    let said = config.validate(&shape(1, 1, 30)).unwrap_err().to_string();
    assert!(said.contains("`model.size`: found 30"), "{said}");
}

/// A judgement depends on the pixels of its patch and on no others.
#[test]
fn a_judgement_sees_its_patch() {
    let device = Device::default();
    device.seed(3);
    for (patch, side) in [(16, 40), (34, 64)] {
        let config = UnetConfig { patch, filters: 4, ..UnetConfig::default() };
        let discriminator = config.discriminator(&shape(1, 1, side), &device).unwrap();
        let pictures = Tensor::<4>::random([1, 2, side, side], Distribution::Default, &device);
        let judge = |pictures: Tensor<4>| {
            let logits = discriminator.forward(pictures);
            let places = logits.dims()[0].isqrt();
            logits.narrow(0, places / 2 * places + places / 2, 1).into_scalar::<f32>()
        };
        let before = judge(pictures.clone());
        let column = |x: usize| Tensor::<4>::full([1, 2, side, 1], 9.0 + x as f32, &device);
        let changes =
            |x: usize| judge(pictures.clone().slice_assign([0..1, 0..2, 0..side, x..x + 1], column(x))) != before;
        let seen: Vec<usize> = (0..side).filter(|&x| changes(x)).collect();
        assert_eq!(seen.len(), patch, "{seen:?}");
        assert_eq!(seen[patch - 1] - seen[0], patch - 1);
    }
}

/// A figure's frames: the same each time, and another one for another time.
#[test]
fn the_figure_moves_and_is_drawn_alike_each_time() {
    let (pose, frame) = sprites::frame(40, 32).unwrap();
    assert_eq!((pose.clone(), frame.clone()), sprites::frame(40, 32).unwrap());
    let (later_pose, later) = sprites::frame(47, 32).unwrap();
    assert!(later != frame && later_pose != pose);
    // Most of a pose is black, and sticks of all limbs are there in colours of their own.
    let black = pose.pixels.chunks_exact(3).filter(|pixel| *pixel == [0, 0, 0]).count();
    assert!((700..1000).contains(&black), "{black}");
    let far: Vec<i32> = [0, 500, 1200]
        .map(|time| sprites::frame(time, 32).unwrap().1)
        .windows(2)
        .map(|pair| pair[0].pixels.iter().zip(&pair[1].pixels).map(|(a, b)| i32::from(a.abs_diff(*b))).sum())
        .collect();
    assert!(far.iter().all(|&difference| difference > 3000), "{far:?}");
}

/// Pictures of discs, whose negative, red on blue, is to be made.
fn discs(first: usize, count: usize) -> Pairs {
    let side = 16;
    let inside = |item: usize, place: usize| {
        let (x, y) = ((place % side) as f64 - 5.0 - (item % 7) as f64, (place / side) as f64 - 4.0 - (item % 9) as f64);
        x * x + y * y < 6.0 + (item % 11) as f64
    };
    let items = first..first + count;
    let draw = |colours: [&[u8]; 2]| {
        let pixel =
            |item: usize| (0..side * side).flat_map(move |place| colours[usize::from(inside(item, place))].to_vec());
        items.clone().flat_map(pixel).collect::<Vec<u8>>()
    };
    let set = |channels, pixels| {
        std::sync::Arc::new(
            MemoryImages::new("discs", [side, side, channels], pixels, vec![0; count], vec!["all".into()]).unwrap(),
        ) as std::sync::Arc<dyn ImageSet>
    };
    let pairs = PairSet { input: set(1, draw([&[0], &[255]])), target: set(3, draw([&[200, 20, 20], &[10, 40, 220]])) };
    Pairs::read(&pairs, usize::MAX, &shape(1, 3, side)).unwrap()
}

#[test]
fn a_mapping_is_learnt_from_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::default();
    for adversarial in [true, false] {
        let mut config: TranslationConfig = recipe("discs", Some(64));
        config.model.filters = 8;
        config.fit.epochs = 25;
        config.fit.learning_rate = 2e-3;
        config.fit.average = 0.9;
        config.fit.adversarial = adversarial;
        config.fit.schedule = ScheduleConfig::default();
        let run = RunDirectory::create(folder.path().join(adversarial.to_string())).unwrap();
        let shape = shape(1, 3, 16);
        run.write_json(SHAPE, &shape).unwrap();
        run.write_json(CONFIG, &config).unwrap();
        let (pairs, unseen) = (discs(0, 64), discs(70, 20));
        let mut game = TranslationGame::new(
            config.model.clone(),
            shape,
            [pairs, unseen.clone()],
            config.fit.clone(),
            1,
            device.clone(),
        )
        .unwrap();
        // What is given comes first, and stays as it is.
        let generator = game.generator(&device).unwrap();
        let made = game.generate(&generator, Tensor::zeros([2, 0], &device), &[5, 9]);
        let given = Tensor::<4>::from_data(game.pairs().input.batch(&[5, 9]).0, &device);
        assert!(made.clone().narrow(1, 0, 1).equal(given).all().into_scalar::<bool>() && made.dims() == [2, 4, 16, 16]);

        let output = Output { json: false, quiet: true };
        let autodiff = device.clone().autodiff();
        let training = Training { config: &config.fit, seed: 1, device: &autodiff, run: &run, output: &output };
        training.run(&mut game).unwrap();
        let translator = Translator::open(run.path(), &device).unwrap();
        let evaluation = Evaluation::of(&translator, game.pairs(), &unseen, None).unwrap();
        assert!(evaluation.l1 < 0.3 * evaluation.l1_of_mean, "{} {}", evaluation.l1, evaluation.l1_of_mean);
        assert!((0.7..1.3).contains(&evaluation.sharpness), "{}", evaluation.sharpness);
        // A picture of another size and in colour becomes one of the form that was learnt.
        let large =
            picture::resize(&picture::to_channels(&unseen.input.image(0).unwrap(), 3).unwrap(), 50, 40).unwrap();
        let made = translator.translate(&large).unwrap();
        assert_eq!((made.width, made.height, made.channels), (16, 16, 3));
    }
}
