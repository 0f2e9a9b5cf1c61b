"""Steps a second of DCGAN on MNIST-sized pictures in PyTorch: 64 filters, batch 64, 28 pixels, Adam, one step of each network.

    python pytorch_dcgan.py [--threads 2] [--steps 60] [--batch 64] [--filters 64]

The networks are those of `gan train --data mnist`, beside which this is run:

    gan train --data mnist --limit 6400 --epochs 1 --set classifier_epochs=0 --set fit.average=0 --set fit.collapse.every=0 --threads 2 --json

The discriminator takes no gradients in the generator's step, which PyTorch's example lets it take and throws away: the faster way is compared.
"""

import argparse
import statistics
import time

import torch
from torch import nn
import torch.nn.functional as F

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--steps", type=int, default=60)
parser.add_argument("--batch", type=int, default=64)
parser.add_argument("--filters", type=int, default=64)
options = parser.parse_args()
torch.set_num_threads(options.threads)
torch.manual_seed(1)
f, latent = options.filters, 100


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.project = nn.Linear(latent, 2 * f * 49, bias=False)
        self.rest = nn.Sequential(
            nn.BatchNorm2d(2 * f), nn.ReLU(True), nn.ConvTranspose2d(2 * f, f, 4, 2, 1, bias=False),
            nn.BatchNorm2d(f), nn.ReLU(True), nn.ConvTranspose2d(f, 1, 4, 2, 1), nn.Tanh())

    def forward(self, z):
        return self.rest(self.project(z).view(-1, 2 * f, 7, 7))


generator = Generator()
discriminator = nn.Sequential(
    nn.Conv2d(1, f, 4, 2, 1), nn.LeakyReLU(0.2, True),
    nn.Conv2d(f, 2 * f, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * f), nn.LeakyReLU(0.2, True),
    nn.Flatten(), nn.Linear(2 * f * 49, 1))
optimizers = [torch.optim.Adam(m.parameters(), 2e-4, (0.5, 0.999), fused=True) for m in (discriminator, generator)]
data = torch.rand(100, options.batch, 1, 28, 28) * 2 - 1


def step(real):
    z = torch.randn(options.batch, latent)
    fake = generator(z)
    optimizers[0].zero_grad(set_to_none=True)
    loss = F.softplus(-discriminator(real)).mean() + F.softplus(discriminator(fake.detach())).mean()
    loss.backward()
    optimizers[0].step()
    optimizers[1].zero_grad(set_to_none=True)
    discriminator.requires_grad_(False)
    F.softplus(-discriminator(fake)).mean().backward()
    discriminator.requires_grad_(True)
    optimizers[1].step()
    return float(loss)


for index in range(10):
    step(data[index])
times = []
for index in range(options.steps):
    start = time.perf_counter()
    step(data[index % 100])
    times.append(time.perf_counter() - start)
print(f"torch {torch.__version__}, {options.threads} threads: median {1e3 * statistics.median(times):.1f} ms, "
      f"best {1e3 * min(times):.1f} ms, {len(times) / sum(times):.2f} steps/s")
