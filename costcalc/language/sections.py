"""Sections: mappings whose keys are known, in a spec, in a convention's file, in a device's.

Each value is asked for by its key, and what is wrong with one is noted at its place; something harmless is given then.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from costcalc.base import Data
from costcalc.base.errors import Mark, Problems, closest, nearest
from costcalc.language.source import YamlNode


def mapping(node: YamlNode | None, what: str, problems: Problems) -> YamlNode:
    """Return a section that must be a mapping; an empty one where it is absent or something else."""
    if node is not None and node.is_map:
        return node
    if node is not None and node.value is not None:
        problems.note(f"'{what}' must be a mapping", node.mark, f"write {what}: {{name: value, ...}}")
    return YamlNode({}, node.mark if node else Mark(""))


def text_of(node: YamlNode, problems: Problems) -> str:
    """Return a value that must be a text."""
    if node.is_map or node.is_list or node.value is None:
        problems.note("a text belongs here", node.mark)
        return ""
    return str(node.value)


class Section:
    """A mapping's values by key. An unknown key is refused, and read as what it most likely means."""

    def __init__(
        self, node: YamlNode, known: Iterable[str], unknown: str, problems: Problems, above: Section | None = None
    ) -> None:
        """unknown: what is said of another key, which stands for {}. above: the section that this one is part of."""
        known = tuple(known)
        self.node = node
        self.problems = problems
        self.above = above
        self.values: dict[str, YamlNode] = {key: value for key, value in node.value.items() if key in known}
        for key, mark, value in node.entries():
            if key not in known:
                hint = nearest(key, known) or f"known: {', '.join(known)}"
                problems.note(unknown.replace("{}", key, 1), mark, hint)
                if meant := closest(key, known):
                    self.values.setdefault(meant, value)

    def get(self, key: str) -> YamlNode | None:
        """Return a value; None where the key is not there."""
        return self.values.get(key)

    def text(self, key: str, default: str = "") -> str:
        """Return a text."""
        node = self.values.get(key)
        return default if node is None else text_of(node, self.problems)

    def inherited(self, key: str) -> str:
        """Return a text of this section, or else of those that it is part of."""
        return self.text(key) or (self.above.inherited(key) if self.above else "")

    def choice(self, key: str, words: Collection[str], default: str) -> str:
        """Return one of several words."""
        before, word = len(self.problems), self.text(key, default)
        if word not in words and len(self.problems) == before:
            self.problems.note(f"{key} is one of {', '.join(words)}, not '{word[:40]}'", self.values[key].mark)
        return word

    def flag(self, key: str) -> bool:
        """Return true or false, false where it is not there."""
        node = self.values.get(key)
        if node is not None and not isinstance(node.value, bool):
            self.problems.note("true or false belongs here", node.mark)
        return node is not None and node.value is True

    def items(self, key: str) -> list[YamlNode]:
        """Return the items of a list."""
        node = self.values.get(key)
        if node is not None and not node.is_list:
            self.problems.note("a list belongs here", node.mark)
        return node.value if node is not None and node.is_list else []

    def texts(self, key: str) -> list[str]:
        """Return a list of texts."""
        return [text_of(item, self.problems) for item in self.items(key)]

    def plain(self) -> Data:
        """Return all values as plain data."""
        return {key: value.plain() for key, value in self.values.items()}
