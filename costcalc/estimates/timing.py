"""A network's time on a device: a range, or a lower bound, layer by layer; of an NPU only whether weights fit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.hardware import lut
from costcalc.hardware.device import Device
from costcalc.hardware.roofline import Roofline, Timing, bound, model, timings
from costcalc.measures.latency import Span, milliseconds, span, spilt
from costcalc.numbers.num import UNKNOWN, Dim, or_none, percentage
from costcalc.reports.lines import Line, shorter
from costcalc.reports.page import Page
from costcalc.reports.result import Result
from costcalc.reports.table import Column, Table


class Latency:
    """The time that a network takes on a device, for the result's batch.

    dtype, fusion: as the device was measured unless told. table: measured layers that stand above the model.
    Raises SpecError where the device has no rates for the dtype, and for an NPU (`Fit` tells what fits).
    """

    def __init__(
        self, result: Result, device: Device, dtype: str = "", fusion: str = "", table: Sequence[lut.Entry] = ()
    ) -> None:
        self.result = result
        self.model: Roofline = model(device, dtype, fusion, result.batch)
        self.rows: list[Timing] = timings([row.row for row in result.rows], self.model)
        self.looked_up = 0
        if table:
            self.rows, self.looked_up = lut.applied(self.rows, table)
        self.given = bool(table)
        self.total: Span = span(self.rows)

    @property
    def milliseconds(self) -> tuple[Dim, Dim]:
        """The least and the most, in ms for the whole batch; most is None where times are a lower bound."""
        least, most = map(or_none, self.total.milliseconds)
        return least, None if self.model.bounded else most

    def __repr__(self) -> str:
        return f"<{self.result.name} on {self.model.device.name}: {self.words}>"

    @property
    def words(self) -> str:
        """The time in words: a range, or not faster than."""
        least, most = self.milliseconds
        if least is None:
            return "unknown: a layer's MACs are"
        each = f" for {self.result.batch} images" if self.result.batch > 1 else ""
        if most is None:
            return f"not faster than {shown(least)} ms{each}"
        between = shown(least) if shown(least) == shown(most) else f"{shown(least)} to {shown(most)}"
        return f"{between} ms{each}"

    def notes(self) -> list[str]:
        """Return what is to be said beside the times: how far to trust them, what came from a table."""
        said = [*self.model.says, *self.model.beyond([row.row for row in self.result.rows])]
        if self.given:
            layers = len({one.work.row.node.layer for one in self.rows})
            left = "all" if self.looked_up == layers else f"the other {layers - self.looked_up} are the model's"
            said.append(f"{self.looked_up} of {layers} layers are measured ones of the table; {left}")
        return said

    def page(self, by: str = "layer", fold: int | None = None) -> Page:
        """Return the times as a page."""
        above, below = self.result.heading(), [self.words, *self.notes()]
        return Page(
            lambda: [self.table(by, fold)],
            self.records,
            self.to_dict,
            heading=above,
            notes=below,
            shorter=shorter(self.result.rows, by, fold, self._cells, lambda lines: [self.table(by, fold, lines)]),
            prose=True,
        )

    def table(self, by: str = "layer", fold: int | None = None, lines: Sequence[Line] = ()) -> Table:
        """Return a line a layer: MACs a byte, time, its share, and what bounds it."""
        times = ["ms at least"] if self.model.bounded else ["ms", "to"]
        folded = by in ("type", "block")
        columns = [
            *([Column(by), Column("rows", "number")] if folded else [Column("layer"), Column("type")]),
            Column("MACs", "count"), Column("MACs/byte", "number"), *(Column(time, "number") for time in times),
            Column("%", "share"), Column("bound"),
        ]  # fmt: skip
        shown_lines = lines or self.result.lines(by, fold)
        cells = [[line.name, str(len(line.rows)) if folded else line.type, *self._cells(line)] for line in shown_lines]
        spans = [self.total.least] if self.model.bounded else [self.total.least, self.total.most]
        macs = sum(row[2] for row in cells)
        totals = [
            "total",
            str(len(self.rows)) if folded else plural(len(cells), "line"),
            macs,
            "",
            *(shown(or_none(milliseconds(time))) for time in spans),
            "",
            "",
        ]
        return Table(columns, cells, totals, paths=by in ("layer", "row"))

    def _cells(self, line: Line) -> list[Datum]:
        rows = [self.rows[row.node.index] for row in line.rows]
        found = span(rows)
        times = [found.least] if self.model.bounded else [found.least, found.most]
        macs = sum(one.work.macs for one in rows) * self.result.batch
        return [
            macs,
            self._intensity(rows),
            *(shown(or_none(milliseconds(time))) for time in times),
            percentage(found.least, self.total.least),
            bound(rows),
        ]

    def _intensity(self, rows: Sequence[Timing]) -> str:
        moved = sum(one.work.bytes(self.model.dtype, self.result.batch) for one in rows)
        macs = sum(one.work.macs for one in rows) * self.result.batch
        return str(UNKNOWN) if macs is UNKNOWN else f"{float(Fraction(macs, moved)):.1f}" if moved and macs else ""

    def records(self) -> list[Data]:
        """Return a record a row: exact floats in milliseconds."""
        return [self._record(one) for one in self.rows]

    def _record(self, one: Timing) -> Data:
        row, batch = one.work.row, self.result.batch
        return {
            "name": row.name,
            "type": row.type,
            "macs": or_none(row.macs * batch),
            "bytes": one.work.bytes(self.model.dtype, batch),
            "ms_least": or_none(milliseconds(one.least)),
            "ms_most": None if self.model.bounded else or_none(milliseconds(one.most)),
            "bound": one.bound,
            "device": self.model.device.name,
            "dtype": self.model.dtype,
            "fusion": self.model.fusion,
            "batch": batch,
        }

    def to_dict(self) -> Data:
        """Return everything as plain data."""
        least, most = self.milliseconds
        return {
            "name": self.result.name,
            "knobs": self.result.graph.knobs,
            "device": self.model.device.to_dict(),
            "dtype": self.model.dtype,
            "fusion": self.model.fusion,
            "batch": self.result.batch,
            "ms_least": least,
            "ms_most": most,
            "lower_bound_only": self.model.bounded,
            "says": self.notes(),
            "rows": self.records(),
        }


class WeightsFit:
    """Whether a network's weights fit the on-chip memory of a device, and what is spilt where they do not."""

    def __init__(self, result: Result, device: Device, dtype: str = "") -> None:
        self.result = result
        self.device = device
        self.dtype, self.weight_bytes, self.spill = spilt([row.row for row in result.rows], device, dtype)

    @property
    def words(self) -> str:
        """What fits, in words."""
        room = f"{self.device.onchip_bytes:,} bytes of {self.device.onchip_what or 'on-chip memory'}"
        if not self.spill:
            return f"fits: {self.weight_bytes:,} bytes of weights ({self.dtype}) in {room}"
        return f"does not fit: {self.weight_bytes:,} bytes of weights ({self.dtype}), {room}: {self.spill:,} are spilt"

    def page(self, by: str = "", fold: int | None = None) -> Page:
        """Return what fits as a page; it has no lines."""
        said = [f"{self.device.title}: {self.words}"]
        return Page(records=self.records, data=self.to_dict, heading=self.result.heading(), notes=said, prose=True)

    def records(self) -> list[Data]:
        """Return one record, exact."""
        return [{**self.to_dict(), "device": self.device.name}]

    def to_dict(self) -> Data:
        """Return the same as plain data."""
        return {
            "name": self.result.name, "device": self.device.to_dict(), "dtype": self.dtype,
            "weight_bytes": self.weight_bytes, "onchip_bytes": self.device.onchip_bytes, "spill_bytes": self.spill,
        }  # fmt: skip


def estimated(result: Result, device: Device, **options: Datum) -> Latency | WeightsFit:
    """Return a network's time on a device, or of an NPU what fits it."""
    if device.kind != "npu":
        return Latency(result, device, **options)
    if options.get("table"):
        raise stop(f"{device.name}: no time is predicted for an NPU, with a table or without")
    if options.get("fusion"):
        raise stop(f"{device.name}: of an NPU is told what fits, and fusion is about times", hint="leave it out")
    return WeightsFit(result, device, options.get("dtype", ""))


def shown(milliseconds: Dim) -> str:
    """Return milliseconds with three digits."""
    if milliseconds is None:
        return str(UNKNOWN)
    if 0 < milliseconds < 0.0005:
        return "<0.001"
    return f"{milliseconds:,.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}" if milliseconds else "0"
