"""A sweep walked block by block: folded to what was asked, or written away, by one process or many.

A `Task` says all that a worker needs, as plain data: workers in other processes and on other machines
count the same blocks from it. Blocks are numbered, so that a walk can stop and go on.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from math import prod
from threading import Lock
from typing import TypeVar

from costcalc.base import Data, Datum, InputShape, arguments
from costcalc.base.errors import Fault, nearest, stop
from costcalc.base.hints import argument, said
from costcalc.base.progress import steps
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.costs.formulas import Names
from costcalc.graph.knobs import given_shapes, refuse_idle_knobs, with_knobs
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.expr import Expr, parse
from costcalc.language.ranges import ZEROS
from costcalc.measures.metric import COUNTED, Setup, find, refuse_idle, refuse_uncounted, require_batch
from costcalc.numbers.factored import Spread, TooWide, along
from costcalc.numbers.num import LARGEST_TOTAL, Array, Mixed
from costcalc.sweeps.engine import BLOCK, Axis, Beside, Cut, Grid, blocks, parts
from costcalc.sweeps.grids import refuse_columns
from costcalc.sweeps.mappers import Mapper, here

SETTING = "setting"  # the column of a setting's number in the grid
Columns = dict[str, Datum]
T = TypeVar("T")


class Question:
    """What is asked of a sweep: which settings, the best of them, or those that no other beats.

    where: an expression over knobs and totals. by, pareto: names, each with a `-` before it where more
    is better; top: how many of the best by `by`, which is most operations unless told.
    """

    __slots__ = ("by", "pareto", "top", "where")

    def __init__(
        self, where: str = "", top: int | None = None, by: Sequence[str] = (), pareto: Sequence[str] = ()
    ) -> None:
        self.where = where
        self.top = arguments.whole(top) or top
        self.by = tuple(by)
        self.pareto = tuple(pareto)

    def refuse_idle(self) -> None:
        """Raise SpecError where it says by what settings are the best, and not how many, or no such number."""
        if self.top is not None and (type(self.top) is not int or self.top < 1):
            raise stop(f"top is a whole number from 1, not {arguments.said(self.top)}")
        if self.by and self.top is None:
            raise stop(
                f"{', '.join(self.by)} says which are the best, and top how many",
                hint=said("say both: {}", argument(top=10)),
            )

    @property
    def folds(self) -> bool:
        """Whether the answer may be far smaller than the sweep."""
        return bool(self.where or self.top is not None or self.pareto)


class Task:
    """A sweep as plain data, which other processes can be handed."""

    def __init__(
        self,
        spec: Spec,
        axes: Sequence[dict[str, list[Datum]]],
        question: Question | None = None,
        *,
        convention: str = conventions.DEFAULT,
        shape: InputShape | None = None,
        batch: int = 1,
        block: int = BLOCK,
        skip: bool = False,
        columns: Sequence[str] = (),
        setup: dict[str, Datum] | None = None,
    ) -> None:
        self.loaded: Spec | None = spec  # which no other process is handed
        self.text, self.where, self.folder = spec.text, spec.where, spec.folder
        self.variant, self.given = spec.variant, {name: spec.knobs[name] for name in sorted(spec.given)}
        self.axes = list(axes)
        for name, values in ((name, values) for columns in self.axes for name, values in columns.items()):
            for value in values if name in spec.of_input else ():
                refuse_idle_knobs(spec, {name: value}, given_shapes(spec, shape))
        self.convention = convention
        self.shape = shape
        self.batch = require_batch(batch)
        self.block = block
        self.skip = skip  # leave out what is refused, instead of telling its mistake
        self.columns = tuple(columns)  # metrics that are told, instead of params and operations
        self.setup = dict(setup or {})  # the options of metrics
        refuse_idle(self.columns, self.setup)
        swept = [name for columns in self.axes for name in columns]
        refuse_columns(swept, (SETTING, *self.counted, *self.rule.mark))
        refuse_uncounted(self.columns, self.rule)
        asked = question or Question()
        most = () if asked.top is None else (f"-{self.rule.called}",)
        self.asked = (asked.where, asked.top, asked.by or most, asked.pareto)

    @property
    def key(self) -> str:
        """A short hash of all that the answer depends on."""
        stamp = self.rule.stamp  # a convention's file may change under its name
        told = json.dumps([self.__getstate__(), stamp], sort_keys=True, default=repr)
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    def __getstate__(self) -> Data:
        return {**vars(self), "loaded": None}

    @property
    def rule(self) -> Convention:
        """The convention."""
        return conventions.get(self.convention)

    @property
    def counted(self) -> tuple[str, ...]:
        """What is counted of each setting."""
        return tuple(dict.fromkeys((*self.rule.quantities, *self.columns)))

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is told of each setting."""
        return self.columns or self.rule.quantities

    @property
    def beside(self) -> Beside:
        """The metrics that are counted beside params and operations."""
        more = [find(name) for name in self.columns if name not in self.rule.quantities]
        return Beside(more, Setup(self.convention, batch=self.batch, **self.setup))

    @property
    def question(self) -> Question:
        """What is asked."""
        return Question(*self.asked)

    @property
    def grid(self) -> Grid:
        """The settings."""
        return Grid([Axis(columns) for columns in self.axes])

    def spec(self) -> Spec:
        """Return the spec, read anew in another process."""
        if self.loaded is not None:
            return self.loaded
        spec = zoo.load_text(self.text, self.where)
        spec.folder = self.folder
        return with_knobs(spec.chosen(self.variant) if self.variant else spec, self.given)


class Walk:
    """A task made ready: its parts counted, its blocks listed."""

    def __init__(self, task: Task) -> None:
        """Count the parts; raise SpecError where a setting is refused, or the question names what is not there."""
        self.task = task
        self.grid = task.grid
        self.question = task.question
        beside = task.beside
        beside.bounded(self.grid.size)
        given: dict[str, Datum] = {"batch": task.batch, "skip": task.skip, "beside": beside}
        self._refuse_unknown()
        found = parts(task.spec(), self.grid, task.rule, task.shape, **given)
        found = steps(found, "settings", self.grid.size, each=lambda part: prod(map(len, part.indices)))
        self.blocks: list[Cut] = list(blocks(self.grid, found, size=task.block))
        self.question.refuse_idle()

    def _refuse_unknown(self) -> None:
        """Raise SpecError where the question names what a setting does not have: FLOPs where MACs are counted."""
        known = (*self.grid.names, *self.task.counted)
        named = [name.lstrip("-") for name in (*self.question.by, *self.question.pareto)]
        for name in (*named, *(name for name in words(self.question.where) if name in COUNTED)):
            if name in COUNTED and name not in known:
                self.task.rule.named(name)  # which may count no such thing
                raise stop(
                    f"this sweep counts {self.task.rule.called}, not {name}",
                    hint=f"ask by {self.task.rule.called}, or add {name} to the columns",
                )
            if name not in known:
                raise stop(f"a sweep has no '{name}'", hint=nearest(name, known) or f"it has {_list(known)}")

    def steps(self, found: Iterable[T], first: int) -> Iterator[T]:
        """Yield what comes of the blocks, and tell how many settings are counted. first: blocks that were before."""
        each = self.grid.size / max(len(self.blocks), 1)
        return steps(found, "settings", self.grid.size, first=first * each, each=lambda _: each)

    def run(self, number: int) -> Columns:
        """Return what the question leaves of one block."""
        cut = self.blocks[number]
        totals = {name: values.ravel() for name, values in cut.totals().items()}
        return narrowed(self.grid, self.question, {SETTING: cut.numbers(), **totals})


_READY: dict[str, Walk] = {}
_making = Lock()


def ready(task: Task) -> Walk:
    """Return a task made ready; the last one is kept, since a worker is handed many blocks of one task."""
    key = task.key
    with _making:  # a worker may have several threads
        if key not in _READY:
            _READY.clear()
            _READY[key] = Walk(task)
        return _READY[key]


def run_block(task: Task, number: int) -> Columns:
    """Return what the question leaves of a block: the piece of work that a worker is handed."""
    return ready(task).run(number)


# ---- the question -------------------------------------------------------------------------------------


def column(grid: Grid, columns: Columns, name: str) -> Array:
    """Return a total, or a knob's values, for the settings of some columns."""
    if name in columns:
        return columns[name]
    values, places = _knob(grid, columns, name)
    return _objects(values)[places]


def _knob(grid: Grid, columns: Columns, name: str) -> tuple[list[Datum], Array]:
    """Return the values that a knob takes, and which of them each setting has."""
    numbers = columns[SETTING]
    for axis in reversed(grid.axes):
        numbers, places = numbers // axis.length, numbers % axis.length
        if name in axis.columns:
            return axis.columns[name], places
    raise Fault(f"a sweep has no '{name}'", nearest(name, (*grid.names, *columns)))


def _objects(values: list[Datum]) -> Array:
    """Return a knob's values as an array: of numbers, or of words, lists and truth values as they are."""
    import numpy as np

    if all(type(value) in (int, float) for value in values):
        return np.array(values)
    found = np.empty(len(values), dtype=object)
    found[:] = [list(value) if isinstance(value, tuple) else value for value in values]
    return found


def narrowed(grid: Grid, question: Question, columns: Columns) -> Columns:
    """Return the settings that a question leaves of these: those that `where` holds for, the best, the front."""
    if question.where:
        columns = _taken(columns, _holds(grid, question.where, columns))
    if question.pareto:
        columns = _taken(columns, front([_signed(grid, columns, name) for name in question.pareto]))
    if question.top is not None and len(columns[SETTING]) > question.top:
        import numpy as np

        keys = [columns[SETTING], *(_signed(grid, columns, name) for name in reversed(question.by))]
        columns = _taken(columns, np.lexsort(keys)[: question.top])
    return columns


def merged(grid: Grid, question: Question, kept: Columns | None, more: Columns) -> Columns:
    """Return two narrowed sets of settings as one."""
    if kept is None:
        return more
    import numpy as np

    both = {name: np.concatenate([values, more[name]]) for name, values in kept.items()}
    return narrowed(grid, Question("", question.top, question.by, question.pareto), both)


def _taken(columns: Columns, which: Array) -> Columns:
    return {name: values[which] for name, values in columns.items()}


def _signed(grid: Grid, columns: Columns, name: str) -> Array:
    """Return what settings are put in order by: numbers; of a knob's lists or words their place as they are given."""
    plain = name.lstrip("-")
    values = column(grid, columns, plain)
    if values.dtype == object:
        if plain in columns:
            fault = _unknown(plain)
            raise stop(fault.message, hint=fault.hint)
        _, values = _knob(grid, columns, plain)
    return -values if name.startswith("-") else values


def _unknown(name: str) -> Fault:
    """Return what is wrong with a question about a total that is unknown for some settings."""
    return Fault(f"{name} is unknown, since that of a layer is", "ask by what is known, or remove the opaque layers")


class _Names(dict[str, Datum]):
    """The names that a condition may use, looked up when it does: a knob that is the same in all is its value."""

    def __init__(self, grid: Grid, columns: Columns) -> None:
        super().__init__()
        self.grid, self.columns = grid, columns

    def __contains__(self, name: object) -> bool:
        return name in self.grid.names or name in self.columns

    def __missing__(self, name: str) -> Array:
        values = column(self.grid, self.columns, name)
        if values.dtype == object:
            return values[0]  # a block has one word, list, truth value
        if values.dtype.kind == "i" and _inexact(values):
            raise Fault("the number is too large for some of the values")  # Python's numbers are compared exactly
        return along(0, values)

    def get(self, name: str, default: Datum = None) -> Array:
        """Return a column, or the default where there is none."""
        return self[name] if name in self else default  # noqa: SIM401 - dict's own get knows no __missing__


# What people write in a condition, and what is to be written.
_OTHERWISE = (
    (r"[^<>=!]=[^=]", "write == to compare"),
    (r"\d [KMGT]\b", "write a number and its unit together: 300M"),
    (r",(?![^(\[]*[)\]])", "join conditions by and: macs < 300M and params < 4M"),
    (r"&&|\|\|", "write and, or"),
)


def _refuse_otherwise(where: str) -> None:
    """Raise Fault, with what is to be written, for a condition in the words of other languages."""
    bare = re.sub(r"'[^']*'|\"[^\"]*\"", "_", where)
    for pattern, hint in _OTHERWISE:
        if re.search(pattern, bare):
            raise Fault("this is no condition", hint)


def _holds(grid: Grid, where: str, columns: Columns) -> Array:
    """Return for which settings a condition holds."""
    import numpy as np

    try:
        _refuse_otherwise(where)
        asked = parse(magnitudes(where), LARGEST_TOTAL)
        for name, _ in asked.names:
            if name in columns and columns[name].dtype == object:
                raise _unknown(name)
        try:
            with np.errstate(divide="raise", invalid="raise", over="raise"):
                found = asked.run(Names(_Names(grid, columns)))
        except (Mixed, TooWide, Fault, ArithmeticError):  # Python's numbers may do
            found = _singly(grid, asked, columns)
        holds = np.asarray(found.dense().array if isinstance(found, Spread) else found)
        if holds.dtype != bool:
            raise Fault("it is no condition", "write a comparison: params < 4M")
    except Fault as fault:
        known = f"it may use {_list((*grid.names, *(name for name in columns if name != SETTING)))}"
        raise stop(f"where '{where}': {fault.message}", hint=fault.hint or known) from None
    return np.broadcast_to(holds, columns[SETTING].shape)


def words(where: str) -> list[str]:
    """Return the names that a condition uses; none of one that can't be read, which is told where it is run."""
    try:
        return [name for name, _ in parse(magnitudes(where), LARGEST_TOTAL).names] if where else []
    except Fault:
        return []


def _singly(grid: Grid, asked: Expr, columns: Columns) -> list[bool]:
    """Return for which settings a condition holds, asked for one after the other."""
    names = dict.fromkeys([SETTING, *(name for name, _ in asked.names)])
    values = [column(grid, columns, name).tolist() for name in names]
    found = [asked.run(Names(dict(zip(names, setting, strict=True)))) for setting in zip(*values, strict=True)]
    return found if all(isinstance(one, bool) for one in found) else []


def magnitudes(text: str) -> str:
    """Return an expression with numbers such as 300M written out."""
    import re

    return re.sub(r"(?<![\w.])(\d+(?:\.\d+)?)([KMG])\b", lambda m: f"{m[1]}e{ZEROS[m[2]]}", text)


def front(points: Sequence[Array]) -> Array:
    """Return the places of the points that no other beats: in each number at most as large, in one smaller."""
    import numpy as np

    table = np.stack([_ordinal(np.asarray(values)) for values in points], 1)
    waiting = np.lexsort(table.T[::-1])
    if table.shape[1] == 2:  # in the order of the first number, a point must be smaller in the second than all before
        values = table[waiting, 1]
        least = np.minimum.accumulate(values)
        new = np.concatenate([[True], values[1:] < least[:-1]])
        leader = waiting[np.maximum.accumulate(np.where(new, np.arange(len(values)), 0))]
        return np.sort(waiting[(table[waiting] == table[leader]).all(1)])
    kept: list[int] = []
    while len(waiting):
        best = table[waiting[0]]
        kept += waiting[(table[waiting] == best).all(1)].tolist()
        waiting = waiting[~(table[waiting] >= best).all(1)]
    return np.sort(np.array(kept, dtype=np.int64))


def _inexact(values: Array) -> bool:
    """Say whether float64 can't tell some whole numbers apart."""
    return bool(abs(values).max(initial=0) >= 1 << 53)


def _ordinal(values: Array) -> Array:
    """Return floats in the order of some numbers; of whole ones that float64 can't tell apart, their ranks."""
    import numpy as np

    if values.dtype.kind == "i" and _inexact(values):
        values = np.unique(values, return_inverse=True)[1]
    return values.astype(float)


def _list(names: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(names))


# ---- the walk -----------------------------------------------------------------------------------------


def folding(
    task: Task, mapper: Mapper = here, start: int = 0, kept: Columns | None = None
) -> Iterator[tuple[int, Columns]]:
    """Yield, after each block from `start` on, how many are done and what the question leaves of them all."""
    walk = ready(task)
    blocks = mapper(partial(run_block, task), range(start, len(walk.blocks)))
    for done, more in enumerate(walk.steps(blocks, start), start + 1):
        kept = merged(walk.grid, walk.question, kept, more)
        yield done, kept


def fold(task: Task, mapper: Mapper = here) -> Columns:
    """Return what the question leaves of a whole sweep: the best first, or in the grid's order."""
    import numpy as np

    # were all refused
    found: Columns = {name: np.empty(0, dtype=np.int64) for name in (SETTING, *task.counted)}
    for _, kept in folding(task, mapper):
        found = kept
    return ordered(ready(task), found)


def ordered(walk: Walk, columns: Columns) -> Columns:
    """Return settings in the order that was asked for: the best first, or the grid's."""
    import numpy as np

    keys = [columns[SETTING]]
    if walk.question.top is not None:
        keys += [_signed(walk.grid, columns, name) for name in reversed(walk.question.by)]
    return _taken(columns, np.lexsort(keys))
