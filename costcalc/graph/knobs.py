"""The values of a spec's knobs, and the input that a spec is run on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from costcalc.base.errors import Fault, Mark, nearest, stop
from costcalc.language.document import Spec, Value, knob_fault


def refused(spec: Spec, name: str, value: Any) -> Fault | None:
    """Return what is wrong with a value for a knob of a spec, None if nothing."""
    if name in spec.knobs:
        return knob_fault(name, spec.knobs[name], value)
    hint = nearest(name, spec.knobs) or f"its knobs: {', '.join(spec.knobs) or 'none'}"
    return Fault(f"{spec.name} has no knob '{name}'", hint)


def knob_values(spec: Spec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all knobs, those given put over the spec's own; raise SpecError for a bad one."""
    for name, value in given.items():
        if fault := refused(spec, name, value):
            raise stop(fault.message, hint=fault.hint)
    return {**spec.knobs, **given}


def with_knobs(spec: Spec, knobs: Mapping[str, Any], shape: tuple[int, ...] | None = None) -> Spec:
    """Return a spec with other values of its knobs in force, and on another input; raise SpecError for a bad one."""
    import copy

    found = copy.copy(spec)
    found.knobs = knob_values(spec, knobs)
    if shape is not None:
        found.input = [Value(Mark("--input"), length) for length in shape]
    return found
