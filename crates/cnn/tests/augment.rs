//! Augmentation against scipy and torchvision (`reference/augment.py` made the numbers), and its own promises.

use std::collections::HashMap;

use ognivo_cnn::image::augment::{Augment, AugmentConfig, Border, FloatImage, Placement};
use ognivo_core::data::Image;
use ognivo_core::random;
use proptest::prelude::*;
use serde::Deserialize;

/// The picture of the reference script.
fn picture() -> FloatImage {
    let pixels = (0..3 * 7 * 9).map(|i| (i * 37 % 101) as f32 / 100.0).collect();
    FloatImage::new([3, 7, 9], pixels).unwrap()
}

fn assert_close(case: &str, found: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(found.len(), expected.len());
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        assert!((f - e).abs() <= tolerance, "{case}: number {i}: {f} instead of {e}");
    }
}

#[derive(Deserialize)]
struct Reference {
    placements: Vec<Placed>,
    /// By name and factor.
    colour: HashMap<String, HashMap<String, Vec<f32>>>,
}

#[derive(Deserialize)]
struct Placed {
    placement: (f32, f32, i64, i64, bool),
    zero: Vec<f32>,
    reflect: Vec<f32>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("reference/augment.json")).unwrap()
}

#[test]
fn placements_are_scipys() {
    assert_eq!(reference().placements.len(), 8);
    for Placed { placement: (scale, degrees, right, down, mirror), zero, reflect } in reference().placements {
        let placement = Placement { scale, degrees, right, down, mirror };
        for (border, expected) in [(Border::Zero, zero), (Border::Reflect, reflect)] {
            let mut image = picture();
            placement.apply(&mut image, border);
            assert_close(&format!("{placement:?} {border:?}"), image.pixels(), &expected, 3e-5);
        }
    }
}

/// A generator whose draws are all the same, so that a drawn factor is known.
struct Always(u32);

impl rand::TryRng for Always {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(u64::from(self.0) << 32 | u64::from(self.0))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.fill(self.0 as u8);
        Ok(())
    }
}

#[test]
fn brightness_and_contrast_are_torchvisions() {
    let colour = reference().colour;
    for (name, cases) in colour {
        assert_eq!(cases.len(), 3);
        for (factor, expected) in cases {
            // The lowest draw is 1 - strength, the highest (nearly) 1 + strength.
            let factor: f32 = factor.parse().unwrap();
            let strength = (factor - 1.0).abs();
            let mut config = AugmentConfig::default();
            *(if name == "brightness" { &mut config.brightness } else { &mut config.contrast }) = strength;
            let mut image = picture();
            let draw = if factor < 1.0 { 0 } else { u32::MAX };
            Augment::new(config).unwrap().apply(&mut image, &mut Always(draw));
            assert_close(&format!("{name} {factor}"), image.pixels(), &expected, 1e-6);
        }
    }
}

#[test]
fn nothing_is_on_by_default() {
    let mut image = picture();
    Augment::default().replay(&mut image, 1, 2, 3);
    assert_eq!(image, picture());
}

#[test]
fn turning_by_nothing_and_mirroring_twice_change_nothing() {
    let mut image = picture();
    let mirror = Placement { mirror: true, ..Placement::default() };
    mirror.apply(&mut image, Border::Zero);
    assert_ne!(image, picture());
    assert_eq!(image.pixels()[..9], picture().pixels()[..9].iter().rev().copied().collect::<Vec<_>>());
    mirror.apply(&mut image, Border::Zero);
    assert_eq!(image, picture());

    let full = Placement { degrees: 360.0, ..Placement::default() };
    full.apply(&mut image, Border::Reflect);
    assert_close("full turn", image.pixels(), picture().pixels(), 1e-4);
    Placement::default().apply(&mut image, Border::Zero);
    assert_close("no turn", image.pixels(), picture().pixels(), 1e-4);
}

#[test]
fn drawn_shifts_cover_the_whole_range_evenly() {
    // A single white pixel shows where the picture went.
    let augment = Augment::new("shift=1,crop=1".parse().unwrap()).unwrap();
    let mut counts = [[0u32; 7]; 7];
    for index in 0..40_500 {
        let mut image = FloatImage::new([1, 7, 7], vec![0.0; 49]).unwrap();
        image.pixels_mut()[24] = 1.0;
        augment.replay(&mut image, 4, 0, index);
        let place = image.pixels().iter().position(|&pixel| pixel == 1.0).unwrap();
        counts[place / 7][place % 7] += 1;
    }
    // Two moves of -1, 0 or 1 add up: 1 2 3 2 1 of 9, each way.
    let weights = [0.0, 1.0, 2.0, 3.0, 2.0, 1.0, 0.0];
    for (y, row) in counts.iter().enumerate() {
        for (x, &count) in row.iter().enumerate() {
            let expected = 500.0 * weights[y] * weights[x];
            assert!((f64::from(count) - expected).abs() <= 5.0 * f64::sqrt(expected), "{counts:?}");
        }
    }
}

#[test]
fn half_of_the_pictures_are_mirrored() {
    let augment = Augment::new("flip".parse().unwrap()).unwrap();
    let mirrored = (0..2000)
        .filter(|&index| {
            let mut image = picture();
            augment.replay(&mut image, 0, 1, index);
            image != picture()
        })
        .count();
    assert!((900..1100).contains(&mirrored), "{mirrored}");
}

#[test]
fn erased_rectangles_keep_their_area() {
    let augment = Augment::new("erase=1,erase-area=0.1..0.3".parse().unwrap()).unwrap();
    for index in 0..500 {
        let mut image = FloatImage::new([2, 40, 50], vec![-1.0; 4000]).unwrap();
        augment.replay(&mut image, 0, 0, index);
        let erased: Vec<usize> = (0..2000).filter(|&i| image.pixels()[i] != -1.0).collect();
        let both = image.pixels().iter().filter(|&&pixel| (0.0..1.0).contains(&pixel)).count();
        assert_eq!(both, 2 * erased.len(), "the same rectangle in every channel");
        let (Some(first), Some(last)) = (erased.first(), erased.last()) else {
            panic!("nothing erased");
        };
        let (height, width) = (last / 50 - first / 50 + 1, last % 50 - first % 50 + 1);
        assert_eq!(height * width, erased.len(), "a rectangle");
        assert!((0.09..0.31).contains(&(erased.len() as f32 / 2000.0)), "{}", erased.len());
        assert!((0.25..4.0).contains(&(height as f32 / width as f32)), "{height} x {width}");
    }
    let augment = Augment::new("erase=0.25".parse().unwrap()).unwrap();
    let erased = (0..2000)
        .filter(|&index| {
            let mut image = picture();
            augment.replay(&mut image, 0, 0, index);
            image != picture()
        })
        .count();
    assert!((420..580).contains(&erased), "{erased}");
}

#[test]
fn bytes_become_planes() {
    let image = Image { width: 2, height: 1, channels: 3, pixels: vec![0, 51, 102, 153, 204, 255] };
    let image = FloatImage::from(&image);
    assert_eq!(image.shape(), [3, 1, 2]);
    assert_close("planes", image.pixels(), &[0.0, 0.6, 0.2, 0.8, 0.4, 1.0], 1e-6);
    assert!(FloatImage::new([1, 2, 2], vec![0.0; 3]).is_err());
    assert!(FloatImage::new([usize::MAX, 2, 2], vec![0.0; 3]).is_err());
}

fn any_config() -> impl Strategy<Value = AugmentConfig> {
    let range = |low: f32, high: f32| (low..=high, low..=high).prop_map(|(a, b)| [a.min(b), a.max(b)]);
    let moves = (0..40u32, 0..40u32, any::<bool>(), any::<bool>());
    let shapes = (0.0..=180.0f32, range(0.1, 10.0), range(0.0, 1.0));
    (moves, shapes, 0.0..=1.0f32, 0.0..=1.0f32, 0.0..=1.0f32).prop_map(
        |((shift, crop, reflect, flip), (rotate, scale, erase_area), brightness, contrast, erase)| AugmentConfig {
            shift,
            crop,
            border: if reflect { Border::Reflect } else { Border::Zero },
            flip,
            rotate,
            scale,
            brightness,
            contrast,
            erase,
            erase_area,
            mixup: 0.0,
        },
    )
}

proptest! {
    #[test]
    fn any_setting_keeps_shape_and_range_and_can_be_drawn_again(
        config in any_config(), shape in prop::array::uniform3(0..12usize), seed: u64, epoch: u64, index: usize,
    ) {
        let count = shape.iter().product::<usize>();
        let mut rng = random::stream(seed, &[]);
        let image = FloatImage::new(shape, (0..count).map(|_| random::uniform(&mut rng)).collect()).unwrap();
        let augment = Augment::new(config).unwrap();
        let (mut once, mut again) = (image.clone(), image);
        augment.replay(&mut once, seed, epoch, index);
        augment.replay(&mut again, seed, epoch, index);
        prop_assert_eq!(once.shape(), shape);
        prop_assert!(once.pixels().iter().all(|pixel| (0.0..=1.0 + 1e-6).contains(pixel)));
        let bits = |image: &FloatImage| image.pixels().iter().map(|pixel| pixel.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&once), bits(&again));
    }

    #[test]
    fn any_flag_is_parsed_or_refused(text in "[a-z_=.,0-9-]{0,40}") {
        if let Ok(config) = text.parse::<AugmentConfig>() {
            prop_assert!(config.validate().is_ok());
        }
    }
}
