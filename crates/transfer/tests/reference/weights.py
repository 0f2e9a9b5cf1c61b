"""Reference files for tests/weights.rs, written by PyTorch: state dictionaries in every form that torch.save has, and the names of the
published networks.

    pip install torch torchvision timm numpy safetensors
    python crates/transfer/tests/reference/weights.py

writes files/*.pth, files/*.safetensors and weights.json. Tensor number k (from 0) holds ramp(shape, k), integers the same times 1000. Of the published
networks stand the number of tensors and the SHA-256 of the lines "<name> <sizes joined by x>", sorted, without num_batches_tracked.
"""

import hashlib
import json
import os
from collections import OrderedDict
from pathlib import Path

import numpy as np
import timm
import torch
from safetensors.torch import save_file
from torchvision import models

HERE = Path(__file__).parent


def ramp(shape, k):
    """Entry i is ((7919 i + 104729 k) mod 2001 - 1000) / 1000."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy((((7919 * i + 104729 * k) % 2001) - 1000) / 1000).reshape(shape)


def state():
    both = torch.cat([ramp((4,), 7), ramp((3,), 8)]).float()
    tensors = [
        ("conv.weight", ramp((4, 3, 3, 3), 0).float()),
        ("conv.bias", ramp((4,), 1).half()),
        ("fc.weight", ramp((5, 7), 2).float().t().contiguous().t()),  # in column-major order
        ("fc.bias", ramp((5,), 3).bfloat16()),
        ("last.weight", ramp((2, 3, 2, 2), 4).to(torch.float64).to(memory_format=torch.channels_last)),
        ("scalar", ramp((), 5).float()),
        ("count", (ramp((1,), 6) * 1000).long()),
        ("first.half", both[:4]),  # two views of one storage
        ("second.half", both[4:]),
        ("empty", torch.zeros(0, 3)),
    ]
    return OrderedDict(tensors)


class Code:
    def __reduce__(self):
        return os.system, ("echo this must never be printed",)


def names(network):
    lines = [
        f"{name} {'x'.join(map(str, tensor.shape))}\n"
        for name, tensor in network.state_dict().items() if not name.endswith("num_batches_tracked")
    ]
    return {"tensors": len(lines), "sha256": hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()}


if __name__ == "__main__":
    files = HERE / "files"
    tensors = state()
    torch.save(tensors, files / "new.pth")
    torch.save(tensors, files / "old.pth", _use_new_zipfile_serialization=False)
    torch.save({"epoch": 3, "loss": 0.5, "state_dict": dict(tensors)}, files / "run.pth")
    torch.save(tensors, files / "protocol4.pth", pickle_protocol=4)
    torch.save({name: torch.nn.Parameter(tensor) if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}, files / "parameters.pth")
    torch.save(torch.nn.Linear(2, 3), files / "whole-model.pth")
    torch.save({"weight": torch.zeros(2), "code": Code()}, files / "code.pth")
    torch.save({"weight": torch.zeros(2), "note": "text"}, files / "text.pth")
    save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, files / "new.safetensors")
    published = {}
    with torch.device("meta"):
        for name in [
            "alexnet", "vgg11", "vgg13", "vgg16", "vgg19", "vgg11_bn", "vgg13_bn", "vgg16_bn", "vgg19_bn",
            "resnet18", "resnet34", "resnet50", "resnet101", "resnet152", "squeezenet1_1", "mobilenet_v2",
        ]:
            published[name.replace("_", "-")] = names(getattr(models, name)())
        published["googlenet"] = names(models.googlenet(aux_logits=False, init_weights=False))
        timms = {f"se-resnet{depth}": names(timm.create_model(f"seresnet{depth}")) for depth in (18, 34, 50, 101, 152)}
        timms |= {f"resnet{depth}": names(timm.create_model(f"resnet{depth}")) for depth in (18, 34, 50, 101, 152)}
    described = {name: {"shape": list(tensor.shape), "type": str(tensor.dtype).split(".")[1]} for name, tensor in tensors.items()}
    result = {"made_with": {"torch": torch.__version__, "timm": timm.__version__}, "tensors": described, "published": published, "timm": timms}
    (HERE / "weights.json").write_text(json.dumps(result, indent=1) + "\n")
