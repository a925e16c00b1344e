"""A spec's search space: how many networks it has, what they cost, which fit a budget."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from copy import copy
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from costcalc.base import Data, Datum, GivenShape
from costcalc.base.errors import SpecError, nearest, stop
from costcalc.base.progress import steps
from costcalc.base.text import plural
from costcalc.costs.convention import BEFORE
from costcalc.graph.block_graph import Placed
from costcalc.graph.graph import Graph, Node
from costcalc.graph.knobs import given_shapes, knob_values, refuse_idle_knobs
from costcalc.language.document import Spec
from costcalc.language.ranges import one
from costcalc.language.yaml_text import inline, typed
from costcalc.measures.metric import Setup
from costcalc.spaces import elimination
from costcalc.spaces import settings as settings_
from costcalc.spaces.additive import LookedUp, additive
from costcalc.spaces.choices import Choice
from costcalc.spaces.components import Case, Component, Weights, cases
from costcalc.spaces.dominance import at_most
from costcalc.spaces.factors import ChoiceTable, SpaceTables, factors
from costcalc.spaces.spread import Sums
from costcalc.spaces.tables import Tied
from costcalc.spaces.tracing import Tracing

if TYPE_CHECKING:
    import pandas as pd

COUNTED = ("params", "macs")
MOST_DRAWN, MOST_TRIES = 2_000_000, 1000  # networks that are drawn within one budget to find some within another


class Found(NamedTuple):
    """A network of a space: its choices as knobs, and what it costs in each metric."""

    knobs: Data
    costs: dict[str, int]


class Limit(NamedTuple):
    """What a network must meet: a metric that is at most, or at least, so large."""

    metric: str
    low: int | None
    high: int | None

    @property
    def steps(self) -> list[tuple[int, int | None]]:
        """Which numbers of networks of at most so much are added, and which are taken away; None: of all."""
        return [(1, self.high)] if self.low is None else [(1, self.high), (-1, self.low - 1)]

    def met(self, values: Any) -> Any:
        """Return which of some values, an array of whole numbers, meet it."""
        met = np.ones(len(values), bool) if self.high is None else np.asarray(values <= self.high)
        return met if self.low is None else met & np.asarray(values >= self.low)

    @property
    def said(self) -> str:
        """It in words."""
        low, high = (None if bound is None else f"{bound:,}" for bound in (self.low, self.high))
        if low is None or high is None:
            return f"{self.metric} <= {high}" if low is None else f"{self.metric} >= {low}"
        return f"{self.metric} from {low} to {high}"


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
        self.values = values = knob_values(spec, knobs or {})
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
        """Return how many networks meet a condition on one metric, or two: `macs <= 300M and params <= 6M`."""
        limits = self.limits(where)
        if len(limits) > 2:
            raise stop("a condition on three metrics is not counted", hint="leave one of them out")
        if len(limits) == 2:
            return self.within_both(*limits)
        return self.within(limits[0]) if limits else self.size

    def within(self, limit: Limit | None) -> int:
        """Return how many networks meet a limit; all where nothing is limited."""
        if limit is None or limit[1:] == (None, None):
            return self.size
        sums = self.sums(limit.metric)
        above = self.size if limit.high is None else sums.at_most(limit.high)
        return above - (0 if limit.low is None else sums.at_most(limit.low - 1))

    def within_both(self, one: Limit, other: Limit) -> int:
        """Return how many networks meet two limits; raise SpecError where to tell would take too long."""
        return sum(
            a * b * self.both_at_most((one.metric, x), (other.metric, y)) for a, x in one.steps for b, y in other.steps
        )

    def both_at_most(self, one: tuple[str, int | None], other: tuple[str, int | None]) -> int:
        """Return how many networks have at most so much of two metrics; None bounds nothing."""
        if one[1] is None or other[1] is None:
            return self.within(Limit(other[0], None, other[1]) if one[1] is None else Limit(one[0], None, one[1]))
        x, y = self.weights(one[0]), self.weights(other[0])
        try:
            cases = [[part.points(x, y) for part in case.parts] for case in self.cases]
            return sum(at_most(parts, one[1], other[1]) for parts in cases)
        except Tied:
            a, b = self.within(Limit(one[0], None, one[1])), self.within(Limit(other[0], None, other[1]))
            raise stop(
                f"to count networks within two budgets at once would take too long: {max(0, a + b - self.size):,} to "
                f"{min(a, b):,} of them have {one[0]} <= {one[1]:,} and {other[0]} <= {other[1]:,}",
                hint="a sample is drawn within both; or fix some of the choices by their knobs",
            ) from None

    # ---- which is least, how they are spread -----------------------------------------------------------

    def least(self, metric: str = "macs", where: str = "") -> Found | None:
        """Return the network of least cost in a metric among those that meet a condition; None where none does."""
        return self.extreme(metric, where, 1)

    def most(self, metric: str = "macs", where: str = "") -> Found | None:
        """Return the network of most cost in a metric among those that meet a condition; None where none does."""
        return self.extreme(metric, where, -1)

    def extreme(self, metric: str, where: str, sign: int) -> Found | None:
        """Return the network of least cost, or with sign -1 of most, proved and not tried."""
        metric, limits = self.named(metric), self.limits(where)
        if not limits:
            weighed = [sign if name == metric else 0 for name in self.metrics]
            cost, places = elimination.least(self.factors, weighed)
            return None if cost >= elimination.FAR else self.found(places)
        if len(limits) > 1 or None not in limits[0][1:]:
            raise stop("an extreme is sought under one bound of one metric", hint="write macs <= 300M")
        limit = limits[0]
        if limit.metric == metric:
            return self.at_bound(limit, sign)
        side, bound = (1, limit.high) if limit.high is not None else (-1, -(limit.low or 0))
        assert bound is not None  # a limit has one
        weigh, gain = self.weights(limit.metric, side), self.weights(metric, -sign)
        fits = [
            (int(front.gains[place - 1]), front.choices, front.places[place - 1])
            for front in (case.frontier(weigh, gain) for case in self.cases)
            if (place := int(np.searchsorted(front.costs, bound, "right")))
        ]
        if not fits:
            return None
        _, choices, places = max(fits, key=lambda fit: fit[0])
        return self.found([int(place) for _, place in sorted(zip(choices, places, strict=True))])

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
        only = limit._replace(low=value, high=value)
        return self.found(self.rows(1, only, np.random.default_rng(0))[0]) if reached else None

    # ---- settings of one's own ---------------------------------------------------------------------------

    def counted(self, settings: pd.DataFrame, where: str = "") -> pd.DataFrame:
        """Return what settings of one's own cost: the lines that meet a condition, with a column a metric.

        settings: a column a knob, as `sample` gives it, or the text that a CSV file has of it; a knob without a column
        has the spec's own value. Other columns stay, but for what is counted anew: the metrics.

        Raises SpecError for a value that is not searched, and a setting that the spec refuses, with its number.
        """
        anew = {*self.metrics, *self.rule.mark}
        table = settings.drop(columns=[name for name in settings if name in anew])
        if not table.columns.is_unique:
            raise stop("the settings have two columns of one name")
        knobs = {str(name): table[name].tolist() for name in table}
        self.refuse_others(knobs)
        places = settings_.places(self.choices, knobs, len(table))
        allowed = np.ones(len(table), bool)
        for weight in self.factors.allowed:
            allowed &= weight.cells[tuple(places[choice] for choice in weight.choices)]
        if not allowed.all():
            first, many = int(allowed.argmin()) + 1, plural(len(table) - int(allowed.sum()), "setting")
            said = f"setting {first} is refused by the spec" + (f", of {many} that are" if many[:2] != "1 " else "")
            raise stop(said, hint=f"costcalc report tells why, for these knobs: {self.shown(places[:, first - 1])}")
        costs = dict(zip(self.metrics, self.costs_at(places).T, strict=True))
        for name, values in (self.columns(places.T) | costs).items():
            if name in table or name in costs:
                table[name] = values
        for limit in self.limits(where):
            table = table[limit.met(table[limit.metric])]
        table.attrs = {"convention": self.rule.name, "columns": list(self.metrics)}
        return table.reset_index(drop=True)

    def refuse_others(self, knobs: Mapping[str, Sequence[Datum]]) -> None:
        """Refuse settings that vary, or have otherwise, a knob that is not chosen here."""
        searched = {choice.knob for choice in self.choices}
        if not searched & {*knobs}:
            raise stop("no column is a knob that is searched", hint=f"those are: {', '.join(sorted(searched))}")
        for name in self.values.keys() & {*knobs} - searched:
            if not settings_.all_are(name, self.values[name], knobs[name]):
                raise stop(
                    f"the settings have a column {name}, which is {inline(self.values[name])} in this space",
                    hint=f"count those of one {name} at a time, in its own space",
                )

    # ---- networks drawn, and how choices are spread ------------------------------------------------------

    def sample(self, count: int, where: str = "", seed: int = 0) -> pd.DataFrame:
        """Return networks drawn uniformly, one by one, among exactly those that meet a condition.

        A column a knob, as it is given to be counted again, and one a metric. Of limits on several metrics networks
        are drawn within the tightest, and those that miss another are drawn anew.
        """
        import pandas as pd

        places = self.places(count, self.limits(where), np.random.default_rng(seed))
        costs = dict(zip(self.metrics, self.costs_at(places.T).T.tolist(), strict=True))
        table = pd.DataFrame(self.columns(places) | costs)
        table.attrs |= {"convention": self.rule.name, "columns": list(self.metrics)}
        return table

    def places(self, count: int, limits: Sequence[Limit], random: np.random.Generator) -> Any:
        """Return networks drawn within limits: a row each, the place of each choice's value."""
        if len(limits) < 2:
            return self.rows(count, limits[0] if limits else None, random)
        first, *others = sorted(limits, key=self.within)
        found, drawn, kept = [], 0, 0
        while kept < count:
            if drawn >= MOST_DRAWN + MOST_TRIES * kept:
                few = (
                    f"of {drawn:,} networks that have {first.said} {kept:,} have {' and '.join(o.said for o in others)}"
                )
                raise stop(f"too few to draw {count:,}: {few}", hint="draw fewer, or from a wider budget")
            some = self.rows(max(count, 10_000), first, random)
            if not len(some):
                break
            costs = self.costs_at(some.T)
            for other in others:
                values = costs[:, self.metrics.index(other.metric)]
                fits = other.met(values)
                some, costs = some[fits], costs[fits]
            found.append(some)
            drawn, kept = drawn + max(count, 10_000), kept + len(some)
        return np.concatenate([*found, np.empty((0, len(self.choices)), np.int16)])[:count]

    def rows(self, count: int, limit: Limit | None, random: np.random.Generator) -> Any:
        """Return networks drawn within a limit: a row each, the place of each choice's value."""
        limit = limit or Limit(self.metrics[0], None, None)
        weights, order = self.weights(limit.metric), range(len(self.choices))
        values = self.sums(limit.metric).drawn(count, limit.low, limit.high, random)
        drawn = [case.drawn(weights, own, order, random) for case, own in zip(self.cases, values, strict=True)]
        places = np.concatenate([*drawn, np.empty((0, len(self.choices)), np.int16)])
        return places if len(drawn) < 2 else places[random.permutation(len(places))]

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
        limit = limits[0] if limits else None
        parts = [part for case in self.cases for part in case.parts]
        alone = [case.places for case in self.cases] == [{}] and all(isinstance(part, Component) for part in parts)
        many = self.counted_together(limit) if alone else self.counted_apart(limit, knobs)
        lines = [
            (choice.name, value, many[choice.number][place])
            for choice in self.choices
            if not knobs or choice.knob in knobs
            for place, value in enumerate(choice.values)
        ]
        return pd.DataFrame(lines, columns=["choice", "value", "networks"])

    def counted_together(self, limit: Limit | None) -> dict[int, list[int]]:
        """Return how many networks within a limit read a choice and have each of its values, where all falls apart."""
        (case,), found = self.cases, {}
        for number, part in enumerate(case.parts):
            many = self.beside(number, limit)
            for column, choice in enumerate(part.choices):
                assert isinstance(part, Component)  # all falls apart
                chosen = [part.read[:, column] & (part.places[:, column] == k) for k in range(self.sizes[choice])]
                found[choice] = [int(many[one].sum()) for one in chosen]
        return found

    def counted_apart(self, limit: Limit | None, knobs: Sequence[str]) -> dict[int, list[int]]:
        """Return how many networks within a limit read a choice and have each of its values, one after the other."""
        asked = [choice for choice in self.choices if not knobs or choice.knob in knobs]
        return {
            choice.number: [self.having(choice, place).within(limit) for place in range(len(choice.values))]
            for choice in steps(asked, "choices", len(asked))
        }

    def having(self, choice: Choice, place: int) -> Space:
        """Return the space of those networks that read a choice and have one of its values."""
        value = np.arange(len(choice.values)) == place
        found = copy(self)
        for name in ("size", "cases", "known"):
            found.__dict__.pop(name, None)
        weights = [*self.factors.weights, self.factors.reads[choice.number], ChoiceTable((choice.number,), value)]
        found.factors = self.factors._replace(weights=weights)
        return found

    def beside(self, number: int, limit: Limit | None) -> Any:
        """Return for each network of a part how many of the whole space have it, within a limit."""
        (case,) = self.cases
        part, others = case.parts[number], [one for place, one in enumerate(case.parts) if place != number]
        assert isinstance(part, Component)  # all falls apart
        weights = self.weights(limit.metric if limit else self.metrics[0])
        spreads = [one.spread(weights) for one in others]
        if limit is None:
            return np.full(len(part.costs), prod(one.number for one in spreads), object)
        costs, places = np.unique(part.costs @ np.array(weights), return_inverse=True)
        sums = Sums([spreads], questions=2 * len(costs))
        most = [sums.number if limit.high is None else sums.at_most(limit.high - int(cost)) for cost in costs]
        least = [0 if limit.low is None else sums.at_most(limit.low - 1 - int(cost)) for cost in costs]
        return np.array([a - b for a, b in zip(most, least, strict=True)], object)[places]

    def mean(self, metric: str = "macs") -> Fraction:
        """Return the mean of a metric over all networks."""
        number, cost = elimination.together(self.factors, self.metrics.index(self.named(metric)))
        return Fraction(cost, number)

    def quantile(self, metric: str, share: float) -> int:
        """Return the least value that is not exceeded by this share of all networks: 0.5 is the median."""
        return self.sums(metric).quantile(share)

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many values each choice has."""
        return self.factors.sizes

    def weights(self, metric: str, times: int = 1) -> Weights:
        """Return what each metric is multiplied by in a value that is so many times one of them."""
        return tuple(times if name == self.named(metric) else 0 for name in self.metrics)

    @cached_property
    def cases(self) -> list[Case]:
        """The space taken apart: each network is in one of the cases."""
        try:
            return cases(self.factors, len(self.metrics))
        except Tied as tied:
            raise self.tied(tied.choices) from None

    @cached_property
    def known(self) -> dict[str, Sums]:
        """How metrics are spread, those that were asked for."""
        return {}

    def sums(self, metric: str) -> Sums:
        """Return how a metric is spread over all networks."""
        if metric not in self.known:
            weights = self.weights(metric)
            try:
                self.known[metric] = Sums([[part.spread(weights) for part in case.parts] for case in self.cases])
            except Tied:
                raise stop(
                    f"{self.spec.name}: too many different {metric} come together to be counted one by one",
                    hint="fix some of the choices by their knobs",
                ) from None
        return self.known[metric]

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

    def shown(self, places: Any) -> str:
        """Return a setting as the command line takes it."""
        return " ".join(f"--{name} {typed(values[0])}" for name, values in self.columns(places[None]).items())

    def columns(self, places: Any) -> dict[str, list[Datum]]:
        """Return the values of each knob that is searched, for networks a row each of the places of their values."""
        found: dict[str, list[Datum]] = {}
        for choice in self.choices:
            values = [choice.values[place] for place in places[:, choice.number].tolist()]
            if choice.place is None:
                found[choice.knob] = values
                continue
            if choice.knob not in found:
                found[choice.knob] = [list(self.spec.knobs[choice.knob]) for _ in values]
            for whole, value in zip(found[choice.knob], values, strict=True):
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
