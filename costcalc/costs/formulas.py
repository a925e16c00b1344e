"""The formulas of conventions: expressions of the spec language over the numbers of one row.

A formula reads the row's components, the sizes of its tensors and the fields of its operator. Names are
looked up when they are asked for, so that a row pays for what its formula reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from costcalc.base import Datum
from costcalc.base.errors import Fault, nearest
from costcalc.costs.rows import Row
from costcalc.language.arithmetic import BUILTINS, built_in
from costcalc.language.expr import Expr
from costcalc.numbers.num import LARGEST_TOTAL, UNKNOWN, Dim, prod, whole
from costcalc.numbers.shape import Shape, Shapes
from costcalc.operators.op import COMPONENTS, Op, find

KINDS = {"adds": "add", "muls": "mul", "divs": "div", "compares": "compare", "exps": "exp", "sqrts": "sqrt"}


def _first(shapes: Shapes) -> Shape:
    """Return the first of several shapes; of none, no channels and no space."""
    return shapes if isinstance(shapes, Shape) else shapes[0] if shapes else Shape(0)


def _per_axis(row: Row, name: str) -> Dim:
    return prod(getattr(row.node.op, name, None) or (1,))


def _after(row: Row) -> str:
    """Return the kind of the operator that gives the first input, '' for the network's own."""
    producer = row.node.producer
    return producer.op.kind if producer else ""


def _role(row: Row) -> str:
    """Return act or norm for an operator that may stand in `act:` or `norm:`."""
    op = row.node.op
    return "norm" if op.norm_word else "act" if op.is_act else ""


def _after_bias(row: Row) -> bool:
    """Say whether the operator that gives the first input adds a bias."""
    producer = row.node.producer
    return bool(producer and getattr(producer.op, "bias", False))


def _padding_word(row: Row) -> str:
    word = row.node.op.__dict__.get("padding", "")
    return word if isinstance(word, str) else ""


# What every row has, by the name that a formula uses; docs/conventions.md says what each is.
NAMES: dict[str, Callable[[Row], Dim]] = {
    **{name: lambda row, name=name: getattr(row, name) for name in COMPONENTS if name != "elementwise"},  # type: ignore[misc]
    **{name: lambda row, kind=kind: row.elementwise.get(kind, 0) for name, kind in KINDS.items()},  # type: ignore[misc]
    "elementwise": lambda row: sum(row.elementwise.values()),
    "inputs": lambda row: row.inputs,
    "outputs": lambda row: row.outputs,
    "branches": lambda row: len(row.node.inputs),
    "first": lambda row: _first(row.node.x).size,
    "c_in": lambda row: _first(row.node.x).c,
    "c_out": lambda row: _first(row.node.y).c,
    "pixels_in": lambda row: _first(row.node.x).pixels,
    "pixels_out": lambda row: _first(row.node.y).pixels,
    "space_in": lambda row: list(_first(row.node.x).space),
    "space_out": lambda row: list(_first(row.node.y).space),
    "rank": lambda row: len(_first(row.node.x).space),
    "taps": lambda row: _per_axis(row, "kernel"),
    "strides": lambda row: _per_axis(row, "stride"),
    "padding_word": _padding_word,
    "kind": lambda row: row.kind,
    "role": _role,
    "path": lambda row: row.name.split("/"),
    "after": _after,
    "after_bias": _after_bias,
    "call": lambda row: row.node.call,
    "shared": lambda row: row.node.shared is not None,
    "density": lambda row: 1 if row.node.density is None else row.node.density,
}


class Numbers(dict[str, Datum]):
    """The names of one row's formulas with their values, each found when it is first read."""

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row

    def __missing__(self, name: str) -> Dim:
        if name in NAMES:
            self[name] = NAMES[name](self.row)
        else:
            self[name] = self.field(name)
        return self[name]

    def field(self, name: str) -> Dim:
        """Return the value of a field of the row's operator; nothing ('') where it has none."""
        op = self.row.node.op
        if name not in op.fields:
            raise KeyError(name)
        value = op.__dict__.get(op.fields[name].attr)
        return "" if value is None else value


class Names:
    """The scope of an expression that knows given names and nothing else (`expr.Lookup`)."""

    def __init__(self, values: dict[str, Datum]) -> None:
        self.vars = values

    def dim(self, name: str) -> Dim:
        """Return c_in, h_in or w_in where they are among the names."""
        try:
            return self.vars[name]
        except KeyError:
            return self.resolve(name)

    def resolve(self, name: str, *_: object) -> Dim:
        """Refuse a name that is not known."""
        raise Fault(f"a convention knows no '{name}'")

    dim_of = resolve

    def named(self, name: str) -> None:
        """Return nothing: no layer is called by a name."""

    def call(self, name: str, values: list[Datum]) -> Datum:
        """Return what a function gives."""
        return built_in(name, values) if name in BUILTINS else self.resolve(name)


_NOTHING = Names({})


def evaluate(expression: Expr, row: Row) -> Dim:
    """Return what a formula gives for a row, a whole number; unknown where it reads one that is.

    Raises Fault where it gives none.
    """
    if not expression.names:
        return constant(expression)
    numbers = Numbers(row)
    if any(numbers[name] is UNKNOWN for name, _ in expression.names):
        return UNKNOWN
    return whole(expression.run(Names(numbers)), LARGEST_TOTAL)


def constant(expression: Expr) -> Dim:
    """Return what a formula without names gives; raise Fault where that is no whole number."""
    return whole(expression.run(_NOTHING), LARGEST_TOTAL)


def unknown(expression: Expr, kinds: Iterable[str]) -> list[tuple[str, int, str]]:
    """Return the names of a formula that rows of these kinds do not have: each with its place and what to do.

    A row of any kind has `NAMES`; one of a certain kind its operator's fields too.
    """
    fields: set[str] = set.intersection(*[set(_fields(kind)) for kind in kinds]) if kinds else set()
    known = {*NAMES, *fields}
    found = [
        (name, offset, nearest(name, known) or f"known: {', '.join(sorted(known))}")
        for name, offset in expression.names
        if name not in known
    ]
    calls = [(name, offset) for name, offset, _ in expression.calls if name not in BUILTINS]
    return found + [(name, offset, f"functions: {', '.join(BUILTINS)}") for name, offset in calls]


def _fields(kind: str) -> Iterable[str]:
    cls: type[Op] | None = find(kind)
    return cls.fields if cls else ()
