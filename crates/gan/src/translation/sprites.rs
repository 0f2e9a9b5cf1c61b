//! A sequence that is made here: a figure that moves, once as a pose of sticks and once as a shaded picture. It stands for the frames of a
//! video and the poses found in them (Chan et al. 2019, "Everybody Dance Now").

use std::f64::consts::{PI, TAU};

use ognivo_core::Result;
use ognivo_core::data::{Image, MemoryImages};
use ognivo_core::random::{self, stream};

use crate::noise::SPRITE;

/// The name in `--data`.
pub const NAME: &str = "sprites";
/// Frames to learn from, and those that follow them.
pub const FRAMES: (usize, usize) = (1200, 300);
/// Points in a pixel, along each axis, whose colours are averaged.
const SAMPLES: usize = 3;
/// Where light comes from: left, above, in front.
const LIGHT: [f64; 3] = [-0.48, -0.6, 0.64];

type Point = [f64; 2];
type Colour = [f64; 3];

/// A limb: its ends, its width, its colour in the picture and in the pose.
struct Limb {
    ends: [Point; 2],
    radius: f64,
    colour: Colour,
    stick: Colour,
}

/// The figure at frame `time`; what is behind comes first. Coordinates are from 0 to 1, to the right and down.
fn figure(time: usize) -> Vec<Limb> {
    // Each joint swings about its middle with two speeds of its own, that have no common period.
    let swing = |joint: u64, middle: f64, width: f64| {
        let mut rng = stream(0, &[SPRITE, joint]);
        let mut draw = |from: f64, to: f64| from + (to - from) * random::uniform_f64(&mut rng);
        let (slow, fast) = (draw(0.05, 0.09), draw(0.13, 0.21));
        let (a, b) = (draw(0.0, TAU), draw(0.0, TAU));
        middle + width * (0.65 * (slow * time as f64 + a).sin() + 0.35 * (fast * time as f64 + b).sin())
    };
    // Angles are from straight down, positive to the right.
    let from = |[x, y]: Point, angle: f64, length: f64| [x + length * angle.sin(), y + length * angle.cos()];
    let hips = [swing(0, 0.5, 0.08), swing(1, 0.58, 0.025)];
    let lean = swing(2, PI, 0.22);
    let neck = from(hips, lean, 0.23);
    let head = from(neck, lean + swing(3, 0.0, 0.25), 0.085);
    let limb = |ends, radius, colour, stick| Limb { ends, radius, colour, stick };
    let (skin, shirt, trousers) = ([0.92, 0.72, 0.56], [0.78, 0.2, 0.2], [0.2, 0.26, 0.55]);
    let dark = |colour: Colour| colour.map(|part| 0.62 * part);
    let arm = |joint: u64, side: f64| {
        let upper = swing(joint, 0.9 * side, 1.1);
        let elbow = from(neck, upper, 0.14);
        [[neck, elbow], [elbow, from(elbow, upper + side * (0.9 + swing(joint + 1, 0.0, 0.8)), 0.13)]]
    };
    let leg = |joint: u64, side: f64| {
        let upper = swing(joint, 0.28 * side, 0.5);
        let knee = from(hips, upper, 0.17);
        [[hips, knee], [knee, from(knee, upper - side * (0.35 + swing(joint + 1, 0.0, 0.3)), 0.17)]]
    };
    let (left_arm, right_arm, left_leg, right_leg) = (arm(4, -1.0), arm(6, 1.0), leg(8, -1.0), leg(10, 1.0));
    vec![
        limb(left_arm[0], 0.034, dark(shirt), [0.0, 0.7, 1.0]),
        limb(left_arm[1], 0.028, dark(skin), [0.0, 0.3, 1.0]),
        limb(left_leg[0], 0.044, dark(trousers), [0.0, 1.0, 0.6]),
        limb(left_leg[1], 0.036, dark(trousers), [0.0, 1.0, 0.0]),
        limb(right_leg[0], 0.044, trousers, [1.0, 0.6, 0.0]),
        limb(right_leg[1], 0.036, trousers, [1.0, 0.2, 0.0]),
        limb([hips, neck], 0.062, shirt, [1.0, 1.0, 1.0]),
        limb([head, head], 0.07, skin, [1.0, 1.0, 0.0]),
        limb(right_arm[0], 0.034, shirt, [1.0, 0.0, 0.6]),
        limb(right_arm[1], 0.028, skin, [0.8, 0.0, 1.0]),
    ]
}

/// The vector from the nearest point of a segment to `point`.
fn offset([a, b]: [Point; 2], point: Point) -> Point {
    let along = [b[0] - a[0], b[1] - a[1]];
    let from = [point[0] - a[0], point[1] - a[1]];
    let squared = along[0] * along[0] + along[1] * along[1];
    let share = if squared > 0.0 { ((from[0] * along[0] + from[1] * along[1]) / squared).clamp(0.0, 1.0) } else { 0.0 };
    [from[0] - share * along[0], from[1] - share * along[1]]
}

/// The figure as sticks on black, about a pixel wide, each limb in a colour of its own; the head is a disc.
fn stick(limbs: &[Limb], point: Point, pixel: f64) -> Colour {
    let width = |limb: &Limb| if limb.ends[0] == limb.ends[1] { 0.4 * limb.radius } else { (0.55 * pixel).max(0.008) };
    let hit = limbs
        .iter()
        .rev()
        .find(|limb| offset(limb.ends, point).iter().map(|d| d * d).sum::<f64>().sqrt() < width(limb));
    hit.map_or([0.0; 3], |limb| limb.stick)
}

/// The figure with round limbs in the light, before a wall and a floor on which its shadow lies.
fn shaded(limbs: &[Limb], point: Point) -> Colour {
    for limb in limbs.iter().rev() {
        let [x, y] = offset(limb.ends, point).map(|d| d / limb.radius);
        let rest = 1.0 - x * x - y * y;
        if rest > 0.0 {
            let facing = (LIGHT[0] * x + LIGHT[1] * y + LIGHT[2] * rest.sqrt()).max(0.0);
            return limb.colour.map(|part| part * (0.3 + 0.8 * facing));
        }
    }
    const FLOOR: f64 = 0.86;
    if point[1] < FLOOR {
        let light = 0.62 + 0.25 * (1.0 - point[1]);
        return [light * 0.85, light * 0.92, light];
    }
    let middle = limbs.iter().map(|limb| limb.ends[1][0]).sum::<f64>() / limbs.len().max(1) as f64;
    let shadow = ((point[0] - middle - 0.05) / 0.2).powi(2) + ((point[1] - 0.93) / 0.035).powi(2);
    let light = if shadow < 1.0 { 0.45 } else { 0.8 };
    [light * 0.75, light * 0.66, light * 0.5]
}

/// The pose and the picture of frame `time`, squares of `side` pixels in colour.
///
/// # Errors
/// A side of 0.
pub fn frame(time: usize, side: usize) -> Result<(Image, Image)> {
    let limbs = figure(time);
    let pixel = 1.0 / side.max(1) as f64;
    let draw = |colour: &dyn Fn(Point) -> Colour| {
        let mut pixels = Vec::with_capacity(side * side * 3);
        for place in 0..side * side {
            let mut sum = [0.0; 3];
            for sample in 0..SAMPLES * SAMPLES {
                let inside =
                    |corner: usize, step: usize| (corner as f64 + (step as f64 + 0.5) / SAMPLES as f64) * pixel;
                let point = [inside(place % side, sample % SAMPLES), inside(place / side, sample / SAMPLES)];
                colour(point).iter().zip(&mut sum).for_each(|(part, sum)| *sum += part);
            }
            let mean = |part: f64| (255.0 * part / (SAMPLES * SAMPLES) as f64).round().clamp(0.0, 255.0) as u8;
            pixels.extend(sum.map(mean));
        }
        Image::new(side, side, 3, pixels)
    };
    Ok((draw(&|point| stick(&limbs, point, pixel))?, draw(&|point| shaded(&limbs, point))?))
}

/// Poses and pictures of the frames `first..first + count`.
///
/// # Errors
/// No frame or a side of 0.
pub fn frames(first: usize, count: usize, side: usize) -> Result<(MemoryImages, MemoryImages)> {
    let (mut poses, mut pictures) = (Vec::new(), Vec::new());
    for time in first..first + count {
        let (pose, picture) = frame(time, side)?;
        poses.extend(pose.pixels);
        pictures.extend(picture.pixels);
    }
    let set = |name: &str, pixels| {
        MemoryImages::new(name, [side, side, 3], pixels, vec![0; count], vec!["figure".to_string()])
    };
    Ok((set("poses", poses)?, set("frames", pictures)?))
}
