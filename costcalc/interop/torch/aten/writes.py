"""What is changed in place: a graph of values has no such thing, so every name of the memory gets a new value.

A part that is written to is put back into what it is a part of, step by step, up to the tensor that holds the memory;
then the other names are read anew. Nothing is multiplied on the way, and no number is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.interop.torch.aten.reading import (
    HANDLERS,
    LAYOUT,
    Constant,
    Reading,
    Tensor,
    View,
    arguments_of,
    in_place,
    known,
    operation_of,
    stated,
)
from costcalc.interop.torch.aten.views import cat, part, reshaped, stack, unsqueezed

Env = dict[Any, Any]
MERGING = {"view", "reshape", "view_as", "reshape_as", "flatten", "unflatten", "_unsafe_view"}


def written(r: Reading, node: Any, value: Datum, env: Env, again: Callable[[Any], Any]) -> None:
    """Give the names of the memory that a node's first argument is in the value that it now has.

    again: what translates a node anew.
    """
    target = node.args[0]
    names = [one for one in r.names(target) if one in env and one is not node]
    root, at = names[0], target
    while at is not root:
        base = at.args[0]
        if base not in names:
            raise r.refuse("a tensor that is one with several others can't be changed in place")
        value = value if in_place(operation_of(at)) else _put(r, at, env[base], value)
        at = base
    env[root] = value
    for one in _needed(names[1:], node):
        env[one] = env[one.args[0]] if in_place(operation_of(one)) else again(one)


def _needed(names: list[Any], node: Any) -> list[Any]:
    """Return the names that are read after a node, and those that they are read through, in order."""
    needed: list[Any] = []
    for one in reversed(names):
        if any(user > node or user in needed for user in one.users):
            needed.insert(0, one)
    return needed


def _put(r: Reading, node: Any, base: Any, value: Datum) -> Any:
    """Return what a tensor becomes when the part of it that a node has taken becomes this value."""
    operation = operation_of(node)
    word = operation.partition(".")[0]
    if word == "getitem":
        return [value if k == node.args[1] else one for k, one in enumerate(base)]
    if isinstance(value, list):
        dim = _argument(node, 2 if word != "unbind" else 1, "dim", 0)
        if all(isinstance(one, Constant) for one in value):
            return Constant({p for one in value for p in one.params}, node.args[0].meta["val"].shape)
        return (stack if word == "unbind" else cat)(r, value, dim)
    if isinstance(base, Constant):
        base = r.constant(base)
    if word in ("slice", "select", "narrow"):
        return _into(r, node, word, base, value)
    if isinstance(value, Constant):
        value = r.constant(value)
    if word in MERGING:
        return reshaped(r, value, base.sizes)
    if known(LAYOUT, operation):
        given = {key: one for key, one in arguments_of(node).items() if key != "x"}
        moved = known(HANDLERS, operation)(r, View("", range(len(base.sizes)), base.sizes), **given)
        places = {axis: k for k, axis in enumerate(moved.axes) if axis is not None}
        back = (value.axes[places[k]] if k in places else None for k in range(len(base.sizes)))
        return View(value.value, back, base.sizes)
    if node.meta["val"].numel() <= prod(base.sizes):
        return stated(r, [base, value], base.sizes, f"{operation}: a part is written to")
    raise r.refuse("a tensor that is repeated can't be changed in place")


def _into(r: Reading, node: Any, word: str, base: View, value: Tensor) -> Tensor:
    """Put a value in the place of a slice, or of one place, of an axis."""
    dim = _argument(node, 1, "dim", 0) % len(base.sizes)
    n = base.sizes[dim]
    if word == "select":
        first = node.args[2] % n
        last, step = first + 1, 1
        value = unsqueezed(r, value, dim)
    else:
        end = _argument(node, 3, "end", None)
        first = _argument(node, 2, "start", 0)
        end = first % n + node.args[3] if word == "narrow" else end
        first, last, step = slice(first, end, _argument(node, 4, "step", 1)).indices(n)
    if (first, last, step) == (0, n, 1):
        return value
    if step > 1:
        return stated(r, [base, value], base.sizes, f"{operation_of(node)}: every {step}th place is written to")
    pieces: list[Tensor] = [part(r, base, dim, 0, first)] if first else []
    pieces.append(value)
    pieces += [part(r, base, dim, last, n)] if last < n else []
    return cat(r, pieces, dim)


def _argument(node: Any, at: int, name: str, default: Datum) -> Any:
    """Return an argument of a node, by its place or its name."""
    return node.args[at] if len(node.args) > at else node.kwargs.get(name, default)
