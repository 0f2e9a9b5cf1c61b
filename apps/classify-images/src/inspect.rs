//! `inspect`: layers, first filters, and the patches that excite a unit most.

use std::path::PathBuf;

use ognivo_cnn::image::model::{InputShape, NetworkConfig};
use ognivo_cnn::image::{data, exciting, inspect::first_layer_filters, sheet::contact_sheet, trained::Trained};
use ognivo_core::cli::{Ended, args::DeviceArgs, chosen_run, events::Output};
use ognivo_core::data::picture;
use serde_json::json;

use crate::TASK;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  classify-images inspect                                      the newest run: table and filters.png
  classify-images inspect --network resnet20 --input 3x32x32   any network, without training it
  classify-images inspect --layer conv2 --unit 5               the patches that excite a unit most")]
pub(crate) struct Args {
    /// The run directory [default: the newest run]
    #[arg(long, value_name = "DIR", conflicts_with = "network")]
    run: Option<PathBuf>,
    /// Show an untrained network instead of a run
    #[arg(long)]
    network: Option<String>,
    /// Its input: channels x height x width
    #[arg(long, default_value = "3x32x32")]
    input: String,
    /// Its outputs
    #[arg(long, default_value_t = 10)]
    classes: usize,
    /// The layer of the unit to look into, by its name in the table
    #[arg(long, requires = "unit")]
    layer: Option<String>,
    /// The unit: a channel of that layer
    #[arg(long, requires = "layer")]
    unit: Option<usize>,
    /// Test pictures searched for exciting patches
    #[arg(long, default_value_t = 1000)]
    pictures: usize,
    /// The folder for pictures [default: the run directory]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

/// Patches shown of one unit.
const PATCHES: usize = 16;

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    if let Some(name) = &args.network {
        let summary = NetworkConfig::named(name)?.summary(args.input.parse::<InputShape>()?, args.classes)?;
        output.answer(&summary.to_string());
        output.result(
            "inspect",
            json!({ "parameters": summary.parameters(), "multiply_adds": summary.multiply_adds() }),
            None,
        );
        return Ok(Ended::Done);
    }
    let trained = Trained::open(&chosen_run(&args.run, TASK)?, &args.device.open()?)?;
    let summary = trained.network.summary(trained.preprocessing.input())?;
    output.answer(&summary.to_string());
    let folder = args.to.clone().unwrap_or_else(|| trained.run.path().to_path_buf());
    let filters = folder.join("filters.png");
    picture::write_png(&filters, &contact_sheet(&first_layer_filters(&trained.network)?, 8, 8)?)?;
    output.answer(&format!("first-layer filters: {}", filters.display()));
    if let (Some(layer), Some(unit)) = (&args.layer, args.unit) {
        let splits = data::open(&trained.config, output)?;
        let sample = data::sample(&splits.test, args.pictures, 0)?;
        let patches = exciting::patches(&trained, &sample, layer, unit, PATCHES)?;
        for patch in &patches {
            output.answer(&format!("{:8.3}  {}  {}", patch.activation, patch.class, patch.origin));
        }
        let images: Vec<_> = patches.into_iter().map(|patch| patch.image).collect();
        let file = folder.join(format!("patches-{}-{unit}.png", layer.replace('.', "-")));
        picture::write_png(&file, &contact_sheet(&images, 4, 4)?)?;
        output.answer(&format!("patches that excite unit {unit} of {layer} most: {}", file.display()));
    }
    let metrics = json!({ "parameters": summary.parameters(), "multiply_adds": summary.multiply_adds() });
    output.result("inspect", metrics, Some(trained.run.path()));
    Ok(Ended::Done)
}
