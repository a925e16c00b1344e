"""Body tables: the rows that papers print, beside what the columns of a report say of the same networks."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.reports import body

# (network, levels, columns) and the rows as their source prints them, in its order. Where a table has a stem or a head
# in words of its own (`Classifier`, `k`), the lines stand for themselves.
RELU, SWISH = "relu", "hard_swish"  # RE and HS in the tables
MOBILENET_V1 = (  # arXiv:1704.04861, Table 1; the last dw is printed s2, where its sizes need 1
    "mobilenet_v1",
    None,
    "n,stride,filter,input",
    """
    1     | 2 | 3 x 3 x 3 x 32      | 224 x 224 x 3
    1     | 1 | 3 x 3 x 32 dw       | 112 x 112 x 32
    1     | 1 | 1 x 1 x 32 x 64     | 112 x 112 x 32
    1     | 2 | 3 x 3 x 64 dw       | 112 x 112 x 64
    1     | 1 | 1 x 1 x 64 x 128    | 56 x 56 x 64
    1     | 1 | 3 x 3 x 128 dw      | 56 x 56 x 128
    1     | 1 | 1 x 1 x 128 x 128   | 56 x 56 x 128
    1     | 2 | 3 x 3 x 128 dw      | 56 x 56 x 128
    1     | 1 | 1 x 1 x 128 x 256   | 28 x 28 x 128
    1     | 1 | 3 x 3 x 256 dw      | 28 x 28 x 256
    1     | 1 | 1 x 1 x 256 x 256   | 28 x 28 x 256
    1     | 2 | 3 x 3 x 256 dw      | 28 x 28 x 256
    1     | 1 | 1 x 1 x 256 x 512   | 14 x 14 x 256
    5 x [ | 1 | 3 x 3 x 512 dw      | 14 x 14 x 512
    ]     | 1 | 1 x 1 x 512 x 512   | 14 x 14 x 512
    1     | 2 | 3 x 3 x 512 dw      | 14 x 14 x 512
    1     | 1 | 1 x 1 x 512 x 1024  | 7 x 7 x 512
    1     | 1 | 3 x 3 x 1024 dw     | 7 x 7 x 1024
    1     | 1 | 1 x 1 x 1024 x 1024 | 7 x 7 x 1024
    1     |   | pool 7 x 7          | 7 x 7 x 1024
    1     |   | 1024 x 1000         | 1024
    """,
)
MOBILENET_V2 = (  # arXiv:1801.04381, Table 2: t, c, n, s
    "mobilenet_v2",
    1,
    "input,t,out,n,stride",
    """
    224 x 224 x 3  |   | 32   | 1   | 2
    112 x 112 x 32 | 1 | 16   | 1   | 1
    112 x 112 x 16 | 6 | 24   | 2 x | 2
    56 x 56 x 24   | 6 | 32   | 3 x | 2
    28 x 28 x 32   | 6 | 64   | 4 x | 2
    14 x 14 x 64   | 6 | 96   | 3 x | 1
    14 x 14 x 96   | 6 | 160  | 3 x | 2
    7 x 7 x 160    | 6 | 320  | 1   | 1
    7 x 7 x 320    |   | 1280 | 1   | 1
    """,
)
V3 = "input,kernel,exp,out,se,nl,stride"
MOBILENET_V3_LARGE = (  # arXiv:1905.02244, Table 1
    "mobilenet_v3_large",
    1,
    V3,
    """
    224 x 224 x 3  | 3x3 |     | 16  |     | HS | 2
    112 x 112 x 16 | 3x3 | 16  | 16  | -   | RE | 1
    112 x 112 x 16 | 3x3 | 64  | 24  | -   | RE | 2
    56 x 56 x 24   | 3x3 | 72  | 24  | -   | RE | 1
    56 x 56 x 24   | 5x5 | 72  | 40  | yes | RE | 2
    28 x 28 x 40   | 5x5 | 120 | 40  | yes | RE | 1
    28 x 28 x 40   | 5x5 | 120 | 40  | yes | RE | 1
    28 x 28 x 40   | 3x3 | 240 | 80  | -   | HS | 2
    14 x 14 x 80   | 3x3 | 200 | 80  | -   | HS | 1
    14 x 14 x 80   | 3x3 | 184 | 80  | -   | HS | 1
    14 x 14 x 80   | 3x3 | 184 | 80  | -   | HS | 1
    14 x 14 x 80   | 3x3 | 480 | 112 | yes | HS | 1
    14 x 14 x 112  | 3x3 | 672 | 112 | yes | HS | 1
    14 x 14 x 112  | 5x5 | 672 | 160 | yes | HS | 2
    7 x 7 x 160    | 5x5 | 960 | 160 | yes | HS | 1
    7 x 7 x 160    | 5x5 | 960 | 160 | yes | HS | 1
    7 x 7 x 160    | 1x1 |     | 960 |     | HS | 1
    """,
)
MOBILENET_V3_SMALL = (  # arXiv:1905.02244, Table 2
    "mobilenet_v3_small",
    1,
    V3,
    """
    224 x 224 x 3  | 3x3 |     | 16 |     | HS | 2
    112 x 112 x 16 | 3x3 | 16  | 16 | yes | RE | 2
    56 x 56 x 16   | 3x3 | 72  | 24 | -   | RE | 2
    28 x 28 x 24   | 3x3 | 88  | 24 | -   | RE | 1
    28 x 28 x 24   | 5x5 | 96  | 40 | yes | HS | 2
    14 x 14 x 40   | 5x5 | 240 | 40 | yes | HS | 1
    14 x 14 x 40   | 5x5 | 240 | 40 | yes | HS | 1
    14 x 14 x 40   | 5x5 | 120 | 48 | yes | HS | 1
    14 x 14 x 48   | 5x5 | 144 | 48 | yes | HS | 1
    14 x 14 x 48   | 5x5 | 288 | 96 | yes | HS | 2
    7 x 7 x 96     | 5x5 | 576 | 96 | yes | HS | 1
    7 x 7 x 96     | 5x5 | 576 | 96 | yes | HS | 1
    """,
)
EFFICIENTNET_B0 = (  # arXiv:1905.11946, Table 1: MBConv1 or MBConv6, the kernel, resolution, #channels, #layers
    "efficientnet_b0",
    1,
    "t,kernel,resolution,out,n",
    """
      | 3x3 | 224 x 224 | 32   | 1
    1 | 3x3 | 112 x 112 | 16   | 1
    6 | 3x3 | 112 x 112 | 24   | 2 x
    6 | 5x5 | 56 x 56   | 40   | 2 x
    6 | 3x3 | 28 x 28   | 80   | 3 x
    6 | 5x5 | 14 x 14   | 112  | 3 x
    6 | 5x5 | 14 x 14   | 192  | 4 x
    6 | 3x3 | 7 x 7     | 320  | 1
      | 1x1 | 7 x 7     | 1280 | 1
    """,
)
SQUEEZENET = (  # arXiv:1602.07360, Table 1: output, stride of what is no fire, s1x1, e1x1, e3x3
    "squeezenet1_0_caffe",
    1,
    "output,stride,out:conv,out:expand1x1,out:expand3x3",
    """
    111 x 111 x 96 | 2 |    |     |
    55 x 55 x 96   | 2 |    |     |
    55 x 55 x 128  | 1 | 16 | 64  | 64
    55 x 55 x 128  | 1 | 16 | 64  | 64
    55 x 55 x 256  | 1 | 32 | 128 | 128
    27 x 27 x 256  | 2 |    |     |
    27 x 27 x 256  | 1 | 32 | 128 | 128
    27 x 27 x 384  | 1 | 48 | 192 | 192
    27 x 27 x 384  | 1 | 48 | 192 | 192
    27 x 27 x 512  | 1 | 64 | 256 | 256
    13 x 13 x 512  | 2 |    |     |
    13 x 13 x 512  | 1 | 64 | 256 | 256
    """,
)
GOOGLENET = (  # arXiv:1409.4842, Table 1: inception (3a) to (5b), and the pools between them
    "googlenet_caffe",
    1,
    "layer,output,out:1x1,out:3x3/conv1,out:3x3/conv2,out:5x5/conv1,out:5x5/conv2,out:pool/conv",
    """
    3a | 28 x 28 x 256  | 64  | 96  | 128 | 16 | 32  | 32
    3b | 28 x 28 x 480  | 128 | 128 | 192 | 32 | 96  | 64
    max_pool3 | 14 x 14 x 480 | | | | | |
    4a | 14 x 14 x 512  | 192 | 96  | 208 | 16 | 48  | 64
    4b | 14 x 14 x 512  | 160 | 112 | 224 | 24 | 64  | 64
    4c | 14 x 14 x 512  | 128 | 128 | 256 | 24 | 64  | 64
    4d | 14 x 14 x 528  | 112 | 144 | 288 | 32 | 64  | 64
    4e | 14 x 14 x 832  | 256 | 160 | 320 | 32 | 128 | 128
    max_pool4 | 7 x 7 x 832 | | | | | |
    5a | 7 x 7 x 832    | 256 | 160 | 320 | 32 | 128 | 128
    5b | 7 x 7 x 1024   | 384 | 192 | 384 | 48 | 128 | 128
    """,
)
INCEPTION_V2 = (  # arXiv:1512.00567, Table 1: 3 x figure 5; its fifth of figure 6 halves the resolution (figure 10)
    "inception_v2",
    1,
    "n,kernel,stride,input",
    """
    1   | 3x3 | 2 | 299 x 299 x 3
    1   | 3x3 | 1 | 149 x 149 x 32
    1   | 3x3 | 1 | 147 x 147 x 32
    1   | 3x3 | 2 | 147 x 147 x 64
    1   | 3x3 | 1 | 73 x 73 x 64
    1   | 3x3 | 2 | 71 x 71 x 80
    1   | 3x3 | 1 | 35 x 35 x 192
    3 x | 3x3 | 1 | 35 x 35 x 288
    """,
)
RESNET_50 = (  # arXiv:1512.03385, Table 1: [1x1, 64; 3x3, 64; 1x1, 256] x 3
    "resnet50",
    1,
    "output_resolution,out:conv1,out:conv2,out:conv3,n",
    """
    112 x 112 |     |     |      | 1
    56 x 56   |     |     |      | 1
    56 x 56   | 64  | 64  | 256  | 3 x
    28 x 28   | 128 | 128 | 512  | 4 x
    14 x 14   | 256 | 256 | 1024 | 6 x
    7 x 7     | 512 | 512 | 2048 | 3 x
    """,
)
SHUFFLENET = "output_resolution,kernel,stride,n,out"
SHUFFLENET_V1 = (  # arXiv:1707.01083, Table 1, g = 3
    "shufflenet_v1_g3",
    2,
    SHUFFLENET,
    """
    112 x 112 | 3x3 | 2 | 1   | 24
    56 x 56   | 3x3 | 2 | 1   | 24
    28 x 28   | 3x3 | 2 | 1   | 240
    28 x 28   | 3x3 | 1 | 3 x | 240
    14 x 14   | 3x3 | 2 | 1   | 480
    14 x 14   | 3x3 | 1 | 7 x | 480
    7 x 7     | 3x3 | 2 | 1   | 960
    7 x 7     | 3x3 | 1 | 3 x | 960
    """,
)
SHUFFLENET_V2 = (  # arXiv:1807.11164, Table 5, 1x
    "shufflenet_v2_x1_0",
    2,
    SHUFFLENET,
    """
    112 x 112 | 3x3 | 2 | 1   | 24
    56 x 56   | 3x3 | 2 | 1   | 24
    28 x 28   | 3x3 | 2 | 1   | 116
    28 x 28   | 3x3 | 1 | 3 x | 116
    14 x 14   | 3x3 | 2 | 1   | 232
    14 x 14   | 3x3 | 1 | 7 x | 232
    7 x 7     | 3x3 | 2 | 1   | 464
    7 x 7     | 3x3 | 1 | 3 x | 464
    7 x 7     | 1x1 | 1 | 1   | 1024
    """,
)
VGG_16 = (  # arXiv:1409.1556, Table 1, D: conv3-64, conv3-64, maxpool, ...
    "vgg16",
    None,
    "type,out",
    "\n".join(
        "\n".join([f"conv 3x3 | {width}"] * depth + [f"max_pool | {width}"])
        for width, depth in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
    ),
)
PRINTED = [
    MOBILENET_V1, MOBILENET_V2, MOBILENET_V3_LARGE, MOBILENET_V3_SMALL, EFFICIENTNET_B0, SQUEEZENET, GOOGLENET,
    INCEPTION_V2, RESNET_50, SHUFFLENET_V1, SHUFFLENET_V2, VGG_16,
]  # fmt: skip


def lines_of(text: str) -> list[list[str]]:
    """Return the cells of a printed table."""
    words = {"RE": RELU, "HS": SWISH}
    return [[words.get(cell.strip(), cell.strip()) for cell in line.split("|")] for line in text.strip().split("\n")]


def shown(network: Any, fold: int | None, columns: str) -> list[list[str]]:
    """Return the cells of ours, as they are written."""
    named = columns if {"layer", "type", "operator"} & {*columns.split(",")} else f"layer,{columns}"
    cells = costcalc.count(network).table(fold=fold, columns=named).cells
    return [["" if cell is None else str(cell).strip() for cell in (c if named == columns else c[1:])] for c in cells]


@pytest.mark.parametrize(("network", "fold", "columns", "printed"), PRINTED, ids=[row[0] for row in PRINTED])
def test_the_body_tables_of_papers(network: str, fold: int | None, columns: str, printed: str) -> None:
    """Each printed row is a line, in the table's order and next to its neighbours."""
    wanted = lines_of(printed)
    ours = shown(network, fold, columns)
    first = ours.index(wanted[0])
    assert ours[first : first + len(wanted)] == wanted


# "CONV2: 256 5x5 filters at stride 1, pad 2" [27x27x256], of the lecture's list (Representative CNNs, 2023).
ALEXNET = {
    "conv1": "55 x 55 x 96 | 96 | 11x11 | 4 | 0",
    "pool1": "27 x 27 x 96 | 96 | 3x3 | 2 | 0",
    "lrn1": "27 x 27 x 96 | 96 | | |",  # NORM1, behind the pool
    "conv2": "27 x 27 x 256 | 256 | 5x5 | 1 | 2",
    "pool2": "13 x 13 x 256 | 256 | 3x3 | 2 | 0",
    "lrn2": "13 x 13 x 256 | 256 | | |",
    "conv3": "13 x 13 x 384 | 384 | 3x3 | 1 | 1",
    "conv4": "13 x 13 x 384 | 384 | 3x3 | 1 | 1",
    "conv5": "13 x 13 x 256 | 256 | 3x3 | 1 | 1",
    "pool5": "6 x 6 x 256 | 256 | 3x3 | 2 | 0",
    "fc6": "4096 | 4096 | | |",
    "fc7": "4096 | 4096 | | |",
    "fc8": "1000 | 1000 | | |",
}


def test_the_lectures_alexnet() -> None:
    ours = shown("alexnet_lecture", None, "layer,output,out,kernel,stride,padding")
    found = {line[0]: line[1:] for line in ours if line[0] in ALEXNET}
    assert found == {name: lines_of(line)[0] for name, line in ALEXNET.items()}
    assert [*found] == [*ALEXNET]


def net(*layers: Any, **blocks: Any) -> dict[str, Any]:
    """Return a network of one block, called `it`."""
    defaults = {"conv": {"padding": "half"}, "dwconv": {"padding": "half"}}
    body_ = {"costcalc": 1, "name": "net", "input": [16, 8, 8], "defaults": defaults}
    return {**body_, "blocks": {**blocks, "it": [*layers]}, "layers": ["it"]}


POINT = {"conv": {"out": 16, "kernel": 1}}
WIDE = {"conv": {"out": 40, "kernel": 1}}
DEPTH = {"dwconv": {"kernel": 3}}
GATE = [
    {"global_avg_pool": None},
    {"fc": {"out": 4, "act": "relu"}},
    {"fc": {"out": "c_of(input)", "act": "sigmoid"}},
    {"multiply": ["input", []]},
]
ADDED = [*GATE[:2], {**GATE[2], "name": "g"}, {"add": {"broadcast": True}, "from": ["input", "g"]}]

# A block, and what its columns are: by hand, from what each is said to be.
BLOCKS: dict[str, tuple[dict[str, Any], str, Any]] = {
    "an expansion": (net(WIDE, DEPTH, POINT), "exp", 40),
    "its ratio": (net(WIDE, DEPTH, POINT), "t", 2.5),
    "none, which is 1": (net(DEPTH, WIDE), "t", 1),
    "grouped too": (net({"conv": {"out": 4, "kernel": 1, "groups": 2}}, DEPTH, POINT), "t", 0.25),
    "a bottleneck is no inverted residual": (net(WIDE, {"conv": {"out": 40, "kernel": 3}}, POINT), "t", None),
    "nor what goes on after": (net(DEPTH, WIDE, POINT), "exp", None),
    "nor two of its own": (net(WIDE, DEPTH, DEPTH, POINT), "exp", None),
    "a gate inside it": (net(WIDE, DEPTH, "gate", POINT, gate=GATE), "exp", 40),
    "a gate": (net(WIDE, "gate", gate=GATE), "se", True),
    "no gate": (net(WIDE, DEPTH, POINT), "se", False),
    "one layer is no gate": (net(WIDE, "gate", gate=[GATE[0], *GATE[2:]]), "se", False),
    "added is no gate": (net(WIDE, "gate", gate=ADDED), "se", False),
    "activations of gates are none": (net(WIDE, "gate", "silu", gate=GATE), "nl", "swish"),
    "several activations": (net("relu6", WIDE, "silu"), "nl", "relu6, swish"),
    "the kernel": (net(WIDE, {"dwconv": {"kernel": [3, 5]}}, POINT), "kernel", "3x5"),
    "two kernels": (net(DEPTH, {"dwconv": {"kernel": 5}}), "kernel", None),
    "strides together": (net({"dwconv": {"kernel": 3, "stride": 2}}, {"max_pool": {"kernel": 2}}), "stride", "4"),
    "a stride upwards": (net(WIDE, {"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}), "stride", "1/2"),
    "no stride of the whole": (net(WIDE, "global_avg_pool"), "stride", None),
    "branches are not one after the other": (
        net({"concat": {"way1": [WIDE, POINT], "way2": [DEPTH, POINT]}}), "n", 1,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("network", "column", "value"), BLOCKS.values(), ids=[*BLOCKS])
def test_columns_of_a_block(network: dict[str, Any], column: str, value: Any) -> None:
    (line,) = costcalc.count(network).drawn("layer", 1, f"layer,{column}")
    assert line[column] == value
    assert type(line[column]) is type(value)


# Of one layer: its kind's kernel as papers write it.
FILTERS: dict[str, tuple[dict[str, Any], str]] = {
    "conv": ({"conv": {"out": 32, "kernel": 3}}, "3 x 3 x 16 x 32"),
    "two axes": ({"conv": {"out": 32, "kernel": [1, 7]}}, "1 x 7 x 16 x 32"),
    "groups": ({"conv": {"out": 32, "kernel": 3, "groups": 4}}, "3 x 3 x 4 x 32, 4 groups"),
    "depthwise": ({"dwconv": {"kernel": 5}}, "5 x 5 x 16 dw"),
    "by its groups": ({"conv": {"out": 16, "kernel": 5, "groups": 16}}, "5 x 5 x 16 dw"),
    "several a channel": ({"dwconv": {"kernel": 5, "multiplier": 2}}, "5 x 5 x 16 x 32 dw"),
    "transposed": ({"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}, "2 x 2 x 16 x 8"),
    "pool": ({"max_pool": {"kernel": 2}}, "pool 2 x 2"),
    "all of it": ({"global_avg_pool": None}, "pool 8 x 8"),
    "fc": ({"fc": {"out": 10, "per_position": True}}, "16 x 10"),
    "none": ({"relu": None}, ""),
}


@pytest.mark.parametrize(("layer", "drawn"), FILTERS.values(), ids=[*FILTERS])
def test_filters_as_papers_draw_them(layer: dict[str, Any], drawn: str) -> None:
    assert costcalc.count(net(layer)).drawn(columns="filter")[0]["filter"] == drawn


@pytest.mark.parametrize("format_", ["table", "markdown", "latex", "csv", "json"])
def test_every_format_has_them(format_: str, run: Run) -> None:
    asked = ["report", "mobilenet_v3_large", "--fold", "1", "--columns", "operator,exp,se,macs"]
    done = run(*asked, "--format", format_)
    assert done.code == 0
    if format_ == "csv":
        found = {line["name"]: line for line in csv.DictReader(io.StringIO(done.out))}["bneck4"]
        assert (found["operator"], found["exp"], found["se"]) == ("bneck 5x5", "72", "True")
    elif format_ == "json":
        found = {line["name"]: line for line in json.loads(done.out)["lines"]}["bneck4"]
        assert (found["operator"], found["exp"], found["se"]) == ("bneck 5x5", 72, True)
    else:
        line = next(line for line in done.out.splitlines() if "bneck 5x5" in line)
        assert line.replace("|", " ").replace("&", " ").split()[:4] == ["bneck", "5x5", "72", "yes"]


def test_a_table_has_the_columns_that_are_named_and_names_where_none_tells_lines_apart() -> None:
    result = costcalc.count("mobilenet_v1")
    assert [one.title for one in result.table(columns="params,type").columns] == ["params", "type"]
    assert [one.title for one in result.table(columns="filter,params").columns] == ["layer", "filter shape", "params"]
    assert [one.title for one in result.table(columns="type,filter").columns] == ["type", "filter shape"]
    assert result.table(columns="type,filter").totals == []
    assert result.table(columns="type,params").totals[-1] == 4_231_976


REFUSED = {
    "columns=filtr": ("there is no metric 'filtr'", "did you mean 'filter'?"),
    "columns=out:none": ("no line has a layer 'none' inside", "fold lines to blocks"),
    "fold=1 columns=out:expand1": ("no line has a layer 'expand1' inside", "did you mean 'expand1x1/conv'?"),
    "by=type columns=filter": ("a view by type has no layers to draw", "these columns are for views"),
    "columns=filter bits=8": ("bits is about metrics, and none is asked for", "name them"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.items(), ids=[*REFUSED])
def test_columns_that_are_refused(given: str, said: tuple[str, str]) -> None:
    options: dict[str, Any] = dict(pair.split("=") for pair in given.split())
    numbers = {name: int(options[name]) for name in options if name in ("fold", "bits")}
    with pytest.raises(costcalc.SpecError) as error:
        costcalc.count("squeezenet").table(**options | numbers)
    assert all(part in str(error.value) for part in said)


@pytest.mark.parametrize("given", ["--batch 8", "--convention thop", "--unit flops"])
def test_what_body_columns_alone_do_not_show_is_refused(given: str, run: Run) -> None:
    words = "report", "alexnet", "--columns", "input,output"
    refused = run(*words, *given.split())
    assert refused.code
    assert f"{given.split(maxsplit=1)[0]} does not matter to input, output" in refused.err
    assert run(*words[:-1], "input,params", *given.split()).code == 0
    assert run(*words, *given.split(), "--format", "json").code == 0  # which has the costs too


def test_every_column_says_what_it_is() -> None:
    assert all(len(doc) > 10 and doc.endswith(".") for doc in body.docs().values())


# Table 2 of arXiv:1704.04861 as the lecture's slide has it (its 1.19 % of conv 3x3 is a misprint of 1.91 %).
SLIDE = [
    ["conv 1x1", "74.59", "94.86"],
    ["conv dw 3x3", "1.06", "3.06"],
    ["conv 3x3", "0.02", "1.91"],
    ["fc", "24.33", "0.18"],
]


def test_a_slide_has_what_costs_with_two_decimals_and_a_short_title(run: Run) -> None:
    out = run("report", "mobilenet_v1", "--by", "type", "--convention", "weights", "--slide").out
    lines = out.splitlines()
    assert lines[0] == "MobileNetV1: input 3x224x224"
    cells = [line.split("  ") for line in lines[6:10]]
    assert [[part.strip() for part in line if part.strip()] for line in cells] == [
        [name, params, share, macs, other]
        for (name, share, other), params, macs in zip(
            SLIDE, ("3.14", "0.04", "<0.01", "1.02"), ("539.49", "17.39", "10.84", "1.02"), strict=True
        )
    ]
    assert "relu" not in out
    assert "softmax" not in out


@pytest.mark.parametrize("words", [["mobilenet_v1", "--width", "0.5"], ["mobilenet_v1@width=0.5"]])
def test_a_slide_keeps_a_knob_that_was_set(words: list[str], run: Run) -> None:
    out = run("report", *words, "--slide").out
    assert out.splitlines()[0] == "MobileNetV1: input 3x224x224, width 0.5"
    assert "global_avg_pool" not in out
    assert out.count("total") == 1


@pytest.mark.parametrize("other", [["--exact"], ["--format", "csv"], ["--format", "json"]])
def test_a_slide_rounds(other: list[str], run: Run) -> None:
    done = run("report", "mobilenet_v1", "--slide", *other)
    assert done.code == 2
    assert "--slide rounds" in done.err
