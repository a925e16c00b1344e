"""TFLite files, written here by the numbers of TensorFlow's schema, become specs: layers, shapes, weights, bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tflite_file import Graph, model, schema

import costcalc
from costcalc import SpecError
from costcalc.interop import words
from costcalc.interop.format import ReadOptions
from costcalc.interop.tflite.net import RULES
from costcalc.interop.tflite.read import read
from costcalc.interop.tflite.schema import OPERATORS, OPTIONS, TYPES
from costcalc.interop.words import TFLITE

DATA = Path(__file__).parent.parent / "data"
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
    ("CONV_2D", [X, W((6, 3, 5, 4)), None], (1, 3, 2, 6), {"padding": 1, "stride_w": 3, "stride_h": 2, "act": 3},
     [{"conv": {"out": 6, "kernel": [3, 5], "stride": [2, 3], "bias": False, "act": "relu6"}}], 360, 360 * 6),
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
    ("PAD", [X, N([0, 0, 1, 2, 0, 0, 0, 0])], (1, 11, 10, 4), {}, [{"pad": {"padding": [1, 2, 0, 0]}}], 0, 0),
    ("PAD", [X, N([0, 0, 0, 0, 0, 0, 0, 4])], (1, 8, 10, 8), {},
     [{"permute": {"axes": [1, 0, 2]}}, {"pad": {"padding": [0, 4, 0, 0]}}], 0, 0),
    ("MIRROR_PAD", [X, N([0, 0, 1, 1, 1, 1, 0, 0])], (1, 10, 12, 4), {},
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
     ["weight_params", {"rnn": {"hidden": 5, "bias": False}}], 90, 7 * 85),
]  # fmt: skip


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
            made.append(graph.whole(*one) if isinstance(one, N) else graph.input(one))
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


@pytest.mark.parametrize("case", CASES, ids=lambda case: case[0])
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
    assert set(RULES) <= set(OPERATORS.values())
    for name, options in OPTIONS.items():
        for word, (field, code, default) in options.items():
            row = schema()["option", f"{name}.{word}"]
            told = (int(row["number"]), row["code"], float(row["default"]))
            assert told == (field, code, default), f"{name}.{word}"


def test_the_words_are_operators_that_are_read() -> None:
    for table in (words.ACTIVATIONS, words.ALONE, words.JOINS, words.REDUCTIONS):
        assert set(table.read(TFLITE)) <= set(RULES)
