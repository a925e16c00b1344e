"""What goes out through a format comes back: each operator's worked examples and each network of the zoo.

PyTorch: built by `costcalc.torch.build`, imported by `from_torch`. ONNX: written and read; the zoo's networks through
ONNX are in test_export_onnx.py, every variant through both in `tests/tools/round_trips.py`.
"""

from __future__ import annotations

import importlib.util
from contextlib import suppress
from itertools import product
from typing import Any

import pytest
from fuzz_round_trips import run
from round_trips import FORMATS, difference, totals
from test_export_onnx import CASES, graph_of

import costcalc
from costcalc.base.errors import SpecError
from costcalc.costs.rows import rows
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.language import zoo
from costcalc.operators.fields import Word
from costcalc.operators.op import Example, Op, operators

AVAILABLE = [form for form in FORMATS if importlib.util.find_spec(form)]

# Parameters or MACs that a format has no place for.
LOST = {
    ("torch", "custom"): "its numbers are stated: PyTorch has a stand-in that computes nothing",
    ("torch", "opaque"): "its numbers are stated: PyTorch has a stand-in that computes nothing",
    ("torch", "weight_params"): "nothing computes with its parameters, and what inference does not use is left out",
}

# What comes back as other rows, whose parameters and MACs are the same.
REWRITTEN = {
    ("torch", "active_shift"): "PyTorch has grid_sample, whose places are computed from the offsets",
    ("torch", "add"): "a sum of three is two sums of two",
    ("torch", "attention"): "its twin takes three tensors of any axes, and says the four steps",
    ("torch", "avg_pool"): "PyTorch has no padding `same` here: the mean is corrected behind the pool",
    ("torch", "channel_shuffle"): "PyTorch's own networks say it as reshape, permute, reshape",
    ("torch", "concat"): "one tensor alone is that tensor",
    ("torch", "crop"): "a slice an axis",
    ("torch", "custom"): "a stand-in that gives zeros",
    ("torch", "deform_conv"): "its twin is its parts: places, interpolation, products",
    ("torch", "roi_align"): "its twin is its parts: places, interpolation, means",
    ("torch", "roi_pool"): "its twin is a pool of the whole map",
    ("torch", "dropout"): "it does nothing at inference, and goes",
    ("torch", "dynamic_conv"): "PyTorch's functions have no uneven padding: a pad comes first",
    ("torch", "einsum"): "its products are matmul and multiply, its sums reduce_axes",
    ("torch", "scan"): "its steps, one by one",
    ("torch", "where"): "a mask that is repeated over the batch is a constant of its own",
    ("torch", "flatten"): "from an axis on it is a reshape",
    ("torch", "gru_cell"): "a first state that is a constant comes back as zeros",
    ("torch", "identity"): "it does nothing, and goes",
    ("torch", "layer_norm"): "over everything, it is one over the flattened tensor",
    ("torch", "lookup"): "each image is looked up by itself, and its indices are flattened",
    ("torch", "lstm_cell"): "first states that are constants come back as zeros",
    ("torch", "lrn"): "within a channel PyTorch has none: a mean of squares, and its power",
    ("torch", "minimum"): "a minimum of three is two of two",
    ("torch", "multiply"): "a product of three is two of two, and broadcast otherwise",
    ("torch", "opaque"): "a stand-in that gives zeros",
    ("torch", "parameter"): "repeated over the batch, it is computed from a parameter",
    ("torch", "reduce_axes"): "over all of space it is a global pool; a norm of p is its steps",
    ("torch", "scale"): "with a shift it is a factor and a sum",
    ("torch", "shift"): "PyTorch has no such operator: its slices are moved",
    ("torch", "subsample"): "a slice an axis",
    ("torch", "transpose"): "it is a permute",
    ("torch", "unfold"): "PyTorch's has no uneven padding: a pad comes first",
    ("torch", "weight_params"): "nothing computes with it",
    ("torch", "zero_pad_channels"): "PyTorch joins zeros",
    ("torch", "zeros"): "a constant comes back as a parameter that nothing holds",
    ("onnx", "adaptive_avg_pool"): "ONNX has none: a pool over windows of one size",
    ("onnx", "adaptive_max_pool"): "ONNX has none: a pool over windows of one size",
    ("onnx", "add"): "a sum of three is two sums of two",
    ("onnx", "attention"): "until opset 23 it is four steps",
    ("onnx", "channel_shuffle"): "reshape, permute, reshape",
    ("onnx", "crop"): "a slice an axis",
    ("onnx", "dropout"): "it does nothing at inference, and goes",
    ("onnx", "einsum"): "its products are matmul",
    ("onnx", "grid_sample"): "ONNX's grid has its two numbers last: a permute",
    ("onnx", "lstm"): "a node a layer",
    ("onnx", "roi_align"): "ONNX's boxes stand in rows: permutes",
    ("onnx", "gru"): "a node a layer",
    ("onnx", "rnn"): "a node a layer",
    ("onnx", "flatten"): "from an axis on it is a reshape",
    ("onnx", "global_avg_pool"): "ONNX's keeps axes of length 1: a flatten goes with it",
    ("onnx", "global_max_pool"): "ONNX's keeps axes of length 1: a flatten goes with it",
    ("onnx", "glu"): "ONNX has none: split, sigmoid, multiply",
    ("onnx", "layer_norm"): "over everything, it is one over the flattened tensor",
    ("onnx", "log_sigmoid"): "ONNX has none: a softplus between two signs",
    ("onnx", "minimum"): "a minimum of three is two of two",
    ("onnx", "multiply"): "a product of three is two of two, and a gate has axes of length 1",
    ("onnx", "reduce_axes"): "a variance is a mean of squares",
    ("onnx", "roll"): "ONNX has none: two slices side by side",
    ("onnx", "scale"): "with a shift it is a factor and a sum",
    ("onnx", "space_to_depth"): "ONNX's has another order of channels: reshape, permute, reshape",
    ("onnx", "subsample"): "a slice an axis",
    ("onnx", "swish"): "until opset 24 it is sigmoid and multiply",
    ("onnx", "transpose"): "it is a permute",
    ("onnx", "zero_pad_channels"): "a pad while the channels are an axis of space",
}


@pytest.mark.parametrize("form", AVAILABLE)
@pytest.mark.parametrize(("cls", "example"), CASES)
def test_each_example_comes_back(cls: type[Op], example: Example, form: str) -> None:
    graph = graph_of(cls, example)
    flat = FORMATS[form](graph)
    if (form, cls.kind) not in LOST:
        assert totals(costcalc.count(flat.data())) == counted(graph)
    if (form, cls.kind) not in REWRITTEN:
        assert kinds(step.kind for step in flat.steps) == kinds(node.op.kind for node in graph.nodes)


def counted(graph: Graph) -> tuple[str, str]:
    found = rows(graph)
    return str(sum(row.learnable for row in found)), str(sum(row.macs for row in found))


def kinds(words: Any) -> list[str]:
    return [{"dwconv": "conv"}.get(word, word) for word in words]


# Words of `arithmetic` that a format says with two others.
TWO_OPERATIONS = {
    ("torch", "divide_into"): "PyTorch multiplies by the reciprocal",
    ("onnx", "rsqrt"): "ONNX has a root and a reciprocal",
}


def worded() -> list[Any]:
    """Return each operator with each word that a field of its takes, in the first example that goes with it."""
    found = []
    for kind, cls in sorted(operators().items()):
        for name, field in cls.fields.items() if kind == cls.kind else ():
            for word in sorted(field.words) if isinstance(field, Word) else ():
                for example, more in product(cls.examples, ({}, {"by": 3})):
                    given = Example(example.fields | {name: word} | more, example.x, example.y, "with another word")
                    with suppress(SpecError):
                        graph_of(cls, given)
                        found.append(pytest.param(cls, given, id=f"{kind}-{name}-{word}"))
                        break
    return found


@pytest.mark.parametrize("form", AVAILABLE)
@pytest.mark.parametrize(("cls", "example"), worded())
def test_each_word_comes_back(cls: type[Op], example: Example, form: str) -> None:
    graph = graph_of(cls, example)
    flat = FORMATS[form](graph)
    assert totals(costcalc.count(flat.data())) == counted(graph)
    if cls.kind == "arithmetic":
        operations = [row.elementwise for row in costcalc.count(flat.data()).rows]
        same = operations == [row.elementwise for row in costcalc.count(graph.spec).rows]
        assert same == ((form, example.fields["op"]) not in TWO_OPERATIONS)


@pytest.mark.parametrize("form", AVAILABLE)
def test_the_exceptions_are_exceptions(form: str) -> None:
    """Each has an example that shows it."""
    lost, rewritten = set(), set()
    for cls, example in (case.values for case in CASES):
        key = (form, cls.kind)
        if key in LOST or key in REWRITTEN:
            graph = graph_of(cls, example)
            flat = FORMATS[form](graph)
            lost |= {key} if totals(costcalc.count(flat.data())) != counted(graph) else set()
            same = kinds(step.kind for step in flat.steps) == kinds(node.op.kind for node in graph.nodes)
            rewritten |= set() if same else {key}
    assert lost == {key for key in LOST if key[0] == form}
    assert rewritten == {key for key in REWRITTEN if key[0] == form}


# Of the deepest, a few of their blocks.
FEWER: dict[str, dict[str, Any]] = {
    "darts": {"cells": 1},
    "densenet": {"depths": [2, 3, 2, 2]},
    "nasnet_a_mobile": {"cells": 1},
    "pnasnet5_mobile": {"cells": 1},
    "preresnet": {"depths": [2, 2, 2, 2]},
    "preresnet_cifar": {"n": 2},
    "shiftnet": {"depths": [2, 2, 2, 1]},
}


@pytest.mark.slow
@pytest.mark.parametrize("path", zoo.files(), ids=zoo.stem)
def test_the_zoo_comes_back_through_pytorch(path: str) -> None:
    pytest.importorskip("torch")
    spec, knobs = zoo.load_file(path), FEWER.get(zoo.stem(path), {})
    assert difference(expand(spec, knobs), costcalc.count(spec, **knobs), "torch") == ""


PLACES = [{"parameter": {"shape": [6]}}, {"embedding": {"count": 10, "out": 4}, "name": "e"}]


@pytest.mark.parametrize("form", AVAILABLE)
def test_places_that_are_learned_come_back(form: str) -> None:
    layers = [*PLACES, {"fc": {"out": 6}, "from": "input"}, {"reshape": {"shape": [1, 6]}}, {"add": ["e", []]}]
    data = {"costcalc": 1, "input": [4], "layers": layers}
    before = costcalc.count(data)
    assert before.params == 6 + 4 * 10 + 4 * 6 + 6
    assert totals(costcalc.count(FORMATS[form](expand(zoo.load(data))).data())) == totals(before)


@pytest.mark.parametrize("form", AVAILABLE)
def test_channels_before_four_axes_of_space_are_padded(form: str) -> None:
    data = {"costcalc": 1, "input": [2, 3, 4, 4, 5], "layers": [{"zero_pad_channels": {"out": 3}}]}
    found = costcalc.count(FORMATS[form](expand(zoo.load(data))).data())
    assert [str(tensor.shape) for tensor in found.graph.outputs] == ["3x3x4x4x5"]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "number"), [("onnx", 60), ("torch", 12)])
def test_random_networks_come_back(form: str, number: int) -> None:
    """`tests/tools/fuzz_round_trips.py` does the same for thousands."""
    pytest.importorskip(form)
    said = run(number, 0, form)
    assert sum(said.values()) >= number
    assert said["parameters and MACs are the same"] + said["all figures are the same"] >= number / 3
