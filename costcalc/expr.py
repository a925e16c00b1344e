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

from costcalc import num
from costcalc.errors import Fault
from costcalc.fields import FUNCTIONS, TENSORS

LONGEST = 400  # characters of one expression
DEEPEST = 40  # levels of one expression
LARGEST_POWER = 4096  # bits of the result of **

Run = Callable[["Scope"], Any]

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_ALLOWED = re.compile(r"[\w\s+\-*/%<>=!()\[\],.'\"]*\Z")


class Scope(Protocol):
    """Where names find their values; `graph` has the real one."""

    vars: dict[str, Any]

    def dim(self, name: str) -> Any:
        """Return c_in, h_in or w_in of the tensor that enters the item."""

    def dim_of(self, name: str, value: Any) -> Any:
        """Return c_of, h_of or w_of of a tensor, given as a value or a layer's name."""

    def word(self, name: str) -> Any:
        """Return what a word that is no variable stands for: a layer's tensor, or the word itself."""

    def call(self, name: str, values: list[Any]) -> Any:
        """Return the value of a function under `define`, or of an indexed name."""


class Expr:
    """A parsed expression: its text, the names it reads with their offsets, and `run(scope)`."""

    __slots__ = ("calls", "names", "run", "text")

    def __init__(self, text: str, names: tuple[tuple[str, int], ...], calls: tuple[Called, ...], run: Run) -> None:
        self.text = text
        self.names = names
        self.calls = calls
        self.run = run

    def __repr__(self) -> str:
        return f"Expr({self.text!r})"


Called = tuple[str, int, int]  # name, offset, number of arguments


@lru_cache(maxsize=4096)
def parse(text: str) -> Expr:
    """Return the expression that a text means; raise Fault, with an offset, for anything else."""
    if _IDENTIFIER.match(text) and text not in _KEYWORDS and len(text) <= LONGEST:
        return Expr(text, ((text, 0),), (), _name(text))
    compiler = _Compiler(text)
    run = compiler.compile(_tree(text).body, 0)
    return Expr(text, tuple(compiler.names), tuple(compiler.calls), run)


def parse_signature(text: str) -> tuple[str, list[tuple[str, Expr | None]]]:
    """Return name and arguments (with their defaults) of `separable(out, stride=1)`, or of a bare name."""
    if re.match(r"[\w.-]+\Z", text):
        return text, []
    tree = _tree(text).body
    if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
        raise Fault(f"'{text[:60]}' is no name with arguments", "write name(first, second=default)")
    arguments: list[tuple[str, Expr | None]] = []
    for arg in tree.args:
        if not isinstance(arg, ast.Name):
            raise Fault("an argument is a name", "write name(first, second=default)", offset=arg.col_offset)
        arguments.append((arg.id, None))
    for keyword in tree.keywords:
        if keyword.arg is None:
            raise Fault("an argument is a name", "write name(first, second=default)", offset=keyword.col_offset)
        source = ast.get_source_segment(text, keyword.value) or ""
        arguments.append((keyword.arg, parse(source)))
    names = [name for name, _ in arguments]
    for name in names:
        if names.count(name) > 1:
            raise Fault(f"two arguments are called '{name}'")
    return tree.func.id, arguments


def _tree(text: str) -> ast.Expression:
    """Return the syntax tree of a text that is short enough to be parsed safely."""
    if len(text) > LONGEST:
        raise Fault(f"an expression of {len(text):,} characters is too long", f"the limit is {LONGEST}")
    if text.count("(") != text.count(")") or text.count("[") != text.count("]"):
        raise Fault(
            f"brackets do not match in '{text}'",
            "inside { } or [ ] YAML cuts at a comma: quote an expression that holds , [ or {",
        )
    if not _ALLOWED.match(text):
        bad = next(c for c in text if not _ALLOWED.match(c))
        raise Fault(f"{bad!r} has no meaning in an expression", "expressions are arithmetic over names and numbers")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise Fault(f"'{text}' is no expression", _advice(text), offset=max((error.offset or 1) - 1, 0)) from None
    except (ValueError, RecursionError, MemoryError):
        raise Fault(f"'{text[:60]}' is no expression", "it is nested too deeply") from None


def _advice(text: str) -> str:
    if re.search(r"\d[A-Za-z]", text):
        return "a text that begins with a digit is a name only in from, share, until, outputs and branches"
    if re.search(r"(?<![=<>!])=(?!=)", text):
        return "to compare, write =="
    if re.match(r"\w+:\S", text):
        return "YAML needs a space after the colon"
    return "expressions are Python's arithmetic: 4 * c_in, ch(32), a if test else b"


def _name(name: str) -> Run:
    if name in _DIMS:
        return lambda scope: scope.dim(name)

    def run(scope: Scope) -> Any:
        try:
            return scope.vars[name]
        except KeyError:
            return scope.word(name)

    return run


_DIMS = frozenset(("c_in", "h_in", "w_in"))
_CONSTANTS = {"true": True, "false": False}
_KEYWORDS = frozenset(
    ("and", "or", "not", "if", "else", "in", "is", "lambda", "for", "None", "True", "False", *_CONSTANTS)
)


class _Compiler:
    """Turns one checked tree into closures, and notes the names that it reads."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.names: list[tuple[str, int]] = []
        self.calls: list[Called] = []

    def compile(self, node: ast.expr, depth: int) -> Run:
        if depth > DEEPEST:
            raise Fault("the expression is nested too deeply", f"the limit is {DEEPEST} levels")
        method = getattr(self, f"_{type(node).__name__.lower()}", None)
        if method is None:
            raise Fault(f"{_spoken(node)} has no place in an expression", _WHAT_MAY, offset=node.col_offset)
        run: Run = method(node, depth + 1)
        return run

    def _constant(self, node: ast.Constant, _: int) -> Run:
        value = node.value
        if not isinstance(value, bool | int | float | str):
            raise Fault(f"{value!r:.40} has no place in an expression", _WHAT_MAY, offset=node.col_offset)
        if isinstance(value, int) and abs(value) >= num.LARGEST:
            raise Fault(
                "the number is too large", f"costcalc takes numbers below {num.LARGEST:,}", offset=node.col_offset
            )
        return lambda _: value

    def _name(self, node: ast.Name, _: int) -> Run:
        if node.id in _CONSTANTS:
            value = _CONSTANTS[node.id]
            return lambda _: value
        self.names.append((node.id, node.col_offset))
        return _name(node.id)

    def _attribute(self, node: ast.Attribute, _: int) -> Run:
        """A dotted name is a layer's: `backbone.stage3`, `cell.out`."""
        parts = []
        part: ast.expr = node
        while isinstance(part, ast.Attribute):
            parts.append(part.attr)
            part = part.value
        if not isinstance(part, ast.Name):
            raise Fault("a dot stands only in a layer's name", _WHAT_MAY, offset=node.col_offset)
        dotted = ".".join([part.id, *reversed(parts)])
        self.names.append((dotted, node.col_offset))
        return lambda scope: scope.word(dotted)

    def _list(self, node: ast.List, depth: int) -> Run:
        items = [self.compile(item, depth) for item in node.elts]
        return lambda scope: [item(scope) for item in items]

    def _unaryop(self, node: ast.UnaryOp, depth: int) -> Run:
        value = self.compile(node.operand, depth)
        if isinstance(node.op, ast.Not):
            return lambda scope: _not(value(scope))
        signs: dict[type, Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}
        sign = signs.get(type(node.op))
        if sign is None:
            raise Fault("~ has no place in an expression", _WHAT_MAY, offset=node.col_offset)
        return lambda scope: sign(num.number(value(scope)))

    def _binop(self, node: ast.BinOp, depth: int) -> Run:
        left, right = self.compile(node.left, depth), self.compile(node.right, depth)
        compute = _ARITHMETIC.get(type(node.op))
        if compute is None:
            raise Fault(f"{_spoken(node.op)} has no place in an expression", _WHAT_MAY, offset=node.col_offset)
        return lambda scope: _arithmetic(compute, left(scope), right(scope))

    def _boolop(self, node: ast.BoolOp, depth: int) -> Run:
        first, *rest = [self.compile(value, depth) for value in node.values]
        both = isinstance(node.op, ast.And)

        def run(scope: Scope) -> Any:
            result = first(scope)
            for value in rest:
                if num.is_array(result):
                    other = value(scope)
                    result = (result != 0) & (other != 0) if both else (result != 0) | (other != 0)
                elif bool(result) is both:
                    result = value(scope)
            return result

        return run

    def _compare(self, node: ast.Compare, depth: int) -> Run:
        operands = [self.compile(value, depth) for value in (node.left, *node.comparators)]
        tests = []
        for op in node.ops:
            test = _COMPARISONS.get(type(op))
            if test is None:
                raise Fault("'is' has no place in an expression", "write ==", offset=node.col_offset)
            tests.append(test)

        def run(scope: Scope) -> Any:
            values = [operand(scope) for operand in operands]
            result: Any = True
            for test, a, b in zip(tests, values, values[1:], strict=False):
                outcome = test(a, b)
                result = outcome if result is True else result & outcome
            return result

        return run

    def _ifexp(self, node: ast.IfExp, depth: int) -> Run:
        test, yes, no = (self.compile(part, depth) for part in (node.test, node.body, node.orelse))
        return lambda scope: yes(scope) if num.truth(test(scope)) else no(scope)

    def _subscript(self, node: ast.Subscript, depth: int) -> Run:
        value, index = self.compile(node.value, depth), self.compile(node.slice, depth)
        return lambda scope: _item(value(scope), index(scope))

    def _call(self, node: ast.Call, depth: int) -> Run:
        if not isinstance(node.func, ast.Name):
            raise Fault("only a function can be called", _WHAT_MAY, offset=node.col_offset)
        if node.keywords and not (node.func.id == "divisible" and [k.arg for k in node.keywords] == ["by"]):
            raise Fault(f"{node.func.id} takes no named arguments", offset=node.col_offset)
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        name, values = node.func.id, [self.compile(arg, depth) for arg in arguments]
        self.calls.append((name, node.col_offset, len(values)))
        if name in TENSORS:
            return self._dim_of(name, values)
        builtin = _BUILTINS.get(name)
        if builtin is None:
            return lambda scope: scope.call(name, [value(scope) for value in values])
        least, most, function = builtin
        if not least <= len(values) <= most:
            raise Fault(f"{name} takes {_count(least, most)}, not {len(values)}", offset=node.col_offset)
        return lambda scope: function(*(value(scope) for value in values))

    def _dim_of(self, name: str, values: list[Run]) -> Run:
        if len(values) != 1:
            raise Fault(f"{name} takes one layer's name, not {len(values)}")
        value = values[0]
        return lambda scope: scope.dim_of(name, value(scope))


_WHAT_MAY = "an expression holds numbers, names, + - * / // % **, comparisons, and or not, a if test else b, x[i], " + (
    ", ".join(f"{f}()" for f in FUNCTIONS)
)


def _spoken(node: ast.AST) -> str:
    names = {
        "Lambda": "a lambda", "Dict": "a mapping", "Set": "a set", "Tuple": "a tuple", "ListComp": "a comprehension",
        "GeneratorExp": "a comprehension", "Slice": "a slice", "Starred": "a star", "Await": "await",
        "NamedExpr": ":=", "JoinedStr": "an f-string", "LShift": "<<", "RShift": ">>", "MatMult": "@",
        "BitOr": "|", "BitAnd": "&", "BitXor": "^",
    }  # fmt: skip
    return names.get(type(node).__name__, type(node).__name__.lower())


def _count(least: int, most: int) -> str:
    if least == most:
        return "1 argument" if least == 1 else f"{least} arguments"
    return f"{least} to {most} arguments" if most < 99 else f"at least {least} argument"


def _not(value: Any) -> Any:
    return value == 0 if num.is_array(value) else not value


def _arithmetic(compute: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    try:
        return compute(num.number(a), num.number(b))
    except ZeroDivisionError:
        raise Fault(f"{num.describe(a)} is divided by zero") from None
    except OverflowError:
        raise Fault("the number is too large") from None


def _power(a: Any, b: Any) -> Any:
    if num.is_array(a) or num.is_array(b):
        return a**b
    bits = a.bit_length() if isinstance(a, int) else 64
    if abs(b) * max(bits, 1) > LARGEST_POWER:
        raise Fault(f"the power {num.describe(a)} ** {num.describe(b)} is too large")
    result = a**b
    if isinstance(result, complex):
        raise Fault(f"{num.describe(a)} has no real power {num.describe(b)}")
    return result


def _item(value: Any, index: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise Fault(f"{num.describe(value)} is not a list, so nothing can be picked from it")
    place = num.whole(index)
    if num.is_array(place) or not -len(value) <= place < len(value):
        raise Fault(f"there is no item {place} in a list of {len(value)}", "items count from 0")
    return value[place]


def _ordered(test: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda a, b: test(num.number(a), num.number(b))


def _contains(a: Any, b: Any) -> bool:
    if not isinstance(b, list | tuple):
        raise Fault(f"{num.describe(b)} is not a list")
    return a in b


_ARITHMETIC: dict[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
_COMPARISONS: dict[type, Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _contains,
    ast.NotIn: lambda a, b: not _contains(a, b),
}
_BUILTINS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "int": (1, 1, num.trunc),
    "round": (1, 1, num.nearest),
    "floor": (1, 1, num.floor),
    "ceil": (1, 1, num.ceil),
    "min": (1, 99, num.smallest),
    "max": (1, 99, num.largest),
    "len": (1, 1, num.length),
    "divisible": (1, 2, num.divisible),
}
