"""Networks side by side: a line a network, and what each costs in units of the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costcalc.base import Data, Datum
from costcalc.base.text import plural
from costcalc.comparisons.networks import Network
from costcalc.costs.convention import Convention
from costcalc.measures.metric import Setup, find, plain
from costcalc.measures.metric import titles as titles_of
from costcalc.numbers.num import UNKNOWN
from costcalc.numbers.text import figure
from costcalc.published import accuracies
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table

if TYPE_CHECKING:
    import pandas as pd

BESIDE = ("activations", "bytes")  # what is told of a network beside what its convention counts
LOSSY = ("bits", "weight_bits", "density")  # options that make another network of it: no printed accuracy is its


def measures(result: Result, names: Sequence[str] = (), **options: Datum) -> dict[str, Datum]:
    """Return a network's totals of some metrics: those of its convention, activations and bytes unless told."""
    return {one.name: one.total for one in result.metrics(names or usual(result.convention), **options)}


def usual(rule: Convention) -> tuple[str, ...]:
    """Return the metrics that are told of a network: params, operations as they are called, activations, bytes."""
    return (*rule.quantities, *BESIDE)


def records(networks: list[Network], names: Sequence[str] = (), **options: Datum) -> list[Data]:
    """Return a record a network: exact integers, None where a cost is unknown, ratios to the first network.

    names: the metrics, `usual` unless told; options are theirs.
    """
    totals = [measures(network.result, names, **options) for network in networks]
    altered = any(name in LOSSY for name, _ in networks[0].result.setup(**options).given)
    ratios = names or networks[0].result.convention.quantities
    return [
        {
            "network": label,
            **{name: plain(value) for name, value in values.items()},
            **accuracies.record(None if altered else result.graph),
            **{f"{name}_ratio": _ratio(values[name], totals[0][name]) for name in ratios},
            "batch": result.batch,
            **result.convention.marked(names),
        }
        for (label, result), values in zip(networks, totals, strict=True)
    ]


def _ratio(value: Datum, first: Datum) -> float | None:
    """Return a value in units of the first, or None where that can't be known."""
    numbers = not any(one is UNKNOWN or one is None or isinstance(one, str) for one in (value, first))
    return float(value / first) if numbers and first else None


def frame(networks: list[Network], names: Sequence[str] = (), **options: Datum) -> pd.DataFrame:
    """Return the records as a DataFrame."""
    import pandas as pd

    lines, rule = records(networks, names, **options), networks[0].result.convention
    whole = [name for name in names or usual(rule) if all(isinstance(one[name], int | None) for one in lines)]
    table = pd.DataFrame(lines).astype(dict.fromkeys(whole, "Int64"))
    table.attrs |= {"convention": rule.name, "unit": rule.unit}
    return table


def table(found: list[Data], setup: Setup, names: Sequence[str] = (), *, exact: bool = False) -> Table:
    """Return the records of a comparison as a table for people."""
    titles = titles_of(map(find, names or usual(setup.convention)), setup)
    ratios = names or setup.convention.quantities
    heads = (*titles.values(), "top-1", *(f"{titles[name]} ×" for name in ratios))
    columns = [Column("network"), *(Column(title, "number") for title in heads)]
    cells: list[list[Datum]] = [
        [
            record["network"],
            *(figure(UNKNOWN if record[name] is None else record[name], exact=exact) for name in titles),
            accuracies.text(record),
            *(_times(record[f"{name}_ratio"]) for name in ratios),
        ]
        for record in found
    ]
    return Table(columns, cells, [plural(len(cells), "network"), *[""] * (len(columns) - 1)])


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"
