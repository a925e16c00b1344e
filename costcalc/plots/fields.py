"""The receptive field: how many pixels of the input an output reads, layer by layer, and where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costcalc.asked import NetworkLike
from costcalc.base import Data, Datum, GivenShape
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.graph.graph import Node
from costcalc.measures.field import View, fields, size
from costcalc.measures.field import first as first_of
from costcalc.numbers.num import UNKNOWN, Dims
from costcalc.operators.receptive import Reach
from costcalc.plots.sizes import AXES, layer_depths, space_of
from costcalc.plots.style import (
    COLOURS,
    DASHES,
    MARKERS,
    NARROW,
    QUIET,
    Size,
    figure,
    inches,
    legend,
    named,
    results,
    shortened,
    small_print,
    styled,
)
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRIC = "receptive_field"
SQUARES = 4  # fields that are drawn over the image


def field(
    network: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    variant: str = "",
    options: Mapping[str, Datum] | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return how many pixels of the input an output of each layer reads, against its depth, and over the image.

    Over the image stands what the middle output of some layers reads. The arguments as for `shapes`; options: of
    receptive_field, `{"ignore_se": True}`: without gates that read all. What reads all of the image stands at its size.

    Raises SpecError for a network without pixels, and of inputs of several sizes.
    """
    (result,) = results([network], more, knobs, input, variant=variant)
    one = result.metric(METRIC, **(options or {}))
    views = fields(result.graph, ignore=one.setup.ignore_se).views
    space = next(iter(result.graph.input_shapes.values())).space
    if not space:
        raise stop(f"{result.name} has no input with pixels, so that there is no receptive field")
    found = _stops(result, views)
    if not any(isinstance(view, tuple) for _, _, view in found):
        raise stop(f"{result.name} has no layer whose receptive field is known")
    with styled():
        narrow = inches(size, 0)[0] < NARROW
        made = figure(size, 4.4 if narrow else 2.9)
        count = 1 + (len(space) == 2)
        ratios = {f"{'height' if narrow else 'width'}_ratios": [2, 1][:count]}
        grid = (count, 1) if narrow else (1, count)
        left, *right = made.subplots(*grid, squeeze=False, gridspec_kw=ratios).flat
        _depths(left, found, space)
        for axes in right:
            _image(made, axes, found, space)
        legend(made, f"Receptive field of {named(result)}", left, *right)
        small_print(made, *one.metric.remarks(one.graph, one.setup)[:2])
    return made


def _stops(result: Result, views: Sequence[View]) -> list[tuple[int, Node, View]]:
    """Return the layers whose output has pixels: how deep they are, their last row, what that reads."""
    depths = layer_depths(result.graph)
    last = {node.layer: node for node in result.graph.nodes}
    return [(depths[node], node, views[node.index]) for node in last.values() if space_of(node.y)]


def _sizes(view: View, space: Dims) -> list[int] | None:
    """Return how many pixels are read along each axis; all where the whole image is, None where nobody knows."""
    if view is UNKNOWN:
        return None
    return [size(reach) for reach in view] if isinstance(view, tuple) else [*space]


def _depths(axes: Axes, found: Sequence[tuple[int, Node, View]], space: Dims) -> None:
    """Draw a line an axis of the image, one where they are alike, and the image's own size; what reads all as dots."""
    known = [(depth, _sizes(view, space), view) for depth, _, view in found]
    same = all(sizes is None or len(set(sizes)) == 1 for _, sizes, _ in known) and len(set(space)) == 1
    names = AXES[-len(space) :] if len(space) <= len(AXES) else [f"axis {k + 1}" for k in range(len(space))]
    for axis in range(1 if same else len(space)):
        label = "receptive field" if same else names[axis]
        points = sorted(
            (d, sizes[axis]) for d, sizes, view in known if sizes and isinstance(view, tuple) and axis < len(sizes)
        )
        widest = dict(points)  # of branches the widest at each depth
        axes.plot([*widest], [*widest.values()], color=COLOURS[axis], linestyle=DASHES[axis], label=label)
        others = [point for point in points if point[1] != widest[point[0]]]
        if others:
            xs, ys = zip(*others, strict=True)
            axes.plot(
                xs, ys, linestyle="", marker=MARKERS[axis], markersize=2.5, markerfacecolor="white",
                markeredgecolor=QUIET, markeredgewidth=0.6, label="narrower branches" if axis == 0 else None,
            )  # fmt: skip
    whole = sorted({depth for depth, sizes, view in known if sizes and not isinstance(view, tuple)})
    if whole:
        axes.plot(
            whole, [max(space)] * len(whole), linestyle="", marker="x", markersize=4, color="black", label="reads all"
        )
    axes.axhline(max(space), color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)), label=f"the image: {max(space):,}")
    axes.set_xlabel("depth (layers)")
    axes.set_ylabel("pixels of the input")
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, axis="y", linewidth=0.3, color="0.85")
    ticker = need("matplotlib.ticker", "plot")
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=7))


def _image(made: Figure, axes: Axes, found: Sequence[tuple[int, Node, View]], space: Dims) -> None:
    """Draw the image, and over it what the middle output of some layers reads."""
    shapes = need("matplotlib.patches", "plot")
    high, wide = space
    axes.add_patch(shapes.Rectangle((0, 0), wide, high, facecolor="0.95", edgecolor="black", linewidth=0.8))
    chosen = _chosen([(depth, node, view) for depth, node, view in found if isinstance(view, tuple) and len(view) == 2])
    low, top = [0.0, 0.0], [float(wide), float(high)]
    for number, (_, node, view) in enumerate(chosen):
        ends = []
        for axis in (1, 0):
            reach, steps = view[axis], space_of(node.y)[axis]
            begin = first_of(reach)[0] + (steps - 1) // 2 * float(reach.step) / reach.phases
            ends.append((begin, begin + size(reach)))
        (x0, x1), (y0, y1) = ends
        low, top = [min(low[0], x0), min(low[1], y0)], [max(top[0], x1), max(top[1], y1)]
        look: Data = {"linestyle": DASHES[number + 1], "linewidth": 1.1}
        frame = shapes.Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=COLOURS[number + 1], **look)
        axes.add_patch(frame)
        axes.plot(
            [], [], color=COLOURS[number + 1], **look,
            label=f"{shortened(node.layer, made)}: {size(view[0]):,} x {size(view[1]):,}",
        )  # fmt: skip
    margin = 0.03 * max(top[0] - low[0], top[1] - low[1])
    axes.set_xlim(low[0] - margin, top[0] + margin)
    axes.set_ylim(top[1] + margin, low[1] - margin)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _chosen(found: Sequence[tuple[int, Node, tuple[Reach, ...]]]) -> list[tuple[int, Node, tuple[Reach, ...]]]:
    """Return some layers, the last at each stride of the network; the deepest of them where there are many."""
    strides = {(one[2][1].step, one[2][1].phases): one for one in sorted(found, key=lambda one: one[0])}
    return [*strides.values()][-SQUARES:]
