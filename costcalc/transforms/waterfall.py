"""What transformations change, as a table: the network before, each layer's contribution, the network after."""

from __future__ import annotations

from itertools import accumulate, pairwise

from costcalc.base import Datum
from costcalc.numbers.num import UNKNOWN, Dim
from costcalc.numbers.text import percent
from costcalc.reports.page import Page
from costcalc.reports.render.figures import Unit, column_unit, in_unit, share
from costcalc.reports.table import Column, Table
from costcalc.transforms.whatif import WhatIf

BAR = 12  # characters


def page(whatif: WhatIf, *, exact: bool = False) -> Page:
    """Return what was changed as a page."""
    return Page(
        lambda: [table(whatif, exact=exact)],
        whatif.records,
        whatif.to_dict,
        heading=[*whatif.before.heading(), *whatif.said],
        notes=[*summary(whatif), *whatif.before.notes()],
        prose=True,
    )


def table(whatif: WhatIf, *, exact: bool = False) -> Table:
    """Return the waterfall: contributions in the order of the layers, signed; the last line is the network after.

    Shares are of the network before. Bars show the operations that are left, and what each layer takes of them,
    where no notes stand in their place.
    """
    before, after = whatif.before.cost, whatif.after.cost
    params = [before.params, *(_change(one.before.params, one.after.params) for one in whatif.changes), after.params]
    operations = [
        before.operations,
        *(_change(one.before.operations, one.after.operations) for one in whatif.changes),
        after.operations,
    ]
    notes = ["", *(one.note for one in whatif.changes), ""]
    columns = [
        (Column("layer"), ["before", *(one.layer for one in whatif.changes), "after"]),
        (Column("becomes"), ["", *(one.becomes or "dropped" for one in whatif.changes), ""]),
        *_counts(whatif.before.convention.things, params, exact=exact),
        *_counts(whatif.before.unit, operations, exact=exact),
        (Column("note"), notes) if any(notes) else (Column(""), _bars(operations)),
    ]
    shown = [(column, texts) for column, texts in columns if any(texts)]
    lines = [list(line) for line in zip(*(texts for _, texts in shown), strict=True)]
    return Table([column for column, _ in shown], lines[:-1], lines[-1], paths=True)


def _change(before: Dim, after: Dim) -> Dim:
    return UNKNOWN if UNKNOWN in (before, after) else after - before


def _counts(title: str, values: list[Datum], *, exact: bool) -> list[tuple[Column, list[str]]]:
    """Return a column of counts, its first and last whole and the others signed, and one of their shares.

    The unit is one that suits the changes, unless the whole is too long in it.
    """
    first, *changes, last = values
    sizes = [one if one is UNKNOWN else abs(one) for one in changes]
    unit = Unit(1, "") if exact else column_unit(sizes, (first, last))
    texts = [in_unit(one, unit) for one in (first, *sizes, last)]
    counts = [texts[0], *map(_signed, changes, texts[1:-1]), texts[-1]]
    parts = [_share(first, first), *(_signed(value, _share(value, first)) for value in changes), _share(last, first)]
    return [(Column(f"{title}, {unit.name}" if unit.name else title, "number"), counts), (Column("%", "number"), parts)]


def _share(value: Datum, whole: Dim) -> str:
    if UNKNOWN in (value, whole) or not whole:
        return ""
    part = abs(100 * value / whole)
    return percent(part) if part >= 100 else share(part)


def _signed(value: Datum, text: str) -> str:
    return text if value is UNKNOWN or not value or not text else f"{'-' if value < 0 else '+'}{text}"


def _bars(values: list[Datum]) -> list[str]:
    """Return a bar for each value: the first and the last from zero, the others from where the one before ended."""
    if UNKNOWN in values:
        return [""] * len(values)
    levels, last = list(accumulate(values[:-1])), values[-1]
    most = max(*levels, last, 1)
    spans = [(0, levels[0]), *pairwise(levels), (0, last)]
    return [_bar(*sorted(round(BAR * level / most) for level in span)) for span in spans]


def _bar(low: int, high: int) -> str:
    return " " * min(low, BAR - 1) + ("█" * (high - low) or "▏")


def summary(whatif: WhatIf) -> list[str]:
    """Return what is to be said beside the table: totals, ratios, what was left as it is."""
    things, unit = whatif.before.convention.things, whatif.before.unit
    params, operations = whatif.ratio
    said = [
        f"before: {whatif.before.said()}",
        f"after: {whatif.after.said()}",
        f"after / before: {_ratio(params)} {things}, {_ratio(operations)} {unit}",
    ]
    return [*said, *(f"left as it is: {reason}" for reason in whatif.skipped)]


def _ratio(value: Datum) -> str:
    if value is None or value is UNKNOWN:
        return "unknown"
    return f"{float(value):.4f}"
