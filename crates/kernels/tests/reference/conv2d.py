"""Prints the numbers in ../conv2d.rs: value and gradients of torch.nn.functional.conv2d for inputs made by a formula."""
import torch


def values(shape, salt):
    n = torch.Size(shape).numel()
    index = torch.arange(n, dtype=torch.int64)
    return (((index * 37 + salt * 11) % 23).float() / 8 - 1.25).reshape(shape)


def case(x, w, stride, padding, dilation, groups):
    x, w = values(x, 1).requires_grad_(), values(w, 2).requires_grad_()
    b = values([w.shape[0]], 3).requires_grad_()
    y = torch.conv2d(x, w, b, stride, padding, dilation, groups)
    (y * values(y.shape, 4)).sum().backward()
    for name, t in [("y", y), ("dx", x.grad), ("dw", w.grad), ("db", b.grad)]:
        t = t.detach().flatten()
        weight = (torch.arange(len(t)) % 7 + 1).double()
        print(f"{name}: length {len(t)}, first {t[:4].tolist()}, weighted sum {(t.double() * weight).sum().item()}")


case([2, 3, 7, 6], [4, 3, 3, 3], (1, 1), (1, 1), (1, 1), 1)
print()
case([2, 4, 9, 11], [6, 2, 3, 2], (2, 3), (2, 1), (2, 1), 2)
