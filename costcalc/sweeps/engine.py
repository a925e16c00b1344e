"""Many settings of one network counted at once: knobs are arrays, each axis of the sweep one of its own.

The rules that count one network run on the knobs' arrays (`costcalc.numbers.factored`), and give each total as a
sum of products of vectors. Where a knob changes the structure (a depth, a word, a condition), the
settings are split by value, and each part is counted by itself; parts are multiplied out block by
block, so that a sweep of any size needs the memory of one block.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar

from costcalc.base import Data, Datum, InputShape, grouped
from costcalc.base.errors import Fault, SpecError, stop
from costcalc.costs.convention import Convention
from costcalc.costs.counting import Cost, cost, require_bounded, total
from costcalc.costs.rows import rows
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.language.document import Spec
from costcalc.language.yaml_text import typed
from costcalc.measures.metric import Metric, Setup, plain
from costcalc.measures.metric import total as total_of
from costcalc.numbers.num import UNKNOWN, Array, Dim, Dims, Mixed

if TYPE_CHECKING:
    import numpy as np

    Indices = np.ndarray[Any, np.dtype[np.int64]]

T = TypeVar("T")

BLOCK = 1_000_000  # settings that are multiplied out at once
MOST_SINGLY = 20_000  # settings of a sweep whose metrics are counted setting by setting
MOST_SETTINGS = 10**12


class Axis:
    """One axis of a sweep: knobs that change together, each with as many values."""

    __slots__ = ("columns", "length")

    def __init__(self, columns: Mapping[str, Sequence[Datum]]) -> None:
        self.columns = {name: list(values) for name, values in columns.items()}
        self.length = len(next(iter(self.columns.values())))


class Grid:
    """All settings of a sweep: every combination of the places on its axes, the last axis fastest."""

    def __init__(self, axes: Sequence[Axis]) -> None:
        self.axes = list(axes)
        self.shape = tuple(axis.length for axis in axes)
        self.size = prod(self.shape)
        if self.size > MOST_SETTINGS:
            raise stop(f"{self.size:,} settings are more than the {MOST_SETTINGS:,} that a sweep may have")

    @property
    def names(self) -> list[str]:
        """The knobs' names, axis by axis."""
        return [name for axis in self.axes for name in axis.columns]

    def values(self, name: str) -> list[Datum]:
        """Return a knob's values."""
        return next(axis.columns[name] for axis in self.axes if name in axis.columns)

    def place(self, index: int) -> dict[str, Datum]:
        """Return the knobs of one setting."""
        knobs: dict[str, Datum] = {}
        for axis in reversed(self.axes):
            index, k = divmod(index, axis.length)
            knobs = {name: values[k] for name, values in axis.columns.items()} | knobs
        return knobs


class Beside:
    """The metrics beside what a sweep's convention counts: on its arrays, or setting by setting where they must."""

    def __init__(self, metrics: Sequence[Metric] = (), setup: Setup | None = None) -> None:
        self.setup = setup or Setup()
        self.together = [metric for metric in metrics if metric.vectorises(self.setup)]
        self.singly = [metric for metric in metrics if metric not in self.together]

    def totals(self, graph: Graph) -> dict[str, Datum]:
        """Return those that are counted on arrays, of a graph whose numbers may be arrays."""
        return {metric.name: total_of(metric, graph, self.setup) for metric in self.together}

    def bounded(self, size: int) -> None:
        """Refuse more settings than should be counted one by one."""
        if self.singly and size > MOST_SINGLY:
            raise stop(
                f"{self.singly[0].name} is counted setting by setting, {MOST_SINGLY:,} at most, and these are {size:,}",
                hint="give fewer values",
            )

    def alone(self, graph: Graph) -> dict[str, Datum]:
        """Return those that are counted setting by setting, of one setting's graph."""
        found = {metric.name: total_of(metric, graph, self.setup) for metric in self.singly}
        return {name: _number(name, value) for name, value in found.items()}


def _number(name: str, value: Datum) -> Datum:
    """Return a number as plain data has it, None for one that is unknown; raise SpecError for what is none."""
    found = plain(value)
    if value is not UNKNOWN and not isinstance(found, int | float):
        raise stop(f"a sweep needs numbers, and {name} is {'not told' if found is None else repr(found)}")
    return found


class Part:
    """Settings of one structure: the places on each axis, an image's total as the rules gave it, metrics beside it.

    Raises SpecError where a total is too large to be told, or may be for some of the settings.
    """

    __slots__ = ("batch", "beside", "called", "graph", "indices", "more", "shape", "total")

    def __init__(
        self,
        indices: list[Indices],
        graph: Graph,
        total: Cost,
        convention: Convention,
        batch: int = 1,
        beside: Beside | None = None,
        shape: InputShape | None = None,
    ) -> None:
        self.indices = indices
        self.graph = graph
        self.total = require_bounded(total, convention, batch)
        self.called = convention.called  # what its operations are called
        self.batch = batch
        self.beside = beside or Beside()
        self.more = self.beside.totals(graph)
        self.shape = shape  # of another input than the spec's


def parts(
    spec: Spec,
    grid: Grid,
    convention: Convention,
    shape: InputShape | None = None,
    *,
    batch: int = 1,
    skip: bool = False,
    beside: Beside | None = None,
) -> Iterator[Part]:
    """Yield the parts of a sweep, each of one structure; together they hold every setting once.

    Raises SpecError, which names the setting, where one is refused; with `skip` those are left out.
    """

    def counted(indices: list[Indices], graph: Graph) -> Part:
        found = total(cost(row, convention) for row in rows(graph))
        return Part(indices, graph, found, convention, batch, beside, shape)

    return structures(spec, grid, counted, shape, (lambda *_: None) if skip else None)


def structures(
    spec: Spec,
    grid: Grid,
    made: Callable[[list[Indices], Graph], T],
    shape: InputShape | None = None,
    refuse: Callable[[list[Indices], SpecError | Fault], None] | None = None,
) -> Iterator[T]:
    """Yield what is made of settings of one structure each: of their places on the axes, and of their graph.

    made: works on the graph's numbers, which may be a sweep's; what it meets that differs among settings splits them.
    refuse: is told each setting that is refused, by its places, and why; without it SpecError is raised, which names
    the setting.
    """
    import numpy as np

    waiting = [[np.arange(axis.length) for axis in grid.axes]]
    while waiting:
        indices = waiting.pop()
        split = _uniform(grid, indices)
        if split is None:
            found = _made(spec, grid, indices, made, shape, refuse)
            if not isinstance(found, list):
                yield found
                continue
            split = found
        waiting += reversed(split)


def _uniform(grid: Grid, indices: list[Indices]) -> list[list[Indices]] | None:
    """Return the settings split by the first knob that no array can hold (a word, a list); None if none has several."""
    for k, axis in enumerate(grid.axes):
        for values in axis.columns.values():
            chosen = [values[i] for i in indices[k]]
            if all(type(value) in (int, float) for value in chosen):
                continue
            keys = [repr(value) for value in chosen]
            if len(set(keys)) > 1:
                return _split(indices, k, keys)
    return None


def _split(indices: list[Indices], k: int, keys: Sequence[Datum]) -> list[list[Indices]]:
    """Return the settings in groups by a key for each place on axis k, in the order in which keys come."""
    import numpy as np

    groups = grouped((key, place) for place, key in enumerate(keys))
    return [[*indices[:k], indices[k][np.array(places)], *indices[k + 1 :]] for places in groups.values()]


def _halved(indices: list[Indices], k: int) -> list[list[Indices]]:
    """Return the settings in two groups, by the halves of axis k."""
    length = len(indices[k])
    return _split(indices, k, [place * 2 // length for place in range(length)])


def knobs_of(grid: Grid, indices: list[Indices]) -> dict[str, Datum]:
    """Return the knobs of a batch of settings: a value where all have one, else an array along their axis."""
    import numpy as np

    from costcalc.numbers.factored import along

    knobs: dict[str, Datum] = {}
    for k, axis in enumerate(grid.axes):
        for name, values in axis.columns.items():
            chosen = [values[i] for i in indices[k]]
            same = all(value == chosen[0] for value in chosen)
            knobs[name] = chosen[0] if same else along(k, np.array(chosen))
    return knobs


def _made(
    spec: Spec,
    grid: Grid,
    indices: list[Indices],
    made: Callable[[list[Indices], Graph], T],
    shape: InputShape | None,
    refuse: Callable[[list[Indices], SpecError | Fault], None] | None,
) -> T | list[list[Indices]]:
    """Return what is made of settings; or the same in smaller groups, where they differ in structure."""
    import numpy as np

    from costcalc.numbers.factored import TooWide

    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            return made(indices, expand(spec, knobs_of(grid, indices), shape, blame=False))
    except Mixed as mixed:
        return _by_condition(indices, mixed.condition)
    except TooWide as wide:
        return _halved(indices, max(wide.axes, key=lambda axis: len(indices[axis])))
    except (SpecError, Fault, ArithmeticError) as error:  # the last is numpy's, where Python's numbers may do
        return _refused(grid, indices, error, refuse)


def _by_condition(indices: list[Indices], condition: Array) -> list[list[Indices]]:
    """Return the settings split along the axis on which a condition differs in the fewest ways."""
    import numpy as np

    factor = condition.dense()
    best: list[list[Indices]] | None = None
    for place, k in enumerate(factor.axes):
        flat = np.moveaxis(factor.array, place, 0).reshape(factor.array.shape[place], -1)
        groups = _split(indices, k, [line.tobytes() for line in flat])
        if len(groups) > 1 and (best is None or len(groups) < len(best)):
            best = groups
    assert best is not None  # a condition that is the same everywhere is not mixed
    return best


def _refused(
    grid: Grid,
    indices: list[Indices],
    error: Exception,
    refuse: Callable[[list[Indices], SpecError | Fault], None] | None,
) -> list[list[Indices]]:
    """Return the settings in halves, to find the one that is refused; raise its mistake, or tell it."""
    k = max(range(len(indices)), key=lambda axis: len(indices[axis]), default=0)
    if indices and len(indices[k]) > 1:
        return _halved(indices, k)
    if not isinstance(error, SpecError | Fault):
        raise error
    if refuse is not None:
        refuse(indices, error)
        return []
    at = {name: values[indices[n][0]] for n, axis in enumerate(grid.axes) for name, values in axis.columns.items()}
    raise _named(at, error)


def _named(at: Mapping[str, Datum], error: SpecError | Fault) -> SpecError:
    """Return a mistake that says at which setting it is made."""
    wrong = stop(error.message, hint=error.hint) if isinstance(error, Fault) else error
    return wrong.at(", ".join(f"{name} {typed(value)}" for name, value in at.items()))


class Cut:
    """A block of settings that is not yet multiplied out: a part, and a slice of it on each axis."""

    __slots__ = ("grid", "part", "slices")

    def __init__(self, grid: Grid, part: Part, slices: tuple[slice, ...]) -> None:
        self.grid = grid
        self.part = part
        self.slices = slices

    @property
    def places(self) -> list[Indices]:
        """The places on each axis."""
        return [places[one] for places, one in zip(self.part.indices, self.slices, strict=True)]

    def numbers(self) -> Indices:
        """Return the settings' numbers in the grid, flat."""
        import numpy as np

        found = np.zeros((), dtype=np.int64)
        for length, places in zip(self.grid.shape, self.places, strict=True):
            found = found[..., None] * length + places
        return found.ravel()

    def totals(self) -> dict[str, Datum]:
        """Return the totals as arrays, an axis of the sweep a dimension; None where one is unknown."""
        shape = tuple(map(len, self.places))
        total = self.part.total
        return {
            "params": _array(total.params, self.slices, shape),
            self.part.called: _array(total.operations, self.slices, shape, self.part.batch),
            **{name: _array(value, self.slices, shape) for name, value in self.part.more.items()},
            **{name: values.reshape(shape) for name, values in self.singly().items()},
        }

    def singly(self) -> dict[str, Datum]:
        """Return the metrics that are counted setting by setting, as flat arrays."""
        import numpy as np

        beside = self.part.beside
        found: dict[str, list[Datum]] = {metric.name: [] for metric in beside.singly}
        for number in self.numbers().tolist() if found else ():
            knobs = self.grid.place(number)
            try:
                alone = beside.alone(expand(self.part.graph.spec, knobs, self.part.shape))
            except (SpecError, Fault) as error:
                raise _named(knobs, error) from None
            for name, value in alone.items():
                found[name].append(value)
        return {name: np.array(values) for name, values in found.items()}


def blocks(grid: Grid, found: Iterable[Part], *, size: int = BLOCK) -> Iterator[Cut]:
    """Yield a sweep cut into blocks of at most `size` settings."""
    for part in found:
        for slices in cuts([len(places) for places in part.indices], size):
            yield Cut(grid, part, slices)


def _array(value: Dim, cut: Sequence[slice], shape: tuple[int, ...], times: int = 1) -> Array:
    """Return so many times a total over a block: objects, each None, where it is unknown."""
    from costcalc.numbers.factored import block

    if value is UNKNOWN:
        import numpy as np

        return np.full(shape, None, dtype=object)
    try:
        return block(value, dict(enumerate(cut)), shape) * times
    except Fault as fault:
        raise stop(fault.message, hint=fault.hint) from None


def cuts(lengths: Sequence[int], size: int) -> Iterator[tuple[slice, ...]]:
    """Yield slices of each axis that cut a grid into blocks of at most `size` settings, in the grid's order."""
    if not lengths:
        yield ()
        return
    inner = prod(lengths[1:])
    step = max(1, min(lengths[0], size // inner if inner else 1))
    for start in range(0, lengths[0], step):
        first = slice(start, min(start + step, lengths[0]))
        for rest in cuts(lengths[1:], max(1, size // step)):
            yield (first, *rest)


def arrays(grid: Grid, found: Iterable[Part]) -> dict[str, Datum]:
    """Return each total as an array of int64, an axis of the sweep a dimension."""
    import numpy as np

    made: Data = {}
    for cut in blocks(grid, found):
        totals = cut.totals()
        if not made and tuple(map(len, cut.places)) == grid.shape:
            return totals
        where = _where(cut.places)
        for name, values in totals.items():
            whole = made.setdefault(name, np.empty(grid.shape, dtype=values.dtype))
            if whole.dtype != values.dtype:  # known in some parts only
                whole = made[name] = whole.astype(object)
            whole[where] = values
    return made


def _where(places: list[Indices]) -> Dims:
    """Return an index of these places on each axis: slices, which are faster, where none is left out between."""
    import numpy as np

    if all(len(one) and one[-1] - one[0] + 1 == len(one) for one in places):
        return tuple(slice(int(one[0]), int(one[-1]) + 1) for one in places)
    return np.ix_(*places)
