//! Which changes, how strong; from a configuration file or from a flag.

use std::str::FromStr;

use ognivo_core::cli::suggest;
use ognivo_core::{Error, Result};
use serde::{Deserialize, Serialize};

use super::Border;

/// Settings of [`Augment`](super::Augment); each change is off by default.
///
/// On the command line: `shift=2,flip,rotate=10,scale=0.9..1.1`, names as below, or `none`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Moves the picture by up to this many whole pixels, across and down.
    pub shift: u32,
    /// Pads the picture by this many pixels on each side and cuts out a window of the old size at random (Krizhevsky
    /// 2012 and He et al. 2016 with 4 on CIFAR); adds to `shift`.
    pub crop: u32,
    /// What appears where the picture has been moved away.
    pub border: Border,
    /// Mirrors left and right, half of the time.
    pub flip: bool,
    /// Turns the picture about its centre by up to this many degrees, either way (at most 180), bilinearly.
    pub rotate: f32,
    /// Scales the picture about its centre by a factor from this range, each between 0.1 and 10, bilinearly.
    pub scale: [f32; 2],
    /// Multiplies by a factor from 1 - `brightness` to 1 + `brightness` (at most 1), and cuts to 0 to 1.
    pub brightness: f32,
    /// Multiplies the distance to the mean grey by a factor from 1 - `contrast` to 1 + `contrast` (at most 1), and cuts
    /// to 0 to 1.
    pub contrast: f32,
    /// Probability with which a rectangle is replaced by noise (random erasing, Zhong et al. 2017; there 0.5).
    pub erase: f32,
    /// Share of the picture that the rectangle covers, from this range (the paper's and default: 0.02 to 0.4).
    pub erase_area: [f32; 2],
    /// $\alpha$ of mixup (Zhang et al. 2018; there 1 on CIFAR-10): see [`mixup_plan`](super::mixup_plan); 0 is off.
    pub mixup: f64,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            shift: 0,
            crop: 0,
            border: Border::Zero,
            flip: false,
            rotate: 0.0,
            scale: [1.0, 1.0],
            brightness: 0.0,
            contrast: 0.0,
            erase: 0.0,
            erase_area: [0.02, 0.4],
            mixup: 0.0,
        }
    }
}

impl AugmentConfig {
    /// Every name that the command line accepts; `-` may stand for `_`.
    pub const NAMES: [&'static str; 11] = [
        "shift",
        "crop",
        "border",
        "flip",
        "rotate",
        "scale",
        "brightness",
        "contrast",
        "erase",
        "erase_area",
        "mixup",
    ];

    /// The largest shift and crop, in pixels.
    pub const MAX_PIXELS: u32 = 1 << 16;

    /// Refuses settings out of range.
    pub fn validate(&self) -> Result<()> {
        let range = |name, [low, high]: [f32; 2], least: f32, most: f32| {
            let holds = least <= low && low <= high && high <= most;
            require(name, holds, format!("{low}..{high}"), format!("a range LOW..HIGH within {least}..{most}"))
        };
        let number = |name, value: f32, most: f32| {
            require(name, (0.0..=most).contains(&value), value.to_string(), format!("a number from 0 to {most}"))
        };
        for (name, pixels) in [("shift", self.shift), ("crop", self.crop)] {
            let expected = format!("at most {} pixels", Self::MAX_PIXELS);
            require(name, pixels <= Self::MAX_PIXELS, pixels.to_string(), expected)?;
        }
        number("rotate", self.rotate, 180.0)?;
        range("scale", self.scale, 0.1, 10.0)?;
        number("brightness", self.brightness, 1.0)?;
        number("contrast", self.contrast, 1.0)?;
        number("erase", self.erase, 1.0)?;
        range("erase_area", self.erase_area, 0.0, 1.0)?;
        let alpha = (0.0..=1000.0).contains(&self.mixup);
        require("mixup", alpha, self.mixup.to_string(), "a number from 0 to 1000".into())
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<()> {
        match name.replace('-', "_").as_str() {
            "shift" => self.shift = parse(name, value, "a number of pixels, such as 2")?,
            "crop" => self.crop = parse(name, value, "a number of pixels, such as 4")?,
            "border" => {
                self.border = match value {
                    Some("zero") => Border::Zero,
                    Some("reflect") => Border::Reflect,
                    _ => return Err(wrong(name, value, "zero or reflect")),
                }
            }
            "flip" => self.flip = value.map_or(Ok(true), |value| parse(name, Some(value), "true, false or nothing"))?,
            "rotate" => self.rotate = parse(name, value, "a number of degrees, such as 10")?,
            "scale" => self.scale = parse_range(name, value, "0.9..1.1")?,
            "brightness" => self.brightness = parse(name, value, "a number, such as 0.2")?,
            "contrast" => self.contrast = parse(name, value, "a number, such as 0.2")?,
            "erase" => self.erase = parse(name, value, "a probability, such as 0.5")?,
            "erase_area" => self.erase_area = parse_range(name, value, "0.02..0.4")?,
            "mixup" => self.mixup = parse(name, value, "a number, such as 0.2")?,
            _ => return Err(Error::Config(suggest::unknown("augmentation", name, &Self::NAMES))),
        }
        Ok(())
    }
}

impl FromStr for AugmentConfig {
    type Err = Error;

    /// `name=value` pairs separated by commas, onto the defaults; checked.
    fn from_str(text: &str) -> Result<Self> {
        let mut config = Self::default();
        if matches!(text.trim(), "" | "none") {
            return Ok(config);
        }
        for part in text.split(',') {
            let (name, value) = part.split_once('=').map_or((part, None), |(name, value)| (name, Some(value.trim())));
            config.set(name.trim(), value)?;
        }
        config.validate()?;
        Ok(config)
    }
}

fn parse<T: FromStr>(name: &str, value: Option<&str>, expected: &str) -> Result<T> {
    value.and_then(|value| value.parse().ok()).ok_or_else(|| wrong(name, value, expected))
}

fn parse_range(name: &str, value: Option<&str>, example: &str) -> Result<[f32; 2]> {
    let ends = value.and_then(|value| value.split_once(".."));
    let ends = ends.and_then(|(low, high)| Some([low.trim().parse().ok()?, high.trim().parse().ok()?]));
    ends.ok_or_else(|| wrong(name, value, &format!("a range, such as {example}")))
}

fn wrong(name: &str, found: Option<&str>, expected: &str) -> Error {
    let found = found.map_or("no value".into(), |found| format!("{found:?}"));
    Error::Config(format!("augmentation {name}: found {found}; expected {expected}"))
}

fn require(name: &str, holds: bool, found: String, expected: String) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Config(format!("augmentation {name}: found {found}; expected {expected}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_set_what_they_name() {
        let found: AugmentConfig =
            "shift=2,flip, rotate=10 ,scale=0.9..1.1,erase-area=0.1..0.2,border=reflect".parse().unwrap();
        let expected = AugmentConfig {
            shift: 2,
            flip: true,
            rotate: 10.0,
            scale: [0.9, 1.1],
            erase_area: [0.1, 0.2],
            border: Border::Reflect,
            ..AugmentConfig::default()
        };
        assert_eq!(found, expected);
        for nothing in ["", "none", " none ", "flip=false"] {
            assert_eq!(nothing.parse::<AugmentConfig>().unwrap(), AugmentConfig::default());
        }
        for name in AugmentConfig::NAMES {
            let error = format!("{name}=@").parse::<AugmentConfig>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("augmentation {name}: found \"@\"; expected ")), "{error}");
        }
    }

    #[test]
    fn mistakes_are_named() {
        for (flag, message) in [
            ("filp", r#"unknown augmentation "filp"; did you mean "flip"?"#),
            ("cutmix", "unknown augmentation \"cutmix\"; expected one of: shift, crop"),
            ("shift", "augmentation shift: found no value; expected a number of pixels"),
            ("shift=-1", r#"augmentation shift: found "-1"; expected"#),
            ("crop=70000", "augmentation crop: found 70000; expected at most 65536 pixels"),
            ("rotate=181", "augmentation rotate: found 181; expected a number from 0 to 180"),
            ("rotate=NaN", "augmentation rotate: found NaN"),
            ("scale=1.1..0.9", "augmentation scale: found 1.1..0.9; expected a range LOW..HIGH within 0.1..10"),
            ("scale=0.9", r#"augmentation scale: found "0.9"; expected a range, such as 0.9..1.1"#),
            ("erase=inf", "augmentation erase: found inf"),
            ("mixup=NaN", "augmentation mixup: found NaN"),
            ("flip,", "unknown augmentation \"\""),
        ] {
            let error = flag.parse::<AugmentConfig>().unwrap_err().to_string();
            assert!(error.starts_with(message), "{flag}: {error}");
        }
    }

    #[test]
    fn configuration_is_strict() {
        let config: AugmentConfig = "crop=4,border=reflect,flip,mixup=0.2".parse().unwrap();
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<AugmentConfig>(&text).unwrap(), config);
        assert_eq!(serde_json::from_str::<AugmentConfig>("{}").unwrap(), AugmentConfig::default());
        assert!(serde_json::from_str::<AugmentConfig>(r#"{"flips": true}"#).is_err());
    }
}
