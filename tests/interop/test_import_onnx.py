"""ONNX files become networks of costcalc: operator by operator, whole models, and files that mean harm."""

from __future__ import annotations

import importlib
import importlib.util
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc import SpecError
from costcalc.numbers.num import prod

onnx = pytest.importorskip("onnx")
np = pytest.importorskip("numpy")

from fuzz_formats import spoil  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

from costcalc.interop.onnx import importer as onnx_import  # noqa: E402

Shape = tuple[Any, ...]


def weight(name: str, *dims: int, kind: int = TensorProto.FLOAT) -> Any:
    """Return a tensor of ones."""
    return helper.make_tensor(name, kind, dims, [1] * prod(dims))


def ints(name: str, *values: int) -> Any:
    return helper.make_tensor(name, TensorProto.INT64, [len(values)], values)


def number(name: str, value: float) -> Any:
    return helper.make_tensor(name, TensorProto.FLOAT, [], [value])


def model(nodes: list[Any], stores: list[Any], shape: Shape, *, opset: int = 21, out: str = "y") -> Any:
    """Return a model of one input, x, and one output."""
    graph = helper.make_graph(
        nodes,
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(out, TensorProto.FLOAT, None)],
        initializer=stores,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=9)


def node(op: str, *inputs: str, out: str = "y", **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), [out], name=f"n_{out}", **attributes)


def saved(made: Any, folder: Path) -> str:
    path = folder / "m.onnx"
    path.write_bytes(made.SerializeToString())
    return str(path)


def flat(made: Any, folder: Path, shape: Shape | None = None, **options: Any) -> Any:
    """Return the network that a model becomes; its text, read again, is the same."""
    found = onnx_import.read(saved(made, folder), shape, **options)
    assert costcalc.count(found.text()).params is not None
    return found


# ---- one operator --------------------------------------------------------------------------------

W = weight
X = ("N", 8, 6, 6)  # eight channels of six by six pixels
# operator, stores, attributes; what it becomes, its output, parameters, MACs. All worked out by hand.
OPERATORS: list[tuple[str, list[Any], dict[str, Any], str, Shape, int, int]] = [
    ("Conv", [W("w", 4, 8, 3, 3)], {}, "conv", (4, 4, 4), 288, 288 * 16),
    ("Conv", [W("w", 4, 8, 3, 3), W("b", 4)], {"pads": [1, 1, 1, 1]}, "conv", (4, 6, 6), 292, 288 * 36),
    ("Conv", [W("w", 16, 1, 3, 3)], {"group": 8, "strides": [2, 2], "auto_pad": "SAME_UPPER"},
     "conv", (16, 3, 3), 144, 144 * 9),
    ("Conv", [W("w", 4, 8, 2, 2)], {"auto_pad": "SAME_LOWER"}, "conv", (4, 6, 6), 128, 128 * 36),
    ("Conv", [W("w", 4, 8, 3, 3)], {"dilations": [2, 2]}, "conv", (4, 2, 2), 288, 288 * 4),
    ("Conv", [W("w", 4, 8, 1, 3)], {"pads": [0, 2, 0, 1]}, "conv", (4, 6, 7), 96, 96 * 42),
    ("ConvTranspose", [W("w", 8, 4, 2, 2)], {"strides": [2, 2]}, "conv_transpose", (4, 12, 12), 128, 128 * 36),
    ("ConvTranspose", [W("w", 8, 2, 3, 3), W("b", 4)], {"strides": [2, 2], "group": 2, "output_shape": [12, 12]},
     "conv_transpose", (4, 12, 12), 148, 144 * 36),
    ("BatchNormalization", [W("s", 8), W("b", 8), W("m", 8), W("v", 8)], {}, "batch_norm", (8, 6, 6), 16, 0),
    ("InstanceNormalization", [W("s", 8), W("b", 8)], {}, "instance_norm", (8, 6, 6), 16, 0),
    ("GroupNormalization", [W("s", 8), W("b", 8)], {"num_groups": 2}, "group_norm", (8, 6, 6), 16, 0),
    ("LayerNormalization", [W("s", 6), W("b", 6)], {}, "permute layer_norm permute", (8, 6, 6), 12, 0),
    ("LayerNormalization", [W("s", 8, 6, 6)], {"axis": 1}, "flatten layer_norm reshape", (8, 6, 6), 288, 0),
    ("LRN", [], {"size": 5}, "lrn", (8, 6, 6), 0, 0),
    ("PRelu", [W("s", 8, 1, 1)], {}, "prelu", (8, 6, 6), 8, 0),
    ("PRelu", [W("s", 1)], {}, "prelu", (8, 6, 6), 1, 0),
    ("MatMul", [W("w", 6, 5)], {}, "permute fc permute", (8, 6, 5), 30, 30 * 48),
    ("MaxPool", [], {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}, "max_pool", (8, 3, 3), 0, 0),
    ("MaxPool", [], {"kernel_shape": [2, 2]}, "max_pool", (8, 5, 5), 0, 0),
    ("AveragePool", [], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, "avg_pool", (8, 6, 6), 0, 0),
    ("GlobalAveragePool", [], {}, "adaptive_avg_pool", (8, 1, 1), 0, 0),
    ("GlobalMaxPool", [], {}, "adaptive_max_pool", (8, 1, 1), 0, 0),
    ("ReduceMean", [ints("a", 2, 3)], {"keepdims": 0}, "global_avg_pool", (8,), 0, 0),
    ("ReduceMax", [ints("a", 1)], {}, "reduce_axes", (1, 6, 6), 0, 0),
    ("ReduceL1", [ints("a", -1)], {"keepdims": 0}, "arithmetic reduce_axes", (8, 6), 0, 0),
    ("Relu", [], {}, "relu", (8, 6, 6), 0, 0),
    ("Clip", [number("lo", 0), number("hi", 6)], {}, "relu6", (8, 6, 6), 0, 0),
    ("Clip", [number("lo", 0)], {}, "relu", (8, 6, 6), 0, 0),
    ("Clip", [number("lo", -1), number("hi", 2)], {}, "hard_tanh", (8, 6, 6), 0, 0),
    ("LeakyRelu", [], {"alpha": 0.1}, "leaky_relu", (8, 6, 6), 0, 0),
    ("HardSigmoid", [], {}, "hard_sigmoid", (8, 6, 6), 0, 0),
    ("HardSwish", [], {}, "hard_swish", (8, 6, 6), 0, 0),
    ("Elu", [], {}, "elu", (8, 6, 6), 0, 0),
    ("Selu", [], {}, "selu", (8, 6, 6), 0, 0),
    ("Celu", [], {}, "celu", (8, 6, 6), 0, 0),
    ("Gelu", [], {}, "gelu", (8, 6, 6), 0, 0),
    ("Mish", [], {}, "mish", (8, 6, 6), 0, 0),
    ("Softplus", [], {}, "softplus", (8, 6, 6), 0, 0),
    ("Softsign", [], {}, "softsign", (8, 6, 6), 0, 0),
    ("Erf", [], {}, "arithmetic", (8, 6, 6), 0, 0),
    ("Softmax", [], {"axis": 1}, "softmax", (8, 6, 6), 0, 0),
    ("LogSoftmax", [], {}, "log_softmax", (8, 6, 6), 0, 0),
    ("Add", [number("c", 3)], {}, "arithmetic", (8, 6, 6), 0, 0),
    ("Pow", [number("c", 2)], {}, "arithmetic", (8, 6, 6), 0, 0),
    ("Mul", [W("c", 8, 1, 1)], {}, "scale", (8, 6, 6), 8, 0),
    ("Mul", [W("c", 6)], {}, "parameter multiply", (8, 6, 6), 6, 0),
    ("Add", [W("c", 1, 8, 6, 6)], {}, "parameter add", (8, 6, 6), 288, 0),
    ("Sub", [W("c", 8, 1, 1)], {}, "parameter subtract", (8, 6, 6), 8, 0),
    ("Mul", [ints("c", 2)], {}, "arithmetic", (8, 6, 6), 0, 0),
    ("Flatten", [], {}, "flatten", (288,), 0, 0),
    ("Reshape", [ints("s", 0, 4, -1)], {}, "reshape", (4, 72), 0, 0),
    ("Reshape", [ints("s", 2, 4, 36)], {}, "reshape", (2, 4, 36), 0, 0),
    ("Transpose", [], {"perm": [0, 2, 3, 1]}, "permute", (6, 6, 8), 0, 0),
    ("Transpose", [], {"perm": [1, 0, 2, 3]}, "reshape permute", (8, 1, 6, 6), 0, 0),
    ("Unsqueeze", [ints("a", 2)], {}, "reshape", (8, 1, 6, 6), 0, 0),
    ("Slice", [ints("s", 1), ints("e", 9), ints("a", 1)], {}, "slice", (7, 6, 6), 0, 0),
    ("Slice", [ints("s", -1), ints("e", -(2**63) + 1), ints("a", 3), ints("t", -2)], {}, "flip slice", (8, 6, 3), 0, 0),
    ("Gather", [helper.make_tensor("i", TensorProto.INT64, [], [2])], {"axis": 1}, "slice reshape", (6, 6), 0, 0),
    ("Gather", [ints("i", 0, 5, 2)], {"axis": 2}, "slice slice slice concat", (8, 3, 6), 0, 0),
    ("Tile", [ints("r", 1, 2, 1, 3)], {}, "concat concat", (16, 6, 18), 0, 0),
    ("Pad", [ints("p", 0, 0, 1, 0, 0, 0, 2, 3)], {"mode": "reflect"}, "pad", (8, 9, 9), 0, 0),
    ("Pad", [ints("p", 0, 4, 0, 0, 0, 4, 0, 0)], {}, "permute pad permute", (16, 6, 6), 0, 0),
    ("Pad", [ints("p", 0, 0, -1, -1, 0, 0, -1, 0)], {}, "slice slice", (8, 4, 5), 0, 0),
    ("DepthToSpace", [], {"blocksize": 2, "mode": "CRD"}, "pixel_shuffle", (2, 12, 12), 0, 0),
    ("DepthToSpace", [], {"blocksize": 2}, "reshape permute reshape", (2, 12, 12), 0, 0),
    ("SpaceToDepth", [], {"blocksize": 3}, "reshape permute reshape", (72, 2, 2), 0, 0),
    ("Dropout", [], {}, "identity", (8, 6, 6), 0, 0),
    ("Einsum", [W("w", 8, 5)], {"equation": "nchw,cd->ndhw"}, "", (5, 6, 6), 40, 40 * 36),
]  # fmt: skip


V = ("N", 8, 4, 6, 6)  # the same over four frames
VOLUMES: list[tuple[str, list[Any], dict[str, Any], str, Shape, int, int]] = [
    ("Conv", [W("w", 4, 8, 3, 1, 1)], {"pads": [1, 0, 0, 1, 0, 0]}, "conv", (4, 4, 6, 6), 96, 96 * 144),
    ("Conv", [W("w", 8, 1, 1, 3, 3)], {"group": 8, "strides": [1, 2, 2], "auto_pad": "SAME_UPPER"},
     "conv", (8, 4, 3, 3), 72, 72 * 36),
    ("ConvTranspose", [W("w", 8, 4, 2, 2, 2), W("b", 4)], {"strides": [2, 2, 2]},
     "conv_transpose", (4, 8, 12, 12), 260, 256 * 144),
    ("BatchNormalization", [W("s", 8), W("b", 8), W("m", 8), W("v", 8)], {}, "batch_norm", (8, 4, 6, 6), 16, 0),
    ("MaxPool", [], {"kernel_shape": [1, 3, 3], "strides": [1, 2, 2], "ceil_mode": 1}, "max_pool", (8, 4, 3, 3), 0, 0),
    ("AveragePool", [], {"kernel_shape": [2, 2, 2], "strides": [2, 2, 2]}, "avg_pool", (8, 2, 3, 3), 0, 0),
    ("GlobalAveragePool", [], {}, "adaptive_avg_pool", (8, 1, 1, 1), 0, 0),
    ("GlobalMaxPool", [], {}, "adaptive_max_pool", (8, 1, 1, 1), 0, 0),
    ("ReduceMean", [ints("a", 2, 3, 4)], {"keepdims": 0}, "global_avg_pool", (8,), 0, 0),
    ("Pad", [ints("p", 0, 0, 1, 0, 0, 0, 0, 1, 2, 2)], {}, "pad", (8, 6, 8, 8), 0, 0),
]  # fmt: skip
CASES = [(image, *row[:3], row[3:]) for image, rows in ((X, OPERATORS), (V, VOLUMES)) for row in rows]


@pytest.mark.parametrize(("image", "op", "stores", "attributes", "wanted"), CASES)
def test_operators(
    image: Any, op: str, stores: list[Any], attributes: dict[str, Any], wanted: tuple[Any, ...], tmp_path: Path
) -> None:
    kinds, shape, params, macs = wanted
    made = model([node(op, "x", *(s.name for s in stores), **attributes)], stores, image)
    found = flat(made, tmp_path)
    result = costcalc.count(found.data())
    if kinds:
        assert " ".join(step.kind for step in found.steps) == kinds
    assert found.shapes[found.outputs[0]].dims == shape
    assert (result.params, result.macs) == (params, macs)


def microsoft(op: str, *inputs: str, **attributes: Any) -> Any:
    return helper.make_node(op, list(inputs), ["y"], name="n_y", domain="com.microsoft", **attributes)


def graph_of(nodes: list[Any], inputs: list[Any], *outputs: str) -> Any:
    """Return a graph that a node holds."""
    typed = [helper.make_tensor_value_info(name, kind, None if kind == 1 else ()) for name, kind in inputs]
    kinds = {"on": TensorProto.BOOL}
    given = [helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), None) for name in outputs]
    return helper.make_graph(nodes, "inner", typed, given)


def turns(number: int, *, more: Any = ()) -> Any:
    """Return nodes of a loop that does so many convolutions of eight channels, one after the other."""
    carried = [("k", TensorProto.INT64), ("go", TensorProto.BOOL), ("h", TensorProto.FLOAT)]
    nodes = [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Conv", ["h", "w"], ["h2"]), *more]
    body = graph_of(nodes, carried, "on", "h2", *(["h3"] if more else []))
    outputs = ["y", "all"] if more else ["y"]
    return [constant("n", [number]), helper.make_node("Loop", ["n", "", "x"], outputs, name="n_y", body=body)]


def constant(name: str, values: Any, dtype: str = "int64") -> Any:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.asarray(values, dtype)))


def branches(truth: Any) -> Any:
    """Return nodes that convolve if what `truth` gives is so, and do nothing else."""
    then = graph_of([helper.make_node("Conv", ["x", "w"], ["h"])], [], "h")
    other = graph_of([helper.make_node("Identity", ["x"], ["h"])], [], "h")
    return [*truth, helper.make_node("If", ["c"], ["y"], name="n_y", then_branch=then, else_branch=other)]


WIDE = constant("w8", np.ones((8, 8, 1, 1)), "float32")
SIDES = [helper.make_node("Shape", ["x"], ["s"]), constant("i", 2), helper.make_node("Gather", ["s", "i"], ["side"])]
# Nodes, stores, the input's shape; what they become, the output, parameters, MACs. By hand; the shapes are those that
# ONNX Runtime gives.
GRAPHS: list[tuple[str, list[Any], list[Any], Shape, str, Shape, int, int]] = [
    ("gelu", [microsoft("Gelu", "x")], [], X, "gelu", (8, 6, 6), 0, 0),
    ("fast gelu", [microsoft("FastGelu", "x")], [], X, "gelu", (8, 6, 6), 0, 0),
    ("bias gelu", [node("MatMul", "x", "w", out="h"), microsoft("BiasGelu", "h", "b")], [W("w", 8, 5), W("b", 5)],
     ("N", 3, 8), "permute fc gelu permute", (3, 5), 45, 120),
    ("fused conv", [microsoft("FusedConv", "x", "w", "b", activation="Relu")], [W("w", 4, 8, 3, 3), W("b", 4)],
     X, "conv relu", (4, 4, 4), 292, 288 * 16),
    ("fused conv and sum", [microsoft("FusedConv", "x", "w", "b", "x", activation="Sigmoid")],
     [W("w", 8, 8, 1, 1), W("b", 8)], X, "conv add sigmoid", (8, 6, 6), 72, 64 * 36),
    ("fused gemm", [microsoft("FusedGemm", "x", "w", "b", activation="Tanh", transB=1)], [W("w", 5, 8), W("b", 5)],
     ("N", 8), "fc tanh", (5,), 45, 40),
    ("norms of windows", [node("LpPool", "x", kernel_shape=[2, 3], strides=[2, 1])], [], X,
     "arithmetic avg_pool arithmetic arithmetic", (8, 3, 4), 0, 0),
    ("sums of windows", [node("LpPool", "x", kernel_shape=[3, 3], p=1, pads=[1, 1, 1, 1])], [], X,
     "arithmetic avg_pool arithmetic", (8, 6, 6), 0, 0),
    ("norms of all", [node("GlobalLpPool", "x", p=3)], [], X,
     "arithmetic arithmetic reduce_axes arithmetic", (8, 1, 1), 0, 0),
    ("places of maxima", [helper.make_node("MaxPool", ["x"], ["h", "i"], kernel_shape=[2, 2], strides=[2, 2]),
                          node("MaxUnpool", "h", "i", kernel_shape=[2, 2], strides=[2, 2])], [], X,
     "max_pool custom", (8, 6, 6), 0, 0),
    ("wide border", [node("MaxPool", "x", kernel_shape=[3, 3], pads=[2, 2, 2, 2])], [], X,
     "pad max_pool", (8, 8, 8), 0, 0),
    # (6 + 5 - 4) / 2, rounded up, and 1
    ("rounded up", [node("AveragePool", "x", kernel_shape=[4, 4], pads=[3, 3, 2, 2], strides=[2, 2], ceil_mode=1)],
     [], X, "pad avg_pool", (8, 5, 5), 0, 0),
    # (6 + 2 - 3) / 4, rounded up, and 1: the third would begin at 8, in the border behind
    ("none in the border", [node("MaxPool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[4, 4], ceil_mode=1)],
     [], X, "max_pool", (8, 2, 2), 0, 0),
    ("turned", [node("Gemm", "x", "w", transA=1)], [W("w", 1, 5)], (1, 8), "reshape fc permute", (8, 5), 5, 40),
    ("weights first", [node("Gemm", "w", "x", transA=1)], [W("w", 1, 5)], (1, 8),
     "parameter reshape permute reshape matmul", (5, 8), 5, 40),
    ("two of data", [node("Gemm", "x", "x", transB=1)], [], (1, 8),
     "reshape permute reshape matmul flatten", (1,), 0, 8),
    ("a lone bias", [node("Gemm", "x", "w", "b")], [W("w", 8, 5), W("b", 1)], ("N", 8),
     "fc parameter add", (5,), 41, 40),
    ("to fit", [node("Resize", "x", "", "", "s", keep_aspect_ratio_policy="not_larger", axes=[2, 3])],
     [ints("s", 9, 20)], ("N", 8, 6, 8), "upsample", (8, 9, 12), 0, 0),
    ("to cover", [node("Resize", "x", "", "", "s", keep_aspect_ratio_policy="not_smaller", axes=[2, 3])],
     [ints("s", 9, 20)], ("N", 8, 6, 8), "upsample", (8, 15, 20), 0, 0),
    ("in whole numbers", [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
                          node("MatMulInteger", "q", "w", "z", out="p"), node("Cast", "p", out="f", to=1),
                          node("Mul", "f", "s")], [W("w", 8, 5, kind=TensorProto.INT8)], (1, 8),
     "reduce_axes fc multiply", (5,), 40, 40),
    ("convolved in whole numbers", [helper.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
                                    node("ConvInteger", "q", "w", out="p"), node("Cast", "p", to=1)],
     [W("w", 4, 8, 3, 3, kind=TensorProto.UINT8)], X, "conv", (4, 4, 4), 288, 288 * 16),
    ("a condition", branches([constant("c", True, "bool")]), [W("w", 4, 8, 3, 3)], X, "conv", (4, 4, 4), 288, 288 * 16),
    ("its other branch", branches([*SIDES, constant("t", 7), helper.make_node("Equal", ["side", "t"], ["c"])]),
     [W("w", 4, 8, 3, 3)], X, "identity", (8, 6, 6), 0, 0),
    ("a loop", turns(3), [W("w", 8, 8, 1, 1)], X, "conv conv conv", (8, 6, 6), 64, 3 * 64 * 36),
    ("a loop of no turn", turns(0), [W("w", 8, 8, 1, 1)], X, "identity", (8, 6, 6), 0, 0),
]  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "stores", "given", "kinds", "shape", "params", "macs"),
    [row[1:] for row in GRAPHS],
    ids=[r[0] for r in GRAPHS],
)
def test_graphs_and_other_domains(
    nodes: Any, stores: Any, given: Shape, kinds: str, shape: Shape, params: int, macs: int, tmp_path: Path
) -> None:
    made = model(nodes, stores, given)
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    found = flat(made, tmp_path)
    result = costcalc.count(found.data())
    assert " ".join(step.kind for step in found.steps) == kinds
    assert [found.shapes[value].dims for value in found.outputs] == [shape]
    assert (result.params, result.macs) == (params, macs)


# What is refused, and in which words.
REFUSED = [
    (branches([helper.make_node("ReduceMax", ["x"], ["m"], keepdims=0), helper.make_node("Cast", ["m"], ["c"], to=9)]),
     "input 0 depends on the image"),
    ([*turns(3, more=[helper.make_node("Relu", ["h2"], ["h3"])]), node("Relu", "all", out="z")],
     "each turn of a loop adds"),
    (turns(60_000), "more than 50,000 nodes"),
    ([helper.make_node("LSTM", ["x", "w"], ["y"], name="n_y")], r"n_y \(LSTM\): takes 3 to 8 tensors"),
    ([helper.make_node("LSTM", ["x", "w", "w"], ["y"], name="n_y")], r"n_y \(LSTM\): takes one sequence"),
    ([helper.make_node("LSTM", ["x", "w", "w"], ["", "y"], name="n_y")], "takes one sequence"),
    ([helper.make_node("Dropout", ["x"], ["h", "y"], name="n_y")], "'y' is a further output of a node"),
    ([helper.make_node("Dropout", ["x"], ["h", "m"]), node("Cast", "m", to=1)], "takes 'm', which is a further output"),
    ([microsoft("FusedConv", "x", "w", activation="Spline")], "costcalc has no activation Spline"),
    ([node("LpPool", "x", kernel_shape=[2, 2], p=-1)], "no norm of p = -1"),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "said"), REFUSED, ids=[row[1][:30] for row in REFUSED])
def test_what_is_refused_is_named(nodes: Any, said: str, tmp_path: Path) -> None:
    made = model(nodes, [weight("w", 8, 8, 1, 1)], X, opset=21 if "norm of" not in said else 17)
    made.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    with pytest.raises(SpecError, match=said):
        flat(made, tmp_path)


def test_functions_of_the_file_are_written_out(tmp_path: Path) -> None:
    opset = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    block = [helper.make_node("Conv", ["a", "k"], ["h"]), helper.make_node("Relu", ["h"], ["b"])]
    twice = [
        helper.make_node("Block", ["a", "k"], ["m"], domain="own"),
        helper.make_node("Block", ["m", "k"], ["b"], domain="own"),
    ]
    made = model([helper.make_node("Twice", ["x", "w"], ["y"], domain="own")], [weight("w", 8, 8, 1, 1)], X)
    made.opset_import.append(opset[1])
    made.functions.append(helper.make_function("own", "Block", ["a", "k"], ["b"], block, opset[:1]))
    made.functions.append(helper.make_function("own", "Twice", ["a", "k"], ["b"], twice, opset))
    found = flat(made, tmp_path)
    assert [step.kind for step in found.steps] == ["conv", "relu", "conv", "relu"]
    result = costcalc.count(found.data())
    assert (result.params, result.macs) == (64, 2 * 64 * 36)


def test_functions_that_double_are_refused(tmp_path: Path) -> None:
    """Thirty functions, each of which calls the one before twice."""
    opset = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    made = model([helper.make_node("F30", ["x"], ["y"], domain="own")], [], X)
    made.opset_import.append(opset[1])
    for k in range(31):
        calls = [
            helper.make_node(f"F{k - 1}" if k else "Relu", [i], [o], domain="own" if k else "") for i, o in ("ab", "bc")
        ]
        made.functions.append(helper.make_function("own", f"F{k}", ["a"], ["c"], calls, opset))
    with pytest.raises(SpecError, match=r"written out the model has more than 50,000 nodes"):
        flat(made, tmp_path)


def test_upsampling_by_factors_and_to_sizes(tmp_path: Path) -> None:
    factors = helper.make_tensor("f", TensorProto.FLOAT, [4], [1, 1, 2, 1.5])
    for nodes, stores, opset in (
        ([node("Resize", "x", "", "f", mode="linear")], [factors], 21),
        ([node("Resize", "x", "", "", "s", mode="linear")], [ints("s", 1, 8, 12, 9)], 21),
        ([node("Upsample", "x", "f", mode="linear")], [factors], 9),
    ):
        (step,) = flat(model(nodes, stores, X, opset=opset), tmp_path).steps
        assert (step.kind, step.fields) == ("upsample", {"size": [12, 9], "mode": "bilinear"})
    wide = model([node("Resize", "x", "", "f")], [helper.make_tensor("f", TensorProto.FLOAT, [4], [1, 1, 1, 2])], X)
    assert flat(wide, tmp_path).steps[0].fields == {"scale": [1, 2]}
    volume = [node("Resize", "x", "", "", "s", mode="linear")], [ints("s", 1, 8, 8, 12, 9)]
    (step,) = flat(model(*volume, V), tmp_path).steps
    assert (step.kind, step.fields) == ("upsample", {"size": [8, 12, 9], "mode": "trilinear"})
    with pytest.raises(SpecError, match="costcalc has no cubic interpolation over 3 axes"):
        flat(model([node("Resize", "x", "", "", "s", mode="cubic")], volume[1], V), tmp_path)


def test_softmax_of_old_versions_takes_all_axes_from_one_on(tmp_path: Path) -> None:
    found = flat(model([node("Softmax", "x")], [], X, opset=11), tmp_path)
    assert [step.kind for step in found.steps] == ["flatten", "softmax", "reshape"]


# ---- several nodes -------------------------------------------------------------------------------


def test_shapes_are_computed_where_they_are_constant(tmp_path: Path) -> None:
    nodes = [
        node("Shape", "x", out="s"),
        node("Gather", "s", "zero", out="n"),
        node("Unsqueeze", "n", "axis", out="n1"),
        node("Constant", out="rest", value=ints("r", -1, 36)),
        node("Concat", "n1", "rest", out="t", axis=0),
        node("Cast", "t", out="t2", to=TensorProto.INT64),
        node("Reshape", "x", "t2"),
    ]
    stores = [helper.make_tensor("zero", TensorProto.INT64, [], [0]), ints("axis", 0)]
    found = flat(model(nodes, stores, X), tmp_path)
    assert [(step.kind, step.fields) for step in found.steps] == [("reshape", {"shape": [8, 36]})]


def test_a_bias_that_is_added_behind_a_layer_is_its_bias(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x", "w", out="c"),
        node("Add", "c", "b", out="d"),
        node("GlobalAveragePool", "d", out="p"),
        node("Flatten", "p", out="f"),
        node("MatMul", "f", "m", out="g"),
        node("Add", "g", "k"),
    ]
    stores = [weight("w", 4, 8, 1, 1), weight("b", 1, 4, 1, 1), weight("m", 4, 3), weight("k", 3)]
    found = flat(model(nodes, stores, X), tmp_path)
    assert [step.kind for step in found.steps] == ["conv", "adaptive_avg_pool", "flatten", "fc"]
    assert costcalc.count(found.data()).params == 32 + 4 + 12 + 3


def test_what_else_uses_a_layer_keeps_its_sum_apart(tmp_path: Path) -> None:
    nodes = [node("Conv", "x", "w", out="c"), node("Add", "c", "b", out="d"), node("Mul", "c", "d")]
    found = flat(model(nodes, [weight("w", 4, 8, 1, 1), weight("b", 4, 1, 1)], X), tmp_path)
    assert [step.kind for step in found.steps] == ["conv", "parameter", "add", "multiply"]
    assert costcalc.count(found.data()).params == 36


def test_layers_that_use_the_same_weights_share_them(tmp_path: Path) -> None:
    nodes = [
        node("Conv", "x", "w", "b", out="c", pads=[1, 1, 1, 1]),
        node("Relu", "c", out="d"),
        node("Conv", "d", "w", "b", pads=[1, 1, 1, 1]),
    ]
    result = costcalc.count(flat(model(nodes, [weight("w", 8, 8, 3, 3), weight("b", 8)], X), tmp_path).data())
    assert (result.params, result.macs) == (584, 2 * 576 * 36)


def test_a_copy_of_a_stored_tensor_counts_by_itself(tmp_path: Path) -> None:
    nodes = [
        node("Identity", "w", out="copy"),
        node("Conv", "x", "w", out="c", pads=[1, 1, 1, 1]),
        node("Conv", "c", "copy", pads=[1, 1, 1, 1]),
    ]
    assert costcalc.count(flat(model(nodes, [weight("w", 8, 8, 3, 3)], X), tmp_path).data()).params == 2 * 576


def test_weights_stay_weights_through_moves_and_quantization(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", "x", "s", "z", out="q"),
        node("DequantizeLinear", "q", "s", "z", out="x2"),
        node("DequantizeLinear", "w", "s", "z", out="w1"),
        node("Reshape", "w1", "shape", out="w2"),
        node("Transpose", "w2", out="w3", perm=[1, 0, 2, 3]),
        node("Conv", "x2", "w3"),
    ]
    stores = [weight("w", 72, kind=TensorProto.INT8), ints("shape", 8, 1, 3, 3), number("s", 0.5)]
    stores.append(helper.make_tensor("z", TensorProto.INT8, [], [0]))
    result = costcalc.count(flat(model(nodes, stores, X), tmp_path).data())
    assert (result.params, result.macs) == (72, 72 * 16)  # one output of eight channels


def test_a_kernel_that_is_computed_from_more_numbers_has_them_all(tmp_path: Path) -> None:
    nodes = [node("Mul", "w", "gain", out="k"), node("Conv", "x", "k")]
    found = flat(model(nodes, [weight("w", 4, 8, 1, 1), weight("gain", 4, 1, 1, 1)], X), tmp_path)
    assert costcalc.count(found.data()).params == 32 + 4


def test_channels_last_becomes_permutations_that_meet(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", "x", out="a", perm=[0, 3, 1, 2]),
        node("Conv", "a", "w", out="b"),
        node("Transpose", "b", out="c", perm=[0, 2, 3, 1]),
        node("Relu", "c", out="d"),
        node("Transpose", "d", out="e", perm=[0, 3, 1, 2]),
        node("Conv", "e", "v"),
    ]
    found = flat(model(nodes, [weight("w", 4, 3, 1, 1), weight("v", 5, 4, 1, 1)], (1, 6, 7, 3)), tmp_path)
    assert [step.kind for step in found.steps] == ["permute", "conv", "relu", "conv"]
    assert found.shapes["input"].dims == (6, 7, 3)


def test_attention_is_two_products(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x", "w", out="qkv"),
        node("Split", "qkv", out="q", axis=2),
        node("Transpose", "k", out="kt", perm=[0, 2, 1]),
        node("MatMul", "q", "kt", out="s"),
        node("Softmax", "s", out="p"),
        node("MatMul", "p", "v"),
    ]
    nodes[1].output.extend(["k", "v"])
    result = costcalc.count(flat(model(nodes, [weight("w", 8, 24)], ("N", 10, 8)), tmp_path).data())
    assert (result.params, result.macs) == (192, 10 * 192 + 2 * 10 * 10 * 8)


def test_attention_in_one_node_is_one_step(tmp_path: Path) -> None:
    found = flat(model([node("Attention", "x", "x", "x")], [], ("N", 3, 10, 8), opset=23), tmp_path)
    assert [step.kind for step in found.steps] == ["attention"]
    assert costcalc.count(found.data()).macs == 3 * 10 * 10 * (8 + 8)


def test_windows_side_by_side_are_an_axis(tmp_path: Path) -> None:
    nodes = [
        node("Reshape", "x", "s", out="a"),  # two windows of the one image
        node("MatMul", "a", "w", out="b"),
        node("Reshape", "b", "t"),
    ]
    stores = [ints("s", 2, 18, 8), ints("t", 1, 36, 4), weight("w", 8, 4)]
    found = flat(model(nodes, stores, (1, 36, 8)), tmp_path)
    assert costcalc.count(found.data()).macs == 36 * 32
    with pytest.raises(SpecError, match="mixes the 2 images"):
        flat(model(nodes, [ints("s", 4, 18, 8), *stores[1:]], (2, 36, 8)), tmp_path)


def test_pieces_that_nothing_uses_are_not_cut(tmp_path: Path) -> None:
    made = model([node("Split", "x", out="a", axis=1), node("Relu", "b")], [], X)
    made.graph.node[0].output.append("b")
    found = flat(made, tmp_path)
    assert [(s.kind, s.fields) for s in found.steps[:1]] == [("slice", {"start": 4})]


# ---- what counts as a parameter ------------------------------------------------------------------

SHAPE = ints("shape", 4, 3, 3, 3)
HALF, BYTE = TensorProto.FLOAT16, TensorProto.INT8
# Nodes that give `w`, 4x3x3x3, and what is stored; how many parameters a convolution with it has.
WEIGHTS: list[tuple[list[Any], list[Any], int]] = [
    ([node("ConstantOfShape", "shape", out="w")], [SHAPE], 108),
    ([node("Constant", out="w", value=W("any", 4, 3, 3, 3))], [], 108),
    ([node("Constant", out="7", value_floats=[1.0] * 108), node("Reshape", "7", "shape", out="w")], [SHAPE], 108),
    ([node("Identity", "a", out="w")], [W("a", 4, 3, 3, 3)], 108),
    ([node("ConstantOfShape", "shape", out="a"), node("Identity", "a", out="w")], [SHAPE], 108),
    ([node("Cast", "a", out="w", to=TensorProto.FLOAT)], [W("a", 4, 3, 3, 3, kind=HALF)], 108),
    ([node("Cast", "a", out="w", to=TensorProto.FLOAT)], [W("a", 4, 3, 3, 3, kind=BYTE)], 108),
    ([node("CastLike", "a", "one", out="w")], [W("a", 4, 3, 3, 3, kind=HALF), number("one", 1)], 108),
    ([node("Reshape", "a", "shape", out="w")], [W("a", 108), SHAPE], 108),
    ([node("Transpose", "a", out="w", perm=[3, 2, 0, 1])], [W("a", 3, 3, 3, 4)], 108),
    ([node("Unsqueeze", "a", "axis", out="b"), node("Squeeze", "b", "axis", out="w")],
     [W("a", 4, 3, 3, 3), ints("axis", 0)], 108),
    ([node("Expand", "a", "shape", out="w")], [number("a", 1), SHAPE], 108),
    ([node("Expand", "a", "shape", out="w")], [W("a", 1, 3, 3, 3), SHAPE], 27),  # one kernel, used four times
    ([node("Tile", "a", "shape", out="w")], [W("a", 1, 1, 1, 1), SHAPE], 108),
    ([node("Tile", "a", "times", out="w")], [W("a", 1, 3, 3, 3), ints("times", 4, 1, 1, 1)], 27),
    ([node("Pad", "a", "pads", out="w")], [W("a", 4, 3, 1, 1), ints("pads", 0, 0, 1, 1, 0, 0, 1, 1)], 12),
    ([node("DequantizeLinear", "a", "half", out="w")], [W("a", 4, 3, 3, 3, kind=BYTE), number("half", 0.5)], 108),
    ([node("Reshape", "a", "shape", out="b"), node("DequantizeLinear", "b", "half", out="w")],
     [W("a", 108, kind=BYTE), SHAPE, number("half", 0.5)], 108),
    ([node("RandomNormal", out="w", shape=[4, 3, 3, 3])], [], 108),
    ([node("RandomUniformLike", "a", out="w")], [W("a", 4, 3, 3, 3)], 108),
    ([node("ConstantFill", out="w", shape=[4, 3, 3, 3], value=1.0)], [], 108),
    ([node("Range", "zero", "all", "one", out="r"), node("Reshape", "r", "shape", out="w")],
     [number("zero", 0), number("all", 108), number("one", 1), SHAPE], 108),
    ([node("EyeLike", "a", out="b"), node("Reshape", "b", "shape", out="w")], [W("a", 4, 27), SHAPE], 108),
    ([node("ConstantOfShape", "shape", out="a"), node("Mul", "a", "half", out="w")], [SHAPE, number("half", 0.5)], 108),
    ([node("ConstantOfShape", "shape", out="a"), node("Add", "a", "b", out="w")], [SHAPE, W("b", 4, 3, 3, 3)], 108),
    ([node("ConstantOfShape", "two", out="a"), node("Concat", "a", "a", out="w", axis=0)], [ints("two", 2, 3, 3, 3)],
     108),
    ([node("ConstantOfShape", "big", out="a"), node("Slice", "a", "zero", "four", out="w")],
     [ints("big", 9, 3, 3, 3), ints("zero", 0), ints("four", 4)], 108),
    ([node("Dropout", "a", out="w")], [W("a", 4, 3, 3, 3)], 108),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "stores", "params"), WEIGHTS)
def test_a_weight_counts_whatever_node_gives_it(
    nodes: list[Any], stores: list[Any], params: int, tmp_path: Path
) -> None:
    result = costcalc.count(flat(model([*nodes, node("Conv", "x", "w")], stores, (1, 3, 8, 8)), tmp_path).data())
    assert (result.params, result.macs) == (params, 108 * 36)
    flattened = [node("Flatten", "w", out="m"), node("Gemm", "x", "m", transB=1)]
    result = costcalc.count(flat(model([*nodes, *flattened], stores, (1, 27)), tmp_path).data())
    assert (result.params, result.macs) == (params, 108)
    result = costcalc.count(
        flat(model([*nodes, *flattened[:1], node("MatMul", "m", "x")], stores, (1, 27, 5)), tmp_path).data()
    )
    assert (result.params, result.macs) == (params, 540)


@pytest.mark.parametrize("part", ["Split", "Slice", "Gather"])
def test_parts_of_one_tensor_count_once(part: str, tmp_path: Path) -> None:
    """Queries, keys and values with one tensor of weights, 6x30."""
    stores = [weight("w", 6, 30), ints("axis", 1)]
    nodes = [helper.make_node("Split", ["w"], ["w0", "w1", "w2"], axis=1)]
    if part != "Split":
        nodes = []
        for k in range(3):
            places = range(10 * k, 10 * k + 10)
            stores += [ints(f"s{k}", 10 * k), ints(f"e{k}", 10 * k + 10), ints(f"i{k}", *places)]
            nodes += [node("Slice", "w", f"s{k}", f"e{k}", "axis", out=f"w{k}") if part == "Slice" else
                      node("Gather", "w", f"i{k}", out=f"w{k}", axis=1)]  # fmt: skip
    nodes += [node("MatMul", "x", f"w{k}", out=f"y{k}") for k in range(3)]
    nodes += [node("Concat", "y0", "y1", "y2", axis=2)]
    result = costcalc.count(flat(model(nodes, stores, (1, 5, 6)), tmp_path).data())
    assert (result.params, result.macs) == (180, 5 * 180)


C = "/model.22/Constant_9_output_0"  # what PyTorch's exporter calls the values of plain tensors
# What stands behind a convolution of 8 to 8 channels of 6x6 pixels: the constant's name, its shape, whether it is the
# value of a Constant node, the operator; how many of its numbers are learned.
BESIDE = [
    ("blocks.0.gamma", (8, 1, 1), False, "Mul", 8),
    ("onnx::Mul_41", (8, 1, 1), False, "Mul", 8),
    ("gamma", (8, 1, 1), True, "Mul", 8),
    (C, (8, 1, 1), True, "Mul", 0),
    ("anything", (6, 6), False, "Mul", 36),
    ("strides", (6,), False, "Mul", 0),
    ("model.22.stride", (6,), False, "Div", 0),
    ("b", (8, 1, 1), False, "Add", 8),
    (C, (8, 1, 1), True, "Add", 8),  # the convolution has no bias yet
    ("pos_embed", (1, 8, 6, 6), False, "Add", 288),
    ("onnx::Add_41", (1, 8, 6, 6), False, "Add", 0),
    ("const_fold_opt__7", (1, 8, 6, 6), False, "Add", 0),
    ("layers.0.attn_mask", (6, 6), False, "Add", 0),
    ("mask_token", (1, 8, 1, 6), False, "Add", 48),
    ("anchors", (1, 8, 6, 6), False, "Sub", 0),
    ("model.22.anchor_points", (1, 8, 6, 6), False, "Add", 0),
    (C, (1, 8, 6, 6), False, "Sub", 0),
    (C, (1, 8, 6, 6), True, "Add", 0),
    ("123", (1, 8, 6, 6), True, "Sub", 0),
    ("grid", (1, 8, 6, 6), True, "Sub", 0),
    ("pos_embed.w_0", (1, 8, 6, 6), True, "Add", 288),  # PaddlePaddle's parameters are values of Constant nodes
    ("centroids", (8, 1, 1), False, "Sub", 8),
    ("cls_token", (1, 2, 6, 6), False, "Concat", 72),
    (C, (1, 2, 6, 6), True, "Concat", 0),
    ("priors", (1, 2, 6, 6), False, "Concat", 0),
    ("limit", (6, 6), True, "Max", 0),
]  # fmt: skip


@pytest.mark.parametrize(("name", "shape", "made", "op", "learned"), BESIDE)
def test_a_constant_beside_data_is_learned_or_not(
    name: str, shape: Shape, made: bool, op: str, learned: int, tmp_path: Path
) -> None:
    held = [node("Constant", out=name, value=weight("any", *shape))] if made else []
    stores = [weight("w", 8, 8, 1, 1), *([] if made else [weight(name, *shape)])]
    more = {"axis": 1} if op == "Concat" else {}
    nodes = [*held, node("Conv", "x", "w", out="c"), node(op, "c", name, **more)]
    result = costcalc.count(flat(model(nodes, stores, X), tmp_path).data())
    assert (result.params, result.macs) == (64 + learned, 64 * 36)
    if op in ("Sub", "Div"):  # from the other side
        result = costcalc.count(flat(model([*nodes[:-1], node(op, name, "c")], stores, X), tmp_path).data())
        assert result.params == 64 + learned


@pytest.mark.parametrize(("shape", "each"), [((1, 3, 6, 6), (1, 3, 1, 1)), ((1, 6, 6, 3), (3,))])
def test_what_is_done_to_the_image_first_is_not_learned(shape: Shape, each: Shape, tmp_path: Path) -> None:
    nodes = [
        node("Sub", "x", "m", out="a"),
        node("Mul", "a", "s", out="b"),
        node("Transpose", "b", out="c", perm=[0, 3, 1, 2]),
    ]
    if shape[1] == 3:
        nodes = [*nodes[:2], node("Identity", "b", out="c")]
    nodes += [node("Conv", "c", "w", out="d"), node("Mul", "d", "g")]
    stores = [weight("m", *each), weight("s", *each), weight("w", 3, 3, 1, 1), weight("g", 3, 1, 1)]
    assert costcalc.count(flat(model(nodes, stores, shape), tmp_path).data()).params == 9 + 3


def test_a_head_of_yolo_has_no_learned_anchors(tmp_path: Path) -> None:
    """Distances to the sides become boxes, by 84 anchors and their strides: the values of Constant nodes."""
    constants = {"/model.22/Constant_10_output_0": (1, 2, 84), "/model.22/Constant_11_output_0": (1, 2, 84),
                 "/model.22/Constant_12_output_0": (1, 84)}  # fmt: skip
    first, second, stride = constants
    nodes = [
        *(node("Constant", out=name, value=weight("any", *dims)) for name, dims in constants.items()),
        node("Conv", "x", "w", "b", out="c"),
        node("Reshape", "c", "flat", out="r"),
        helper.make_node("Split", ["r"], ["lt", "rb"], axis=1, num_outputs=2),
        node("Sub", first, "lt", out="one"),
        node("Add", second, "rb", out="two"),
        node("Concat", "one", "two", out="box", axis=1),
        node("Mul", "box", stride),
    ]
    stores = [weight("w", 4, 8, 1, 1), weight("b", 4), ints("flat", 1, 4, 84)]
    found = flat(model(nodes, stores, (1, 8, 12, 7)), tmp_path)
    result = costcalc.count(found.data())
    assert (result.params, result.macs) == (36, 32 * 84)
    assert sum(row.buffers for row in result.rows) == 5 * 84  # they are stored all the same


def test_what_the_file_says_of_its_tensors_is_so(tmp_path: Path) -> None:
    """PyTorch's new exporter says which tensors are parameters, and which are buffers."""
    nodes = [node("Conv", "x", "blur", out="a"), node("Add", "a", "mask", out="b"), node("Sub", "b", "onnx::Sub_1")]
    made = model(nodes, [weight("blur", 8, 8, 1, 1), weight("mask", 6, 6), weight("onnx::Sub_1", 6, 6)], X)
    kinds = {"blur": "BUFFER", "mask": "PARAMETER", "onnx::Sub_1": "CONSTANT_TENSOR"}
    for name, kind in kinds.items():
        made.graph.value_info.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        made.graph.value_info[-1].metadata_props.add(key="pkg.torch.export.graph_signature.InputSpec.kind", value=kind)
    result = costcalc.count(flat(made, tmp_path).data())
    assert (result.params, result.macs) == (36, 64 * 36)


LIGHT = {  # torchvision's, Caffe's and the papers' own; zfnet512 and the last two by hand from the files' shapes
    "bvlc_alexnet": 60_965_224,
    "inception_v1": 6_998_552,
    "inception_v2": 11_214_888,
    "resnet50": 25_557_032,
    "shufflenet": 1_393_320,
    "squeezenet": 1_235_496,
    "vgg19": 143_667_240,
    "densenet121": 7_978_856 + 2 * 41_824,  # a scale and a shift stand behind each norm, too: 41,824 channels
    "zfnet512": 96 * 148 + 256 * 2401 + 512 * 2305 + 2 * 512 * 4609 + 4096 * 18433 + 1024 * 4097 + 1000 * 1025,
}


@pytest.mark.parametrize("name", LIGHT)
def test_models_whose_weights_are_nodes(name: str) -> None:
    """ONNX's own package has models without numbers: each weight is a ConstantOfShape."""
    path = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light" / f"light_{name}.onnx"
    if not path.exists():
        pytest.skip("this package of ONNX has no such model")
    assert costcalc.count(onnx_import.read(str(path)).data()).params == LIGHT[name]


# ---- inputs --------------------------------------------------------------------------------------


def test_an_open_input_shape_is_asked_for(tmp_path: Path) -> None:
    made = model([node("Conv", "x", "w")], [weight("w", 4, 3, 1, 1)], ("N", 3, "h", "w"))
    with pytest.raises(SpecError, match=r"leaves the input's shape open: 3x\?x\?"):
        flat(made, tmp_path)
    with pytest.raises(SpecError, match="does not fit"):
        flat(made, tmp_path, (4, 8, 8))
    assert costcalc.count(flat(made, tmp_path, (3, 8, 9)).data()).macs == 12 * 72


def test_weights_in_another_file_need_not_be_there(tmp_path: Path) -> None:
    tensor = TensorProto(name="w", dims=[4, 3, 1, 1], data_type=TensorProto.FLOAT, data_location=1)
    tensor.external_data.add(key="location", value="/dev/zero")
    found = flat(model([node("Conv", "x", "w")], [tensor], (1, 3, 8, 8)), tmp_path)
    assert costcalc.count(found.data()).params == 12
    shape = TensorProto(name="s", dims=[2], data_type=TensorProto.INT64, data_location=1)
    shape.external_data.add(key="location", value="/dev/zero")
    with pytest.raises(SpecError, match="another file"):
        flat(model([node("Reshape", "x", "s")], [shape], (1, 3, 8, 8)), tmp_path)


def beside(made: Any, folder: Path, location: str = "weights.bin") -> str:
    """Write a model whose tensors lie in a file beside it, and return its path."""
    path, kept = str(folder / "model.onnx"), onnx.ModelProto()
    kept.CopyFrom(made)
    (folder / "weights.bin").unlink(missing_ok=True)
    onnx.save_model(kept, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    found = onnx.load(path, load_external_data=False)
    for tensor in found.graph.initializer:
        tensor.external_data[0].value = location
    Path(path).write_bytes(found.SerializeToString())
    return path


def test_numbers_that_shapes_depend_on_are_read_in_a_file_beside(tmp_path: Path) -> None:
    kernel = numpy_helper.from_array(np.zeros((4, 3, 1, 1), "float16"), "w")
    shape = numpy_helper.from_array(np.array([1, 16, -1], "int64"), "s")
    made = model([node("Conv", "x", "w", out="a"), node("Reshape", "a", "s")], [kernel, shape], (1, 3, 8, 8))
    whole = costcalc.count(flat(made, tmp_path).data())
    for place in ("weights.bin", "./weights.bin", f"../{tmp_path.name}/weights.bin"):
        found = costcalc.count(beside(made, tmp_path, place))
        assert [str(row.output) for row in found.rows] == [str(row.output) for row in whole.rows]
        assert (found.params, found.macs) == (12, 12 * 64)
    (tmp_path / "below").mkdir()
    for place in ("../weights.bin", str(tmp_path / "weights.bin"), "link", "none", "", "below", "a\0b"):
        path = beside(made, tmp_path / "below", place)
        (tmp_path / "below" / "weights.bin").rename(tmp_path / "weights.bin")
        if not (tmp_path / "below" / "link").is_symlink():
            (tmp_path / "below" / "link").symlink_to(tmp_path / "weights.bin")
        with pytest.raises(SpecError, match="is stored in another file"):
            costcalc.count(path)
    path = beside(made, tmp_path)
    (tmp_path / "weights.bin").write_bytes(b"12")
    with pytest.raises(SpecError, match=r"s: the tensor's data is broken: weights.bin ends before its numbers do"):
        costcalc.count(path)


def test_opaque_rows_have_unknown_cost(tmp_path: Path) -> None:
    made = model([node("Relu", "x", out="a"), node("Hardmax", "a", axis=1)], [], X)
    with pytest.raises(SpecError, match=r"n_y \(Hardmax\): costcalc has no counterpart"):
        flat(made, tmp_path)
    found = flat(made, tmp_path, opaque=True)
    assert [step.kind for step in found.steps] == ["relu", "opaque"]
    assert str(costcalc.count(found.data()).macs) == "unknown"


# ---- models of others ----------------------------------------------------------------------------


def direct(path: Path, shape: Shape) -> tuple[int, int]:
    """Return parameters and MACs by ONNX's reference, which runs the model: shapes are those of its arrays."""
    from onnx.reference import ReferenceEvaluator

    made = onnx.load(str(path))
    graph = made.graph
    stored = {t.name: t for t in graph.initializer}
    stored |= {n.output[0]: n.attribute[0].t for n in graph.node if n.op_type == "Constant"}
    (given,) = (i for i in graph.input if i.name not in stored)
    outputs = [out for n in graph.node for out in n.output if out]
    del graph.output[:]
    graph.output.extend(onnx.ValueInfoProto(name=out) for out in outputs)
    image = np.random.default_rng(0).standard_normal((1, *shape)).astype(np.float32)
    arrays = ReferenceEvaluator(made).run(None, {given.name: image})
    dims = {name: tuple(np.shape(array)) for name, array in zip(outputs, arrays, strict=True)}
    dims |= {name: tuple(t.dims) for name, t in stored.items()} | {given.name: image.shape}
    flowing = {given.name}
    for n in graph.node:
        if flowing & set(n.input) and n.op_type != "Shape":
            flowing |= set(n.output)
    return _weights(graph, stored, dims, flowing), sum(_macs(n, dims) for n in graph.node if flowing & set(n.input))


def _macs(n: Any, dims: dict[str, Shape]) -> int:
    inputs, output = [dims.get(name, ()) for name in n.input], dims[n.output[0]]
    if n.op_type == "Conv":
        return prod(output) * prod(inputs[1][1:])
    if n.op_type == "ConvTranspose":
        return prod(inputs[0]) * prod(inputs[1][1:])
    return prod(output) * inputs[0][-1] if n.op_type in ("MatMul", "Gemm") else 0


def _weights(graph: Any, stored: dict[str, Any], dims: dict[str, Shape], flowing: set[str]) -> int:
    """Return how many numbers are stored that meet the image, but for norms' statistics and lone constants."""
    roots = {name: {name} for name, t in stored.items() if t.data_type == TensorProto.FLOAT}
    used: set[str] = set()
    for n in graph.node:
        inputs = n.input[:3] if n.op_type == "BatchNormalization" else n.input
        found = {root for name in inputs for root in roots.get(name, ())}
        if not flowing & set(n.input):
            for out in n.output:
                roots[out] = roots.get(out, set()) | found
        elif n.op_type not in ("Clip", "Resize", "Reshape", "Slice"):
            used |= found
    return sum(prod(dims[root]) for root in used if prod(dims[root]) > 1)


def rapid(name: str) -> Path | None:
    """Return the path of a model inside the package rapidocr_onnxruntime, which is not imported."""
    spec = importlib.util.find_spec("rapidocr_onnxruntime")
    folder = Path(next(iter(spec.submodule_search_locations or ()), "")) if spec else Path()
    return folder / "models" / name if spec and (folder / "models" / name).exists() else None


# Parameters and MACs of the models at these inputs; the detector's last bias is one number.
RAPID = [
    ("ch_PP-OCRv4_det_infer.onnx", (3, 96, 96), 1_171_489, 51_902_784, 1),
    ("ch_PP-OCRv4_rec_infer.onnx", (3, 48, 320), 2_688_397, 702_469_440, 0),
    ("ch_ppocr_mobile_v2.0_cls_infer.onnx", (3, 48, 192), 129_356, 16_315_376, 0),
]


@pytest.mark.parametrize(("name", "shape", "params", "macs", "lone"), RAPID, ids=lambda v: str(v)[:24])
def test_models_that_others_made(name: str, shape: Shape, params: int, macs: int, lone: int) -> None:
    path = rapid(name)
    if path is None:
        pytest.skip("rapidocr_onnxruntime is not installed")
    result = costcalc.count(onnx_import.read(str(path), shape).data())
    assert (result.params, result.macs) == (params, macs)
    assert direct(path, shape) == (params - lone, macs)


def test_what_pytorch_exports(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from torch.utils.flop_counter import FlopCounterMode

    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.Hardswish())
            self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(16, 4, 1), nn.SiLU(), nn.Conv2d(4, 16, 1))
            self.norm, self.linear = nn.LayerNorm(16), nn.Linear(16, 48)
            self.scale = nn.Parameter(torch.rand(16, 1, 1))
            self.head = nn.Linear(16, 10)

        def forward(self, x: Any) -> Any:
            x = self.stem(x)
            x = x * torch.sigmoid(self.gate(x)) + x * self.scale
            a, b = x.chunk(2, 1)
            x = torch.cat([b, a], 1)
            t = self.norm(x.flatten(2).transpose(1, 2))
            q, k, v = self.linear(t).reshape(x.shape[0], -1, 3, 2, 8).permute(2, 0, 3, 1, 4).unbind(0)
            t = torch.softmax(q @ k.transpose(-2, -1) * 8**-0.5, -1) @ v
            return self.head(t.transpose(1, 2).reshape(x.shape[0], -1, 16).mean(1))

    torch.manual_seed(0)
    net, image = Net().eval(), torch.rand(1, 3, 32, 32)
    for parameter in net.parameters():
        nn.init.normal_(parameter)
    path = tmp_path / "net.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        keep = torch.onnx.TrainingMode.PRESERVE  # or batch norms are folded into convolutions
        axes = {"x": {0: "n"}}
        torch.onnx.export(net, (image,), path, dynamo=False, training=keep, input_names=["x"], dynamic_axes=axes)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        net(image)
    data = onnx_import.read(str(path)).data()
    result = costcalc.count(data)
    assert result.params == sum(p.numel() for p in net.parameters())
    assert 2 * result.macs == counter.get_total_flops()
    assert "stem.0" in [row.name for row in result.rows]
    with torch.no_grad():
        torch.testing.assert_close(twin(torch, data, net)(image), net(image), rtol=1e-4, atol=1e-4)


def modules(torch: Any) -> dict[str, Any]:
    """Return modules whose constants are parameters, buffers, and tensors of no kind; for images of 8x6x6."""
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, forward: Any, *, buffer: Any = None, tensor: Any = None, **parts: Any) -> None:
            super().__init__()
            self.run, self.conv, self.tensor = forward, nn.Conv2d(8, 8, 1), tensor
            self.register_buffer("kept", buffer, persistent=False)
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, x: Any) -> Any:
            return self.run(self, x)

    def boxes(net: Any, x: Any) -> Any:
        left, right = net.conv(x).flatten(2).chunk(2, 1)
        return torch.cat([net.tensor - left, net.tensor + right], 1) * net.kept

    def tokens(net: Any, x: Any) -> Any:
        x = net.conv(x).flatten(2)
        return (torch.cat([net.token, x], 2) + net.positions + net.kept) * net.gamma

    def normed(x: Any) -> Any:
        return Net(lambda n, y: n.norm(n.conv(y)), norm=x)

    numbers = torch.rand
    return {
        "anchors": Net(boxes, tensor=numbers(1, 4, 36), buffer=numbers(1, 36)),
        "tokens": Net(tokens, token=nn.Parameter(numbers(1, 8, 1)), positions=nn.Parameter(numbers(1, 8, 37)),
                      gamma=nn.Parameter(numbers(8, 1)), buffer=numbers(1, 8, 37)),
        "a norm without numbers of its own": normed(nn.BatchNorm2d(8, affine=False)),
        "a norm of each row without": normed(nn.LayerNorm(6, elementwise_affine=False)),
        "a norm of each image without": normed(nn.InstanceNorm2d(8)),
        "a norm of each image, new": normed(nn.InstanceNorm2d(8, affine=True)),
        "a norm of each row, new": normed(nn.LayerNorm(6)),
        "a norm of groups, new": normed(nn.GroupNorm(2, 8)),
        "means of the image": Net(lambda n, x: n.conv((x - n.tensor) / n.kept), tensor=numbers(8, 1, 1),
                                  buffer=numbers(8, 1, 1)),
    }  # fmt: skip


@pytest.mark.parametrize("name", modules(importlib.import_module("torch")) if importlib.util.find_spec("torch") else ())
def test_of_what_pytorch_exports_its_parameters_are_learned(name: str, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    net, path = modules(torch)[name].eval(), tmp_path / "net.onnx"
    keep = torch.onnx.TrainingMode.PRESERVE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image = torch.rand(1, 8, 6, 6)
        torch.onnx.export(net, (image,), path, dynamo=False, training=keep, do_constant_folding=False)
    assert costcalc.count(onnx_import.read(str(path)).data()).params == sum(p.numel() for p in net.parameters())


def twin(torch: Any, data: dict[str, Any], net: Any) -> Any:
    """Return what the imported spec becomes in PyTorch, with the weights of the modules that rows are named after."""
    from costcalc.graph.expand import expand
    from costcalc.interop.torch.build import build
    from costcalc.language.zoo import load

    graph = expand(load(data))
    made, modules = build(graph).eval(), dict(net.named_modules())
    with torch.no_grad():
        for row, module in zip(graph.nodes, made.nodes, strict=True):
            name = row.name if row.name in modules else row.name.rpartition(".")[0]  # linear.MatMul
            mine = list(module.parameters())
            theirs = [net.scale] if row.op.kind == "scale" else list(modules[name].parameters()) if mine else []
            for one, other in zip(mine, theirs, strict=True):
                one.copy_(other)
    return made


# ---- files that are wrong, or mean harm ----------------------------------------------------------


def small() -> Any:
    nodes = [
        node("Conv", "x", "w", "b", out="c", pads=[1, 1, 1, 1]),
        node("BatchNormalization", "c", "s", "s2", "m", "v", out="d"),
        node("Relu", "d", out="e"),
        node("MaxPool", "e", out="f", kernel_shape=[2, 2], strides=[2, 2]),
        node("Reshape", "f", "t", out="g"),
        node("Transpose", "g", out="h", perm=[0, 2, 1]),
        node("MatMul", "h", "k", out="i"),
        node("Slice", "i", "z", "o", "o", out="j"),
        node("ReduceMean", "j", "o"),
    ]
    stores = [weight("w", 4, 3, 3, 3), *(weight(n, 4) for n in ("b", "s", "s2", "m", "v")), weight("k", 4, 5)]
    return model(nodes, [*stores, ints("t", 0, 4, -1), ints("z", 0), ints("o", 1)], ("N", 3, 8, 8))


def harmful(change: Any) -> bytes:
    made = small()
    change(made)
    return bytes(made.SerializeToString())


def huge(made: Any) -> None:
    made.graph.initializer[0].dims[0] = 10**18


def negative(made: Any) -> None:
    made.graph.initializer[0].dims[0] = -4


def loop(made: Any) -> None:
    body = helper.make_graph([node("Relu", "x")], "body", [], [])
    made.graph.node[2].CopyFrom(node("If", "x", out="e", then_branch=body, else_branch=body))


def recursion(made: Any) -> None:
    opset = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1)]
    call = helper.make_node("Again", ["a"], ["b"], domain="own")
    made.functions.append(helper.make_function("own", "Again", ["a"], ["b"], [call], opset))
    made.graph.node[2].CopyFrom(helper.make_node("Again", ["d"], ["e"], domain="own", name="n_e"))


def endless(made: Any) -> None:
    """A constant that doubles at each of a thousand nodes."""
    nodes = [helper.make_node("Concat", [f"c{k}", f"c{k}"], [f"c{k + 1}"], axis=0) for k in range(1000)]
    made.graph.initializer.append(ints("c0", *range(1000)))
    made.graph.node.extend(nodes)


def filled(made: Any) -> None:
    made.graph.initializer.append(ints("big", 10**9, 10**9))
    made.graph.node.append(node("ConstantOfShape", "big", out="filled"))


def ranged(made: Any) -> None:
    made.graph.initializer.extend([number("r0", 0), number("r1", 1e15), number("r2", 1)])
    made.graph.node.append(node("Range", "r0", "r1", "r2", out="ranged"))


def cut(made: Any) -> None:
    made.graph.initializer[0].ClearField("float_data")
    made.graph.initializer[0].raw_data = b"12"
    made.graph.node[2].CopyFrom(node("Mul", "w", "w", out="e"))


def swapped(made: Any) -> None:
    made.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("pads", "four"))


def twice(made: Any) -> None:
    made.graph.node[3].output[0] = "e"


def stored_twice(made: Any) -> None:
    made.graph.node[0].output[0] = "w"


def crowd(made: Any) -> None:
    made.graph.node[2].input.extend(["d"] * 99)


def several(made: Any) -> None:
    made.graph.node[2].output.append("e2")


def unheard(made: Any) -> None:
    made.graph.node[2].attribute.append(helper.make_attribute("slope", 0.1))


def doubled(made: Any) -> None:
    made.graph.node[3].attribute.append(helper.make_attribute("strides", [1, 1]))


def bare(made: Any) -> None:
    del made.graph.node[3].attribute[:]


def early(made: Any) -> None:
    made.opset_import[0].version = 13
    made.graph.node[2].op_type = "Gelu"


def late(made: Any) -> None:
    made.graph.node[2].op_type = "Upsample"


def two(made: Any) -> None:
    made.graph.input.append(helper.make_tensor_value_info("x2", TensorProto.FLOAT, [1, 3]))


def backwards(made: Any) -> None:
    made.graph.node[0].input[0] = "i"


def padded(made: Any) -> None:
    made.graph.node[0].attribute[0].CopyFrom(helper.make_attribute("pads", [2**62] * 4))


HARM: list[tuple[Any, str]] = [
    (b"", "0 bytes"),
    (b"\x00", "no ONNX model"),
    (b"not a model at all", "no ONNX model"),
    (b"\x08\x09", "no graph"),
    (b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "goes on behind the end"),
    (b"\x3a\x80", "has no end"),
    (b"\x3b" * 5000, "begins no field"),
    (huge, "none that can be counted"),
    (negative, "none that can be counted"),
    (loop, r"n_e \(If\): input 0 depends on the image"),
    (recursion, "the function own.Again calls itself"),
    (endless, "too large"),
    (ranged, "too large"),
    (filled, "none that can be counted"),
    (cut, "broken"),
    (swapped, r"n_c \(Conv\): its attribute 'pads' is whole numbers, not a text"),
    (twice, r"n_f \(MaxPool\): gives 'e', which something before it gives already"),
    (stored_twice, r"n_c \(Conv\): gives 'w', which something before it gives already"),
    (crowd, r"n_e \(Relu\): takes 1 tensor, not 100"),
    (several, r"n_e \(Relu\): gives 1 tensor, not 2"),
    (unheard, r"n_e \(Relu\): has an attribute 'slope', which it can't have"),
    (doubled, r"n_f \(MaxPool\): has its attribute 'strides' twice"),
    (bare, r"n_f \(MaxPool\): needs an attribute 'kernel_shape'"),
    (early, r"n_e \(Gelu\): version 13 of ONNX's operators has no Gelu"),
    (late, r"n_e \(Upsample\): version 21 of ONNX's operators has no Upsample any more"),
    (two, "has 2 inputs"),
    (backwards, "takes 'i', which nothing before it gives"),
    (padded, "pads has|n_c"),
]


@pytest.mark.parametrize(("content", "message"), HARM, ids=lambda v: getattr(v, "__name__", str(v))[:20])
def test_files_that_mean_harm_are_refused(content: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content if isinstance(content, bytes) else harmful(content))
    with pytest.raises(SpecError, match=message):
        onnx_import.read(str(path))


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (str(tmp_path), str(tmp_path / "none.onnx"), "/dev/zero", "a\0b"):
        with pytest.raises(SpecError):
            onnx_import.read(path)


def test_long_weights_are_not_read(tmp_path: Path) -> None:
    """The data of a weight may be anything: it is skipped, and not decoded."""
    made = small()
    made.graph.initializer[0].ClearField("float_data")
    made.graph.initializer[0].raw_data = b"\xff" * 3_000_000
    from costcalc.interop.onnx.file import load

    path = saved(made, tmp_path)
    assert load(path).ByteSize() < 3000
    assert costcalc.count(onnx_import.read(path).data()).params == 108 + 4 + 8 + 20


def test_a_file_that_ends_early_is_refused_wherever_it_ends(tmp_path: Path) -> None:
    content = small().SerializeToString()
    for end in range(1, len(content) - 1, 7):
        path = tmp_path / "m.onnx"
        path.write_bytes(content[:end])
        with pytest.raises(SpecError):
            onnx_import.read(str(path))


def test_files_with_random_mistakes_are_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(1)
    content, path, read = small().SerializeToString(), tmp_path / "m.onnx", 0
    for _ in range(400):
        data = bytearray(content)
        for _ in range(chance.choice((1, 1, 2, 4))):
            at = chance.randrange(len(data))
            data[at : at + chance.randrange(3)] = bytes(chance.randrange(256) for _ in range(chance.randrange(3)))
        path.write_bytes(data)
        try:
            onnx_import.read(str(path), opaque=chance.random() < 0.3)
            read += 1
        except SpecError:
            continue
    assert 10 < read < 390


def test_spoiled_models_are_read_or_refused_in_words() -> None:
    """`tests/tools/fuzz_formats.py` does the same for tens of thousands, and for texts."""
    assert spoil("onnx", 300, 0) == 0


def test_importing_needs_onnx(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = saved(small(), tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(SpecError, match=r"costcalc\[onnx\]"):
        onnx_import.read(path)


def test_stored_numbers_survive_the_way_through_numpy() -> None:
    """The helper that the tests build tensors with writes what numpy reads."""
    assert numpy_helper.to_array(ints("a", 1, -1)).tolist() == [1, -1]
