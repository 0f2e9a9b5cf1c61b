//! fastText: words as sums of their character n-grams, and fast classification of sentences.
