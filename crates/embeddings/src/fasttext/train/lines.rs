//! Training of classifiers: one line after the other, as fastText does it on one thread, with the columns shared among threads.
//!
//! Each thread has some columns of both tables and does with them what there is to be done for a line. The threads of a team meet once
//! a line, to add up their parts of the scores. The columns are always cut into the same groups, whose parts are added in the same order,
//! so the numbers are the same for any number of threads. With `hogwild` every thread is a team of its own and goes through its own part
//! of the text, whatever the others do to the tables meanwhile.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::columns::Strip;
use super::outputs::Outputs;
use super::team::Team;
use super::{Classifier, Examples, Progress, Standing, Training};
use crate::table::LINE;
use crate::train::rng::mixed;
use crate::{Error, Result, Table};

/// Groups of columns, and threads of a team, at most.
const MOST_GROUPS: usize = 4;
/// Floats of a line that are worth a thread: with fewer, threads spend more time on meeting than on numbers.
const WORTH: usize = 1 << 15;
/// Lines between two reports.
const REPORT: usize = 20_000;

/// Where training stands between two lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    epoch: u64,
    line: usize,
}

impl Position {
    /// Whether so many epochs are done.
    pub(super) fn is_after(&self, epochs: u64) -> bool {
        self.epoch >= epochs
    }
}

/// How training ended.
pub(super) enum Ended {
    Finished,
    /// By the wish of the watcher; where, unless nothing can go on from there.
    Stopped(Option<Position>),
}

/// Trains to the end, or until `watch` says no; `from` is where an earlier training stood.
pub(super) fn run(
    classifier: &mut Classifier,
    examples: &Examples,
    from: Option<Position>,
    started: Instant,
    mut watch: impl FnMut(&Progress, &Standing<'_>) -> bool,
) -> Result<Ended> {
    let Classifier { config, dictionary, input, output } = classifier;
    let hogwild = config.hogwild && config.thread > 1;
    let from = from.unwrap_or(Position { epoch: 0, line: 0 });
    if from.line >= examples.len() || (hogwild && from.epoch + from.line as u64 > 0) {
        let found = format!("line {} of epoch {}", from.line, from.epoch);
        return Err(Error::data("training to be gone on with", found, format!("a line below {}", examples.len())));
    }
    let outputs = Outputs::new(config, dictionary.label_counts());
    let blocks = output.stride() / LINE;
    let groups = blocks.min(MOST_GROUPS);
    let groups: Vec<Strip> =
        (0..groups).map(|i| Strip::new(i * blocks / groups * LINE..(i + 1) * blocks / groups * LINE)).collect();
    let rows = 2 * (examples.mean_rows() + outputs.most());
    let worth = (rows * output.stride() / WORTH).max(1);
    let (teams, members) = if hogwild { (config.thread, 1) } else { (1, config.thread.min(groups.len()).min(worth)) };
    let all = All {
        examples,
        input,
        output,
        groups,
        outputs: &outputs,
        teams: (0..teams).map(|_| Team::new(members, MOST_GROUPS, outputs.most())).collect(),
        members,
        seed: config.seed,
        rate: config.lr,
        epochs: config.epoch as u64,
        stop: AtomicBool::new(false),
    };
    let mut ended = Ended::Finished;
    let of = (all.epochs * examples.tokens()).max(1);
    let mut report = |tokens: u64, loss: f64, at: Option<Position>| {
        let done = tokens as f64 / of as f64;
        if !loss.is_finite() {
            let said = format!("the loss is not finite after {tokens} tokens: try a lower lr than {}", config.lr);
            return Err(ognivo_core::Error::NotFinite(said).into());
        }
        let (seconds, learning_rate) = (started.elapsed().as_secs_f64(), config.lr * (1.0 - done));
        let training = Training::Lines { tables: [all.input, all.output], at: at.clone() };
        let progress = Progress { done, tokens, of, seconds, loss, learning_rate };
        let go_on = watch(&progress, &Standing { config, dictionary, training });
        if !go_on && at.as_ref().is_none_or(|at| !at.is_after(all.epochs)) {
            ended = Ended::Stopped(at);
        }
        Ok(go_on)
    };
    std::thread::scope(|scope| {
        let (all, from) = (&all, &from);
        for thread in 1..teams * members {
            scope.spawn(move || all.work(thread, from, &mut |_, _, _| Ok(true)));
        }
        all.work(0, from, &mut report)
    })?;
    Ok(ended)
}

/// Hears of the tokens so far, the mean loss since it last did, and where training stands; tells whether to go on.
type Report<'a> = &'a mut dyn FnMut(u64, f64, Option<Position>) -> Result<bool>;

struct All<'a> {
    examples: &'a Examples,
    input: &'a Table,
    output: &'a Table,
    /// The columns.
    groups: Vec<Strip>,
    outputs: &'a Outputs,
    teams: Vec<Team>,
    /// Threads of each team.
    members: usize,
    seed: u64,
    rate: f64,
    epochs: u64,
    stop: AtomicBool,
}

// SAFETY: the tables are written to through pointers, each column by the one member of a team that has it (with hogwild by
// whichever thread, which training survives).
unsafe impl Sync for All<'_> {}

/// What a thread works with.
struct Work {
    /// Its groups of columns, and all its columns.
    groups: Range<usize>,
    strip: Strip,
    hidden: Vec<f32>,
    gradient: Vec<f32>,
    /// Rows of the output that the line is compared with, and whether each is right.
    compared: Vec<(u32, bool)>,
    scores: Vec<f32>,
}

impl All<'_> {
    /// What one thread does from the beginning to the end.
    fn work(&self, thread: usize, from: &Position, report: Report<'_>) -> Result<()> {
        let (team, member) = (&self.teams[thread / self.members], thread % self.members);
        let part = |i: usize| i * self.examples.len() / self.teams.len();
        let lines = part(thread / self.members)..part(thread / self.members + 1);
        let own = |i: usize| i * self.groups.len() / self.members;
        let groups = own(member)..own(member + 1);
        let stride = self.input.stride();
        let mut work = Work {
            strip: Strip::new(self.groups[groups.start].start()..self.groups[groups.end - 1].end()),
            groups,
            hidden: vec![0.0; stride],
            gradient: vec![0.0; stride],
            compared: Vec::new(),
            scores: Vec::new(),
        };
        let (mut loss, mut seen) = (0.0, 0usize);
        for epoch in from.epoch..self.epochs {
            let first = if epoch == from.epoch { from.line.max(lines.start) } else { lines.start };
            for line in first..lines.end {
                let read = (self.examples.tokens_before(line) - self.examples.tokens_before(lines.start)) as f64;
                let tokens = epoch as f64 * self.examples.tokens() as f64 + read * self.teams.len() as f64;
                let rate = self.rate * (1.0 - tokens / (self.epochs * self.examples.tokens()).max(1) as f64);
                // SAFETY: this thread has its columns (or training survives others' writing).
                loss += f64::from(unsafe { self.learn(&mut work, team, epoch, line, rate.max(0.0) as f32) });
                seen += 1;
                let last = epoch + 1 == self.epochs && line + 1 == lines.end;
                if self.teams.len() > 1 && self.stop.load(Ordering::Relaxed) {
                    return Ok(());
                }
                // Every member comes to the same answer.
                if seen < (REPORT / self.teams.len()).max(1) && !last {
                    continue;
                }
                let mut result = Ok(());
                team.meet();
                if thread == 0 {
                    let next = if line + 1 < lines.end { (epoch, line + 1) } else { (epoch + 1, 0) };
                    let at = (self.teams.len() == 1).then_some(Position { epoch: next.0, line: next.1 });
                    let tokens = if last { self.epochs * self.examples.tokens() } else { tokens as u64 };
                    let go_on = report(tokens, loss / seen as f64, at);
                    self.stop.store(!matches!(go_on, Ok(true)), Ordering::Relaxed);
                    result = go_on.map(|_| ());
                }
                team.meet();
                (loss, seen) = (0.0, 0);
                if self.stop.load(Ordering::Relaxed) {
                    return result;
                }
            }
        }
        Ok(())
    }

    /// One line; its loss.
    ///
    /// # Safety
    /// No other thread may use the columns, unless all accept torn numbers.
    unsafe fn learn(&self, work: &mut Work, team: &Team, epoch: u64, line: usize, rate: f32) -> f32 {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: as the caller promises, and the processor has AVX2.
            return unsafe { self.learn_avx2(work, team, epoch, line, rate) };
        }
        // SAFETY: as the caller promises.
        unsafe { self.learn_portable(work, team, epoch, line, rate) }
    }

    /// The same operations, eight numbers at a time.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn learn_avx2(&self, work: &mut Work, team: &Team, epoch: u64, line: usize, rate: f32) -> f32 {
        // SAFETY: as the caller promises.
        unsafe { self.learn_portable(work, team, epoch, line, rate) }
    }

    #[inline(always)]
    unsafe fn learn_portable(&self, work: &mut Work, team: &Team, epoch: u64, line: usize, rate: f32) -> f32 {
        let Work { groups, strip, hidden, gradient, compared, scores } = work;
        let parity = (epoch as usize * self.examples.len() + line) % 2;
        let (rows, labels) = self.examples.get(line);
        self.outputs.compare(labels, mixed(self.seed ^ mixed(epoch << 40 ^ line as u64)), compared);
        // SAFETY: rows and labels come from the dictionary that the tables were made for; the columns are this thread's.
        unsafe {
            strip.mean(self.input, rows, hidden);
            for group in groups.clone() {
                let parts = team.parts(parity, group);
                for (part, &(row, _)) in parts.iter_mut().zip(&*compared) {
                    *part = self.groups[group].dot(self.output, row, hidden);
                }
            }
            if line + 1 < self.examples.len() {
                self.examples.get(line + 1).0.iter().for_each(|&row| strip.prefetch(self.input, row));
            }
            team.meet();
            scores.clear();
            scores.resize(compared.len(), 0.0);
            for group in 0..self.groups.len() {
                scores.iter_mut().zip(&*team.parts(parity, group)).for_each(|(score, part)| *score += part);
            }
            let loss = self.outputs.errors(compared, scores);
            gradient.fill(0.0);
            for (&(row, _), error) in compared.iter().zip(&*scores) {
                strip.pull(self.output, row, hidden, rate * error, gradient);
            }
            let share = 1.0 / rows.len() as f32;
            gradient.iter_mut().for_each(|value| *value *= share);
            strip.add(self.input, rows, gradient);
            loss
        }
    }
}
