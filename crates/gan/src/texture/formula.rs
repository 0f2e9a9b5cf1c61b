//! Textures that are computed: a style for those who have no picture at hand, and what an encoder learns from.

use ognivo_core::data::Image;
use ognivo_core::random::{self, Rng, stream};

use crate::Result;
use crate::noise::FORMULA;

/// Their names.
pub const NAMES: [&str; 8] = ["bricks", "cells", "checks", "dots", "marble", "waves", "weave", "wood"];

/// One texture: a kind with its scale, direction and colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    kind: usize,
    /// Pixels that a motif is long.
    scale: f64,
    /// Where x goes, as cosine and sine.
    turn: [f64; 2],
    shift: [f64; 2],
    salt: u32,
    colours: [[f64; 3]; 3],
}

impl Formula {
    /// The style called so, always the same; `None` for no such name.
    pub fn named(name: &str) -> Option<Self> {
        let kind = NAMES.iter().position(|&known| known == name)?;
        let colours = match name {
            "bricks" => [[0.78, 0.74, 0.68], [0.62, 0.24, 0.16], [0.80, 0.42, 0.26]],
            "wood" => [[0.36, 0.20, 0.09], [0.62, 0.40, 0.20], [0.80, 0.60, 0.36]],
            "marble" => [[0.20, 0.22, 0.28], [0.75, 0.76, 0.80], [0.95, 0.94, 0.92]],
            _ => [[0.10, 0.16, 0.30], [0.85, 0.62, 0.20], [0.90, 0.90, 0.82]],
        };
        Some(Self { kind, scale: 16.0, turn: [1.0, 0.0], shift: [0.0; 2], salt: 7, colours })
    }

    /// One of the kind `kind` with scale, direction and colours drawn at random.
    pub fn drawn(kind: usize, rng: &mut impl Rng) -> Self {
        let mut draw = |from: f64, to: f64| from + (to - from) * random::uniform_f64(rng);
        let angle = draw(0.0, std::f64::consts::TAU);
        let scale = draw(6.0, 14.0);
        let shift = [draw(0.0, 1000.0), draw(0.0, 1000.0)];
        let colours = std::array::from_fn(|_| std::array::from_fn(|_| draw(0.0, 1.0)));
        let salt = draw(0.0, f64::from(u32::MAX)) as u32;
        Self { kind: kind % NAMES.len(), scale, turn: [angle.cos(), angle.sin()], shift, salt, colours }
    }

    /// The colour at a place, each part from 0 to 1.
    fn at(&self, x: f64, y: f64) -> [f64; 3] {
        let [cosine, sine] = self.turn;
        let (u, v) = (
            (cosine * x + sine * y + self.shift[0]) / self.scale,
            (cosine * y - sine * x + self.shift[1]) / self.scale,
        );
        let grain = self.smooth(6.0 * u, 6.0 * v, 1);
        let (first, second) = match NAMES[self.kind] {
            "bricks" => {
                let row = (2.0 * v).floor();
                let (across, down) = (u + 0.5 * row.rem_euclid(2.0), 2.0 * v - row);
                let column = across.floor();
                let is_mortar = down < 0.16 || across - column < 0.08;
                if is_mortar { (0.0, 0.0) } else { (1.0, self.lattice(column as i64, row as i64, 2)) }
            }
            "cells" => {
                let [near, next] = self.nearest(u, v);
                (((next - near) * 4.0).min(1.0), 1.0 - near)
            }
            "checks" => (f64::from((u.floor() + v.floor()).rem_euclid(2.0) < 1.0), 0.3),
            "dots" => {
                let offset = |place: f64| place - place.floor() - 0.5;
                let distance = offset(u).hypot(offset(v));
                (f64::from(distance < 0.32), (1.0 - 3.0 * distance).max(0.0))
            }
            "marble" => {
                let warp = self.smooth(u, v, 3) + 0.5 * self.smooth(2.0 * u, 2.0 * v, 4);
                let vein = (u + 3.0 * warp).sin().abs().sqrt();
                (vein, self.smooth(0.7 * u, 0.7 * v, 5))
            }
            "waves" => (0.5 + 0.25 * ((4.0 * u).sin() + (4.0 * u + 2.0 * (2.5 * v).sin()).sin()), 0.5 + 0.5 * v.sin()),
            "weave" => {
                let (across, down) = (2.0 * u, 2.0 * v);
                let over = (across.floor() + down.floor()).rem_euclid(2.0) < 1.0;
                let along = if over { across - across.floor() } else { down - down.floor() };
                ((std::f64::consts::PI * along).sin(), f64::from(over))
            }
            _ => {
                let bent = v + 0.6 * self.smooth(0.4 * u, 1.2 * v, 6);
                (0.5 + 0.5 * (7.0 * bent).sin(), self.smooth(0.5 * u, 6.0 * v, 7))
            }
        };
        let light = 0.88 + 0.24 * grain;
        std::array::from_fn(|part| {
            let [ground, one, other] = self.colours.map(|colour| colour[part]);
            let figure = one + (other - one) * second;
            (light * (ground + (figure - ground) * first)).clamp(0.0, 1.0)
        })
    }

    /// A number from 0 to 1 for a place of the lattice, the same each time.
    fn lattice(&self, x: i64, y: i64, purpose: u32) -> f64 {
        let mut bits = self.salt ^ purpose.wrapping_mul(0x9e37_79b9);
        for part in [x as u32, y as u32] {
            bits = (bits ^ part).wrapping_mul(0x85eb_ca6b);
            bits = (bits ^ (bits >> 15)).wrapping_mul(0xc2b2_ae35);
            bits ^= bits >> 13;
        }
        f64::from(bits) / f64::from(u32::MAX)
    }

    /// Numbers of the lattice with a smooth way between them.
    fn smooth(&self, x: f64, y: f64, purpose: u32) -> f64 {
        let (column, row) = (x.floor(), y.floor());
        let ease = |share: f64| share * share * (3.0 - 2.0 * share);
        let (right, down) = (ease(x - column), ease(y - row));
        let at = |dx: i64, dy: i64| self.lattice(column as i64 + dx, row as i64 + dy, purpose);
        let above = at(0, 0) + (at(1, 0) - at(0, 0)) * right;
        let below = at(0, 1) + (at(1, 1) - at(0, 1)) * right;
        above + (below - above) * down
    }

    /// Distances to the nearest two of points that lie one in each field of the lattice (Worley 1996).
    fn nearest(&self, u: f64, v: f64) -> [f64; 2] {
        let mut found = [f64::INFINITY; 2];
        for field in 0..9 {
            let (column, row) = (u.floor() as i64 + field % 3 - 1, v.floor() as i64 + field / 3 - 1);
            let (x, y) = (column as f64 + self.lattice(column, row, 8), row as f64 + self.lattice(column, row, 9));
            let distance = (x - u).hypot(y - v);
            found = if distance < found[0] { [distance, found[0]] } else { [found[0], found[1].min(distance)] };
        }
        found
    }

    /// A picture of it in colour.
    ///
    /// # Errors
    /// A side of 0.
    pub fn picture(&self, width: usize, height: usize) -> Result<Image> {
        let byte = |part: f64| (255.0 * part).round() as u8;
        let pixel = |place: usize| {
            // Four points in a pixel soften the edges.
            let points = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
            let colours = points.map(|(x, y)| self.at((place % width) as f64 + x, (place / width) as f64 + y));
            std::array::from_fn::<u8, 3, _>(|part| byte(colours.iter().map(|colour| colour[part]).sum::<f64>() / 4.0))
        };
        Ok(Image::new(width, height, 3, (0..width * height).flat_map(pixel).collect())?)
    }
}

/// Pictures of every kind, with their kinds: `count` squares of `side` pixels, for lesson `number`.
///
/// # Errors
/// A side of 0.
pub fn lesson(number: u64, count: usize, side: usize) -> Result<(Vec<Image>, Vec<usize>)> {
    let mut rng = stream(0, &[FORMULA, number]);
    let kinds: Vec<usize> = (0..count).map(|index| index % NAMES.len()).collect();
    let images = kinds.iter().map(|&kind| Formula::drawn(kind, &mut rng).picture(side, side));
    Ok((images.collect::<Result<_>>()?, kinds))
}
