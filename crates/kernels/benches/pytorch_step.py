"""Times PyTorch's training step of the two nets in training_step.rs, whole and part by part.

    taskset -c 0 python pytorch_step.py [mnist|resnet20] [threads] [steps]

Prints milliseconds, wall and processor time, least and median over the steps, then the median processor time of each part.
"""

import statistics
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Probe(torch.autograd.Function):
    """An identity that notes when the forward and the backward pass go through it."""

    log = None

    @staticmethod
    def forward(ctx, x, part):
        ctx.part = part
        if Probe.log is not None:
            Probe.log.append((part, "forward", time.process_time()))
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        if Probe.log is not None:
            Probe.log.append((ctx.part, "backward", time.process_time()))
        return gradient, None


def probe(x, part):
    return x if Probe.log is None else Probe.apply(x, part)


class Mnist(nn.Module):
    batch = (64, 1, 28, 28)

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.linear1, self.linear2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = probe(self.conv1(x), "convolution")
        x = probe(F.relu(x), "relu")
        x = probe(self.conv2(x), "convolution")
        x = probe(F.relu(x), "relu")
        x = probe(F.max_pool2d(x, 2), "pooling")
        x = probe(F.dropout(x, 0.25), "dropout")
        x = probe(self.linear1(torch.flatten(x, 1)), "linear")
        x = probe(F.relu(x), "relu")
        x = probe(F.dropout(x, 0.5), "dropout")
        return probe(self.linear2(x), "linear")


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.pad = (outputs - inputs) // 2
        self.stride = stride
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm1, self.norm2 = nn.BatchNorm2d(outputs), nn.BatchNorm2d(outputs)

    def forward(self, x):
        y = probe(self.conv1(x), "convolution")
        y = probe(F.relu(self.norm1(y)), "norm, relu")
        y = probe(self.conv2(y), "convolution")
        if self.stride > 1:
            x = x[:, :, :: self.stride, :: self.stride]
            x = probe(F.pad(x, (0, 0, 0, 0, self.pad, self.pad)), "shortcut")
        return probe(F.relu(self.norm2(y) + x), "norm, add, relu")


class ResNet20(nn.Module):
    batch = (128, 3, 32, 32)

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        sizes = [(16, 16, 1)] * 3 + [(16, 32, 2)] + [(32, 32, 1)] * 2 + [(32, 64, 2)] + [(64, 64, 1)] * 2
        self.blocks = nn.Sequential(*(Block(*size) for size in sizes))
        self.linear = nn.Linear(64, 10)

    def forward(self, x):
        x = probe(self.conv(x), "convolution")
        x = probe(F.relu(self.norm(x)), "norm, relu")
        x = self.blocks(x)
        x = probe(F.avg_pool2d(x, x.shape[3]), "pooling")
        return probe(self.linear(x.view(x.shape[0], -1)), "linear")


def step(net, optimizer, x, labels):
    logits = net(x)
    loss = probe(F.cross_entropy(logits, labels), "loss")
    optimizer.zero_grad()
    loss.backward()
    if Probe.log is not None:
        Probe.log.append(("Adam", "adam", time.process_time()))
    optimizer.step()
    return loss


def main():
    name = sys.argv[1] if len(sys.argv) > 1 else "mnist"
    torch.set_num_threads(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    steps = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    torch.manual_seed(0)
    net = {"mnist": Mnist, "resnet20": ResNet20}[name]()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    x, labels = torch.randn(net.batch), torch.arange(net.batch[0]) % 10
    for _ in range(3):
        step(net, optimizer, x, labels)
    wall, processor = [], []
    for _ in range(steps):
        start = time.perf_counter(), time.process_time()
        step(net, optimizer, x, labels).item()
        wall.append((time.perf_counter() - start[0]) * 1e3)
        processor.append((time.process_time() - start[1]) * 1e3)
    show = lambda ms: f"least {min(ms):7.1f}  median {statistics.median(ms):7.1f}"
    print(f"PyTorch {name}: wall {show(wall)}   processor {show(processor)}")
    profile(net, optimizer, x, labels, steps)


def profile(net, optimizer, x, labels, steps):
    parts = {}
    for index in range(steps):
        Probe.log = []
        before = time.process_time()
        step(net, optimizer, x, labels)
        end = time.process_time()
        log = Probe.log
        for (part, phase, at), (_, _, following) in zip(log, log[1:] + [(None, None, end)]):
            if phase == "forward":
                took, before = at - before, at
            else:
                took = following - at
            parts.setdefault((part, phase), [0.0] * steps)[index] += took * 1e3
    for (part, phase), ms in sorted(parts.items()):
        print(f"  {part:16} {phase:9} {statistics.median(ms):8.2f}")


main()
