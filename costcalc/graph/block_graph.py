"""What a call of a block comes to, as a function of all that it sees: a graph without a place, used again and again.

A block sees its arguments, the knobs, `define` and its own layers, and nothing of its caller. So the same arguments,
entering shapes and surroundings give the same rows; their names begin at the call.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.graph.graph import Bundle, Flow, Node, Tensor, tensors
from costcalc.graph.paths import UniquePaths
from costcalc.graph.surroundings import Surroundings
from costcalc.language.document import Block

# A row of a block's graph: its node, its name and its layer's, the numbers of the tensors that it takes and gives, and
# the number of the row whose weights it uses.
BlockRow = tuple[Node, str, str, list[int], list[int], int | None]


class GraphBody:
    """The rows of a network, or of one call of a block, and their names, while they are made."""

    __slots__ = ("blocks", "includes", "parts", "paths")

    def __init__(self) -> None:
        self.parts: list[Node | Placed] = []
        self.paths = UniquePaths()
        self.blocks: set[Block] = set()  # that were called in it
        self.includes = False  # whether it includes another spec

    def place(self, graph: BlockGraph, path: str, entering: list[Tensor]) -> Flow:
        """Put a block's graph here; return what flows out of it."""
        self.blocks |= graph.blocks
        self.includes = self.includes or not graph.keeps
        leaving = [Tensor(own.shape, used=own.used) for own in graph.leaving]
        for tensor, own in zip(entering, graph.entering, strict=True):
            if own.used:
                tensor.used = True
        if graph.size:
            self.parts.append(Placed(graph, path, entering, leaving))
        if leaving and graph.flow is graph.leaving[0]:
            return leaving[0]
        known = dict(zip(graph.entering + graph.leaving, entering + leaving, strict=True))
        flow: Flow = with_tensors(graph.flow, known)
        return flow

    def all_used(self, leaving: Sequence[Tensor]) -> bool:
        """Say whether each tensor that was made here is used, or leaves."""
        for part in self.parts:
            idle = 0
            for one in part.outputs:
                if not one.used and one not in leaving:
                    idle += 1
            if idle and (isinstance(part, Placed) or not part.op.results or idle == len(part.outputs)):
                return False
        return True


class BlockGraph:
    """What a block comes to: its rows, the tensors that enter and leave, and what it took to find out."""

    __slots__ = (
        "blocks", "counted", "depth", "entering", "flow", "keeps", "leaving", "made", "named", "numbers", "parts",
        "size", "spent", "tensors",
    )  # fmt: skip

    def __init__(
        self, body: GraphBody, block: Block, depth: int, entering: list[Tensor], flow: Flow, spent: tuple[int, int]
    ) -> None:
        self.parts = body.parts
        self.blocks = frozenset((block, *body.blocks))  # that were run: none of them may stand around it
        self.keeps = not body.includes  # whether it depends on nothing else
        self.depth = depth  # at which it was expanded, and so is not too deep
        self.entering = entering
        self.flow = flow
        leaving = [flow] if type(flow) is Tensor else dict.fromkeys(tensors(flow))
        self.leaving = [one for one in leaving if one not in entering]
        self.size: int = sum([1 if isinstance(part, Node) else part.graph.size for part in body.parts])  # its rows
        self.spent = spent  # steps, and work of expressions
        self.counted: dict[Any, Any] = {}  # what `costs` knows of its rows
        self.named: list[str] | None = None
        self.made: list[BlockRow] | None = None
        self.numbers: dict[Tensor, int] = {}
        self.tensors = 0

    @property
    def names(self) -> list[str]:
        """The names of its rows."""
        if self.named is None:
            self.named = names_of(self.parts)
        return self.named

    @property
    def rows(self) -> list[BlockRow]:
        """Its rows, those of calls in it among them; its tensors are numbered then, those that enter first."""
        if self.made is None:
            self.made = self._numbered()
        return self.made

    def _numbered(self) -> list[BlockRow]:
        numbers = {tensor: number for number, tensor in enumerate(self.entering)}
        count, places, found = len(numbers), dict[Node, int](), list[BlockRow]()
        for part in self.parts:
            if isinstance(part, Node):
                takes, gives = (
                    [numbers[tensor] for tensor in part.inputs],
                    list(range(count, count + len(part.outputs))),
                )
                count += len(gives)
                numbers.update(zip(part.outputs, gives, strict=True))
                places[part] = len(found)
                same = None if part.shared is None else places[part.shared]
                found.append((part, part.name, part.layer, takes, gives, same))
            else:
                inner, rows = part.graph, part.graph.rows
                mine = [numbers[tensor] for tensor in part.entering]
                mine += range(count, count + inner.tensors - len(mine))
                count += inner.tensors - len(part.entering)
                leaving = (mine[inner.numbers[tensor]] for tensor in inner.leaving)
                numbers.update(zip(part.outputs, leaving, strict=True))
                found += part.rows(rows, mine, len(found))
        self.numbers, self.tensors = numbers, count
        return found


class Placed:
    """A call of a block: its graph at a path, fed by tensors. Its nodes are made when they are asked for."""

    __slots__ = ("entering", "graph", "layer", "name", "outputs")

    def __init__(self, graph: BlockGraph, path: str, entering: list[Tensor], outputs: list[Tensor]) -> None:
        self.graph = graph
        self.name = self.layer = path
        self.entering = entering
        self.outputs = outputs

    @property
    def size(self) -> int:
        """How many rows it has."""
        return self.graph.size

    def rows(self, rows: list[BlockRow], numbers: list[int], first: int) -> list[BlockRow]:
        """Return its rows as those of the block's graph around, by the numbers that its tensors have there."""
        return [
            (
                node,
                f"{self.name}/{name}",
                f"{self.name}/{layer}",
                [numbers[k] for k in takes],
                [numbers[k] for k in gives],
                None if same is None else first + same,
            )
            for node, name, layer, takes, gives, same in rows
        ]

    def nodes(self, first: int) -> list[Node]:
        """Return its nodes, made anew, the first of which has this index."""
        graph, prefix, made = self.graph, f"{self.name}/", list[Node]()
        rows = graph.rows
        known: list[Any] = [*self.entering, *[None] * (graph.tensors - len(self.entering))]  # tensors, once made
        for inside, tensor in zip(graph.leaving, self.outputs, strict=True):
            known[graph.numbers[inside]] = tensor
        for index, (own, name, layer, takes, gives, same) in enumerate(rows, first):
            entering, path = [known[k] for k in takes], prefix + name
            within = path if layer == name else prefix + layer
            for number, its in zip(gives, own.outputs, strict=True):
                if known[number] is None:
                    known[number] = Tensor(its.shape, used=True)  # else its block's graph would not be kept
            leaving = [known[k] for k in gives]
            node = Node(path, within, own.op, entering, leaving, own.mark, own.x, own.y)
            node.bits, node.density = own.bits, own.density
            node.index = index
            for tensor in leaving:
                tensor.node = node
            if same is not None:
                node.shared = made[same]
            made.append(node)
        return made


def names_of(parts: Sequence[Node | Placed]) -> list[str]:
    """Return the names of all rows, those of calls among them."""
    found: list[str] = []
    for part in parts:
        if isinstance(part, Node):
            found.append(part.name)
        else:
            prefix = f"{part.name}/"
            found += [prefix + name for name in part.graph.names]
    return found


def with_tensors(value: Datum, known: Mapping[Tensor, Tensor]) -> Datum:
    """Return a value, or what flows, with other tensors in the place of those that are known."""
    kind = type(value)
    if kind is Tensor:
        return known.get(value, value)
    if kind is Bundle:
        return Bundle([known.get(one, one) for one in value.tensors], value.names, listed=value.listed)
    return kind([with_tensors(part, known) for part in value]) if kind is list or kind is tuple else value


class Unkept(Exception):
    """A call depends on what is no key: arrays, symbols."""


def key_of(
    block: Block, arguments: Mapping[str, Datum], flow: Flow, around: Surroundings, constants: Mapping[str, Datum]
) -> tuple[Hashable, list[Tensor]]:
    """Return all that a call's rows depend on as a key, and the tensors that enter, each once.

    constants: knobs, and constants under `define`. Raises `Unkept` where there is no key.
    """
    entering: list[Tensor] = []
    found: list[Any] = [block, _frozen(flow, entering)]
    found += [around.bits, type(around.bits), around.density, type(around.density)]
    for name, _ in block.arguments:
        value = arguments.get(name, ...)
        found.append(value if type(value) is int else _frozen(value, entering))
    for name in block.reads:
        found.append(_frozen(constants.get(name), entering))
    return tuple(found), entering


def _frozen(value: Datum, entering: list[Tensor]) -> Hashable:
    """Return a value as a key, in which 1, 1.0 and true differ; of a tensor its shape, and which one it is."""
    kind: type[Datum] = type(value)
    if kind is int or kind is str or value is None or value is ...:
        found: Hashable = value
        return found
    if kind is Tensor:
        if value.shape is None:
            raise Unkept
        if value not in entering:
            entering.append(value)
        return Tensor, entering.index(value), value.shape.dims
    if kind is float or kind is bool:
        return kind, value
    if kind is list or kind is tuple:
        return kind, *[_frozen(part, entering) for part in value]
    if kind is Bundle:
        return Bundle, value.listed, *value.names, *[_frozen(part, entering) for part in value.tensors]
    raise Unkept
