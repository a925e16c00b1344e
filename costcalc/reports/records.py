"""Rows as flat records: what the CSV and the DataFrame hold, exact."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from costcalc.numbers.num import UNKNOWN

if TYPE_CHECKING:
    from costcalc.reports.result import Line, Result


def records(result: Result) -> list[dict[str, Any]]:
    """Return one flat record a layer: text and exact integers only."""
    found = []
    for layer in result.layers:
        full = layer.to_dict(result.batch)
        record = {key: flat(value) for key, value in full.items() if key != "elementwise"}
        record["elementwise"] = sum(full["elementwise"].values())
        record |= result.convention.mark
        found.append(record)
    return found


def folded(result: Result, lines: list[Line], by: str) -> list[dict[str, Any]]:
    """Return one flat record a line of a folded table; a view by type has no shapes to tell."""
    return [
        {
            "name": line.name,
            **({} if by == "type" else {"type": line.type, "input": line.input, "output": line.output}),
            **({} if by in ("type", "block") else {"kernel": line.kernel, "stride": line.stride}),
            "rows": len(line.rows),
            "params": line.cost.params,
            "macs": "" if line.cost.macs is UNKNOWN else line.cost.macs,
            **result.convention.mark,
        }
        for line in lines
    ]


def flat(value: Any) -> Any:
    """Return a list as text: a shape `64x56x56`, several joined by spaces."""
    if not isinstance(value, list):
        return value
    if value and isinstance(value[0], list):
        return " ".join(flat(part) for part in value)
    return "x".join(str(v) for v in value)
