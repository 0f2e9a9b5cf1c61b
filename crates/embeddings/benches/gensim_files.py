"""What benches/files.rs measures, with gensim: 50 000 vectors of 100 numbers. pip install gensim"""

import tempfile
import time
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors

values = np.random.default_rng(1).random((50_000, 100), np.float32) - 0.5
keyed = KeyedVectors(vector_size=100)
keyed.add_vectors([f"word{row}" for row in range(len(values))], values)
with tempfile.TemporaryDirectory() as folder:
    for binary in [False, True]:
        path = Path(folder) / "vectors"
        for name, work in [
            ("write", lambda: keyed.save_word2vec_format(path, binary=binary)),
            ("read", lambda: KeyedVectors.load_word2vec_format(path, binary=binary)),
        ]:
            times = []
            for _ in range(3):
                start = time.perf_counter()
                work()
                times.append(time.perf_counter() - start)
            print(f"{name} {'binary' if binary else 'text'}: {sorted(times)[1]:.3f} s")
