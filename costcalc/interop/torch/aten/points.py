"""Activations, arithmetic, joins, and what reduces axes."""

from __future__ import annotations

from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop import words
from costcalc.interop.torch.aten.reading import Constant, Reading, Tensor, View, aten, operation_of
from costcalc.interop.torch.aten.views import reshaped, unsqueeze
from costcalc.interop.words import ATEN
from costcalc.operators.op import operators

ALIKE, ALONE, JOINT = (table.read(ATEN) for table in (words.ACTIVATIONS, words.ALONE, words.JOINS))
WITH = JOINT | {"rsub": "subtract_from"}


def word(r: Reading) -> str:
    """Return the operation's name without its overload, and without the mark of those that work in place."""
    return r.operation.partition(".")[0].rstrip("_")


@aten(*ALIKE)
def activation(r: Reading, x: View, **given: Any) -> View:
    """Translate an activation, with the number that it has."""
    kind = ALIKE[word(r)]
    fields: dict[str, Datum] = {field: given.get(theirs) for field, theirs in words.numbers(ATEN).get(kind, {}).items()}
    return r.same(x, r.add(kind, [x.value], **fields, **over(r, kind)))


def over(r: Reading, kind: str) -> dict[str, Datum]:
    """Return whether an activation writes over its input, where its operator says so."""
    return {"inplace": r.operation.partition(".")[0].endswith("_")} if "inplace" in operators()[kind].fields else {}


@aten("hardtanh")
def hard_tanh(r: Reading, x: View, min_val: float = -1, max_val: float = 1, **_: Any) -> View:
    """Translate the tangent in straight lines; from 0 to 6 it is relu6."""
    return clamped(r, x, min_val, max_val)


def clamped(r: Reading, x: View, least: float | None, most: float | None) -> View:
    """Add a bound below, above, or both."""
    if (least, most) == (0, 6):
        return r.same(x, r.add("relu6", [x.value], **over(r, "relu6")))
    if least is not None and most is not None:
        return r.same(x, r.add("hard_tanh", [x.value], least=least, most=most, **over(r, "hard_tanh")))
    op, by = ("minimum", most) if least is None else ("maximum", least)
    return r.same(x, r.add("arithmetic", [x.value], op=op, by=by))


@aten("clamp", "clip", "clamp_min", "clamp_max", both=True)
def clamp(r: Reading, x: Any, min: Any = None, max: Any = None, **_: Any) -> Any:
    """Translate bounds: numbers, or tensors, which are joined as a maximum and a minimum."""
    if not any(isinstance(bound, View | Constant) for bound in (min, max)):
        return clamped(r, x, min, max)
    for kind, bound in (("maximum", min), ("minimum", max)):
        x = x if bound is None else joined(r, kind, x, bound)
    return x


@aten("prelu")
def prelu(r: Reading, x: View, weight: Tensor, **_: Any) -> View:
    """Translate a rectifier with learned slopes."""
    size = prod(weight.sizes)
    value = r.arrange(x, [[k] for k in range(1, len(x.sizes))])
    y = r.learned("prelu", [value], [(weight, size)], per_channel=size > 1)
    if not y:
        raise r.refuse("slopes that are not the layer's own can't be expressed")
    return r.view(y, [None, *range(len(x.sizes) - 1)])


@aten("softmax", "log_softmax", "_softmax", "_log_softmax")
def softmax(r: Reading, x: View, dim: int, **_: Any) -> View:
    """Translate a softmax along any axis."""
    if not x.sizes:
        return reshaped(r, softmax(r, unsqueeze(r, x, 0), 0), [])
    axis = x.axes[dim]
    if axis is None:
        x = whole(r, x, dim)
        axis = x.axes[dim]
    kind = "log_softmax" if "log" in word(r) else "softmax"
    return r.same(x, r.add(kind, [x.value], axis=axis))


@aten("glu")
def glu(r: Reading, x: View, dim: int = -1, **_: Any) -> View:
    """Translate a gated linear unit."""
    axis = x.axes[dim]
    return r.same(x, r.add("glu", [x.value], axis=axis))


def whole(r: Reading, x: View, dim: int) -> View:
    """Return a tensor whose axis of length 1 the spec's value has too, as its last."""
    order = [*x.order, dim % len(x.sizes)]
    return r.placed(r.arrange(x, [[k] for k in order]), order, len(x.sizes))


# ---- arithmetic ----------------------------------------------------------------------------------


@aten(*ALONE)
def alone(r: Reading, x: View, **_: Any) -> View:
    """Translate what is done to each element alone."""
    return r.same(x, r.add("arithmetic", [x.value], op=ALONE[word(r)]))


@aten("pow.Tensor_Scalar")
def power(r: Reading, x: View, exponent: float, **_: Any) -> View:
    """Translate a power; of 2 it is the square."""
    op, by = ("square", None) if exponent == 2 else ("power", exponent)
    return r.same(x, r.add("arithmetic", [x.value], op=op, by=by))


@aten("add", "sub", "mul", "div.Tensor", "div.Scalar", "rsub", "maximum", "minimum", both=True)
def arithmetic(r: Reading, x: Any, other: Any, alpha: float = 1, **_: Any) -> Any:
    """Translate a sum, difference, product or quotient, with a number or another tensor."""
    name = word(r)
    if isinstance(other, View) and alpha != 1:
        other = numbered(r, other, "multiply", alpha)
    if not isinstance(other, View | Constant):
        return numbered(r, x, WITH[name], other * alpha)
    if not isinstance(x, View | Constant):
        return numbered(r, other, words.TURNED.get(WITH[name], WITH[name]), x)
    if name == "rsub":
        return joined(r, "subtract", other, x)
    return joined(r, JOINT[name], x, other)


def numbered(r: Reading, x: Any, op: str, number: float) -> Any:
    """Add an operation with a number; those that change nothing go."""
    if (op, number) in (("add", 0), ("subtract", 0), ("multiply", 1), ("divide", 1)):
        return x
    return r.same(x, r.add("arithmetic", [x.value], op=op, by=number))


@aten("addcmul", both=True)
def addcmul(r: Reading, x: Tensor, tensor1: Tensor, tensor2: Tensor, value: float = 1, **_: Any) -> View:
    """Translate x + value * a * b."""
    term = joined(r, "multiply", tensor1, tensor2)
    return joined(r, "add", x, numbered(r, term, "multiply", value))


# ---- joins ---------------------------------------------------------------------------------------


def joined(r: Reading, kind: str, x: Tensor, y: Tensor, **fields: Datum) -> View:
    """Add an operation on two tensors, element by element, broadcast as PyTorch does.

    The larger decides the order of axes. A gate of one number a channel stays `[C]`; a learned factor a channel is
    a `scale`.
    """
    rank = max(len(x.sizes), len(y.sizes))
    x, y = (padded(r, t, rank) for t in (x, y))
    views = [t for t in (x, y) if isinstance(t, View)]
    first = max(views, key=lambda t: (len([n for n in t.sizes if n > 1]), prod(t.sizes)))
    sizes = [max(m, n) for m, n in zip(x.sizes, y.sizes, strict=True)]
    order = [k for k in first.order if sizes[k] > 1]
    order += [k for k in range(rank) if sizes[k] > 1 and k not in order]
    y_scaled = scaled(r, kind, x, y, order) or (scaled(r, kind, y, x, order) if kind == "multiply" else "")
    value = y_scaled or r.add(kind, [fitted(r, t, order) for t in (x, y)], **fields)
    return r.placed(value, order, rank)


def padded(r: Reading, x: Tensor, rank: int) -> Tensor:
    """Return a tensor with axes of length 1 before its own."""
    more = rank - len(x.sizes)
    if isinstance(x, View):
        return r.view(x.value, (*(None,) * more, *x.axes))
    return Constant(x.params, (*(1,) * more, *x.sizes), x.whole) if more else x


def fitted(r: Reading, x: Tensor, order: list[int]) -> str:
    """Return a value with these axes; one number a channel alone stays `[C]`."""
    own = [k for k in order if x.sizes[k] > 1]
    as_it_is = isinstance(x, View) and r.dims(x.value) == [x.sizes[k] for k in order]
    if len(order) > 1 and own == order[:1] and not as_it_is:
        return r.arrange(x, [own])
    return r.arrange(x, [[k] for k in order])


def scaled(r: Reading, kind: str, x: Tensor, y: Tensor, order: list[int]) -> str:
    """Add a product with a learned factor a channel as a `scale`; return "" where it is none."""
    if kind != "multiply" or not isinstance(x, View) or not isinstance(y, Constant) or not y.whole or not order:
        return ""
    if [k for k, n in enumerate(y.sizes) if n > 1] != order[:1] or [k for k in order if x.sizes[k] > 1] != order:
        return ""
    return r.learned("scale", [r.arrange(x, [[k] for k in order])], [(y, prod(y.sizes))])


# ---- reductions ----------------------------------------------------------------------------------


REDUCTIONS = {"max": "maximum", "min": "minimum", "var": "variance", "std": "variance"}
REDUCTIONS |= words.REDUCTIONS.read(ATEN)


@aten("mean", "sum", "amax", "amin", "max.default", "min.default", "var", "std")
def reduction(r: Reading, x: View, dim: Any = None, keepdim: bool = False, **_: Any) -> View:  # noqa: FBT001, FBT002
    """Translate a reduction of some axes, or of all; the correction of a variance's divisor changes no count."""
    y = reduced(r, x, REDUCTIONS[word(r)], dim if isinstance(dim, int | list) else None, keep=keepdim)
    return r.same(y, r.add("arithmetic", [y.value], r.within("sqrt"), op="sqrt")) if word(r) == "std" else y


@aten("linalg_vector_norm", "norm")
def norm(r: Reading, x: View, dim: Any = None, keepdim: bool = False, **given: Any) -> Any:  # noqa: FBT001, FBT002
    """Translate a norm: that of squares, the sum of absolute values, or the largest of them."""
    p = given.get("ord", given.get("p", 2))
    if p in (2, None):
        return reduced(r, x, "norm", dim, keep=keepdim)
    if p not in (1, float("inf"), float("-inf")):
        return NotImplemented
    x = r.same(x, r.add("arithmetic", [x.value], r.within("abs"), op="absolute"))
    return reduced(r, x, {1: "sum", float("inf"): "maximum"}.get(p, "minimum"), dim, keep=keepdim)


@aten("var_mean", "std_mean")
def variance_and_mean(r: Reading, x: View, dim: Any = None, keepdim: bool = False, **_: Any) -> list[View]:  # noqa: FBT001, FBT002
    """Translate a variance, or its root, and the mean, which both are results."""
    spread, mean = (
        reduced(r, x, op, dim if isinstance(dim, int | list) else None, keep=keepdim) for op in ("variance", "mean")
    )
    if word(r) == "std_mean":
        spread = r.same(spread, r.add("arithmetic", [spread.value], r.within("sqrt"), op="sqrt"))
    return [spread, mean]


@aten("max.dim", "min.dim", "aminmax")
def extreme(r: Reading, x: View, dim: int | None = None, keepdim: bool = False, **_: Any) -> list[View]:  # noqa: FBT001, FBT002
    """Translate a maximum along an axis, and the place where it stands, which is found with it; or both extremes."""
    ops = {"max": ("maximum",), "min": ("minimum",)}.get(word(r), ("minimum", "maximum"))
    found = [reduced(r, x, op, dim, keep=keepdim) for op in ops]
    return found * 2 if len(found) == 1 else found


def reduced(r: Reading, x: View, op: str, dim: Any, *, keep: bool) -> View:
    """Add a reduction; the mean of all of space is `global_avg_pool`, unless a convolution takes it."""
    rank = len(x.sizes)
    if not rank:
        return x
    gone = {d % rank for d in (range(rank) if dim in (None, []) else [dim] if isinstance(dim, int) else dim)}
    axes = sorted(axis for k, axis in enumerate(x.axes) if k in gone and axis is not None)
    kept = range(rank) if keep else [k for k in range(rank) if k not in gone]
    if not axes:
        return View(x.value, (x.axes[k] for k in kept), (x.sizes[k] for k in kept))
    if op in ("mean", "maximum") and axes == list(range(1, len(r.dims(x.value)))):
        value = pooled_all(r, x, op)
    else:
        value = r.add("reduce_axes", [x.value], op=op, axes=axes)
    below = len(r.dims(value)) < len(r.dims(x.value))  # the axes are gone, those after them move up
    places = [
        None if k in gone or axis is None else axis - below * sum(a < axis for a in axes)
        for k, axis in enumerate(x.axes)
    ]
    return r.view(value, [places[k] for k in kept])


def pooled_all(r: Reading, x: View, op: str) -> str:
    """Add the mean or maximum over all of space: `[C]`, or `[C, 1, ..]` where a convolution comes next."""
    if to_conv(r.node):
        return r.add("reduce_axes", [x.value], op=op, axes=list(range(1, len(r.dims(x.value)))), keep=True)
    return r.add("global_avg_pool" if op == "mean" else "global_max_pool", [x.value])


def to_conv(node: Any) -> bool:
    """Say whether a result goes into a convolution of images or volumes next."""
    return any(operation_of(user).startswith(("conv2d", "conv3d")) for user in node.users)
