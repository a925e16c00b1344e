"""Settings against two of their numbers, and the front of those that no other beats."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from costcalc.base import arguments
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.language.yaml_text import typed
from costcalc.measures.metric import COUNTED, metrics
from costcalc.plots.curves import NETWORK, knobs_of, rule_of, several
from costcalc.plots.labels import Sheet
from costcalc.plots.style import COLOURS, MARKERS, Size, counts, figure, legend, scaled, small_print, styled

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from costcalc.costs.convention import Convention

MANY = 20  # times the least: an axis is logarithmic
MOST_POINTS = 100_000

Place = tuple[float, float]


def pareto(table: pd.DataFrame, of: str | Iterable[str], *, name: str = "", size: Size = None) -> Figure:
    """Return the settings of a sweep by two of their numbers; those that no other beats are joined and named.

    table: what `costcalc.sweep` returned, with any columns more. of: two of its columns, as `pareto` of a sweep has
    them: `"macs,params"`, `"macs,-top1"` (`-`: more is better). name: of the network, for the title. size: as for
    `layers`. Settings without both numbers are left out, and counted.

    Raises SpecError for columns that there are not, and where no setting has both.
    """
    words: Sequence[str] = arguments.texts(of, "of", 'of="macs,-top1"')
    if len(words) != 2:
        raise stop(
            f"a front is drawn of two columns, not {len(words)}", hint='of="macs,-top1": -, where more is better'
        )
    names = [word.lstrip("-") for word in words]
    columns = [_column(table, one) for one in names]
    there = columns[0].notna() & columns[1].notna()
    left, xs, ys = table[there], columns[0][there].to_numpy(float), columns[1][there].to_numpy(float)
    if not 0 < len(left) <= MOST_POINTS:
        raise stop(f"{len(left):,} settings have both {names[0]} and {names[1]}: a picture takes 1 to {MOST_POINTS:,}")
    from costcalc.sweeps.chunks import front

    best = front([-v if word.startswith("-") else v for v, word in zip((xs, ys), words, strict=True)])
    best = best[xs[best].argsort(kind="stable")]
    corners = _corners([(xs[k], ys[k]) for k in best], backwards=words[0].startswith("-"))
    rule = rule_of(table)
    with styled():
        made = figure(size, 3.2, width=4.6)
        axes = made.subplots()
        groups = _groups(left)
        for number, (label, places) in enumerate(groups.items()):
            _points(axes, (xs, ys), places, {*best.tolist()}, (number, label if len(groups) > 1 else ""))
        axes.plot(*zip(*corners, strict=True), color="black", linewidth=0.9, zorder=2, label="no other is better")
        for axis, one, values in ((axes.xaxis, names[0], xs), (axes.yaxis, names[1], ys)):
            _scale(axes, axis, _title(one, rule), values)
        axes.grid(visible=True, linewidth=0.3, color="0.85")
        axes.margins(0.1)
        legend(made, name or ", ".join(filter(None, groups)) or "Settings", axes)
        out = len(table) - len(left)
        counted = f"{plural(len(left), 'setting')}, {len(best)} of them on the front"
        small_print(made, counted + (f"; {out} left out, without both numbers" if out else ""), *_told(names, rule))
        made.draw_without_rendering()
        made.set_layout_engine("none")
        sheet = Sheet(axes, [*zip(xs.tolist(), ys.tolist(), strict=True)], corners)
        for k in best:
            words = _setting(left, int(k), names)
            _ = sheet.write(", ".join(words), (xs[k], ys[k])) or sheet.write("\n".join(words), (xs[k], ys[k]))
    return made


def joined(table: pd.DataFrame, path: str) -> pd.DataFrame:
    """Return a sweep's settings with the other columns of a CSV, whose lines are found by the knobs that both have.

    Raises SpecError for a file that can't be read, has no knob of the sweep, nothing else, or a setting twice.
    """
    import pandas as pd

    try:
        more = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise stop(f"{path} cannot be read as a CSV: {str(error).splitlines()[0]}") from None
    knobs = [knob for knob in knobs_of(table) if knob in more.columns]
    new = [str(name) for name in more.columns if name not in table.columns]
    if not knobs or not new:
        known = ", ".join(knobs_of(table))
        raise stop(f"{path} needs a column of a knob and one that is new", hint=f"as width,top1; knobs here: {known}")
    twice = more.duplicated(knobs)
    if twice.any():
        said = ", ".join(f"{knob} {more[knob].tolist()[twice.tolist().index(True)]}" for knob in knobs)
        raise stop(f"{path} has the setting {said} twice")
    try:
        found = table.merge(more[[*knobs, *new]], how="left", on=knobs)
    except ValueError:
        raise stop(f"{path}: its {', '.join(knobs)} are no values of these knobs") from None
    found.attrs |= table.attrs
    return found


def _column(table: pd.DataFrame, name: str) -> pd.Series[Any]:
    """Return a column of numbers; raise SpecError where there is none of that name."""
    numeric = [str(one) for one in table.columns if table[one].dtype.kind in "iuf"]
    if name not in table.columns:
        raise stop(f"the sweep has no column '{name[:60]}'", hint=f"its numbers: {', '.join(numeric)}")
    if name not in numeric:
        raise stop(f"the column {name} is no number at each setting", hint=f"its numbers: {', '.join(numeric)}")
    return table[name]


def _corners(best: Sequence[Place], *, backwards: bool) -> list[Place]:
    """Return the front as steps: at each cost what the best setting gives that costs no more."""
    corners = [*best[:1]]
    for before, after in pairwise(best):
        corners += [(before[0], after[1]) if backwards else (after[0], before[1]), after]
    return corners


def _groups(table: pd.DataFrame) -> dict[str, list[int]]:
    """Return the places of each network's settings."""
    labels = table[NETWORK].tolist() if NETWORK in table else [""] * len(table)
    found: dict[str, list[int]] = {}
    for place, label in enumerate(labels):
        found.setdefault(str(label), []).append(place)
    if len(found) > len(MARKERS):
        raise stop(f"points of more than {len(MARKERS)} networks cannot be told apart")
    return found


def _points(axes: Axes, points: tuple[Any, Any], places: Sequence[int], best: set[int], group: tuple[int, str]) -> None:
    """Draw a network's settings, filled where they are on the front."""
    (xs, ys), (number, label) = points, group
    axes.scatter(
        xs[places], ys[places], s=14, marker=MARKERS[number], edgecolors=COLOURS[number], linewidths=0.8,
        facecolors=[COLOURS[number] if place in best else "white" for place in places], zorder=3,
        label=label or None, rasterized=len(places) > 5000,
    )  # fmt: skip


def _scale(axes: Axes, axis: Any, title: str, values: Any) -> None:
    low, high = float(values.min()), float(values.max())
    if high > MANY * low > 0:
        (axes.set_xscale if axis.axis_name == "x" else axes.set_yscale)("log")
        axis.set_label_text(title)
        counts(axis)
    else:
        scaled(axis, title, high)


def _title(name: str, rule: Convention) -> str:
    """Return what a column is called on an axis: what the convention counts, or a metric, with its unit."""
    if name in (*COUNTED, "params"):
        return rule.things if name == "params" else rule.unit if name == rule.called else name
    found = metrics().get(name)
    return f"{found.title} ({found.unit})" if found and found.unit != found.title else name


def _told(names: Sequence[str], rule: Convention) -> list[str]:
    return rule.told([name for name in names if name in metrics()])


def _setting(table: pd.DataFrame, place: int, drawn: Sequence[str]) -> list[str]:
    """Return a setting in words: the network where there are several, the knobs that vary, by their names."""
    said = []
    for knob in knobs_of(table):
        if knob not in drawn and several(table[knob]):
            value = table[knob].iloc[place]
            text = typed(value.item() if hasattr(value, "item") else value)
            said.append(str(value) if knob == NETWORK else f"{knob} {text}")
    return said
