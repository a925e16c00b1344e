"""What each row moves to and from memory, by what is fused: compulsory traffic, every tensor once a pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from costcalc.base.errors import nearest, stop
from costcalc.costs.rows import Row
from costcalc.graph.graph import Node, Tensor
from costcalc.hardware.words import DTYPES, FUSIONS
from costcalc.numbers import num
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.op import FOLDED, INPLACE, STORED, VIEW


class Work(NamedTuple):
    """What a row asks of a device, for one image."""

    row: Row
    macs: Dim
    grouping: str  # dense, grouped or depthwise
    elements: Dim  # numbers of its inputs and output that cross to and from memory
    parameters: Dim  # learned numbers that it reads, once for all images of a batch
    launched: bool  # whether it is run at all: not where it is done with the layer before, or moves nothing

    def bytes(self, dtype: str, batch: int = 1) -> Dim:
        """Return the bytes that cross to and from memory, for so many images."""
        size = DTYPES[dtype]
        return (self.elements * batch + self.parameters) * size

    def intensity(self, dtype: str, batch: int = 1) -> Dim:
        """Return MACs a byte; 0 where nothing is moved."""
        moved = self.bytes(dtype, batch)
        return self.macs * batch / moved if num.any_of(moved != 0) else 0


def works(rows: Iterable[Row], fusion: str = "ideal") -> list[Work]:
    """Return what every row asks of a device; raise SpecError for an unknown fusion.

    Of weights that rows share each row reads them. Running means and variances are not counted: at inference
    they fold into the norm's scale and shift.
    """
    if fusion not in FUSIONS:
        raise stop(f"there is no fusion '{fusion}'", hint=nearest(fusion, FUSIONS) or f"known: {', '.join(FUSIONS)}")
    return [_work(row, fusion) for row in rows]


def known_dtype(dtype: str) -> str:
    """Return a number's type; raise SpecError for one that has no size here."""
    if dtype not in DTYPES:
        raise stop(f"there is no dtype '{dtype}'", hint=nearest(dtype, DTYPES) or f"known: {', '.join(DTYPES)}")
    return dtype


def _work(row: Row, fusion: str) -> Work:
    node = row.node
    grouping = node.op.grouping(node.x)
    if _done(node) in (VIEW, STORED):
        return Work(row, row.macs, grouping, 0, 0, launched=False)
    if _fused(node, fusion):
        # What flows through is already at hand; only other operands, such as a shortcut, are read.
        return Work(row, row.macs, grouping, row.inputs - row.outputs, 0, launched=False)
    return Work(row, row.macs, grouping, row.inputs + row.outputs, _learned(node), launched=True)


def _fused(node: Node, fusion: str) -> bool:
    """Say whether a row is done in the pass of the one before it."""
    if fusion == "eager" or not _pointwise(node):
        return False
    if fusion == "ideal":
        return any(_producer(tensor) is not None for tensor in node.inputs if _as_large(tensor, node))
    # What was written last flows through: a shortcut was written long before.
    producers = [(by.index, _pointwise(by) and _as_large(t, node)) for t in node.inputs if (by := _producer(t))]
    return bool(producers) and max(producers)[1]


def _done(node: Node) -> str:
    """Return what a node does to storage."""
    return node.op.storage(node.x, node.y)


def _pointwise(node: Node) -> bool:
    """Say whether an output needs the inputs at its own place only, so that another operator can do it."""
    return _done(node) in (INPLACE, FOLDED)


def _as_large(tensor: Tensor, node: Node) -> bool:
    """Say whether a tensor is as large as what the node gives: then it can flow through."""
    y: Shape = node.y
    return tensor.shape is not None and num.every(tensor.shape.size == y.size)


def _producer(tensor: Tensor) -> Node | None:
    """Return the node that writes a tensor, views looked through; None for the network's input and what is stored."""
    node = tensor.node
    while node is not None and _done(node) in (VIEW, STORED):
        node = node.inputs[0].node if node.inputs else None
    return node


def _learned(node: Node) -> Dim:
    """Return how many learned numbers a node reads, shared or its own."""
    op = node.op
    return op.weights(node.x, node.y) + op.biases(node.x, node.y) + op.norm_params(node.x, node.y)
