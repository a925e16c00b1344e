"""The JSON Schema of reports: what `costcalc report --format json` and `Result.to_dict` hold."""

from __future__ import annotations

from costcalc.base import Data
from costcalc.language.schema import DRAFT, closed
from costcalc.operators.op import PARAMETERS
from costcalc.reports.result import VERSION


def report_schema() -> Data:
    """Return the JSON Schema of `costcalc report --format json`."""
    text, count = {"type": "string"}, {"type": "integer", "minimum": 0}
    known = {"type": ["integer", "null"], "minimum": 0}  # null: unknown
    window = {"type": ["array", "integer", "null"]}
    shapes = {"type": "array", "items": {"type": "array", "items": {"type": "integer", "minimum": 1}}}
    components = {**dict.fromkeys(PARAMETERS, count), "plain_macs": known, "bias_adds": count}
    row = {
        "name": text, "type": text, "op": text, "input": shapes, "output": shapes, "kernel": window, "stride": window,
        "params": count, "operations": known, **components,
        "elementwise": {"type": "object", "additionalProperties": known},
        "input_elements": count, "output_elements": count,
        "bits": {"type": ["number", "null"]}, "density": {"type": ["number", "null"]},
        "shares": {"type": ["string", "null"]}, "stated": {"type": "boolean"},
    }  # fmt: skip
    asked = {"type": "object", "additionalProperties": {"type": ["number", "string", "null"]}}  # --columns
    convention = dict.fromkeys(("name", "hash", "says", "params", "operations", "unit", "source"), text)
    by_type = {"type": text, "params": count, "operations": known}
    totals = {"params": count, "operations": known, "unit": text, "rows": count}
    dims = {"type": "array", "items": {"type": "integer"}}
    return {
        "$schema": DRAFT,
        "title": "costcalc report",
        **closed(
            {
                "costcalc_report": {"const": VERSION},
                "name": text,
                "source": {"type": ["string", "null"]},
                "knobs": {"type": "object"},
                "input": {"anyOf": [dims, {"type": "object", "additionalProperties": dims}]},
                "batch": {"type": "integer", "minimum": 1},
                "convention": closed(convention),
                "totals": closed(totals, macs=known, flops=known),
                "by_type": {"type": "array", "items": closed(by_type)},
                "rows": {"type": "array", "items": closed(row, metrics=asked)},
            },
            setup={"type": "object"},
            lines={"type": "array", "items": {"type": "object"}},
            metrics={"type": "array", "items": _metric()},
        ),
    }


def _metric() -> Data:
    """Return the schema of a metric's total; what explains it is the metric's own."""
    text = {"type": "string"}
    properties = {
        **dict.fromkeys(("name", "unit", "doc", "under"), text),
        "total": {"type": ["number", "string", "null"]},
    }
    return {"type": "object", "required": list(properties), "properties": properties}
