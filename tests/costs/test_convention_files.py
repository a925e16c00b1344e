"""The conventions that are other tools': their integers, network by network and operator by operator.

The numbers are those that the tools gave (tests/data/README.md), none of them is in a convention or a spec.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import live_tools
import pytest
from cost_networks import operator_spec
from cost_tools import installed

import costcalc

DATA = Path(__file__).parent.parent / "data"
PAGE = (Path(__file__).parent.parent.parent / "docs" / "believe.md").read_text(encoding="utf-8")


def table(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# A column of tools.csv: the convention, what of it.
COLUMNS = {
    "fvcore_total": ("fvcore", "operations"),
    "fcm_total_flops": ("torch", "operations"),
    "ptflops_pytorch_macs": ("ptflops", "operations"),
    "ptflops_pytorch_params": ("ptflops", "params"),
    "ptflops_aten_macs": ("ptflops-aten", "operations"),
    "ptflops_aten_params": ("ptflops-aten", "params"),
    "thop_macs": ("thop", "operations"),
    "thop_params": ("thop", "params"),
    "torchinfo_mult_adds": ("torchinfo", "operations"),
    "torchinfo_params": ("torchinfo", "params"),
    "calflops_flops": ("calflops", "operations"),
    "calflops_macs": ("calflops:macs", "operations"),
    "calflops_params": ("calflops", "params"),
    "torchscan_module_flops": ("torchscan", "operations"),
    "torchscan_macs": ("torchscan:macs", "operations"),
    "torchscan_params": ("torchscan", "params"),
}
NETWORKS = table("tools.csv")
CELLS = [
    (row["model"], row["variant"], column)
    for row in NETWORKS
    for column in COLUMNS
    if column != "torchscan_macs" or row["torchscan_macs_status"] == "complete"
]
# Cells that no rule gives: what costcalc's number differs by, and why. A cell that is right after all fails.
ON_META = (
    "taken with the network on PyTorch's meta device, where interpolation runs as a series of Python functions that "
    "calflops counts too; with memory it says what costcalc says"
)
EXCEPTIONS = {
    ("fcn_resnet50", "", "calflops_flops"): (-8858304000, ON_META),
    ("fcn_resnet50", "aux_loss=True", "calflops_flops"): (-17716608000, ON_META),
}


def knobs(row: dict[str, str], column: str) -> dict[str, Any]:
    """Return the knobs that make the spec the network that was measured.

    GoogLeNet and Inception-v3 are built with auxiliary heads unless told, which do not run in evaluation: their
    parameters are there, their operations are not. thop counts the parameters of what runs.
    """
    given: dict[str, Any] = {"resolution": int(row["res"])}
    unused = row["model"] in ("googlenet", "inception_v3") and not row["variant"]
    if row["variant"] == "aux_loss=True" or (unused and column.endswith("_params") and column != "thop_params"):
        given["aux"] = True
    return given


@lru_cache(maxsize=4)
def counted(model: str, convention: str, given: tuple[tuple[str, Any], ...]) -> Any:
    return costcalc.count(model, convention=convention, **dict(given))


@pytest.mark.parametrize(("model", "variant", "column"), CELLS)
def test_a_network_has_the_tools_integer(model: str, variant: str, column: str) -> None:
    row = next(row for row in NETWORKS if (row["model"], row["variant"]) == (model, variant))
    convention, what = COLUMNS[column]
    result = counted(model, convention, tuple(knobs(row, column).items()))
    difference, reason = EXCEPTIONS.get((model, variant, column), (0, ""))
    assert getattr(result, what) - int(row[column]) == difference, reason


# ---- whole networks that were measured with other tools too ------------------------------------------

WHOLE = table("tools_networks.csv")
SOFTMAX = "the spec ends with the paper's softmax, the network that was measured does not"
WHOLE_EXCEPTIONS = {
    ("mobilenet_v1", "thop"): (2999, SOFTMAX),
    ("mobilenet_v1", "ptflops"): (1000, SOFTMAX),
    ("mobilenet_v1", "calflops:flops"): (1000, SOFTMAX),
    ("mobilenet_v1", "onnx-tool"): (36000, SOFTMAX),
}


@pytest.mark.parametrize(
    ("model", "convention", "number"),
    [(row["model"], name, int(cell)) for row in WHOLE for name, cell in row.items() if name != "model" and cell],
)
def test_a_whole_network_has_the_tools_integer(model: str, convention: str, number: int) -> None:
    difference, reason = WHOLE_EXCEPTIONS.get((model, convention), (0, ""))
    assert costcalc.count(model, convention=convention, resolution=224).operations - number == difference, reason


# ---- one operator ------------------------------------------------------------------------------------

SINGLE = table("tools_operators.csv")


@lru_cache(maxsize=64)
def base(convention: str) -> int:
    total: int = costcalc.count(operator_spec(), convention=convention).operations
    return total


@pytest.mark.parametrize(
    ("operator", "convention", "number"),
    [(row["operator"], name, int(cell)) for row in SINGLE for name, cell in row.items() if name != "operator" and cell],
)
def test_an_operator_has_the_tools_integer(operator: str, convention: str, number: int) -> None:
    spec = operator_spec(operator)
    assert costcalc.count(spec, convention=convention).operations - base(convention) == number


# Further operators, each after the same 1x1 convolution, as costcalc builds them: the whole network's number.
FURTHER = table("tools_further.csv")
FURTHER_EXCEPTIONS = {("channel shuffle", "onnx-tool"): (-2, "two operations on shapes in the exported graph")}


@pytest.mark.parametrize(
    ("operator", "convention", "number"),
    [
        (row["operator"], name, int(cell))
        for row in FURTHER
        for name, cell in row.items()
        if name != "operator" and cell
    ],
)
def test_a_further_operator_has_the_tools_integer(operator: str, convention: str, number: int) -> None:
    difference, reason = FURTHER_EXCEPTIONS.get((operator, convention), (0, ""))
    assert costcalc.count(operator_spec(operator), convention=convention).operations - number == difference, reason


# ptflops' module list, on 1,024 elements: what a module and the function that it calls add up to.
PTFLOPS = [
    ("relu", 2048),
    ("relu6", 1024),
    ("gelu", 2048),
    ("leaky_relu", 1024),
    ("swish", 1024),
    ("hard_swish", 0),
    ("hard_tanh", 0),
]


@pytest.mark.parametrize(("operator", "number"), PTFLOPS)
def test_ptflops_counts_some_modules_twice(operator: str, number: int) -> None:
    spec = {"costcalc": 1, "input": [16, 8, 8], "layers": [operator]}
    assert costcalc.count(spec, convention="ptflops").operations == number


# ---- conventions read in a tool's source ---------------------------------------------------------------

# pycls' own totals of its networks (flops, params), pycls/dev/model_complexity.json.
PYCLS = [
    ("resnet50", 4089185256, 25557032),
    ("efficientnet_b0", 385825092, 5288548),
    ("regnet_y_400mf", 401849056, 4344144),
]


@pytest.mark.parametrize(("model", "flops", "params"), PYCLS)
def test_pycls_totals(model: str, flops: int, params: int) -> None:
    result = costcalc.count(model, convention="pycls", resolution=224)
    assert (result.operations, result.params) == (flops, params)


# By hand, from the formulas in the tools' sources: input 4 x 8 x 8, N = 256.
CONV = {"conv": {"out": 8, "kernel": 3, "padding": 1}}  # 8 * 4 * 9 * 64 = 18,432 MACs, 512 outputs
BY_HAND = [
    ("darknet", CONV, 2 * 18432),
    ("darknet", {"max_pool": {"kernel": 2}}, 2 * 2 * 4 * 4 * 4),
    ("darknet", {"add": [[], []]}, 256),
    ("darknet", "relu", 0),
    ("ultralytics", CONV, 2 * 18432),
    ("ultralytics", "batch_norm", 2 * 4 * 256),
    ("ultralytics", "relu", 0),
    ("ultralytics", {"add": [[], []]}, 0),
    ("ultralytics", {"matmul": [[], []]}, 2 * 4 * 8 * 8 * 8),
    ("ultralytics", {"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}, 2 * 4 * 8 * 4 * 64),
    ("netscope", CONV, 18432),
    ("netscope", "batch_norm", 256),
    ("netscope", {"lrn": {"size": 5}}, 5 * 256),
    ("netscope", {"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}, 4 * 8 * 16 * 16 * 2 * 2 // 4),
    ("keras-flops", CONV, 2 * 18432 + 512),
    ("keras-flops", "batch_norm", 2 * 256 + 6 * 4),
    ("keras-flops", {"batch_norm": {"scale": False, "counter": False}}, 2 * 256 + 5 * 4),
    ("keras-flops", {"batch_norm": {"affine": False}}, 2 * 256 + 4),
    ("keras-flops", "layer_norm", 9 * 256 + 4 * 64),
    ("keras-flops", {"avg_pool": {"kernel": 2}}, 2 * 2 * 4 * 4 * 4),
    ("keras-flops", "global_max_pool", 0),
    ("keras-flops", {"arithmetic": {"op": "rsqrt"}}, 2 * 256),
    ("keras-flops", "swish", 2 * 256),
    ("keras-flops", {"layer_norm": {"scale": False}}, 2112),  # these: the profiler, with Keras 3.15.1
    ("keras-flops", {"group_norm": {"groups": 2}}, 1556),
    ("keras-flops", {"group_norm": {"groups": 2, "scale": False}}, 1550),
    ("keras-flops", "rms_norm", 1216),
    ("keras-flops", {"adaptive_avg_pool": {"size": [3, 4]}}, 1663),
    ("keras-flops", {"adaptive_max_pool": {"size": [3, 4]}}, 1663),
    ("keras-flops", {"upsample": {"scale": 2}}, 2),
    ("keras-flops", "mish", 256),
    ("keras-flops", "celu", 5 * 256),
    ("tf", CONV, 2 * 18432 + 512),
    ("tf", "batch_norm", 0),
    ("tf", {"max_pool": {"kernel": 2}}, 2 * 2 * 4 * 4 * 4),
    ("tf", "global_avg_pool", 256),
    ("tf", "softmax", 5 * 256),
    ("tf", {"conv_transpose": {"out": 8, "kernel": 2, "stride": 2, "bias": False}}, 2 * 4 * 8 * 4 * 64),
]


# What ultralytics-thop 2.2.3 says of PyTorch 2.13's modules: input, layer, operations, parameters.
IMAGE, STEPS, VECTOR = [16, 8, 8], [40, 10], [16]
ULTRALYTICS_THOP: list[tuple[list[int], Any, int, int]] = [
    (IMAGE, {"conv": {"out": 8, "kernel": 3, "padding": 1}}, 73728, 1160),
    (IMAGE, {"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}, 32768, 520),
    (VECTOR, {"fc": {"out": 8}}, 128, 136),
    (IMAGE, "batch_norm", 4096, 32),
    (IMAGE, {"layer_norm": {"over": "all"}}, 4096, 2048),
    (IMAGE, {"group_norm": {"groups": 4}}, 4096, 32),
    (IMAGE, {"prelu": {}}, 1024, 1),
    (IMAGE, "softmax", 3008, 0),
    (IMAGE, "log_softmax", 3072, 0),
    (IMAGE, {"avg_pool": {"kernel": 3, "stride": 2, "padding": 1}}, 2560, 0),
    (IMAGE, "global_avg_pool", 1040, 0),
    (IMAGE, {"adaptive_avg_pool": {"size": 4}}, 1280, 0),
    (IMAGE, {"upsample": {"scale": 2}}, 0, 0),
    (IMAGE, {"upsample": {"scale": 2, "mode": "bilinear"}}, 45056, 0),
    (IMAGE, {"upsample": {"scale": 2, "mode": "bicubic"}}, 1060864, 0),
    (IMAGE, {"matmul": [[], []]}, 8192, 0),
    (IMAGE, {"attention": [[], [], []]}, 16384, 0),
    (IMAGE, "swish", 0, 0),
    (IMAGE, {"max_pool": {"kernel": 2}}, 0, 0),
    (STEPS, {"lstm": {"hidden": 64}}, 276480, 27136),
    (STEPS, {"lstm": {"hidden": 64, "bias": False}}, 271360, 26624),
    (STEPS, {"lstm": {"hidden": 64, "layers": 2, "bidirectional": True}}, 1556480, 153600),
    (STEPS, {"lstm": {"hidden": 64, "projection": 8}}, 138240, 13312),
    (STEPS, {"gru": {"hidden": 64}}, 208000, 20352),
    (STEPS, {"gru": {"hidden": 64, "bias": False}}, 204160, 19968),
    (STEPS, {"gru": {"hidden": 64, "layers": 2, "bidirectional": True}}, 1169920, 115200),
    (STEPS, {"rnn": {"hidden": 64}}, 68480, 6784),
    (STEPS, {"rnn": {"hidden": 64, "layers": 2, "bidirectional": True}}, 386560, 38400),
]


@pytest.mark.parametrize(("shape", "layer", "number", "params"), ULTRALYTICS_THOP)
def test_ultralytics_thop_of_single_layers(shape: list[int], layer: Any, number: int, params: int) -> None:
    outputs = {"outputs": ["x"]} if isinstance(layer, dict) and next(iter(layer)) in ("lstm", "gru", "rnn") else {}
    item = {**layer, "name": "x"} if outputs else layer
    spec = {"costcalc": 1, "input": shape, "layers": [item], **outputs}
    for convention, factor in (("ultralytics-thop", 1), ("ultralytics", 2)):
        result = costcalc.count(spec, convention=convention)
        assert (result.operations, result.params) == (factor * number, params)


@pytest.mark.parametrize(("convention", "layer", "number"), BY_HAND)
def test_formulas_read_in_source(convention: str, layer: Any, number: int) -> None:
    spec = {"costcalc": 1, "input": [4, 8, 8], "layers": [layer]}
    assert costcalc.count(spec, convention=convention).operations == number


# ---- the page, and the tools themselves ----------------------------------------------------------------


def test_the_page_says_how_many_numbers_hold() -> None:
    cells = len(CELLS)
    whole = sum(1 for row in WHOLE for cell in list(row.values())[1:] if cell)
    single = sum(1 for row in SINGLE for cell in list(row.values())[1:] if cell)
    assert f"{cells - len(EXCEPTIONS)} of {cells} numbers of whole networks" in PAGE
    assert f"{whole - len(WHOLE_EXCEPTIONS)} of {whole} of the networks" in PAGE
    assert f"{single} of {single} of one operator" in PAGE
    further = sum(1 for row in FURTHER for cell in list(row.values())[1:] if cell)
    assert f"{further - len(FURTHER_EXCEPTIONS)} of {further} of further operators" in PAGE


@pytest.mark.parametrize("tool", installed())
def test_a_tool_that_is_installed_says_the_same(tool: str) -> None:
    """Networks at resolutions that no table has: those that costcalc builds, and torchvision's where it is there."""
    groups = ["specs", "operators", *(["torchvision"] if find_spec("torchvision") else [])]
    cells = live_tools.compare(tool, live_tools.ask(tool, groups))
    known = {cell for cell in cells if {(tool, cell.name), cell.name} & live_tools.REASONS.keys()}
    differing = [cell for cell in cells if cell.theirs != cell.ours and cell not in known]
    assert len(cells) - len(known) > 20
    assert differing == []
