"""A network as a word: `mobilenet_v1@width=0.5,resolution=160`, of any name, path or variant, with knobs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from costcalc.base import Datum, InputShape
from costcalc.base.arguments import above
from costcalc.base.errors import stop
from costcalc.base.hints import argument, said
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.graph.expand import expand
from costcalc.graph.knobs import with_knobs
from costcalc.language import zoo
from costcalc.language.document import INPUT, Spec
from costcalc.language.ranges import one
from costcalc.language.yaml_text import typed
from costcalc.measures.metric import require_batch
from costcalc.reports.result import Result
from costcalc.sweeps.grids import require_knob


class Network(NamedTuple):
    """A network that was counted: the word that it was asked for by, and what it costs."""

    label: str
    result: Result


class Reference(NamedTuple):
    """What a word for a network says: a name or path, the texts of its knobs, an input's shape."""

    name: str
    texts: dict[str, str]
    shape: InputShape | None = None


def cut(text: str) -> Reference:
    """Return what `name@knob=value,knob=[value,value],input=3x160x160` says; `name@variant,knob=value` too.

    Raises SpecError where what stands after the last @ is no such list.
    """
    text = text.removeprefix("./")
    name, at, rest = text.rpartition("@")
    if not at or os.path.exists(text) or os.sep in rest:
        return Reference(text, {})
    texts: dict[str, str] = {}
    first, *parts = re.split(r",(?![^\[]*\])", rest)
    if name and re.fullmatch(r"[\w.-]+", first):
        name = f"{name}@{first}"  # a variant: a part of the name
    else:
        parts = [first, *parts]
    for part in parts:
        knob, equals, value = (word.strip() for word in part.partition("="))
        if not (name and equals and knob and value):
            hint = "write name@width=0.5,depths=[2,2,2,2]: a list stands in brackets"
            raise stop(f"'{text}': '{part}' is no knob=value of a network", hint=hint)
        if knob in texts:
            raise stop(f"'{text}' gives '{knob}' twice")
        texts[knob] = value
    shape = texts.pop(INPUT, None)
    return Reference(name, texts, None if shape is None else shape_of(shape))


def shape_said(reference: Reference, spec: Spec) -> InputShape | None:
    """Return the shapes of inputs that a word gives: of the one, `input=3x160x160`, or by their names."""
    named = {name: shape_of(text) for name, text in reference.texts.items() if name in spec.inputs}
    return above(named, reference.shape)


def shape_of(text: str) -> tuple[int, ...]:
    """Return (3, 160, 160) for 3x160x160; raise SpecError for anything else."""
    if not re.fullmatch(r"[1-9]\d{0,8}(x[1-9]\d{0,8})*", text, re.ASCII):
        raise stop(f"'{text[:60]}' is no input shape", hint="give channels, height, width: input=3x160x160")
    return tuple(map(int, text.split("x")))


def counted(
    reference: Reference,
    spec: Spec,
    convention: str | Convention,
    batch: int = 1,
    knobs: Mapping[str, Datum] | None = None,
) -> Network:
    """Return a network counted: its own knobs over those given for all. Raises SpecError with every mistake found."""
    require_batch(batch)
    values = {**(knobs or {}), **values_of(reference, spec)}
    shape = shape_said(reference, spec)
    result = Result(expand(spec, values, shape), conventions.get(convention), batch)
    return Network(word(reference.name, {**spec.read_with, **values}, shape), result)


def values_of(reference: Reference, spec: Spec) -> dict[str, Datum]:
    """Return the values of the knobs that a word gives; an unknown knob is told before its value is read.

    What else it gives are shapes of inputs, and options by which the file was read.
    """
    others = {**spec.inputs, **spec.read_with}
    texts = {name: text for name, text in reference.texts.items() if name not in others}
    return {knob: one(text, knob) for knob, text in texts.items() if require_knob(spec, knob) is not None}


def spec_of(text: str, load: Callable[[str, Mapping[str, Datum]], Spec]) -> Spec:
    """Return the spec that a word means, its knobs' values in force; raise SpecError where it says an input too.

    load: returns the spec of a name, and of what the word gives beside it.
    """
    reference = cut(text)
    spec = load(reference.name, reference.texts)
    if shape_said(reference, spec) is not None:
        raise stop(
            f"'{text}': here the input stands beside the network", hint=said("{}", argument(input=(3, 160, 160)))
        )
    return with_knobs(spec, values_of(reference, spec)) if reference.texts else spec


def word(name: str, values: Mapping[str, Datum], shape: InputShape | None = None) -> str:
    """Return the word for a network: `cut` gives the name and these values again; the knobs in their order by name."""
    given = [f"{knob}={typed(values[knob])}" for knob in sorted(values)]
    shapes = shape if isinstance(shape, dict) else {INPUT: shape} if shape else {}
    given += [f"{name}={'x'.join(map(str, dims))}" for name, dims in shapes.items()]
    return f"{name}{',' if zoo.says_variant(name) else '@'}{','.join(given)}" if given else name


def label_of(result: Result) -> str:
    """Return what a Result is called: its network's name, and the knobs that are not as its spec has them."""
    graph = result.graph
    changed = {name: value for name, value in graph.knobs.items() if value != graph.spec.knobs.get(name)}
    return word(result.name, changed, graph.given_shape)
