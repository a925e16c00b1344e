"""Data files of hardware, read with their places: each number stands alone, or with its source and confidence."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from costcalc.base.errors import Problem, SpecError, nearest, stop
from costcalc.base.files import read, shipped
from costcalc.language.source import YamlNode, parse
from costcalc.numbers.num import LARGEST

SUFFIX = ".yaml"
FREE = "free"  # of a rate: a fit gave it no time of its own


class Number(NamedTuple):
    """A number of a data file, where it comes from, and how sure it is."""

    value: float  # infinite where a rate is free
    source: str = ""
    confidence: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the number as plain data: a rate that is free has none."""
        return {**self._asdict(), "value": None if self.value == float("inf") else self.value}


class Section:
    """A mapping of a data file: its texts and numbers; what stands in it unread is a mistake."""

    def __init__(self, node: YamlNode, problems: list[Problem], what: str, above: Section | None = None) -> None:
        self.what = what
        self.problems = problems
        self.node = node
        self.values: dict[str, YamlNode] = node.value if node.is_map else {}
        self.taken = {"source", "confidence"}
        if not node.is_map:
            self.wrong(node, f"{what} is a mapping")
        self.source: str = self.text("source") or (above.source if above else "")
        self.confidence: str = self.text("confidence") or (above.confidence if above else "")

    def wrong(self, node: YamlNode, message: str, hint: str = "") -> None:
        """Note a mistake at a value."""
        self.problems.append(Problem(message, node.mark, hint))

    def text(self, key: str, default: str = "") -> str:
        """Return a text, or the default."""
        self.taken.add(key)
        node = self.values.get(key)
        return default if node is None or node.value is None else str(node.plain())

    def section(self, key: str) -> Section | None:
        """Return a mapping inside this one."""
        self.taken.add(key)
        node = self.values.get(key)
        return None if node is None else Section(node, self.problems, key, self)

    def sections(self) -> dict[str, Section]:
        """Return every mapping inside this one that is not read yet."""
        names = [key for key in self.values if key not in self.taken]
        return {key: found for key in names if (found := self.section(key)) is not None}

    def number(self, key: str, *, zero: bool = False, whole: bool = False) -> Number | None:
        """Return a number, with the section's source and confidence where it has none; None where it is not there.

        zero: whether it may be 0; a rate may not. whole: whether it must be a whole number.
        """
        self.taken.add(key)
        node = self.values.get(key)
        if node is None or node.value is None:
            return None
        source, confidence, value = self.source, self.confidence, node
        if node.is_map:
            own = Section(node, self.problems, key, self)
            own.taken.add("value")
            own.done()
            source, confidence, value = own.source, own.confidence, own.values.get("value", node)
        if value.value == FREE and key.endswith(("_gmacs", "bandwidth_gbs")):
            return Number(float("inf"), source, confidence)
        given = value.value
        kinds = int if whole else int | float
        if isinstance(given, bool) or not isinstance(given, kinds) or given < 0 or (given == 0 and not zero):
            least = f"a {'whole ' if whole else ''}number {'0 or more' if zero else 'above 0'}"
            self.wrong(value, f"{key} is {least}", "or a mapping of value, source and confidence")
            return None
        if given >= LARGEST:
            self.wrong(value, f"{key} is too large", f"costcalc takes numbers below {LARGEST:,}")
            return None
        return Number(float(value.value), source, confidence)

    def done(self) -> None:
        """Note every key that nothing has read."""
        for key, node in self.values.items():
            if key not in self.taken:
                known = f"known: {', '.join(sorted(self.taken))}"
                mark = self.node.keys.get(key, node.mark)
                self.problems.append(
                    Problem(f"unknown key '{key}' in {self.what}", mark, nearest(key, self.taken) or known)
                )


def opened(path: str, shown: str, version: str) -> Section:
    """Return a data file's top level; raise SpecError where it is none of this version's."""
    root, problems = parse(read(path, shown), shown)
    if problems or root is None:
        raise SpecError(problems) if problems else stop(f"{shown} is empty")
    top = Section(root, problems, "the file")
    if top.text(version) != "1":
        top.wrong(root, f"this is no such file: it has no '{version}: 1'")
        raise SpecError(problems)
    return top


def closed(top: Section) -> None:
    """Raise SpecError for every mistake in a file."""
    top.done()
    if top.problems:
        raise SpecError(top.problems)


def named(name: str) -> list[str]:
    """Return the names of the files in a folder of data files."""
    return sorted(file.removesuffix(SUFFIX) for file in os.listdir(shipped(name)) if file.endswith(SUFFIX))


def located(word: str, of: str, thing: str) -> tuple[str, str]:
    """Return the path of a data file, and how it is shown: a file of the user's, or one of the package's by name."""
    if "/" in word or os.sep in word or word.endswith((SUFFIX, ".yml")):
        return word, word
    if word not in named(of):
        hint = nearest(word, named(of)) or f"known: {', '.join(named(of))}, or the path of a file"
        raise stop(f"there is no {thing} '{word[:60]}'", hint=hint)
    return os.path.join(shipped(of), word + SUFFIX), word + SUFFIX
