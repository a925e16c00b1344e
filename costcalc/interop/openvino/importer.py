"""One reading of an OpenVINO IR: layer by layer, each shape held against the one that the file states."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from costcalc.base import Datum, InputShape
from costcalc.base.errors import Fault, stop
from costcalc.interop.format import GIVE_SHAPE
from costcalc.interop.guard import OPAQUE, guarded
from costcalc.interop.openvino.bodies import BODIES
from costcalc.interop.openvino.file import (
    OPEN,
    TYPES,
    IrGraph,
    IrLayer,
    IrWeights,
    is_floating,
    known,
    load,
    shape_of,
)
from costcalc.interop.openvino.layers import LAYERS, IrCall, Value
from costcalc.interop.tensors.net import Call, Net
from costcalc.interop.tensors.origin import Origin, Root
from costcalc.interop.tensors.reading import CallReading, is_image
from costcalc.interop.tensors.values import Const, Data, Dims, stored
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat, Step, legal_name
from costcalc.numbers.num import LARGEST, prod

ONNX_VERSION = 22  # of the operators that layers are translated to
MOST_READ = 50_000  # layers, each turn of a loop's with those of its body
# Names that OpenVINO makes up for what it has computed: `Multiply_5608`, `Constant_12`, `__module.fc/aten::add/Add`;
# and for what a program fills, which is no weight.
_MADE_UP = re.compile(r"([A-Z][A-Za-z]*|\d+)(_\d+)*(/\w+)?|(.*/)?([A-Z][A-Za-z]*(_\d+)*)|.*/aten::.*|(.*/)?onnx::.*")
_FILLED = re.compile(r".*aten::(zeros|ones|full|arange|linspace|eye|new_\w+)\w*/.*")


class IrImporter:
    """One reading of a model."""

    def __init__(self, path: str, shapes: InputShape | None, *, opaque: bool) -> None:
        self.graph = load(path)
        self.opaque = opaque
        self.path = path
        self.name = os.path.basename(path).removesuffix(".xml")
        self.weights = IrWeights(f"{path.removesuffix('.xml')}.bin")
        self.bits: dict[str, int] = {}  # stored tensors of few bits, by their roots
        self.norms: dict[str, Step] = {}  # without a scale yet, by the values that they give
        self.read = 0
        self.known: dict[int, Const] = {}  # constants, by the elements that they were read from
        self.roots: set[str] = set()
        self.places: dict[str, Root] = {}  # of names that OpenVINO makes up: where a tensor lies says which it is
        inputs = [layer for layer in self.graph.layers if layer.type == "Parameter"]
        self.inputs = _inputs(inputs, shapes)
        leads = [dims[0] for dims in self.inputs.values() if len(dims) > 1]
        uses = Counter(f"{layer}:{port}" for layer, port in self.graph.sources.values())
        batch = leads[0] if leads else 1
        self.net = Net(Flat(self.name, {}, f"OpenVINO model {os.path.basename(path)}"), batch, ONNX_VERSION, uses)
        names = {layer.id: legal_name(layer.name) for layer in inputs} if len(inputs) > 1 else {inputs[0].id: INPUT}
        if len(set(names.values())) < len(names):
            raise stop("two inputs have one name")
        self.entering = {names[one]: dims for one, dims in self.inputs.items()}
        spec = {name: self.net.dims(dims) for name, dims in self.entering.items()}
        self.net.flat = Flat(self.name, spec if len(spec) > 1 else spec[INPUT], self.net.flat.source)
        self.reading = CallReading(self.net, "OpenVINO")
        self.given = {layer.id: self.data(names[layer.id], self.inputs[layer.id]) for layer in inputs}

    @staticmethod
    def data(name: str, shape: Dims) -> Data:
        """Return an input as a value."""
        return Data(name, shape, image=is_image(shape))

    def run(self) -> Flat:
        """Return the network; raise SpecError where it can't be expressed."""
        net = self.net
        ends = self.walk(self.graph, self.given, "")
        net.flat.outputs = [self.reading.output(value, name) for name, value in ends.values()]
        if not net.flat.outputs:
            raise stop(f"{self.path} gives nothing: it has no Result")
        net.flat.pruned()
        if not net.flat.steps:  # all that the model does costs nothing, and is left out
            net.flat.outputs = net.flat.add("identity", [next(iter(net.flat.inputs))], "identity")
        net.check_shared()
        for step, tensors in net.flat.learners.items():
            if tensors and (bits := self.bits.get(max(tensors, key=lambda root: tensors[root]))):
                step.beside["bits"] = bits
        return net.flat

    # ---- layers ----------------------------------------------------------------------------------

    def walk(self, graph: IrGraph, given: Mapping[str, Value], prefix: str) -> dict[str, tuple[str, Value]]:
        """Read a graph's layers, with what its inputs are; return what its results are, with their names.

        given, and what is returned, go by the layers' ids. prefix: of the names of its values, on this turn.
        """
        ends: dict[str, tuple[str, Value]] = {}
        for layer in graph.layers:
            self.read += 1
            if self.read > MOST_READ:
                raise stop(f"{layer.what}: with the turns of its loops the model has more than {MOST_READ:,} layers")
            inputs = guarded(layer.what, partial(self.taken, graph, layer, prefix), hint="")
            if layer.type in ("Result", "Assign"):
                if not inputs or inputs[0] is None:
                    raise stop(f"{layer.what}: takes nothing")
                ends[layer.id] = (layer.name, inputs[0])
            elif layer.type == "Parameter":
                if layer.id not in given:
                    raise stop(f"{layer.what}: nothing is given to it")
                self.net.values.update(dict.fromkeys(self.outs(layer, prefix), given[layer.id]))
            elif layer.gives:
                self.step(layer, inputs, prefix, several=self.several(graph, layer, prefix))
        return ends

    @staticmethod
    def outs(layer: IrLayer, prefix: str) -> list[str]:
        """Return what the values that a layer gives are called here."""
        return [f"{prefix}{layer.id}:{port}" for port in layer.gives]

    def several(self, graph: IrGraph, layer: IrLayer, prefix: str) -> bool:
        """Say whether a constant that a layer takes is taken by others too."""
        sources = (prefix + ":".join(graph.sources[layer.id, port]) for port in layer.takes)
        return any(isinstance(self.net.values[one], Const) and self.net.uses[one] > 1 for one in sources)

    def taken(self, graph: IrGraph, layer: IrLayer, prefix: str) -> list[Value | None]:
        """Return the values that a layer takes, in the order of its ports."""
        found: list[Value | None] = []
        for port in layer.takes:
            source = graph.sources.get((layer.id, port))
            if source is None:
                raise Fault(f"nothing leads to its port {port[:20]}")
            value = self.net.values.get(prefix + ":".join(source))
            if value is None:
                raise Fault("takes a further output of a layer, and costcalc does not read it")
            found.append(value)
        return found

    def step(self, layer: IrLayer, inputs: list[Value | None], prefix: str, *, several: bool) -> None:
        """Give a layer's outputs their values: of rows of unknown cost, if it can't be read and that was asked for."""
        outs = self.outs(layer, prefix)
        stated = dict(zip(outs, (port.shape for port in layer.gives.values()), strict=True))
        version = {"version": layer.element.attributes.get("version", "")}
        call = IrCall(layer.type, _name(layer), {**version, **layer.data}, inputs, stated)
        call.several = several
        before = len(self.net.flat.steps)
        shapes = [shape if known(shape) else None for shape in stated.values()]
        first = next(iter(self.net.flat.inputs))
        hide = (lambda: self.reading.hide(call, before, shapes, first)) if self.opaque else None
        guarded(layer.what, lambda: self.give(layer, call, prefix), hide)

    def give(self, layer: IrLayer, call: IrCall, prefix: str) -> None:
        """Give a layer's outputs their values, and hold their shapes against those that the file states."""
        if layer.type in ("Const", "Constant"):
            self.net.values[call.outputs[0]] = self.constant(layer)
        elif layer.type in BODIES:
            BODIES[layer.type](self, layer, call, prefix)
        elif layer.type in LAYERS:
            LAYERS[layer.type](self, call)
        else:
            raise Fault(f"costcalc has no counterpart of OpenVINO's {layer.type[:40]}", OPAQUE)
        for out, shape in zip(call.outputs, call.stated, strict=False):
            value = self.net.values.get(out)
            if value is not None and not _fits(value.shape, shape):
                wide = ["?" if n == OPEN else n for n in shape]
                raise Fault(f"costcalc finds a shape of {list(value.shape)}, the file states {wide}")

    def finish(self, call: IrCall, op: str, *inputs: Value | None, **attributes: Datum) -> None:
        """Read a call by ONNX's name that gives what the layer does."""
        self.reading.read(Call(op, call.name, _given(attributes), list(inputs), call.outputs))

    def middle(self, call: IrCall, op: str, *inputs: Value | None, outputs: int = 1, **attributes: Datum) -> Any:
        """Read a call in the middle of a layer, and return what it gives: a value, or a list of several."""
        outs = [f"{call.outputs[0]}/{len(self.net.values)}/{k}" for k in range(outputs)]
        self.net.uses.update(dict.fromkeys(outs, 1))
        self.reading.read(Call(op, call.name, _given(attributes), list(inputs), outs))
        found = [self.net.values[out] for out in outs]
        return found if outputs > 1 else found[0]

    # ---- constants -------------------------------------------------------------------------------

    def constant(self, layer: IrLayer) -> Const:
        """Return a stored tensor; only short ones' numbers are read, when they are asked for."""
        key = id(layer.element)
        if key not in self.known:
            kind = str(layer.data.get("element_type", "")).lower()
            shape = shape_of(layer.data.get("shape", ""), layer.name)
            if kind not in TYPES or not known(shape):
                raise Fault(f"is a constant of '{kind[:20]}' and of {list(shape)[:8]}, which is none")
            root = self.root(layer, shape, kind)
            self.known[key] = stored(shape, root, partial(self.weights.array, layer), floating=is_floating(kind))
            if TYPES[kind][1] <= 8 and prod(shape) > 1 and kind not in ("boolean", "bool", "u1", "bin"):
                self.bits[root] = TYPES[kind][1]
        return self.known[key]

    def root(self, layer: IrLayer, shape: Dims, kind: str) -> Root:
        """Return a stored tensor's name with its origin; of equal names the second gets a number."""
        name = layer.name.removesuffix("_compressed").removeprefix("self.")
        if not _MADE_UP.fullmatch(name) or not is_floating(kind) or prod(shape) == 1:
            return self.fresh(name, shape, kind)
        place = f"{kind} {shape} {layer.data.get('offset', '')}"
        if place not in self.places:
            self.places[place] = self.fresh(name, shape, kind)
        return self.places[place]

    def fresh(self, name: str, shape: Dims, kind: str) -> Root:
        """Return a name that no stored tensor has yet, with its origin."""
        found, number = name, 1
        while found in self.roots:
            number += 1
            found = f"{name}_{number}"
        self.roots.add(found)
        if not is_floating(kind):
            return Root(found, Origin.WHOLE)
        if not _MADE_UP.fullmatch(name):
            return Root(found, Origin.NAMED)
        if _FILLED.fullmatch(name):
            return Root(found, Origin.CONSTANT)
        return Root(found, Origin.FOLDED if len(shape) > 1 or prod(shape) > 1 else Origin.CONSTANT)


def _given(attributes: Mapping[str, Datum]) -> dict[str, Datum]:
    """Return attributes without those that are left to their defaults."""
    return {name: value for name, value in attributes.items() if value is not None}


def _fits(shape: Dims, stated: Sequence[int]) -> bool:
    """Say whether a shape is the stated one, as far as that is known."""
    return len(shape) == len(stated) and all(m in (OPEN, n) for n, m in zip(shape, stated, strict=True))


def _name(layer: IrLayer) -> str:
    """Return what a layer is called in the model that was converted: of PyTorch's the module's path."""
    return re.split(r"/aten::|/prim::|/quantized::", layer.name)[0].removeprefix("__module.") or layer.name


def _inputs(layers: Sequence[IrLayer], given: InputShape | None) -> dict[str, Dims]:
    """Return the inputs' shapes with the batch, by ids: what the file says, and where that is open what is given."""
    if not layers:
        raise stop("the model has no input: no layer Parameter")
    alone = len(layers) == 1
    if isinstance(given, dict):
        names = [legal_name(layer.name) for layer in layers]
        left = [name for name in given if name not in names and not (alone and name == INPUT)]
        if left:
            raise stop(f"the model has no input '{left[0][:80]}': it has {', '.join(names)[:200]}")
    elif given is not None and not alone:
        raise stop(f"the model has {len(layers)} inputs: {', '.join(legal_name(layer.name) for layer in layers)[:200]}",
                   hint="say which shape is whose: name=3x224x224")  # fmt: skip
    found = {}
    for layer in layers:
        own = given.get(legal_name(layer.name), given.get(INPUT)) if isinstance(given, dict) else given
        found[layer.id] = _shape(layer, own)
    return found


def _shape(layer: IrLayer, given: Dims | None) -> Dims:
    """Return an input's shape with the batch."""
    stated = shape_of(layer.data.get("shape", ""), layer.name)
    rest = stated[1:] if len(stated) > 1 else stated
    shown = "x".join("?" if n == OPEN else str(n) for n in rest)
    if given is None:
        if not known(rest):
            raise stop(
                f"{layer.what}: the file leaves the input's shape open: {shown}",
                hint=GIVE_SHAPE,
            )
        given = rest
    if not _fits(given, rest):
        asked = "x".join(str(n) for n in given)
        raise stop(f"{layer.what}: an input of {asked} does not fit the file's: {shown}", hint="the batch is left out")
    shape = (1 if stated[0] == OPEN else stated[0], *given) if len(stated) > 1 else tuple(given)
    if any(n < 1 for n in shape) or prod(shape) >= LARGEST:
        raise stop(f"{layer.what}: an input of {list(shape)} is none that can be counted")
    return shape
