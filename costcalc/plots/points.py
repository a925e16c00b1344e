"""Accuracy against cost: the zoo's networks as their sources print them, and the front that no other beats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from costcalc.base import Datum, grouped
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.comparisons.budgets import of_metrics
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.plots.labels import Sheet
from costcalc.plots.style import (
    COLOURS,
    MARKERS,
    NARROW,
    QUIET,
    Size,
    beside,
    counts,
    figure,
    inches,
    legend,
    small_print,
    styled,
)
from costcalc.published import accuracies
from costcalc.published.accuracies import OTHER, SILENT
from costcalc.published.figures import counted, settings
from costcalc.published.figures import published as printed_of
from costcalc.published.verdicts import places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COSTS = {"operations": "macs", "params": "params"}  # of a point, by what a published row calls it
REST = "other families"
CLASSES = 1000  # of ImageNet
NEAR = 14  # points: how far away a name may stand that is not on the front


class Point(NamedTuple):
    """A network at settings whose accuracy is printed: top-1 in per cent, and its costs.

    A cost is what we count, or what is printed with the accuracy where that is another: its mark says so. Where that
    counts otherwise than the picture does, it is none.
    """

    network: str
    family: str
    file: str
    top1: float
    params: float | None
    operations: float | None
    marks: Mapping[str, str]  # by cost, as `accuracies` has them


def accuracy(
    *words: str,
    classes: int = CLASSES,
    limits: Mapping[str, Datum] | None = None,
    convention: str | Convention = conventions.DEFAULT,
    size: Size = None,
) -> Figure:
    """Return top-1 accuracy against operations and against parameters, of the zoo's published figures.

    words: only networks whose name, family or source holds all of them. classes: 1000 are ImageNet's, 10 and 100
    CIFAR's. limits: only networks up to there, `{"macs": "1G", "params": "10M"}`. The line joins what no other network
    beats in both.
    Filled points are named as far as there is room, first those on the line, then each network's best.
    Where an accuracy's source prints another cost than ours, the point stands at the printed one, with a cross; with a
    bar where it prints none.

    Raises SpecError where no published accuracy is left.
    """
    rule, bounds = conventions.get(convention), of_metrics(limits)
    for name in bounds.keys() - {*rule.quantities}:
        known = ", ".join(rule.quantities)
        raise stop(f"the zoo's figures have no {name} to be limited, as {rule.name} counts", hint=f"known: {known}")
    fields = {"params": "params", rule.called: "operations"}
    every = published(words, classes=classes, convention=convention)
    found = [point for point in every if all(_within(point, fields[name], most) for name, most in bounds.items())]
    if not found:
        raise stop(
            "no network of the zoo with a published accuracy is left", hint="ask for less: fewer words, more MACs"
        )
    with styled():
        made = figure(size, 4.2 if inches(size, 0)[0] >= NARROW else 6.4)
        panels = beside(made, 2, sharey=True)
        for axes, cost, unit in zip(panels, COSTS, (rule.unit, rule.things), strict=True):
            _drawn(axes, found, cost)
            axes.set_xlabel(unit)
        for axes in panels if made.get_figwidth() < NARROW else panels[:1]:
            axes.set_ylabel("top-1 accuracy (%)")
        said = f"{plural(len(found), 'network')} of {classes} classes; accuracies as their sources print them"
        legend(made, said, panels[0])
        small_print(made, *_marks(found), rule.counted)
        _named(made, panels, found)
    return made


def published(
    words: Iterable[str] = (), *, classes: int = CLASSES, convention: str | Convention = conventions.DEFAULT
) -> list[Point]:
    """Return a point for each network, at each setting, whose accuracy a source prints: the first that its spec has."""
    wanted = [word.lower() for word in words]
    found: dict[str, Point] = {}
    for spec in zoo.specs():
        for row, _ in printed_of(spec):
            name = called(spec, row)
            text = f"{name} {spec.meta.get('family', '')} {row.get('source', '')} {' '.join(places(row))}".lower()
            if "top1" not in row or name in found or not all(word in text for word in wanted):
                continue
            if {**spec.knobs, **settings(spec, row)}.get("classes") == classes:
                found[name] = _point(spec, row, name, convention)
    return list(found.values())


def called(spec: Spec, row: Any) -> str:
    """Return a row's network in few letters: `mobilenet_v1 width 0.5, resolution 160`."""
    values = ", ".join(f"{knob} {value}" for knob, value in (row.get("knobs") or {}).items())
    return f"{row.get('variant') or zoo.stem(spec.where)} {values}".rstrip()


def _point(spec: Spec, row: Any, name: str, convention: str | Convention) -> Point:
    rule, accuracy_ = conventions.get(convention), accuracies.of_row(spec, row)
    ours = counted(spec, settings(spec, row), rule)
    marks = {cost: accuracy_.mark_of(quantity) for cost, quantity in COSTS.items()}
    costs: dict[str, Any] = {
        cost: accuracy_.beside(quantity, ours[quantity][1], rule) for cost, quantity in COSTS.items()
    }
    return Point(name, str(spec.meta.get("family", "")), spec.where, float(row["top1"]), **costs, marks=marks)


def _within(point: Point, cost: str, most: float) -> bool:
    """Say whether a point's cost is known, and so much at most."""
    value = getattr(point, cost)
    return value is not None and value <= most


def _marks(points: Sequence[Point]) -> list[str]:
    """Return what the marks in a picture say."""
    found = {mark for point in points for mark in point.marks.values()}
    said = {OTHER: "×: at the cost that is printed, which ours is not", SILENT: "|: at ours, none is printed"}
    out = sum(getattr(point, cost) is None for point in points for cost in COSTS)
    told = [f"{plural(out, 'cost')} left out, of which nothing printed can be compared"] if out else []
    return ["; ".join([*(text for mark, text in said.items() if mark in found), *told])]


def front(points: Sequence[Point], cost: str) -> list[Point]:
    """Return the points than which none is better for less, the cheapest first."""
    best: list[Point] = []
    for point in sorted(_placed(points, cost), key=lambda p: (getattr(p, cost), -p.top1)):
        if not best or point.top1 > best[-1].top1:
            best.append(point)
    return best


def _placed(points: Sequence[Point], cost: str) -> list[Point]:
    """Return the points that have such a cost."""
    return [point for point in points if getattr(point, cost) is not None]


def groups(points: Sequence[Point]) -> dict[str, list[Point]]:
    """Return the points by family: those with most points, and all others together."""
    sizes = Counter(point.family for point in points)
    most = len(MARKERS) - (len(sizes) > len(MARKERS))
    own = [family for family, _ in sizes.most_common(most)]
    made = grouped((point.family if point.family in own else REST, point) for point in points)
    return {family: made[family] for family in (*own, *made)}


def _drawn(axes: Axes, points: Sequence[Point], cost: str) -> None:
    """Draw the points, filled where they are on the front, and the front as steps."""
    best, placed = front(points, cost), _placed(points, cost)
    axes.set_xscale("log")
    corners = _steps(best, cost)
    axes.plot(
        [x for x, _ in corners],
        [y for _, y in corners],
        color="black",
        linewidth=0.9,
        zorder=2,
        label="best for its cost",
    )
    for number, (family, everyone) in enumerate(groups(points).items()):
        colour, members = COLOURS[number], _placed(everyone, cost)
        axes.scatter(
            [getattr(p, cost) for p in members], [p.top1 for p in members], s=20, marker=MARKERS[number],
            facecolors=[colour if p in best else "white" for p in members], edgecolors=colour, linewidths=0.9,
            zorder=3, label=family,
        )  # fmt: skip
    for mark, shape, large in ((OTHER, "x", 40), (SILENT, "|", 110)):
        marked = [_at(point, cost) for point in placed if point.marks[cost] == mark]
        if marked:
            xs, ys = zip(*marked, strict=True)
            axes.scatter(xs, ys, s=large, marker=shape, color=QUIET, linewidths=0.7, zorder=4)
    axes.grid(visible=True, linewidth=0.3, color="0.85")
    axes.margins(0.1)
    counts(axes.xaxis)


def _named(made: Figure, panels: Sequence[Axes], points: Sequence[Point]) -> None:
    """Write the names that have room: the front's first, then, near their points, the best of each file of the zoo."""
    made.draw_without_rendering()
    made.set_layout_engine("none")  # names are placed for the axes as they are now
    notable = {point.file: point for point in sorted(points, key=lambda p: p.top1)}
    for axes, cost in zip(panels, COSTS, strict=True):
        best = front(points, cost)
        sheet = Sheet(axes, [_at(point, cost) for point in _placed(points, cost)], _steps(best, cost))
        for point in best:
            sheet.write(point.network, _at(point, cost))
        for point in sorted(_placed([*notable.values()], cost), key=lambda p: -p.top1):
            if point not in best:
                sheet.write(point.network, _at(point, cost), NEAR)


def _at(point: Point, cost: str) -> tuple[float, float]:
    return float(getattr(point, cost)), point.top1


def _steps(best: Sequence[Point], cost: str) -> list[tuple[float, float]]:
    """Return the corners of the front's line: level up to the next point, then upright."""
    corners = [_at(point, cost) for point in best[:1]]
    for point in best[1:]:
        x, y = _at(point, cost)
        corners += [(x, corners[-1][1]), (x, y)]
    return corners
