"""Mistakes and files: what every other floor stands on, and what knows nothing of networks.

Imports nothing of costcalc. A new way of being wrong is a message where it is noticed, not a class here; what reads
or writes files, or asks for a package that may be missing, lives here.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias, TypeVar

Datum = Any  # one value, before it is looked at: a number, a word, true or false, nothing, a list or mapping of these
Data = dict[str, Datum]  # values by name, as JSON writes them

# An input's shape (channels, *space), or several by the inputs' names; and what a caller may write for it.
InputShape: TypeAlias = "tuple[int, ...] | dict[str, tuple[int, ...]]"
GivenShape: TypeAlias = "Iterable[int] | Mapping[str, Iterable[int]]"

K = TypeVar("K")
V = TypeVar("V")


def grouped(pairs: Iterable[tuple[K, V]]) -> dict[K, list[V]]:
    """Return what stands beside each key, keys and what they have in the order in which they come."""
    groups: dict[K, list[V]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups
