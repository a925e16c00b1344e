"""Budgets: what a network may cost at most, and why it is over that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from costcalc import conventions
from costcalc.comparing import MEASURES, measures, stored
from costcalc.conventions import Convention
from costcalc.counting import Row, cost
from costcalc.errors import Fault, stop
from costcalc.num import UNKNOWN, or_none
from costcalc.published import figure
from costcalc.references import Network
from costcalc.render.figures import readable
from costcalc.result import Line, Result, lines

COSTLIEST = 3  # layers that a reason names


class Breach(NamedTuple):
    """A budget that a network is over, and the parts that cost most."""

    network: str
    quantity: str  # params, macs, activations or bytes
    unit: str
    value: Any  # unknown where that of a layer is
    limit: int
    parts: list[tuple[str, Any]]  # layers and what each costs; against a baseline, blocks and how each has grown
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
            return f"grown most: {', '.join(f'{name} +{readable(number)}' for name, number in self.parts)}"
        said = (f"{name} {readable(number)} ({100 * number / self.value:.1f} %)" for name, number in self.parts)
        return f"costs most: {', '.join(said)}"

    def to_dict(self) -> dict[str, Any]:
        """Return the breach as plain data; an unknown number is None."""
        known = [{"name": name, "value": or_none(value)} for name, value in self.parts]
        return {**self._asdict(), "value": or_none(self.value), "parts": known, "reason": self.reason}


class Checked(NamedTuple):
    """What `costcalc.check` returns: true where everything is within its budget."""

    networks: list[Network]
    breaches: list[Breach]
    limits: list[Mapping[str, int]]  # what each network was held to

    def __bool__(self) -> bool:
        return not self.breaches

    def __str__(self) -> str:
        return "\n".join([*map(str, self.breaches), *self.within()])

    def within(self) -> list[str]:
        """Return a line for each network that is within its budget."""
        over = {breach.network for breach in self.breaches}
        pairs = zip(self.networks, self.limits, strict=True)
        return [_within(network, limits) for network, limits in pairs if network.label not in over]


def _within(network: Network, limits: Mapping[str, int]) -> str:
    values, names = measures(network.result), units(network.result.convention)
    said = [
        f"{readable(values[quantity])} of {readable(limits[quantity])} {names[quantity]}"
        if quantity in limits
        else f"unknown {names[quantity]}: not checked"
        for quantity in MEASURES
        if quantity in limits or values[quantity] is UNKNOWN
    ]
    return f"{network.label}: ok, {', '.join(said)}"


def limits(**budgets: Any) -> dict[str, int]:
    """Return the budgets that are given, by quantity, as numbers: `params="5M"`."""
    return {quantity: _number(budget, quantity) for quantity, budget in budgets.items() if budget is not None}


def _number(budget: Any, quantity: str) -> int:
    """Return a budget, 5M, 4.2M, 600000 or (of bytes) 16MB, as a number; raise SpecError for anything else."""
    text = str(int(budget)) if isinstance(budget, float) and budget.is_integer() else str(budget)
    number = text.removesuffix("B") if quantity == "bytes" else text
    try:
        if number.endswith("%"):
            raise Fault("a share is no budget")
        return int(figure(number).value)  # costs are whole numbers: rounded down it is the same budget
    except Fault:
        hint = "write a number as 600M, 4.2M or 5000000"
        raise stop(f"'{text[:60]}' is no budget of {quantity}", hint=hint) from None


def units(rule: Convention) -> dict[str, str]:
    """Return what each quantity is called under a convention."""
    return dict(zip(MEASURES, (rule.things, rule.unit, "activations", "bytes"), strict=True))


def over(network: Network, limits: Mapping[str, int]) -> list[Breach]:
    """Return the budgets that a network is over; one that is unknown is over every budget."""
    values, names = measures(network.result), units(network.result.convention)
    return [
        Breach(network.label, quantity, names[quantity], values[quantity], most, costliest(network.result, quantity))
        for quantity, most in limits.items()
        if values[quantity] > most
    ]


def costliest(result: Result, quantity: str) -> list[tuple[str, Any]]:
    """Return the layers that cost most, or those of unknown cost."""
    found = [(line.name, spent(line, result, quantity)) for line in lines(result, "layer")]
    unknown = [(name, value) for name, value in found if value is UNKNOWN]
    if unknown:
        return unknown[:COSTLIEST]
    return sorted((pair for pair in found if pair[1]), key=lambda pair: -pair[1])[:COSTLIEST]


def spent(line: Line, result: Result, quantity: str) -> Any:
    """Return what a line costs of a quantity."""
    if quantity in ("params", "macs"):
        return getattr(line.cost, quantity)
    rows: list[Row] = [member.row for member in line.rows]
    if quantity == "bytes":
        return stored(rows)
    return sum(cost(row, conventions.get("activations"), result.batch).macs for row in rows)
