//! `solve`: which cell solves a memory task at which length.

use std::path::PathBuf;

use ognivo_core::cli::{Ended, args::DeviceArgs, events::Output};
use ognivo_core::train::interrupt;
use ognivo_sequence::memory::report::{Solved, solve_report};
use ognivo_sequence::memory::{self, SolveConfig, Task, solve};
use serde_json::json;

#[derive(clap::Args)]
#[command(after_help = "Tasks:
  adding   add two marked numbers among many, at the end (Hochreiter and Schmidhuber 1997, experiment 4)
  copy     repeat five symbols after a pause (Arjovsky, Shah and Bengio 2016)
  order    say in which order two symbols came (Hochreiter and Schmidhuber 1997, experiment 6a)
  timing   tell spikes that come every N steps from those every N-1 (Gers and Schmidhuber 2000)

Examples:
  recurrent-memory solve
  recurrent-memory solve --task order --cells rnn,lstm --lengths 20,50,100 --steps 5000
  recurrent-memory solve --task timing --cells lstm,peephole-lstm:peephole=diagonal --lengths 10,20 --repeats 3")]
pub(crate) struct Args {
    /// The task: adding, copy, order, timing
    #[arg(long, default_value = "adding")]
    task: String,
    /// Cells, with settings after colons, such as lstm:forget_bias=1 or peephole-lstm:peephole=diagonal
    #[arg(long, value_delimiter = ',', default_value = "rnn,gru,lstm,peephole-lstm")]
    cells: Vec<String>,
    /// Lengths: for how many steps something must be remembered, about
    #[arg(long, value_delimiter = ',', default_value = "10,20,50")]
    lengths: Vec<usize>,
    /// Units of each cell
    #[arg(long, default_value_t = SolveConfig::default().hidden)]
    hidden: usize,
    /// Most training steps; a cell that has solved the task stops
    #[arg(long, default_value_t = SolveConfig::default().steps)]
    steps: u64,
    /// Sequences in a step
    #[arg(long, default_value_t = SolveConfig::default().batch_size)]
    batch_size: usize,
    /// Adam's learning rate
    #[arg(long, default_value_t = SolveConfig::default().learning_rate, allow_negative_numbers = true)]
    learning_rate: f64,
    /// The norm to which gradients are clipped
    #[arg(long, default_value_t = SolveConfig::default().clip_norm)]
    clip_norm: f64,
    /// Training steps between two measurements
    #[arg(long, default_value_t = SolveConfig::default().check_every)]
    check_every: u64,
    /// Everything random follows from it
    #[arg(long, default_value_t = SolveConfig::default().seed)]
    seed: u64,
    /// Train each with so many seeds, from --seed on
    #[arg(long, default_value_t = 1)]
    repeats: u64,
    /// The file for the report [default: report.html in the next free runs/recurrent-memory/TASK-NUMBER]
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceArgs,
}

pub(crate) fn run(args: &Args, output: &Output) -> anyhow::Result<Ended> {
    interrupt::listen()?;
    let device = args.device.open()?;
    let task: Task = args.task.parse()?;
    let cells = crate::cells(&args.cells)?;
    let config = |cell: &memory::SolveConfig, length: usize, seed: u64| SolveConfig { length, seed, ..cell.clone() };
    let configs: Vec<(String, SolveConfig)> = cells
        .into_iter()
        .map(|(name, cell)| {
            let config = SolveConfig {
                task,
                length: 0,
                cell,
                hidden: args.hidden,
                steps: args.steps,
                batch_size: args.batch_size,
                learning_rate: args.learning_rate,
                clip_norm: args.clip_norm,
                check_every: args.check_every,
                seed: 0,
            };
            (name, config)
        })
        .collect();
    // What cannot be trained is said before anything is.
    for &length in &args.lengths {
        configs.iter().try_for_each(|(_, own)| config(own, length, 0).validate())?;
    }
    output.line(&format!("to {}\n", task.about()));
    output.line("cell                           length  solved      right    by constant    loss   of constant    steps     time");
    let mut results: Vec<Solved> = Vec::new();
    'all: for &length in &args.lengths {
        for (name, own) in &configs {
            let mut result = Solved { cell: name.clone(), length, outcomes: Vec::new() };
            for seed in (args.seed..).take(args.repeats.max(1) as usize) {
                let outcome = solve(&config(own, length, seed), &device, &mut |point| {
                    output.event("check", json!({ "cell": name, "length": length, "seed": seed, "point": point }));
                })?;
                let ended = outcome.ended;
                result.outcomes.push(outcome);
                if ended == memory::solve::Ended::Interrupted {
                    // What was cut short says nothing of the cell.
                    result.outcomes.pop();
                    break 'all;
                }
            }
            output.answer(&line(task, &result));
            results.push(result);
        }
    }
    let interrupted = interrupt::requested();
    let mut report = solve_report(task, &results);
    if interrupted {
        report.warning("Stopped early: not all cells and lengths were trained.");
    }
    let path = crate::write_report(&mut report, args.report.as_deref(), task.name())?;
    output.line(&format!("\nreport   {}", path.display()));
    if interrupted {
        output.warn("stopped; what was trained until then is in the report");
        return Ok(Ended::Interrupted);
    }
    let runs: Vec<_> = results.iter().map(|result| figures(task, result)).collect();
    output.result("solve", json!({ "task": task, "runs": runs, "report": path }), None);
    Ok(Ended::Done)
}

fn line(task: Task, result: &Solved) -> String {
    format!(
        "{:<30} {:>6}  {:<9} {:>6.1} %       {:>6.1} %  {:>7.4}       {:>7.4}  {:>7}  {:>6.1} s",
        result.cell,
        result.length,
        result.verdict(),
        100.0 * result.correct(),
        100.0 * task.baseline_correct(result.length),
        result.loss(),
        task.baseline_loss(result.length),
        result.steps().map_or("-".into(), |steps| format!("{steps:.0}")),
        result.seconds(),
    )
}

fn figures(task: Task, result: &Solved) -> serde_json::Value {
    json!({
        "cell": result.cell,
        "length": result.length,
        "solved": result.times_solved(),
        "seeds": result.outcomes.len(),
        "test_correct": result.correct(),
        "baseline_correct": task.baseline_correct(result.length),
        "test_loss": result.loss(),
        "baseline_loss": task.baseline_loss(result.length),
        "steps_to_solve": result.steps(),
        "parameters": result.outcomes.first().map(|outcome| outcome.parameters),
        "seconds": result.seconds(),
    })
}
