"""The bench `training_step` in PyTorch: python pytorch_step.py THREADS [hidden] [steps]

Needs: pip install torch numpy
"""
import statistics
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
hidden = int(sys.argv[2]) if len(sys.argv) > 2 else 256
steps = int(sys.argv[3]) if len(sys.argv) > 3 else 20
for name, kind in (("rnn", torch.nn.RNN), ("gru", torch.nn.GRU), ("lstm", torch.nn.LSTM)):
    layer = kind(hidden, hidden)
    adam = torch.optim.Adam(layer.parameters(), 1e-3)
    x = torch.randn(64, 32, hidden)
    times = []
    for step in range(steps + 3):
        start = time.perf_counter()
        adam.zero_grad()
        layer(x)[0].square().mean().backward()
        adam.step()
        if step >= 3:
            times.append((time.perf_counter() - start) * 1e3)
    print(f"pytorch {name} hidden {hidden}: least {min(times):6.1f}  median {statistics.median(times):6.1f} ms", flush=True)
