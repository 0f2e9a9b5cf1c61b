//! `embed`: vectors of words, sub-words and nodes.

fn main() {}
