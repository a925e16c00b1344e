"""Which rows write over their input in PyTorch: those whose operator does, where nothing else reads it."""

from __future__ import annotations

from collections import Counter

from costcalc.graph.graph import Graph, Tensor
from costcalc.operators.op import STORED, VIEW


def in_place(graph: Graph) -> list[bool]:
    """Say of each node whether it writes over its input in PyTorch.

    Not over what something else reads, what enters the network or is stored, or what its maker keeps for the backward
    pass: PyTorch would give other numbers, or refuse the backward pass.
    """
    readers = Counter(tensor for node in graph.nodes for tensor in node.inputs)
    readers.update(graph.outputs)
    return [node.op.inplace and _free(node.inputs[0], readers) for node in graph.nodes]


def _free(tensor: Tensor, readers: Counter[Tensor]) -> bool:
    """Say whether a tensor, and what it is a view of, is read once and is nobody's to keep."""
    maker = tensor.node
    if maker is None or readers[tensor] > 1 or len(maker.outputs) > 1:
        return False
    kind = maker.op.storage(maker.x, maker.y)
    if kind == VIEW:
        return _free(maker.inputs[0], readers)
    return kind != STORED and not maker.op.saved(maker.x, maker.y).result
