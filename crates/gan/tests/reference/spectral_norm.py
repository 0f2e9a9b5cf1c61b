"""Largest singular values, for tests/networks.rs.

pip install numpy
"""
import json
import pathlib

import numpy as np

shapes = [(2, 3), (5, 4), (4, 3 * 2 * 2)]
cases = []
for number, (rows, columns) in enumerate(shapes):
    index = np.arange(rows * columns)
    weight = ((index * 37 + 11 * number) % 23 - 11).reshape(rows, columns) / 8
    cases.append({"shape": [rows, columns], "weight": weight.ravel().tolist(), "sigma": float(np.linalg.svd(weight)[1][0])})
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, indent=1) + "\n")
