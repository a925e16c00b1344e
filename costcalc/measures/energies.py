"""Energy under a table of operations and accesses, by place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import ClassVar

from costcalc.graph.graph import Graph
from costcalc.hardware import energy
from costcalc.hardware.energy import Chip, Spent
from costcalc.hardware.words import DTYPES
from costcalc.measures.metric import Metric, Setup, counted, find
from costcalc.numbers.num import Dim


@lru_cache(maxsize=8)
def _loaded(name: str) -> energy.EnergyTable:
    return energy.load(name)


def peak(graph: Graph, chip: Chip) -> int | None:
    """Return the bytes of activations alive at once, in mode fused; None with no memory on the chip, or unknown."""
    if not chip.onchip:
        return None
    found = find("peak_memory").total(graph, Setup(bits=8 * DTYPES[chip.dtype], batch=chip.batch))
    return found if isinstance(found, int) else None


class EnergyMetric(Metric, name="energy"):
    """Energy of compute, on-chip memory and DRAM under a table: relative, no chip's, no battery life."""

    title, unit = "energy", "of the table's unit"
    source = "docs/energy.md"
    uses: ClassVar[tuple[str, ...]] = ("energy_table", "onchip", "dtype", "fusion", "batch")
    places: tuple[str, ...] = energy.PLACES

    def measured_in(self, setup: Setup) -> str:
        return _loaded(setup.energy_table).unit

    def heading(self, setup: Setup) -> str:
        return f"{self.title}, {self.measured_in(setup)}"

    def says(self, setup: Setup) -> str:
        room = f", {setup.onchip:,} bytes on the chip" if setup.onchip else ""
        under = f"{setup.dtype or 'fp32'}, fusion {setup.fusion or 'ideal'}, batch {setup.batch}"
        return f"{_loaded(setup.energy_table).title}, {under}{room}"

    def spent(self, graph: Graph, setup: Setup) -> list[Spent]:
        """Return what every row takes."""
        chip = Chip(setup.dtype or "fp32", setup.batch, setup.fusion or "ideal", setup.onchip or 0)
        return energy.spent(counted(graph), chip, _loaded(setup.energy_table), peak(graph, chip))

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [sum(getattr(one, place) for place in self.places) for one in self.spent(graph, setup)]


class EnergyCompute(EnergyMetric, name="energy_compute"):
    """Energy of multiply-accumulates under a table: relative."""

    title, places = "compute", ("compute",)
    uses = ("energy_table", "dtype", "batch")


class EnergyOnchip(EnergyMetric, name="energy_onchip"):
    """Energy of words that stay in the memory on the chip, under a table: relative."""

    title, places = "on-chip", ("onchip",)


class EnergyDram(EnergyMetric, name="energy_dram"):
    """Energy of words that cross to and from DRAM, each tensor once a pass, under a table: relative."""

    title, places = "DRAM", ("dram",)
