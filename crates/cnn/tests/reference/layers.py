"""Reference numbers for tests/layers.rs: outputs and gradients of the layers, by PyTorch and numpy in double precision.

    python crates/cnn/tests/reference/layers.py > crates/cnn/tests/reference/layers.json

Every input and weight is made by `ramp`, which the Rust side rebuilds, so no tensor is stored. Of each result stand the
Euclidean norm and up to 16 entries, number (7919 j) mod n for j = 0..16. Gradients are those of sum(y * ramp(y.shape, 99)).
"""

import json

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def ramp(shape, k):
    """Numbers in [-1, 1]: entry i is ((7919 i + 104729 k) mod 2001 - 1000) / 1000."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy((((7919 * i + 104729 * k) % 2001) - 1000) / 1000).reshape(shape)


def digest(t):
    flat = t.detach().reshape(-1)
    n = flat.numel()
    places = [(7919 * j) % n for j in range(min(16, n))]
    return {"shape": list(t.shape), "norm": float(flat.norm()), "samples": [float(flat[p]) for p in places]}


def results(y, leaves):
    y.backward(ramp(y.shape, 99))
    return {"y": digest(y), "gradients": [digest(leaf.grad) for leaf in leaves]}


def leaf(shape, k):
    return ramp(shape, k).requires_grad_()


def convolution(shape, channels, kernel, stride=(1, 1), dilation=(1, 1), groups=1, bias=True, boundary="zero", padding=None):
    x = leaf(shape, 1)
    w = leaf((channels[1], channels[0] // groups, *kernel), 2)
    b = leaf((channels[1],), 3) if bias else None
    padded = x
    if padding:
        padded = F.pad(x, (padding[1], padding[1], padding[0], padding[0]))
    elif boundary != "valid":
        reach = [d * (k - 1) for d, k in zip(dilation, kernel)]
        (top, bottom), (left, right) = [(r // 2, r - r // 2) for r in reach]
        mode = {"zero": "constant", "reflect": "reflect", "wrap": "circular"}[boundary]
        padded = F.pad(x, (left, right, top, bottom), mode=mode)
    y = F.conv2d(padded, w, b, stride=stride, dilation=dilation, groups=groups)
    if boundary == "zero" and tuple(stride) == (1, 1) and not padding:  # the same rule as PyTorch's own, even windows included
        assert torch.equal(y, F.conv2d(x, w, b, padding="same", dilation=dilation, groups=groups))
    return {
        "shape": shape, "channels": channels, "kernel": kernel, "stride": stride, "dilation": dilation, "groups": groups,
        "bias": bias, "boundary": boundary, "padding": padding, **results(y, [x, w] + ([b] if bias else [])),
    }


def pooling(shape, kind, size, stride=None, keep=False, padding=(0, 0)):
    x = leaf(shape, 1)
    stride = stride or size
    if kind == "max":
        y = F.max_pool2d(x, size, stride, padding, ceil_mode=keep)
    elif kind == "average":
        y = F.avg_pool2d(x, size, stride, ceil_mode=keep)
    elif kind == "l2":
        assert not keep  # PyTorch scales a cut window up; ours sums what is there
        y = F.lp_pool2d(x, 2.0, size, stride)
    else:  # "log-sum-exp" of every window, the cut ones too: a user's own function
        (n, c, h, w), (a, b), (s, t) = shape, size, stride
        rows = range(0, h if keep else h - a + 1, s)
        columns = range(0, w if keep else w - b + 1, t)
        y = torch.stack([torch.stack([torch.logsumexp(x[:, :, i:i + a, j:j + b].flatten(2), 2) for j in columns], 2)
                         for i in rows], 2)
    return {"shape": shape, "kind": kind, "size": size, "stride": stride, "keep": keep, "padding": padding, **results(y, [x])}


def adaptive(shape, size):
    x = leaf(shape, 1)
    return {"shape": shape, "size": size, **results(F.adaptive_avg_pool2d(x, size), [x])}


def response_norm(shape, size, alpha, beta, k):
    x = leaf(shape, 1)
    y = F.local_response_norm(x * 3, size, alpha, beta, k)
    return {"shape": shape, "size": size, "alpha": alpha, "beta": beta, "k": k, **results(y, [x])}


def batch_norm():
    """Two training steps' forward and backward passes, then the evaluation of a third batch."""
    shape = (4, 3, 5, 6)
    norm = torch.nn.BatchNorm2d(3)
    with torch.no_grad():
        norm.weight.copy_(1 + 0.5 * ramp((3,), 2))
        norm.bias.copy_(ramp((3,), 3))
    steps = []
    for step in range(2):
        norm.zero_grad()
        x = leaf(shape, 10 + step)
        y = norm(2 * x + 0.5)
        steps.append({
            **results(y, [x, norm.weight, norm.bias]),
            "running_mean": norm.running_mean.tolist(), "running_var": norm.running_var.tolist(),
        })
    norm.eval()
    return {"shape": shape, "steps": steps, "evaluated": digest(norm(2 * ramp(shape, 12) + 0.5))}


def activations():
    x = torch.linspace(-6, 6, 25)
    functions = {
        "relu": F.relu, "leaky-relu": F.leaky_relu, "elu": F.elu, "gelu": F.gelu, "silu": F.silu, "softplus": F.softplus,
        "tanh": torch.tanh, "sigmoid": torch.sigmoid, "hard-tanh": F.hardtanh,
        "relu6": F.relu6, "lecun-tanh": lambda x: 1.7159 * torch.tanh(2 * x / 3),
    }
    table = {}
    for name, f in functions.items():
        v = (x + 0.01).requires_grad_()
        y = f(v)
        y.sum().backward()
        table[name] = {"y": y.tolist(), "slope": v.grad.tolist()}
    return {"x": (x + 0.01).tolist(), "functions": table}


def padding():
    modes = {"zero": "constant", "reflect": "reflect", "wrap": "wrap"}
    cases = []
    for shape, rows, columns in [((3, 4), (1, 1), (1, 2)), ((3, 4), (0, 2), (3, 0)), ((2, 3), (5, 4), (7, 8)), ((1, 2), (2, 1), (3, 3))]:
        for name, mode in modes.items():
            x = ramp(shape, 1).numpy()
            y = np.pad(x, (rows, columns), mode=mode)
            cases.append({"shape": shape, "rows": rows, "columns": columns, "boundary": name, "y": y.reshape(-1).tolist()})
    return cases


print(json.dumps({
    "made_with": {"torch": torch.__version__, "numpy": np.__version__},
    "convolution": [
        convolution((2, 3, 7, 6), (3, 4), (3, 3)),
        convolution((2, 3, 7, 6), (3, 4), (3, 5), boundary="reflect"),
        convolution((2, 3, 7, 6), (3, 4), (5, 3), boundary="wrap"),
        convolution((2, 3, 7, 6), (3, 4), (3, 3), boundary="valid", bias=False),
        convolution((2, 4, 9, 8), (4, 6), (3, 3), stride=(2, 3), dilation=(2, 1), groups=2),
        convolution((2, 4, 9, 8), (4, 4), (3, 3), groups=4, boundary="wrap", stride=(2, 2)),
        convolution((1, 2, 6, 7), (2, 3), (4, 2), dilation=(1, 3)),
        convolution((1, 2, 6, 7), (2, 3), (2, 4), boundary="reflect"),
        convolution((1, 2, 6, 7), (2, 3), (1, 1), stride=(2, 2), boundary="valid"),
        convolution((2, 3, 23, 24), (3, 4), (11, 11), stride=(4, 4), padding=(2, 2)),
        convolution((1, 2, 6, 7), (2, 3), (3, 5), padding=(0, 1)),
    ],
    "pooling": [
        pooling((2, 3, 6, 8), "max", (2, 2)),
        pooling((2, 3, 7, 8), "max", (3, 3), (2, 2), keep=True),
        pooling((2, 3, 7, 8), "max", (2, 3)),
        pooling((2, 3, 7, 8), "max", (2, 3), keep=True),
        pooling((2, 3, 7, 8), "max", (3, 3), (2, 2), padding=(1, 1)),
        pooling((2, 3, 1, 8), "max", (3, 3), (1, 1), keep=True, padding=(1, 1)),
        pooling((2, 3, 6, 8), "max", (3, 2), (2, 3), keep=True, padding=(1, 0)),
        pooling((2, 3, 6, 8), "average", (2, 2)),
        pooling((2, 3, 7, 8), "average", (2, 3), keep=True),
        pooling((2, 3, 7, 8), "average", (3, 2), (1, 2)),
        pooling((2, 3, 6, 8), "l2", (2, 2)),
        pooling((2, 3, 7, 8), "l2", (3, 3), (2, 1)),
        pooling((2, 3, 7, 8), "log-sum-exp", (2, 3), keep=True),
        pooling((2, 3, 7, 8), "log-sum-exp", (2, 3)),
    ],
    "adaptive": [
        adaptive((2, 3, 7, 6), (1, 1)),
        adaptive((2, 3, 8, 6), (4, 3)),
        adaptive((2, 3, 7, 5), (3, 4)),
        adaptive((2, 3, 2, 1), (7, 7)),
    ],
    "response_norm": [
        response_norm((2, 7, 3, 4), 5, 1e-4, 0.75, 1.0),
        response_norm((2, 7, 3, 4), 4, 0.3, 0.75, 2.0),
        response_norm((2, 7, 3, 4), 2, 0.5, 0.5, 1.5),
        response_norm((2, 3, 3, 4), 9, 0.5, 0.75, 1.0),
    ],
    "batch_norm": batch_norm(),
    "activations": activations(),
    "padding": padding(),
}, indent=None, separators=(",", ":")))
