"""Time on a device, row by row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.base.hints import function, option, said
from costcalc.costs.rows import Row
from costcalc.graph.graph import Graph
from costcalc.hardware import device
from costcalc.hardware.energy import Chip, placed
from costcalc.hardware.roofline import Roofline, Timing, bound, model, spill, timings
from costcalc.measures.metric import Metric, Setup, counted
from costcalc.numbers.num import UNKNOWN, Dim

SOURCE = "docs/latency.md; Williams et al. 2009 (roofline)"
USES = ("device", "dtype", "fusion", "batch")


def chosen(setup: Setup) -> device.Device:
    """Return the device that a setup names; raise SpecError where it names none."""
    if not setup.device:
        raise stop(
            "a time is one on a device, and none is named",
            hint=said("{}: {} lists them", option(device="pixel1_big_core"), function("devices")),
        )
    return _loaded(setup.device)


@lru_cache(maxsize=8)
def _loaded(name: str) -> device.Device:
    return device.load(name)


def modelled(setup: Setup) -> Roofline:
    """Return what times are computed with under a setup."""
    return model(chosen(setup), setup.dtype, setup.fusion, setup.batch)


def milliseconds(seconds: Dim) -> Dim:
    """Return seconds as milliseconds, to a picosecond: far below what a budget tells apart."""
    return seconds if seconds is UNKNOWN else round(1e3 * seconds, 9)


class Span(NamedTuple):
    """A time for the whole batch: where arithmetic and memory overlap, and where they do not."""

    least: Dim
    most: Dim

    @property
    def milliseconds(self) -> Span:
        """The same in ms, as it is told."""
        return Span(milliseconds(self.least), milliseconds(self.most))


def span(rows: Iterable[Timing]) -> Span:
    """Return the sum of rows' times, in seconds: rounded is what is told, not what is summed."""
    found = list(rows)
    return Span(sum(one.least for one in found), sum(one.most for one in found))


def spilt(rows: Sequence[Row], on: device.Device, dtype: str = "") -> tuple[str, int, int]:
    """Return the type of numbers, the bytes of all weights, and those that a device's memory has no room for."""
    dtype = dtype or next(iter(on.peaks), "int8")
    weights = placed(rows, Chip(dtype)).weight_bytes
    return dtype, weights, spill(weights, on)


class Time(Metric):
    """What times share: the device, and how far to trust it."""

    uses = USES
    needs = {"device": "pixel3_4_threads"}
    source = SOURCE
    kind = "ratio"
    unit = "ms"

    def says(self, setup: Setup) -> str:
        found = modelled(setup)
        return f"{found.device.name}, {found.dtype}, fusion {found.fusion}, batch {found.batch}"

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        found = modelled(setup)
        return [*found.says[1:], *found.beyond(counted(graph))]

    def over(self, graph: Graph, setup: Setup, values: Sequence[Dim], indices: Sequence[int]) -> Dim:
        """Return the time of these rows together: their sum is rounded, not they."""
        found = timed(graph, setup)
        return self.of(span(found[index] for index in indices).milliseconds, setup)

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [self.of(span([one]).milliseconds, setup) for one in timed(graph, setup)]

    def of(self, time: Span, setup: Setup) -> Dim:
        """Return which end of a time it is."""
        raise NotImplementedError


@lru_cache(maxsize=8)
def timed(graph: Graph, setup: Setup) -> list[Timing]:
    """Return the parts of every row's time."""
    return timings(counted(graph), modelled(setup))


class LatencyMetric(Time, name="latency"):
    """Time where arithmetic and memory overlap; of a device with a data sheet only: not faster than that."""

    title = "ms"

    def of(self, time: Span, setup: Setup) -> Dim:
        return time.least


class LatencyMost(Time, name="latency_most"):
    """Time where arithmetic and memory do not overlap; none on a device that was not measured."""

    title = "ms at most"

    def of(self, time: Span, setup: Setup) -> Dim:
        return None if modelled(setup).bounded else time.most


class Bound(Time, name="bound"):
    """What takes most of a layer's time on a device: compute, memory or overhead."""

    title, unit, kind = "bound", "word", "text"

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [one.bound for one in timed(graph, setup)]

    def over(self, graph: Graph, setup: Setup, values: Sequence[Dim], indices: Sequence[int]) -> Dim:
        """Return what takes most of several rows' time."""
        found = timed(graph, setup)
        return bound([found[index] for index in indices])

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        return []


class Spill(Metric, name="spill"):
    """Bytes of weights that a device's on-chip memory has no room for; 0 where all of them fit."""

    unit, title = "bytes", "spilt"
    source = "docs/latency.md"
    uses = ("device", "dtype")
    needs = {"device": "coral_edgetpu"}

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [None] * len(graph.nodes)

    def total(self, graph: Graph, setup: Setup) -> Dim:
        """Return the bytes beyond what fits: weights are on the chip all together or not at all."""
        return spilt(counted(graph), chosen(setup), setup.dtype)[-1]
