//! How far back recurrent cells remember.
//!
//! - [`bptt`]: backpropagation through time, the sum it computes written out. [`gradient_flow`]: how that sum's factors shrink or
//!   grow with distance, for every cell.
//! - [`task`]: problems with known answers in which something must be remembered for a given number of steps: [`adding`], [`copy`],
//!   [`order`], [`timing`] and [`spikes`]. [`solve`](mod@solve): trains a cell on one of them.
//! - [`report`]: what was measured, as a page.

pub mod adding;
pub mod bptt;
pub mod copy;
pub mod gradient_flow;
pub mod matrix;
pub mod order;
pub mod report;
pub mod solve;
pub mod spikes;
pub mod task;
pub mod timing;

pub use solve::{Outcome, Point, SolveConfig, solve};
pub use task::{Sequence, Task};
