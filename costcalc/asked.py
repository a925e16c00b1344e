"""A network as every Python function takes it, and what is asked of it: the words that they share, read once.

`knobs`, `input`, `batch`, `convention`, `options`, `limits` and `variant` mean the same wherever a function takes them.
What a function does not take, and what would change nothing, is refused.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from costcalc.base import Data, Datum, GivenShape, InputShape, arguments
from costcalc.base.errors import stop
from costcalc.costs import conventions
from costcalc.costs.convention import Convention
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.graph.knobs import given_shapes, with_knobs
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.measures.metric import OPTIONS, require_batch
from costcalc.reports.result import Result

if TYPE_CHECKING:
    import torch

    from costcalc.comparisons.networks import Network

WORDS = ("knobs", "input", "batch", "convention", "options", "limits", "variant")

# Options of the command line that are called otherwise in Python.
OF_COMMANDS = {
    "unit": 'convention="costcalc:flops"',
    "sort": 'by, of costcalc.sweep: by="-macs"',
    "format": 'costcalc.count(...).page().written("csv")',
    "exact": "costcalc.count(...).page().written(exact=True)",
}
# What stands for a network: a word or a path, a dict, a spec, a network counted, one of PyTorch.
NetworkLike: TypeAlias = "str | os.PathLike[str] | Data | Spec | Result | torch.nn.Module"


class Asked(NamedTuple):
    """A network, and how it is to be counted."""

    name: str
    spec: Spec
    own: Mapping[str, Datum]  # the knobs that the network says itself, which stand above those given beside it
    knobs: Mapping[str, Datum]
    shape: InputShape | None
    convention: str | Convention
    batch: int
    counted: Result | None = None  # what stood for it, where that is what is asked for

    @property
    def settings(self) -> Data:
        """The values of its knobs, one each, where they are not the spec's."""
        return {**arguments.setting(self.knobs), **self.own}

    @property
    def graph(self) -> Graph:
        """The network expanded; SpecError with every mistake."""
        return self.counted.graph if self.counted is not None else expand(self.spec, self.settings, self.shape)

    @property
    def result(self) -> Result:
        """The network counted."""
        if self.counted is not None:
            return self.counted
        return Result(self.graph, conventions.get(self.convention), self.batch)

    @property
    def said(self) -> str:
        """A word for the network with what it says itself: `mobilenet_v1@width=0.5`."""
        from costcalc.comparisons.networks import word

        return word(self.name, {**self.spec.read_with, **self.own})

    @property
    def label(self) -> str:
        """A word for the network with its knobs: `mobilenet_v1@width=0.5`."""
        from costcalc.comparisons.networks import label_of, word

        return (
            label_of(self.counted)
            if self.counted is not None
            else word(self.name, self.spec.read_with | self.settings, self.shape)
        )

    @property
    def network(self) -> Network:
        """The network counted, and the word for it."""
        from costcalc.comparisons.networks import Network

        result = self.result  # first: it tells what is wrong with a knob
        return Network(self.label, result)

    @property
    def in_force(self) -> Spec:
        """The spec with the network's own knobs in force, for what gives it others; its mistakes are told."""
        found = with_knobs(self.spec, self.own) if self.own.keys() - self.spec.given else self.spec
        return sound(found, self.shape)


class _Said(NamedTuple):
    """What stands for a network, read: what it says itself."""

    name: str
    spec: Spec
    own: Mapping[str, Datum]
    shape: InputShape | None = None
    result: Result | None = None
    variant: bool = False  # whether it names one
    traced: bool = False  # whether it is a module, read over the input


def asked(network: NetworkLike, more: Mapping[str, Datum], *words: Datum, **named: Datum) -> Asked:
    """Return what is asked of one network; arguments as for `several`."""
    return several([network], more, *words, **named)[0]


def several(
    networks: Sequence[NetworkLike],
    more: Mapping[str, Datum],
    knobs: Mapping[str, Datum] | None = None,
    input: GivenShape | None = None,
    batch: int | None = None,
    convention: str | Convention | None = None,
    variant: str = "",
) -> list[Asked]:
    """Return what is asked of networks that are counted alike.

    networks: Results, words (`mobilenet_v1@width=0.5`), paths, `-`, dicts, specs, PyTorch's modules. more: knobs given
    as arguments. What a network says itself stands above what is said for all. convention, batch: unless told as the
    first Result among them was counted, or as costcalc counts, one image.

    Raises SpecError for a mistake, and for what would change nothing.
    """
    shared = together(knobs, more)
    shape = None if input is None else arguments.shapes(input)
    variant = arguments.text(variant, "a variant", 'variant="vit_small"')
    said = [_said(network, shape, variant, shared) for network in networks]
    _refuse_idle(said, shared, shape, variant)
    rule, images = agreed(networks, convention, batch)
    return [
        _asked(
            one,
            without_options(shared, one.spec, [other.spec for other in said]),
            None if one.traced else arguments.above(one.shape, shape),
            rule,
            images,
        )
        for one in said
    ]


def together(knobs: Mapping[str, Datum] | None, more: Mapping[str, Datum]) -> Data:
    """Return knobs given by name, `knobs={"width": 0.5}`, and as arguments, `width=0.5`; refuse one given twice."""
    given = arguments.named(knobs, "knobs", 'knobs={"width": 0.5}')
    for name in more:
        if name in WORDS:
            raise stop(f"{name} is nothing that is asked here", hint=f'a knob of that name: knobs={{"{name}": ...}}')
        if name in given:
            raise stop(f"the knob '{name}' is given twice", hint="in knobs, and as an argument: leave one out")
    return {**given, **more}


def agreed(
    networks: Sequence[NetworkLike], convention: str | Convention | None = None, batch: int | None = None
) -> tuple[str | Convention, int]:
    """Return under which convention and for how many images networks are counted.

    Raises SpecError where that isn't told, and Results among them were counted otherwise.
    """
    results = [network for network in networks if isinstance(network, Result)]
    first = results[0] if results else None
    usual: tuple[str | Convention, int] = (conventions.DEFAULT, 1) if first is None else (first.convention, first.batch)
    rule = usual[0] if convention is None else convention
    images = require_batch(usual[1] if batch is None else batch)
    found = conventions.get(rule)
    for result in results:
        from costcalc.comparisons.networks import label_of

        if convention is None and result.convention.stamp != found.stamp:
            raise stop(
                f"{label_of(result)} was counted under the convention '{result.convention.label}', "
                f"not '{found.label}': such numbers cannot be compared",
                hint='say under which: convention="costcalc"',
            )
        if batch is None and result.batch != images:
            said = f"{label_of(result)} was counted for a batch of {result.batch}, not {images}"
            raise stop(said, hint="say for how many: batch=1")
    return _word(rule) if isinstance(rule, Convention) else rule, images


def _word(rule: Convention) -> str | Convention:
    """Return the name by which a convention is found again; of a user's file, whose name finds nothing, itself."""
    ours = rule.name.partition(":")[0] in conventions.names()
    return rule.name if ours and conventions.get(rule.name).stamp == rule.stamp else rule


def sound(spec: Spec, shape: InputShape | None) -> Spec:
    """Return a spec in which no mistake was found; raise SpecError for one that has, or an input of other axes."""
    if spec.problems:
        expand(spec)  # tells the mistakes of shapes too, all at once
    if any(len(dims) != len(spec.inputs[name]) for name, dims in given_shapes(spec, shape).items()):
        expand(spec, shape=shape)  # tells once, not for each setting, that its axes are others
    return spec


def loaded(source: Datum, shape: InputShape | None, given: Mapping[str, Datum]) -> Spec:
    """Return the spec for whatever `zoo.load` takes, and for a file of any format that is read.

    shape, given: the input and what is asked of the network by name, of which the file's reader takes its options.
    """

    def foreign(path: str) -> Spec | None:
        from costcalc.interop import formats  # read only where a file looks like none of ours

        form = formats.recognized(path)
        return formats.spec_of(path, form, shape, given) if form else None

    return zoo.load(source, foreign)


def without_options(given: Mapping[str, Datum], spec: Spec, among: Iterable[Spec] = ()) -> dict[str, Datum]:
    """Return what is given as knobs of a network: less the options by which its file was read, or another's among."""
    taken = {name for one in among for name in one.read_with} - spec.knobs.keys()
    return {name: value for name, value in given.items() if name not in spec.read_with and name not in taken}


def is_target(text: str) -> bool:
    """Say whether a text names a Python object, `module:name` or `hf:path`, and no file is called so."""
    if text.startswith("hf:") and len(text) > len("hf:"):
        return not os.path.exists(text)
    return ":" in text and bool(re.match(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*\Z", text)) and not os.path.exists(text)


def is_module(network: Any) -> bool:
    """Say whether something is a network of PyTorch."""
    torch = sys.modules.get("torch.nn")  # without which there is none
    return torch is not None and isinstance(network, torch.Module)


def _said(network: NetworkLike, shape: InputShape | None, variant: str, more: Mapping[str, Datum]) -> _Said:
    """Return what stands for a network as it says it, with the variant in force unless it names one.

    more: what is given for all networks by name; the reader of a file takes its options from it.
    """
    if isinstance(network, Result):
        graph = network.graph
        own = {name: value for name, value in graph.knobs.items() if value != graph.spec.knobs[name]}
        given = {name: graph.spec.knobs[name] for name in graph.spec.given}
        return _Said(network.name, graph.spec, {**given, **own}, graph.given_shape, network, variant=True)
    if is_module(network):
        from costcalc.interop import formats

        spec = formats.spec_of(network, formats.TORCH, shape, more)
        return _Said(spec.name, spec, {}, traced=True)
    if not isinstance(network, str) or "\n" in network:
        spec = loaded(network, shape, more)
        found = zoo.chosen(spec, variant) if variant else spec
        return _Said(spec.name, found, {name: spec.knobs[name] for name in sorted(spec.given)})
    from costcalc.comparisons.networks import (  # of words: a spec that is loaded needs none of them
        cut,
        shape_said,
        values_of,
    )

    reference = cut(network)
    if is_target(reference.name):
        raise stop(
            f"'{network[:80]}' names a Python object, and to read it runs Python code",
            hint=f'say so: costcalc.from_torch("{reference.name[:80]}", (3, 224, 224))',
        )
    names_one = zoo.says_variant(reference.name)
    name = reference.name if reference.texts or reference.shape else network
    spec = loaded(name, reference.shape or shape, {**more, **reference.texts})
    spec = zoo.of_a_name(spec, variant) if variant and not names_one else spec
    return _Said(reference.name, spec, values_of(reference, spec), shape_said(reference, spec), variant=names_one)


def _refuse_idle(said: Sequence[_Said], knobs: Mapping[str, Datum], shape: InputShape | None, variant: str) -> None:
    """Refuse what is said for all networks where each says its own: it would change nothing."""
    for name in knobs:
        if any(name in one.spec.read_with for one in said):
            continue
        if all(name in one.own for one in said):
            value = said[0].own[name]
            raise stop(f"the knob '{name}' is given twice: the network itself says {value}")
        if name in OPTIONS and not any(name in one.spec.knobs for one in said):
            raise stop(f"{name} is an option of metrics, no knob", hint=f'write options={{"{name}": ...}}')
        if said and not any(name in one.spec.knobs for one in said) and (hint := elsewhere(name)):
            raise stop(f"{said[0].spec.name} has no knob '{name}', and it is no argument here", hint=hint)
    idle = ["input"] if shape and all(arguments.above(one.shape, shape) == one.shape for one in said) else []
    idle += ["variant"] if variant and all(one.variant or one.traced for one in said) else []
    if idle:
        says = "the network says its own" if len(said) == 1 else "each network says its own"
        raise stop(f"{idle[0]} changes nothing: {says}", hint="leave one of them out")


def elsewhere(name: str) -> str:
    """Return what is meant by an argument that is no knob: a word of the command line, or of another function."""
    import inspect

    import costcalc

    if name.startswith("max_"):
        limit = f'limits={{"{name.removeprefix("max_")}": ...}}'
        return f"it is written {limit}, for costcalc.check and costcalc.solve"
    if name in OF_COMMANDS:
        return f"in Python it is {OF_COMMANDS[name]}"
    functions = {f"costcalc.{one}": getattr(costcalc, one) for one in costcalc.__all__ if one.islower()}
    methods = {f"costcalc.count(...).{one}": getattr(Result, one) for one in ("table", "page", "metric")}
    found = [
        word
        for word, made in (methods | functions).items()
        if callable(made) and name in inspect.signature(made).parameters
    ]
    return f"it is an argument of {', '.join(found[:3])}" if found else ""


def _asked(
    one: _Said, knobs: Mapping[str, Datum], shape: InputShape | None, convention: str | Convention, batch: int
) -> Asked:
    found = Asked(one.name, one.spec, one.own, knobs, shape, convention, batch)
    result = one.result
    if result is None:
        return found
    same = {**result.graph.knobs, **found.settings} == result.graph.knobs and shape == one.shape
    same = same and (result.convention.stamp, result.batch) == (conventions.get(convention).stamp, batch)
    return found._replace(counted=result) if same else found
