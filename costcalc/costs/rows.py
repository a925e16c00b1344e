"""A graph -> rows: what each operator costs, by component, for one image and under no convention yet."""

from __future__ import annotations

from functools import cached_property

from costcalc.base import Data, Datum
from costcalc.graph.block_graph import BlockGraph
from costcalc.graph.graph import Graph, Node
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.op import COMPONENTS, PARAMETERS


class Row:
    """What one operator costs, for one image: its components, as numbers of elements or operations.

    Each is worked out when it is first asked for. One that an operator does not have is 0. `elementwise` maps a kind
    (add, mul, div, compare, exp, sqrt) to its number of operations. Weights shared with an earlier row are counted
    there only.
    """

    weights: Dim
    biases: Dim
    norm_params: Dim
    buffers: Dim
    macs: Dim
    bias_adds: Dim
    elementwise: dict[str, Datum]

    def __init__(self, node: Node, like: Row | None = None) -> None:
        self.node = node
        self.like = like  # the row of a block that this is a copy of
        self.told: tuple[int, Data] = (0, {})  # what reports say of it, by the batch
        self.__dict__.update(node.op.lacks)

    def __getattr__(self, name: str) -> Datum:
        if name not in COMPONENTS:
            raise AttributeError(name)
        node = self.node
        found: Datum = 0
        if self.like is not None:
            found = getattr(self.like, name)
        elif node.shared is None or name not in PARAMETERS:
            found = getattr(node.op, name)(node.x, node.y)
        self.__dict__[name] = found
        return found

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

    @cached_property
    def type(self) -> str:
        """The layer type that breakdowns go by: `conv dw 3x3`."""
        return self.node.op.type(self.node.x) if self.like is None else self.like.type

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
        return self.weights + self.biases + self.norm_params if self.node.op.learns else 0


def rows(graph: Graph) -> list[Row]:
    """Return a row for every node."""
    likes = models(graph)
    return [one if one.node is node else Row(node, one) for node, one in zip(graph.nodes, likes, strict=True)]


def models(graph: Graph) -> list[Row]:
    """Return for every node a row that costs the same: of a block that is kept one of its graph, which stands nowhere.

    Its node knows no place: name, index and tensors are others.
    """
    if graph.models is None:
        found: list[Row] = []
        for part in graph.parts:
            found += [Row(part)] if isinstance(part, Node) else rows_of_block(part.graph)
        graph.models = found
    known: list[Row] = graph.models
    return known


def rows_of_block(graph: BlockGraph) -> list[Row]:
    """Return the rows of a block's graph, which know their names in the block only."""
    found: list[Row] = graph.counted.get("rows", [])
    if len(found) < graph.size:
        for part in graph.parts:
            found += [Row(part)] if isinstance(part, Node) else rows_of_block(part.graph)
        graph.counted["rows"] = found
    return found
