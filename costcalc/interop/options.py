"""What a declarative network file is made of: groups of settings that know their places, and a network built from them.

Darknet's sections and Caffe's messages are both read into `Options`. Each setting that is asked for
is remembered, so that one that nobody asked for is found, and refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple

from costcalc.base import Datum
from costcalc.base.errors import Mark, Problem, SpecError, nearest
from costcalc.language.flat import Flat
from costcalc.numbers.num import LARGEST

MOST_LAYERS = 5_000
_TRUE, _FALSE = ("true", "1", "t", "True"), ("false", "0", "f", "False")


def wrong(message: str, mark: Mark, hint: str = "") -> SpecError:
    """Return the error of one mistake at its place."""
    return SpecError([Problem(message, mark, hint)])


class Setting(NamedTuple):
    """One value with its place: a text, or a group of settings."""

    value: Datum
    mark: Mark


class Options:
    """A group of settings: each key with its values, in their order. `what` names the group in messages."""

    def __init__(self, what: str, mark: Mark) -> None:
        self.what = what
        self.mark = mark
        self.settings: dict[str, list[Setting]] = {}
        self.asked: set[str] = set()

    def put(self, key: str, value: Datum, mark: Mark) -> None:
        """Add a value of a key."""
        self.settings.setdefault(key, []).append(Setting(value, mark))

    def all(self, key: str) -> list[Setting]:
        """Return every value of a key; none if it is not given."""
        self.asked.add(key)
        return self.settings.get(key, [])

    def one(self, key: str) -> Setting | None:
        """Return the only value of a key, or nothing; raise SpecError where it has several."""
        found = self.all(key)
        if len(found) > 1:
            first = found[0].mark.line + 1
            raise wrong(f"{self.what}: '{key}' stands here twice", found[1].mark, f"it was on line {first} already")
        return found[0] if found else None

    def word(self, key: str, default: str = "") -> str:
        """Return a key's text."""
        found = self.one(key)
        if found is None:
            return default
        if not isinstance(found.value, str):
            raise wrong(f"{self.what}: '{key}' is a group where a single value belongs", found.mark)
        return found.value

    def whole(self, key: str, default: int | None = None, *, least: int = 0) -> int:
        """Return a key's whole number; raise SpecError for anything else, or where it is needed and missing."""
        found = self.one(key)
        if found is None:
            if default is None:
                raise wrong(f"{self.what} needs '{key}'", self.mark)
            return default
        return self.number(key, found, least=least)

    def wholes(self, key: str, *, least: int = 0) -> list[int]:
        """Return the whole numbers of a key that may be repeated."""
        return [self.number(key, found, least=least) for found in self.all(key)]

    def number(self, key: str, found: Setting, *, least: int = 0) -> int:
        """Return a value as a whole number, at least `least`."""
        text = found.value
        if not isinstance(text, str) or not re.fullmatch(r"[-+]?[0-9]{1,15}", text, re.ASCII):
            shown = f"'{text[:40]}'" if isinstance(text, str) else "a group"
            raise wrong(f"{self.what}: '{key}' is a whole number, not {shown}", found.mark)
        if int(text) < least:
            raise wrong(f"{self.what}: '{key}' is at least {least}, not {text}", found.mark)
        return int(text)

    def real(self, key: str, default: float) -> float:
        """Return a key's number."""
        found = self.one(key)
        return default if found is None else self.fraction(key, found)

    def reals(self, key: str) -> list[float]:
        """Return the numbers of a key that may be repeated."""
        return [self.fraction(key, found) for found in self.all(key)]

    def fraction(self, key: str, found: Setting) -> float:
        """Return a value as a number."""
        text = found.value if isinstance(found.value, str) else "a group"
        if not re.fullmatch(r"[-+]?([0-9]{1,30}\.?[0-9]{0,30}|\.[0-9]{1,30})([eE][-+]?[0-9]{1,2})?f?", text, re.ASCII):
            raise wrong(f"{self.what}: '{key}' is a number, not '{text[:40]}'", found.mark)
        return float(text.removesuffix("f"))

    def flag(self, key: str, *, default: bool = False) -> bool:
        """Return whether a key is true (1)."""
        found, text = self.one(key), self.word(key)
        if found is None:
            return default
        if text not in _TRUE + _FALSE:
            raise wrong(f"{self.what}: '{key}' is true or false, not '{text[:40]}'", found.mark)
        return text in _TRUE

    def group(self, key: str) -> Options:
        """Return a key's group; an empty one if it is not given."""
        found = self.one(key)
        if found is None:
            return Options(f"{self.what}: {key}", self.mark)
        if not isinstance(found.value, Options):
            raise wrong(f"{self.what}: '{key}' is a group in braces", found.mark)
        return found.value

    def groups(self, key: str) -> list[Options]:
        """Return every group of a key that may be repeated."""
        for found in self.all(key):
            if not isinstance(found.value, Options):
                raise wrong(f"{self.what}: '{key}' is a group in braces", found.mark)
        return [found.value for found in self.all(key)]

    def place(self, key: str) -> Mark:
        """Return where a key's first value stands; the group's place if it is not given."""
        found = self.settings.get(key)
        return found[0].mark if found else self.mark

    def only(self, key: str, known: Iterable[str], why: str) -> None:
        """Refuse a key unless it is absent or has one of the known texts: `why` says what costcalc lacks."""
        known = tuple(known)
        text = self.word(key, known[0])
        if text not in known:
            raise wrong(f"{self.what}: {key} {text[:40]} can't be expressed: {why}", self.place(key))

    def finish(self, without_effect: Container[str]) -> None:
        """Refuse a key that nothing has asked for, unless it is known to change no cost."""
        for key, found in self.settings.items():
            if key not in self.asked and key not in without_effect:
                raise wrong(f"{self.what}: '{key[:60]}' is not known here", found[0].mark, nearest(key, self.asked))


class Declared(Flat):
    """A network that is read from a text: what an operator refuses is told with the place of its layer."""

    mark = Mark("")

    def add(self, kind: str, inputs: Iterable[str], name: str, *, share: str = "", **fields: Datum) -> list[str]:
        """Add a layer as `Flat.add` does; `mark` is the place that its errors name."""
        try:
            values = super().add(kind, inputs, name, share=share, **fields)
        except SpecError as error:
            raise SpecError([Problem(p.message, self.mark, p.hint) for p in error.problems]) from None
        if any(self.shapes[value].size >= LARGEST for value in values):
            raise wrong(f"{name}: the tensor is too large: {self.shapes[values[0]]}", self.mark)
        if len(self.steps) > 2 * MOST_LAYERS:
            raise wrong(f"more than {2 * MOST_LAYERS:,} steps", self.mark)
        return values

    def one(self, kind: str, inputs: Iterable[str], name: str, *, share: str = "", **fields: Datum) -> str:
        """Add a layer of one output and return that."""
        return self.add(kind, inputs, name, share=share, **fields)[0]

    def hidden(self, inputs: list[str], name: str, note: str) -> str:
        """Add a row of unknown cost for what gives a tensor like its first."""
        return self.one("opaque", inputs, name, shape=list(self.shapes[inputs[0]].dims), note=note)

    def ends(self) -> list[str]:
        """Return the values that no layer takes; raise SpecError where there is no layer."""
        taken = {value for step in self.steps for value in step.inputs}
        if not self.steps:
            raise wrong("there is no layer that computes", self.mark)
        return [value for step in self.steps for value in step.outputs if value not in taken]

    def same(self, name: str, got: str, wanted: Sequence[int]) -> None:
        """Raise SpecError unless a value has the shape that the other framework gives it."""
        if self.shapes[got].dims != tuple(wanted):
            said = "x".join(str(n) for n in wanted)
            raise wrong(f"{name}: gives {said}, which costcalc can't express: {self.shapes[got]}", self.mark)
