"""The shape of one tensor: channels, then any number of spatial axes; the batch is implied."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

from costcalc.base.errors import Fault
from costcalc.numbers import num
from costcalc.numbers.num import Dim


def refuse_other_axes(given: Sequence[Dim], own: Sequence[Dim]) -> None:
    """Raise Fault, with what was probably meant, unless a given input has as many axes as a network's own."""
    if not own or len(given) == len(own):  # without an own one, that is the mistake
        return
    said = "x".join(map(str, given))
    meant = list(own)
    if len(given) == len(own) - 1:
        # One of equal axes was left out, or the channels.
        meant = [*given, given[-1]] if given[0] == own[0] else [own[0], *given]
    elif len(given) == len(own) + 1:
        meant = list(given[:-1] if given[0] == own[0] != given[1] else given[1:])  # an axis too many, or the batch
    elif len(given) == 1:
        meant = [own[0], *(given[0] for _ in own[1:])]
    axes = f"{len(own)} axes" if len(own) > 1 else "1 axis"
    raise Fault(f"{said} does not fit: the spec's input has {axes}", f"write {'x'.join(map(str, meant))}")


class Shape:
    """A shape `[C, *space]`: `c` channels, `space` the other axes, `pixels` = product of space.

    `size` = c * pixels is the number of elements of one image. The numbers are ints, numpy
    arrays (in a sweep) or symbols (in `explain`).
    """

    __slots__ = ("c", "dims", "pixels", "size", "space")

    def __init__(self, *dims: Dim) -> None:
        self.dims = dims
        self.c = dims[0]
        self.space = dims[1:]
        self.pixels = prod(self.space)
        self.size = self.pixels * dims[0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Shape) and self.dims == other.dims

    def __hash__(self) -> int:
        return hash(self.dims)

    def __str__(self) -> str:
        return "x".join(str(d) for d in self.dims)

    def __repr__(self) -> str:
        return f"Shape({', '.join(str(d) for d in self.dims)})"

    @property
    def d(self) -> Dim:
        """Depth: the third axis from the last."""
        if len(self.space) < 3:
            raise Fault(f"a tensor of shape {self} has no depth")
        return self.space[-3]

    @property
    def l(self) -> Dim:  # noqa: E743
        """Length: the one spatial axis."""
        if len(self.space) != 1:
            raise Fault(f"a tensor of shape {self} has no length", "a length is that of one spatial axis")
        return self.space[0]

    @property
    def h(self) -> Dim:
        """Height: the axis before the last."""
        if len(self.space) < 2:
            raise Fault(f"a tensor of shape {self} has no height")
        return self.space[-2]

    @property
    def w(self) -> Dim:
        """Width: the last axis."""
        if not self.space:
            raise Fault(f"a tensor of shape {self} has no width")
        return self.space[-1]

    def with_channels(self, c: Dim) -> Shape:
        """Return this shape with another number of channels."""
        return Shape(c, *self.space)

    def place(self, axis: Dim, field: str = "axis") -> int:
        """Return which axis is meant, 0 for the channels; raise Fault, about this field, where there is none."""
        for k in range(len(self.dims)):
            if num.truth(axis == k):  # asked one by one, so that a sweep over axes splits
                return k
        raise Fault(f"axis {axis} is past the last axis of {self}: {len(self.dims) - 1}", field=field)

    def resized(self, axis: int, length: Dim) -> Shape:
        """Return this shape with another length of one axis."""
        return Shape(*self.dims[:axis], length, *self.dims[axis + 1 :])


def drawn(numbers: Sequence[Dim]) -> str:
    """Return numbers as the tables of papers write shapes: `3 x 3 x 32`."""
    return " x ".join(map(str, numbers))


Shapes = Any  # what an operator takes or gives: one Shape, or a tuple of them where it has several tensors


def listed(shapes: Shapes, between: str = ", ") -> str:
    """Return one shape, or several, as text: 64x56x56, 64x1x1."""
    return str(shapes) if isinstance(shapes, Shape) else between.join(map(str, shapes))
