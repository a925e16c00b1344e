"""Which inputs an output reads along one axis: the window of an operator, or of all operators up to a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd, lcm

from costcalc.numbers import num
from costcalc.numbers.num import Dim, Unknown

Interval = tuple[int, int]  # the first and the last place that is read; places may lie in the padding, outside

MOST_PHASES = 4096


class Reach:
    """For each output place, the first and last input place that it reads; None where it reads none.

    `windows` holds those of the first outputs. After so many outputs it repeats, `step` inputs on: a
    convolution has one window and steps by its stride; what enlarges has several.
    """

    __slots__ = ("ordered", "step", "windows")

    def __init__(self, step: int, windows: Sequence[Interval | None]) -> None:
        self.step = step
        self.windows = tuple(windows)
        self.ordered = len(self.windows) < 2 or _ordered(step, [window for window in windows if window])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Reach) and (self.step, self.windows) == (other.step, other.windows)

    def __hash__(self) -> int:
        return hash((self.step, self.windows))

    def __repr__(self) -> str:
        return f"Reach({self.step}, {list(self.windows)})"

    def moved(self, by: int) -> Reach:
        """Return the same windows, so many places on."""
        return Reach(self.step, [window and (window[0] + by, window[1] + by) for window in self.windows])

    @property
    def phases(self) -> int:
        """After how many outputs it repeats."""
        return len(self.windows)

    def of(self, place: int) -> Interval | None:
        """Return what the output at a place reads."""
        turns, phase = divmod(place, len(self.windows))
        window = self.windows[phase]
        return None if window is None else (window[0] + turns * self.step, window[1] + turns * self.step)

    def over(self, first: int, last: int) -> Interval | None:
        """Return what the outputs of an interval read together."""
        ends = [window for window in (self.of(first), self.of(last)) if window]
        if len(ends) < 2 or not self.ordered:  # at an end that reads nothing, look inside
            ends = [window for place in range(first, last + 1) if (window := self.of(place))]
        return (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None

    def after(self, before: Reach) -> Reach:
        """Return what its outputs read of the inputs of `before`, whose outputs it reads."""
        if len(before.windows) == 1 and before.windows[0] and before.step >= 0 and None not in self.windows:
            (low, high), step = before.windows[0], before.step  # as of most: one window, which goes up
            return Reach(self.step * step, [(low + one[0] * step, high + one[1] * step) for one in self.windows if one])
        turns = before.phases // gcd(self.step, before.phases)
        phases = turns * self.phases
        windows = [before.over(*window) if (window := self.of(place)) else None for place in range(phases)]
        return Reach(turns * self.step // before.phases * before.step, windows)

    def also(self, other: Reach) -> Reach:
        """Return what is read on either of two paths; the strides are the first's. All of the axis stays all of it."""
        for one in (self, other):
            if not one.step:
                return one
        phases = lcm(self.phases, other.phases)
        both = [[window for window in (self.of(k), other.of(k)) if window] for k in range(phases)]
        union = [(min(low for low, _ in one), max(high for _, high in one)) if one else None for one in both]
        return Reach(phases // self.phases * self.step, union)


def _ordered(step: int, windows: list[Interval]) -> bool:
    """Say whether windows only go up, or only down, so that those of an interval lie between those of its ends."""
    if len(windows) < 2:
        return True
    after = [*windows[1:], (windows[0][0] + step, windows[0][1] + step)]
    pairs = [(m, n) for one, other in zip(windows, after, strict=True) for m, n in zip(one, other, strict=True)]
    return all(m <= n for m, n in pairs) or all(m >= n for m, n in pairs)


# What an operator reads of an operand, axis by axis of space: None: all of it; unknown: nobody knows.
Reaches = tuple[Reach, ...] | Unknown | None

SAME = Reach(1, [(0, 0)])


def whole(size: int) -> Reach:
    """Return the reach of an axis that every output reads whole."""
    return Reach(0, [(0, size - 1)])


def moving(places: Sequence[int | None]) -> Reach | None:
    """Return the reach of an axis whose outputs read one place each, or none; None where they are too many.

    What lies outside reads nothing, as far as another length of the axis on both sides.
    """
    length = 2 * len(places)
    if length > MOST_PHASES // 4:
        return None
    return Reach(length, [*((place, place) if place is not None else None for place in places), *[None] * len(places)])


def sliding(span: int, stride: int, before: int) -> Reach:
    """Return the reach of a window that slides: what it spans, its stride, the padding before."""
    return Reach(stride, [(-before, span - 1 - before)])


def _ratio(size: Dim, out: Dim) -> tuple[int, int]:
    """Return two lengths without their common factor; of a sweep's numbers, whose ratio must be one."""
    common = num.common_factor(size, out)
    return num.single(size // common), num.single(out // common)


def resampled(size: int, out: int, below: int = 0, above: int = 0, *, centred: bool = False) -> Reach:
    """Return the reach of an axis of `size` that becomes `out`: the pixel under each output's place, and neighbours.

    centred: pixels are areas, and an output between two reads `below` more before and `above` after it.
    """
    size, out = _ratio(size, out)
    phases, step = out, size
    if not centred:
        return Reach(step, [(place * size // out,) * 2 for place in range(phases)])
    under = [divmod((2 * place + 1) * size - out, 2 * out) for place in range(phases)]
    return Reach(step, [(floor - below, floor + above) if rest else (floor, floor) for floor, rest in under])
