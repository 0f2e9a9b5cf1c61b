"""Writes optimizers.json: torch.optim on the small quadratic problem of tests/optimizer.rs.

    python optimizers.py            (PyTorch 2.15.0 made the stored numbers)

loss = sum over i of a_i / 2 * (p_i - t_i)^2, times 1 + (step mod 3) / 10. The bias has no gradient in every fourth step.
"""

import json
import pathlib

import torch

STEPS = 20
CASES = {
    "sgd": (torch.optim.SGD, {}, {"name": "sgd"}, 0.5),
    "sgd_momentum": (torch.optim.SGD, {"momentum": 0.9}, {"name": "sgd", "momentum": 0.9}, 0.1),
    "sgd_dampening": (torch.optim.SGD, {"momentum": 0.8, "dampening": 0.3, "weight_decay": 0.02},
                      {"name": "sgd", "momentum": 0.8, "dampening": 0.3, "weight_decay": 0.02}, 0.2),
    "sgd_nesterov": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
                     {"name": "sgd", "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}, 0.1),
    "adagrad": (torch.optim.Adagrad, {}, {"name": "adagrad"}, None),
    "adagrad_all": (torch.optim.Adagrad,
                    {"lr_decay": 0.1, "initial_accumulator_value": 0.25, "eps": 1e-3, "weight_decay": 0.05},
                    {"name": "adagrad", "learning_rate_decay": 0.1, "initial_accumulator": 0.25, "epsilon": 1e-3,
                     "weight_decay": 0.05}, 0.3),
    "adadelta": (torch.optim.Adadelta, {}, {"name": "adadelta"}, None),
    "adadelta_paper": (torch.optim.Adadelta, {"rho": 0.95, "eps": 1e-4, "weight_decay": 0.05},
                       {"name": "adadelta", "rho": 0.95, "epsilon": 1e-4, "weight_decay": 0.05}, 1.0),
    "rmsprop": (torch.optim.RMSprop, {}, {"name": "rmsprop"}, None),
    "rmsprop_momentum": (torch.optim.RMSprop, {"alpha": 0.9, "momentum": 0.5, "eps": 1e-4, "weight_decay": 0.05},
                         {"name": "rmsprop", "alpha": 0.9, "momentum": 0.5, "epsilon": 1e-4, "weight_decay": 0.05}, 0.02),
    "rmsprop_centered": (torch.optim.RMSprop, {"centered": True}, {"name": "rmsprop", "centered": True}, None),
    "rmsprop_graves": (torch.optim.RMSprop,
                       {"alpha": 0.95, "momentum": 0.9, "centered": True, "eps": 1e-4, "weight_decay": 0.01},
                       {"name": "rmsprop", "alpha": 0.95, "momentum": 0.9, "centered": True, "epsilon": 1e-4,
                        "weight_decay": 0.01}, 0.002),
    "adam": (torch.optim.Adam, {}, {"name": "adam"}, None),
    "adam_all": (torch.optim.Adam, {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.05},
                 {"name": "adam", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weight_decay": 0.05}, 0.05),
    "adamw": (torch.optim.AdamW, {}, {"name": "adamw"}, None),
    "adamw_all": (torch.optim.AdamW, {"betas": (0.8, 0.95), "eps": 1e-4, "weight_decay": 0.3},
                  {"name": "adamw", "beta1": 0.8, "beta2": 0.95, "epsilon": 1e-4, "weight_decay": 0.3}, 0.05),
}


def problem(count):
    """Start, curvature and target of `count` numbers."""
    i = torch.arange(count)
    start = (i * 3 % 17 - 8) / 8
    curvature = (i * 7 % 11 + 1) / 11
    target = (i * 5 % 13 - 6) / 6
    return start.float(), curvature.float(), target.float()


def run(optimizer, settings, rate):
    parameters = []
    for shape in [(3, 13), (7,)]:
        start, curvature, target = (x.reshape(shape) for x in problem(torch.Size(shape).numel()))
        parameters.append((torch.nn.Parameter(start), curvature, target))
    tensors = [p for p, _, _ in parameters]
    made = optimizer(tensors, **settings) if rate is None else optimizer(tensors, lr=rate, **settings)
    losses, values = [], {}
    for step in range(STEPS):
        made.zero_grad()
        used = parameters[:1] if step % 4 == 3 else parameters
        loss = sum((a / 2 * (p - t) ** 2).sum() for p, a, t in used) * (1 + step % 3 / 10)
        loss.backward()
        made.step()
        losses.append(loss.item())
        if step + 1 in (1, 5, STEPS):
            values[step + 1] = [p.flatten().tolist() for p in tensors]
    return made.param_groups[0]["lr"], losses, values


def main():
    cases = []
    for name, (optimizer, settings, config, rate) in CASES.items():
        used_rate, losses, values = run(optimizer, settings, rate)
        default = rate is None
        cases.append({"case": name, "config": config, "learning_rate": used_rate, "default_rate": default,
                      "losses": losses, "values": values})
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


main()
