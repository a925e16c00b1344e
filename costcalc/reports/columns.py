"""Lines under metrics as columns: a table, records and JSON; params and operations unless others are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from costcalc.base import Data, Datum
from costcalc.base.text import plural
from costcalc.costs.convention import OPERATIONS
from costcalc.measures.metric import COUNTED, Measured, plain
from costcalc.measures.metric import titles as titles_of
from costcalc.numbers.num import UNKNOWN, Dim, or_none, percentage
from costcalc.numbers.text import figure
from costcalc.reports.lines import GROUPED, CountedRow, Line, marked, window
from costcalc.reports.table import Column, Table

DECIMALS = 2  # of a slide
ABOUT = ("name", "type", "op", "input", "output", "kernel", "stride")


def table(
    shown: Sequence[Line], columns: Sequence[Measured], by: str = "layer", *, shares: bool = False, slide: bool = False
) -> Table:
    """Return lines under the chosen columns, with the network's values below.

    shares: each number stands with its part of the whole. By type it is the resource-per-layer-type table of the
    MobileNet paper (its Table 2) then. slide: two decimals, and only lines that cost something.
    """
    grouped, numbered = by in GROUPED, by in GROUPED and not slide
    if slide:
        shown = [line for line in shown if costs_something(line, columns)]
    titles = [Column(by), *[Column("rows", "number")] * numbered] if grouped else []
    titles = titles or [Column("layer"), Column("type"), Column("input"), Column("output"), Column("k/s")]

    def about(line: Line) -> list[Datum]:
        return [str(len(line.rows))] * numbered if grouped else [line.type, line.input, line.output, window(line)]

    def costs(values: Iterable[Datum]) -> list[Datum]:
        pairs = zip(columns, values, strict=True)
        return [v for one, value in pairs for v in ([value, percentage(value, one.total)] if shares else [value])]

    for one, title in zip(columns, headings(columns), strict=True):
        titles += [Column(title, one.metric.kind), *[Column("%", "share")] * shares]
    cells = [[marked(line), *about(line), *costs(over(one, line) for one in columns)] for line in shown]
    rows = str(sum(len(line.rows) for line in shown))
    said = [rows] * numbered if grouped else [plural(len(shown), "line"), "", "", ""]
    totals = ["total", *said, *costs(one.total for one in columns)]
    return Table(titles, cells, totals, paths=not grouped, decimals=DECIMALS if slide else None)


def headings(columns: Sequence[Measured]) -> list[str]:
    """Return the titles of metrics' columns, no two alike."""
    return [*titles_of((one.metric for one in columns), columns[0].setup).values()] if columns else []


def costs_something(line: Line, columns: Sequence[Measured]) -> bool:
    """Say whether a line has any of these metrics; where there are none, whether it has anything to learn or to do."""
    if columns:
        return any(over(one, line) not in (0, None) for one in columns)
    rows = [row.row for row in line.rows]
    return any(row.learnable or row.macs is UNKNOWN or row.macs or any(row.elementwise.values()) for row in rows)


def over(one: Measured, line: Line) -> Dim:
    """Return what a line has of a metric."""
    return one.over([row.index for row in line.rows])


def records(
    rows: Sequence[CountedRow], columns: Sequence[Measured], mark: dict[str, str], *, whole: bool = False
) -> list[Data]:
    """Return one flat record a row: what it is, its exact numbers, and the convention's mark.

    whole: with all components of a row, for the whole batch.
    """
    lines = []
    for index, row in enumerate(rows):
        full = row.to_dict()
        del full[OPERATIONS]  # which stand under the name of what the convention counts
        record = {key: flat(full[key]) for key in ABOUT} | {one.name: plain(one.rows[index]) for one in columns}
        if whole:
            record |= {key: flat(full[key]) for key in full if key not in record and key != "elementwise"}
            record["elementwise"] = or_none(sum(row.model.elementwise.values()) * row.counting.batch)
        lines.append(record | mark)
    return lines


def folded(shown: Sequence[Line], columns: Sequence[Measured], by: str, mark: dict[str, str]) -> list[Data]:
    """Return one flat record a line of a folded table; a view by type has no shapes to tell."""
    return [
        {
            "name": line.name,
            **({} if by == "type" else {"type": line.type, "input": line.input, "output": line.output}),
            **({} if by in GROUPED else {"kernel": line.kernel, "stride": line.stride}),
            "rows": len(line.rows),
            **{one.name: plain(over(one, line)) for one in columns},
            **mark,
        }
        for line in shown
    ]


def flat(value: Datum) -> Datum:
    """Return a list as text: a shape `64x56x56`, several joined by spaces."""
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], list):
        return " ".join(flat(part) for part in value)
    return "x".join(str(v) for v in value)


def totals(columns: Sequence[Measured]) -> list[str]:
    """Return a line a metric: its total with all digits, what it was counted under, what explains it."""
    said, names = [], {one.name for one in columns}
    for one in columns:
        under = f" ({one.says})" if one.says else ""
        unit = "" if one.unit.lower() == one.name or isinstance(one.total, str | None) else f" {one.unit}"
        own = one.name in ("params", *COUNTED) and one.unit.lower() != one.name  # called as the convention says
        label, unit = (one.unit, "") if own and one.unit.lower() not in names else (one.name, unit)
        said.append(f"{label}: {written(one.total)}{unit}{under}")
        said += [f"  {remark}" for remark in one.metric.remarks(one.graph, one.setup)]
    return said


def written(value: Datum) -> str:
    """Return a value with all its digits; a ratio with four decimals, none as such."""
    if value is None:
        return "no"
    exact = value if value is UNKNOWN else plain(value)
    return f"{exact:,.4f}" if isinstance(exact, float) else figure(exact, exact=True)


def with_metrics(report: Data, columns: Sequence[Measured]) -> Data:
    """Return a report's JSON with the chosen columns: each total under `metrics`, the rows' in the rows."""
    rows = [
        {**row, "metrics": {one.name: plain(one.rows[index]) for one in columns}}
        for index, row in enumerate(report["rows"])
    ]
    asked = {"setup": columns[0].setup.to_dict(), "metrics": [one.to_dict() for one in columns]}
    return {**report, "rows": rows, **asked}
