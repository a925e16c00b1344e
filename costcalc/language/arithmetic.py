"""What the operators and functions of an expression compute: on numbers and arrays, of bounded size."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable, Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.numbers import num
from costcalc.operators.fields import not_a_number

LARGEST_POWER = 4096  # bits of the result of **, and of any other whole number on the way
_LARGE = 2**LARGEST_POWER
LONGEST_LIST = 200  # values of a list that is one value: expressions run over them again and again
MOST_HELD = 1_000  # values of a list that is made on the way, those of the lists in it included


def truth_or_refuse(value: Datum) -> Datum:
    """Return what is asked whether it is true; raise Fault for a word, a list or a layer, which all would be."""
    if value is True or value is False or isinstance(value, int | float) or num.is_array(value):
        return value
    asked = "len(x) > 0" if isinstance(value, list | tuple) else "x != none"  # of a layer, or of none
    hint = "block == basic" if isinstance(value, str) and value != "none" else asked
    raise Fault(f"{num.describe(value)} is neither true nor false", f"write a comparison: {hint}")


def negated(value: Datum) -> Datum:
    """Return what `not` gives."""
    return value == 0 if num.is_array(value) else not value


def number(value: Datum) -> Datum:
    """Return what one can count with; raise Fault, with what to do, for anything else."""
    try:
        return num.number(value)
    except Fault as fault:
        raise Fault(fault.message, not_a_number(value)) from None


def computed(compute: Callable[[Datum, Datum], Datum], a: Datum, b: Datum) -> Datum:
    """Return the result of + - * / // % or **, of bounded size; + also puts two lists together."""
    plain = type(a) is int and type(b) is int  # as most are
    if not plain and compute is operator.add and isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return put_together(a, b)
    try:
        result = compute(a, b) if plain else compute(number(a), number(b))
    except (ZeroDivisionError, FloatingPointError):
        raise Fault(f"{num.describe(a)} is divided by zero") from None
    except OverflowError:
        raise Fault("the number is too large") from None
    if type(result) is int and not -_LARGE < result < _LARGE:
        raise Fault("the number is too large", f"a number on the way has at most {LARGEST_POWER:,} bits")
    return result


def listed(values: list[Datum]) -> list[Datum]:
    """Return a list of values; raise Fault where it holds too many: lists of lists of lists grow fast."""
    if _held(values) > MOST_HELD:
        raise Fault("the list is too long", f"it holds {MOST_HELD:,} values at most, those of lists in it included")
    return values


def _held(values: Sequence[Datum]) -> int:
    """Return how many values a list holds, counted up to the first that is too many."""
    count = 0
    for value in values:
        count += _held(value) if isinstance(value, list | tuple) else 1
        if count > MOST_HELD:
            break
    return count


def put_together(a: Sequence[Datum], b: Sequence[Datum]) -> list[Datum]:
    """Return a list of what two lists hold; raise Fault where it is too long."""
    if len(a) + len(b) > LONGEST_LIST:
        raise Fault(f"a list of {len(a) + len(b):,} values", f"one value has {LONGEST_LIST} at most")
    return listed([*a, *b])


def _power(a: Datum, b: Datum) -> Datum:
    if num.is_array(a) or num.is_array(b):
        from costcalc.numbers.factored import singly

        return singly(_power, a, b)
    if isinstance(a, int) and isinstance(b, int) and b * a.bit_length() > LARGEST_POWER:
        hint = f"its result has {LARGEST_POWER:,} bits at most"
        raise Fault(f"the power {num.describe(a)} ** {num.describe(b)} is too large", hint)
    result = a**b
    if isinstance(result, complex):
        raise Fault(f"{num.describe(a)} has no real power {num.describe(b)}")
    return result


def _log2(x: Datum) -> Datum:
    """Return the logarithm to the base 2 of a number above 0."""
    if num.is_array(x):
        from costcalc.numbers.factored import singly

        return singly(_log2, x)
    if number(x) <= 0:
        raise Fault(f"log2({num.describe(x)}): only a number above 0 has a logarithm")
    return math.log2(x)


def picked(value: Datum, index: Datum) -> Datum:
    """Return x[i] of a list, or of several tensors."""
    value = getattr(value, "tensors", value)
    if type(value) is not list and not isinstance(value, list | tuple):
        hint = "what an operator gives beside it is picked by name: x.h" if hasattr(value, "shape") else ""
        raise Fault(f"{num.describe(value)} is not a list, so nothing can be picked from it", hint)
    place = num.single(num.whole(index))
    if not -len(value) <= place < len(value):
        raise Fault(f"there is no item {place} in a list of {len(value)}", "items count from 0")
    return value[place]


def _length(value: Datum) -> int:
    """Return how many items a list has, or how many tensors there are."""
    return num.length(getattr(value, "tensors", value))


def _same(a: Datum, b: Datum) -> Datum:
    if type(a) is type(b) and type(a) in (int, str):
        return a == b
    if "none" in (a if isinstance(a, str) else "", b if isinstance(b, str) else ""):
        return False  # `none` stands beside everything, a layer too
    for value in (a, b):
        if not isinstance(value, bool | int | float | str | list | tuple) and not num.is_array(value):
            said = f"{num.describe(value)} is compared with {num.describe(b if value is a else a)}"
            raise Fault(said, not_a_number(value))
    kinds = {_kind(a), _kind(b)}
    if len(kinds) > 1 and "none" not in kinds:
        said = f"{num.describe(a)} and {num.describe(b)} can never be equal"
        quoted = any(isinstance(value, str) and re.fullmatch(r"[0-9.]+", value) for value in (a, b))
        raise Fault(said, "a number stands without quotes" if quoted else "compare words with words, lists with lists")
    return list(a) == list(b) if kinds == {"list"} else a == b


def _kind(value: Datum) -> str:
    """Return what a value may be equal to; `none`, and in conventions the empty text, stand beside everything."""
    if isinstance(value, str):
        return "none" if value in ("none", "") else "word"
    return "list" if isinstance(value, list | tuple) else "number"


def _other(a: Datum, b: Datum) -> Datum:
    same = _same(a, b)
    return same == 0 if num.is_array(same) else not same


def _ordered(test: Callable[[Datum, Datum], Datum]) -> Callable[[Datum, Datum], Datum]:
    return lambda a, b: test(number(a), number(b))


def _contains(a: Datum, b: Datum) -> Datum:
    if not isinstance(b, list | tuple):
        raise Fault(f"{num.describe(b)} is not a list")
    comparable = [item for item in b if len({_kind(a), _kind(item)} - {"none"}) < 2]
    if b and not comparable:
        _same(a, b[0])  # which says why that can never be
    found: Datum = False
    for item in comparable:
        found = _same(a, item) | found
    return found


ARITHMETIC: dict[type, Callable[[Datum, Datum], Datum]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: _power,
}
COMPARISONS: dict[type, Callable[[Datum, Datum], Datum]] = {
    ast.Eq: _same,
    ast.NotEq: _other,
    ast.Lt: _ordered(operator.lt),
    ast.LtE: _ordered(operator.le),
    ast.Gt: _ordered(operator.gt),
    ast.GtE: _ordered(operator.ge),
    ast.In: _contains,
    ast.NotIn: lambda a, b: negated(_contains(a, b)),
}
# A function's arguments, at least and at most, and what it gives.
BUILTINS: dict[str, tuple[int, int, Callable[..., Datum]]] = {
    "int": (1, 1, num.trunc),
    "round": (1, 1, num.nearest),
    "floor": (1, 1, num.floor),
    "ceil": (1, 1, num.ceil),
    "min": (1, 99, num.smallest),
    "max": (1, 99, num.largest),
    "sum": (1, 1, num.total),
    "len": (1, 1, _length),
    "log2": (1, 1, _log2),
    "divisible": (1, 2, num.divisible),
}


def built_in(name: str, values: list[Datum]) -> Datum:
    """Return what a function gives; raise Fault where it does not take so many values."""
    least, most, function = BUILTINS[name]
    if not least <= len(values) <= most:
        raise Fault(f"{name} does not take {len(values)} values")
    return function(*values)
