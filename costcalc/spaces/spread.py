"""How what networks cost is spread: sums of independent parts, met in the middle.

The parts whose values have the coarsest common divisor come together into a table with its running sum, the others
into a second; how many networks cost at most t is then a sum of look-ups, one for each value of the second.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cached_property
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from costcalc.spaces.tables import Tied

MOST_VALUES = 2**25  # of one table: 256 MiB each of values and counts
MOST_PAIRS = 2**32
_AT_ONCE = 2**22


class CostSpread(NamedTuple):
    """Values, least first, and how many networks have each."""

    values: Any
    counts: Any

    @property
    def number(self) -> int:
        """How many networks there are."""
        return int(self.counts.sum())


ONE = CostSpread(np.zeros(1, np.int64), np.ones(1, np.int64))


def spread(values: Any, counts: Any = None) -> CostSpread:
    """Return how values are spread, in any order, each as often as it stands there."""
    if counts is None:
        return CostSpread(*map(np.asarray, np.unique(values, return_counts=True)))
    ordered = np.argsort(values, kind="stable")
    values, counts = values[ordered], counts[ordered]
    first = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])) if len(values) else np.empty(0, int)
    return CostSpread(values[first], np.add.reduceat(counts, first) if len(values) else counts)


def step(values: Any) -> int:
    """Return the common divisor of what values differ by; 0 where there is one."""
    return int(np.gcd.reduce(values - values[0])) if len(values) else 0


def together(a: CostSpread, b: CostSpread) -> CostSpread:
    """Return the sums of two spreads. Raises Tied where they are too many."""
    if len(a.values) < len(b.values):
        a, b = b, a
    if not len(b.values):
        return b
    pairs = len(a.values) * len(b.values)
    if pairs <= _AT_ONCE:
        return spread(np.add.outer(a.values, b.values).ravel(), np.multiply.outer(a.counts, b.counts).ravel())
    first = a.values[0] + b.values[0]
    width = max(1, int(np.gcd(step(a.values), step(b.values))))
    length = int((a.values[-1] + b.values[-1] - first) // width) + 1
    if length > MOST_VALUES or pairs > MOST_PAIRS:
        raise Tied(())
    counts = np.zeros(length, np.int64)
    places, shifts = (a.values - a.values[0]) // width, (b.values - b.values[0]) // width
    for shift, count in zip(shifts.tolist(), b.counts.tolist(), strict=True):
        counts[places + shift] += a.counts * count
    there = np.flatnonzero(counts)
    return CostSpread(first + there * width, counts[there])


class DenseSpread(NamedTuple):
    """A spread as a dense array, for many look-ups: counts at first, first + step, ..."""

    first: int
    step: int
    counts: Any

    def at(self, values: Any) -> Any:
        """Return how many networks have each of these values."""
        places, rest = np.divmod(values - self.first, self.step)
        there = (rest == 0) & (places >= 0) & (places < len(self.counts))
        return np.where(there, self.counts[np.where(there, places, 0)], 0)


def grid(found: CostSpread) -> DenseSpread:
    """Return a spread as a dense array."""
    width = max(1, step(found.values))
    counts = np.zeros(int((found.values[-1] - found.values[0]) // width) + 1, np.int64)
    counts[(found.values - found.values[0]) // width] = found.counts
    return DenseSpread(int(found.values[0]), width, counts)


class Side:
    """Some spreads brought together, one after the other; each sum can be taken apart again."""

    def __init__(self, parts: Sequence[CostSpread]) -> None:
        self.parts = parts
        self.sums = list(accumulate(parts, together, initial=ONE))  # of none, of the first, of the first two ...
        self.whole = self.sums[-1]

    def apart(self, values: Any, random: np.random.Generator) -> Any:
        """Return a value of each part for each of some sums, drawn as often as networks have them; a column a part."""
        found = np.empty((len(values), len(self.parts)), np.int64)
        left = values
        for place in reversed(range(len(self.parts))):
            found[:, place] = _drawn(self.parts[place], grid(self.sums[place]), left, random)
            left = left - found[:, place]
        return found


def _drawn(part: CostSpread, before: DenseSpread, sums: Any, random: np.random.Generator) -> Any:
    """Return for each of some sums a value of its last part, drawn by how many networks have it."""
    rows = max(1, _AT_ONCE // len(part.values))
    found = []
    for start in range(0, len(sums), rows):
        some = sums[start : start + rows]
        weights = before.at(np.subtract.outer(some, part.values)) * part.counts.astype(float)
        running = np.cumsum(weights, axis=1)
        picked = random.random(len(some)) * running[:, -1]
        found.append(part.values[(running <= picked[:, None]).sum(axis=1)])
    return np.concatenate(found) if found else np.empty(0, np.int64)


class Sums:
    """All sums of a value of each of several spreads."""

    def __init__(self, parts: Sequence[CostSpread], questions: int = 40) -> None:
        """questions: about how often it will be asked. Raises Tied where too many values come together."""
        self.order = sorted(range(len(parts)), key=lambda k: (-step(parts[k].values), len(parts[k].values)))
        ordered = [parts[k] for k in self.order]
        cut = _cut(ordered, questions)
        self.sides = Side(ordered[:cut]), Side(ordered[cut:])
        self.low, self.high = (side.whole for side in self.sides)
        self.running = np.concatenate([[0], np.cumsum(self.low.counts)])
        self.number = self.low.number * self.high.number

    def places(self, limit: int) -> Any:
        """Return for each value of the second side how many of the first's values are at most what is left."""
        return np.searchsorted(self.low.values, limit - self.high.values, "right")

    def at_most(self, limit: int) -> int:
        """Return how many sums are at most so large."""
        counts, running = self.high.counts, self.running[self.places(limit)]
        bits = max(1, 62 - int(counts.sum()).bit_length())  # limbs that no sum overflows
        total, shift = 0, 0
        while running.any():
            total += int((counts * (running & ((1 << bits) - 1))).sum()) << shift
            running, shift = running >> bits, shift + bits
        return total

    @property
    def least(self) -> int:
        """The least sum."""
        return int(self.low.values[0] + self.high.values[0])

    @property
    def most(self) -> int:
        """The largest sum."""
        return int(self.low.values[-1] + self.high.values[-1])

    def below(self, limit: int) -> int | None:
        """Return the largest sum that is at most so large; None where none is."""
        places = self.places(limit)
        there = places > 0
        if not there.any():
            return None
        return int((self.low.values[places[there] - 1] + self.high.values[there]).max())

    def above(self, limit: int) -> int | None:
        """Return the least sum that is at least so large; None where none is."""
        places = self.places(limit - 1)
        there = places < len(self.low.values)
        if not there.any():
            return None
        return int((self.low.values[places[there]] + self.high.values[there]).min())

    def quantile(self, share: float | Fraction) -> int:
        """Return the least value that this share of all sums does not exceed: of n sums the ceil(share n)-th."""
        wanted = max(1, -(-self.number * Fraction(share).limit_denominator(10**9) // 1))
        below, above = self.least - 1, self.most
        for guess in self.guesses(wanted):
            if below < guess < above:
                below, above = (below, guess) if self.at_most(guess) >= wanted else (guess, above)
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (below, middle) if self.at_most(middle) >= wanted else (middle, above)
        return above

    def guesses(self, wanted: int) -> tuple[int, int]:
        """Return two values between which the wanted one most likely lies, from sums in coarse bins."""
        running, width = self.coarse
        place = int(np.searchsorted(running, wanted / self.number))
        return self.least + int((place - 2) * width), self.least + int((place + 3) * width)

    @cached_property
    def coarse(self) -> tuple[Any, float]:
        """About what share of the sums lies at or below each of many bins of one width."""
        width = max(1.0, (self.most - self.least) / COARSE)
        sides = []
        for side in (self.low, self.high):
            bins = ((side.values - side.values[0]) / width).astype(int)
            sides.append(np.bincount(bins, side.counts / side.number, COARSE + 2))
        length = 4 * COARSE
        both = np.fft.irfft(np.fft.rfft(sides[0], length) * np.fft.rfft(sides[1], length), length)
        return np.cumsum(both), width

    def drawn(self, count: int, low: int | None, high: int | None, random: np.random.Generator) -> Any:
        """Return sums between two bounds, uniform among the networks: a row each, a column a part as given.

        Weights are floating-point numbers: a network is drawn with its probability to some 15 digits.
        """
        most = self.running[self.places(self.most if high is None else high)]
        least = self.running[self.places(low - 1)] if low is not None else np.zeros_like(most)
        weights = np.cumsum((most - least) * self.high.counts.astype(float))
        if not len(weights) or weights[-1] == 0:
            return np.empty((0, len(self.order)), np.int64)
        of_high = np.searchsorted(weights, random.random(count) * weights[-1], "right")
        rank = least[of_high] + random.integers(0, most[of_high] - least[of_high])
        of_low = np.searchsorted(self.running, rank, "right") - 1
        values = self.low.values[of_low], self.high.values[of_high]
        columns = np.concatenate([s.apart(v, random) for s, v in zip(self.sides, values, strict=True)], axis=1)
        return columns[:, np.argsort(self.order)]


COARSE = 2**17  # bins of a first guess


def _cut(parts: Sequence[CostSpread], questions: int) -> int:
    """Return how many parts come together into the table with its running sum; the others into the second.

    It is where the work is least: adding each part to those before it, and looking up.
    """
    best, least = 0, float("inf")
    for cut in range(1, len(parts) + 1):
        (first, size), (second, asked) = _work(parts[:cut]), _work(parts[cut:])
        networks = max(float(np.prod([float(p.number) for p in side])) for side in (parts[:cut], parts[cut:]))
        work = first + second + questions * asked
        if work < least and networks < 2**62 and max(size, asked) <= MOST_VALUES:
            best, least = cut, work
    if not best:
        raise Tied(())
    return best


def _work(parts: Sequence[CostSpread]) -> tuple[float, float]:
    """Return about how many steps it takes to bring parts together, and how many values come of it at most."""
    work, size, width, grid = 0.0, 1.0, 0, 0
    for part in parts:
        work += size * len(part.values)
        width += int(part.values[-1] - part.values[0]) if len(part.values) else 0
        grid = int(np.gcd(grid, step(part.values)))
        size = min(size * len(part.values), width / max(1, grid) + 1)
    return work, size
