"""The most of one metric under a budget of another: what no other network beats in both, part after part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def best(parts: Sequence[tuple[Any, Any]], limit: int) -> list[int] | None:
    """Return of each part the row that is taken, for the most gain whose cost is at most `limit`; None for none.

    parts: of each the costs and the gains of its rows. A sum that another beats in cost and gain is never part of the
    answer, so only the frontier is kept (Nemhauser and Ullmann 1969, doi:10.1287/mnsc.15.9.494).
    """
    costs, gains = np.zeros(1, np.int64), np.zeros(1, np.int64)
    taken: list[tuple[Any, Any]] = []  # of each part: which row of the sums before it, and which of its own
    for cost, gain in parts:
        rows = frontier(cost, gain)
        sums, own = np.add.outer(costs, cost[rows]).ravel(), np.add.outer(gains, gain[rows]).ravel()
        kept = frontier(sums, own)
        costs, gains = sums[kept], own[kept]
        before, mine = np.divmod(kept, max(1, len(rows)))
        taken.append((before, rows[mine]))
    place = int(np.searchsorted(costs, limit, "right")) - 1
    if place < 0:
        return None
    found = []
    for before, mine in reversed(taken):
        found.append(int(mine[place]))
        place = int(before[place])
    return found[::-1]


def frontier(costs: Any, gains: Any) -> Any:
    """Return which rows no other beats, by their costs: each of more cost has more gain."""
    ordered = np.lexsort((-gains, costs))
    gains = gains[ordered]
    return ordered[np.concatenate([[True], gains[1:] > np.maximum.accumulate(gains)[:-1]])] if len(gains) else ordered
