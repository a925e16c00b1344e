"""Darknet's .cfg: published networks with their published numbers, each section by hand, and broken files."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

import costcalc
from costcalc.base.errors import SpecError
from costcalc.interop.darknet.importer import read
from costcalc.language.flat import Flat
from costcalc.reports.result import Result

DATA = Path(__file__).parent.parent / "data" / "darknet"
NET = "[net]\nwidth={0}\nheight={0}\nchannels={1}\n"


def conv(filters: int, size: int, stride: int = 1, act: str = "leaky") -> str:
    normed = "batch_normalize=1\n" if act != "linear" else ""
    return f"[convolutional]\n{normed}filters={filters}\nsize={size}\nstride={stride}\npad=1\nactivation={act}\n"


def pool(size: int = 2, stride: int = 2) -> str:
    return f"[maxpool]\nsize={size}\nstride={stride}\n"


def darknet53(resolution: int) -> str:
    """The backbone, layers 0 to 74 (arXiv:1804.02767, Table 1)."""
    text = NET.format(resolution, 3) + conv(32, 3)
    for filters, number in ((64, 1), (128, 2), (256, 8), (512, 8), (1024, 4)):
        text += conv(filters, 3, 2)
        text += (conv(filters // 2, 1) + conv(filters, 3) + "[shortcut]\nfrom=-3\nactivation=linear\n") * number
    return text


def yolov3() -> str:
    text = darknet53(416)
    for filters, mask, skip in ((512, "6,7,8", "-1, 61"), (256, "3,4,5", "-1, 36"), (128, "0,1,2", "")):
        text += (conv(filters, 1) + conv(2 * filters, 3)) * 3 + conv(255, 1, act="linear")
        text += f"[yolo]\nmask = {mask}\nclasses=80\nnum=9\n"
        if skip:
            text += "[route]\nlayers = -4\n" + conv(filters // 2, 1) + "[upsample]\nstride=2\n"
            text += f"[route]\nlayers = {skip}\n"
    return text


def darknet19(resolution: int, *, until: int = 6) -> str:
    """The classifier of YOLOv2 without its last layer (arXiv:1612.08242, Table 6)."""
    text = NET.format(resolution, 3) + conv(32, 3) + pool() + conv(64, 3)
    for filters, number in ((128, 1), (256, 1), (512, 2), (1024, 2))[:until]:
        text += pool() + conv(filters, 3) + (conv(filters // 2, 1) + conv(filters, 3)) * number
    return text


def yolov2() -> str:
    text = darknet19(608) + conv(1024, 3) * 2
    text += "[route]\nlayers=-9\n" + conv(64, 1) + "[reorg]\nstride=2\n[route]\nlayers=-1,-4\n"
    text += conv(1024, 3) + conv(425, 1, act="linear")
    return text + "[region]\nclasses=80\ncoords=4\nnum=5\nsoftmax=1\nbias_match=1\nanchors=0.5,0.6\n"


def resnet(*blocks: tuple[int, int], deep: bool) -> str:
    """Darknet's ResNets have no projections: the channels and pixels that both sides have are added."""
    text = NET.format(256, 3) + conv(64, 7, 2) + pool()
    for stage, (filters, number) in enumerate(blocks):
        for k in range(number):
            stride = 2 if stage and not k else 1
            text += conv(filters, 1) + conv(filters, 3, stride) if deep else conv(filters, 3, stride)
            last = conv(4 * filters, 1) if deep else conv(filters, 3)
            text += last.replace("leaky", "linear") + f"[shortcut]\nfrom={-4 if deep else -3}\nactivation=leaky\n"
    return classifier(text)


def yolov1() -> str:
    """YOLO with its locally connected layer (arXiv:1506.02640, Figure 3; darknet cfg/yolov1.cfg)."""
    text = NET.format(448, 3) + conv(64, 7, 2) + pool() + conv(192, 3) + pool()
    text += conv(128, 1) + conv(256, 3) + conv(256, 1) + conv(512, 3) + pool()
    text += (conv(256, 1) + conv(512, 3)) * 4 + conv(512, 1) + conv(1024, 3) + pool()
    text += (conv(512, 1) + conv(1024, 3)) * 2 + conv(1024, 3) + conv(1024, 3, 2) + conv(1024, 3) * 2
    text += "[local]\nsize=3\nstride=1\npad=1\nfilters=256\nactivation=leaky\n[dropout]\nprobability=.5\n"
    text += "[connected]\noutput=1715\nactivation=linear\n"
    return text + "[detection]\nclasses=20\ncoords=4\nrescore=1\nside=7\nnum=3\nsoftmax=0\n"


def tiny_yolo_voc() -> str:
    text = NET.format(416, 3) + "".join(conv(16 * 2**k, 3) + pool() for k in range(5))
    text += conv(512, 3) + pool(2, 1) + conv(1024, 3) * 2 + conv(125, 1, act="linear")
    return text + "[region]\nclasses=20\ncoords=4\nnum=5\nsoftmax=1\n"


def classifier(text: str) -> str:
    return text + "[avgpool]\n" + conv(1000, 1, act="linear") + "[softmax]\ngroups=1\n[cost]\ntype=sse\n"


def stored(result: Result) -> int:
    """How many numbers a .weights file holds: what is learned, and a mean and a variance a channel of each norm."""
    return result.params + sum(row.buffers - 1 for row in result.rows if row.buffers)


# Numbers in the published .weights files, (bytes - header) / 4 with a header of 20 bytes (16 until YOLOv2), and the
# billions of operations, two a MAC, on https://pjreddie.com/darknet/yolo/, yolov1/, yolov2/ and imagenet/, for
# YOLOv4-tiny in the README of https://github.com/AlexeyAB/darknet. 0 stands for a size that is not published exactly.
PUBLISHED = [
    ("yolov3-tiny", (DATA / "yolov3-tiny.cfg").read_text(), (35_434_956 - 20) // 4, 5.56),
    ("yolov4-tiny", (DATA / "yolov4-tiny.cfg").read_text(), (24_251_276 - 20) // 4, 6.9),
    ("yolov3", yolov3(), (248_007_048 - 20) // 4, 65.86),
    ("yolov2-608", yolov2(), (203_934_260 - 16) // 4, 62.94),
    ("tiny-yolo-voc", tiny_yolo_voc(), (63_471_556 - 16) // 4, 6.97),
    # Darknet counts no operations of [local]: 7 * 7 pixels of 256 filters over 1024 channels, 3x3.
    ("yolov1", yolov1(), (789_312_988 - 16) // 4, 40.19 + 2 * 49 * 256 * 1024 * 9 / 1e9),
    ("darknet19-256", darknet19(256) + conv(1000, 1, act="linear") + "[avgpool]\n[softmax]\n", 0, 7.29),
    ("darknet19-448", darknet19(448) + conv(1000, 1, act="linear") + "[avgpool]\n[softmax]\n", 0, 22.33),
    ("resnet18", resnet((64, 2), (128, 2), (256, 2), (512, 2), deep=False), 0, 4.69),
    ("resnet50", resnet((64, 3), (128, 4), (256, 6), (512, 3), deep=True), 0, 9.74),
    ("darknet53-256", classifier(darknet53(256)), 0, 18.57),
    ("darknet53-448", classifier(darknet53(448)), 0, 56.87),
]


@pytest.mark.parametrize(("name", "text", "numbers", "billions"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_published_networks(name: str, text: str, numbers: int, billions: float) -> None:
    flat = read(text, name)
    result = costcalc.count(flat.data())
    assert not numbers or stored(result) == numbers
    digits = min(2, len(str(billions).partition(".")[2]))
    assert 2 * result.macs / 1e9 == pytest.approx(billions, abs=0.51 * 10**-digits)
    again = costcalc.count(flat.text())
    assert (again.params, again.macs, len(again.rows)) == (result.params, result.macs, len(result.rows))


def test_a_shortcut_of_unequal_shapes_adds_what_both_have() -> None:
    wide = read(NET.format(12, 8) + "[dropout]\n[route]\nlayers=0,0\n[shortcut]\nfrom=0")
    pooled = read(NET.format(12, 8) + "[dropout]\n[reorg]\nstride=2\n[shortcut]\nfrom=0")
    additions = [sum(row.elementwise.get("add", 0) for row in costcalc.count(f.data()).rows) for f in (wide, pooled)]
    assert additions == [8 * 12 * 12, 8 * 6 * 6]


def test_a_ramp_and_weights_of_one_bit() -> None:
    flat = read(NET.format(12, 8) + "[activation]\nactivation=ramp\n[conv]\nfilters=4\nxnor=1\nactivation=linear")
    assert [step.kind for step in flat.steps] == ["arithmetic", "relu", "add", "conv"]
    assert flat.data()["layers"][-1]["bits"] == 1


def test_yolov3_is_the_zoo_s_with_its_three_heads() -> None:
    flat = read(yolov3())
    zoo, own = costcalc.count("yolo_v3"), costcalc.count(flat.data())
    assert (own.params, own.macs) == (zoo.params, zoo.macs)
    assert [(value, flat.shapes[value].dims) for value in flat.outputs] == [
        ("yolo82", (255, 13, 13)),
        ("yolo94", (255, 26, 26)),
        ("yolo106", (255, 52, 52)),
    ]


# A section after an input of 8x12x12, the shape it gives, its parameters and its MACs, by hand.
SECTIONS = [
    ("[convolutional]\nfilters=4\nsize=3\nstride=1\nactivation=linear", "4x10x10", 4 * 8 * 9 + 4, 100 * 4 * 8 * 9),
    ("[conv]\nfilters=4\nsize=3\npad=1\ngroups=2\nactivation=relu", "4x12x12", 4 * 4 * 9 + 4, 144 * 4 * 4 * 9),
    # Of a dilated kernel the output stays (n + 2 * padding - size) // stride + 1: 12 + 2 - 3 + 1, 12 + 4 - 3 + 1.
    ("[convolutional]\nfilters=4\nsize=3\npad=1\ndilation=2\nbatch_normalize=1", "4x12x12", 288 + 8, 144 * 288),
    ("[convolutional]\nfilters=4\nsize=5\npad=1\ndilation=3\nstride=2", "4x6x6", 800 + 4, 36 * 800),
    ("[convolutional]\nfilters=4\nsize=3\npadding=2\ndilation=2\nbatch_normalize=1", "4x14x14", 288 + 8, 196 * 288),
    ("[convolutional]\nfilters=4\nsize=3\ndilation=4", "4x10x10", 288 + 4, 100 * 288),
    ("[convolutional]\nfilters=4\nsize=2\npad=1\ndilation=2", "4x13x13", 128 + 4, 169 * 128),
    ("[convolutional]\nfilters=4\nsize=3\npadding=3\npad=1", "4x12x12", 288 + 4, 144 * 288),
    ("[convolutional]\nfilters=4\nsize=3\nstride=4\nstride_x=2\npad=1", "4x3x6", 288 + 4, 18 * 288),
    ("[convolutional]\nfilters=4\nsize=1\ndilation=3\npad=1\nstride_x=2\nstride_y=3", "4x4x6", 32 + 4, 24 * 32),
    ("[deconvolutional]\nfilters=4\nsize=4\nstride=2\npadding=1", "4x24x24", 8 * 4 * 16 + 4, 144 * 512),
    ("[deconvolutional]\nfilters=4\nsize=3\nstride=2\npad=1\nbatch_normalize=1", "4x23x23", 288 + 8, 144 * 288),
    ("[local]\nfilters=2\nsize=3\npad=1\nactivation=leaky", "2x12x12", 144 * (2 * 8 * 9 + 2), 144 * 144),
    ("[local]\nfilters=2\nsize=3\nstride=2\nactivation=leaky", "2x5x5", 25 * (2 * 8 * 9 + 2), 25 * 144),
    ("[connected]\noutput=10\nactivation=linear", "10", 1152 * 10 + 10, 11520),
    ("[connected]\noutput=10\nbatch_normalize=1\nactivation=tanh", "10", 11520 + 20, 11520),
    ("[maxpool]\nsize=2\nstride=2", "8x6x6", 0, 0),
    ("[maxpool]\nsize=2\nstride=1", "8x12x12", 0, 0),
    ("[maxpool]\nsize=5\nstride=1", "8x12x12", 0, 0),
    ("[maxpool]\nsize=3\nstride=2", "8x6x6", 0, 0),
    ("[maxpool]\nsize=2\nstride=5", "8x3x3", 0, 0),
    ("[maxpool]\nsize=2\nstride=5\npadding=0", "8x3x3", 0, 0),
    ("[maxpool]\nsize=3\nstride=2\npadding=1", "8x6x6", 0, 0),  # (12 + 1 - 3) // 2 + 1
    ("[maxpool]\nsize=3\nstride=2\npadding=0", "8x5x5", 0, 0),
    ("[maxpool]\nstride=2\nstride_x=3", "8x6x4", 0, 0),
    ("[local_avgpool]\nsize=3\nstride=2", "8x6x6", 0, 0),  # padding is size - 1 here too
    ("[local_avgpool]\nsize=3\nstride=3\npadding=0", "8x4x4", 0, 0),
    ("[avgpool]", "8x1x1", 0, 0),
    ("[batchnorm]", "8x12x12", 16, 0),
    ("[lrn]\nsize=5\nalpha=.0001", "8x12x12", 0, 0),
    ("[reorg]\nstride=2", "32x6x6", 0, 0),
    ("[reorg3d]\nstride=2\nreverse=1", "2x24x24", 0, 0),
    ("[upsample]", "8x24x24", 0, 0),
    ("[upsample]\nstride=3", "8x36x36", 0, 0),
    ("[crop]\ncrop_width=10\ncrop_height=8\nflip=1", "8x8x10", 0, 0),
    ("[dropout]\nprobability=.5", "8x12x12", 0, 0),
    ("[activation]\nactivation=mish", "8x12x12", 0, 0),
    ("[softmax]", "1152", 0, 0),
    ("[softmax]\nspatial=1", "8x12x12", 0, 0),
    ("[detection]\nclasses=6\ncoords=0\nnum=2\nside=12", "8x12x12", 0, 0),
    ("[activation]\nactivation=relie", "8x12x12", 0, 0),
    ("[activation]\nactivation=ramp", "8x12x12", 0, 0),
    ("[activation]\nactivation=loggy", "8x12x12", 0, 0),
    ("[yolo]\nmask=0\nclasses=3\nbeta1=0.6\nmax_delta=5", "8x12x12", 0, 0),
    ("[maxpool]\nsize=2\nstride=1\npadding=6", "8x17x17", 0, 0),  # 12 + 6 - 2 + 1
    ("[local_avgpool]\nsize=3\nstride=2\npadding=8", "8x9x9", 0, 0),  # (12 + 8 - 3) // 2 + 1
    ("[convolutional]\nfilters=4\nsize=3\npad=1\nxnor=1\nbin_output=1\nbatch_normalize=1", "4x12x12", 296, 144 * 288),
    # the second uses the weights of the first, whatever its dilation; 8 channels, so that they fit
    (("[conv]\nfilters=8\nsize=3\npad=1\nbatch_normalize=1\n[dropout]\n"
     "[conv]\nfilters=8\nsize=3\npad=1\ndilation=2\nbatch_normalize=1\nshare_index=-2"), "8x12x12", 592, 2 * 144 * 576),
    (("[conv]\nfilters=8\nsize=3\npad=1\n[conv]\nfilters=8\nsize=3\npad=1\nshare_index=0\n"
     "[conv]\nfilters=8\nsize=3\npad=1\nshare_index=0"), "8x12x12", 584, 3 * 144 * 576),
    ("[batchnorm]\n[route_lhalf]\nlayers=-1", "4x12x12", 16, 0),
    ("[batchnorm]\n[dropout]\n[route_lhalf]\nlayers=-1,-2", "8x12x12", 16, 0),
    ("[batchnorm]\n[route]\nlayers=0", "8x12x12", 16, 0),
    ("[batchnorm]\n[route]\nlayers=-1,0", "16x12x12", 16, 0),
    ("[batchnorm]\n[route]\nlayers=-1\ngroups=2\ngroup_id=1", "4x12x12", 16, 0),
    ("[batchnorm]\n[dropout]\n[shortcut]\nfrom=-2\nactivation=relu", "8x12x12", 16, 0),
    ("[batchnorm]\n[route]\nlayers=0,0\n[shortcut]\nfrom=0", "16x12x12", 16, 0),
    ("[batchnorm]\n[reorg]\nstride=2\n[shortcut]\nfrom=0", "32x6x6", 16, 0),
    ("[batchnorm]\n[route]\nlayers=0,0\n[route]\nlayers=0\n[shortcut]\nfrom=1", "8x12x12", 16, 0),
    ("[batchnorm]\n[avgpool]\n[scale_channels]\nfrom=-2", "8x12x12", 16, 0),
    ("[batchnorm]\n[dropout]\n[sam]\nfrom=0\nactivation=logistic", "8x12x12", 16, 0),
]  # fmt: skip


@pytest.mark.parametrize(("section", "shape", "params", "macs"), SECTIONS, ids=[row[0][:60] for row in SECTIONS])
def test_sections(section: str, shape: str, params: int, macs: int) -> None:
    flat = read(NET.format(12, 8) + section)
    result = costcalc.count(flat.data())
    assert (result.params, result.macs) == (params, macs)
    assert str(flat.shapes[flat.outputs[-1]]) == shape
    assert costcalc.count(flat.text()).params == params


# What follows [net] (four lines), the line and column that are told, and what is said.
WRONG = [
    ("[convolutional]\nfilters=4\nsizes=3\n", "7:1", "convolutional0: 'sizes' is not known here"),
    ("[convolution]\n", "5:1", "section [convolution] can't be expressed"),
    ("[lstm]\n", "5:1", "section [lstm] can't be expressed: costcalc has no recurrent layers"),
    ("[contrastive]\n", "5:1", "section [contrastive] can't be expressed: costcalc has no operator for it"),
    ("[conv]\nfilters=8\n[conv]\nshare_index=-2\n", "8:1", "'share_index' is at least -1, not -2"),
    ("[conv]\nfilters=8\n[conv]\nfilters=4\nshare_index=0\n", "9:1", "no convolution with the same weights"),
    ("[conv]\nshare_index=0\n", "6:1", "no convolution with the same weights"),
    ("[conv]\nfilters=8\n[dropout]\n[conv]\nfilters=8\nshare_index=1\n", "10:1", "layer 1 before it is no"),
    ("[convolutional]\n  filters = 3.5\n", "6:3", "'filters' is a whole number, not '3.5'"),
    ("[convolutional]\nfilters=0\n", "6:1", "'filters' is at least 1, not 0"),
    ("[convolutional]\nfilters=99999999999999999999\n", "6:1", "'filters' is a whole number"),
    ("[convolutional]\nfilters=4\nfilters=5\n", "7:1", "'filters' stands here twice"),
    ("[convolutional]\nsize\n", "6:1", "neither a [section] nor key=value"),
    ("[convolutional]\nsize=\n", "6:1", "'size' has no value"),
    ("[convolutional\n", "5:1", "a section is one word in brackets"),
    ("[convolutional]\nactivation=stair\n", "6:1", "activation 'stair' can't be expressed"),
    ("[convolutional]\nsway=1\n", "6:1", "sway 1 can't be expressed"),
    ("[convolutional]\nsize=15\n", "5:1", "a window of 15 does not fit"),
    ("[convolutional]\ngroups=3\n", "5:1", "can't be split into 3 groups"),
    ("[dropout]\n[route]\nlayers=-2\n", "7:1", "there is no layer -2 before it"),
    ("[dropout]\n[route]\nlayers=1\n", "7:1", "there is no layer 1 before it"),
    ("[route]\n", "5:1", "needs 'layers'"),
    ("[dropout]\n[route]\nlayers=x\n", "7:1", "'x' is no layer's number"),
    ("[dropout]\n[shortcut]\nfrom=0\n[net]\n", "8:1", "a second [net]"),
    ("[dropout]\n[upsample]\n[shortcut]\nfrom=0\n", "7:1", "add needs equal shapes"),
    ("[shortcut]\nfrom=-1\n", "6:1", "there is no layer -1 before it"),
    ("[connected]\noutput=4\n[maxpool]\n", "7:1", "maxpool1 takes an image"),
    ("[yolo]\nmask=0,1,2\nclasses=80\n", "5:1", "yolo0 takes 255 channels, but the layer before gives 8"),
    ("[region]\nnum=5\n", "5:1", "region0 takes 125 channels"),
    ("[upsample]\nstride=999999999\n" * 2, "5:1", "the tensor is too large"),
    ("[yolo]\nmask=0\nclasses=3\nanchros=1,2\n", "8:1", "'anchros' is not known here"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "place", "said"), WRONG, ids=[row[2] for row in WRONG])
def test_mistakes_have_a_place(text: str, place: str, said: str) -> None:
    with pytest.raises(SpecError, match=re.escape(said)) as caught:
        read(NET.format(12, 8) + text, where="a.cfg")
    assert str(caught.value).startswith(f"a.cfg:{place}: ")


@pytest.mark.parametrize("text", ["", "width=3", "[convolutional]\n", "[net]\nwidth=3\n", "\0\0\0", "[net]\nfoo=1\n"])
def test_no_network(text: str) -> None:
    with pytest.raises(SpecError):
        read(text)


@pytest.mark.parametrize(
    "text", ["[dropout]\n" * 90_000, "a=1\n" * 200_000, "[route]\nlayers=" + "-1," * 300_000, "[" * 900_000]
)
def test_huge_files_are_refused_in_time(text: str) -> None:
    start = time.process_time()
    with pytest.raises(SpecError):
        read(NET.format(12, 8) + text)
    assert time.process_time() - start < 2


def spoiled(texts: list[str], number: int, seed: int = 0) -> Iterator[str]:
    """Yield texts with a few characters or lines lost, doubled, exchanged or replaced; always the same ones."""
    draw = random.Random(seed)
    signs = ["", "-", "9" * 12, "0", "-1", "[", "]", "{", "}", "=", "\n", '"', ":", "#", "\0", "\u2028", "1e9", "é"]
    for _ in range(number):
        lines = draw.choice(texts).splitlines(keepends=True)
        for _ in range(draw.randint(1, 3)):
            k, other = draw.randrange(len(lines)), draw.randrange(len(lines))
            place = draw.randrange(len(lines[k]) + 1)
            change = draw.randrange(6)
            if change == 0:
                lines[k] = lines[k][:place] + draw.choice(signs) + lines[k][place + draw.randint(0, 3) :]
            elif change == 1:
                lines[k] = re.sub(r"[0-9]+", lambda _: draw.choice(signs[2:5]), lines[k], count=1)
            elif change == 2:
                lines[k], lines[other] = lines[other], lines[k]
            elif change == 3:
                lines.insert(k, lines[other])
            elif change == 4 and len(lines) > 1:
                del lines[k]
            elif len(lines) > 1:
                del lines[max(1, draw.randrange(len(lines))) :]
        yield "".join(lines)


def hold(text: str, read: Callable[[str], Flat] = read) -> bool:
    """Read a text and count it; say whether it was a network. Anything but a SpecError is raised."""
    start, good = time.process_time(), False
    with suppress(SpecError):
        good = costcalc.count(read(text).data()).params >= 0
    assert time.process_time() - start < 2
    return good


def test_spoiled_files_give_a_network_or_a_mistake() -> None:
    texts = [(DATA / "yolov3-tiny.cfg").read_text(), *(NET.format(12, 8) + row[0] for row in SECTIONS)]
    good = [hold(text) for text in spoiled(texts, 300)]
    assert 20 < sum(good) < 280
