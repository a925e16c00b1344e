"""Metrics as columns: lines with the chosen numbers, as a table, as records and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.metrics.metric import Measured, plain
from costcalc.reports.lines import Layer, Line, marked, window
from costcalc.reports.records import flat
from costcalc.reports.table import Column, Table


def table(shown: Sequence[Line], columns: Sequence[Measured], by: str = "layer") -> Table:
    """Return lines under the chosen columns, with the network's values below."""
    grouped = by in ("type", "block")
    before = [Column(by), Column("rows", "number")] if grouped else []
    before = before or [Column("layer"), Column("type"), Column("input"), Column("output"), Column("k/s")]
    cells = [
        [marked(line), *([str(len(line.rows))] if grouped else [line.type, line.input, line.output, window(line)])]
        + [over(one, line) for one in columns]
        for line in shown
    ]
    rows = sum(len(line.rows) for line in shown)
    said = ["total", str(rows)] if grouped else ["total", f"{len(shown)} lines", "", "", ""]
    heads = [Column(one.metric.heading(one.setup), one.metric.kind) for one in columns]
    return Table([*before, *heads], cells, [*said, *(one.total for one in columns)], paths=not grouped)


def over(one: Measured, line: Line) -> Any:
    """Return what a line has of a metric."""
    return one.over([layer.row.node.index for layer in line.rows])


def records(layers: Sequence[Layer], columns: Sequence[Measured], mark: dict[str, str]) -> list[dict[str, Any]]:
    """Return one flat record a layer: what it is, its exact numbers, and the convention's mark."""
    about = ("name", "type", "op", "input", "output", "kernel", "stride")
    found = []
    for index, layer in enumerate(layers):
        full = layer.to_dict()
        record = {key: flat(full[key]) for key in about}
        record |= {one.name: plain(one.rows[index]) for one in columns}
        found.append(record | mark)
    return found


def folded(shown: Sequence[Line], columns: Sequence[Measured], by: str, mark: dict[str, str]) -> list[dict[str, Any]]:
    """Return one flat record a line of a folded table."""
    return [
        {
            "name": line.name,
            **({} if by == "type" else {"type": line.type, "input": line.input, "output": line.output}),
            "rows": len(line.rows),
            **{one.name: plain(over(one, line)) for one in columns},
            **mark,
        }
        for line in shown
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


def with_metrics(found: dict[str, Any], columns: Sequence[Measured]) -> dict[str, Any]:
    """Return a report's JSON with the chosen columns: each total under `metrics`, the rows' in the layers."""
    layers = [
        {**layer, "metrics": {one.name: plain(one.rows[index]) for one in columns}}
        for index, layer in enumerate(found["layers"])
    ]
    setup = columns[0].setup.to_dict() if columns else {}
    return {**found, "layers": layers, "setup": setup, "metrics": [one.to_dict() for one in columns]}
