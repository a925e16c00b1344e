"""Multiplications of Winograd's minimal filtering, F(m x m, 3 x 3) (Lavin & Gray 2016, arXiv:1509.09308)."""

from __future__ import annotations

from collections.abc import Iterable

from costcalc.costs.rows import Row
from costcalc.numbers import num
from costcalc.numbers.num import UNKNOWN, Dim, ceil_div, prod

KERNEL = (3, 3)
TILES = (2, 4)  # m: outputs of a tile's side


def applies(row: Row) -> bool:
    """Say whether a row is a dense 3 x 3 convolution of stride 1 and dilation 1."""
    kernel = row.node.op.sliding(row.node.x)
    return kernel is not None and len(kernel) == len(KERNEL) and all(num.truth(n == 3) for n in kernel)


def multiplications(row: Row, tile: int) -> Dim:
    """Return the multiplications of a row for one image: F(m, 3)'s where it applies, else the row's MACs.

    A tile of m x m outputs takes (m + 2)^2 multiplications for each pair of channels; tiles that hang over
    the edge are whole ones. The transforms' additions and constants are not counted.
    """
    if not applies(row):
        return row.macs
    x, y = row.node.x, row.node.y
    tiles = prod(ceil_div(n, tile) for n in y.space)
    return tiles * (tile + KERNEL[0] - 1) ** 2 * x.c * y.c


def reduction(rows: Iterable[Row], tile: int) -> Dim:
    """Return how many times fewer multiplications a network takes: its MACs over those with F(m, 3)."""
    found = list(rows)
    macs = sum(row.macs for row in found)
    less = sum(multiplications(row, tile) for row in found)
    return UNKNOWN if UNKNOWN in (macs, less) else macs / less if less else 1.0
