"""The expression language: Python's arithmetic over names, and nothing else.

An expression is parsed with Python's own parser, its tree is checked node by node against a short
list of what may stand in it, and it is turned into nested closures. Nothing is ever compiled or
executed as code. Length, depth and powers are bounded, so evaluation takes bounded time.
"""

from __future__ import annotations

import ast
import operator
import re
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Protocol

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.base.text import is_identifier
from costcalc.language.arithmetic import (
    ARITHMETIC,
    BUILTINS,
    COMPARISONS,
    computed,
    listed,
    negated,
    number,
    picked,
    truth_or_refuse,
)
from costcalc.numbers import num
from costcalc.operators.fields import FUNCTIONS, LATER, TENSORS

LONGEST = 400  # characters of one expression
DEEPEST = 40  # levels of one expression

Run = Callable[["Lookup"], Datum]

_SPACES = "\t\n\r\f\v"
_SIGNS = f"_+-*/%<>=!()[],.'\" {_SPACES}"


class Lookup(Protocol):
    """Where names find their values; `graph` has the real one."""

    vars: dict[str, Datum]

    def dim(self, name: str) -> Datum:
        """Return c_in, h_in or w_in of the tensor that enters the item."""

    def dim_of(self, name: str, value: Datum, axis: Datum = None) -> Datum:
        """Return c_of, h_of, ... of a tensor, given as a value or a layer's name; size_of along an axis."""

    def resolve(self, name: str) -> Datum:
        """Return what a word that is no variable stands for: a layer's tensor, or the word itself."""

    def named(self, name: str) -> Datum:
        """Return the layer that is called just so; None where a text is no name."""

    def call(self, name: str, values: list[Datum]) -> Datum:
        """Return the value of a function under `define`, of an indexed name, or of a function of `LATER`."""


class Expr:
    """A parsed expression: its text, the names it reads with their offsets, and `run(scope)`."""

    __slots__ = ("calls", "limit", "names", "run", "text")

    def __init__(
        self, text: str, names: tuple[tuple[str, int], ...], calls: tuple[Called, ...], run: Run, limit: int
    ) -> None:
        self.text = text
        self.limit = limit  # what its whole numbers stay below
        self.names = names
        self.calls = calls
        self.run = run

    def __reduce__(self) -> Any:
        return parse, (self.text, self.limit)  # closures are made anew

    def __repr__(self) -> str:
        return f"Expr({self.text!r})"


Called = tuple[str, int, int]  # name, offset, number of arguments


@lru_cache(maxsize=4096)
def parse(text: str, limit: int = num.LARGEST) -> Expr:
    """Return the expression that a text means; raise Fault, with an offset, for anything else.

    limit: what whole numbers in it stay below.
    """
    if is_identifier(text) and text not in _KEYWORDS and len(text) <= LONGEST:
        return Expr(text, ((text, 0),), (), _name(text), limit)
    compiler = _Compiler(text, limit)
    run = compiler.compile(tree_of(text).body, 0)
    return Expr(text, tuple(compiler.names), tuple(compiler.calls), run, limit)


def tree_of(text: str) -> ast.Expression:
    """Return the syntax tree of a text that is short enough to be parsed safely."""
    if len(text) > LONGEST:
        raise Fault(f"an expression of {len(text):,} characters is too long", f"the limit is {LONGEST}")
    strange = next((c for c in text if not (c.isascii() and c.isalnum()) and c not in _SIGNS), None)
    if strange is not None:
        said = _STRANGE_WORDS.get(strange, "expressions are arithmetic over names and numbers")
        raise Fault(f"{strange!r} has no meaning in an expression", said, offset=text.index(strange))
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        raise Fault(
            f"brackets do not match in '{text[:60]}'",
            "close every bracket; inside { } or [ ] quote an expression that holds , [ or {",
        )
    line = text.translate(_ONE_LINE)
    start = len(line) - len(line.lstrip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(line[start:], mode="eval")
    except SyntaxError as error:
        place = min(start + max((error.offset or 1) - 1, 0), len(text) - 1)
        raise Fault(f"'{text[:60]}' is no expression", _advice(text), offset=max(place, 0)) from None
    except (ValueError, RecursionError, MemoryError):
        raise Fault(f"'{text[:60]}' is no expression", "it is nested too deeply") from None
    for node in ast.walk(tree) if start else ():
        if isinstance(node, ast.expr):
            node.col_offset += start
    return tree


_ONE_LINE = str.maketrans(_SPACES, " " * len(_SPACES))
_STRANGE_WORDS = {
    "&": "for both of two tests, write and", "|": "for one of two tests, write or", "~": "write not",
    "^": "a power is written **", ":": "a lambda and a slice have no place here; YAML needs a space after a colon",
    "{": "a mapping has no place here", "#": "a comment needs a space before it",
}  # fmt: skip


def _advice(text: str) -> str:
    if re.fullmatch(r"\s*\d+(\s*[x×]\s*\d+)+\s*", text):
        return f"write [{', '.join(re.findall(r'[0-9]+', text))}], or one number for all axes"
    if re.search(r"\d[A-Za-z]", text):
        return "a text that begins with a digit is a name only in from, share, until, outputs and branches"
    if re.search(r"(?<![=<>!])=(?!=)", text):
        return "to compare, write =="
    return "expressions are Python's arithmetic: 4 * c_in, ch(32), a if test else b"


def _name(name: str) -> Run:
    if name in _DIMS:
        return lambda scope: scope.dim(name)

    def run(scope: Lookup) -> Datum:
        variables = scope.vars
        return variables[name] if name in variables else scope.resolve(name)

    return run


_DIMS = frozenset(("c_in", "h_in", "w_in"))
_CONSTANTS = {"true": True, "false": False}
_KEYWORDS = frozenset(
    ("and", "or", "not", "if", "else", "in", "is", "lambda", "for", "None", "True", "False", *_CONSTANTS)
)


class _Compiler:
    """Turns one checked tree into closures, and notes the names that it reads."""

    def __init__(self, text: str, limit: int) -> None:
        self.text = text
        self.limit = limit  # what whole numbers stay below
        self.names: list[tuple[str, int]] = []
        self.calls: list[Called] = []

    def compile(self, node: ast.expr, depth: int) -> Run:
        if depth > DEEPEST:
            raise Fault("the expression is nested too deeply", f"the limit is {DEEPEST} levels")
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            listed = f"a list stands in square brackets: [{self.text.strip()[1:-1]}]"
            said = listed if isinstance(node, ast.Tuple) and self.text.strip().startswith("(") else _WHAT_MAY
            raise Fault(f"{_spoken(node)} has no place in an expression", said, offset=node.col_offset)
        run: Run = method(node, depth + 1)
        return run

    def _constant(self, node: ast.Constant, _: int) -> Run:
        value = node.value
        if not isinstance(value, bool | int | float | str):
            raise Fault(f"{value!r:.40} has no place in an expression", _WHAT_MAY, offset=node.col_offset)
        if isinstance(value, int) and value >= self.limit:
            hint = f"costcalc takes numbers below {self.limit:,}"
            raise Fault("the number is too large", hint, offset=node.col_offset)
        return lambda _: value

    def _name(self, node: ast.Name, _: int) -> Run:
        if node.id in _CONSTANTS:
            value = _CONSTANTS[node.id]
            return lambda _: value
        self.names.append((node.id, node.col_offset))
        return _name(node.id)

    def _attribute(self, node: ast.Attribute, depth: int) -> Run:
        """A dotted name is a layer's: `backbone.stage3`, `cell.out`."""
        parts = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            parts.append(part.attr)
            part = part.value
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Name) and part.func.id not in FUNCTIONS + TENSORS:
            return self._part_of_indexed(part, ".".join(reversed(parts)), depth)
        if not isinstance(part, ast.Name):
            raise Fault("a dot stands only in a layer's name", _WHAT_MAY, offset=node.col_offset)
        dotted = ".".join([part.id, *reversed(parts)])
        self.names.append((dotted, node.col_offset))
        return lambda scope: scope.resolve(dotted)

    def _part_of_indexed(self, node: ast.Call, part: str, depth: int) -> Run:
        """A part of a layer with an index: `halves(k).left`."""
        assert isinstance(node.func, ast.Name)
        name, values = node.func.id, [self.compile(arg, depth) for arg in node.args]
        self.calls.append((name, node.col_offset, len(values)))
        return lambda scope: scope.resolve(f"{name}{num.single(num.whole(values[0](scope)))}.{part}")

    def _list(self, node: ast.List, depth: int) -> Run:
        items = [self.compile(item, depth) for item in node.elts]
        return lambda scope: listed([item(scope) for item in items])

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Run:
        value = self.compile(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda scope: negated(truth_or_refuse(value(scope)))
        sign = operator.neg if isinstance(node.op, ast.USub) else operator.pos
        return lambda scope: sign(number(value(scope)))

    def _binop(self, node: ast.BinOp, depth: int) -> Run:
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        compute = ARITHMETIC.get(type(node.op))
        if compute is None:
            raise Fault(f"{_spoken(node.op)} has no place in an expression", _WHAT_MAY, offset=node.col_offset)
        return lambda scope: computed(compute, left(scope), right(scope))

    def _boolop(self, node: ast.BoolOp, depth: int) -> Run:
        first, *rest = [self.compile(value, depth) for value in node.values]
        both = isinstance(node.op, ast.And)

        def run(scope: Lookup) -> Datum:
            result = truth_or_refuse(first(scope))
            for value in rest:
                if num.is_array(result):
                    other = truth_or_refuse(value(scope))
                    if num.is_condition(result) and num.is_condition(other):
                        result = result & other if both else result | other
                    elif num.truth(result) is both:
                        result = other
                elif bool(result) is both:
                    result = truth_or_refuse(value(scope))
            return result

        return run

    def _compare(self, node: ast.Compare, depth: int) -> Run:
        operands = [self.compile(value, depth) for value in (node.left, *node.comparators)]
        tests = []
        for op in node.ops:
            test = COMPARISONS.get(type(op))
            if test is None:
                raise Fault("'is' has no place in an expression", "write ==", offset=node.col_offset)
            tests.append(test)

        if len(tests) == 1:
            (left, right), only = operands, tests[0]
            return lambda scope: only(left(scope), right(scope))

        def run(scope: Lookup) -> Datum:
            values = [operand(scope) for operand in operands]
            result: Datum = True
            for test, a, b in zip(tests, values, values[1:], strict=False):
                outcome = test(a, b)
                result = outcome if result is True else result & outcome
            return result

        return run

    def _ifexp(self, node: ast.IfExp, depth: int) -> Run:
        test, yes, no = (self.compile(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda scope: yes(scope) if num.truth(truth_or_refuse(test(scope))) else no(scope)

    def _subscript(self, node: ast.Subscript, depth: int) -> Run:
        value, index = self._several(node.value, depth), self.compile(node.slice, depth)
        return lambda scope: picked(value(scope), index(scope))

    def _several(self, node: ast.expr, depth: int) -> Run:
        """A list, or a layer of several tensors; nothing is picked from a word, so a layer may be called as one is."""
        value = self.compile(node, depth)
        if not isinstance(node, ast.Name):
            return value

        def run(scope: Lookup) -> Datum:
            found = value(scope)
            return scope.named(found) or found if type(found) is str else found

        return run

    def _call(self, node: ast.Call, depth: int) -> Run:
        if not isinstance(node.func, ast.Name):
            raise Fault("only a function can be called", _WHAT_MAY, offset=node.col_offset)
        if node.keywords and not (node.func.id == "divisible" and [k.arg for k in node.keywords] == ["by"]):
            hint = "write divisible(x, by=8)" if node.func.id == "divisible" else "write their values in order"
            place = node.keywords[0].col_offset
            raise Fault(f"{node.func.id} has no argument '{node.keywords[0].arg}'", hint, offset=place)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        compiled = self._several if node.func.id == "len" else self.compile
        name, values = node.func.id, [compiled(arg, depth) for arg in arguments]
        self.calls.append((name, node.col_offset, len(values)))
        if name in LATER or not (name in TENSORS or name in BUILTINS):
            return lambda scope: scope.call(name, [value(scope) for value in values])
        if wrong := wrong_count(name, len(values)):
            raise Fault(wrong, offset=node.col_offset)
        if name in TENSORS:
            return lambda scope: scope.dim_of(name, values[0](scope))
        function = BUILTINS[name][2]
        if len(values) == 1:
            only = values[0]
            return lambda scope: function(only(scope))
        return lambda scope: function(*[value(scope) for value in values])


def wrong_count(name: str, count: int) -> str:
    """Return what is wrong with a call of a function of the language with so many arguments, '' for nothing."""
    if name in TENSORS:
        wanted = "a layer's name and an axis" if name == "size_of" else "one layer's name"
        return "" if count == 1 + (name == "size_of") else f"{name} takes {wanted}, not {count}"
    least, most, _ = BUILTINS[name]
    return "" if least <= count <= most else f"{name} takes {_count(least, most)}, not {count}"


_WHAT_MAY = "an expression holds numbers, names, + - * / // % **, comparisons, and or not, a if test else b, x[i], " + (
    ", ".join(f"{f}()" for f in FUNCTIONS)
)


def _spoken(node: ast.AST) -> str:
    names = {
        "Tuple": "a tuple", "ListComp": "a comprehension", "GeneratorExp": "a comprehension", "Starred": "a star",
        "Await": "await", "Yield": "yield", "JoinedStr": "an f-string", "LShift": "<<", "RShift": ">>",
    }  # fmt: skip
    return names.get(type(node).__name__, type(node).__name__.lower())


def _count(least: int, most: int) -> str:
    if least == most:
        return "1 argument" if least == 1 else f"{least} arguments"
    return f"{least} or {most} arguments" if most < 99 else f"at least {least} argument"
