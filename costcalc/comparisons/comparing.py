"""Networks side by side: a line a network, and what each costs in units of the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costcalc.base.text import plural
from costcalc.comparisons.networks import Network
from costcalc.graph.graph import Graph
from costcalc.metrics.metric import find, plain
from costcalc.numbers.num import UNKNOWN
from costcalc.numbers.text import figure
from costcalc.published.figures import settings
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

MEASURES = ("params", "macs", "activations", "bytes")
RATIOS = ("params", "macs")


def measures(result: Result, names: Sequence[str] = MEASURES, **options: Any) -> dict[str, Any]:
    """Return a network's totals of some metrics: params and MACs under its convention, activations, bytes."""
    return {one.name: one.total for one in result.metrics(names, **options)}


def top1(graph: Graph) -> str:
    """Return the accuracy that a source prints for these very knob values, or nothing."""
    spec = graph.spec
    for row in () if graph.input_given else spec.published:
        # A variant's own row, no other's of the same values: mnasnet_b1 is the paper's, mnasnet1_0 torchvision's.
        if row.get("variant", "") != spec.variant and spec.variant:
            continue
        if "top1" in row and {**spec.knobs, **settings(spec, row)} == graph.knobs:
            return str(row["top1"])
    return ""


def records(networks: list[Network], names: Sequence[str] = (), **options: Any) -> list[dict[str, Any]]:
    """Return a record a network: exact integers, None where a cost is unknown, ratios to the first network.

    names: the metrics, `MEASURES` unless told; options are theirs.
    """
    found = [measures(network.result, names or MEASURES, **options) for network in networks]
    return [
        {
            "network": label,
            **{name: plain(value) for name, value in values.items()},
            "top1": top1(result.graph),
            **{f"{name}_ratio": _ratio(values[name], found[0][name]) for name in names or RATIOS},
            "batch": result.batch,
            **result.convention.mark,
        }
        for (label, result), values in zip(networks, found, strict=True)
    ]


def _ratio(value: Any, first: Any) -> float | None:
    """Return a value in units of the first, or None where that can't be known."""
    numbers = not any(one is UNKNOWN or one is None or isinstance(one, str) for one in (value, first))
    return float(value / first) if numbers and first else None


def frame(networks: list[Network], names: Sequence[str] = (), **options: Any) -> pd.DataFrame:
    """Return the records as a DataFrame."""
    import pandas as pd

    found = records(networks, names, **options)
    whole = [name for name in names or MEASURES if all(isinstance(one[name], int | None) for one in found)]
    table = pd.DataFrame(found).astype(dict.fromkeys(whole, "Int64"))
    table.attrs["convention"] = networks[0].result.convention.name
    return table


def table(networks: list[Network], names: Sequence[str] = (), *, exact: bool = False, **options: Any) -> Table:
    """Return the comparison as a table for people."""
    setup = networks[0].result.setup(**options)
    titles = {name: find(name).heading(setup) for name in names or MEASURES}
    ratios = [f"{titles[name]} ×" for name in names or RATIOS]
    columns = [Column("network"), *(Column(title, "number") for title in (*titles.values(), "top-1", *ratios))]
    cells = [
        [
            record["network"],
            *(figure(UNKNOWN if record[name] is None else record[name], exact=exact) for name in titles),
            record["top1"],
            *(_times(record[f"{name}_ratio"]) for name in names or RATIOS),
        ]
        for record in records(networks, names, **options)
    ]
    return Table(columns, cells, [plural(len(cells), "network"), *[""] * (len(columns) - 1)])


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"
