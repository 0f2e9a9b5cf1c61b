//! The trainer: examples over shared tables, on two engines.
