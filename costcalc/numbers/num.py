"""Arithmetic that means the same on ints, on numpy arrays and on symbols.

A rule of an operator uses `+ - * //`, comparisons, and these helpers; then the same line
counts one network exactly (Python ints), a whole sweep at once (int64 arrays, one axis a knob),
and shows itself as a formula (`costcalc.numbers.symbolic`). numpy is imported for arrays only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

from costcalc.base import Datum
from costcalc.base.errors import Fault, stop

# A number of a spec, and every number computed for one row, stays below this (10^15): far above
# any network, and far below the end of int64, so that a product of two is still seen as too large.
LARGEST = 10**15
# A total stays below this (10^18), whatever it was multiplied with last: below the end of int64, as which arrays,
# data frames and Parquet files hold it.
LARGEST_TOTAL = 10**18

# A dimension or a count. It is an int for one network, an array or a `Spread` for a sweep's settings, a `Symbol` in
# `explain`, `UNKNOWN` where nobody knows: a type checker holds it to what ints can, and lets it stand for all of these.
Dim = int | Any
Dims = tuple[Dim, ...]
Condition = bool | Any  # what a comparison of such numbers gives
Array = Any  # numpy's, or a Spread

_PLAIN = (int, float)


class Unknown:
    """A number that nobody knows: whatever is counted with it is unknown too. `UNKNOWN` is the only one."""

    def _stays(self, *_: object) -> Unknown:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _stays
    __truediv__ = __rtruediv__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = __neg__ = _stays

    def __repr__(self) -> str:
        return "unknown"

    def __format__(self, spec: str) -> str:
        return "unknown"

    # It stands above every number, so that a table's order and a budget's check see it first.
    def __lt__(self, other: object) -> bool:
        return False

    def __le__(self, other: object) -> bool:
        return other is self

    def __gt__(self, other: object) -> bool:
        return other is not self

    def __ge__(self, other: object) -> bool:
        return True


UNKNOWN = Unknown()


def percentage(part: Dim, whole: Dim) -> Dim:
    """Return what a part is of a whole, in per cent: of nothing 0, unknown where one of them is."""
    if part is UNKNOWN or whole is UNKNOWN:
        return UNKNOWN
    return 100 * part / whole if whole else 0.0


def or_none(value: Dim) -> Dim | None:
    """Return a count as plain data has it: None where it is unknown."""
    return None if value is UNKNOWN else value


def limited(total: Dim, what: str, times: int = 1) -> Dim:
    """Return a total; raise SpecError where it is too large to be told, so many times. `what` it counts: MACs.

    The one place where totals are bounded: those of one network, and (by their bound) those of a sweep's settings,
    which are then counted in smaller groups, in the end one by one.
    """
    one = type(total) is int
    top = abs(total) if one else getattr(total, "top", 0)
    if top * times >= LARGEST_TOTAL or not (one or top < LARGEST):
        said = f"{total * times:,} {what}" if one else what
        raise stop(f"a total of {said} is too large", hint=f"costcalc tells totals below {LARGEST_TOTAL:,}")
    return total


def is_array(x: object) -> TypeGuard[Array]:
    """Say whether x is a numpy array or scalar, without importing numpy."""
    return hasattr(x, "dtype")


def _numpy() -> Any:
    import numpy as np

    return np


def prod(values: Iterable[Dim]) -> Dim:
    """Return the product of the values, 1 for none."""
    return math.prod(values)


def ceil_div(a: Dim, b: Dim) -> Dim:
    """Return ceil(a / b) for whole numbers."""
    if type(a) is int and type(b) is int:
        return -(-a // b)
    symbolic = getattr(a, "ceil_div", None) or getattr(b, "ceil_div", None)
    return symbolic(a, b) if symbolic else -(-a // b)


def maximum(a: Dim, b: Dim) -> Dim:
    """Return the larger of two numbers, element by element; unknown where one is."""
    if type(a) is int and type(b) is int:
        return max(a, b)
    if a is UNKNOWN or b is UNKNOWN:
        return UNKNOWN
    if is_array(a) or is_array(b):
        return _numpy().maximum(a, b)
    return max(a, b)


def minimum(a: Dim, b: Dim) -> Dim:
    """Return the smaller of two numbers, element by element."""
    return -maximum(-a, -b)


def common_factor(a: Dim, b: Dim) -> Dim:
    """Return the greatest common factor of two numbers, element by element."""
    return _numpy().gcd(a, b) if is_array(a) or is_array(b) else math.gcd(a, b)


def out_len(size: Dim, window: Dim, stride: Dim, before: Dim, after: Dim, *, ceil: bool = False) -> Dim:
    """Return how many windows fit along one axis: (size + padding - window) // stride + 1.

    `window` is the dilated kernel, dilation * (kernel - 1) + 1. With `ceil` a last, partial window
    counts if it starts inside the input or the padding before it (Caffe's and PyTorch's rule).
    """
    if not ceil:
        return (size + before + after - window) // stride + 1
    out = ceil_div(size + before + after - window, stride) + 1
    return out - ((out - 1) * stride >= size + before)


def same_padding(size: Dim, window: Dim, stride: Dim) -> Dim:
    """Return TensorFlow's SAME padding of one axis, in all: what makes the output ceil(size / stride)."""
    return maximum((ceil_div(size, stride) - 1) * stride + window - size, 0)


def real_taps(size: Dim, out: Dim, kernel: Dim, stride: Dim, before: Dim, dilation: Dim) -> Dim:
    """Return how many of the kernel * out products along one axis fall on a real pixel, none of the padding's.

    Tap t of output o reads pixel o * stride + t * dilation - before. A kernel of 3 with padding 1 over
    7 pixels has 19 of 21.
    """
    found: Dim = 0
    for tap in range(single(kernel)):
        shift = tap * dilation - before
        first = maximum(ceil_div(-shift, stride), 0)
        end = minimum((size - 1 - shift) // stride + 1, out)
        found = found + maximum(end - first, 0)
    return found


def every(condition: Condition) -> bool:
    """Say whether a condition holds, for all elements if it is an array."""
    if condition is True or condition is False:  # asked for every layer: the plain answer first
        return condition
    return bool(condition.all()) if is_array(condition) else bool(condition)


def any_of(condition: Condition) -> bool:
    """Say whether a condition holds, for at least one element if it is an array."""
    if condition is True or condition is False:
        return condition
    return bool(condition.any()) if is_array(condition) else bool(condition)


def reaches(x: Dim, limit: int) -> bool:
    """Say whether a number, or an element of an array, is `limit` or more in size."""
    factored = getattr(x, "reaches", None)  # which need not be multiplied out to know that none is
    return bool(factored(limit)) if factored else any_of(abs(x) >= limit)


class Mixed(Exception):
    """A condition that is true for a part of a sweep only; the sweep splits its batch by it."""

    def __init__(self, condition: Condition) -> None:
        super().__init__("a condition differs within one batch")
        self.condition = condition


def truth(condition: Condition) -> bool:
    """Return the truth of a condition; raise `Mixed` if an array's elements disagree."""
    if condition is True or condition is False:  # the plain answer first
        return condition
    if not is_array(condition):
        return bool(condition)
    if condition.all():
        return True
    if condition.any():
        raise Mixed(condition)
    return False


def is_condition(x: Datum) -> bool:
    """Say whether x is true or false, or an array of these."""
    return isinstance(x, bool) or (is_array(x) and x.dtype == bool)


def single(x: Datum) -> Datum:
    """Return the one number that x is in all of a sweep; raise `Mixed` where it differs."""
    if not is_array(x):
        return x
    values = getattr(x, "dense", lambda: None)()
    array = x if values is None else values.array
    first = array.reshape(-1)[0].item()
    if (array == first).all():
        return first
    raise Mixed(x)


def whole(x: Datum, limit: int = LARGEST) -> Dim:
    """Return x as a whole number (ints stay, 24.0 becomes 24); raise Fault for 24.5, or one as large as the limit."""
    if type(x) is int:
        if -limit < x < limit:
            return x
        raise Fault("the number is too large", f"costcalc takes whole numbers below {limit:,}")
    if is_array(x):
        return _whole_array(x)
    if isinstance(x, float):
        if not math.isfinite(x):
            raise Fault(f"{x} is not a number that can be counted with")
        if not x.is_integer():
            raise Fault(f"{x:g} is not a whole number", "round it: int(...), round(...), ceil(...) or divisible(...)")
        return whole(int(x), limit)
    raise Fault(f"{describe(x)} is not a whole number")


def _whole_array(x: Array) -> Array:
    np = _numpy()
    if not np.issubdtype(x.dtype, np.number):
        raise Fault("true or false is not a whole number")
    if np.issubdtype(x.dtype, np.floating) and not (np.isfinite(x).all() and (x == np.floor(x)).all()):
        raise Fault("not a whole number for some of the values", "round it: int(...), ceil(...) or divisible(...)")
    if reaches(x, LARGEST):
        raise Fault("the number is too large for some of the values")
    return x.astype(np.int64)


def describe(x: object) -> str:
    """Return a value as an error message names it: 'true', a list, 'half'."""
    if isinstance(x, bool):
        return "true" if x else "false"
    if x is None:
        return "nothing"
    if isinstance(x, list | tuple):
        return f"a list of {len(x)}"
    if isinstance(x, dict):
        return "a mapping"
    return f"'{str(x)[:60]}'" if isinstance(x, str) else str(x)[:60]


# ---- the functions that an expression may call; each takes a number or an array -------------------


def number(x: Datum) -> Dim:
    """Return x if one can count with it; raise Fault for a word, a list, or nothing."""
    if isinstance(x, _PLAIN) or is_array(x):
        return x
    raise Fault(f"{describe(x)} is not a number")


def _rounding(name: str, plain: Callable[[float], int]) -> Callable[[Datum], Dim]:
    def function(x: Datum) -> Dim:
        if is_array(x):
            np = _numpy()
            return getattr(np, name)(x).astype(np.int64)
        x = number(x)
        return plain(x) if math.isfinite(x) else whole(x)

    return function


trunc = _rounding("trunc", int)
floor = _rounding("floor", math.floor)
ceil = _rounding("ceil", math.ceil)
nearest = _rounding("rint", round)


def smallest(*values: Datum) -> Dim:
    """Return the least of the values, or of one list of them."""
    return _fold(minimum, values)


def largest(*values: Datum) -> Dim:
    """Return the greatest of the values, or of one list of them."""
    return _fold(maximum, values)


def _fold(two: Callable[[Dim, Dim], Dim], values: tuple[Datum, ...]) -> Dim:
    items = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
    if not items:
        raise Fault("there is nothing to choose from")
    result = number(items[0])
    for item in items[1:]:
        result = two(result, number(item))
    return result


def total(x: Datum) -> Dim:
    """Return the sum of a list's numbers, 0 of an empty one."""
    return sum((number(item) for item in x), 0) if length(x) else 0


def length(x: Datum) -> int:
    """Return how many items a list has."""
    if not isinstance(x, list | tuple):
        raise Fault(f"{describe(x)} is not a list")
    return len(x)


def divisible(x: Datum, by: Datum = 8) -> Dim:
    """Return the nearest multiple of `by` to x, at least `by` and never below 90 % of x.

    The rounding of MobileNetV2 and what followed it (make_divisible in TF-slim and torchvision).
    """
    x, by = number(x), whole(number(by))
    if any_of(by < 1):
        raise Fault(f"divisible(x, {by}): the multiple must be at least 1")
    result = maximum(by, trunc(x + by / 2) // by * by)
    return result + (result < 0.9 * x) * by
