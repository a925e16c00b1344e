"""A graph -> rows: what each operator costs, by component, for one image and under no convention yet."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from costcalc.base import Data, Datum
from costcalc.graph.block_graph import Placed
from costcalc.graph.graph import Graph, Node
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.op import COMPONENTS, PARAMETERS

_NOTHING: tuple[int, Data] = (0, {})


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
        self.told: tuple[int, Data] = _NOTHING  # what reports say of it, by the batch

    def __getattr__(self, name: str) -> Datum:
        if name not in COMPONENTS:
            raise AttributeError(name)
        node = self.node
        found: Datum = 0
        if self.like is not None:
            found = getattr(self.like, name)
        elif name in node.op.lacks:
            found = node.op.lacks[name]
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
        found: Dim = 0
        for name in self.node.op.learned:
            found = found + getattr(self, name)
        return found


def rows(graph: Graph) -> list[Row]:
    """Return a row for every node."""
    found = []
    for node, like in zip(graph.nodes, models(graph), strict=True):
        found.append(row_of(node) if node is like else Row(node, row_of(like)))
    return found


def row_of(node: Node) -> Row:
    """Return the row of a node, made once."""
    if node.row is None:
        node.row = Row(node)
    row: Row = node.row
    return row


def models(graph: Graph) -> list[Node]:
    """Return for every node one that costs the same: of a block that is kept one of its graph, which stands nowhere.

    It knows no place: name, index and tensors are others.
    """
    if graph.models is None:
        graph.models = _models_of(graph.parts)
    known: list[Node] = graph.models
    return known


def _models_of(parts: Sequence[Node | Placed]) -> list[Node]:
    found: list[Node] = []
    for part in parts:
        if isinstance(part, Node):
            found.append(part)
        else:
            known = part.graph.counted
            if "rows" not in known:
                known["rows"] = _models_of(part.graph.parts)
            found += known["rows"]
    return found
