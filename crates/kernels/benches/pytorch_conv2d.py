"""PyTorch's time on the shapes of conv2d.rs: python pytorch_conv2d.py [--threads 1] [--repeats 30]

Prints one line a shape: forward, backward to the input, backward to weight and bias, best and median in milliseconds.
With one thread the clock is the thread's own CPU time, so other work on the machine hardly shows; with more it is wall time.
"""
import argparse
import statistics
import time

import torch

# name, batch, channels in, height = width, channels out, kernel, stride, padding, groups; the same list is in conv2d.rs
SHAPES = [
    ("mnist 1-32", 64, 1, 28, 32, 3, 1, 0, 1),
    ("mnist 32-64", 64, 32, 26, 64, 3, 1, 0, 1),
    ("resnet 3-16", 128, 3, 32, 16, 3, 1, 1, 1),
    ("resnet 16-16", 128, 16, 32, 16, 3, 1, 1, 1),
    ("resnet 16-32 /2", 128, 16, 32, 32, 3, 2, 1, 1),
    ("resnet 32-32", 128, 32, 16, 32, 3, 1, 1, 1),
    ("resnet 32-64 /2", 128, 32, 16, 64, 3, 2, 1, 1),
    ("resnet 64-64", 128, 64, 8, 64, 3, 1, 1, 1),
    ("shortcut 16-32 /2", 128, 16, 32, 32, 1, 2, 0, 1),
    ("pointwise 64-64", 64, 64, 16, 64, 1, 1, 0, 1),
    ("lenet 6-16 5x5", 128, 6, 14, 16, 5, 1, 0, 1),
    ("depthwise 64", 64, 64, 16, 64, 3, 1, 1, 64),
    ("dcgan 1-64 /2", 64, 1, 28, 64, 4, 2, 1, 1),
    ("dcgan 64-128 /2", 64, 64, 14, 128, 4, 2, 1, 1),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=30)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    clock = time.thread_time if args.threads == 1 else time.perf_counter

    def measure(f):
        f(), f()
        times = []
        for _ in range(args.repeats):
            start = clock()
            f()
            times.append(1e3 * (clock() - start))
        return f"{min(times):8.3f} {statistics.median(times):8.3f}"

    print(f"{'shape':20} {'forward':>17} {'to input':>17} {'to weight':>17}   (best, median, ms; {args.threads} threads)")
    for name, n, ci, hw, co, k, s, p, g in SHAPES:
        x, w, b = torch.randn(n, ci, hw, hw), torch.randn(co, ci // g, k, k), torch.randn(co)
        y = torch.conv2d(x, w, b, s, p, 1, g)
        dy = torch.randn_like(y)

        def backward(mask):
            return torch.ops.aten.convolution_backward(dy, x, w, [co], [s, s], [p, p], [1, 1], False, [0, 0], g, mask)

        with torch.no_grad():
            columns = [
                measure(lambda: torch.conv2d(x, w, b, s, p, 1, g)),
                measure(lambda: backward([True, False, False])),
                measure(lambda: backward([False, True, True])),
            ]
        print(f"{name:20} {' '.join(columns)}", flush=True)

    print(f"{'linear':20} {'forward':>17} {'to input':>17} {'to weight':>17}")
    for n, i, o in [(64, 9216, 128), (64, 128, 10), (128, 64, 10)]:
        x, w, b, dy = torch.randn(n, i), torch.randn(o, i), torch.randn(o), torch.randn(n, o)
        with torch.no_grad():
            columns = [
                measure(lambda: torch.nn.functional.linear(x, w, b)),
                measure(lambda: dy @ w),
                measure(lambda: (dy.t() @ x, dy.sum(0))),
            ]
        print(f"{f'{n}x{i}-{o}':20} {' '.join(columns)}")


if __name__ == "__main__":
    main()
