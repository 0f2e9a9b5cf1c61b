"""Small models of the reference program, and what it says of them: tests/reference/fasttext/.

pip install fasttext-wheel numpy; then `python tests/reference/fasttext_models.py` from the crate's folder.
Training with one thread is the same each time, on one machine.
"""

import json
import os
import tempfile
from pathlib import Path

import fasttext
import numpy as np

FOLDER = Path(__file__).parent / "fasttext"
STEMS = ["дом", "river", "light", "стол", "green", "写字", "naïve", "stone", "x", "paper"]
ENDS = ["", "s", "ами", "ing", "ed", "字"]
LABELS = ["__label__a", "__label__б", "__label__c"]


def numbers(seed):
    """A linear congruential generator, so that the text needs no library."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield state >> 33


def text(lines, labels, several=False):
    draw = numbers(7)
    made = []
    for _ in range(lines):
        topic = next(draw) % 3
        words = []
        for _ in range(3 + next(draw) % 6):
            stem = STEMS[(topic * 3 + next(draw) % 4) % len(STEMS)]
            words.append(stem + ENDS[next(draw) % len(ENDS)])
        if labels:
            words.insert(0, LABELS[topic])
            if several and next(draw) % 3 == 0:
                words.insert(0, LABELS[(topic + 1) % 3])
        made.append(" ".join(words))
    return "\n".join(made) + "\n"


def described(model, sentences, words):
    said = {"vectors": {}, "subwords": {}, "sentences": []}
    for word in words:
        said["vectors"][word] = [float(x) for x in model.get_word_vector(word)]
        names, rows = model.get_subwords(word)
        said["subwords"][word] = [names, [int(row) for row in rows]]
    for sentence in sentences:
        said["sentences"].append([float(x) for x in model.get_sentence_vector(sentence)])
    return said


def predictions(model, sentences, k, threshold):
    # Not through the wrapper, which does not know the newer NumPy.
    return [[[float(p), label] for p, label in model.f.predict(s + "\n", k, threshold, "strict")] for s in sentences]


def per_label(model, path):
    """Precision, recall and F1 of each label from the single best predictions. The program's own recall by label is
    without value in version 0.9: it counts no true labels."""
    gold, predicted, right = ({label: 0 for label in LABELS} for _ in range(3))
    for line in Path(path).read_text().splitlines():
        words, labels = model.f.getLine(line + "\n", "strict")
        best = model.f.predict(line + "\n", 1, 0.0, "strict")
        if labels and best:
            predicted[best[0][1]] += 1
            right[best[0][1]] += best[0][1] in labels
            for label in labels:
                gold[label] += 1
    found = {}
    for label in LABELS:
        both = predicted[label] + gold[label]
        precision = right[label] / predicted[label] if predicted[label] else None
        found[label] = [precision, right[label] / gold[label], 2 * right[label] / both]
    reference = model.test_label(path, 1)
    assert all(p is None or abs(p - reference[label]["precision"]) < 1e-9 for label, (p, _, _) in found.items())
    return found


def main():
    FOLDER.mkdir(exist_ok=True)
    os.chdir(tempfile.mkdtemp())
    Path("words.txt").write_text(text(400, False))
    Path("labels.txt").write_text(text(300, True))
    Path("several.txt").write_text(text(300, True, several=True))
    Path("test.txt").write_text("".join(text(60, True, several=True).splitlines(True)[20:]) + "no label here\n__label__c \n")
    sentences = ["дом rivers paper", "unseen words stoneing", "", "写字 写字 light", "x  \t x __label__a"]
    words = ["дом", "rivers", "unseen", "写字ing", "x", "</s>", "", "naïveté"]
    one = dict(thread=1, verbose=0)
    models = {
        "skipgram.bin": fasttext.train_unsupervised("words.txt", "skipgram", dim=5, minn=2, maxn=4, bucket=60, minCount=2, epoch=3, **one),
        "cbow-hs.bin": fasttext.train_unsupervised("words.txt", "cbow", dim=4, maxn=0, minCount=2, loss="hs", **one),
        "softmax.bin": fasttext.train_supervised("labels.txt", dim=6, wordNgrams=2, bucket=70, epoch=8, **one),
        "hs.bin": fasttext.train_supervised("labels.txt", dim=5, loss="hs", minn=3, maxn=5, bucket=80, epoch=8, lr=0.5, **one),
        "ova.bin": fasttext.train_supervised("several.txt", dim=4, loss="ova", epoch=8, lr=0.5, **one),
        "ns.bin": fasttext.train_supervised("labels.txt", dim=4, loss="ns", neg=2, minCount=3, epoch=8, lr=0.5, **one),
    }
    for name, kwargs in {
        "plain.ftz": dict(),
        "cutoff.ftz": dict(qnorm=True, cutoff=300, dsub=3, qout=False),
    }.items():
        models[name] = fasttext.train_supervised("labels.txt", dim=5, wordNgrams=2, minn=2, maxn=3, bucket=500, epoch=5, **one)
        models[name].quantize(**kwargs)
    expected = {}
    for name, model in models.items():
        model.save_model(str(FOLDER / name))
        said = described(model, sentences, words)
        if name.startswith(("skipgram", "cbow")):
            said["neighbours"] = {w: [[float(s), n] for s, n in model.get_nearest_neighbors(w, 5)] for w in ["rivers", "unseen"] if name.startswith("s") or w == "rivers"}
            said["analogies"] = [[float(s), n] for s, n in model.get_analogies("rivers", "river", "paper", 4)]
        else:
            said["predictions"] = {f"{k} {t}": predictions(model, sentences, k, t) for k, t in [(1, 0.0), (2, 0.3), (9, 0.0)]}
            said["test"] = {str(k): list(model.test("test.txt", k)) for k in [1, 2]}
            said["labels"] = per_label(model, "test.txt")
        expected[name] = said
    expected["sentences"] = sentences
    expected["test.txt"] = Path("test.txt").read_text()
    (FOLDER / "expected.json").write_text(json.dumps(expected, ensure_ascii=False, indent=0, separators=(",", ":")) + "\n")


main()
