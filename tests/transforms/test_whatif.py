"""What-if transformations: hand-computed numbers, and what holds for every network."""

from __future__ import annotations

import json
import math
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from in_process import Run
from strategies import specs

import costcalc
from costcalc.base.errors import SpecError
from costcalc.costs import conventions
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.language import zoo
from costcalc.operators.op import COMPONENTS
from costcalc.reports.result import Result
from costcalc.transforms import waterfall
from costcalc.transforms.network import flattened
from costcalc.transforms.scale import scaled
from costcalc.transforms.structure import gates
from costcalc.transforms.whatif import TRANSFORMATIONS, WhatIf

ALL: list[tuple[Any, ...]] = [
    ("depthwise-separable", "all"),
    ("stack-3x3", "all"),
    ("factorize", "all"),
    ("spatial-svd", 8, "all"),
    ("channel-svd", 0.5, "all"),
    ("group-shuffle", 2, "all"),
    ("fuse-batch-norm", "all"),
    ("drop-squeeze-excite", "all"),
    ("pool-classifier",),
    ("scale-width", 0.5),
]


@cache
def graph(name: str) -> Graph:
    return expand(zoo.load(name))


def small(*layers: Any, shape: tuple[int, ...] = (8, 12, 12), **keys: Any) -> Graph:
    return expand(zoo.load({"costcalc": 1, "input": list(shape), "layers": list(layers), **keys}))


def changed(network: Graph | str, *steps: Any, convention: str = "weights") -> WhatIf:
    """Transform a network; by default only kernels are counted, which is what the formulas are about."""
    before = Result(graph(network) if isinstance(network, str) else network, conventions.get(convention))
    return WhatIf(before, steps)


def types(found: WhatIf) -> list[str]:
    return [row.type for row in found.after.rows]


def counted(network: Graph) -> list[Any]:
    rows = Result(network, conventions.get("costcalc")).rows
    parts = (*COMPONENTS, "type", "inputs", "outputs")
    return [([getattr(row, part) for part in parts], row.row.node.bits, row.row.node.density) for row in rows]


@pytest.mark.parametrize("name", ["resnet50", "densenet121", "inception_v3"])
def test_what_is_not_changed_is_called_as_before(name: str) -> None:
    """flopth's number depends on which rows the reference calls as functions, or by one module again."""
    found = WhatIf(Result(graph(name), conventions.get("flopth")), [])
    assert (
        found.after.operations == found.before.operations != Result(graph(name), conventions.get("costcalc")).operations
    )


# ---- flattening ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [zoo.stem(path) for path in zoo.files()])
def test_a_flat_network_has_the_same_rows(name: str) -> None:
    flat = flattened(graph(name))
    again = expand(zoo.load_text(flat.text(), name))
    assert counted(again) == counted(graph(name))
    assert [flat.path(step) for step in flat.steps] == [node.name for node in graph(name).nodes]
    assert [tensor.shape for tensor in again.outputs] == [tensor.shape for tensor in graph(name).outputs]


@settings(max_examples=100, deadline=None)
@given(specs())
def test_any_network_is_flattened_and_changed_exactly(data: dict[str, Any]) -> None:
    network = expand(zoo.load(data))
    again = counted(expand(zoo.load_text(flattened(network).text(), "drawn")))
    # A spec has at least one layer: a network that is left without any is written as one identity, which costs nothing.
    assert again == counted(network) or (not network.nodes and [row[0][-3] for row in again] == ["identity"])
    for step in ALL:
        try:
            found = changed(network, step, convention="costcalc")
        except SpecError:
            continue
        holds(found)
        waterfall.table(found)
        waterfall.summary(found)


def test_what_stands_beside_layers_is_kept() -> None:
    network = small(
        {"conv": {"out": 8, "kernel": 3, "padding": 1}, "bits": 4, "share": "w", "name": "a"},
        {"conv": {"out": 8, "kernel": 3, "padding": 1}, "share": "w", "density": 0.5},
    )
    found = changed(network, ("depthwise-separable", "all"))
    nodes = found.after.graph.nodes
    assert [(node.bits, node.density) for node in nodes] == [(4, None), (4, None), (None, 0.5), (None, 0.5)]
    assert [node.shared.name if node.shared else None for node in nodes] == [None, None, nodes[0].name, nodes[1].name]
    assert found.after.params == 8 * 9 + 8 * 8  # once


# ---- each transformation, by hand ----------------------------------------------------------------------------


def test_the_gain_of_separable_convolutions() -> None:
    """MobileNetV1's section 3.1: 1 / N + 1 / D_K^2, N the output's channels. VGG-16's stage4/conv1: 256 -> 512."""
    found = changed("vgg16", ("depthwise-separable", "stage4/conv1"))
    (change,) = found.changes
    assert (change.before.operations, change.after.operations) == (28 * 28 * 256 * 512 * 9, 28 * 28 * 256 * (9 + 512))
    assert math.isclose(change.after.operations / change.before.operations, 1 / 512 + 1 / 9)
    assert not math.isclose(change.after.operations / change.before.operations, 1 / 256 + 1 / 9, rel_tol=1e-3)
    assert (change.type, change.becomes) == ("conv 3x3", "conv dw 3x3 + conv 1x1")


VGG16 = [(3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56), *[(256, 256, 56)] * 2,
         (256, 512, 28), *[(512, 512, 28)] * 2, *[(512, 512, 14)] * 3]  # fmt: skip


def test_vgg16_with_separable_convolutions() -> None:
    found = changed("vgg16", ("depthwise-separable", "conv 3x3"), convention="costcalc")
    fc = 25088 * 4096 + 4096 * 4096 + 4096 * 1000
    convs = sum(n * n * c * (9 + out) for c, out, n in VGG16)
    weights = sum(c * (9 + out) + c + out for c, out, _ in VGG16)  # a bias for each of the two
    assert (found.after.macs, found.after.params) == (convs + fc, weights + fc + 4096 + 4096 + 1000)
    assert types(found)[:5] == ["conv dw 3x3", "relu", "conv 1x1", "relu", "conv dw 3x3"]


@pytest.mark.parametrize(("kernel", "many", "per_pixel"), [(5, 2, 18), (7, 3, 27), (9, 4, 36)])
def test_vggs_argument(kernel: int, many: int, per_pixel: int) -> None:
    """Two 3x3 see 5x5 with 2 * 9 weights instead of 25, three see 7x7 with 3 * 9 instead of 49."""
    network = small({"conv": {"out": 8, "kernel": kernel, "padding": "half", "act": "relu", "bias": False}})
    found = changed(network, ("stack-3x3", "all"))
    assert types(found) == ["conv 3x3", "relu"] * many
    assert found.ratio == (pytest.approx(per_pixel / kernel**2),) * 2
    assert found.after.params == 64 * per_pixel
    seen = 1 + sum(row.node.op.kernel[0] - 1 for row in found.after.rows if row.kind == "conv")
    assert seen == kernel


@pytest.mark.parametrize(
    ("fields", "strides", "paddings"),
    [
        ({"kernel": 7, "stride": 2, "padding": 3}, [2, 1, 1], [1, 1, 1]),
        ({"kernel": 5, "stride": 2, "padding": "same"}, [2, 1], ["same", "same"]),
        ({"kernel": 5, "padding": 0}, [1, 1], [0, 0]),
        ({"kernel": 7, "padding": 4}, [1, 1, 1], [2, 1, 1]),
        ({"kernel": 5, "padding": 4, "dilation": 2}, [1, 1], [2, 2]),
    ],
)
def test_a_stack_gives_the_same_shape(fields: dict[str, Any], strides: list[int], paddings: list[Any]) -> None:
    network = small({"conv": {"out": 6, **fields}}, shape=(4, 23, 21))
    found = changed(network, ("stack-3x3", "all"))
    ops = [row.node.op for row in found.after.rows]
    assert [op.stride[0] for op in ops] == strides
    assert [op.padding if op.padding == "same" else op.padding[0][0] for op in ops] == paddings
    assert [row.input[0] for row in found.after.rows] == [4, *[6] * (len(ops) - 1)]
    assert found.after.graph.outputs[0].shape == network.outputs[0].shape


def test_k_by_k_as_two_lines() -> None:
    """A 3x5 with stride (2, 1) and padding (1, 2): 1x5 and then 3x1, each with what is its axis's."""
    network = small({"conv": {"out": 6, "kernel": [3, 5], "stride": [2, 1], "padding": [1, 2]}}, shape=(4, 12, 10))
    found = changed(network, ("factorize", "all"), convention="costcalc")
    assert types(found) == ["conv 1x5", "conv 3x1"]
    assert found.after.params == (4 * 6 * 5 + 6) + (6 * 6 * 3 + 6)
    assert found.after.macs == 12 * 10 * 4 * 6 * 5 + 6 * 10 * 6 * 6 * 3
    assert [row.output for row in found.after.rows] == [(6, 12, 10), (6, 6, 10)]


def test_spatial_svd_breaks_even() -> None:
    """512 -> 512 of 3x3: r * (512 * 3 + 512 * 3) weights for 512 * 512 * 9 of them: even at 768."""
    (change,) = changed("vgg16", ("spatial-svd", 64, "stage5/conv1")).changes
    assert change.after.params == 64 * (512 * 3 + 512 * 3)
    assert change.after.operations == 14 * 14 * change.after.params
    assert (change.becomes, change.note) == ("conv 3x1 + conv 1x3", "rank 64 (even: 768)")
    at, above = (changed("vgg16", ("spatial-svd", rank, "stage5/conv1")).changes[0] for rank in (768, 769))
    assert (at.after.params, at.before == at.after) == (512 * 512 * 9, True)
    assert above.after.params > above.before.params


def test_channel_svd_breaks_even() -> None:
    """64 -> 128 of 3x3: r * (64 * 9 + 128) for 64 * 128 * 9: even at 104.7, so at 104."""
    (change,) = changed("vgg16", ("channel-svd", 104, "stage2/conv1")).changes
    assert change.after.params == 104 * (64 * 9 + 128) <= change.before.params == 64 * 128 * 9 < 105 * (64 * 9 + 128)
    assert change.note == "rank 104 (even: 104)"
    (fc,) = changed("vgg16", ("channel-svd", 0.5, "fc1")).changes  # 25088 * 4096 / (25088 + 4096) = 3521.1
    assert fc.note == "rank 1760 (even: 3521)"
    assert fc.after.operations == 1760 * (25088 + 4096)


def test_low_rank_of_a_convolution_with_a_stride() -> None:
    """4 -> 6 of 3x3, stride 2 on 12 x 12: 3x1 at 6 x 12, then 1x3 at 6 x 6; MACs break even earlier than weights."""
    network = small({"conv": {"out": 6, "kernel": 3, "stride": 2, "padding": 1}}, shape=(4, 12, 12))
    found = changed(network, ("spatial-svd", 2, "all"))
    assert found.after.params == 2 * (4 * 3 + 6 * 3)
    assert found.after.macs == 6 * 12 * 4 * 2 * 3 + 6 * 6 * 2 * 6 * 3
    weights, macs = 4 * 6 * 9 // (12 + 18), 6 * 6 * 4 * 6 * 9 // (6 * 12 * 12 + 6 * 6 * 18)
    assert (weights, macs) == (7, 5)
    assert found.changes[0].note == "rank 2 (even: 7, MACs 5)"
    assert [row.biases for row in found.after.rows] == [0, 6]


def test_groups_and_a_shuffle() -> None:
    """A grouped 1x1 has 1 / g of the weights; the shuffle stands behind its norm and activation."""
    conv = {"conv": {"out": 12, "kernel": 1, "norm": "batch", "act": "relu"}}
    found = changed(small(conv), ("group-shuffle", 4, "conv 1x1"))
    assert types(found) == ["conv group 1x1", "batch_norm", "relu", "channel_shuffle"]
    assert (found.after.params, found.before.params) == (8 * 12 // 4, 8 * 12)
    assert types(changed(small({"conv": {"out": 12, "kernel": 1}}), ("group-shuffle", 2, "all"))) == [
        "conv group 1x1", "channel_shuffle",
    ]  # fmt: skip


def test_fused_batch_norms() -> None:
    """ResNet-18: 4,800 channels are normalized; gamma and beta of each become one bias."""
    found = changed("resnet18", ("fuse-batch-norm", "all"), convention="costcalc")
    channels = 64 + 4 * 64 + 4 * 128 + 4 * 256 + 4 * 512 + 128 + 256 + 512
    assert (channels, found.before.params - found.after.params) == (4800, 4800)
    assert found.before.macs == found.after.macs
    assert "batch_norm" not in types(found)
    assert changed("resnet18", ("fuse-batch-norm", "conv 7x7"), convention="costcalc").changes[0].layer == "conv"
    assert types(changed("densenet121", ("fuse-batch-norm", "all"))).count("batch_norm") == 1 + 58 + 3


# Squeeze-and-excites as the papers have them: EfficientNet-B0 in each of 16 blocks, MobileNetV3-Large's Table 1 in
# 8 rows, Small's Table 2 in 9, RegNetY-400MF in each of 1 + 3 + 6 + 6 blocks.
@pytest.mark.parametrize(
    ("name", "many"),
    [
        ("efficientnet_b0", 16),
        ("mobilenet_v3_large", 8),
        ("mobilenet_v3_small", 9),
        ("regnet_y_400mf", 16),
        ("resnet50", 0),
        ("vgg16", 0),
    ],
)
def test_squeeze_and_excites_are_found_by_their_structure(name: str, many: int) -> None:
    assert len(gates(flattened(graph(name)))) == many


@pytest.mark.parametrize("squeeze", ["pooled", "mean", "first"])
def test_a_dropped_gate(squeeze: str) -> None:
    pool: Any = {
        "pooled": "global_avg_pool",
        "mean": {"reduce_axes": {"axes": [1, 2]}},
        "first": {"adaptive_avg_pool": {"size": 1}},
    }[squeeze]
    layer = "fc" if squeeze != "first" else "conv"
    more = {} if layer == "fc" else {"kernel": 1}
    chain = [pool, {layer: {"out": 2, "act": "relu", **more}}, {layer: {"out": 8, "act": "sigmoid", **more}}]
    branches = [chain, []] if squeeze == "first" else [[], chain]
    conv = {"conv": {"out": 8, "kernel": 1, "bias": False}}
    found = changed(small({"multiply": branches, "name": "gate"}, conv), ("drop-squeeze-excite", "gate"))
    assert types(found) == ["conv 1x1"]
    assert found.before.params - found.after.params == 8 * 2 + 2 * 8
    assert [change.becomes for change in found.changes] == ["", ""]


def test_a_product_that_is_no_squeeze_and_excite_stays() -> None:
    spatial = {"multiply": [[], [{"conv": {"out": 1, "kernel": 7, "padding": 3}}, "sigmoid"]]}
    other = {"multiply": [[{"conv": {"out": 8, "kernel": 1}}], ["global_avg_pool", {"fc": {"out": 8}}]]}
    unweighted = {"multiply": [[], ["global_avg_pool", "sigmoid"]]}
    for layer in (spatial, other, unweighted):
        with pytest.raises(SpecError, match="no squeeze-and-excite in 'all'"):
            changed(small(layer), ("drop-squeeze-excite", "all"))


def test_vgg16_with_a_pooled_classifier() -> None:
    found = changed("vgg16", "pool-classifier", convention="costcalc")
    convs = sum(c * out * 9 + out for c, out, _ in VGG16)
    assert (convs, found.after.params) == (14_714_688, 14_714_688 + 512 * 1000 + 1000)
    assert types(found)[-3:] == ["max_pool", "global_avg_pool", "fc"]
    assert found.after.rows[-1].input == (512,)


def test_transformations_are_carried_out_in_order() -> None:
    network = small({"conv": {"out": 8, "kernel": 5, "padding": 2, "bias": False}})
    first = changed(network, ("stack-3x3", "all"), ("depthwise-separable", "all"))
    other = changed(network, ("depthwise-separable", "all"), ("stack-3x3", "all"))
    assert types(first) == ["conv dw 3x3", "conv 1x1"] * 2
    assert types(other) == ["conv dw 3x3", "conv dw 3x3", "conv 1x1"]
    assert [change.layer for change in first.changes] == ["conv"]  # both count for the layer that there was


# ---- what can't be done is said ------------------------------------------------------------------------------


def shared(selector: str) -> Any:
    head = {"conv": {"out": 8, "kernel": 3, "padding": 1}, "share": "w"}
    return small({**head, "name": "a"}, {**head, "name": "b"}), ("depthwise-separable", selector)


REFUSED: list[tuple[Any, Any, str]] = [
    ("vgg16", ("depthwise-seperable", "all"), "no transformation 'depthwise-seperable'\n.*'depthwise-separable'"),
    ("vgg16", ("depthwise-separable", "conv 3X3"), "no layer, group or layer type of VGG.*\n.*'conv 3x3'"),
    ("vgg16", ("depthwise-separable", "fc"), "there is no convolution in 'fc'"),
    ("mobilenet_v1", ("depthwise-separable", "conv 1x1"), "and 12 more layers: its kernel is 1x1 already"),
    ("mobilenet_v1", ("depthwise-separable", "conv dw 3x3"), "it has groups already"),
    ("resnext50_32x4d", ("spatial-svd", 4, "conv group 3x3"), "it has 32 groups"),
    ("mobilenet_v1", ("channel-svd", 4, "separable1/dwconv"), "it is depthwise"),
    ("vgg16", ("spatial-svd", 2000, "stage5/conv1"), "rank 2000 is above the 1536 that it has"),
    ("vgg16", ("spatial-svd", 0, "all"), "'0' is neither a whole number from 1 nor a share"),
    ("vgg16", ("channel-svd", "nan", "all"), "'nan' is neither"),
    ("vgg16", ("spatial-svd", "all"), "takes RANK and SELECTOR, and 1 is given|'all' is neither"),
    ("vgg16", ("group-shuffle", 1, "all"), "'1' is no number of groups"),
    ("resnet50", ("group-shuffle", 3, "stage1/bottleneck1/conv1"), "its 64 input channels can't be split into 3"),
    ("alexnet", ("stack-3x3", "conv1"), "it has a stride, and not padding half"),
    ("alexnet", ("stack-3x3", "conv 3x3"), "its kernel is 3x3: stacks stand for 5x5"),
    ("vgg16", ("fuse-batch-norm", "all"), "there is no batch norm in 'all'"),
    ("preresnet164_cifar", ("fuse-batch-norm", "stage2/unit2/pre/batch_norm"), "which has no weights to take it"),
    ("resnet50", ("pool-classifier",), "a global pool and one layer already"),
    ("unet", ("pool-classifier",), "does not end in a fully connected layer"),
    ("fpn_resnet50", ("pool-classifier",), "outputs, and no one classifier"),
    ("vgg16", ("pool-classifier", "all"), "takes nothing, and 1 is given"),
    ("vgg16", ("scale-width", 0), "a width is a number above 0"),
    ("vgg16", ("scale-width", "0.5:0"), "a multiple of a whole number from 1"),
    ("vgg16", ("scale-width", "0.5:8:half"), "no rounding 'half'\n.*divisible, nearest, down, up"),
    (*shared("a"), "shares its weights with b, which stays as it is"),
]


def title(value: Any) -> str:
    return str(getattr(value, "spec", value))[:40]


@pytest.mark.parametrize(("network", "step", "message"), REFUSED, ids=title)
def test_what_cannot_be_done_is_an_error(network: Any, step: Any, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        changed(network, step)


def test_what_is_left_as_it_is_is_told() -> None:
    found = changed("alexnet", ("stack-3x3", "conv*"))
    assert found.skipped == [
        "stack-3x3: conv1: it has a stride, and not padding half: the stack's output would be smaller",
        "stack-3x3: conv3, conv4, conv5: its kernel is 3x3: stacks stand for 5x5, 7x7, ...",
    ]
    assert types(changed(*shared("all"))) == ["conv dw 3x3", "conv 1x1"] * 2


def test_fusing_keeps_shared_weights_whose_norms_differ() -> None:
    conv = {"conv": {"out": 8, "kernel": 1, "bias": False}, "share": "w"}
    network = small({**conv, "name": "a"}, "batch_norm", {**conv, "name": "b"}, "batch_norm")
    with pytest.raises(SpecError, match="a shares its weights, and the norms differ"):
        changed(network, ("fuse-batch-norm", "all"))


# ---- what holds for every network -----------------------------------------------------------------------------


def holds(found: WhatIf) -> None:
    """The written spec is valid and counts the same; the contributions sum up; the outputs are as they were."""
    before, after = found.before, found.after
    again = costcalc.count(zoo.load_text(found.text(), "again"))
    assert counted(again.graph) == counted(after.graph)
    assert before.params + sum(one.after.params - one.before.params for one in found.changes) == after.params
    if isinstance(before.macs, int):
        assert before.macs + sum(one.after.operations - one.before.operations for one in found.changes) == after.macs
    assert [t.shape for t in after.graph.outputs] == [t.shape for t in before.graph.outputs]


NETWORKS = (
    "alexnet_grouped",
    "googlenet",
    "mobilenet_v3_small",
    "shufflenet_v2_x1_0",
    "resnet18",
    "squeezenet1_0_pruned",
)


@pytest.mark.parametrize("step", ALL, ids=lambda step: step[0])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_changed_network_is_valid(name: str, step: tuple[Any, ...]) -> None:
    try:
        found = changed(name, step, convention="costcalc")
    except SpecError as error:
        assert str(error).startswith(f"{step[0]}: ")  # noqa: PT017
        return
    holds(found)
    assert found.changes


def test_every_transformation_is_tried() -> None:
    assert {step[0] for step in ALL} == set(TRANSFORMATIONS)


@pytest.mark.parametrize("step", [ALL[0], ALL[2], ALL[3], ALL[6], ALL[9]], ids=lambda step: step[0])
def test_a_changed_network_runs_in_pytorch(step: tuple[Any, ...]) -> None:
    pytest.importorskip("torch")
    from costcalc.interop.torch.verify import verify

    found = changed("resnet18", step, convention="costcalc")
    assert verify(found.after.graph).agrees


def test_fusing_is_exact_in_pytorch() -> None:
    """A convolution of weights w * g / s and bias b - m * g / s gives what convolution and norm give."""
    torch = pytest.importorskip("torch")
    conv, norm = torch.nn.Conv2d(3, 5, 3, bias=False), torch.nn.BatchNorm2d(5).eval()
    norm.running_mean.uniform_()
    norm.running_var.uniform_(0.5, 2)
    network = small({"conv": {"out": 5, "kernel": 3, "norm": "batch"}}, shape=(3, 8, 8))
    fused = torch.nn.utils.fusion.fuse_conv_bn_eval(conv.eval(), norm)
    found = changed(network, ("fuse-batch-norm", "all"), convention="costcalc")
    assert found.after.params == sum(p.numel() for p in fused.parameters())
    assert found.before.params == sum(p.numel() for p in (*conv.parameters(), *norm.parameters()))


# ---- width --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [0.25, 0.5, 0.75, 2])
@pytest.mark.parametrize("name", ["mobilenet_v1", "resnet50", "vgg16", "unet"])
def test_scaling_is_the_width_knob_where_the_rounding_is_the_same(name: str, width: float) -> None:
    made = expand(zoo.load_text(scaled(name, width=width, divisor=1, rounding="down").text(), name))
    assert counted(made) == counted(expand(zoo.load(name), {"width": width}))


# What has a number of its own for each layer: 0.35 * 24 = 8.4 and so on, by hand.
@pytest.mark.parametrize(
    ("divisor", "rounding", "channels"),
    [(8, "divisible", [8, 16]), (1, "down", [8, 11]), (1, "nearest", [8, 11]), (1, "up", [9, 12]), (4, "down", [8, 8])],
)
def test_roundings(divisor: int, rounding: str, channels: list[int]) -> None:
    network = small(
        {"conv": {"out": 24, "kernel": 1}},
        {"conv": {"out": 32, "kernel": 1}},
        {"fc": {"out": 10, "per_position": True}},
    )
    made = scaled(network, width=0.35, divisor=divisor, rounding=rounding)
    assert [step.y.c for step in made.steps] == [*channels, 10]


def test_scaling_keeps_inputs_classes_groups_and_joins() -> None:
    made = scaled("shufflenet_v2_x1_0", width=0.5)
    assert (made.shapes["input"].c, made.steps[-1].y.c) == (3, 1000)
    assert all(step.y.c == step.x.c for step in made.steps if step.kind == "dwconv")
    halves = [step for step in made.steps if step.kind == "slice"]
    assert halves
    assert all(step.y.c * 2 == step.x.c for step in halves)
    resnext = scaled("resnext50_32x4d", width=0.37)
    assert {step.fields["groups"] for step in resnext.steps if "groups" in step.fields} == {32}
    # RegNetY-400MF: 13 groups of 8 channels; 104 * 0.5 = 52 is a multiple of 13, but not of 8.
    regnet = scaled("regnet_y_400mf", width=0.5)
    assert {step.y.c for step in regnet.steps if step.fields.get("groups") == 13} == {52}


def test_one_channel_and_a_width_of_one_stay() -> None:
    gate = {"multiply": [[], [{"conv": {"out": 1, "kernel": 7, "padding": 3}}, "sigmoid"]]}
    network = small({"conv": {"out": 20, "kernel": 1}}, gate, "global_avg_pool", {"fc": {"out": 7}})
    assert [step.y.c for step in scaled(network, width=0.5).steps] == [16, 1, 1, 16, 16, 7]
    assert scaled(network, width=1).text() == flattened(network).text()


FORBIDDEN = [
    ([{"slice": {"stop": 5}}], "slice: cuts 16 channels at 5, and 8 can't be cut alike"),
    ([{"reshape": {"shape": [4, 4, 12, 12]}}, {"reshape": {"shape": [16, 12, 12]}}], r"reshape1: reshapes 16x12x12 to"),
    ([{"custom": {"params": 9}}], "custom: what it states holds for 16x12x12 only, not for 8x12x12"),
    ([{"conv": {"out": 8, "kernel": 1}}, {"add": ["input", []]}], "add: add needs equal shapes"),
    ([{"split": {"sizes": [5, 11]}}, "concat"], r"split: cuts 16 channels at \[5, 11\]"),
]


@pytest.mark.parametrize(("layers", "message"), FORBIDDEN, ids=lambda value: str(value)[:30])
def test_what_forbids_scaling_is_named(layers: list[Any], message: str) -> None:
    network = small({"conv": {"out": 16, "kernel": 1}}, *layers, "global_avg_pool", {"fc": {"out": 10}})
    with pytest.raises(SpecError, match=f"scale-width 0.5: {message}"):
        scaled(network, width=0.5, rounding="down", divisor=1)


def test_more_width_costs_more() -> None:
    costs = [costcalc.count(zoo.load_text(scaled("resnet18", width=k / 8).text(), "x")).macs for k in range(1, 17)]
    assert all(a <= b for a, b in pairwise(costs))


# ---- the command ----------------------------------------------------------------------------------------------


def test_the_command_prints_before_after_and_ratio(run: Run) -> None:
    said = run("whatif", "vgg16", "--depthwise-separable", "conv 3x3").out
    assert "depthwise-separable conv 3x3: 13 rows changed" in said
    assert "before: 138.4 M params (138,357,544), 15.47 G MACs (15,470,264,320)" in said
    assert "after / before: 0.9058 params, 0.1235 MACs" in said
    assert max(map(len, said.splitlines())) <= 100


def test_the_command_takes_transformations_in_their_order(tmp_path: Any, run: Run) -> None:
    path = str(tmp_path / "new.yaml")
    steps = [
        "--channel-svd",
        "8",
        "fc",
        "--fuse-batch-norm",
        "all",
        "--channel-svd=4",
        "fc/expand",
        "--scale-width",
        "0.5",
    ]
    steps[5:7] = ["--channel-svd", "4", "fc/expand"]
    made = json.loads(run("whatif", "mobilenet_v1", *steps, "--resolution", "64", "-o", path, "--format", "json").out)
    assert [text.split(":")[0] for text in made["transformations"]] == [
        "channel-svd 8 fc", "fuse-batch-norm all", "channel-svd 4 fc/expand", "scale-width 0.5",
    ]  # fmt: skip
    again = costcalc.count(path)
    assert (again.params, again.macs) == (made["params_after"], made["operations_after"])
    assert made["knobs"]["resolution"] == 64


@pytest.mark.parametrize("format_", ["table", "markdown", "csv", "json"])
@pytest.mark.parametrize("convention", ["costcalc", "weights", "flops"])
def test_formats_and_conventions(format_: str, convention: str, run: Run) -> None:
    said = run(
        "whatif", "resnet18", "--spatial-svd", "0.5", "conv 3x3", "--format", format_, "--convention", convention
    ).out
    assert convention in said


def test_a_pandas_frame_and_a_word() -> None:
    pytest.importorskip("pandas")
    found = changed("vgg16", ("depthwise-separable", "conv 3x3"), convention="costcalc")
    frame = found.to_pandas()
    assert frame["macs_after"].iloc[-1] == found.after.macs
    assert len(frame) == 14
    assert repr(found) == (
        "<VGG (vgg16): depthwise-separable conv 3x3: 13 rows changed: 0.906 of the params, 0.123 of the MACs>"
    )


def test_unknown_costs_stay_unknown() -> None:
    network = small({"conv": {"out": 8, "kernel": 3}}, {"opaque": {"shape": [4]}})
    found = changed(network, ("depthwise-separable", "all"), convention="costcalc")
    assert "unknown MACs" in "\n".join(waterfall.summary(found))
