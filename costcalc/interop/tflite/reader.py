"""Reading a model: operator by operator, those of the graphs of its loops and conditions too."""

from __future__ import annotations

import mmap
import os
import re
import stat
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from costcalc.base.errors import Fault, stop
from costcalc.base.files import refuse_output
from costcalc.base.hints import argument, said
from costcalc.interop.format import GIVE_SHAPE, ReadOptions
from costcalc.interop.guard import OPAQUE, guarded
from costcalc.interop.tflite import arrange, layers, maths, sequences
from costcalc.interop.tflite.dilated import undealt
from costcalc.interop.tflite.file import Dims, Graph, Model, Operator, Tensor
from costcalc.interop.tflite.flatbuffer import Broken
from costcalc.interop.tflite.fold import fold
from costcalc.interop.tflite.net import RULES, Call, Const, Data, Net, Value, channels_first, stored
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat, Step, legal_name
from costcalc.numbers.num import UNKNOWN

_FAMILIES = (arrange, layers, maths, sequences)  # each has entered its rules into RULES
LARGEST_FILE = 2**33  # bytes
MOST_RUN = 100_000  # operators that are read, those of each turn of a loop among them
MOST_TURNS = 10_000
MOST_DEPTH = 10  # graphs that hold others
STEPS = said("say how often: {}", argument(steps=100))


def imported(path: str, options: ReadOptions) -> Flat:
    """Return the network in a file."""
    return guarded(path, lambda: _imported(path, options), hint="")


def _imported(path: str, options: ReadOptions) -> Flat:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise stop(f"{path} is no regular file", hint="give the path of a .tflite file")
        if not 8 <= status.st_size <= LARGEST_FILE:
            raise stop(f"{path} has {status.st_size:,} bytes: a TFLite file has 8 to {LARGEST_FILE:,}")
        refuse_output(path, path)
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            name = options.name or re.sub(r"\.(tf)?lite$", "", os.path.basename(path))
            return Importer(Model(content), name, f"TFLite file {os.path.basename(path)}", options).run()
    except OSError as error:
        raise stop(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (Broken, struct.error) as error:
        raise stop(f"{path} is no TFLite model, or a part of one: {error}") from None


class Frame(NamedTuple):
    """A graph that is being read, with the values of its tensors so far."""

    graph: Graph
    values: dict[int, Value]


class Importer:
    """One reading of a model."""

    def __init__(self, model: Model, name: str, source: str, options: ReadOptions) -> None:
        self.model = model
        self.opaque = options.opaque
        self.steps = options.whole("steps", 0, least=0, most=MOST_TURNS)
        self.depth = self.done = 0
        self.variables: dict[str, Value] = {}
        self.kept: list[str] = []  # values that are state for the next run
        self.constants: dict[tuple[int, int], Const] = {}
        self.prefix = _prefix(model.graphs[0])
        for graph in model.graphs:
            undealt(graph)
        main = model.graphs[0]
        if not main.inputs:
            raise stop("the model has no input")
        names = _input_names([main.tensors[k] for k in main.inputs])
        shapes = _input_shapes(dict(zip(names, (main.tensors[k] for k in main.inputs), strict=True)), options)
        orders = {name: channels_first(shape) for name, shape in shapes.items()}
        entering = {key: tuple(shape[axis] for axis in orders[key]) or (1,) for key, shape in shapes.items()}
        self.net = Net(Flat(name, entering if len(names) > 1 else entering[names[0]], source))
        keys = names if len(names) > 1 else [INPUT]
        self.given = [Data(key, shapes[own], orders[own]) for key, own in zip(keys, names, strict=True)]

    def run(self) -> Flat:
        """Return the network; raise SpecError where it can't be expressed."""
        flat = self.net.flat
        results = self.graph(0, list(self.given))
        flat.outputs = list(dict.fromkeys([*(self.named(one) for one in results), *self.kept]))
        flat.pruned()
        if not flat.steps:  # all that the model does costs nothing, and is left out
            flat.outputs = flat.add("identity", [flat.outputs[0]], "identity")
        return flat

    def named(self, value: Value) -> str:
        """Return the spec's value of an output."""
        return self.net.hold(value, "output").name if isinstance(value, Const) else value.name

    # ---- graphs ----------------------------------------------------------------------------------

    def graph(self, number: int, given: Sequence[Value]) -> list[Value]:
        """Read a graph with these inputs, and return its outputs."""
        if not 0 <= number < len(self.model.graphs):
            raise Fault(f"calls the graph {number}, and there are {len(self.model.graphs)}")
        graph = self.model.graphs[number]
        if len(given) != len(graph.inputs):
            raise Fault(f"gives {len(given)} tensors to a graph that takes {len(graph.inputs)}")
        if self.depth >= MOST_DEPTH:
            raise Fault(f"calls itself, or others more than {MOST_DEPTH} deep")
        frame = Frame(graph, dict(zip(graph.inputs, given, strict=True)))
        self.depth += 1
        for one in graph.operators:
            self.operator(frame, one)
        self.depth -= 1
        return [self.value(frame, k) for k in graph.outputs]

    def value(self, frame: Frame, place: int) -> Value:
        """Return the value of a tensor: what an operator before gave, or what is stored."""
        if place in frame.values:
            return frame.values[place]
        tensor = frame.graph.tensors[place]
        if tensor.key not in self.constants:
            if tensor.stored or 0 in tensor.shape:
                self.constants[tensor.key] = stored(tensor)
            elif tensor.variable:  # the first state of a recurrent layer: zeros
                self.constants[tensor.key] = Const(tensor.shape, floating=True)
            else:
                raise Fault(f"takes '{tensor.name[:80]}', which nothing before it gives")
        return self.constants[tensor.key]

    def operator(self, frame: Frame, one: Operator) -> None:
        """Read one operator; what goes wrong is told with its name."""
        self.done += 1
        name = _called(frame.graph, one, self.prefix)
        what = f"{name} ({one.custom or one.name})"
        if self.done > MOST_RUN:
            raise stop(f"{what}: more than {MOST_RUN:,} operators are run, those of each turn of a loop among them")
        guarded(what, lambda: self.read(frame, one, name, what))

    def read(self, frame: Frame, one: Operator, name: str, what: str) -> None:
        """Give an operator's outputs their values; where that was asked for, of rows of unknown cost."""
        tensors = frame.graph.tensors
        outputs = [None if k < 0 else tensors[k] for k in one.outputs]
        inputs = [None if k < 0 else self.value(frame, k) for k in one.inputs]
        call = Call(one.name, name, inputs, outputs, one.given)
        before = len(self.net.flat.steps)
        hide = (lambda: self.hide(call, before, one)) if self.opaque and outputs else None
        results = guarded(what, lambda: self.results(call, one), hide)
        for place, tensor, value in zip(one.outputs, outputs, results, strict=False):
            if tensor is not None:
                guarded(what, lambda t=tensor, v=value: compare(t, v))  # type: ignore[misc]
                frame.values[place] = value

    def results(self, call: Call, one: Operator) -> list[Value]:
        """Return what an operator gives."""
        if call.op in CONTROL:
            return CONTROL[call.op](self, call)
        consts = fold(call)
        if consts is not None:
            return list(consts)
        if call.op not in RULES:
            what = f"the custom operator '{one.custom[:80]}'" if call.op == "CUSTOM" else call.op
            raise Fault(f"costcalc has no counterpart of {what}", OPAQUE)
        found = RULES[call.op](self.net, call)
        return found if isinstance(found, list) else [found]

    def hide(self, call: Call, before: int, one: Operator) -> list[Value]:
        """Return rows of unknown cost, of the shapes that the file states; the first has the operator's weights."""
        net = self.net
        net.take_back(before)
        inputs = [value.name for value in call.inputs if isinstance(value, Data)] or [next(iter(net.flat.inputs))]
        consts = [value for value in call.inputs if isinstance(value, Const) and value.floating and value.size > 1]
        roots = {key: n for const in consts for key, n in const.roots.items() if key not in net.flat.owners}
        found: list[Value] = []
        for tensor in call.outputs:
            if tensor is None or any(tensor.open[1:]):
                raise Fault("the shape that it gives is not known, so it can't be opaque either")
            order = channels_first(tensor.shape)
            dims = [tensor.shape[axis] for axis in order] or [1]
            params = sum(roots.values())
            value = net.add("opaque", inputs, call.name, shape=dims, params=params, note=one.custom or one.name)
            if roots:
                net.flat.learns(roots)
            roots = {}
            found.append(net.data(value, tensor.shape, order))
        return found

    # ---- operators that hold graphs, and state ---------------------------------------------------

    def called(self, call: Call) -> list[Value]:
        """A graph in the place of one operator."""
        return self.graph(call.options["graph"], _present(call))

    def condition(self, call: Call) -> list[Value]:
        """The graph that a constant chooses; where the image does, that with more multiply-accumulates."""
        truth, held = call.value(0), _present(call)[1:]
        branches = [call.options["then"], call.options["else"]]
        if isinstance(truth, Const) and truth.values:
            return self.graph(branches[0 if truth.values[0] else 1], held)
        before, costs = len(self.net.flat.steps), []
        for number in branches:
            self.graph(number, held)
            costs.append(_macs(self.net.flat.steps[before:]))
            self.net.take_back(before)
        told = "; of a condition the branch with more MACs"
        self.net.flat.source += "" if told in self.net.flat.source else told
        return self.graph(branches[costs[1] > costs[0]], held)

    def loop(self, call: Call) -> list[Value]:
        """The graph of its body, turn by turn: as often as its condition says, or as was asked for."""
        held, turn = _present(call), 0
        while True:
            before = len(self.net.flat.steps)
            (going, *_) = self.graph(call.options["cond"], held)
            if isinstance(going, Data) or not going.values:
                self.net.take_back(before)
                if not self.steps:
                    raise Fault("runs as often as the image says", STEPS)
                if turn >= self.steps:
                    return held
            elif not going.values[0]:
                return held
            turn += 1
            if turn > MOST_TURNS:
                raise Fault(f"runs more than {MOST_TURNS:,} times")
            held = self.graph(call.options["body"], held)

    def skipped(self, call: Call) -> list[Value]:
        """What runs once, before the first image."""
        return []

    def handle(self, call: Call) -> list[Value]:
        """A name of state."""
        return [Const((), [call.options["name"]])]

    def loaded(self, call: Call) -> list[Value]:
        """State: what was assigned in this run, or what one before has left."""
        name = str(call.numbers(0)[0])
        if name not in self.variables:
            self.variables[name] = arrange.state(self.net, call)
        return [self.variables[name]]

    def assigned(self, call: Call) -> list[Value]:
        """New state: the next run needs it, so that it is a result."""
        value = call.value(1)
        if value is None:
            raise Fault("assigns nothing")
        self.variables[str(call.numbers(0)[0])] = value
        if isinstance(value, Data):
            self.kept.append(value.name)
        return []


CONTROL: dict[str, Callable[[Importer, Call], list[Value]]] = {
    "CALL": Importer.called,
    "STABLEHLO_COMPOSITE": Importer.called,
    "IF": Importer.condition,
    "WHILE": Importer.loop,
    "CALL_ONCE": Importer.skipped,
    "VAR_HANDLE": Importer.handle,
    "READ_VARIABLE": Importer.loaded,
    "ASSIGN_VARIABLE": Importer.assigned,
}


def compare(tensor: Tensor, value: Value) -> None:
    """Raise Fault where a tensor has another shape than the file states; an axis that is open there may be any."""
    wanted = tensor.shape
    fits = len(wanted) == len(value.shape) and all(
        is_open or n == m for n, m, is_open in zip(wanted, value.shape, tensor.open, strict=True)
    )
    if wanted and not fits:
        told = [None if is_open else n for n, is_open in zip(wanted, tensor.open, strict=True)]
        stated = ["?" if n is None else n for n in told]
        raise Fault(f"costcalc finds a shape of {list(value.shape)}, the file states {stated}")


def _present(call: Call) -> list[Value]:
    """Return all that an operator takes; raise Fault where something is left out."""
    found = [value for value in call.inputs if value is not None]
    if len(found) < len(call.inputs):
        raise Fault("takes a tensor that is left out")
    return found


def _macs(steps: Sequence[Step]) -> float:
    """Return the multiply-accumulates of steps; more than any where a row's are unknown."""
    counts = [step.op.macs(step.x, step.y) for step in steps]
    return float("inf") if any(n is UNKNOWN for n in counts) else float(sum(counts))


# ---- names and shapes --------------------------------------------------------------------------------


def _input_names(tensors: Sequence[Tensor]) -> list[str]:
    """Return what the inputs are called: by their names in the signature, each once."""
    names: list[str] = []
    for tensor in tensors:
        name = legal_name(re.sub(r"^serving_default_|:\d+$", "", tensor.name)) if tensor.name else INPUT
        while name in names:
            name = f"{name}_"
        names.append(name)
    return names


def _input_shapes(tensors: dict[str, Tensor], options: ReadOptions) -> dict[str, Dims]:
    """Return the inputs' shapes as TFLite has them: what the file says, and what is given for what it leaves open."""
    given = options.input or {}
    if not isinstance(given, dict) and not hasattr(given, "items"):
        if len(tensors) > 1:
            raise stop(f"the model has {len(tensors)} inputs: {', '.join(tensors)}", hint="give each shape by its name")
        given = {next(iter(tensors)): given}
    unknown = [name for name in given if name not in tensors and not (len(tensors) == 1 and name == INPUT)]
    if unknown:
        raise stop(f"the model has no input '{unknown[0][:80]}', but {', '.join(tensors)}")
    return {name: _shape(name, tensor, given.get(name, given.get(INPUT) if len(tensors) == 1 else None)) for name, tensor in tensors.items()}


def _shape(name: str, tensor: Tensor, given: Sequence[int] | None) -> Dims:
    """Return an input's shape; an open batch is one image."""
    shape, rank = list(tensor.shape), len(tensor.shape)
    left = [axis for axis in range(rank) if tensor.open[axis] and (axis or rank < 2)]
    if rank and tensor.open[0] and rank > 1:
        shape[0] = 1
    for axis in left:
        shape[axis] = 2  # any but 1, which would be no axis
    order = channels_first(tuple(shape))
    said_ = "x".join("?" if axis in left else str(shape[axis]) for axis in order)
    if given is None:
        if left:
            raise stop(f"the file leaves the shape of the input '{name}' open: {said_}", hint=GIVE_SHAPE)
        if min(shape, default=1) < 1:
            raise stop(f"the input '{name}' has a shape of {shape}")
        return tuple(shape)
    if len(given) != len(order) or any(n != shape[axis] and axis not in left for n, axis in zip(given, order, strict=True)):
        asked = "x".join(map(str, given))
        raise stop(f"an input of {asked} does not fit the file's: {said_}", hint="channels first; the batch is left out")
    for n, axis in zip(given, order, strict=True):
        shape[axis] = n
    return tuple(shape)


_MADE_UP = re.compile(r"(StatefulPartitionedCall|Identity|PartitionedCall|tfl\.\w+|arith\.\w+|output)[_\d]*(:\d+)?")
_WEIGHTED = re.compile(r"(?i).*(conv\w*|matmul\w*|depthwise\w*|tensordot\w*|einsum\w*)")


def _prefix(graph: Graph) -> str:
    """Return the first word that nearly all names begin with: the model's own."""
    firsts = [tensor.name.split("/")[0] for tensor in graph.tensors if "/" in tensor.name]
    most = max(set(firsts), key=firsts.count, default="")
    return f"{most}/" if firsts and firsts.count(most) > 0.9 * len(firsts) else ""


def _called(graph: Graph, one: Operator, prefix: str) -> str:
    """Return what an operator is called: its layer by the names that were merged in its output's, else its kind."""
    outputs = [graph.tensors[k] for k in one.outputs if k >= 0]
    names = [part for part in outputs[0].name.split(";") if part and not part.isdigit()] if outputs else []
    names = [name for name in names if not _MADE_UP.fullmatch(name)]
    if not names:
        return (one.custom or one.name).lower()
    weighted = [name for name in names if _WEIGHTED.fullmatch(name.rpartition("/")[2])] if len(one.inputs) > 1 else []
    chosen = (weighted or names)[0].removeprefix(prefix)
    layer, _, _ = chosen.rpartition("/")
    return layer or chosen
