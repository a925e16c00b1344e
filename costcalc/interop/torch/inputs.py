"""What a network of PyTorch is given: tensors of the shapes that are asked for, in the ways in which it may take them.

A shape says neither where the batch stands nor whether its numbers are indices, so each way is a `Way`, and the first
that PyTorch takes is the one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from inspect import Parameter, signature
from itertools import combinations
from typing import Any, NamedTuple

from costcalc.base import InputShape
from costcalc.base.errors import stop
from costcalc.base.hints import argument, said
from costcalc.language.document import INPUT

MOST_INPUTS = 4  # of which each set may be the indices; of more all are, or none


class Way(NamedTuple):
    """One way to call a network: tensors by place, tensors by name; of each the axes of the spec's input."""

    args: tuple[Any, ...]
    named: dict[str, Any]
    axes: list[list[int | None]]


def named(shape: InputShape | Sequence[int]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the inputs by their names; of one without a name by the spec's own."""
    return dict(shape) if isinstance(shape, Mapping) else {INPUT: tuple(shape)}


def ways(torch: Any, module: Any, shapes: Mapping[str, Sequence[int]]) -> list[Way]:
    """Return the ways in which a network may take inputs of these shapes, the likeliest first.

    A batch of one stands before each shape, or behind the first axis where PyTorch's own layer says so (`batch_first`).
    Where a shape has an axis of length 1, it may also be whole as it is. Raises SpecError for names that it can't take.
    """
    tensors = [*module.parameters(), *module.buffers()]
    device = tensors[0].device if tensors else torch.device("cpu")
    dtype = next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float32)
    by_name = _takes(module, shapes)
    found = []
    at = 0 if batch_first(module) else 1
    wholes = [False, True] if all(1 in dims for dims in shapes.values()) else [False]
    for whole in wholes:
        axes = [_axes(len(dims), None if whole else at) for dims in shapes.values()]
        sizes = [_sizes(dims, None if whole else at) for dims in shapes.values()]
        for indices in _subsets(len(sizes)):
            given = [
                torch.zeros(one, device=device, dtype=torch.long if k in indices else dtype)
                for k, one in enumerate(sizes)
            ]
            how = ((), dict(zip(shapes, given, strict=True))) if by_name else (tuple(given), {})
            found.append(Way(*how, axes))
    return found


def batch_first(module: Any) -> bool:
    """Say whether the batch is the first axis of what a network takes: of some of PyTorch's own layers the second."""
    if not type(module).__module__.startswith("torch.nn."):
        return True
    return bool(next((part.batch_first for part in module.modules() if hasattr(part, "batch_first")), True))


def _sizes(dims: Sequence[int], batch: int | None) -> tuple[int, ...]:
    at = len(dims) if batch is None else min(batch, len(dims) - 1)
    return tuple(dims) if batch is None else (*dims[:at], 1, *dims[at:])


def _axes(rank: int, batch: int | None) -> list[int | None]:
    at = rank if batch is None else min(batch, rank - 1)
    own: list[int | None] = [*range(rank)]
    return own if batch is None else [*own[:at], None, *own[at:]]


def _subsets(count: int) -> Iterable[tuple[int, ...]]:
    """Return which of so many inputs may be indices: none, then some, then all."""
    every = tuple(range(count))
    if count > MOST_INPUTS:
        return [(), every]
    return [chosen for size in range(count + 1) for chosen in combinations(every, size)]


def _takes(module: Any, shapes: Mapping[str, Sequence[int]]) -> bool:
    """Say whether a network takes its inputs by these names, and not in their order."""
    own = arguments_of(module)
    known = [name for name in shapes if name in own]
    if known and len(known) < len(shapes):
        (other, *_) = [name for name in shapes if name not in own]
        raise stop(f"{type(module).__name__} takes no '{other:.60}'", hint=f"its forward takes {', '.join(own)}")
    return bool(known) and list(shapes) != [INPUT]


def arguments_of(module: Any) -> list[str]:
    """Return the names of what a network's forward takes."""
    try:
        parameters = signature(module.forward).parameters.values()
    except (TypeError, ValueError):  # a built-in says nothing
        return []
    return [one.name for one in parameters if one.kind in (Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY)]


def needed(module: Any) -> str:
    """Return, in words, how a network of several inputs is given them; empty of one that takes one."""
    try:
        parameters = signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return ""
    free = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)
    names = [one.name for one in parameters if one.default is Parameter.empty and one.kind not in free]
    if len(names) < 2:
        return ""
    return said(
        "its forward takes {}: say each {}", ", ".join(names), argument(input=dict.fromkeys(names, (3, 224, 224)))
    )
