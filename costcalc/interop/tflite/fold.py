"""What depends on constants and shapes only is computed here, on numbers in a row; or only keeps its shape."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product as places
from typing import Any

from costcalc.base.errors import Fault
from costcalc.interop.tflite.file import MOST_VALUES, Dims
from costcalc.interop.tflite.net import Fixed, Flowing, Invocation, axis_of, broadcast, padded
from costcalc.interop.tflite.schema import FLOATING
from costcalc.numbers.num import LARGEST, prod


def fold(call: Invocation) -> list[Fixed] | None:
    """Return an operator's results as constants; None where it has to become steps of the network."""
    if call.op in ("SHAPE", "RANK", "ZEROS_LIKE"):
        return [_measured(call)]
    consts = [value for value in call.inputs if isinstance(value, Fixed)]
    if not consts or any(isinstance(value, Flowing) for value in call.inputs):
        return None
    known = all(const.values is not None for const in consts) and sum(const.size for const in consts) <= MOST_VALUES
    if call.op in ("RESHAPE", "SQUEEZE", "EXPAND_DIMS"):
        return [_kept(call, consts[0])]
    if call.op in _RETYPES or (call.op == "CAST" and not known):
        return [_retyped(call, consts[0])]
    if known and call.op in RULES:
        return _computed(call, consts)
    if call.op in MOVES:
        return [_part(consts[0], MOVES[call.op](call), consts)]
    return None


_RETYPES = ("DEQUANTIZE", "QUANTIZE", "DENSIFY")


def _part(const: Fixed, shape: Dims, consts: Sequence[Fixed]) -> Fixed:
    """Return what a move makes of weights, whose numbers are not looked at."""
    other = Fixed(shape, floating=const.floating)
    other.roots = {key: n for one in consts if one.floating for key, n in one.roots.items()}
    other.bits = const.bits
    return other


def _computed(call: Invocation, consts: Sequence[Fixed]) -> list[Fixed]:
    """Return what a rule gives; numbers of several are made here, those of one are as they were stored."""
    try:
        found = RULES[call.op](call)
    except (ValueError, OverflowError, ZeroDivisionError, IndexError) as error:
        raise Fault("can't be computed of these constants") from error
    for const in found:
        if const.values is not None and any(isinstance(n, int) and abs(n) >= LARGEST for n in const.values):
            raise Fault("gives a number that is too large to be one")
        const.floating = any(one.floating for one in consts) if call.op != "CAST" else const.floating
        if len(found) == 1 and const.floating:
            const.roots = {key: n for one in consts for key, n in one.roots.items()}
    return found


def _measured(call: Invocation) -> Fixed:
    """Return a tensor's shape or its rank, or zeros of its shape."""
    value = call.value(0)
    if value is None:
        raise Fault("input 0 is missing")
    if call.op == "ZEROS_LIKE":
        out = call.outputs[0]
        zeros = [0] * prod(value.shape) if prod(value.shape) <= MOST_VALUES else None
        return Fixed(value.shape, zeros, floating=out is not None and out.type in FLOATING)
    if call.op == "RANK":
        return Fixed((), [len(value.shape)])
    return Fixed((len(value.shape),), list(value.shape))


def _retyped(call: Invocation, const: Fixed) -> Fixed:
    """Return weights that are stored in fewer bits, or as zeros and places."""
    other = const.moved(const.shape)
    out = call.outputs[0]
    other.floating = out is not None and out.type in FLOATING
    return other


def _kept(call: Invocation, const: Fixed) -> Fixed:
    """Return a constant on other axes."""
    new = reshaped(call, const.shape)
    if prod(new) != prod(const.shape):
        raise Fault(f"{list(const.shape)} can't be reshaped to {list(new)}")
    return const.moved(new)


def reshaped(call: Invocation, old: Dims) -> Dims:
    """Return the shape that these give."""
    rank = len(old)
    if call.op == "EXPAND_DIMS":
        axis = axis_of(call.whole(1), rank + 1)
        return (*old[:axis], 1, *old[axis:])
    if call.op == "SQUEEZE":
        named = [axis_of(n, rank) for n in call.options.get("axes") or ()]
        gone = named or [axis for axis, n in enumerate(old) if n == 1]
        if any(old[axis] != 1 for axis in gone):
            raise Fault(f"axes {gone} of {list(old)} are not all 1")
        return tuple(n for axis, n in enumerate(old) if axis not in gone)
    stated = call.value(1)
    known = isinstance(stated, Fixed) and stated.values is not None
    new = call.wholes(1) if known else None
    if new is None and call.value(1) is None:
        new = list(call.options.get("shape") or ())
    if new is None:  # computed of what is not known here: the file says what comes out
        out = call.outputs[0]
        if out is None or any(out.open):
            raise Fault("its shape depends on the image")
        new = list(out.shape)
    shape = list(new)
    if shape.count(-1) == 1:
        rest = prod(n for n in shape if n != -1)
        shape[shape.index(-1)] = prod(old) // rest if rest > 0 else 0
    return tuple(shape)


def _transposed(call: Invocation) -> Dims:
    order, old = call.wholes(1), _shape(call)
    if sorted(order) != list(range(len(old))):
        raise Fault(f"{order} is no order of {len(old)} axes")
    return tuple(old[axis] for axis in order)


def _shape(call: Invocation, place: int = 0) -> Dims:
    value = call.value(place)
    if value is None:
        raise Fault(f"input {place} is missing")
    return value.shape


def _aside(call: Invocation) -> Dims:
    """Return the shape of constants side by side."""
    shapes = [value.shape for value in call.inputs if value is not None]
    axis = axis_of(call.options.get("axis", 0), len(shapes[0]))
    if len({(*shape[:axis], 0, *shape[axis + 1 :]) for shape in shapes}) > 1:
        raise Fault("joins tensors of unlike axes")
    return (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])


def _places(call: Invocation) -> Dims:
    """Return the shape of known places of an axis."""
    old = _shape(call)
    axis = axis_of(call.options.get("axis", 0), len(old))
    return (*old[:axis], *_shape(call, 1), *old[axis + 1 :])


# How the operators that only move weights change their shape.
MOVES: dict[str, Callable[[Invocation], Dims]] = {
    "TRANSPOSE": _transposed,
    "SLICE": lambda call: sliced(call, _shape(call))[1],
    "STRIDED_SLICE": lambda call: sliced(call, _shape(call))[1],
    "CONCATENATION": _aside,
    "GATHER": _places,
}


# ---- parts of an axis, of constants and of data ----------------------------------------------------


def sliced(call: Invocation, shape: Dims) -> tuple[list[range], Dims]:
    """Return the places that SLICE or STRIDED_SLICE takes of each axis, and the shape of what comes out."""
    begin, size = call.wholes(1), call.wholes(2)
    if call.op == "SLICE":
        if not len(begin) == len(size) == len(shape):
            raise Fault("its begin and size have not as many numbers as its input has axes")
        taken = []
        for start, count, n in zip(begin, size, shape, strict=True):
            stop = n if count == -1 else start + count
            if not 0 <= start <= stop <= n:
                raise Fault(f"takes {start} to {stop} of {n} places")
            taken.append(range(start, stop))
        return taken, tuple(map(len, taken))
    return _strided(call, begin, size, call.wholes(3), shape)


def _strided(
    call: Invocation, begin: list[int], end: list[int], steps: list[int], shape: Dims
) -> tuple[list[range], Dims]:
    """Return the places by Python's rule, with masks of bits, and axes that come and go."""
    masks = {word: int(call.options.get(word, 0)) for word in ("begin", "end", "ellipsis", "new", "shrink")}
    if not len(begin) == len(end) == len(steps) or call.options.get("offset"):
        raise Fault("its begin, end and strides have not as many numbers each")
    named = [k for k in range(len(begin)) if not (masks["new"] | masks["ellipsis"]) >> k & 1]
    skipped = len(shape) - len(named)
    taken: list[range] = []
    given: list[int] = []
    for k in range(len(begin)):
        if masks["ellipsis"] >> k & 1:
            for n in shape[len(taken) : len(taken) + max(skipped, 0)]:
                taken.append(range(n))
                given.append(n)
        elif masks["new"] >> k & 1:
            given.append(1)
        elif len(taken) >= len(shape) or not steps[k]:
            raise Fault("takes more axes than its input has, or no steps")
        elif masks["shrink"] >> k & 1:
            start = begin[k] + shape[len(taken)] * (begin[k] < 0)
            if not 0 <= start < shape[len(taken)]:
                raise Fault(f"takes place {begin[k]} of {shape[len(taken)]}")
            taken.append(range(start, start + 1))
        else:
            first, last = (None if masks[word] >> k & 1 else n for word, n in (("begin", begin[k]), ("end", end[k])))
            taken.append(range(*slice(first, last, steps[k]).indices(shape[len(taken)])))
            given.append(len(taken[-1]))
    rest = shape[len(taken) :]
    return [*taken, *map(range, rest)], (*given, *rest)


# ---- numbers ---------------------------------------------------------------------------------------


def _flat(shape: Dims, index: Sequence[int]) -> int:
    """Return where an element stands in a row."""
    at = 0
    for n, k in zip(shape, index, strict=True):
        at = at * n + k
    return at


def _bounded(shape: Dims) -> Dims:
    if prod(shape) > MOST_VALUES:
        raise Fault(f"computes a constant of {prod(shape):,} elements")
    return shape


def _each(function: Callable[..., Any]) -> Callable[[Invocation], list[Fixed]]:
    """Return the rule of an operator on elements, broadcast by numpy's rule."""

    def rule(call: Invocation) -> list[Fixed]:
        consts = [value for value in call.inputs if isinstance(value, Fixed)]
        shape = _bounded(broadcast([const.shape for const in consts]))
        rows = []
        for const in consts:
            own = padded(const.shape, len(shape))
            axes = [range(n) if m == n else [0] * n for m, n in zip(own, shape, strict=True)]
            rows.append([const.values[_flat(own, index)] for index in places(*axes)] if const.values else [])
        return [Fixed(shape, [function(*numbers) for numbers in zip(*rows, strict=True)])]

    return rule


def _taken(call: Invocation) -> list[Fixed]:
    """Return places of an axis."""
    table, index = call.inputs[0], call.inputs[1]
    if not isinstance(table, Fixed) or not isinstance(index, Fixed) or call.options.get("batch"):
        raise Fault("takes its places for each image of a batch")
    axis = axis_of(call.options.get("axis", 0), len(table.shape))
    axes: list[Sequence[int]] = [range(n) for n in table.shape]
    axes[axis] = [int(n) + table.shape[axis] * (n < 0) for n in index.values or ()]
    return [Fixed(_places(call), _picked(table, axes))]


def _picked(const: Fixed, axes: Sequence[Sequence[int]]) -> list[Any]:
    """Return the numbers at these places of each axis."""
    _bounded(tuple(map(len, axes)))
    return [(const.values or [])[_flat(const.shape, index)] for index in places(*axes)]


def _cut(call: Invocation) -> list[Fixed]:
    const = call.inputs[0]
    assert isinstance(const, Fixed)
    taken, form = sliced(call, const.shape)
    return [Fixed(form, _picked(const, taken))]


def _joined(call: Invocation) -> list[Fixed]:
    """Return constants side by side along an axis."""
    consts = [value for value in call.inputs if isinstance(value, Fixed)]
    whole = _bounded(_aside(call))
    axis = axis_of(call.options.get("axis", 0), len(whole))
    rows: list[Any] = []
    for before in places(*map(range, whole[:axis])):
        for const in consts:
            rows += _picked(const, [*([k] for k in before), *map(range, const.shape[axis:])])
    return [Fixed(whole, rows)]


def _packed(call: Invocation) -> list[Fixed]:
    consts = [value for value in call.inputs if isinstance(value, Fixed)]
    axis = axis_of(call.options.get("axis", 0), len(consts[0].shape) + 1)
    ranked: list[Flowing | Fixed | None] = [one.moved((*one.shape[:axis], 1, *one.shape[axis:])) for one in consts]
    return _joined(Invocation("CONCATENATION", call.name, ranked, call.outputs, {"axis": axis}))


def _parts(call: Invocation) -> list[Fixed]:
    """Return each place of an axis."""
    const = call.inputs[0]
    assert isinstance(const, Fixed)
    axis = axis_of(call.options.get("axis", 0), len(const.shape))
    rest = (*const.shape[:axis], *const.shape[axis + 1 :])
    axes: list[Sequence[int]] = [range(n) for n in const.shape]
    return [Fixed(rest, _picked(const, [*axes[:axis], [k], *axes[axis + 1 :]])) for k in range(const.shape[axis])]


def _turned(call: Invocation) -> list[Fixed]:
    const, order = call.inputs[0], call.wholes(1)
    assert isinstance(const, Fixed)
    shape = _transposed(call)
    found = []
    for index in places(*map(range, shape)):
        own = [0] * len(order)
        for place, axis in enumerate(order):
            own[axis] = index[place]
        found.append((const.values or [])[_flat(const.shape, own)])
    return [Fixed(shape, found)]


def _filled(call: Invocation) -> list[Fixed]:
    shape = _whole_shape(call.wholes(0))
    count = prod(shape)
    return [Fixed(shape, call.numbers(1)[:1] * count if count <= MOST_VALUES else None)]


def _whole_shape(numbers: Sequence[int]) -> Dims:
    if min(numbers, default=0) < 0 or prod(numbers) >= LARGEST:
        raise Fault(f"a tensor of {list(numbers)[:8]} can't be counted")
    return tuple(numbers)


def _ranged(call: Invocation) -> list[Fixed]:
    start, stop, step = (call.numbers(k)[0] for k in range(3))
    count = max(0, math.ceil((stop - start) / step))
    _bounded((count,))
    return [Fixed((count,), [start + k * step for k in range(count)])]


def _cast(call: Invocation) -> list[Fixed]:
    const, out = call.inputs[0], call.outputs[0]
    assert isinstance(const, Fixed)
    assert out is not None
    whole = out.type not in FLOATING
    return [Fixed(const.shape, [int(n) if whole else float(n) for n in const.values or ()], floating=not whole)]


def _reduced(function: Callable[[list[Any]], Any]) -> Callable[[Invocation], list[Fixed]]:
    """Return the rule of a reduction over some axes."""

    def rule(call: Invocation) -> list[Fixed]:
        const = call.inputs[0]
        assert isinstance(const, Fixed)
        gone = {axis_of(n, len(const.shape)) for n in call.wholes(1)}
        outer = [[0] if k in gone else range(n) for k, n in enumerate(const.shape)]
        found = []
        for index in places(*outer):
            axes = [range(const.shape[k]) if k in gone else [index[k]] for k in range(len(const.shape))]
            found.append(function(_picked(const, axes)))
        keep = bool(call.options.get("keep"))
        return [Fixed(tuple(len(o) for k, o in enumerate(outer) if keep or k not in gone), found)]

    return rule


def _shapes_together(call: Invocation) -> list[Fixed]:
    shape = broadcast([tuple(call.wholes(0)), tuple(call.wholes(1))])
    return [Fixed((len(shape),), list(shape))]


def _spread(call: Invocation) -> list[Fixed]:
    const, shape = call.inputs[0], _bounded(_whole_shape(call.wholes(1)))
    assert isinstance(const, Fixed)
    if broadcast([const.shape, shape]) != shape:
        raise Fault("can't be broadcast")
    zeros = Fixed(shape, [0] * prod(shape))
    return _each(lambda a, _: a)(Invocation("ADD", call.name, [const, zeros], call.outputs, {}))


def _divided(a: Any, b: Any) -> Any:
    return a / b if isinstance(a, float) or isinstance(b, float) else int(a / b)


RULES: dict[str, Callable[[Invocation], list[Fixed]]] = {
    "ADD": _each(lambda a, b: a + b),
    "SUB": _each(lambda a, b: a - b),
    "MUL": _each(lambda a, b: a * b),
    "DIV": _each(_divided),
    "FLOOR_DIV": _each(lambda a, b: a // b),
    "FLOOR_MOD": _each(lambda a, b: a % b),
    "MAXIMUM": _each(max),
    "MINIMUM": _each(min),
    "LESS": _each(lambda a, b: a < b),
    "LESS_EQUAL": _each(lambda a, b: a <= b),
    "GREATER": _each(lambda a, b: a > b),
    "GREATER_EQUAL": _each(lambda a, b: a >= b),
    "EQUAL": _each(lambda a, b: a == b),
    "NOT_EQUAL": _each(lambda a, b: a != b),
    "LOGICAL_AND": _each(lambda a, b: bool(a and b)),
    "LOGICAL_OR": _each(lambda a, b: bool(a or b)),
    "LOGICAL_NOT": _each(lambda a: not a),
    "NEG": _each(lambda a: -a),
    "ABS": _each(abs),
    "FLOOR": _each(math.floor),
    "CEIL": _each(math.ceil),
    "SELECT": _each(lambda c, a, b: a if c else b),
    "SELECT_V2": _each(lambda c, a, b: a if c else b),
    "CAST": _cast,
    "GATHER": _taken,
    "SLICE": _cut,
    "STRIDED_SLICE": _cut,
    "CONCATENATION": _joined,
    "PACK": _packed,
    "UNPACK": _parts,
    "TRANSPOSE": _turned,
    "FILL": _filled,
    "RANGE": _ranged,
    "REDUCE_PROD": _reduced(math.prod),
    "SUM": _reduced(sum),
    "REDUCE_MAX": _reduced(max),
    "REDUCE_MIN": _reduced(min),
    "REDUCE_ALL": _reduced(all),
    "REDUCE_ANY": _reduced(any),
    "BROADCAST_ARGS": _shapes_together,
    "BROADCAST_TO": _spread,
}
