"""Functions of the file's own, conditions and loops: graphs that are put in the place of one node."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from costcalc.base.errors import Fault, stop
from costcalc.base.optional import need
from costcalc.interop.onnx.file import MOST_NODES
from costcalc.interop.tensors.net import Call, Net
from costcalc.interop.tensors.values import Const, Data, computed

MOST_DEPTH = 50  # functions that call others


class Reader(Protocol):
    """What reads the graphs of nodes."""

    net: Net

    def inner(self, graph: Any, given: list[Const | Data | None]) -> list[Const | Data]:
        """Read a graph that a node holds, with these inputs, and return its outputs."""


def inlined(model: Any) -> Any:
    """Return a model that calls no functions of its own. Raises SpecError where these have no end, or are many."""
    if not model.functions:
        return model
    functions = {(one.domain, one.name): one for one in model.functions}
    if len(functions) < len(model.functions):
        raise stop("two functions of the model have one name")
    sizes = _Sizes(functions)
    for function in model.functions:  # also those that nothing calls
        sizes.of(function.node, 0)
    if sizes.of(model.graph.node, 0) > MOST_NODES:
        raise stop(f"with its functions written out the model has more than {MOST_NODES:,} nodes")
    return need("onnx.inliner", "onnx").inline_local_functions(model)


class _Sizes:
    """How many nodes there are once functions are written out."""

    def __init__(self, functions: dict[tuple[str, str], Any]) -> None:
        self.functions = functions
        self.known: dict[tuple[str, str], int] = {}

    def of(self, nodes: Any, depth: int) -> int:
        """Return the size of nodes that stand in so many functions."""
        return sum(self.called(node, depth) for node in every_node(nodes))

    def called(self, node: Any, depth: int) -> int:
        key = (node.domain, node.op_type)
        function, name = self.functions.get(key), ".".join(key)[:80]
        if function is None:
            return 1
        if len(node.input) > len(function.input) or len(node.output) > len(function.output):
            raise stop(f"{node.name or node.op_type}: takes or gives more than the function {name} does")
        if depth > MOST_DEPTH:
            raise stop(f"the function {name} calls itself, or others more than {MOST_DEPTH} deep")
        if key not in self.known:
            self.known[key] = self.of(function.node, depth + 1)
        return self.known[key]


def every_node(nodes: Any) -> Iterator[Any]:
    """Yield nodes, and those of the graphs that they hold."""
    for node in nodes:
        yield node
        for graph in graphs_of(node):
            yield from every_node(graph.node)


def graphs_of(node: Any) -> list[Any]:
    """Return the graphs that a node holds."""
    held = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return held + [graph for attribute in node.attribute for graph in attribute.graphs]


def condition(reader: Reader, call: Call) -> None:
    """If: the nodes of the branch that is taken, where a constant says which."""
    chosen = call.known(0)
    if chosen is None or chosen.size != 1:
        raise Fault("its condition is no single truth")
    branch = "then_branch" if chosen.reshape(-1)[0] else "else_branch"
    _give(reader, call, reader.inner(call.attr(branch), []))


def loop(reader: Reader, call: Call) -> None:
    """Loop: the nodes of its body, turn by turn, where constants say how often."""
    np = need("numpy", "onnx")
    most, go = call.known(0), call.known(1)
    held: list[Const | Data | None] = list(call.inputs[2:])
    if most is None and go is None:
        raise Fault("has no end")
    body, turn = call.attr("body"), 0
    if len(body.input) != 2 + len(held) or len(body.output) <= len(held):
        raise Fault("its body takes or gives other tensors than the loop")
    if any(reader.net.uses[out] for out in call.outputs[len(held) :]):
        raise Fault("costcalc has no words for a tensor that each turn of a loop adds to")
    while (go is None or go.reshape(-1)[0]) and (most is None or turn < most.reshape(-1)[0]):
        truth = computed(np.asarray(True), {})
        given = reader.inner(body, [computed(np.asarray(turn, np.int64), {}), truth, *held])
        going, held, turn = given[0], [*given[1 : 1 + len(held)]], turn + 1
        if not isinstance(going, Const) or going.array() is None:
            raise Fault("goes on as the image says; costcalc takes a constant here")
        go = going.array()
    _give(reader, call, held)


def _give(reader: Reader, call: Call, values: Sequence[Const | Data | None]) -> None:
    """Give a node's outputs these values."""
    for out, value in zip(call.outputs, values, strict=False):
        if isinstance(value, Data):
            reader.net.values[out] = Data(value.name, value.shape, still=value.still, image=value.image)
        elif value is not None:
            reader.net.values[out] = value


GRAPHS = {"If": condition, "Loop": loop}
