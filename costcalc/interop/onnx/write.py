"""A graph of costcalc -> an ONNX model of the same operators, for Netron and other tools.

Weights are nodes that make a tensor of one value (ConstantOfShape), so that the file is small: a shape and a
name stand for each. The last node of a row says what the row costs (`metadata_props`).
docs/formats.md says how operators are mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from costcalc.base import Datum
from costcalc.base.files import writing
from costcalc.base.optional import need
from costcalc.costs import conventions
from costcalc.costs.counting import costs_of
from costcalc.graph.graph import Graph, Node, Tensor
from costcalc.graph.widths import as_numbers, moves, widths
from costcalc.interop.onnx import write_layers, write_maths, write_moves, write_sequences
from costcalc.interop.onnx.values import DOMAIN, FIXED, LEARNED, STORED, fields_text
from costcalc.numbers.num import UNKNOWN, Dim
from costcalc.numbers.shape import Shape, Shapes

OPSET, IR_VERSION = 22, 10  # from 22 on a pool's last, partial window is PyTorch's
BATCH = 1
_RULES: dict[str, Datum] = {
    **write_layers.RULES, **write_maths.RULES, **write_moves.RULES, **write_sequences.RULES,
}  # fmt: skip


def write(graph: Graph, path: str) -> None:
    """Write the model of a graph into a file; raise SpecError where that can't be."""
    made = model(graph).SerializeToString()
    with writing(path) as file:
        file.write(made)


def model(graph: Graph) -> Any:
    """Return a graph as an `onnx.ModelProto` over a batch of one, with the shape of every layer's output.

    An operator is written as its class says (`onnx(self, writer, inputs, x, y)`, for those of other packages),
    else as the tables beside this module say, else as a node of the domain `costcalc` with its fields.
    """
    return Writer(graph).model()


class Writer:
    """One writing of a graph: the nodes so far. The names of values are those of rows."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.helper = need("onnx.helper", "onnx")
        self.types = need("onnx", "onnx").TensorProto
        self.nodes: list[Any] = []
        self.made: list[Any] = []  # the nodes that stand for weights
        self.stored: dict[str, Datum] = {}  # small constants, by name
        self.weights: dict[str, str] = {}
        self.own = False  # whether a node of costcalc's own domain was written
        self.names: dict[Tensor, str] = {tensor: name for name, tensor in graph.inputs.items()}
        self.kinds = self.kinds_of(graph)
        self.row: Node = graph.nodes[0]
        self.taken = set(graph.inputs)

    def kinds_of(self, graph: Graph) -> dict[Tensor, int]:
        """Return the types of tensors that hold no floating point numbers: constants are written as if they did."""
        known = {8: self.types.INT64, 1: self.types.BOOL}
        found = {tensor: known[size] for tensor, size in widths(graph).items() if tensor.node is None}
        for node in graph.nodes:
            found.update((node.outputs[k], known[size]) for k, size in node.op.gives_as.items())
            given = {found.get(tensor) for tensor in node.inputs}
            if moves(node) and len(given) == 1 and (kind := given.pop()):
                found.update(dict.fromkeys(node.outputs, kind))
        return found

    def model(self) -> Any:
        """Return the whole model."""
        infos = []
        rule = conventions.get(conventions.DEFAULT)
        for node, cost in zip(self.graph.nodes, costs_of(self.graph, rule), strict=True):
            self.row = node
            for tensor, name in zip(node.outputs, self.written(node), strict=True):
                self.names[tensor] = name
                infos.append(self.info(tensor))
            costs = {"params": _said(cost.params), rule.called: _said(cost.operations)}
            _note(self.nodes[-1], costs | {"convention": " ".join(rule.mark.values())})
        outputs = [self.info(tensor) for tensor in self.graph.outputs]
        ends = {info.name for info in outputs}
        graph = self.helper.make_graph(
            [*self.made, *self.nodes],
            self.graph.spec.name or "network",
            [self.info(tensor) for tensor in self.graph.inputs.values()],
            outputs,
            initializer=list(self.stored.values()),
            value_info=[info for info in infos if info.name not in ends],
        )
        opsets = [self.helper.make_opsetid("", OPSET)]
        if self.own:
            opsets.append(self.helper.make_opsetid(DOMAIN, 1))
        made = self.helper.make_model(
            graph,
            producer_name="costcalc",
            opset_imports=opsets,
            ir_version=IR_VERSION,
            doc_string=str(self.graph.spec.meta.get("source", "")),
        )
        _note(made, {"counted": rule.counted})
        return made

    def info(self, tensor: Tensor) -> Any:
        """Return a tensor's name, type and shape."""
        shape: Shapes = tensor.shape
        return self.helper.make_tensor_value_info(
            self.names[tensor], self.kinds.get(tensor, self.types.FLOAT), [BATCH, *shape.dims]
        )

    def written(self, node: Node) -> list[str]:
        """Write a node, and return the names of its outputs: the row's, with a number where there are several."""
        inputs = [
            self.node("Cast", [self.names[tensor]], to=self.types.FLOAT) if cast else self.names[tensor]
            for tensor, cast in zip(node.inputs, as_numbers(self.graph, node), strict=True)
        ]
        own = getattr(node.op, "onnx", None)
        if own is not None:
            given = own(self, inputs, node.x, node.y)
        else:
            given = _RULES.get(node.op.kind, _unmapped)(self, node, inputs)
            if given is None:
                given = _unmapped(self, node, inputs)
        several = isinstance(given, list)
        return [
            self.called(name, f"{node.name}.{k}" if several else node.name)
            for k, name in enumerate(given if several else [given])
        ]

    def called(self, value: str, name: str) -> str:
        """Give the output of the last node a row's name; of any other value make a copy of this name."""
        name = self.free(name)
        last = self.nodes[-1] if self.nodes else None
        if last is not None and value in last.output:
            last.output[list(last.output).index(value)] = name
            last.name = name if len(last.output) == 1 else last.name
            return name
        self.nodes.append(self.helper.make_node("Identity", [value], [name], name=name))
        return name

    def free(self, name: str) -> str:
        """Return a name that no other value has."""
        found, number = name, 1
        while found in self.taken:
            number += 1
            found = f"{name}_{number}"
        self.taken.add(found)
        return found

    # ---- what rules write with -------------------------------------------------------------------

    def node(self, op: str, inputs: Sequence[str], *, outputs: int = 1, domain: str = "", **attributes: Any) -> Any:
        """Write a node, and return the name of its output, or a list of several."""
        names = [self.free(f"{self.row.name}.{op}") for _ in range(outputs)]
        made = self.helper.make_node(op, list(inputs), names, name=names[0], domain=domain, **attributes)
        self.nodes.append(made)
        return names if outputs > 1 else names[0]

    def weight(self, name: str, dims: Sequence[Any], value: float = 0.0, mark: str = LEARNED) -> str:
        """Return the name of a tensor of weights; layers that share theirs have the same."""
        owner = self.row.shared or self.row
        key = f"{owner.name}.{name}"
        if key not in self.weights:
            out = self.free(key)
            fill = self.helper.make_tensor("value", self.types.FLOAT, [1], [value])
            node = self.helper.make_node("ConstantOfShape", [self.ints(dims)], [out], name=out, value=fill)
            node.doc_string = mark
            self.made.append(node)
            self.weights[key] = out
        return self.weights[key]

    def filled(self, name: str, dims: Sequence[Any], value: float) -> str:
        """Return the name of a tensor of one value that nothing learns."""
        return self.weight(name, dims, value, mark=FIXED)

    def held(self, name: str, dims: Sequence[Any], value: float = 0.0) -> str:
        """Return the name of a tensor that is stored, and not learned."""
        return self.weight(name, dims, value, mark=STORED)

    def ints(self, values: Sequence[Any]) -> str:
        """Return the name of a constant of whole numbers."""
        numbers = [int(n) for n in values]
        return self.constant("i" + "_".join(str(n) for n in numbers), self.types.INT64, [len(numbers)], numbers)

    def number(self, value: float) -> str:
        """Return the name of a constant of one number."""
        return self.constant(f"f{value!r}", self.types.FLOAT, [], [value])

    def constant(self, name: str, kind: int, dims: list[int], values: Sequence[float]) -> str:
        """Return the name of a small constant, stored once."""
        key = f"costcalc.{name}"
        if key not in self.stored:
            self.stored[key] = self.helper.make_tensor(key, kind, dims, values)
        return key

    def reshape(self, value: str, dims: Sequence[Any]) -> str:
        """Return a value with other axes behind the batch."""
        return str(self.node("Reshape", [value, self.ints([BATCH, *dims])]))

    def transpose(self, value: str, order: Sequence[int]) -> str:
        """Return a value with the axes behind the batch in another order."""
        return str(self.node("Transpose", [value], perm=[0, *(k + 1 for k in order)]))

    def aligned(self, values: Sequence[str], shapes: Sequence[Shape], y: Shape) -> list[str]:
        """Return values with axes of length 1 behind those that are shorter than the others."""
        axes = len(y.dims)
        return [
            value if len(shape.dims) == axes else self.reshape(value, [*shape.dims, *(1,) * (axes - len(shape.dims))])
            for value, shape in zip(values, shapes, strict=True)
        ]


def _note(proto: Any, said: dict[str, str]) -> None:
    """Write properties on a node or a model, as viewers show them."""
    for key, value in said.items():
        proto.metadata_props.add(key=f"costcalc.{key}", value=value)


def _said(number: Dim) -> str:
    """Return a number as a node's property, exact."""
    return "unknown" if number is UNKNOWN else str(number)


def _unmapped(writer: Writer, node: Node, inputs: list[str]) -> Any:
    """Write an operator that ONNX has no words for as a node of costcalc's own domain, which only costcalc reads."""
    writer.own = True
    more = {"fields": fields_text(node.op)} | ({"share": node.shared.name} if node.shared else {})
    return writer.node(node.op.kind, inputs, outputs=len(node.outputs), domain=DOMAIN, **more)
