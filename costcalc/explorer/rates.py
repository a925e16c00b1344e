"""Devices as the page has them: the numbers that times are computed with, of every device that has some."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from costcalc.base import Data
from costcalc.hardware.device import Device, devices
from costcalc.hardware.roofline import Roofline, model
from costcalc.hardware.words import DTYPES, GROUPINGS


def rates(extra: Iterable[Device] = ()) -> list[Data]:
    """Return the rates of the devices that costcalc brings, and of others, by device and type of numbers.

    Of one device and type those that hold from the largest batch on stand first.
    """
    return [
        _rates(found)
        for device in [*devices(), *extra]
        if device.kind != "npu"  # of whose times nothing is known
        for found in _models(device)
    ]


def _models(device: Device) -> Iterator[Roofline]:
    """Yield what times on a device are computed with: its fits, and its data sheet for batches below."""
    for dtype in dict.fromkeys([*device.fits, *device.peaks]):
        fit = device.fits.get(dtype)
        if fit is not None:
            yield model(device, dtype, "", fit.least_batch)
        if dtype in device.peaks and (fit is None or fit.least_batch > 1):
            yield model(device, dtype, "", 1)


def _rates(found: Roofline) -> dict[str, Any]:
    return {
        "device": found.device.name,
        "title": found.device.title,
        "dtype": found.dtype,
        "size": DTYPES[found.dtype],
        "batch": found.batch,
        "rate": [found.rate(grouping) for grouping in GROUPINGS],
        "bandwidth": None if found.bandwidth == float("inf") else found.bandwidth,
        "overhead": found.overhead,
        "fusion": found.fusion,
        "bounded": found.bounded,
        "says": found.says[1:],
    }
