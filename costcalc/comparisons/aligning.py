"""Two networks' layers side by side: which layer of one is which of the other, in order."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from costcalc.numbers.num import Array

MOST_PAIRS = 4_000_000  # that are weighed; of longer networks only the names are matched

# What speaks for two layers being one. All that counts being the same outweighs a name, since layers are numbered:
# one that is put in front moves the numbers of those behind it.
SAME, NAMED, ALIKE, NAME, NEVER = 8.0, 2.0, 1.0, 3.0, -1.0
PART = 0.5  # for each thing that is the same: the input, the output, the last part of the name


class Key(NamedTuple):
    """What layers are matched by."""

    name: str
    content: Hashable  # all of the layer but its name
    type: str
    input: Hashable
    output: Hashable


Pairs = list[tuple[int | None, int | None]]


def align(left: Sequence[Key], right: Sequence[Key]) -> Pairs:
    """Return the layers of both in order: (i, j) where two are one, (i, None) or (None, j) where one has no other."""
    first = _common(left, right)
    rest = min(len(left), len(right)) - first
    last = _common(left[::-1], right[::-1], rest)
    n, m = len(left) - last, len(right) - last
    inner = _inner(left[first:n], right[first:m])
    made: Pairs = [(k, k) for k in range(first)]
    made += [(None if i is None else i + first, None if j is None else j + first) for i, j in inner]
    return made + [(n + k, m + k) for k in range(last)]


def _common(left: Sequence[Key], right: Sequence[Key], most: int | None = None) -> int:
    """Return with how many equal layers both begin."""
    count = 0
    for one, other in zip(left[:most], right[:most], strict=False):
        if one != other:
            break
        count += 1
    return count


def _inner(left: Sequence[Key], right: Sequence[Key]) -> Pairs:
    if not left or not right:
        return [(i, None) for i in range(len(left))] + [(None, j) for j in range(len(right))]
    if len(left) * len(right) > MOST_PAIRS:
        return _by_name(left, right)
    return _traced(_moves(left, right))


def _by_name(left: Sequence[Key], right: Sequence[Key]) -> Pairs:
    """Return the pairs of two networks too long to weigh every pair of layers."""
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, [key.name for key in left], [key.name for key in right], autojunk=False)
    made: Pairs = []
    for _, i, i_end, j, j_end in matcher.get_opcodes():
        same = left[i].name == right[j].name if i < i_end and j < j_end else False
        if same:
            made += zip(range(i, i_end), range(j, j_end), strict=True)
        else:
            made += [(k, None) for k in range(i, i_end)] + [(None, k) for k in range(j, j_end)]
    return made


def _moves(left: Sequence[Key], right: Sequence[Key]) -> Array:
    """Return the way to the best sum of all pairs' weights: 0 a pair, 1 a layer of the left alone, 2 of the right."""
    import numpy as np

    rows, columns = _coded(left, right)
    best = np.zeros(len(right) + 1)
    moves = np.empty((len(left), len(right)), np.uint8)
    for i in range(len(left)):
        paired = best[:-1] + _weights(rows[:, i], columns)
        found = np.maximum.accumulate(np.maximum(best[1:], paired))
        found = np.concatenate(([0.0], found))
        # Of equally good ways the one that pairs the first of like layers: what is new stands behind it.
        moves[i] = np.where(found[1:] == found[:-1], 2, np.where(found[1:] == best[1:], 1, 0))
        best = found
    return moves


def _coded(left: Sequence[Key], right: Sequence[Key]) -> tuple[Array, Array]:
    """Return both networks' layers as columns of numbers, equal where the things are."""
    import numpy as np

    codes: dict[Hashable, int] = {}

    def coded(keys: Sequence[Key]) -> Array:
        things = [(*key, key.name.rpartition("/")[2]) for key in keys]
        return np.array([[codes.setdefault(thing, len(codes)) for thing in some] for some in things]).T

    return coded(left), coded(right)


def _weights(one: Array, others: Array) -> Array:
    """Return what speaks for one layer of the left being each of the right; below zero where it can't be."""
    import numpy as np

    name, content, type_, *parts = (mine == theirs for mine, theirs in zip(one, others, strict=True))
    alike = ALIKE * type_ + PART * sum(part.astype(float) for part in parts)
    changed = np.where(name, NAME + alike, np.where(type_, alike, NEVER))
    return np.where(content, SAME + NAMED * name, changed)


def _traced(moves: Array) -> Pairs:
    """Return the pairs that the moves lead to, from the end back."""
    i, j = moves.shape
    made: Pairs = []
    while i or j:
        move = moves[i - 1, j - 1] if i and j else 1 if i else 2
        i, j = i - (move != 2), j - (move != 1)
        made.append((None if move == 2 else int(i), None if move == 1 else int(j)))
    return made[::-1]
