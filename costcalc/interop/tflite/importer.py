"""Reading a model: operator by operator, those of the graphs of its loops and conditions too."""

from __future__ import annotations

import mmap
import os
import re
import stat
import struct
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from costcalc.base.errors import Fault, stop
from costcalc.base.files import refuse_output
from costcalc.base.hints import argument, said
from costcalc.interop.format import GIVE_SHAPE, ReadOptions
from costcalc.interop.guard import OPAQUE, guarded
from costcalc.interop.tflite import arrange, layers, maths, sequences
from costcalc.interop.tflite.dilated import undealt
from costcalc.interop.tflite.file import Dims, FileGraph, FileOperator, FileTensor, ModelFile
from costcalc.interop.tflite.flatbuffer import Broken
from costcalc.interop.tflite.fold import fold
from costcalc.interop.tflite.net import RULES, Draft, Fixed, Flowing, Invocation, Value, channels_first, stored
from costcalc.interop.tflite.schema import LEAST
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat, Step, legal_name
from costcalc.numbers.num import UNKNOWN

_FAMILIES = (arrange, layers, maths, sequences)  # each has entered its rules into RULES
LARGEST_FILE = 2**33  # bytes
MOST_RUN = 50_000  # operators that are read, those of each turn of a loop among them
MOST_TURNS = 2_000
MOST_DEPTH = 10  # graphs that hold others
STEPS = said("say how often: {}", argument(steps=100))


def read(path: str, options: ReadOptions) -> Flat:
    """Return the network in a file."""
    return guarded(path, lambda: _read(path, options), hint="")


def _read(path: str, options: ReadOptions) -> Flat:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise stop(f"{path} is no regular file", hint="give the path of a .tflite file")
        if not 8 <= status.st_size <= LARGEST_FILE:
            raise stop(f"{path} has {status.st_size:,} bytes: a TFLite file has 8 to {LARGEST_FILE:,}")
        refuse_output(path, path)
        with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            name = options.name or re.sub(r"\.(tf)?lite$", "", os.path.basename(path))
            return TfliteReader(ModelFile(content), name, f"TFLite file {os.path.basename(path)}", options).run()
    except OSError as error:
        raise stop(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (Broken, struct.error) as error:
        raise stop(f"{path} is no TFLite model, or a part of one: {error}") from None


class Opened(NamedTuple):
    """A graph that is being read, with the values of its tensors so far."""

    graph: FileGraph
    values: dict[int, Value]


class TfliteReader:
    """One reading of a model."""

    def __init__(self, model: ModelFile, name: str, source: str, options: ReadOptions) -> None:
        self.model = model
        self.opaque = options.opaque
        self.steps = options.whole("steps", 0, least=0, most=MOST_TURNS)
        self.depth = self.done = 0
        self.variables: dict[str, Value] = {}
        self.kept: list[str] = []  # values that are state for the next run
        self.constants: dict[str, Fixed] = {}
        self.prefix = _prefix(model.graphs[0])
        for graph in model.graphs:
            undealt(graph)
        main = model.graphs[0]
        if not main.inputs or not main.outputs:
            raise stop(f"the model has no {'output' if main.inputs else 'input'}")
        names = _input_names([main.tensors[k] for k in main.inputs])
        shapes = _input_shapes(dict(zip(names, (main.tensors[k] for k in main.inputs), strict=True)), options)
        orders = {name: channels_first(shape) for name, shape in shapes.items()}
        entering = {key: tuple(shape[axis] for axis in orders[key]) or (1,) for key, shape in shapes.items()}
        self.net = Draft(Flat(name, entering if len(names) > 1 else entering[names[0]], source))
        keys = names if len(names) > 1 else [INPUT]
        self.given = [Flowing(key, shapes[own], orders[own]) for key, own in zip(keys, names, strict=True)]

    def run(self) -> Flat:
        """Return the network; raise SpecError where it can't be expressed."""
        flat = self.net.flat
        results = self.graph(0, list(self.given))
        flat.outputs = list(dict.fromkeys([*(self.named(one) for one in results), *self.kept]))
        if not flat.outputs:
            raise stop("the model gives nothing: it has no outputs")
        flat.pruned()
        used = {value for step in flat.steps for value in step.inputs} | set(flat.outputs)
        if len(flat.inputs) > 1 and used & flat.inputs.keys():  # one that only a condition reads, or nothing, is none
            flat.inputs = {name: shape for name, shape in flat.inputs.items() if name in used}
        if not flat.steps:  # all that the model does costs nothing, and is left out
            flat.outputs = flat.add("identity", [flat.outputs[0]], "identity")
        return flat

    def named(self, value: Value) -> str:
        """Return the spec's value of an output."""
        return self.net.hold(value, "output").name if isinstance(value, Fixed) else value.name

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
        frame = Opened(graph, dict(zip(graph.inputs, given, strict=True)))
        self.depth += 1
        for one in graph.operators:
            self.operator(frame, one)
        self.depth -= 1
        return [self.value(frame, k) for k in graph.outputs]

    def value(self, frame: Opened, place: int) -> Value:
        """Return the value of a tensor: what an operator before gave, or what is stored."""
        if place in frame.values:
            return frame.values[place]
        tensor = frame.graph.tensors[place]
        if tensor.key not in self.constants:
            if tensor.stored or 0 in tensor.shape:
                self.constants[tensor.key] = stored(tensor)
            elif tensor.variable:  # the first state of a recurrent layer: zeros
                self.constants[tensor.key] = Fixed(tensor.shape, floating=True)
            else:
                raise Fault(f"takes '{tensor.name[:80]}', which nothing before it gives")
        return self.constants[tensor.key]

    def operator(self, frame: Opened, one: FileOperator) -> None:
        """Read one operator; what goes wrong is told with its name."""
        self.done += 1
        name = _called(frame.graph, one, self.prefix)
        what = f"{name} ({one.custom or one.name})"
        if self.done > MOST_RUN:
            raise stop(f"{what}: more than {MOST_RUN:,} operators are run, those of each turn of a loop among them")
        guarded(what, lambda: self.read(frame, one, name, what))

    def read(self, frame: Opened, one: FileOperator, name: str, what: str) -> None:
        """Give an operator's outputs their values; where that was asked for, of rows of unknown cost."""
        tensors = frame.graph.tensors
        outputs = [None if k < 0 else tensors[k] for k in one.outputs]
        inputs = [None if k < 0 else self.value(frame, k) for k in one.inputs]
        call = Invocation(one.name, name, inputs, outputs, one.given)
        before = len(self.net.flat.steps)
        hide = (lambda: self.hide(call, before, one)) if self.opaque and outputs else None
        results = guarded(what, lambda: self.results(call, one), hide)
        for place, tensor, value in zip(one.outputs, outputs, results, strict=False):
            if tensor is not None:
                guarded(what, lambda t=tensor, v=value: compare(t, v))  # type: ignore[misc]
                frame.values[place] = value

    def results(self, call: Invocation, one: FileOperator) -> list[Value]:
        """Return what an operator gives."""
        least = LEAST.get(call.op, 1)
        if len(call.inputs) < least or None in call.inputs[:least]:
            raise Fault(f"takes {least} tensors or more, and has not these")
        if call.op in CONTROL:
            return CONTROL[call.op](self, call)
        if not call.outputs:
            raise Fault("gives nothing")
        consts = fold(call)
        if consts is not None:
            return list(consts)
        if call.op not in RULES:
            what = f"the custom operator '{one.custom[:80]}'" if call.op == "CUSTOM" else call.op
            raise Fault(f"costcalc has no counterpart of {what}", OPAQUE)
        made = RULES[call.op](self.net, call)
        return made if isinstance(made, list) else [made]

    def hide(self, call: Invocation, before: int, one: FileOperator) -> list[Value]:
        """Return rows of unknown cost, of the shapes that the file states; the first has the operator's weights."""
        net = self.net
        net.take_back(before)
        inputs = [value.name for value in call.inputs if isinstance(value, Flowing)] or [next(iter(net.flat.inputs))]
        consts = [value for value in call.inputs if isinstance(value, Fixed) and value.floating and value.size > 1]
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

    def called(self, call: Invocation) -> list[Value]:
        """A graph in the place of one operator."""
        return self.graph(call.options["graph"], _present(call))

    def condition(self, call: Invocation) -> list[Value]:
        """The graph that a constant chooses; where the image does, that with more multiply-accumulates."""
        truth, held = call.value(0), _present(call)[1:]
        branches = [call.options["then"], call.options["else"]]
        if isinstance(truth, Fixed) and truth.values:
            return self.graph(branches[0 if truth.values[0] else 1], held)
        before, costs = len(self.net.flat.steps), []
        for number in branches:
            self.graph(number, held)
            costs.append(_macs(self.net.flat.steps[before:]))
            self.net.take_back(before)
        told = "; of a condition the branch with more MACs"
        self.net.flat.source += "" if told in self.net.flat.source else told
        return self.graph(branches[costs[1] > costs[0]], held)

    def loop(self, call: Invocation) -> list[Value]:
        """The graph of its body, turn by turn: as often as its condition says, or as was asked for."""
        held, turn = _present(call), 0
        while True:
            before = len(self.net.flat.steps)
            (going, *_) = self.graph(call.options["cond"], held)
            if isinstance(going, Flowing) or not going.values:
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

    def skipped(self, call: Invocation) -> list[Value]:
        """What runs once, before the first image."""
        return []

    def handle(self, call: Invocation) -> list[Value]:
        """A name of state."""
        return [Fixed((), [call.options["name"]])]

    def loaded(self, call: Invocation) -> list[Value]:
        """State: what was assigned in this run, or what one before has left."""
        name = _state(call)
        if name not in self.variables:
            dims = list(call.shape) or [1]
            value = self.net.add("parameter", [], call.name, shape=dims, store="buffer")
            self.variables[name] = self.net.data(value, call.shape, range(len(call.shape)))
        return [self.variables[name]]

    def assigned(self, call: Invocation) -> list[Value]:
        """New state: the next run needs it, so that it is a result."""
        value = call.value(1)
        if value is None:
            raise Fault("assigns nothing")
        self.variables[_state(call)] = value
        if isinstance(value, Flowing):
            self.kept.append(value.name)
        return []


CONTROL: dict[str, Callable[[TfliteReader, Invocation], list[Value]]] = {
    "CALL": TfliteReader.called,
    "STABLEHLO_COMPOSITE": TfliteReader.called,
    "IF": TfliteReader.condition,
    "WHILE": TfliteReader.loop,
    "CALL_ONCE": TfliteReader.skipped,
    "VAR_HANDLE": TfliteReader.handle,
    "READ_VARIABLE": TfliteReader.loaded,
    "ASSIGN_VARIABLE": TfliteReader.assigned,
}


def _state(call: Invocation) -> str:
    """Return the name of the state that an operator reads or writes."""
    handle = call.const(0)
    if handle is None or not handle.values:
        raise Fault("its state has no name")
    return str(handle.values[0])


def compare(tensor: FileTensor, value: Value) -> None:
    """Raise Fault where a tensor has another shape than the file states; an axis that is open there may be any."""
    wanted = tensor.shape
    fits = len(wanted) == len(value.shape) and all(
        is_open or n == m for n, m, is_open in zip(wanted, value.shape, tensor.open, strict=True)
    )
    if wanted and not fits:
        told = [None if is_open else n for n, is_open in zip(wanted, tensor.open, strict=True)]
        stated = ["?" if n is None else n for n in told]
        raise Fault(f"costcalc finds a shape of {list(value.shape)}, the file states {stated}")


def _present(call: Invocation) -> list[Value]:
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


def _input_names(tensors: Sequence[FileTensor]) -> list[str]:
    """Return what the inputs are called: by their names in the signature, each once."""
    names: list[str] = []
    for tensor in tensors:
        name = legal_name(re.sub(r"^serving_default_|:\d+$", "", tensor.name)) if tensor.name else INPUT
        while name in names:
            name = f"{name}_"
        names.append(name)
    return names


def _input_shapes(tensors: dict[str, FileTensor], options: ReadOptions) -> dict[str, Dims]:
    """Return the inputs' shapes as TFLite has them: what the file says, and what is given for what it leaves open."""
    own = options.input or {}
    if isinstance(own, tuple):
        if len(tensors) > 1:
            raise stop(f"the model has {len(tensors)} inputs: {', '.join(tensors)}", hint="give each shape by its name")
        own = {next(iter(tensors)): own}
    given = {next(iter(tensors)) if len(tensors) == 1 and name == INPUT else name: one for name, one in own.items()}
    unknown = [name for name in given if name not in tensors]
    if unknown:
        raise stop(f"the model has no input '{unknown[0][:80]}', but {', '.join(tensors)}")
    return {name: _shape(name, tensor, given.get(name)) for name, tensor in tensors.items()}


def _shape(name: str, tensor: FileTensor, given: Sequence[int] | None) -> Dims:
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
    pairs = zip(given, order, strict=False)
    if len(given) != len(order) or any(n != shape[axis] and axis not in left for n, axis in pairs):
        asked, hint = "x".join(map(str, given)), "channels first; the batch is left out"
        raise stop(f"an input of {asked} does not fit the file's: {said_}", hint=hint)
    for n, axis in zip(given, order, strict=True):
        shape[axis] = n
    return tuple(shape)


_MADE_UP = re.compile(r"(StatefulPartitionedCall|Identity|PartitionedCall|tfl\.\w+|arith\.\w+|output)[_\d]*(:\d+)?")
_WEIGHTED = ("conv", "matmul", "depthwise", "tensordot", "einsum")


def _prefix(graph: FileGraph) -> str:
    """Return the first word that nearly all names begin with: the model's own."""
    firsts = Counter(tensor.name.split("/")[0] for tensor in graph.tensors if "/" in tensor.name)
    most, count = firsts.most_common(1)[0] if firsts else ("", 0)
    return f"{most}/" if count > 0.9 * firsts.total() else ""


def _called(graph: FileGraph, one: FileOperator, prefix: str) -> str:
    """Return what an operator is called: its layer by the names that were merged in its output's, else its kind."""
    outputs = [graph.tensors[k] for k in one.outputs if k >= 0]
    names = [part for part in outputs[0].name.split(";") if part and not part.isdigit()] if outputs else []
    names = [name for name in names if not _MADE_UP.fullmatch(name)]
    if not names:
        return str(one.custom or one.name).lower()
    lasts = [name.rpartition("/")[2].lower() for name in names]
    weighted = [name for name, last in zip(names, lasts, strict=True) if any(word in last for word in _WEIGHTED)]
    chosen = (weighted if weighted and len(one.inputs) > 1 else names)[0].removeprefix(prefix)
    return str(chosen.rpartition("/")[0] or chosen)
