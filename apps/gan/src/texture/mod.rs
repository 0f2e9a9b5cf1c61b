//! `texture`: textures like one picture.

mod apply;
mod encoder;
mod learn;

use std::path::PathBuf;
use std::str::FromStr;

use ognivo_core::cli::Ended;
use ognivo_core::cli::events::Output;

/// The folder of its runs under `runs/`.
const TASK: &str = "gan-texture";
/// The file of a run that has its texture.
const TEXTURE: &str = "texture.png";

#[derive(clap::Subcommand)]
pub(crate) enum TextureCommand {
    /// Let a network learn to make textures like a picture, of any size, and write a report
    Train(Box<TrainArgs>),
    /// Make a texture with a trained network
    Apply(apply::Args),
    /// Let the pixels of one texture learn, without a network that makes more of them
    Optimise(Box<OptimiseArgs>),
}

impl TextureCommand {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Train(_) => "texture train",
            Self::Apply(_) => "texture apply",
            Self::Optimise(_) => "texture optimise",
        }
    }
}

/// What both ways of learning take.
#[derive(clap::Args)]
pub(crate) struct StyleArgs {
    /// The picture to be like: a file, or one that is computed: bricks, cells, checks, dots, marble, waves, weave or wood [default: what
    /// --config says, else bricks]
    #[arg(long, value_name = "FILE|NAME")]
    style: Option<String>,
    /// The network that tells what a patch is like: small (trained on the spot, in a minute), or a run of classify-images or transfer on
    /// pictures in colour, with a network that has stages [default: small]
    #[arg(long, value_name = "small|DIR")]
    encoder: Option<String>,
    /// The last stage of the encoder that counts; a wrong name lists them [default: the last whose features lie at most 4 pixels apart]
    #[arg(long, value_name = "NAME", requires = "encoder")]
    stage: Option<String>,
    #[command(flatten)]
    common: ognivo_core::cli::args::TrainArgs,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan texture train                                      bricks that are computed, no file needed
  gan texture train --style grass.jpg
  gan texture train --style grass.jpg --encoder runs/transfer/photos-001
  gan texture apply --size 800x600 --seamless            then, with the newest run
  gan texture train --run runs/mine --resume")]
pub(crate) struct TrainArgs {
    #[command(flatten)]
    style: StyleArgs,
}

#[derive(clap::Args)]
#[command(after_help = "Examples:
  gan texture optimise                                   bricks that are computed, 128 x 128
  gan texture optimise --style grass.jpg --size 256x256 --to more-grass.png
  gan texture optimise --style marble --seamless
  gan texture optimise --run runs/mine --resume")]
pub(crate) struct OptimiseArgs {
    #[command(flatten)]
    style: StyleArgs,
    /// Width and height of the texture [default: 128x128]
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    size: Option<Size>,
    /// A texture that fits to itself at its edges
    #[arg(long)]
    seamless: bool,
    /// Where to write it, besides the run directory
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// Width and height.
#[derive(Clone, Copy)]
struct Size(usize, usize);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (width, height) = text.split_once('x').ok_or("expected WIDTHxHEIGHT, such as 256x128")?;
        let side = |text: &str| text.parse().map_err(|_| format!("found {text:?}; expected a number of pixels"));
        Ok(Self(side(width)?, side(height)?))
    }
}

pub(crate) fn run(command: TextureCommand, output: &Output) -> anyhow::Result<Ended> {
    match command {
        TextureCommand::Train(args) => learn::train(&args, output),
        TextureCommand::Optimise(args) => learn::optimise(&args, output),
        TextureCommand::Apply(args) => apply::run(&args, output),
    }
}
