"""Principal components and t-SNE of scikit-learn, for src/plot.

pip install numpy scikit-learn
python plot.py    # writes plot.json beside it
"""

import json
from pathlib import Path

import numpy as np
from scipy.spatial.distance import squareform
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.manifold._t_sne import _joint_probabilities, _joint_probabilities_nn, _kl_divergence, _kl_divergence_bh
from sklearn.metrics import pairwise_distances
from sklearn.neighbors import NearestNeighbors


def table(rows, dim):
    """The formula of the tests."""
    i, j = np.meshgrid(np.arange(rows), np.arange(dim), indexing="ij")
    return ((i * 37 + j * 101 + i * j * 13 + i * i * 7) % 97 / 32.0 + (i % 4) * (j % 3)).astype(np.float32)


def pca(rows, dim):
    x = table(rows, dim).astype(np.float64)
    fitted = PCA(n_components=2, svd_solver="full").fit(x)
    # The sign at which the largest number is positive.
    signs = [np.sign(c[np.argmax(np.abs(c))]) for c in fitted.components_]
    return {
        "rows": rows,
        "dim": dim,
        "components": [list(c * s) for c, s in zip(fitted.components_, signs)],
        "variances": list(fitted.explained_variance_),
        "ratios": list(fitted.explained_variance_ratio_),
        "projected": [list(row) for row in fitted.transform(x) * signs],
    }


def tsne(rows, dim, perplexity, neighbours):
    x = table(rows, dim).astype(np.float64)
    joint = _joint_probabilities(pairwise_distances(x, squared=True), perplexity, 0)
    i = np.arange(rows)
    points = np.stack([i * 5 % 11 / 2.0, i * 7 % 13 / 3.0 - 2.0], axis=1)
    divergence, gradient = _kl_divergence(points.ravel(), joint, 1, rows, 2)
    distances = NearestNeighbors(n_neighbors=neighbours).fit(x).kneighbors_graph(mode="distance")
    distances.data **= 2
    sparse = _joint_probabilities_nn(distances, perplexity, 0)
    # The gradient of the sparse probabilities by the exact formula: scikit-learn's own is in single precision.
    dense = squareform(np.maximum(squareform(sparse.toarray(), checks=False), 0))
    away = points[:, None] - points[None]
    weight = 1 / (1 + (away**2).sum(-1))
    np.fill_diagonal(weight, 0)
    q = weight / weight.sum()
    near_gradient = 4 * ((dense - q) * weight)[:, :, None] * away
    positive = dense > 0
    near_divergence = (dense[positive] * np.log(dense[positive] / q[positive])).sum()
    bh = _kl_divergence_bh(points.ravel().astype(np.float32), sparse, 1, rows, 2, angle=0.0)
    assert np.allclose(bh[1].reshape(rows, 2), near_gradient.sum(1), rtol=1e-4, atol=1e-6), "formula"
    return {
        "rows": rows,
        "dim": dim,
        "perplexity": perplexity,
        "joint": list(joint),
        "points": points.tolist(),
        "divergence": float(divergence),
        "gradient": gradient.reshape(rows, 2).tolist(),
        "nearest": {
            "neighbours": neighbours,
            "divergence": float(near_divergence),
            "gradient": near_gradient.sum(1).tolist(),
        },
    }


def converged(rows, dim, perplexity):
    fitted = TSNE(perplexity=perplexity, init="pca", method="exact", random_state=1).fit(table(rows, dim))
    return {"rows": rows, "dim": dim, "perplexity": perplexity, "divergence": float(fitted.kl_divergence_)}


numbers = {
    "pca": [pca(30, 7), pca(9, 20)],
    "tsne": tsne(24, 6, 5.0, 16),
    "converged": converged(150, 10, 15.0),
}
Path(__file__).with_suffix(".json").write_text(json.dumps(numbers) + "\n")
