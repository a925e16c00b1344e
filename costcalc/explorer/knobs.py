"""What a page lets its reader move: sliders of numbers that leave the structure as it is, and lists of all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice, product
from math import prod
from typing import Any, NamedTuple

from costcalc.base import Data, Datum, InputShape
from costcalc.base.errors import stop
from costcalc.base.hints import argument, said
from costcalc.graph.graph import Graph
from costcalc.graph.knobs import refuse_twice, with_knobs
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.yaml_text import typed
from costcalc.numbers.factored import Factor, Spread
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape, Shapes
from costcalc.sweeps.engine import Axis, Grid, structures
from costcalc.sweeps.grids import require_knob

VARIANT = "variant"
MOST_PLACES = 200  # of one slider
MOST_COMBINATIONS = 24  # of the values of lists
MOST_SLIDERS = 3  # that nobody asked for
LEAST_PLACES = 3
LEAST_SIZE = 16  # of a whole number that is one of channels, or pixels
MOST_STRUCTURES = 4  # of a slider that nobody asked for
LENGTH = 20  # places of a slider of sizes, about
STEP = 32  # pixels between two sizes of an image


class Movable(NamedTuple):
    """A knob with its values, and which of them is the start."""

    name: str
    values: list[Datum]
    start: int

    def to_dict(self) -> Data:
        """Return it as the page reads it."""
        return {
            "name": self.name,
            "values": self.values,
            "labels": [(value or "none") if self.name == VARIANT else typed(value) for value in self.values],
            "start": self.start,
        }


class Combination(NamedTuple):
    """A value of each list, and the spec that has them in force."""

    at: tuple[int, ...]
    spec: Spec


class Tried(NamedTuple):
    """What settings make of a network.

    Of how many structures they are, counted no further than is asked; whether shapes keep the knobs apart, as factors;
    and which places on the first axis are refused.
    """

    structures: int
    apart: bool
    refused: set[int]


class Movables:
    """What can be moved of a network: knobs that are given several values, those named to vary, and usual sliders."""

    def __init__(
        self, spec: Spec, given: Mapping[str, Sequence[Datum]], vary: Sequence[str], shape: InputShape | None
    ) -> None:
        """Take a spec, the values that knobs are given (one is the start), and the names of knobs to vary.

        Raises SpecError for a knob that there is not, or that has no values to choose from.
        """
        refuse_twice(spec, given)
        starts = {name: values[0] for name, values in given.items() if len(values) == 1}
        self.spec = with_knobs(spec, starts) if starts else spec
        self.shape = shape
        several = {name: [*values] for name, values in given.items() if len(values) > 1}
        several |= {name: self._choices(name) for name in vary if name not in several}
        by_variant = {knob for values in spec.variants.values() for knob in values} if VARIANT in several else set()
        for name in by_variant & several.keys():
            raise stop(f"the variants say what {name} is, too", hint="let one of them vary")
        slide = {name for name, values in several.items() if self._slides(name, values)}
        self.sliders = [self._movable(name, several[name]) for name in several if name in slide]
        self.lists = [self._movable(name, several[name]) for name in several if name not in slide]
        count = prod(len(one.values) for one in self.lists)
        if count > MOST_COMBINATIONS:
            named = " and ".join(one.name for one in self.lists)
            raise stop(
                f"{named}: {count} structures, each counted by itself, and a page holds {MOST_COMBINATIONS}",
                hint="let fewer vary, or give them fewer values",
            )
        if not slide:
            self._slide_usual({*several, *by_variant})

    def _slide_usual(self, held: set[str]) -> None:
        """Add the sliders of a network of which none was asked for: knobs that leave each other's numbers apart."""
        for name in self.spec.knobs:
            if name in held or len(self.sliders) == MOST_SLIDERS:
                continue
            start = self._start(name)
            if (
                not (type(start) is float or (type(start) is int and start >= LEAST_SIZE))
                and name not in self._searched
            ):
                continue  # small whole numbers are depths, groups, strides
            tried = self._tried({name: self._range(name)})
            values = [value for place, value in enumerate(self._range(name)) if place not in tried.refused]
            if tried.structures > MOST_STRUCTURES or len(values) < max(LEAST_PLACES, 2 * len(tried.refused)):
                continue
            together = self._tried({**{one.name: one.values for one in self.sliders}, name: values})
            if together.structures <= MOST_STRUCTURES and together.apart:
                self.sliders.append(self._movable(name, values))

    @property
    def grid(self) -> Grid:
        """The places of the sliders."""
        return Grid([Axis({one.name: one.values}) for one in self.sliders])

    def settings(self) -> Iterator[Combination]:
        """Yield each combination of the lists' values."""
        for at in product(*(range(len(one.values)) for one in self.lists)):
            chosen = {one.name: one.values[place] for one, place in zip(self.lists, at, strict=True)}
            variant = chosen.pop(VARIANT, "")
            spec = zoo.chosen(self.spec, variant) if variant else self.spec
            yield Combination(at, with_knobs(spec, chosen) if chosen else spec)

    # ---- which values ------------------------------------------------------------------------------------

    def _start(self, name: str) -> Datum:
        return self.spec.variant if name == VARIANT else self.spec.knobs[name]

    def _movable(self, name: str, values: Sequence[Datum]) -> Movable:
        """Return a knob with its values; it starts as the spec has it, else at the first."""
        start, found = self._start(name), [*values]
        if len(found) > MOST_PLACES:
            raise stop(f"{name} has {len(found):,} values, and a page {MOST_PLACES}", hint="give fewer")
        return Movable(name, found, found.index(start) if start in found else 0)

    def _choices(self, name: str) -> list[Datum]:
        """Return the values of a knob that is named to vary, and given none."""
        if name == VARIANT and not self.spec.variants:
            raise stop(f"{self.spec.name} has no variants")
        if name == VARIANT:
            return [*([] if self.spec.variant else [""]), *self.spec.variants]  # "": none, as the spec stands
        start = require_knob(self.spec, name)
        if isinstance(start, bool):
            return [False, True]
        if _numbers([start]) or name in self._searched:
            return self._range(name)
        told = [values[name] for values in self.spec.variants.values() if name in values]
        found = [start, *(value for k, value in enumerate(told) if value != start and value not in told[:k])]
        if len(found) > 1:
            return found
        raise stop(
            f"nothing says what {name} may be",
            hint=said("give it values: {}", argument(**{name: [start]})),
        )

    @property
    def _searched(self) -> dict[str, list[Datum]]:
        return {name: [*one.values] for name, one in self.spec.search.items() if not one.each}

    def _range(self, name: str) -> list[Datum]:
        """Return what a search chooses from, else sensible numbers around a knob's value.

        They are shares of a factor; sizes of an image some 32 pixels apart; eighths of a large number; small ones.
        """
        if name in self._searched:
            return self._searched[name]
        start = self._start(name)
        if isinstance(start, float):
            found = {round(start * share / 20, 6) for share in range(5, 41)}
        elif name in self.spec.of_input and start >= 2 * STEP:
            step = STEP * -(-3 * start // (2 * STEP * LENGTH))
            found = {start + step * turn for turn in range(-(start // 2 // step), start // step + 1)}
        elif start >= LEAST_SIZE:
            found = {start * share // 8 for share in range(2, 17) if start * share % 8 == 0}
        else:
            found = {*range(1, 2 * start + 1)}
        return sorted({start, *found})

    def _slides(self, name: str, values: Sequence[Datum]) -> bool:
        """Say whether values are numbers that leave the structure as it is: few parts beside how many they are."""
        most = min(MOST_STRUCTURES, max(len(values) // 2, 1))
        return name != VARIANT and _numbers(values) and self._tried({name: values}).structures <= most

    def _tried(self, columns: Mapping[str, Sequence[Datum]]) -> Tried:
        """Return what knobs at these values make of the network."""
        refused: set[int] = set()
        apart: list[bool] = []

        def made(_: list[Any], graph: Graph) -> None:
            shapes = [shape for node in graph.nodes for both in (node.x, node.y) for shape in _shapes(both)]
            apart.append(all(len(factor.axes) < 2 for shape in shapes for factor in _factors(shape.size)))

        grid = Grid([Axis({name: values}) for name, values in columns.items()])
        found = structures(self.spec, grid, made, self.shape, lambda at, _: refused.add(int(at[0][0])))
        for _ in islice(found, MOST_STRUCTURES + 1):
            pass
        return Tried(len(apart), all(apart), refused)


def _numbers(values: Sequence[Datum]) -> bool:
    return all(type(value) in (int, float) for value in values)


def _shapes(shapes: Shapes) -> tuple[Shape, ...]:
    return (shapes,) if isinstance(shapes, Shape) else shapes


def _factors(number: Dim) -> Iterator[Factor]:
    for term in number.terms if isinstance(number, Spread) else ():
        yield from term
