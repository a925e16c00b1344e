"""An ONNX file -> a flat network of costcalc, by the `onnx` package alone.

Nothing is run. Constants and shapes are computed here; each operator becomes one or a few steps, and the
shapes are held against ONNX's own shape inference. docs/formats.md says by which rules.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from costcalc.base import Datum
from costcalc.base.errors import Fault, stop
from costcalc.base.hints import argument, said
from costcalc.base.optional import need
from costcalc.interop.guard import guarded
from costcalc.interop.onnx import fused
from costcalc.interop.onnx.check import check
from costcalc.interop.onnx.file import MOST_NODES, load
from costcalc.interop.onnx.infer import Inferred, inferred
from costcalc.interop.onnx.inline import GRAPHS, every_node, graphs_of, inlined
from costcalc.interop.onnx.values import DOMAIN, FIXED, LEARNED, STORED, is_floating, stored
from costcalc.interop.tensors.net import Call, Net
from costcalc.interop.tensors.origin import Origin, Root, of_constant_node, of_initializer
from costcalc.interop.tensors.reading import FAMILIES, CallReading, is_image
from costcalc.interop.tensors.values import Const, Data, Dims, computed
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat
from costcalc.operators.op import operators

_FAMILIES = (*FAMILIES, fused)  # each has entered its rules into RULES
_OWN = ("", "ai.onnx")  # the domains of ONNX's own operators
MOST_VERSION = 1000


def read(path: str, shape: Dims | None = None, *, opaque: bool = False) -> Flat:
    """Return the network in an ONNX file.

    shape: the input's axes without the batch, for a file that leaves some open. opaque: let an operator that
    costcalc does not know be a row of unknown cost, instead of an error.

    Raises SpecError for a file that is none, and for what can't be expressed, by the node's name and operator.
    """
    return guarded(path, lambda: _read(path, shape, opaque=opaque), hint="")


def _read(path: str, shape: Dims | None, *, opaque: bool) -> Flat:
    model = inlined(load(path))
    made_by = " ".join(word for word in (model.producer_name, model.producer_version) if word)
    source = f"ONNX file {os.path.basename(path)}" + (f", written by {made_by[:80]}" if made_by else "")
    name = os.path.basename(path).removesuffix(".onnx")
    return Importer(model, name, source, shape, opaque=opaque, folder=os.path.dirname(path) or ".").run()


class Importer:
    """One reading of a model."""

    def __init__(
        self, model: Any, name: str, source: str, shape: Dims | None, *, opaque: bool, folder: str = ""
    ) -> None:
        self.model = model
        self.folder = folder  # where files of stored numbers may lie
        self.graph = model.graph
        self.opaque = opaque
        stores = {tensor.name for tensor in self.graph.initializer}
        stores |= {tensor.values.name for tensor in self.graph.sparse_initializer}
        if len(stores) < len(self.graph.initializer) + len(self.graph.sparse_initializer) or "" in stores:
            raise stop("two stored tensors have one name, or one has none")
        inputs = [value for value in self.graph.input if value.name not in stores]
        if len(inputs) != 1:
            raise stop(f"the model has {len(inputs)} inputs: costcalc takes networks of one")
        self.input = inputs[0]
        self.shape = _input_shape(self.input, shape)
        self.kinds = _kinds(self.graph)
        flat = Flat(name, self.shape[1:], source)
        self.domains = {*_OWN, DOMAIN, *(o.domain for o in model.opset_import)}
        version = max((o.version for o in model.opset_import if o.domain in _OWN), default=1)
        if not 0 < version < MOST_VERSION:
            raise stop(f"there is no version {version} of ONNX's operators")
        uses = Counter(taken for node in self.graph.node for taken in node.input)
        uses.update(value.name for value in self.graph.output)
        for node in every_node(self.graph.node):  # what the graph of a node takes may be taken at each turn
            for graph in graphs_of(node):
                names = [taken for inner in graph.node for taken in inner.input] + [o.name for o in graph.output]
                uses.update(dict.fromkeys(names, 2))
        self.net = Net(flat, self.shape[0], version, uses)
        self.reading = CallReading(self.net, "ONNX")
        self.made = stores | {self.input.name}  # the names of the values so far
        self.inside = 0  # how many nodes of graphs in nodes were read

    def run(self) -> Flat:
        """Return the network; raise SpecError where it can't be expressed."""
        net = self.net
        net.values[self.input.name] = Data(INPUT, self.shape, image=is_image(self.shape))
        for tensor in self.graph.initializer:
            net.values[tensor.name] = self.stored(tensor)
        for sparse in self.graph.sparse_initializer:
            net.values[sparse.values.name] = _sparse(sparse, self.root(sparse.values.name))
        for node in every_node(self.graph.node):
            self.told(node, partial(check, node, net.version, self.domains))
        for node in self.graph.node:
            self.node(node)
        net.flat.outputs = [self.output(value.name) for value in self.graph.output]
        net.flat.pruned()
        if not net.flat.steps:  # all that the model does costs nothing, and is left out
            net.flat.outputs = net.flat.add("identity", [INPUT], "identity")
        net.check_shared()
        self.compare()
        return net.flat

    def root(self, name: str, *, whole: bool = False) -> Root:
        """Return an initializer's name with its origin: what the file says of it, else what its name does."""
        said = self.kinds.get(name)
        if said:
            return Root(name, Origin.PARAMETER if said == "PARAMETER" else Origin.BUFFER)
        return Root(name, Origin.FOLDED if self.kinds and not whole else of_initializer(name, whole=whole))

    # ---- nodes -----------------------------------------------------------------------------------

    def node(self, node: Any) -> None:
        """Read one node."""
        self.told(node, lambda: self.step(node, _name(node)))

    def told(self, node: Any, read: Callable[[], None]) -> None:
        """Do something for a node; what goes wrong is told with its name and its operator."""
        guarded(f"{_name(node)} ({node.op_type})", read)

    def step(self, node: Any, name: str) -> None:
        """Give a node's outputs their values; where that was asked for, of rows of unknown cost if it can't be read."""
        self.once(node)
        call = self.call(node, name)
        if any(call.outputs):
            before = len(self.net.flat.steps)
            hide = (lambda: self.hide(call, before)) if self.opaque else None
            guarded(f"{name} ({node.op_type})", lambda: self.given(node, call), hide)

    def once(self, node: Any) -> None:
        """Raise Fault where a node gives a value that is there already."""
        for out in filter(None, node.output):
            if out in self.made:
                raise Fault(f"gives '{out[:80]}', which something before it gives already")
            self.made.add(out)

    def given(self, node: Any, call: Call) -> None:
        """Give a node's outputs their values."""
        if call.op == "Constant" and node.domain in _OWN:
            self.net.values[call.outputs[0]] = _constant(call)
            return
        if call.op in GRAPHS and node.domain in _OWN:
            GRAPHS[call.op](self, call)
            return
        if node.domain == DOMAIN:
            self.own(call)
            return
        own = node.domain in _OWN
        self.reading.read(call, "" if own else f"{node.domain}.{call.op}", folded=own)

    def call(self, node: Any, name: str) -> Call:
        """Return a node with the values that it takes; raise Fault for one that holds a graph, but If and Loop."""
        if graphs_of(node) and not (node.op_type in GRAPHS and node.domain in _OWN):
            raise Fault("holds a graph of its own")
        missing = [taken for taken in node.input if taken and taken not in self.net.values]
        if missing:
            further = "is a further output of a node, and costcalc does not read it"
            said = further if missing[0] in self.made else "nothing before it gives"
            raise Fault(f"takes '{missing[0][:80]}', which {said}")
        inputs = [self.net.values[taken] if taken else None for taken in node.input]
        return Call(node.op_type, name, _attributes(node), inputs, node.output)

    def stored(self, tensor: Any) -> Const:
        """Return an initializer as a constant."""
        root = self.root(tensor.name, whole=not is_floating(tensor.data_type))
        return stored(tensor, root, self.folder)

    def inner(self, graph: Any, given: list[Const | Data | None]) -> list[Const | Data]:
        """Read a graph that a node holds, with these inputs, and return its outputs."""
        self.inside += 1 + len(graph.node)
        if self.inside > MOST_NODES:
            raise Fault(f"its loops and conditions are more than {MOST_NODES:,} nodes")
        values = self.net.values
        values.update({place.name: value for place, value in zip(graph.input, given, strict=True) if value is not None})
        for tensor in graph.initializer:
            values[tensor.name] = self.stored(tensor)
        try:
            for node in graph.node:
                self.node(node)
        finally:  # each turn gives them anew
            self.made.difference_update(out for node in graph.node for out in node.output)
        missing = [value.name for value in graph.output if value.name not in values]
        if missing:
            raise Fault(f"its graph gives '{missing[0][:80]}', which none of its nodes does")
        return [values[value.name] for value in graph.output]

    def own(self, call: Call) -> None:
        """Add a step that costcalc wrote itself, because ONNX has no words for it."""
        fields = json.loads(call.attr("fields", "{}"))
        if call.op not in operators() or not isinstance(fields, dict):
            raise Fault("is no operator of costcalc")
        inputs = [self.net.data(call, k).name for k in range(len(call.inputs))]
        values = self.net.add_all(call.op, inputs, call.name, fields)
        self.net.flat.learns({call.attr("share") or call.name: 0})  # what costcalc wrote itself goes by names of rows
        for place, value in enumerate(values):
            self.net.put(call, value, (self.net.batch, *self.net.shape_of(value)), place)

    def hide(self, call: Call, before: int) -> None:
        """Add a row of unknown cost for each output, of the shape that ONNX infers, in the place of what it became."""
        self.reading.hide(call, before, [self.theirs.get(out) for out in call.outputs], INPUT)

    # ---- the end ---------------------------------------------------------------------------------

    @cached_property
    def theirs(self) -> Inferred:
        """The shapes that ONNX infers."""
        return inferred(self.model, self.input.name, self.shape, self.net.rounded)

    def output(self, name: str) -> str:
        """Return the value that is an output of the model."""
        value = self.net.values.get(name)
        if value is None:
            further = "a further output of a node, which costcalc does not read"
            raise stop(f"the output '{name[:80]}' is {further if name in self.made else 'given by no node'}")
        return self.reading.output(value, name)

    def compare(self) -> None:
        """Hold every shape against ONNX's own inference; raise SpecError where they differ."""
        theirs = inferred(self.model, self.input.name, self.shape, self.net.rounded)
        for name, value in self.net.values.items():
            shape = theirs.get(name)
            if shape is None or not isinstance(value, Data):
                continue
            if len(shape) != len(value.shape) or any(
                n is not None and n != m for n, m in zip(shape, value.shape, strict=True)
            ):
                said = ["?" if n is None else n for n in shape]
                raise stop(f"'{name[:80]}': costcalc finds a shape of {list(value.shape)}, ONNX infers {said}")


def _name(node: Any) -> str:
    """Return what a node is called: by its own name, or else after what it gives."""
    return node.name or next((out for out in node.output if out), "") or "a node without a name"


_SAID = {LEARNED: Origin.PARAMETER, STORED: Origin.BUFFER, FIXED: Origin.FIXED}


def _attributes(node: Any) -> dict[str, Datum]:
    """Return a node's attributes; of element types and of tensors that are looked at, what numpy has for them."""
    helper = need("onnx.helper", "onnx")
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        value = helper.get_attribute_value(attribute)
        found[attribute.name] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if node.op_type == "Cast":
        found |= {"to": helper.tensor_dtype_to_np_dtype(found["to"]), "floating": is_floating(found["to"])}
    elif "dtype" in found:
        found["floating"] = is_floating(found["dtype"])
    elif node.op_type == "ConstantOfShape" and "value" in found:
        found["value"] = need("onnx.numpy_helper", "onnx").to_array(found["value"])
    if node.doc_string in _SAID:
        found["origin"] = _SAID[node.doc_string]
    return found


def _kinds(graph: Any) -> dict[str, str]:
    """Return what PyTorch's exporter says of stored tensors: PARAMETER, BUFFER, CONSTANT_TENSOR."""
    found = {}
    for value in graph.value_info:
        for entry in value.metadata_props:
            if entry.key == "pkg.torch.export.graph_signature.InputSpec.kind" and entry.value != "USER_INPUT":
                found[value.name] = entry.value
    return found


def _constant(call: Call) -> Const:
    """Return what a Constant node holds; it is stored, as an initializer is."""
    np, name = need("numpy", "onnx"), call.outputs[0]
    if "value" in call.attributes:
        tensor = call.attr("value")
        return stored(tensor, Root(name, of_constant_node(name, whole=not is_floating(tensor.data_type))))
    if "sparse_value" in call.attributes:
        return _sparse(call.attr("sparse_value"), Root(name, of_constant_node(name, whole=False)))
    for key, dtype in (("value_float", "float32"), ("value_floats", "float32"), ("value_int", "int64")):
        if key in call.attributes:
            array = np.asarray(call.attr(key), dtype=dtype)
            return computed(array, {Root(name, of_constant_node(name, whole=dtype == "int64")): int(array.size)})
    if "value_ints" in call.attributes:
        array = np.asarray(call.attr("value_ints"), dtype="int64")
        return computed(array, {Root(name, Origin.WHOLE): int(array.size)})
    raise Fault("holds no tensor of numbers")


def _sparse(sparse: Any, root: Root) -> Const:
    """Return a sparse tensor, which has the numbers of the full one."""
    const = Const(sparse.dims, {}, floating=True)
    const.roots[root] = const.size
    return const


def _input_shape(value: Datum, given: Dims | None) -> Dims:
    """Return the input's shape with the batch: what the file says, and for what it leaves open what is given."""
    if not value.type.tensor_type.HasField("shape"):
        raise stop(f"the input '{value.name[:80]}' has no shape", hint="give none but tensors of known rank")
    dims = value.type.tensor_type.shape.dim
    sizes = [dim.dim_value if dim.HasField("dim_value") and dim.dim_value > 0 else None for dim in dims]
    shown = "x".join("?" if n is None else str(n) for n in sizes[1:])
    if len(sizes) < 2:
        raise stop(f"the input has {len(sizes)} axes: costcalc takes a batch, and at least one axis more")
    if given is None:
        if None in sizes[1:]:
            raise stop(
                f"the file leaves the input's shape open: {shown}",
                hint=said("give it: {}", argument(input=(3, 640, 640))),
            )
        given = tuple(n for n in sizes[1:] if n is not None)
    fits = len(given) == len(sizes) - 1 and all(n is None or n == m for n, m in zip(sizes[1:], given, strict=True))
    if not fits:
        asked = "x".join(str(n) for n in given)
        raise stop(f"an input of {asked} does not fit the file's: {said}", hint="the batch is left out")
    return (sizes[0] or 1, *given)
