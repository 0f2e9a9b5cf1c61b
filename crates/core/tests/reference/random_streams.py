"""Writes random_streams.json: sequences of crates/core/src/random.rs, computed independently.

    python random_streams.py             (Python's own library is enough)
"""

import hashlib
import json
import pathlib
import struct

MASK = 0xFFFFFFFF


def quarter(s, a, b, c, d):
    for x, y, z, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        s[x] = (s[x] + s[y]) & MASK
        s[z] ^= s[x]
        s[z] = (s[z] << turn | s[z] >> (32 - turn)) & MASK


def words(key):
    """The 32-bit words of ChaCha with 8 rounds, 64-bit block counter, nonce 0."""
    counter = 0
    while True:
        start = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key))
        start += [counter & MASK, counter >> 32, 0, 0]
        s = start.copy()
        for _ in range(4):
            for i in range(4):
                quarter(s, i, 4 + i, 8 + i, 12 + i)
            for i in range(4):
                quarter(s, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
        yield from ((x + y) & MASK for x, y in zip(s, start))
        counter += 1


def stream(seed, parts):
    return words(hashlib.sha256(b"".join(struct.pack("<Q", x) for x in [seed, *parts])).digest())


def permutation(seed, epoch, n):
    draws = stream(seed, [1, epoch])
    order = list(range(n))
    for i in range(n - 1, 0, -1):
        draw = next(draws) | next(draws) << 32
        j = draw * (i + 1) >> 64
        order[i], order[j] = order[j], order[i]
    return order


STREAMS = [(0, []), (1, []), (1, [2, 3, 4]), (2**64 - 1, [7]), (42, [1, 0])]
PERMUTATIONS = [(0, 0, 5), (7, 3, 20), (7, 4, 20), (123456789, 0, 33)]
frozen = {
    "streams": [(seed, parts, [w for w, _ in zip(stream(seed, parts), range(20))]) for seed, parts in STREAMS],
    "permutations": [(*case, permutation(*case)) for case in PERMUTATIONS],
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(frozen) + "\n")
