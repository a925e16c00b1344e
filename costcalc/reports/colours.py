"""The colour of each family of layer types, the same in every picture, table and page: on white, and on black.

The colour-blind tell any two of a column apart (a test sees them as Machado et al. 2009 say that they do); the first
four are Okabe and Ito's. What must be told apart in grey too, or in print, needs more than the colour.
"""

from __future__ import annotations

from costcalc.graph.graph import Node
from costcalc.operators.op import Op

COLOURS = {  # in the order of legends
    "convolution": ("#0072b2", "#6ec3ff"),
    "pointwise": ("#56b4e9", "#baefff"),
    "depthwise": ("#009e73", "#5fac72"),
    "grouped": ("#918eff", "#7f71c5"),
    "transposed": ("#151e8f", "#3273ff"),
    "fully connected": ("#d55e00", "#d97920"),
    "products": ("#651f3e", "#a53b78"),  # of two tensors, as in attention
    "recurrent": ("#6a5428", "#885923"),
    "embeddings": ("#a9f7cb", "#eefbe0"),
    "pooling": ("#e09ebb", "#be84b8"),
    "norm": ("#6e7581", "#afbdb4"),
    "activation": ("#fc9c04", "#f9b318"),
    "join": ("#f9e364", "#f5de88"),
    "other": ("#dbe9ff", "#6e624c"),
}


def family(node: Node) -> str:
    """Return the family of a row's layer type, a word of COLOURS: convolutions by their kernel and groups.

    What an operator says of itself (`Op.family`) and no picture knows is `other`.
    """
    op: Op = node.op
    if op.family == "convolution":
        grouping = op.grouping(node.x)
        if grouping != "dense":
            return grouping
        kernel = getattr(op, "kernel", ())
        return "pointwise" if kernel and all(length == 1 for length in kernel) else op.family
    return op.family if op.family in COLOURS else "other"
