"""A space falls apart: choices that no cost and no condition ties can be looked at by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from costcalc.spaces.elimination import aligned
from costcalc.spaces.factors import ChoiceTable, SpaceTables
from costcalc.spaces.tables import Tied

MOST_SETTINGS = 2**22  # of one component, all of which are looked at


class Component(NamedTuple):
    """Some choices, and all networks that differ in these: their settings and what they cost."""

    choices: tuple[int, ...]
    places: Any  # a row a network: the place of each choice's value
    read: Any  # a row a network: whether it reads each choice
    costs: Any  # a row a network, a column a metric


def components(space: SpaceTables, metrics: int) -> list[Component]:
    """Return a space's components: each network of it is one of each together. Raises Tied where one is too large."""
    found = []
    for choices in groups([table.choices for table in (*space.costs, *space.weights)], len(space.sizes)):
        sizes = [space.sizes[choice] for choice in choices]
        if np.prod(sizes, dtype=float) > MOST_SETTINGS:
            raise Tied(choices)
        there = np.ones(sizes, bool)
        for table in _of(space.weights, choices):
            there &= aligned(table, choices)
        costs = np.zeros([*sizes, metrics], np.int64)
        for table in _of(space.costs, choices):
            costs += aligned(table, choices)
        places = np.argwhere(there).astype(np.int16)
        read = [np.broadcast_to(aligned(space.reads[choice], choices), sizes)[there] for choice in choices]
        found.append(Component(choices, places, np.stack(read, axis=1), costs[there]))
    for table in space.costs:
        if not table.choices:
            found.append(Component((), _none(1), _none(1), table.cells.reshape(1, metrics)))
    if any(not table.choices and not table.cells.all() for table in space.weights):
        found.append(Component((), _none(0), _none(0), np.empty((0, metrics), np.int64)))
    return found


def groups(tables: Sequence[Sequence[int]], count: int) -> list[tuple[int, ...]]:
    """Return the choices that tables tie, together; each in one group."""
    of = list(range(count))

    def root(choice: int) -> int:
        while of[choice] != choice:
            choice = of[choice]
        return choice

    for table in tables:
        for choice in table[1:]:
            of[root(choice)] = root(table[0])
    together: dict[int, list[int]] = {}
    for choice in range(count):
        together.setdefault(root(choice), []).append(choice)
    return [tuple(found) for found in together.values()]


def _of(tables: Sequence[ChoiceTable], choices: Sequence[int]) -> list[ChoiceTable]:
    return [table for table in tables if table.choices and table.choices[0] in choices]


def _none(rows: int) -> Any:
    return np.empty((rows, 0), np.int16)
