"""Activation memory over time: what is alive while each row runs, and the budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from costcalc.asked import NetworkLike
from costcalc.base import Datum, GivenShape
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.base.text import plural
from costcalc.comparisons.budgets import of_metrics
from costcalc.measures.memory import Schedule, in_patches, scheduled
from costcalc.measures.metric import Measured
from costcalc.numbers.num import UNKNOWN
from costcalc.plots.style import FONT, QUIET, Size, figure, fill, legend, named, results, shortened, small_print, styled
from costcalc.reports.colours import COLOURS, family
from costcalc.reports.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

METRIC = "peak_memory"
INPUT = "input"  # what the network reads, beside the families that write the others
OUTLINES = 400  # tensors that have an outline of their own: of more it would be all
UNITS = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "bytes"))


def memory(
    network: NetworkLike,
    /,
    *,
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    variant: str = "",
    options: Mapping[str, Datum] | None = None,
    limits: Mapping[str, Datum] | None = None,
    size: Size = None,
    **more: Datum,
) -> Figure:
    """Return what is alive while each row runs, in the colour of the layer that wrote it; the peak is named.

    network, knobs, input, batch, variant: as for `costcalc.count`. options: of peak_memory, `{"bits": 8, "mode": "mcu",
    "order": "best", "patches": 3}`; rows that run in patches are beside what they take whole. limits: a line at
    `{"peak_memory": "320KiB"}`. size: as for `layers`.

    Raises SpecError where a size is unknown.
    """
    (result,) = results([network], more, knobs, input, batch, variant=variant)
    bounds = of_metrics(limits)
    for other in bounds.keys() - {METRIC}:
        raise stop(f"memory is drawn against a limit of {METRIC}, not of {other}")
    one = result.metric(METRIC, **(options or {}))
    if one.total is UNKNOWN or not result.rows:
        raise stop(f"{result.name} has tensors of unknown size, and a picture would hide them")
    schedule = scheduled(result.graph, one.setup.but(patches=None))
    with styled():
        made = figure(size, 3.2)
        axes = made.subplots()
        highest = _alive(axes, schedule, 0.4 if one.setup.patches else 1)
        if one.setup.patches:
            highest = max(highest, _patches(axes, result, one))
        limit = bounds.get(METRIC)
        top = max(highest, limit or 0)
        unit, word = next(pair for pair in UNITS if top >= pair[0] or pair[0] == 1)
        _scale(axes, unit, top)
        if limit is not None:
            axes.axhline(limit, color="black", linestyle="--", linewidth=1, label=f"budget: {limit / unit:,.4g} {word}")
        axes.set_xlim(0, len(schedule.moments))
        axes.set_xlabel("rows in the order in which they run")
        axes.set_ylabel(f"alive ({word})")
        legend(made, f"Activation memory of {named(result)}", axes)
        under = f"peak memory ({one.says}): {one.total:,} bytes"
        small_print(made, under, *_said(one, limit))
        made.draw_without_rendering()
        _name_peak(axes, result, one, schedule)
    return made


def _alive(axes: Axes, schedule: Schedule, alpha: float) -> float:
    """Draw the tensors as bands over the rows during which they are alive; return the highest moment."""
    found, moments = schedule.found, schedule.moments
    first = {step.node.layer: step.node for step in reversed(found.steps)}  # a norm's output is its convolution's
    kinds = {
        place: INPUT if (maker := found.makers[place]) is None else family(first[maker.layer])
        for moment in moments
        for place in moment.alive
    }
    highest = max(float(total) for total in schedule.bytes)
    order = [*COLOURS, INPUT]
    edge = 0.2 if len(kinds) <= OUTLINES else 0
    for kind in (INPUT, *COLOURS):
        boxes = []
        for number, moment in enumerate(moments):
            level = 0.0
            for place in sorted(moment.alive, key=lambda p: (-order.index(kinds[p]), p)):
                size = float(found.sizes[place])
                if kinds[place] == kind and size:
                    boxes.append((number, level, size))
                level += size
        if boxes:
            look = {"color": "0.93", "edgecolor": "black"} if kind == INPUT else fill(kind)
            label = "the network's input" if kind == INPUT else kind
            seen = max(size for _, _, size in boxes) > highest / 200
            axes.bar(
                [x for x, _, _ in boxes], [size for _, _, size in boxes], bottom=[level for _, level, _ in boxes],
                width=1, align="edge", linewidth=edge, label=label if seen else None, alpha=alpha, **look,
            )  # fmt: skip
    besides = [(number, moment) for number, moment in enumerate(moments) if moment.beside]
    if besides:
        axes.bar(
            [number for number, _ in besides], [float(moment.beside) for _, moment in besides],
            bottom=[float(moment.total(found.sizes) - moment.beside) for _, moment in besides],
            width=1, align="edge", linewidth=edge, color="0.9", hatch="++++", edgecolor="black", label="scratch",
            alpha=alpha,
        )  # fmt: skip
    return highest


def _patches(axes: Axes, result: Result, one: Measured) -> float:
    """Draw over the bands what is alive at most while rows run in patches."""
    made = in_patches(result.graph, one.setup)
    if made is None:
        return 0.0
    values = [float(value) for value in made.bytes]
    axes.stairs(
        values,
        range(len(values) + 1),
        color="black",
        linewidth=1.2,
        label=f"in {one.setup.patches}x{one.setup.patches} patches",
        zorder=4,
    )
    axes.axvline(made.rows, color=QUIET, linewidth=0.6, linestyle=":", zorder=3)
    return max(values)


def _scale(axes: Axes, unit: int, top: float) -> None:
    ticker = need("matplotlib.ticker", "plot")
    axes.set_ylim(0, 1.15 * top)
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value / unit:,.4g}"))
    axes.yaxis.set_major_locator(ticker.FixedLocator([unit * step for step in _steps(1.15 * top / unit)]))
    axes.xaxis.set_major_locator(ticker.MaxNLocator(integer=True, nbins=8))


def _steps(most: float) -> list[float]:
    """Return from four to ten round numbers from 0 to the most."""
    step = next(s * 10.0**k for k in range(-3, 9) for s in (1, 2, 5) if most / (s * 10.0**k) <= 8)
    return [step * k for k in range(int(most / step) + 1)]


def _name_peak(axes: Axes, result: Result, one: Measured, schedule: Schedule) -> None:
    """Mark the row at which the most is alive, and name it."""
    index = max(range(len(one.rows)), key=lambda k: one.rows[k])
    place, high = [*schedule.order].index(index) + 0.5, float(one.rows[index])
    side = "right" if place > len(one.rows) / 2 else "left"
    axes.annotate(
        shortened(result.rows[index].name, axes.figure), (place, high), xytext=(0, 4), fontsize=FONT,  # type: ignore[arg-type]
        textcoords="offset points", ha=side, va="bottom", zorder=6,
        bbox={"boxstyle": "square,pad=0.1", "facecolor": "white", "edgecolor": "none", "alpha": 0.9},
    )  # fmt: skip
    axes.plot([place], [high], marker="v", markersize=4, color="black", clip_on=False, zorder=5)


def _said(one: Measured, limit: float | None) -> Sequence[str]:
    said = [remark for remark in one.metric.remarks(one.graph, one.setup) if not remark.startswith("  ")][:3]
    if limit is None:
        return said
    over = sum(value > limit for value in one.rows)
    return [*said, f"{plural(over, 'row')} over the budget" if over else "all rows are within the budget"]
