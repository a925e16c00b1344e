"""The cells of tables."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.graph.evaluator import Evaluator, MarkedFault
from costcalc.graph.scope import Scope
from costcalc.language.document import TableItem, Value
from costcalc.numbers import num


def columns(item: TableItem, scope: Scope, evaluator: Evaluator) -> list[Sequence[Datum]]:
    """Return the cells of each column, equally many; columns that are expressions are known here only."""
    if item.rows is not None:
        return list(zip(*item.rows, strict=True))
    found: list[Sequence[Datum]] = []
    for name, column in zip(item.columns, item.by_column, strict=True):
        values = column if isinstance(column, list) else evaluator.value(column, scope)
        if not isinstance(values, list | tuple):
            assert isinstance(column, Value)
            raise MarkedFault(Fault(f"column '{name}' is {num.describe(values)}, not a list"), column.mark)
        found.append(values)
    if len({len(values) for values in found}) > 1:
        said = ", ".join(f"{n} has {len(values)}" for n, values in zip(item.columns, found, strict=True))
        raise Fault(f"the columns are not equally long: {said}")
    return found


def cells(
    item: TableItem, found: list[Sequence[Datum]], index: int, scope: Scope, evaluator: Evaluator
) -> dict[str, Datum]:
    """Return the variables of one row. Cells are evaluated now: a word may be an earlier row's layer."""
    made = {}
    for name, values in zip(item.columns, found, strict=True):
        cell = values[index]
        if type(cell) is Value:
            cell = cell.constant if cell.run is None else evaluator.value(cell, scope)
        made[name] = cell
    return made
