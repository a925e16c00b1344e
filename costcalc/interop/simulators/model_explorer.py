"""Node data of Google's Model Explorer (https://github.com/google-ai-edge/model-explorer): numbers on nodes, coloured.

A file holds one number a node, by the names of the nodes' outputs: those of a graph that `export onnx` wrote.
"""

from __future__ import annotations

from costcalc.base import Data
from costcalc.graph.graph import Graph
from costcalc.numbers.num import UNKNOWN, Dim

# From what costs nothing to what costs most.
GRADIENT = ((0.0, "#ffffff"), (0.5, "#fdae61"), (1.0, "#d7191c"))


def node_data(graph: Graph, values: list[Dim | None], name: str, *, share: bool = False) -> Data:
    """Return the JSON of values, one a row, under a name; share: each in per cent of their sum.

    A row whose value is unknown, or that has none, has no number.
    """
    known = [None if value is UNKNOWN else value for value in values]
    whole = sum(value for value in known if value is not None) or 1
    results = {
        f"{node.name}.0" if len(node.outputs) > 1 else node.name: {"value": 100 * value / whole if share else value}
        for node, value in zip(graph.nodes, known, strict=True)
        if value is not None
    }
    return {"results": results, "name": name, "gradient": [{"stop": at, "bgColor": color} for at, color in GRADIENT]}
