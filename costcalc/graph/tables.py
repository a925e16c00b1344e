"""Tables run row by row: the middle of the expander."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.base.errors import Fault
from costcalc.graph.binder import Placed
from costcalc.graph.graph import Flow
from costcalc.graph.placer import Placer
from costcalc.graph.scope import Scope
from costcalc.language.document import Item, TableItem, Value
from costcalc.numbers import num


class Tabler(Placer):
    """Runs tables."""

    def step(self, item: Item) -> None:
        """Count a step; `expand` refuses a network of too many."""
        raise NotImplementedError

    def run(self, items: list[Item], flow: Flow, scope: Scope) -> Flow:
        """Run a list of items; `expand` does."""
        raise NotImplementedError

    def table(self, item: TableItem, flow: Flow, scope: Scope) -> Flow:
        """Run the items of a table for each of its rows; `name` and `if` are asked for each."""
        variables, rows, prefix, trace = scope.vars, scope.rows, self.prefix, self.trace
        scope.flow = flow
        columns = self.columns(item, scope)
        scope.vars = dict(variables)
        try:
            for index in range(len(columns[0]) if columns else 0):
                self.step(item)
                scope.flow, scope.rows = flow, (*rows, index)
                self.trace = (*trace, f"row {index + 1} of the table at {item.mark}")
                scope.vars["row"] = index
                scope.vars.update(self.cells(item, columns, index, scope))
                skipped = item.when is not None and not self.truth(item.when, scope)
                if not skipped:
                    if item.name is not None:
                        self.prefix = f"{self.title(item, 'row', scope)}/"
                    flow = self.run(item.items, flow, scope)
                    self.prefix = prefix
                if item.name is not None:
                    self.bind(item, item.name, flow, scope, skipped=skipped)
        finally:
            scope.vars, scope.rows, self.prefix, self.trace = variables, rows, prefix, trace
        return flow

    def columns(self, item: TableItem, scope: Scope) -> list[Sequence[Any]]:
        """Return the cells of each column, equally many; columns that are expressions are known here only."""
        if item.rows is not None:
            return list(zip(*item.rows, strict=True))
        columns: list[Sequence[Any]] = []
        for name, column in zip(item.columns, item.whole, strict=True):
            values = column if isinstance(column, list) else self.get(column, scope)
            if not isinstance(values, list | tuple):
                assert isinstance(column, Value)
                raise Placed(Fault(f"column '{name}' is {num.describe(values)}, not a list"), column.mark)
            columns.append(values)
        if len({len(values) for values in columns}) > 1:
            said = ", ".join(f"{n} has {len(values)}" for n, values in zip(item.columns, columns, strict=True))
            raise Fault(f"the columns are not equally long: {said}")
        return columns

    def cells(self, item: TableItem, columns: list[Sequence[Any]], index: int, scope: Scope) -> dict[str, Any]:
        """Return the variables of one row. Cells are evaluated now: a word may be an earlier row's layer."""
        row = [values[index] for values in columns]
        return {
            name: self.get(cell, scope) if isinstance(cell, Value) else cell
            for name, cell in zip(item.columns, row, strict=True)
        }
