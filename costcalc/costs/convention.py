"""A convention: what is counted, as data. Every number shown names the one it follows.

A convention says how the parameters and the operations of a row are counted: by one formula for all rows, or by rules
for certain operators.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

from costcalc.base.errors import Mark, stop
from costcalc.language.expr import Expr

UNITS = {"macs": "MACs", "flops": "FLOPs"}
OPERATIONS = "operations"  # what is counted, by whatever name: the convention's `unit` says of what kind they are
OTHERS = {
    "inputs",
    "outputs",
    "first",
    "bias_adds",
    "elementwise",
    "muls",
    "norm_params",
    "biases",
    "affine",
    "branches",
}
LEARNABLE = "weights + biases + norm_params"
BEFORE = frozenset(("after", "after_bias"))  # what a formula calls that is of the row before


class Rule(NamedTuple):
    """How a convention counts the operators of some kinds; what it leaves out is counted as for any row."""

    kinds: tuple[str, ...]
    formulas: dict[str, Expr]  # params, macs, flops
    note: str = ""


class Convention:
    """One way of counting: formulas over a row, what they leave out, and where they come from."""

    def __init__(
        self,
        name: str,
        count: str,
        formulas: dict[str, Expr],
        *,
        says: str,
        source: str,
        unit: str = "",
        things: str = "params",
        measured: str = "",
        tool: bool = False,
        notes: tuple[str, ...] = (),
        rules: tuple[Rule, ...] = (),
        marks: dict[str, Mark] | None = None,
    ) -> None:
        self.name = name
        self.count = count  # macs or flops: which of its two numbers this is
        self.formulas = formulas
        self.says = says
        self.source = source
        self.unit = unit or UNITS[count]
        self.things = things  # what `params` counts, as `unit` says of the operations
        self.measured = measured
        self.tool = tool  # whether it is another tool's
        self.notes = notes
        self.rules = rules
        self.marks = marks or {}  # where each formula stands in its file
        self.added = False  # whether its counts are added to another's, and may be below zero
        self.others: dict[str, Convention] = {count: self}  # by what each counts
        self.of_kind = {kind: rule for rule in rules for kind in rule.kinds}
        self._of: dict[str, tuple[Expr, Expr]] = {}
        self.called = _called(self)  # what its operations are called: macs and flops only where they are that
        self.stamp = stamp(self)

    def __repr__(self) -> str:
        return f"<Convention {self.name}: {self.says}>"

    @property
    def params(self) -> str:
        """The formula of the parameters, for a row that no rule says otherwise of."""
        return self.formulas["params"].text

    @property
    def operations(self) -> str:
        """The formula of the operations, for a row that no rule says otherwise of."""
        return self.formulas[self.count].text

    @cached_property
    def reads(self) -> frozenset[str]:
        """The names that its formulas have."""
        every = (*self.formulas.values(), *(one for rule in self.rules for one in rule.formulas.values()))
        return frozenset(name for formula in every for name, _ in formula.names)

    def reads_place(self, *, called: bool) -> bool:
        """Say whether a count depends on what stands before a row, or, where calls are told, on how it is called."""
        return not self.reads.isdisjoint(BEFORE) or (called and (self.tool or "call" in self.reads))

    @property
    def quantities(self) -> tuple[str, str]:
        """What it counts, by name: `params`, and `macs`, `flops` or `operations`."""
        return "params", self.called

    @property
    def label(self) -> str:
        """Name and hash: which numbers may be compared with which."""
        return f"{self.name} {self.stamp}"

    @property
    def counted(self) -> str:
        """What every output says of its numbers: the convention in words, its name and its hash."""
        return f"counted: {self.says} ({self.label})"

    @property
    def mark(self) -> dict[str, str]:
        """What every record says of its numbers: the convention's name and hash."""
        return {"convention": self.name, "convention_hash": self.stamp}

    def of(self, kind: str) -> tuple[Expr, Expr]:
        """Return how the parameters and the operations of an operator's rows are counted."""
        found = self._of.get(kind)
        if found is None:
            found = self._of[kind] = self.formula(kind, "params"), self.formula(kind, OPERATIONS)
        return found

    def formula(self, kind: str, quantity: str) -> Expr:
        """Return how `params`, or the `operations`, of an operator's rows are counted."""
        key = self.count if quantity == OPERATIONS else quantity
        rule = self.of_kind.get(kind)
        return (rule.formulas.get(key) if rule else None) or self.formulas[key]

    def counting(self, count: str) -> Convention:
        """Return this convention's count of `macs` or `flops`; raise SpecError where it has none."""
        if count not in self.others:
            said = " and ".join(UNITS[one] for one in self.others)
            raise stop(f"the convention '{self.name}' counts {said} only", hint="costcalc:flops has two FLOPs a MAC")
        return self.others[count]

    def named(self, quantity: str) -> Convention:
        """Return the count of this convention that is called `macs`, `flops` or `operations`.

        Raises SpecError, with the right name, where it counts no such thing: a tool's MACs may hold other operations.
        """
        for one in (self, *self.others.values()):
            if quantity in (OPERATIONS, one.called):
                return one
        plain = "plain " if self.unit.lower() == quantity else ""
        raise stop(
            f"the convention '{self.name}' counts no {plain}{UNITS[quantity]}: {self.says}",
            hint=f"what it counts is called {self.called}{f', its unit {self.unit}' * (self.called == OPERATIONS)}",
        )

    def counts(self, asked: Iterable[str]) -> list[Convention]:
        """Return the counts of this convention that some quantities are of, each once; itself where none is named.

        `macs` under `costcalc:flops` is told by `costcalc`: what is said beside numbers is what they are counted by.
        """
        named = [name for name in asked if name in (*UNITS, OPERATIONS)]
        return [*{one.stamp: one for one in map(self.named, named)}.values()] or [self]

    def told(self, asked: Iterable[str]) -> list[str]:
        """Return what every output says of the numbers of some quantities, a line for each count among them."""
        return [one.counted for one in self.counts(asked)]

    def marked(self, asked: Iterable[str]) -> dict[str, str]:
        """Return what every record says of them: the one count that all are of, else this convention."""
        found = self.counts(asked)
        return (found[0] if len(found) == 1 else self).mark

    def to_dict(self) -> dict[str, str]:
        """Return the convention as plain data."""
        said = {slot: getattr(self, slot) for slot in ("name", "says", "params", OPERATIONS, "unit", "source")}
        return {**said, "hash": self.stamp}


def _called(convention: Convention) -> str:
    """Return what a convention's operations are called: macs where they are those of all rows or of some, no others.

    flops where its unit says so, and a MAC is two; else operations: a tool's "MACs" may hold those of norms, and its
    "FLOPs" be one a MAC. A tool's MACs are macs too, if no formula reads anything else that is counted: it
    may count the products of some convolutions wrongly.
    """
    rules = [rule.formulas for rule in convention.rules if convention.count in rule.formulas]
    formulas = [one[convention.count] for one in (convention.formulas, *rules)]
    if {formula.text for formula in formulas} <= {"macs", "0"}:
        return "macs"
    read = {name for formula in formulas for name, _ in formula.names}
    if convention.tool and convention.unit == UNITS["macs"] and not read & OTHERS:
        return "macs"
    return "flops" if convention.count == "flops" and convention.unit == UNITS["flops"] else OPERATIONS


def stamp(convention: Convention) -> str:
    """Return six hexadecimal digits that are the same for two conventions only where they count alike."""
    from zlib import crc32

    count = convention.count
    rules = [
        (kind, key, rule.formulas[key].text)
        for rule in convention.rules
        for kind in rule.kinds
        for key in ("params", count)
        if key in rule.formulas and rule.formulas[key].text != convention.formulas[key].text
    ]
    told: list[object] = [convention.params, convention.operations, convention.unit, convention.things, sorted(rules)]
    told += [True] if convention.tool else []  # what the reference has not costs nothing then
    return f"{crc32(repr(tuple(told)).encode()) >> 8:06x}"
