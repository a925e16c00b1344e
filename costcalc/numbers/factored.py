"""Numbers of a sweep: a value for each setting, kept as a sum of products of vectors, one vector an axis.

A sweep over 1000 widths and 1000 resolutions has a million settings, but channels depend on the
width alone and pixels on the resolution alone. A cost is a sum over layers of (a term of the width)
x (a term of the resolution): it is kept so, factored, and multiplied out only when a block of
settings is asked for, as one product of matrices. The operators' rules need not know: a Spread
adds, multiplies and compares as an array does, and `costcalc.numbers.num` takes it for one.

A `Factor` is an array over some axes; a term is a product of factors over different axes; a Spread
is a sum of terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from costcalc.base.errors import Fault
from costcalc.numbers.num import LARGEST, UNKNOWN, truth

MOST_DENSE = 1 << 22  # elements of an array over several axes; a sweep that needs more is cut into parts
_WHOLE = 1 << 62  # what a product of whole numbers must stay below, so that int64 never wraps


class TooWide(Exception):
    """A value depends on several axes at once, and has too many elements; the axes are to be cut."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__("a value of a sweep has too many elements")
        self.axes = axes


class Factor:
    """An array over some axes, in their order; `top` bounds the size of its elements."""

    __slots__ = ("array", "axes", "top")

    def __init__(self, axes: tuple[int, ...], array: Any, top: Any = None) -> None:
        self.axes = axes
        self.array = array
        self.top = _top(array) if top is None else top

    def over(self, axes: Sequence[int]) -> Any:
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
    def dtype(self) -> Any:
        """The type of its numbers, as numpy names it."""
        return self.terms[0][0].array.dtype

    def dense(self) -> Factor:
        """Return the value as one array; raise TooWide where it has too many elements."""
        if len(self.terms) == 1 and len(self.terms[0]) == 1:
            return self.terms[0][0]
        axes = _spanned(factor for term in self.terms for factor in term)
        total: Any = 0
        for term in self.terms:
            part: Any = 1
            for factor in term:
                part = part * factor.over(axes)
            total = total + part
        return Factor(axes, total)

    # ---- what keeps the factors apart ---------------------------------------------------------------

    def __add__(self, other: Any) -> Any:
        return _sum(self, other)

    __radd__ = __add__

    def __neg__(self) -> Any:
        return self * -1

    def __sub__(self, other: Any) -> Any:
        return _sum(self, -other)

    def __rsub__(self, other: Any) -> Any:
        return _sum(-self, other)

    def __mul__(self, other: Any) -> Any:
        if not isinstance(other, Spread):
            return Spread(*((_times(term[0], other), *term[1:]) for term in self.terms))
        return _gathered([_joined(mine, theirs) for mine in self.terms for theirs in other.terms])

    __rmul__ = __mul__

    # ---- what needs the numbers themselves ----------------------------------------------------------

    def __floordiv__(self, other: Any) -> Any:
        return each(lambda a, b: a // b, self, other)

    def __rfloordiv__(self, other: Any) -> Any:
        return each(lambda a, b: a // b, other, self)

    def __truediv__(self, other: Any) -> Any:
        return each(lambda a, b: a / b, self, other)

    def __rtruediv__(self, other: Any) -> Any:
        return each(lambda a, b: a / b, other, self)

    def __mod__(self, other: Any) -> Any:
        return each(lambda a, b: a % b, self, other)

    def __rmod__(self, other: Any) -> Any:
        return each(lambda a, b: a % b, other, self)

    def __pow__(self, other: Any) -> Any:
        return each(lambda a, b: a**b, self, other)

    def __rpow__(self, other: Any) -> Any:
        return each(lambda a, b: a**b, other, self)

    def __lt__(self, other: Any) -> Any:
        return each(lambda a, b: a < b, self, other)

    def __le__(self, other: Any) -> Any:
        return each(lambda a, b: a <= b, self, other)

    def __gt__(self, other: Any) -> Any:
        return each(lambda a, b: a > b, self, other)

    def __ge__(self, other: Any) -> Any:
        return each(lambda a, b: a >= b, self, other)

    def __eq__(self, other: object) -> Any:
        return each(lambda a, b: a == b, self, other)

    def __ne__(self, other: object) -> Any:
        return each(lambda a, b: a != b, self, other)

    def __and__(self, other: Any) -> Any:
        return each(lambda a, b: a & b, self, other)

    __rand__ = __and__

    def __or__(self, other: Any) -> Any:
        return each(lambda a, b: a | b, self, other)

    __ror__ = __or__

    def __abs__(self) -> Any:
        return each(abs, self)

    def __bool__(self) -> bool:
        return truth(self)

    def all(self) -> bool:
        """Say whether all elements are true."""
        return bool(self.dense().array.all())

    def any(self) -> bool:
        """Say whether an element is true."""
        return bool(self.dense().array.any())

    def astype(self, dtype: Any) -> Any:
        """Return the same numbers as another type."""
        return each(lambda a: a.astype(dtype), self)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **given: Any) -> Any:
        """Apply one of numpy's functions element by element."""
        if method != "__call__" or given:
            return NotImplemented
        return each(function, *inputs)


def each(function: Callable[..., Any], *values: Any) -> Any:
    """Return a function of values, element by element, over the axes that they depend on together."""
    dense = [value.dense() if isinstance(value, Spread) else value for value in values]
    axes = _spanned(value for value in dense if isinstance(value, Factor))
    array = function(*(value.over(axes) if isinstance(value, Factor) else value for value in dense))
    return Spread((Factor(axes, array),))


def along(axis: int, values: Any) -> Spread:
    """Return a value that varies along one axis: values is an array of one dimension."""
    return Spread((Factor((axis,), values),))


def _spanned(factors: Iterable[Factor]) -> tuple[int, ...]:
    """Return the axes of factors, in order; raise TooWide where an array over all of them has too many elements."""
    sizes = {axis: n for factor in factors for axis, n in zip(factor.axes, factor.array.shape, strict=True)}
    axes = tuple(sorted(sizes))
    if _product(sizes.values()) > MOST_DENSE:
        raise TooWide(axes)
    return axes


def _top(array: Any) -> Any:
    """Return the largest size of an array's elements, as Python's number."""
    return abs(array).max().item() if array.dtype.kind in "iuf" and array.size else 1


def _product(values: Any) -> int:
    result = 1
    for value in values:
        result *= value
    return result


def _times(factor: Factor, number: Any) -> Factor:
    """Return a factor times a number."""
    top = factor.top * abs(number)
    return Factor(factor.axes, factor.array * number, _kept(top, factor.array, number))


def _kept(top: Any, a: Any, b: Any) -> Any:
    """Return the bound of a product; where int64 could wrap, look at the numbers themselves, and refuse."""
    if top < _WHOLE:
        return top
    real = abs(a.astype(float) * b).max() if a.size else 0
    if real >= LARGEST:
        raise Fault("the number is too large for some of the values", f"costcalc takes whole numbers below {LARGEST:,}")
    return real


def _joined(mine: Term, theirs: Term) -> Term:
    """Return the product of two terms: factors that share an axis become one."""
    factors = list(mine)
    for other in theirs:
        whole = other
        for factor in [factor for factor in factors if set(factor.axes) & set(other.axes)]:
            factors.remove(factor)
            axes = _spanned((factor, whole))
            a, b = factor.over(axes), whole.over(axes)
            whole = Factor(axes, a * b, _kept(factor.top * whole.top, a, b))
        factors.append(whole)
    return tuple(factors)


def _sum(value: Spread, other: Any) -> Any:
    if other is UNKNOWN:
        return other
    if not isinstance(other, Spread):
        if isinstance(other, int | float) and other == 0:
            return value
        first = value.terms[0]
        if len(first) == 1:
            factor = first[0]
            return Spread((Factor(factor.axes, factor.array + other, factor.top + abs(other)),), *value.terms[1:])
        ones = first[0].array[:1] * 0 + 1
        return Spread(*value.terms, (Factor((first[0].axes[0],), ones.reshape(-1)[:1] * other, abs(other)),))
    return _gathered([*value.terms, *other.terms])


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
        plain[factor.axes] = (
            factor if known is None else Factor(factor.axes, known.array + factor.array, known.top + factor.top)
        )
    return Spread(*((factor,) for factor in plain.values()), *rest)


# ---- multiplied out -----------------------------------------------------------------------------------


def block(value: Any, parts: dict[int, Any], shape: Sequence[int]) -> Any:
    """Return a block of a sweep as an array of int64: an axis a dimension, the settings that `parts` chooses.

    value: a Spread or a number. parts: axis -> slice or indices. shape: the block's. Raises Fault where
    a number is 10^15 or more.
    """
    import numpy as np

    if not isinstance(value, Spread):
        return np.full(shape, value)
    cut = [tuple(factor.cut(parts) for factor in term) for term in value.terms]
    if len(cut) == 1 and len(cut[0]) == 1:  # it depends on one axis only: nothing is multiplied
        return _checked(np.array(np.broadcast_to(cut[0][0].over(range(len(shape))), shape)), cut[0][0].top)
    bound = sum(_product(factor.top for factor in term) for term in cut)
    left, right = _halves(shape)
    sizes = (_product(shape[k] for k in left), _product(shape[k] for k in right))
    matrices: list[tuple[Any, Any]] = []
    across = []
    for term in cut:
        sides = [[f for f in term if set(f.axes) <= set(side)] for side in (left, right)]
        if sum(map(len, sides)) < len(term):  # a factor lies on both sides
            whole = _spelled(term, range(len(shape)), shape)
            across.append(whole.transpose([*left, *right]).reshape(sizes))
            continue
        a, b = (_spelled(f, side, [shape[k] for k in side]) for f, side in zip(sides, (left, right), strict=True))
        matrices.append((a, b))
    lefts = np.stack([one.ravel() for one, _ in matrices] or [np.zeros(sizes[0])], 1)
    rights = np.stack([one.ravel() for _, one in matrices] or [np.zeros(sizes[1])], 0)
    total = lefts @ rights
    for whole in across:
        total += whole
    order = [*left, *right]
    made = total.reshape([shape[k] for k in order]).transpose(np.argsort(order))
    return _checked(made, bound).astype(np.int64)


def _checked(total: Any, bound: Any) -> Any:
    """Return totals; raise Fault where one is too large, which is asked only where the bound lets it be.

    Below that float64 holds every whole number, so that a matrix product of floats is exact, and fast.
    """
    if bound >= LARGEST and abs(total).max(initial=0) >= LARGEST:
        raise Fault("a total is too large for some of the settings", f"costcalc counts up to {LARGEST:,}")
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


def _spelled(factors: Sequence[Factor], axes: Sequence[int], shape: Sequence[int]) -> Any:
    """Return the product of factors as floats, over all of some axes."""
    import numpy as np

    product: Any = np.ones([1] * len(axes))
    for factor in factors:
        product = product * factor.over(axes)
    return np.broadcast_to(product, shape)
