"""What depends on constants and shapes only is computed here, in numpy, within bounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from costcalc.base.errors import Fault
from costcalc.interop.tensors import shapes
from costcalc.interop.tensors.net import Call
from costcalc.interop.tensors.origin import UNSTORED, Origin, Root, of_initializer
from costcalc.interop.tensors.values import MOST_VALUES, Const, Data, Dims, computed, made
from costcalc.interop.words import ACTIVATIONS, ONNX
from costcalc.numbers.num import LARGEST, Array, Dim, prod

_Rule = Callable[[Call, list[Array]], Array]


def fold(call: Call) -> list[Const] | None:
    """Return a node's results as constants; None where it has to become steps of the network."""
    if call.op in ("Shape", "Size"):
        return [_measured(call)]
    if call.op in _FILLS:
        return [_filled(call)]
    if call.op == "CastLike" and isinstance(call.value(0), Const) and isinstance(call.value(1), Data):
        return _moved(call)
    if not all(value is None or isinstance(value, Const) for value in call.inputs):
        return None
    if call.op == "ConstantOfShape" and call.known(0) is not None:
        return [_uniform(call)]
    arrays = [value.array() if isinstance(value, Const) else None for value in call.inputs]
    known = all(a is not None for a, v in zip(arrays, call.inputs, strict=True) if v is not None)
    if known and (call.op in _ELEMENTWISE or call.op in _RULES):
        np = _numpy()
        with np.errstate(all="ignore"):
            found = _RULES.get(call.op, _elementwise)(call, arrays)
        several = [np.asarray(one) for one in (found if isinstance(found, list) else [found])]
        return [computed(one, _roots(call, k, one.size), call.outputs[k]) for k, one in enumerate(several)]
    return _moved(call)


def _roots(call: Call, place: int, size: int) -> dict[Root, int]:
    """Return what an output of so many numbers comes from: stored tensors, or where there are none, itself.

    Of lone numbers, which count only by themselves, one that is repeated is a tensor that a node makes. What only
    moves takes along what it is, and places that are said to be learned; in arithmetic, whole numbers are no weights.
    """
    consts = [value for value in call.inputs if isinstance(value, Const)]
    if call.op in MOVES:
        places = [c for c in consts[1:] if any(root.origin is Origin.PARAMETER for root in c.roots)]
        consts = consts if call.op == "Concat" else consts[:1] + places
    else:
        consts = [const for const in consts if const.floating]
    every = {root: n for const in consts for root, n in const.roots.items()}
    kept = {root: n for root, n in every.items() if root.origin not in UNSTORED}
    kept = kept if len(kept) == 1 else {root: n for root, n in kept.items() if n > 1}
    if size > 1 and list(kept.values()) == [1]:
        (lone,) = kept
        constant = lone.origin is Origin.CONSTANT
        return {Root(call.outputs[place], Origin.CONSTANT if constant else Origin.MADE): size}
    if kept:
        return kept
    if call.op in MOVES and len(every) == 1 and list(every.values()) == [size]:
        return every
    if any(root.origin is Origin.FIXED for root in every):
        return {Root(call.outputs[place], Origin.FIXED): size}
    return made(call.outputs[place], size, floating=any(const.floating for const in consts))


def _measured(call: Call) -> Const:
    """Return a tensor's shape, or a slice of it, or its size."""
    np = _numpy()
    value = call.value(0)
    if value is None:
        raise Fault("input 0 is missing")
    if call.op == "Size":
        return computed(np.asarray(prod(value.shape), dtype=np.int64), {})
    part = value.shape[slice(call.attr("start", 0), call.attr("end"))]
    return computed(np.asarray(part, dtype=np.int64), {})


def _uniform(call: Call) -> Const:
    """Return a tensor of one value, which may stand for weights: what of costcalc's own models it is, it says."""
    np = _numpy()
    shape = _countable(call.known(0).reshape(-1))
    size = int(prod(shape))
    value = call.attr("value", np.zeros(1, np.float32))
    if origin := call.attr("origin"):
        return Const(shape, {Root(call.outputs[0], origin): size}, floating=True)
    if size > MOST_VALUES:
        floating = value.dtype.kind not in "biuOSU"
        return Const(shape, made(call.outputs[0], size, floating=floating), floating=floating)
    return computed(np.full(shape, value.reshape(-1)[0]), {}, call.outputs[0])


# Nodes that fill a tensor with numbers that are not looked at; of another's shape, or one that is stated.
_FILLS = ("RandomNormalLike", "RandomUniformLike", "EyeLike", "Bernoulli", "RandomNormal", "RandomUniform",
          "ConstantFill", "GivenTensorFill")  # fmt: skip


def _filled(call: Call) -> Const:
    """Return a tensor of numbers that are not known, by its shape."""
    value = call.value(0)
    if value is None:
        shape = _countable(call.attr("shape") or ())
    elif call.attr("input_as_shape"):
        shape = _countable([*call.known(0).reshape(-1), *(call.attr("extra_shape") or ())])
    else:
        shape = list(value.shape)
    floating = call.attr("floating", True)
    return Const(shape, made(call.outputs[0], int(prod(shape)), floating=floating), floating=floating)


def _countable(numbers: Sequence[Dim]) -> list[int]:
    """Return a tensor's shape; raise Fault for one that is none."""
    shape = [int(n) for n in numbers]
    if any(n < 0 for n in shape) or prod(shape) >= LARGEST:
        raise Fault(f"a tensor of {shape[:8]} is none that can be counted")
    return shape


def _moved(call: Call) -> list[Const] | None:
    """Return a weight that only changes its form: it stays a weight, whatever its numbers are."""
    if call.op in _BROADCAST:
        return [_joined(call)]
    first = call.value(0)
    if call.op == "Split" and isinstance(first, Const):
        return _pieces(call, first)
    rule = MOVES.get(call.op)
    if rule is None or not isinstance(first, Const):
        return None
    if call.op in ("Identity", "CastLike"):
        return [_copied(call, first)]
    floating = first.floating
    if call.op == "Cast":
        floating = call.attr("floating", True)
    elif call.op == "DequantizeLinear":
        return [Const(first.shape, {_dequantized(root): n for root, n in first.roots.items()}, floating=True)]
    shape = rule(call, first.shape)
    return [Const(shape, _roots(call, 0, int(prod(shape))), floating=floating)]


def _pieces(call: Call, const: Const) -> list[Const]:
    """Return the parts of a weight."""
    axis = shapes.axis(call.attr("axis", 0), len(const.shape))
    found = []
    for place, length in enumerate(split_sizes(call, const.shape[axis])):
        shape = (*const.shape[:axis], length, *const.shape[axis + 1 :])
        found.append(Const(shape, _roots(call, place, int(prod(shape))), floating=const.floating))
    return found


def _dequantized(root: Root) -> Root:
    """Return what whole numbers are once they are scaled: as if they had been stored so."""
    return Root(root, of_initializer(root, whole=False)) if root.origin is Origin.WHOLE else root


def _joined(call: Call) -> Const:
    """Return constants joined element by element, whose numbers are not known here."""
    held = [value for value in call.inputs if isinstance(value, Const)]
    floating = call.op not in _TRUTHS and any(const.floating for const in held)
    whole = shapes.broadcast([const.shape for const in held])
    return Const(whole, _roots(call, 0, int(prod(whole))) if floating else {}, floating=floating)


def _copied(call: Call, const: Const) -> Const:
    """Return the Identity of a constant: of a stored tensor, one stored by itself.

    PyTorch's exporter stores equal tensors once, and puts an Identity of its name in the place of each other.
    """
    roots = const.roots
    if call.op == "Identity" and list(roots.values()) == [const.size]:
        (root,) = roots
        roots = {Root(call.outputs[0], root.origin): const.size}
    like = call.value(1) if call.op == "CastLike" else const
    copy = Const(const.shape, roots, floating=like.floating if isinstance(like, Const) else True)
    copy.value, copy.look = const.value, const.look
    return copy


def _taken(call: Call, old: Dims) -> Dims:
    """Return the shape that Gather gives."""
    index, axis = call.const(1), shapes.axis(call.attr("axis", 0), len(old))
    if index is None:
        raise Fault("its places are missing")
    return (*old[:axis], *index.shape, *old[axis + 1 :])


def _taken_each(call: Call, old: Dims) -> Dims:
    """Return the shape that GatherND gives."""
    index = call.const(1)
    if index is None or not index.shape or call.attr("batch_dims", 0) or index.shape[-1] > len(old):
        raise Fault("its places are missing, or taken a batch")
    return (*index.shape[:-1], *old[index.shape[-1] :])


def _concatenated(call: Call, old: Dims) -> Dims:
    """Return the shape of constants side by side."""
    axis = shapes.axis(call.attr("axis", 1), len(old))
    whole = sum(value.shape[axis] for value in call.inputs if value is not None)
    return (*old[:axis], whole, *old[axis + 1 :])


def _unchanged(call: Call, old: Dims) -> Dims:
    return old


def _padded(call: Call, old: Dims) -> Dims:
    """Return the shape that Pad gives."""
    pads = call.numbers("pads", 1) or []
    axes = shapes.axes(call.numbers("axes", 3) or range(len(old)), len(old))
    if len(pads) != 2 * len(axes):
        raise Fault("its pads are not known")
    wider = {axis: pads[k] + pads[k + len(axes)] for k, axis in enumerate(axes)}
    return tuple(n + wider.get(k, 0) for k, n in enumerate(old))


# How the operators that only move a weight change its shape.
MOVES: dict[str, Callable[[Call, Dims], Dims]] = {
    "Identity": _unchanged,
    "Cast": _unchanged,
    "CastLike": _unchanged,
    "QuantizeLinear": _unchanged,
    "DequantizeLinear": _unchanged,
    "ScatterND": _unchanged,
    "Transpose": lambda call, old: shapes.transposed(old, call.attr("perm"))[0],
    "Reshape": lambda call, old: shapes.reshaped(
        old, call.numbers("shape", 1) or [], allow_zero=bool(call.attr("allowzero"))
    ),
    "Flatten": lambda call, old: shapes.flattened(old, call.attr("axis", 1)),
    "Squeeze": lambda call, old: shapes.squeezed(old, call.numbers("axes", 1)),
    "Unsqueeze": lambda call, old: shapes.unsqueezed(old, call.numbers("axes", 1) or []),
    "Gather": _taken,
    "GatherND": _taken_each,
    "Concat": _concatenated,
    "Slice": lambda call, old: tuple(
        len(range(*slices(call, len(old)).get(k, slice(None)).indices(n))) for k, n in enumerate(old)
    ),
    "Expand": lambda call, old: shapes.broadcast([old, tuple(call.numbers("shape", 1) or ())]),
    "Pad": _padded,
    "Tile": lambda call, old: tuple(n * k for n, k in zip(old, repeats(call, len(old)), strict=True)),
} | dict.fromkeys([*ACTIVATIONS.read(ONNX), "Dropout", "Softmax", "LogSoftmax", "Erf"], _unchanged)


# ---- rules: (numpy, node, arrays) -> array, or a list of them ------------------------------------


def _bounded(shape: Sequence[int]) -> None:
    """Raise Fault for a result that is too large to be computed here."""
    if prod(int(n) for n in shape) > 16 * MOST_VALUES or any(n < 0 for n in shape):
        raise Fault(f"computes a constant of {[int(n) for n in shape[:8]]}, which is too large")


def _elementwise(call: Call, arrays: list[Array]) -> Array:
    """Compute an operator that numpy has, of one tensor or of several, broadcast."""
    function = getattr(_numpy(), _ELEMENTWISE[call.op])
    if function.nin == 1:
        return function(arrays[0])
    _bounded(shapes.broadcast([a.shape for a in arrays]))
    result = arrays[0]
    for other in arrays[1:]:
        result = function(result, other)
    return result


def _numpy() -> Any:
    import numpy as np

    return np


def _quotient(call: Call, arrays: list[Array]) -> Array:
    """Return a / b; that of whole numbers is cut towards zero."""
    np = _numpy()
    a, b = arrays
    _bounded(shapes.broadcast([a.shape, b.shape]))
    if a.dtype.kind not in "iu":
        return a / b
    if (b == 0).any():
        raise Fault("divides a whole number by zero")
    return np.trunc(a / b).astype(a.dtype)


def _remainder(call: Call, arrays: list[Array]) -> Array:
    np = _numpy()
    if arrays[1].dtype.kind in "iu" and (arrays[1] == 0).any():
        raise Fault("divides a whole number by zero")
    _bounded(shapes.broadcast([a.shape for a in arrays]))
    return (np.fmod if call.attr("fmod", 0) else np.mod)(*arrays)


def _power(call: Call, arrays: list[Array]) -> Array:
    np = _numpy()
    _bounded(shapes.broadcast([a.shape for a in arrays]))
    return np.power(arrays[0].astype(np.float64), arrays[1]).astype(arrays[0].dtype)


def _cast(call: Call, arrays: list[Array]) -> Array:
    return arrays[0].astype(call.attr("to"))


def _cast_like(call: Call, arrays: list[Array]) -> Array:
    return arrays[0].astype(arrays[1].dtype)


def _take(call: Call, arrays: list[Array]) -> Array:
    data, index = arrays
    axis = shapes.axis(call.attr("axis", 0), data.ndim)
    _bounded((*data.shape[:axis], *index.shape, *data.shape[axis + 1 :]))
    return _numpy().take(data, index, axis)


def slices(call: Call, rank: int) -> dict[int, slice]:
    """Return what Slice takes of each axis that it names."""
    starts, ends = call.numbers("starts", 1) or [], call.numbers("ends", 2) or []
    axes = call.numbers("axes", 3) or list(range(len(starts)))
    steps = call.numbers("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise Fault("its starts, ends, axes and steps do not go together")
    found = {}
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        found[shapes.axis(axis, rank)] = slice(start, None if step < 0 and end < -(2**31) + 1 else end, step)
    return found


def _slice(call: Call, arrays: list[Array]) -> Array:
    taken = slices(call, arrays[0].ndim)
    return arrays[0][tuple(taken.get(k, slice(None)) for k in range(arrays[0].ndim))]


def _split(call: Call, arrays: list[Array]) -> list[Array]:
    axis = shapes.axis(call.attr("axis", 0), arrays[0].ndim)
    sizes = split_sizes(call, arrays[0].shape[axis])
    return list(_numpy().split(arrays[0], _numpy().cumsum(sizes)[:-1], axis))


def split_sizes(call: Call, length: int) -> list[int]:
    """Return the lengths of the pieces that Split gives."""
    sizes = call.numbers("split", 1)
    if sizes is None:
        parts = len(call.outputs)
        each = -(-length // parts)
        sizes = [each] * (parts - 1) + [length - each * (parts - 1)]
    if sum(sizes) != length or min(sizes, default=0) < 0 or len(sizes) != len(call.outputs):
        raise Fault(f"can't split {length} into {sizes[:16]}")
    return sizes


def _concat(call: Call, arrays: list[Array]) -> Array:
    _bounded((sum(a.size for a in arrays),))
    return _numpy().concatenate(arrays, call.attr("axis", 1))


def _where(call: Call, arrays: list[Array]) -> Array:
    _bounded(shapes.broadcast([a.shape for a in arrays]))
    return _numpy().where(*arrays)


def _scattered(call: Call, arrays: list[Array]) -> Array:
    data, index, updates = arrays
    if call.attr("reduction", "none") != "none":
        raise Fault(f"reduction '{call.attr('reduction')}' is not known")
    result = data.copy()
    result[tuple(_numpy().moveaxis(index, -1, 0))] = updates
    return result


def _range(call: Call, arrays: list[Array]) -> Array:
    start, limit, delta = (a.reshape(-1)[0] for a in arrays)
    if delta == 0:
        raise Fault("Range has a step of 0")
    _bounded((max(int((float(limit) - float(start)) / float(delta)) + 1, 0),))
    return _numpy().arange(start, limit, delta, dtype=arrays[0].dtype)


def _tile(call: Call, arrays: list[Array]) -> Array:
    counts = repeats(call, arrays[0].ndim)
    _bounded([n * r for n, r in zip(arrays[0].shape, counts, strict=True)])
    return _numpy().tile(arrays[0], counts)


def repeats(call: Call, rank: int) -> list[int]:
    """Return how often Tile repeats each axis."""
    counts = call.numbers("repeats", 1) or []
    if len(counts) != rank or min(counts, default=0) < 0:
        raise Fault(f"has {len(counts)} repeats for {rank} axes, or one below 0")
    return counts


def _expand(call: Call, arrays: list[Array]) -> Array:
    shape = shapes.broadcast([arrays[0].shape, tuple(call.numbers("shape", 1) or ())])
    _bounded(shape)
    return _numpy().broadcast_to(arrays[0], shape)


def _reduced(name: str) -> _Rule:
    def rule(call: Call, arrays: list[Array]) -> Array:
        which = call.numbers("axes", 1)
        if which is None and call.attr("noop_with_empty_axes", 0):
            return arrays[0]
        axes = None if not which else tuple(shapes.axes(which, arrays[0].ndim))
        return getattr(_numpy(), name)(arrays[0], axis=axes, keepdims=bool(call.attr("keepdims", 1)))

    return rule


def _clip(call: Call, arrays: list[Array]) -> Array:
    bounds = [call.attr("min"), call.attr("max")] if len(arrays) == 1 else [*arrays[1:], None][:2]
    return arrays[0] if bounds == [None, None] else _numpy().clip(arrays[0], *bounds)


def _transpose(call: Call, arrays: list[Array]) -> Array:
    return arrays[0].transpose(shapes.transposed(arrays[0].shape, call.attr("perm"))[1])


def _moved_array(call: Call, arrays: list[Array]) -> Array:
    shape = MOVES[call.op](call, arrays[0].shape)
    return arrays[0].reshape(shape)


_ELEMENTWISE = {
    "Add": "add",
    "Sub": "subtract",
    "Mul": "multiply",
    "Min": "minimum",
    "Max": "maximum",
    "Sum": "add",
    "Equal": "equal",
    "Less": "less",
    "LessOrEqual": "less_equal",
    "Greater": "greater",
    "GreaterOrEqual": "greater_equal",
    "And": "logical_and",
    "Or": "logical_or",
    "Xor": "logical_xor",
    "Not": "logical_not",
    "Neg": "negative",
    "Abs": "absolute",
    "Sqrt": "sqrt",
    "Exp": "exp",
    "Log": "log",
    "Sin": "sin",
    "Cos": "cos",
    "Floor": "floor",
    "Ceil": "ceil",
    "Round": "rint",
    "Sign": "sign",
    "Reciprocal": "reciprocal",
}
_TRUTHS = ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or", "Xor", "Not")
_BROADCAST = (*_ELEMENTWISE, "Div", "Mod", "Pow", "Where")
_RULES: dict[str, _Rule] = {
    "Div": _quotient,
    "Mod": _remainder,
    "Pow": _power,
    "Cast": _cast,
    "CastLike": _cast_like,
    "Where": _where,
    "Concat": _concat,
    "Gather": _take,
    "Slice": _slice,
    "Split": _split,
    "Transpose": _transpose,
    "Reshape": _moved_array,
    "Flatten": _moved_array,
    "Squeeze": _moved_array,
    "Unsqueeze": _moved_array,
    "Range": _range,
    "ScatterND": _scattered,
    "Tile": _tile,
    "Expand": _expand,
    "Clip": _clip,
    "ReduceProd": _reduced("prod"),
    "ReduceSum": _reduced("sum"),
    "ReduceMean": _reduced("mean"),
    "ReduceMax": _reduced("max"),
    "ReduceMin": _reduced("min"),
}
