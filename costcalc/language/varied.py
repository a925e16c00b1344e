"""Specs of one network at several values of a knob -> one spec that has the knob."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from costcalc.base import Datum
from costcalc.base.errors import Fault


def merged(found: Sequence[Datum], amounts: Mapping[str, Sequence[int]]) -> Datum:
    """Return the data of several specs as one, in which a number that differs between them is an expression.

    found: the same part of each. amounts: expressions (`regions`), with what each is in those specs, in their order; a
    number is one of them, or a multiple, in all. Raises Fault where the specs differ in something else.
    """
    first = found[0]
    if all(type(one) is type(first) and one == first for one in found):
        return first
    if all(isinstance(one, dict) and one.keys() == first.keys() for one in found):
        return {key: merged([one[key] for one in found], amounts) for key in first}
    if all(isinstance(one, list) and len(one) == len(first) for one in found):
        return [merged(parts, amounts) for parts in zip(*found, strict=True)]
    if all(type(one) is int for one in found):
        for said, numbers in amounts.items():
            times = first // numbers[0]
            if times and all(one == times * number for one, number in zip(found, numbers, strict=True)):
                return said if times == 1 else f"{times} * {said}"
    raise Fault(f"the specs differ: {str(first)[:60]}")
