"""Writes timm.json: names and shapes of the tensors of timm's networks whose names are not torchvision's.

    pip install timm
    python timm.py
"""

import json
import pathlib

import timm

networks = {}
for name in ["vgg11", "vgg16_bn", "mobilenetv2_100"]:
    tensors = timm.create_model(name, pretrained=False).state_dict()
    networks[name] = {key: list(tensor.shape) for key, tensor in tensors.items() if not key.endswith("num_batches_tracked")}
file = pathlib.Path(__file__).with_suffix(".json")
file.write_text(json.dumps({"timm": timm.__version__, "networks": networks}, separators=(",", ":")) + "\n")
