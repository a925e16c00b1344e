"""Metrics as columns: the lines of a result with the chosen numbers, as a table and as records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.metrics.metric import Measured, plain
from costcalc.reports.records import flat
from costcalc.reports.report import Column, Table, marked, window
from costcalc.reports.result import Line, Result, lines


def chosen(result: Result, names: Sequence[str], **options: Any) -> list[Measured]:
    """Return what a network has of each metric; raise SpecError for a name or an option that there is not."""
    return [result.metric(name, **options) for name in names]


def table(result: Result, columns: Sequence[Measured], by: str = "layer", fold: int | None = None) -> Table:
    """Return the lines of a result under the chosen columns, with the network's values below."""
    grouped = by in ("type", "block")
    before = [Column(by), Column("rows", "number")] if grouped else []
    before = before or [Column("layer"), Column("type"), Column("input"), Column("output"), Column("k/s")]
    shown = lines(result, by, fold)
    cells = [
        [marked(line), *([str(len(line.rows))] if grouped else [line.type, line.input, line.output, window(line)])]
        + [over(one, line) for one in columns]
        for line in shown
    ]
    said = ["total", str(len(result.layers))] if grouped else ["total", f"{len(shown)} lines", "", "", ""]
    heads = [Column(one.metric.heading(one.setup), one.metric.kind) for one in columns]
    return Table([*before, *heads], cells, [*said, *(one.total for one in columns)], paths=not grouped)


def over(one: Measured, line: Line) -> Any:
    """Return what a line has of a metric."""
    return one.over([layer.row.node.index for layer in line.rows])


def records(result: Result, columns: Sequence[Measured]) -> list[dict[str, Any]]:
    """Return one flat record a layer: what it is, and its exact numbers."""
    about = ("name", "type", "op", "input", "output", "kernel", "stride")
    found = []
    for index, layer in enumerate(result.layers):
        full = layer.to_dict(result.batch)
        record = {key: flat(full[key]) for key in about}
        record |= {one.name: plain(one.rows[index]) for one in columns}
        found.append(record | result.convention.mark)
    return found


def folded(result: Result, columns: Sequence[Measured], by: str, fold: int | None) -> list[dict[str, Any]]:
    """Return one flat record a line of a folded table."""
    return [
        {
            "name": line.name,
            **({} if by == "type" else {"type": line.type, "input": line.input, "output": line.output}),
            "rows": len(line.rows),
            **{one.name: plain(over(one, line)) for one in columns},
            **result.convention.mark,
        }
        for line in lines(result, by, fold)
    ]


def totals(columns: Sequence[Measured]) -> list[str]:
    """Return a line a metric: its total with all digits, what it was counted under, what explains it."""
    said = []
    for one in columns:
        under = f" ({one.says})" if one.says else ""
        unit = "" if one.unit.lower() == one.name or isinstance(one.total, str | None) else f" {one.unit}"
        said.append(f"{one.name}: {written(one.total)}{unit}{under}")
        said += [f"  {remark}" for remark in one.metric.remarks(one.graph, one.setup)]
    return said


def written(value: Any) -> str:
    """Return a value with all its digits; a ratio with four decimals, none as such."""
    if value is None:
        return "no"
    if isinstance(value, int | str):
        return f"{value:,}" if isinstance(value, int) else value
    exact = plain(value)
    return f"{value}" if exact is None else f"{exact:,.4f}" if isinstance(exact, float) else f"{exact:,}"


def report(result: Result, columns: Sequence[Measured]) -> dict[str, Any]:
    """Return the JSON of a report with the chosen columns: each total under `metrics`, the rows' in the layers."""
    found = result.to_dict()
    found["setup"] = columns[0].setup.to_dict() if columns else {}
    found["metrics"] = [one.to_dict() for one in columns]
    for index, layer in enumerate(found["layers"]):
        layer["metrics"] = {one.name: plain(one.rows[index]) for one in columns}
    return found
