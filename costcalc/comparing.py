"""Networks side by side: a line a network, and what each costs in units of the first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from costcalc import conventions
from costcalc.counting import Row, cost, total
from costcalc.graph import Graph
from costcalc.num import UNKNOWN, ceil_div, or_none
from costcalc.published import settings
from costcalc.references import Network
from costcalc.render.figures import readable
from costcalc.report import Column, Table
from costcalc.result import Result
from costcalc.values import several

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("params", "macs", "activations", "bytes")
FLOAT = 32  # bits of a number whose spec states none


def measures(result: Result) -> dict[str, Any]:
    """Return a network's totals: params and MACs under its convention, output elements, bytes of its parameters."""
    rule = conventions.get("activations")
    activations = total(cost(layer.row, rule, result.batch) for layer in result.layers).macs
    values = (result.params, result.total, activations, stored(layer.row for layer in result.layers))
    return dict(zip(MEASURES, values, strict=True))


def stored(rows: Iterable[Row]) -> Any:
    """Return the bytes that learned numbers take.

    A kernel's numbers have the row's `bits`, and those that its `density` leaves are stored; all else has 32 bits.
    """
    return ceil_div(sum(_bits(row) for row in rows), 8)


def _bits(row: Row) -> Any:
    others = row.biases + row.norm_params
    kept = cost(row, conventions.get("pruned")).params - others
    return kept * (FLOAT if row.node.bits is None else row.node.bits) + others * FLOAT


def top1(graph: Graph) -> str:
    """Return the accuracy that a source prints for these very knob values, or nothing."""
    spec = graph.spec
    for row in () if graph.given else spec.published:
        # A variant's own row, no other's of the same values: mnasnet_b1 is the paper's, mnasnet1_0 torchvision's.
        if row.get("variant", "") != spec.variant and spec.variant:
            continue
        if "top1" in row and {**spec.knobs, **settings(spec, row)} == graph.knobs:
            return str(row["top1"])
    return ""


def records(networks: list[Network]) -> list[dict[str, Any]]:
    """Return a record a network: exact integers, None where a cost is unknown, ratios to the first network."""
    found = [measures(network.result) for network in networks]
    return [
        {
            "network": label,
            **{name: or_none(value) for name, value in values.items()},
            "top1": top1(result.graph),
            "params_ratio": _ratio(values["params"], found[0]["params"]),
            "macs_ratio": _ratio(values["macs"], found[0]["macs"]),
            "batch": result.batch,
            **result.convention.mark,
        }
        for (label, result), values in zip(networks, found, strict=True)
    ]


def _ratio(value: Any, first: Any) -> float | None:
    """Return a value in units of the first, or None where that can't be known."""
    return None if UNKNOWN in (value, first) or not first else value / first


def frame(networks: list[Network]) -> pd.DataFrame:
    """Return the records as a DataFrame."""
    import pandas as pd

    table = pd.DataFrame(records(networks)).astype(dict.fromkeys(MEASURES, "Int64"))
    table.attrs["convention"] = networks[0].result.convention.name
    return table


def table(networks: list[Network], *, exact: bool = False) -> Table:
    """Return the comparison as a table for people."""
    rule = networks[0].result.convention
    titles = (rule.things, rule.unit, "activations", "bytes", "top-1", f"{rule.things} ×", f"{rule.unit} ×")
    columns = [Column("network"), *(Column(title, "number") for title in titles)]
    cells = [
        [
            record["network"],
            *(_shown(record[name], exact=exact) for name in MEASURES),
            record["top1"],
            _times(record["params_ratio"]),
            _times(record["macs_ratio"]),
        ]
        for record in records(networks)
    ]
    return Table(columns, cells, [several(len(cells), "network"), *[""] * len(titles)])


def _shown(value: Any, *, exact: bool) -> str:
    if value is None:
        return str(UNKNOWN)
    return f"{value:,}" if exact else readable(value)


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"
