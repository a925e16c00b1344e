"""The network that is being read: tensors of Keras over values of a spec, and the layer that is being called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.interop.keras.config import LayerConfig
from costcalc.interop.rules import entering
from costcalc.language.flat import Flat, Step
from costcalc.numbers.num import LARGEST, prod

MOST_STEPS = 10_000
MOST_AXES = 12


class KerasTensor(NamedTuple):
    """A tensor of Keras without its batch: a value of the spec, and which of its axes each of Keras' axes is.

    A map of Keras is [height, width, channels], a spec's [channels, height, width]: its order is (1, 2, 0). So an axis
    moves when something asks for another order, and not before. One without axes, a number, is a spec's [1].
    """

    value: str
    order: tuple[int, ...]

    @property
    def sequence(self) -> list[int]:
        """Keras' axes as they stand in the spec's value."""
        return sorted(range(len(self.order)), key=self.order.__getitem__)


class LayerCall:
    """One call of a layer: its class, settings, and what it is called with (tensors are `KerasTensor`)."""

    def __init__(self, name: str, kind: str, config: LayerConfig, args: list[Any], kwargs: dict[str, Any]) -> None:
        self.name = name
        self.kind = kind
        self.config = config
        self.args = args
        self.kwargs = kwargs

    @property
    def axes(self) -> int:
        """The axes of space that its class names: 2 of Conv2D, of GlobalAveragePooling2D."""
        return next(int(c) for c in self.kind if c.isdigit())

    @property
    def tensors(self) -> list[KerasTensor]:
        """The tensors that it is called with, in order, without those given by name."""
        return flat_tensors(self.args)

    def first(self) -> KerasTensor:
        """Return the first of its tensors; raise Fault where there is none."""
        found = self.tensors
        if not found:
            raise Fault("takes a tensor, and gets none")
        return found[0]

    def only(self) -> KerasTensor:
        """Return its one tensor; raise Fault where there are others."""
        found = self.tensors
        if len(found) != 1:
            raise Fault(f"takes one tensor, not {len(found)}")
        return found[0]

    def named(self, *known: str) -> None:
        """Refuse what it is called with by a name that changes something and is not known."""
        for key, value in self.kwargs.items():
            if key not in ("training", "mask", "name", *known) and value is not None and value is not False:
                raise Fault(f"is called with '{key[:40]}', which costcalc can't express")


def flat_tensors(value: Any) -> list[KerasTensor]:
    """Return the tensors in nested lists and mappings (by their sorted keys, as Keras flattens them)."""
    if isinstance(value, KerasTensor):
        return [value]
    if isinstance(value, dict):
        return [one for key in sorted(value) for one in flat_tensors(value[key])]
    return [one for item in value for one in flat_tensors(item)] if isinstance(value, list) else []


class KerasNet:
    """A spec that grows, with tensors whose axes have an order of their own."""

    def __init__(self, flat: Flat, *, opaque: bool, version: int) -> None:
        """Begin over an empty network. version: the major one of the Keras that wrote the file."""
        self.flat = flat
        self.opaque = opaque
        self.version = version
        self.first = "channels_last"  # what a layer that does not say so works on
        self.path = ""  # of the layer that is being called
        self.index = 0  # the steps of this call that learn something
        self.learners: dict[tuple[str, int], Step] = {}  # a layer and one of these -> the first
        self.handed: list[str] = []  # states that a recurrent layer begins with
        self.apply: Callable[..., list[KerasTensor]] = _nothing  # runs a layer of a class and config
        self._moved: dict[str, tuple[str, list[int]]] = {}

    # ---- steps -----------------------------------------------------------------------------------

    def add(self, kind: str, inputs: Sequence[str], name: str, **fields: Datum) -> str:
        """Add a step, and return its value, or the first that it gives."""
        return self.add_all(kind, inputs, name, **fields)[0]

    def add_all(self, kind: str, inputs: Sequence[str], name: str, **fields: Datum) -> list[str]:
        """Add a step, and return its values. A layer that is called again uses the weights of its first call."""
        if len(self.flat.steps) >= MOST_STEPS:
            raise Fault(f"costcalc reads at most {MOST_STEPS:,} rows")
        values = self.flat.add(kind, inputs, name, **fields)
        if any(self.flat.shapes[value].size >= LARGEST for value in values):
            raise Fault(f"gives too large a tensor: {self.flat.shapes[values[0]]}")
        step = self.flat.steps[-1]
        if step.learned or stored(step):
            self.index += 1
            first = self.learners.setdefault((self.path, self.index), step)
            if first is not step:
                first.share = step.share = first.share or first.name
        return values

    def take_back(self, count: int) -> None:
        """Take back the steps after the first so many, as if they had never been added."""
        self.flat.take_back(count)
        left = set(self.flat.steps)
        self.learners = {key: step for key, step in self.learners.items() if step in left}
        self._moved = {made: move for made, move in self._moved.items() if made in self.flat.shapes}
        self.index = 0

    # ---- tensors ---------------------------------------------------------------------------------

    def dims(self, x: KerasTensor) -> list[int]:
        """Return the axes that Keras has, without the batch."""
        found = self.flat.shapes[x.value].dims
        return [found[axis] for axis in x.order]

    def arranged(self, x: KerasTensor, sequence: Sequence[int], name: str) -> str:
        """Return a spec's value of a tensor with Keras' axes in this sequence; moves in a row are one."""
        axes, value = [x.order[k] for k in sequence], x.value
        if axes == list(range(len(axes))):
            return value
        source, before = self._moved.get(value, (value, list(range(len(axes)))))
        axes = [before[k] for k in axes]
        if axes == list(range(len(axes))):
            return source
        made = self.add("permute", [source], f"{name}.permute", axes=axes)
        self._moved[made] = (source, axes)
        return made

    def placed(self, value: str, sequence: Sequence[int]) -> KerasTensor:
        """Return a spec's value, whose axes are Keras' in this sequence, as a tensor."""
        return KerasTensor(value, tuple(sorted(range(len(sequence)), key=sequence.__getitem__)))

    def each(self, x: KerasTensor, kind: str, name: str, **fields: Datum) -> KerasTensor:
        """Return what is done to each element alike."""
        return KerasTensor(self.add(kind, [x.value], name, **fields), x.order)

    def shaped(self, value: str, dims: Sequence[int], name: str) -> str:
        """Return a spec's value with other axes."""
        if self.flat.shapes[value].dims == tuple(dims):
            return value
        if len(dims) == 1:
            return self.add("flatten", [value], f"{name}.flatten")
        return self.add("reshape", [value], f"{name}.reshape", shape=list(dims))

    def reshaped(self, x: KerasTensor, dims: Sequence[int], name: str) -> KerasTensor:
        """Return a tensor with other axes, and its elements in Keras' order.

        Axes that stay, or are split or joined by themselves, keep their place in the spec; where that can't be, all
        are put in Keras' order first. The channels stand first if they can.
        """
        old, dims = self.dims(x), list(dims)
        if len(dims) > MOST_AXES or min([1, *dims]) < 1:
            raise Fault(f"gives a tensor of {dims}")
        if prod(old) != prod(dims):
            raise Fault(f"gives {_by(dims)} of {_by(old)}, which has other elements")
        if len(dims) <= 1:
            return KerasTensor(self.shaped(x.value, dims or [1], name), tuple(range(len(dims))))
        groups = _groups(old, dims)
        long = [k for k in x.sequence if old[k] > 1]
        runs = [[k for k in had if old[k] > 1] for had, _ in groups]
        whole = {tuple(run): made for run, (_, made) in zip(runs, groups, strict=True) if run}
        order, at = [], 0
        while at < len(long):
            run = next((run for run in whole if list(run) == long[at : at + len(run)]), None)
            if run is None:
                return self.reshaped(self.placed(self.arranged(x, range(len(old)), name), range(len(old))), dims, name)
            order += [k for k in whole[run] if dims[k] > 1]
            at += len(run)
        last = len(dims) - 1
        wanted = [last, *range(last)]
        if [k for k in wanted if dims[k] > 1] == order:
            order = wanted
        else:
            order += [k for k in range(len(dims)) if dims[k] == 1]
        return self.placed(self.shaped(x.value, [dims[k] for k in order], name), order)

    def cut(self, x: KerasTensor, axis: int, sizes: Sequence[int], name: str) -> list[KerasTensor]:
        """Return pieces along one of Keras' axes; each is a step of its own, as something may use some of them only."""
        found, start, place = [], 0, x.order[axis]
        for size in sizes:
            end = None if start + size == self.dims(x)[axis] else start + size
            found.append(self.each(x, "slice", name, start=start, stop=end, axis=place))
            start += size
        return found

    def join(self, kind: str, operands: Sequence[KerasTensor], name: str, **fields: Datum) -> KerasTensor:
        """Return tensors joined element by element; axes of length 1, and fewer axes, are repeated as numpy does."""
        rank = max(len(x.order) for x in operands)
        if rank == 0:
            return KerasTensor(self.add(kind, [x.value for x in operands], name, **fields), ())
        full = [x for x in operands if len(x.order) == rank]
        sequence = max(full, key=lambda x: self.flat.shapes[x.value].size).sequence
        values = []
        for x in operands:
            less, dims = rank - len(x.order), self.dims(x)
            value = self.arranged(x, [k - less for k in sequence if k >= less], name) if x.order else x.value
            padded = [dims[k - less] if k >= less else 1 for k in sequence]
            alone = len(dims) == 1 and sequence[0] == rank - 1  # channels beside a map
            values.append(value if alone else self.shaped(value, padded, name))
        return self.placed(self.add(kind, values, name, **fields), sequence)

    def axis(self, axis: Any, rank: int, *, batch: bool = True) -> int:
        """Return an axis as Keras counts it, the batch included, as one without; raise Fault for the batch."""
        whole = rank + batch
        if isinstance(axis, bool) or not isinstance(axis, int) or not -whole <= axis < whole:
            raise Fault(f"has no axis {str(axis)[:40]}")
        inner = axis % whole - batch
        if inner < 0:
            raise Fault("works along the batch", "costcalc counts one image; each layer has to leave the batch alone")
        return inner

    def constant(self, dims: Sequence[int], name: str, *, store: str = "none") -> KerasTensor:
        """Return a tensor that is no data: a stored constant, or learned numbers (store: `parameter`)."""
        value = self.add("parameter", [], name, shape=list(dims) or [1], store=store)
        return KerasTensor(value, tuple(range(len(dims))))


def _nothing(*_: Any) -> list[KerasTensor]:
    """Run no layer: what reads the file puts its own here."""
    raise Fault("has a layer within it")


def _by(dims: Sequence[int]) -> str:
    return "x".join(map(str, dims)) or "1"


def _groups(old: Sequence[int], new: Sequence[int]) -> list[tuple[list[int], list[int]]]:
    """Return which axes become which: the smallest runs of old and new axes that hold as many elements."""
    found, i, j = [], 0, 0
    while i < len(old) or j < len(new):
        left: list[int] = []
        right: list[int] = []
        a = b = 1
        while not left or not right or a != b:
            if i < len(old) and (a < b or not left or (a == b and j >= len(new))):
                a, left, i = a * old[i], [*left, i], i + 1
            elif j < len(new):
                b, right, j = b * new[j], [*right, j], j + 1
            else:
                break
        found.append((left, right))
    return found


def stored(step: Step) -> bool:
    """Say whether a step stores numbers that are not learned."""
    return bool(step.op.buffers(step.x, step.y))


Rule = Callable[[KerasNet, LayerCall], Any]
RULES: dict[str, Rule] = {}
rule = entering(RULES)
