"""What differs between the instances of one structure becomes arguments: a block, and the arguments of each call.

A field that is the same in all stays a constant. Channels that follow from those that enter, or from another
argument, are written so (`4 * c_in`, `width // 2`); what is left is an argument, one for all equal columns.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.interop.blocks.tree import HALF, Free, TreeItem
from costcalc.language.flat import part_of
from costcalc.language.yaml_text import inline
from costcalc.operators import op as ops
from costcalc.operators.fields import MODIFIERS, REQUIRED, RESERVED, Text

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "absent"})()  # of an item that an instance does without
CHANNELS = ("out", "groups", "start", "stop")  # fields that count channels
TURNS = "repeat"
Ref = tuple[int, str | None]  # an item's number (-1: what enters) and, of several outputs, the word of one
ENTERS: Ref = (-1, None)


class Argument:
    """An argument of a block: its value in each instance, what it is of, and its default."""

    def __init__(self, values: list[Datum], label: str, natural: Datum, *, channels: bool) -> None:
        self.values = values
        self.label = label
        self.channels = channels
        self.natural = natural
        self.name = ""

    @property
    def default(self) -> Datum:
        """The value that need not be given; ABSENT where every call gives one."""
        known = [value for value in self.values if value is not ABSENT]
        if any(same(value, self.natural) for value in known):
            return self.natural
        if len(known) == len(self.values):
            return ABSENT
        common = Counter(repr(value) for value in known).most_common(1)[0][0]
        return next(value for value in known if repr(value) == common)


class Computed:
    """A value that is computed from arguments or from tensors: `4 * {}`; names are put in once they are known."""

    def __init__(self, template: str, *named: Argument | WrittenItem | Computed) -> None:
        self.template = template
        self.named = named

    def __str__(self) -> str:
        return self.template.format(*(part if isinstance(part, Computed) else part.name for part in self.named))


class WrittenItem:
    """An item to be written: an operator or a call, the items that feed it, and its modifiers."""

    def __init__(self, part: TreeItem, refs: Sequence[Ref], label: str) -> None:
        self.kind = part.kind
        self.joins = part.joins
        self.flows = part_of(part.outputs, 0) is None  # whether one tensor flows on
        self.refs = refs
        self.label = label  # where it comes from: it is named so
        self.fields: dict[str, Datum] = part.fields
        self.repeat: Datum = part.repeat
        self.flag: Computed | None = None  # whether it is there
        self.share = part.share
        self.name = ""  # given where something reads it


class FoundBlock:
    """A template, found in several places."""

    def __init__(self, arguments: list[Argument], items: list[WrittenItem], path: str) -> None:
        self.arguments = sorted(arguments, key=lambda a: a.default is not ABSENT)
        self.items = items
        self.path = path  # of its first instance
        self.name = ""
        self.defaults = {a.name: a.default for a in self.arguments if a.default is not ABSENT}

    @property
    def head(self) -> str:
        """Its name with its arguments, as the spec writes them."""
        said = [
            f"{a.name}={inline(self.defaults[a.name])}" if a.name in self.defaults else a.name for a in self.arguments
        ]
        return f"{self.name}({', '.join(said)})" if said else self.name

    def call(self, number: int) -> dict[str, Datum]:
        """Return the arguments of an instance, those that are not the defaults."""
        values = {a.name: a.values[number] for a in self.arguments}
        return {
            name: value
            for name, value in values.items()
            if value is not ABSENT and not same(value, self.defaults.get(name, ABSENT))
        }

    def channels(self, name: str) -> bool:
        return next(a for a in self.arguments if a.name == name).channels


def same(a: Datum, b: Datum) -> bool:
    """Say whether two values are one: 1 is not true, and a list is equal to a list."""
    return repr(a) == repr(b)


def natural(part: TreeItem, name: str) -> Datum:
    """Return what a field or an argument is where it is not given; ABSENT where it must be."""
    if part.cls is None:
        return part.kind.defaults.get(name, ABSENT)
    default = part.cls.fields[name].default
    return ABSENT if default is REQUIRED or default is None or isinstance(default, tuple) else default


def fixed(part: TreeItem) -> tuple[Datum, ...]:
    """Return what can't be an argument: free text, and whether a field is given that has no plain default."""
    if part.cls is None:
        return ()
    fields = part.cls.fields
    words = [(name, value) for name, value in part.fields.items() if isinstance(fields[name], Text)]
    return (*words, *(name for name in part.fields if natural(part, name) is ABSENT))


class Fitter:
    """Finds the arguments of a block from the values that its fields have in each instance."""

    def __init__(self, rows: list[list[TreeItem | None]], entering: list[int], leaving: list[int]) -> None:
        self.rows = rows  # for each instance, the part at each place of the pattern
        self.entering = entering  # channels, for each instance
        self.leaving = leaving
        self.arguments: list[Argument] = []
        self.read: dict[int, WrittenItem] = {}  # places of the items that others read by name, so far

    def block(self, items: list[WrittenItem], path: str, taken: set[str]) -> FoundBlock:
        """Return the block whose items are these, their values worked out."""
        asked = {n for place, item in enumerate(items) for n, part in item.refs if 0 <= n < place - 1 and part is None}
        for place, item in enumerate(items):
            parts = [row[place] for row in self.rows]
            item.fields = self.fields(parts)
            turns = [part.repeat if part else ABSENT for part in parts]
            item.repeat = self.value(turns, TURNS, 1, parts, channels=False)
            if place in asked and item.flows:
                self.read[place] = item
        for place, item in enumerate(items):
            there = [row[place] is not None for row in self.rows]
            if not all(there):
                item.flag = self.condition(there, items) or self.flag(there, item)
        name_all(self.arguments, items, taken)
        return FoundBlock(self.arguments, items, path)

    def flag(self, there: list[bool], item: WrittenItem) -> Computed:
        word = re.match(r"[A-Za-z]\w*", item.label)
        label = f"with_{word[0] if word else item.kind if isinstance(item.kind, str) else item.kind.name}"
        found = self.known(there, lambda argument: argument.label.startswith("with_"))
        return Computed("{}", found or self.new(there, label, natural=False, channels=False))

    def condition(self, there: list[bool], items: list[WrittenItem]) -> Computed | None:
        """Return whether an item is there as people say it: by the stride, by the channels that change."""
        stride = next((a for a in self.arguments if a.label == "stride"), None)
        last = self.result(items)
        kept = [a == b for a, b in zip(self.entering, self.leaving, strict=True)]
        one = [value == 1 for value in stride.values] if stride else []
        if stride and there == one:
            return Computed("{} == 1", stride)
        if stride and there == [not value for value in one]:
            return Computed("{} != 1", stride)
        if last is None:
            return None
        if there == kept:
            return Computed("{} == c_of(input)", last)
        if stride and there == [a and b for a, b in zip(one, kept, strict=True)]:
            return Computed("{} == 1 and {} == c_of(input)", stride, last)
        if stride and there == [not (a and b) for a, b in zip(one, kept, strict=True)]:
            return Computed("{} != 1 or {} != c_of(input)", stride, last)
        return None

    def result(self, items: list[WrittenItem]) -> Computed | None:
        """Return the channels that leave, by what is known where the block is entered."""
        for place in reversed(range(len(items))):
            said = items[place].fields.get("out")
            given = [part.fields.get("out") if (part := row[place]) else None for row in self.rows]
            if given != self.leaving:
                continue
            if not isinstance(said, Computed):
                return Computed(str(said))
            if said.named and "c_in" not in said.template and all(isinstance(a, Argument) for a in said.named):
                return said
        return None

    def fields(self, parts: list[TreeItem | None]) -> dict[str, Datum]:
        names = dict.fromkeys(name for part in parts if part for name in part.fields)
        found = {}
        for name in names:
            first = next(part for part in parts if part)
            default = natural(first, name)
            values = [part.fields.get(name, default) if part else ABSENT for part in parts]
            channels = name in CHANNELS if first.cls else first.kind.channels(name)
            value = self.value(values, name, default, parts, channels=channels)
            if not same(value, default):
                found[name] = value
        return found

    def value(
        self, values: list[Datum], label: str, default: Datum, parts: list[TreeItem | None], *, channels: bool
    ) -> Datum:
        """Return a constant, or an expression that has these values in the instances."""
        said = [value for value in values if value is not ABSENT]
        known = [value for value in said if not isinstance(value, Free)] or said
        if all(same(value, known[0]) for value in known) and (len(known) == len(said) or known[0] in (HALF, default)):
            return known[0]
        values = [HALF if isinstance(value, Free) else value for value in values]
        alike = self.known(values, lambda a: a.label == label or (channels and a.channels))
        if alike:
            return Computed("{}", alike)
        if channels and (found := self.derived(values, parts)):
            return found
        if all(isinstance(value, list) and len(value) == len(known[0]) for value in known):
            entries = [[v if v is ABSENT else v[k] for v in values] for k in range(len(known[0]))]
            found_all = [self.entry(entry, parts, last=k == len(entries) - 1) for k, entry in enumerate(entries)]
            if ABSENT not in found_all:
                return found_all
        if channels and values != self.leaving and (ratio := self.ratio(values, parts)):
            return ratio
        return Computed("{}", self.new(values, label, default, channels=channels))

    def known(self, values: list[Datum], fits: Callable[[Argument], bool]) -> Argument | None:
        """Return the argument with these values; what either leaves open the other fills."""
        for argument in self.arguments:
            pairs = list(zip(argument.values, values, strict=True))
            both = [(a, b) for a, b in pairs if ABSENT not in (a, b)]
            if fits(argument) and both and all(same(a, b) for a, b in both):
                argument.values = [b if a is ABSENT else a for a, b in pairs]
                return argument
        return None

    def new(self, values: list[Datum], label: str, natural: Datum, *, channels: bool) -> Argument:
        self.arguments.append(Argument(values, label, natural, channels=channels))
        return self.arguments[-1]

    def derived(self, values: list[Datum], parts: list[TreeItem | None]) -> Computed | None:
        """Return channels as a multiple or a part of an argument, or of the channels that enter."""
        for argument in self.arguments:
            template = multiple(values, argument.values, "{}") if argument.channels else ""
            if template:
                return Computed(template, argument)
        for name, bases in (("c_in", entering(parts, "c_in")), ("c_of(input)", self.bases(parts))):
            if template := multiple(values, bases, name):
                return Computed(template)
        for place, item in self.read.items():
            there = [row[place] for row in self.rows]
            leaving = [part.channels if part else ABSENT for part in there]
            if template := multiple(values, leaving, "c_of({})"):
                return Computed(template, item)
        return None

    def bases(self, parts: list[TreeItem | None]) -> list[Datum]:
        """Return the channels that enter the block, unless the item is run several times."""
        return [ABSENT if part and part.repeat > 1 else c for part, c in zip(parts, self.entering, strict=True)]

    def entry(self, values: list[Datum], parts: list[TreeItem | None], *, last: bool) -> Datum:
        """Return one entry of a list, without a new argument; ABSENT where it would need one."""
        known = [value for value in values if value is not ABSENT]
        if all(same(value, known[0]) for value in known):
            return known[0]
        for name in ("w_in", "h_in", "c_in") if last else ("c_in", "h_in", "w_in"):
            template = multiple(values, entering(parts, name), name)
            if template:
                return Computed(template)
        return self.derived(values, parts) or ABSENT

    def ratio(self, values: list[Datum], parts: list[TreeItem | None]) -> Computed | None:
        """Return channels as `expand * c_in` where the factor takes fewer values than the channels."""
        pairs = list(zip(values, entering(parts, "c_in"), strict=True))
        live = [(v, c) for v, c in pairs if v is not ABSENT]
        if any(c is ABSENT or v % c for v, c in live) or 2 * len({v // c for v, c in live}) > len({v for v, _ in live}):
            return None
        factors = [ABSENT if v is ABSENT else v // c for v, c in pairs]
        found = self.known(factors, lambda a: a.label == "expand")
        return Computed("{} * c_in", found or self.new(factors, "expand", ABSENT, channels=False))


def entering(parts: Iterable[TreeItem | None], name: str) -> list[Datum]:
    """Return `c_in`, `h_in` or `w_in` of a part in each instance; ABSENT where it has none, or repeats."""
    axis, least = {"c_in": (0, 1), "h_in": (-2, 3), "w_in": (-1, 2)}[name]
    found = []
    for part in parts:
        dims = part.x.dims if part is not None and part.x is not None and part.repeat == 1 else ()
        found.append(dims[axis] if len(dims) >= least else ABSENT)
    return found


def multiple(values: list[Datum], bases: list[Datum], name: str) -> str:
    """Return `4 * name` or `name // 4` if the values are that everywhere, else nothing."""
    pairs = [(v, b) for v, b in zip(values, bases, strict=True) if v is not ABSENT]
    if any(type(v) is not int or type(b) is not int or v < 1 or b < 1 for v, b in pairs):
        return ""
    value, base = pairs[0]
    factor, part = value // base, base // value
    if factor and all(v == factor * b for v, b in pairs):
        return name if factor == 1 else f"{factor} * {name}"
    return f"{name} // {part}" if part and all(b == part * v for v, b in pairs) else ""


def name_all(arguments: list[Argument], items: list[WrittenItem], taken: set[str]) -> None:
    """Name the arguments of a block by what they are of: channels that are not those that leave are inner ones."""
    last = next((item.fields["out"] for item in reversed(items) if "out" in item.fields), None)
    leaving = last.named[0] if isinstance(last, Computed) and last.template == "{}" else None
    used = set[str]()
    for argument in arguments:
        inner = argument.label == "out" and argument is not leaving
        stem = "mid" if inner else "n" if argument.label == TURNS else argument.label
        argument.name = free(re.sub(r"\d+\Z", "", stem) or stem, used | taken)
        used.add(argument.name)


def free(stem: str, taken: set[str], between: str = "") -> str:
    """Return a name that nothing else has: the stem, or the stem with a number."""
    words = {*taken, *ops.operators(), *RESERVED, *MODIFIERS, "table", "do", "include"}
    name, number = stem, 1
    while name in words:
        number += 1
        name = f"{stem}{between}{number}"
    return name
