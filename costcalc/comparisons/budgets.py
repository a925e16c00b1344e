"""Budgets: what a network may cost at most, and why it is over that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from costcalc.base import Data, Datum
from costcalc.base.arguments import named as named_values
from costcalc.base.errors import Fault, SpecError, stop
from costcalc.comparisons.comparing import usual
from costcalc.comparisons.networks import Network
from costcalc.measures.metric import Measured, find, named, names, plain, refuse_idle
from costcalc.numbers import text as numbers
from costcalc.numbers.num import LARGEST, UNKNOWN, Dim, or_none
from costcalc.published.figures import figure
from costcalc.reports.columns import over as over_line
from costcalc.reports.result import Result

COSTLIEST = 3  # layers that a reason names


class Breach(NamedTuple):
    """A budget that a network is over, and the parts that cost most."""

    network: str
    quantity: str  # a metric, by name
    unit: str
    value: Datum  # unknown where that of a layer is
    limit: int
    parts: list[tuple[str, Datum]]  # layers and what each costs; against a baseline, blocks and how each has grown
    grown: bool = False  # whether the limit is what a baseline holds

    def __str__(self) -> str:
        return "\n".join([f"{self.network}: {self.reason}", *([f"  {self.detail}"] if self.parts else [])])

    @property
    def reason(self) -> str:
        """What is too much, and by how much."""
        bound = f"the baseline's {self.limit:,}" if self.grown else f"the budget of {self.limit:,}"
        if self.value is UNKNOWN:
            return f"unknown {self.unit}, so that {bound} can't be held"
        more = self.value - self.limit
        part = f" ({100 * more / self.limit:.1f} %)" if self.limit else ""
        return f"{self.value:,} {self.unit}, over {bound} by {more:,}{part}"

    @property
    def detail(self) -> str:
        """The parts that cost most, or have grown most."""
        if self.value is UNKNOWN:
            return f"unknown: {', '.join(name for name, _ in self.parts)}"
        if self.grown:
            return f"grown most: {', '.join(f'{name} +{numbers.figure(number)}' for name, number in self.parts)}"
        said = (f"{name} {numbers.figure(number)} ({100 * number / self.value:.1f} %)" for name, number in self.parts)
        return f"costs most: {', '.join(said)}"

    def to_dict(self) -> Data:
        """Return the breach as plain data; an unknown number is None."""
        known = [{"name": name, "value": or_none(value)} for name, value in self.parts]
        return {**self._asdict(), "value": or_none(self.value), "parts": known, "reason": self.reason}


class Checked(NamedTuple):
    """What `costcalc.check` returns: true where everything is within its budget."""

    networks: list[Network]
    breaches: list[Breach]
    limits: list[Mapping[str, int]]  # what each network was held to
    options: Mapping[str, Datum] = {}  # those of metrics

    def __bool__(self) -> bool:
        return not self.breaches

    def __str__(self) -> str:
        return "\n".join([*map(str, self.breaches), *self.within()])

    def within(self) -> list[str]:
        """Return a line for each network that is within its budget."""
        over = {breach.network for breach in self.breaches}
        pairs = zip(self.networks, self.limits, strict=True)
        return [_within(network, limits, self.options) for network, limits in pairs if network.label not in over]


def _within(network: Network, limits: Mapping[str, int], options: Mapping[str, Datum]) -> str:
    said = []
    for one in network.result.metrics([*dict.fromkeys((*usual(network.result.convention), *limits))], **options):
        name = named(one.metric, one.setup)
        if one.name in limits:
            said.append(f"{numbers.figure(one.total)} of {numbers.figure(limits[one.name])} {name}")
        elif one.total is UNKNOWN:
            said.append(f"unknown {name}: not checked")
    return f"{network.label}: ok, {', '.join(said)}"


def limits(**budgets: Datum) -> dict[str, int]:
    """Return the budgets that are given, by quantity, as numbers: `params="5M"`."""
    return {quantity: _number(budget, quantity) for quantity, budget in budgets.items() if budget is not None}


def of_metrics(given: Mapping[str, Datum] | None) -> dict[str, int]:
    """Return Python's `limits`, the most of any metrics by name, as numbers; mistakes of names all at once."""
    found = named_values(given, "limits", 'limits={"macs": "300M", "peak_memory": "320K"}')
    names(list(found))
    return limits(**{name.strip(): value for name, value in found.items()})


def named_limits(pairs: Iterable[str]) -> dict[str, int]:
    """Return the budgets of any metrics, each written `peak_memory=320K`; raise SpecError for what is none."""
    found: dict[str, int] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise stop(f"'{pair[:60]}' is no budget", hint="write METRIC=N: --max peak_memory=320K")
        quantity = find(name.strip()).name
        found = together(found, {quantity: _number(text, quantity)})
    return found


def together(some: Mapping[str, int], more: Mapping[str, int]) -> dict[str, int]:
    """Return budgets that are given in two ways; raise SpecError where both are of one metric: one would be lost."""
    for quantity in some.keys() & more.keys():
        raise stop(f"the budget of {quantity} is given twice: {some[quantity]:,} and {more[quantity]:,}")
    return {**some, **more}


def amount(text: str) -> int:
    """Return a number of bytes: 24G, 16GiB, 320K; raise SpecError for anything else."""
    try:
        return int(_number(text, "bytes"))
    except SpecError:
        raise stop(f"'{text[:60]}' is no number of bytes", hint="write it as 1M, 320K, 256KiB or 5000000") from None


def _number(budget: Datum, quantity: str) -> Dim:
    """Return a budget, 5M, 4.2M, 600000 or (of bytes) 16MB, as a number; raise SpecError for anything else."""
    if find(quantity).kind == "text":
        raise stop(f"{quantity} is a word, which no budget holds")
    text = str(int(budget)) if isinstance(budget, float) and budget.is_integer() else str(budget)
    number = text.removesuffix("B") if find(quantity).unit == "bytes" else text
    binary = re.fullmatch(r"(\d{1,9})([KMG])i", number, re.ASCII)
    if binary and number != text:  # 320KiB
        return int(binary[1]) << {"K": 10, "M": 20, "G": 30}[binary[2]]
    try:
        if number.endswith("%"):
            raise Fault("a share is no budget")
        value = figure(number).value
        return float(value) if value < LARGEST and value % 1 else int(value)
    except Fault:
        hint = "write a number as 600M, 4.2M or 5000000"
        raise stop(f"'{text[:60]}' is no budget of {quantity}", hint=hint) from None


def over(network: Network, limits: Mapping[str, int], **options: Datum) -> list[Breach]:
    """Return the budgets that a network is over; one that is unknown is over every budget."""
    refuse_idle(limits, options)
    asked = network.result.metrics([*limits], **options) if limits else []
    found = list(zip(asked, limits.values(), strict=True))
    for one, _ in found:
        if isinstance(one.total, str):
            raise stop(f"{network.label}: {one.name} is {one.total}, and a budget needs a number")
    return [
        Breach(network.label, one.name, named(one.metric, one.setup), number, most, costliest(network.result, one))
        for one, most in found
        if (number := _number_of(one.total)) > most
    ]


def _number_of(total: Dim) -> Dim:
    """Return a total as a number to be told: unknown where there is none, a fraction as a float."""
    return UNKNOWN if total in (None, UNKNOWN) else plain(total)


def costliest(result: Result, one: Measured) -> list[tuple[str, Datum]]:
    """Return the layers that cost most, or those of unknown cost."""
    found = [(line.name, over_line(one, line)) for line in result.lines("layer")]
    unknown = [(name, value) for name, value in found if value is UNKNOWN]
    if unknown:
        return unknown[:COSTLIEST]
    numbers = [pair for pair in found if pair[1] and not isinstance(pair[1], str)]  # of a field a row may say `global`
    return sorted(numbers, key=lambda pair: -pair[1])[:COSTLIEST]
