"""Reference numbers for tests/backbones.rs: torchvision's networks (timm's for squeeze and excitation) in double precision.

    pip install torch torchvision timm numpy
    python crates/cnn/tests/reference/backbones.py > crates/cnn/tests/reference/backbones.json

Weights come from the formulas of networks.py with `scatter` in place of `ramp`, running statistics from

    scatter(shape, 5000 + k) / 10         the running mean number k (from 0, means and variances counted apart)
    1 + scatter(shape, 6000 + k) / 2      the running variance number k

and pictures from scatter(shape, 1000). (The regular ramp makes equal values, which rounding orders anew in maxima and at the corner of
ReLU: gradients of deep networks then depend on it.) Networks that torchvision does not have are written out below. Of tensors stand norm
and up to 8 entries as in networks.py, of gradients and of the running statistics after a step the norms alone.
"""

import json
import sys

import numpy as np
import timm
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision
from torchvision import models

from networks import digest, fill


def scatter(shape, k):
    """Irregular numbers in [-1, 1]: a mix of the bits of i + 104729 k, modulo 20001."""
    h = (np.arange(int(np.prod(shape)), dtype=np.uint32) + np.uint32(104729 * k)) * np.uint32(2654435761)
    h = (h ^ (h >> np.uint32(15))) * np.uint32(2246822519)
    h = (h ^ (h >> np.uint32(13))) % np.uint32(20001)
    return torch.from_numpy((h.astype(np.float64) - 10000) / 10000).reshape(shape)


def lrn():
    """The paper's alpha multiplies the sum over the window of 5, PyTorch's the mean."""
    return nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


class AlexNet2012(nn.Module):
    def __init__(self, classes=1000, hidden=4096, pixels=6, first=(11, 4, 2)):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, *first)
        self.conv2 = nn.Conv2d(96, 256, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1, groups=2)
        self.pool1, self.pool2, self.pool5 = (nn.MaxPool2d(3, 2) for _ in range(3))
        self.fc6, self.fc7, self.fc8 = nn.Linear(256 * pixels**2, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, classes)

    def forward(self, x):
        x = self.pool1(lrn()(F.relu(self.conv1(x))))
        x = self.pool2(lrn()(F.relu(self.conv2(x))))
        x = self.pool5(F.relu(self.conv5(F.relu(self.conv4(F.relu(self.conv3(x)))))))
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(x.flatten(1))))))


class ZFNet(nn.Module):
    def __init__(self, classes=1000, hidden=4096, pixels=6):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 96, 7, 2, 1)
        self.conv2 = nn.Conv2d(96, 256, 5, 2)
        self.conv3 = nn.Conv2d(256, 384, 3, padding=1)
        self.conv4 = nn.Conv2d(384, 384, 3, padding=1)
        self.conv5 = nn.Conv2d(384, 256, 3, padding=1)
        self.pool1, self.pool2, self.pool5 = (nn.MaxPool2d(3, 2, ceil_mode=True) for _ in range(3))
        self.fc6, self.fc7, self.fc8 = nn.Linear(256 * pixels**2, hidden), nn.Linear(hidden, hidden), nn.Linear(hidden, classes)

    def forward(self, x):
        x = lrn()(self.pool1(F.relu(self.conv1(x))))
        x = lrn()(self.pool2(F.relu(self.conv2(x))))
        x = self.pool5(F.relu(self.conv5(F.relu(self.conv4(F.relu(self.conv3(x)))))))
        return self.fc8(F.relu(self.fc7(F.relu(self.fc6(x.flatten(1))))))


class Conv(nn.Module):
    def __init__(self, before, after, kernel, **options):
        super().__init__()
        self.conv = nn.Conv2d(before, after, kernel, **options)

    def forward(self, x):
        return F.relu(self.conv(x))


class Inception(nn.Module):
    def __init__(self, before, one, three_in, three, five_in, five, pooled):
        super().__init__()
        self.branch1 = Conv(before, one, 1)
        self.branch2 = nn.Sequential(Conv(before, three_in, 1), Conv(three_in, three, 3, padding=1))
        self.branch3 = nn.Sequential(Conv(before, five_in, 1), Conv(five_in, five, 5, padding=2))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, 1, 1), Conv(before, pooled, 1))

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNetPaper(nn.Module):
    """Szegedy et al. 2015, table 1, without the auxiliary classifiers."""

    def __init__(self, classes=1000):
        super().__init__()
        pool = lambda: nn.MaxPool2d(3, 2, ceil_mode=True)
        self.conv1, self.maxpool1 = Conv(3, 64, 7, stride=2, padding=3), pool()
        self.conv2, self.conv3, self.maxpool2 = Conv(64, 64, 1), Conv(64, 192, 3, padding=1), pool()
        self.inception3a = Inception(192, 64, 96, 128, 16, 32, 32)
        self.inception3b = Inception(256, 128, 128, 192, 32, 96, 64)
        self.maxpool3 = pool()
        self.inception4a = Inception(480, 192, 96, 208, 16, 48, 64)
        self.inception4b = Inception(512, 160, 112, 224, 24, 64, 64)
        self.inception4c = Inception(512, 128, 128, 256, 24, 64, 64)
        self.inception4d = Inception(512, 112, 144, 288, 32, 64, 64)
        self.inception4e = Inception(528, 256, 160, 320, 32, 128, 128)
        self.maxpool4 = pool()
        self.inception5a = Inception(832, 256, 160, 320, 32, 128, 128)
        self.inception5b = Inception(832, 384, 192, 384, 48, 128, 128)
        self.fc = nn.Linear(1024, classes)

    def forward(self, x):
        x = lrn()(self.maxpool1(self.conv1(x)))
        x = self.maxpool2(lrn()(self.conv3(self.conv2(x))))
        x = self.maxpool3(self.inception3b(self.inception3a(x)))
        x = self.inception4e(self.inception4d(self.inception4c(self.inception4b(self.inception4a(x)))))
        x = self.inception5b(self.inception5a(self.maxpool4(x)))
        return self.fc(x.mean((2, 3)))


def googlenet(**options):
    return models.googlenet(weights=None, aux_logits=False, init_weights=False, **options)


def narrow(network, hidden, pixels=None, classes=1000):
    """torchvision's AlexNet or VGG with smaller dense layers, whose weights are most of the network's."""
    dense = [place for place, layer in enumerate(network.classifier) if isinstance(layer, nn.Linear)]
    widths = [network.classifier[dense[0]].in_features, hidden, hidden, classes]
    if pixels:
        channels = 512 if widths[0] == 25088 else 256
        widths[0] = channels * pixels**2
        network.avgpool = nn.AdaptiveAvgPool2d(pixels)
    for place, before, after in zip(dense, widths, widths[1:]):
        network.classifier[place] = nn.Linear(before, after)
    return network


def cifar_resnet(network):
    network.conv1, network.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    return network


def cifar_vgg(network, classes):
    for layer in network.features:
        if isinstance(layer, nn.MaxPool2d):
            layer.ceil_mode = True
    return narrow(network, 512, 1, classes)


def cifar_alexnet(classes):
    network = narrow(models.alexnet(), 512, 3, classes)
    network.features[0] = nn.Conv2d(3, 64, 5, 1, 2)
    return network


def cifar_googlenet(classes):
    network = googlenet(num_classes=classes)
    network.conv1.conv = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
    network.maxpool1 = network.maxpool2 = nn.Identity()
    return network


def cifar_squeezenet(classes):
    network = models.squeezenet1_1(num_classes=classes)
    network.features[0], network.features[2] = nn.Conv2d(3, 64, 3, 1, 1), nn.Identity()
    return network


def cifar_mobilenet(classes):
    network = models.mobilenet_v2(num_classes=classes)
    network.features[0][0].stride = (1, 1)
    network.features[2].conv[1][0].stride = (1, 1)
    return network


# Published networks, counted alone.
COUNTED = {
    "alexnet": models.alexnet, "alexnet-2012": AlexNet2012, "zfnet": ZFNet, "googlenet": googlenet, "googlenet-paper": GoogLeNetPaper,
    "squeezenet": models.squeezenet1_1, "mobilenet-v2": models.mobilenet_v2,
    **{f"vgg{d}": getattr(models, f"vgg{d}") for d in (11, 13, 16, 19)},
    **{f"vgg{d}-bn": getattr(models, f"vgg{d}_bn") for d in (11, 13, 16, 19)},
    **{f"resnet{d}": getattr(models, f"resnet{d}") for d in (18, 34, 50, 101, 152)},
    **{f"se-resnet{d}": (lambda d=d: timm.create_model(f"seresnet{d}")) for d in (18, 34, 50, 101, 152)},
}

# Network, sizes of pictures, and the layers whose outputs are compared at the first size.
COMPARED = {
    "alexnet": (lambda: narrow(models.alexnet(), 64), [64, 224], ["features.2", "features.5", "features.12", "avgpool"]),
    "alexnet-2012": (lambda: AlexNet2012(hidden=64, pixels=1), [64], ["pool1", "pool2", "pool5"]),
    "zfnet": (lambda: ZFNet(hidden=64, pixels=1), [64], ["pool1", "pool2", "pool5"]),
    "vgg11": (lambda: narrow(models.vgg11(), 64), [64], ["features.2", "features.10", "features.20", "avgpool"]),
    "vgg13-bn": (lambda: narrow(models.vgg13_bn(), 64), [64], ["features.6", "features.34"]),
    "vgg16": (lambda: narrow(models.vgg16(), 64), [64, 224], ["features.4", "features.16", "features.30"]),
    "vgg19-bn": (lambda: narrow(models.vgg19_bn(), 64), [64], ["features.6", "features.52"]),
    "googlenet": (googlenet, [64, 224], ["maxpool2", "inception3b", "inception4e", "maxpool4", "inception5b"]),
    "googlenet-paper": (GoogLeNetPaper, [64], ["maxpool2", "inception3b", "inception4e", "inception5b"]),
    "resnet18": (models.resnet18, [64, 224], ["maxpool", "layer1.1", "layer2.1", "layer3.1", "layer4.1"]),
    "resnet34": (models.resnet34, [64], ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]),
    "resnet50": (models.resnet50, [64, 224], ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]),
    "resnet101": (models.resnet101, [64], ["layer1.2", "layer2.3", "layer3.22", "layer4.2"]),
    "resnet152": (models.resnet152, [64], ["layer1.2", "layer2.7", "layer3.35", "layer4.2"]),
    "se-resnet18": (lambda: timm.create_model("seresnet18"), [64], ["layer1.1", "layer2.1", "layer3.1", "layer4.1"]),
    "se-resnet50": (lambda: timm.create_model("seresnet50"), [64], ["layer1.2", "layer2.3", "layer3.5", "layer4.2"]),
    "squeezenet": (models.squeezenet1_1, [64, 224], ["features.2", "features.4", "features.7", "features.12", "classifier.1"]),
    "mobilenet-v2": (models.mobilenet_v2, [64, 224], ["features.3", "features.13", "features.15", "features.18.2"]),
}

# The variants for pictures of 32 x 32, ten classes.
CIFAR = {
    "alexnet": lambda: cifar_alexnet(10), "vgg16": lambda: cifar_vgg(models.vgg16(), 10), "vgg11-bn": lambda: cifar_vgg(models.vgg11_bn(), 10),
    "googlenet": lambda: cifar_googlenet(10), "resnet18": lambda: cifar_resnet(models.resnet18(num_classes=10)),
    "resnet50": lambda: cifar_resnet(models.resnet50(num_classes=10)), "squeezenet": lambda: cifar_squeezenet(10),
    "mobilenet-v2": lambda: cifar_mobilenet(10),
}

# One training step, dropout off.
TRAINED = {
    "resnet18": lambda: cifar_resnet(models.resnet18(num_classes=10)), "googlenet": lambda: cifar_googlenet(10),
    "mobilenet-v2": lambda: cifar_mobilenet(10), "vgg11-bn": lambda: cifar_vgg(models.vgg11_bn(), 10),
}


def fill_all(network):
    network = fill(network.double(), scatter)
    with torch.no_grad():
        for what, start, scale, shift in (("running_mean", 5000, 10, 0), ("running_var", 6000, 2, 1)):
            buffers = [buffer for name, buffer in network.named_buffers() if name.endswith(what)]
            for k, buffer in enumerate(buffers):
                buffer.copy_(shift + scatter(buffer.shape, start + k) / scale)
    return network


def evaluate(make, sizes, names):
    network = fill_all(make()).eval()
    seen, modules = {}, dict(network.named_modules())
    case = {"sizes": {}, "layers": {}}
    for size in sizes:
        hooks = []
        if size == sizes[0]:
            for name in names:
                hooks.append(modules[name].register_forward_hook(lambda m, i, o, name=name: seen.__setitem__(name, digest(o))))
        x = scatter((2 if size < 224 else 1, 3, size, size), 1000)
        with torch.no_grad():
            case["sizes"][str(size)] = digest(network(x))
        for hook in hooks:
            hook.remove()
    case["layers"] = seen
    return case


def step(make, change):
    network = fill_all(make()).train()
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    x = scatter((4, 3, 32, 32), 1000) + change * scatter((4, 3, 32, 32), 1001)
    logits = network(x)
    loss = F.cross_entropy(logits, (7 * torch.arange(4)) % 10)
    loss.backward()
    return network, logits, loss, {name: float(p.grad.norm()) for name, p in network.named_parameters()}


def train(make):
    network, logits, loss, norms = step(make, 0)
    near = step(make, 1e-6)[3]
    floor = max(norms.values()) / 1000
    return {
        "loss": loss.item(),
        "logits": digest(logits),
        "gradients": norms,
        # The largest change of a gradient, relative to its norm or to a thousandth of the largest, where pixels change by 1e-6: no
        # computation in single precision can be nearer.
        "sensitivity": max(abs(near[name] - norm) / max(norm, floor) for name, norm in norms.items()),
        "running": {name: float(b.norm()) for name, b in network.named_buffers() if b.dim() > 0},
    }


def count(network):
    return sum(p.numel() for p in network.parameters())


def short(value):
    """Nine digits are as many as single precision can tell."""
    if isinstance(value, float):
        return float(f"{value:.9g}")
    if isinstance(value, dict):
        return {key: short(inner) for key, inner in value.items()}
    return [short(inner) for inner in value] if isinstance(value, list) else value


if __name__ == "__main__":
    torch.set_num_threads(1)
    result = {"made_with": {"torch": torch.__version__, "torchvision": torchvision.__version__, "timm": timm.__version__}}
    with torch.device("meta"):
        result["parameters"] = {name: count(make()) for name, make in COUNTED.items()}
    print(result["parameters"], file=sys.stderr)
    for part, cases in (("evaluated", COMPARED), ("cifar", {name: (make, [32], []) for name, make in CIFAR.items()})):
        result[part] = {}
        for name, (make, sizes, names) in cases.items():
            result[part][name] = evaluate(make, sizes, names)
            result[part][name]["parameters"] = count(make())
            print(part, name, {size: found["norm"] for size, found in result[part][name]["sizes"].items()}, file=sys.stderr)
    result["trained"] = {name: train(make) for name, make in TRAINED.items()}
    print({name: (case["loss"], case["sensitivity"]) for name, case in result["trained"].items()}, file=sys.stderr)
    print(json.dumps(short(result), separators=(",", ":")))
