"""A sweep drawn: curves over one knob, a map with lines of equal cost over two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.optional import need
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.language.yaml_text import typed
from costcalc.plots.style import (
    COLOURS,
    DASHES,
    FONT,
    MARKERS,
    NARROW,
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

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NETWORK = "network"
STEPS = ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9))
LETTERS = 46  # that have room under a panel
FEW = 4  # lines of a map, at least, where its values allow that


def sweep(table: pd.DataFrame, *, of: str = "", name: str = "", size: Size = None) -> Figure:
    """Return the picture of what `costcalc.sweep` gave: curves where one knob varies, a map where two do.

    of: what a map shows, the operations (`macs` or what the convention counts) unless told, or `params`; curves show
    both. name: of the network, for the title.
    size: in inches.

    Raises SpecError for a sweep of more knobs, and for settings that make no grid.
    """
    rule = rule_of(table)
    of = of or rule.called
    if of not in rule.quantities:
        raise stop(f"a map shows no '{of}'", hint=f"known: {', '.join(rule.quantities)}")
    knobs = varied(table)
    with styled():
        if len(knobs) == 1:
            made = _curves(table, knobs[0], rule, size, _title(table, knobs, name))
        elif len(knobs) == 2 and (NETWORK not in table or not several(table[NETWORK])):
            made = _map(table, knobs, rule, of, size)
            made.suptitle(_title(table, knobs, name), x=0.01, ha="left", fontsize=FONT + 1)
        else:
            said = f"{len(knobs)} knobs" + (" of several networks" if len(knobs) == 2 else "")
            raise stop(
                f"a picture of a sweep takes one knob, or two of one network, and here vary {said}",
                hint="give each of the other knobs one value",
            )
        small_print(made, rule.counted)
    return made


def _title(table: pd.DataFrame, knobs: Sequence[str], name: str) -> str:
    """Return which network a picture is of, and at which values of the knobs that do not vary."""
    kept = {knob: table[knob].iloc[0] for knob in knobs_of(table) if knob not in knobs and knob != NETWORK}
    if not name and NETWORK in table:
        name = ", ".join(dict.fromkeys(map(str, table[NETWORK])))
    said = ", ".join(f"{knob} {typed(value)}" for knob, value in kept.items())
    over = f"over {' and '.join(knobs)}"
    return " ".join(filter(None, [name, over])) + (f" ({said})" if said else "")


def knobs_of(table: pd.DataFrame) -> list[str]:
    """Return the columns of a sweep's table that are knobs, or the network."""
    counted = table.attrs.get("columns", rule_of(table).quantities)
    return [name for name in map(str, table.columns) if name not in counted]


def rule_of(table: pd.DataFrame) -> Convention:
    """Return the convention under which a sweep was counted."""
    return conventions.get(table.attrs.get("convention", conventions.DEFAULT))


def several(values: pd.Series[Any]) -> bool:
    """Say whether a column holds more than one value."""
    return len(set(map(str, values.tolist()))) > 1


def varied(table: pd.DataFrame) -> list[str]:
    """Return the knobs that have several values; raise SpecError where the table is no sweep's, or has none."""
    if not set(rule_of(table).quantities) <= set(table.columns) or {"layer", "type"} & set(table.columns):
        raise stop("this is no table of a sweep's settings", hint="give what costcalc.sweep returns, without per")
    found = [name for name in knobs_of(table) if name != NETWORK and several(table[name])]
    if not found:
        raise stop("there is nothing to draw: no knob has several values")
    return found


def places(values: Sequence[Datum]) -> tuple[list[float], dict[float, str]]:
    """Return where values lie on an axis, and the names of places that are no numbers."""
    if all(type(value) in (int, float) for value in values):
        return [float(value) for value in values], {}
    words = list(dict.fromkeys(_said(value) for value in values))
    return [float(words.index(_said(value))) for value in values], dict(enumerate(words))


def _said(value: Datum) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


# ---- one knob ----------------------------------------------------------------------------------


def _curves(table: pd.DataFrame, knob: str, rule: Convention, size: Size, title: str) -> Figure:
    made = figure(size, 2.7 if inches(size, 0)[0] >= NARROW else 4.2)
    panels = beside(made, 2)
    groups = list(table.groupby(NETWORK, sort=False)) if NETWORK in table else [("", table)]
    if len(groups) > len(MARKERS):
        raise stop(f"curves of more than {len(MARKERS)} networks cannot be told apart")
    for axes, total, unit in zip(panels, rule.quantities, (rule.things, rule.unit), strict=True):
        for number, (name, part) in enumerate(groups):
            _curve(axes, part, knob, total, (number, str(name) if len(groups) > 1 else ""))
        axes.set_xlabel(knob)
        axes.set_ylim(0, 1.05 * max(int(table[total].max()), 1))
        scaled(axes.yaxis, unit, table[total].max())
        axes.grid(visible=True, linewidth=0.3, color="0.8")
    legend(made, title, panels[0])
    return made


def _curve(axes: Axes, part: pd.DataFrame, knob: str, total: str, network: tuple[int, str]) -> None:
    """Draw one network's line; between values that are no numbers there is none."""
    number, label = network
    x, words = places(part[knob].tolist())
    pairs = sorted(zip(x, part[total].tolist(), strict=True))
    axes.plot(
        [pair[0] for pair in pairs], [pair[1] for pair in pairs], label=label or None, color=COLOURS[number],
        marker=MARKERS[number] if len(pairs) <= 30 else "", linestyle="" if words else DASHES[number],
    )  # fmt: skip
    if words:
        _words(axes.xaxis, words)
        axes.set_xlim(-0.5, len(words) - 0.5)


def _words(axis: Any, words: dict[float, str]) -> None:
    axis.set_ticks(list(words), list(words.values()))
    if axis.axis_name == "x" and sum(map(len, words.values())) + 2 * len(words) > LETTERS:
        axis.set_tick_params(labelrotation=90)


# ---- two knobs ---------------------------------------------------------------------------------


def _map(table: pd.DataFrame, knobs: list[str], rule: Convention, of: str, size: Size) -> Figure:
    x, y, costs = grid(table, knobs, of)
    low, high = int(costs.min()), int(costs.max())
    made = figure(size, 3.4, width=4.6)
    axes = made.subplots()
    colors = need("matplotlib.colors", "plot")
    norm = colors.LogNorm(low, high) if high > 20 * low > 0 else colors.Normalize(low, high)
    mesh = axes.pcolormesh(x[0], y[0], costs, shading="nearest", cmap="cividis", norm=norm, rasterized=True)
    for axis, (_, words) in ((axes.xaxis, x), (axes.yaxis, y)):
        if words:
            _words(axis, words)
    bar = made.colorbar(mesh, ax=axes)
    bar.ax.minorticks_off()
    scaled(bar.ax.yaxis, rule.things if of == "params" else rule.unit, high)
    axes.set_xlabel(knobs[0])
    axes.set_ylabel(knobs[1])
    if not (x[1] or y[1]) and min(costs.shape) > 1 and high > low:
        _iso(made, axes, (x[0], y[0], costs), bar)
    return made


def grid(table: pd.DataFrame, knobs: list[str], of: str) -> tuple[Any, Any, Any]:
    """Return both axes (places, names) and the costs between them, [second knob, first knob]."""
    import numpy as np

    sides = []
    for knob in knobs:
        found, words = places(table[knob].tolist())
        sides.append((found, sorted(set(found)), words))
    (columns, xs, x_words), (lines, ys, y_words) = sides
    cells = dict(zip(zip(lines, columns, strict=True), table[of].tolist(), strict=True))
    if len(cells) != len(xs) * len(ys) or len(table) != len(cells):
        raise stop(
            f"the settings of {knobs[0]} and {knobs[1]} make no grid", hint="cross the knobs: without zip, where, top"
        )
    costs = np.array([[cells[y, x] for x in xs] for y in ys], dtype=np.int64)
    return (xs, x_words), (ys, y_words), costs


def levels(low: float, high: float) -> list[float]:
    """Return round numbers between two, from four to eight of them where they lie far enough apart."""
    for steps in STEPS:
        found = [s * 10.0**k for k in range(-2, 16) for s in steps if low < s * 10.0**k < high]
        if len(found) >= FEW:
            return found[:: -(-len(found) // 8)]
    return [low + (high - low) * part / 5 for part in range(1, 5)]


def _iso(made: Figure, axes: Axes, mapped: tuple[Any, Any, Any], bar: Any) -> None:
    """Draw lines of equal cost, each with its number, and mark them beside the map."""
    effects = need("matplotlib.patheffects", "plot")
    x, y, costs = mapped
    found = levels(costs.min(), costs.max())
    lines = axes.contour(x, y, costs, levels=found, colors="black", linewidths=0.9)
    lines.set(path_effects=[effects.withStroke(linewidth=2, foreground="white")])
    made.draw_without_rendering()  # the labels' places depend on the axes' size
    for label in axes.clabel(lines, fmt=amount, fontsize=FONT, inline_spacing=2):
        label.set_path_effects([effects.withStroke(linewidth=2, foreground="white")])
    bar.ax.set_yticks(found)
