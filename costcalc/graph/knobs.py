"""The values of a spec's knobs, and the input that a spec is run on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from costcalc.base import Datum, GivenShape
from costcalc.base.errors import Fault, Mark, nearest, stop
from costcalc.base.hints import argument, said
from costcalc.language.document import INPUT, Spec, Value, knob_fault
from costcalc.numbers import num
from costcalc.numbers.num import Dims


def refused(spec: Spec, name: str, value: Datum) -> Fault | None:
    """Return what is wrong with a value for a knob of a spec, None if nothing."""
    if name in spec.knobs:
        return knob_fault(name, spec.knobs[name], value)
    hint = nearest(name, spec.knobs) or f"its knobs: {', '.join(spec.knobs) or 'none'}"
    return Fault(f"{spec.name} has no knob '{name}'", hint)


def knob_values(spec: Spec, given: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return the values of all knobs, those given put over the spec's own; raise SpecError for a bad one."""
    for name, value in given.items():
        if fault := refused(spec, name, value):
            raise stop(fault.message, hint=fault.hint)
    return {**spec.knobs, **given}


def refuse_twice(spec: Spec, names: Iterable[str]) -> None:
    """Raise SpecError for a knob that the network's word gives already: one of the values would be passed over."""
    for name in names:
        if name in spec.given:
            raise stop(f"the knob '{name}' is given twice: the network itself says {spec.knobs[name]}")


def given_shapes(spec: Spec, shape: GivenShape | None) -> dict[str, Dims]:
    """Return the shapes that inputs are given, by name; raise SpecError for an input that a spec has not."""
    if shape is None:
        return {}
    names = [*spec.inputs] or [INPUT]
    if not isinstance(shape, Mapping):
        if len(names) > 1:
            says = said("say whose shape it is: {}", argument(input={names[0]: tuple(shape)}))
            raise stop(f"{spec.name} has {len(names)} inputs ({', '.join(names)})", hint=says)
        return {names[0]: tuple(shape)}
    for name in shape:
        if name not in names:
            hint = nearest(name, names) or f"its inputs: {', '.join(names)}"
            raise stop(f"{spec.name} has no input '{name:.60}'", hint=hint)
    return {name: tuple(dims) for name, dims in shape.items()}


def refuse_idle_knobs(spec: Spec, knobs: Mapping[str, Datum], given: Mapping[str, Dims]) -> None:
    """Raise SpecError for a knob that only says what the input is, where another input is given: it has no effect."""
    for name, value in knobs.items() if given.keys() == spec.inputs.keys() else ():
        if name in spec.of_input and (name in spec.given or num.any_of(value != spec.knobs[name])):
            raise stop(f"{name} only says what the input is, and another is given", hint="give one of them")


def with_knobs(spec: Spec, knobs: Mapping[str, Datum], shape: GivenShape | None = None) -> Spec:
    """Return a spec with other values of its knobs in force, and on other inputs; raise SpecError for a bad one."""
    found = spec.copy()
    found.knobs, found.given = knob_values(spec, knobs), spec.given | knobs.keys()
    if found.knobs_of_file is None:
        found.knobs_of_file = spec.knobs
    given = given_shapes(spec, shape)
    found.inputs = spec.inputs | {name: [Value(Mark(name), length) for length in dims] for name, dims in given.items()}
    return found
