"""Devices: what data sheets and measurements say of each, as data files that anyone can add to."""

from __future__ import annotations

import os
from typing import Any

from costcalc.hardware.reading import SUFFIX, Number, Section, closed, located, named, opened
from costcalc.hardware.traffic import DTYPES, FUSIONS, GROUPINGS

FOLDER = "devices"
VERSION = "costcalc_device"
KINDS = ("cpu", "gpu", "npu", "mcu")


class FittedRates:
    """What measured networks say of a device at one dtype: rates in MACs and bytes a second, seconds an operator."""

    def __init__(self, section: Section) -> None:
        numbers = {name: section.number(f"{name}_gmacs") for name in GROUPINGS}
        self.rates: dict[str, Number] = {name: number for name, number in numbers.items() if number is not None}
        self.bandwidth = section.number("bandwidth_gbs")
        self.overhead = section.number("overhead_us", zero=True)
        self.fusion = section.text("fusion", "ideal")
        self.batch = section.number("batch", whole=True)  # the least that it holds for
        self.error = section.number("error_percent", zero=True)
        self.trust = section.text("trust")
        self.source = section.source
        if self.fusion not in FUSIONS:
            section.wrong(section.node, f"fusion is one of {', '.join(FUSIONS)}, not '{self.fusion[:40]}'")
        if "dense" not in self.rates:
            section.wrong(
                section.node, "measured rates need dense_gmacs", "the others are as dense where they are missing"
            )
        section.done()

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
        self.kind = top.text("kind", "cpu")
        self.runtime = top.text("runtime")
        if self.kind not in KINDS:
            top.wrong(top.node, f"kind is one of {', '.join(KINDS)}, not '{self.kind[:40]}'")
        sheet = top.section("datasheet")
        self.peaks = _peaks(sheet) if sheet else {}
        self.bandwidth = sheet.number("bandwidth_gbs") if sheet else None
        self.onchip = sheet.number("onchip_kib") if sheet else None
        self.onchip_what = sheet.text("onchip_what") if sheet else ""
        if sheet:
            sheet.done()
        measured = top.section("measured")
        self.fits = (
            {key: FittedRates(one) for key, one in measured.sections().items() if _dtype(one, key)} if measured else {}
        )
        closed(top)

    @property
    def onchip_bytes(self) -> int | None:
        """The bytes that its on-chip memory holds."""
        return int(self.onchip.value * 1024) if self.onchip else None

    def to_dict(self) -> dict[str, Any]:
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


def _fit(fit: FittedRates) -> dict[str, Any]:
    numbers: dict[str, Number | None] = {f"{name}_gmacs": rate for name, rate in fit.rates.items()}
    numbers |= {"bandwidth_gbs": fit.bandwidth, "overhead_us": fit.overhead, "error_percent": fit.error}
    told = {key: number.to_dict() for key, number in numbers.items() if number}
    return {**told, "fusion": fit.fusion, "least_batch": fit.least_batch, "trust": fit.trust}


def _peaks(sheet: Section) -> dict[str, Number]:
    """Return the operations a second, two to a MAC, that a data sheet promises, by dtype."""
    found = {dtype: sheet.number(f"{dtype}_gops") for dtype in DTYPES}
    return {dtype: number for dtype, number in found.items() if number is not None}


def _dtype(section: Section, key: str) -> bool:
    if key not in DTYPES:
        section.wrong(section.node, f"measured: '{key}' is no dtype", f"known: {', '.join(DTYPES)}")
    return key in DTYPES


def load(word: str) -> Device:
    """Return a device by name, or from a file by its path; raise SpecError with every mistake in it."""
    path, shown = located(word, FOLDER, "device")
    return Device(os.path.basename(shown).removesuffix(SUFFIX), opened(path, shown, VERSION))


def devices() -> list[Device]:
    """Return all devices of the package."""
    return [load(name) for name in named(FOLDER)]
