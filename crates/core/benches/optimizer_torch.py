"""Times one step of torch.optim.Adam over PyTorch's MNIST example network, for comparison with optimizer.rs.

    OMP_NUM_THREADS=1 python optimizer_torch.py
"""

import statistics
import time

import torch

torch.set_num_threads(1)
SHAPES = [(32, 1, 3, 3), (64, 32, 3, 3), (128, 9216), (10, 128), (32,), (64,), (128,), (10,)]

for kind in [{"foreach": False}, {"foreach": True}, {"fused": True}]:
    parameters = [torch.nn.Parameter(torch.randn(shape) * 0.1) for shape in SHAPES]
    for p in parameters:
        p.grad = p.detach() * 0.5
    optimizer = torch.optim.Adam(parameters, **kind)
    times = []
    for _ in range(300):
        start = time.perf_counter()
        optimizer.step()
        times.append(time.perf_counter() - start)
    print(kind, f"fastest {min(times) * 1e3:.2f} ms, median {statistics.median(times) * 1e3:.2f} ms")
