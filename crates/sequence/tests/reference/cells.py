"""Reference numbers for tests/parity.rs: recurrent networks by PyTorch in double precision and by onnxruntime.

    pip install torch numpy onnx onnxruntime safetensors
    python crates/sequence/tests/reference/cells.py

Writes cells.json and pytorch_lstm.safetensors beside itself. Weights come from `ramp` and not from a file: of the parameters in the
order of their names, number k is ramp(shape, k) * 0.6. The input is ramp([5, 3, 4], 1000), initial states are ramp(shape, 1001) and
ramp(shape, 1002) times 0.5. Gradients are those of

    sum(outputs * ramp(., 99)) + sum(final hidden * ramp(., 98)) + sum(final cell * ramp(., 97))

with respect to parameters, input (`x`) and initial states (`h0`, `c0`). Of each tensor stand the Euclidean norm and up to 8 entries,
number (7919 j) mod n for j = 0..8.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn as nn
from onnx import TensorProto, helper
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
TIME, BATCH, INPUT, HIDDEN = 5, 3, 4, 6
LENGTHS = [3, 5, 1]

torch.set_default_dtype(torch.float64)


def ramp(shape, k):
    """Numbers in [-1, 1]: entry i is ((7919 i + 104729 k) mod 2001 - 1000) / 1000."""
    i = np.arange(int(np.prod(shape)), dtype=np.int64)
    return torch.from_numpy((((7919 * i + 104729 * k) % 2001) - 1000) / 1000).reshape(shape)


def short(number):
    return float(f"{float(number):.9g}")


def digest(t):
    flat = torch.as_tensor(t).detach().reshape(-1).double()
    n = flat.numel()
    places = [(7919 * j) % n for j in range(min(8, n))]
    return {"shape": list(t.shape), "norm": short(flat.norm()), "samples": [short(flat[p]) for p in places]}


def fill(named):
    """Parameters by name, in the order of their names."""
    return {name: (ramp(shape, k) * 0.6).requires_grad_() for k, (name, shape) in enumerate(sorted(named.items()))}


def start(rows, has_cell):
    h0 = (ramp((rows, BATCH, HIDDEN), 1001) * 0.5).requires_grad_()
    return (h0, (ramp((rows, BATCH, HIDDEN), 1002) * 0.5).requires_grad_()) if has_cell else (h0,)


def results(parameters, x, initial, outputs, final):
    loss = sum((y * ramp(y.shape, 99 - k)).sum() for k, y in enumerate((outputs, *final)))
    loss.backward()
    leaves = {**parameters, "x": x, **dict(zip(("h0", "c0"), initial))}
    zero = {name for name, leaf in leaves.items() if leaf.grad is None}
    assert not zero, zero
    return {
        "outputs": digest(outputs),
        "final": [digest(state) for state in final],
        "gradients": {name: digest(leaf.grad) for name, leaf in leaves.items()},
    }


def by_pytorch(kind, layers, bidirectional, bias, lengths, **options):
    module = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}[kind](
        INPUT, HIDDEN, layers, bias=bias, bidirectional=bidirectional, **options
    )
    parameters = fill({name: tuple(p.shape) for name, p in module.named_parameters()})
    x = ramp((TIME, BATCH, INPUT), 1000).requires_grad_()
    initial = start(layers * (1 + bidirectional), kind == "lstm")
    state = initial if kind == "lstm" else initial[0]
    given = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False) if lengths else x
    outputs, final = torch.func.functional_call(module, parameters, (given, state))
    if lengths:
        outputs, _ = nn.utils.rnn.pad_packed_sequence(outputs, total_length=TIME)
    final = final if kind == "lstm" else (final,)
    case = {"cell": kind, "layers": layers, "bidirectional": bidirectional, "bias": bias, "lengths": lengths, **options}
    return {**case, **results(parameters, x, initial, outputs, final)}


# The formulas themselves, step by step, for what PyTorch has no module for.

def lecture_gru(p, x, h):
    (ur, uz, un), (wr, wz, wn) = p["weight_ih_l0"].chunk(3), p["weight_hh_l0"].chunk(3)
    r, z = torch.sigmoid(x @ ur.T + h @ wr.T), torch.sigmoid(x @ uz.T + h @ wz.T)
    n = torch.tanh(x @ un.T + (r * h) @ wn.T)
    h = (1 - z) * h + z * n
    return h, (h,)


ABSENT = {"no-input-gate": "i", "no-forget-gate": "f", "no-output-gate": "o", "coupled-gates": "f"}  # gates without weights


def blocks(p, name, gates):
    return dict(zip(gates, p[name].chunk(len(gates)))) if name in p else {}


def lstm_of(variant, kind, gates):
    """A step of the variants of Greff et al. 2015, with peepholes of some `kind` to some of the gates."""
    present = [g for g in "ifgo" if g not in ABSENT.get(variant, "")]
    seeing = [g for g in "ifo" if g in gates and g in present]

    def step(p, x, h, c, before=None):
        u, w, b = (blocks(p, name, present) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0"))
        peepholes = blocks(p, "weight_ch_l0", seeing)

        def a(g, cell=None):
            total = x @ u[g].T + h @ w[g].T + b[g]
            if g in peepholes:
                total = total + (cell @ peepholes[g].T if kind == "dense" else cell * peepholes[g])
            if before is not None and g in "ifo":
                row = "ifo".index(g)
                total = total + before @ p["weight_gh_l0"][row * HIDDEN : (row + 1) * HIDDEN].T
            return total

        i = torch.sigmoid(a("i", c)) if "i" in present else 1.0
        f = 1 - i if variant == "coupled-gates" else torch.sigmoid(a("f", c)) if "f" in present else 1.0
        g = a("g") if variant == "no-input-activation" else torch.tanh(a("g"))
        c = f * c + i * g
        o = torch.sigmoid(a("o", c)) if "o" in present else 1.0
        h = o * (c if variant == "no-output-activation" else torch.tanh(c))
        state = (h, c) if before is None else (h, c, torch.cat([i, f, o], 1))
        return h, state

    return step


def by_formula(step, shapes, has_cell, full=False):
    parameters = fill(shapes)
    x = ramp((TIME, BATCH, INPUT), 1000).requires_grad_()
    initial = start(1, has_cell)
    state = tuple(s[0] for s in initial) + ((torch.zeros(BATCH, 3 * HIDDEN),) if full else ())
    outputs = []
    for t in range(TIME):
        y, state = step(parameters, x[t], *state)
        outputs.append(y)
    final = tuple(s[None] for s in state[: len(initial)])
    return results(parameters, x, initial, torch.stack(outputs), final)


def formulas():
    cases = [
        {"config": {"cell": "gru"}, **by_formula(lecture_gru, {"weight_ih_l0": (3 * HIDDEN, INPUT), "weight_hh_l0": (3 * HIDDEN, HIDDEN)}, False)}
    ]
    variants = [
        "standard", "no-input-gate", "no-forget-gate", "no-output-gate", "no-input-activation", "no-output-activation",
        "coupled-gates", "full-gate-recurrence",
    ]
    kinds = [(variant, kind, "ifo") for variant in variants for kind in (None, "diagonal", "dense")]
    kinds += [("standard", kind, gates) for kind in ("diagonal", "dense") for gates in ("i", "f", "o", "if", "io", "fo")]
    for variant, kind, gates in kinds:
        absent = ABSENT.get(variant, "")
        rows = 4 - len(absent)
        shapes = {"weight_ih_l0": (rows * HIDDEN, INPUT), "weight_hh_l0": (rows * HIDDEN, HIDDEN), "bias_ih_l0": (rows * HIDDEN,)}
        config = {"cell": "lstm", "variant": variant}
        if kind:
            seen = len([g for g in gates if g not in absent])
            shapes["weight_ch_l0"] = (seen * (HIDDEN if kind == "dense" else 1), HIDDEN)
            names = {"i": "input", "f": "forget", "o": "output"}
            config = {"cell": "peephole-lstm", "peephole": kind, "variant": variant, "gates": {names[g]: g in gates for g in "ifo"}}
        full = variant == "full-gate-recurrence"
        if full:
            shapes["weight_gh_l0"] = (3 * HIDDEN, 3 * HIDDEN)
        cases.append({"config": config, **by_formula(lstm_of(variant, kind, gates), shapes, True, full)})
    return cases


def by_onnxruntime(operator, directions, peephole=False, lengths=None, bias=True, **attributes):
    """One node in single precision, its weights ramp(shape, k) * 0.6 for W, R, B, P in this order."""
    gates = {"RNN": 1, "LSTM": 4, "GRU": 3}[operator]
    shapes = {"W": (directions, gates * HIDDEN, INPUT), "R": (directions, gates * HIDDEN, HIDDEN)}
    if bias:
        shapes["B"] = (directions, 2 * gates * HIDDEN)
    if peephole:
        shapes["P"] = (directions, 3 * HIDDEN)
    weights = {name: (ramp(shape, k) * 0.6).float().numpy() for k, (name, shape) in enumerate(shapes.items())}
    feeds = {"X": ramp((TIME, BATCH, INPUT), 1000).float().numpy()}
    feeds["h"] = (ramp((directions, BATCH, HIDDEN), 1001) * 0.5).float().numpy()
    inputs = ["X", "W", "R", "B" if bias else "", "L" if lengths else "", "h"]
    outputs = ["Y", "Y_h"]
    if operator == "LSTM":
        feeds["c"] = (ramp((directions, BATCH, HIDDEN), 1002) * 0.5).float().numpy()
        inputs += ["c", "P" if peephole else ""]
        outputs += ["Y_c"]
    if lengths:
        feeds["L"] = np.array(lengths, dtype=np.int32)
    direction = "bidirectional" if directions == 2 else "forward"
    node = helper.make_node(operator, inputs, outputs, hidden_size=HIDDEN, direction=direction, **attributes)
    graph = helper.make_graph(
        [node],
        "cell",
        [helper.make_tensor_value_info(n, TensorProto.INT32 if n == "L" else TensorProto.FLOAT, v.shape) for n, v in feeds.items()],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [onnx.numpy_helper.from_array(v, n) for n, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    y, *final = session.run(outputs, feeds)  # Y: [time, directions, batch, hidden]
    return {
        "operator": operator, "shapes": {n: list(s) for n, s in shapes.items()}, "directions": directions, "peephole": peephole,
        "lengths": lengths, **attributes,
        "outputs": digest(np.ascontiguousarray(y.transpose(0, 2, 1, 3)).reshape(TIME, BATCH, -1)),
        "final": [digest(state) for state in final],
    }


def state_dictionary():
    """A file as PyTorch's users have them, in single precision, and what the module in it computes."""
    torch.manual_seed(0)
    module = nn.LSTM(2, 3, 2, bidirectional=True).float()
    save_file({f"encoder.{name}": tensor for name, tensor in module.state_dict().items()}, HERE / "pytorch_lstm.safetensors")
    outputs, final = module(ramp((4, 2, 2), 1000).float())
    return {"outputs": digest(outputs), "final": [digest(state) for state in final]}


def main():
    pytorch = [
        by_pytorch(kind, layers, bidirectional, bias, lengths)
        for kind in ("rnn", "lstm", "gru")
        for layers in (1, 2)
        for bidirectional in (False, True)
        for bias, lengths in ((True, None), (False, None), (True, LENGTHS))
    ]
    pytorch.append(by_pytorch("rnn", 1, False, True, None, nonlinearity="relu"))
    onnx_cases = [by_onnxruntime("RNN", 2)]
    for directions in (1, 2):
        for lengths in (None, LENGTHS):
            onnx_cases.append(by_onnxruntime("LSTM", directions, lengths=lengths))
            onnx_cases.append(by_onnxruntime("LSTM", directions, peephole=True, lengths=lengths))
            onnx_cases.append(by_onnxruntime("GRU", directions, lengths=lengths, linear_before_reset=0))
            onnx_cases.append(by_onnxruntime("GRU", directions, lengths=lengths, linear_before_reset=1))
    onnx_cases.append(by_onnxruntime("GRU", 1, bias=False, linear_before_reset=0))
    result = {"pytorch": pytorch, "formulas": formulas(), "onnxruntime": onnx_cases, "state_dictionary": state_dictionary()}
    (HERE / "cells.json").write_text(json.dumps(result) + "\n")


main()
