"""TFLite's operators on elements, and reductions -> activations, arithmetic, joins."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop import words
from costcalc.interop.tflite.file import Dims
from costcalc.interop.tflite.layers import act, lifted
from costcalc.interop.tflite.net import (
    Draft,
    Fixed,
    Flowing,
    Invocation,
    Value,
    axis_of,
    broadcast,
    padded,
    present,
    rule,
)
from costcalc.interop.words import TFLITE
from costcalc.numbers.num import LARGEST


def number(value: float) -> int | float:
    """Return a number as a spec writes it: whole where it is, else the shortest text of its precision."""
    exact = float(f"{value:.7g}")
    if not abs(exact) < LARGEST:
        raise Fault(f"{value} is no number that a spec can have")
    return int(exact) if exact.is_integer() else exact


def each(net: Draft, call: Invocation, x: Flowing, kind: str, **fields: Datum) -> Flowing:
    """Add what is done to each element alike, in whatever order the axes stand."""
    return net.data(net.add(kind, [x.name], call.name, **fields), x.shape, x.order)


@rule(*words.ACTIVATIONS.read(TFLITE))
def activation(net: Draft, call: Invocation) -> Value:
    """An activation."""
    kind = words.ACTIVATIONS.read(TFLITE)[call.op]
    fields = {"slope": number(call.options["alpha"])} if kind == "leaky_relu" else {}
    return each(net, call, net.tensor(call, 0), kind, **fields)


@rule("RELU_0_TO_1")
def clipped(net: Draft, call: Invocation) -> Value:
    """A rectifier with a ceiling of 1."""
    return each(net, call, net.tensor(call, 0), "hard_tanh", least=0, most=1)


@rule(*words.ALONE.read(TFLITE), "CEIL")
def arithmetic(net: Draft, call: Invocation) -> Value:
    """A function of each element; up is rounded as down is."""
    op = "round_down" if call.op == "CEIL" else words.ALONE.read(TFLITE)[call.op]
    return each(net, call, net.tensor(call, 0), "arithmetic", op=op)


@rule("PRELU")
def prelu(net: Draft, call: Invocation) -> Value:
    """Rectifier with learned slopes: one, one for each channel, or another tensor of them."""
    x, slope = net.tensor(call, 0), call.const(1)
    if slope is None:
        raise Fault("its slope is missing")
    last = net.last(x)
    if slope.size == 1 or (slope.shape and slope.size == slope.shape[-1] == x.shape[-1]):
        order = net.leading(x, (last,)) if last in x.order else x.order
        front = net.arranged(x, order, call.name)
        value = net.add("prelu", [front], call.name, per_channel=slope.size > 1)
        if net.shares(slope.roots) or slope.roots.keys().isdisjoint(net.flat.owners):
            net.flat.learns(slope.roots)
            return net.data(value, x.shape, order)
        raise Fault("has the slopes of another layer, which is of another kind")
    ranked = slope.moved(padded(slope.shape, len(x.shape)))
    held = net.hold(ranked, call.name, x.order, learned=True)
    above = each(net, call, x, "arithmetic", op="maximum", by=0)
    below = each(net, call, x, "arithmetic", op="minimum", by=0)
    return joined(net, call, "add", [above, joined(net, call, "multiply", [below, held])])


@rule("LOG_SOFTMAX", "SOFTMAX")
def softmax(net: Draft, call: Invocation) -> Value:
    """Softmax along the last axis."""
    x = net.tensor(call, 0)
    last = net.last(x)
    order = x.order if last in x.order else (*x.order, last)
    value = net.arranged(x, order, call.name)
    made = net.add(call.op.lower(), [value], call.name, axis=order.index(last))
    return net.data(made, x.shape, order)


# ---- two or more tensors -------------------------------------------------------------------------

_JOINS = words.JOINS.read(TFLITE) | {"ADD_N": "add", "POW": "power", "SQUARED_DIFFERENCE": "subtract"}
_JOINS |= {"FLOOR_DIV": "divide", "LOGICAL_AND": "minimum", "LOGICAL_OR": "maximum"}
COMPARISONS = {"GREATER": "greater", "GREATER_EQUAL": "greater_equal", "LESS": "less", "LESS_EQUAL": "less_equal"}
COMPARISONS |= {"EQUAL": "equal", "NOT_EQUAL": "unequal"}


def lone(value: Value | None) -> float | None:
    """Return the one known number that a constant holds; None where it is none."""
    if not isinstance(value, Fixed) or value.size != 1 or not value.values or isinstance(value.values[0], str):
        return None
    found = float(value.values[0])
    return found if abs(found) < LARGEST else 0.0  # an infinity, where attention is masked


@rule(*_JOINS)
def join(net: Draft, call: Invocation) -> Value:
    """Tensors joined element by element; a constant of one element is a number, a longer one is stored."""
    kind, values = _JOINS[call.op], [value for value in call.inputs if value is not None]
    alone = [lone(value) for value in values]
    if len(values) == 2 and alone != [None, None]:
        place = 1 if alone[1] is not None else 0
        made = _with_number(net, call, kind, place, alone[place] or 0.0)
    elif kind == "power":
        raise Fault("costcalc has no power of a tensor to a tensor")
    else:
        made = net.tensor(call, 0) if len(values) == 1 else joined(net, call, kind, values)
    value = made.name
    if call.op == "SQUARED_DIFFERENCE":
        value = net.add("arithmetic", [value], f"{call.name}.square", op="square")
    if call.op == "FLOOR_DIV":
        value = net.add("arithmetic", [value], f"{call.name}.floor", op="round_down")
    return net.data(net.activated(value, call, act(call)), made.shape, made.order)


def _with_number(net: Draft, call: Invocation, kind: str, place: int, by: float) -> Flowing:
    """Add arithmetic with a number, before or behind the tensor."""
    x, const = net.tensor(call, 1 - place), call.inputs[place]
    assert const is not None
    if kind == "power" and not place:
        raise Fault("costcalc has no power of a number to a tensor")
    op = kind if place else words.TURNED.get(kind, kind)
    x = lifted(x, max(len(const.shape), len(x.shape)))
    if op == "power" and by in (2, 0.5):
        return each(net, call, x, "arithmetic", op="square" if by == 2 else "sqrt")
    return each(net, call, x, "arithmetic", op=op, by=number(by))


def joined(net: Draft, call: Invocation, kind: str, operands: Sequence[Value], **fields: Datum) -> Flowing:
    """Add a join of tensors, broadcast by numpy's rule; the axes stand as in the first that is whole."""
    shape = broadcast([x.shape for x in operands])
    ranked = [
        lifted(x, len(shape)) if isinstance(x, Flowing) else x.moved(padded(x.shape, len(shape))) for x in operands
    ]
    order = _common(ranked, shape)
    values = [_operand(net, call, x, order) for x in ranked]
    return net.data(net.add(kind, values, call.name, **fields), shape, order)


def _common(operands: Sequence[Value], shape: Dims) -> Dims:
    """Return an order of axes for tensors that are joined: that of the first that is whole, or the first's and more."""
    flowing = [x for x in operands if isinstance(x, Flowing)]
    if not flowing:
        return tuple(axis for axis, n in enumerate(shape) if n != 1)
    first = next((x for x in flowing if x.shape == shape), flowing[0]).order
    return (*first, *(axis for axis, n in enumerate(shape) if n != 1 and axis not in first))


def _operand(net: Draft, call: Invocation, x: Value, order: Dims) -> str:
    """Return a tensor as it is joined: with all axes, or with the first alone, which others repeat."""
    long = [axis for axis, n in enumerate(x.shape) if n != 1]
    if isinstance(x, Fixed):
        return net.hold(x, call.name, long if long == list(order[:1]) else order).name
    if long == list(order[:1]) == list(x.order):
        return x.name
    return net.arranged(x, order, call.name)


@rule(*COMPARISONS)
def compare(net: Draft, call: Invocation) -> Value:
    """A comparison of two tensors, or of one with a number."""
    op, by = COMPARISONS[call.op], lone(call.value(1))
    if by is not None:
        return each(net, call, net.tensor(call, 0), "compare", op=op, by=number(by))
    return joined(net, call, "compare", [present(call, k) for k in (0, 1)], op=op)


@rule("LOGICAL_NOT")
def inverted(net: Draft, call: Invocation) -> Value:
    """What is false."""
    return each(net, call, net.tensor(call, 0), "compare", op="equal", by=0)


@rule("SELECT", "SELECT_V2")
def select(net: Draft, call: Invocation) -> Value:
    """A choice by a condition, of two tensors, or of one and a number."""
    numbers = [lone(call.value(k)) for k in (1, 2)]
    operands = [present(call, 0)]
    operands += [present(call, k) for k, found in zip((1, 2), numbers, strict=True) if found is None]
    other = next((found for found in numbers if found is not None), None)
    if len(operands) < 2:
        operands, other = [*operands, operands[0]], 0.0  # two numbers: one choice an element all the same
    if call.op == "SELECT" and len(operands[0].shape) == 1 < len(operands[1].shape):
        condition = operands[0]  # one truth for each of the first axis
        shape = (*condition.shape, *(1,) * (len(operands[1].shape) - 1))
        moved = condition.moved(shape) if isinstance(condition, Fixed) else None
        operands[0] = moved or Flowing(condition.name, shape, condition.order)  # type: ignore[union-attr]
    fields: dict[str, Datum] = {} if other is None else {"otherwise": number(other)}
    return joined(net, call, "where", operands, **fields)


# ---- reductions ----------------------------------------------------------------------------------

_REDUCTIONS = words.REDUCTIONS.read(TFLITE) | {"REDUCE_ANY": "maximum", "REDUCE_ALL": "minimum"}
_POOLS = {"mean": "avg_pool", "maximum": "max_pool"}


@rule(*_REDUCTIONS)
def reduced(net: Draft, call: Invocation) -> Value:
    """Axes reduced to one number each; over all of space it is a global pool."""
    x, rank = net.tensor(call, 0), len(net.tensor(call, 0).shape)
    gone = sorted({axis_of(n, rank) for n in call.wholes(1)})
    return _reduce(net, call, x, gone, _REDUCTIONS[call.op], keep=bool(call.options.get("keep")))


def _reduce(net: Draft, call: Invocation, x: Flowing, gone: Sequence[int], op: str, *, keep: bool) -> Flowing:
    """Add a reduction of some of TFLite's axes."""
    rank, inner = len(x.shape), [axis for axis in x.order if axis in gone]
    stay = [axis for axis in range(rank) if keep or axis not in gone]
    shape = [1 if axis in gone else x.shape[axis] for axis in stay]
    value, order = x.name, list(x.order)
    if inner:
        space = order[1:] if order and order[0] == rank - 1 else []
        if op in _POOLS and inner == space and 1 <= len(space) <= 3 and set(gone) >= set(space):
            name = ("adaptive_" if keep else "global_") + _POOLS[op]
            value = net.add(name, [value], call.name, **({"size": 1} if keep else {}))
        else:
            places = [x.at(axis) for axis in inner]
            value = net.add("reduce_axes", [value], call.name, op=op, axes=places, keep=keep)
    names = {axis: k for k, axis in enumerate(stay)}
    left = [names[axis] for axis in order if axis in names]
    return net.data(value, shape, left)


@rule("L2_NORMALIZATION")
def unit_length(net: Draft, call: Invocation) -> Value:
    """Each vector along the last axis divided by its length."""
    x = net.tensor(call, 0)
    length = _reduce(net, call, x, [net.last(x)], "norm", keep=True)
    made = joined(net, call, "divide", [x, length])
    return net.data(net.activated(made.name, call, act(call)), made.shape, made.order)


@rule("LOCAL_RESPONSE_NORMALIZATION")
def local_response_norm(net: Draft, call: Invocation) -> Value:
    """Local response normalization over neighbouring channels."""
    x = net.tensor(call, 0)
    order = net.image(x)
    size = 2 * int(call.options["radius"]) + 1
    return net.data(net.add("lrn", [net.arranged(x, order, call.name)], call.name, size=size), x.shape, order)


@rule("CUMSUM")
def cumsum(net: Draft, call: Invocation) -> Value:
    """A running sum along an axis."""
    x = net.tensor(call, 0)
    axis = axis_of(call.whole(1), len(x.shape))
    order = x.order if axis in x.order else (*x.order, axis)
    made = net.add("cumsum", [net.arranged(x, order, call.name)], call.name, axis=order.index(axis))
    return net.data(made, x.shape, order)


@rule("ARG_MAX", "ARG_MIN")
def argmax(net: Draft, call: Invocation) -> Value:
    """The place of the largest, or the smallest, along an axis."""
    x = net.tensor(call, 0)
    axis = axis_of(call.whole(1), len(x.shape))
    order = x.order if axis in x.order else (*x.order, axis)
    front = net.arranged(x, order, call.name)
    made = net.add("argmax", [front], call.name, axis=order.index(axis), smallest=call.op == "ARG_MIN")
    left = [k - (k > axis) for k in order if k != axis]
    return net.data(made, [n for k, n in enumerate(x.shape) if k != axis], left)


@rule("TOPK_V2")
def topk(net: Draft, call: Invocation) -> list[Value]:
    """The largest along the last axis, and their places."""
    x, count = net.tensor(call, 0), call.whole(1)
    last = net.last(x)
    order = x.order if last in x.order else (*x.order, last)
    front = net.arranged(x, order, call.name)
    made = net.add_all("topk", [front], call.name, {"count": count, "axis": order.index(last)})
    return [net.data(value, (*x.shape[:-1], count), order) for value in made]
