"""A sweep's axes as people write them: `0.25,0.5,1`, `128:224:32`, words, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from costcalc.base import Datum
from costcalc.base.errors import nearest, stop
from costcalc.graph.knobs import refuse_twice
from costcalc.language.document import Spec, knob_fault
from costcalc.language.ranges import MOST_VALUES, one, spanned
from costcalc.numbers.num import LARGEST


def values_of(spec: Spec, name: str, text: str) -> list[Datum]:
    """Return the values that a text gives for a knob: `0.25,0.5`, `128:224:32` (the end included), `[2,2],[3,4]`.

    Raises SpecError for a text that is none, or a knob that the spec does not have.
    """
    default = require_knob(spec, name)
    found: list[Datum] = []
    for part in _parts(text, lists=isinstance(default, list)):
        found += spanned(part, name) if ":" in part else [one(part, name)]
    return require_values(spec, name, found)


def require_knob(spec: Spec, name: str) -> Datum:
    """Return a knob's default; raise SpecError, with the nearest name, where the spec has no such knob."""
    if name not in spec.knobs:
        hint = nearest(name, spec.knobs) or f"its knobs: {', '.join(spec.knobs) or 'none'}"
        raise stop(f"{spec.name} has no knob '{name}'", hint=hint)
    return spec.knobs[name]


def require_values(spec: Spec, name: str, values: Iterable[Datum]) -> list[Datum]:
    """Return the values of an axis as plain Python values; raise SpecError for one that the knob can't take."""
    default = require_knob(spec, name)
    refuse_twice(spec, [name])
    found = [_plain(name, value) for value in values]
    if not found:
        raise stop(f"'{name}' has no values to sweep over")
    if len(found) > MOST_VALUES:
        raise stop(f"'{name}' has {len(found):,} values; an axis has {MOST_VALUES:,} at most")
    for value in {type(value): value for value in found}.values():  # what it takes, is a question of the type
        fault = knob_fault(name, default, value)
        if fault:
            raise stop(fault.message, hint=fault.hint)
    return found


def refuse_columns(knobs: Iterable[str], columns: Iterable[str]) -> None:
    """Raise SpecError for a knob that is called as another column of a sweep's table: one would hide the other."""
    taken = {*columns}
    for name in knobs:
        if name in taken:
            raise stop(f"'{name}' is a knob, and a column of a sweep's table too", hint="call the knob otherwise")


def _plain(name: str, value: Datum) -> Datum:
    """Return a value as Python's own; raise SpecError for an array, or a number that nobody can count with."""
    if getattr(value, "size", 1) != 1:
        raise stop(f"'{name}' takes values of one number each, not arrays")
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float | int) and not abs(value) < LARGEST:
        raise stop(f"'{name}': {value} is not a number that can be counted with")
    return value


def _parts(text: str, *, lists: bool) -> list[str]:
    """Return a text cut at its commas, those inside brackets left alone; of list knobs at semicolons too."""
    if lists and "[" not in text:
        return [f"[{part}]" for part in text.split(";")]
    return [part.strip() for part in re.split(r"[,;](?![^\[]*\])", text)]


def axes_of(columns: Mapping[str, Sequence[Datum]], *, zipped: bool = False) -> list[dict[str, list[Datum]]]:
    """Return the axes of a sweep: a knob each, or one of all knobs together."""
    if not zipped:
        return [{name: list(values)} for name, values in columns.items()]
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise stop(f"knobs that are zipped need equally many values: {said}")
    return [{name: list(values) for name, values in columns.items()}] if columns else []
