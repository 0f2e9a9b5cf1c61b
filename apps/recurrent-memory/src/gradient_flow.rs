//! `gradient-flow`: how the derivative of the last state by earlier ones shrinks or grows with distance.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, events::Output};
use ognivo_core::train::interrupt;
use ognivo_sequence::memory::gradient_flow::{FlowConfig, Measured, measure};
use ognivo_sequence::memory::report::{flow_report, scientific, shown_distances};
use serde_json::{Map, json};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  recurrent-memory gradient-flow
  recurrent-memory gradient-flow --cells rnn,rnn:activation=relu --recurrent-scale 2   exploding gradients
  recurrent-memory gradient-flow --cells lstm:forget_bias=5 --steps 500 --hidden 32")]
pub(crate) struct Args {
    /// Cells, with settings after colons, such as lstm:forget_bias=1 or gru:reset=after
    #[arg(long, value_delimiter = ',', default_value = "rnn,gru,lstm,lstm:forget_bias=1,lstm:forget_bias=5")]
    cells: Vec<String>,
    /// Units of each
    #[arg(long, default_value_t = FlowConfig::default().hidden)]
    hidden: usize,
    /// Steps to go back
    #[arg(long, default_value_t = FlowConfig::default().steps)]
    steps: usize,
    /// Random sequences to take the mean over
    #[arg(long, default_value_t = FlowConfig::default().sequences)]
    sequences: usize,
    /// What the recurrent matrix is multiplied by
    #[arg(long, value_name = "FACTOR", default_value_t = FlowConfig::default().recurrent_scale)]
    recurrent_scale: f64,
    /// Everything random follows from it
    #[arg(long, default_value_t = FlowConfig::default().seed)]
    seed: u64,
    /// The file for the report [default: report.html in the next free runs/recurrent-memory/gradient-flow-NUMBER]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.device.open()?;
    let mut results = Vec::new();
    for (name, cell) in crate::cells(&args.cells)? {
        let config = FlowConfig {
            cell,
            hidden: args.hidden,
            steps: args.steps,
            sequences: args.sequences,
            recurrent_scale: args.recurrent_scale,
            seed: args.seed,
        };
        let measured = measure(&config, &device)?;
        output.event("cell", json!({ "cell": name, "norms": measured }));
        results.push((name, measured));
        if interrupt::requested() {
            break;
        }
    }
    show(&results, args.steps, output);
    let mut report = flow_report(&results);
    let path = crate::write_report(&mut report, args.report.as_deref(), "gradient-flow")?;
    output.line(&format!("\nreport   {}", path.display()));
    if interrupt::requested() {
        output.warn("stopped; what was measured until then is in the report");
        return Ok(Ended::Interrupted);
    }
    let mut metrics = Map::new();
    for (name, measured) in &results {
        metrics.insert(format!("{name} factor"), json!(measured.hidden.factor()));
        if let Some(cell) = &measured.cell {
            metrics.insert(format!("{name} cell factor"), json!(cell.factor()));
        }
    }
    metrics.insert("report".into(), json!(path));
    output.result("gradient-flow", metrics.into(), None);
    Ok(Ended::Done)
}

/// A column for each cell; the cell's own way back stands beside the hidden state's.
fn show(results: &[(String, Measured)], steps: usize, output: &Output) {
    let columns: Vec<(String, &[f64], f64)> = results
        .iter()
        .flat_map(|(name, measured)| {
            let cell = measured.cell.as_ref().map(|cell| (format!("{name} dh/dc"), cell));
            std::iter::once((format!("{name} dh/dh"), &measured.hidden)).chain(cell)
        })
        .map(|(name, curve)| (name, curve.mean.as_slice(), curve.factor()))
        .collect();
    output.answer("norm of the derivative of h_t, by what it is taken and how many steps back, t - k");
    let header: Vec<String> = [0].iter().chain(&shown_distances(steps)[1..]).map(|d| format!("{d:>9}")).collect();
    output.answer(&format!("{:<28}{}   per step", "", header.join(" ")));
    for (name, norms, factor) in columns {
        let norms = shown_distances(steps).into_iter().map(|d| norms.get(d).map_or(String::new(), |n| scientific(*n)));
        let norms: Vec<String> = norms.map(|norm| format!("{norm:>9}")).collect();
        output.answer(&format!("{name:<28}{}   {factor:8.3}", norms.join(" ")));
    }
}
