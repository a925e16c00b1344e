"""A spec's search space: how many networks it has, what they cost, which fit a budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from costcalc.base import Data, Datum, GivenShape
from costcalc.base.errors import SpecError, nearest, stop
from costcalc.base.text import plural
from costcalc.costs.convention import BEFORE
from costcalc.graph.block_graph import Placed
from costcalc.graph.graph import Graph, Node
from costcalc.graph.knobs import given_shapes, knob_values, refuse_idle_knobs
from costcalc.language.document import Spec
from costcalc.language.ranges import one
from costcalc.measures.metric import Setup
from costcalc.spaces import elimination
from costcalc.spaces.additive import LookedUp, additive
from costcalc.spaces.choices import Choice
from costcalc.spaces.components import Component, components
from costcalc.spaces.factors import SpaceTables, factors
from costcalc.spaces.frontier import best
from costcalc.spaces.spread import CostSpread, Sums, spread
from costcalc.spaces.tables import Tied
from costcalc.spaces.tracing import Tracing

if TYPE_CHECKING:
    import pandas as pd

COUNTED = ("params", "macs")


class Found(NamedTuple):
    """A network of a space: its choices as knobs, and what it costs in each metric."""

    knobs: Data
    costs: dict[str, int]


class Limit(NamedTuple):
    """What a network must meet: a metric that is at most, or at least, so large."""

    metric: str
    low: int | None
    high: int | None


class Space:
    """All networks that a spec's `search` may choose: what `costcalc.space` returns.

    A network is a setting cut down to the choices that are read while it is expanded; settings that differ in others
    are one network. Settings that the spec refuses are none.
    """

    def __init__(
        self,
        spec: Spec,
        knobs: Mapping[str, Datum] | None = None,
        shape: GivenShape | None = None,
        setup: Setup | None = None,
        metrics: Sequence[str] = COUNTED,
        looked_up: LookedUp | None = None,
    ) -> None:
        """looked_up: times of a user's table, which is one metric more.

        Raises SpecError for a spec without `search`, or whose choices are tied too closely to be told apart.
        """
        self.spec = spec
        self.setup = setup or Setup()
        self.rule = self.setup.convention
        values = knob_values(spec, knobs or {})
        given = given_shapes(spec, shape)
        refuse_idle_knobs(spec, values, given)
        self.choices = choices_of(spec, values, knobs or {})
        self.measured = [additive(name, self.setup) for name in metrics]
        self.measured += [] if looked_up is None else [looked_up.additive()]
        self.metrics = tuple(one.name for one in self.measured)
        if any(not rule.reads.isdisjoint(BEFORE) for rule in self.rule.counts(self.metrics)):
            said = f"the convention '{self.rule.name}' counts a layer by what stands before it"
            raise stop(f"{said}, and so a space can't add its layers up", hint="choose another convention")
        tracing = Tracing(spec, values, self.choices)
        try:
            tracing.trace(given)
            self.factors: SpaceTables = factors(tracing, self.costs, len(self.metrics))
        except Tied as tied:
            raise self.tied(tied.choices) from None
        self.notes = [one.note for one in self.measured if one.note]
        self.notes += [] if looked_up is None else looked_up.notes()

    def __repr__(self) -> str:
        return f"<{self.spec.name}: {plural(self.size, 'network')}>"

    def to_dict(self) -> Data:
        """Return how many networks there are, and what they cost, as plain data."""
        found: Data = {
            "network": self.spec.name, "networks": self.size, "settings": self.settings, "refused": self.refused,
        }  # fmt: skip
        for name in self.metrics:
            ends = self.least(name), self.most(name)
            least, most = (None if one is None else one.costs[name] for one in ends)
            found[name] = {"least": least, "mean": float(self.mean(name)) if self.size else None, "most": most}
        return found | self.rule.marked(self.metrics)

    def costs(self, part: Node | Placed) -> list[int]:
        """Return what a part of a network costs in each metric."""
        graph = Graph(self.spec, {})
        graph.parts = [part]
        found = []
        for metric in self.measured:
            total = sum(value for value in metric.rows(graph) if value is not None)
            if type(total) is not int:
                raise stop(f"{metric.name} is no whole number in {part.name}, and a space adds whole numbers")
            found.append(total)
        return found

    def tied(self, choices: Sequence[int]) -> SpecError:
        """Return what to raise where choices hang together too closely."""
        names = [self.choices[choice].name for choice in choices]
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        return stop(
            f"the choices of {self.spec.name} do not fall apart: layers read {shown} together",
            hint="fix some of them by their knobs, or search fewer",
        )

    # ---- how many --------------------------------------------------------------------------------------

    @cached_property
    def size(self) -> int:
        """How many networks there are."""
        return elimination.size(self.factors)

    @property
    def settings(self) -> int:
        """How many settings of the choices there are, those that are one network or none among them."""
        return int(np.prod([len(choice.values) for choice in self.choices], dtype=object))

    @property
    def refused(self) -> int:
        """How many settings the spec refuses."""
        return self.settings - elimination.allowed(self.factors)

    def count(self, where: str = "") -> int:
        """Return how many networks meet a condition on one metric: `macs <= 300M`."""
        limits = self.limits(where)
        if not limits:
            return self.size
        if len(limits) > 1:
            raise stop("a condition on two metrics is not counted")
        return self.within(limits[0])

    def within(self, limit: Limit) -> int:
        """Return how many networks meet a limit."""
        sums = self.sums(limit.metric)
        above = self.size if limit.high is None else sums.at_most(limit.high)
        return above - (0 if limit.low is None else sums.at_most(limit.low - 1))

    # ---- which is least, how they are spread -----------------------------------------------------------

    def least(self, metric: str = "macs", where: str = "") -> Found | None:
        """Return the network of least cost in a metric among those that meet a condition; None where none does."""
        return self.extreme(metric, where, 1)

    def most(self, metric: str = "macs", where: str = "") -> Found | None:
        """Return the network of most cost in a metric among those that meet a condition; None where none does."""
        return self.extreme(metric, where, -1)

    def extreme(self, metric: str, where: str, sign: int) -> Found | None:
        """Return the network of least cost, or with sign -1 of most, proved and not tried."""
        column, limits = self.metrics.index(self.named(metric)), self.limits(where)
        if not limits:
            weighed = [sign if name == metric else 0 for name in self.metrics]
            cost, places = elimination.least(self.factors, weighed)
            return None if cost >= elimination.FAR else self.found(places)
        if len(limits) > 1 or None not in limits[0][1:]:
            raise stop("an extreme is sought under one bound of one metric", hint="write macs <= 300M")
        limit = limits[0]
        if limit.metric == metric:
            return self.at_bound(limit, sign)
        other, side, bound = self.metrics.index(limit.metric), 1, limit.high
        if limit.low is not None:
            side, bound = -1, -limit.low
        assert bound is not None  # a limit has one
        rows = best([(side * part.costs[:, other], -sign * part.costs[:, column]) for part in self.components], bound)
        return None if rows is None else self.found(self.places_of(rows))

    def at_bound(self, limit: Limit, sign: int) -> Found | None:
        """Return the network that comes nearest to a bound from inside, or lies farthest from it."""
        sums = self.sums(limit.metric)
        if limit.high is not None:
            value = sums.below(limit.high) if sign < 0 else sums.least
            reached = value is not None and value <= limit.high
        else:
            assert limit.low is not None  # a limit has one
            value = sums.above(limit.low) if sign > 0 else sums.most
            reached = value is not None and value >= limit.low
        return self.found(self.rows(1, limit._replace(low=value, high=value), 0)[0]) if reached else None

    # ---- networks drawn, and how choices are spread ------------------------------------------------------

    def sample(self, count: int, where: str = "", seed: int = 0) -> pd.DataFrame:
        """Return networks drawn uniformly, one by one, among exactly those that meet a condition on one metric.

        A column a knob, as it is given to be counted again, and one a metric.
        """
        import pandas as pd

        limits = self.limits(where)
        if len(limits) > 1:
            raise stop("a sample is drawn under a condition on one metric")
        places = self.rows(count, limits[0] if limits else None, seed)
        costs = dict(zip(self.metrics, self.costs_at(places.T).T.tolist(), strict=True))
        table = pd.DataFrame(self.columns(places) | costs)
        table.attrs |= {"convention": self.rule.name, "columns": list(self.metrics)}
        return table

    def rows(self, count: int, limit: Limit | None, seed: int) -> Any:
        """Return drawn networks: a row each, the place of each choice's value."""
        random = np.random.default_rng(seed)
        limit = limit or Limit(self.metrics[0], None, None)
        values = self.sums(limit.metric).drawn(count, limit.low, limit.high, random)
        column = self.metrics.index(limit.metric)
        places = np.zeros((len(values), len(self.choices)), int)
        for number, part in enumerate(self.components):
            costs = part.costs[:, column]
            ordered = np.argsort(costs, kind="stable")
            first, after = (np.searchsorted(costs[ordered], values[:, number], side) for side in ("left", "right"))
            rows = ordered[random.integers(first, after)]
            places[:, list(part.choices)] = part.places[rows]
        return places

    def spread_of(self, where: str = "", knobs: Sequence[str] = ()) -> pd.DataFrame:
        """Return how the choices are spread: a line a value, how many of the networks that read the choice have it.

        knobs: whose choices; all unless told.
        """
        import pandas as pd

        limits = self.limits(where)
        searched = dict.fromkeys(choice.knob for choice in self.choices)
        for name in knobs:
            if name not in searched:
                hint = nearest(name, searched) or f"those are: {', '.join(searched)}"
                raise stop(f"'{name:.40}' is not searched", hint=hint)
        if len(limits) > 1:
            raise stop("choices are told under a condition on one metric")
        lines = []
        for number, part in enumerate(self.components):
            asked = [one for one in part.choices if not knobs or self.choices[one].knob in knobs]
            if not asked:
                continue
            many = self.beside(number, limits[0] if limits else None)
            for choice in asked:
                column = part.choices.index(choice)
                for place, value in enumerate(self.choices[choice].values):
                    chosen = part.read[:, column] & (part.places[:, column] == place)
                    lines.append((choice, self.choices[choice].name, value, int(many[chosen].sum())))
        lines.sort(key=lambda line: line[0])
        return pd.DataFrame([line[1:] for line in lines], columns=["choice", "value", "networks"])

    def beside(self, number: int, limit: Limit | None) -> Any:
        """Return for each network of a component how many of the whole space have it, within a limit."""
        part = self.components[number]
        others = [one for place, one in enumerate(self.components) if place != number]
        if limit is None:
            return np.full(len(part.costs), int(np.prod([len(one.costs) for one in others], dtype=object)), object)
        column = self.metrics.index(limit.metric)
        costs, places = np.unique(part.costs[:, column], return_inverse=True)
        sums = Sums([spread(one.costs[:, column]) for one in others], questions=2 * len(costs))
        most = [sums.number if limit.high is None else sums.at_most(limit.high - int(cost)) for cost in costs]
        least = [0 if limit.low is None else sums.at_most(limit.low - 1 - int(cost)) for cost in costs]
        return np.array([a - b for a, b in zip(most, least, strict=True)], object)[places]

    def places_of(self, rows: Sequence[int]) -> list[int]:
        """Return the places of a network of these rows of the components."""
        places = [0] * len(self.choices)
        for part, row in zip(self.components, rows, strict=True):
            for choice, place in zip(part.choices, part.places[row], strict=True):
                places[choice] = int(place)
        return places

    def mean(self, metric: str = "macs") -> Fraction:
        """Return the mean of a metric over all networks."""
        number, cost = elimination.together(self.factors, self.metrics.index(self.named(metric)))
        return Fraction(cost, number)

    def quantile(self, metric: str, share: float) -> int:
        """Return the least value that is not exceeded by this share of all networks: 0.5 is the median."""
        return self.sums(metric).quantile(share)

    @cached_property
    def components(self) -> list[Component]:
        """The choices that are tied, together, and their networks."""
        try:
            return components(self.factors, len(self.metrics))
        except Tied as tied:
            raise self.tied(tied.choices) from None

    def sums(self, metric: str) -> Sums:
        """Return how a metric is spread over all networks."""
        known: dict[str, Sums] = self.__dict__.setdefault("_sums", {})
        if metric not in known:
            column = self.metrics.index(self.named(metric))
            parts: list[CostSpread] = [spread(part.costs[:, column]) for part in self.components]
            known[metric] = Sums(parts)
        return known[metric]

    # ---- words -----------------------------------------------------------------------------------------

    def named(self, metric: str) -> str:
        """Return a metric's name; raise SpecError for one that was not asked for."""
        if metric not in self.metrics:
            hint = nearest(metric, self.metrics) or f"it was asked for {', '.join(self.metrics)}"
            raise stop(f"the space was not asked for '{metric:.40}'", hint=hint)
        return metric

    def limits(self, where: str) -> list[Limit]:
        """Return the limits that a text says: `macs <= 300M and params > 2M`."""
        found: dict[str, Limit] = {}
        for part in re.split(r"\s+and\s+|\s*,\s*", where.strip()) if where.strip() else ():
            said = re.fullmatch(r"(\w+)\s*(<=|>=|<|>|==)\s*([0-9.]+[KMG]?)", part.strip())
            number = one(said[3], "where") if said else None
            if said is None or not isinstance(number, int | float):
                raise stop(f"'{part:.60}' is no condition of a space", hint="write macs <= 300M and params <= 6M")
            name, sign = self.named(said[1]), said[2]
            low, high = found.get(name, Limit(name, None, None))[1:]
            value, whole = Fraction(number), int(number)
            if sign in ("<=", "==", "<"):
                most = whole - 1 if sign == "<" and value == whole else whole
                high = most if high is None else min(high, most)
            if sign in (">=", "==", ">"):
                least = whole + 1 if sign == ">" or value > whole else whole
                low = least if low is None else max(low, least)
            found[name] = Limit(name, low, high)
        return list(found.values())

    def found(self, places: Sequence[int]) -> Found:
        """Return the network of some places of values, which stands for all settings that are the same network."""
        row = np.array([places])
        knobs = {name: values[0] for name, values in self.columns(row).items()}
        return Found(knobs, dict(zip(self.metrics, self.costs_at(row.T)[0].tolist(), strict=True)))

    def columns(self, places: Any) -> dict[str, list[Datum]]:
        """Return the values of each knob that is searched, for networks a row each of the places of their values."""
        found: dict[str, list[Datum]] = {}
        for choice in self.choices:
            values = [choice.values[place] for place in places[:, choice.number].tolist()]
            if choice.place is None:
                found[choice.knob] = values
                continue
            lists = found.setdefault(choice.knob, [list(self.spec.knobs[choice.knob]) for _ in values])
            for whole, value in zip(lists, values, strict=True):
                whole[choice.place] = value
        return found

    def costs_at(self, places: Any) -> Any:
        """Return what networks cost, a row each and a column a metric; places: a row a choice, a column a network."""
        total = np.zeros((places.shape[1], len(self.metrics)), np.int64)
        for table in self.factors.costs:
            total += table.cells[tuple(places[choice] for choice in table.choices)]
        return total


def choices_of(spec: Spec, values: Mapping[str, Datum], given: Mapping[str, Datum]) -> list[Choice]:
    """Return the choices of a spec's search, but for the knobs that are given a value.

    Raises SpecError where there are none, or where the network in force is none of those searched.
    """
    found: list[Choice] = []
    for name, searched in spec.search.items():
        if name in given or name in spec.given:
            continue
        own = values[name]
        parts = list(enumerate(own)) if searched.each else [(None, own)]
        for index, value in parts:
            if value not in searched.values:
                raise stop(
                    f"{spec.name}: {name} is {value}, which is not among the values searched",
                    hint=f"give it a value of its own, or choose a variant that has one: --{name}",
                )
            found.append(Choice(len(found), name, index, tuple(searched.values), searched.values.index(value)))
    if not found:
        said = "says nothing of a search" if not spec.search else "has nothing left to choose"
        raise stop(f"{spec.name} {said}", hint="write search: {width: [0.5, 1]} into the spec")
    return found
