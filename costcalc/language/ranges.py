"""Values as people write them in a line: `300M`, `128:224:32`, a word, a list."""

from __future__ import annotations

import re

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.language.source import parse

MOST_VALUES = 1_000_000  # of one range
ZEROS = {"K": 3, "M": 6, "G": 9}  # how numbers such as 300M are written


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
        raise stop(f"{name}: the range {text} has {count:,} numbers; a range has {MOST_VALUES:,} at most")
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
