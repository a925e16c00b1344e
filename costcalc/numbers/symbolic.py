"""Numbers that remember how they were made: rules run on them show themselves as formulas.

`costcalc explain` runs an operator's own rule on symbols, so the formula printed is the formula
counted with; there is no second copy of it in words.
"""

from __future__ import annotations

from collections.abc import Callable

from costcalc.numbers.num import Dim

_ADD, _MUL, _UNARY, _ATOM = 1, 2, 3, 4


class Symbol:
    """A whole number with the formula that gave it: `text` in names, `filled` in figures."""

    __slots__ = ("filled", "level", "text", "value")

    def __init__(self, value: Dim, text: str, filled: str = "", level: int = _ATOM) -> None:
        self.value = value
        self.text = text
        self.filled = filled or str(value)
        self.level = level

    def __str__(self) -> str:
        return self.text

    @staticmethod
    def ceil_div(a: Dim, b: Dim) -> Symbol:
        """Return ⌈a / b⌉ (`num.ceil_div` finds this here)."""
        return _ceil_div(a, b)

    def __hash__(self) -> int:
        return hash(self.value)

    def __index__(self) -> int:
        return int(self.value)

    def __int__(self) -> int:
        return int(self.value)

    def __bool__(self) -> bool:
        return bool(self.value)

    def __neg__(self) -> Symbol:
        return Symbol(-self.value, f"-{_wrap(self, _UNARY)[0]}", f"-{_wrap(self, _UNARY)[1]}", _UNARY)

    def __eq__(self, other: object) -> bool:
        return bool(self.value == value_of(other))

    def __lt__(self, other: Dim) -> bool:
        return bool(self.value < value_of(other))

    def __le__(self, other: Dim) -> bool:
        return bool(self.value <= value_of(other))

    def __gt__(self, other: Dim) -> bool:
        return bool(self.value > value_of(other))

    def __ge__(self, other: Dim) -> bool:
        return bool(self.value >= value_of(other))

    def __mod__(self, other: Dim) -> Dim:
        return self.value % value_of(other)

    def __rmod__(self, other: Dim) -> Dim:
        return value_of(other) % self.value

    def __add__(self, other: Dim) -> Dim:
        return _binary(self, other, "+", _ADD, lambda a, b: a + b, zero=True)

    def __radd__(self, other: Dim) -> Dim:
        return _binary(other, self, "+", _ADD, lambda a, b: a + b, zero=True)

    def __sub__(self, other: Dim) -> Dim:
        return _binary(self, other, "-", _ADD, lambda a, b: a - b, zero=True)

    def __rsub__(self, other: Dim) -> Dim:
        return _binary(other, self, "-", _ADD, lambda a, b: a - b)

    def __mul__(self, other: Dim) -> Dim:
        return _binary(self, other, "·", _MUL, lambda a, b: a * b, one=True)

    def __rmul__(self, other: Dim) -> Dim:
        return _binary(other, self, "·", _MUL, lambda a, b: a * b, one=True)

    def __floordiv__(self, other: Dim) -> Dim:
        return _binary(self, other, "//", _MUL, lambda a, b: a // b, right=True)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return _binary(other, self, "//", _MUL, lambda a, b: a // b, right=True)


def _ceil_div(a: Dim, b: Dim) -> Symbol:
    value = -(-value_of(a) // value_of(b))
    (left, left_filled), (right, right_filled) = _wrap(a, _MUL), _wrap(b, _MUL, strict=True)
    return Symbol(value, f"⌈{left} / {right}⌉", f"⌈{left_filled} / {right_filled}⌉")


def value_of(x: Dim) -> Dim:
    """Return the plain number behind a symbol, or x itself."""
    return x.value if isinstance(x, Symbol) else x


def _wrap(x: Dim, level: int, *, strict: bool = False) -> tuple[str, str]:
    """Return x in names and in figures, in brackets where it binds less tightly than `level`."""
    if not isinstance(x, Symbol):
        return str(x), str(x)
    if x.level < level or (strict and x.level == level):
        return f"({x.text})", f"({x.filled})"
    return x.text, x.filled


def _binary(
    a: Dim,
    b: Dim,
    sign: str,
    level: int,
    compute: Callable[[Dim, Dim], Dim],
    *,
    zero: bool = False,
    one: bool = False,
    right: bool = False,
) -> Dim:
    """Return `a sign b`; a plain 0 (or 1) that changes nothing leaves no trace in the formula."""
    if zero and _plain(b, 0):
        return a
    if zero and sign == "+" and _plain(a, 0):
        return b
    if one and _plain(a, 1):
        return b
    if one and _plain(b, 1):
        return a
    # (a // b) · c is not a // (b · c), nor is a · (b // c) (a · b) // c: brackets say which.
    left, left_filled = _wrap(a, level, strict=right)
    strict = right or sign == "-" or (level == _MUL and isinstance(b, Symbol) and "//" in b.text)
    last, last_filled = _wrap(b, level, strict=strict)
    value = compute(value_of(a), value_of(b))
    return Symbol(value, f"{left} {sign} {last}", f"{left_filled} {sign} {last_filled}", level)


def _plain(x: Dim, value: int) -> bool:
    return not isinstance(x, Symbol) and not isinstance(x, bool) and x == value
