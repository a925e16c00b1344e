"""Which tensors hold no activations: indices and truths, whose bytes no option changes."""

from __future__ import annotations

from functools import lru_cache

from costcalc.graph.graph import Graph, Node, Tensor


@lru_cache(maxsize=8)
def widths(graph: Graph) -> dict[Tensor, int]:
    """Return the tensors whose elements have bytes of their own, with these: an index 8, a truth 1.

    Operators say which of their inputs and outputs these are; what only moves numbers hands them on, both ways.
    """
    found: dict[Tensor, int] = {}
    if not any(node.op.reads_as or node.op.gives_as for node in graph.nodes):
        return found
    for node in graph.nodes:
        found.update((node.outputs[k], size) for k, size in node.op.gives_as.items())
        sizes = {found.get(tensor) for tensor in node.inputs}
        if moves(node) and len(sizes) == 1 and (size := sizes.pop()):
            found.update(dict.fromkeys(node.outputs, size))
    for node in reversed(graph.nodes):
        found.update((node.inputs[k], size) for k, size in node.op.reads_as.items() if k < len(node.inputs))
        sizes = {found.get(tensor) for tensor in node.outputs}
        if moves(node) and len(sizes) == 1 and (size := sizes.pop()):
            found.update(dict.fromkeys(node.inputs, size))
    return found


def as_numbers(graph: Graph, node: Node) -> list[bool]:
    """Say of each input of a node whether it is an index or a truth that is read as a number: frameworks cast it."""
    found = widths(graph)
    return [t in found and k not in node.op.reads_as and not moves(node) for k, t in enumerate(node.inputs)]


def moves(node: Node) -> bool:
    """Say whether a node gives the numbers that it takes, in other places."""
    op = node.op
    return op.derived and not (op.counted or op.reads_as or op.gives_as)
