"""Measures of generated pictures by numpy and scipy, in double precision, for tests/measures.rs.

pip install numpy scipy

Frechet distance with scipy.linalg.sqrtm; kernel distance, precision and recall, sliced Wasserstein distance and nearest pictures by their
definitions, without matrix products. The rows are integer formulas, written again in the test.
"""

import json
import pathlib

import numpy as np
from scipy.linalg import sqrtm


def rows(count, width, a, b):
    """Smooth, but no simple pattern: sines of a quadratic form in row and column."""
    i, j = np.meshgrid(np.arange(count), np.arange(width), indexing="ij")
    values = np.sin(a * (i + 1) * (j + 1) + b * i * i) + 0.3 * np.cos(0.7 * j + a)
    return values.astype(np.float32).astype(np.float64)


def frechet(x, y):
    cx, cy = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = sqrtm(cx @ cy)
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(cx + cy - 2 * np.real(root)))


def kernel(x, y):
    n, d = x.shape
    k = lambda u, v: (float(u @ v) / d + 1) ** 3
    xx = sum(k(x[i], x[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    yy = sum(k(y[i], y[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    xy = sum(k(u, v) for u in x for v in y) / (n * n)
    return xx + yy - 2 * xy


def distances(x, y):
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(2))


def share_within(x, cloud):
    own = distances(cloud, cloud)
    np.fill_diagonal(own, np.inf)
    radii = np.sort(own, axis=1)[:, 2]
    return float((distances(x, cloud) <= radii[None]).any(1).mean())


def sliced(x, y, directions):
    costs = [((np.sort(x @ v) - np.sort(y @ v)) ** 2).mean() for v in directions]
    return float(np.sqrt(np.mean(costs)))


cases = []
for count, width, a, b, c, shift in [(90, 5, 0.37, 0.011, 0.39, 0.1), (60, 12, 0.21, 0.03, 0.24, 0.0), (10, 20, 0.5, 0.02, 0.61, 0.4)]:
    x, y = rows(count, width, a, b), rows(count, width, c, b + 0.002) * 1.2 + shift
    y = y.astype(np.float32).astype(np.float64)
    v = rows(16, width, 1.3, 0.1)
    v = (v / np.linalg.norm(v, axis=1, keepdims=True)).astype(np.float32).astype(np.float64)
    near = distances(x, y)
    cases.append(
        dict(
            count=count,
            width=width,
            x=x.ravel().tolist(),
            y=y.ravel().tolist(),
            directions=v.ravel().tolist(),
            frechet=frechet(x, y),
            kernel=kernel(x, y),
            precision=share_within(x, y),
            recall=share_within(y, x),
            sliced=sliced(x, y, v),
            nearest=near.argmin(1).tolist(),
        )
    )
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases) + "\n")
