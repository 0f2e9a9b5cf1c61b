//! Recurrent networks over whole sequences.
//!
//! All take what the inputs contribute to every step, `[time, batch, gates * hidden]`: one matrix product for the whole
//! sequence, made by the caller, with the bias. What is left is the recurrence. On the CPU it is one operation with its own
//! backward pass: one product a step for the state, gates and their derivatives in one pass over memory, and the
//! weights' gradient in one product at the end. Elsewhere it is a loop of Burn's operations.
//!
//! Reading order: [`Walk`]; `rnn`, the shortest; `lstm`, `gru`.

#[cfg(feature = "flex")]
mod function;
mod gru;
mod lstm;
mod rnn;
#[cfg(feature = "flex")]
mod step;
#[cfg(feature = "flex")]
mod steps;
mod unroll;

pub use gru::{GruForm, Reset, Update, gru, gru_reference};
pub use lstm::{Forget, LstmForm, Peephole, PeepholeGates, lstm, lstm_reference};
pub use rnn::{Activation, rnn, rnn_reference};
#[cfg(feature = "flex")]
pub use step::{StepCell, StepKind};
pub use unroll::{Walk, unroll};
