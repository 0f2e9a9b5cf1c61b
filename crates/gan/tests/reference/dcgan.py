"""One step of each player of DCGAN in PyTorch, for tests/images.rs: losses, and every tensor afterwards.

pip install torch numpy

Weights, noise and pictures are formulas, written again in the test. The networks are those of `--model dcgan` and `--model conditional` for pictures of
one channel and 28 pixels, with 3 filters and noise of 5 numbers; the step is plain gradient descent at 0.01.
"""
import json
import pathlib

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

F3, LATENT, BATCH, RATE = 3, 5, 4, 0.01


def values(count, salt, scale):
    return torch.from_numpy((scale * np.sin(1.7 * np.arange(count) + 0.9 * salt)).astype(np.float32))


class Generator(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.project = nn.Linear(LATENT + classes, 2 * F3 * 49, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(2 * F3), nn.BatchNorm2d(F3)])
        self.layers = nn.ModuleList(
            [nn.ConvTranspose2d(2 * F3, F3, 4, 2, 1, bias=False), nn.ConvTranspose2d(F3, 1, 4, 2, 1)])

    def forward(self, z):
        x = self.project(z).view(-1, 2 * F3, 7, 7)
        for norm, layer in zip(self.norms, self.layers):
            x = layer(F.relu(norm(x)))
        return torch.tanh(x)


class Downwards(nn.Module):
    def __init__(self, channels_in, channels_out, norm):
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, channels_out, 4, 2, 1, bias=not norm)
        self.norm = nn.BatchNorm2d(channels_out) if norm else None

    def forward(self, x):
        x = self.convolution(x)
        return F.leaky_relu(x if self.norm is None else self.norm(x), 0.2)


class Discriminator(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layers = nn.ModuleList([Downwards(1, F3, False), Downwards(F3, 2 * F3, True)])
        self.output = nn.Linear(2 * F3 * 49, 1 + classes)

    def forward(self, x, classes):
        for layer in self.layers:
            x = layer(x)
        scores = self.output(x.flatten(1))
        return (scores * torch.cat([torch.ones(len(x), 1), classes], 1)).sum(1, keepdim=True)


def fill(module):
    state = {name: tensor for name, tensor in module.state_dict().items() if not name.endswith("num_batches_tracked")}
    for salt, name in enumerate(sorted(state)):
        tensor = state[name]
        if "running" not in name:
            scale, shift = (0.1, 1.0) if "norm" in name and name.endswith("weight") else (0.1, 0.0)
            tensor.copy_((values(tensor.numel(), salt, scale) + shift).view_as(tensor))


def state(module):
    found = {}
    for name, tensor in module.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            flat = tensor.double().flatten().numpy()
            found[name] = [float(flat @ np.cos(np.arange(flat.size))), float(np.abs(flat).sum())]
    return found


cases = []
for classes in [0, 3]:
    generator, discriminator = Generator(classes), Discriminator(classes)
    with torch.no_grad():
        fill(generator)
        fill(discriminator)
    labels = torch.arange(BATCH) % max(classes, 1)
    vectors = F.one_hot(labels, classes).float() if classes else torch.zeros(BATCH, 0)
    z = torch.cat([values(BATCH * LATENT, 1, 1.5).view(BATCH, LATENT), vectors], 1)
    real = values(BATCH * 784, 2, 1.0).view(BATCH, 1, 28, 28)
    fake = generator(z)
    d_loss = F.softplus(-discriminator(real, vectors)).mean() + F.softplus(discriminator(fake.detach(), vectors)).mean()
    d_loss.backward()
    torch.optim.SGD(discriminator.parameters(), RATE).step()
    g_loss = F.softplus(-discriminator(fake, vectors)).mean()
    g_loss.backward()
    torch.optim.SGD(generator.parameters(), RATE).step()
    cases.append(dict(classes=classes, pictures=fake.detach().flatten()[::97].tolist(), d_loss=float(d_loss.detach()),
                      g_loss=float(g_loss.detach()), generator=state(generator), discriminator=state(discriminator)))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, indent=1) + "\n")
