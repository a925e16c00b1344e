"""What a spec becomes: a typed graph of nodes and tensors, for given knob values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, final

from costcalc.base import Datum, InputShape
from costcalc.base.errors import Mark, Problem, nearest
from costcalc.base.hints import ROWS
from costcalc.language.document import INPUT, Spec
from costcalc.numbers.num import Dim, Dims
from costcalc.numbers.shape import Shape, Shapes
from costcalc.operators.op import Op
from costcalc.operators.receptive import Reaches

if TYPE_CHECKING:
    from costcalc.graph.block_graph import Placed

MODULE, ABSENT = "module", "absent"  # what `reference` says of rows: where it says nothing; where there is no call


class Tensor:
    """A tensor of the graph: its shape; in a whole graph the node that gives it, None where it enters, by a name."""

    __slots__ = ("name", "node", "shape", "used")

    def __init__(self, shape: Shape | None, name: str = "", *, used: bool = False) -> None:
        self.name = name
        self.shape = shape
        self.node: Node | None = None
        self.used = used

    def __str__(self) -> str:
        return f"a layer's output{f' ({self.shape})' if self.shape else ''}"


@final
class Bundle:
    """Several tensors that flow together, each with its name: what a block of several outputs gives."""

    __slots__ = ("listed", "names", "tensors")

    def __init__(self, tensors: list[Tensor], names: list[str], *, listed: bool = False) -> None:
        self.tensors = tensors
        self.names = names
        self.listed = listed  # whether a list or `none` said how many they are: a join of one is then the identity

    def __str__(self) -> str:
        return f"a layer of several outputs ({', '.join(self.names)})"


Flow = Tensor | Bundle


def tensors(flow: Flow) -> list[Tensor]:
    """Return all tensors that flow."""
    return list(flow.tensors) if type(flow) is Bundle else [flow]


class Node:
    """One operator at work: a row to be. `x` and `y` are the shapes that its rules take."""

    __slots__ = (
        "bits",
        "call",
        "density",
        "holds_input",
        "index",
        "inputs",
        "layer",
        "mark",
        "name",
        "op",
        "outputs",
        "row",
        "shared",
        "x",
        "y",
    )

    def __init__(
        self,
        name: str,
        layer: str,
        op: Op,
        inputs: list[Tensor],
        outputs: list[Tensor],
        mark: Mark,
        x: Shapes,
        y: Shapes,
    ) -> None:
        self.index = 0  # once it stands in a graph
        self.name = name
        self.layer = layer  # the name of its layer: a conv's norm and activation belong to the conv
        self.op = op
        self.inputs = inputs
        self.outputs = outputs
        self.mark = mark
        self.x = x
        self.y = y
        self.shared: Node | None = None  # the node whose weights it uses
        self.bits: Dim = None
        self.density: Dim = None
        self.row: Any = None  # what it costs, once `costs` is asked
        self.holds_input = False  # whether the reference implementation holds its layer's input until the layer is done
        self.call = MODULE  # how the reference implementation calls it: a word of the spec's `reference`

    def __repr__(self) -> str:
        return f"<{self.name}: {self.op.kind} {self.x} -> {self.y}>"

    @property
    def size(self) -> int:
        """How many rows it is."""
        return 1

    @property
    def path_parts(self) -> tuple[str, ...]:
        """The modules that its layer stands in, and the layer: names part at `/`, imported ones at `.`."""
        return tuple(re.split("[/.]", self.layer))

    def reach(self, number: int, part: int = 0) -> Reaches:
        """Return which places of an operand each pixel of an output reads, as `Op.reach`."""
        x = self.x if isinstance(self.x, Shape) else self.x[number]
        if isinstance(self.y, Shape):
            alone = isinstance(self.x, Shape)
            return self.op.reach(x, self.y, number) if alone else self.op.among(self.x, self.y, number)
        found = self.op.reach(x, self.y[part], number)
        if not isinstance(found, tuple):
            return found
        return tuple(one.moved(by) for one, by in zip(found, self.op.begins(x, self.y, part), strict=True))

    @property
    def producer(self) -> Node | None:
        """The node that gives its first input; None where the network's own enters, or nothing."""
        return self.inputs[0].node if self.inputs else None


class Graph:
    """A network for given knob values: its nodes in order, its inputs and its outputs.

    Of a call of a block that is kept, nodes are made when they are asked for.
    """

    def __init__(self, spec: Spec, knobs: dict[str, Datum]) -> None:
        self.spec = spec
        self.knobs = knobs
        self.inputs = {name: Tensor(None, name=name) for name in spec.inputs or (INPUT,)}
        self.own_dims: dict[str, Dims] = {}  # the spec's own shapes, where others are given from outside
        self.given: Mapping[str, Dims] = {}  # the inputs whose shapes were given from outside, not by the spec
        self.parts: Sequence[Node | Placed] = ()
        self.outputs: list[Tensor] = []
        self.made: list[Node] | None = None
        self.counted: Any = None  # its rows, once `costs` has counted them
        self.models: Any = None  # and for each one that costs the same
        self.costs: dict[Any, Any] = {}  # by convention what it costs, and each of its rows

    @property
    def nodes(self) -> list[Node]:
        """Its operators, in order."""
        if self.made is None:
            nodes: list[Node] = []
            for part in self.parts:
                if isinstance(part, Node):
                    part.index = len(nodes)
                    for tensor in part.outputs:
                        tensor.node = part
                    nodes.append(part)
                else:
                    nodes += part.nodes(len(nodes))
            self.made = nodes
            self.mark_reference_calls(nodes)
        return self.made

    @property
    def channel_warning(self) -> str:
        """What is to be told loudly of an input: other channels than the spec's own, or axes in another order."""
        return next(filter(None, map(self._warning, self.inputs)), "")

    def _warning(self, name: str) -> str:
        shape, own = self.inputs[name].shape, self.own_dims.get(name)
        if shape is None:
            return ""
        if name not in self.given:
            return misplaced(shape.dims)
        if not own or shape.c == own[0] or (len(own) == 1 and self._indexes(name)):
            return ""
        called = f"the input {shape}" if name == INPUT else f"the input {name}, {shape},"
        said = f"{called} has other channels than the spec's own {Shape(*own)}"
        last = shape.dims[-1] == own[0]
        return f"{said}: they come first, {Shape(shape.dims[-1], *shape.dims[:-1])}" if last else said

    def _indexes(self, name: str) -> bool:
        """Whether an input is read as indices: its one axis is a length then, and no channels."""
        entering = self.inputs[name]
        return any(t is entering and k in node.op.reads_as for node in self.nodes for k, t in enumerate(node.inputs))

    @property
    def input_shapes(self) -> dict[str, Shape]:
        """The shapes of what enters, by name."""
        return {name: tensor.shape for name, tensor in self.inputs.items() if tensor.shape is not None}

    @property
    def given_shape(self) -> InputShape | None:
        """The inputs' shapes that were given from outside, as a caller writes them; None where none was."""
        if not self.given:
            return None
        return self.given[INPUT] if INPUT in self.given else dict(self.given)

    @property
    def flow(self) -> Flow:
        """What enters the first item: the one input, or all in their order."""
        tensors = [*self.inputs.values()]
        return tensors[0] if len(tensors) == 1 else Bundle(tensors, [*self.inputs])

    def mark_reference_calls(self, nodes: list[Node]) -> None:
        """Tell each node how the reference implementation calls it: by the first pattern that its name matches."""
        words = [word for word, patterns in self.spec.reference.items() for _ in patterns]
        called = _matcher(pattern for patterns in self.spec.reference.values() for pattern in patterns)
        held = _matcher(self.spec.held)
        for node in nodes if words or self.spec.held else ():
            node.holds_input = held(node.layer) is not None
            number = called(node.name)
            node.call = MODULE if number is None else words[number]


def unmatched(graphs: Sequence[Graph]) -> list[Problem]:
    """Return the patterns of a spec's `reference` that name no row in any of its graphs: most likely mistakes."""
    spec = graphs[0].spec
    rows = {node.name: None for graph in graphs for node in graph.nodes}
    layers = {node.layer: None for graph in graphs for node in graph.nodes}
    found = []
    for pattern, mark in spec.pattern_marks.items():
        called = any(pattern in patterns for patterns in spec.reference.values())
        met = _matcher([pattern])
        if all(met(name) is None for name in (rows if called else layers)):
            hint = nearest(pattern, rows) or ROWS
            found.append(Problem(f"'{pattern}' names no row", mark, hint))
    return found


IMAGE = 16  # pixels, from which on a length may be an image's


def misplaced(dims: Dims) -> str:
    """Return what is most likely meant by an input that begins with a batch or frames, or ends with its channels."""
    if not all(type(axis) is int for axis in dims):
        return ""
    said = "x".join(map(str, dims))
    if len(dims) == 4 and dims[0] == 1 and dims[1] in (1, 3) and min(dims[2:]) >= IMAGE:
        return f"the input {said} is a volume of one channel; an image is {list(dims[1:])}: the batch is not written"
    if len(dims) == 4 and dims[0] > 3 and 3 in (dims[1], dims[3]):
        plane = dims[2:] if dims[1] == 3 else dims[1:3]
        if min(plane) >= IMAGE:
            return f"the input {said} has {dims[0]} channels; a video's stand before its frames: {[3, dims[0], *plane]}"
    if len(dims) == 2 and dims[0] == dims[1] >= IMAGE:
        return f"the input {said} is {dims[0]} channels of one axis; an image has three: [3, {dims[0]}, {dims[1]}]"
    last = dims[2] if len(dims) == 3 and min(dims[:2]) >= IMAGE else 0
    if last == 3 or (last == 1 and dims[0] == dims[1]):
        return f"the input {said} has {dims[0]} channels; they come first: {[last, *dims[:2]]}"
    return ""


def _matcher(patterns: Iterable[str]) -> Callable[[str], int | None]:
    """Return a function that gives the number of the first pattern that a name matches, None for none."""
    from fnmatch import translate

    every = [f"({translate(pattern)})" for pattern in patterns]
    found = re.compile("|".join(every)).match if every else None

    def number(name: str) -> int | None:
        match = found(name) if found else None
        return match.lastindex - 1 if match and match.lastindex else None

    return number
