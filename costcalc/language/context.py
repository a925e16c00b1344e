"""What the items of one body may name: variables, and the layers that the body names itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from costcalc.base.errors import Mark


class LayerNames:
    """The names that the items of one body give, known before any of them is run."""

    def __init__(self) -> None:
        self.exact: dict[str, Mark] = {}
        self.lists: dict[str, Mark] = {}  # of layers, to which items are put with `into`
        self.indexed: set[str] = set()
        self.prefixes: set[str] = set()

    def may_be(self, name: str) -> bool:
        """Say whether a name may turn out to be a layer's."""
        if name in self.exact or name in self.lists or any(stem in self.indexed for stem in stems(name)):
            return True
        head, dot, _ = name.rpartition(".")
        return bool(dot) and (any(name.startswith(f"{prefix}.") for prefix in self.prefixes) or self.may_be(head))

    def known(self) -> set[str]:
        """Return the names for a 'did you mean'."""
        return {
            *self.exact,
            *self.lists,
            *(f"{p}.NAME" for p in self.prefixes),
            *(f"{stem}(k)" for stem in self.indexed),
        }


def stems(text: str) -> Iterator[str]:
    """Yield what may stand before the index of a name: of `w12` `w1` and `w`, of `p-1` `p-` and `p`."""
    while text[-1:].isdigit():
        text = text[:-1]
        yield text
        if text[-1:] == "-":
            yield text[:-1]


NO_LAYERS = LayerNames()


class Context(NamedTuple):
    """Where an item stands, and what it may name there. It is never changed: what lies inside has one of its own."""

    variables: frozenset[str]
    layers: LayerNames = NO_LAYERS  # of its body
    block: str = ""  # whose body that is; '' for the spec's own layers
    repeated: bool = False  # whether it is run several times: a repeat or a table is around it
    branch: bool = False  # whether it is inside a branch of a join: `joined`

    def also(self, names: Iterable[str], *, repeated: bool = False) -> Context:
        """Return this context with more variables."""
        return Context(self.variables.union(names), self.layers, self.block, self.repeated or repeated, self.branch)
