//! Files of vectors: word2vec text and binary, GloVe, NumPy, safetensors, the TensorBoard projector.
