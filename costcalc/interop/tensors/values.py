"""The values of a graph: constants, of which small ones are known by value, and data that flows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.interop.tensors.origin import Origin, Root
from costcalc.numbers.num import LARGEST, prod

MOST_VALUES = 2**14  # elements of a constant that is computed with; a longer one is a shape and a name

MOST_AXES = 32

Dims = tuple[int, ...]


class Const:
    """A tensor that does not depend on the input: stored, or computed from stored ones.

    `roots` are the tensors that it was made of, with their numbers of elements: those that are stored, or where none
    is, the one that a node makes. A layer that uses it as weight learns those.
    """

    __slots__ = ("floating", "look", "roots", "shape", "value")

    def __init__(self, shape: Sequence[int], roots: dict[Root, int], *, floating: bool, value: Datum = None) -> None:
        if len(shape) > MOST_AXES:
            raise stop(f"a constant has {len(shape):,} axes; at most {MOST_AXES} are taken")
        self.shape: Dims = tuple(int(n) for n in shape)
        self.roots = roots
        self.floating = floating
        self.value = value
        self.look: Callable[[], Any] | None = None  # reads the value where it is stored; gives None where it can't be

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(prod(self.shape))

    @property
    def count(self) -> int:
        """From how many numbers it was made."""
        return sum(self.roots.values())

    def array(self) -> Any:
        """Return the value as a numpy array; None where it is too long, or stored elsewhere."""
        if self.value is None and self.look is not None and self.size <= MOST_VALUES:
            self.value = self.look()
        return self.value


class Data:
    """A tensor that flows: the value of the spec that holds it, and its shape in the graph, batch included.

    `still`: it was computed of constants only. `image`: it is the image yet, that no layer has seen. `bare`: the layer
    without a bias that gives it, and the axis (of the spec's tensor) along which a bias would be added.
    """

    __slots__ = ("axis", "bare", "image", "name", "shape", "still")

    def __init__(
        self, name: str, shape: Dims, *, still: bool = False, image: bool = False, bare: Any = None, axis: int = 0
    ) -> None:
        self.name = name
        self.shape = shape
        self.still = still
        self.image = image
        self.bare = bare
        self.axis = axis


def stored(dims: Sequence[int], root: Root, look: Callable[[], Any], *, floating: bool) -> Const:
    """Return a stored tensor as a constant whose only root is itself; look: reads its numbers, where these are few."""
    if any(n < 0 for n in dims) or prod(dims) >= LARGEST:
        raise stop(f"{root[:80]}: a tensor of {tuple(dims)[:8]} is none that can be counted")
    const = Const(dims, {root: int(prod(dims))}, floating=floating)
    const.look = look
    return const


def computed(value: Datum, roots: dict[Root, int], name: str = "") -> Const:
    """Return a constant of known value, made of others; one of floating point numbers that has no roots is its own."""
    floating = value.dtype.kind not in "biuOSU"
    return Const(value.shape, roots or made(name, value.size, floating=floating), floating=floating, value=value)


def made(name: str, size: int, *, floating: bool = True) -> dict[Root, int]:
    """Return the root of a constant that a node makes: of floating point numbers, itself."""
    return {Root(name, Origin.MADE): int(size)} if floating and name else {}
