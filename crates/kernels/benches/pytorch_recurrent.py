"""The bench `recurrent` in PyTorch: python pytorch_recurrent.py THREADS [rnn|lstm|gru] [hidden] [steps]

Needs: pip install torch numpy
"""
import statistics
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
kinds = [a for a in sys.argv[2:] if not a.isdigit()] or ["rnn", "lstm", "gru"]
numbers = [int(a) for a in sys.argv[2:] if a.isdigit()]
steps = numbers[1] if len(numbers) > 1 else 20
for hidden in numbers[:1] or [256, 512]:
    for kind in kinds:
        layer = {"rnn": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[kind](hidden, hidden)
        x = torch.randn(64, 32, hidden, requires_grad=True)
        whole, forward = [], []
        for step in range(steps + 3):
            start = time.perf_counter()
            y = layer(x)[0]
            middle = time.perf_counter()
            for p in layer.parameters():
                p.grad = None
            x.grad = None
            y.sum().backward()
            if step >= 3:
                whole.append((time.perf_counter() - start) * 1e3)
                forward.append((middle - start) * 1e3)
        print(f"pytorch {kind} hidden {hidden}: least {min(whole):6.1f}  median {statistics.median(whole):6.1f} ms, "
              f"forward {statistics.median(forward):6.1f}", flush=True)
