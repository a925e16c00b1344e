"""A graph -> rows: what each operator costs, by component, for one image and under no convention yet."""

from __future__ import annotations

from collections.abc import Container, Iterable

from costcalc.base import Datum
from costcalc.graph.graph import Graph, Node
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.op import COMPONENTS, PARAMETERS


class Row:
    """What one operator costs, for one image: its components, as numbers of elements or operations.

    A component that an operator does not have is 0. `elementwise` maps a kind (add, mul, div,
    compare, exp, sqrt) to its number of operations.
    """

    node: Node
    weights: Dim = 0
    biases: Dim = 0
    norm_params: Dim = 0
    buffers: Dim = 0
    macs: Dim = 0
    bias_adds: Dim = 0
    elementwise: dict[str, Datum] = {}

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return f"<{self.name}: {self.type}, {self.learnable} parameters, {self.macs} MACs>"

    @property
    def name(self) -> str:
        """The row's path in the network: `stage1/bottleneck2/conv1`."""
        return self.node.name

    @property
    def kind(self) -> str:
        """The operator's kind: `conv`."""
        return self.node.op.kind

    @property
    def type(self) -> str:
        """The layer type that breakdowns go by: `conv dw 3x3`."""
        return self.node.op.type(self.node.x)

    @property
    def inputs(self) -> Dim:
        """How many elements enter."""
        x = self.node.x
        return x.size if isinstance(x, Shape) else sum(s.size for s in x)

    @property
    def outputs(self) -> Dim:
        """How many elements leave."""
        y = self.node.y
        return y.size if isinstance(y, Shape) else sum(s.size for s in y)

    @property
    def learnable(self) -> Dim:
        """All learnable numbers: weights, biases and those of norms."""
        return self.weights + self.biases + self.norm_params


def rows(graph: Graph, components: Container[str] = COMPONENTS) -> list[Row]:
    """Return a row for every node. Weights shared with an earlier row are counted there only.

    components: those to count, all unless told; the others are left 0.
    """
    return rows_of(graph.nodes, components)


def rows_of(nodes: Iterable[Node], components: Container[str] = COMPONENTS) -> list[Row]:
    """Return the rows of some nodes, as `rows` does."""
    result = []
    for node in nodes:
        row = Row(node)
        op, x, y, values = node.op, node.x, node.y, row.__dict__
        for name in op.counted if components is COMPONENTS else [one for one in op.counted if one in components]:
            if node.shared is None or name not in PARAMETERS:
                values[name] = getattr(op, name)(x, y)
        result.append(row)
    return result
