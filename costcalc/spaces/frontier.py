"""What no other network beats in both of two metrics, part after part: the most of one under a budget of the other.

A sum that another beats in cost and gain is never part of the answer, so only the frontier is kept (Nemhauser and
Ullmann 1969, doi:10.1287/mnsc.15.9.494).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np


class Frontier(NamedTuple):
    """Networks by their costs, each of more cost with more gain; the places of their choices' values, a row each."""

    costs: Any
    gains: Any
    choices: tuple[int, ...]
    places: Any


def unbeaten(costs: Any, gains: Any) -> Any:
    """Return which rows no other beats, by their costs."""
    ordered = np.lexsort((-gains, costs))
    gains = gains[ordered]
    return ordered[np.concatenate([[True], gains[1:] > np.maximum.accumulate(gains)[:-1]])] if len(gains) else ordered


def frontier(costs: Any, gains: Any, choices: tuple[int, ...], places: Any) -> Frontier:
    """Return those networks that no other beats."""
    kept = unbeaten(costs, gains)
    return Frontier(costs[kept], gains[kept], choices, places[kept])


def joined(a: Frontier, b: Frontier) -> Frontier:
    """Return the networks of two parts together that no other beats."""
    costs, gains = np.add.outer(a.costs, b.costs).ravel(), np.add.outer(a.gains, b.gains).ravel()
    kept = unbeaten(costs, gains)
    first, second = np.divmod(kept, max(1, len(b.costs)))
    places = np.concatenate([a.places[first], b.places[second]], axis=1)
    return Frontier(costs[kept], gains[kept], a.choices + b.choices, places)


def gathered(fronts: Sequence[Frontier], choices: tuple[int, ...]) -> Frontier:
    """Return of several with the same choices, in any order, those networks that no other beats."""
    places = [front.places[:, [front.choices.index(choice) for choice in choices]] for front in fronts]
    costs, gains = (np.concatenate([getattr(front, name) for front in fronts]) for name in ("costs", "gains"))
    return frontier(costs, gains, choices, np.concatenate(places))
