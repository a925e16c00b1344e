"""Other tools' words and ours for them, for hints: `filters` is `out`, `Dense` is `fc`.

The words are data: `data/vocabulary.txt` says how its lines are read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from functools import lru_cache

FILE = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "data", "vocabulary.txt")

Lines = list[tuple[list[str], str]]  # of one word of theirs: our words for it, and what to say


def plain(word: str) -> str:
    """Return a word without what differs from tool to tool: `nn.Conv2d`, `CONV_2D` and `conv` are one."""
    return re.sub(
        r"[123]d(?![a-z])|[^a-z0-9]", "", re.sub(r"([a-z])([123])D", r"\1\2d_", word.rpartition(".")[2]).lower()
    )


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, Lines]:
    """Return what each word of theirs may mean, in the order of the file."""
    found: dict[str, Lines] = {}
    with open(FILE, encoding="utf-8") as file:
        for line in file:
            words, equals, rest = line.partition(" = ")
            if line.startswith("#") or not equals:
                continue
            ours, _, said = rest.partition(" | ")
            for word in words.split(","):
                found.setdefault(plain(word), []).append(([one.strip() for one in ours.split(",")], said.strip()))
    return found


def translated(word: str, known: Iterable[str]) -> tuple[str, str]:
    """Return which known word another tool's word means, and what to say of it; two empty strings where none does.

    A word that differs from a known one only by how it is written means that one.
    """
    names = {plain(name): name for name in known}
    if plain(word) in names and plain(word):
        return names[plain(word)], ""
    for ours, said in vocabulary().get(plain(word[:80]), ()):
        for one in ours:
            if plain(one) in names:
                return names[plain(one)], said
    return "", ""
