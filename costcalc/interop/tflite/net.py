"""The network that is being read: its spec so far, what its tensors are there, and the layers that hold its weights.

TFLite's tensors have their channels last, a spec's first. A tensor of the spec has those of TFLite's axes that `order`
names, in that order; the others have length 1, as the batch has. So what only moves or renames axes costs no step
until something needs another order: a convolution its channels first, a product of matrices its rows before columns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.rules import entering
from costcalc.interop.tflite.file import MOST_AXES, Dims, FileTensor
from costcalc.language.flat import Flat
from costcalc.numbers.num import LARGEST, prod

MOST_STEPS = 8_000


class Fixed:
    """A tensor that does not depend on the input: stored, or computed of stored ones and of shapes.

    `values` are its numbers in a row, where they are few and known; `roots` the stored tensors that it is made of, with
    their sizes; `bits` what a number takes as it is stored.
    """

    __slots__ = ("bits", "floating", "roots", "shape", "tensor", "values")

    def __init__(self, shape: Dims, values: list[Any] | None = None, *, floating: bool = False) -> None:
        self.shape = shape
        self.values = values
        self.floating = floating
        self.roots: dict[str, int] = {}
        self.bits = 0
        self.tensor: FileTensor | None = None  # where it is stored as it stands here

    @property
    def size(self) -> int:
        """How many elements it has."""
        return int(prod(self.shape))

    def moved(self, shape: Dims) -> Fixed:
        """Return the same numbers under another shape."""
        other = Fixed(shape, self.values, floating=self.floating)
        other.roots, other.bits, other.tensor = self.roots, self.bits, self.tensor
        return other


def stored(tensor: FileTensor) -> Fixed:
    """Return a tensor that stands in the file; raise Fault where its numbers are not as many as its shape says."""
    tensor.held()
    const = Fixed(tensor.shape, floating=tensor.real)
    const.values = tensor.values()
    const.roots = {tensor.key: const.size}
    const.bits = tensor.bits
    const.tensor = tensor
    return const


class Flowing:
    """A tensor that flows: the value of the spec that holds it, its shape in TFLite, the axes that the value has."""

    __slots__ = ("name", "order", "shape")

    def __init__(self, name: str, shape: Dims, order: Sequence[int]) -> None:
        self.name = name
        self.shape = shape
        self.order = tuple(order)

    def at(self, axis: int) -> int:
        """Return the place of an axis in the spec's tensor."""
        return self.order.index(axis)


Value = Fixed | Flowing


class Invocation:
    """An operator with the values that it takes, and the tensors that it gives."""

    __slots__ = ("inputs", "name", "op", "options", "outputs")

    def __init__(
        self, op: str, name: str, inputs: list[Value | None], outputs: list[FileTensor | None], options: dict[str, Any]
    ) -> None:
        self.op = op
        self.name = name
        self.inputs = inputs
        self.outputs = outputs
        self.options = options

    def value(self, place: int) -> Value | None:
        """Return what stands at an input's place; None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    def const(self, place: int) -> Fixed | None:
        """Return the constant at a place, None where it is left out; raise Fault for data."""
        value = self.value(place)
        if isinstance(value, Flowing):
            raise Fault(f"input {place} depends on the image; costcalc takes a constant here")
        return value

    def numbers(self, place: int) -> list[Any]:
        """Return the known numbers of a constant; raise Fault where they are not known."""
        const = self.const(place)
        if const is None or const.values is None:
            raise Fault(f"input {place} is missing, or holds numbers that are not known here")
        if not all(isinstance(n, int | float) for n in const.values):
            raise Fault(f"input {place} holds other than numbers")
        return const.values

    def wholes(self, place: int) -> list[int]:
        """Return the known whole numbers of a constant."""
        found = self.numbers(place)
        if not all(isinstance(n, int) or (abs(n) < LARGEST and n == int(n)) for n in found):
            raise Fault(f"input {place} holds other than whole numbers")
        return [int(n) for n in found]

    def whole(self, place: int) -> int:
        """Return the known whole number of a constant that holds one."""
        found = self.wholes(place)
        if len(found) != 1:
            raise Fault(f"input {place} holds {len(found)} numbers, and must hold one")
        return found[0]

    @property
    def shape(self) -> Dims:
        """The shape that the file states for the first output."""
        out = self.outputs[0]
        return () if out is None else out.shape


def present(call: Invocation, place: int) -> Value:
    """Return what stands at an input's place; raise Fault where it is left out."""
    value = call.value(place)
    if value is None:
        raise Fault(f"input {place} is missing")
    return value


def axis_of(number: int, rank: int) -> int:
    """Return an axis counted from the front; raise Fault where there is none."""
    if not -rank <= number < rank:
        raise Fault(f"there is no axis {number} in a tensor of {rank} axes")
    return number % rank


def broadcast(shapes: Iterable[Dims]) -> Dims:
    """Return the shape that tensors have together by numpy's rule."""
    shapes = list(shapes)
    rank = max(map(len, shapes))
    given: list[int] = []
    for axis in zip(*(padded(shape, rank) for shape in shapes), strict=True):
        long = {n for n in axis if n != 1} or {1}
        if len(long) > 1:
            raise Fault("takes shapes that can't be broadcast: " + " and ".join(str(list(s)) for s in shapes))
        given += long
    return tuple(given)


def padded(shape: Dims, rank: int) -> Dims:
    """Return a shape with ones in front, up to so many axes."""
    return (*(1,) * (rank - len(shape)), *shape)


def channels_first(shape: Dims) -> Dims:
    """Return the order in which an input enters: its last axis, the others, without a batch of 1 and axes of that."""
    rank = len(shape)
    if rank < 2:
        return tuple(range(rank))
    lead = 1 if shape[0] == 1 else 0
    return (rank - 1, *range(lead, rank - 1))


class Draft:
    """The spec under construction, and what is known of its values."""

    def __init__(self, flat: Flat) -> None:
        self.flat = flat
        self.held: dict[tuple[int, Dims], tuple[Fixed, str]] = {}  # constants that are steps, by identity and order
        self.moves: dict[tuple[str, Dims, Dims], str] = {}  # a value, its axes, those asked for -> the value moved

    def take_back(self, count: int) -> None:
        """Take back the steps after the first so many, and what is known of them."""
        self.flat.take_back(count)
        left = self.flat.shapes
        self.held = {key: pair for key, pair in self.held.items() if pair[1] in left}
        self.moves = {key: value for key, value in self.moves.items() if key[0] in left and value in left}

    # ---- steps -----------------------------------------------------------------------------------

    def add(self, kind: str, inputs: Sequence[str], name: str, **fields: Datum) -> str:
        """Add a step, and return its value, or the first that it gives."""
        return self.add_all(kind, inputs, name, fields)[0]

    def add_all(self, kind: str, inputs: Sequence[str], name: str, fields: dict[str, Datum]) -> list[str]:
        """Add a step, and return the values that it gives."""
        if len(self.flat.steps) >= MOST_STEPS:
            raise Fault(f"costcalc reads at most {MOST_STEPS:,} layers, those of each turn of a loop among them")
        return self.flat.add(kind, inputs, name, **fields)

    def dims(self, value: str) -> Dims:
        """Return the shape of a value of the spec."""
        return self.flat.shapes[value].dims

    def data(self, name: str, shape: Sequence[int], order: Sequence[int]) -> Flowing:
        """Return a value as a tensor of this shape in TFLite; raise Fault where the value has another."""
        shape = tuple(int(n) for n in shape)
        wanted = tuple(shape[axis] for axis in order) or (1,)
        if len(shape) > MOST_AXES or prod(shape) >= LARGEST or min(shape, default=1) < 1:
            raise Fault(f"gives a tensor of {list(shape)[:9]}, which can't be counted")
        if self.dims(name) != wanted or prod(wanted) != prod(shape):
            raise Fault(f"gives {list(self.dims(name))} here, and not {list(wanted)}")
        return Flowing(name, shape, order)

    # ---- axes ------------------------------------------------------------------------------------

    def last(self, x: Flowing) -> int:
        """Return the last axis; raise Fault for a single number."""
        if not x.shape:
            raise Fault("takes a tensor with axes, not a single number")
        return len(x.shape) - 1

    def arranged(self, x: Flowing, order: Sequence[int], name: str) -> str:
        """Return a tensor's value with exactly these axes in this order; those that are left out have length 1."""
        order = tuple(order)
        if x.order == order:
            return x.name
        key = (x.name, x.order, order)
        if key not in self.moves:
            self.moves[key] = self._arranged(x, order, name)
        return self.moves[key]

    def _arranged(self, x: Flowing, order: Dims, name: str) -> str:
        long = [axis for axis in order if x.shape[axis] != 1]
        if sorted(long) != sorted(axis for axis in x.order if x.shape[axis] != 1):
            raise Fault(f"a tensor of {list(x.shape)} can't have the axes {list(order)} alone")
        value = x.name
        if long != [axis for axis in x.order if x.shape[axis] != 1]:
            alike = set(order) == set(x.order)
            turned = order if alike else (*long, *(axis for axis in x.order if x.shape[axis] == 1))
            value = self.add("permute", [value], f"{name}.permute", axes=[x.at(axis) for axis in turned])
        return self.reshaped(value, [x.shape[axis] for axis in order], name)

    def reshaped(self, value: str, dims: Sequence[int], name: str) -> str:
        """Return a value under another shape of the spec."""
        dims = tuple(dims) or (1,)
        if self.dims(value) == dims:
            return value
        if len(dims) == 1:
            return self.add("flatten", [value], f"{name}.flatten")
        return self.add("reshape", [value], f"{name}.reshape", shape=list(dims))

    def leading(self, x: Flowing, axes: Sequence[int]) -> Dims:
        """Return an order that begins with these axes, the others as they stand."""
        return (*axes, *(axis for axis in x.order if axis not in axes))

    def image(self, x: Flowing) -> Dims:
        """Return the order in which an image stands for a convolution: channels, several images, space."""
        if len(x.shape) < 3:
            raise Fault(f"takes images, channels last, not {list(x.shape)}")
        rank = len(x.shape)
        return (rank - 1, *((0,) if x.shape[0] != 1 else ()), *range(1, rank - 1))

    # ---- constants -------------------------------------------------------------------------------

    def hold(self, const: Fixed, name: str, order: Sequence[int] | None = None, *, learned: bool = False) -> Flowing:
        """Return a constant as a step, its axes in an order: a weight where it is `learned`, else a buffer."""
        order = tuple(range(len(const.shape)) if order is None else order)
        key = (id(const), order)
        if key not in self.held:
            new = const.roots.keys() - self.flat.owners.keys()
            whole = bool(new) and sum(const.roots.values()) == const.size
            store = ("parameter" if learned else "buffer") if whole else "none"
            dims = [const.shape[axis] for axis in order] or [1]
            value = self.add("parameter", [], f"{name}.constant", shape=dims, store=store)
            self.flat.owners = dict.fromkeys(const.roots, self.flat.steps[-1]) | self.flat.owners
            if learned and const.bits not in (0, 32):
                self.flat.steps[-1].beside["bits"] = const.bits
            self.held[key] = (const, value)
        return Flowing(self.held[key][1], const.shape, order)

    def tensor(
        self, call: Invocation, place: int, order: Sequence[int] | None = None, *, learned: bool = False
    ) -> Flowing:
        """Return the tensor at an input's place; a constant becomes a step that holds it, its axes in an order."""
        value = present(call, place)
        return self.hold(value, call.name, order, learned=learned) if isinstance(value, Fixed) else value

    # ---- layers ----------------------------------------------------------------------------------

    def layer(self, kind: str, x: str, name: str, weights: Sequence[Fixed | None], **fields: Datum) -> str:
        """Add a layer that learns a kernel and a bias, in this order, and return its value.

        A bias that is another layer's too (equal ones are stored once) counts there: here it is left out, and added by
        a step of its own unless it is zero. Raises Fault where the layer would count other numbers than are stored.
        """
        kernel, bias = (*weights, None)[:2]
        assert kernel is not None
        roots = {key: n for const in (kernel, bias) if const is not None for key, n in const.roots.items()}
        if sum(roots.values()) != sum(const.size for const in (kernel, bias) if const is not None):
            raise Fault("its weights are computed of other numbers than it has")
        apart = None
        if bias is not None and bias.roots.keys() <= self.flat.owners.keys() and not self.shares(roots):
            roots, apart, bias = kernel.roots, bias, None
        value = self.add(kind, [x], name, **fields, bias=bias is not None)
        step = self.flat.steps[-1]
        counted = step.learned
        if counted != sum(roots.values()):
            raise Fault(f"{kind} learns {counted:,} numbers here, but {sum(roots.values()):,} are stored")
        if not self.shares(roots) and not roots.keys().isdisjoint(self.flat.owners):
            raise Fault("has some of the weights of another layer, but not all of them")
        self.flat.learns(roots)
        if kernel.bits not in (0, 32):
            step.beside["bits"] = kernel.bits
        if kernel.tensor is not None and kernel.tensor.density < 1:
            step.beside["density"] = round(kernel.tensor.density, 6)
        if apart is not None and not (apart.tensor is not None and apart.tensor.zero()):
            held = self.hold(apart, name).name
            value = self.add("add", [value, held], f"{name}.bias")
        return value

    def shares(self, roots: dict[str, int]) -> bool:
        """Say whether a layer before has exactly these weights."""
        owner = self.flat.owners.get(next(iter(roots), ""))
        return owner is not None and self.flat.learners.get(owner, {}).keys() == roots.keys()

    def activated(self, value: str, call: Invocation, act: str) -> str:
        """Return a value behind an activation that is a part of its operator."""
        return value if act == "none" else self.add(act, [value], f"{call.name}.{act}")


# ---- the rules of operators, which the modules beside this one enter here ------------------------

Rule = Callable[[Draft, Invocation], "Value | list[Value]"]
RULES: dict[str, Rule] = {}
rule = entering(RULES)
