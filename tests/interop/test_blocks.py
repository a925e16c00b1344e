"""Folding: repeated modules of a flat network become blocks, and nothing is counted otherwise."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import costcalc
from costcalc.interop.blocks.folding import folded, search, snake
from costcalc.language.document import INPUT
from costcalc.language.flat import Flat
from costcalc.language.yaml_text import spec_text


class Net:
    """A flat network that is written module by module."""

    def __init__(self, *shape: int) -> None:
        self.flat = Flat("net", shape or (3, 32, 32))
        self.x = INPUT

    def add(self, kind: str, name: str, *inputs: str, share: str = "", **fields) -> str:
        self.x = self.flat.add(kind, inputs or [self.x], name, share=share, **fields)[0]
        return self.x

    def conv(self, name: str, out: int, kernel: int = 3, *inputs: str, act: str = "relu", **fields) -> str:
        """Add a convolution, its norm and its activation, as modules of their own."""
        padding = (kernel - 1) // 2
        self.add("conv", f"{name}.conv", *inputs, out=out, kernel=kernel, padding=padding, bias=False, **fields)
        self.add("batch_norm", f"{name}.bn")
        return self.add(act, f"{name}.{act}") if act else self.x


def resnet() -> Net:
    net = Net()
    net.conv("stem", 8)
    for stage, (mid, depth) in enumerate([(8, 2), (16, 3), (32, 4)]):
        for k in range(depth):
            path, stride = f"layer{stage}.{k}", 2 if stage and not k else 1
            net.flat.classes[path] = "BasicBlock"
            entered = net.x
            net.conv(f"{path}.a", mid, stride=stride)
            main = net.conv(f"{path}.b", mid, act="")
            side = net.conv(f"{path}.down", mid, 1, entered, act="", stride=stride) if stride == 2 else entered
            net.add("add", f"{path}.add", main, side)
            net.add("relu", f"{path}.relu")
    net.add("global_avg_pool", "pool")
    net.add("fc", "head", out=10)
    return net


def mobilenet() -> Net:
    net = Net()
    net.conv("features.0", 8, stride=2)
    number = 1
    for out, depth, stride in [(16, 1, 1), (24, 3, 2), (40, 4, 2), (80, 3, 1)]:
        for k in range(depth):
            path, entered = f"features.{number}", net.x
            net.conv(f"{path}.expand", 6 * net.flat.shapes[net.x].c, 1)
            net.add("dwconv", f"{path}.dw", kernel=3, padding=1, stride=1 if k else stride, bias=False)
            net.add("batch_norm", f"{path}.dw_bn")
            net.conv(f"{path}.project", out, 1, act="")
            if k:
                net.add("add", f"{path}.add", entered, net.x)
            number += 1
    return net


def densenet() -> Net:
    net = Net()
    net.conv("stem", 16)
    for block, depth in enumerate([3, 5]):
        features = [net.x]
        for k in range(depth):
            path = f"dense{block}.layer{k}"
            joined = net.add("concat", f"{path}.cat", *features) if k else net.x
            net.add("batch_norm", f"{path}.norm", joined)
            net.add("relu", f"{path}.relu")
            features.append(net.add("conv", f"{path}.conv", out=12, kernel=3, padding=1, bias=False))
        net.add("concat", f"dense{block}.cat", *features)
        net.conv(f"transition{block}", net.flat.shapes[net.x].c // 2, 1)
    return net


def inception() -> Net:
    net = Net()
    net.conv("stem", 16)
    for letter, widths in zip("abcd", [(8, 8, 16, 8), (16, 16, 32, 16), (16, 8, 24, 8), (8, 8, 8, 8)], strict=True):
        path, entered = f"mixed3{letter}", net.x
        one = net.conv(f"{path}.branch1", widths[0], 1, entered)
        net.conv(f"{path}.branch2.0", widths[1], 1, entered)
        two = net.conv(f"{path}.branch2.1", widths[2])
        net.add("max_pool", f"{path}.branch3.0", entered, kernel=3, stride=1, padding=1)
        three = net.conv(f"{path}.branch3.1", widths[3], 1)
        net.add("concat", f"{path}.cat", one, two, three)
    return net


def alternating() -> Net:
    net = Net()
    net.conv("stem", 16)
    for k in range(6):
        path, entered = f"body.{k}", net.x
        if k % 2:
            net.flat.classes[path] = "Narrow"
            net.conv(f"{path}.a", 8, 1)
            net.conv(f"{path}.b", 8, 3)
            net.conv(f"{path}.c", 16, 1)
        else:
            net.flat.classes[path] = "GatedMix"
            net.add("dwconv", f"{path}.dw", kernel=5, padding=2)
            net.add("sigmoid", f"{path}.gate")
            net.add("multiply", f"{path}.mul", net.x, entered)
            net.add("gelu", f"{path}.act")
    return net


def shared() -> Net:
    """Two levels of a pyramid with one head, whose layers say with whom they share; each calls it twice."""
    net = Net(16, 32, 32)
    levels = [net.x, net.add("max_pool", "down", kernel=2)]
    results = []
    for number, level in enumerate(levels):
        path = f"head{number}"
        net.add("conv", f"{path}.conv1", level, share="conv1", out=16, kernel=3, padding=1)
        net.add("relu", f"{path}.relu1")
        net.add("conv", f"{path}.conv2", share="conv2", out=16, kernel=3, padding=1)
        net.add("relu", f"{path}.relu2")
        for k in range(3, 7):
            net.add("conv", f"{path}.conv{k}", share=f"conv{k}", out=8 + k, kernel=3, padding=1)
        results.append(net.x)
    net.flat.outputs = results
    return net


def inner_sharing() -> Net:
    """Blocks each of which uses one convolution of its own twice: the word holds inside a call."""
    net = Net(16, 8, 8)
    for k in range(4):
        entered = net.x
        for turn in "ab":
            net.add("conv", f"cell.{k}.{turn}", share=f"w{k}", out=16, kernel=3, padding=1)
            net.add("tanh", f"cell.{k}.{turn}_act")
        net.add("add", f"cell.{k}.add", net.x, entered)
    return net


def half_shared() -> Net:
    """Two modules of which one layer alone is shared: no block can say that."""
    net = Net(16, 8, 8)
    for k in range(2):
        net.add("conv", f"m{k}.own", out=16, kernel=3, padding=1)
        net.add("conv", f"m{k}.common", share="w", out=16, kernel=1)
        net.add("tanh", f"m{k}.act")
    return net


def nameless() -> Net:
    net = Net()
    for k in range(8):
        net.add("conv", f"Conv_{2 * k}", out=16 + k, kernel=3)
        net.add("relu", f"Relu_{2 * k + 1}")
    return net


def unlike() -> Net:
    net = Net()
    net.add("conv", "a.conv", out=8, kernel=3)
    net.add("softmax", "a.act")
    net.add("max_pool", "b.pool", kernel=2)
    net.add("gelu", "b.act")
    return net


def split() -> Net:
    """ShuffleNet's unit: half of the channels pass by."""
    net = Net(16, 8, 8)
    for k in range(3):
        keep, work = net.flat.add("split", [net.x], f"unit.{k}.chunk", parts=2)
        net.conv(f"unit.{k}.a", 8, 1, work)
        net.add("concat", f"unit.{k}.cat", keep, net.conv(f"unit.{k}.b", 8, 3))
        net.add("channel_shuffle", f"unit.{k}.shuffle", groups=2)
    return net


def widths() -> Net:
    """Words, lists and shapes that differ from instance to instance."""
    net = Net(4, 16, 16)
    for k, (kernel, act, out) in enumerate([([1, 3], "relu", 8), (3, "gelu", 12), ([3, 1], "relu", 20)]):
        fields = (
            {"padding": [(kernel[0] - 1) // 2, (kernel[1] - 1) // 2]} if isinstance(kernel, list) else {"padding": 1}
        )
        net.add("conv", f"m{k}.conv", out=out, kernel=kernel, **fields)
        net.add(act, f"m{k}.act")
        net.add("batch_norm", f"m{k}.norm", eps=1e-3 if k else 1e-5)
        net.add("reshape", f"m{k}.merge", shape=[out, 256])
        net.add("reshape", f"m{k}.part", shape=[out, 16, 16])
    return net


# The network, the names of its blocks, and how many lines its layers and blocks take at most.
CASES = [
    (resnet, {"basic_block"}, 21),
    (mobilenet, {"features_block"}, 19),
    (densenet, {"layer"}, 13),
    (inception, {"mixed"}, 15),
    (alternating, {"narrow", "gated_mix"}, 18),
    (shared, {"head"}, 13),
    (inner_sharing, {"cell_block"}, 7),
    (half_shared, set(), 7),
    (nameless, set(), 17),
    (unlike, set(), 5),
    (split, {"unit_block"}, 10),
    (widths, {"m"}, 11),
]


def rows(spec: object) -> list[tuple]:
    """Return what must stay: each row's operator, shapes and counts, in order."""
    found = costcalc.count(spec).rows
    return [
        (r.row.kind, r.output, r.params, r.macs, r.weights, r.biases, r.buffers, r.elementwise, bool(r.row.node.shared))
        for r in found
    ]


@pytest.mark.parametrize(("make", "names", "most"), CASES, ids=lambda v: getattr(v, "__name__", None))
def test_repeated_modules_become_blocks_and_the_counts_stay(make, names, most, tmp_path) -> None:
    flat = make().flat
    data = folded(flat)
    assert {head.partition("(")[0] for head in data.get("blocks", {})} == names
    text = spec_text(data)
    path = tmp_path / "net.yaml"
    path.write_text(text, encoding="utf-8")
    assert rows(path) == rows(data) == rows(flat.data())
    body = text[text.index("\nblocks:" if names else "\nlayers:") :]
    assert len(body.split("\n")) - 2 <= most, text
    assert folded(make().flat) == data


def test_what_repeats_nowhere_stays_as_it_is() -> None:
    for make in (unlike, nameless, half_shared):
        flat = make().flat
        assert folded(flat) == flat.data()


def test_a_resnet_reads_as_people_write_it() -> None:
    data = folded(resnet().flat)
    assert data["defaults"] == {"conv": {"padding": "half", "norm": "batch"}}
    assert data["blocks"] == {
        "basic_block(out, stride=1)": [
            {"conv": {"out": "out", "kernel": 3, "stride": "stride", "act": "relu"}},
            {"conv": {"out": "out", "kernel": 3}, "name": "b"},
            {
                "conv": {"out": "out", "kernel": 1, "stride": 2},
                "from": "input",
                "if": "stride != 1",
            },
            {"add": ["b", []]},
            "relu",
        ]
    }


def test_a_densenet_ends_its_layers_with_their_concatenation() -> None:
    data = folded(densenet().flat)
    assert data["blocks"]["layer"][-1] == {"concat": ["input", []]}
    assert [item for item in data["layers"] if "layer" in item] == [
        {"layer": None, "repeat": 3},
        {"layer": None, "repeat": 5},
    ]


def test_modules_that_share_their_weights_are_calls_that_share() -> None:
    data = folded(shared().flat)
    assert [item["share"] for item in data["layers"] if "head" in item] == ["conv1", "conv1"]
    assert costcalc.count(data).params == 9 * (16 * 16 + 16 * 16 + 16 * 11 + 11 * 12 + 12 * 13 + 13 * 14) + 82


def test_names_of_classes() -> None:
    names = ["InvertedResidual", "CNBlock", "MBConv", "_DenseLayer", "SEModule2d", "Conv2dNormActivation"]
    said = ["inverted_residual", "cn_block", "mb_conv", "dense_layer", "se_module2d", "conv2d_norm_activation"]
    assert [snake(name) for name in names] == said


def test_a_thousand_steps_take_two_seconds_at_most() -> None:
    net = Net(8, 16, 16)
    for k in range(110):
        entered = net.x
        net.conv(f"body.{k}.a", 8 + 8 * (k % 3), stride=1)
        net.conv(f"body.{k}.b", 8, act="")
        net.conv(f"body.{k}.c", 8, act="")
        net.add("add", f"body.{k}.add", net.x, entered)
    assert len(net.flat.steps) > 800
    start = time.process_time()
    data = folded(net.flat)
    assert time.process_time() - start < 2
    assert "blocks" in data


# torchvision's networks, through the importer: how many lines their whole specs take at most.
MODELS = [
    ("resnet50", 34),
    ("mobilenet_v2", 36),
    ("densenet121", 36),
    ("efficientnet_b0", 35),
    ("convnext_tiny", 32),
    ("googlenet", 40),
    ("regnet_y_400mf", 33),
    ("shufflenet_v2_x1_0", 41),
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "most"), MODELS)
def test_networks_of_torchvision_read_nearly_as_people_write_them(name, most) -> None:
    models = pytest.importorskip("torchvision.models")
    from costcalc.interop.torch.importer import from_torch

    options = {"init_weights": False} if name == "googlenet" else {}
    flat = from_torch(getattr(models, name)(weights=None, **options).eval(), (3, 224, 224))
    data = folded(flat)
    assert rows(data) == rows(flat.data())
    assert spec_text(data).count("\n") <= most


# ---- random networks -----------------------------------------------------------------------------------

LAYERS = st.lists(
    st.tuples(
        st.sampled_from(["conv", "conv", "dwconv", "batch_norm", "relu", "gelu", "sigmoid", "max_pool", "scale"]),
        st.sampled_from([1, 3, 3, 5]),
        st.sampled_from([4, 8, 8, 12]),
        st.sampled_from(["chain", "chain", "chain", "add", "concat", "multiply"]),
    ),
    min_size=2,
    max_size=6,
)
MODULES = st.lists(LAYERS, min_size=1, max_size=3)
PLAN = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, 1, 2]), st.booleans()), min_size=2, max_size=10)


def layer(net: Net, path: str, number: int, drawn: tuple, known: list[str], width: int) -> None:
    kind, kernel, out, join = drawn
    fields: dict = {}
    if kind == "conv":
        fields = {"out": out * width, "kernel": kernel, "padding": kernel // 2, "bias": number % 2 == 0}
    elif kind in {"dwconv", "max_pool"}:
        fields = {"kernel": 3, "stride": 1, "padding": 1}
    net.add(kind, f"{path}.{number}", **fields)
    fits = [value for value in known if net.flat.shapes[value] == net.flat.shapes[net.x]]
    if join == "concat":
        net.add("concat", f"{path}.{number}_cat", known[-1], net.x)
    elif join in {"add", "multiply"} and fits:
        net.add(join, f"{path}.{number}_{join}", fits[0], net.x)


@settings(max_examples=250, deadline=None)
@given(modules=MODULES, plan=PLAN, outer=st.booleans(), classes=st.booleans(), shares=st.booleans())
def test_random_networks_cost_the_same_folded_and_flat(modules, plan, outer, classes, shares) -> None:
    net = Net(4, 6, 6)
    for k, (which, width, shortened) in enumerate(plan):
        chosen = modules[which % len(modules)]
        path = f"body{k // 3}.{k}" if outer else f"stage{which}.{k}"
        if classes:
            net.flat.classes[path] = f"Module{which % len(modules)}"
        known = [net.x]
        for number, drawn in enumerate(chosen[:-1] if shortened and len(chosen) > 2 else chosen):
            layer(net, path, number, drawn, known, width)
            known.append(net.x)
    for name in ("one", "other") if shares else ():
        net.add("dwconv", f"last.{name}", kernel=3, padding=1)
        net.flat.steps[-1].share = "both"
    data = search(net.flat).data()
    assert rows(data) == rows(net.flat.data())
    assert spec_text(folded(net.flat)).count("\n") <= spec_text(net.flat.data()).count("\n")


def test_a_layer_of_several_results_hides_no_other() -> None:
    net = Net(4, 7)
    net.add("relu", "x.h")
    net.add("relu", "y.part1")
    assert net.add("lstm", "x", hidden=4) == "x_2"
    net.add("split", "y", parts=2)
    assert len({value for step in net.flat.steps for value in step.outputs}) == 2 + 3 + 2
