//! `recurrent-memory`: How far back recurrent cells remember: gradient flow and tasks with known answers.

fn main() {}
