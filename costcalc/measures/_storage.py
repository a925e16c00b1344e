"""Which storages a graph's tensors lie in, and which are alive while each row runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from costcalc.graph.graph import Graph, Node, Tensor
from costcalc.graph.widths import widths
from costcalc.measures.metric import Setup
from costcalc.measures.sizes import activation_bits, in_bytes
from costcalc.numbers import num
from costcalc.numbers.num import Dim
from costcalc.numbers.shape import Shape
from costcalc.operators.op import FOLDED, INPLACE, STORED, VIEW

# Who manages the memory -> which operators write over an operand that nothing needs any more.
OVERWRITES: dict[str, tuple[str, ...]] = {
    "folded": (INPLACE, FOLDED),  # of one tensor only: batch norm and activations, no sums
    "fused": (INPLACE, FOLDED),
    "inplace": (INPLACE,),
    "eager": (INPLACE,),
    "mcu": (INPLACE, FOLDED),
}


Keys = tuple[str, ...]  # the path of a block


class MemoryStep:
    """One row as memory sees it: the storages that it reads and writes, and what it may write over."""

    __slots__ = ("node", "over", "plane", "reads", "scratch", "writes")

    def __init__(self, node: Node, reads: list[int], writes: list[int]) -> None:
        self.node = node
        self.reads = reads
        self.writes = writes
        self.over: list[int] = []  # those of its operands that its output may take the place of
        self.plane: Dim = None  # bytes that are needed beside its operand to run channel by channel over it
        self.scratch: Dim = 0


class Storages:
    """A graph's storages: `sizes` in bytes, `makers` (the node that writes each, None of the input), and its steps."""

    def __init__(self, graph: Graph, setup: Setup) -> None:
        self.graph = graph
        self.setup = setup
        self.mode, self.batch, self.bits = setup.mode, setup.batch, activation_bits(setup)
        self.sizes: list[Dim] = []
        self.elements: list[tuple[Dim, int]] = []  # of one image; and bytes of each where it has its own, else 0
        self.makers: list[Node | None] = []
        self.shapes: list[Shape] = []
        self.place: dict[Tensor, int] = {}  # tensor -> its storage
        self.widths = widths(graph)
        self.place |= {tensor: self._new(None, tensor) for tensor in graph.inputs.values()}
        self.entering = frozenset(self.place.values())
        self.steps = [self._step(node) for node in graph.nodes]
        self.kept = frozenset(self.place[tensor] for tensor in graph.outputs)  # to the end
        self.held = held(self) if setup.mode == "eager" else []

    def makers_of(self, index: int) -> set[int]:
        """Return the rows that hand a row its operands, views included."""
        return {tensor.node.index for tensor in self.graph.nodes[index].inputs if tensor.node is not None}

    def _new(self, node: Node | None, tensor: Tensor, *, stored: bool = False) -> int:
        shape, width = shape_of(tensor), self.widths.get(tensor, 0)
        elements = 0 if stored else shape.size
        self.elements.append((elements, width))
        elements = elements * self.batch
        self.sizes.append(elements * width if width else in_bytes(elements, self.bits))
        self.makers.append(node)
        self.shapes.append(shape)
        return len(self.sizes) - 1

    def _step(self, node: Node) -> MemoryStep:
        """Return a node's step, and give its outputs their places."""
        kind = node.op.storage(node.x, node.y)
        reads = [self.place[tensor] for tensor in node.inputs]
        if len(reads) > 1:
            reads = list(dict.fromkeys(reads))
        if kind == VIEW:
            self.place.update(dict.fromkeys(node.outputs, reads[0]))
            return MemoryStep(node, reads, [])
        writes = []
        for tensor in node.outputs:
            self.place[tensor] = place = self._new(node, tensor, stored=kind == STORED)
            writes.append(place)
        step = MemoryStep(node, reads, writes)
        mode = self.mode
        several = mode == "folded" and len(node.inputs) > 1
        if kind in OVERWRITES[mode] and not several:
            wide = {self.place[tensor] for tensor in node.inputs if tensor in self.widths} if self.widths else ()
            size = self.shapes[writes[0]].size  # of equally many elements: it may be written over under another shape
            step.over = [k for k in reads if k not in wide and num.truth(self.shapes[k].size == size)]
        if mode == "mcu":
            step.plane = self._plane(node, reads, writes)
        if mode == "eager":
            step.scratch = node.op.scratch(node.x, node.y) * self.batch
        return step

    def _plane(self, node: Node, reads: list[int], writes: list[int]) -> Dim:
        """Return the bytes of one plane where a node can run over its own input, and its output is no larger."""
        plane = node.op.plane(node.x, node.y)
        if plane is None or not num.truth(self.sizes[writes[0]] <= self.sizes[reads[0]]):
            return None
        return in_bytes(plane * self.batch, self.bits)


def shape_of(tensor: Tensor) -> Shape:
    """Return a tensor's shape, which in a whole graph is known."""
    shape = tensor.shape
    assert isinstance(shape, Shape)
    return shape


def held(found: Storages) -> list[tuple[int, int]]:
    """Return what PyTorch's callers hold: storages, each with the last step during which it is.

    The network's inputs are held for the whole run, and what enters a block until the block ends: Python's
    frames keep what they were called with.
    """
    steps = found.steps
    holds = [(place, len(steps) - 1) for place in sorted(found.entering)]
    open_: dict[Keys, tuple[int, set[int]]] = {}  # block -> where it began, what has entered it
    for number, (step, now) in enumerate(zip([*steps, None], [*blocks(found.graph), set()], strict=True)):
        for name in [name for name in open_ if name not in now]:
            _, entered = open_.pop(name)
            holds += [(place, number - 1) for place in entered]
        for name in now:
            assert step is not None
            begin, entered = open_.setdefault(name, (number, set()))
            entered.update(place for place in step.reads if _before(found, place, begin))
    return holds


def _before(found: Storages, place: int, begin: int) -> bool:
    """Say whether a storage was written before a step."""
    maker = found.makers[place]
    return maker is None or maker.index < begin


def blocks(graph: Graph) -> list[set[Keys]]:
    """Return the blocks that each row stands in: `stage1`, `stage1/block2`.

    A layer in which others stand is a block too: a norm with its activation in it (`bn1`, `bn1.act`).
    """
    keys = [node.path_parts for node in graph.nodes]
    holders = {one[:depth] for one in keys for depth in range(1, len(one))}
    return [
        {one[:depth] for depth in range(1, len(one))} | ({one} if one in holders or node.holds_input else set())
        for one, node in zip(keys, graph.nodes, strict=True)
    ]


class Moment:
    """What is alive while one row runs: storages with their bytes, and what is needed beside them."""

    __slots__ = ("alive", "beside", "over", "step")

    def __init__(self, step: MemoryStep, alive: list[int], beside: Dim, over: int | None) -> None:
        self.step = step
        self.alive = alive  # its output not counted where it takes the place of an operand
        self.beside = beside  # scratch, or one plane
        self.over = over  # the operand that is written over

    def total(self, sizes: Sequence[Dim]) -> Dim:
        """Return the bytes."""
        return sum([sizes[place] for place in self.alive], self.beside)


def moments(found: Storages, order: Iterable[int]) -> list[Moment]:
    """Return what is alive while each row runs, rows in an order that gives each its operands first."""
    steps = found.steps
    waiting = [0] * len(found.sizes)  # rows that have yet to read each storage
    for step in steps:
        for place in step.reads:
            waiting[place] += 1
    until: dict[int, int] = {}
    for place, last in found.held:
        until[place] = max(last, until.get(place, -1))
    alive = dict.fromkeys(sorted(found.entering))
    made = []
    for number, index in enumerate(order):
        step = steps[index]
        for place in step.reads:
            waiting[place] -= 1
        dead = [place for place in step.reads if not waiting[place] and place not in found.kept]
        # Where a caller holds one of two operands, PyTorch's code adds to the other: the branch's own result.
        free = [place for place in step.over if place in dead]
        over = min(free, key=until.__contains__) if free else None
        beside, new = step.scratch, [] if over is not None else step.writes
        if step.plane is not None and step.reads[0] in dead:
            over, beside, new = step.reads[0], step.plane, []
        made.append(Moment(step, [*alive, *new], beside, over))
        if over is not None and over in until:  # a caller holds the storage: what was written over it is held on
            written = step.writes[0]
            until[written] = max(until.pop(over), until.get(written, -1))
        alive |= dict.fromkeys(step.writes)
        # Where nobody holds anything, what nothing waits for any more is among what this row reads and writes.
        for place in [*alive] if until or not number else (*step.reads, *step.writes):
            idle = not waiting[place] and place not in found.kept
            if place in alive and ((idle and until.get(place, -1) <= number) or place == over):
                del alive[place]
    return made


@lru_cache(maxsize=8)
def storages(graph: Graph, setup: Setup) -> Storages:
    """Return a graph's storages; kept, since several metrics ask for the same."""
    return Storages(graph, setup)
