"""ONNX's recurrent layers, and what looks up, compares, chooses, ranks and samples -> steps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.layers import join
from costcalc.interop.tensors.net import ALONE, Call, Net, rule
from costcalc.interop.tensors.values import Const, Data
from costcalc.numbers.num import LARGEST

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}
GATE_BIASES = {
    "LSTM": 4,
    "GRU": 4,
    "RNN": 1,
}  # of those who add PyTorch's two up, but where a reset stands between
COMPARISONS = {"Greater": "greater", "GreaterOrEqual": "greater_equal", "Less": "less", "LessOrEqual": "less_equal"}
COMPARISONS |= {"Equal": "equal"}
MODES = {"linear": "bilinear", "bilinear": "bilinear", "nearest": "nearest", "cubic": "bicubic", "bicubic": "bicubic"}


@rule(*GATES)
def recurrent(net: Net, call: Call) -> None:
    """A recurrent layer over one sequence, that begins with a constant state; peepholes are none of PyTorch's."""
    x, last = net.data(call, 0), bool(call.attr("layout", 0))
    if len(x.shape) != 3 or x.shape[0 if last else 1] != 1:
        raise Fault(f"takes one sequence, [steps, 1, channels], not {list(x.shape)}", ALONE)
    if any(isinstance(call.value(k), Data) for k in range(1, 8)) or call.value(7) is not None:
        raise Fault("its weights and its first state must be constants, and it has no peepholes")
    steps, channels = x.shape[1 if last else 0], x.shape[2]
    w, r, b = (call.const(k) for k in (1, 2, 3))
    if w is None or r is None or len(r.shape) != 3:
        raise Fault("its weights are missing")
    sides, hidden = r.shape[0], r.shape[2]
    direction, acts = call.attr("direction", "forward"), call.attr("activations") or [b""]
    value = net.permute(net.reshape(x.name, (steps, channels), call.name), [1, 0], call.name)
    backwards = direction == "reverse"
    if backwards:
        value = net.add("flip", [value], call.name, axes=[1])
    added = b is not None and b.size == GATE_BIASES[call.op] * hidden * sides
    if b is not None and added and call.op == "GRU":
        value, b = gate_biases(net, call, value, b), None
    fields: dict[str, Datum] = {"hidden": hidden, "bidirectional": sides == 2, "bias": b is not None}
    fields["one_bias"] = (added and b is not None) or None
    if call.op == "RNN" and str(acts[0]).lower().strip("b'") == "relu":
        fields["nonlinearity"] = "relu"
    net.layer(call, call.op.lower(), value, [w, r, b], **fields)
    out, *states = net.flat.steps[-1].outputs
    if backwards:
        out = net.add("flip", [out], call.name, axes=[1])
    _give(net, call, net.permute(out, [1, 0], call.name), states, (steps, sides, hidden), batch_first=last)


def _give(
    net: Net, call: Call, given: str, states: Sequence[str], dims: tuple[int, int, int], *, batch_first: bool
) -> None:
    """Give a recurrent layer's outputs their values: what each step gives, and the last states."""
    steps, sides, hidden = dims
    if call.outputs[0]:
        net.put(call, given, (1, steps, sides, hidden) if batch_first else (steps, sides, 1, hidden))
    for place, state in enumerate(states, 1):
        if place < len(call.outputs) and call.outputs[place]:
            net.put(call, state, (1, sides, hidden) if batch_first else (sides, 1, hidden), place)


def gate_biases(net: Net, call: Call, value: str, bias: Const) -> str:
    """Return a value behind a row that counts biases of a recurrent layer, where none of ours has so many."""
    array = bias.array()
    if array is not None and not array.any():
        return value
    fields = {"count": sum(bias.roots.values()), "note": "biases of its gates"}
    return net.learn("weight_params", [value], f"{call.name}.bias", bias.roots, **fields)


def looked_up(net: Net, call: Call) -> None:
    """Places of an axis that depend on the image: of a matrix of weights an embedding."""
    table, index = call.value(0), _operand(net, call, 1)
    axis = int(call.attr("axis", 0))
    if isinstance(table, Const) and len(table.shape) == 2 and axis == 0 and net.owns(table):
        count, out = table.shape
        value = net.layer(call, "embedding", index.name, [table], count=count, out=out)
        rank = len(net.shape_of(value))
        net.put(call, net.permute(value, [*range(1, rank), 0], call.name), (*index.shape, out))
        return
    x = net.hold(table, call.name, weight=True) if isinstance(table, Const) else net.data(call, 0)
    full = shapes.axis(axis, len(x.shape))
    lead = net.lead(x.shape) if full else 0
    value = net.reshape(x.name, x.shape[lead:], call.name)
    places = net.whole(index, call.name)
    made = net.add("lookup", [value, places], call.name, axis=full - lead)
    net.put(call, made, (*x.shape[:full], *index.shape, *x.shape[full + 1 :]))


def _scalar(value: Const | Data | None) -> float | None:
    """Return the one number that a constant holds; None where it is none."""
    array = value.array() if isinstance(value, Const) and value.size == 1 else None
    number = None if array is None else float(array.reshape(-1)[0])
    return number if number is None or abs(number) < LARGEST else 0.0  # -inf, where attention is masked


@rule(*COMPARISONS)
def compare(net: Net, call: Call) -> None:
    """A comparison of two tensors, or of one with a number."""
    op, number = COMPARISONS[call.op], _scalar(call.value(1))
    if number is not None:
        x = net.data(call, 0)
        net.put(call, net.add("compare", [x.name], call.name, op=op, by=number), x.shape)
        return
    operands = [_operand(net, call, k) for k in (0, 1)]
    whole = shapes.broadcast([x.shape for x in operands])
    net.put(call, join(net, "compare", operands, call.name, op=op), whole)


@rule("Where")
def where(net: Net, call: Call) -> None:
    """A choice by a condition, of two tensors, or of one and a number."""
    numbers = [_scalar(call.value(k)) for k in (1, 2)]
    operands = [_operand(net, call, 0)]
    operands += [_operand(net, call, k) for k, number in zip((1, 2), numbers, strict=True) if number is None]
    lone = next((number for number in numbers if number is not None), None)
    if len(operands) < 2:
        raise Fault("chooses between two numbers; costcalc has no words for that")
    fields: dict[str, Datum] = {} if lone is None else {"otherwise": lone}
    whole = shapes.broadcast([x.shape for x in operands])
    net.put(call, join(net, "where", operands, call.name, **fields), whole)


def _operand(net: Net, call: Call, place: int) -> Data:
    """Return a tensor that is joined: data, or a constant as a row."""
    value = call.value(place)
    return net.hold(value, call.name) if isinstance(value, Const) else net.data(call, place)


@rule("ArgMax", "ArgMin")
def argmax(net: Net, call: Call) -> None:
    """The place of the largest, or the smallest, along an axis."""
    x = net.data(call, 0)
    axis = shapes.axis(int(call.attr("axis", 0)), len(x.shape))
    inner = _inner(net, x, axis)
    value = net.add("argmax", [x.name], call.name, axis=inner, smallest=call.op == "ArgMin")
    kept = (1,) if call.attr("keepdims", 1) else ()
    net.put(call, value, (*x.shape[:axis], *kept, *x.shape[axis + 1 :]))


@rule("TopK")
def topk(net: Net, call: Call) -> None:
    """The largest along an axis, and their places."""
    x, counts = net.data(call, 0), call.numbers("k", 1) or [0]
    axis = shapes.axis(int(call.attr("axis", -1)), len(x.shape))
    values = net.add_all("topk", [x.name], call.name, {"count": counts[0], "axis": _inner(net, x, axis)})
    for place, value in enumerate(values):
        if place < len(call.outputs) and call.outputs[place]:
            net.give(call, value, x, place)


@rule("CumSum")
def cumsum(net: Net, call: Call) -> None:
    """A running sum along an axis."""
    x, axis = net.data(call, 0), call.known(1)
    inner = _inner(net, x, shapes.axis(int(axis.reshape(-1)[0]), len(x.shape)))
    net.give(call, net.add("cumsum", [x.name], call.name, axis=inner), x)


def _inner(net: Net, x: Data, axis: int) -> int:
    """Return an axis of ONNX's tensor as one of the spec's; raise Fault for the batch."""
    if axis < net.lead(x.shape):
        raise Fault("works along the batch", ALONE)
    return axis - net.lead(x.shape)


@rule("GridSample")
def grid_sample(net: Net, call: Call) -> None:
    """A map read at the places of a grid."""
    x, grid = net.data(call, 0), _operand(net, call, 1)
    if len(x.shape) != 4 or x.shape[0] != 1 or len(grid.shape) != 4:
        raise Fault("takes one image, and a grid of [1, height, width, 2]", ALONE)
    mode: Any = MODES.get(call.attr("mode", "linear"), "bilinear")
    places = net.permute(grid.name, [2, 0, 1], call.name)
    net.give(call, net.add("grid_sample", [x.name, places], call.name, mode=mode), x)


@rule("DeformConv")
def deform_conv(net: Net, call: Call) -> None:
    """Deformable convolution, with or without a mask."""
    x, offsets, weight, bias = net.data(call, 0), net.data(call, 2), call.const(1), call.const(3)
    mask = None if call.value(4) is None else net.data(call, 4)
    if weight is None or len(weight.shape) != 4 or not net.lead(x.shape):
        raise Fault("takes images, and weights that are constants")
    pads = [int(n) for n in call.attr("pads") or [0] * 4]
    fields: dict[str, Datum] = {
        "out": weight.shape[0],
        "kernel": list(weight.shape[2:]),
        "stride": list(call.attr("strides") or [1, 1]),
        "dilation": list(call.attr("dilations") or [1, 1]),
        "padding": [pads[0], pads[2], pads[1], pads[3]],
        "groups": int(call.attr("group", 1)),
        "offset_groups": int(call.attr("offset_group", 1)),
        "bias": bias is not None,
    }
    more = [one.name for one in (offsets, mask) if one is not None]
    net.give(call, net.layer(call, "deform_conv", x.name, [weight, bias], more, **fields), x)


@rule("RoiAlign")
def roi_align(net: Net, call: Call) -> None:
    """Regions of a map, each as a small map; the numbers of their images are all that of the one there is."""
    x, boxes, ratio = net.data(call, 0), _operand(net, call, 1), int(call.attr("sampling_ratio", 0))
    if len(x.shape) != 4 or x.shape[0] != 1 or len(boxes.shape) != 2:
        raise Fault("takes one image, and boxes of [regions, 4]", ALONE)
    if ratio < 1:
        raise Fault("takes as many places as fit a region, which depends on the image", "state sampling_ratio")
    count, size = boxes.shape[0], [int(call.attr(name, 1)) for name in ("output_height", "output_width")]
    four = net.permute(net.reshape(boxes.name, (count, 4), call.name), [1, 0], call.name)
    value = net.add("roi_align", [x.name, four], call.name, size=size, ratio=ratio)
    net.put(call, net.permute(value, [3, 0, 1, 2], call.name), (count, x.shape[1], *size))
