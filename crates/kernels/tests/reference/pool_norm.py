"""Writes pool_norm.txt: PyTorch's results for pooling, batch normalisation and relu on inputs made by a formula.

Each line is a name and numbers. Of every case: `y`, then the gradients of `sum(y * w)` by each input in order. Run by hand:

    python pool_norm.py > pool_norm.txt
"""

import torch
import torch.nn.functional as F


def values(shape, salt):
    """The formula of `support::values`."""
    n = 1
    for side in shape:
        n *= side
    return torch.tensor(
        [(i * (i + salt) * 31 + 17 * i) % 997 / 498.5 - 1 for i in range(n)], dtype=torch.float64
    ).reshape(shape)


def show(name, tensor):
    print(name, *(f"{v:.9g}" for v in tensor.detach().flatten().tolist()))


def case(name, function, *shapes):
    inputs = [values(shape, salt + 1).requires_grad_() for salt, shape in enumerate(shapes)]
    y = function(*inputs)
    (y * values(y.shape, 99)).sum().backward()
    show(f"{name}.y", y)
    for index, x in enumerate(inputs):
        show(f"{name}.{index}", x.grad)


case("relu", F.relu, (2, 3, 5))
case("max_2", lambda x: F.max_pool2d(x, 2), (2, 3, 4, 6))
case("max_3_2_1", lambda x: F.max_pool2d(x, 3, 2, 1), (2, 2, 7, 6))
case("max_ceil", lambda x: F.max_pool2d(x, (2, 3), (3, 2), (1, 0), ceil_mode=True), (1, 2, 6, 8))
case("relu_max", lambda x: F.max_pool2d(F.relu(x), 2), (2, 2, 4, 4))
case("avg_2", lambda x: F.avg_pool2d(x, 2), (2, 2, 4, 5))
case("avg_pad", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=True), (1, 2, 6, 5))
case("avg_ceil", lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), (1, 2, 6, 5))
case("avg_all", lambda x: F.avg_pool2d(x, (3, 4)), (2, 3, 3, 4))

x = (3, 2, 3, 5)


def norm(x, gamma, beta):
    return F.batch_norm(x, None, None, gamma, beta, training=True, eps=1e-5)


case("norm", norm, x, (2,), (2,))
case("norm_relu", lambda *i: F.relu(norm(*i)), x, (2,), (2,))
case("norm_add_relu", lambda x, r, g, b: F.relu(norm(x, g, b) + r), x, x, (2,), (2,))
show("norm.mean", values(x, 1).mean((0, 2, 3)))
show("norm.variance", values(x, 1).var((0, 2, 3), correction=0))
case(
    "norm_inference",
    lambda x, g, b: F.batch_norm(x, values((2,), 7), values((2,), 8) + 2, g, b, training=False, eps=1e-3),
    x,
    (2,),
    (2,),
)
