"""Published figures: whether what a paper prints is what a spec gives.

A figure's own digits are its tolerance: 569M is reproduced by 568,740,352, which rounded to the same
digits is 569M. All arithmetic is on whole numbers and decimals, so that no float rounds before us.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal
from typing import NamedTuple

from costcalc.base import Data, Datum
from costcalc.base.errors import Fault, Mark, Problem, SpecError, nearest
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.costs.counting import cost, total
from costcalc.costs.rows import Row, rows
from costcalc.graph.expand import expand
from costcalc.graph.knobs import refused
from costcalc.language.document import Spec
from costcalc.language.printed_tables import printed_of
from costcalc.language.published_figures import COSTS, UNITS, cut
from costcalc.numbers import num
from costcalc.numbers.num import Dim

METRICS = {"activations": "activations", "bytes": "bytes", "compressed_bytes": "compressed_bytes", "ms": "latency_most"}
ROUNDINGS = {"nearest": ROUND_HALF_UP, "floor": ROUND_FLOOR, "ceil": ROUND_CEILING}


class Figure(NamedTuple):
    """A printed figure: its value, and the step between it and the next figure that could be printed."""

    value: int | Decimal
    step: int | Decimal


class Claim(NamedTuple):
    """One figure of a published row, and what a spec gives for it."""

    row: Mapping[str, Datum]
    quantity: str  # one of COSTS
    printed: str
    ours: int | Decimal  # a Decimal where the figure is a share in per cent, or a time in ms
    holds: bool  # ours, rounded as the source rounds, is what is printed; of a time nothing is claimed
    reproduces: bool  # what the row says: false where a note says why the figure cannot hold


def figure(text: str, digits: int | None = None) -> Figure:
    """Return what is printed, as a number and its step: 4.2M is 4,200,000 in steps of 100,000.

    All digits written count, zeros at the end too, unless `digits` says how many do: 720M of two
    digits goes in steps of 10 M. Raises Fault for what is no figure, or has fewer digits than said.
    """
    found = cut(text)
    if found is None:
        raise Fault(f"'{text}' is no figure", "write 569M, 4.2M, 1.5G, 0.39B")
    written, unit = Decimal(found[0]), Decimal(UNITS[found[1]])
    step = Decimal(1).scaleb(int(written.as_tuple().exponent)) * unit
    if digits is not None:
        if type(digits) is not int or digits < 1:
            raise Fault(f"digits is {digits!s:.20}: it is a whole number, 1 or more")
        coarse = Decimal(1).scaleb(written.adjusted() - digits + 1) * unit
        if not written or coarse < step or written * unit % coarse:
            raise Fault(f"'{text}' has not {digits} digits that count")
        step = coarse
    return Figure(written * unit, step)


def rounded(number: int | Decimal, step: int | Decimal, rounding: str = "nearest") -> Decimal:
    """Return a number in whole steps: nearest (halves go up), floor or ceil."""
    return (number / Decimal(step)).to_integral_value(ROUNDINGS[rounding]) * step


def holds(ours: int | Decimal, printed: str, digits: int | None = None, rounding: str = "nearest") -> bool:
    """Say whether our number, rounded to the digits that are printed, is what is printed."""
    value, step = figure(printed, digits)
    return rounded(ours, step, rounding) == value


def settings(spec: Spec, row: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return the knob values that a row is about: its variant's over the file's, its own over them."""
    variant: Mapping[str, Datum] = spec.variants[row["variant"]] if row.get("variant") else {}
    return {**(spec.knobs_of_file or {}), **variant, **(row.get("knobs") or {})}


def counted(
    spec: Spec, knobs: Mapping[str, Datum], convention: str | Convention = conventions.DEFAULT, of: str | list[str] = ""
) -> dict[str, tuple[Dim, Dim]]:
    """Return what a part of a network and the whole cost for knob values under a convention, by quantity.

    of: a layer type, or the path of a layer or a group of them, or several; the whole network where it is empty.
    Raises Fault where the network has no such part.
    """
    rule = conventions.get(convention)
    found = rows(expand(spec, knobs))
    members = [found[index] for index in _members(found, of)]
    whole, part = (total(cost(row, rule) for row in some) for some in (found, members))
    return {"macs": (part.operations, whole.operations), "params": (part.params, whole.params)}


def published(spec: Spec) -> list[tuple[Data, dict[str, Mark]]]:
    """Return what is printed of a spec, with the places of its values: by tables of papers, then by its own rows."""
    return [*printed_of(spec), *zip(spec.published, spec.published_marks, strict=True)]


def claims(spec: Spec, row: Mapping[str, Datum]) -> list[Claim]:
    """Return the figures of one row that can be counted; a row may have none, an accuracy alone.

    A time is none without a device. Raises Fault where a figure is none, or the network has not what it is of.
    """
    printed = {quantity: str(row[quantity]) for quantity in COSTS if quantity in row}
    options = row.get("options") or {}
    if "device" not in options:
        printed.pop("ms", None)
    if not printed:
        return []
    knobs, convention, of = settings(spec, row), row.get("convention", conventions.DEFAULT), row.get("of", "")
    parts: dict[str, tuple[Dim, Dim]] = {}
    if printed.keys() - METRICS:
        parts |= counted(spec, knobs, convention, of)
    for quantity in printed.keys() & METRICS:
        parts[quantity] = measured(spec, knobs, METRICS[quantity], options, of)
    for quantity in printed:
        if any(number is num.UNKNOWN for number in parts[quantity]):
            raise Fault(f"the {quantity} are unknown, since those of a layer are", "remove the figure, or the layer")
    ours = {quantity: _share(*parts[quantity], text) for quantity, text in printed.items()}
    digits, rounding = row.get("digits"), row.get("rounding", "nearest")
    reproduces = row.get("reproduces", True) is True
    return [
        Claim(
            row, quantity, text, ours[quantity], quantity == "ms" or holds(ours[quantity], text, digits, rounding),
            reproduces,
        )
        for quantity, text in printed.items()
    ]  # fmt: skip


def measured(
    spec: Spec, knobs: Mapping[str, Datum], name: str, options: Data, of: str | list[str] = ""
) -> tuple[Dim, Dim]:
    """Return what a part of a network and the whole have of a metric; raise Fault where there is no such part."""
    from costcalc.measures import metric

    graph, found, setup = expand(spec, knobs), metric.find(name), metric.Setup(**options)
    every = metric.counted(graph)
    values = found.rows(graph, setup)
    whole = found.total(graph, setup)
    part = found.over(graph, setup, values, _members(every, of)) if of else whole
    return (_exact(part), _exact(whole))


def _exact(value: Dim) -> Dim:
    """Return a metric's value as the figures' arithmetic takes it."""
    return value if value is num.UNKNOWN or value is None or isinstance(value, int) else Decimal(str(float(value)))


def _members(found: list[Row], of: str | list[str]) -> list[int]:
    """Return which rows a part has; raise Fault where the network has no such part."""
    wanted = of if isinstance(of, list) else [of]
    for name in wanted:
        if not any(_within(row, name) for row in found):
            known = {row.type for row in found} | {row.node.layer.split("/")[0] for row in found}
            raise Fault(f"there is no layer, group or layer type '{name}'", nearest(name, known))
    return [index for index, row in enumerate(found) if any(_within(row, name) for name in wanted)]


def _within(row: Row, name: str) -> bool:
    """Say whether a row is of that layer type, or lies at or below that path."""
    return not name or name == row.type or f"{row.name}/".startswith(f"{name}/")


def _share(part: int, whole: int, printed: str) -> int | Decimal:
    """Return what stands against a figure: a number, or its share of the whole where the figure is in per cent."""
    return 100 * Decimal(part) / Decimal(max(whole, 1)) if printed.endswith("%") else part


def check(spec: Spec) -> list[Claim]:
    """Return every figure that is printed of a spec with what the spec gives for it.

    Raises SpecError where the spec is wrong, a convention unknown, or a figure none.
    """
    return [claim for row, marks in published(spec) for claim in judged(spec, row, marks)]


def judged(spec: Spec, row: Mapping[str, Datum], marks: Mapping[str, Mark]) -> list[Claim]:
    """Return the claims of a row; raise SpecError, with its place, where its figure cannot be read."""
    try:
        for knob, value in (row.get("knobs") or {}).items():
            if fault := refused(spec, knob, value):
                raise fault
        return claims(spec, row)
    except Fault as fault:
        place = row.get("where") or row.get("variant") or "a row"
        mark = next(iter(marks.values()), Mark(spec.where))
        raise SpecError([Problem(f"published, {place}: {fault.message}", mark, fault.hint)]) from None
