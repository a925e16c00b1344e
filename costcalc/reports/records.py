"""Rows as flat records: what the CSV and the DataFrame hold, exact."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.numbers.num import UNKNOWN, or_none
from costcalc.reports.lines import Layer, Line


def records(layers: Sequence[Layer], batch: int, mark: dict[str, str]) -> list[dict[str, Any]]:
    """Return one flat record a layer: text and exact integers only, and the convention's mark."""
    found = []
    for layer in layers:
        full = layer.to_dict(batch)
        record = {key: flat(value) for key, value in full.items() if key != "elementwise"}
        record["elementwise"] = or_none(sum(layer.row.elementwise.values()) * batch)
        record |= mark
        found.append(record)
    return found


def folded(lines: Sequence[Line], by: str, mark: dict[str, str]) -> list[dict[str, Any]]:
    """Return one flat record a line of a folded table; a view by type has no shapes to tell."""
    return [
        {
            "name": line.name,
            **({} if by == "type" else {"type": line.type, "input": line.input, "output": line.output}),
            **({} if by in ("type", "block") else {"kernel": line.kernel, "stride": line.stride}),
            "rows": len(line.rows),
            "params": line.cost.params,
            "macs": "" if line.cost.macs is UNKNOWN else line.cost.macs,
            **mark,
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
