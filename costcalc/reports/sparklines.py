"""Bars and sparklines as text: what a column of numbers looks like, without a picture."""

from __future__ import annotations

import sys
from collections.abc import Sequence

BAR = 10  # letters of a full bar
LONGEST = 40  # letters of a sparkline
EIGHTHS = "▏▎▍▌▋▊▉█"
LEVELS = "▁▂▃▄▅▆▇█"
PLAIN_LEVELS = "_.-~=+*#"  # the same where output takes ASCII alone


def ascii_only() -> bool:
    """Say whether standard output cannot write blocks."""
    try:
        (EIGHTHS + LEVELS).encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return True
    return False


def bar(value: float, most: float, length: int = BAR, *, plain: bool = False) -> str:
    """Return a value as a bar that is `length` letters long at `most`; what is there has a mark at least.

    plain: of whole `#`, instead of eighths of a block.
    """
    if value <= 0 or most <= 0:
        return ""
    part = min(value / most, 1)
    if plain:
        return "#" * max(round(part * length), 1)
    whole, rest = divmod(max(round(part * length * 8), 1), 8)
    return "█" * whole + (EIGHTHS[rest - 1] if rest else "")


def spark(values: Sequence[float], *, plain: bool = False) -> str:
    """Return values as a line of letters, the lowest value as the lowest letter; many are thinned out to 40."""
    if not values:
        return ""
    levels = PLAIN_LEVELS if plain else LEVELS
    shown = thinned(values)
    low, high = min(shown), max(shown)
    step = (high - low) / (len(levels) - 1) or 1
    return "".join(levels[round((value - low) / step)] for value in shown)


def thinned(values: Sequence[float], most: int = LONGEST) -> list[float]:
    """Return at most so many of the values, evenly taken, the first and the last among them."""
    if len(values) <= most:
        return list(values)
    return [values[round(k * (len(values) - 1) / (most - 1))] for k in range(most)]
