"""Functions that PyTorch composes of others: they are seen in the graph of operations, and become one row again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from costcalc.interop.torch.aten.reading import Reading, View, operation_of


class Composed:
    """A function in the graph: the operations that it is made of, but the last; what it takes; how it becomes a row."""

    __slots__ = ("inner", "source", "translate")

    def __init__(self, inner: Iterable[Any], source: Any, translate: Callable[[Reading, View], View]) -> None:
        self.inner = set(inner)
        self.source = source
        self.translate = translate


def composed(graph: Any) -> dict[Any, Composed]:
    """Return the functions of a graph, by the last of their operations."""
    found = {}
    for node in graph.nodes:
        for pattern in (_softsign, _lrn):
            made = pattern(node) if _word(node) == "div" and len(node.args) > 1 else None
            # What only it uses goes; were there another use, it would have to stay.
            if made and all(user in made.inner or user is node for one in made.inner for user in one.users):
                found[node] = made
    return found


def _word(node: Any) -> str:
    return operation_of(node).partition(".")[0] if getattr(node, "op", "") == "call_function" else ""


def _down(node: Any, *words: str) -> list[Any]:
    """Return the chain of operations from a node down their first arguments, and what it begins with; empty if others.

    A word in brackets may come any number of times: `(view)`.
    """
    chain = []
    for word in words:
        if word[0] == "(":
            while _word(node) in word[1:-1].split("|"):
                chain.append(node)
                node = node.args[0]
        elif _word(node) in word.split("|"):
            chain.append(node)
            node = node.args[0]
        else:
            return []
    return [*chain, node]


def _softsign(node: Any) -> Composed | None:
    """See x / (|x| + 1)."""
    x, below = node.args[:2]
    chain = _down(below, "add", "abs")
    if not chain or chain[-1] is not x or below.args[1:] != (1,):
        return None
    return Composed(chain[:-1], x, lambda r, view: r.same(view, r.add("softsign", [view.value], _title(r, "softsign"))))


def _lrn(node: Any) -> Composed | None:
    """See x / (k + alpha * the mean of neighbours' squares)^beta, as LocalResponseNorm says it."""
    x, below = node.args[:2]
    chain = _down(
        below, "pow", "add", "mul", "(view|squeeze|reshape)", "avg_pool2d|avg_pool3d", "pad|constant_pad_nd",
        "(view|unsqueeze|reshape)", "mul",
    )  # fmt: skip
    if not chain or chain[-1] is not x or chain[-2].args[1] is not x:
        return None
    pool = next(one for one in chain if _word(one).startswith("avg_pool"))
    size = pool.args[1][0]

    def translate(r: Reading, view: View) -> View:
        axes = range(1, len(view.sizes))
        value = r.add("lrn", [r.arrange(view, [[k] for k in axes])], _title(r, "lrn"), size=size)
        return r.view(value, [None, *(k - 1 for k in axes)])

    return Composed(chain[:-1], x, translate)


def _title(r: Reading, kind: str) -> str:
    """Return a row's name: its module's, or where that does more than this the function's."""
    name = r.title()
    return r.within(kind) if name == r.within("div") else name
