"""Reference numbers for tests/language_model.rs: a language model trained by PyTorch in double precision.

    pip install torch numpy
    python crates/sequence/tests/reference/language_model.py

Writes language_model.json beside itself. The network is that of PyTorch's example word_language_model: encoder, rnn, decoder. Of its
parameters in the order of their names, number k starts from ramp(shape, k) * 0.5. The text has 200 tokens, number i is
(i^2 + 3 i) mod 11. It is read in 3 streams of 66 tokens, 20 steps at a time: four batches an epoch, the last of 6 steps. The state
is carried from batch to batch, without its history, and is 0 at the beginning of both epochs. Adam with a rate of 0.01 and gradients
clipped to a norm of 0.25. The two epochs' mean losses, weighted by streams, and the parameters after the last step are written; then
the mean loss of the text read from its beginning to its end.

The text begins at the offset that the epoch's random number gives: there is 1 token to spare, and `OFFSETS` are the two epochs' for
the seed of the test.
"""

import json
import pathlib

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

TOKENS, STREAMS, STEPS, HIDDEN = 11, 3, 20, 8
OFFSETS = [0, 1]
CASES = [
    ("lstm", nn.LSTM, {"embedding": 5, "layers": 2, "tied": False}),
    ("gru", nn.GRU, {"embedding": 8, "layers": 1, "tied": True}),
    ("rnn", nn.RNN, {"embedding": 5, "layers": 1, "tied": False}),
]

torch.set_default_dtype(torch.float64)


def ramp(shape, k):
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy((((7919 * i + 104729 * k) % 2001) - 1000) / 1000).reshape(shape)


def short(number):
    return float(f"{float(number):.9g}")


def digest(t):
    flat = t.detach().reshape(-1)
    places = [(7919 * j) % flat.numel() for j in range(min(8, flat.numel()))]
    return {"shape": list(t.shape), "norm": short(flat.norm()), "samples": [short(flat[p]) for p in places]}


class Model(nn.Module):
    def __init__(self, rnn, embedding, layers, tied):
        super().__init__()
        self.encoder = nn.Embedding(TOKENS, embedding)
        self.rnn = rnn(embedding, HIDDEN, layers)
        self.decoder = nn.Linear(HIDDEN, TOKENS)
        if tied:
            self.decoder.weight = self.encoder.weight
        for k, (_, parameter) in enumerate(sorted(self.named_parameters())):
            parameter.data = ramp(tuple(parameter.shape), k) * 0.5

    def forward(self, tokens, state):
        outputs, state = self.rnn(self.encoder(tokens), state)
        return self.decoder(outputs).reshape(-1, TOKENS), state


def detached(state):
    return tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()


def train(model, text):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    length = (len(text) - 1) // STREAMS
    losses = []
    for offset in OFFSETS:
        streams = [offset + s * length for s in range(STREAMS)]
        columns = lambda ahead: torch.stack([text[first + ahead:first + ahead + length] for first in streams], 1)
        inputs, targets = columns(0), columns(1)
        state, of_epoch = None, []
        for first in range(0, length, STEPS):
            scores, state = model(inputs[first:first + STEPS], state)
            state = detached(state)
            loss = F.cross_entropy(scores, targets[first:first + STEPS].reshape(-1))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            optimizer.step()
            of_epoch.append(loss.item())
        losses.append(short(np.mean(of_epoch)))
    return losses


def main():
    text = torch.tensor([(i * i + 3 * i) % TOKENS for i in range(200)])
    cases = []
    for cell, rnn, network in CASES:
        model = Model(rnn, **network)
        losses = train(model, text)
        with torch.no_grad():
            scores, _ = model(text[:-1, None], None)
            final = F.cross_entropy(scores, text[1:])
        parameters = {name: digest(p) for name, p in model.named_parameters()}
        cases.append({"cell": cell, **network, "losses": losses, "final": short(final), "parameters": parameters})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
