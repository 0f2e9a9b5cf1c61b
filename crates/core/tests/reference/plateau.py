"""Writes plateau.json: the factors of torch.optim.lr_scheduler.ReduceLROnPlateau for the cases of tests/schedule.rs.

    python plateau.py             (PyTorch 2.15.0 made the stored numbers)
"""

import json
import pathlib

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

# Scores rise, stand still, rise by less than a threshold, fall, rise again.
SCORES = [-2.0, -1.5, -1.5, -1.49995, -1.6, -1.2, -1.25, -1.3, -1.2, -1.21, -1.22, -1.0, -1.0, -1.0, -1.0, -1.0, -0.9, -0.95,
          -0.95, -0.95, -0.95, -0.95, -0.95, -0.95, -0.95, 0.1, 0.05, 0.1001, 0.10021, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
CASES = [
    {},
    {"factor": 0.5, "patience": 0},
    {"factor": 0.5, "patience": 1, "cooldown": 2},
    {"factor": 0.25, "patience": 2, "threshold": 0.15, "final_fraction": 0.05},
    {"factor": 0.7, "patience": 0, "threshold": 0.0, "cooldown": 1, "final_fraction": 0.3},
]


def main():
    cases = []
    for settings in CASES:
        given = {"factor": 0.1, "patience": 2, "threshold": 1e-4, "cooldown": 0, "final_fraction": 0.0} | settings
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        minimum = given.pop("final_fraction")
        schedule = ReduceLROnPlateau(optimizer, mode="max", threshold_mode="abs", min_lr=minimum, eps=0.0, **given)
        factors = []
        for score in SCORES:
            optimizer.step()
            schedule.step(score)
            factors.append(optimizer.param_groups[0]["lr"])
        cases.append({"curve": {"curve": "plateau"} | settings, "scores": SCORES, "factors": factors})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
