"""Shapes by ONNX's rules, batch included, where constants and data take the same."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc.base.errors import Fault
from costcalc.interop.tensors.values import MOST_AXES, Dims
from costcalc.numbers.num import prod


def axis(number: int, rank: int) -> int:
    """Return an axis counted from the front; raise Fault where there is none."""
    if not -rank <= number < rank:
        raise Fault(f"there is no axis {number} in a tensor of {rank} axes")
    return number % rank if rank else 0


def axes(numbers: Iterable[int], rank: int) -> list[int]:
    """Return axes counted from the front, in order."""
    return sorted({axis(int(n), rank) for n in numbers})


def reshaped(old: Dims, target: Sequence[int], *, allow_zero: bool = False) -> Dims:
    """Return the shape that Reshape gives: 0 copies an axis, -1 takes what is left."""
    new = [int(n) for n in target]
    if not allow_zero:
        new = [old[k] if n == 0 and k < len(old) else n for k, n in enumerate(new)]
    if new.count(-1) == 1:
        rest = prod(n for n in new if n != -1)
        if rest == 0 or prod(old) % rest:
            raise Fault(f"{_text(old)} can't be reshaped to {_text(new)}")
        new[new.index(-1)] = prod(old) // rest
    if any(n < 0 for n in new) or prod(new) != prod(old):
        raise Fault(f"{_text(old)} can't be reshaped to {_text(new)}")
    return tuple(new)


def squeezed(old: Dims, which: Sequence[int] | None) -> Dims:
    """Return a shape without axes of length 1: those named, or all."""
    gone = [k for k, n in enumerate(old) if n == 1] if which is None else axes(which, len(old))
    if any(old[k] != 1 for k in gone):
        raise Fault(f"axes {gone} of {_text(old)} are not all 1")
    return tuple(n for k, n in enumerate(old) if k not in gone)


def unsqueezed(old: Dims, which: Sequence[int]) -> Dims:
    """Return a shape with axes of length 1 at these places of the result."""
    if len(which) > MOST_AXES:
        raise Fault(f"{len(which)} axes are added; at most {MOST_AXES} are taken")
    new = axes(which, len(old) + len(which))
    rest = iter(old)
    return tuple(1 if k in new else next(rest) for k in range(len(old) + len(new)))


def flattened(old: Dims, at: int) -> Dims:
    """Return the two axes that Flatten gives."""
    at = at + len(old) if at < 0 else at
    return (prod(old[:at]), prod(old[at:]))


def transposed(old: Dims, perm: Sequence[int] | None) -> tuple[Dims, list[int]]:
    """Return the shape that Transpose gives, and the order of the axes."""
    order = list(range(len(old)))[::-1] if perm is None else [int(n) for n in perm]
    if sorted(order) != list(range(len(old))):
        raise Fault(f"{order} is no order of {len(old)} axes")
    return tuple(old[k] for k in order), order


def broadcast(shapes: Sequence[Dims]) -> Dims:
    """Return the shape that tensors have together by numpy's rule."""
    rank = max(len(shape) for shape in shapes)
    result = [1] * rank
    for shape in shapes:
        for k, n in enumerate(padded(shape, rank)):
            if n not in (1, result[k]) and result[k] != 1:
                raise Fault(f"{' and '.join(_text(s) for s in shapes)} can't be broadcast")
            result[k] = n if result[k] == 1 else result[k]
    return tuple(result)


def padded(shape: Dims, rank: int) -> Dims:
    """Return a shape with ones in front, up to so many axes."""
    return (*(1,) * (rank - len(shape)), *shape)


def _text(shape: Sequence[int]) -> str:
    return "[" + ", ".join(str(n) for n in shape[:MOST_AXES]) + "]"
