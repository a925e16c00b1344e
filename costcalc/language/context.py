"""What the items of one body may name: variables, and the layers that the body names itself."""

from __future__ import annotations

import re
from collections.abc import Iterable

from costcalc.base.errors import Mark


class Context:
    """Where an item stands, and what it may name there. It is never changed: what lies inside has one of its own."""

    __slots__ = ("block", "layers", "repeated", "variables")

    def __init__(
        self, variables: frozenset[str], layers: LayerNames | None = None, block: str = "", *, repeated: bool = False
    ) -> None:
        self.variables = variables
        self.layers = LayerNames() if layers is None else layers  # of its body
        self.block = block  # whose body that is, '' for the spec's own layers
        self.repeated = repeated  # whether it is run several times: a repeat or a table is around it

    def also(self, names: Iterable[str], *, repeated: bool = False) -> Context:
        """Return this context with more variables."""
        variables = self.variables.union(names)
        return Context(variables, self.layers, self.block, repeated=self.repeated or repeated)


class LayerNames:
    """The names that the items of one body give, known before any of them is run."""

    def __init__(self) -> None:
        self.exact: dict[str, Mark] = {}
        self.indexed: set[str] = set()
        self.prefixes: set[str] = set()

    def may_be(self, name: str) -> bool:
        """Say whether a name may turn out to be a layer's."""
        if name in self.exact or re.sub(r"\d+\Z", "", name) in self.indexed:
            return True
        head, dot, _ = name.rpartition(".")
        return bool(dot) and (name.split(".", maxsplit=1)[0] in self.prefixes or self.may_be(head))

    def known(self) -> set[str]:
        """Return the names for a 'did you mean'."""
        return {*self.exact, *(f"{p}.NAME" for p in self.prefixes), *(f"{stem}(k)" for stem in self.indexed)}
