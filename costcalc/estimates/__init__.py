"""Networks on hardware: stored size, time on a device, energy; each function takes what stands for a network.

    from costcalc import estimates
    estimates.latency("mobilenet_v2@width=0.5", "pixel1_big_core").milliseconds

A network, and how it is asked about (`knobs`, `input`, `batch`, `variant`), is said as in `costcalc.count`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from costcalc.asked import NetworkLike, asked
from costcalc.base import Datum, GivenShape, hints
from costcalc.base.arguments import listed, number, path, said, text, whole
from costcalc.base.errors import stop

if TYPE_CHECKING:
    from costcalc.estimates.powering import Energy
    from costcalc.estimates.sizing import Choices, Sizes
    from costcalc.estimates.timing import Latency, WeightsFit


def size(
    network: NetworkLike,
    /,
    bits: Choices = None,
    density: Choices = None,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    variant: str = "",
    gap: int = 4,
    pattern: str = "",
    scales: str = "none",
    **more: Datum,
) -> Sizes:
    """Return what a network's weights take to store, form by form: `.forms`, `.rows`, `.effective_macs`.

    bits, density: a number, or by selector, `{"fc": 4}`. gap: bits of a relative index. pattern: "2:4". scales:
    none, tensor, channel or codebook.

    >>> size("mobilenet_v1", bits=8).forms[1].least
    4300640

    Raises SpecError for a selector that means nothing, or a value out of range.
    """
    from costcalc.estimates.sizing import Sizes
    from costcalc.hardware.compression import Coding, pattern_of

    pattern = text(pattern, "a pattern", 'pattern="2:4"')
    coding = Coding(_bits(gap), pattern_of(pattern) if pattern else None, text(scales, "scales"))
    found = asked(network, more, knobs, input, batch, variant=variant)
    return Sizes(found.result, bits, density, coding)


def latency(
    network: NetworkLike,
    /,
    device: str,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    variant: str = "",
    dtype: str = "",
    fusion: str = "",
    lut: str = "",
    **more: Datum,
) -> Latency | WeightsFit:
    """Return a network's time on a device: `.milliseconds`, least and most; of an NPU what fits: `.spill`.

    device: a name or a file's path. dtype, fusion: as it was measured unless told. lut: a CSV of measured layers.

    >>> latency("mobilenet_v1", "pixel1_big_core").words
    '124 ms'

    Raises SpecError for a device, a dtype or a table that is none.
    """
    from costcalc.estimates.timing import estimated
    from costcalc.hardware import device as devices
    from costcalc.hardware import lut as tables

    measured = path(lut, "a table of measured layers")
    table = tables.load(measured) if measured else ()
    held = devices.load(path(device, "a device", hints.said("{} lists them", hints.function("devices"))))
    found = asked(network, more, knobs, input, batch, variant=variant)
    return estimated(found.result, held, **_settled(dtype=dtype, fusion=fusion), table=table)


def energy(
    network: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    variant: str = "",
    table: str = "horowitz_45nm",
    dtype: str = "fp32",
    fusion: str = "ideal",
    onchip: int = 0,
    **more: Datum,
) -> Energy:
    """Return a network's energy by place: `.of("dram")`, `.total`, in the table's unit; relative, no chip's.

    table: a name or a file's path. onchip: bytes of memory on the chip.

    >>> round(energy("alexnet").of("compute") / 1e9, 2)
    3.29

    Raises SpecError for a table that is none, or has no such dtype.
    """
    from costcalc.estimates.powering import Energy
    from costcalc.hardware.energy import Chip, load

    options = _settled(dtype=dtype, fusion=fusion, onchip=onchip)
    chip = Chip(options["dtype"] or "fp32", fusion=options["fusion"] or "ideal", onchip=options["onchip"])
    found = asked(network, more, knobs, input, batch, variant=variant)
    return Energy(found.result, load(path(table, "an energy table")), chip)


def reward(accuracy: Datum, latency: Datum, target: float, power: float = -0.07) -> Datum:
    """Return accuracy * (latency / target)^power, what a search maximises (MnasNet, arXiv:1807.11626, equation 2).

    accuracy, latency: numbers, or columns of a table; then an array is returned.

    >>> round(reward(0.75, 160, 80), 4)
    0.7145
    >>> reward([0.75, 0.76], [80, 160], 80).round(4).tolist()
    [0.75, 0.724]

    Raises SpecError for a time that is not above zero, and for columns that are not equally long.
    """
    from costcalc.hardware.roofline import reward as found

    columns = {"accuracy": listed(accuracy), "latency": listed(latency)}
    lengths = {name: len(values) for name, values in columns.items() if values is not None}
    if not lengths:
        given = {"accuracy": accuracy, "latency": latency, "target": target, "power": power}
        return found(**{name: number(value, name) for name, value in given.items()})
    if len({*lengths.values()}) > 1:
        raise stop(f"{lengths['accuracy']:,} accuracies and {lengths['latency']:,} latencies are no lines of one table")
    import numpy as np

    (length,) = {*lengths.values()}
    accuracies, latencies = columns["accuracy"] or [accuracy] * length, columns["latency"] or [latency] * length
    pairs = zip(accuracies, latencies, strict=True)
    return np.array([reward(*pair, target, power) for pair in pairs], float)


def _bits(gap: Datum) -> int:
    """Return the bits of a relative index."""
    found = whole(gap)
    if found is None:
        raise stop(f"a relative index has a whole number of bits, not {said(gap)}")
    return found


def _settled(**options: Datum) -> dict[str, Datum]:
    """Return options of metrics, each a value that it takes."""
    from costcalc.measures.metric import OPTIONS

    known = {name: OPTIONS[name].default if value is None else value for name, value in options.items()}
    return {name: OPTIONS[name].settled(name, value) for name, value in known.items()}
