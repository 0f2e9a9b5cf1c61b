"""Reference numbers for tests/parity.rs: losses, gradients and optimiser steps of whole networks, by PyTorch in double precision.

    python crates/cnn/tests/reference/networks.py > crates/cnn/tests/reference/networks.json

Weights come from `ramp` and not from a file: parameter number k of `named_parameters()` (from 0) is

    ramp(shape, k) * sqrt(6 / fan_in)    a weight of a convolution or dense layer, in PyTorch's layout
    1 + ramp(shape, k) / 4               a weight of batch normalisation
    ramp(shape, k) / 10                  a bias

Batch number s is ramp(shape, 1000 + s) with labels (7 i + 3 s) mod 10. The loss is the mean cross-entropy. Of each tensor stand
the Euclidean norm and up to 8 entries, number (7919 j) mod n for j = 0..8.
"""

import json
import math
import sys

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


def ramp(shape, k):
    """Numbers in [-1, 1]: entry i is ((7919 i + 104729 k) mod 2001 - 1000) / 1000."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy((((7919 * i + 104729 * k) % 2001) - 1000) / 1000).reshape(shape)


def digest(t):
    flat = t.detach().reshape(-1)
    n = flat.numel()
    places = [(7919 * j) % n for j in range(min(8, n))]
    return {"shape": list(t.shape), "norm": float(flat.norm()), "samples": [float(flat[p]) for p in places]}


class LeNet5(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2).flatten(1)
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class PytorchMnist(nn.Module):
    """The example's network with its dropout switched off."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 32, 3), nn.Conv2d(32, 64, 3)
        self.fc1, self.fc2 = nn.Linear(9216, 128), nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv2(F.relu(self.conv1(x)))), 2).flatten(1)
        return self.fc2(F.relu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, before, after, stride, shortcut):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after)
        self.conv2, self.bn2 = nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after)
        self.change, self.new = before != after, after - before
        if self.change and shortcut == "b":
            self.downsample = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if hasattr(self, "downsample"):
            x = self.downsample(x)
        elif self.change:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.new // 2, self.new // 2))
        return F.relu(y + x)


class ResNet20(nn.Module):
    def __init__(self, shortcut):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        before = 16
        for layer, after in enumerate((16, 32, 64), 1):
            stride = 1 if after == 16 else 2
            blocks = [Block(before, after, stride, shortcut)] + [Block(after, after, 1, shortcut) for _ in range(2)]
            setattr(self, f"layer{layer}", nn.Sequential(*blocks))
            before = after
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(x.mean((2, 3)))


def fill(network, numbers=ramp):
    with torch.no_grad():
        for k, (name, p) in enumerate(network.named_parameters()):
            values = numbers(p.shape, k)
            if p.dim() > 1:
                values = values * math.sqrt(6 / p[0].numel())
            elif name.endswith("weight"):
                values = 1 + values / 4
            else:
                values = values / 10
            p.copy_(values)
    return network


def batch(shape, s, dtype):
    return ramp(shape, 1000 + s).to(dtype), (7 * torch.arange(shape[0]) + 3 * s) % 10


def step(network, shape):
    """One training forward and backward pass, and then the evaluation of another batch."""
    network = fill(network.double())
    x, labels = batch(shape, 0, torch.float64)
    logits = network(x)
    loss = F.cross_entropy(logits, labels)
    loss.backward()
    result = {
        "shape": shape,
        "loss": loss.item(),
        "logits": digest(logits),
        "gradients": {name: digest(p.grad) for name, p in network.named_parameters()},
        "running": {name: digest(b) for name, b in network.named_buffers() if b.dim() > 0},
    }
    network.eval()
    result["evaluated"] = digest(network(batch(shape, 1, torch.float64)[0]))
    return result


OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.05),
    "sgd-weight-decay": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=0.01),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01, eps=1e-10),
    "adadelta": lambda p: torch.optim.Adadelta(p, lr=1.0, rho=0.9, eps=1e-6),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.001, alpha=0.99, eps=1e-8),
    "adam": lambda p: torch.optim.Adam(p, lr=0.001, betas=(0.9, 0.999), eps=1e-8),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.001, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01),
}


def losses(optimiser, dtype):
    """The losses before each of 20 steps of LeNet-5, over four batches of 16 in turn."""
    network = fill(LeNet5().to(dtype))
    optimiser = optimiser(network.parameters())
    history = []
    for s in range(20):
        x, labels = batch((16, 1, 28, 28), s % 4, dtype)
        optimiser.zero_grad()
        loss = F.cross_entropy(network(x), labels)
        loss.backward()
        optimiser.step()
        history.append(loss.item())
    return history


if __name__ == "__main__":
    optimisers = {}
    for name, optimiser in OPTIMISERS.items():
        optimisers[name] = losses(optimiser, torch.float64)
        single = losses(optimiser, torch.float32)
        error = max(abs(a - b) / b for a, b in zip(single, optimisers[name]))
        print(f"{name}: {optimisers[name][0]:.4f} to {optimisers[name][-1]:.4f}, single precision off by {error:.1e}", file=sys.stderr)
    print(json.dumps({
        "made_with": {"torch": torch.__version__},
        "lenet5": step(LeNet5(), (8, 1, 28, 28)),
        "pytorch-mnist": step(PytorchMnist(), (4, 1, 28, 28)),
        "resnet20": step(ResNet20("a"), (4, 3, 32, 32)),
        "resnet20-b": step(ResNet20("b"), (4, 3, 32, 32)),
        "optimisers": optimisers,
    }, separators=(",", ":")))
