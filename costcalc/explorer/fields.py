"""Receptive fields of rows, as the page has them: said once, and as a table where sliders move them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from costcalc.base import Datum
from costcalc.graph.graph import Graph, Node
from costcalc.measures.field import ReceptiveField
from costcalc.measures.metric import Setup
from costcalc.numbers.factored import Spread
from costcalc.numbers.num import UNKNOWN, Mixed
from costcalc.numbers.shape import Shape

MOST_GRAPHS = 200  # that are looked at one by one


class FieldPool:
    """The fields of a graph's rows: `rows` names one of `values` for each, `last` the row that tells the network's."""

    def __init__(self, graph: Graph, lengths: Sequence[int], at: Callable[[dict[int, int]], Graph]) -> None:
        """Take a graph over sliders of so many places, and what gives the graph at places of some of them."""
        spatial = [node.index for node in graph.nodes if _space(node)]
        self.last = spatial[-1] if spatial else -1
        found = _fields(graph)
        axes: list[int] = []
        if found is None:
            axes = sorted({axis for node in graph.nodes for axis in _moved(node)})
            places = [*product(*(range(lengths[axis]) for axis in axes))]
            if len(places) <= MOST_GRAPHS:
                every = [_fields(at(dict(zip(axes, place, strict=True)))) for place in places]
                found = [tuple(line) for line in zip(*(one or [None] * len(graph.nodes) for one in every), strict=True)]
            else:
                found = [None] * len(graph.nodes)
        pool: dict[Datum, int] = {}
        self.rows = [pool.setdefault(value, len(pool)) for value in found]
        self.values = [_table(value, axes) if isinstance(value, tuple) else value for value in pool]


def _table(values: tuple[Any, ...], axes: list[int]) -> Datum:
    """Return a field for each place; one where all are the same."""
    return values[0] if len(set(values)) == 1 else {"axes": axes, "values": [*values]}


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
    """Return the sliders that what a row reads of its operands depends on."""
    shapes = [one for both in (node.x, node.y) for one in ((both,) if isinstance(both, Shape) else both)]
    numbers = [length for shape in shapes for length in shape.space]
    return {axis for number in numbers if isinstance(number, Spread) for axis in number.axes}


def _space(node: Node) -> tuple[Any, ...]:
    return tuple((node.y if isinstance(node.y, Shape) else node.y[0]).space)
