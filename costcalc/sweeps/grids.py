"""A sweep's axes as people write them: `0.25,0.5,1`, `128:224:32`, words, lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from costcalc.base import Datum
from costcalc.base.errors import nearest, stop
from costcalc.graph.knobs import refuse_twice
from costcalc.language.document import Spec, knob_fault
from costcalc.language.source import parse
from costcalc.numbers.num import LARGEST

MOST_VALUES = 1_000_000  # of one axis
ZEROS = {"K": 3, "M": 6, "G": 9}  # how numbers such as 300M are written


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


def spanned(text: str, name: str = "range") -> list[Datum]:
    """Return the numbers of a range `a:b:step`, b included where a step lands on it."""
    parts = text.split(":")
    numbers = [one(part, name) for part in (parts if len(parts) == 3 else [*parts, "1"])]
    if len(parts) == 2 and not all(type(number) is int for number in numbers):
        raise stop(f"{name}: the range {text} has no step", hint=f"write first:last:step, as in {text}:0.05")
    if len(numbers) != 3 or not all(type(number) in (int, float) for number in numbers):
        raise stop(f"{name}: '{text}' is no range", hint="write first:last:step, as in 128:224:32")
    first, last, step = numbers
    if step == 0 or (last - first) / step < 0:
        raise stop(f"{name}: the range {text} has no numbers in it", hint="its step must lead from first to last")
    count = int((last - first) / step + 1e-9) + 1
    if count > MOST_VALUES:
        raise stop(f"{name}: the range {text} has {count:,} numbers; an axis has {MOST_VALUES:,} at most")
    return [first + k * step if type(first) is type(step) is int else round(first + k * step, 10) for k in range(count)]


def one(text: str, name: str) -> Datum:
    """Return one value from its text: a number (5M too), a word, true, a list."""
    magnitude = re.fullmatch(r"([0-9.]+)([KMG])", text)
    if magnitude:
        number = float(magnitude[1]) * 10 ** ZEROS[magnitude[2]]
        return int(number) if number.is_integer() else number
    if text.startswith("[") and "," not in text:
        text = ",".join(text.split())  # [2 2 2 2] is a list too
    node, problems = parse(text, f"{name}")
    if problems:
        raise problems.error()
    if node is None or node.value is None:
        raise stop(f"{name}: a value is empty", hint="write values with commas between them: 0.25,0.5,1")
    return node.plain()


def axes_of(columns: Mapping[str, Sequence[Datum]], *, zipped: bool = False) -> list[dict[str, list[Datum]]]:
    """Return the axes of a sweep: a knob each, or one of all knobs together."""
    if not zipped:
        return [{name: list(values)} for name, values in columns.items()]
    lengths = {name: len(values) for name, values in columns.items()}
    if len(set(lengths.values())) > 1:
        said = ", ".join(f"{name} has {length}" for name, length in lengths.items())
        raise stop(f"knobs that are zipped need equally many values: {said}")
    return [{name: list(values) for name, values in columns.items()}] if columns else []
