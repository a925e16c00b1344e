"""What a search may choose, and which of it is chosen while a part of a space is run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, SupportsIndex

from costcalc.base import Datum


class Choice(NamedTuple):
    """One choice: a knob, or one element of a list knob."""

    number: int  # its place among the space's choices
    knob: str
    place: int | None  # of the element; None for a whole knob
    values: tuple[Datum, ...]
    own: int  # the place of the spec's own value among them

    @property
    def name(self) -> str:
        """What it is called: `width`, `kernels[3]`."""
        return self.knob if self.place is None else f"{self.knob}[{self.place}]"


class NeedsChoice(Exception):
    """What is run depends on a choice that is not made yet."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Chosen:
    """The choices that are made while a part of a space is run, by number; and which of them it has read."""

    def __init__(self) -> None:
        self.places: dict[int, int] = {}
        self.read: set[int] = set()

    def value(self, choice: Choice) -> Datum:
        """Return the value that is chosen; raise NeedsChoice where none is."""
        place = self.places.get(choice.number)
        if place is None:
            raise NeedsChoice(choice.number)
        self.read.add(choice.number)
        return choice.values[place]


class ChoiceList(list[Any]):
    """A list knob whose elements are choices: `x[i]` reads one, what uses it whole reads all."""

    def __init__(self, parts: list[Datum], chosen: Chosen) -> None:
        super().__init__(parts)
        self.chosen = chosen

    def __getitem__(self, place: SupportsIndex | slice) -> Any:
        part = super().__getitem__(place)
        return self.chosen.value(part) if isinstance(part, Choice) else part

    def __iter__(self) -> Iterator[Datum]:
        return (self[place] for place in range(len(self)))

    def __eq__(self, other: object) -> bool:
        return list(self) == other

    __hash__ = None


class OpenNames(dict[str, Any]):
    """The variables of a scope, some of which are choices, or constants that depend on such."""

    def __init__(self, values: Mapping[str, Datum], chosen: Chosen) -> None:
        super().__init__(values)
        self.chosen = chosen

    def __getitem__(self, name: str) -> Datum:
        value = super().__getitem__(name)
        if type(value) is Choice:
            return self.chosen.value(value)
        return value.run() if type(value) is Later else value

    def get(self, name: str, default: Datum = None) -> Datum:
        """Return a value; raise NeedsChoice where it is not chosen."""
        try:
            return self[name]
        except KeyError:
            return default

    def copy(self) -> OpenNames:
        """Return the same names, as they stand."""
        return OpenNames(self, self.chosen)

    def __or__(self, others: Any) -> OpenNames:  # type: ignore[override]
        found = self.copy()
        found.update(others)
        return found

    def varies(self, name: str) -> bool:
        """Say whether a name's value depends on choices, or may."""
        return type(super().get(name)) in (Choice, ChoiceList, Later)


class Later:
    """A constant that is worked out where it is read."""

    __slots__ = ("run",)

    def __init__(self, run: Callable[[], Datum]) -> None:
        self.run = run
