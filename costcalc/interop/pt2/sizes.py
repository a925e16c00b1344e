"""Sizes that a saved program leaves open: expressions of symbols, which the sizes of its inputs bind."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.hints import argument, said

LONGEST = 20_000  # characters of an expression
LARGEST = 10**18
OPEN = "an open batch (dynamic_shapes={0: Dim('batch')}) is counted as one image"
ANEW = f"export it for one image; {OPEN}"

# What PyTorch writes sizes with, each of numbers.
FUNCTIONS: dict[str, Callable[..., float]] = {
    "Integer": int,
    "Float": float,
    "Rational": lambda a, b: a / b,
    "Add": lambda *terms: sum(terms),
    "Mul": lambda *factors: math.prod(factors),
    "Pow": lambda base, power: base**power if abs(power) <= 8 else math.nan,
    "Max": max,
    "Min": min,
    "Mod": lambda a, b: a % b,
    "PythonMod": lambda a, b: a % b,
    "FloorDiv": lambda a, b: a // b,
    "CleanDiv": lambda a, b: a // b,
    "CeilDiv": lambda a, b: -(-a // b),
    "IntTrueDiv": lambda a, b: a / b,
    "FloatTrueDiv": lambda a, b: a / b,
    "ToFloat": float,
    "TruncToInt": math.trunc,
    "FloorToInt": math.floor,
    "CeilToInt": math.ceil,
    "RoundToInt": round,
}


class OpenSizes:
    """The sizes of a program's tensors: those that are open are known once its inputs' are."""

    def __init__(self) -> None:
        self.symbols: dict[str, int] = {}
        self.known: dict[str, float] = {}  # expressions, with what they are

    def number(self, size: Mapping[str, Datum]) -> float | None:
        """Return a size as the file writes it, or another number; None where it is of a symbol that is open."""
        if "as_expr" not in size:
            found = size.get("as_int", size.get("as_float"))
            return found if isinstance(found, int | float) else None
        text = size["as_expr"]["expr_str"]
        if text not in self.known:
            if len(text) > LONGEST:
                raise stop(f"a size is an expression of more than {LONGEST:,} characters")
            tree = ast.parse(text, mode="eval").body
            if any(symbol not in self.symbols for symbol in _symbols(tree)):
                return None
            self.known[text] = _value(tree, self.symbols)
        return self.known[text]

    def whole(self, name: str, size: Mapping[str, Datum]) -> int:
        """Return the length of an axis of a tensor."""
        found = self.number(size)
        if found is None:
            raise stop(f"the shape of {name} is open, and no input says it", hint=ANEW)
        if found != int(found):
            raise stop(f"the shape of {name} is no whole number")
        return int(found)

    def bind(self, name: str, sizes: Sequence[Mapping[str, Datum]], given: Sequence[int] | None) -> None:
        """Let an input have this shape, without the batch, if one is given; a batch that is open is one image."""
        known = [self.number(size) for size in sizes]
        wanted: list[float | None] = [*given] if given is not None else known[1:]
        if len(wanted) != len(sizes):
            batch = 1 if known[:1] == [None] and (given is not None or 1 not in known) else next(iter(known), None)
            wanted = [batch, *wanted]
        shown = "x".join("?" if n is None else str(n) for n in (known if len(known) == len(given or ()) else known[1:]))
        if len(wanted) != len(sizes):
            raise stop(f"the input {name} has {len(sizes) - 1} axes beside the batch: {shown}")
        for size, want in zip(sizes, wanted, strict=True):
            if want is None:
                hint = said("give it, {}", argument(input=(3, 224, 224)))
                raise stop(f"the input {name} is of {shown}, where ? is open", hint=hint)
            if self.number(size) is None:
                self._solve(size["as_expr"]["expr_str"], int(want))
            if self.number(size) != want:
                raise stop(
                    f"the input {name} is of {shown} in the file, not {'x'.join(map(str, given or ()))}",
                    hint="export it anew, with dynamic_shapes for what may be another",
                )

    def _solve(self, text: str, want: int) -> None:
        """Give the one symbol of an expression the value at which it is so much, if it grows evenly."""
        tree = ast.parse(text[:LONGEST], mode="eval").body
        opened = sorted({symbol for symbol in _symbols(tree) if symbol not in self.symbols})
        if len(opened) > 1:
            raise stop(f"the size {text[:60]} is of {len(opened)} symbols", hint=ANEW)
        one, two = (_value(tree, {**self.symbols, opened[0]: n}) for n in (1, 2))
        self.symbols[opened[0]] = int((want - one) // (two - one)) + 1 if two != one else 1


def _symbols(tree: ast.AST) -> Iterator[str]:
    """Return the names of the symbols in an expression."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Symbol":
            yield str(_literal(node.args[0]))


def _value(tree: ast.AST, symbols: Mapping[str, int]) -> float:
    """Return what an expression is; only numbers, symbols and the functions above are in one."""
    if isinstance(tree, ast.UnaryOp) and isinstance(tree.op, ast.USub):
        return -_value(tree.operand, symbols)
    if isinstance(tree, ast.Constant):
        return _bounded(tree.value)
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise stop("a size is an expression that makes no sense")
    if tree.func.id == "Symbol":
        return symbols[str(_literal(tree.args[0]))]
    if tree.func.id not in FUNCTIONS:
        raise stop(f"a size is an expression with {tree.func.id[:40]}, which is not known", hint=ANEW)
    if tree.func.id == "Float":  # with how exact it is
        return _bounded(float(str(_literal(tree.args[0]))))
    return _bounded(FUNCTIONS[tree.func.id](*(_value(one, symbols) for one in tree.args)))


def _literal(tree: ast.AST) -> Datum:
    return tree.value if isinstance(tree, ast.Constant) else None


def _bounded(found: Datum) -> float:
    """Return a number; raise SpecError for what is none, or has no end."""
    if not isinstance(found, int | float) or not abs(found) <= LARGEST:
        raise stop("a size is an expression of numbers without end")
    return found
