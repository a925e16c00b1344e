"""One layer explained: each rule of its operator, run on symbols, with the numbers put in."""

from __future__ import annotations

from costcalc.base import Datum
from costcalc.base.errors import nearest, stop
from costcalc.base.text import plural
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.costs.counting import cost
from costcalc.costs.rows import Row
from costcalc.explanations.tool_differences import of_row
from costcalc.graph.graph import Graph, Node
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape, Shapes, listed
from costcalc.numbers.symbolic import Symbol, value_of
from costcalc.operators.op import PARAMETERS, Op

AXES = {1: ("",), 2: ("_h", "_w"), 3: ("_d", "_h", "_w")}
SIDES = {1: (("_l", "_r"),), 2: (("_t", "_b"), ("_l", "_r")), 3: (("_f", "_k"), ("_t", "_b"), ("_l", "_r"))}
SPACE = {0: (), 1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}


class Formula:
    """One quantity: its name, the formula in symbols, the formula in figures, its value."""

    __slots__ = ("filled", "name", "text", "value")

    def __init__(self, name: str, result: Dim) -> None:
        self.name = name
        self.value = value_of(result)
        self.text = result.text if isinstance(result, Symbol) else ""
        self.filled = result.filled if isinstance(result, Symbol) else ""

    def __str__(self) -> str:
        steps = [self.text, self.filled, f"{self.value:,}"]
        said = list(dict.fromkeys(step for step in steps if step and step != self.name))
        # A bare figure and the same with its commas say it once.
        if len(said) > 1 and said[-1].replace(",", "") == said[-2]:
            del said[-2]
        return f"{self.name} = {' = '.join(said)}"


def find(graph: Graph, name: str) -> list[Node]:
    """Return the rows of a layer (its norm and activation with it), by its path or the path's end.

    Raises SpecError for a name that no layer has, or that several paths end in.
    """
    exact = [node for node in graph.nodes if name in (node.layer, node.name)]
    if exact:
        return [node for node in exact if node.name == name] if all(n.layer != name for n in exact) else exact
    ends = sorted({node.layer for node in graph.nodes if node.layer.endswith(f"/{name}")})
    if len(ends) == 1:
        return find(graph, ends[0])
    layers = sorted({node.layer for node in graph.nodes})
    if ends:
        raise stop(f"{len(ends)} layers end in '{name}'", hint=f"say which: {_some(ends)}")
    inside = [layer for layer in layers if layer.startswith(f"{name}/")]
    if inside:
        raise stop(f"'{name}' is a group of {plural(len(inside), 'layer')}", hint=f"say which: {_some(inside)}")
    raise stop(f"there is no layer '{name}'", hint=nearest(name, layers) or f"layers: {_some(layers)}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f", ... {len(names) - 6} more" if len(names) > 6 else "")


def symbolic(op: Op, axes: int) -> Op:
    """Return the operator with symbols for the numbers that its fields declare one for."""
    twin: Op = object.__new__(type(op))
    twin.__dict__.update(op.__dict__)
    for field in op.fields.values():
        value = op.__dict__.get(field.attr)
        if field.symbol and value is not None and not isinstance(value, str):
            twin.__dict__[field.attr] = _symbols(field.symbol, value, axes)
    return twin


def _symbols(letter: str, value: Datum, axes: int) -> Datum:
    if not isinstance(value, tuple):
        return Symbol(value, letter)
    if value and isinstance(value[0], tuple):
        return tuple(
            tuple(Symbol(v, letter + side) for v, side in zip(pair, sides, strict=True))
            for pair, sides in zip(value, SIDES.get(axes, SIDES[2]), strict=True)
        )
    return tuple(Symbol(v, letter + axis) for v, axis in zip(value, _suffixes(len(value)), strict=True))


def _suffixes(count: int) -> tuple[str, ...]:
    return AXES.get(count, tuple(f"_{n + 1}" for n in range(count)))


def symbolic_shape(shape: Shapes, mark: str) -> Shapes:
    """Return a shape in symbols: C_i, H_i, W_i; of several, C_1, C_2, ..."""
    if isinstance(shape, tuple):
        return tuple(symbolic_shape(part, str(n + 1)) for n, part in enumerate(shape))
    letters = ("C", *SPACE.get(len(shape.space), tuple(f"N{n}" for n in range(len(shape.space)))))
    return Shape(*(Symbol(d, f"{letter}_{mark}") for d, letter in zip(shape.dims, letters, strict=True)))


def formulas(node: Node) -> list[Formula]:
    """Return the formulas of one row: its output's shape, then every component that is not zero."""
    first = node.x if isinstance(node.x, Shape) else (*node.x, node.y)[0]
    axes = len(first.space)
    op, x = symbolic(node.op, axes), symbolic_shape(node.x, "i")
    made = _shape_formulas(op.shape(x))
    y = symbolic_shape(node.y, "o")
    for name in node.op.counted:
        result = getattr(op, name)(x, y)
        if name == "elementwise":
            made += [Formula(f"elementwise {kind}", part) for kind, part in result.items() if value_of(part)]
        elif value_of(result):
            made.append(Formula(name.replace("_", " "), result))
    return made


def _shape_formulas(shape: Shapes) -> list[Formula]:
    if isinstance(shape, tuple):
        return [formula for part in shape for formula in _shape_formulas(part)]
    letters = ("C", *SPACE.get(len(shape.space), tuple(f"N{n}" for n in range(len(shape.space)))))
    return [Formula(f"{letter}_o", dim) for letter, dim in zip(letters, shape.dims, strict=True)]


def page(nodes: list[Node], rows: list[Row], convention: Convention) -> list[str]:
    """Return what `costcalc explain` prints: a section a row, and what the convention makes of it."""
    said: list[str] = []
    for node, row in zip(nodes, rows, strict=True):
        fields = ", ".join(f"{name} {_plain(node.op.__dict__[f.attr])}" for name, f in node.op.fields.items())
        said += [f"{node.name}: {node.op.type(node.x)}, {listed(node.x)} -> {listed(node.y)}"]
        said += [f"  fields: {fields}"] if fields else []
        said += [f"  {formula}" for formula in formulas(node)]
        counted = cost(row, conventions.get(conventions.DEFAULT))
        said.append(f"  {conventions.DEFAULT}: {counted.params:,} params, {counted.operations:,} MACs")
        if convention.name != conventions.DEFAULT:
            said += of_row(row, convention)
        if node.shared is not None:
            said.append(
                f"  it uses the weights of '{node.shared.name}', where its {' and '.join(PARAMETERS)} are counted"
            )
        if not node.op.derived:
            said.append(f"  {node.op.kind}: these numbers are stated by the spec, not derived")
        said.append("")
    return [*said, convention.counted]


def _plain(value: Datum) -> str:
    if isinstance(value, tuple):
        return "[" + ", ".join(_plain(v) for v in value) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)
