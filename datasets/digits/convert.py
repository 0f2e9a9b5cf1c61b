"""Makes the four IDX files beside this script from scikit-learn's digits.csv.gz.

    python convert.py .../sklearn/datasets/data/digits.csv.gz

The rows stay in their order: the first 1415 are the training part, the last 382 the test part. A value v of 0..16 is
stored as round(255 v / 16), so that the pictures use the whole range of 8 bits; no two values share a result.
Needs Python's standard library only; the output is the same at every run.
"""

import csv
import gzip
import struct
import sys
from pathlib import Path

TRAIN, SIDE = 1415, 8


def write(name, magic, sizes, values):
    data = struct.pack(f">{1 + len(sizes)}I", magic, *sizes) + bytes(values)
    with open(Path(__file__).parent / name, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(data)


rows = [[int(float(value)) for value in row] for row in csv.reader(gzip.open(sys.argv[1], "rt"))]
for part, chosen in ("train", rows[:TRAIN]), ("t10k", rows[TRAIN:]):
    pixels = [(value * 255 + 8) // 16 for row in chosen for value in row[:-1]]
    write(f"{part}-images-idx3-ubyte.gz", 2051, (len(chosen), SIDE, SIDE), pixels)
    write(f"{part}-labels-idx1-ubyte.gz", 2049, (len(chosen),), [row[-1] for row in chosen])
