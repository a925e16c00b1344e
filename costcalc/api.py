"""The Python interface: `costcalc.load`, `costcalc.count`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from costcalc import conventions, zoo
from costcalc.conventions import Convention
from costcalc.document import Spec
from costcalc.errors import stop
from costcalc.expand import expand
from costcalc.result import Result


def load(spec: Any) -> Spec:
    """Return the spec for a zoo name, a path, `-` (standard input), YAML's dict, or a loaded spec.

    >>> load("mobilenet_v1").knobs
    {'width': 1.0, 'resolution': 224, 'classes': 1000}

    Raises SpecError with every mistake found, each with its file, line and column.
    """
    found = zoo.load(spec)
    if found.problems:
        expand(found)  # tells the mistakes of shapes too, all at once
    return found


def count(
    spec: Any,
    *,
    convention: str | Convention = conventions.DEFAULT,
    input: Iterable[int] | None = None,  # noqa: A002 - the spec language's own word
    batch: int = 1,
    **knobs: Any,
) -> Result:
    """Return what a network costs: parameters, MACs, and every component, row by row.

    spec: a zoo name, a path, YAML's dict, or a loaded spec. convention: what is counted, by name.
    input: another input shape, (channels, *space). batch: images at once; operations and
    activations grow with it, parameters do not. knobs: the spec's own, `width=0.5`.

    >>> count("mobilenet_v1").macs
    568740352

    Raises SpecError, a ValueError, with every mistake found.
    """
    if type(batch) is not int or batch < 1:
        raise stop(f"a batch is a whole number from 1, not {batch}")
    shape = None if input is None else _shape(input)
    return Result(expand(zoo.load(spec), knobs, shape), conventions.get(convention), batch)


def _shape(dims: Iterable[int]) -> tuple[int, ...]:
    shape = tuple(dims)
    if not shape or not all(isinstance(d, int) and d >= 1 for d in shape):
        said = "x".join(str(d) for d in shape)
        raise stop(f"'{said}' is no input shape", hint="give channels, height, width: 3x224x224")
    return shape
