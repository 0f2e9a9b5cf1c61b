//! How good generated pictures are: what they have in common with real ones, in numbers.
//!
//! Pictures are described by a classifier that was trained on the same classes ([`classifier`]): what its last layer but one says of a
//! picture, and the class it takes it for. Descriptions of generated pictures are compared with those of real ones: [`frechet`] and
//! [`kernel`] (distances between the two clouds), [`manifold`] (precision and recall), [`classes`] (which classes there are), and without
//! the classifier, on pixels, [`sliced`] (a distance) and [`nearest`] (whether pictures were learnt by heart). [`rows`] has what they share.
//!
//! Each is also measured on real pictures against other real ones: that is the floor, which no generator of so many pictures goes below but by
//! chance.

pub mod classes;
pub mod classifier;
pub mod frechet;
pub mod kernel;
pub mod manifold;
pub mod nearest;
pub mod rows;
pub mod sliced;

use burn::tensor::Device;
use serde::Serialize;

use self::classes::Classes;
use self::frechet::Gaussian;
use self::rows::Rows;
use crate::Result;

/// What there is to know of some pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Values from 0 to 1, a row for each picture.
    pub pixels: Rows,
    /// What the classifier's last layer but one says of each; `None` without a classifier.
    pub features: Option<Rows>,
    /// The class it takes each for; empty without a classifier.
    pub classes: Vec<usize>,
}

/// Some pictures measured against real ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measures {
    /// Distances in the classifier's features; `None` without one.
    pub features: Option<FeatureMeasures>,
    /// Sliced Wasserstein distance on pixels.
    pub sliced_wasserstein: f64,
}

/// Measures in the classifier's features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FeatureMeasures {
    /// Frechet distance.
    pub frechet: f64,
    /// Kernel distance.
    pub kernel: f64,
    /// Share of these pictures that lie among real ones.
    pub precision: f64,
    /// Share of real ones that lie among these.
    pub recall: f64,
    /// Which classes there are.
    pub classes: Classes,
}

impl Measures {
    /// Of `pictures` against real ones, `reference`.
    ///
    /// # Errors
    /// More features than a Frechet distance is computed for.
    pub fn of(pictures: &Described, reference: &Described, names: usize, device: &Device) -> Result<Self> {
        let features = match (&pictures.features, &reference.features) {
            (Some(own), Some(other)) => {
                let (precision, recall) = manifold::precision_and_recall(own, other, device);
                Some(FeatureMeasures {
                    frechet: Gaussian::of(own)?.distance(&Gaussian::of(other)?),
                    kernel: kernel::distance(own, other, device),
                    precision,
                    recall,
                    classes: Classes::of(&pictures.classes, &reference.classes, names),
                })
            }
            _ => None,
        };
        Ok(Self { features, sliced_wasserstein: sliced::distance(&pictures.pixels, &reference.pixels, device) })
    }
}
