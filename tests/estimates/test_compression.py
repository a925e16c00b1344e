"""Stored sizes: hand-computed codings, the lecture's SqueezeNet table, Deep Compression's ranges, files of TFLite."""

from __future__ import annotations

import json
from math import ceil
from pathlib import Path

import pytest
from in_process import Run

import costcalc
from costcalc.base.errors import SpecError
from costcalc.estimates.sizing import Sizes
from costcalc.hardware.compression import SCALES, Coding
from costcalc.transforms.whatif import WhatIf

FC = {"costcalc": 1, "input": [8], "layers": [{"fc": {"out": 4, "bias": False}}]}  # 4 outputs of 8 weights: 32


def sizes(spec, bits=None, density=None, **coding) -> dict[str, tuple[int, int]]:
    found = Sizes(costcalc.count(spec), bits, density, Coding(**coding))
    return {form.name: (form.least, form.most) for form in found.forms}


# By hand, of 32 weights, 4 rows of 8 columns: bits of all, over 8, rounded up.
BY_HAND = [
    ({}, {"fp32": (128, 128)}),
    ({"bits": 8}, {"fp32": (128, 128), "quantized": (32, 32)}),
    ({"bits": 6}, {"fp32": (128, 128), "quantized": (24, 24)}),
    # 8 of 32 are left, of 8 bits: csr 8 * (8 + 3 for a column of 8) + 5 starts * 4 for 0 to 8 = 108 bits;
    # relative with 4 bits: 8 * 12 = 96, and 8 / (1 - 0.75^16) = 8.08, so 9 numbers, 108.
    (
        {"bits": 8, "density": 0.25},
        {"fp32": (128, 128), "quantized": (32, 32), "csr": (14, 14), "relative": (12, 14)},
    ),
    # gaps of 1 bit: 8 / (1 - 0.75^2) = 18.3, so 19 numbers of 9 bits
    (
        {"bits": 8, "density": 0.25, "gap": 1},
        {"fp32": (128, 128), "quantized": (32, 32), "csr": (14, 14), "relative": (9, 22)},
    ),
    # 2 of 4: 16 weights of 8 bits and 2 for the place = 160 bits
    ({"bits": 8, "pattern": (2, 4)}, {"fp32": (128, 128), "quantized": (32, 32), "pattern": (20, 20)}),
    # one scale of 32 bits and a zero point of 8 for the layer; for each of 4 outputs; a codebook of 2^4 * 32 bits
    ({"bits": 8, "scales": "tensor"}, {"fp32": (128, 128), "quantized": (37, 37)}),
    ({"bits": 8, "scales": "channel"}, {"fp32": (128, 128), "quantized": (52, 52)}),
    ({"bits": 4, "scales": "codebook"}, {"fp32": (128, 128), "quantized": (16 + 64, 16 + 64)}),
]


@pytest.mark.parametrize(("given", "wanted"), BY_HAND)
def test_sizes_are_those_by_hand(given, wanted) -> None:
    assert sizes(FC, **given) == wanted


def test_the_lectures_squeezenet() -> None:
    """Table 1 of the paper: 421,098 of 1,248,424 parameters, 6 bits: 0.47 MB; it prints 4.8 for 4.76 MiB."""
    found = Sizes(costcalc.count("squeezenet1_0_pruned"), coding=Coding(scales="codebook"))
    biases = sum(one.others for one in found.rows)
    assert sum(one.weights for one in found.rows) + biases == 1_248_424
    assert sum(one.nonzero for one in found.rows) + biases == 421_098
    relative = next(form for form in found.forms if form.name == "relative")
    assert [round(size / 2**20, 2) for size in (relative.least, relative.most)] == [0.47, 0.47]


def test_the_lectures_squeezenet_at_8_bits() -> None:
    """The paper prints 0.66 MB after Huffman coding; the codebooks of 26 layers take 0.027 MB of ours."""
    span = sizes("squeezenet1_0_pruned", 8, scales="codebook")["relative"]
    assert [round(size / 1e6, 2) for size in span] == [0.62, 0.62]


# Layer densities of Deep Compression (arXiv:1510.00149, tables 4 and 5), 8 bits for conv and 5 for fc; the published
# sizes are P+Q, 27x of 240 MB and 31x of 552 MB. Beside them the range that formulas give.
ALEXNET = [0.84, 0.38, 0.35, 0.37, 0.37, 0.09, 0.09, 0.25]
VGG = [0.58, 0.22, 0.34, 0.36, 0.53, 0.24, 0.42, 0.32, 0.27, 0.34, 0.35, 0.29, 0.36, 0.04, 0.04, 0.23]
DEEP = [("alexnet_grouped", ALEXNET, 4, (8.0, 9.6), 240 / 27), ("vgg16", VGG, 5, (15.0, 17.2), 552 / 31)]


@pytest.mark.parametrize(("name", "density", "gap", "wanted", "published"), DEEP)
def test_deep_compression(name, density, gap, wanted, published) -> None:
    result = costcalc.count(name)
    layers = [row for row in result.rows if row.row.weights]
    shares = {layer.name: share for layer, share in zip(layers, density, strict=True)}
    bits = {layer.name: 5 if layer.type == "fc" else 8 for layer in layers}
    form = Sizes(result, bits, shares, Coding(gap=gap)).forms[-1]
    assert (round(form.least / 1e6, 1), round(form.most / 1e6, 1)) == wanted
    # The published size lies within 12 % of the range: fillers are not random, and Huffman coding comes on top.
    assert form.least * 0.88 <= published * 1e6 <= form.most * 1.12


# By hand: torchvision's AlexNet has 2,468,544 weights in convolutions, fc of 37,748,736, 16,777,216 and 4,096,000, a
# tenth of each left (rounded up), and 10,344 biases; a number has 4 bytes. Of `fc=0.1; conv1=0.5` also 23,232 / 2.
KEPT = [
    ("fc=0.1", 4 * (2_468_544 + 3_774_874 + 1_677_722 + 409_600 + 10_344)),
    ("fc=0.1; conv1=0.5", 4 * (2_468_544 - 11_616 + 3_774_874 + 1_677_722 + 409_600 + 10_344)),
    ("", 4 * 61_100_840),
]


@pytest.mark.parametrize(("density", "wanted"), KEPT)
def test_bytes_are_of_what_a_density_leaves(density: str, wanted: int, run: Run) -> None:
    assert costcalc.count("alexnet").metric("bytes", density=density).total == wanted
    words = ["--density", density] if density else []
    assert f"{wanted:,}" in run("report", "alexnet", "--columns", "bytes", *words).out
    found = costcalc.sweep("alexnet", width=[1.0], columns="bytes", options={"density": density})
    assert found["bytes"].tolist() == [wanted]


# arXiv:1602.07360, Table 2: what is printed, and docs/compression.md's count and ratio to AlexNet's bytes.
PAGE = (Path(__file__).parent.parent.parent / "docs" / "compression.md").read_text(encoding="utf-8")
MB, MIB = 10**6, 2**20
TABLE_2 = [
    ("240 MB", "1x", "alexnet_grouped", {}, "fp32", ["243.9 MB", "1x"]),
    ("48 MB", "5x", "", {}, "", ["", ""]),
    ("27 MB", "9x", "alexnet_pruned", {}, "bytes", ["27.2 MB", "9.0x"]),
    ("6.9 MB", "35x", "alexnet_deep_compression", {}, "relative", ["8.0 to 9.6 MB", "25 to 30x"]),
    ("4.8 MiB", "50x", "squeezenet1_0", {}, "fp32", ["4.76 MiB", "48.8x"]),
    ("0.66 MiB", "363x", "squeezenet1_0_pruned", {"kept_bits": 8}, "relative", ["0.59 MiB", "395x"]),
    ("0.47 MiB", "510x", "squeezenet1_0_pruned", {}, "relative", ["0.47 MiB", "495x"]),
]


def test_the_page_has_the_seven_rows_of_the_compression_table() -> None:
    lines = [line.split("|")[4:8] for line in PAGE.splitlines() if line.count("|") == 9][2:]
    assert [[cell.strip() for cell in line] for line in lines] == [[a, b, *c] for a, b, *_, c in TABLE_2]


def digits(numbers: list[float], like: str) -> str:
    """Return numbers rounded as a text has them, those that are the same once: `8.0 to 9.6`."""
    places = len(like.split(maxsplit=1)[0].rstrip("x").partition(".")[2])
    return " to ".join(dict.fromkeys(f"{number:.{places}f}" for number in numbers))


@pytest.mark.parametrize(("printed", "reduction", "network", "knobs", "form", "ours"), TABLE_2)
def test_the_compression_table(printed, reduction, network, knobs, form, ours) -> None:
    value, unit = printed.split()
    # The printed ratio is of the printed numbers, MB by MB or by MiB alike: 240 / 0.47 = 510.6.
    assert int(240 / float(value)) == int(reduction[:-1]) or round(240 / float(value)) == int(reduction[:-1])
    if not network:
        return
    result = costcalc.count(network, **knobs)
    if form == "bytes":
        span = [result.metric("bytes").total]
    else:
        coding = Coding(scales="codebook" if "squeezenet" in network and form == "relative" else "none")
        found = next(one for one in Sizes(result, coding=coding).forms if one.name == form)
        span = [found.least, found.most]
    size = {"MB": MB, "MiB": MIB}[unit]
    assert f"{digits([one / size for one in span], ours[0])} {unit}" == ours[0]
    ratios = [243_860_896 / one for one in reversed(span)]
    assert f"{digits(ratios if 'to' in ours[1] else ratios[-1:], ours[1])}x" == ours[1]


# Han et al. 2015, arXiv:1506.02626, abstract and Table 4: 61M become 6.7M, 9x fewer; 89 % of the weights go.
def test_the_pruned_alexnet() -> None:
    whole, left = (costcalc.count(name, convention="pruned").params for name in ("alexnet_grouped", "alexnet_pruned"))
    assert costcalc.count("alexnet_pruned").params == whole == 60_965_224
    assert (round(whole / left), round(100 * left / whole)) == (9, 11)


# TensorFlow's page of hosted models: sizes of files, in MB; batch norms are folded there.
FILES = [
    ("mobilenet_v1", {}, 16.9),
    ("mobilenet_v1", {"bits": 8}, 4.3),
    ("mobilenet_v2", {}, 14.0),
    ("squeezenet1_0", {}, 5.0),
]


@pytest.mark.parametrize(("name", "given", "megabytes"), FILES)
def test_files_of_tflite(name, given, megabytes) -> None:
    result = costcalc.count(name)
    if name != "squeezenet1_0":
        result = WhatIf(result, [("fuse-batch-norm", "all")]).after
    coding = Coding(scales="tensor" if given else "none")
    last = Sizes(result, given.get("bits"), coding=coding).forms[-1]
    assert round(last.most / 1e6, 1) == megabytes


def test_a_file_of_tflite_that_no_count_gives() -> None:
    """MobileNetV2's int8 file is printed as 3.4 MB; its numbers take 3.5 MB, which is 3.4 in MiB."""
    result = WhatIf(costcalc.count("mobilenet_v2"), [("fuse-batch-norm", "all")]).after
    last = Sizes(result, 8, coding=Coding(scales="tensor")).forms[-1]
    assert (round(last.most / 1e6, 1), round(last.most / 2**20, 1)) == (3.5, 3.4)


def test_effective_macs_are_those_of_non_zero_weights() -> None:
    found = Sizes(costcalc.count("mobilenet_v1"), density={"conv 1x1": 0.5})
    by_type = costcalc.count("mobilenet_v1").by_type()
    assert found.macs == 568_740_352
    assert found.effective_macs == 568_740_352 - by_type["conv 1x1"].operations // 2


def test_a_later_choice_and_a_selector_stand_above_the_spec() -> None:
    found = Sizes(costcalc.count("squeezenet1_0_pruned"), [("all", 8), ("fire2/*", 4)], {"conv10": 1})
    told = {one.row.name: (one.bits, one.density) for one in found.rows if one.weights}
    assert told["conv1"] == (8, 1)
    assert told["fire2/conv"] == (4, 1)
    assert told["conv10"] == (8, 1)
    assert told["fire2/expand3x3/conv"][1] == pytest.approx(0.33)


@pytest.mark.parametrize("name", ["mobilenet_v2", "densenet121", "shufflenet_v1"])
@pytest.mark.parametrize("scales", SCALES)
def test_sizes_grow_with_bits_and_density(name, scales) -> None:
    least = 0
    for density in (0.1, 0.5, 0.9):
        for bits in (2, 4, 8):
            forms = sizes(name, bits, density, scales=scales)
            assert forms["relative"][0] <= forms["relative"][1]
        assert forms["relative"][0] > least
        least = forms["relative"][0]


WRONG = [
    ({"bits": 0}, "'0' is no number of bits"),
    ({"bits": {"nothing": 4}}, "bits: 'nothing' is no layer with weights"),
    ({"bits": {"fcc": 4}}, "did you mean 'fc'?"),
    ({"density": 1.5}, "'1.5' is no density"),
    ({"density": "much"}, "'much' is no density"),
    ({"scales": "some"}, "scales are none, tensor, channel, codebook"),
    ({"gap": 0}, "a relative index has 1 to 16 bits"),
]


@pytest.mark.parametrize(("given", "message"), WRONG)
def test_what_is_refused(given, message) -> None:
    with pytest.raises(SpecError, match=message.replace("?", r"\?")):
        sizes(FC, **given)


def test_the_command_tells_what_the_class_tells(run: Run) -> None:
    found = json.loads(run("size", "alexnet", "--bits", "8", "--bits", "fc=4", "--format", "json").out)
    whole = Sizes(costcalc.count("alexnet"), [("all", 8), ("fc", 4)])
    assert found["forms"] == whole.records()
    rows = [row for row in found["layers"] if row["bits"] == 4]
    assert [row["name"] for row in rows] == ["fc6", "fc7", "fc8"]
    assert sum(ceil(row["weights"] / 2) for row in rows) == sum(row["quantized"][0] for row in rows) - 4 * 9192


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--link", "1M"], "at 1.0 Mbit/s"),
        (["--pattern", "2:4"], "pattern"),
        (["--pattern", "5:4"], "a pattern keeps 1 to 4 of 4 weights, not 5"),
        (["--pattern", "half"], "'half' is no pattern"),
        (["--link", "fast"], "'fast' is no rate"),
        (["--bits", "8"], "in an app of 100.0 MB: fits, an update of 500.0 KB: does not fit"),
        (["--by", "layer"], "separable1"),
        (["--format", "csv"], "network,name,says,least,most"),
        (["--format", "markdown"], "| fp32 |"),
    ],
)
def test_the_commands_words(words, said, run) -> None:
    done = run("size", "mobilenet_v1", *words)
    assert said in done.out + done.err
