"""What Python's functions are given, held to what they take: words where Python would raise an error of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import isfinite
from operator import index
from typing import Any

from costcalc.base import Datum, InputShape, hints
from costcalc.base.errors import stop


def text(value: Datum, what: str, hint: str = "") -> str:
    """Return a text; raise SpecError, which says `what` it stands for, for anything else."""
    if not isinstance(value, str):
        raise stop(f"{what} is a text, not {said(value)}", hint=hint)
    return value


def path(value: Datum, what: str, hint: str = "") -> str:
    """Return a path or a name as a text: a number would open what the process has open already."""
    return text(os.fspath(value) if isinstance(value, os.PathLike) else value, what, hint)


def number(value: Datum, what: str, hint: str = "") -> float:
    """Return a number that one can count with, no truth and not endless."""
    found = plain(value)
    endless = isinstance(found, float) and not isfinite(found)
    if isinstance(found, bool) or not isinstance(found, int | float) or endless:
        raise stop(f"{what} is a number, not {said(value)}", hint=hint)
    return found


def texts(value: Datum, what: str, hint: str = "") -> tuple[str, ...]:
    """Return texts, given one by one or in one text with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(","))
    found = listed(value)
    if found is None or not all(isinstance(part, str) for part in found):
        raise stop(f"{what} are texts, or one text with commas, not {said(value)}", hint=hint)
    return tuple(found)


def named(value: Datum, what: str, hint: str = "") -> dict[str, Datum]:
    """Return values by name; of nothing, none."""
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise stop(f"{what} are values by name, not {said(value)}", hint=hint)
    return dict(value)


def whole(value: Datum) -> int | None:
    """Return a whole number as Python's own, NumPy's too; None for anything else, a truth included."""
    if isinstance(value, bool) or type(value).__name__ == "bool_":
        return None
    try:
        return index(value)
    except TypeError:
        return None


def plain(value: Datum) -> Any:
    """Return one number that NumPy or PyTorch hold as Python's own: theirs wrap and overflow."""
    held = getattr(value, "shape", None) == () and hasattr(value, "tolist")
    return value.tolist() if held else value


def setting(knobs: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return one value a knob, as Python's own; refuse several."""
    return {name: _one(value, name) for name, value in knobs.items()}


def _one(value: Datum, what: str) -> Any:
    if isinstance(value, list | tuple):
        return [_one(part, what) for part in value]
    found = plain(value)
    if hasattr(found, "shape") and hasattr(found, "tolist"):
        raise stop(f"{what} has one value here, not {said(value)}", hint="costcalc.sweep takes several")
    return found


def shapes(value: Datum) -> InputShape:
    """Return an input's shape, or those of several inputs by their names."""
    if isinstance(value, Mapping):
        if not value or not all(isinstance(name, str) for name in value):
            hint = hints.said("write {}", hints.argument(input={"left": (3, 224, 224)}))
            raise stop("inputs are shapes by their names", hint=hint)
        return {name: shape(dims) for name, dims in value.items()}
    return shape(value)


def shape(dims: Datum) -> tuple[int, ...]:
    """Return an input's shape, (channels, *space), as a tuple."""
    parts = listed(dims)
    if parts is None:
        raise stop(f"an input is a shape, not {said(dims)}", hint="write (3, 224, 224)")
    found = [whole(part) for part in parts]
    if not found or not all(axis is not None and axis >= 1 for axis in found):
        shown = "x".join(f"{part!s:.20}" for part in parts[:10])
        raise stop(f"'{shown}' is no input shape", hint="give channels, height, width: (3, 224, 224)")
    return tuple(axis for axis in found if axis is not None)


def above(own: InputShape | None, shared: InputShape | None) -> InputShape | None:
    """Return the shapes that a network says itself over those said for all, each by its name where they are named."""
    if isinstance(own, dict) and isinstance(shared, dict):
        return {**shared, **own}
    return own or shared


def sole(shape: InputShape | None) -> tuple[int, ...] | None:
    """Return the shape of the one input that what is imported has; refuse shapes by name."""
    if isinstance(shape, dict):
        raise stop("what is imported has one input", hint=hints.said("write {}", hints.argument(input=(3, 224, 224))))
    return shape


def flag(value: Datum, what: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise stop(f"{what} is True or False, not {said(value)}")
    return value


def listed(value: Datum) -> list[Datum] | None:
    """Return the parts of a list, a tuple, an array or whatever else gives parts; None for what gives none."""
    if isinstance(value, str | bytes | Mapping | set | frozenset):
        return None
    try:
        return list(value)
    except TypeError:
        return None


def said(value: Datum) -> str:
    """Return a value as a message names it: what a user wrote, without Python's words for it."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return f"the text '{value[:60]}'"
    if isinstance(value, bool | int | float | complex):
        return f"{value!s:.60}"
    kind = {"dict": "a mapping", "list": "a list", "tuple": "a list", "ndarray": "an array"}.get(type(value).__name__)
    return kind or f"a {type(value).__name__}"
