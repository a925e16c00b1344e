"""Where in a table over choices something holds: under choices that are made, and behind conditions on others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from costcalc.spaces.tables import Tied, VariedValue

LARGEST_FACTOR = 4_000_000  # settings


class Guard(NamedTuple):
    """A condition on choices: what it stands before is reached where it holds."""

    test: VariedValue


def shape_of(over: tuple[int, ...], sizes: Sequence[int]) -> list[int]:
    """Return the shape of a table over choices; raise Tied for one that is too large."""
    found = [sizes[choice] for choice in over]
    if np.prod(found, dtype=float) > LARGEST_FACTOR:
        raise Tied(over)
    return found


def over_of(places: Iterable[int], guards: Iterable[Guard]) -> tuple[int, ...]:
    """Return the choices on which it depends that a part is met."""
    return tuple(sorted({*places, *(choice for guard in guards for choice in guard.test.choices)}))


def where(over: tuple[int, ...], places: Mapping[int, int], guards: Sequence[Guard]) -> tuple[Any, Any]:
    """Return where in a table over some choices a part is met: a spot, and in it where its conditions hold."""
    spot = tuple(places.get(choice, slice(None)) for choice in over)
    free = [choice for choice in over if choice not in places]
    holds = None
    for guard in guards:
        test = guard.test
        truth = np.array([*map(bool, test.values), False])[test.which]
        truth = truth[tuple(places.get(choice, slice(None)) for choice in test.choices)]
        left = [choice for choice in test.choices if choice not in places]
        truth = truth.reshape([truth.shape[left.index(choice)] if choice in left else 1 for choice in free])
        holds = truth if holds is None else holds & truth
    return spot, holds
