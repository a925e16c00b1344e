"""Numbers of a page: whole ones, for every place of the sliders, as sums of products of vectors; each is said once."""

from __future__ import annotations

from collections.abc import Iterable
from math import gcd, prod
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.numbers.factored import Factor, Spread, Term
from costcalc.numbers.num import UNKNOWN, Array

EXACT = 1 << 53  # below it JavaScript's numbers hold every whole one
NOTHING = -1  # the index of what is not there

Vector = tuple[int | list[int], list[int]]  # the slider, or several, with a value for each place
Number = int | None | list[list[int]]  # a constant; unknown; terms: a coefficient, then vectors


class NumberPool:
    """A pool: what is added comes back as an index, the same for the same number."""

    def __init__(self) -> None:
        self.vectors: list[Vector] = []
        self.numbers: list[Number] = []
        self._vectors: dict[Datum, int] = {}
        self._numbers: dict[Datum, int] = {}
        self._factors: dict[int, tuple[Factor, int, list[int]]] = {}
        self._spreads: dict[int, tuple[Spread, int]] = {}  # by identity; kept, so that none takes its place

    def add(self, value: Datum) -> int:
        """Return the index of a number; `NOTHING` of none. Raises SpecError for one that the page can't hold."""
        if value is None:
            return NOTHING
        if isinstance(value, Spread):
            known = self._spreads.get(id(value))
            if known is None:
                known = self._spreads[id(value)] = value, self._add(self._terms(value))
            return known[1]
        return self._add(None if value is UNKNOWN else int(value))

    def added(self, values: Iterable[Datum]) -> list[int]:
        """Return the indices of several numbers."""
        return [self.add(value) for value in values]

    def _add(self, number: Number) -> int:
        key = tuple(map(tuple, number)) if isinstance(number, list) else number
        index = self._numbers.setdefault(key, len(self.numbers))
        if index == len(self.numbers):
            self.numbers.append(number)
        return index

    def _terms(self, value: Spread) -> Number:
        """Return a sum with equal products as one, a constant where none varies."""
        sums: dict[tuple[int, ...], int] = {}
        top = 0
        for term in value.terms:
            times, vectors = self._product(term)
            top += abs(times) * prod(self._top(one) for one in vectors)
            sums[vectors] = sums.get(vectors, 0) + times
        if top >= EXACT:
            raise stop(f"a number above {EXACT:,} has no exact place in a page", hint="explore smaller sizes")
        terms = [[times, *vectors] for vectors, times in sorted(sums.items()) if times]
        if all(len(term) == 1 for term in terms):
            return sum(term[0] for term in terms)
        return terms

    def _top(self, index: int) -> int:
        return max(map(abs, self.vectors[index][1]))

    def _product(self, term: Term) -> tuple[int, tuple[int, ...]]:
        """Return a product as its coefficient and what varies: vectors without a common factor."""
        times, vectors = 1, []
        for factor in term:
            if id(factor) not in self._factors:
                self._factors[id(factor)] = factor, *self._parted(factor)
            _, common, found = self._factors[id(factor)]
            times *= common
            vectors += found
        return (times, tuple(sorted(vectors))) if times else (0, ())

    def _parted(self, factor: Factor) -> tuple[int, list[int]]:
        """Return what all of a factor has in common, and the vectors whose product the rest is."""
        times, vectors = 1, []
        for axes, array in _parted(factor):
            common, reduced = _reduced(array)
            times *= common
            if axes and common and (reduced != 1).any():
                vectors.append(self._vector(axes, reduced))
        return times, vectors

    def _vector(self, axes: tuple[int, ...], array: Array) -> int:
        values = array.ravel().tolist()
        key = axes, tuple(values)
        index = self._vectors.setdefault(key, len(self.vectors))
        if index == len(self.vectors):
            self.vectors.append((axes[0] if len(axes) == 1 else [*axes], values))
        return index


def _reduced(array: Array) -> tuple[int, Array]:
    """Return the greatest common factor, with the sign of the first that is not 0, and the array without it."""
    flat = array.ravel().tolist()
    first = next((value for value in flat if value), 0)
    common = gcd(*flat) * (1 if first > 0 else -1)
    return common, array // common if common else array


def _parted(factor: Factor) -> list[tuple[tuple[int, ...], Any]]:
    """Return a factor as factors over fewer axes where it is a product of such."""
    axes, array = factor.axes, factor.array
    found: list[tuple[tuple[int, ...], Any]] = []
    for axis in factor.axes:
        if len(axes) == 1:
            break
        place = axes.index(axis)
        common, reduced = _reduced(array)
        line = _along(reduced, place)
        if line is None:
            continue
        one, rest = line
        axes = (*axes[:place], *axes[place + 1 :])
        found.append(((axis,), one * common))
        array = rest
    return [*found, (axes, array)]


def _along(array: Array, place: int) -> tuple[Array, Array] | None:
    """Return a vector along an axis and the rest whose product an array is; None where it is no such product."""
    import numpy as np

    flat = np.moveaxis(array, place, 0).reshape(array.shape[place], -1)
    pivot = np.argwhere(flat)
    if not len(pivot):
        return None
    i, _ = pivot[0]
    _, row = _reduced(flat[i])
    j = np.flatnonzero(row)[0]
    line, rest = np.divmod(flat[:, j], row[j])
    if rest.any() or (np.outer(line, row) != flat).any():
        return None
    shape = [*array.shape[:place], *array.shape[place + 1 :]]
    return line, row.reshape(shape)
