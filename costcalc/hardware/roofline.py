"""Time on a device, row by row: max(MACs / rate, bytes / bandwidth) + overhead, or their sum (Williams et al. 2009).

Of a device whose rates were measured the time is a range, from the maximum (arithmetic and memory fully overlap) to the
sum (they do not). Of one with a data sheet only it is a lower bound: peak and bandwidth, no overhead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from costcalc.base.errors import stop
from costcalc.base.hints import Hint
from costcalc.base.text import plural
from costcalc.costs.rows import Row
from costcalc.hardware.device import Device, FittedRates
from costcalc.hardware.traffic import Work, known_dtype, works
from costcalc.numbers.num import UNKNOWN, Dim

BOUNDS = ("compute", "memory", "overhead")


class Roofline(NamedTuple):
    """What a row's time is computed with: rates in MACs and bytes a second, seconds an operator."""

    device: Device
    dtype: str
    fusion: str
    batch: int
    fit: FittedRates | None  # None: peak and bandwidth of the data sheet, a lower bound

    @property
    def bounded(self) -> bool:
        """Whether times are a lower bound only."""
        return self.fit is None

    def rate(self, grouping: str) -> float:
        """Return MACs a second."""
        return self.fit.rate(grouping) if self.fit else self.device.peaks[self.dtype].value * 1e9 / 2

    @property
    def bandwidth(self) -> float:
        """Bytes a second; infinite where nobody knows it."""
        known = (self.fit.bandwidth if self.fit else None) or self.device.bandwidth
        return known.value * 1e9 if known else float("inf")

    @property
    def overhead(self) -> float:
        """Seconds for an operator that is launched."""
        return self.fit.overhead.value * 1e-6 if self.fit and self.fit.overhead else 0.0

    @property
    def ridge(self) -> float:
        """MACs a byte above which a dense layer is bound by arithmetic."""
        return self.rate("dense") / self.bandwidth

    @property
    def says(self) -> list[str]:
        """How far to trust the times, in plain words."""
        under = f"{self.device.title}: {self.dtype}, batch {self.batch}, fusion {self.fusion}"
        if self.fit is None:
            said = "not faster than this: peak and bandwidth of the data sheet, which no network reaches"
            other = [dtype for dtype, fit in self.device.fits.items() if fit]
            hint = f"; measured rates are there for {_held(self.device)}" if other else ""
            return [under, f"{said}{hint}"]
        if self.bandwidth < float("inf"):
            parts = "from full overlap of compute and memory to none; rates are fitted to none: expect the upper end"
        else:
            parts = "the fit gave memory no time of its own"
        told = [under, f"{parts}; {self.fit.trust}".rstrip("; ")]
        if self.fusion != self.fit.fusion:
            told.append(f"the rates were fitted with fusion {self.fit.fusion}: with another the times are off")
        return told

    def beyond(self, rows: Sequence[Row]) -> list[str]:
        """What of a network no fit has seen, in plain words: convolutions that slide over one axis, or over three."""
        ops = [row.node.op for row in rows]
        odd = sum("macs" in op.counted and len(getattr(op, "kernel", (1, 1))) != 2 for op in ops)
        if self.fit is None or not odd:
            return []
        return [f"{odd} of {plural(len(ops), 'row')} slide over one axis or three: the rates were fitted to none such"]


def _held(device: Device) -> str:
    return ", ".join(f"{dtype} from batch {fit.least_batch}" for dtype, fit in device.fits.items())


def model(device: Device, dtype: str = "", fusion: str = "", batch: int = 1) -> Roofline:
    """Return what times on a device are computed with: its measured rates where they hold, else its data sheet.

    Raises SpecError where neither is there for the dtype, and for an NPU, whose times nothing here predicts.
    """
    if device.kind == "npu":
        raise stop(
            f"{device.name}: no time is predicted for an NPU",
            hint=Hint("estimates.latency tells whether weights fit", "costcalc latency tells whether weights fit"),
        )
    known = [*device.fits, *(peak for peak in device.peaks if peak not in device.fits)]
    chosen = known_dtype(dtype) if dtype else known[0] if known else ""
    fit = device.fits.get(chosen)
    if fit is not None and batch < fit.least_batch:
        fit = None
    if fit is None and chosen not in device.peaks:
        raise stop(
            f"{device.name} has no rates for {chosen or 'any dtype'}", hint=f"it has: {', '.join(known) or 'none'}"
        )
    return Roofline(device, chosen, fusion or (fit.fusion if fit else "ideal"), batch, fit)


class Timing(NamedTuple):
    """A row's time in seconds for the whole batch, in its parts; unknown where its MACs are."""

    work: Work
    compute: Dim
    memory: Dim
    overhead: float
    measured: float | None = None  # what a table of measurements says of it

    @property
    def least(self) -> Dim:
        """The time where arithmetic and memory overlap."""
        if self.measured is not None:
            return self.measured
        return UNKNOWN if self.compute is UNKNOWN else max(self.compute, self.memory) + self.overhead

    @property
    def most(self) -> Dim:
        """The time where they do not."""
        return self.compute + self.memory + self.overhead if self.measured is None else self.measured

    @property
    def bound(self) -> str:
        """What takes most of it: compute, memory or overhead; `measured` where a table says it; nothing of no time."""
        if self.measured is not None:
            return "measured"
        if self.compute is UNKNOWN:
            return str(UNKNOWN)
        parts = (self.compute, self.memory, self.overhead)
        return BOUNDS[parts.index(max(parts))] if max(parts) else ""


def timings(rows: Sequence[Row], with_: Roofline) -> list[Timing]:
    """Return the time of every row."""
    return [_timing(work, with_) for work in works(rows, with_.fusion)]


def _timing(work: Work, with_: Roofline) -> Timing:
    compute = work.macs * with_.batch / with_.rate(work.grouping)
    memory = work.bytes(with_.dtype, with_.batch) / with_.bandwidth
    return Timing(work, compute, memory, with_.overhead if work.launched else 0.0)


def bound(rows: Sequence[Timing]) -> str:
    """Return what takes most of several rows' time."""
    sums = dict.fromkeys((*BOUNDS, "measured"), 0.0)
    for one in rows:
        if one.compute is UNKNOWN and one.measured is None:
            return str(UNKNOWN)
        parts = (
            (0.0, 0.0, 0.0, one.measured) if one.measured is not None else (one.compute, one.memory, one.overhead, 0.0)
        )
        for name, part in zip(sums, parts, strict=True):
            sums[name] += part
    return max(sums, key=lambda name: sums[name]) if any(sums.values()) else ""


def spill(parameters: int, device: Device) -> int:
    """Return the bytes of weights that the on-chip memory has no room for."""
    room = device.onchip_bytes
    if room is None:
        raise stop(f"{device.name}: nobody says how much memory it has on chip")
    return max(0, parameters - room)


def reward(accuracy: float, latency: float, target: float, power: float = -0.07) -> float:
    """Return accuracy * (latency / target)^power, what a search maximises (MnasNet, arXiv:1807.11626, equation 2)."""
    if latency <= 0 or target <= 0:
        raise stop("latency and target are above zero")
    return float(accuracy * (latency / target) ** power)
