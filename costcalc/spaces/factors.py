"""What was met and read -> factors: tables of costs that add up, and weights that multiply, over few choices each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from costcalc.graph.block_graph import Placed
from costcalc.graph.graph import Node
from costcalc.spaces.choices import Choice
from costcalc.spaces.conditions import over_of, shape_of, where
from costcalc.spaces.tracing import Read, Refused, Tracing

Costs = Callable[[Node | Placed], Sequence[int]]  # what a part costs in each of the metrics


class ChoiceTable(NamedTuple):
    """A table with an axis for each of its choices: costs (a last axis for the metrics), or weights."""

    choices: tuple[int, ...]
    cells: Any


def aligned(table: ChoiceTable, over: tuple[int, ...]) -> Any:
    """Return a table's cells with an axis for each of these choices, of length 1 for those that it has not."""
    axes = iter(table.cells.shape)
    shape = [next(axes) if choice in table.choices else 1 for choice in over]
    return table.cells.reshape([*shape, *axes])


class SpaceTables(NamedTuple):
    """A space: its costs, sums over these tables, and its networks, those settings whose weights are all true."""

    sizes: tuple[int, ...]
    costs: list[ChoiceTable]
    reads: list[ChoiceTable]  # of each choice, where it is read
    allowed: list[ChoiceTable]  # where the spec does not refuse it
    weights: list[ChoiceTable]  # all that must hold: what is not read has the spec's own value, what is allowed


def factors(tracing: Tracing, costs: Costs, metrics: int) -> SpaceTables:
    """Return a space's factors."""
    choices, sizes = tracing.choices, tuple(tracing.sizes)
    added: dict[tuple[int, ...], Any] = {}
    for met in tracing.met:
        cost = costs(met.part)
        if not any(cost):
            continue
        over = over_of(met.places, met.guards)
        if over not in added:
            added[over] = np.zeros([*shape_of(over, sizes), metrics], np.int64)
        spot, holds = where(over, met.places, met.guards)
        part = added[over][spot]
        part += (
            np.where(holds[..., None], np.array(cost, np.int64), 0) if holds is not None else np.array(cost, np.int64)
        )
        added[over][spot] = part
    reads = [_read(choice, tracing, sizes) for choice in choices]
    weights = [_or_own(table, choice) for table, choice in zip(reads, choices, strict=True)]
    allowed = [_allowed(refused, sizes) for refused in _grouped(tracing.refused)]
    return SpaceTables(sizes, [ChoiceTable(*each) for each in added.items()], reads, allowed, weights + allowed)


def _read(choice: Choice, tracing: Tracing, sizes: Sequence[int]) -> ChoiceTable:
    """Return where a choice is read."""
    reads = {(tuple(sorted(r.places.items())), r.guards): r for r in tracing.reads if r.choice == choice.number}
    by_choices: dict[tuple[int, ...], list[Read]] = {}
    for one in reads.values():
        over = tuple(sorted({choice.number, *over_of(one.places, one.guards)}))
        by_choices.setdefault(over, []).append(one)
    found = [_least(_where_read(choice, over, those, sizes), choice) for over, those in by_choices.items()]
    tables = [table for table in found if table.cells.all()][:1] or found  # one that is always true is enough
    over = tuple(sorted({choice.number, *(c for table in tables for c in table.choices)}))
    read = np.zeros(shape_of(over, sizes), bool)
    for table in tables:
        read |= aligned(table, over)
    return ChoiceTable(over, read)


def _where_read(choice: Choice, over: tuple[int, ...], reads: Sequence[Read], sizes: Sequence[int]) -> ChoiceTable:
    """Return where a choice is read in some reads that depend on the same choices."""
    read = np.zeros(shape_of(over, sizes), bool)
    for one in reads:
        places = {c: place for c, place in one.places.items() if c != choice.number}
        spot, holds = where(over, places, one.guards)
        read[spot] |= True if holds is None else holds
    return ChoiceTable(over, read)


def _least(table: ChoiceTable, choice: Choice) -> ChoiceTable:
    """Return a table over the choices only that it depends on, and its own."""
    choices, cells = list(table.choices), table.cells
    for axis in reversed(range(cells.ndim)):
        if choices[axis] != choice.number and (cells.all(axis=axis) == cells.any(axis=axis)).all():
            cells = cells.any(axis=axis)
            del choices[axis]
    return ChoiceTable(tuple(choices), cells)


def _or_own(read: ChoiceTable, choice: Choice) -> ChoiceTable:
    """Return the weight that gives a network one setting: a choice that is not read has the spec's own value."""
    own = np.arange(len(choice.values)) == choice.own
    shape = [-1 if number == choice.number else 1 for number in read.choices]
    return ChoiceTable(read.choices, read.cells | own.reshape(shape))


def _grouped(refused: Sequence[Refused]) -> list[tuple[tuple[int, ...], list[Refused]]]:
    found: dict[tuple[int, ...], list[Refused]] = {}
    for one in refused:
        found.setdefault(over_of(one.places, one.guards), []).append(one)
    return list(found.items())


def _allowed(refused: tuple[tuple[int, ...], list[Refused]], sizes: Sequence[int]) -> ChoiceTable:
    """Return the weight that leaves out the settings that the spec refuses."""
    over, those = refused
    allowed = np.ones(shape_of(over, sizes), bool)
    for one in those:
        spot, holds = where(over, one.places, one.guards)
        allowed[spot] &= False if holds is None else ~holds
    return ChoiceTable(over, allowed)
