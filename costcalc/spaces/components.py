"""A space falls apart: choices that no cost and no condition ties can be looked at by themselves.

Where too many hang together, some of them are made first, so that the others fall apart: one that ties them all (a
resolution), or the middle of a chain (a width that two stages share). Each way to make them is a case, and a part of
a case that is still too large is taken apart in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from itertools import product
from math import log, prod
from typing import Any, NamedTuple

import numpy as np

from costcalc.spaces.dominance import ONE, Points, added, points
from costcalc.spaces.factors import ChoiceTable, SpaceTables, aligned
from costcalc.spaces.frontier import Frontier, frontier, gathered, joined
from costcalc.spaces.spread import CostSpread, Side, spread
from costcalc.spaces.tables import Places, Tied

MOST_SETTINGS = 2**22  # of one component, all of which are looked at
MOST_CASES = 2**12  # ways to make the choices that are made first
_SMALLER = 0.6  # what is left of a space's settings, as their logarithm, when some choices are made: a balanced cut

Weights = tuple[int, ...]  # what each metric is multiplied by, in a value


class Component(NamedTuple):
    """Some choices, and all networks that differ in these: their settings and what they cost."""

    choices: tuple[int, ...]
    places: Any  # a row a network: the place of each choice's value
    read: Any  # a row a network: whether it reads each choice
    costs: Any  # a row a network, a column a metric

    @property
    def size(self) -> int:
        """How many networks it has."""
        return len(self.costs)

    def spread(self, weights: Weights) -> CostSpread:
        """Return how a value is spread over its networks."""
        return spread(self.costs @ np.array(weights))

    def points(self, x: Weights, y: Weights) -> Points:
        """Return how two values are spread over its networks, both at once."""
        return points(self.costs @ np.array(x), self.costs @ np.array(y), np.ones(self.size, np.int64))

    def drawn(self, weights: Weights, values: Any, random: np.random.Generator) -> Any:
        """Return a network for each of some values, as likely as any other of that value: a row of places each."""
        own = self.costs @ np.array(weights)
        ordered = np.argsort(own, kind="stable")
        first, after = (np.searchsorted(own[ordered], values, side) for side in ("left", "right"))
        return self.places[ordered[random.integers(first, after)]]

    def frontier(self, cost: Weights, gain: Weights) -> Frontier:
        """Return its networks that no other beats."""
        return frontier(self.costs @ np.array(cost), self.costs @ np.array(gain), self.choices, self.places)


class Case(NamedTuple):
    """A space, or a part of one, under some choices that are made: its parts share no other."""

    places: Places
    parts: Sequence[Component | SplitPart]

    @property
    def size(self) -> int:
        """How many networks it has."""
        return prod(part.size for part in self.parts)

    def drawn(self, weights: Weights, values: Any, choices: Sequence[int], random: np.random.Generator) -> Any:
        """Return a network for each row of its parts' values: a row of these choices' places each."""
        found = np.zeros((len(values), len(choices)), np.int16)
        column = {choice: number for number, choice in enumerate(choices)}
        for choice, place in self.places.items():
            found[:, column[choice]] = place
        for part, own in zip(self.parts, values.T, strict=True):
            found[:, [column[choice] for choice in part.choices]] = part.drawn(weights, own, random)
        return found

    def frontier(self, cost: Weights, gain: Weights) -> Frontier:
        """Return its networks that no other beats."""
        zero, made = np.zeros(1, np.int64), np.array([[*self.places.values()]], np.int16)
        parts = (part.frontier(cost, gain) for part in self.parts)
        return reduce(joined, parts, Frontier(zero, zero, tuple(self.places), made))


class SplitPart:
    """Choices that hang together until some of them are made: a case for each way to make those."""

    def __init__(self, choices: tuple[int, ...], cases: Sequence[Case]) -> None:
        self.choices = choices
        self.cases = cases
        self.known: dict[Weights, list[Side]] = {}

    @property
    def size(self) -> int:
        """How many networks it has."""
        return sum(case.size for case in self.cases)

    def sides(self, weights: Weights) -> list[Side]:
        """Return each case's parts brought together."""
        if weights not in self.known:
            self.known[weights] = [Side([part.spread(weights) for part in case.parts]) for case in self.cases]
        return self.known[weights]

    def spread(self, weights: Weights) -> CostSpread:
        """Return how a value is spread over its networks."""
        wholes = [side.whole for side in self.sides(weights)]
        return spread(*(np.concatenate(arrays) for arrays in zip(*wholes, strict=True)))

    def points(self, x: Weights, y: Weights) -> Points:
        """Return how two values are spread over its networks, both at once. Raises Tied where they are too many."""
        found = [reduce(added, (part.points(x, y) for part in case.parts), ONE) for case in self.cases]
        return points(*(np.concatenate(arrays) for arrays in zip(*found, strict=True)))

    def drawn(self, weights: Weights, values: Any, random: np.random.Generator) -> Any:
        """Return a network for each of some values, as likely as any other of that value: a row of places each."""
        sides = self.sides(weights)
        many = np.cumsum([side.whole.at(values) for side in sides], axis=0, dtype=float)
        picked = (many <= random.random(len(values)) * many[-1]).sum(axis=0)
        found = np.zeros((len(values), len(self.choices)), np.int16)
        for number, (case, side) in enumerate(zip(self.cases, sides, strict=True)):
            mine = picked == number
            found[mine] = case.drawn(weights, side.apart(values[mine], random), self.choices, random)
        return found

    def frontier(self, cost: Weights, gain: Weights) -> Frontier:
        """Return its networks that no other beats."""
        return gathered([case.frontier(cost, gain) for case in self.cases], self.choices)


def cases(space: SpaceTables, metrics: int) -> list[Case]:
    """Return a space's cases, each network of it in one. Raises Tied where choices hang together too closely."""
    return TakenApart(space, metrics).cases()


class TakenApart:
    """A space while it is taken apart; parts that are met again under the same choices are one."""

    def __init__(self, space: SpaceTables, metrics: int) -> None:
        self.space = space
        self.metrics = metrics
        self.scopes = [frozenset(table.choices) for table in (*space.costs, *space.weights)]
        self.known: dict[tuple[Any, ...], Component | SplitPart] = {}

    def settings(self, choices: Iterable[int]) -> int:
        """Return how many settings choices have."""
        return prod(self.space.sizes[choice] for choice in choices)

    def cases(self) -> list[Case]:
        """Return the cases of the whole: of the largest part, if that is too large, with all others beside it."""
        every = range(len(self.space.sizes))
        largest = max(self.groups(every), key=self.settings)
        made = self.separator(largest) if self.settings(largest) > MOST_SETTINGS else ()
        return self.under(every, None, made)

    def under(self, choices: Sequence[int], held: Places | None, made: Sequence[int]) -> list[Case]:
        """Return choices' cases under those that are held: one for each way to make some, if it has networks."""
        rest, found = [choice for choice in choices if choice not in made], []
        for places in product(*(range(self.space.sizes[choice]) for choice in made)):
            new = dict(zip(made, places, strict=True))
            now = {**(held or {}), **new}
            parts = [self.constant(now, held), *(self.part(group, now) for group in self.groups(rest))]
            case = Case(new, parts)
            found += [case] if case.size else []
        return found

    def groups(self, choices: Iterable[int]) -> list[tuple[int, ...]]:
        """Return choices that tables tie while all others are held, together; each in one group."""
        left = {*choices}
        return groups([scope & left for scope in self.scopes if scope & left], sorted(left))

    def separator(self, group: Sequence[int]) -> list[int]:
        """Return the choices of a group that are made first, so that what is left of it falls apart."""
        made, left = list[int](), set(group)
        beside = {choice: frozenset().union(*(scope for scope in self.scopes if choice in scope)) for choice in group}

        def worth(choice: int) -> tuple[float, int]:
            rest = self.groups(left - {choice})
            most = max((log(self.settings(one)) for one in rest), default=0)
            return most + log(self.space.sizes[choice]), -len(beside[choice])

        whole = max(log(MOST_SETTINGS), _SMALLER * log(self.settings(group)))
        while any(log(self.settings(one)) > whole for one in self.groups(left)):
            made.append(min(sorted(left), key=worth))
            left.discard(made[-1])
            if self.settings(made) > MOST_CASES:
                raise Tied(group)
        return made

    def part(self, group: tuple[int, ...], held: Places) -> Component | SplitPart:
        """Return choices that hang together, under those that are held."""
        around = sorted({choice for scope in self.scopes if scope & {*group} for choice in scope if choice in held})
        key = (group, *((choice, held[choice]) for choice in around))
        if key not in self.known:
            few = self.settings(group) <= MOST_SETTINGS
            self.known[key] = (
                self.component(group, held) if few else SplitPart(group, self.under(group, held, self.separator(group)))
            )
        return self.known[key]

    def component(self, group: tuple[int, ...], held: Places) -> Component:
        """Return all networks that differ in some choices only."""
        sizes = [self.space.sizes[choice] for choice in group]
        there = np.ones(sizes, bool)
        for table in _of(self.space.weights, group, held):
            there &= aligned(table, group)
        costs = np.zeros([*sizes, self.metrics], np.int64)
        for table in _of(self.space.costs, group, held):
            costs += aligned(table, group)
        reads = [aligned(_under(self.space.reads[choice], held), group) for choice in group]
        read = [np.broadcast_to(one, sizes)[there] for one in reads]
        return Component(group, np.argwhere(there).astype(np.int16), np.stack(read, axis=1), costs[there])

    def constant(self, held: Places, before: Places | None) -> Component:
        """Return what is settled by choices that are held, and was not before, as a component without choices.

        It has no network where the choices are refused. Before any is held, not even what all share is settled.
        """

        def settled(table: ChoiceTable) -> bool:
            return held.keys() >= {*table.choices} and (before is None or not before.keys() >= {*table.choices})

        costs = np.zeros((1, self.metrics), np.int64)
        for table in filter(settled, self.space.costs):
            costs += _under(table, held).cells
        allowed = all(_under(table, held).cells for table in filter(settled, self.space.weights))
        one = np.empty((1, 0), np.int16)
        return Component((), one, one, costs) if allowed else Component((), one[:0], one[:0], costs[:0])


def groups(tables: Iterable[Iterable[int]], choices: Sequence[int]) -> list[tuple[int, ...]]:
    """Return the choices that tables tie, together; each in one group."""
    of = {choice: choice for choice in choices}

    def root(choice: int) -> int:
        while of[choice] != choice:
            choice = of[choice]
        return choice

    for table in tables:
        first, *others = sorted(table)
        for choice in others:
            of[root(choice)] = root(first)
    together: dict[int, list[int]] = {}
    for choice in choices:
        together.setdefault(root(choice), []).append(choice)
    return [tuple(found) for found in together.values()]


def _of(tables: Sequence[ChoiceTable], group: Sequence[int], held: Places) -> list[ChoiceTable]:
    """Return those tables that have choices of a group, under the choices that are held."""
    return [_under(table, held) for table in tables if {*table.choices} & {*group}]


def _under(table: ChoiceTable, held: Places) -> ChoiceTable:
    """Return a table under the choices that are held."""
    spot = tuple(held.get(choice, slice(None)) for choice in table.choices)
    return ChoiceTable(tuple(choice for choice in table.choices if choice not in held), table.cells[spot])
