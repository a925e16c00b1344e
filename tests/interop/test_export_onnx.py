"""A graph becomes an ONNX model that ONNX accepts, whose shapes are ours, that computes what PyTorch's twin does,
and that comes back with the same counts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.graph.widths import widths
from costcalc.language import zoo
from costcalc.operators.op import Example, Op, operators

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")

from costcalc.interop.onnx import importer as onnx_import  # noqa: E402
from costcalc.interop.onnx import write as onnx_export  # noqa: E402
from costcalc.interop.onnx.values import LEARNED, STORED  # noqa: E402

LARGEST_VGG = 100_000  # bytes: the files hold shapes, not weights


def checked(graph: Graph) -> Any:
    """Return the model of a graph that ONNX's checker and its strict shape inference have accepted."""
    model = onnx_export.model(graph)
    onnx.checker.check_model(model, full_check=True)
    found = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    infos = {info.name: info for info in (*found.graph.value_info, *found.graph.output)}
    for node in graph.nodes:
        for tensor in node.outputs:
            shape: Any = tensor.shape
            dims = [d.dim_value for d in infos[name_of(node, tensor)].type.tensor_type.shape.dim]
            assert dims == [1, *shape.dims], node.name
    return model


def name_of(node: Any, tensor: Any) -> str:
    return node.name if len(node.outputs) == 1 else f"{node.name}.{node.outputs.index(tensor)}"


def stripped(model: Any) -> Any:
    """Return a model without the shapes that we wrote: what is inferred then is ONNX's own."""
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    del bare.graph.value_info[:]
    return bare


def back(model: Any, folder: Path) -> Any:
    """Return the result of a model that was written and read."""
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return costcalc.count(onnx_import.read(str(path)).data())


@pytest.mark.parametrize("path", zoo.files(), ids=zoo.stem)
def test_the_zoo_goes_out_and_comes_back(path: str, tmp_path: Path) -> None:
    spec = zoo.load_file(path)
    result = costcalc.count(spec)
    model = checked(expand(spec))
    again = back(model, tmp_path)
    assert (again.params, again.macs) == (result.params, result.macs)


@pytest.mark.parametrize("path", zoo.files()[::6], ids=zoo.stem)
def test_without_our_shapes_onnx_infers_the_same(path: str) -> None:
    graph = expand(zoo.load_file(path))
    model = onnx_export.model(graph)
    if any(node.domain for node in model.graph.node):
        pytest.skip("ONNX can't infer what it has no operators for")
    bare = stripped(model)
    found = onnx.shape_inference.infer_shapes(bare, strict_mode=True, data_prop=True)
    dims = {i.name: [d.dim_value for d in i.type.tensor_type.shape.dim] for i in found.graph.value_info}
    for node in graph.nodes[:-1]:
        for tensor in node.outputs:
            shape: Any = tensor.shape
            assert dims.get(name_of(node, tensor), [1, *shape.dims]) == [1, *shape.dims], node.name
    assert len(dims) > len(graph.nodes) // 2


def test_an_operator_may_bring_its_own_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    def onnx_twice(self: Op, writer: Any, inputs: list[str], x: Any, y: Any) -> str:
        half = writer.node("Mul", [*inputs, writer.number(0.5)])
        return str(writer.node("Add", [half, half]))

    monkeypatch.setattr(operators()["identity"], "onnx", onnx_twice, raising=False)
    model = checked(expand(zoo.load({"costcalc": 1, "input": [2, 3], "layers": [{"identity": None, "name": "it"}]})))
    assert [(node.op_type, node.name) for node in model.graph.node] == [("Mul", "it.Mul"), ("Add", "it")]


def test_nodes_say_what_their_rows_cost() -> None:
    """As Netron shows them, under a named convention: 8 filters of 27 products over 16 places; a pool has none."""
    layers = ["conv: {out: 8, kernel: 3, bias: false}", "max_pool: {kernel: 2, stride: 2}"]
    text = "costcalc: 1\ninput: [3, 6, 6]\nlayers:\n" + "".join(f"  - {{{layer}}}\n" for layer in layers)
    model = onnx_export.model(expand(zoo.load_text(text, "net.yaml")))
    said = {node.name: {one.key: one.value for one in node.metadata_props} for node in model.graph.node}
    mark = {"costcalc.convention": "costcalc 9c528e"}
    assert said["conv"] == {"costcalc.params": str(8 * 27), "costcalc.macs": str(16 * 8 * 27), **mark}
    assert said["max_pool"] == {"costcalc.params": "0", "costcalc.macs": "0", **mark}
    assert [one.key for one in model.metadata_props] == ["costcalc.counted"]


def test_files_are_small(tmp_path: Path) -> None:
    onnx_export.write(expand(zoo.load("vgg16")), str(tmp_path / "vgg16.onnx"))
    assert (tmp_path / "vgg16.onnx").stat().st_size < LARGEST_VGG


def test_a_path_that_can_not_be_written_is_told() -> None:
    with pytest.raises(costcalc.SpecError, match="cannot be written"):
        onnx_export.write(expand(zoo.load("alexnet")), "/nowhere/at/all.onnx")


# ---- operator by operator ------------------------------------------------------------------------

CASES = [
    pytest.param(cls, example, id=f"{kind}-{number}")
    for kind, cls in sorted(operators().items())
    if kind == cls.kind
    for number, example in enumerate(cls.examples)
]


def graph_of(cls: type[Op], example: Example) -> Graph:
    """Return a network of one operator; where it takes several tensors, the others are constants."""
    several = isinstance(example.x[0] if example.x else (), tuple)
    shapes = list(example.x) if several else [example.x]
    layers: list[Any] = []
    if cls.inputs == 0:
        layers.append({cls.kind: example.fields, "name": "it"})
        shapes = [(1,)]
    elif several:
        for k, shape in enumerate(shapes[1:], 1):
            layers.append({"parameter": {"shape": list(shape), "store": "none"}, "name": f"t{k}"})
        names = ["input", *(f"t{k}" for k in range(1, len(shapes)))]
        layers.append({cls.kind: example.fields or None, "from": names, "name": "it"})
    else:
        layers.append({cls.kind: example.fields or None, "name": "it"})
    data: dict[str, Any] = {"costcalc": 1, "input": list(shapes[0]), "layers": layers}
    return expand(zoo.load(data))


@pytest.mark.parametrize(("cls", "example"), CASES)
def test_each_operator_goes_out_and_comes_back(cls: type[Op], example: Example, tmp_path: Path) -> None:
    graph = graph_of(cls, example)
    result = back(checked(graph), tmp_path)
    ours = costcalc.costs.rows.rows(graph)
    assert str(result.macs) == str(sum(row.macs for row in ours))
    assert str(result.params) == str(sum(row.learnable for row in ours))


MOST_WORK = 3_000_000


@pytest.mark.parametrize(("cls", "example"), CASES)
def test_each_operator_computes_what_its_twin_does(cls: type[Op], example: Example) -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.build import build

    graph = graph_of(cls, example)
    model = onnx_export.model(graph)
    size = sum(row.inputs + row.outputs + row.macs for row in costcalc.costs.rows.rows(graph) if row.kind != "opaque")
    if any(node.domain for node in model.graph.node):
        pytest.skip("not ONNX's own operator")
    if cls.kind == "conv_transpose" and "groups" in example.fields:
        pytest.skip("ONNX's reference has no groups here")
    if cls.kind in ("lstm", "gru", "rnn"):
        pytest.skip("ONNX holds both directions in one tensor, and its gates in another order")
    if cls.kind == "global_max_pool" and len(example.x) > 3:
        pytest.skip("ONNX's reference takes the maximum over the last two of three axes only")
    if cls.kind == "lrn" and len(example.x) > 3:
        pytest.skip("ONNX's reference takes images only")
    if size > MOST_WORK:
        pytest.skip("too large for the reference")
    compare(torch, build, graph, model)


NETWORKS = {
    "residual": [
        {"conv": {"out": 8, "kernel": 3, "stride": 2, "padding": 1, "norm": "batch", "act": "relu"}, "name": "a"},
        {"dwconv": {"kernel": 3, "padding": "half"}},
        {"add": ["a", []]},
        {"channel_shuffle": {"groups": 4}},
        {"split": {"parts": 2}, "name": "s"},
        {"conv_transpose": {"out": 4, "kernel": 3, "stride": 2, "output_padding": 1, "padding": 1}, "from": "s.part0"},
        {"max_pool": {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True}},
        {"slice": {"start": 0, "stop": 8, "axis": 1}},
        {"slice": {"start": 0, "stop": 8, "axis": 2}, "name": "m"},
        {"concat": ["m", "s.part1"]},
        "global_avg_pool",
        {"fc": {"out": 5}},
        "softmax",
    ],
    "tokens": [
        {"conv": {"out": 12, "kernel": 4, "stride": 4}},
        {"reshape": {"shape": [12, -1]}, "name": "t"},
        {"layer_norm": None},
        {"fc": {"out": 36, "per_position": True}},
        {"split": {"parts": 3}, "name": "qkv"},
        {"transpose": None, "from": "qkv.part0", "name": "q"},
        {"transpose": None, "from": "qkv.part1", "name": "k"},
        {"transpose": None, "from": "qkv.part2", "name": "v"},
        {"attention": ["q", "k", "v"]},
        "transpose",
        {"add": ["t", []]},
        {"slice": {"start": 0, "stop": 1, "axis": 1}},
        "flatten",
        {"fc": {"out": 3, "act": "gelu"}},
    ],
    "gates": [
        {"pad": {"padding": [1, 0, 2, 1], "mode": "reflect"}},
        {"conv": {"out": 6, "kernel": 3, "norm": "group"}, "if": False},
        {"conv": {"out": 6, "kernel": 3, "padding": "same", "stride": 2, "act": "hard_swish"}, "name": "x"},
        "global_avg_pool",
        {"fc": {"out": 6, "act": "hard_sigmoid"}},
        {"multiply": ["x", []]},
        {"upsample": {"scale": 2, "mode": "bilinear"}},
        {"avg_pool": {"kernel": 2, "padding": 1, "count_include_pad": False}},
        {"scale": {"shift": True}},
        "swish",
    ],
    "truths and indices as numbers": [
        {"compare": {"by": 0.5}, "from": ["input"]},
        {"conv": {"out": 4, "kernel": 3}},
        {"argmax": {"axis": 0}},
        {"conv": {"out": 4, "kernel": 3}},
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_compute_what_their_twins_do(name: str) -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.build import build

    graph = expand(zoo.load({"costcalc": 1, "input": [4, 16, 16], "layers": NETWORKS[name]}))
    compare(torch, build, graph, checked(graph))


def compare(torch: Any, build: Any, graph: Graph, model: Any) -> None:
    """Run the twin with random weights, and the model with the same in ONNX's reference."""
    from onnx.reference import ReferenceEvaluator

    torch.manual_seed(0)
    network = build(graph).eval()
    held: list[Any] = []
    with torch.no_grad():
        for module in network.nodes:
            for tensor in module.parameters():
                tensor.copy_(torch.rand_like(tensor) + 0.1)
            held += [t for t in (*module.parameters(), *module.buffers()) if t.dim()]
    given = filled(model, [t.detach().numpy() for t in held])
    (shape,) = graph.input_shapes.values()
    image = torch.rand(1, *shape.dims)
    (entering,) = graph.inputs.values()
    if entering in widths(graph):
        image = image.round().long() if widths(graph)[entering] > 1 else image > 0.5
    with torch.no_grad():
        wanted = network(image)
    with np.errstate(all="ignore"):  # some constants are zero, and some operators divide
        found = ReferenceEvaluator(given).run(None, {"input": image.numpy()})
    for ours, theirs in zip(found, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=2e-4, atol=2e-5)


def filled(model: Any, values: list[Any]) -> Any:
    """Return a model in which the tensors that stand for weights have values, in their order."""
    nodes = [node for node in model.graph.node if node.doc_string in (LEARNED, STORED)]
    assert len(nodes) == len(values)
    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    del whole.graph.node[:]
    whole.graph.node.extend(node for node in model.graph.node if node not in nodes)
    rows = {name for node in model.graph.node if node.op_type == "MatMul" for name in node.input}
    for node, value in zip(nodes, values, strict=True):
        size = onnx.numpy_helper.to_array(next(i for i in model.graph.initializer if i.name == node.input[0]))
        shaped = value.T if node.output[0] in rows else value.reshape(list(size))
        whole.graph.initializer.append(onnx.numpy_helper.from_array(shaped, node.output[0]))
    return whole
