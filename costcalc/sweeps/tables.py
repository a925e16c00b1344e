"""What `costcalc.sweep` returns: a DataFrame, a line a setting, or arrays with named axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from costcalc.base import Data, Datum, InputShape, grouped
from costcalc.base.errors import stop
from costcalc.base.hints import Hint
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.costs.counting import Cost, cost, total
from costcalc.costs.rows import rows
from costcalc.language.document import Spec
from costcalc.numbers.num import Dim
from costcalc.sweeps.chunks import SETTING, Columns, Question, Task, column, fold
from costcalc.sweeps.engine import Cut, Grid, Part, arrays, parts
from costcalc.sweeps.grids import refuse_columns

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = 20_000_000  # of a DataFrame
PER = ("layer", "type")


class Arrays:
    """The totals of a sweep as arrays of int64, an axis a knob in the order given: `.params`, `.operations`, `.axes`.

    `.macs` or `.flops` where the convention counts them.
    """

    def __init__(self, grid: Grid, totals: Data, convention: Convention) -> None:
        self.axes = {name: values for axis in grid.axes for name, values in axis.columns.items()}
        self.params: Dim = totals["params"]
        self.operations: Dim = totals[convention.called]
        self.totals = totals  # of every metric asked for, too
        self.convention = convention.name
        self.unit = convention.unit  # what the operations are

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}: {len(values)}" for name, values in self.axes.items())
        return f"<costcalc.Arrays {sizes} ({self.convention})>"

    @property
    def macs(self) -> Dim:
        """The MACs; SpecError where the sweep has none."""
        return self.of("macs")

    @property
    def flops(self) -> Dim:
        """The FLOPs; SpecError where the sweep has none."""
        return self.of("flops")

    def of(self, quantity: str) -> Dim:
        """Return the totals called `macs`, `flops` or `operations`; SpecError where the sweep has none."""
        if quantity in self.totals:
            return self.totals[quantity]
        conventions.get(self.convention).named(quantity)
        raise stop(f"these arrays have no {quantity}", hint=f'ask for them: columns="{quantity}"')


def as_arrays(task: Task) -> Arrays:
    """Return all totals of a sweep as arrays."""
    grid = task.grid
    bounded(grid.size)
    beside = task.beside
    beside.bounded(grid.size)
    rule = conventions.get(task.convention)
    counted = parts(task.spec(), grid, rule, task.shape, batch=task.batch, beside=beside)
    return Arrays(grid, arrays(grid, counted), rule)


def bounded(size: int) -> None:
    """Refuse more lines than a DataFrame should have."""
    if size > MOST_LINES:
        raise stop(
            f"{size:,} lines are more than the {MOST_LINES:,} that fit into one table",
            hint="ask for less: where, top or pareto; on the command line -o NAME.parquet writes part files",
        )


def as_frame(task: Task, folded: Callable[[Task], Columns] = fold) -> pd.DataFrame:
    """Return what a sweep's question leaves, a line a setting: the knobs, params, and what the convention counts.

    folded: what walks the sweep's blocks and puts together what is left of them.
    """
    grid = task.grid
    if not task.question.folds:
        bounded(grid.size)
    return framed(task, folded(task))


def framed(task: Task, columns: Columns) -> pd.DataFrame:
    """Return settings as a DataFrame: the knobs, and what is told of each."""
    import pandas as pd

    grid = task.grid
    knobs = {name: column(grid, columns, name) for name in grid.names}
    table = pd.DataFrame(knobs | {name: columns[name] for name in task.quantities})
    table.attrs |= told(task)
    return table


def told(task: Task) -> Data:
    """Return what a DataFrame says of its numbers."""
    unit = conventions.get(task.convention).unit
    return {"convention": task.convention, "unit": unit, "columns": list(task.quantities)}


def per(task: Task, view: str) -> pd.DataFrame:
    """Return a line for each layer (or layer type) of each setting, in the settings' order."""
    import pandas as pd

    if view not in PER:
        raise stop(f"a sweep has no lines per '{view}'", hint=f"known: {', '.join(PER)}")
    if task.question.folds:
        raise stop("where, top and pareto choose among whole settings, and per shows their layers", hint="use one")
    task.question.refuse_idle()
    if task.columns:
        raise stop(
            "per shows the params and operations of layers, no other metric",
            hint=Hint(
                "costcalc.count(...).to_pandas(columns=...) has a setting's", "report --columns shows a setting's"
            ),
        )
    grid = task.grid
    bounded(grid.size)
    rule = conventions.get(task.convention)
    counted = parts(task.spec(), grid, rule, task.shape, batch=task.batch)
    tables = [_of_part(grid, part, view, rule) for part in counted]
    made = pd.concat(tables, ignore_index=True)
    made = made.sort_values([SETTING, "_line"], ignore_index=True).drop(columns=[SETTING, "_line"])
    made.attrs |= told(task)
    return made


def _of_part(grid: Grid, part: Part, view: str, rule: Convention) -> pd.DataFrame:
    """Return the lines of the settings of one structure."""
    import numpy as np
    import pandas as pd

    costs = _lines(part, view, rule)
    whole = tuple(slice(0, len(places)) for places in part.indices)
    tables = []
    for number, (name, counted) in enumerate(costs.items()):
        cut = Cut(grid, Part(part.indices, part.graph, counted, rule, part.batch), whole)
        settings = cut.numbers()
        columns = {SETTING: settings}
        tables.append(
            pd.DataFrame(
                {SETTING: settings, "_line": np.full(len(settings), number)}
                | {knob: column(grid, columns, knob) for knob in grid.names}
                | {view: name}
                | {quantity: values.ravel() for quantity, values in cut.totals().items()}
            )
        )
    bounded(sum(map(len, tables)))
    return pd.concat(tables)


def _lines(part: Part, view: str, rule: Convention) -> dict[str, Cost]:
    """Return the cost of each layer, its norm and activation included, or of each layer type."""
    groups = grouped((row.node.layer if view == "layer" else row.type, cost(row, rule)) for row in rows(part.graph))
    return {name: total(costs) for name, costs in groups.items()}


def sweep(
    specs: Sequence[tuple[str, Spec]],
    axes: Sequence[dict[str, list[Datum]]],
    question: Question,
    *,
    convention: str,
    shape: InputShape | None,
    batch: int,
    view: str = "",
    folded: Callable[[Task], Columns] = fold,
    columns: Sequence[str] = (),
    setup: dict[str, Datum] | None = None,
) -> pd.DataFrame:
    """Return the DataFrame of a sweep over one network or several, these with their names in a first column."""
    import pandas as pd

    tables = []
    for name, spec in specs:
        given: dict[str, Datum] = {"convention": convention, "shape": shape, "batch": batch}
        task = Task(spec, axes, question, **given, columns=columns, setup=setup)
        refuse_columns(task.grid.names, [view, *(["network"] if len(specs) > 1 else [])])
        table = per(task, view) if view else as_frame(task, folded)
        if len(specs) > 1:
            table.insert(0, "network", name)
        tables.append(table)
    made = pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
    made.attrs |= tables[0].attrs
    return made
