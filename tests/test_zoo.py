"""The zoo against numbers that costcalc did not make: layer by layer, in total, and at other knob values.

Where each number comes from, tests/data/README.md says. Every test is a table, a row a case.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import costcalc
from costcalc.base.errors import Problems, SpecError
from costcalc.costs.rows import Row, rows
from costcalc.graph.evaluator import Evaluator
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph, Tensor
from costcalc.graph.scope import spec_scope
from costcalc.language import zoo
from costcalc.language.document import Spec

DATA = Path(__file__).parent / "data"
FILES = [zoo.stem(path) for path in zoo.files()]
NAMES = zoo.names()


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@cache
def _graph(name: str, knobs: tuple[tuple[str, Any], ...]) -> Graph:
    return expand(zoo.load(name), dict(knobs))


def network(name: str, **knobs: Any) -> list[Row]:
    """Return the rows of a network of the zoo."""
    return rows(_graph(name, tuple(knobs.items())))


def params(counted: list[Row]) -> int:
    return sum(row.learnable for row in counted)


def macs(counted: list[Row]) -> int:
    return sum(row.macs for row in counted)


def buffers(counted: list[Row]) -> int:
    return sum(row.buffers for row in counted)


# ---- every spec ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_network_is_right(name: str) -> None:
    spec = zoo.load(name)
    assert not spec.problems, "\n".join(problem.render() for problem in spec.problems)
    assert params(network(name)) > 0
    assert macs(network(name)) > 0


def test_names_are_unique() -> None:
    given = [name for file in FILES for name in (file, *zoo.load(file).variants)]
    assert [name for name, times in Counter(given).items() if times > 1] == []
    assert sorted(given) == NAMES


@pytest.mark.parametrize("file", FILES)
def test_every_spec_says_where_it_comes_from(file: str) -> None:
    spec = zoo.load(file)
    assert {"name", "family", "year", "task", "source"} <= set(spec.meta)
    assert spec.meta["task"] in ("classification", "detection", "segmentation")
    assert isinstance(spec.meta["year"], int)


# Which of the knobs width, resolution and classes make no sense for a network, in all tests of them: FPN takes images
# that are no squares (its `height` is tried where there is no resolution), and its classes are its user's.
LACKS = {
    "fpn_resnet50": {"resolution", "classes"},
    "fasterrcnn_resnet50_fpn": {"resolution"},
    "nas_bench_201": {"width"},  # its cells have 16, 32 and 64 channels, the knob `channels`
}


def having(knob: str) -> list[str]:
    """Return the networks that have a common knob."""
    return [file for file in FILES if knob not in LACKS.get(file, ())]


@pytest.mark.parametrize("file", FILES)
def test_every_spec_has_the_common_knobs(file: str) -> None:
    assert {"width", "resolution", "classes"} - set(zoo.load(file).knobs) == LACKS.get(file, set()), "see LACKS"


@pytest.mark.parametrize("file", having("width"))
def test_width_is_read(file: str) -> None:
    assert params(network(file, width=0.5)) < params(network(file)) < params(network(file, width=2.0))


@pytest.mark.parametrize("file", having("classes"))
def test_classes_are_read(file: str) -> None:
    assert params(network(file, classes=2)) <= params(network(file)) < params(network(file, classes=3000))


@pytest.mark.parametrize("file", having("resolution"))
def test_resolution_is_read(file: str) -> None:
    larger = 2 * zoo.load(file).knobs["resolution"]
    assert params(network(file, resolution=larger)) == params(network(file))
    # Fully connected layers do not grow with the pixels, so less than 4 times; without padding the border
    # costs a larger image a smaller share, so more (U-Net: 388 of 572 pixels are left, 960 of 1144; 3D U-Net: 44 of
    # 132, 176 of 264).
    assert 1.9 < macs(network(file, resolution=larger)) / macs(network(file)) < 6.5


# ---- layer by layer --------------------------------------------------------------------------------

# table of tests/data/layers -> the network, and knobs that are not its own
LAYERS: dict[str, tuple[str, dict[str, Any]]] = {
    "caffe_alexnet_227": ("alexnet_grouped", {}),
    "caffe_as_resnet_w50": ("as_resnet_w50", {}),
    "caffe_as_resnet_w68": ("as_resnet_w68", {}),
    "caffe_googlenet_224": ("googlenet_caffe", {}),
    "caffe_resnet50": ("resnet50_caffe", {}),
    "caffe_resnet152": ("resnet152_v1", {}),
    "caffe_squeezenet_v1.0_227": ("squeezenet1_0_caffe", {}),
    "caffe_squeezenet_v1.1_227": ("squeezenet1_1_caffe", {}),
    "megvii_shufflenetv1_g3_1.0x": ("shufflenet_v1_g3", {}),
    "megvii_shufflenetv1_g3_1.5x": ("shufflenet_v1_g3", {"width": 1.5}),
    "megvii_shufflenetv1_g3_2.0x": ("shufflenet_v1_g3", {"width": 2.0}),
    "megvii_shufflenetv1_g8_0.5x": ("shufflenet_v1_g8", {"width": 0.5}),
    "megvii_shufflenetv1_g8_1.0x": ("shufflenet_v1_g8", {}),
    "megvii_shufflenetv2_0.5x": ("shufflenet_v2_x0_5_megvii", {}),
    "megvii_shufflenetv2_1.0x": ("shufflenet_v2_x1_0_megvii", {}),
    "megvii_shufflenetv2_1.5x": ("shufflenet_v2_x1_5_megvii", {}),
    "megvii_shufflenetv2_2.0x": ("shufflenet_v2_x2_0_megvii", {}),
    "official_darts_v1_imagenet": ("darts_v1", {}),
    "official_darts_v2_imagenet": ("darts_v2", {}),
    "own_alexnet_grouped_227": ("alexnet_grouped", {}),
    "own_alexnet_single_227": ("alexnet_single", {}),
    "own_cifar_resnet20_optA": ("resnet20_cifar", {}),
    "own_cifar_resnet20_optB": ("resnet20_cifar_b", {}),
    "own_cifar_resnet56_optA": ("resnet56_cifar", {}),
    "own_cifar_resnet56_optB": ("resnet56_cifar_b", {}),
    "own_cifar_resnet110_optA": ("resnet110_cifar", {}),
    "own_cifar_resnet110_optB": ("resnet110_cifar_b", {}),
    "own_fenet_1.0x_last1536": ("fenet_1_0", {}),
    "own_fenet_1.375x_last1932": ("fenet_1_375", {}),
    "own_igcv3d_1.0": ("igcv3_d", {}),
    "own_igcv3d_1.4": ("igcv3_d", {"width": 1.4}),
    "own_mobilenet_v1_0.5_160": ("mobilenet_v1", {"width": 0.5, "resolution": 160}),
    "own_mobilenet_v1_0.5_224": ("mobilenet_v1", {"width": 0.5}),
    "own_mobilenet_v1_0.75_224": ("mobilenet_v1", {"width": 0.75}),
    "own_mobilenet_v1_1.0_224": ("mobilenet_v1", {}),
    "own_nasnet_a_mobile": ("nasnet_a_mobile", {}),
    "own_pnasnet5_mobile": ("pnasnet5_mobile", {}),
    "own_shiftnet_A": ("shiftnet_a", {}),
    "own_shiftnet_B": ("shiftnet_b", {}),
    "own_unet_572_1ch_2cls": ("unet", {}),
    "pcv_bninception": ("bn_inception_caffe", {}),
    "pcv_condensenet74_c4_g4": ("condensenet74_g4", {}),
    "pcv_condensenet74_c8_g8": ("condensenet74_g8", {}),
    "pcv_igcv3_w1": ("igcv3_d", {}),
    "pcv_mobilenet_w1": ("mobilenet_v1", {}),
    "pcv_nin_cifar10": ("nin_cifar10", {}),
    "pcv_preresnet164bn_cifar10": ("preresnet164_cifar", {"stride_at": 3}),
    "pcv_proxylessnas_mobile": ("proxylessnas_mobile", {}),
    "timm_mnasnet_small": ("mnasnet_small", {}),
    "timm_mobilenetv3_large_075": ("mobilenet_v3_large_075", {}),
    "timm_semnasnet_100": ("mnasnet_a1", {}),
    "tv_alexnet_61M": ("alexnet", {}),
    "tv_densenet121": ("densenet121", {}),
    "tv_efficientnet_b0_224": ("efficientnet_b0", {}),
    "tv_efficientnet_b1_240": ("efficientnet_b1", {}),
    "tv_efficientnet_b3_300": ("efficientnet_b3", {}),
    "tv_efficientnet_b7_600": ("efficientnet_b7", {}),
    "tv_efficientnet_v2_s_384": ("efficientnet_v2_s", {}),
    "tv_googlenet_3x3": ("googlenet", {}),
    "tv_inception_v3_299": ("inception_v3", {}),
    "tv_mnasnet_b1": ("mnasnet1_0", {}),
    "tv_mobilenet_v2_0.35": ("mobilenet_v2", {"width": 0.35}),
    "tv_mobilenet_v2_1.0": ("mobilenet_v2", {}),
    "tv_mobilenet_v2_1.4": ("mobilenet_v2", {"width": 1.4}),
    "tv_mobilenet_v3_large": ("mobilenet_v3_large", {}),
    "tv_mobilenet_v3_small": ("mobilenet_v3_small", {}),
    "tv_resnet18": ("resnet18", {}),
    "tv_resnet34": ("resnet34", {}),
    "tv_resnet50": ("resnet50", {}),
    "tv_resnet152": ("resnet152", {}),
    "tv_squeezenet1_0": ("squeezenet1_0", {}),
    "tv_squeezenet1_1": ("squeezenet1_1", {}),
    "tv_vgg11": ("vgg11", {}),
    "tv_vgg16": ("vgg16", {}),
    "tv_vgg19": ("vgg19", {}),
}

# Tables that list the branches of a block in another order than the spec, so compared as multisets: Caffe's
# files have the shortcut first, and the tables of NASNet and PNASNet were written cell input by cell input.
OTHER_ORDER = {
    "caffe_as_resnet_w50", "caffe_as_resnet_w68", "caffe_resnet50", "caffe_resnet152", "own_nasnet_a_mobile",
    "own_pnasnet5_mobile",
}  # fmt: skip

LEARNED = {"conv", "Convolution", "dw", "deconv", "fc", "InnerProduct"}
POOLS = {"MaxPool2d", "MaxPool2d(ceil)", "AvgPool2d", "AdaptiveAvgPool2d", "PoolingMAX", "PoolingAVE", "pool"}


def space(shape: Any) -> tuple[int, int]:
    """Return height and width, 1 x 1 for a tensor of channels only."""
    return (shape.h, shape.w) if shape.space else (1, 1)


def ours(counted: list[Row]) -> Iterator[tuple[Any, ...]]:
    """Yield the layers with kernels or norms as the tables write them: a fully connected layer is a 1x1."""
    for row in counted:
        x, y, op = row.node.x, row.node.y, row.node.op
        if row.kind == "batch_norm":
            yield ("bn", x.c, *space(x), y.c, *space(y), row.norm_params)
        elif row.weights:
            kernel, stride, dilation = (getattr(op, f, (1, 1)) for f in ("kernel", "stride", "dilation"))
            groups = x.c if row.kind == "dwconv" else getattr(op, "groups", 1)
            what = "deconv" if row.kind == "conv_transpose" else "conv"
            size = (x.c, *space(x), y.c, *space(y))
            yield (what, *size, *kernel, *stride, dilation[0], groups, row.weights, row.biases, row.macs)


def theirs(layers: list[dict[str, str]]) -> Iterator[tuple[Any, ...]]:
    """Yield a table's layers in the same form."""
    for layer in layers:
        size = [int(layer[key]) for key in ("in_c", "in_h", "in_w", "out_c", "out_h", "out_w")]
        if layer["op"] == "bn":
            yield ("bn", *size, int(layer["weights"]))
        elif layer["op"] in LEARNED:
            if layer["op"] in ("fc", "InnerProduct"):  # Caffe flattens in the layer itself
                size[:3] = [size[0] * size[1] * size[2], 1, 1]
            rest = ("kh", "kw", "sh", "sw", "dil", "groups", "weights", "bias", "macs")
            what = "deconv" if layer["op"] == "deconv" else "conv"
            yield (what, *size, *(int(layer[key]) for key in rest))


@pytest.mark.parametrize("file", LAYERS)
def test_layer_by_layer(file: str) -> None:
    layers = table(DATA / "layers" / f"{file}.csv")
    name, knobs = LAYERS[file]
    mine, other = list(ours(network(name, **knobs))), list(theirs(layers))
    if not any(layer["op"] == "bn" for layer in layers):  # the table leaves batch norms out
        mine = [layer for layer in mine if layer[0] != "bn"]
    # Those counted by hand leave out biases too; TOTALS has these networks with them.
    if file.startswith("own_") and not any(int(layer["bias"]) for layer in layers):
        mine = [(*layer[:-2], 0, layer[-1]) for layer in mine]
    if file in OTHER_ORDER:
        mine, other = sorted(mine), sorted(other)
    assert mine == other


@pytest.mark.parametrize("file", LAYERS)
def test_pools(file: str) -> None:
    """Every pool of a table is in the network; a tool's table lacks those that are functions, not modules."""
    layers = [layer for layer in table(DATA / "layers" / f"{file}.csv") if layer["op"] in POOLS]
    keys = ("in_c", "in_h", "in_w", "out_c", "out_h", "out_w")
    other = Counter(tuple(int(layer[key]) for key in keys) for layer in layers)
    name, knobs = LAYERS[file]
    found = [row.node for row in network(name, **knobs) if "pool" in row.kind]
    mine = Counter[tuple[int, ...]]((n.x.c, *space(n.x), n.y.c, *space(n.y)) for n in found)
    assert not other - mine


def test_every_table_is_read() -> None:
    assert {path.stem for path in (DATA / "layers").glob("*.csv")} == set(LAYERS)


# ---- totals ----------------------------------------------------------------------------------------

# Rows of tools.csv whose network the zoo does not have yet.
LACKING: set[str] = set()

TOOLS = [row for row in table(DATA / "tools.csv") if row["model"] not in LACKING]


@pytest.mark.parametrize("row", TOOLS, ids=lambda row: f"{row['model']}-{row['variant']}")
def test_totals_of_torchvision(row: dict[str, str]) -> None:
    name, resolution = row["model"], int(row["res"])
    # GoogLeNet and Inception-v3 are built with their auxiliary heads, which evaluation does not run; FCN's is run.
    aux = {"": name in ("googlenet", "inception_v3"), "aux_logits=False": False, "aux_loss=True": True}[row["variant"]]
    built = network(name, resolution=resolution, **({"aux": True} if aux else {}))
    run = built if row["variant"] == "aux_loss=True" else network(name, resolution=resolution)
    assert params(built) == int(row["params"])
    assert macs(run) == int(row["hook_macs_total"])
    assert buffers(built) == int(row["buffers_numel"])


# timm's names of networks of the zoo. Its CSPDarknet53 makes the two 1x1 convolutions at the head of a stage
# one, and so keeps five counters of batches less.
TIMM = {
    "hrnet_w18_small": "hrnet_w18_small",
    "mobilenetv4_conv_small": "mobilenet_v4_conv_small",
    "repvgg_a0": "repvgg_a0_train",
    "repvgg_b1": "repvgg_b1_train",
    "cspdarknet53": "cspdarknet53",
    "darknet53": "darknet53",
    "ghostnet_050": "ghostnet_050",
    "ghostnet_100": "ghostnet_100",
    "ghostnet_130": "ghostnet_130",
    "mobilenetv4_conv_medium": "mobilenet_v4_conv_medium",
}


@pytest.mark.parametrize("row", table(DATA / "more.csv"), ids=lambda row: row["model"])
def test_totals_of_other_implementations(row: dict[str, str]) -> None:
    model = row["model"]
    counted = network(TIMM[model] if row["source"] == "timm" else model, resolution=int(row["res"]))
    assert params(counted) == int(row["params"])
    assert macs(counted) == int(row["hook_macs_total"])
    assert buffers(counted) == int(row["buffers_numel"]) + (5 if model == "cspdarknet53" else 0)


# Totals counted by hand or by another program from the papers' tables: name, knobs, parameters, MACs.
TOTALS: list[tuple[str, dict[str, Any], int, int]] = [
    ("alexnet_grouped", {}, 60_965_224, 724_406_816),
    ("anynet_x", {}, 5_495_976, 413_812_608),  # torchvision's regnet_x_400mf
    ("fbnet_a", {}, 4_264_792, 238_989_752),  # a module of PyTorch's, made from the paper's tables
    ("fbnet_b", {}, 4_813_048, 296_614_728),
    ("proxylessnas", {}, 4_080_512, 320_427_584),  # that of layers/pcv_proxylessnas_mobile
    ("alexnet_single", {}, 62_378_344, 1_135_256_096),
    ("alexnet_lecture", {}, 62_378_344, 1_135_256_096),
    ("alexnet_pruned", {}, 60_965_224, 724_406_816),  # of alexnet_grouped, before pruning
    ("alexnet_deep_compression", {}, 60_965_224, 724_406_816),
    # 10,178,490 of the convolutions and fc of preresnet1001_cifar, and norms: 2 * (16 + 111 * 6 * (16 + 32 + 64) + 448)
    ("resnet1001_cifar", {}, 10_328_602, 1_487_849_984),
    ("vgg13", {}, 133_047_848, 11_308_466_176),
    ("vgg16_c", {}, 133_638_952, 11_770_888_192),
    ("googlenet_caffe", {}, 6_998_552, 1_582_671_872),
    ("googlenet_separable", {}, 6_991_856, 1_498_677_248),
    ("inception_v3", {}, 23_834_568, 5_713_216_096),
    ("resnet50_v1", {}, 25_557_032, 3_857_973_248),
    ("resnet50_caffe", {}, 25_557_096, 3_857_973_248),
    ("resnet101_v1", {}, 44_549_160, 7_570_194_432),
    ("resnet152_v1", {}, 60_192_808, 11_282_415_616),
    ("resnet152_v1", {"resolution": 320}, 60_192_808, 23_023_206_400),
    ("preresnet164_cifar", {}, 1_703_258, 244_500_992),
    ("preresnet164_cifar", {"stride_at": 3}, 1_703_258, 247_646_720),
    ("preresnet1001_cifar", {}, 10_327_706, 1_487_849_984),
    ("squeezenet1_0_caffe", {}, 1_248_424, 861_339_936),
    ("squeezenet1_1_caffe", {}, 1_235_496, 387_747_520),
    ("squeezenet1_1", {}, 1_235_496, 349_151_936),
    ("mobilenet_v1", {}, 4_231_976, 568_740_352),
    ("mobilenet_v1", {"width": 0.75}, 2_585_560, 325_400_448),
    ("mobilenet_v1", {"width": 0.5}, 1_331_592, 149_497_088),
    ("mobilenet_v1", {"width": 0.25}, 470_072, 41_030_272),
    ("mobilenet_v1", {"resolution": 192}, 4_231_976, 418_121_728),
    ("mobilenet_v1", {"resolution": 160}, 4_231_976, 290_675_200),
    ("mobilenet_v1", {"resolution": 128}, 4_231_976, 186_400_768),
    ("mobilenet_v1", {"width": 0.75, "resolution": 192}, 2_585_560, 239_273_472),
    ("mobilenet_v1", {"width": 0.75, "resolution": 160}, 2_585_560, 166_396_800),
    ("mobilenet_v1", {"width": 0.75, "resolution": 128}, 2_585_560, 106_770_432),
    ("mobilenet_v1", {"width": 0.5, "resolution": 192}, 1_331_592, 109_970_432),
    ("mobilenet_v1", {"width": 0.5, "resolution": 160}, 1_331_592, 76_524_800),
    ("mobilenet_v1", {"width": 0.5, "resolution": 128}, 1_331_592, 49_160_192),
    ("mobilenet_v1", {"width": 0.25, "resolution": 192}, 470_072, 30_212_608),
    ("mobilenet_v1", {"width": 0.25, "resolution": 160}, 470_072, 21_059_200),
    ("mobilenet_v1", {"width": 0.25, "resolution": 128}, 470_072, 13_570_048),
    ("mobilenet_v2", {"width": 1.4}, 6_108_776, 582_195_824),
    ("mobilenet_v2", {"width": 0.35}, 1_677_128, 59_285_808),
    ("mobilenet_v3_large", {"width": 0.75}, 3_993_528, 154_560_624),
    ("mobilenet_v3_small", {"width": 0.75}, 2_041_872, 43_399_344),
    ("shufflenet_v1_g1", {}, 1_530_936, 142_502_976 + 576_000),  # Table 1 of the paper leaves the last layer out
    ("shufflenet_v1_g2", {}, 1_732_848, 140_036_512 + 800_000),
    ("shufflenet_v1_g3", {}, 1_864_728, 136_500_672 + 960_000),
    ("shufflenet_v1_g4", {}, 1_967_344, 133_251_776 + 1_088_000),
    ("shufflenet_v1_g8", {}, 2_433_768, 136_829_952 + 1_536_000),
    ("shufflenet_v1_g3", {"width": 0.5}, 717_324, 37_589_856),
    ("shufflenet_v1_g3", {"width": 1.5}, 3_441_168, 292_443_552),
    ("shufflenet_v1_g3", {"width": 2}, 5_449_776, 524_045_184),
    ("shufflenet_v1_g3_se", {"width": 2}, 7_909_083, 526_487_712),
    ("shufflenet_v1_g8", {"width": 0.5}, 1_010_448, 40_469_760),
    ("shufflenet_v1_g8", {"width": 1.5}, 4_268_952, 290_188_800),
    ("shufflenet_v1_g8", {"width": 2}, 6_521_232, 521_942_016),
    ("shufflenet_v2_x0_5_megvii", {}, 1_365_792, 40_476_448),
    ("shufflenet_v2_x1_0_megvii", {}, 2_278_760, 145_814_296),
    ("shufflenet_v2_x1_5_megvii", {}, 3_506_720, 298_970_656),
    ("shufflenet_v2_x2_0_megvii", {}, 7_402_600, 590_783_000),
    ("condensenet74_g4", {}, 4_773_944, 516_640_576),
    ("condensenet74_g8", {}, 2_935_416, 261_545_792),
    ("fenet_1_0", {}, 3_720_792, 301_789_184),
    ("fenet_1_375", {}, 5_987_790, 563_699_360),
    ("nasnet_a_mobile", {}, 5_289_978, 563_638_816),
    ("mnasnet1_0", {}, 4_383_312, 314_415_872),
    ("efficientnet_b2", {}, 9_109_994, 993_561_872),
    ("unet", {}, 31_030_658, 150_428_424_448),
    ("nin_cifar100", {}, 984_356, 223_592_448),
    ("nin_imagenet", {}, 7_595_176, 1_100_188_800),
    ("nin_imagenet", {"resolution": 227}, 7_595_176, 1_105_996_320),
    ("bn_inception", {}, 11_285_224, 2_032_600_064),
    ("bn_inception_caffe", {}, 11_295_240, 2_032_600_064),
    ("inception_v2", {}, 24_263_240, 5_864_860_256),
    ("plain34", {}, 21_623_848, 3_644_493_824),
    ("resnet200_v1", {"resolution": 320}, 64_673_832, 30_153_523_200),
    ("preresnet152", {"resolution": 320}, 60_185_256, 23_023_206_400),
    ("preresnet152", {"resolution": 320, "stride_at": 3}, 60_185_256, 23_495_065_600),
    ("preresnet200", {}, 64_666_280, 14_776_270_848),
    ("preresnet200", {"stride_at": 3}, 64_666_280, 15_007_481_856),
    ("preresnet200", {"resolution": 320, "stride_at": 3}, 64_666_280, 30_625_382_400),
    ("resnet20_cifar", {}, 269_722, 40_551_040),
    ("resnet20_cifar_b", {}, 272_474, 40_813_184),
    ("resnet20_cifar_noshort", {}, 269_722, 40_551_040),
    ("resnet56_cifar", {}, 853_018, 125_485_696),
    ("resnet56_cifar_b", {}, 855_770, 125_747_840),
    ("resnet56_cifar_noshort", {}, 853_018, 125_485_696),
    ("resnet110_cifar", {}, 1_727_962, 252_887_680),
    ("resnet110_cifar_b", {}, 1_730_714, 253_149_824),
    ("resnet110_cifar_noshort", {}, 1_727_962, 252_887_680),
    ("resnet164_cifar", {}, 1_704_154, 244_500_992),
    ("resnet1202_cifar", {}, 19_421_274, 2_829_238_912),
    ("resnet1202_cifar_b", {}, 19_424_026, 2_829_501_056),
    ("preresnet164_cifar", {"classes": 100}, 1_726_388, 244_500_992 + 90 * 256),
    ("squeezenet1_0_pruned", {}, 1_248_424, 832_667_936),
    ("shufflenet_v1_g4", {"width": 0.5}, 777_592, 37_943_936),  # 144, 272, 544 channels, a stem of 12
    ("igcv3_d", {}, 3_491_688, 312_970_176),
    ("igcv3_d", {"width": 1.4}, 6_023_004, 590_016_420),
    ("shiftnet_c", {}, 784_136, 155_600_896),
    ("as_resnet_w32", {}, 901_256, 166_840_320),
    ("as_resnet_w50", {}, 1_962_950, 397_574_400),
    ("as_resnet_w68", {}, 3_424_460, 726_866_688),
    ("pnasnet5_mobile", {}, 5_064_487, 587_293_200),
    ("pnasnet5_mobile", {"stem_padding": "same"}, 5_064_487, 587_578_640),
    ("nasnet_a_mobile", {"stem_padding": "same"}, 5_289_978, 563_909_984),
    ("darts_v1", {}, 4_510_432, 505_864_704),
    ("darts_v2", {}, 4_718_752, 529_911_552),
    ("mnasnet_a1", {}, 3_887_038, 311_579_072),
    ("mnasnet_b1", {}, 4_383_312, 314_415_872),
    ("mnasnet_small", {}, 2_030_264, 68_339_184),
    ("proxylessnas_mobile", {}, 4_080_512, 320_427_584),
    ("mobilenet_v3_small_075", {}, 2_041_872, 43_399_344),
    # MobileNetV1 of two classes: 998 * 1,024 weights and 998 biases less
    ("mobilenet_v1", {"classes": 2}, 4_231_976 - 998 * 1025, 568_740_352 - 998 * 1024),
    # ResNet-50 on 448 pixels: four times its convolutions, 4,089,184,256 less the 2,048,000 of its last layer
    ("resnet50", {"resolution": 448}, 25_557_032, 4 * 4_087_136_256 + 2_048_000),
]


# Totals added up, a term a stage or part: name, knobs, parameters, MACs.
BY_HAND: list[tuple[str, dict[str, Any], list[int], list[int]]] = [
    (  # 3D U-Net: 3x3x3 with bias and norm (3 more an output), 2x2x2 up, 1x1x1; outputs of Figure 2, slices first
        "unet_3d",
        {},
        [
            27 * (3 * 32 + 32 * 64) + 3 * (32 + 64),
            27 * (64 * 64 + 64 * 128) + 3 * (64 + 128),
            27 * (128 * 128 + 128 * 256) + 3 * (128 + 256),
            27 * (256 * 256 + 256 * 512) + 3 * (256 + 512),
            8 * 512 * 512 + 27 * (768 * 256 + 256 * 256) + 3 * 2 * 256,
            8 * 256 * 256 + 27 * (384 * 128 + 128 * 128) + 3 * 2 * 128,
            8 * 128 * 128 + 27 * (192 * 64 + 64 * 64) + 3 * 2 * 64,
            64 * 3 + 3,
        ],
        [
            27 * (114 * 130**2 * 3 * 32 + 112 * 128**2 * 32 * 64),
            27 * (54 * 62**2 * 64 * 64 + 52 * 60**2 * 64 * 128),
            27 * (24 * 28**2 * 128 * 128 + 22 * 26**2 * 128 * 256),
            27 * (9 * 11**2 * 256 * 256 + 7 * 9**2 * 256 * 512),
            7 * 9**2 * 8 * 512 * 512 + 27 * (12 * 16**2 * 768 * 256 + 10 * 14**2 * 256 * 256),
            10 * 14**2 * 8 * 256 * 256 + 27 * (18 * 26**2 * 384 * 128 + 16 * 24**2 * 128 * 128),
            16 * 24**2 * 8 * 128 * 128 + 27 * (30 * 46**2 * 192 * 64 + 28 * 44**2 * 64 * 64),
            28 * 44**2 * 64 * 3,
        ],
    ),
    (  # RepVGG deployed: 3x3 convolutions with bias; 1 + 2, 4, 14, 1 of 48, 96, 192, 1280 channels
        "repvgg_a0",
        {},
        [
            9 * 3 * 48 + 48,
            2 * (9 * 48 * 48 + 48),
            9 * 48 * 96 + 96 + 3 * (9 * 96 * 96 + 96),
            9 * 96 * 192 + 192 + 13 * (9 * 192 * 192 + 192),
            9 * 192 * 1280 + 1280,
            1280 * 1000 + 1000,
        ],
        [
            112**2 * 9 * 3 * 48,
            56**2 * 2 * 9 * 48 * 48,
            28**2 * (9 * 48 * 96 + 3 * 9 * 96 * 96),
            14**2 * (9 * 96 * 192 + 13 * 9 * 192 * 192),
            7**2 * 9 * 192 * 1280,
            1280 * 1000,
        ],
    ),
    (  # 1 + 4, 6, 16, 1 of 64 (stem), 128, 256, 512, 2048 channels
        "repvgg_b1",
        {},
        [
            9 * 3 * 64 + 64,
            9 * 64 * 128 + 128 + 3 * (9 * 128 * 128 + 128),
            9 * 128 * 256 + 256 + 5 * (9 * 256 * 256 + 256),
            9 * 256 * 512 + 512 + 15 * (9 * 512 * 512 + 512),
            9 * 512 * 2048 + 2048,
            2048 * 1000 + 1000,
        ],
        [
            112**2 * 9 * 3 * 64,
            56**2 * (9 * 64 * 128 + 3 * 9 * 128 * 128),
            28**2 * (9 * 128 * 256 + 5 * 9 * 256 * 256),
            14**2 * (9 * 256 * 512 + 15 * 9 * 512 * 512),
            7**2 * 9 * 512 * 2048,
            2048 * 1000,
        ],
    ),
    (  # ResNet-18 without its three projections
        "plain18",
        {},
        [11_689_512, -(64 * 128 + 2 * 128), -(128 * 256 + 2 * 256), -(256 * 512 + 2 * 512)],
        [1_814_073_344, -(28**2 * 64 * 128), -(14**2 * 128 * 256), -(7**2 * 256 * 512)],
    ),
    (  # The golden table's weights, the last bias, and norms of what enters each of a module's convolutions
        "shiftnet_a",
        {},
        [
            4_162_144,
            1000,
            2 * (32 + 4 * 64 + 64 + 5 * 128 + 128 + 6 * 256 + 256 + 2 * 512),
            2 * (128 + 4 * 256 + 256 + 5 * 384 + 384 + 6 * 512 + 512 + 2 * 512),
            2 * 512,
        ],
        [1_424_306_176],
    ),
    (
        "shiftnet_b",
        {},
        [
            1_169_712,
            1000,
            2 * (16 + 4 * 32 + 32 + 5 * 64 + 64 + 6 * 128 + 128 + 2 * 256),
            2 * (64 + 4 * 128 + 128 + 5 * 192 + 192 + 6 * 256 + 256 + 2 * 256),
            2 * 256,
        ],
        [370_956_288],
    ),
    (  # Units of 120, 240, 480 channels, the 1x1 of 30, 60, 120 in 3 groups: stem; stage 2; 3; 4; norms; fc
        "shufflenet_v1_g3_shallow",
        {"width": 0.5},
        [
            27 * 12,
            12 * 30 + 9 * 30 + 30 * 108 // 3 + (2 * 120 * 30 // 3 + 9 * 30),
            120 * 60 // 3 + 9 * 60 + 60 * 120 // 3 + 3 * (2 * 240 * 60 // 3 + 9 * 60),
            240 * 120 // 3 + 9 * 120 + 120 * 240 // 3 + (2 * 480 * 120 // 3 + 9 * 120),
            2 * (12 + (30 + 30 + 108) + (30 + 30 + 120)),
            2 * ((60 + 60 + 120) + 3 * (60 + 60 + 240) + (120 + 120 + 240) + (120 + 120 + 480)),
            480 * 1000,
        ],
        [
            112**2 * 27 * 12,
            56**2 * 12 * 30 + 28**2 * (9 * 30 + 30 * 108 // 3 + 2 * 120 * 30 // 3 + 9 * 30),
            28**2 * 120 * 60 // 3 + 14**2 * (9 * 60 + 60 * 120 // 3 + 3 * (2 * 240 * 60 // 3 + 9 * 60)),
            14**2 * 240 * 120 // 3 + 7**2 * (9 * 120 + 120 * 240 // 3 + 2 * 480 * 120 // 3 + 9 * 120),
            480 * 1000,
        ],
    ),
    (  # torchvision 0.29, hooks, on an image of 800 x 1000: backbone, FPN, RPN's head; and the heads on 1000 regions
        "fasterrcnn_resnet50_fpn",
        {},
        [41_755_286, 53_120],  # the norms of the backbone are frozen there, so not among its parameters
        [65_621_913_600, 45_354_188_800, 39_572_454_912, 13_893_632_000, 465_920_000],
    ),
    (
        "fpn_resnet50",
        {},
        [25_557_032 - 2_049_000, 3_344_384, 593_935],
        [65_621_913_600, 45_354_188_800, 39_572_454_912],
    ),
]


@pytest.mark.parametrize(("name", "knobs", "n_params", "n_macs"), BY_HAND)
def test_totals_by_hand(name: str, knobs: dict[str, Any], n_params: list[int], n_macs: list[int]) -> None:
    counted = network(name, **knobs)
    assert (params(counted), macs(counted)) == (sum(n_params), sum(n_macs))


@pytest.mark.parametrize(("name", "knobs", "n_params", "n_macs"), TOTALS)
def test_totals_at_knob_values(name: str, knobs: dict[str, Any], n_params: int, n_macs: int) -> None:
    counted = network(name, **knobs)
    assert (params(counted), macs(counted)) == (n_params, n_macs)


def test_a_video_of_another_size() -> None:
    """As PyTorch counts R3D-18 over 8 frames of 96 x 128 pixels."""
    found = costcalc.count("r3d_18", input=(3, 8, 96, 128))
    assert (found.params, found.macs) == (33_371_472, 19_933_110_272)
    with pytest.raises(SpecError, match="3x96x128 does not fit: the spec's input has 4 axes"):
        costcalc.count("r3d_18", input=(3, 96, 128))


# ---- networks of several parts ---------------------------------------------------------------------


def test_fpn_by_parts() -> None:
    counted = network("fpn_resnet50")
    parts = {"backbone": [], "rpn": [], "neck": []}  # type: dict[str, list[Row]]
    for row in counted:
        parts[next((p for p in ("backbone", "rpn") if row.name.startswith(p)), "neck")].append(row)
    # torchvision: ResNet-50 without its last layer, FeaturePyramidNetwork, RPNHead of 3 anchors.
    assert params(parts["backbone"]) == 25_557_032 - 2_049_000
    assert (params(parts["neck"]), macs(parts["neck"])) == (3_344_384, 45_354_188_800)
    assert params(parts["rpn"]) == 593_935
    # The paper's Table 1 has 200k anchors: 3 at each place of P2 to P6 of an 800 x 1000 image.
    places = [(200, 250), (100, 125), (50, 63), (25, 32), (13, 16)]
    scores = [t.shape for t in _graph("fpn_resnet50", ()).outputs[::2]]
    assert [shape.dims for shape in scores if shape] == [(3, h, w) for h, w in places]
    assert sum(3 * h * w for h, w in places) == 199_974


def test_yolo_by_outputs() -> None:
    graph = _graph("yolo_v3", ())
    assert [str(t.shape) for t in graph.outputs] == ["255x13x13", "255x26x26", "255x52x52"]
    # darknet prints 65.86 BFLOPs, a multiplication and an addition each counted, and its weights file holds
    # 62,001,757 numbers: the parameters and the running statistics of its batch norms.
    counted = network("yolo_v3")
    assert f"{2 * macs(counted) / 1e9:.2f}" == "65.86"
    norms = sum(1 for row in counted if row.kind == "batch_norm")
    assert params(counted) + buffers(counted) - norms == 62_001_757


# Table 1 of SqueezeNet: what pruning leaves of each row.
PRUNED = {
    "conv1": 14_208, "fire2": 5_746, "fire3": 6_258, "fire4": 20_646, "fire5": 24_742, "fire6": 44_700,
    "fire7": 46_236, "fire8": 77_581, "fire9": 77_581, "conv10": 103_400,
}  # fmt: skip


def test_squeezenet_pruned_row_by_row() -> None:
    left: Counter[str] = Counter()
    for row in network("squeezenet1_0_pruned"):
        if row.weights:
            assert row.node.bits == 6
            # What a spec says as 0.33 is 33 hundredths: no float may decide how 14_207.999 is rounded up.
            left[row.name.split("/")[0]] += row.weights * round(100 * row.node.density) + 100 * row.biases
    assert {name: -(-hundredths // 100) for name, hundredths in left.items()} == PRUNED
    assert sum(PRUNED.values()) == 421_098


def test_unet_is_as_the_figure() -> None:
    assert [str(t.shape) for t in _graph("unet", ()).outputs] == ["2x388x388"]


def test_auxiliary_heads_are_there_in_training_only() -> None:
    plain, trained = network("googlenet_caffe"), network("googlenet_caffe", aux=True)
    # Each: 1x1 to 128 channels, then 2048 -> 1024 -> 1000, all with bias; from 512 and from 528 channels.
    heads = [c * 128 + 128 + 2048 * 1024 + 1024 + 1024 * 1000 + 1000 for c in (512, 528)]
    assert params(trained) - params(plain) == sum(heads)


# ---- a second count for all, and other widths and resolutions --------------------------------------

# Compared in a test of its own above, with what darknet prints.
BY_PARTS = {"yolo_v3"}
# Networks of their spaces are held to the reference implementations' in tests/spaces.
SPACES = {
    "darts_cifar", "fbnet", "fbnet_c", "nas_bench_201", "ofa_mobilenet_v3_w1_0", "ofa_mobilenet_v3_w1_2",
    "ofa_proxyless", "spos",
    *(f"attentive_nas_a{k}" for k in range(7)),
}  # fmt: skip


def test_every_network_has_a_second_count() -> None:
    """No network stands in the zoo whose numbers are costcalc's word alone."""
    second = BY_PARTS | {name for name, _ in LAYERS.values()} | {row["model"] for row in TOOLS}
    second |= {name for name, *_ in TOTALS} | {name for name, *_ in BY_HAND}
    second |= {TIMM.get(row["model"], row["model"]) for row in table(DATA / "more.csv")}
    second |= SPACES
    lacking = [name for name in NAMES if name not in second]
    assert [name for name in lacking if not is_a_variant(name, second)] == []


def is_a_variant(file: str, names: set[str]) -> bool:
    """Say whether a file's default network is one of its variants that has a second count."""
    spec = zoo.load(file)
    return any({**spec.knobs, **values} == spec.knobs for variant, values in spec.variants.items() if variant in names)


def least_resolution(spec: Spec) -> int:
    """Return the least resolution that a spec says, for its own knobs; 1 where it says none."""
    problems = Problems()
    scope = spec_scope(spec, spec.knobs, Tensor(None), problems)
    said = spec.min_resolution
    return 1 if said is None else int(Evaluator(problems).whole(said, scope, "min_resolution"))


@pytest.mark.parametrize("name", NAMES)
def test_any_width_and_resolution(name: str) -> None:
    """From width 0.25 to 2 and from the least resolution to 512: a result, and never less than for less."""
    spec = zoo.load(name)
    side = next((knob for knob in ("resolution", "height") if knob in spec.knobs), "")
    least = max(least_resolution(spec), 1 if side == "resolution" else 32)

    def totals(**knobs: Any) -> tuple[int, int]:
        counted = rows(expand(spec, knobs))
        return params(counted), macs(counted)

    widths = (0.25, 0.5, 1.0, 1.5, 2.0) if "width" in spec.knobs else ()
    for n_less, n_more in pairwise(totals(width=width) for width in widths):
        assert n_less[0] < n_more[0]
        assert n_less[1] < n_more[1]
    sides = [least, *(size for size in (64, 256, 512) if size > least)] if side else []
    half = {"width": 0.5} if widths else {}
    for n_less, n_more in pairwise(totals(**half, **{side: size}) for size in sides):
        assert n_less[0] == n_more[0]
        assert n_less[1] <= n_more[1]  # a pixel more may be lost again at a border


@pytest.mark.parametrize("name", [name for name in NAMES if least_resolution(zoo.load(name)) > 1])
def test_below_the_least_resolution(name: str) -> None:
    """It is refused there because the spec says so, and at that size it is counted."""
    spec = zoo.load(name)
    least = least_resolution(spec)
    with pytest.raises(SpecError, match=f"this network needs {least} at least"):
        expand(spec, {"resolution": least - 1})
    assert expand(spec, {"resolution": least}).nodes
