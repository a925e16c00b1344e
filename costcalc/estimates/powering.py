"""A network's energy by place: compute, on-chip memory, DRAM; relative, under a table that is named."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base import Data, Datum
from costcalc.hardware import energy
from costcalc.hardware.energy import PLACES, Chip, EnergyTable, Spent
from costcalc.measures.energies import peak
from costcalc.numbers.num import UNKNOWN, Dim, or_none, percentage
from costcalc.reports.lines import Line, shorter
from costcalc.reports.page import Page
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table


class Energy:
    """What a network takes under a table of energies, for the result's batch: shares, and the table's own unit.

    chip: how it is run, its batch the result's. Weights stay on the chip where all of them fit; activations where
    their peak (docs/memory.md, mode fused) fits beside.
    """

    def __init__(self, result: Result, table: EnergyTable | None = None, chip: Chip | None = None) -> None:
        self.result = result
        self.chip = (chip or Chip())._replace(batch=result.batch)
        self.prices = table or energy.load()
        rows = [row.row for row in result.rows]
        peak_bytes = peak(result.graph, self.chip)
        self.rows: list[Spent] = energy.spent(rows, self.chip, self.prices, peak_bytes)
        self.fits = energy.placed(rows, self.chip, peak_bytes)

    def of(self, place: str) -> Dim:
        """Return what one place takes in all: compute, onchip or dram."""
        return sum(getattr(one, place) for one in self.rows)

    @property
    def total(self) -> Dim:
        """All of it."""
        return sum(one.total for one in self.rows)

    def table(self, by: str = "type", fold: int | None = None, lines: Sequence[Line] = ()) -> Table:
        """Return a line a layer type (or a layer): its share of the whole, and the places' shares."""
        shown = lines or self.result.lines(by, fold)
        cells = [self._cells(line) for line in shown]
        cells.sort(key=lambda row: 0 if row[-1] is UNKNOWN else -row[-1]) if by == "type" else None
        columns = [Column(by), Column("rows", "number"), *(Column(f"{place} %", "share") for place in PLACES),
                   Column("all %", "share")]  # fmt: skip
        totals = [percentage(self.of(place), self.total) for place in PLACES]
        return Table(columns, cells, ["total", str(len(self.rows)), *totals, percentage(self.total, self.total)])

    def _cells(self, line: Line) -> list[Datum]:
        rows = [self.rows[row.node.index] for row in line.rows]
        parts = [percentage(sum(getattr(one, place) for one in rows), self.total) for place in PLACES]
        return [line.name, str(len(rows)), *parts, percentage(sum(one.total for one in rows), self.total)]

    def page(self, by: str = "type", fold: int | None = None) -> Page:
        """Return where the energy goes as a page."""
        above, below = self.result.heading(), self.notes()
        return Page(
            lambda: [self.table(by, fold)],
            self.records,
            self.to_dict,
            heading=above,
            notes=below,
            shorter=shorter(self.result.rows, by, fold, self._cells, lambda lines: [self.table(by, fold, lines)]),
            prose=True,
        )

    def notes(self) -> list[str]:
        """Return what is to be said beside the shares: the table, what stays on the chip, what they are not."""
        said = [
            f"energy table: {self.prices.title}; {self.chip.dtype}, fusion {self.chip.fusion}, batch {self.chip.batch}"
        ]
        if self.total is UNKNOWN:
            said.insert(0, "unknown: a layer's MACs are, and with them every share of the whole")
        if self.chip.onchip:
            where = "stay on the chip" if self.fits.weights else "do not fit, and come from DRAM"
            said.append(f"weights: {self.fits.weight_bytes:,} bytes, {self.chip.onchip:,} on the chip: they {where}")
        if self.fits.peak_bytes is not None:
            where = "stay on the chip" if self.fits.activations else "do not fit, and cross to and from DRAM"
            said.append(f"activations: {self.fits.peak_bytes:,} bytes at their peak: they {where}")
        said.append("relative, for comparing under one table: no chip was measured, and it is no battery life")
        return said

    def records(self) -> list[Data]:
        """Return a record a row, in the table's unit."""
        return [
            {"name": one.row.name, "type": one.row.type, **{p: or_none(getattr(one, p)) for p in PLACES},
             "unit": self.prices.unit, "table": self.prices.name}
            for one in self.rows
        ]  # fmt: skip

    def to_dict(self) -> Data:
        """Return everything as plain data."""
        return {
            "name": self.result.name,
            "knobs": self.result.graph.knobs,
            "table": {"name": self.prices.name, "title": self.prices.title, "source": self.prices.source},
            "unit": self.prices.unit,
            **self.chip._asdict(),
            **{place: or_none(self.of(place)) for place in PLACES},
            "total": or_none(self.total),
            "weights_on_chip": self.fits.weights,
            "activations_on_chip": self.fits.activations,
            "says": self.notes(),
            "rows": self.records(),
        }
