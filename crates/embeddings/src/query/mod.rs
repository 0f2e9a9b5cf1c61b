//! Questions asked of vectors: nearest neighbours, analogies, similarities.
