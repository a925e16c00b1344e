"""How many sums of parts stay within a bound of each of two metrics at once.

The parts are brought together into two halves, and a network is a pair of a network of each. The pairs whose first
values fit are those where one half's value comes before what the other leaves of the bound: both halves are walked in
that order, window by window, neither of them ever whole, and what the first has had so far is kept by its second value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, reduce
from itertools import combinations
from math import prod
from typing import Any, NamedTuple

import numpy as np

from costcalc.base.progress import steps
from costcalc.spaces.spread import weighed
from costcalc.spaces.tables import Tied

MOST_STEPS = 2**31  # networks of both halves that are walked through: some minutes
_WINDOW = 2**19  # networks at once
_BLOCK = 384
MOST_ROWS = 2**25  # second values that the first half may have, on their grid
MOST_SUMS = 2**37  # of how many networks have each, for all blocks together
_MOST_ADDED = 2**25  # networks of two parts that are brought together at all
_MERGED = 2**16  # networks of two parts, at most, that are brought together to see whether many cost the same
_SAVED = 0.9  # they are where the networks are so much fewer
_MOST_PARTS = 12  # of which all ways to halve them are tried


class Points(NamedTuple):
    """What networks cost in two metrics, ordered by the first, and how many networks have each pair."""

    x: Any
    y: Any
    counts: Any

    @property
    def number(self) -> int:
        """How many networks there are."""
        return int(self.counts.sum())


def points(x: Any, y: Any, counts: Any) -> Points:
    """Return what networks cost, each pair once."""
    ordered = np.lexsort((y, x))
    x, y, counts = x[ordered], y[ordered], counts[ordered]
    if len(x):
        first = np.flatnonzero(np.concatenate([[True], (x[1:] != x[:-1]) | (y[1:] != y[:-1])]))
        x, y, counts = x[first], y[first], np.add.reduceat(counts, first)
    return Points(x, y, counts)


ONE = Points(np.zeros(1, np.int64), np.zeros(1, np.int64), np.ones(1, np.int64))


def added(a: Points, b: Points) -> Points:
    """Return the networks of two parts together. Raises Tied where they are too many."""
    if len(a.x) * len(b.x) > _MOST_ADDED:
        raise Tied(())
    x, y = np.add.outer(a.x, b.x).ravel(), np.add.outer(a.y, b.y).ravel()
    return points(x, y, np.multiply.outer(a.counts, b.counts).ravel())


def at_most(parts: Sequence[Points], x: int, y: int) -> int:
    """Return how many networks, one of each part together, have at most x of the first metric and y of the second.

    Raises Tied where it would take too long.
    """
    if not all(len(part.x) for part in parts):
        return 0
    straight = halves(shrunk(parts))
    ways = [((x, y), straight), ((y, x), (straight[0].turned, straight[1].turned))]
    bounds, found = min(ways, key=lambda way: min(half.rows for half in way[1]))
    one, other = sorted(found, key=lambda half: half.rows)
    blocks = len(one) // _BLOCK + 1
    if len(one) + len(other) > MOST_STEPS or one.rows > MOST_ROWS or blocks * one.rows > MOST_SUMS:
        raise Tied(())
    return pairs(one, other.left_of(*bounds))


def shrunk(parts: Sequence[Points]) -> list[Points]:
    """Return parts brought together where networks of them cost the same."""
    left = sorted(parts, key=lambda part: len(part.x))
    while True:
        merged = {
            (i, j): added(left[i], left[j])
            for i, j in combinations(range(len(left)), 2)
            if len(left[i].x) * len(left[j].x) <= _MERGED
        }
        ratio = {(i, j): len(both.x) / (len(left[i].x) * len(left[j].x)) for (i, j), both in merged.items()}
        best = min(ratio, key=ratio.__getitem__, default=None)
        if best is None or (ratio[best] > _SAVED and len(left) <= _MOST_PARTS):
            return left
        left = [part for k, part in enumerate(left) if k not in best] + [merged[best]]


def halves(parts: Sequence[Points]) -> tuple[Half, Half]:
    """Return parts in two halves, each of two lists, so that the halves have the fewest networks."""
    one, other = (Half(*(reduce(added, side, ONE) for side in _split(half))) for half in _split(parts))
    return one, other


def _split(parts: Sequence[Points]) -> tuple[list[Points], list[Points]]:
    """Return parts in two groups of about as many networks."""
    many, places = [len(part.x) for part in parts], range(len(parts))
    whole = prod(many)
    chosen = [
        (size + whole // size, picked)
        for count in places
        for picked in combinations(places, count)
        if (size := prod(many[k] for k in picked))
    ]
    _, best = min(chosen, default=(0, ()))
    return [parts[k] for k in best], [part for k, part in enumerate(parts) if k not in best]


class Half:
    """The networks of two lists together, which are never all there at once; ordered by the first metric."""

    def __init__(self, a: Points, b: Points) -> None:
        self.a, self.b = a, b

    def __len__(self) -> int:
        return len(self.a.x) * len(self.b.x)

    @property
    def turned(self) -> Half:
        """Return the same with the second metric first."""
        return Half(*(points(part.y, part.x, part.counts) for part in (self.a, self.b)))

    @cached_property
    def step(self) -> int:
        """The common divisor of what second values differ by."""
        return max(1, int(np.gcd.reduce(np.concatenate([part.y - part.y[0] for part in (self.a, self.b)]))))

    @cached_property
    def low(self) -> int:
        """The least second value."""
        return int(self.a.y.min() + self.b.y.min())

    @cached_property
    def rows(self) -> int:
        """How many second values there are on the grid, from the least to the most."""
        return (int(self.a.y.max() + self.b.y.max()) - self.low) // self.step + 1

    def left_of(self, x: int, y: int) -> Half:
        """Return what each network leaves of bounds."""
        a = Points(x - self.a.x, y - self.a.y, self.a.counts)
        b = Points(-self.b.x, -self.b.y, self.b.counts)
        return Half(*(Points(*(values[::-1] for values in one)) for one in (a, b)))

    def before(self, x: int) -> Any:
        """Return for each of the first list how many of the second stay below a first value with it."""
        return np.searchsorted(self.b.x, x - self.a.x)

    def within(self, start: Any, end: Any) -> Points:
        """Return those between two of what `before` gave, ordered."""
        many = end - start
        first = np.repeat(np.arange(len(many)), many)
        second = np.arange(len(first)) + np.repeat(start - (np.cumsum(many) - many), many)
        x = self.a.x[first] + self.b.x[second]
        ordered = np.argsort(x)
        first, second = first[ordered], second[ordered]
        return Points(x[ordered], self.a.y[first] + self.b.y[second], self.a.counts[first] * self.b.counts[second])


def pairs(one: Half, other: Half) -> int:
    """Return how many pairs there are where one has no more than the other of both metrics."""
    found, seen = 0, SeenSoFar(one)
    for mine, theirs in steps(windows(one, other), "networks", len(one) + len(other), each=_many):
        rows = np.clip((theirs.y - one.low) // one.step, -1, one.rows - 1).astype(np.int32)
        own = ((mine.y - one.low) // one.step).astype(np.int32)
        place = np.searchsorted(mine.x, theirs.x, "right").astype(np.int32)
        for start in range(0, len(own) + 1, _BLOCK):
            now, asked = slice(start, start + _BLOCK), slice(*np.searchsorted(place, (start, start + _BLOCK)))
            found += seen.before(own[now], mine.counts[now], place[asked] - start, rows[asked], theirs.counts[asked])
    return found


def _many(window: tuple[Points, Points]) -> int:
    return sum(len(part.x) for part in window)


class SeenSoFar:
    """How many networks of a half have come so far, by their second value."""

    def __init__(self, half: Half) -> None:
        self.by_row = np.zeros(half.rows + 1, np.int64)  # the last for those below the first
        self.up_to = self.by_row.copy()

    def before(self, rows: Any, counts: Any, place: Any, asked: Any, times: Any) -> int:
        """Return how many pairs networks make with those before them, and count more networks as seen.

        rows, counts: of the networks that come now, in order; place: how many of these stand before each of the others,
        asked: the most that their second value may be, times: how many others are the same.
        """
        total = 0
        if len(asked):
            fits = (asked[:, None] >= rows) & (place[:, None] > np.arange(len(rows), dtype=np.int32))
            total = weighed(times, self.up_to[asked] + _summed(fits, counts))
        if len(rows):
            np.add.at(self.by_row, rows, counts)
            np.cumsum(self.by_row[:-1], out=self.up_to[:-1])
        return total


def _summed(fits: Any, counts: Any) -> Any:
    """Return for each row the sum of the counts that fit; in floating-point numbers, which are faster, while exact."""
    if counts.sum(dtype=float) < 2**52:
        return (fits.astype(float) @ counts.astype(float)).astype(np.int64)
    return fits @ counts


def windows(one: Half, other: Half) -> Iterator[tuple[Points, Points]]:
    """Yield both halves in the order of the first metric, some networks of each at a time."""
    low = min(int(half.a.x[0] + half.b.x[0]) for half in (one, other))
    high = max(int(half.a.x[-1] + half.b.x[-1]) for half in (one, other)) + 1
    waiting = [(low, high, [half.before(low) for half in (one, other)], [half.before(high) for half in (one, other)])]
    while waiting:
        low, high, start, end = waiting.pop()
        many = sum(int((b - a).sum()) for a, b in zip(start, end, strict=True))
        if many > _WINDOW and high - low > 1:
            middle = (low + high) // 2
            there = [half.before(middle) for half in (one, other)]
            waiting += [(middle, high, there, end), (low, middle, start, there)]
        elif many:
            mine, theirs = (half.within(a, b) for half, a, b in zip((one, other), start, end, strict=True))
            yield mine, theirs
