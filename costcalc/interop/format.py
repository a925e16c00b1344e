"""What a reader of another format is: the contract that the folders of `interop` keep.

A format is a folder with a module `read`, which has a constant `FORMAT` and one function

    def read(path: str, options: ReadOptions) -> Model: ...

It is found by being there (`interop/formats`). `read` is imported whenever a file is none of ours, so at module level
it imports neither a package nor the rest of its folder.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple, Protocol

from costcalc.base import Data, Datum, InputShape
from costcalc.base.errors import SpecError, stop
from costcalc.base.hints import argument, said

MOST_LOOKED_AT = 2**20  # bytes of a file by which it is told


class Model(Protocol):
    """A network that was read: `language.flat.Flat`, or whatever can write itself as a spec's data."""

    @property
    def name(self) -> str:
        """What the network is called."""

    @property
    def unused(self) -> int:
        """How many of the file's parameters inference does not use; they are left out."""

    def data(self) -> Data:
        """Return the spec as data, as `costcalc.load` takes it."""

    def text(self) -> str:
        """Return the spec's text."""


class ReadOptions(NamedTuple):
    """How a file is to be read.

    `input`: (channels, *space) of the one input, or of several by their names (`base.arguments.sole` where a format has
    one only). `opaque`: what costcalc does not know becomes a row of unknown cost. `name`: what the network is called,
    if not as the file says. `more`: the format's own options by name (`scale`, `regions`).
    """

    input: InputShape | None = None
    opaque: bool = False
    name: str = ""
    more: Mapping[str, Datum] = MappingProxyType({})

    def word(self, name: str, default: str, known: Sequence[str] = ()) -> str:
        """Return an option of the format's own as a text, one of the known where there are any."""
        value = str(self.more.get(name, default))
        if known and value not in known:
            raise stop(f"{name} is {' or '.join(known)}, not '{value:.60}'")
        return value

    def whole(self, name: str, default: int, least: int = 1, most: int = 10**9) -> int:
        """Return an option of the format's own as a whole number."""
        value = self.more.get(name, default)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise stop(f"{name} is a whole number from {least:,} to {most:,}, not '{value!s:.60}'")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return an option of the format's own that is true or false."""
        value = self.more.get(name, default)
        if not isinstance(value, bool):
            raise stop(f"{name} is true or false, not '{value!s:.60}'")
        return value


class Head:
    """What a file is told by: its path and how it begins."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.suffix = os.path.splitext(path)[1].lower()
        with open(path, "rb") as file:
            self.data = file.read(MOST_LOOKED_AT)

    @cached_property
    def text(self) -> str:
        """How the file begins as text, without lines that are comments of YAML; empty of a file of bytes."""
        if b"\0" in self.data:
            return ""
        return re.sub(r"(?m)^\s*#.*\n", "", self.data.decode("utf-8", "replace").removeprefix("\ufeff"))

    @cached_property
    def names(self) -> list[str]:
        """The names of the files in a zip; none where it is no zip, or a broken one."""
        if not self.data.startswith(b"PK\3\4"):
            return []
        from costcalc.base import zip_file

        with suppress(SpecError):
            return zip_file.names(self.path)
        return []


class Format(NamedTuple):
    """A format that is read: what it is in words, by what it is told, and what can be asked of its reader."""

    name: str  # the word of `costcalc import`
    what: str  # "an ONNX model"
    suffixes: tuple[str, ...]  # how its files are called, for words: content decides
    told_by: str  # in words, for docs/formats.md
    is_it: Callable[[Head], object]  # whether a file is of this format, and of no other
    options: tuple[str, ...] = ("input", "opaque")  # names of `ReadOptions`, and its own
    extra: str = ""  # of costcalc's, as pip knows it; none: no package is needed
    lacks: str = ""  # in words, what can't be read
    knobs: tuple[str, ...] = ()  # those of its options that are knobs of the spec: `import` says what they are there

    @property
    def own(self) -> list[str]:
        """The options of its reader that no other format need have."""
        return [name for name in self.options if name not in ReadOptions._fields]


GIVE_SHAPE = said("give it: {}", argument(input=(3, 640, 640)))  # where a file does not say its input's shape
