"""A difference between two networks as people read it: words for the totals, a table of the biggest changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.comparisons.diffing import ADDED, CHANGED, REMOVED, Change, Diff, described
from costcalc.numbers.num import UNKNOWN
from costcalc.reports.render import markdown
from costcalc.reports.render.figures import readable
from costcalc.reports.report import Column, Table

SIGNS = {ADDED: "+", REMOVED: "-", CHANGED: "~"}


def heading(diff: Diff) -> list[str]:
    """Return the totals in words: both networks, what changed in all, and in how many layers."""
    if diff.same:
        alike = f"{diff.before.label} and {diff.after.label} are the same"
        return [f"{alike}: {diff.unchanged} layers, {_totals(diff)}"]
    first, second = diff.before.result, diff.after.result
    rule = first.convention
    found = [
        f"{diff.before.label} → {diff.after.label}",
        _difference(rule.things, first.params, second.params, diff.params),
        _difference(rule.unit, first.total, second.total, diff.macs),
        diff.said,
    ]
    return [*found, "the outputs are those of other layers"] if diff.outputs else found


def _totals(diff: Diff) -> str:
    result = diff.before.result
    return f"{readable(result.params)} {result.convention.things}, {readable(result.total)} {result.unit}"


def _difference(what: str, before: Any, after: Any, change: Any) -> str:
    if change == 0:
        return f"{what}: {readable(after)}, no difference"
    part = "" if UNKNOWN in (before, change) or not before else f", {100 * change / before:+.1f} %"
    return f"{what}: {readable(before)} → {readable(after)} ({signed(change)}{part})"


def signed(value: Any) -> str:
    """Return a difference as people read it: +1.234 M, -864, 0."""
    if value is UNKNOWN or not value:
        return str(value)
    return f"{'+' if value > 0 else '-'}{readable(abs(value))}"


def notes(diff: Diff) -> list[str]:
    """Return what a reader must know beside the numbers."""
    result = diff.before.result
    batch = f"; a batch of {result.batch}" if result.batch != 1 else ""
    return [f"{result.convention.counted}{batch}"]


def table(diff: Diff, top: int | None = None, *, wide: bool = False) -> Table:
    """Return the changes, the biggest first, and what is left of them in one line.

    Each stands with its part of the difference, in numbers and in per cent. wide: what changed has a column of its
    own, instead of standing behind the layer's name.
    """
    rule = diff.before.result.convention
    changes = diff.biggest()
    shown, rest = changes[:top], changes[top:] if top is not None else []
    titles = ("", "layer", "change") if wide else ("layer, change",)
    columns = [Column(title) for title in titles]
    columns += [Column(title, "number") for title in (rule.things, "%", rule.unit, "%")]
    cells = [[*_named(change, wide=wide), *_parts(diff, [change])] for change in shown]
    if rest:
        more = f"{len(rest)} more"
        cells.append([*(("", more, "") if wide else (f"  {more}",)), *_parts(diff, rest)])
    total = ("", "total", "") if wide else ("total",)
    return Table(columns, cells, [*total, *_parts(diff, changes)])


def _named(change: Change, *, wide: bool) -> Sequence[str]:
    said = described(change.fields) or change.type
    sign = SIGNS[change.kind]
    return (sign, change.name, said) if wide else (f"{sign} {change.name}: {said}",)


def _parts(diff: Diff, changes: list[Change]) -> list[str]:
    """Return what changes sum to, each quantity with its share of the whole difference."""
    made = []
    for quantity in ("params", "macs"):
        value: Any = sum(getattr(change, quantity) for change in changes)
        made += [signed(value), _percent(diff.share(value, quantity))]
    return made


def _percent(part: float | None) -> str:
    """Return a share in per cent; unlike a share of a total, it may be below 0 or above 100."""
    if part is None:
        return ""
    if 0 < abs(part) < 0.05:
        return "<0.1"
    return f"{part:.1f}" if part else "0"


def text(diff: Diff, top: int | None, *, columns: int = 80, color: bool = False) -> str:
    """Return the difference for a terminal."""
    from costcalc.reports.render.text import render, wrapped

    said = [wrapped(line, columns) for line in heading(diff)]
    body = ["", render(table(diff, top), columns=columns, color=color)] if diff.changes else []
    return "\n".join([*said, *body, "", *notes(diff)])


def summary(diff: Diff, top: int | None) -> str:
    """Return the difference as Markdown, for a pull request."""
    title, *said = heading(diff)
    body = [markdown.render(table(diff, top, wide=True))] if diff.changes else []
    return "\n\n".join([f"**{markdown.escaped(title)}**", *(["  \n".join(said)] if said else []), *body, *notes(diff)])


def html(diff: Diff) -> str:
    """Return what a notebook shows of a difference."""
    from html import escape

    from costcalc.reports.render.html import render

    title, *said = heading(diff)
    body = render(table(diff, 20, wide=True)) if diff.changes else ""
    small = "".join(f"<div><small>{escape(note)}</small></div>" for note in notes(diff))
    return f"<div><b>{escape(title)}</b></div>{''.join(f'<div>{escape(s)}</div>' for s in said)}{body}{small}"
