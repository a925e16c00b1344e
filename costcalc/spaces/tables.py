"""A value that depends on choices: a table with an axis for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from costcalc.base import Datum
from costcalc.spaces.choices import NeedsChoice

Places = Mapping[int, int]  # choices by number -> the places of their values
LARGEST_TABLE = 2_000_000  # of settings that one value may depend on


class Unreachable(Exception):
    """What is asked for is never reached under the choices that are made."""


class Tied(Exception):
    """A value depends on too many choices at once."""

    def __init__(self, choices: Sequence[int]) -> None:
        super().__init__()
        self.choices = choices


class VariedValue:
    """Values by the choices that they depend on: `which[a, b, ...]` is a value's number, -1 where none is reached."""

    __slots__ = ("choices", "values", "which")

    def __init__(self, choices: tuple[int, ...], which: Any, values: list[Datum]) -> None:
        self.choices = choices
        self.which = which
        self.values = values

    def at(self, places: Places) -> Datum:
        """Return the value under the choices that are made; raise NeedsChoice where one is missing."""
        part = self.which[tuple(places.get(choice, slice(None)) for choice in self.choices)]
        if part.ndim == 0:
            number = int(part)
        else:
            reached = part[part >= 0]
            if reached.size and (reached != reached.flat[0]).any():
                raise NeedsChoice(next(choice for choice in self.choices if choice not in places))
            number = int(reached.flat[0]) if reached.size else -1
        if number < 0:
            raise Unreachable
        return self.values[number]


def table(leaves: Sequence[tuple[Places, Datum]], sizes: Sequence[int]) -> VariedValue:
    """Return the table of values that hold under some choices each, over the choices that tell them apart.

    sizes: how many values each choice has. A value may be a VariedValue itself, which goes into this one.
    """
    choices = tuple(sorted({c for places, value in leaves for c in (*places, *_choices(value))}))
    shape = [sizes[choice] for choice in choices]
    if np.prod(shape, dtype=float) > LARGEST_TABLE:
        raise Tied(choices)
    which = np.full(shape, -1, np.int32)
    known: dict[Datum, int] = {}
    for places, value in leaves:
        spot = tuple(places.get(choice, slice(None)) for choice in choices)
        if isinstance(value, VariedValue):
            numbers = [known.setdefault(one, len(known)) for one in value.values]
            inner = np.take(np.array([*numbers, -1], np.int32), value.which)  # -1 picks the last
            own = [sizes[c] if c in value.choices else 1 for c in choices]
            spread = np.broadcast_to(inner.reshape(own), shape)[spot]
            which[spot] = np.where(spread >= 0, spread, which[spot])
        else:
            which[spot] = known.setdefault(value, len(known))
    return _least(VariedValue(choices, which, list(known)))


def mapped(found: VariedValue, run: Callable[[Datum], Datum]) -> VariedValue:
    """Return a table of what something gives for each value."""
    values = [run(value) for value in found.values]
    known = {value: number for number, value in enumerate(dict.fromkeys(values))}
    which = np.array([*(known[value] for value in values), -1], np.int32)[found.which]  # -1 picks the last
    return _least(VariedValue(found.choices, which, list(known)))


def _choices(value: Datum) -> tuple[int, ...]:
    return value.choices if isinstance(value, VariedValue) else ()


def _least(found: VariedValue) -> VariedValue:
    """Return a table over the choices only that tell its values apart; where none is reached, any value will do."""
    choices, which = list(found.choices), found.which
    for axis in reversed(range(which.ndim)):
        most = which.max(axis=axis)
        least = np.where(which < 0, len(found.values), which).min(axis=axis)
        if ((most == least) | (most < 0)).all():
            which = most
            del choices[axis]
    return VariedValue(tuple(choices), which, found.values)
