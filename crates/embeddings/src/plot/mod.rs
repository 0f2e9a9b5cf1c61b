//! Maps of vectors in the plane: principal components and t-SNE.
