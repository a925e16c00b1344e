"""Data files of hardware, read with their places: each number stands alone, or with its source and confidence."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import NamedTuple

from costcalc.base import Data
from costcalc.base.errors import nearest, stop
from costcalc.base.files import read, shipped
from costcalc.language.sections import Section, mapping
from costcalc.language.source import parse
from costcalc.numbers.num import LARGEST

SUFFIX = ".yaml"
FREE = "free"  # of a rate: a fit gave it no time of its own


class Number(NamedTuple):
    """A number of a data file, where it comes from, and how sure it is."""

    value: float  # infinite where a rate is free
    source: str = ""
    confidence: str = ""

    def to_dict(self) -> Data:
        """Return the number as plain data: a rate that is free has none."""
        return {**self._asdict(), "value": None if self.value == float("inf") else self.value}


ORIGIN = ("source", "confidence")  # of a number, or of all numbers of a section that state none


def part(section: Section, key: str, known: Iterable[str] | None = None, unknown: str = "") -> Section:
    """Return a mapping inside a section, whose keys are known unless they are free; an empty one where it is absent."""
    node = mapping(section.get(key), key, section.problems)
    names = sorted({*(node.value if known is None else known), *ORIGIN})
    return Section(node, names, unknown or f"unknown key '{{}}' in {key}", section.problems, section)


def free_keys(section: Section) -> list[str]:
    """Return the keys of a section that are names of its numbers, or of its parts."""
    return [key for key in section.values if key not in ORIGIN]


def number(section: Section, key: str, *, zero: bool = False, whole: bool = False) -> Number | None:
    """Return a number, with the section's source and confidence where it has none; None where it is not there.

    zero: whether it may be 0; a rate may not. whole: whether it must be a whole number.
    """
    node, own = section.get(key), section
    if node is not None and node.is_map:
        own = part(section, key, ("value",))
        node = own.values.get("value", node)
    if node is None or node.value is None:
        return None
    given, origin = node.value, [own.inherited(word) for word in ORIGIN]
    if given == FREE and key.endswith(("_gmacs", "bandwidth_gbs")):
        return Number(float("inf"), *origin)
    kinds = int if whole else int | float
    if isinstance(given, bool) or not isinstance(given, kinds) or given < 0 or (given == 0 and not zero):
        least = f"a {'whole ' if whole else ''}number {'0 or more' if zero else 'above 0'}"
        section.problems.note(f"{key} is {least}", node.mark, "or a mapping of value, source and confidence")
        return None
    if given >= LARGEST:
        section.problems.note(f"{key} is too large", node.mark, f"costcalc takes numbers below {LARGEST:,}")
        return None
    return Number(float(given), *origin)


def numbers(section: Section, keys: Iterable[str], *, zero: bool = False) -> dict[str, Number]:
    """Return those of several numbers that are there."""
    return {key: found for key in keys if (found := number(section, key, zero=zero)) is not None}


def opened(path: str, shown: str, version: str, known: Iterable[str]) -> Section:
    """Return a data file's top level; raise SpecError where it is none of this version's."""
    root, problems = parse(read(path, shown), shown)
    if problems or root is None:
        raise problems.error() if problems else stop(f"{shown} is empty")
    stated = root.value.get(version) if root.is_map else None
    if stated is None or str(stated.value) != "1":
        problems.note(f"this is no such file: it has no '{version}: 1'", root.mark)
        raise problems.error()
    return Section(root, sorted({version, *known, *ORIGIN}), "unknown key '{}' in the file", problems)


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
