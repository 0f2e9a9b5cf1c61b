//! node2vec: vectors of the nodes of a graph from random walks.
