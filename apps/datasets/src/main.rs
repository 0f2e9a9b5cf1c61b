//! A stub, to be written.
fn main() {}
