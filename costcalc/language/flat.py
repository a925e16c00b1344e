"""A network that is being read from elsewhere, layer by layer; it becomes the text of a spec.

What all importers share: each step is one operator of costcalc with the names of its inputs. Its
shape follows from the operator's own rule the moment it is added, so that an importer can hold it
against what the other framework says, layer by layer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from costcalc.base import Data, Datum
from costcalc.base.errors import Fault, stop
from costcalc.base.text import printable
from costcalc.language.document import INPUT, VERSION
from costcalc.language.values import LONGEST_NAME
from costcalc.language.varied import merged
from costcalc.language.yaml_text import spec_text
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape, Shapes
from costcalc.operators import op as ops
from costcalc.operators.fields import RESERVED


class Step:
    """One layer: an operator, its fields as a spec writes them, and the names of the values it takes."""

    __slots__ = ("beside", "fields", "inputs", "kind", "name", "outputs", "share", "x", "y")

    def __init__(self, name: str, kind: str, fields: dict[str, Datum], inputs: list[str]) -> None:
        self.name = name
        self.kind = kind
        self.fields = fields
        self.inputs = inputs
        self.share = ""  # the name under which it uses the weights of other steps
        self.beside: dict[str, Datum] = {}  # its other modifiers: bits, density
        self.x: Shapes = None
        self.y: Shapes = None
        self.outputs: list[str] = []  # the names of the values it gives

    def __repr__(self) -> str:
        return f"<{self.name}: {self.kind} {self.x} -> {self.y}>"

    @property
    def op(self) -> Any:
        """The operator, its fields settled."""
        shapes = self.x if isinstance(self.x, tuple) else (self.x,)
        return ops.operators()[self.kind](len(shapes[0].space) if shapes else 0, **self.fields)

    @property
    def learned(self) -> int:
        """How many numbers it learns by its own rules, whoever shares them."""
        op, x, y = self.op, self.x, self.y
        return int(op.weights(x, y) + op.biases(x, y) + op.norm_params(x, y))


class Flat:
    """A network as a flat list of steps, with its inputs and outputs."""

    def __init__(self, name: str, shape: Sequence[int] | Mapping[str, Sequence[int]], source: str = "") -> None:
        """Begin a network over an input of this shape (channels, *space), or over several by their names."""
        self.name = name
        self.source = source
        self.unused = 0  # parameters that no step uses, and that are left out
        self.steps: list[Step] = []
        self.outputs: list[str] = []
        self.classes: dict[str, str] = {}  # module path -> its class's name, where the importer knows it
        self.owners: dict[str, Step] = {}  # a stored tensor, by its name -> the step that counts it
        self.learners: dict[Step, dict[str, int]] = {}  # a step -> the stored tensors that are its weights, with sizes
        self.known: dict[object, dict[str, Datum]] = {}  # operators with their fields -> those that must be said
        self.numbers: dict[str, int] = {}  # name -> the last number that a layer of that name got
        self.knobs: dict[str, Datum] = {}  # what the network was read at, where it can be read at others
        self.others: list[Flat] = []  # the same at other values of the knobs
        self.amounts: dict[str, list[int]] = {}  # what depends on the knobs: an expression, with its value in each
        self.inputs = dict(shape) if isinstance(shape, Mapping) else {INPUT: shape}
        self.shapes = {name: Shape(*dims) for name, dims in self.inputs.items()}

    def add(self, kind: str, inputs: Iterable[str], name: str, *, share: str = "", **fields: Datum) -> list[str]:
        """Add a layer and return the names of the values it gives, one unless the operator splits.

        kind: an operator of costcalc. inputs: names of values: `INPUT`, or what `add` returned.
        name: what the layer is called where it comes from; a name that is taken gets a number, and
        characters that a spec's names can't have become `_`. share: steps with the same word here use
        one set of weights. fields: as a spec writes them; those that are None, or say what holds anyway, are left out.

        Raises SpecError, naming the layer, where the operator refuses the fields or the shapes.
        """
        step = Step(name, kind, fields, list(inputs))
        step.share = share
        shapes = [self.shapes[value] for value in step.inputs]
        step.x = shapes[0] if ops.operators()[kind].inputs == 1 else tuple(shapes)
        try:
            step.fields = self.least(kind, len(shapes[0].space) if shapes else 0, fields)
            op = step.op
            step.y = op.shape(step.x)
            op.check(step.x, step.y)
        except Fault as fault:
            raise stop(f"{name}: {fault.message}", hint=fault.hint) from None
        several = isinstance(step.y, tuple)
        given = step.y if several else (step.y,)
        words = ops.part_names(op, len(given)) if several else []
        step.name = self.free(name, words)
        parts = [f"{step.name}.{word}" for word in words] or [step.name]
        step.outputs = [step.name, *parts[1:]] if op.results else parts
        self.shapes.update(zip(step.outputs, given, strict=True))
        self.steps.append(step)
        return step.outputs

    def least(self, kind: str, axes: int, fields: dict[str, Datum]) -> dict[str, Datum]:
        """Return the fields that must be said: those without which the operator would be another one."""
        key = (kind, axes, repr(fields))
        if key not in self.known:
            self.known[key] = _least(ops.operators()[kind], axes, fields)
        return dict(self.known[key])

    def free(self, name: str, parts: Iterable[str] = ()) -> str:
        """Return the name that a layer gets: legal in a spec, and not yet taken, nor what its parts are called."""
        legal = legal_name(name)
        found, number = legal, self.numbers.get(legal, 1)
        while found in self.shapes or any(f"{found}.{part}" in self.shapes for part in ("part0", *parts)):
            number += 1
            found = f"{legal[: LONGEST_NAME - len(str(number)) - 1]}_{number}"
        self.numbers[legal] = number
        return found

    def take_back(self, count: int) -> None:
        """Take back the steps after the first so many, as if they had never been added."""
        for step in self.steps[count:]:
            for value in step.outputs:
                del self.shapes[value]
        del self.steps[count:]
        left = set(self.steps)
        for tensor in [tensor for tensor, step in self.owners.items() if step not in left]:
            del self.owners[tensor]
        self.learners = {step: tensors for step, tensors in self.learners.items() if step in left}

    def learns(self, tensors: Mapping[Any, int], step: Step | None = None) -> None:
        """Note stored tensors, with their sizes, as weights of a step, the last unless told.

        The first step that has one counts it; steps that have the same ones share them.
        """
        step = step or self.steps[-1]
        self.learners.setdefault(step, {}).update(tensors)
        for tensor in tensors:
            self.owners.setdefault(tensor, step)

    def pruned(self) -> None:
        """Drop the steps whose results nothing uses, for importers whose source holds dead ones."""
        wanted = set(self.outputs)
        kept = []
        for step in reversed(self.steps):
            if wanted & set(step.outputs):
                wanted.update(step.inputs)
                kept.append(step)
        self.steps = kept[::-1]
        words: dict[frozenset[str], str] = {}
        for step in self.steps:
            if tensors := frozenset(self.learners.get(step, ())):
                step.share = words.setdefault(tensors, step.name)
        self.alone()

    def alone(self) -> None:
        """Take the word of sharing off the steps that share with none that is left."""
        words = [step.share for step in self.steps]
        for step in self.steps:
            step.share = step.share if words.count(step.share) > 1 else ""

    def data(self) -> Data:
        """Return the spec as data, as `costcalc.load` takes it."""
        return self.varied(Flat.fixed)

    def varied(self, written: Callable[[Flat], Data]) -> Data:
        """Return what a function writes of the network, with its knobs; Fault where it writes others otherwise."""
        mine = written(self)
        if not self.others:
            return mine
        data: Data = merged([mine, *map(written, self.others)], self.amounts)
        return {**data, "knobs": self.knobs}

    def fixed(self) -> Data:
        """Return the spec as data without knobs."""
        head: Data = {"costcalc": VERSION, "name": printable(self.name), "source": self.source}
        spelled = self.spelled()
        common = common_fields(((step.kind, step.fields) for step in self.steps), least=2)
        items = self._items(spelled, common) or ["identity"]
        head |= {"input": self.entering, "defaults": common, "layers": items}
        last = self.steps[-1].outputs if self.steps else [*self.inputs]
        last = last[:1] if part_of(last, 0) is None else last
        if self.outputs and self.outputs != last:
            head["outputs"] = [spelled[value] for value in self.outputs]
        return {key: value for key, value in head.items() if value not in ("", {})}

    @property
    def entering(self) -> Datum:
        """What the spec says under `input`."""
        dims = {name: list(shape) for name, shape in self.inputs.items()}
        return dims[INPUT] if dims.keys() == {INPUT} else dims

    @property
    def flow(self) -> str:
        """The value that enters the first item: the one input; none where there are several, which are named."""
        return next(iter(self.inputs)) if len(self.inputs) == 1 else ""

    def _items(self, spelled: dict[str, str], common: Container[str]) -> list[Datum]:
        """Return the spec's items, one a step; a step that is fed by the one before does not say so."""
        found = []
        before = self.flow
        for step in self.steps:
            found.append(_item(step, {} if step.kind in common else step.fields, before, spelled))
            before = step.outputs[0] if part_of(step.outputs, 0) is None else ""
        return found

    def spelled(self) -> dict[str, str]:
        """Return how steps and values are written: a name that is an operator's gets a `_`, or none if it goes without.

        A layer can't be called `relu`; but the only relu without a name is called so by itself.
        """
        before, asked = self.flow, set[str]()
        for step in self.steps:
            joins = ops.operators()[step.kind].joins  # its inputs are named, each
            asked |= set(step.inputs) - (set() if joins else {before})
            before = step.outputs[0] if part_of(step.outputs, 0) is None else ""
        asked |= set() if self.outputs == [before] else set(self.outputs)
        spelled = {}
        for step in self.steps:
            own = step.name
            if own in ops.operators():
                own = "" if own == step.kind and not asked & set(step.outputs) else self.free(f"{own}_")
            spelled[step.name] = own
            spelled |= {value: own + value[len(step.name) :] for value in step.outputs}
        return {**dict(zip(self.inputs, self.inputs, strict=True)), **spelled}

    def text(self) -> str:
        """Return the spec's text, an item a line."""
        return spec_text(self.data())


def part_of(outputs: Sequence[str], number: int) -> str | None:
    """Return the word that picks one of a step's values, `part1`, `h`; None for what flows on by itself."""
    first = outputs[0]
    if number == 0 and (len(outputs) == 1 or outputs[1].startswith(f"{first}.")):
        return None
    return outputs[number].rpartition(".")[2]


def _item(step: Step, fields: dict[str, Datum], before: str, spelled: dict[str, str]) -> Datum:
    """Return a step as an item: its operator, its name, and where its input comes from unless that flows."""
    joins = ops.operators()[step.kind].joins
    inputs = [spelled[value] for value in step.inputs]
    item: Data = {step.kind: inputs if joins and not fields else fields or None}
    if spelled[step.name]:
        item["name"] = spelled[step.name]
    if joins and fields:
        item["from"] = inputs
    elif inputs and not joins and step.inputs != [before]:
        item["from"] = inputs[0]
    if step.share:
        item["share"] = step.share
    item |= step.beside
    return step.kind if item == {step.kind: None} else item


def common_fields(layers: Iterable[tuple[str, dict[str, Datum]]], least: int = 1) -> dict[str, dict[str, Datum]]:
    """Return the fields that all norms or activations of one kind have, if so many are there: `defaults` says them."""
    roles = {*ops.role_words("norm").values(), *ops.role_words("act")}
    said: dict[str, list[dict[str, Datum]]] = {kind: [] for kind in sorted(roles)}
    for kind, fields in layers:
        if kind in roles:
            said[kind].append(fields)
    same = {kind: found[0] for kind, found in said.items() if len(found) >= least and len({*map(repr, found)}) == 1}
    return {kind: fields for kind, fields in same.items() if fields}


def _least(cls: type[ops.Op], axes: int, fields: dict[str, Datum]) -> dict[str, Datum]:
    """Return the fields without which the operator would be another one."""
    found = {name: list(n) if isinstance(n, tuple) else n for name, n in fields.items() if n is not None}
    meant = vars(cls(axes, **found))
    for name in [name for name in found if name not in cls.required]:
        rest = {key: value for key, value in found.items() if key != name}
        with suppress(Fault):  # one of several must be given
            found = rest if vars(cls(axes, **rest)) == meant else found
    return found


def legal_name(name: str) -> str:
    """Return a name as a spec's layer may have it: no blanks or brackets, no word with a meaning."""
    name = re.sub(r"[^\w.:+-]+", "_", name.replace("/", ".").replace("::", ".")).strip(".")
    name = name[: LONGEST_NAME - 1]  # one that is an operator's may get a `_` yet
    if not name:
        return "layer"
    return f"{name}_" if name in RESERVED else name


def alike(values: Sequence[Datum]) -> Datum:
    """Return a field of one number an axis as a spec writes it: one number where all are the same."""
    return values[0] if len(set(values)) == 1 else list(values)


Pairs = Sequence[tuple[Dim, Dim]]


def halves(total: int) -> tuple[int, int]:
    """Return so many cells around an axis as (before, after): the smaller half before."""
    return total // 2, total - total // 2


def padded(pairs: Pairs) -> Datum:
    """Return a padding (before and after, for each axis) as a spec writes it."""
    if all(before == after for before, after in pairs):
        return alike([before for before, _ in pairs]) if pairs else 0
    return [edge for pair in pairs for edge in pair]


def window_fields(
    kernel: Sequence[Dim], stride: Sequence[Dim], pads: Pairs | str, dilation: Sequence[Dim] = (1,)
) -> dict[str, Datum]:
    """Return the fields of a window that slides, of one number an axis each; pads: before and after, or a word."""
    padding = pads if isinstance(pads, str) else padded(pads)
    fields = {"kernel": alike(kernel), "stride": alike(stride), "padding": padding, "dilation": alike(dilation)}
    return {name: value for name, value in fields.items() if name != "dilation" or value != 1}


def pool_over(
    add: Callable[..., str], kind: str, value: str, name: str, space: Sequence[int], out: Sequence[int], **fields: Datum
) -> str:
    """Add a pool over windows with `add`, and return its value.

    A border of more than half the kernel, which costcalc's pools can't have, is a step before it: as much as the
    windows need. space, out: the input's axes and the output's. fields: kernel, stride, pads and dilation, a number an
    axis each, and others.
    """
    kernel, stride, pads, dilation = (fields.pop(key) for key in ("kernel", "stride", "pads", "dilation"))
    if isinstance(pads, str) or all(max(pair) <= k // 2 for pair, k in zip(pads, kernel, strict=True)):
        return add(kind, [value], name, **window_fields(kernel, stride, pads, dilation), **fields)
    wide = [
        (before, max(0, (windows - 1) * s + (k - 1) * d + 1 - n - before))
        for n, windows, k, s, d, (before, _) in zip(space, out, kernel, stride, dilation, pads, strict=True)
    ]
    value = add("pad", [value], f"{name}.pad", padding=padded(wide))
    return add(kind, [value], name, **window_fields(kernel, stride, [(0, 0)] * len(wide), dilation))
