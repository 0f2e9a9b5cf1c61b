"""The bench `generation` in PyTorch: python pytorch_generation.py THREADS

Needs: pip install torch numpy
"""
import statistics
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
for hidden in (256, 512):
    layers = torch.nn.LSTM(hidden, hidden, 2).eval()
    times = []
    with torch.inference_mode():
        x, state = torch.full((1, 1, hidden), 0.1), None
        for _ in range(21):
            start = time.perf_counter()
            for _ in range(200):
                x, state = layers(x, state)
            times.append((time.perf_counter() - start) / 200)
    print(f"two layers of {hidden}: {1 / statistics.median(times):.0f} steps a second (median of 21)")
