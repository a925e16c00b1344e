"""Search spaces drawn: how what their networks cost is spread, counted and not drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from costcalc.base.errors import stop
from costcalc.plots.style import (
    COLOURS,
    DASHES,
    NARROW,
    QUIET,
    Size,
    amount,
    beside,
    figure,
    inches,
    legend,
    scaled,
    small_print,
    styled,
)
from costcalc.spaces.space import Space
from costcalc.spaces.spread import Sums

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BINS = 60


def space(*spaces: Space, of: str = "", budgets: Sequence[float] = (), size: Size = None) -> Figure:
    """Return the picture of how a metric is spread over search spaces: a histogram, and the share of at most so much.

    of: the metric, the second that the spaces were asked for (the operations) unless told. budgets: values whose share
    is told. size: as for `layers`.

    Raises SpecError for a metric that was not asked for, and where there is no network.
    """
    if not spaces or len(spaces) > len(COLOURS):
        raise stop(f"a picture shows 1 to {len(COLOURS)} spaces")
    name = spaces[0].named(of or spaces[0].metrics[min(1, len(spaces[0].metrics) - 1)])
    for one in spaces:
        if not one.size:
            raise stop(f"{one.spec.name} has no network")
    with styled():
        made = figure(size, 2.9 if inches(size, 0)[0] >= NARROW else 4.6)
        shares, running = beside(made, 2)
        least, largest = min(one.sums(name).least for one in spaces), max(one.sums(name).most for one in spaces)
        step = max(1, -(-(largest - least + 1) // BINS))
        edges = [least + step * k for k in range(-(-(largest - least + 1) // step) + 1)]
        for number, one in enumerate(spaces):
            _draw((shares, running), one.sums(name), edges, number, _said(one, name, budgets))
        for axes, title in ((shares, "networks, % of a space"), (running, "at most so much, %")):
            scaled(axes.xaxis, name, largest)
            axes.set_ylabel(title)
            axes.set_ylim(bottom=0)
            axes.grid(visible=True, linewidth=0.3, color="0.8")
        for budget in budgets:
            running.axvline(budget, color=QUIET, linewidth=0.8, linestyle=":")
        legend(made, "; ".join(f"{one.spec.name}: {one.size:,} networks" for one in spaces), running)
        small_print(made, *spaces[0].notes, spaces[0].rule.counted)
    return made


def _draw(panels: tuple[Axes, Axes], sums: Sums, edges: Sequence[int], number: int, label: str) -> None:
    below = [100 * sums.at_most(edge - 1) / sums.number for edge in edges]
    steps = [b - a for a, b in pairwise(below)]
    line: dict[str, Any] = {"color": COLOURS[number], "linestyle": DASHES[number]}
    panels[0].stairs(steps, edges, color=COLOURS[number], fill=True, alpha=0.2)
    panels[0].stairs(steps, edges, **line)
    panels[1].plot(edges, below, label=label, **line)


def _said(one: Space, name: str, budgets: Sequence[float]) -> str:
    """Return a space's name, and what share of it each budget leaves."""
    shares = [100 * one.sums(name).at_most(int(budget)) / one.size for budget in budgets]
    said = [f"{share:.3g} % ≤ {amount(budget)}" for share, budget in zip(shares, budgets, strict=True)]
    return f"{one.spec.name}: {', '.join(said)}" if said else str(one.spec.name)
