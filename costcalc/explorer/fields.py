"""Receptive fields of rows, as the page has them: said once, and as a table where sliders move them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import SpecError, stop
from costcalc.graph.graph import Graph, Node
from costcalc.measures.field import ReceptiveField
from costcalc.measures.metric import Setup
from costcalc.numbers.factored import Spread
from costcalc.numbers.num import UNKNOWN, Mixed
from costcalc.numbers.shape import Shape

MOST_GRAPHS = 256  # that are looked at one by one

# Gives the graph at some places of sliders, by their numbers; of the others at all places.
At = Callable[[Mapping[int, Sequence[int]]], Graph]


class FieldPool:
    """The fields of a graph's rows: `rows` names one of `values` for each, `last` the row that tells the network's.

    All are unknown where they can't be told, for a reason in words.
    """

    def __init__(self, graph: Graph, lengths: Sequence[int], at: At) -> None:
        """Take a graph over sliders of so many places, and what gives it at some of them."""
        spatial = [node.index for node in graph.nodes if _space(node)]
        self.last = spatial[-1] if spatial else -1
        self.untold = ""
        try:
            axes, found = _everywhere(graph, lengths, at)
        except SpecError as error:
            axes, found = [], [None] * len(graph.nodes)
            self.untold = error.problems[0].message
        pool: dict[Datum, int] = {}
        self.rows = [pool.setdefault(value, len(pool)) for value in found]
        self.values = [_table(value, axes) if isinstance(value, tuple) else value for value in pool]


def _table(values: tuple[Any, ...], axes: list[int]) -> Datum:
    """Return a field for each place; one where all are the same."""
    return values[0] if len(set(values)) == 1 else {"axes": axes, "values": [*values]}


def _everywhere(graph: Graph, lengths: Sequence[int], at: At) -> tuple[list[int], list[Any]]:
    """Return the sliders that move fields, and of each row a field, or one for each of their places.

    First all places at once; then each of one slider, with others that matter at all of theirs; then each of all.
    Raises SpecError where they can't be told.
    """
    found = _fields(graph)
    if found is not None:
        return [], found
    moved = sorted({axis for node in graph.nodes for axis in _moved(node)})
    rest = {axis: [0] for axis in range(len(lengths)) if axis not in moved}
    for axis in moved if len(moved) > 1 else ():
        if _fields(at(rest | {axis: [0]})) is not None:
            every = [_fields(at(rest | {axis: [place]})) for place in range(lengths[axis])]
            if None not in every:
                return [axis], _rowwise(every)
    places = [*product(*(range(lengths[axis]) for axis in moved))]
    if len(places) > MOST_GRAPHS:
        raise stop(f"receptive fields are not told: {len(places):,} settings move them, and {MOST_GRAPHS} may")
    settled = [rest | {axis: [k] for axis, k in zip(moved, place, strict=True)} for place in places]
    return moved, _rowwise([_fields(at(one)) or [] for one in settled])


def _rowwise(every: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the fields of each row at all places, from those of all rows at each."""
    return [*zip(*every, strict=True)]


def _fields(graph: Graph) -> list[Datum] | None:
    """Return the fields of rows; None where a slider moves one, or may."""
    try:
        found = ReceptiveField().rows(graph, Setup())
    except (TypeError, Mixed):  # the windows of what resamples are found on Python's own numbers
        return None
    if any(isinstance(value, Spread) for value in found):
        return None
    return [None if value is UNKNOWN else value for value in found]


def _moved(node: Node) -> set[int]:
    """Return the sliders that what a row reads of its operands may depend on."""
    shapes = [one for both in (node.x, node.y) for one in ((both,) if isinstance(both, Shape) else both)]
    numbers = [length for shape in shapes for length in shape.space]
    return {axis for number in numbers if isinstance(number, Spread) for axis in number.axes}


def _space(node: Node) -> tuple[Any, ...]:
    return tuple((node.y if isinstance(node.y, Shape) else node.y[0]).space)
