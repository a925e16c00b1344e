"""ONNX's operators on elements, and reductions -> activations, arithmetic, joins."""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop import words
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.layers import join
from costcalc.interop.tensors.net import Call, Net, rule
from costcalc.interop.tensors.values import Const, Data
from costcalc.interop.words import ONNX
from costcalc.numbers.num import LARGEST, prod


def _number(value: Datum) -> int | float:
    """Return a number as a spec writes it: whole where it is, else the shortest text of its precision."""
    number = float(str(value))
    if not abs(number) < LARGEST:
        raise Fault(f"{value} is no number that a spec can have")
    return int(number) if number.is_integer() else number


def each(net: Net, call: Call, x: Data, kind: str, **fields: Datum) -> None:
    """Add what is done to each element alike; it is done before the axes move, so that moves meet."""
    value, order = net.unmoved(x.name)
    made = net.add(kind, [value], call.name, **fields)
    net.put(call, net.permute(made, order, call.name) if order else made, x.shape)


@rule(*words.ACTIVATIONS.read(ONNX))
def activation(net: Net, call: Call) -> None:
    """An activation; other constants than those of its fields change no cost."""
    kind = words.ACTIVATIONS.read(ONNX)[call.op]
    given = {field: call.attr(word) for field, word in words.numbers(ONNX).get(kind, {}).items()}
    fields = {field: None if value is None else _number(f"{value:.7g}") for field, value in given.items()}
    each(net, call, net.data(call, 0), kind, **fields)


@rule(*words.ALONE.read(ONNX))
def arithmetic(net: Net, call: Call) -> None:
    """A function of each element."""
    each(net, call, net.data(call, 0), "arithmetic", op=words.ALONE.read(ONNX)[call.op])


@rule("PRelu")
def prelu(net: Net, call: Call) -> None:
    """Rectifier with learned slopes: one, or one for each channel."""
    x, slope = net.data(call, 0), call.const(1)
    if slope is None:
        raise Fault("its slope is missing")
    dims = net.dims(x.shape)
    full = shapes.padded(slope.shape, len(x.shape))[net.lead(x.shape) :]
    if slope.size != 1 and full != (dims[0], *(1,) * (len(dims) - 1)):
        raise Fault("costcalc's prelu has one slope, or one a channel")
    net.give(call, net.layer(call, "prelu", x.name, [slope], per_channel=slope.size > 1), x)


@rule("Clip")
def clip(net: Net, call: Call) -> None:
    """Values kept between two bounds, of which one or both may be missing."""
    x = net.data(call, 0)
    least, most = (_bound(call, name, place) for place, name in enumerate(("min", "max"), 1))
    if least is None and most is None:
        net.same(call, x)
    elif least == 0 and most in (None, 6):
        each(net, call, x, "relu" if most is None else "relu6")
    elif least is None or most is None:
        op, by = ("maximum", least) if most is None else ("minimum", most)
        each(net, call, x, "arithmetic", op=op, by=by)
    else:
        each(net, call, x, "hard_tanh", least=least, most=most)


def _bound(call: Call, name: str, place: int) -> int | float | None:
    """Return a bound of Clip: an attribute, or a constant; None where it bounds nothing."""
    given = call.attr(name)
    if given is None:
        array = call.known(place)
        given = None if array is None or array.size != 1 else array.reshape(-1)[0]
    return None if given is None or abs(float(given)) > 1e14 else _number(given)


@rule("Softmax", "LogSoftmax")
def softmax(net: Net, call: Call) -> None:
    """Softmax along an axis; before version 13 along all axes from one on."""
    x, kind = net.data(call, 0), "softmax" if call.op == "Softmax" else "log_softmax"
    rank, lead, dims = len(x.shape), net.lead(x.shape), net.dims(x.shape)
    axis = shapes.axis(int(call.attr("axis", -1 if net.version >= 13 else 1)), rank) - lead
    if axis < 0:
        raise Fault("normalizes over the batch")
    last = axis == len(dims) - 1
    if net.version < 13 and not last:
        wide = net.reshape(x.name, (*dims[:axis], prod(dims[axis:])), call.name)
        value = net.reshape(net.add(kind, [wide], call.name, axis=axis), dims, call.name)
    else:
        value = net.add(kind, [x.name], call.name, axis=axis)
    net.put(call, value, x.shape)


# ---- two or more tensors -------------------------------------------------------------------------

_JOINS = words.JOINS.read(ONNX) | {"Sum": "add", "Mean": "add", "Pow": "power"}


@rule(*_JOINS)
def joined(net: Net, call: Call) -> None:
    """Tensors joined element by element; a constant of one element is a number, a longer one is learned."""
    if call.attr("broadcast") and call.attr("axis") is not None:
        raise Fault("broadcasts as ONNX did before version 7", "convert the model to a later opset")
    operands = [value for value in call.inputs if value is not None]
    if len(operands) == 1:
        net.same(call, net.data(call, 0))
    elif len(operands) == 2 and call.op != "Mean" and any(_lone(value) for value in operands):
        _with_number(net, call)
    elif len(operands) == 2 and call.op in ("Add", "Mul", "Sum") and _weighted(net, call):
        return
    else:
        _with_tensors(net, call)


def _lone(value: Const | Data) -> bool:
    """Say whether a value is one known number."""
    return isinstance(value, Const) and value.size == 1 and value.array() is not None


def _with_number(net: Net, call: Call) -> None:
    """Add arithmetic with a number, before or behind the tensor."""
    place = 0 if _lone(call.inputs[0]) else 1  # type: ignore[arg-type]
    const, x = call.const(place), net.data(call, 1 - place)
    op = _JOINS[call.op] if place else words.TURNED.get(_JOINS[call.op], _JOINS[call.op])
    if const is None or (op == "power" and not place):
        raise Fault("costcalc has no power of a number to a tensor")
    if call.op == "Add" and _as_bias(net, call, x, const):
        return
    by = _number(const.array().reshape(-1)[0])
    shape = shapes.broadcast([x.shape, const.shape])
    if shape != x.shape:
        x = Data(net.reshape(x.name, net.dims(shape), call.name), shape, still=x.still, image=x.image)
    if op == "power" and by == 2:
        each(net, call, x, "arithmetic", op="square")
    else:
        each(net, call, x, "arithmetic", op=op, by=by)


def _as_bias(net: Net, call: Call, x: Data, const: Const) -> bool:
    """Let an added constant be the bias of the layer before, if that layer has none; say whether it is."""
    if x.bare is None or not net.add_bias(x, const):
        return False
    net.values[call.outputs[0]] = Data(x.name, x.shape)
    return True


def _weighted(net: Net, call: Call) -> bool:
    """Let a constant be a bias, or factors of the channels; say whether it is."""
    place = next((k for k in (0, 1) if isinstance(call.inputs[k], Const)), None)
    if place is None:
        return False
    const, x = call.const(place), net.data(call, 1 - place)
    if const is None or shapes.broadcast([x.shape, const.shape]) != x.shape:
        return False
    if call.op != "Mul":
        return _as_bias(net, call, x, const)
    learned = const.count == const.size and all(net.learned(const, root, x) for root in const.roots)
    if not learned or not net.per_channel(const, x):
        return False
    net.give(call, net.layer(call, "scale", x.name, [const]), x)
    return True


def _with_tensors(net: Net, call: Call) -> None:
    """Add the join of tensors; constants among them become steps of their own."""
    kind = _JOINS[call.op]
    if kind == "power":
        raise Fault("costcalc has no power of a tensor to a tensor")
    given = [value for value in call.inputs if value is not None]
    whole = shapes.broadcast([value.shape for value in given])
    x = call.first_data()
    operands = [net.hold(_ranked(v, len(whole)), call.name, beside=x) if isinstance(v, Const) else v for v in given]
    value = join(net, kind, operands, call.name)
    if call.op == "Mean":
        value = net.add("arithmetic", [value], f"{call.name}.mean", op="divide", by=len(operands))
    net.put(call, value, whole)


def _ranked(const: Const, rank: int) -> Const:
    """Return a constant with as many axes as what it is joined with."""
    if len(const.shape) == rank:
        return const
    same_numbers = Const(shapes.padded(const.shape, rank), const.roots, floating=const.floating)
    same_numbers.value = None if const.array() is None else const.array().reshape(same_numbers.shape)
    return same_numbers


# ---- reductions ----------------------------------------------------------------------------------

# What is done to each element before, and then taken of some axes.
_REDUCTIONS = {word: ("", op) for word, op in words.REDUCTIONS.read(ONNX).items()} | {
    "ReduceL1": ("absolute", "sum"),
    "ReduceSumSquare": ("square", "sum"),
}


@rule(*_REDUCTIONS)
def reduced(net: Net, call: Call) -> None:
    """Axes reduced to one number each; over all of space it is a global pool."""
    x, which = net.data(call, 0), call.numbers("axes", 1)
    rank, lead, keep = len(x.shape), net.lead(x.shape), bool(call.attr("keepdims", 1))
    if not which and call.attr("noop_with_empty_axes", 0):
        net.same(call, x)
        return
    gone = shapes.axes(which or range(rank), rank)
    if lead and 0 in gone and net.batch > 1:
        raise Fault("reduces the batch")
    inner = [k - lead for k in gone if k >= lead]
    before, op = _REDUCTIONS[call.op]
    value = net.add("arithmetic", [x.name], f"{call.name}.{before}", op=before) if before else x.name
    space = list(range(1, len(net.dims(x.shape))))
    if op == "mean" and inner == space and 1 <= len(space) <= 3:
        value = _global_mean(net, value, call.name, keep=keep)
    elif inner:
        value = net.add("reduce_axes", [value], call.name, op=op, axes=inner, keep=keep)
    whole = tuple(1 if k in gone else n for k, n in enumerate(x.shape))
    net.put(call, value, whole if keep else tuple(n for k, n in enumerate(x.shape) if k not in gone))


def _global_mean(net: Net, value: str, name: str, *, keep: bool) -> str:
    return net.add("adaptive_avg_pool", [value], name, size=1) if keep else net.add("global_avg_pool", [value], name)
