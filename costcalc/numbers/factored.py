"""Numbers of a sweep: a value for each setting, kept as a sum of products of vectors, one vector an axis.

A sweep over 1000 widths and 1000 resolutions has a million settings, but channels depend on the
width alone and pixels on the resolution alone. A cost is a sum over layers of (a term of the width)
x (a term of the resolution): it is kept so, factored, and multiplied out only when a block of
settings is asked for, as one product of matrices. The operators' rules need not know: a Spread
adds, multiplies and compares as an array does, and `costcalc.numbers.num` takes it for one.

A `Factor` is an array over some axes, as long as they are; a term is a product of factors over
different axes; a Spread is a sum of terms. Only whole numbers are kept apart so: floats are rounded at
each step, and give what one setting gives only where the steps are the same.

Whole numbers stay below 2^53, where int64 never wraps and float64 holds each. What might reach it is refused
with a Fault, and a sweep counts such settings one by one, on Python's own numbers.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from math import prod
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault
from costcalc.numbers.num import LARGEST, Array, Dim, truth

MOST_DENSE = 1 << 22  # elements of an array over several axes; a sweep that needs more is cut into parts
_EXACT = 1 << 53  # what whole numbers stay below: see above


class TooWide(Exception):
    """A value depends on several axes at once, and has too many elements; the axes are to be cut."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__("a value of a sweep has too many elements")
        self.axes = axes


class Factor:
    """An array over some axes, in their order; `top` bounds the size of its elements."""

    __slots__ = ("array", "axes", "top")

    def __init__(self, axes: tuple[int, ...], array: Array, top: Dim | None = None) -> None:
        self.axes = axes
        self.array = array
        self.top = _largest(array) if top is None else top

    def over(self, axes: Sequence[int]) -> Array:
        """Return the array with an axis of length 1 for each of `axes` that it lacks."""
        sizes = dict(zip(self.axes, self.array.shape, strict=True))
        return self.array.reshape([sizes.get(axis, 1) for axis in axes])

    def cut(self, parts: dict[int, Any]) -> Factor:
        """Return the part of it that these indices choose on each axis."""
        array = self.array
        for place, axis in enumerate(self.axes):
            if axis in parts:
                array = array[(slice(None),) * place + (parts[axis],)]
        return Factor(self.axes, array, self.top)


Term = tuple[Factor, ...]


class Spread:
    """A number for each setting of a sweep."""

    __slots__ = ("terms",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, *terms: Term) -> None:
        self.terms = terms

    def __repr__(self) -> str:
        return f"<{len(self.terms)} terms over axes {', '.join(map(str, self.axes))}>"

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes that the value depends on, in order."""
        return tuple(sorted({axis for term in self.terms for factor in term for axis in factor.axes}))

    @property
    def written(self) -> tuple[Any, ...]:
        """Its numbers, as what can be compared and hashed."""
        return tuple(
            (factor.axes, factor.array.dtype.str, factor.array.tobytes()) for term in self.terms for factor in term
        )

    @property
    def dtype(self) -> Any:
        """The type of its numbers, as numpy names it."""
        return self.terms[0][0].array.dtype

    def dense(self) -> Factor:
        """Return the value as one array; raise TooWide where it has too many elements."""
        if len(self.terms) == 1 and len(self.terms[0]) == 1:
            return self.terms[0][0]
        axes = _spanned(factor for term in self.terms for factor in term)
        return _made(axes, self.top, [[factor.over(axes) for factor in term] for term in self.terms])

    @property
    def top(self) -> Dim:
        """What bounds the size of its elements."""
        return sum(prod(factor.top for factor in term) for term in self.terms)

    def reaches(self, limit: int) -> bool:
        """Say whether an element's size is `limit` or more."""
        return self.top >= limit and bool((abs(self.dense().array) >= limit).any())

    # ---- what keeps the factors apart ---------------------------------------------------------------

    def __add__(self, other: Dim) -> Dim:
        return _arithmetic(operator.add, self, other, _sum)

    def __radd__(self, other: Dim) -> Dim:
        return _arithmetic(operator.add, other, self, _sum)

    def __pos__(self) -> Dim:
        return self + 0

    def __neg__(self) -> Dim:
        return self * -1

    def __sub__(self, other: Dim) -> Dim:
        return _arithmetic(operator.sub, self, other, lambda a, b: _sum(a, -b))

    def __rsub__(self, other: Dim) -> Dim:
        return _arithmetic(operator.sub, other, self, lambda a, b: _sum(a, -b))

    def __mul__(self, other: Dim) -> Dim:
        return _arithmetic(operator.mul, self, other, _times)

    def __rmul__(self, other: Dim) -> Dim:
        return _arithmetic(operator.mul, other, self, _times)

    # ---- what needs the numbers themselves ----------------------------------------------------------

    def __floordiv__(self, other: Dim) -> Dim:
        return _arithmetic(operator.floordiv, self, other)

    def __rfloordiv__(self, other: Dim) -> Dim:
        return _arithmetic(operator.floordiv, other, self)

    def __truediv__(self, other: Dim) -> Dim:
        return _arithmetic(operator.truediv, self, other)

    def __rtruediv__(self, other: Dim) -> Dim:
        return _arithmetic(operator.truediv, other, self)

    def __mod__(self, other: Dim) -> Dim:
        return _arithmetic(operator.mod, self, other)

    def __rmod__(self, other: Dim) -> Dim:
        return _arithmetic(operator.mod, other, self)

    def __lt__(self, other: Dim) -> Dim:
        return _compared(operator.lt, self, other)

    def __le__(self, other: Dim) -> Dim:
        return _compared(operator.le, self, other)

    def __gt__(self, other: Dim) -> Dim:
        return _compared(operator.gt, self, other)

    def __ge__(self, other: Dim) -> Dim:
        return _compared(operator.ge, self, other)

    def __eq__(self, other: object) -> Any:
        return _compared(operator.eq, self, other)

    def __ne__(self, other: object) -> Any:
        return _compared(operator.ne, self, other)

    def __and__(self, other: Dim) -> Dim:
        return _compared(operator.and_, self, other)

    __rand__ = __and__

    def __or__(self, other: Dim) -> Dim:
        return _compared(operator.or_, self, other)

    __ror__ = __or__

    def __abs__(self) -> Dim:
        return each(abs, self)

    def __bool__(self) -> bool:
        return truth(self)

    def all(self) -> bool:
        """Say whether all elements are true."""
        return bool(self.dense().array.all())

    def any(self) -> bool:
        """Say whether an element is true."""
        return bool(self.dense().array.any())

    def astype(self, dtype: Any) -> Spread:
        """Return the same numbers as another type; those that are of it stay apart as they are."""
        if all(factor.array.dtype == dtype for term in self.terms for factor in term):
            return self
        return each(lambda a: a.astype(dtype), self)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **given: Any) -> Any:
        """Apply one of numpy's functions element by element."""
        if method != "__call__" or given:
            return NotImplemented
        return each(function, *inputs)


def each(function: Callable[..., Any], *values: Dim) -> Spread:
    """Return a function of values, element by element, over the axes that they depend on together."""
    dense = [value.dense() if isinstance(value, Spread) else value for value in values]
    axes = _spanned(value for value in dense if isinstance(value, Factor))
    array = function(*(value.over(axes) if isinstance(value, Factor) else value for value in dense))
    made = Factor(axes, array)
    if array.dtype.kind == "i" and made.top >= _EXACT:
        raise _too_large()
    return Spread((made,))


def singly(function: Callable[..., Any], *values: Dim) -> Spread:
    """Return a function of Python's numbers, setting by setting: one that numpy would round or wrap otherwise."""
    import numpy as np

    def settled(*arrays: Array) -> Array:
        found = np.frompyfunc(function, len(arrays), 1)(*arrays)
        if any(isinstance(one, int) and abs(one) >= LARGEST for one in found.flat):
            raise _too_large()
        return np.array(found.tolist())

    return each(settled, *values)


def along(axis: int, values: Array) -> Spread:
    """Return a value that varies along one axis: values is an array of one dimension."""
    return Spread((Factor((axis,), values),))


def _spanned(factors: Iterable[Factor]) -> tuple[int, ...]:
    """Return the axes of factors, in order; raise TooWide where an array over all of them has too many elements."""
    sizes = {axis: n for factor in factors for axis, n in zip(factor.axes, factor.array.shape, strict=True)}
    axes = tuple(sorted(sizes))
    if prod(sizes.values()) > MOST_DENSE:
        raise TooWide(axes)
    return axes


def _largest(array: Array) -> Dim:
    """Return the largest size of an array's elements, as Python's number."""
    return abs(array).max().item() if array.dtype.kind in "iuf" and array.size else 1


def _multiplied(terms: Iterable[Iterable[Dim]]) -> Array:
    return reduce(operator.add, (reduce(operator.mul, term) for term in terms))


def _made(axes: tuple[int, ...], top: Dim, terms: Sequence[Sequence[Dim]]) -> Factor:
    """Return a sum of products of whole numbers, or arrays of them, over some axes; `top` bounds what comes out.

    Where the bound is too large, the numbers themselves are looked at. Raises Fault where one is.
    """
    if top >= _EXACT:
        top = float(_multiplied([[abs(value) * 1.0 for value in term] for term in terms]).max(initial=0))
        if top >= LARGEST:
            raise _too_large()
    return Factor(axes, _multiplied(terms), top)


def _too_large() -> Fault:
    return Fault("the number is too large for some of the values", f"costcalc takes whole numbers below {LARGEST:,}")


def _kind(value: Datum) -> str:
    """Return what numbers a value has, as numpy says it: i, f, b; nothing for what is none (unknown, a word)."""
    if isinstance(value, Spread):
        kind: str = value.terms[0][0].array.dtype.kind
        return kind
    if isinstance(value, int):
        return "i"
    return "f" if isinstance(value, float) or hasattr(value, "dtype") else ""


def _compared(function: Callable[[Dim, Dim], Dim], a: Datum, b: Datum) -> Dim:
    """Return what a comparison, & or | gives, element by element; what is no number says itself what it gives."""
    return each(function, a, b) if _kind(a) and _kind(b) else NotImplemented


def _arithmetic(
    function: Callable[[Dim, Dim], Dim], a: Datum, b: Datum, apart: Callable[[Dim, Dim], Dim] | None = None
) -> Dim:
    """Return what an operator gives; by `apart`, which keeps the factors apart, where both are whole numbers."""
    kinds = _kind(a), _kind(b)
    if apart and kinds == ("i", "i"):
        return apart(a, b)
    if "" in kinds:
        return NotImplemented
    if "b" in kinds:  # true counts as 1, as it does in Python
        a, b = (value.astype(int) if kind == "b" else value for value, kind in zip((a, b), kinds, strict=True))
        return _arithmetic(function, a, b, apart)
    return each(function, a, b)


def _times(a: Array, b: Array) -> Spread:
    """Return the product of two whole numbers, at least one of them a Spread."""
    if not isinstance(a, Spread):
        a, b = b, a
    if isinstance(b, Spread):
        return _gathered([_joined(mine, theirs) for mine in a.terms for theirs in b.terms])
    first = [term[0] for term in a.terms]
    scaled = [_made(factor.axes, factor.top * abs(b), [[factor.array, b]]) for factor in first]
    return Spread(*((factor, *term[1:]) for factor, term in zip(scaled, a.terms, strict=True)))


def _joined(mine: Term, theirs: Term) -> Term:
    """Return the product of two terms: factors that share an axis become one."""
    factors = list(mine)
    for other in theirs:
        whole = other
        for factor in [factor for factor in factors if set(factor.axes) & set(other.axes)]:
            factors.remove(factor)
            axes = _spanned((factor, whole))
            whole = _made(axes, factor.top * whole.top, [[factor.over(axes), whole.over(axes)]])
        factors.append(whole)
    return tuple(factors)


def _sum(a: Array, b: Array) -> Dim:
    """Return the sum of two whole numbers, at least one of them a Spread."""
    if not isinstance(a, Spread):
        a, b = b, a
    if isinstance(b, Spread):
        return _gathered([*a.terms, *b.terms])
    if b == 0:
        return a
    for place, (factor, *others) in enumerate(a.terms):
        if not others:
            more = _made(factor.axes, factor.top + abs(b), [[factor.array], [b]])
            return Spread(*a.terms[:place], (more,), *a.terms[place + 1 :])
    factor = a.terms[0][0]  # all terms are products: the number becomes one for each setting, along some axes
    return Spread(*a.terms, (Factor(factor.axes, factor.array * 0 + b, abs(b)),))


def _gathered(terms: list[Term]) -> Spread:
    """Return the sum of terms: those of one factor over the same axes are added."""
    plain: dict[tuple[int, ...], Factor] = {}
    rest = []
    for term in terms:
        if len(term) > 1:
            rest.append(term)
            continue
        factor = term[0]
        known = plain.get(factor.axes)
        if known is not None:
            factor = _made(factor.axes, known.top + factor.top, [[known.array], [factor.array]])
        plain[factor.axes] = factor
    return Spread(*((factor,) for factor in plain.values()), *rest)


# ---- multiplied out -----------------------------------------------------------------------------------


def block(value: Dim, parts: dict[int, Any], shape: Sequence[int]) -> Array:
    """Return a block of a sweep as an array of int64: an axis a dimension, the settings that `parts` chooses.

    value: a Spread of whole numbers, or a number. parts: axis -> slice or indices. shape: the block's. Raises
    Fault where a number is 10^15 or more.
    """
    import numpy as np

    if not isinstance(value, Spread):
        return np.full(shape, value)
    cut = [tuple(factor.cut(parts) for factor in term) for term in value.terms]
    if len(cut) == 1 and len(cut[0]) == 1:  # nothing is multiplied
        return _checked(np.array(np.broadcast_to(cut[0][0].over(range(len(shape))), shape)), value.top)
    total = _matrices(cut, shape, float)
    if value.top >= LARGEST:  # floats hold every whole number below that, but terms that cancel out may be larger
        sizes = _matrices([[Factor(f.axes, abs(f.array), f.top) for f in term] for term in cut], shape, float)
        if sizes.max(initial=0) >= LARGEST and (sizes > abs(total)).any():
            total = _matrices(cut, shape, object)
    return _checked(total, value.top).astype(np.int64)


def _matrices(terms: Sequence[Sequence[Factor]], shape: Sequence[int], kind: Any) -> Array:
    """Return a sum of terms over all axes, as a product of two matrices where it can: floats are fast."""
    import numpy as np

    left, right = _halves(shape)
    sizes = (prod(shape[k] for k in left), prod(shape[k] for k in right))
    lefts, rights, across = [], [], []
    for term in terms:
        sides = [[f for f in term if set(f.axes) <= set(side)] for side in (left, right)]
        if sum(map(len, sides)) < len(term):  # a factor lies on both sides
            whole = _spelled(term, range(len(shape)), shape, kind)
            across.append(whole.transpose([*left, *right]).reshape(sizes))
            continue
        lefts.append(_spelled(sides[0], left, [shape[k] for k in left], kind).ravel())
        rights.append(_spelled(sides[1], right, [shape[k] for k in right], kind).ravel())
    total = np.stack(lefts or [np.zeros(sizes[0], kind)], 1) @ np.stack(rights or [np.zeros(sizes[1], kind)], 0)
    for whole in across:
        total += whole
    order = [*left, *right]
    return total.reshape([shape[k] for k in order]).transpose(np.argsort(order))


def _checked(total: Array, top: Dim) -> Array:
    """Return totals; raise Fault where one is too large, which is asked only where the bound lets it be."""
    if top >= LARGEST and abs(total).max(initial=0) >= LARGEST:
        raise Fault("a total is too large for some of the settings", f"costcalc sweeps up to {LARGEST:,}")
    return total


def _halves(shape: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the axes in two groups of about equally many settings."""
    sizes = {0: 1, 1: 1}
    sides: tuple[list[int], list[int]] = ([], [])
    for axis in sorted(range(len(shape)), key=lambda k: -shape[k]):
        side = 0 if sizes[0] <= sizes[1] else 1
        sides[side].append(axis)
        sizes[side] *= shape[axis]
    return sorted(sides[0]), sorted(sides[1])


def _spelled(factors: Sequence[Factor], axes: Sequence[int], shape: Sequence[int], kind: Any) -> Array:
    """Return the product of factors as numbers of a kind, over all of some axes."""
    import numpy as np

    product: Array = np.ones([1] * len(axes), kind)
    for factor in factors:
        product = product * factor.over(axes).astype(kind)
    return np.broadcast_to(product, shape)
