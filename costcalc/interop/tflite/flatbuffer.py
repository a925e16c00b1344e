"""A flatbuffer, read field by field where it lies: nothing is copied, and no offset leads out of the file.

A table begins with the distance to its vtable, which says for each field, by its number, where in the table its value
stands (https://flatbuffers.dev/internals). Each place is held against the file's size before it is read, and how much
is read of vectors together is bounded, so that a file costs what it says, once.
"""

from __future__ import annotations

import struct
from typing import Any

from costcalc.numbers.num import prod

MOST_READ = 1_000_000  # elements of all vectors together
LONGEST_TEXT = 1_000  # bytes of a text that are read

Values = tuple[Any, ...]


class Broken(ValueError):
    """The bytes are no flatbuffer."""


class FlatBytes:
    """The bytes of a file (or their map), with how many elements were read."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.size = len(data)
        self.read = 0

    def values(self, code: str, at: int, count: int = 1) -> Values:
        """Return numbers, of a code of `struct`, at a place; raise Broken where the file ends before."""
        kind = f"<{count}{code}"
        if at < 0 or count < 0 or at + struct.calcsize(kind) > self.size:
            raise Broken(f"byte {at:,} is not in the file")
        self.spend(count)
        return struct.unpack_from(kind, self.data, at)

    def value(self, code: str, at: int) -> Any:
        """Return one number at a place."""
        return self.values(code, at)[0]

    def spend(self, count: int) -> None:
        """Count what is read; raise Broken where it is more than any model has."""
        self.read += count
        if self.read > MOST_READ:
            raise Broken(f"it holds more than {MOST_READ:,} numbers beside its weights")

    def root(self) -> FlatTable:
        """Return the table that the file begins with."""
        return FlatTable(self, self.value("I", 0))


class FlatTable:
    """A table: its fields by their numbers. A field that is left out has its default."""

    __slots__ = ("at", "fields", "source", "span")

    def __init__(self, source: FlatBytes, at: int) -> None:
        self.source = source
        self.at = at
        vtable = at - source.value("i", at)
        length, self.span = source.values("H", vtable, 2)
        self.fields = source.values("H", vtable + 4, max(0, length - 4) // 2)

    def place(self, field: int) -> int:
        """Return where a field's value stands; 0 where it is left out."""
        offset = self.fields[field] if field < len(self.fields) else 0
        if offset >= self.span and offset:
            raise Broken(f"field {field} of the table at byte {self.at:,} is not in it")
        return self.at + offset if offset else 0

    def number(self, field: int, code: str, default: float = 0) -> Any:
        """Return a number."""
        place = self.place(field)
        return self.source.value(code, place) if place else default

    def table(self, field: int) -> FlatTable | None:
        """Return a table; None where it is left out."""
        place = self.place(field)
        return FlatTable(self.source, place + self.source.value("I", place)) if place else None

    def vector(self, field: int, width: int) -> tuple[int, int]:
        """Return where a vector's elements begin, and how many there are; (0, 0) where it is left out."""
        place = self.place(field)
        if not place:
            return 0, 0
        start = place + self.source.value("I", place)
        count = self.source.value("I", start)
        if start + 4 + count * width > self.source.size:
            raise Broken(f"the vector at byte {start:,} goes on behind the end")
        return start + 4, count

    def numbers(self, field: int, code: str) -> Values:
        """Return a vector of numbers."""
        start, count = self.vector(field, struct.calcsize(f"<{code}"))
        return self.source.values(code, start, count) if count else ()

    def tables(self, field: int) -> list[FlatTable]:
        """Return a vector of tables."""
        start, count = self.vector(field, 4)
        offsets = self.source.values("I", start, count) if count else ()
        return [FlatTable(self.source, start + 4 * k + offset) for k, offset in enumerate(offsets)]

    def text(self, field: int) -> str:
        """Return a text, cut where it is very long."""
        start, count = self.vector(field, 1)
        return bytes(self.source.data[start : start + min(count, LONGEST_TEXT)]).decode("utf-8", "replace")


def elements(shape: Values) -> int:
    """Return how many elements a shape has."""
    return int(prod(shape))
