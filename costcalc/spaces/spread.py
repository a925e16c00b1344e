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
_MANY = 4096
_SPARSE = 16  # values on the grid of a spread for each that it has, beyond which no dense array is made


class CostSpread(NamedTuple):
    """Values, least first, and how many networks have each."""

    values: Any
    counts: Any

    @property
    def number(self) -> int:
        """How many networks there are."""
        return int(self.counts.sum())

    def at(self, values: Any) -> Any:
        """Return how many networks have each of some values."""
        places = np.searchsorted(self.values, values)
        places[places == len(self.values)] = 0
        return np.where(self.values[places] == values, self.counts[places], 0)


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


def weighed(counts: Any, many: Any) -> int:
    """Return the sum of products of two arrays of whole numbers, however large."""
    bits = max(1, 62 - int(counts.sum()).bit_length())  # limbs that no sum overflows
    total, shift = 0, 0
    while many.any():
        total += int((counts * (many & ((1 << bits) - 1))).sum()) << shift
        many, shift = many >> bits, shift + bits
    return total


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


def for_lookups(found: CostSpread) -> CostSpread | DenseSpread:
    """Return a spread as what is fast to look up in: a dense array, unless most of it were empty."""
    width = max(1, step(found.values))
    length = int((found.values[-1] - found.values[0]) // width) + 1
    if length > _SPARSE * len(found.values):
        return found
    counts = np.zeros(length, np.int64)
    counts[(found.values - found.values[0]) // width] = found.counts
    return DenseSpread(int(found.values[0]), width, counts)


class Side:
    """Some spreads brought together, one after the other; each sum can be taken apart again.

    To take one apart, all values of each part but the first are tried: a part of many values comes first.
    """

    def __init__(self, parts: Sequence[CostSpread]) -> None:
        self.order = sorted(range(len(parts)), key=lambda k: len(parts[k].values) <= _MANY)
        self.parts = [parts[k] for k in self.order]
        self.sums = list(accumulate(self.parts, together, initial=ONE))  # of none, of the first, of the first two ...
        self.whole = self.sums[-1]

    def apart(self, values: Any, random: np.random.Generator) -> Any:
        """Return a value of each part for each of some sums, drawn as often as networks have them; a column a part."""
        found = np.empty((len(values), len(self.parts)), np.int64)
        left = values
        for place in range(len(self.parts) - 1, 0, -1):
            found[:, place] = _drawn(self.parts[place], for_lookups(self.sums[place]), left, random)
            left = left - found[:, place]
        found[:, :1] = left[:, None]
        return found[:, np.argsort(self.order)]


def _drawn(part: CostSpread, before: CostSpread | DenseSpread, sums: Any, random: np.random.Generator) -> Any:
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


class Meeting:
    """All sums of a value of each of several spreads, which meet in the middle."""

    def __init__(self, parts: Sequence[CostSpread], questions: int, most: int) -> None:
        self.order = sorted(range(len(parts)), key=lambda k: (-step(parts[k].values), len(parts[k].values)))
        ordered = [parts[k] for k in self.order]
        cut = _cut(ordered, questions, most)
        self.sides = Side(ordered[:cut]), Side(ordered[cut:])
        self.low, self.high = (side.whole for side in self.sides)
        self.running = np.concatenate([[0], np.cumsum(self.low.counts)])
        self.number = self.low.number * self.high.number
        self.least = int(self.low.values[0] + self.high.values[0])
        self.most = int(self.low.values[-1] + self.high.values[-1])

    def places(self, limit: int) -> Any:
        """Return for each value of the second side how many of the first's values are at most what is left."""
        return np.searchsorted(self.low.values, limit - self.high.values, "right")

    def at_most(self, limit: int) -> int:
        """Return how many sums are at most so large."""
        return weighed(self.high.counts, self.running[self.places(limit)])

    def below(self, limit: int) -> int | None:
        """Return the largest sum that is at most so large; None where none is."""
        places = self.places(limit)
        there = places > 0
        return int((self.low.values[places[there] - 1] + self.high.values[there]).max()) if there.any() else None

    def above(self, limit: int) -> int | None:
        """Return the least sum that is at least so large; None where none is."""
        places = self.places(limit - 1)
        there = places < len(self.low.values)
        return int((self.low.values[places[there]] + self.high.values[there]).min()) if there.any() else None

    def coarse(self, first: int, width: float) -> Any:
        """Return about how many sums lie in each of many bins of one width."""
        sides = []
        for side, start in ((self.low, first - int(self.high.values[0])), (self.high, int(self.high.values[0]))):
            bins = ((side.values - start) / width).astype(int)
            sides.append(np.bincount(bins, side.counts.astype(float), COARSE + 2))
        length = 4 * COARSE
        return np.fft.irfft(np.fft.rfft(sides[0], length) * np.fft.rfft(sides[1], length), length)

    def between(self, low: int, high: int) -> tuple[Any, Any]:
        """Return for each value of the second side which values of the first, by rank, make a sum in bounds."""
        return self.running[self.places(low - 1)], self.running[self.places(high)]

    def drawn(self, count: int, low: int, high: int, random: np.random.Generator) -> Any:
        """Return sums between two bounds, uniform among the networks: a row each, a column a part as given."""
        least, most = self.between(low, high)
        weights = np.cumsum((most - least) * self.high.counts.astype(float))
        of_high = np.searchsorted(weights, random.random(count) * weights[-1], "right")
        rank = least[of_high] + random.integers(0, most[of_high] - least[of_high])
        of_low = np.searchsorted(self.running, rank, "right") - 1
        values = self.low.values[of_low], self.high.values[of_high]
        columns = np.concatenate([s.apart(v, random) for s, v in zip(self.sides, values, strict=True)], axis=1)
        return columns[:, np.argsort(self.order)]


class Sums:
    """All sums of a value of each of several spreads, in one or several cases."""

    def __init__(self, cases: Sequence[Sequence[CostSpread]], questions: int = 40) -> None:
        """questions: about how often it will be asked. Raises Tied where too many values come together."""
        self.meetings = [Meeting(parts, questions, MOST_VALUES // len(cases)) for parts in cases]
        self.number = sum(one.number for one in self.meetings)
        self.least = min((one.least for one in self.meetings), default=0)
        self.most = max((one.most for one in self.meetings), default=0)

    def at_most(self, limit: int) -> int:
        """Return how many sums are at most so large."""
        return sum(one.at_most(limit) for one in self.meetings)

    def below(self, limit: int) -> int | None:
        """Return the largest sum that is at most so large; None where none is."""
        return max((found for one in self.meetings if (found := one.below(limit)) is not None), default=None)

    def above(self, limit: int) -> int | None:
        """Return the least sum that is at least so large; None where none is."""
        return min((found for one in self.meetings if (found := one.above(limit)) is not None), default=None)

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
        place = int(np.searchsorted(running, wanted))
        return self.least + int((place - 2) * width), self.least + int((place + 3) * width)

    @cached_property
    def coarse(self) -> tuple[Any, float]:
        """About how many of the sums lie at or below each of many bins of one width."""
        width = max(1.0, (self.most - self.least) / COARSE)
        return np.cumsum(sum(one.coarse(self.least, width) for one in self.meetings)), width

    def drawn(self, count: int, low: int | None, high: int | None, random: np.random.Generator) -> list[Any]:
        """Return sums between two bounds, uniform among the networks: of each case rows, with a column a part.

        Weights are floating-point numbers: a network is drawn with its probability to some 15 digits.
        """
        low, high = self.least if low is None else low, self.most if high is None else high
        many = [float(one.at_most(high) - one.at_most(low - 1)) for one in self.meetings]
        if not sum(many):
            return [np.empty((0, len(one.order)), np.int64) for one in self.meetings]
        counts = [count] if len(many) == 1 else random.multinomial(count, np.array(many) / sum(many))
        return [one.drawn(int(k), low, high, random) for one, k in zip(self.meetings, counts, strict=True)]


COARSE = 2**17  # bins of a first guess


def _cut(parts: Sequence[CostSpread], questions: int, most: int) -> int:
    """Return how many parts come together into the table with its running sum; the others into the second.

    It is where the work is least: adding each part to those before it, and looking up.
    """
    best, least = 0, float("inf")
    for cut in range(1, len(parts) + 1):
        (first, size), (second, asked) = _work(parts[:cut]), _work(parts[cut:])
        networks = max(float(np.prod([float(p.number) for p in side])) for side in (parts[:cut], parts[cut:]))
        work = first + second + questions * asked
        if work < least and networks < 2**62 and max(size, asked) <= most:
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
