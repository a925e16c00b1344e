"""A difference layer by layer: what one network costs, what each change adds or takes, what the other costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from costcalc.asked import NetworkLike, asked, several
from costcalc.base import Datum, GivenShape
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.comparisons.diffing import Diff
from costcalc.comparisons.networks import Network
from costcalc.costs.convention import Convention
from costcalc.numbers import text as numbers
from costcalc.numbers.num import UNKNOWN, Dim
from costcalc.plots.style import (
    LINE,
    QUIET,
    Size,
    figure,
    fill,
    frame,
    inches,
    legend,
    named,
    scaled,
    shortened,
    small_print,
    styled,
)
from costcalc.reports.colours import COLOURS, family
from costcalc.reports.result import Result
from costcalc.transforms.whatif import WhatIf

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_STEPS = 20
STEP = 0.15  # inches
ROOM = 1.22  # of the longest bar: its number stands behind it
OTHERS = ""  # the family of several changes


class FloatingBar(NamedTuple):
    """A change: its layer, the family of its type, what it adds of params and of operations."""

    name: str
    family: str
    adds: tuple[Dim, Dim]


def diff(
    before: NetworkLike,
    after: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    top: int | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return the waterfall from one network to another: what each layer that differs adds or takes.

    The arguments as for `costcalc.diff`. top: the N biggest changes, 20 unless told; the others are summed. size: as
    for `layers`. Raises SpecError where the networks have the same layers.
    """
    one, other = (net.network for net in several([before, after], more, knobs, input, batch, convention, variant))
    return of_diff(one, other, top, size)


def of_diff(one: Network, other: Network, top: int | None = None, size: Size = None) -> Figure:
    """Return the waterfall from one network that was counted to another."""
    found = Diff(one, other)
    if not found.changes:
        raise stop(f"there is nothing to draw: {one.label} and {other.label} have the same layers")
    steps = []
    for change in found.changes:
        line = change.after or change.before
        kind = family(line.rows[0].node) if line else OTHERS
        steps.append(FloatingBar(change.name, kind, (change.params, change.operations)))
    return _waterfall((one, other), steps, f"{one.label} → {other.label}", [found.said], top, size)


def whatif(
    network: NetworkLike,
    /,
    *steps: str | Sequence[Datum],
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
    top: int | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return the waterfall of transformations: what each layer that they change adds or takes.

    The arguments as for `costcalc.whatif`; top and size as for `diff`. Raises SpecError where nothing changes.
    """
    found = WhatIf(asked(network, more, knobs, input, batch, convention, variant).result, steps)
    return of_whatif(found, top, size)


def of_whatif(found: WhatIf, top: int | None = None, size: Size = None) -> Figure:
    """Return the waterfall of a network that was transformed."""
    kinds = {row.layer: family(row.node) for row in reversed(found.before.rows)}
    changes = [one for one in found.changes if one.before != one.after]
    if not changes:
        raise stop(f"there is nothing to draw: {'; '.join(found.said) or 'no step'} changes no cost")
    steps = [
        FloatingBar(
            one.layer,
            kinds[one.layer],
            (_change(one.before.params, one.after.params), _change(one.before.operations, one.after.operations)),
        )
        for one in changes
    ]
    ends = Network("before", found.before), Network("after", found.after)
    return _waterfall(ends, steps, f"{named(found.before)}: {'; '.join(found.said)}", [], top, size)


def _change(before: Dim, after: Dim) -> Dim:
    return UNKNOWN if UNKNOWN in (before, after) else after - before


def _waterfall(
    ends: tuple[Network, Network], steps: list[FloatingBar], title: str, said: list[str], top: int | None, size: Size
) -> Figure:
    if top is not None and top < 1:
        raise stop(f"top is a whole number from 1, not {top}")
    before, after = (network.result for network in ends)
    high = inches(size, 0)[1]
    room = int((high - frame(size)) / LINE) - 3 if high else MOST_STEPS
    shown = _largest(steps, top or max(room, 3))
    rule = before.convention
    with styled():
        made = figure(size, frame(size) + STEP * (len(shown) + 2))
        panels = [*made.subplots(1, 2, sharey=True, squeeze=False).flat]
        names = [ends[0].label, *(step.name for step in shown), ends[1].label]
        costs = (((before.params, after.params), rule.things), ((before.operations, after.operations), rule.unit))
        for number, (axes, (totals, unit)) in enumerate(zip(panels, costs, strict=True)):
            _panel(axes, totals, shown, number)
            scaled(axes.xaxis, unit, axes.get_xlim()[1] / ROOM)
            axes.tick_params(axis="y", length=0)
        panels[0].set_yticks(range(len(names)), [shortened(name, made) for name in names])
        panels[0].set_ylim(len(names) - 0.4, -0.6)
        legend(made, title, *panels)
        small_print(made, "; ".join([rule.counted, *said, *_batch(before)]))
    return made


def _batch(result: Result) -> list[str]:
    return [f"a batch of {result.batch}"] if result.batch > 1 else []


def _largest(steps: list[FloatingBar], count: int) -> list[FloatingBar]:
    """Return the biggest changes, by their larger part of all that changed, in their order, and the others' sum."""
    wholes = [sum(_size(step.adds[k]) for step in steps) or 1 for k in (0, 1)]
    order = sorted(range(len(steps)), key=lambda k: -max(_size(steps[k].adds[n]) / wholes[n] for n in (0, 1)))
    kept, rest = sorted(order[:count]), [steps[k] for k in order[count:]]
    if not rest:
        return [steps[k] for k in kept]
    others = FloatingBar(plural(len(rest), "other change"), OTHERS, (_sum(rest, 0), _sum(rest, 1)))
    return [*(steps[k] for k in kept), others]


def _sum(steps: Sequence[FloatingBar], number: int) -> Dim:
    values = [step.adds[number] for step in steps]
    return UNKNOWN if UNKNOWN in values else sum(values)


def _size(value: Dim) -> float:
    return float("inf") if value is UNKNOWN else float(abs(value))


def _panel(axes: Axes, totals: tuple[Dim, Dim], steps: Sequence[FloatingBar], number: int) -> None:
    """Draw one cost: both totals from zero, each change from where the one before ended; what is unknown has none."""
    first, last = (0.0 if total is UNKNOWN else float(total) for total in totals)
    moves = [0.0 if step.adds[number] is UNKNOWN else float(step.adds[number]) for step in steps]
    levels = [*accumulate(moves, initial=first)]
    longest = max(*levels, first, last, 1.0)
    for place, total in ((0, first), (len(steps) + 1, last)):
        axes.barh(place, total, height=0.72, color="0.85", edgecolor="black", linewidth=0.3)
    seen: set[str] = set()
    for place, (step, start, move) in enumerate(zip(steps, levels, moves, strict=False), 1):
        look = fill(step.family) if step.family in COLOURS else {"color": "white", "edgecolor": "black"}
        visible = abs(move) > longest / 500 and step.family not in seen and step.family in COLOURS
        seen |= {step.family} if visible else set()
        axes.barh(
            place, abs(move), left=min(start, start + move), height=0.72, linewidth=0.3,
            label=step.family if visible else None, **look,
        )  # fmt: skip
    for place, level in enumerate(levels):  # where the next one begins
        axes.plot([level, level], [place + 0.36, place + 0.64], color=QUIET, linewidth=0.5)
    ends = [first, *(max(a, b) for a, b in pairwise(levels)), last]
    said = [
        numbers.figure(totals[0]), *(_said(step.adds[number]) for step in steps), numbers.figure(totals[1])
    ]  # fmt: skip
    for place, (end, text) in enumerate(zip(ends, said, strict=True)):
        axes.annotate(text, (end, place), xytext=(2, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, ROOM * longest)


def _said(value: Dim) -> str:
    return "?" if value is UNKNOWN else numbers.figure(value, signed=True).replace("-", "−")
