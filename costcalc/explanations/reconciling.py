"""Which settings give a claimed number: conventions, choices of what is counted, then the network's own knobs.

Everything that is tried is counted; nothing is fitted. An explanation is a list of steps away from
costcalc's own count of the network as it is; those of fewer steps come first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from functools import lru_cache
from itertools import combinations
from typing import NamedTuple

from costcalc.base import Data, Datum, grouped
from costcalc.base.arguments import whole
from costcalc.base.errors import Fault, SpecError, stop
from costcalc.base.files import shipped
from costcalc.costs import conventions
from costcalc.costs.convention import OPERATIONS, Convention
from costcalc.costs.counting import cost
from costcalc.costs.rows import Row
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph, Node
from costcalc.graph.knobs import with_knobs
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.language.yaml_text import typed
from costcalc.numbers.factored import Spread, TooWide
from costcalc.numbers.num import UNKNOWN, Array, Mixed
from costcalc.numbers.shape import Shape
from costcalc.operators.op import operators
from costcalc.published.figures import Figure, claims, figure, published, rounded
from costcalc.sweeps.engine import Axis, Grid, parts

MOST_STEPS = 3
MOST_CHOICES = 3  # that one explanation takes together
MOST_ROWS = 300  # that other conventions count along a knob, and of variants, so that an answer takes a second
PREFIXES = {"K": (10**3, 2**10), "M": (10**6, 2**20), "G": (10**9, 2**30), "B": (10**9, 2**30), "T": (10**12, 2**40)}
RESOLUTIONS = (*range(32, 1025, 8), 227, 231, 260, 299, 300, 331, 380)
ODD = range(32, 641)
WIDTHS = (0.25, 0.35, 0.5, 0.75, 1.25, 1.3, 1.4, 1.5, 2.0)
CLASSES = {1000: 1001, 1001: 1000}
SIZE = "resolution"


class Count(NamedTuple):
    """One number that a network may be said to have, and the steps that lead to it from our own count."""

    steps: tuple[str, ...]
    number: int
    unit: str


class Match(NamedTuple):
    """A count that, written as the claim is, is the claim."""

    steps: tuple[str, ...]
    number: int
    unit: str
    difference: int  # what our number has more than the claim's digits say
    printed: bool = False  # whether a source of the network prints the claim


class Claimed(NamedTuple):
    """A claim as it is written: 4.12G."""

    text: str
    figure: Figure

    @property
    def value(self) -> int:
        """The number that the digits say."""
        return int(self.figure.value)


class Answer(NamedTuple):
    """What explains a claim: matches, simplest first; or the nearest counts where nothing does."""

    claim: Claimed
    matches: list[Match]
    nearest: list[Match]


def claimed(text: str) -> Claimed:
    """Return a claim from its text; raise SpecError where it is no number."""
    try:
        if text.endswith("%"):
            raise Fault(f"'{text[:40]}' is a share, not a cost")
        plain = re.sub(r"(?i)(flops?|macs?|ops|params|parameters)$", "", re.sub(r"[\s,]", "", text))
        plain = plain[:-1] + plain[-1:].upper()
        return Claimed(plain, figure(plain))
    except Fault as fault:
        said = f"'{text[:40]}' is no figure" if "%" not in text else fault.message
        raise stop(said, hint="write it as it is printed: 4.12G, 569M, 25557032") from None


def reconcile(spec: Spec, text: str, *, name: str = "", top: int = 10) -> Answer:
    """Return what makes a network cost a claimed number of parameters or operations.

    text: the claim as it is printed, whose digits are its tolerance. name: the zoo's, by which its known
    variants are found. Raises SpecError for a text that is no number.
    """
    claim = claimed(text)
    if (many := whole(top)) is None or many < 1:
        raise stop(f"top is a whole number from 1, not {top!s:.60}")
    usual, unusual = at_sizes(spec, claim) if SIZE in spec.knobs else ([], [])
    tried = [*own(spec), *usual, *elsewhere(spec, name, claim)]
    odd = min(_matches(unusual, claim), key=lambda one: (len(one.steps), abs(one.difference)), default=None)
    found = [*printed(spec, claim), *_matches(tried, claim), *([odd] if odd else [])]
    kept = _simplest(found, str(spec.meta.get("reference", "")))
    return Answer(claim, kept[:many], [] if kept else _nearest(tried, claim)[:many])


def _matches(counts: list[Count], claim: Claimed) -> list[Match]:
    """Return the counts that may be written as the claim is, each way once."""
    found: dict[tuple[str, ...], Match] = {}
    for count in counts:
        for match in written(count, claim):
            found.setdefault(match.steps, match)
    return list(found.values())


def _simplest(matches: Iterable[Match], home: str = "") -> list[Match]:
    """Return matches by their number of steps, without those that only add steps to another.

    home: the package that the network is from: to count as it does is no step away, and comes first.
    """
    kept: list[Match] = []

    def order(one: Match) -> tuple[bool, int, bool, int]:
        at_home = bool(home) and any(step.startswith(f"as {home} ") for step in one.steps)
        return not one.printed, len(one.steps) - at_home, not at_home, abs(one.difference)

    for match in sorted(matches, key=order):
        if len(match.steps) <= MOST_STEPS and not any(set(one.steps) <= set(match.steps) for one in kept):
            kept.append(match)
    return kept


def _nearest(counts: list[Count], claim: Claimed) -> list[Match]:
    """Return the three counts of few steps that come nearest."""
    close = [Match(*count, count.number - claim.value) for count in counts]
    few = {(one.number, one.unit): one for one in sorted(close, key=lambda one: -len(one.steps)) if len(one.steps) < 3}
    return sorted(few.values(), key=lambda one: (abs(one.difference), len(one.steps)))[:3]


# ---- how a number may be written ----------------------------------------------------------------------------


def written(count: Count, claim: Claimed) -> Iterator[Match]:
    """Yield the ways in which a count, written as the claim is, is the claim: prefix and rounding."""
    decimal, binary = PREFIXES.get(claim.text[-1:], (1, 1))
    for base, said in ((decimal, ()), (binary, (f"{claim.text[-1:]} is {binary:,}",))):
        if base == 1 and said:
            continue
        number = Decimal(count.number) * decimal / base
        for rounding in ("nearest", "floor"):
            if rounded(number, claim.figure.step, rounding) == claim.figure.value:
                cut = ("cut, not rounded",) if rounding == "floor" else ()
                yield Match((*count.steps, *said, *cut), count.number, count.unit, round(number) - claim.value)
                break


def printed(spec: Spec, claim: Claimed) -> Iterator[Match]:
    """Yield the published figures of the spec that are the claim: the source says which setting it is."""
    for row, _ in published(spec):
        texts = {str(row[key]) for key in ("macs", "params") if key in row}
        if not any(_same(text, claim) for text in texts):
            continue
        for one in claims(spec, row):
            if one.quantity in ("macs", "params") and _same(one.printed, claim) and isinstance(one.ours, int):
                rule = conventions.get(row.get("convention", conventions.DEFAULT))
                unit = rule.unit if one.quantity == "macs" else rule.things
                yield Match((_cited(row, holds=one.holds),), one.ours, unit, one.ours - claim.value, printed=True)


def _same(text: str, claim: Claimed) -> bool:
    return not text.endswith("%") and figure(text) == claim.figure


def _cited(row: Data, *, holds: bool) -> str:
    """Return what a published row is about, and where it is printed."""
    at = [str(row[key]) for key in ("variant", "of") if row.get(key)]
    at += [f"{knob} {typed(value)}" for knob, value in (row.get("knobs") or {}).items()]
    at += [f"convention {row['convention']}"] if row.get("convention") else []
    at += ["cut, not rounded"] if row.get("rounding") == "floor" else []
    where = row.get("where", "")
    place = ", ".join(map(str, where)) if isinstance(where, list) else str(where)
    said = f"printed in {row.get('source', '')}{f', {place}' if place else ''}"
    said += "" if holds else " (which no count gives)"
    return f"{said}: {', '.join(at)}" if at else said


# ---- the network as it is -----------------------------------------------------------------------------------


def own(spec: Spec) -> Iterator[Count]:
    """Yield the counts of a network as it is: every convention, and every few choices together."""
    found = alike(expand(spec))
    yield from under_others(found)
    yield from lattice(found)


def alike(graph: Graph) -> list[tuple[Row, int]]:
    """Return a row for all that any convention counts alike, with how many they are: a deep network repeats itself."""
    shapes: dict[int, Datum] = {}
    groups = grouped((_key(node, shapes), node) for node in graph.nodes)
    firsts = [Row(nodes[0]) for nodes in groups.values()]
    return [(row, len(nodes)) for row, nodes in zip(firsts, groups.values(), strict=True)]


def _key(node: Node, shapes: dict[int, Datum]) -> Datum:
    """Return all that a formula may read of a row; of its name the words without their numbers.

    shapes: those of a sweep that were written before, by identity, as rows that follow each other share them.
    """
    op, producer = node.op, node.producer
    words = frozenset(part.rstrip("0123456789") for part in node.name.split("/"))
    before = producer and (producer.op.kind, producer.op.__dict__.get("bias"))
    fields = (op.kind, *op.__dict__.items())
    rest = (node.density, node.call, node.shared is None, before, words)
    return tuple(_hashable(part, shapes) for part in (fields, node.x, node.y, rest))


def _hashable(value: Datum, shapes: dict[int, Datum]) -> Datum:
    """Return a value, or where it holds numbers of a sweep what can be compared and hashed instead."""
    try:
        hash(value)
    except TypeError:
        return _written(value, shapes)
    return value


def _written(value: Datum, shapes: dict[int, Datum]) -> Datum:
    """Return a value as what can be compared and hashed: of numbers of a sweep, all of them."""
    if isinstance(value, Shape):
        if id(value) not in shapes:
            shapes[id(value)] = _written(value.dims, shapes)
        return shapes[id(value)]
    if isinstance(value, tuple):
        return tuple(_written(part, shapes) for part in value)
    return value.written if isinstance(value, Spread) else repr(value)


def under_others(found: list[tuple[Row, int]], steps: tuple[str, ...] = ()) -> Iterator[Count]:
    """Yield what conventions other than costcalc's say of rows; nothing of one that cannot count them."""
    seen = {rule.stamp for rule in conventions.get(conventions.DEFAULT).others.values()}  # the lattice begins with them
    for name in conventions.names():
        for rule in conventions.get(name).others.values():
            if rule.stamp not in seen:
                seen.add(rule.stamp)
                yield from _of_rule(found, rule, steps)


def _of_rule(found: list[tuple[Row, int]], rule: Convention, steps: tuple[str, ...]) -> Iterator[Count]:
    """Yield what one convention says; nothing where it cannot count the network, or not all settings at once."""
    try:
        whole = cost_of(found, rule)
    except (SpecError, Fault, Mixed, TooWide, ArithmeticError):
        return
    said = (*steps, f"{'as ' if rule.tool else 'convention '}{rule.label}")
    for number, unit in ((whole[OPERATIONS], rule.unit), (whole["params"], rule.things)):
        if number is not UNKNOWN:
            yield Count(said, number, unit)
    if rule.tool and rule.unit == "MACs" and whole[OPERATIONS] is not UNKNOWN:
        yield Count((*said, "two FLOPs a MAC"), 2 * whole[OPERATIONS], "FLOPs")


@lru_cache(maxsize=1)
def choices() -> tuple[Convention, ...]:
    """Return what may be counted besides, or left out: conventions that count that alone."""
    from costcalc.costs.convention_file import load

    folder = shipped("choices")
    return tuple(
        load(os.path.join(folder, file), added=True) for file in sorted(os.listdir(folder)) if file.endswith(".yaml")
    )


def lattice(found: list[tuple[Row, int]], steps: tuple[str, ...] = (), most: int = MOST_CHOICES) -> Iterator[Count]:
    """Yield the counts of rows under costcalc's convention with up to so many choices: MACs, FLOPs and parameters."""
    base = cost_of(found, conventions.get(conventions.DEFAULT))
    parts_ = [(choice.name, choice.says, cost_of(found, choice)) for choice in choices()]
    for quantity in (OPERATIONS, "params"):
        whole = base[quantity]
        if whole is UNKNOWN:
            continue
        extra = [(name, says, part[quantity]) for name, says, part in parts_ if part[quantity]]
        for number in range(most + 1):
            for some in combinations(extra, number):
                if any(b.startswith(a) for (a, *_), (b, *_) in combinations(some, 2)):
                    continue  # norms once, and norms twice
                said = (*steps, *(says for _, says, _ in some))
                more = sum(part for *_, part in some)
                yield Count(said, whole + more, "MACs" if quantity == OPERATIONS else "params")
                if quantity == OPERATIONS:
                    yield Count((*said, "two FLOPs a MAC"), 2 * whole + more, "FLOPs")


def cost_of(found: list[tuple[Row, int]], rule: Convention) -> dict[str, Datum]:
    """Return what rows cost under a convention, by quantity."""
    costs = [(cost(row, rule), number) for row, number in found]
    return {name: sum(getattr(one, name) * number for one, number in costs) for name in (OPERATIONS, "params")}


# ---- the network at other settings --------------------------------------------------------------------------


def at_sizes(spec: Spec, claim: Claimed) -> tuple[list[Count], list[Count]]:
    """Return the counts at usual resolutions, and at those that nobody would choose, but somebody may have had."""
    taken = _taken(spec, SIZE)
    sizes = [size for size in dict.fromkeys((*RESOLUTIONS, *ODD)) if size != spec.knobs[SIZE] and taken(size)]
    usual, unusual = [], []
    for one in _along(spec, SIZE, sizes, claim):
        if int(one.steps[0].removeprefix(f"{SIZE} ")) in RESOLUTIONS:
            usual.append(one)
        elif len(one.steps) == 1:
            unusual.append(one._replace(steps=(*one.steps, "an image of an odd size")))
    return usual, unusual


def elsewhere(spec: Spec, name: str, claim: Claimed) -> Iterator[Count]:
    """Yield the counts of a network at the usual widths, and of its known variants."""
    if "width" in spec.knobs:
        yield from _along(spec, "width", [value for value in WIDTHS if value != spec.knobs["width"]], claim)
    room, home = MOST_ROWS, str(spec.meta.get("reference", ""))
    for steps, other in variants(spec, name):
        try:
            found = alike(expand(other))
            yield from lattice(found, steps, most=1)
        except SpecError:
            continue
        if room > 0:
            yield from under_others(found, steps)
        elif home in conventions.names():
            yield from _of_rule(found, conventions.get(home), steps)
        room -= len(found)


def _taken(spec: Spec, knob: str) -> Callable[[int], bool]:
    """Return which values a network takes, as a few beside its own tell: some take multiples of 32 only.

    A sweep looks for each value that is refused by halves, which takes long where most are.
    """
    now = spec.knobs[knob]
    for step in (1, 2, 4, 8, 16, 32, 64):
        if all(_expands(spec, {knob: now + times * step}) for times in (8, 3)):
            return lambda value: (value - now) % step == 0
    return lambda _: False


def _expands(spec: Spec, knobs: dict[str, Datum]) -> bool:
    """Say whether a network takes these knobs."""
    try:
        return bool(expand(spec, knobs))
    except SpecError:
        return False


def _along(spec: Spec, knob: str, values: list[Datum], claim: Claimed) -> Iterator[Count]:
    """Yield the counts along a knob, all of them counted at once; of other conventions those near a claim."""
    if not values:
        return
    grid = Grid([Axis({knob: values})])
    rule = conventions.get(conventions.DEFAULT)
    room = MOST_ROWS
    for part in sorted(parts(spec, grid, rule, skip=True), key=lambda part: -len(part.indices[0])):
        places = part.indices[0]
        for quantity, unit in ((OPERATIONS, "MACs"), ("params", "params")):
            numbers = _dense(getattr(part.total, quantity), len(places))
            for place, number in zip(places, numbers, strict=True):
                step = f"{knob} {typed(values[place])}"
                yield Count((step,), int(number), unit)
                if unit == "MACs":
                    yield Count((step, "two FLOPs a MAC"), 2 * int(number), "FLOPs")
        found = alike(part.graph) if room > 0 else []
        room -= len(found)
        for one in under_others(found) if room > 0 else ():
            numbers = _dense(one.number, len(places))
            for place in _near(numbers, claim):
                step = f"{knob} {typed(values[places[place]])}"
                yield one._replace(steps=(step, *one.steps), number=int(numbers[place]))


def _near(numbers: Array, claim: Claimed) -> list[int]:
    """Return the places of the numbers that may be written as a claim is."""
    import numpy as np

    decimal, binary = PREFIXES.get(claim.text[-1:], (1, 1))
    value, step = float(claim.figure.value), float(claim.figure.step)
    hits = [abs(numbers * (decimal / base) - value) <= 1.001 * step for base in (decimal, binary)]
    return np.flatnonzero(hits[0] | hits[1]).tolist()


def _dense(value: Datum, length: int) -> Datum:
    if value is UNKNOWN:
        return []
    from costcalc.numbers.factored import block

    return block(value, {0: slice(0, length)}, (length,))


def variants(spec: Spec, name: str) -> Iterator[tuple[tuple[str, ...], Spec]]:
    """Yield the known variants of a network: names that begin with its own, other classes, switches, other pools."""
    for other in zoo.names() if name else ():
        if other != name and other.startswith(f"{name}_") and (found := zoo.find(other)) is not None:
            yield (f"the network {other}",), found
    classes = CLASSES.get(spec.knobs.get("classes", 0))
    if classes:
        yield (f"classes {classes}",), with_knobs(spec, {"classes": classes})
    for knob, value in spec.knobs.items():
        if isinstance(value, bool):
            yield (f"{knob} {typed(not value)}",), with_knobs(spec, {knob: not value})
    ceiled = _pools(spec)
    if ceiled is not None:
        yield ceiled


def _pools(spec: Spec) -> tuple[tuple[str, ...], Spec] | None:
    """Return the network whose pools round up where they round down, or down where some round up."""
    if spec.root is None:
        return None
    kinds = {cls.kind for cls in operators().values() if "ceil_mode" in cls.fields}
    if kinds.isdisjoint(re.findall(r"\w+", spec.text)):
        return None  # nothing of it rounds
    data = spec.root.plain()
    up = not _set_all(data, "ceil_mode", value=False)
    if up:
        data["defaults"] = {**(data.get("defaults") or {})}
        for kind in kinds:
            data["defaults"][kind] = {**(data["defaults"].get(kind) or {}), "ceil_mode": True}
    data.pop("published", None)
    try:
        found = zoo.load(data)
        found.knobs = spec.knobs
        return (f"pools round {'up' if up else 'down'}",), found
    except SpecError:
        return None


def _set_all(data: Datum, key: str, *, value: Datum) -> bool:
    """Set a key wherever it stands; say whether it stood anywhere with another value."""
    found = False
    if isinstance(data, dict):
        if key in data:
            found, data[key] = data[key] != value, value
        parts_: Iterable[Datum] = data.values()
    else:
        parts_ = data if isinstance(data, list) else ()
    for part in parts_:
        found |= _set_all(part, key, value=value)
    return found
