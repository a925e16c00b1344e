"""Devices: what data sheets and measurements say of each, as data files that anyone can add to."""

from __future__ import annotations

import os

from costcalc.base import Data
from costcalc.hardware.reading import SUFFIX, Number, free_keys, located, named, number, numbers, opened, part
from costcalc.hardware.words import DTYPES, FUSIONS, GROUPINGS
from costcalc.language.sections import Section

FOLDER = "devices"
VERSION = "costcalc_device"
KINDS = ("cpu", "gpu", "npu", "mcu")
_FILE = ("title", "kind", "runtime", "datasheet", "measured")
_SHEET = (*(f"{dtype}_gops" for dtype in DTYPES), "bandwidth_gbs", "onchip_kib", "onchip_what")
_FIT = (
    *(f"{name}_gmacs" for name in GROUPINGS),
    "bandwidth_gbs", "overhead_us", "fusion", "batch", "error_percent", "trust",
)  # fmt: skip


class FittedRates:
    """What measured networks say of a device at one dtype: rates in MACs and bytes a second, seconds an operator."""

    def __init__(self, section: Section) -> None:
        before = len(section.problems)
        rates = numbers(section, [f"{name}_gmacs" for name in GROUPINGS])
        self.rates = {key.removesuffix("_gmacs"): rate for key, rate in rates.items()}
        if "dense" not in self.rates and len(section.problems) == before:
            hint = "the others are as dense where they are missing"
            section.problems.note("measured rates need dense_gmacs", section.node.mark, hint)
        self.bandwidth = number(section, "bandwidth_gbs")
        self.overhead = number(section, "overhead_us", zero=True)
        self.fusion = section.choice("fusion", FUSIONS, "ideal")
        self.batch = number(section, "batch", whole=True)  # the least that it holds for
        self.error = number(section, "error_percent", zero=True)
        self.trust = section.text("trust")
        self.source = section.inherited("source")

    def rate(self, grouping: str) -> float:
        """Return MACs a second of a kind of layer; as dense where it was not fitted."""
        return 1e9 * (self.rates.get(grouping) or self.rates["dense"]).value

    @property
    def least_batch(self) -> int:
        """The least batch that it holds for."""
        return int(self.batch.value) if self.batch else 1


class Device:
    """One device: its data sheet, and what was measured on it, by dtype."""

    def __init__(self, name: str, top: Section) -> None:
        self.name = name
        self.title = top.text("title", name)
        self.kind = top.choice("kind", KINDS, "cpu")
        self.runtime = top.text("runtime")
        sheet, measured = part(top, "datasheet", _SHEET), part(top, "measured", DTYPES, "measured: '{}' is no dtype")
        peaks = numbers(sheet, [f"{dtype}_gops" for dtype in DTYPES])
        self.peaks = {key.removesuffix("_gops"): peak for key, peak in peaks.items()}  # two operations to a MAC
        self.bandwidth = number(sheet, "bandwidth_gbs")
        self.onchip = number(sheet, "onchip_kib")
        self.onchip_what = sheet.text("onchip_what")
        self.fits = {key: FittedRates(part(measured, key, _FIT)) for key in free_keys(measured)}
        if top.problems:
            raise top.problems.error()

    @property
    def onchip_bytes(self) -> int | None:
        """The bytes that its on-chip memory holds."""
        return int(self.onchip.value * 1024) if self.onchip else None

    def to_dict(self) -> Data:
        """Return the device as plain data: every number with its source and confidence."""
        sheet: dict[str, Number | None] = {"bandwidth_gbs": self.bandwidth, "onchip_kib": self.onchip}
        sheet |= {f"{dtype}_gops": peak for dtype, peak in self.peaks.items()}
        return {
            "name": self.name,
            "title": self.title,
            "kind": self.kind,
            "runtime": self.runtime,
            "datasheet": {key: number.to_dict() for key, number in sheet.items() if number},
            "measured": {dtype: _fit(fit) for dtype, fit in self.fits.items()},
        }


def _fit(fit: FittedRates) -> Data:
    numbers: dict[str, Number | None] = {f"{name}_gmacs": rate for name, rate in fit.rates.items()}
    numbers |= {"bandwidth_gbs": fit.bandwidth, "overhead_us": fit.overhead, "error_percent": fit.error}
    told = {key: number.to_dict() for key, number in numbers.items() if number}
    return {**told, "fusion": fit.fusion, "least_batch": fit.least_batch, "trust": fit.trust}


def load(word: str) -> Device:
    """Return a device by name, or from a file by its path; raise SpecError with every mistake in it."""
    path, shown = located(word, FOLDER, "device")
    return Device(os.path.basename(shown).removesuffix(SUFFIX), opened(path, shown, VERSION, _FILE))


def devices() -> list[Device]:
    """Return all devices of the package."""
    return [load(name) for name in named(FOLDER)]
