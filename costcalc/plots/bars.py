"""Where the cost lies: stacked bars by layer, and by layer type of several networks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from costcalc.asked import NetworkLike
from costcalc.base import Datum, GivenShape, grouped
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.costs.convention import Convention
from costcalc.costs.counting import Cost, total
from costcalc.numbers import text as numbers
from costcalc.plots.style import FILLS, REST, WIDTH, figure, legend, named, results, shortened, small_print, styled
from costcalc.reports.lines import CountedRow, Line
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 40
BAR = 0.165  # inches that a bar and its name take
NAME = 0.13  # inches that a name needs
FRAME = 1.5  # inches that legend, axis and small print take
TALLEST = 40.0  # inches
NARROW = 6.0  # inches
WIDE_ENOUGH = 9.0  # per cent of the axis: a part with room for its figure
OTHERS = "other types"
QUANTITIES = ("params", "operations")

Parts = list[dict[str, Cost]]  # of each bar, what each layer type of it costs


def layers(
    network: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    fold: int | None = None,
    size: tuple[float, float] | None = None,
    **more: Datum,
) -> Figure:
    """Return each layer's share of parameters and operations, a bar a layer, stacked by layer type.

    network, knobs, input, batch, convention, variant: as for `costcalc.count`. fold: what lies deeper than so many
    levels is one bar; unless told, as deep as 40 bars allow. size: in inches.

    Raises SpecError where a cost is unknown, or nothing costs anything.
    """
    (result,) = results([network], more, knobs, input, batch, convention, variant=variant)
    found = bars(result, fold)
    parts = [by_type(line.rows) for line in found]
    with styled():
        made = figure(size or (WIDTH, min(BAR * len(found) + FRAME, TALLEST)))
        _drawn(made, [line.name for line in found], parts, [result] * len(found))
        small_print(made, named(result), f"{result.convention.counted}; {_drawn_of(result, found)}")
    return made


def types(
    *networks: NetworkLike,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    size: tuple[float, float] | None = None,
    **more: Datum,
) -> Figure:
    """Return what share each layer type has, a bar a network; its total stands behind it.

    networks, size and errors as for `layers`; all are counted under one convention.
    """
    if not networks:
        raise stop("there is no network to draw")
    found = results(networks, more, knobs, input, batch, convention, variant=variant)
    parts = [by_type(result.rows) for result in found]
    with styled():
        made = figure(size or (WIDTH, 0.3 * len(found) + 1.6))
        panels = _drawn(made, _names(found), parts, found)
        for axes, quantity in zip(panels, QUANTITIES, strict=True):
            axes.set_xlim(0, 100)
            _figures(axes)
            for place, result in enumerate(found):
                whole = numbers.figure(getattr(result.cost, quantity))
                axes.annotate(
                    whole, (100, place), xytext=(3, 0), textcoords="offset points", va="center", annotation_clip=False
                )
        small_print(made, found[0].convention.counted)
    return made


def bars(result: Result, fold: int | None = None) -> list[Line]:
    """Return the lines that have a bar: those that cost something, folded so far that they are not too many."""
    found = _costly(result.lines("layer", fold))
    deepest = max(line.name.count("/") for line in found)
    for depth in range(deepest, 0, -1) if fold is None else ():
        if len(found) <= MOST_BARS:
            break
        found = _costly(result.lines("layer", depth))
    return found


def _costly(found: list[Line]) -> list[Line]:
    left = [line for line in found if line.cost.params or line.cost.operations]
    if not left:
        raise stop("there is nothing to draw: no layer costs anything")
    return left


def by_type(rows: Iterable[CountedRow]) -> dict[str, Cost]:
    """Return what the rows of each type cost."""
    return {name: total(costs) for name, costs in grouped((row.type, row.cost) for row in rows).items()}


def ranked(parts: Parts, wholes: Sequence[Result]) -> list[str]:
    """Return the layer types that cost something, those first that have the largest shares."""
    weight: dict[str, float] = {}
    for bar, whole in zip(parts, wholes, strict=True):
        for name, cost in bar.items():
            weight[name] = weight.get(name, 0) + sum(_shares(cost, whole))
    return sorted((name for name in weight if weight[name]), key=lambda name: -weight[name])


def _shares(cost: Cost, whole: Result) -> tuple[float, float]:
    """Return a cost in per cent of the whole: of parameters, of operations."""
    return 100 * cost.params / max(whole.params, 1), 100 * cost.operations / max(whole.operations, 1)


def _stacks(parts: Parts, wholes: Sequence[Result]) -> dict[str, list[tuple[float, float]]]:
    """Return the shares of each fill, bar by bar: a layer type each, and the smallest together."""
    kinds = ranked(parts, wholes)
    kept = kinds if len(kinds) <= len(FILLS) + 1 else kinds[: len(FILLS)]
    stacks = {name: [_shares(b.get(name, Cost()), w) for b, w in zip(parts, wholes, strict=True)] for name in kept}
    if len(kept) < len(kinds):
        rest = [total(cost for name, cost in bar.items() if name not in kept) for bar in parts]
        stacks[f"{len(kinds) - len(kept)} {OTHERS}"] = [_shares(c, w) for c, w in zip(rest, wholes, strict=True)]
    return stacks


def _drawn(made: Figure, names: list[str], parts: Parts, wholes: Sequence[Result]) -> list[Axes]:
    """Draw the two panels, parameters and operations, with a legend above."""
    panels: list[Axes] = list(made.subplots(1, 2, sharey=True))
    stacks = _stacks(parts, wholes)
    edge = 0.4 if made.get_figheight() > FRAME + NAME * len(names) / 2 else 0  # of thin bars it would be all
    fills = [*FILLS[: len(stacks)], REST]
    for number, axes in enumerate(panels):
        ends = [0.0] * len(names)
        for (name, shares), (colour, hatch) in zip(stacks.items(), fills, strict=False):
            values = [share[number] for share in shares]
            some = [place for place, value in enumerate(values) if value] or [0]  # nothing is no thin line
            axes.barh(
                some, [values[k] for k in some], left=[ends[k] for k in some], height=0.72, label=name,
                color=colour, hatch=hatch, edgecolor="black", linewidth=edge,
            )  # fmt: skip
            ends = [end + value for end, value in zip(ends, values, strict=True)]
        axes.set_xlabel(_axis(made, number, wholes))
        axes.set_xlim(0, 1.03 * max(ends) or 1)
    _rows(made, panels, names)
    legend(made, panels[0])
    return panels


def _axis(made: Figure, number: int, wholes: Sequence[Result]) -> str:
    """Return the title of a panel's axis, in two lines where the figure is narrow."""
    rule = wholes[0].convention
    unit = (rule.things, rule.unit)[number]
    one = all(whole is wholes[0] for whole in wholes)
    whole = f" of {numbers.figure((wholes[0].params, wholes[0].operations)[number])}" if one else ""
    return f"{unit}{' ' if made.get_figwidth() >= NARROW else chr(10)}(%{whole})"


def _rows(made: Figure, panels: Sequence[Axes], names: list[str]) -> None:
    """Name the bars, downwards; where they stand too close, every so many."""
    step = math.ceil(NAME * len(names) / max(made.get_figheight() - FRAME, NAME))
    panels[0].set_yticks(range(0, len(names), step), [shortened(name, made) for name in names[::step]])
    panels[0].set_ylim(len(names) - 0.4, -0.6)
    for axes in panels:
        axes.tick_params(axis="y", length=0)


def _figures(axes: Axes) -> None:
    """Write into each part that has the room what share it is."""
    for bar in axes.patches:
        share = bar.get_width()  # type: ignore[attr-defined]
        if share >= WIDE_ENOUGH:
            x, y = bar.get_center()  # type: ignore[attr-defined]
            box = {"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none"}
            axes.text(x, y, f"{share:.0f}", ha="center", va="center", bbox=box)


def _names(found: Sequence[Result]) -> list[str]:
    from costcalc.comparisons.networks import label_of

    return [label_of(result) for result in found]


def _drawn_of(result: Result, found: list[Line]) -> str:
    """Say what the bars stand for, and what has none."""
    free = sum(not (row.params or row.operations) for row in result.rows)
    folded = {row.node.layer for line in found for row in line.rows if row.params or row.operations}
    bars_ = plural(len(found), "bar") + (f" of {len(folded)} layers" if len(folded) > len(found) else "")
    return f"{bars_}; {plural(free, 'row')} {'costs' if free == 1 else 'cost'} nothing"
