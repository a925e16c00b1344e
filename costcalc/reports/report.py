"""Results as tables: cells under columns, before any format. Writers in `render/` lay them out."""

from __future__ import annotations

from typing import Any

from costcalc.costs.counting import total
from costcalc.numbers import num
from costcalc.reports.result import Line, Result, lines


class Column:
    """A column: its title and what its cells are: text, count (with a unit), share, or a share as a bar."""

    __slots__ = ("kind", "title")

    def __init__(self, title: str, kind: str = "text") -> None:
        self.title = title
        self.kind = kind


class Table:
    """Cells under columns, with a line of totals; counts are exact ints until a writer rounds them."""

    __slots__ = ("cells", "columns", "paths", "totals")

    def __init__(
        self, columns: list[Column], cells: list[list[Any]], totals: list[Any], *, paths: bool = False
    ) -> None:
        self.columns = columns
        self.cells = cells
        self.totals = totals
        self.paths = paths  # whether the first column holds paths, which a writer may put under headings


def layer_table(result: Result, by: str = "layer", fold: int | None = None) -> Table:
    """Return the per-layer table; its totals are the sums of its rows."""
    unit = result.unit
    columns = [
        Column("layer"), Column("type"), Column("input"), Column("output"), Column("k/s"),
        Column(result.convention.things, "count"), Column("%", "share"), Column(unit, "count"), Column("%", "share"),
    ]  # fmt: skip
    shown = lines(result, by, fold)
    cells = [
        [
            marked(line), line.type, line.input, line.output, window(line),
            line.cost.params, _share(line.cost.params, result.params),
            line.cost.macs, _share(line.cost.macs, result.total),
        ]
        for line in shown
    ]  # fmt: skip
    return Table(columns, cells, ["total", f"{len(shown)} lines", "", "", "", *_totals(shown, result)], paths=True)


def type_table(result: Result, by: str = "type", fold: int | None = None) -> Table:
    """Return the resource-per-layer-type table of the MobileNet paper (its Table 2), or one by block."""
    columns = [
        Column(by), Column("rows", "number"),
        Column(result.convention.things, "count"), Column("%", "share"),
        Column(result.unit, "count"), Column("%", "share"),
    ]  # fmt: skip
    shown = lines(result, by, fold)
    cells = [
        [
            marked(line), str(len(line.rows)),
            line.cost.params, _share(line.cost.params, result.params),
            line.cost.macs, _share(line.cost.macs, result.total),
        ]
        for line in shown
    ]  # fmt: skip
    return Table(columns, cells, ["total", str(len(result.layers)), *_totals(shown, result)])


def barred(table: Table) -> Table:
    """Return a table of a result with each line's share of the operations as a bar, in place of its input."""
    kept = [index for index, column in enumerate(table.columns) if column.title != "input"]
    columns = [*(table.columns[index] for index in kept), Column("", "bar")]
    cells = [[*(row[index] for index in kept), row[-1]] for row in table.cells]
    return Table(columns, cells, [*(table.totals[index] for index in kept), ""], paths=table.paths)


def _totals(shown: list[Line], result: Result) -> list[Any]:
    summed = total(line.cost for line in shown)
    shares = [_share(summed.params, result.params), _share(summed.macs, result.total)]
    return [summed.params, shares[0], summed.macs, shares[1]]


def notes(result: Result) -> list[str]:
    """Return what a reader must know beside the numbers: convention, batch, stated and shared rows."""
    said = [result.convention.counted]
    if result.batch != 1:
        said.append(f"{result.unit} are for a batch of {result.batch}; parameters do not grow with it")
    stated = [layer for layer in result.layers if not layer.row.node.op.derived]
    if stated:
        texts = {str(getattr(layer.row.node.op, "note", "")) for layer in stated}
        said.append(f"* as the spec states it, not derived: {'; '.join(sorted(filter(None, texts)))}".rstrip(" :"))
    if result.total is num.UNKNOWN:
        known = [layer for layer in result.layers if layer.macs is not num.UNKNOWN]
        rest = f"{len(result.layers) - len(known)} of {len(result.layers)} rows"
        said.append(f"unknown: the {result.unit} of {rest}; the others have {sum(n.macs for n in known):,}")
    if any(layer.row.node.shared is not None for layer in result.layers):
        said.append("= uses the weights of an earlier layer: counted there")
    return said


def heading(result: Result) -> list[str]:
    """Return the lines above a table: the network, its knobs and input, where it comes from."""
    knobs = ", ".join(f"{name} {_value(value)}" for name, value in result.graph.knobs.items())
    shape = f"input {result.graph.input.shape}{' as given' if result.graph.given else ''}"
    said = [f"{result.name}: {shape}{f', {knobs}' if knobs else ''}"]
    source = result.graph.spec.meta.get("source")
    return [*said, str(source)] if source else said


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + " ".join(_value(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def marked(line: Line) -> str:
    """Return a line's name, marked where its numbers are stated, or its weights an earlier layer's."""
    return line.name + ("*" if line.stated else "") + (" =" if line.shared else "")


def _share(part: Any, whole: Any) -> Any:
    return 100 * part / whole if whole else 0.0


def window(line: Line) -> str:
    """Return a line's kernel and stride: 3/2."""
    return f"{line.kernel}/{line.stride}" if line.kernel and line.stride else line.kernel or line.stride
