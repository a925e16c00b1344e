"""The words of version 1 of the language: a spec's own block, argument or layer wins over those that came later."""

from __future__ import annotations

import os
from functools import lru_cache

from costcalc.base.files import PACKAGE

FILE = os.path.join(PACKAGE, "data", "version_1.txt")


@lru_cache(maxsize=2)
def words(section: str = "") -> frozenset[str]:
    """Return the words of version 1: operators, words of fields, functions, names, modifiers; or of one section."""
    found, heading = set[str](), ""
    with open(FILE, encoding="utf-8") as file:
        for line in file:
            heading = line[1:].strip() if line.startswith("#") else heading
            found.update(line.split() if not line.startswith("#") and heading.startswith(section) else ())
    return frozenset(found)


def later(word: str) -> bool:
    """Say whether a word is none of version 1. The file is read only where a spec gives a name that is a word."""
    return word not in words()
