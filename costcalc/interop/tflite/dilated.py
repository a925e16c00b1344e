"""Dilated convolutions as TensorFlow writes them: pixels dealt out, a convolution, pixels side by side again.

SPACE_TO_BATCH_ND makes images of the pixels that stand a block apart, a convolution runs over each, BATCH_TO_SPACE_ND
puts them together and cuts off what its border made too much. That is a convolution of this dilation, with the border
less what is cut off: so it is read, and what is cut off isn't counted.
"""

from __future__ import annotations

from costcalc.interop.tflite.file import FileGraph, FileOperator

_ALIKE = frozenset("ADD MUL SUB RELU RELU6 RELU_N1_TO_1 LOGISTIC TANH HARD_SWISH ELU LEAKY_RELU QUANTIZE".split())
_MOVES = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE", "QUANTIZE", "DEQUANTIZE", "CAST")


def undealt(graph: FileGraph) -> None:
    """Make dilated convolutions of those in a graph; others are left as they are."""
    if not any(one.name == "SPACE_TO_BATCH_ND" for one in graph.operators):
        return
    users: dict[int, list[FileOperator]] = {}
    for one in graph.operators:
        for place in one.inputs:
            users.setdefault(place, []).append(one)
    for one in graph.operators:
        if one.name == "SPACE_TO_BATCH_ND" and (chain := _chain(one, users)):
            _rewrite(graph, chain)


def _chain(first: FileOperator, users: dict[int, list[FileOperator]]) -> list[FileOperator]:
    """Return the operators from the one that deals pixels out to that which gathers them; none if others see them."""
    chain = [first]
    while chain[-1].name != "BATCH_TO_SPACE_ND":
        after = users.get(chain[-1].outputs[0], []) if len(chain[-1].outputs) == 1 else []
        wanted = ("CONV_2D", "DEPTHWISE_CONV_2D") if not _convolved(chain) else _ALIKE
        if len(after) != 1 or after[0].name not in (*_MOVES, *wanted, "BATCH_TO_SPACE_ND") or len(chain) > 8:
            return []
        chain.append(after[0])
    return chain if _convolved(chain) else []


def _convolved(chain: list[FileOperator]) -> list[FileOperator]:
    return [one for one in chain if "CONV_2D" in one.name]


def _rewrite(graph: FileGraph, chain: list[FileOperator]) -> None:
    """Give the convolution its dilation, and let the others pass tensors on."""
    first, last, (conv,) = chain[0], chain[-1], _convolved(chain)
    if len(first.inputs) < 3 or len(last.inputs) < 3 or len(conv.inputs) < 2:
        return
    tensors = graph.tensors
    block, borders, cut = (tensors[k].values() for k in (first.inputs[1], first.inputs[2], last.inputs[2]))
    kernel = tensors[conv.inputs[1]].shape
    if block is None or borders is None or cut is None or tensors[last.inputs[1]].values() != block:
        return
    left = [p - c for p, c in zip(borders, cut, strict=False)]
    if len(left) != 2 * len(block) or min(left) < 0 or min(block) < 1 or len(kernel) != 4:
        return
    pairs = list(zip(left[::2], left[1::2], strict=True))
    if len(block) == 1:  # over one axis of space: the other has length 1, as its kernel has
        ahead = kernel[1] == 1
        block, pairs = ([1, *block], [(0, 0), *pairs]) if ahead else ([*block, 1], [*pairs, (0, 0)])
    else:
        ahead = True
    conv.given = conv.given | {"spread": (block, pairs)}
    first.name = last.name = "CAST"
    for one in chain[chain.index(conv) :]:
        if one.name in ("RESHAPE", "SQUEEZE"):
            one.name, one.given = "SQUEEZE", {"axes": (1 if ahead else 2,)}
    for one in chain[:-1]:
        for place in one.outputs:
            tensors[place].open = [True] * len(tensors[place].shape)
