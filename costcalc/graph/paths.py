"""The paths of layers and groups: every one its own, numbered where two would be called alike."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, count
from typing import TYPE_CHECKING

from costcalc.graph.graph import Node

if TYPE_CHECKING:
    from costcalc.graph.block_graph import Placed


class UniquePaths:
    """Gives paths, each once. What stands under the path of a block's call is told there, apart from all others."""

    def __init__(self) -> None:
        self.counters: dict[str, int] = {}
        self.taken: set[str] = set()
        self.firsts: dict[str, str] = {}  # the paths that costcalc numbered 1, and what they are without it
        self.calls: set[str] = set()
        self.labels: dict[str, str] = {}  # the paths of branches, each the same in all turns

    def claim(self, path: str, *, call: bool = False) -> str:
        """Return the path of a layer, or a call, that the spec names; a turn after the first gets a number."""
        if path in self.taken or (call and path in self.labels.values()):
            self.counters.setdefault(path, 1)  # the second of a name is its _2
            return self._free(path, "_", call=call)
        self.taken.add(path)
        if call:
            self.calls.add(path)
        return path

    def claim_numbered(self, path: str, *, call: bool = False) -> str:
        """Return the path of a layer, or a call, that is called by what it is, with a number: `conv2`, `figure5_2`."""
        found = self._free(path, "_" if path[-1].isdigit() else "", call=call)
        if self.counters[path] == 1:
            self.firsts[found] = path
        return found

    def label(self, path: str) -> str:
        """Return the path of a branch: its label, with a number where that is a call's path."""
        if path not in self.labels:
            numbered = (f"{path}_{number}" for number in count(2))
            self.labels[path] = next(one for one in chain([path], numbered) if one not in self.calls)
        return self.labels[path]

    def _free(self, path: str, between: str, *, call: bool) -> str:
        """Return a path with the next number that no layer has yet."""
        number = self.counters.get(path, 0) + 1
        labels = self.labels.values() if call and self.labels else ()
        while (found := f"{path}{between}{number}") in self.taken or found in labels:
            number += 1
        self.counters[path] = number
        self.taken.add(found)
        if call:
            self.calls.add(found)
        return found

    def shorten(self, parts: Sequence[Node | Placed]) -> None:
        """Take the number off the paths of what is the only one of its kind: `fc1` becomes `fc`, unless that is taken.

        What stands before a slash in a name is a path that nobody claims.
        """
        above: set[str] = set()
        for part in parts:
            path = part.name
            while "/" in path and (path := path.rpartition("/")[0]) not in above:
                above.add(path)
        self.taken |= above
        alone = {path: own for path, own in self.firsts.items() if self.counters[own] == 1 and own not in self.taken}
        known: dict[str, str] = {}
        for part in parts if alone else ():
            layer, name = part.layer, part.name
            short = self._short(layer, alone, known) if "/" in layer else alone.get(layer, layer)
            if short != layer:
                part.layer = short
                part.name = short if name == layer else short + name[len(layer) :]

    def _short(self, path: str, alone: dict[str, str], known: dict[str, str]) -> str:
        if path not in known:
            group, slash, label = alone.get(path, path).rpartition("/")
            known[path] = f"{self._short(group, alone, known)}/{label}" if slash else label
        return known[path]
