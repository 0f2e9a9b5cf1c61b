//! The network learns where patches lie, its trunk is a network like any other, and shortcuts are found where they are open.

use std::sync::Arc;

use burn::module::Module;
use burn::tensor::Device;
use ognivo_cnn::image::preprocess::Preprocessing;
use ognivo_core::cli::events::Output;
use ognivo_core::data::{ImageSet, MemoryImages};
use ognivo_core::random::{self, Rng};
use ognivo_core::run::{CONFIG, RunDirectory};
use ognivo_core::train::fit::Fit;
use ognivo_core::train::loader::Loader;
use ognivo_core::weights::tensors_of;
use ognivo_transfer::fine_tune::origin::Origin;
use ognivo_transfer::patch_position::shortcuts::{Cue, audit};
use ognivo_transfer::patch_position::train::{evaluate, write_trunk};
use ognivo_transfer::patch_position::{Colour, PairBatcher, PairConfig, PatchConfig, PatchLearner};

/// Pictures of 24 pixels whose brightness rises downwards and whose stripes widen to the right: where a patch lies can be seen, and edges go on.
fn pictures(count: usize, seed: u64) -> Arc<dyn ImageSet> {
    let mut rng = random::stream(seed, &[]);
    let mut pixels = Vec::new();
    for _ in 0..count {
        let (phase, tint) = (6.0 * random::uniform(&mut rng), random::uniform(&mut rng));
        for at in 0..24 * 24 {
            let (row, column) = ((at / 24) as f32, (at % 24) as f32);
            let stripes = (phase + 30.0 / (1.0 + column / 6.0)).sin();
            let value = 60.0 + 4.0 * row + 40.0 * stripes + 20.0 * random::uniform(&mut rng);
            pixels.extend([value, value * (0.7 + 0.3 * tint), value * (1.0 - 0.3 * tint)].map(|v| v as u8));
        }
    }
    let labels = (0..count).map(|index| index % 2).collect();
    Arc::new(MemoryImages::new("made", [24, 24, 3], pixels, labels, vec!["a".into(), "b".into()]).unwrap())
}

/// Pictures of waves in random directions, which look alike everywhere: nothing but edges that go on tells where a patch lies.
fn waves(count: usize, seed: u64) -> Arc<dyn ImageSet> {
    let mut rng = random::stream(seed, &[]);
    let mut pixels = Vec::new();
    for _ in 0..count {
        let mut wave = || [0; 3].map(|_| random::uniform(&mut rng));
        let waves = [wave(), wave(), wave()];
        for at in 0..24 * 24 {
            let (row, column) = ((at / 24) as f32, (at % 24) as f32);
            let of = |[a, b, phase]: [f32; 3]| (2.0 * (a - 0.5) * row + 2.0 * (b - 0.5) * column + 6.3 * phase).sin();
            pixels.extend([(128.0 + 40.0 * waves.map(of).iter().sum::<f32>()) as u8; 3]);
        }
    }
    let labels = (0..count).map(|index| index % 2).collect();
    Arc::new(MemoryImages::new("waves", [24, 24, 3], pixels, labels, vec!["a".into(), "b".into()]).unwrap())
}

fn pairs(gap: usize, jitter: usize, colour: Colour) -> PairConfig {
    PairConfig { patch: 6, gap, jitter, colour, coarse: 0.0, ..PairConfig::default() }
}

#[test]
fn directions_are_learnt_and_the_trunk_is_a_network_for_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let device = Device::default().autodiff();
    let set = pictures(200, 1);
    let preprocessing = Preprocessing::measure(&*set, None).unwrap();
    let mut config = PatchConfig { hidden: 32, pairs: pairs(1, 1, Colour::Drop), ..PatchConfig::base("made") };
    (config.fit.epochs, config.fit.batch_size) = (6, 32);
    let batcher = |set, seed| {
        PairBatcher::evaluation(set, preprocessing.clone(), config.pairs.clone(), 2, seed)
            .map(|b| Loader::new(b, 64, 1))
            .unwrap()
    };
    let train = PairBatcher::training(set.clone(), preprocessing.clone(), config.pairs.clone(), 2, 1).unwrap();
    device.seed(random::stream(1, &[random::INIT]).next_u64());
    let network = config.init(&preprocessing, 2, &device).unwrap();
    let run = RunDirectory::create(folder.path().join("run")).unwrap();
    run.write_json(CONFIG, &config).unwrap();
    let quiet = Output { json: false, quiet: true };
    let fit = Fit { config: &config.fit, seed: 1, device: &device, run: &run, output: &quiet };
    let mut learner = PatchLearner { valid: Some(batcher(pictures(40, 2), 5)), device: device.clone() };
    let outcome = fit.run(&mut learner, network, &Loader::new(train, 32, 1).shuffled(1)).unwrap();
    assert!(outcome.best.unwrap().score > 0.25, "{outcome:?}");

    let plain = Device::default();
    let (tensors, _) = ognivo_core::weights::read(&run.file("model.safetensors")).unwrap();
    let network = config.init(&preprocessing, 2, &plain).unwrap();
    let network = ognivo_core::weights::load_into(network, tensors, "model".as_ref()).unwrap();
    let (_, confusion) = evaluate(&network, &batcher(pictures(100, 3), 6), &plain).unwrap();
    assert!(
        confusion.accuracy().low > 0.125,
        "better than guessing on pictures never seen: {:?}",
        confusion.accuracy()
    );
    let trunk = run.file("trunk");
    for _ in 0..2 {
        write_trunk(&network, &config, &preprocessing, set.classes(), &trunk).unwrap();
    }
    // For whole pictures and other classes, with a classifier of its own.
    let opened = Origin::run(&trunk).unwrap().open(preprocessing.input(), 5, 1, &plain).unwrap().valid();
    let (own, before) = (tensors_of(&opened), tensors_of(&network.trunk));
    assert!(before.iter().all(|(name, data)| (own[name] == *data) != name.starts_with("fc.")));
}

#[test]
fn shortcuts_are_found_where_they_are_open() {
    let (trends, waves) = ([pictures(150, 1), pictures(150, 2)], [waves(150, 1), waves(150, 2)]);
    let accuracy = |[train, test]: &[Arc<dyn ImageSet>; 2], cue, pairs: PairConfig| {
        let preprocessing = Preprocessing::measure(&**train, None).unwrap();
        let batcher = |set: &Arc<dyn ImageSet>| {
            PairBatcher::evaluation(set.clone(), preprocessing.clone(), pairs.clone(), 3, 1).unwrap()
        };
        audit(cue, &batcher(train), &batcher(test)).unwrap()
    };
    let open = accuracy(&waves, Cue::Edges, pairs(0, 0, Colour::Keep));
    let closed = accuracy(&waves, Cue::Edges, pairs(2, 1, Colour::Keep));
    assert!(open.low > 0.3 && closed.high < open.low, "{open} {closed}");
    // Brightness tells above from below here, whatever is between the patches.
    assert!(accuracy(&trends, Cue::Colour, pairs(2, 1, Colour::Keep)).low > 0.2);
    // No colour is shifted against another.
    assert!(accuracy(&waves, Cue::ColourShift, pairs(2, 1, Colour::Keep)).low < 0.2);
}
