"""Logistic regressions of scikit-learn, for src/evaluate/logistic.rs.

pip install scikit-learn==1.9.1 numpy
"""
import json
import pathlib

import numpy as np
from sklearn.linear_model import LogisticRegression

cases = []
for rows, dim, scale, c in [(60, 5, 1.0, 1.0), (200, 20, 4.0, 1.0), (300, 33, 0.1, 10.0), (40, 50, 3.0, 1.0), (500, 16, 1.0, 0.01)]:
    row, column = np.meshgrid(np.arange(rows), np.arange(dim), indexing="ij")
    values = ((row * 31 + column * 17 + row * column * 7) % 101).astype(np.float32) / np.float32(101.0)
    values = (values - np.float32(0.3)) * np.float32(scale)
    index = np.arange(rows)
    members = (index * index + index // 3) % 7 < 2
    model = LogisticRegression(C=c, tol=1e-10, max_iter=100_000, solver="newton-cholesky").fit(values.astype(np.float64), members)
    cases.append({
        "rows": rows, "dim": dim, "scale": scale, "c": c,
        "weights": [round(float(w), 8) for w in model.coef_[0]],
        "bias": round(float(model.intercept_[0]), 8),
        "scores": [round(float(s), 8) for s in model.decision_function(values[:10].astype(np.float64))],
    })
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases) + "\n")
