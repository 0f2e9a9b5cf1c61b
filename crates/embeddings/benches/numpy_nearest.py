"""What benches/nearest.rs measures, in NumPy: the ten nearest of 100 000 words with 100 numbers each. pip install numpy"""

import time

import numpy as np

rng = np.random.default_rng(7)
rows = rng.standard_normal((100_000, 100), np.float32)
rows /= np.linalg.norm(rows, axis=1, keepdims=True)


def nearest(queries):
    similarity = queries @ rows.T
    best = np.argpartition(similarity, -11, axis=1)[:, -11:]
    order = np.argsort(-np.take_along_axis(similarity, best, 1), axis=1)
    return np.take_along_axis(best, order, 1)


for count in [1, 16, 1000]:
    queries = rows[np.arange(count) * 97 % len(rows)]
    times = []
    for _ in range(20 if count < 1000 else 5):
        start = time.perf_counter()
        nearest(queries)
        times.append(time.perf_counter() - start)
    median = sorted(times)[len(times) // 2]
    print(f"{count} queries: {median * 1e3:.2f} ms, {count / median:.0f} a second")
