"""Time on a device, row by row."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from costcalc.base.errors import stop
from costcalc.graph.graph import Graph
from costcalc.hardware import device
from costcalc.hardware.energy import Chip, placed
from costcalc.hardware.roofline import Model, Timing, bound, model, spill, timings
from costcalc.metrics.metric import Metric, Setup, counted, summed
from costcalc.numbers.num import UNKNOWN

SOURCE = "docs/latency.md; Williams et al. 2009 (roofline)"
USES = ("device", "dtype", "fusion", "batch")


def chosen(setup: Setup) -> device.Device:
    """Return the device that a setup names; raise SpecError where it names none."""
    if not setup.device:
        raise stop("a time is one on a device, and none is named", hint="--device pixel1_big_core: costcalc devices")
    return _loaded(setup.device)


@lru_cache(maxsize=8)
def _loaded(name: str) -> device.Device:
    return device.load(name)


def modelled(setup: Setup) -> Model:
    """Return what times are computed with under a setup."""
    return model(chosen(setup), setup.dtype, setup.fusion, setup.batch)


def _ms(seconds: Any) -> Any:
    """Return seconds as milliseconds, to a nanosecond."""
    return seconds if seconds is UNKNOWN else round(1e3 * seconds, 6)


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
        del graph
        return modelled(setup).says[1:]

    def fold(self, values: Sequence[Any]) -> Any:
        """Return the rows' sum, to a nanosecond."""
        total = summed(values)
        return round(total, 6) if isinstance(total, float) else total

    def timed(self, graph: Graph, setup: Setup) -> list[Timing]:
        """Return the parts of every row's time."""
        return timings(counted(graph), modelled(setup))


class LatencyMetric(Time, name="latency"):
    """Time where arithmetic and memory overlap; of a device with a data sheet only: not faster than that."""

    title = "ms"

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Any]:
        return [_ms(one.least) for one in self.timed(graph, setup)]


class LatencyMost(Time, name="latency_most"):
    """Time where arithmetic and memory do not overlap; none on a device that was not measured."""

    title = "ms at most"

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Any]:
        if modelled(setup).bounded:
            return [None] * len(graph.nodes)
        return [_ms(one.most) for one in self.timed(graph, setup)]


class Bound(Time, name="bound"):
    """What takes most of a layer's time on a device: compute, memory or overhead."""

    title, unit, kind = "bound", "word", "text"

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Any]:
        return [one.bound for one in self.timed(graph, setup)]

    def over(self, graph: Graph, setup: Setup, values: Sequence[Any], indices: Sequence[int]) -> Any:
        """Return what takes most of several rows' time."""
        del values
        found = self.timed(graph, setup)
        return bound([found[index] for index in indices])

    def remarks(self, graph: Graph, setup: Setup) -> list[str]:
        del graph, setup
        return []


class Spill(Metric, name="spill"):
    """Bytes of weights that a device's on-chip memory has no room for; 0 where all of them fit."""

    unit, title = "bytes", "spilt"
    source = "docs/latency.md"
    uses = ("device", "dtype")
    needs = {"device": "coral_edgetpu"}

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Any]:
        del setup
        return [None] * len(graph.nodes)

    def total(self, graph: Graph, setup: Setup) -> Any:
        """Return the bytes beyond what fits: weights are on the chip all together or not at all."""
        found = chosen(setup)
        dtype = setup.dtype or next(iter(found.peaks), "fp32")
        return spill(placed(counted(graph), Chip(dtype)).weight_bytes, found)
