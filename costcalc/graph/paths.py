"""The paths of layers and groups: every one its own, numbered where two would be called alike."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.graph.graph import Node


class UniquePaths:
    """Gives paths, each once."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.taken: set[str] = set()
        self.firsts: dict[str, str] = {}  # the paths that costcalc numbered 1, and what they are without it

    def claim(self, path: str) -> str:
        """Return the path of a layer that the spec names; a turn after the first gets a number."""
        if path in self.taken:
            self.counters.setdefault(path, 1)  # the second of a name is its _2
            return self._free(path, "_")
        self.taken.add(path)
        return path

    def claim_numbered(self, path: str) -> str:
        """Return the path of a layer that is called by what it is, with a number: `conv2`, `figure5_2`."""
        between = "_" if path[-1].isdigit() else ""
        found = self._free(path, between)
        if found == f"{path}{between}1":
            self.firsts[found] = path
        return found

    def _free(self, path: str, between: str) -> str:
        """Return a path with the next number that no layer has yet."""
        number = self.counters.get(path, 0) + 1
        while f"{path}{between}{number}" in self.taken:
            number += 1
        self.counters[path] = number
        self.taken.add(f"{path}{between}{number}")
        return f"{path}{between}{number}"

    def shorten(self, nodes: Sequence[Node]) -> None:
        """Take the number off the paths of what is the only one of its kind: `fc1` becomes `fc`, unless that is taken.

        Labels of branches are paths that nobody claims, and so may be what stands before a slash in a name.
        """
        above: set[str] = set()
        for node in nodes:
            path = node.name
            while path and path not in above:
                above.add(path)
                path = path.rpartition("/")[0]
        self.taken |= above
        known = {"": ""}
        for node in nodes:
            rest = node.name[len(node.layer) :]
            node.layer = self._short(node.layer, known)
            node.name = node.layer + rest

    def _short(self, path: str, known: dict[str, str]) -> str:
        if path not in known:
            group, slash, label = path.rpartition("/")
            alone = self.firsts.get(path)
            if alone and self.counters[alone] == 1 and alone not in self.taken:
                label = alone.rpartition("/")[2]
            known[path] = f"{self._short(group, known)}{slash}{label}"
        return known[path]
