"""What compares, chooses and ranks elements, and sums along an axis."""

from __future__ import annotations

from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop.torch.aten.points import fitted, joined, padded
from costcalc.interop.torch.aten.reading import Constant, Reading, Tensor, View, aten
from costcalc.interop.torch.aten.views import moved, reshaped

COMPARISONS = {
    "gt": "greater", "ge": "greater_equal", "lt": "less", "le": "less_equal", "eq": "equal", "ne": "unequal",
    "greater": "greater", "greater_equal": "greater_equal", "less": "less", "less_equal": "less_equal",
    "not_equal": "unequal",
}  # fmt: skip


@aten(*COMPARISONS, both=True)
def compare(r: Reading, x: Tensor, other: Datum, **_: Any) -> View:
    """Translate a comparison of two tensors, or of one with a number."""
    op = COMPARISONS[r.operation.partition(".")[0].rstrip("_")]
    if isinstance(other, View | Constant):
        return joined(r, "compare", x, other, op=op)
    view = x if isinstance(x, View) else r.constant(x)
    return r.same(view, r.add("compare", [view.value], op=op, by=other))


@aten("masked_fill", "where.self", "where.ScalarOther", "where.ScalarSelf", "where.Scalar", both=True)
def choose(r: Reading, x: Tensor | None = None, **given: Any) -> Any:
    """Translate a choice by a mask, of two tensors, or of one and a number (or a constant of one)."""
    if "mask" in given:
        tensors: list[Any] = [given["mask"], x, given["value"]]
    else:
        tensors = [given["condition"], x, given["other"]]
    numbers = [t for t in tensors if not isinstance(t, View | Constant)]
    tensors = [t for t in tensors if isinstance(t, View | Constant)]
    lone = next((t for t in tensors[1:] if isinstance(t, Constant) and prod(t.sizes) == 1 and not t.params), None)
    if lone is not None and len(tensors) > 2 and not lone.whole:  # a number that was made a tensor
        tensors.remove(lone)
        numbers = [0]
    if len(tensors) < 2:  # both are numbers
        return moved(r, x=tensors[0])
    rank = max(len(t.sizes) for t in tensors)
    tensors = [padded(r, t, rank) for t in tensors]
    sizes = [max(ns) for ns in zip(*(t.sizes for t in tensors), strict=True)]
    first = max((t for t in tensors if isinstance(t, View)), key=lambda t: prod(t.sizes))
    order = [k for k in first.order if sizes[k] > 1]
    order += [k for k in range(rank) if sizes[k] > 1 and k not in order]
    otherwise = float(numbers[0]) if numbers and abs(float(numbers[0])) < float("inf") else 0.0
    fields: dict[str, Datum] = {"otherwise": otherwise} if len(tensors) < 3 else {}
    return r.placed(r.several("where", [fitted(r, t, order) for t in tensors], **fields)[0], order, rank)


@aten("argmax", "argmin")
def place_of(r: Reading, x: View, dim: int | None = None, **_: Any) -> Any:
    """Translate the place of the largest, or the smallest, along an axis, or in all."""
    if dim is None:
        x, dim = reshaped(r, x, [prod(x.sizes)]), 0
    dim %= len(x.sizes)
    gone = x.axes[dim]
    if gone is None:
        return moved(r, x=x)
    value = r.add("argmax", [x.value], axis=gone, smallest=r.operation.startswith("argmin"))
    axes = [None if axis is None or axis == gone else axis - (axis > gone) for axis in x.axes]
    kept = len(r.node.meta["val"].shape) == len(x.sizes)
    return r.view(value, axes if kept else [axis for k, axis in enumerate(axes) if k != dim])


@aten("topk")
def topk(r: Reading, x: View, k: int, dim: int = -1, **_: Any) -> Any:
    """Translate the largest along an axis, with their places."""
    axis = x.axes[dim]
    if axis is None:
        return moved(r, x=x)
    return [r.same(x, value) for value in r.several("topk", [x.value], r.title(), count=k, axis=axis)]


@aten("cumsum")
def running_sum(r: Reading, x: View, dim: int, **_: Any) -> View:
    """Translate a running sum along an axis."""
    axis = x.axes[dim]
    return x if axis is None else r.same(x, r.add("cumsum", [x.value], axis=axis))
