"""What a space can add up: a whole number of each row, that depends on that row alone.

A time or an energy is no whole number, and is rounded row by row to a grid, which its name or its note says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.base.hints import Hint, option, said
from costcalc.costs.rows import Row, row_of
from costcalc.graph.graph import Graph, Node
from costcalc.hardware import lut
from costcalc.hardware.roofline import timings
from costcalc.measures.latency import modelled
from costcalc.measures.metric import Metric, Setup, counted, find
from costcalc.numbers.num import UNKNOWN, Dim

TIMES = {"latency": "latency_us", "latency_most": "latency_most_us"}  # of a device, in whole microseconds a row
ENERGIES = ("energy", "energy_compute", "energy_onchip", "energy_dram")
LOOKED_UP = "lut_us"  # of a user's table, in whole microseconds a layer


class Additive(NamedTuple):
    """What is added up: its name, what the rows of a part of a network have of it, and what is to be said of it."""

    name: str
    rows: Callable[[Graph], Sequence[Dim]]
    note: str = ""


def additive(name: str, setup: Setup) -> Additive:
    """Return what a space adds up for a metric; raise SpecError for one that is no sum of what its rows have."""
    metric = find(name)
    if metric.local:
        return Additive(name, lambda graph: metric.rows(graph, setup))
    if name == "bytes":
        return Additive(name, lambda graph: _whole_bytes(metric, graph, setup))
    if name in TIMES or (name in ENERGIES and not setup.onchip):
        if setup.fusion != "eager":
            raise stop(
                f"{name} depends on what is fused with what, and so on neighbours: it is no sum over layers",
                hint=said("ask for it with {}", option(fusion="eager")),
            )
        if name in ENERGIES:
            return Additive(name, lambda graph: _rounded(metric.rows(graph, setup), 1), f"{name}: rounded row by row")
        modelled(setup)  # refuses a device that there is not
        said_ = f"{TIMES[name]}: {metric.says(setup)}; whole microseconds, row by row"
        return Additive(TIMES[name], lambda graph: _rounded(metric.rows(graph, setup), 1000), said_)
    raise stop(
        f"{name} is no sum over layers each of which has its own, and so a space can't add it up",
        hint=Hint(
            "draw a sample, and count its networks: costcalc.space(spec).sample(1000)",
            "draw a sample, and count its networks: costcalc space SPEC --sample 1000 -o some.csv",
        ),
    )


def _rounded(values: Sequence[Dim], steps: int) -> list[Dim]:
    return [value if value is None or value is UNKNOWN else round(steps * value) for value in values]


def _whole_bytes(metric: Metric, graph: Graph, setup: Setup) -> Sequence[Dim]:
    """Return the bytes of every row; raise SpecError where those of a row are no whole number, and are packed."""
    total, rows = metric.total(graph, setup), metric.rows(graph, setup)
    if total != sum(value for value in rows if value is not None):
        raise stop("bytes that are no whole number in each row are packed, and so no sum", hint="take 8 bits, or 16")
    return rows


# ---- a user's table ---------------------------------------------------------------------------------


class LookedUp:
    """Times of a user's table, a layer with its norm and activation each."""

    def __init__(self, table: Sequence[lut.Entry], path: str, setup: Setup) -> None:
        """setup: where it names a device, that stands in for layers that the table has not."""
        self.table = table
        self.path = path
        self.setup = setup
        self.lacking: dict[str, None] = {}
        self.free: dict[str, None] = {}

    def additive(self) -> Additive:
        """Return what a space adds up."""
        return Additive(LOOKED_UP, self.rows)

    def rows(self, graph: Graph) -> Sequence[Dim]:
        """Return the time of every row: a layer's stands at its first."""
        return [self.microseconds(row) for row in counted(graph)]

    def microseconds(self, row: Row) -> int:
        """Return a row's time in whole microseconds."""
        first = row_of(_first(row.node))
        found = lut.looked_up(first, self.table)
        if found is not None:
            return round(1e6 * found) if first.node is row.node else 0
        if self.setup.device:
            (one,) = timings([row], modelled(self.setup))
            return round(1e6 * one.least)
        words = ", ".join(f"{key} {value}" for key, value in lut.facts(row, row).items() if key != "name")
        (self.lacking if row.macs is UNKNOWN or row.macs > 0 else self.free)[words] = None
        return 0

    def notes(self) -> list[str]:
        """Return what is to be said of the table; raise SpecError where layers that compute are not in it."""
        if self.lacking:
            first, *others = self.lacking
            more = f", and {len(others):,} more kinds" if others else ""
            raise stop(
                f"{self.path} has no line for a layer of {first}{more}",
                hint=said("write a line for each kind, or let a device stand in: {}", option(device="NAME")),
            )
        found = [f"{LOOKED_UP}: whole microseconds, layer by layer, of {self.path}"]
        kinds = {words.partition("type ")[2].partition(",")[0]: None for words in self.free}
        return [*found, f"not in the table, and of no time: {', '.join(kinds)}"] if kinds else found


def _first(node: Node) -> Node:
    """Return the first row of the layer that a row belongs to: the convolution of a norm."""
    while node.inputs and (before := node.inputs[0].node) is not None and before.layer == node.layer:
        node = before
    return node
