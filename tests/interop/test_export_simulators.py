"""SCALE-Sim's CSV and Timeloop's problems: what they say is recomputed from their text alone."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import pytest
import yaml
from in_process import Run

import costcalc
from costcalc.base.errors import SpecError
from costcalc.costs.rows import rows
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.interop.simulators import scalesim, timeloop
from costcalc.interop.simulators.loop_nests import nests
from costcalc.language import zoo
from costcalc.numbers.shape import Shape
from costcalc.operators.op import REGISTRY, Example, Op

# MACs of the papers and of torch's counter: MobileNetV1's 568,740,352 and AlexNet's two towers by hand, the others
# as fvcore and torchvision count them (docs/conventions.md).
NETWORKS = {
    "mobilenet_v1": 568_740_352,
    "resnet50": 4_089_184_256,
    "alexnet": 714_188_480,
    "alexnet_grouped": 724_406_816,
    "efficientnet_b0": 385_814_752,
    "unet": 150_428_424_448,
    "yolo_v3": 32_932_037_632,
    "inception_v3": 5_713_216_096,
    "shufflenet_v1_g3": 137_460_672,
}


@cache
def graph(name: str) -> Graph:
    return expand(zoo.load(name))


def small(*layers: object, shape: tuple[int, ...] = (8, 12, 12)) -> Graph:
    return expand(zoo.load({"costcalc": 1, "input": list(shape), "layers": list(layers)}))


def lines(text: str) -> list[tuple[str, list[int]]]:
    """Read a topology as SCALE-Sim does: a name and seven numbers, what stands behind the last comma cut off."""
    found = []
    for line in text.splitlines()[1:]:
        name, *numbers = line.split(",")[:-1]
        found.append((name, [int(number) for number in numbers]))
    return found


def simulated(name: str, numbers: list[int]) -> int:
    """Return SCALE-Sim's MACs of a line: its output is ceil((input - kernel + stride) / stride) on each axis."""
    height, width, k_height, k_width, channels, filters, stride = numbers
    assert k_height <= height
    assert k_width <= width
    out = math.ceil((height - k_height + stride) / stride) * math.ceil((width - k_width + stride) / stride)
    once = out * k_height * k_width * filters
    # A name with DP is run channel by channel, each with one channel: as many times as there are channels.
    return once * channels


def looped(text: str) -> int:
    """Return the MACs of a problem: the product of its dimensions."""
    problem = yaml.safe_load(text)["problem"]
    return math.prod(problem["instance"][name] for name in problem["shape"]["dimensions"])


@pytest.mark.parametrize("name", NETWORKS)
def test_scale_sim_counts_the_network_s_macs(name: str) -> None:
    read = lines(scalesim.topology(graph(name)))
    assert sum(simulated(*line) for line in read) == NETWORKS[name]
    assert len({name for name, _ in read}) == len(read)


@pytest.mark.parametrize("name", NETWORKS)
def test_timeloop_counts_each_layer_s_macs(name: str) -> None:
    problems = timeloop.problems(graph(name))
    counted = [row.macs for row in costcalc.count(name).rows if row.macs]
    assert [looped(text) for text in problems.values()] == counted
    assert sum(counted) == NETWORKS[name]


# A layer on 8x12x12, and its lines: input height and width (padding included, as far as windows reach), kernel,
# channels, filters, stride.
TOPOLOGY = [
    ({"conv": {"out": 4, "kernel": 3, "padding": 1}}, ["conv, 14, 14, 3, 3, 8, 4, 1,"]),
    ({"conv": {"out": 4, "kernel": 3, "stride": 2}}, ["conv, 11, 11, 3, 3, 8, 4, 2,"]),  # the twelfth row is not read
    ({"conv": {"out": 4, "kernel": [1, 5], "padding": [0, 2]}}, ["conv, 12, 16, 1, 5, 8, 4, 1,"]),
    ({"dwconv": {"kernel": 3, "padding": 1, "multiplier": 2}}, ["dwconv_DP, 14, 14, 3, 3, 8, 2, 1,"]),
    (
        {"conv": {"out": 4, "kernel": 1, "groups": 2}},
        ["conv_group0, 12, 12, 1, 1, 4, 2, 1,", "conv_group1, 12, 12, 1, 1, 4, 2, 1,"],
    ),
    ({"conv_transpose": {"out": 3, "kernel": 2, "stride": 2}}, ["conv_transpose, 12, 12, 1, 1, 8, 12, 1,"]),
    ({"fc": {"out": 5, "per_position": True}}, ["fc, 12, 12, 1, 1, 8, 5, 1,"]),
    ({"conv": {"out": 4, "kernel": 1}, "name": "ADP"}, ["ADp, 12, 12, 1, 1, 8, 4, 1,"]),
]


@pytest.mark.parametrize(("item", "wanted"), TOPOLOGY, ids=[str(row[1]) for row in TOPOLOGY])
def test_lines_of_a_topology(item: object, wanted: list[str]) -> None:
    assert scalesim.topology(small(item)).splitlines() == [scalesim.HEADER, *wanted]


def test_vectors_and_products_are_kernels_of_one() -> None:
    text = scalesim.topology(small({"fc": {"out": 5}}, shape=(7,)))
    assert text.splitlines()[1:] == ["fc, 1, 1, 1, 1, 7, 5, 1,"]
    text = scalesim.topology(small({"matmul": [[], ["transpose"]]}, shape=(2, 6, 5)))
    assert [numbers for _, numbers in lines(text)] == [[6, 1, 1, 1, 5, 6, 1]] * 2  # two of [6, 5] times [5, 6]
    text = scalesim.topology(small({"attention": [[], [], []]}, shape=(6, 5)))
    assert text.splitlines()[1:] == ["attention.scores, 6, 1, 1, 1, 5, 6, 1,", "attention.values, 6, 1, 1, 1, 6, 5, 1,"]


def test_a_computed_convolution_is_one_over_its_groups() -> None:
    weights = {"parameter": {"shape": [16, 4, 3, 3]}, "name": "w"}
    layers = [
        {"relu": None, "name": "x"},
        weights,
        {"dynamic_conv": {"kernel": 3, "padding": 1, "groups": 2}, "from": ["x", "w"]},
    ]
    (text,) = timeloop.problems(small(*layers)).values()
    assert looped(text) == 144 * 16 * 4 * 9


STATED = {"custom": {"macs": 100, "note": "deformable"}}
CANNOT = [
    ({"conv": {"out": 4, "kernel": 3, "dilation": 2}}, "conv: SCALE-Sim has no dilation"),
    ({"conv": {"out": 4, "kernel": 3, "stride": [1, 2]}}, "conv: SCALE-Sim has no stride of two numbers"),
    (STATED, "custom (custom): its multiply-accumulates are no convolution's"),
    ({"opaque": {"shape": [4, 6, 6]}}, "opaque (opaque): its multiply-accumulates are no convolution's"),
]


@pytest.mark.parametrize(("item", "said"), CANNOT, ids=[row[1] for row in CANNOT])
def test_what_scale_sim_cannot_hold_is_refused_or_noted(item: object, said: str) -> None:
    network = small({"conv": {"out": 8, "kernel": 1}, "name": "first"}, item)
    with pytest.raises(SpecError) as caught:
        scalesim.topology(network)
    assert str(caught.value).startswith(said)
    notes: list[str] = []
    assert [name for name, _ in lines(scalesim.topology(network, notes))] == ["first"]
    assert notes == [said]


# Of 4 channels over 3 frames of 6x5: where nothing slides along two neighbouring axes they are one.
VOLUMES = [
    (
        {"conv": {"out": 8, "kernel": [3, 1, 1], "padding": [1, 0, 0]}},
        "conv, 5, 30, 3, 1, 4, 8, 1,",
        3 * 30 * 4 * 8 * 3,
    ),
    ({"conv": {"out": 8, "kernel": 1}}, "conv, 18, 5, 1, 1, 4, 8, 1,", 90 * 4 * 8),
    ({"conv_transpose": {"out": 2, "kernel": 2, "stride": 2}}, "conv_transpose, 18, 5, 1, 1, 4, 16, 1,", 90 * 4 * 16),
    ({"fc": {"out": 5, "per_position": True}}, "fc, 18, 5, 1, 1, 4, 5, 1,", 90 * 4 * 5),
]


@pytest.mark.parametrize(("item", "line", "macs"), VOLUMES, ids=[row[1] for row in VOLUMES])
def test_what_slides_along_one_of_three_axes_is_written(item: object, line: str, macs: int) -> None:
    text = scalesim.topology(small(item, shape=(4, 3, 6, 5)))
    assert text.splitlines()[1:] == [line]
    assert sum(simulated(*one) for one in lines(text)) == macs


@pytest.mark.parametrize("fields", [{"kernel": [1, 3, 3]}, {"kernel": 3}, {"kernel": 1, "stride": 2}])
def test_what_slides_over_three_axes_is_refused(fields: dict[str, object]) -> None:
    network = small({"conv": {"out": 4, **fields}}, shape=(4, 3, 6, 5))
    for write in (scalesim.topology, timeloop.problems):
        with pytest.raises(SpecError, match="it slides over three axes, a nest over two"):
            write(network)


def test_a_layer_of_another_package_that_multiplies_without_weights_is_refused() -> None:
    class Blur(Op, kind="blur_of_a_test"):
        """Filter each channel with fixed numbers."""

        def macs(self, x: Shape, y: Shape) -> int:
            return 9 * int(y.size)

        examples = [Example({}, (2, 4, 4), (2, 4, 4), macs=288)]

    try:
        network = small("blur_of_a_test")
    finally:
        del REGISTRY.defined[Blur.kind]
    with pytest.raises(SpecError, match="no convolution's"):
        scalesim.topology(network)


def test_a_stride_across_one_row_and_a_dilated_pixel_are_no_matter() -> None:
    layer = {"conv": {"out": 4, "kernel": [1, 3], "stride": [5, 2], "dilation": [2, 1]}}
    text = scalesim.topology(small(layer, shape=(8, 1, 12)))
    assert text.splitlines()[1:] == ["conv, 1, 11, 1, 3, 8, 4, 2,"]


def test_timeloop_holds_dilation_strides_and_groups() -> None:
    fields = {"out": 6, "kernel": [3, 5], "stride": [1, 2], "dilation": [2, 1], "groups": 2}
    ((name, text),) = timeloop.problems(small({"conv": fields, "name": "ab"})).items()
    problem = yaml.safe_load(text)["problem"]
    assert name == "1_ab.yaml"
    assert problem["version"] == 0.4
    assert problem["instance"] == {
        "G": 2, "C": 4, "M": 3, "R": 5, "S": 3, "N": 1, "P": 4, "Q": 8,
        "Wstride": 2, "Hstride": 1, "Wdilation": 1, "Hdilation": 2,
    }  # fmt: skip
    across, down = [["R", "Wdilation"], ["P", "Wstride"]], [["S", "Hdilation"], ["Q", "Hstride"]]
    assert {space["name"]: space["projection"] for space in problem["shape"]["data_spaces"]} == {
        "Weights": [[["G"]], [["C"]], [["M"]], [["R"]], [["S"]]],
        "Inputs": [[["N"]], [["G"]], [["C"]], across, down],
        "Outputs": [[["N"]], [["G"]], [["M"]], [["Q"]], [["P"]]],
    }


def test_timeloop_files_are_in_order_and_named_safely() -> None:
    names = list(timeloop.problems(graph("mobilenet_v1")))
    assert names[:3] == ["01_conv.yaml", "02_separable1.dwconv.yaml", "03_separable1.conv.yaml"]
    with pytest.raises(SpecError, match="no convolution's"):
        timeloop.problems(small(STATED))


@pytest.mark.parametrize("name", zoo.names())
def test_every_network_of_the_zoo_is_exported_whole(name: str) -> None:
    network, notes = graph(name), list[str]()
    written = sum(nest.macs for nest in nests(network, notes))
    assert all("it slides over three axes" in note for note in notes)
    left = [row for row in rows(network) if any(note.startswith(f"{row.name} (") for note in notes)]
    assert written + sum(row.macs for row in left) == sum(row.macs for row in rows(network))


def test_a_folder_of_another_networks_problems_is_refused(tmp_path: Path, run: Run) -> None:
    folder = str(tmp_path / "problems")
    assert run("export", "timeloop", "vgg11", "-o", folder).code == 0
    (tmp_path / "problems" / "notes.yaml").write_text("mine")  # is no problem's name
    assert run("export", "timeloop", "vgg11", "-o", folder).code == 0
    done = run("export", "timeloop", "vgg16", "-o", folder)
    assert (done.code, "holds the problems of another network: 01_" in done.err) == (2, True)
    assert len(list((tmp_path / "problems").iterdir())) == 12  # 8 convolutions and 3 fully connected, and the notes


# ---- Model Explorer: node data, whose keys Google's builder (node_data_builder, 0.1.34) has -------


def test_model_explorer_has_a_number_a_node(run: Run) -> None:
    """MobileNetV1's first layer by hand; the shares are 100 in all; the name says what was counted."""
    made = json.loads(run("export", "model-explorer", "mobilenet_v1").out)
    assert set(made) == {"results", "name", "gradient"}
    assert made["name"] == "macs (costcalc 9c528e)"
    assert made["results"]["conv"] == {"value": 112 * 112 * 32 * 27}
    assert sum(one["value"] for one in made["results"].values()) == 568_740_352
    assert [(one["stop"], set(one)) for one in made["gradient"]][::2] == [
        (0, {"stop", "bgColor"}),
        (1, {"stop", "bgColor"}),
    ]
    shares = json.loads(run("export", "model-explorer", "mobilenet_v1", "--of", "params", "--share").out)
    assert math.isclose(sum(one["value"] for one in shares["results"].values()), 100)
    assert shares["name"] == "params in % (costcalc 9c528e)"


def test_model_explorer_gives_no_share_of_what_is_no_sum(run: Run) -> None:
    done = run("export", "model-explorer", "mobilenet_v1", "--of", "peak_memory", "--share")
    assert (done.code, "peak_memory is no sum of rows" in done.err) == (2, True)
