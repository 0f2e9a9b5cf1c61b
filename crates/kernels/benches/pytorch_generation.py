"""The bench `generation` in PyTorch, in three ways: python pytorch_generation.py THREADS [hidden]

Needs: pip install torch numpy
"""
import statistics
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))


def measure(name, hidden, step):
    times = []
    with torch.inference_mode():
        for _ in range(11):
            start = time.perf_counter()
            for _ in range(50):
                step()
            times.append((time.perf_counter() - start) / 50)
    print(f"two layers of {hidden}, {name}: {1 / statistics.median(times):.0f} steps a second (median of 11)", flush=True)


class Whole:
    """nn.LSTM, a sequence of one step at a time."""

    def __init__(self, hidden, onednn):
        self.layers, self.onednn = torch.nn.LSTM(hidden, hidden, 2).eval(), onednn
        self.x, self.state = torch.full((1, 1, hidden), 0.1), None

    def __call__(self):
        torch.backends.mkldnn.enabled = self.onednn
        self.x, self.state = self.layers(self.x, self.state)


class Cells:
    """Two nn.LSTMCell."""

    def __init__(self, hidden):
        self.cells = [torch.nn.LSTMCell(hidden, hidden).eval() for _ in range(2)]
        self.x, self.states = torch.full((1, hidden), 0.1), [None, None]

    def __call__(self):
        for number, cell in enumerate(self.cells):
            self.states[number] = cell(self.x, self.states[number])
            self.x = self.states[number][0]


for hidden in [int(sys.argv[2])] if len(sys.argv) > 2 else [256, 512]:
    measure("nn.LSTM on oneDNN", hidden, Whole(hidden, True))
    measure("nn.LSTM without oneDNN", hidden, Whole(hidden, False))
    measure("nn.LSTMCell", hidden, Cells(hidden))
