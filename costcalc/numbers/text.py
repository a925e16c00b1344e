"""Numbers as people read them: with the unit that suits, digits that say no more than they should, one minus sign."""

from __future__ import annotations

from costcalc.numbers.num import UNKNOWN, Dim

UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "K"), (1, ""))


def figure(value: Dim | str | None, unit: str = "", *, exact: bool = False, signed: bool = False) -> str:
    """Return a number: 568.7 M, 864, with all digits where exact: 568,740,352; one not whole as 0.25, or 589,779.

    What there is none of is nothing, and a word is itself. signed: of a difference, +1.234 M. unit: what follows.
    """
    if value is None or value is UNKNOWN or isinstance(value, str):
        return "" if value is None else " ".join(filter(None, (str(value), unit)))
    size = abs(value)
    sign = "-" if value < 0 else "+" if signed and value else ""
    if not isinstance(value, int):
        number = str(float(size)) if exact else f"{float(size):.2f}" if size < 10_000 else f"{float(size):,.0f}"
    else:
        number = f"{size:,}" if exact else scaled(size)
    return f"{sign}{number} {unit}".rstrip()


def scaled(size: Dim) -> str:
    """Return a count, or a rate, in four characters with its unit."""
    for step, unit in UNITS[:-1]:
        if size >= step:
            return f"{size / step:.{max(0, 4 - len(str(size // step)))}f} {unit}"
    return str(size)


def percent(part: Dim | None) -> str:
    """Return a share in per cent; what is there but rounds to nothing as <0.1; of what is unknown nothing."""
    if part is None or part is UNKNOWN:
        return ""
    return "<0.1" if 0 < abs(part) < 0.05 else f"{part:.1f}" if part else "0"


def full(value: Dim) -> str:
    """Return a count as people read it, with all digits behind: 4.232 M (4,231,976)."""
    return f"{figure(value)} ({figure(value, exact=True)})"
