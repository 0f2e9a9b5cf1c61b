//! The same training on every backend of this build that works on this machine.
//!
//! Build with `--features ndarray,wgpu` for more than the default backend.

use ognivo_cnn::image::recipe::recipe;
use ognivo_cnn::image::session::Session;
use ognivo_cnn::image::trained::Trained;
use ognivo_cnn::image::{augment::AugmentConfig, data};
use ognivo_core::cli::events::Output;
use ognivo_core::device::{self, BACKENDS};
use ognivo_core::run::RunDirectory;
use serde_json::json;

#[test]
fn every_backend_learns_the_same_digits() {
    let output = Output { json: false, quiet: true };
    let opened = data::open_source("digits", &Default::default(), &output).unwrap();
    let mut config = recipe("digits", &*opened.train, None).unwrap();
    config.network =
        serde_json::from_value(json!({ "network": "standard", "channels": [8, 16], "dense": [32] })).unwrap();
    config.augment = AugmentConfig::default();
    config.fit.epochs = 8;
    let splits = data::split(opened, &config).unwrap();

    let found = device::list();
    for backend in BACKENDS.iter().filter(|backend| backend.compiled) {
        // One device of each backend is enough.
        let device = found.iter().find(|found| found.name.split(':').next() == Some(backend.name));
        let Some(device) = device.filter(|device| device.usable.is_ok()) else {
            eprintln!("skipped: {} has no usable device here ({device:?})", backend.name);
            continue;
        };
        let plain = device::parse(&device.name).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let run = RunDirectory::create(folder.path().join("run")).unwrap();
        let training = plain.clone().autodiff();
        let session = Session::new(&run, &config, &splits, &training).unwrap();
        let outcome = session.fit(&splits, &output).unwrap();
        let accuracy = Trained::open(run.path(), &plain).unwrap().evaluate(&splits.test).unwrap().accuracy();
        eprintln!("{}: test accuracy {accuracy:.3}, {:.0} pictures/s", device.name, outcome.items_per_second);
        assert!(accuracy > 0.85, "{}: {accuracy}", device.name);
        // What one backend trained, the processor reads: the run directory does not depend on the device.
        let moved = Trained::open(run.path(), &device::parse("cpu").unwrap()).unwrap().evaluate(&splits.test).unwrap();
        assert!(
            (moved.accuracy() - accuracy).abs() < 0.01,
            "{}: {accuracy} there, {} here",
            device.name,
            moved.accuracy()
        );
    }
}
