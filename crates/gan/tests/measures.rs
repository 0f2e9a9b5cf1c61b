//! Measures of generated pictures against numpy's and scipy's values, and on pictures whose answer is known.

use burn::tensor::Device;
use ognivo_gan::measure::frechet::Gaussian;
use ognivo_gan::measure::rows::{Rows, squared_distances};
use ognivo_gan::measure::{kernel, manifold, sliced};
use serde::Deserialize;

/// Made by `reference/measures.py`.
#[derive(Deserialize)]
struct Case {
    count: usize,
    width: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    directions: Vec<f32>,
    frechet: f64,
    kernel: f64,
    precision: f64,
    recall: f64,
    sliced: f64,
    nearest: Vec<usize>,
}

#[test]
fn measures_are_those_of_numpy_and_scipy() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/measures.json")).unwrap();
    let device = Device::default();
    // In one case a covariance is singular: fewer rows than columns.
    assert!(cases.len() == 3 && cases.iter().any(|case| case.count < case.width));
    for case in cases {
        let (x, y) = (Rows::new(case.x, case.width), Rows::new(case.y, case.width));
        assert_eq!((x.len(), y.len()), (case.count, case.count));
        let frechet = Gaussian::of(&x).unwrap().distance(&Gaussian::of(&y).unwrap());
        // scipy's root of a singular product is good to the root of the rounding.
        let tolerance = if case.count < case.width { 1e-5 } else { 1e-9 };
        assert!((frechet / case.frechet - 1.0).abs() < tolerance, "{frechet} {}", case.frechet);
        let back = Gaussian::of(&y).unwrap().distance(&Gaussian::of(&x).unwrap());
        assert!((frechet / back - 1.0).abs() < 1e-6, "{frechet} {back}");
        let found = kernel::distance(&x, &y, &device);
        assert!((found - case.kernel).abs() < 1e-5 * case.kernel.abs().max(1.0), "{found} {}", case.kernel);
        assert_eq!(manifold::precision_and_recall(&x, &y, &device), (case.precision, case.recall));
        let found = sliced::along(&x, &y, &Rows::new(case.directions, case.width), &device);
        assert!((found / case.sliced - 1.0).abs() < 1e-5, "{found} {}", case.sliced);
        let mut nearest = Vec::new();
        squared_distances(&x, &y, &device, |_, distances| {
            nearest
                .push((0..distances.len()).fold(0, |best, at| if distances[at] < distances[best] { at } else { best }));
        });
        assert_eq!(nearest, case.nearest);
    }
}
