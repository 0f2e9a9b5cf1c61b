"""Writes schedules.json: the factors of torch.optim.lr_scheduler for the cases of tests/schedule.rs.

    python schedules.py             (PyTorch 2.15.0 made the stored numbers)
"""

import json
import pathlib
import warnings

import torch
from torch.optim import lr_scheduler as s

warnings.filterwarnings("ignore")
ONE_CYCLE = {"name": "one-cycle"}
CASES = [
    ({}, 10, lambda o, n: s.ConstantLR(o, 1.0)),
    ({"curve": {"name": "step", "every": 3, "factor": 0.5}}, 11, lambda o, n: s.StepLR(o, 3, 0.5)),
    ({"curve": {"name": "step", "every": 4}}, 9, lambda o, n: s.StepLR(o, 4)),
    ({"curve": {"name": "cosine"}}, 17, lambda o, n: s.CosineAnnealingLR(o, n)),
    ({"curve": {"name": "cosine", "final_fraction": 0.1}}, 20, lambda o, n: s.CosineAnnealingLR(o, n, eta_min=0.1)),
    ({"curve": ONE_CYCLE}, 30, lambda o, n: s.OneCycleLR(o, 1.0, total_steps=n)),
    ({"curve": ONE_CYCLE}, 37, lambda o, n: s.OneCycleLR(o, 1.0, total_steps=n)),
    ({"curve": ONE_CYCLE | {"rise": 0.25, "start_divisor": 10, "final_divisor": 100}}, 23,
     lambda o, n: s.OneCycleLR(o, 1.0, total_steps=n, pct_start=0.25, div_factor=10, final_div_factor=100)),
    ({"warmup": 4, "curve": {"name": "cosine", "final_fraction": 0.05}}, 15, lambda o, n: s.SequentialLR(
        o, [s.LinearLR(o, 1 / 5, 1.0, 4), s.CosineAnnealingLR(o, n - 4, eta_min=0.05)], [4])),
    ({"warmup": 3, "curve": {"name": "step", "every": 2, "factor": 0.1}}, 10, lambda o, n: s.SequentialLR(
        o, [s.LinearLR(o, 1 / 4, 1.0, 3), s.StepLR(o, 2, 0.1)], [3])),
]


def main():
    cases = []
    for config, total, make in CASES:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = make(optimizer, total)
        factors = []
        for step in range(total):
            factors.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if step + 1 < total:
                schedule.step()
        cases.append({"config": config, "total": total, "factors": factors})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
