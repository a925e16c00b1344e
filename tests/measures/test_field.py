"""Receptive fields: figures of Google's table and of papers, and every place of random networks against gradients."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import pytest

import costcalc
from costcalc.base.errors import Mark
from costcalc.graph.graph import Node
from costcalc.measures.field import fields, size
from costcalc.numbers.num import UNKNOWN
from costcalc.numbers.shape import Shape
from costcalc.operators.op import operators
from costcalc.operators.receptive import Reach, resampled, sliding

# TF-slim's networks (google-research/receptive_field prints them), where the zoo has another framework's.
ALEXNET_V2 = [
    {"conv": {"out": 64, "kernel": 11, "stride": 4}},
    {"max_pool": {"kernel": 3, "stride": 2}},
    {"conv": {"out": 192, "kernel": 5, "padding": "half"}},
    {"max_pool": {"kernel": 3, "stride": 2}},
    *[{"conv": {"out": 8, "kernel": 3, "padding": "half"}}] * 3,
    {"max_pool": {"kernel": 3, "stride": 2}},
]


def slim_mobilenet_v1() -> list[Any]:
    """TF-slim pads with SAME: of an even input floor(total / 2) comes before."""
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    pair = [
        [{"dwconv": {"kernel": 3, "stride": s, "padding": "same"}}, {"conv": {"out": 8, "kernel": 1}}] for s in strides
    ]
    return [{"conv": {"out": 8, "kernel": 3, "stride": 2, "padding": "same"}}, *(item for two in pair for item in two)]


# network, its field, stride and padding
GOLDEN: list[tuple[Any, tuple[int, int, int]]] = [
    ("vgg16", (212, 32, 90)),  # at pool5: a pool to 7x7 of 7x7 adds nothing
    (ALEXNET_V2, (195, 32, 64)),
    (slim_mobilenet_v1(), (315, 32, 126)),
    ("mobilenet_v1", (315, 32, 157)),  # symmetric padding
    ("resnet50_v1", (483, 32, 241)),
    ("resnet101_v1", (1027, 32, 513)),
    ("resnet152_v1", (1507, 32, 753)),
    ("resnet50", (427, 32, 213)),  # torchvision: the stride in the 3x3
    ("resnet101", (971, 32, 485)),
    ("inception_v3", (1311, 32, 618)),
    ("bn_inception", (699, 32, 343)),  # Google's Inception-v2: 699, with SAME's padding
]


def spec(layers: list[Any], shape: list[int] | None = None, **more: Any) -> dict[str, Any]:
    return {"costcalc": 1, "input": shape or [3, 224, 224], "layers": layers, **more}


@pytest.mark.parametrize(("network", "wanted"), GOLDEN, ids=lambda v: v if isinstance(v, str) else "")
def test_published_fields(network: Any, wanted: tuple[int, int, int]) -> None:
    result = costcalc.count(network if isinstance(network, str) else spec(network))
    found = [result.metric(name).total for name in ("receptive_field", "effective_stride", "effective_padding")]
    assert tuple(found) == wanted
    assert result.metric("field_centre").total == Fraction(wanted[0] - 1, 2) - wanted[2]


def test_gates_read_all_unless_left_out() -> None:
    result = costcalc.count("mobilenet_v3_large")
    one = result.metric("receptive_field")
    assert (one.total, one.metric.remarks(one.graph, one.setup)[0].split()[0]) == ("global", "bneck4/se/multiply")
    assert result.metric("receptive_field", ignore_se=True).total == 595


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ([{"concat": [{"conv": {"out": 1, "kernel": 3, "padding": 1}},
                      {"conv": {"out": 1, "kernel": 2, "padding": [0, 1, 0, 1]}}]}],
         "paths of different centres meet at concat"),
        ([{"add": [[{"conv": {"out": 3, "kernel": 1, "stride": 2}}], [{"crop": {"size": 12}}]]}],
         "paths of different strides meet at add"),
        ([{"conv": {"out": 1, "kernel": 25, "padding": 12}}, {"conv": {"out": 1, "kernel": 3, "padding": 1}}],
         "from conv1 on it is larger than the input 3x24x24"),
    ],
)  # fmt: skip
def test_what_a_reader_must_know_is_said(layers: list[Any], said: str) -> None:
    one = costcalc.count(spec(layers, [3, 24, 24])).metric("receptive_field")
    assert said in one.metric.remarks(one.graph, one.setup)


def test_axes_that_differ_are_told_both() -> None:
    result = costcalc.count(spec([{"conv": {"out": 4, "kernel": [1, 7], "stride": [1, 2]}}]))
    assert [result.metric(n).total for n in ("receptive_field", "effective_stride")] == ["1x7", "1x2"]


# ---- against gradients ----------------------------------------------------------------------------------

# What a random network is made of, each linear with weights above zero: all that it reads has a gradient.
PIECES: list[dict[str, Any]] = [
    {"conv": {"out": 2, "kernel": 3, "padding": 1}},
    {"conv": {"out": 2, "kernel": 3, "stride": 2, "padding": 1}},
    {"conv": {"out": 2, "kernel": 2, "dilation": 3, "padding": [1, 2]}},
    {"conv": {"out": 2, "kernel": 5, "stride": 3, "padding": "same"}},
    {"avg_pool": {"kernel": 2}},
    {"avg_pool": {"kernel": 3, "stride": 2, "padding": 1, "ceil_mode": True}},
    {"dwconv": {"kernel": 4, "stride": 2, "padding": "same"}},
    {"conv_transpose": {"out": 2, "kernel": 4, "stride": 2, "padding": 1}},
    {"conv_transpose": {"out": 2, "kernel": 2, "stride": 3}},
    {"conv_transpose": {"out": 2, "kernel": 3, "stride": 2, "dilation": 2, "padding": 1}},
    {"upsample": {"scale": 2}},
    {"upsample": {"scale": 2, "mode": "linear"}},
    {"pad": {"padding": 2}},
    {"crop": {"border": 1}},
    {"subsample": {"stride": 2}},
    {"slice": {"axis": 1, "start": 2, "step": 3}},
    {"adaptive_avg_pool": {"size": 6}},
    {"concat": [[], [{"conv": {"out": 2, "kernel": 3, "padding": 1}}]]},
    {"add": [{"conv": {"out": 2, "kernel": 3, "stride": 2, "padding": 1}},
             {"conv": {"out": 2, "kernel": 5, "stride": 2, "padding": 2}}]},
]  # fmt: skip


def drawn(seed: int) -> dict[str, Any]:
    """Return a random chain of pieces over one spatial axis."""
    rng = random.Random(seed)
    pieces = [PIECES[seed % len(PIECES)], *rng.choices(PIECES, k=rng.randint(0, 3))]
    rng.shuffle(pieces)
    return spec([{"conv": {"out": 2, "kernel": 1}}, *pieces], [1, rng.randint(180, 210)])


def read(network: Any, length: int, place: int) -> list[int]:
    """Return the first and last input place that an output's gradient reaches."""
    torch = pytest.importorskip("torch")
    image = torch.ones(1, 1, length, requires_grad=True)
    network(image)[0, :, place].sum().backward()
    at = image.grad[0, 0].abs().gt(1e-12).nonzero().flatten().tolist()
    return [at[0], at[-1]] if at else []


@pytest.mark.parametrize("seed", range(95))
def test_every_output_reads_what_its_gradient_reaches(seed: int) -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.build import build

    try:
        graph = costcalc.count(drawn(seed)).graph
    except costcalc.SpecError:
        pytest.skip("a window that does not fit")
    network = build(graph).double()
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, 0.1, 1.0)
    torch.set_default_dtype(torch.float64)
    try:
        view = fields(graph, ignore=False).views[-1]
        assert view is not None
        length = graph.input_shapes["input"].w
        width, checked = graph.nodes[-1].y.w, 0
        for place in sorted({*range(0, width, max(1, width // 20)), width // 2, width // 2 + 1}):
            window = view[0].of(place)
            theirs = read(network, length, place)
            inside = window is None or 30 <= window[0] <= window[1] < length - 30
            if theirs:
                assert window, (graph.nodes, place)
                ours = [max(window[0], 0), min(window[1], length - 1)]
                assert ours[0] <= theirs[0], (graph.nodes, place)
                assert ours[1] >= theirs[1], (graph.nodes, place)
                # Near the border, what would be read may lie in some row's padding.
                assert ours == theirs or not inside, (graph.nodes, place, ours, theirs)
                checked += inside
            else:
                assert window is None or not inside, (graph.nodes, place)
        assert checked or length > width * 3
    finally:
        torch.set_default_dtype(torch.float32)


NEAR = {"conv": {"out": 2, "kernel": 3, "padding": 1}}
FAR = {"conv": {"out": 2, "kernel": 3, "stride": 2, "padding": 1}}
HERE = {**NEAR, "name": "here"}
# What moves places about, over 40 of one axis.
MOVED: list[list[Any]] = [
    [{"roll": {"by": [7], "axes": [1]}}],
    [NEAR, {"roll": {"by": [-9, 1, 3], "axes": [1, 0, 1]}}, NEAR],
    [{"roll": {"by": [50], "axes": [1]}}, FAR, {"flip": {"axes": [1]}}, {"upsample": {"scale": 2}}],
    [HERE, {"concat": {"axis": 1}, "from": ["here", "here"]}, NEAR],
    [HERE, {**FAR, "name": "less"}, {"concat": {"axis": 1}, "from": ["less", "here"]}, NEAR, FAR],
    [HERE, {"parameter": {"shape": [2, 3]}, "name": "token"}, {"concat": {"axis": 1}, "from": ["token", "here"]}, FAR],
    [HERE, {"roll": {"by": [4], "axes": [1]}, "name": "moved"}, {"add": ["here", "moved"]}, NEAR],
]


@pytest.mark.parametrize("layers", MOVED, ids=lambda layers: " ".join(next(iter(item)) for item in layers))
def test_what_is_moved_about_reads_what_its_gradient_reaches(layers: list[Any]) -> None:
    torch = pytest.importorskip("torch")
    from costcalc.interop.torch.build import build

    graph = costcalc.count(spec(layers, [1, 40])).graph
    network = build(graph)
    for weight in network.parameters():
        torch.nn.init.uniform_(weight, 0.1, 1.0)
    view, same = fields(graph, ignore=False).views[-1], 0
    assert view is not None
    width = graph.nodes[-1].y.w
    for place in range(width):
        window, theirs = view[0].of(place), read(network, 40, place)
        ours = [max(window[0], 0), min(window[1], 39)] if window else []
        same += ours == theirs
        assert not theirs or (ours and ours[0] <= theirs[0] and ours[1] >= theirs[1]), (place, ours, theirs)
    assert same >= width - 4  # an output beside a border may read less


# Statistics over the image are left out, an attention's own shift is counted as one pixel (docs/receptive-field.md).
LEFT_OUT = {"batch_norm", "layer_norm", "rms_norm", "group_norm", "instance_norm", "active_shift"}
EXAMPLES = [
    (kind, number)
    for kind, op in sorted(operators().items())
    if op.kind == kind and kind not in {*LEFT_OUT, "custom", "opaque"}
    for number, one in enumerate(op.examples)
    if any(len(dims) > 1 for dims in (one.x if one.x and isinstance(one.x[0], tuple) else (one.x,)))
]
MOST_SIDE = 14  # examples on larger images are of layers that a smaller one shows as well


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize(("kind", "number"), EXAMPLES)
def test_an_operator_reads_what_its_gradient_reaches(kind: str, number: int) -> None:
    """Every output's pixel, through every operand: the places that have a gradient are those of the rule.

    A rule that says "all" says so of all axes, also where one alone is read whole.
    """
    torch = pytest.importorskip("torch")
    cls = operators()[kind]
    one = cls.examples[number]
    dims = one.x if one.x and isinstance(one.x[0], tuple) else (one.x,)
    dims = tuple((d[0] if cls.axes else min(d[0], 32), *d[1:]) for d in dims) if cls.inputs == 1 else dims
    if max((n for d in dims for n in d[1:]), default=0) > MOST_SIDE or max(d[0] for d in dims) > 256:
        pytest.skip("a large image")
    x: Any = Shape(*one.x) if cls.inputs == 1 else tuple(Shape(*d) for d in one.x)
    op = cls(len(dims[0]) - 1, **one.fields)
    y = op.shape(x)
    node = Node(kind, kind, op, [], [], Mark("test"), x, y)
    module = op.torch(torch, x, y)
    for weight in module.parameters() if hasattr(module, "parameters") else ():
        torch.nn.init.uniform_(weight, 0.1, 1.0)
    shapes = (x,) if cls.inputs == 1 else x
    torch.manual_seed(number)
    images = [(0.1 + torch.rand(1, *shape.dims)).requires_grad_() for shape in shapes]
    results = module(*images)
    for part, result in enumerate(results if isinstance(results, tuple) else (results,)):
        space = result.shape[2:]
        # What a border reads of itself (reflected, repeated) is not told.
        mirrored = one.fields.get("mode") in ("reflect", "replicate", "circular")
        for place in sorted(
            {tuple(n // 2 for n in space)}
            if mirrored
            else {tuple(0 for _ in space), tuple(n // 2 for n in space), tuple(n - 1 for n in space)}
        ):
            total = (result[(0, slice(None), *place)] * torch.rand(result.shape[1])).sum()
            if not total.requires_grad:
                continue  # an index or a truth has no slope
            grads = torch.autograd.grad(total, images, retain_graph=True, allow_unused=True)
            for operand, grad in enumerate(grads):
                reach = node.reach(operand, part)
                if reach is None or grad is None or not place:
                    continue
                read = (grad[0].abs().sum(0) > 0).nonzero()
                for axis, (at, own) in enumerate(zip(place, reach, strict=True)):
                    window, n = own.of(at), images[operand].shape[2 + axis]
                    inside = [k for k in range(window[0], window[1] + 1) if 0 <= k < n] if window else []
                    found = sorted(set(read[:, axis].tolist()))
                    assert not found or inside, (part, operand, place, found, window)
                    assert set(found) <= set(inside), (part, operand, place, found, window)
                    # Those choose; of what a running sum may read, the first places read less.
                    if kind not in ("max_pool", "global_max_pool", "adaptive_max_pool", "shift", "cumsum"):
                        assert not found or (found[0], found[-1]) == (inside[0], inside[-1]), (place, found, window)


CONV3 = {"conv": {"out": 3, "kernel": 3, "padding": 1}}
STORED = {"parameter": {"shape": [3, 24, 24]}}
TOKEN = {"parameter": {"shape": [3, 1, 24]}}
LOWER = {"slice": {"axis": 1, "start": 12}}
# layers; the field; where the first output's begins before the input: as gradients have it, on 3x24x24
JOINED: list[tuple[list[Any], Any, Any]] = [
    ([CONV3, {"flip": {"axes": [2]}}], 3, "1x-22"),
    ([CONV3, {"softmax": {"axis": 1}}], "26x3", 1),
    ([CONV3, {"reduce_axes": {"axes": [2], "keep": True}}], "3x26", 1),
    ([{"softmax": {"axis": 1}}, {"softmax": {"axis": 2}}], "global", "global"),
    ([{"reduce_axes": {"axes": [1, 2], "keep": True}}], "global", "global"),
    ([{**CONV3, "name": "a"}, {**STORED, "name": "p"}, {"add": ["a", "p"]}], 3, 1),
    ([{**CONV3, "name": "a"}, {**STORED, "name": "p"}, {"relu": None, "from": "p", "name": "r"},
      {"concat": ["r", "a"]}], 3, 1),
    ([{**STORED, "name": "p"}, {"multiply": ["p", "input"]}, CONV3], 3, 1),
    ([{"split": {"parts": 2, "axis": 1}, "name": "s"}, {**CONV3, "from": "s.part0", "name": "up"},
      {"conv": {"out": 3, "kernel": 1}, "from": "s.part1", "name": "low"}, {"add": ["up", "low"]}], "14x3", 1),
    # a token before 24 places, as a vision transformer has: the first output reads nothing, the second the first place
    ([{**CONV3, "name": "a"}, {**TOKEN, "name": "t"}, {"concat": {"axis": 1}, "from": ["t", "a"]}], 3, 1),
    # twice the same rows: each output reads one, and over the seam the last and the first
    ([{**CONV3, "name": "a"}, {"concat": {"axis": 1}, "from": ["a", "a"]}], 3, 1),
    ([{"identity": None, "name": "a"}, {"concat": {"axis": 1}, "from": ["a", "a"]}, CONV3], "24x3", "0x1"),
    # rows 23, 0, 1, ...: over the seam again all of them
    ([CONV3, {"roll": {"by": [1], "axes": [1]}}], 3, "-22x1"),
    ([{"roll": {"by": [5], "axes": [1]}}, CONV3], "24x3", "-19x1"),
    ([CONV3, {"roll": {"by": [24], "axes": [2]}}], 3, 1),
    ([{"custom": {"params": 5}}, CONV3], UNKNOWN, UNKNOWN),
    ([CONV3, {"custom": {"shape": [5, 12, 12]}}, "relu"], UNKNOWN, UNKNOWN),
    ([{"opaque": {"shape": [3, 24, 24]}}, CONV3], UNKNOWN, UNKNOWN),
    ([{"add": [[{"opaque": {"shape": [3, 24, 24]}}], []]}], UNKNOWN, UNKNOWN),
    ([{"multiply": [[{"custom": {"params": 5}}], ["global_avg_pool"]]}], "global", "global"),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "field", "padding"), JOINED, ids=lambda v: str(v)[:60])
def test_what_joins_and_what_nobody_knows(layers: list[Any], field: Any, padding: Any) -> None:
    result = costcalc.count(spec(layers, [3, 24, 24]))
    assert result.metric("receptive_field").total == field
    if field != "14x3":
        assert result.metric("effective_padding").total == padding
    if field is UNKNOWN:
        data = result.to_dict(columns="receptive_field")
        assert next(one for one in data["metrics"] if one["name"] == "receptive_field")["total"] is None
        assert not costcalc.check(spec(layers, [3, 24, 24]), limits={"receptive_field": "1M"})


def test_reaches_follow_one_another() -> None:
    twice = Reach(2, [(0, 0), (0, 0), (1, 1), (1, 1)])
    assert sliding(3, 2, 1).after(sliding(3, 2, 1)) == sliding(7, 4, 3)
    assert resampled(1, 2).after(resampled(1, 2)).windows == ((0, 0),) * 4
    assert sliding(2, 2, 0).after(resampled(1, 2)) == Reach(1, [(0, 0)])
    assert size(sliding(3, 1, 1).after(twice)) == 2
