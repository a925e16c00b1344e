"""Numbers as people read them: a unit for a column, digits that say no more than they should."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from costcalc.base import Datum
from costcalc.base.text import clean
from costcalc.numbers.num import UNKNOWN
from costcalc.numbers.text import UNITS, figure, percent
from costcalc.reports.table import Table


class Unit(NamedTuple):
    """What a column is counted in, and how many decimals its values have then."""

    size: int
    name: str
    decimals: int = 1


def column_unit(values: Iterable[Datum], wholes: Iterable[Datum] = ()) -> Unit:
    """Return the unit that suits a column: its largest value has two to four digits before the point.

    wholes: totals beside the values. Where they had five digits or more, the unit is theirs, and the values keep
    three decimals, which is as much as they would tell in the smaller one.
    """
    unit, larger = _suiting(values), _suiting(wholes)
    return larger._replace(decimals=3) if larger.size > unit.size > 1 else unit


def _suiting(values: Iterable[Datum], least: int = 10) -> Unit:
    largest = max((value for value in values if value is not UNKNOWN and value is not None), default=0)
    return next((Unit(size, name) for size, name in UNITS if largest >= least * size), Unit(1, ""))


def in_unit(value: Datum, unit: Unit) -> str:
    """Return a count in a column's unit; what is there but rounds to nothing as <0.1, all digits where it has none."""
    if value is None or value is UNKNOWN or unit.size == 1:
        return figure(value, exact=True)
    if 0 < value < unit.size * 10**-unit.decimals / 2:
        return f"<{10**-unit.decimals:.{unit.decimals}f}"
    return f"{value / unit.size:.{unit.decimals}f}" if value else "0"


def share(value: Datum) -> str:
    """Return a share of a whole in per cent, which is 100 at most."""
    return "100" if value is not UNKNOWN and value >= 99.95 else percent(value)


def exact_share(value: Datum) -> str:
    """Return a share in per cent with two decimals, as the papers' tables print it."""
    return "" if value is UNKNOWN else f"{value:.2f}"


def cell(value: Datum) -> str:
    """Return what is no count as text; a number that is not whole with its decimals, nothing where there is none."""
    return "" if value is None else str(float(value)) if hasattr(value, "limit_denominator") else str(value)


def bars(values: list[Datum]) -> Callable[[Datum], str]:
    """Return what writes a column of bars, the longest for the largest value; of an unknown one there is none."""
    from costcalc.reports import sparklines

    known = [value for value in values if value is not UNKNOWN]
    plain = sparklines.ascii_only()
    return lambda value: "" if value is UNKNOWN else sparklines.bar(value, max(known, default=0), plain=plain)


def cells(table: Table, *, exact: bool, format_: str = "text") -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Return (title, unit) of each column, and every cell as text that is harmless in a format, the totals last."""
    heads, texts = [], []
    for index, column in enumerate(table.columns):
        values = [row[index] for row in table.cells]
        wholes = [total for total in table.totals[index : index + 1] if total not in ("", None)]
        unit, write = writer(column.kind, values, wholes, exact=exact, decimals=table.decimals)
        heads.append((clean(column.title, format_), unit))
        made = [*map(write, values), *(map(write, wholes) if wholes else [""])]
        harmless = format_ == "text" and "".join(made).isprintable()  # all at once: most columns are
        texts.append(made if harmless else [clean(text, format_) for text in made])
    return heads, [list(row) for row in zip(*texts, strict=True)]


def writer(
    kind: str, values: list[Datum], wholes: list[Datum], *, exact: bool, decimals: int | None = None
) -> tuple[str, Callable[[Datum], str]]:
    """Return the unit of a column and what writes its cells; decimals: so many of each, in the unit of the largest."""
    if kind == "share":
        return "", share if decimals is None and not exact else exact_share
    if kind == "bar":
        return "", bars(values)
    if kind == "ratio":
        return "", lambda value: figure(value, exact=exact or isinstance(value, int))
    if kind != "count":
        return "", cell
    if decimals is not None and not exact:
        size, name, _ = _suiting([*values, *wholes], 1)
        return name, lambda value: in_unit(value, Unit(size, name, decimals))
    unit = Unit(1, "") if exact else column_unit(values, wholes)
    return unit.name, lambda value: in_unit(value, unit)
