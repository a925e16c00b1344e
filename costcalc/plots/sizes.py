"""How a tensor changes on its way: spatial size and channels through the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.asked import NetworkLike
from costcalc.base import Datum, GivenShape
from costcalc.base.optional import need
from costcalc.graph.graph import Graph, Node
from costcalc.numbers.shape import Shape
from costcalc.plots.style import (
    COLOURS,
    DASHES,
    MARKERS,
    QUIET,
    Size,
    figure,
    legend,
    named,
    results,
    styled,
)
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEAR = 0.13  # inches between two ticks of an axis, at least
AXES = ("depth", "height", "width")  # the last ones where there are fewer


class Stop(NamedTuple):
    """A layer's output on the way: how many layers deep, its channels, its spatial axes, on the longest path or not."""

    depth: int
    channels: int
    space: tuple[int, ...]
    on_path: bool


def shapes(
    network: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    variant: str = "",
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return spatial size and channels of every layer's output against its depth.

    The line follows the longest path of layers; what lies on the other branches are dots. The arguments as for
    `layers`. Shapes are no costs: no convention and no batch changes them.
    """
    (result,) = results([network], more, knobs, input, variant=variant)
    found = stops(result)
    with styled():
        made = figure(size, 3.6)
        upper, lower = made.subplots(2, 1, sharex=True)
        _drawn(upper, found, _spaces(found))
        _drawn(lower, found, [("", [stop_.channels for stop_ in found])])
        upper.set_ylabel("spatial size (pixels)")
        lower.set_ylabel("channels")
        lower.set_xlabel("depth (layers on the longest path)")
        legend(made, named(result), upper)
        made.draw_without_rendering()
        for axes in (upper, lower):
            _ticks(made, axes)
    return made


def stops(result: Result) -> list[Stop]:
    """Return the outputs of all layers, the network's input first: depth 0."""
    graph = result.graph
    depths, before = _depths(graph)
    last = {node.layer: node for node in graph.nodes}  # a layer's output is its norm's or activation's
    path = _back(max(last.values(), key=lambda n: depths[n]), before) if last else set()
    first = [Stop(0, *_sizes(shape), True) for shape in graph.input_shapes.values()]
    return first + [
        Stop(depths[node], *_sizes(node.y), node in path) for node in sorted(last.values(), key=lambda n: n.index)
    ]


def layer_depths(graph: Graph) -> dict[Node, int]:
    """Return how many layers deep each row is, on the longest path to it."""
    return _depths(graph)[0]


def _depths(graph: Graph) -> tuple[dict[Node, int], dict[Node, Node | None]]:
    """Return how deep each row is, and which row is before it on that path."""
    depths: dict[Node, int] = {}
    before: dict[Node, Node | None] = {}
    for node in graph.nodes:
        sources = [tensor.node for tensor in node.inputs if tensor.node is not None]
        before[node] = max(sources, key=lambda n: depths[n] + (n.layer != node.layer), default=None)
        source = before[node]
        depths[node] = 1 if source is None else depths[source] + (source.layer != node.layer)
    return depths, before


def _back(node: Node, before: dict[Node, Node | None]) -> set[Node]:
    """Return the nodes of the longest path to a node."""
    path = set()
    at: Node | None = node
    while at is not None:
        path.add(at)
        at = before[at]
    return path


def _sizes(y: Any) -> tuple[int, tuple[int, ...]]:
    """Return channels and spatial axes of an output; of several, the first's."""
    return (y if isinstance(y, Shape) else y[0]).c, space_of(y)


def space_of(y: Any) -> tuple[int, ...]:
    """Return the spatial axes of an output; of several, the first's."""
    return tuple((y if isinstance(y, Shape) else y[0]).space)


def _spaces(found: list[Stop]) -> list[tuple[str, list[int]]]:
    """Return a line of sizes for each spatial axis; one for all where they never differ."""
    count = max(len(stop_.space) for stop_ in found)
    names = AXES[-count:] if count <= len(AXES) else [f"axis {k + 1}" for k in range(count)]
    lines = [(names[k], [s.space[k] if k < len(s.space) else 1 for s in found]) for k in range(count)]
    same = all(sizes == lines[0][1] for _, sizes in lines)
    return [("", lines[0][1] if lines else [1] * len(found))] if same else lines


def _drawn(axes: Axes, found: list[Stop], lines: list[tuple[str, list[int]]]) -> None:
    """Draw each line as steps along the path, the branches as dots."""
    axes.set_yscale("log", base=2)
    for number, (name, sizes) in enumerate(lines):
        main = [(stop_.depth, size) for stop_, size in zip(found, sizes, strict=True) if stop_.on_path]
        others = {(stop_.depth, size) for stop_, size in zip(found, sizes, strict=True) if not stop_.on_path}
        label = name or "longest path"
        axes.step(
            *zip(*main, strict=True), where="mid", color=COLOURS[number], linestyle=DASHES[number],
            label=label,
        )  # fmt: skip
        if others:
            axes.plot(
                *zip(*sorted(others), strict=True), linestyle="", marker=MARKERS[number], markersize=3,
                markerfacecolor="white", markeredgecolor=QUIET, markeredgewidth=0.7,
                label=f"other branches{f', {name}' if name else ''}",
            )  # fmt: skip
    axes.grid(visible=True, axis="y", linewidth=0.3, color="0.8")


def _ticks(made: Figure, axes: Axes) -> None:
    """Put ticks at the sizes that the longest path has, those left out that would touch another."""
    near = NEAR * made.dpi
    ticker = need("matplotlib.ticker", "plot")
    on_path: list[Any] = [line for line in axes.lines if line.get_linestyle() != "None"]
    values = sorted({size for line in on_path for size in line.get_ydata()}, reverse=True)
    kept: list[Any] = []
    for value in values:
        place = axes.transData.transform((0, value))[1]
        if all(abs(place - other) >= near for _, other in kept):
            kept.append((value, place))
    axes.set_yticks([value for value, _ in kept], [str(int(value)) for value, _ in kept])
    axes.yaxis.set_minor_locator(ticker.NullLocator())
