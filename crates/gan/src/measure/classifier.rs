//! The classifier in whose features pictures are measured: one of `ognivo-cnn`, trained on real pictures of the same classes.
//!
//! Measures in the features of different classifiers cannot be compared; which it was, its SHA-256 says.

use std::fs;
use std::io::Write;
use std::path::Path;

use burn::tensor::{Device, Tensor};
use ognivo_cnn::image::data::split;
use ognivo_cnn::image::evaluate::argmax;
use ognivo_cnn::image::preprocess::PREPROCESSING;
use ognivo_cnn::image::recipe::recipe;
use ognivo_cnn::image::session::Session;
use ognivo_cnn::image::train::ClassifierConfig;
use ognivo_cnn::image::trained::{CLASSES, Trained};
use ognivo_core::Error;
use ognivo_core::cli::events::Output;
use ognivo_core::data::{Image, ImageSplits};
use ognivo_core::run::{CHECKPOINT, CONFIG, MODEL, RunDirectory, sha256, write_atomic};
use ognivo_core::train::fit::Stopped;

use super::Described;
use super::rows::Rows;
use crate::Result;
use crate::images::data::to_images;
use crate::images::shape::PictureShape;

/// The folder of a run that holds its classifier, itself a run of `classify-images`.
pub const FOLDER: &str = "classifier";
/// Pictures in a pass through the network.
const PASS: usize = 250;
/// Pictures that training looks at, all epochs together: MNIST's twice.
const LOOKS: usize = 120_000;

/// A classifier to measure with.
#[derive(Debug)]
pub struct Classifier {
    trained: Trained,
    /// SHA-256 of its weights' file.
    pub sha256: String,
}

impl Classifier {
    /// Opens a run of `classify-images`.
    ///
    /// # Errors
    /// What is no such run, or is damaged.
    pub fn open(path: &Path, device: &Device) -> Result<Self> {
        let trained = Trained::open(path, device)?;
        let file = trained.run.file(MODEL);
        let bytes = fs::read(&file).map_err(Error::io(&file, "read"))?;
        Ok(Self { trained, sha256: sha256(&bytes) })
    }

    /// Makes a copy of `given`, a run of `classify-images`, the classifier of `run`.
    ///
    /// # Errors
    /// As [`open`](Self::open); a full disk.
    pub fn adopt(run: &RunDirectory, given: &Path) -> Result<()> {
        let folder = run.file(FOLDER);
        fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
        // The configuration comes last: its presence makes the folder a run.
        for name in [MODEL, PREPROCESSING, CLASSES, CONFIG] {
            let path = given.join(name);
            let bytes = fs::read(&path).map_err(Error::io(&path, "read"))?;
            write_atomic(&folder.join(name), |file| file.write_all(&bytes))?;
        }
        Ok(())
    }

    /// The classifier of `run`: the one it has adopted, or one that is trained on `data`, opened as `splits`, with the recipe of
    /// `classify-images` for so many `epochs`, else for at most 120 000 looks at a picture. What was begun is taken up again. `None` for
    /// pictures of one class, for no epochs, and when Ctrl-C stopped the training, which is to be asked of
    /// [`interrupt`](ognivo_core::train::interrupt).
    ///
    /// # Errors
    /// As [`open`](Self::open); a full disk.
    pub fn of_run(
        run: &RunDirectory,
        data: &str,
        splits: &ImageSplits,
        epochs: Option<u64>,
        device: &Device,
        output: &Output,
    ) -> Result<Option<Self>> {
        let folder = run.file(FOLDER);
        // What was trained here has a folder for its checkpoints from the beginning.
        let is_trained_here = folder.join(CHECKPOINT).parent().is_some_and(Path::exists);
        if folder.join(CONFIG).exists() && !is_trained_here {
            return Ok(Some(Self::open(&folder, device)?));
        }
        if splits.train.classes().len() < 2 || epochs == Some(0) {
            return Ok(None);
        }
        let finished = train(&folder, data, splits, epochs, device, output)?;
        finished.then(|| Self::open(&folder, device)).transpose()
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.trained.classes
    }

    /// The network's name.
    pub fn network(&self) -> &'static str {
        self.trained.config.network.name()
    }

    /// Its accuracy on the test part of `splits`.
    ///
    /// # Errors
    /// Pictures that cannot be read.
    pub fn accuracy(&self, splits: &ImageSplits) -> Result<f64> {
        let parts = split(splits.clone(), &self.trained.config)?;
        Ok(self.trained.evaluate(&parts.test)?.accuracy())
    }

    /// Features and classes of pictures.
    fn look(&self, images: &[Image]) -> Result<(Rows, Vec<usize>)> {
        let (mut features, mut classes, mut width) = (Vec::new(), Vec::new(), 1);
        for part in images.chunks(PASS) {
            let fitted =
                part.iter().map(|image| self.trained.preprocessing.fit(image)).collect::<Result<Vec<_>, _>>()?;
            // The input of the last layer is the output of the last but one.
            let (mut before, mut last) = (None, None);
            let look = |_: &str, output: Tensor<4>| before = last.replace(output);
            let logits = self.trained.network.forward_watched(self.trained.input(&fitted), look);
            let logits: Vec<f32> = logits.into_data().try_to_vec().unwrap_or_default();
            classes.extend(logits.chunks_exact(self.classes().len()).map(argmax));
            let Some(before) = before else { continue };
            width = before.dims()[1..].iter().product();
            features.extend(before.into_data().try_to_vec::<f32>().unwrap_or_default());
        }
        Ok((Rows::new(features, width), classes))
    }
}

/// What there is to know of pictures, given by values from -1 to 1; they are looked at as the bytes of files would be.
///
/// # Errors
/// None for values of whole pictures.
pub fn describe(classifier: Option<&Classifier>, values: &[f32], shape: &PictureShape) -> Result<Described> {
    let images = to_images(values, shape)?;
    let pixels = values.iter().map(|value| ((value + 1.0) * 127.5).round().clamp(0.0, 255.0) / 255.0).collect();
    let (features, classes) = match classifier {
        None => (None, Vec::new()),
        Some(classifier) => {
            let (features, classes) = classifier.look(&images)?;
            (Some(features), classes)
        }
    };
    Ok(Described { pixels: Rows::new(pixels, shape.values()), features, classes })
}

/// Whether training came to its end.
fn train(
    folder: &Path,
    data: &str,
    splits: &ImageSplits,
    epochs: Option<u64>,
    device: &Device,
    output: &Output,
) -> Result<bool> {
    let mut config: ClassifierConfig = recipe(data, &*splits.train, None)?;
    let looks = (LOOKS / splits.train.len().max(1)) as u64;
    config.fit.epochs = epochs.unwrap_or(looks.clamp(1, config.fit.epochs));
    config.validate(&*splits.train)?;
    let run = match folder.join(CONFIG).exists() {
        true => RunDirectory::open(folder)?,
        false => RunDirectory::create(folder)?,
    };
    let parts = split(splits.clone(), &config)?;
    let autodiff = device.clone().autodiff();
    let quiet = Output { json: false, quiet: output.is_silent() };
    let outcome = Session::new(&run, &config, &parts, &autodiff)?.fit(&parts, &quiet)?;
    Ok(outcome.stopped != Stopped::Interrupted)
}
