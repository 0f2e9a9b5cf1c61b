//! `language-model`: Train a recurrent language model on your text and let it write.

fn main() {}
