"""Where the cost lies: bars by layer, and by families of layer types of several networks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from costcalc.asked import NetworkLike
from costcalc.base import Data, Datum, GivenShape, grouped
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.comparisons.networks import label_of
from costcalc.costs.convention import Convention
from costcalc.measures.metric import Measured, Metric
from costcalc.measures.metric import named as metric_named
from costcalc.numbers import text as numbers
from costcalc.numbers.num import UNKNOWN, Dim
from costcalc.plots.style import (
    FONT,
    LINE,
    Size,
    figure,
    fill,
    frame,
    inches,
    legend,
    named,
    results,
    scaled,
    shortened,
    small_print,
    styled,
)
from costcalc.reports.colours import COLOURS, family
from costcalc.reports.columns import headings, over
from costcalc.reports.lines import CountedRow, Line
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 32
LEAST_BARS = 8  # of blocks: where fewer are left the largest layers are shown instead
MOST_PANELS = 4
BAR = 0.145  # inches that a bar and its name take
TALLEST = 40.0  # inches
ROOM = 1.22  # of the longest bar: its number stands behind it
INSIDE = 0.3  # inches of a part that has its number inside
SEVERAL = "several"  # families in one bar that has no parts


class StackedBar(NamedTuple):
    """A line of a picture: of each metric what it has, and of those that are sums what each family has of it."""

    name: str
    values: list[Dim]
    parts: list[dict[str, Dim]]


def layers(
    network: NetworkLike,
    /,
    *,
    of: str | Iterable[str] = (),
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    options: Mapping[str, Datum] | None = None,
    fold: int | None = None,
    top: int | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return what each layer has of some metrics, a bar a layer, in the colours of its layer types.

    network, knobs, input, batch, convention, variant: as for `costcalc.count`. of: metrics, what the convention counts
    unless told; options: theirs, `{"bits": 8}`. fold: what lies deeper than so many levels is one bar; top: the N
    largest, the others are summed in one; unless told, folded as deep as 32 bars allow. size: in inches, or `column`,
    `page`, `slide`. What is unknown is a question mark.

    Raises SpecError for more than four metrics, or where none has a number.
    """
    (result,) = results([network], more, knobs, input, batch, convention, variant=variant)
    columns = measured(result, of, options)
    with styled():
        high = inches(size, 0)[1]
        room = int((high - frame(size)) / LINE) if high else MOST_BARS
        found, said = bars(result, columns, fold, top, max(room, 3))
        made = figure(size, min(BAR * len(found) + frame(size), TALLEST))
        panels = [*made.subplots(1, len(columns), sharey=True, squeeze=False).flat]
        seen = _families(found)
        for number, (axes, one) in enumerate(zip(panels, columns, strict=True)):
            _panel(axes, found, number, seen)
            _axis(axes, one, [bar.values[number] for bar in found])
        _rows(made, panels, [shortened(bar.name, made) for bar in found])
        legend(made, named(result), *panels)
        small_print(made, "; ".join(filter(None, [*under(result, columns), said])))
        made.draw_without_rendering()
        for number, (axes, one) in enumerate(zip(panels, columns, strict=True)):
            _numbers(axes, one, [bar.values[number] for bar in found])
    return made


def types(
    *networks: NetworkLike,
    of: str | Iterable[str] = (),
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    options: Mapping[str, Datum] | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return what share each family of layer types has of some metrics, a bar a network; its total stands behind it.

    networks and the other arguments as for `layers`; all are counted under one convention. Raises SpecError where a
    cost is unknown, and for a metric that is no sum over layers.
    """
    if not networks:
        raise stop("there is no network to draw")
    found = results(networks, more, knobs, input, batch, convention, variant=variant)
    tables = [measured(result, of, options) for result in found]
    for result, columns in zip(found, tables, strict=True):
        for one in columns:
            require_shares(result, one)
    names = [*map(label_of, found)]
    lines = [
        StackedBar(name, [one.total for one in columns], [_parts(one, result.rows) for one in columns])
        for name, result, columns in zip(names, found, tables, strict=True)
    ]
    with styled():
        made = figure(size, 0.26 * len(found) + frame(size))
        panels = [*made.subplots(1, len(tables[0]), sharey=True, squeeze=False).flat]
        shares = [
            bar._replace(parts=[_shares(*pair) for pair in zip(bar.parts, bar.values, strict=True)]) for bar in lines
        ]
        seen = _families(shares)
        for number, (axes, title) in enumerate(zip(panels, headings(tables[0]), strict=True)):
            _panel(axes, shares, number, seen)
            axes.set_xlim(0, 100)
            axes.set_xlabel(f"{title} (%)")
            for place, bar in enumerate(lines):
                axes.annotate(
                    numbers.figure(bar.values[number]), (100, place), xytext=(3, 0), textcoords="offset points",
                    va="center", annotation_clip=False,
                )  # fmt: skip
        _rows(made, panels, ["\n".join(shortened(part, made) for part in name.split("@")) for name in names])
        legend(made, f"Shares of layer types: {_setting(found)}", *panels)
        small_print(made, "; ".join(under(found[0], tables[0])))
        made.draw_without_rendering()
        for axes in panels:
            _inside(axes)
    return made


def measured(result: Result, of: str | Iterable[str], options: Mapping[str, Datum] | None) -> list[Measured]:
    """Return the metrics that are asked for; raise SpecError for too many."""
    found = result.metrics(of or (), options=options or {})
    if len(found) > MOST_PANELS:
        raise stop(f"a picture shows at most {MOST_PANELS} metrics, not {len(found)}")
    return found


def under(result: Result, columns: Sequence[Measured]) -> list[str]:
    """Return what a picture's numbers were counted under."""
    names = [one.name for one in columns]
    others = [metric_named(one.metric, one.setup) for one in columns if one.name not in result.convention.quantities]
    batch = [f"a batch of {result.batch}"] if result.batch > 1 else []
    return [*result.convention.told(names), *others, *batch]


def adds(one: Measured) -> bool:
    """Say whether a metric's total is the sum over its rows."""
    return type(one.metric).fold is Metric.fold and type(one.metric).over is Metric.over


def require_shares(result: Result, one: Measured) -> None:
    """Raise SpecError where a network has no shares of a metric."""
    if not adds(one):
        raise stop(f"{one.name} is no sum over layers, so that types have no shares of it")
    if one.total is UNKNOWN:
        raise stop(f"{result.name} has layers of unknown {one.name}, and shares would hide them")
    if not one.total:
        raise stop(f"there is nothing to draw: {result.name} has no {one.name}")


# ---- which bars ----------------------------------------------------------------------------------


def bars(
    result: Result, columns: Sequence[Measured], fold: int | None = None, top: int | None = None, most: int = MOST_BARS
) -> tuple[list[StackedBar], str]:
    """Return the bars of lines that have something, so folded that they are not too many, and what that says."""
    if top is not None and top < 1:
        raise stop(f"top is a whole number from 1, not {top}")
    every = found = _costly(result.lines("layer", fold), columns)
    if fold is None and top is None and len(every) > most:
        levels = [_costly(result.lines("layer", n), columns) for n in range(max(map(_depth, every)), 0, -1)]
        found = next((level for level in levels if len(level) <= most), every)
        if len(found) < min(LEAST_BARS, most):
            found = next(level for level in reversed(levels) if len(level) > most)
            top = most - 1
        elif len(found) > most:
            top = most - 1
    kept, rest = _largest(found, columns, top or len(found))
    others = [row for line in rest for row in line.rows]
    lines = [*kept, Line(f"{len(rest)} others", "", others)] if rest else kept
    layers_ = {row.layer for line in every for row in line.rows if any(one.rows[row.index] for one in columns)}
    said = plural(len(kept), "bar") + (f" and the {len(rest)} smaller" if rest else "")
    said += f" of {len(layers_)} layers" if len(layers_) > len(kept) else ""
    free = sum(all(one.rows[row.index] in (0, None) for one in columns) for row in result.rows)
    free_said = f"{plural(free, 'row')} {'has' if free == 1 else 'have'} none" if free else ""
    return [_bar(line, columns) for line in lines], "; ".join(filter(None, [said, free_said]))


def _depth(line: Line) -> int:
    return line.name.count("/") + line.name.count(".")


def _costly(found: list[Line], columns: Sequence[Measured]) -> list[Line]:
    left = [line for line in found if any(over(one, line) not in (0, None) for one in columns)]
    if not left:
        raise stop(f"there is nothing to draw: no layer has {' or '.join(one.name for one in columns)}")
    return left


def _largest(found: list[Line], columns: Sequence[Measured], count: int) -> tuple[list[Line], list[Line]]:
    """Return the largest lines by their largest share of any metric, in the network's order, and the others."""
    values = [[_size(over(one, line)) for line in found] for one in columns]
    weights = [
        max(value / (max(row) or 1) for value, row in zip(one, values, strict=True))
        for one in zip(*values, strict=True)
    ]
    order = sorted(range(len(found)), key=lambda k: -weights[k])
    kept = {*order[:count]}
    return [found[k] for k in sorted(kept)], [found[k] for k in sorted(order[count:])]


def _bar(line: Line, columns: Sequence[Measured]) -> StackedBar:
    values = [over(one, line) for one in columns]
    parts = [
        _parts(one, line.rows) if adds(one) else {_one(line.rows): value}
        for one, value in zip(columns, values, strict=True)
    ]
    return StackedBar(line.name, values, parts)


def _parts(one: Measured, rows: Iterable[CountedRow]) -> dict[str, Dim]:
    """Return what each family has of a metric; what is unknown has no length."""
    groups = grouped((family(row.node), row.index) for row in rows)
    return {name: one.over([i for i in places if one.rows[i] is not UNKNOWN]) for name, places in groups.items()}


def _one(rows: Sequence[CountedRow]) -> str:
    """Return the family of a layer's first row; of several layers none."""
    return family(rows[0].node) if len({row.layer for row in rows}) == 1 else SEVERAL


def _shares(parts: dict[str, Dim], whole: Dim) -> dict[str, Dim]:
    return {name: 100 * _size(value) / float(whole) for name, value in parts.items()}


def _size(value: Dim) -> float:
    """Return a value as a length: what is unknown, none or a word has none."""
    return 0.0 if value is None or value is UNKNOWN or isinstance(value, str) else float(value)


# ---- how they are drawn --------------------------------------------------------------------------


def _families(found: Sequence[StackedBar]) -> list[str]:
    """Return the families that can be seen, in the order of the colours: a share of 0.2 % of the longest bar."""
    seen: set[str] = set()
    for number in range(len(found[0].values)):
        most = max(sum(map(_size, bar.parts[number].values())) for bar in found) or 1
        seen |= {name for bar in found for name, value in bar.parts[number].items() if _size(value) > most / 500}
    return [name for name in (*COLOURS, SEVERAL) if name in seen]


def _panel(axes: Axes, found: Sequence[StackedBar], number: int, seen: Sequence[str]) -> None:
    """Draw the bars of one metric, their families one after another; what can't be seen has no entry in a legend."""
    ends = [0.0] * len(found)
    for name in (*COLOURS, SEVERAL):
        values = [_size(bar.parts[number].get(name)) for bar in found]
        some = [place for place, value in enumerate(values) if value]
        if not some and name not in seen:
            continue
        look = fill(name) if name in COLOURS else {"color": "white", "edgecolor": "black"}
        axes.barh(
            some or [0], [values[k] for k in some] or [0], left=[ends[k] for k in some] or 0, height=0.72,
            label=name if name in seen else None, linewidth=0.3, **look,
        )  # fmt: skip
        ends = [end + value for end, value in zip(ends, values, strict=True)]


def _axis(axes: Axes, one: Measured, values: Sequence[Dim]) -> None:
    """Name a panel's axis: the metric with its unit, below it the network's total."""
    (title,) = headings([one])
    longest = max(map(_size, values))
    scaled(axes.xaxis, title if title == one.unit else f"{title}, {one.unit}", longest)
    total = numbers.figure(one.total) if one.total is not UNKNOWN else "unknown"
    word = "in all" if adds(one) else "of the network"
    axes.set_xlabel(f"{axes.get_xlabel()}\n{total} {word}")
    axes.set_xlim(0, ROOM * longest or 1)


def _rows(made: Figure, panels: Sequence[Axes], names: list[str]) -> None:
    """Name the bars, downwards; where they stand too close, every so many."""
    room = made.get_figheight() - frame((made.get_figwidth(), 0))
    step = math.ceil(LINE * len(names) / max(room, LINE))
    panels[0].set_yticks(range(0, len(names), step), names[::step])
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    for axes in panels:
        axes.tick_params(axis="y", length=0)


def _numbers(axes: Axes, one: Measured, values: Sequence[Dim]) -> None:
    """Write behind each bar its share of the whole, of what is no sum the value; a question mark of what is unknown."""
    shares = adds(one) and isinstance(one.total, int) and one.total
    if axes.get_window_extent().height / len(values) < LINE * axes.figure.dpi * 0.9:
        return  # they would touch
    for place, value in enumerate(values):
        if value is UNKNOWN:
            said = "?"
        elif isinstance(value, str):
            said = value
        else:
            said = f"{numbers.percent(100 * _size(value) / one.total)} %" if shares else numbers.figure(value)
        if said and value not in (0, None):
            axes.annotate(said, (_size(value), place), xytext=(2, 0), textcoords="offset points", va="center")


def _inside(axes: Axes) -> None:
    """Write into each part that has the room what share it is."""
    inch = axes.get_window_extent().width / axes.figure.dpi / 100
    for bar in axes.patches:
        share = bar.get_width()  # type: ignore[attr-defined]
        if share * inch >= INSIDE:
            x, y = bar.get_center()  # type: ignore[attr-defined]
            box: Data = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
            axes.text(x, y, f"{share:.0f}", ha="center", va="center", bbox=box, fontsize=FONT)


def _setting(found: Sequence[Result]) -> str:
    """Return what the networks have in common: the input, where they have one."""
    shapes = {", ".join(map(str, result.graph.input_shapes.values())) for result in found}
    return f"input {shapes.pop()}" if len(shapes) == 1 else plural(len(found), "network")
