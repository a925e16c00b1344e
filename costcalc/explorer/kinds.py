"""The rows of a form, and the kinds that they are of: what rows have in common is said once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from typing import Any

from costcalc.base import Data, Datum
from costcalc.base.errors import Fault, SpecError
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.costs.counting import cost
from costcalc.costs.rows import Row
from costcalc.explanations import explain
from costcalc.explorer.numbers import NumberPool
from costcalc.graph.graph import Graph, Node
from costcalc.hardware.traffic import Work, works
from costcalc.hardware.words import FUSIONS, GROUPINGS
from costcalc.measures.metric import counted
from costcalc.numbers.factored import Spread
from costcalc.numbers.shape import Shape, Shapes
from costcalc.numbers.symbolic import Symbol
from costcalc.operators.op import Op
from costcalc.reports.colours import COLOURS, family

FAMILIES = [*COLOURS]
METRICS: dict[str, Callable[[Row], Datum]] = {  # sums that grow with the batch, beside what conventions count
    "activations": lambda row: cost(row, conventions.get("activations")).operations,
    "elementwise": lambda row: sum(row.elementwise.values()) + row.bias_adds,
}


class TextPool:
    """A pool of texts: what is added comes back as an index."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}

    def add(self, text: str) -> int:
        """Return the index of a text."""
        return self.texts.setdefault(text, len(self.texts))


class Kinds:
    """The kinds of a graph's rows: `of` has one for each row, the other fields a value for each kind."""

    def __init__(self, graph: Graph, rules: Sequence[Convention], numbers: NumberPool, texts: TextPool) -> None:
        self.rows = counted(graph)
        self.numbers, self.texts = numbers, texts
        fused = {fusion: works(self.rows, fusion) for fusion in FUSIONS}
        passes = [{fusion: self._work(made[k]) for fusion, made in fused.items()} for k in range(len(self.rows))]
        self.reads_paths = any(_reads(rule, "path") for rule in rules)
        keys: dict[Datum, int] = {}
        self.of = [
            keys.setdefault((self._key(row), tuple(work.values())), len(keys))
            for row, work in zip(self.rows, passes, strict=True)
        ]
        firsts = {kind: index for index, kind in reversed([*enumerate(self.of)])}
        self.firsts = [firsts[kind] for kind in range(len(keys))]  # the first row of each kind
        self.kinds = [self._kind(self.rows[index], passes[index]) for index in self.firsts]
        self.columns: list[list[int]] = []
        self.refuses: dict[str, str] = {}
        self.conventions = [self._counts(rule) for rule in rules]
        self.metrics = {
            name: [numbers.add(of(self.rows[index])) for index in self.firsts] for name, of in METRICS.items()
        }

    # ---- which rows are of one kind -----------------------------------------------------------------------

    def _key(self, row: Row) -> Datum:
        """Return all that a row's costs depend on, as what can be compared."""
        node = row.node
        after = node.producer
        return (
            node.op.kind,
            tuple(self._frozen(value) for value in node.op.__dict__.values()),
            self._frozen(node.x),
            self._frozen(node.y),
            (node.call, node.shared is not None, self._frozen(node.bits), self._frozen(node.density)),
            (after.op.kind, bool(getattr(after.op, "bias", False))) if after else None,  # which conventions ask for
            node.name if self.reads_paths else "",
        )

    def _frozen(self, value: Datum) -> Datum:
        if isinstance(value, Spread):
            return "number", self.numbers.add(value)
        if isinstance(value, Shape):
            return tuple(self._frozen(one) for one in value.dims)
        if isinstance(value, tuple | list):
            return tuple(self._frozen(one) for one in value)
        return value if isinstance(value, int | str | float | None) else repr(value)

    def _work(self, work: Work) -> tuple[int, int, int]:
        add = self.numbers.add
        return add(work.elements), add(work.parameters), int(work.launched)

    # ---- what they are ------------------------------------------------------------------------------------

    def _kind(self, row: Row, work: dict[str, tuple[int, int, int]]) -> Data:
        node, add = row.node, self.numbers.add
        first = next(iter(work.values()))
        made: Data = {
            "type": self.texts.add(row.type),
            "family": FAMILIES.index(family(node)),
            "reads": self._shapes(node.x),
            "writes": self._shapes(node.y),
            **self._explained(node),
            "macs": add(row.macs),
            "grouping": GROUPINGS.index(node.op.grouping(node.x)),
            "work": {name: one for name, one in work.items() if name == "eager" or one != first},
        }
        fields = ", ".join(f"{name} {told(node.op.__dict__[f.attr])}" for name, f in node.op.fields.items())
        return made | ({"fields": fields} if fields else {}) | ({} if node.op.derived else {"stated": 1})

    def _shapes(self, shapes: Shapes) -> list[list[int]]:
        found = (shapes,) if isinstance(shapes, Shape) else shapes
        return [self.numbers.added(one.dims) for one in found]

    def _explained(self, node: Node) -> Data:
        """Return what `explain` says of a row: its formulas in letters, and the letters' numbers."""
        add, text = self.numbers.add, self.texts.add
        first = node.x if isinstance(node.x, Shape) else (*node.x, node.y)[0]
        letters: dict[str, int] = {}
        with suppress(TypeError):  # a rule that takes Python's own numbers only
            named = copy(node)
            named.op = _named(node.op)
            formulas = explain.formulas(named)
            for symbol in _symbols(
                [
                    explain.symbolic(named.op, len(first.space)).__dict__,
                    explain.symbolic_shape(node.x, "i"),
                    explain.symbolic_shape(node.y, "o"),
                ]
            ):
                letters[symbol.text] = add(symbol.value)
            said = " ".join(one.text for one in formulas)
            return {
                "formulas": [
                    (text(one.name), text("" if "<" in one.text else one.text), add(one.value)) for one in formulas
                ],
                "letters": [(text(letter), number) for letter, number in letters.items() if letter in said],
            }
        return {"formulas": [], "letters": []}

    # ---- what they cost -----------------------------------------------------------------------------------

    def _counts(self, rule: Convention) -> tuple[int, int]:
        """Return the columns of a convention's parameters and operations; -1 where it refuses this network."""
        try:
            found = [cost(self.rows[index], rule) for index in self.firsts]
        except (SpecError, Fault) as error:
            self.refuses[rule.name] = str(error).splitlines()[0]
            return -1, -1
        add = self.numbers.add
        return self._column([add(one.params) for one in found]), self._column([add(one.operations) for one in found])

    def _column(self, values: list[int]) -> int:
        if values not in self.columns:
            self.columns.append(values)
        return self.columns.index(values)


def _reads(rule: Convention, name: str) -> bool:
    """Say whether a formula of a convention reads something of a row."""
    every = (*rule.formulas.values(), *(one for part in rule.rules for one in part.formulas.values()))
    return any(name == read for formula in every for read, _ in formula.names)


def told(value: Any) -> str:
    """Return an argument of an operator in words; one that a slider moves by its letter's place."""
    if isinstance(value, Spread):
        return "…"
    if isinstance(value, tuple):
        return f"[{', '.join(map(told, value))}]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _named(op: Op) -> Op:
    """Return an operator whose numbers that a slider moves are symbols, by their fields' names where no letter is."""
    letters = {field.attr for field in op.fields.values() if field.symbol}
    twin = copy(op)
    twin.__dict__.update((attr, _symbol(value, attr)) for attr, value in op.__dict__.items() if attr not in letters)
    return twin


def _symbol(value: Any, name: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_symbol(one, f"{name}_{place + 1}") for place, one in enumerate(value))
    return Symbol(value, name) if isinstance(value, Spread) else value


def _symbols(value: Any) -> list[Symbol]:
    """Return the symbols inside of something, at any depth."""
    if isinstance(value, Symbol):
        return [value]
    if isinstance(value, Shape):
        return _symbols(value.dims)
    if isinstance(value, dict):
        return _symbols([*value.values()])
    return [symbol for one in value for symbol in _symbols(one)] if isinstance(value, list | tuple) else []
