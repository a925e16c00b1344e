"""Forms: a network of one structure, counted at all places of the sliders at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from costcalc.base import Data
from costcalc.costs.convention import Convention
from costcalc.explorer.blocks import Boxes, lines_of
from costcalc.explorer.fields import At, FieldPool
from costcalc.explorer.kinds import Kinds, TextPool
from costcalc.explorer.numbers import NumberPool
from costcalc.graph.graph import Graph
from costcalc.measures._storage import moments, storages
from costcalc.measures.metric import Setup
from costcalc.measures.sizes import activation_bits

if TYPE_CHECKING:
    from costcalc.sweeps.engine import Indices


def form(
    indices: list[Indices],
    graph: Graph,
    rules: Sequence[Convention],
    setup: Setup,
    texts: TextPool,
    at: At,
) -> Data:
    """Return a form as the page reads it; raise Mixed where the settings are of several structures.

    at: gives the graph at some places of sliders, by their numbers among these indices.
    """
    numbers = NumberPool()
    kinds = Kinds(graph, rules, numbers, texts)
    lines = lines_of(graph)
    boxes = Boxes(graph, lines, kinds.of)
    fields = FieldPool(graph, [len(places) for places in indices], at)
    memory = _memory(graph, setup, numbers)
    rows = [
        [row.name, kind, line, field, -1 if row.node.shared is None else row.node.shared.index]
        for row, kind, line, field in zip(kinds.rows, kinds.of, boxes.line_of, fields.rows, strict=True)
    ]
    return {
        "where": [places.tolist() for places in indices],
        "inputs": [[name, numbers.added(shape.dims)] for name, shape in graph.input_shapes.items()],
        "vectors": numbers.vectors,
        "numbers": numbers.numbers,
        "kinds": kinds.kinds,
        "rows": rows,
        "lines": [[line.name, line.first, line.count] for line in lines],
        "graph": boxes.root,
        "counts": kinds.columns,
        "conventions": kinds.conventions,
        **({"refuses": kinds.refuses} if kinds.refuses else {}),
        "metrics": kinds.metrics,
        "fields": fields.values,
        "field": fields.last,
        **({"untold": fields.untold} if fields.untold else {}),
        "memory": memory,
    }


def _memory(graph: Graph, setup: Setup, numbers: NumberPool) -> Data:
    """Return each storage with the rows at which it is alive, and what rows need beside."""
    found = storages(graph, setup)
    alive: dict[int, tuple[int, int]] = {}
    beside: list[list[Any]] = []
    for row, moment in enumerate(moments(found, range(len(found.steps)))):
        for place in moment.alive:
            first, last = alive.get(place, (row, row - 1))
            assert last == row - 1, "a storage is alive without a break"
            alive[place] = first, row
        if moment.beside is not None and not (isinstance(moment.beside, int) and moment.beside == 0):
            beside.append([row, numbers.add(moment.beside), 8])
    inputs = {place: -1 - number for number, place in enumerate(sorted(found.entering))}
    bits = activation_bits(setup)
    made = []
    for place, (first, last) in alive.items():
        maker = found.makers[place]
        elements, width = found.elements[place]
        row = inputs[place] if maker is None else maker.index
        made.append([numbers.add(elements), 8 * width if width else bits, row, first, last])
    return {"storages": made, "beside": beside}
