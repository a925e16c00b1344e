"""TFLite files, written here by the numbers of TensorFlow's schema, become specs: layers, shapes, weights, bits."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from fuzz_formats import spoil
from tflite_file import Graph, model, schema

import costcalc
from costcalc import SpecError
from costcalc.interop import words
from costcalc.interop.format import ReadOptions
from costcalc.interop.tflite.importer import CONTROL, RULES
from costcalc.interop.tflite.read import read
from costcalc.interop.tflite.schema import OPERATORS, OPTIONS, TYPES
from costcalc.interop.words import TFLITE

WINDOW = {"stride_w": 1, "stride_h": 1}
POOL = WINDOW | {"filter_w": 2, "filter_h": 2, "padding": 1}
X = (1, 8, 10, 4)  # one image of 8 x 10 with four channels


class W(tuple):
    """The shape of weights: floating point numbers that are stored."""

    __slots__ = ()


class N(list):
    """Whole numbers that are stored: shapes, axes, places."""


# An operator, what it takes (a shape flows in, weights, numbers, None is left out), the shape that it gives, options,
# the items that it becomes, its parameters and MACs, by hand.
CASES: list[tuple[str, list[Any], tuple[int, ...], dict[str, Any], list[Any], int, int]] = [
    ("CONV_2D", [X, W((6, 3, 3, 4)), W((6,))], (1, 8, 10, 6), WINDOW,
     [{"conv": {"out": 6, "kernel": 3, "padding": "same"}}], 6 * 36 + 6, 6 * 36 * 80),
    ("CONV_2D", [X, W((6, 3, 5, 4)), W((6,))], (1, 3, 2, 6), {"padding": 1, "stride_w": 3, "stride_h": 2, "act": 3},
     [{"conv": {"out": 6, "kernel": [3, 5], "stride": [2, 3], "act": "relu6"}}], 366, 360 * 6),
    ("CONV_2D", [X, W((6, 1, 1, 4)), W((6,))], (1, 4, 5, 6), {"stride_w": 2, "stride_h": 2},
     [{"conv": {"out": 6, "kernel": 1, "stride": 2}}], 30, 24 * 20),
    ("CONV_2D", [X, W((6, 3, 3, 2)), W((6,))], (1, 4, 6, 6), WINDOW | {"padding": 1, "dilation_w": 2, "dilation_h": 2},
     [{"conv": {"out": 6, "kernel": 3, "dilation": 2, "groups": 2}}], 6 * 18 + 6, 6 * 18 * 24),
    ("CONV_2D", [(5, 8, 10, 4), W((6, 3, 3, 4)), W((6,))], (5, 8, 10, 6), WINDOW,
     [{"conv": {"out": 6, "kernel": [1, 3, 3], "padding": "same"}}], 222, 216 * 400),
    ("DEPTHWISE_CONV_2D", [X, W((1, 3, 3, 8)), W((8,))], (1, 8, 10, 8), WINDOW | {"multiplier": 2, "act": 1},
     [{"dwconv": {"kernel": 3, "padding": "same", "multiplier": 2, "act": "relu"}}], 80, 72 * 80),
    ("CONV_3D", [(1, 6, 8, 10, 4), W((3, 3, 3, 4, 5)), W((5,))], (1, 6, 8, 10, 5), WINDOW | {"stride_d": 1},
     [{"conv": {"out": 5, "kernel": 3, "padding": "same"}}], 545, 540 * 480),
    ("TRANSPOSE_CONV", [N([1, 16, 20, 6]), W((6, 3, 3, 4)), X, W((6,))], (1, 16, 20, 6),
     {"stride_w": 2, "stride_h": 2},
     [{"conv_transpose": {"out": 6, "kernel": 3, "stride": 2, "padding": [0, 1, 0, 1]}}], 222, 216 * 80),
    ("TRANSPOSE_CONV", [N([1, 17, 21, 6]), W((6, 2, 2, 4)), X], (1, 17, 21, 6),
     {"stride_w": 2, "stride_h": 2, "padding": 1},
     [{"conv_transpose": {"out": 6, "kernel": 2, "stride": 2, "output_padding": 1, "bias": False}}], 96, 96 * 80),
    ("CONV_3D_TRANSPOSE", [N([1, 4, 8, 8, 5]), W((2, 2, 2, 5, 3)), (1, 2, 4, 4, 3)], (1, 4, 8, 8, 5),
     {"stride_d": 2, "stride_w": 2, "stride_h": 2},
     [{"conv_transpose": {"out": 5, "kernel": 2, "stride": 2, "bias": False}}], 120, 120 * 32),
    ("FULLY_CONNECTED", [(1, 12), W((5, 12)), W((5,))], (1, 5), {}, [{"fc": {"out": 5}}], 65, 60),
    ("FULLY_CONNECTED", [(1, 7, 12), W((5, 12)), W((5,))], (1, 7, 5), {"keep": 1, "act": 1},
     [{"fc": {"out": 5, "per_position": True, "act": "relu"}}], 65, 420),
    ("FULLY_CONNECTED", [(1, 7, 12), W((5, 12))], (7, 5), {}, [{"fc": {"out": 5, "per_position": True, "bias": False}}],
     60, 420),
    ("FULLY_CONNECTED", [X, W((5, 320))], (1, 5), {}, ["flatten", {"fc": {"out": 5, "bias": False}}], 1600, 1600),
    ("BATCH_MATMUL", [(1, 7, 12), W((12, 5))], (1, 7, 5), {}, [{"fc": {"out": 5, "per_position": True, "bias": False}}],
     60, 420),
    ("BATCH_MATMUL", [(1, 7, 12), W((1, 5, 12))], (1, 7, 5), {"adj_y": 1},
     [{"fc": {"out": 5, "per_position": True, "bias": False}}], 60, 420),
    ("MAX_POOL_2D", [X], (1, 4, 5, 4), POOL | {"stride_w": 2, "stride_h": 2}, [{"max_pool": {"kernel": 2}}], 0, 0),
    ("AVERAGE_POOL_2D", [X], (1, 8, 10, 4), POOL | {"padding": 0},
     [{"avg_pool": {"kernel": 2, "stride": 1, "padding": "same"}}], 0, 0),
    ("L2_POOL_2D", [X], (1, 7, 9, 4), POOL,
     [{"arithmetic": {"op": "square"}}, {"avg_pool": {"kernel": 2, "stride": 1}}, {"arithmetic": {"op": "sqrt"}}],
     0, 0),
    ("RELU", [X], X, {}, ["relu"], 0, 0),
    ("LEAKY_RELU", [X], X, {"alpha": 0.1}, [{"leaky_relu": {"slope": 0.1}}], 0, 0),
    ("RELU_N1_TO_1", [X], X, {}, ["hard_tanh"], 0, 0),
    ("RELU_0_TO_1", [X], X, {}, [{"hard_tanh": {"least": 0}}], 0, 0),
    ("PRELU", [X, W((1, 1, 4))], X, {}, [{"prelu": {"per_channel": True}}], 4, 0),
    ("PRELU", [X, W((8, 10, 4))], X, {},
     [{"parameter": {"shape": [4, 8, 10]}}, {"arithmetic": {"op": "maximum", "by": 0}},
      {"arithmetic": {"op": "minimum", "by": 0}}, "multiply", "add"], 320, 0),
    ("HARD_SWISH", [X], X, {}, ["hard_swish"], 0, 0),
    ("GELU", [X], X, {}, ["gelu"], 0, 0),
    ("LOGISTIC", [X], X, {}, ["sigmoid"], 0, 0),
    ("SOFTMAX", [X], X, {}, ["softmax"], 0, 0),
    ("LOG_SOFTMAX", [(1, 6, 1)], (1, 6, 1), {}, ["log_softmax"], 0, 0),
    ("RSQRT", [X], X, {}, [{"arithmetic": {"op": "rsqrt"}}], 0, 0),
    ("CEIL", [X], X, {}, [{"arithmetic": {"op": "round_down"}}], 0, 0),
    ("ADD", [X, W((4,))], X, {"act": 1}, [{"parameter": {"shape": [4], "store": "buffer"}}, "add", "relu"], 0, 0),
    ("MUL", [X, W((1, 8, 10, 1))], X, {}, [{"parameter": {"shape": [1, 8, 10], "store": "buffer"}}, "multiply"], 0, 0),
    ("MUL", [X, W(())], X, {}, [{"arithmetic": {"by": 1}}], 0, 0),
    ("SUB", [W((1,)), X], X, {}, [{"arithmetic": {"op": "subtract_from", "by": 1}}], 0, 0),
    ("POW", [X, W(())], X, {}, [{"arithmetic": {"op": "power", "by": 1}}], 0, 0),
    ("SQUARED_DIFFERENCE", [X, W((1,))], X, {},
     [{"arithmetic": {"op": "subtract", "by": 1}}, {"arithmetic": {"op": "square"}}], 0, 0),
    ("FLOOR_DIV", [X, W((1,))], X, {},
     [{"arithmetic": {"op": "divide", "by": 1}}, {"arithmetic": {"op": "round_down"}}], 0, 0),
    ("GREATER", [X, W((1,))], X, {}, [{"compare": {"by": 1}}], 0, 0),
    ("MEAN", [X, N([1, 2])], (1, 4), {}, ["global_avg_pool"], 0, 0),
    ("MEAN", [X, N([1, 2])], (1, 1, 1, 4), {"keep": 1}, [{"adaptive_avg_pool": {"size": 1}}], 0, 0),
    ("MEAN", [X, N([-1])], (1, 8, 10, 1), {"keep": 1}, [{"reduce_axes": {"axes": [0], "keep": True}}], 0, 0),
    ("SUM", [X, N([1])], (1, 10, 4), {}, [{"reduce_axes": {"op": "sum", "axes": [1]}}], 0, 0),
    ("REDUCE_MAX", [X, N([2, 1])], (1, 4), {}, ["global_max_pool"], 0, 0),
    ("L2_NORMALIZATION", [X], X, {}, [{"reduce_axes": {"op": "norm", "axes": [0], "keep": True}}, "divide"], 0, 0),
    ("LOCAL_RESPONSE_NORMALIZATION", [X], X, {"radius": 2}, ["lrn"], 0, 0),
    ("CUMSUM", [X, N([2])], X, {}, [{"cumsum": {"axis": 2}}], 0, 0),
    ("ARG_MAX", [X, N([3])], (1, 8, 10), {}, ["argmax"], 0, 0),
    ("RESHAPE", [X, N([-1, 80, 4])], (1, 80, 4), {}, [{"reshape": {"shape": [4, 80]}}], 0, 0),
    ("RESHAPE", [X, N([1, 8, 40])], (1, 8, 40), {}, [{"permute": {"axes": [2, 0, 1]}}, {"reshape": {"shape": [40, 8]}}],
     0, 0),
    ("TRANSPOSE", [X, N([0, 3, 1, 2])], (1, 4, 8, 10), {}, ["identity"], 0, 0),
    ("CAST", [X], X, {}, ["identity"], 0, 0),
    ("SLICE", [X, N([0, 2, 0, 1]), N([1, 4, 10, 2])], (1, 4, 10, 2), {},
     [{"slice": {"start": 2, "stop": 6, "axis": 1}}, {"slice": {"start": 1, "stop": 3}}], 0, 0),
    ("STRIDED_SLICE", [X, N([0, 0, 1, 2]), N([0, 0, 9, 3]), N([1, 2, 1, 1])], (1, 4, 8),
     {"begin": 3, "end": 3, "shrink": 8},
     [{"slice": {"step": 2, "axis": 1}}, {"slice": {"start": 1, "stop": 9, "axis": 2}},
      {"slice": {"start": 2, "stop": 3}}, {"reshape": {"shape": [4, 8]}}], 0, 0),
    ("STRIDED_SLICE", [X, N([-1]), N([0]), N([1])], (1, 1, 8, 10, 4), {"end": 1, "new": 1},
     ["identity"], 0, 0),
    ("GATHER", [X, N([3, 1])], (1, 8, 10, 2), {"axis": 3},
     [{"slice": {"start": 3}}, {"slice": {"start": 1, "stop": 2}}, "concat"], 0, 0),
    ("TILE", [X, N([1, 2, 1, 1])], (1, 16, 10, 4), {}, [{"concat": {"axis": 1}}], 0, 0),
    ("PAD", [X, N([[0, 0], [1, 2], [0, 0], [0, 0]])], (1, 11, 10, 4), {}, [{"pad": {"padding": [1, 2, 0, 0]}}], 0, 0),
    ("PAD", [X, N([[0, 0], [0, 0], [0, 0], [0, 4]])], (1, 8, 10, 8), {},
     [{"permute": {"axes": [1, 0, 2]}}, {"pad": {"padding": [0, 4, 0, 0]}}], 0, 0),
    ("MIRROR_PAD", [X, N([[0, 0], [1, 1], [1, 1], [0, 0]])], (1, 10, 12, 4), {},
     [{"pad": {"padding": 1, "mode": "reflect"}}], 0, 0),
    ("RESIZE_BILINEAR", [X, N([16, 20])], (1, 16, 20, 4), {},
     [{"upsample": {"size": [16, 20], "mode": "bilinear"}}], 0, 0),
    ("RESIZE_NEAREST_NEIGHBOR", [X, N([16, 20])], (1, 16, 20, 4), {}, [{"upsample": {"size": [16, 20]}}], 0, 0),
    ("DEPTH_TO_SPACE", [X], (1, 16, 20, 1), {"block": 2}, [{"pixel_shuffle": {"scale": 2}}], 0, 0),
    ("SPACE_TO_DEPTH", [X], (1, 4, 5, 16), {"block": 2}, [{"space_to_depth": {"scale": 2}}], 0, 0),
    ("REVERSE_V2", [X, N([2])], X, {}, [{"flip": {"axes": [2]}}], 0, 0),
    ("BROADCAST_TO", [(1, 8, 1, 4), N([1, 8, 10, 4])], X, {}, [{"broadcast_to": {"shape": [4, 8, 10]}}], 0, 0),
    ("SVDF", [(1, 12), W((6, 12)), W((6, 9)), W((3,)), W((1, 54))], (1, 3), {"rank": 2}, ["custom"], 72 + 54 + 3, 126),
    ("UNIDIRECTIONAL_SEQUENCE_RNN", [(1, 7, 12), W((5, 12)), W((5, 5)), W((5,)), W((1, 5))], (1, 7, 5), {"act": 4},
     [{"rnn": {"hidden": 5, "one_bias": True}}], 90, 7 * 85),
]  # fmt: skip


def whole(graph: Graph, numbers: N) -> int:
    """Add whole numbers that are stored, or pairs of them."""
    if isinstance(numbers[0], list):
        return graph.const([len(numbers), 2], [n for pair in numbers for n in pair], "INT32")
    return graph.whole(*numbers)


def graph_of(op: str, takes: list[Any], gives: tuple[int, ...], options: dict[str, Any]) -> Graph:
    """Return a graph of one operator."""
    graph = Graph()
    made = []
    for one in takes:
        if one is None:
            made.append(-1)
        elif isinstance(one, W):
            made.append(graph.const(one))
        else:
            made.append(whole(graph, one) if isinstance(one, N) else graph.input(one))
    graph.op(op, made, gives, **options)
    return graph


def written(folder: Path, *graphs: Graph, name: str = "small.tflite") -> str:
    """Write a file, and return its path."""
    path = folder / name
    path.write_bytes(model(*graphs))
    return str(path)


def items(path: str) -> list[Any]:
    """Return the items of the spec that a file becomes, without names, sources and bits."""
    found = []
    for item in read(path, ReadOptions()).data()["layers"]:
        kind = item if isinstance(item, str) else next(iter(item))
        value = None if isinstance(item, str) else item[kind]
        found.append({kind: value} if isinstance(value, dict) else kind)
    return found


def fits(item: Any, wanted: Any) -> bool:
    """Say whether an item is the wanted one, of which a bare word is any with these fields."""
    return item == wanted or (isinstance(wanted, str) and isinstance(item, dict) and [*item] == [wanted])


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
def test_an_operator_becomes_the_steps_that_it_is(case: Any, tmp_path: Path) -> None:
    op, takes, gives, options, wanted, params, macs = case
    path = written(tmp_path, graph_of(op, takes, gives, options))
    found = items(path)
    assert len(found) == len(wanted)
    assert all(fits(item, one) for item, one in zip(found, wanted, strict=True)), found
    result = costcalc.count(path)
    assert (result.params, result.macs) == (params, macs)


# What TensorFlow takes in a later version of the operator, or of another type.
NEWER = ("BROADCAST_TO", "ARG_MAX")


@pytest.mark.filterwarnings("ignore")  # the interpreter has moved to another package
@pytest.mark.parametrize("case", [case for case in CASES if case[0] not in NEWER], ids=lambda case: case[0])
def test_tensorflow_takes_the_files_of_these_tests(case: Any, tmp_path: Path) -> None:
    tensorflow = pytest.importorskip("tensorflow")
    op, takes, gives, options, *_ = case
    reader = tensorflow.lite.Interpreter(written(tmp_path, graph_of(op, takes, gives, options)))
    reader.allocate_tensors()
    assert tuple(reader.get_output_details()[0]["shape"]) == gives


@pytest.mark.parametrize("case", [case for case in CASES if case[0] != "RESHAPE"], ids=lambda case: case[0])
def test_another_shape_than_the_file_states_is_refused(case: Any, tmp_path: Path) -> None:
    op, takes, gives, options, *_ = case
    with pytest.raises(SpecError, match=rf"t\d+ \({op}\): "):
        costcalc.count(written(tmp_path, graph_of(op, takes, (*gives[:-1], gives[-1] + 1), options)))


def test_the_schemas_numbers_are_tensorflows() -> None:
    rows = schema().values()
    assert {int(row["number"]): row["name"] for row in rows if row["kind"] == "operator"} == OPERATORS
    assert {int(row["number"]): row["name"] for row in rows if row["kind"] == "type"} == TYPES
    assert {*RULES, *CONTROL} <= set(OPERATORS.values())
    for name, options in OPTIONS.items():
        for word, (field, code, default) in options.items():
            row = schema()["option", f"{name}.{word}"]
            told = (int(row["number"]), row["code"], float(row["default"]))
            assert told == (field, code, default), f"{name}.{word}"


def test_the_words_are_operators_that_are_read() -> None:
    for table in (words.ACTIVATIONS, words.ALONE, words.JOINS, words.REDUCTIONS):
        assert set(table.read(TFLITE)) <= set(RULES)


# ---- whole graphs ----------------------------------------------------------------------------------


def counting(turns: int | None, body: str = "FULLY_CONNECTED") -> list[Graph]:
    """Return a loop whose body multiplies 6 numbers with one matrix: so many turns, or as many as the data says."""
    main = Graph()
    x, start = main.input([1, 6]), main.const([], [0], "INT32")
    main.op("WHILE", [start, x], [], [1, 6], kind="FLOAT32", cond=1, body=2)
    main.tensors[main.operators[0][2][0]] = main.tensors[start] | {3: ("s", "count"), 2: ("I", 0)}
    main.outputs = [main.operators[0][2][1]]
    test = Graph(main.buffers)
    i, v = test.input([], "INT32"), test.input([1, 6])
    if turns is None:
        least = test.op("REDUCE_MAX", [v, test.whole(0, 1)], [])
        test.op("LESS", [least, test.const([])], [], kind="BOOL")
    else:
        test.op("LESS", [i, test.const([], [turns], "INT32")], [], kind="BOOL")
    inner = Graph(main.buffers)
    i, v = inner.input([], "INT32"), inner.input([1, 6])
    i = inner.op("ADD", [i, inner.const([], [1], "INT32")], [], kind="INT32", act=0)
    inner.outputs = [i, inner.op(body, [v, inner.const([6, 6]), -1], [1, 6])]
    return [main, test, inner]


def test_a_loop_runs_as_often_as_its_condition_says(tmp_path: Path) -> None:
    result = costcalc.count(written(tmp_path, *counting(5)))
    assert (result.params, result.macs, len(result.rows)) == (36, 5 * 36, 5)


def test_a_loop_that_the_data_ends_asks_how_often_it_runs(tmp_path: Path) -> None:
    path = written(tmp_path, *counting(None))
    with pytest.raises(SpecError, match=r"runs as often as the image says\n.*steps=100"):
        costcalc.count(path)
    assert costcalc.count(path, steps=7).macs == 7 * 36
    assert costcalc.count(f"{path}@steps=3").macs == 3 * 36


def test_a_loop_without_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"runs more than 2,000 times"):
        costcalc.count(written(tmp_path, *counting(2**31 - 1)))


@pytest.mark.parametrize(("known", "macs"), [(True, 6 * 5), (False, 6 * 9), (None, 6 * 9)])
def test_a_condition_takes_the_branch_that_is_known_or_costs_more(
    known: bool | None, macs: int, tmp_path: Path
) -> None:
    main = Graph()
    x = main.input([1, 6])
    asked = main.input([], "BOOL") if known is None else main.const([], [known], "BOOL")
    main.op("IF", [asked, x], [1, 1], **{"then": 1, "else": 2})
    branches = []
    for width in (5, 9):
        inner = Graph(main.buffers)
        middle = inner.op("FULLY_CONNECTED", [inner.input([1, 6]), inner.const([width, 6]), -1], [1, width])
        inner.op("MEAN", [middle, inner.whole(1)], [1, 1], keep=1)
        branches.append(inner)
    spec = costcalc.load(written(tmp_path, main, *branches))
    assert costcalc.count(spec).macs == macs
    assert ("of a condition the branch with more MACs" in str(spec.text)) == (known is None)


def test_a_composite_is_the_graph_that_it_is_made_of(tmp_path: Path) -> None:
    main = Graph()
    main.op("STABLEHLO_COMPOSITE", [main.input([1, 6])], [1, 5], name="odml.fc", graph=1)
    inner = Graph(main.buffers)
    inner.op("FULLY_CONNECTED", [inner.input([1, 6]), inner.const([5, 6]), -1], [1, 5])
    assert costcalc.count(written(tmp_path, main, inner)).macs == 30


def test_a_graph_that_calls_itself_is_refused(tmp_path: Path) -> None:
    main = Graph()
    main.op("STABLEHLO_COMPOSITE", [main.input([1, 6])], [1, 6], name="x", graph=0)
    with pytest.raises(SpecError, match="calls itself, or others more than 10 deep"):
        costcalc.count(written(tmp_path, main))


def test_state_is_stored_and_what_is_assigned_is_a_result(tmp_path: Path) -> None:
    main = Graph()
    x = main.input([1, 6])
    handle = main.op("VAR_HANDLE", [], [], kind="RESOURCE", container="", name="state")
    old = main.op("READ_VARIABLE", [handle], [1, 6])
    new = main.op("FULLY_CONNECTED", [main.op("ADD", [x, old], [1, 6], act=0), main.const([6, 6]), -1], [1, 6])
    main.op("ASSIGN_VARIABLE", [handle, new])
    main.op("RELU", [x], [1, 6])
    result = costcalc.count(written(tmp_path, main))
    assert (result.params, result.macs) == (36, 36)
    assert sum(row.buffers for row in result.rows) == 6


def two_layers(*, same_kernel: bool, same_bias: bool, value: float = 0) -> Graph:
    """Return two convolutions, whose kernels and biases (of one value) may be one tensor each."""
    graph = Graph()
    x = graph.input([1, 5, 5, 3])
    kernels = [graph.const([3, 1, 1, 3])] * 2 if same_kernel else [graph.const([3, 1, 1, 3]) for _ in range(2)]
    biases = [graph.const([3], [value] * 3)] * 2 if same_bias else [graph.const([3], [value] * 3) for _ in range(2)]
    for kernel, bias in zip(kernels, biases, strict=True):
        x = graph.op("CONV_2D", [x, kernel, bias], [1, 5, 5, 3], **WINDOW)
    return graph


@pytest.mark.parametrize(
    ("same_kernel", "same_bias", "value", "params", "rows"),
    [
        (False, False, 0, 24, ["conv", "conv"]),
        (True, True, 1, 12, ["conv", "conv"]),  # share
        (False, True, 0, 21, ["conv", "conv"]),  # a bias of zeros, left out of the second
        (False, True, 1, 21, ["conv", "conv", "parameter", "add"]),
        (True, False, 1, 15, ["conv", "parameter", "dynamic_conv", "parameter", "add"]),
    ],
)
def test_what_is_stored_once_counts_once(
    same_kernel: bool, same_bias: bool, value: float, params: int, rows: list[str], tmp_path: Path
) -> None:
    graph = two_layers(same_kernel=same_kernel, same_bias=same_bias, value=value)
    result = costcalc.count(written(tmp_path, graph))
    assert (result.params, result.macs) == (params, 2 * 9 * 25)
    assert sorted(row.kind for row in result.rows) == sorted(rows)


def quantized(kind: str, *, through: str = "") -> Graph:
    """Return a convolution whose kernel is stored in another type, and comes through an operator if one is named."""
    graph = Graph()
    scale = 0.5 if kind.startswith("INT") else 0
    x = graph.input([1, 8, 8, 3])
    if kind == "INT4":  # two numbers a byte
        graph.buffers.append(b"\x11" * 54)
        w = graph.tensor([4, 3, 3, 3], kind, buffer=len(graph.buffers) - 1, scale=scale)
    else:
        w = graph.const([4, 3, 3, 3], kind=kind, scale=scale)
    w = graph.op(through, [w], [4, 3, 3, 3]) if through else w
    graph.op("CONV_2D", [x, w, graph.const([4], kind="INT32", scale=scale)], [1, 8, 8, 4], **WINDOW)
    return graph


@pytest.mark.parametrize(
    ("kind", "through", "bits"),
    [("FLOAT32", "", None), ("INT8", "", 8), ("INT4", "", 4), ("FLOAT16", "DEQUANTIZE", 16), ("INT8", "DEQUANTIZE", 8)],
)
def test_bits_of_stored_weights_stand_beside_the_row(kind: str, through: str, bits: int | None, tmp_path: Path) -> None:
    path = written(tmp_path, quantized(kind, through=through))
    result = costcalc.count(path)
    assert result.params == 112
    assert result.rows[0].node.bits == bits
    # the kernel's bits, and a bias of 32
    assert result.metric("bytes").total == 108 * (bits or 32) // 8 + 4 * 4


def test_sparse_weights_are_as_many_as_their_shape_says(tmp_path: Path) -> None:
    graph = Graph()
    x, w = graph.input([1, 8]), graph.const([4, 8], [1.0] * 32)
    graph.buffers[-1] = graph.buffers[-1][:20]
    graph.tensors[w][6] = ("T", {0: ("[i", [0, 1])})
    graph.op("FULLY_CONNECTED", [x, graph.op("DENSIFY", [w], [4, 8]), -1], [1, 4])
    result = costcalc.count(written(tmp_path, graph))
    assert (result.params, result.rows[0].node.density) == (32, 5 / 32)


def apart(axes: int, *, border: int = 2, cut: tuple[int, int] = (0, 1)) -> Graph:
    """Return a convolution of dilation 2 over 9 x 9 pixels, or 9 places, as TensorFlow writes it for an open batch."""
    graph = Graph()
    space = [9] * axes
    x = graph.input([1, *space, 3], signature=[-1, *space, 3])
    block = graph.whole(*[2] * axes)
    pads = graph.const([axes, 2], [border, border + 1] * axes, "INT32")
    half = [7] * axes  # of how many images, such a file does not say
    y = graph.op("SPACE_TO_BATCH_ND", [x, block, pads], [1, *half, 3])
    if axes == 1:
        y = graph.op("EXPAND_DIMS", [y, graph.whole(1)], [1, 1, *half, 3])
    kernel = [4, *[3] * axes, 3] if axes == 2 else [4, 1, 3, 3]
    y = graph.op("CONV_2D", [y, graph.const(kernel), graph.const([4])], [1, *[1] * (2 - axes), *[5] * axes, 4],
                 padding=1, **WINDOW)  # fmt: skip
    if axes == 1:
        y = graph.op("SQUEEZE", [y], [1, 5, 4], axes=[1])
    cuts = graph.const([axes, 2], [*cut] * axes, "INT32")
    graph.op("BATCH_TO_SPACE_ND", [y, block, cuts], [1, *space, 4])
    return graph


@pytest.mark.parametrize(("axes", "padding"), [(2, 2), (1, [0, 2])])
def test_pixels_that_are_dealt_out_make_a_dilated_convolution(axes: int, padding: Any, tmp_path: Path) -> None:
    path = written(tmp_path, apart(axes))
    (conv,) = (item["conv"] for item in items(path) if isinstance(item, dict) and "conv" in item)
    assert (conv["padding"], conv["dilation"]) == (padding, 2 if axes == 2 else [1, 2])
    assert costcalc.count(path).macs == 4 * 3 * 3**axes * 9**axes


def test_inputs_go_by_their_names_and_open_axes_are_asked_for(tmp_path: Path) -> None:
    graph = Graph()
    left = graph.input([1, 1, 4], signature=[-1, -1, 4], name="serving_default_left:0")
    right = graph.input([1, 1, 4], signature=[-1, -1, 4], name="serving_default_right:0")
    graph.op("CONCATENATION", [left, right], [1, 2, 4], axis=1)
    graph.tensors[-1][7] = ("[i", [-1, -1, 4])
    path = written(tmp_path, graph)
    with pytest.raises(SpecError, match=r"the file leaves the shape of the input 'left' open: 4x\?"):
        costcalc.load(path)
    spec = costcalc.count(path, input={"left": (4, 6), "right": (4, 9)})
    assert spec.rows[0].node.y.dims == (4, 15)
    with pytest.raises(SpecError, match=r"an input of 5x6 does not fit the file's: 4x\?"):
        costcalc.load(path, input={"left": (5, 6), "right": (4, 9)})
    with pytest.raises(SpecError, match="no input 'middle', but left, right"):
        costcalc.load(path, input={"middle": (4, 6)})


def test_what_is_not_known_is_refused_by_name_or_opaque(tmp_path: Path) -> None:
    graph = Graph()
    y = graph.op("CUSTOM", [graph.input(X), graph.const([7])], [1, 4, 4, 2], custom="TFLite_Detection_PostProcess")
    graph.op("RELU", [y], [1, 4, 4, 2])
    path = written(tmp_path, graph)
    with pytest.raises(SpecError, match="no counterpart of the custom operator 'TFLite_Detection_PostProcess'"):
        costcalc.count(path)
    result = costcalc.count(path, opaque=True)
    assert (result.params, str(result.macs)) == (7, "unknown")


def test_lstm_with_one_bias_a_gate(tmp_path: Path) -> None:
    for gates, macs in ((4, 7 * (4 * 5 * 12 + 4 * 25)), (3, 7 * (3 * 5 * 12 + 3 * 25))):
        graph = Graph()
        x, first = graph.input([1, 7, 12]), 4 - gates
        takes = [x, *[-1] * first, *(graph.const([5, 12]) for _ in range(gates))]
        takes += [*[-1] * first, *(graph.const([5, 5]) for _ in range(gates)), -1, -1, -1]
        takes += [*[-1] * first, *(graph.const([5]) for _ in range(gates)), -1, -1]
        takes += [graph.tensor([1, 5], variable=True), graph.tensor([1, 5], variable=True), -1, -1, -1, -1]
        graph.op("UNIDIRECTIONAL_SEQUENCE_LSTM", takes, [1, 7, 5], act=4)
        result = costcalc.count(written(tmp_path, graph))
        assert (result.params, result.macs) == (gates * 5 * (12 + 5 + 1), macs)
        assert [row.kind for row in result.rows] == (["lstm"] if gates == 4 else ["custom"])


def attention() -> Graph:
    """Return attention of four heads over 16 places of 32 channels, as TensorFlow converts Keras' layer."""
    graph, keep = Graph(), {"keep": 1}
    x = graph.input([1, 16, 32])
    heads = []
    for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        y = graph.op("FULLY_CONNECTED", [x, graph.const([32, 32]), graph.const([32])], [1, 16, 32], **keep)
        y = graph.op("RESHAPE", [y, graph.whole(1, 16, 4, 8)], [1, 16, 4, 8])
        shape = [1, 16, 4, 8]
        heads.append(graph.op("TRANSPOSE", [y, graph.whole(*order)], [shape[k] for k in order]))
    y = graph.op("BATCH_MATMUL", heads[:2], [1, 4, 16, 16])
    y = graph.op("SOFTMAX", [graph.op("MUL", [y, graph.const([])], [1, 4, 16, 16], act=0)], [1, 4, 16, 16])
    y = graph.op("BATCH_MATMUL", [y, heads[2]], [1, 4, 16, 8])
    y = graph.op("TRANSPOSE", [y, graph.whole(0, 2, 1, 3)], [1, 16, 4, 8])
    y = graph.op("RESHAPE", [y, graph.whole(1, 16, 32)], [1, 16, 32])
    y = graph.op("FULLY_CONNECTED", [y, graph.const([32, 32]), graph.const([32])], [1, 16, 32], **keep)
    graph.op("ADD", [x, y], [1, 16, 32], act=0)
    return graph


def test_axes_of_attention_move_only_where_a_product_needs_it(tmp_path: Path) -> None:
    result = costcalc.count(written(tmp_path, attention()))
    assert (result.params, result.macs) == (4 * (32 * 32 + 32), 4 * 16 * 32 * 32 + 2 * 4 * 16 * 16 * 8)
    kinds = [row.kind for row in result.rows]
    assert (kinds.count("matmul"), kinds.count("fc"), kinds.count("permute")) == (2, 4, 3)


def test_biases_of_gates_that_are_one_tensor_count_once(tmp_path: Path) -> None:
    graph = Graph()
    x = graph.input([1, 7, 12])
    takes = [x, *(graph.const([5, 12]) for _ in range(4)), *(graph.const([5, 5]) for _ in range(4)), -1, -1, -1]
    zeros = graph.const([5], [0] * 5)
    takes += [zeros, graph.const([5]), zeros, zeros, -1, -1]
    takes += [graph.tensor([1, 5], variable=True), graph.tensor([1, 5], variable=True), -1, -1, -1, -1]
    graph.op("UNIDIRECTIONAL_SEQUENCE_LSTM", takes, [1, 7, 5], act=4)
    result = costcalc.count(written(tmp_path, graph))
    assert (result.params, result.macs) == (4 * 5 * 17 + 10, 7 * 4 * 5 * 17)


# ---- memory ----------------------------------------------------------------------------------------


def mobile() -> Graph:
    """Return a small int8 network with depthwise convolutions and a residual block."""
    graph = Graph()
    int8 = {"kind": "INT8", "scale": 0.5}

    def conv(x: int, out: int, size: int, stride: int = 1, *, deep: bool = False, channels: int = 0) -> int:
        kernel = [1, size, size, out] if deep else [out, size, size, channels]
        weights = graph.const(kernel, kind="INT8", scale=0.5)
        bias = graph.const([out], kind="INT32", scale=0.25)
        space = side[x] // stride
        more = {"multiplier": 1} if deep else {}
        y = graph.op("DEPTHWISE_CONV_2D" if deep else "CONV_2D", [x, weights, bias], [1, space, space, out],
                     stride_w=stride, stride_h=stride, act=3, **more, **int8)  # fmt: skip
        side[y] = space
        return y

    x = graph.input([1, 32, 32, 3], "INT8", scale=0.5)
    side = {x: 32}
    x = conv(x, 8, 3, 2, channels=3)
    y = conv(x, 24, 1, channels=8)
    y = conv(y, 24, 3, deep=True)
    y = conv(y, 8, 1, channels=24)
    x = graph.op("ADD", [x, y], [1, 16, 16, 8], act=0, **int8)
    side[x] = 16
    x = conv(x, 16, 3, 2, channels=8)
    x = graph.op("MEAN", [x, graph.whole(1, 2)], [1, 16], **int8)
    weights, bias = graph.const([10, 16], kind="INT8", scale=0.5), graph.const([10], kind="INT32", scale=0.25)
    graph.op("FULLY_CONNECTED", [x, weights, bias], [1, 10], **int8)
    return graph


def arena(graph: Graph) -> int:
    """Return the least that an arena of TFLite Micro holds: the largest sum of tensors that are alive together."""
    last = {place: at for at, (_, takes, *_) in enumerate(graph.operators) for place in takes}
    first = dict.fromkeys(graph.inputs, -1)
    first |= {place: at for at, (_, _, gives, *_) in enumerate(graph.operators) for place in gives}
    sizes = []
    for at in range(len(graph.operators)):
        alive = [place for place, start in first.items() if start <= at <= last.get(place, len(graph.operators))]
        size = 0
        for place in alive:
            count = 1
            for n in graph.tensors[place][0][1]:
                count *= n
            size += count
        sizes.append(size)
    return max(sizes)


def test_peak_memory_is_what_an_arena_holds_at_least(tmp_path: Path) -> None:
    graph = mobile()
    path = written(tmp_path, graph)
    assert arena(graph) == 2 * 24 * 16 * 16 + 8 * 16 * 16  # both sides of the depthwise convolution, and the shortcut
    result = costcalc.count(path)
    assert result.metric("peak_memory", mode="folded", bits=8).total == arena(graph)
    assert result.metric("peak_memory", mode="mcu").total < arena(graph)  # the depthwise one runs over its input


# ---- files that are spoiled ------------------------------------------------------------------------

EVERY: list[Callable[[], list[Graph]]] = [
    *(partial(lambda case: [graph_of(*case[:4])], case) for case in CASES),
    *(partial(counting, turns) for turns in (3, None)),
    lambda: [two_layers(same_kernel=True, same_bias=False, value=1)],
    *(lambda kind=kind: [quantized(kind)] for kind in ("INT8", "INT4")),  # type: ignore[misc]
    lambda: [quantized("FLOAT16", through="DEQUANTIZE")],
    *(lambda axes=axes: [apart(axes)] for axes in (1, 2)),  # type: ignore[misc]
    lambda: [mobile()],
    lambda: [attention()],
]


def test_spoiled_files_are_read_or_refused_in_words() -> None:
    """`tests/tools/fuzz_formats.py` does the same for tens of thousands."""
    assert spoil("tflite", 300, 0) == 0


@pytest.mark.parametrize("many", [0, 1, 2, 3])
def test_lists_that_say_one_thing_endlessly_are_refused_in_time(many: int, tmp_path: Path) -> None:
    """Codes, graphs, buffers or tensors: half a million of one table, in a file of two megabytes."""
    made = bytearray(model(mobile()))
    root = int.from_bytes(made[:4], "little")
    fields = [1, 2, 4, 0]
    table = root
    if many == 3:  # the tensors of the graph
        graphs = offset_of(made, root, 2)
        table = graphs + 4 + int.from_bytes(made[graphs + 4 : graphs + 8], "little")
    place = offset_of(made, table, fields[many])
    first = place + 4 + int.from_bytes(made[place + 4 : place + 8], "little")
    made += bytes(-len(made) % 4)
    start, count = len(made), 500_000
    made += count.to_bytes(4, "little")
    made += b"".join(((first - start - 4 - 4 * k) % 2**32).to_bytes(4, "little") for k in range(count))
    slot = slot_of(made, table, fields[many])
    made[slot : slot + 4] = (start - slot).to_bytes(4, "little")
    path = tmp_path / "many.tflite"
    path.write_bytes(made)
    begin = time.process_time()
    with pytest.raises(SpecError, match="is no TFLite model, or a part of one"):
        costcalc.count(path)
    assert time.process_time() - begin < 2


def slot_of(data: bytearray, table: int, field: int) -> int:
    """Return where a table's field stands."""
    vtable = table - int.from_bytes(data[table : table + 4], "little", signed=True)
    at = vtable + 4 + 2 * field
    return table + int.from_bytes(data[at : at + 2], "little")


def offset_of(data: bytearray, table: int, field: int) -> int:
    """Return where what a table's field leads to begins."""
    slot = slot_of(data, table, field)
    return slot + int.from_bytes(data[slot : slot + 4], "little")
