"""One choice after the other is summed out of a space's factors, whatever is asked: bucket elimination.

Each question is one pass in another semiring (Dechter 1999, doi:10.1016/S0004-3702(99)00059-4): how many networks
there are, which costs least, what all cost together, how costs are spread.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from costcalc.spaces.conditions import LARGEST_FACTOR
from costcalc.spaces.factors import ChoiceTable, SpaceTables, aligned
from costcalc.spaces.tables import Tied


def order(tables: Sequence[Sequence[int]], sizes: Sequence[int]) -> list[int]:
    """Return the choices in the order in which they are summed out: that with the smallest table next.

    Raises Tied where a table would be too large.
    """
    scopes = [frozenset(table) for table in tables]
    left, found = set(range(len(sizes))), list[int]()
    while left:
        joined = {choice: frozenset().union(*(s for s in scopes if choice in s), {choice}) for choice in left}
        best = min(left, key=lambda choice: (np.prod([sizes[c] for c in joined[choice]], dtype=float), choice))
        if np.prod([sizes[c] for c in joined[best]], dtype=float) > LARGEST_FACTOR:
            raise Tied(sorted(joined[best]))
        scopes = [scope for scope in scopes if best not in scope] + [joined[best] - {best}]
        left.remove(best)
        found.append(best)
    return found


class Semiring(Protocol):
    """How tables are joined, and a choice is summed out of one."""

    def join(self, a: Any, b: Any) -> Any:
        """Return two tables of the same axes together."""

    def sum(self, cells: Any, axis: int) -> Any:
        """Return a table without one of its axes."""


class SummedOut(NamedTuple):
    """One choice that is summed out: of the table in which it stood, with its axes."""

    choice: int
    choices: tuple[int, ...]
    cells: Any


def eliminated(
    tables: list[ChoiceTable], sequence: Sequence[int], ring: Semiring, *, keep: bool = False
) -> tuple[list[Any], list[SummedOut]]:
    """Return what is left when all choices are summed out, a number for each component; and the steps."""
    steps: list[SummedOut] = []
    tables = list(tables)
    for choice in sequence:
        mine = [table for table in tables if choice in table.choices]
        tables = [table for table in tables if choice not in table.choices]
        if not mine:
            continue
        over = tuple(sorted({c for table in mine for c in table.choices}))
        cells = aligned(mine[0], over)
        for table in mine[1:]:
            cells = ring.join(cells, aligned(table, over))
        if keep:
            steps.append(SummedOut(choice, over, cells))
        rest = tuple(c for c in over if c != choice)
        tables.append(ChoiceTable(rest, ring.sum(cells, over.index(choice))))
    return [table.cells for table in tables], steps


# ---- the questions ------------------------------------------------------------------------------------


class CountRing:
    """How many networks there are."""

    def join(self, a: Any, b: Any) -> Any:
        """Return the numbers of both together."""
        return a * b

    def sum(self, cells: Any, axis: int) -> Any:
        """Return the numbers for all values of a choice."""
        return cells.sum(axis=axis)


def size(space: SpaceTables) -> int:
    """Return how many networks a space has."""
    tables = [ChoiceTable(table.choices, table.cells.astype(int).astype(object)) for table in space.weights]
    left, _ = eliminated(tables, _order(space), CountRing())
    return int(np.prod([1, *map(_single, left)], dtype=object))


def allowed(space: SpaceTables) -> int:
    """Return how many settings the spec does not refuse, those that are one network among them."""
    tables = [ChoiceTable(table.choices, table.cells.astype(int).astype(object)) for table in space.allowed]
    met = {choice for table in tables for choice in table.choices}
    left, _ = eliminated(tables, order([table.choices for table in tables], space.sizes), CountRing())
    free = [size for choice, size in enumerate(space.sizes) if choice not in met]
    return int(np.prod([1, *free, *map(_single, left)], dtype=object))


FAR = 2**61  # a cost that no network has


class LeastRing:
    """What the network costs that costs least."""

    def join(self, a: Any, b: Any) -> Any:
        """Return the sums of costs."""
        return np.minimum(a + b, FAR)

    def sum(self, cells: Any, axis: int) -> Any:
        """Return the least for any value of a choice."""
        return cells.min(axis=axis)


def least(space: SpaceTables, factor: Sequence[int]) -> tuple[int, list[int]]:
    """Return the least that a network costs, and the places of its choices' values.

    factor: by what each metric is multiplied: -1 asks for the most.
    """
    weighed = np.array(factor, np.int64)
    tables = [ChoiceTable(table.choices, table.cells @ weighed) for table in space.costs]
    tables += [ChoiceTable(table.choices, np.where(table.cells, 0, FAR)) for table in space.weights]
    left, steps = eliminated(tables, _order(space), LeastRing(), keep=True)
    places: dict[int, int] = {}
    for step in reversed(steps):
        line = step.cells[tuple(places.get(choice, slice(None)) for choice in step.choices)]
        places[step.choice] = int(line.argmin())
    found = [places.get(choice, 0) for choice in range(len(space.sizes))]
    return sum(int(_single(one)) for one in left), found


class SumRing:
    """How many networks there are, and what all of them cost together: pairs on the last axis."""

    def join(self, a: Any, b: Any) -> Any:
        """Return the pairs of both together."""
        many, cost = a[..., 0] * b[..., 0], a[..., 0] * b[..., 1] + a[..., 1] * b[..., 0]
        return np.stack([many, cost], axis=-1)

    def sum(self, cells: Any, axis: int) -> Any:
        """Return the pairs for all values of a choice."""
        return cells.sum(axis=axis)


def together(space: SpaceTables, metric: int) -> tuple[int, int]:
    """Return how many networks there are, and what they cost together in one metric."""
    tables = [_paired(table, np.ones_like(table.cells[..., 0]), table.cells[..., metric]) for table in space.costs]
    tables += [_paired(table, table.cells, np.zeros_like(table.cells)) for table in space.weights]
    left, _ = eliminated(tables, _order(space), SumRing())
    ring, found = SumRing(), np.array([1, 0], object)
    for one in left:
        found = ring.join(found, np.asarray(one, object))
    return int(found[0]), int(found[1])


def _paired(table: ChoiceTable, many: Any, cost: Any) -> ChoiceTable:
    return ChoiceTable(table.choices, np.stack([many.astype(int), cost], axis=-1).astype(object))


def _order(space: SpaceTables) -> list[int]:
    return order([table.choices for table in (*space.costs, *space.weights)], space.sizes)


def _single(cells: Any) -> Any:
    return cells.item() if hasattr(cells, "item") else cells
