"""A network under a device's roofline: MACs a byte against MACs a second (Williams et al. 2009)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from costcalc.asked import NetworkLike
from costcalc.base import Data, Datum, GivenShape, grouped
from costcalc.base.errors import stop
from costcalc.estimates.timing import Latency
from costcalc.hardware import device as devices
from costcalc.hardware.roofline import Roofline, Timing
from costcalc.hardware.words import GROUPINGS
from costcalc.plots.style import (
    COLOURS,
    DASHES,
    MARKERS,
    WIDTH,
    counts,
    figure,
    legend,
    named,
    results,
    small_print,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def roofline(
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
    size: tuple[float, float] | None = None,
    **more: Datum,
) -> Figure:
    """Return the layers of a network under a device's roofs: one a kind of layer, and the memory's slope.

    A point is a layer with MACs, where the model has it: on a roof it is bound by compute, on the slope by memory,
    below both by what an operator takes to start. device: a name of `costcalc devices`, or a file's path.

    Raises SpecError where nobody knows the device's bandwidth, or the network has no MACs.
    """
    (result,) = results([network], more, knobs, input, batch, variant=variant)
    found = Latency(result, devices.load(device), dtype, fusion)
    layers = [one for one in found.rows if one.work.macs and one.least]
    if found.model.bandwidth == float("inf"):
        raise stop(f"{device}: its measured rates have no bandwidth, so there is no slope to draw")
    if not layers:
        raise stop(f"{result.name} has no layer with MACs")
    with styled():
        made = figure(size or (WIDTH, 4.2))
        axes = made.subplots()
        _roofs(axes, found.model, layers)
        _layers(axes, found.model, layers)
        axes.set_xlabel("MACs a byte")
        axes.set_ylabel("MACs a second")
        axes.grid(visible=True, linewidth=0.3, color="0.85")
        for axis in (axes.xaxis, axes.yaxis):
            counts(axis)
        legend(made, axes, 3)
        small_print(made, named(result), *found.notes(), result.convention.counted)
    return made


def intensity(one: Timing, model: Roofline) -> float:
    """Return a layer's MACs a byte."""
    return float(one.work.intensity(model.dtype, model.batch))


def _roofs(axes: Axes, model: Roofline, layers: list[Timing]) -> None:
    """Draw the slope of the memory, and a roof for each kind of layer that the network has, from where they meet."""
    kinds = [kind for kind in GROUPINGS if any(one.work.grouping == kind for one in layers)]
    right = 4 * max([intensity(one, model) for one in layers] + [model.rate(kind) / model.bandwidth for kind in kinds])
    left = min(intensity(one, model) for one in layers) / 2
    ridge = max(model.rate(kind) for kind in kinds) / model.bandwidth
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.plot([left, ridge], [left * model.bandwidth, ridge * model.bandwidth], color="black", label="memory")
    rates = grouped((model.rate(kind), kind) for kind in kinds)
    for number, (rate, members) in enumerate(rates.items()):
        line: Data = {"color": COLOURS[number], "linestyle": DASHES[number + 1]}
        label = f"{', '.join(members)}: at most" if len(rates) > 1 else "compute: at most"
        axes.plot([rate / model.bandwidth, right], [rate, rate], label=label, **line)


def _layers(axes: Axes, model: Roofline, layers: list[Timing]) -> None:
    """Draw the layers, a marker a kind."""
    kinds = [kind for kind in GROUPINGS if any(one.work.grouping == kind for one in layers)]
    for number, kind in enumerate(kinds):
        members = [one for one in layers if one.work.grouping == kind]
        axes.scatter(
            [intensity(one, model) for one in members],
            [one.work.macs * model.batch / one.least for one in members],
            s=18, marker=MARKERS[number], facecolors="white", edgecolors=COLOURS[number], linewidths=0.9,
            zorder=3, label=f"{kind} layers",
        )  # fmt: skip
