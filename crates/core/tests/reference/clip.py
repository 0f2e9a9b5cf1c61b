"""Writes clip.json: torch.nn.utils.clip_grad_norm_ and clip_grad_value_ for the cases of tests/clip.rs.

    python clip.py                  (PyTorch 2.15.0 made the stored numbers)
"""

import json
import pathlib

import torch


def gradients():
    """Two parameters whose gradients are a formula of the index."""
    parameters = []
    for shape, scale in [((3, 13), 0.5), ((7,), 0.25)]:
        i = torch.arange(torch.Size(shape).numel())
        parameter = torch.nn.Parameter(torch.zeros(shape))
        parameter.grad = ((i * 5 % 13 - 6) * scale).reshape(shape).float()
        parameters.append(parameter)
    return parameters


def main():
    cases = []
    for limit in [0.5, 3.0, 100.0]:
        parameters = gradients()
        norm = torch.nn.utils.clip_grad_norm_(parameters, limit).item()
        by_norm = [p.grad.flatten().tolist() for p in parameters]
        parameters = gradients()
        torch.nn.utils.clip_grad_value_(parameters, limit)
        by_value = [p.grad.flatten().tolist() for p in parameters]
        cases.append({"max": limit, "norm": norm, "by_norm": by_norm, "by_value": by_value})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
