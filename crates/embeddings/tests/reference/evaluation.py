"""Scores of vectors made from a formula, by gensim and SciPy; the vectors are made again in tests/evaluation.rs.

pip install gensim scipy

Writes `evaluation/questions.txt`, `evaluation/pairs.tsv` and the scores, `evaluation/scores.json`.
"""

import json
from pathlib import Path

import numpy as np
from gensim.models import KeyedVectors
from scipy.stats import spearmanr

FOLDER = Path(__file__).parent / "evaluation"
ROWS, COLUMNS, DIM = 12, 30, 16


def noise(number):
    """A number from -0.5 to 0.5."""
    for _ in range(2):
        number = (number * 2654435761 + 12345) % 2**32
        number ^= number >> 15
    return number / 2**32 - 0.5


def part(kind, number):
    return [noise(kind * 1_000_000 + number * 100 + i) for i in range(DIM)]


def vectors():
    """A word for each place in a grid: the sum of what its row and its column mean, and of what is its own; some in capitals too."""
    words, values = [], []
    for column in range(COLUMNS):
        for row in range(ROWS):
            place = column * ROWS + row
            for spelling in range(2 if place % 5 == 2 else 1):
                words.append(f"R{row}C{column}" if spelling else f"r{row}c{column}")
                parts = zip(part(1, row), part(2, column), part(3 + spelling, place))
                values.append([r + c + 0.6 * own for r, c, own in parts])
    return words, np.array(values, np.float32)


def questions():
    for row in range(1, ROWS):
        yield f": {'gram' if row > 7 else ''}{row}"
        for first in range(0, COLUMNS, 3):
            second = (first * 7 + row) % COLUMNS
            if first != second:
                yield f"r0c{first} r{row}c{first} R0C{second} r{row}c{second}"
    yield "r0c0 nowhere r0c1 r1c1"


def pairs():
    for number in range(300):
        a, b = number % ROWS, number * 5 % COLUMNS
        c, d = number * 7 % ROWS, number * 11 % COLUMNS
        if (a, b) == (c, d):
            # gensim's cosine of a word with itself is a little more or less than 1, which makes ranks of nothing.
            continue
        score = 4 * (a == c) + 5 * (b == d) + number % 3
        yield f"r{a}c{b}", f"{'R' if number % 4 else 'r'}{c}c{d}" if number % 50 != 1 else "nowhere", score


def main():
    FOLDER.mkdir(exist_ok=True)
    words, values = vectors()
    keyed = KeyedVectors(vector_size=DIM)
    keyed.add_vectors(words, values)
    question_file, pair_file = FOLDER / "questions.txt", FOLDER / "pairs.tsv"
    question_file.write_text("".join(line + "\n" for line in questions()))
    pair_file.write_text("# a pair\tof words\tand a score\n" + "".join(f"{a}\t{b}\t{score}\n" for a, b, score in pairs()))
    scores = {"analogies": [], "similarity": [], "spearman": []}
    for limit in [len(words), 300]:
        for fold in [True, False]:
            total, sections = keyed.evaluate_word_analogies(str(question_file), restrict_vocab=limit, case_insensitive=fold)
            groups = [[s["section"], len(s["correct"]), len(s["correct"]) + len(s["incorrect"])] for s in sections]
            scores["analogies"].append({"limit": limit, "fold": fold, "groups": groups})
            _, spearman, out = keyed.evaluate_word_pairs(str(pair_file), restrict_vocab=limit, case_insensitive=fold)
            score = {"limit": limit, "fold": fold, "spearman": float(spearman[0]), "out_percent": float(out)}
            scores["similarity"].append(score)
            print(limit, fold, total, groups[-1], score)
    for modulus in [1000, 7, 2]:
        a = [round(noise(i) * modulus) for i in range(50)]
        b = [round(noise(i + 1000) * modulus) + a[i] for i in range(50)]
        scores["spearman"].append({"a": a, "b": b, "expected": float(spearmanr(a, b)[0])})
    questions_by_hand = [keyed.most_similar(positive=["r3c4", "r5c6"], negative=["r3c6"], topn=5),
                         keyed.most_similar_cosmul(positive=["r3c4", "r5c6"], negative=["r3c6"], topn=5),
                         keyed.most_similar("r3c4", topn=5)]
    scores["nearest"] = [[[word, float(score)] for word, score in answer] for answer in questions_by_hand]
    scores["cosine"] = float(keyed.similarity("r3c4", "r5c6"))
    (FOLDER / "scores.json").write_text(json.dumps(scores) + "\n")


if __name__ == "__main__":
    main()
