"""A network under a device's roofline: MACs a byte against MACs a second (Williams et al. 2009)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from costcalc.asked import NetworkLike
from costcalc.base import Data, Datum, GivenShape, grouped
from costcalc.base.errors import stop
from costcalc.estimates.timing import Latency
from costcalc.hardware import device as devices
from costcalc.hardware.roofline import Roofline, Timing
from costcalc.hardware.words import GROUPINGS
from costcalc.plots.labels import Sheet
from costcalc.plots.style import (
    DASHES,
    MARKERS,
    Size,
    amount,
    counts,
    figure,
    legend,
    named,
    results,
    shortened,
    small_print,
    styled,
)
from costcalc.reports.colours import COLOURS, family

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGEST, SMALLEST = 260.0, 10.0  # points^2: of the layer that takes longest, of what could not be seen else
NAMED = 12  # layers, those that take longest


class Spot(NamedTuple):
    """Layers that stand at one place, as repeats do: what the first is called, how many, the time of all."""

    name: str
    times: int
    family: str
    grouping: str
    intensity: float
    rate: float
    seconds: float


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
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return the layers of a network under a device's roofs: one a kind of layer, and the memory's slope.

    A point is a layer with MACs, where the model has it: on a roof it is bound by compute, on the slope by memory,
    below both by what an operator takes to start. Its area is its time; equal layers are one point, those that take
    longest are named. device: a name of `costcalc devices`, or a file's path.

    Raises SpecError where nobody knows the device's bandwidth, or the network has no MACs.
    """
    (result,) = results([network], more, knobs, input, batch, variant=variant)
    found = Latency(result, devices.load(device), dtype, fusion)
    layers = [one for one in found.rows if one.work.macs and one.least]
    if found.model.bandwidth == float("inf"):
        raise stop(f"{device}: its measured rates have no bandwidth, so there is no slope to draw")
    if not layers:
        raise stop(f"{result.name} has no layer with MACs")
    spots = _spots(layers, found.model)
    with styled():
        made = figure(size, 3.9)
        axes = made.subplots()
        ridges = _roofs(axes, found.model, spots)
        _layers(axes, spots)
        axes.set_xlabel("MACs a byte")
        axes.set_ylabel("MACs a second")
        axes.grid(visible=True, linewidth=0.3, color="0.85")
        low, high = axes.get_ylim()
        axes.set_ylim(low, high * 2.5)  # room for names
        for axis in (axes.xaxis, axes.yaxis):
            counts(axis)
        legend(made, f"{named(result)}; on {device}", axes)
        small_print(made, f"an area is a time: {found.words}", *ridges, *found.notes())
        _name(made, axes, spots)
    return made


def intensity(one: Timing, model: Roofline) -> float:
    """Return a layer's MACs a byte."""
    return float(one.work.intensity(model.dtype, model.batch))


def _spots(layers: Sequence[Timing], model: Roofline) -> list[Spot]:
    """Return the layers, those at one place together; what takes longest first."""
    places = grouped(
        (
            (
                family(one.work.row.node),
                one.work.grouping,
                intensity(one, model),
                float(one.work.macs * model.batch / one.least),
            ),
            one,
        )
        for one in layers
    )
    spots = [
        Spot(members[0].work.row.node.layer, len(members), *place, sum(float(one.least) for one in members))
        for place, members in places.items()
    ]
    return sorted(spots, key=lambda spot: -spot.seconds)


def _roofs(axes: Axes, model: Roofline, spots: Sequence[Spot]) -> list[str]:
    """Draw the slope of the memory, and a roof for each kind of layer, from where they meet: say where that is."""
    kinds = [kind for kind in GROUPINGS if any(spot.grouping == kind for spot in spots)]
    rates = grouped((float(model.rate(kind)), kind) for kind in kinds)
    bandwidth = float(model.bandwidth)
    right = 2.5 * max([spot.intensity for spot in spots] + [rate / bandwidth for rate in rates])
    left = min([spot.intensity for spot in spots] + [rate / bandwidth / 4 for rate in rates]) / 2
    axes.set_xscale("log")
    axes.set_yscale("log")
    ridge = max(rates) / bandwidth
    label = f"memory: {amount(bandwidth)}B/s"
    axes.plot([left, ridge], [left * bandwidth, ridge * bandwidth], color="black", label=label)
    said = []
    for number, (rate, members) in enumerate(rates.items()):
        line: Data = {"color": "black", "linestyle": DASHES[number + 1]}
        kind = f"{', '.join(members)}: at most" if len(rates) > 1 else "compute: at most"
        axes.plot([rate / bandwidth, right], [rate, rate], label=f"{kind} {amount(rate)}MACs/s", **line)
        axes.plot([rate / bandwidth], [rate], marker="|", markersize=9, color="black", zorder=4)
        said.append(f"{rate / bandwidth:.3g} MACs a byte{f' ({members[0]})' if len(rates) > 1 else ''}")
    return [f"ridge: {', '.join(said)}; below it memory is the bound"]


def _layers(axes: Axes, spots: Sequence[Spot]) -> None:
    """Draw the layers in the colours of their types, a marker a type, as large as their time."""
    for name, (colour, _) in COLOURS.items():
        members = [spot for spot in spots if spot.family == name]
        if members:
            axes.scatter(
                [spot.intensity for spot in members], [spot.rate for spot in members],
                s=[_area(spot, spots) for spot in members],
                marker=MARKERS[[*COLOURS].index(name) % len(MARKERS)], facecolors=f"{colour}99", edgecolors="black",
                linewidths=0.6, zorder=3,
            )  # fmt: skip
            axes.scatter(
                [], [], s=20, marker=MARKERS[[*COLOURS].index(name) % len(MARKERS)], facecolors=colour,
                edgecolors="black", linewidths=0.6, label=name,
            )  # fmt: skip


def _area(spot: Spot, spots: Sequence[Spot]) -> float:
    return max(LARGEST * spot.seconds / spots[0].seconds, SMALLEST)


def _name(made: Figure, axes: Axes, spots: Sequence[Spot]) -> None:
    """Name the layers that take longest, where there is room; in front of the others those that are drawn last."""
    made.draw_without_rendering()
    made.set_layout_engine("none")
    lines = [line.get_xydata().tolist() for line in axes.lines]  # type: ignore[union-attr]
    halves = [_area(spot, spots) ** 0.5 / 2 for spot in spots]
    sheet = Sheet(axes, [(spot.intensity, spot.rate) for spot in spots], *lines, sizes=halves)
    for spot in spots[:NAMED]:
        times = f" x{spot.times}" if spot.times > 1 else ""
        sheet.write(f"{shortened(spot.name, made)}{times}", (spot.intensity, spot.rate))
