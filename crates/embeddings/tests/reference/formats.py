"""Files of vectors made by gensim, NumPy and safetensors, which tests/formats.rs reads, and a check that these read ours.

pip install gensim safetensors

Without an argument makes `formats/theirs*`; the argument `check` reads `formats/ours*`, which
`OGNIVO_WRITE_REFERENCE=1 cargo test --release -p ognivo-embeddings --test formats` makes.
"""

import gzip
import sys
from pathlib import Path

import numpy as np
import safetensors.numpy
from gensim.models import KeyedVectors
from gensim.scripts.word2vec2tensor import word2vec2tensor

FOLDER = Path(__file__).parent / "formats"
WORDS = ["the", "дом", "naïve", "1.5", "</s>"]
COUNTS = [31, 7, 7, 2, 0]


def vectors():
    values = np.array([[((i * 7 + j * 3) % 11 - 5) / 7 for j in range(4)] for i in range(len(WORDS))], np.float32)
    values[3] = [1e-20, 3.4028235e38, -0.0, 1e-45]
    return values


def make():
    keyed = KeyedVectors(vector_size=4)
    keyed.add_vectors(WORDS, vectors())
    for word, count in zip(WORDS, COUNTS):
        keyed.set_vecattr(word, "count", count)
    text, binary = FOLDER / "theirs.txt", FOLDER / "theirs.bin"
    keyed.save_word2vec_format(text, fvocab=FOLDER / "theirs.vocab", binary=False)
    keyed.save_word2vec_format(binary, binary=True)
    # word2vec.c itself: a line break after every vector; in text a space before it.
    rows = [word.encode() + b" " + row.tobytes() + b"\n" for word, row in zip(keyed.index_to_key, keyed.vectors)]
    (FOLDER / "theirs-c.bin").write_bytes(b"5 4\n" + b"".join(rows))
    lines = text.read_text().splitlines()
    (FOLDER / "theirs.vec").write_text(lines[0] + "\n" + "".join(line + " \n" for line in lines[1:]))
    (FOLDER / "theirs.glove").write_text("".join(line + "\n" for line in lines[1:]))
    (FOLDER / "theirs.txt.gz").write_bytes(gzip.compress(text.read_bytes(), mtime=0))
    word2vec2tensor(str(binary), str(FOLDER / "theirs"), binary=True)
    for kind in ["f2", "f4", "f8"]:
        with np.errstate(over="ignore"):
            np.save(FOLDER / f"theirs-{kind}.npy", keyed.vectors.astype(f"<{kind}"))
        (FOLDER / f"theirs-{kind}.words.txt").write_text("".join(word + "\n" for word in keyed.index_to_key))
    np.save(FOLDER / "theirs-fortran.npy", np.asfortranarray(keyed.vectors))
    names = [word.encode() for word in keyed.index_to_key]
    safetensors.numpy.save_file(
        {
            "vectors": keyed.vectors,
            "words": np.frombuffer(b"".join(names), np.uint8),
            "word_ends": np.cumsum([len(name) for name in names], dtype=np.int64),
        },
        FOLDER / "theirs.safetensors",
    )


def check():
    def equal(words, values, what):
        assert list(words) == WORDS, (what, words)
        assert np.array_equal(values, vectors()), (what, values)
        print(what, "equal")

    for name, binary, header in [("ours.txt", False, True), ("ours.bin", True, True), ("ours.glove", False, False)]:
        keyed = KeyedVectors.load_word2vec_format(FOLDER / name, binary=binary, no_header=not header)
        equal(keyed.index_to_key, keyed.vectors, name)
    keyed = KeyedVectors.load_word2vec_format(FOLDER / "ours.txt", fvocab=FOLDER / "ours.vocab")
    assert [keyed.get_vecattr(word, "count") for word in WORDS] == COUNTS
    lines = (FOLDER / "ours.words.txt").read_text().splitlines()
    equal(lines, np.load(FOLDER / "ours.npy"), "ours.npy")
    tensors = safetensors.numpy.load_file(FOLDER / "ours.safetensors")
    ends = tensors["word_ends"].tolist()
    text = tensors["words"].tobytes()
    words = [text[start:end].decode() for start, end in zip([0] + ends, ends)]
    equal(words, tensors["vectors"], "ours.safetensors")
    words = (FOLDER / "ours_metadata.tsv").read_text().splitlines()
    equal(words, np.loadtxt(FOLDER / "ours_tensor.tsv", delimiter="\t", dtype=np.float32), "ours_tensor.tsv")


if __name__ == "__main__":
    check() if sys.argv[1:] == ["check"] else make()
