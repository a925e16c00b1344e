"""Networks built in PyTorch from their specs: they run, train, are named as the rows, and share weights."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest

import costcalc
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.language import zoo

torch = pytest.importorskip("torch")
pytest.importorskip("torch.utils.flop_counter")

import costcalc.torch  # noqa: E402 - these need torch
from costcalc.interop.torch.build import build  # noqa: E402
from costcalc.interop.torch.verify import verify  # noqa: E402

BATCH = 2


def each(one: Any) -> tuple[Any, ...]:
    return one if isinstance(one, tuple) else (one,)


def picture(graph: Graph) -> Any:
    (shape,) = graph.input_shapes.values()
    return torch.rand(BATCH, *shape.dims)


def test_a_network_of_the_zoo_is_built_for_any_knob() -> None:
    network = costcalc.torch.build("mobilenet_v1", input=(3, 64, 64), width=0.5, classes=7)
    out = network(torch.rand(BATCH, 3, 64, 64))
    assert out.shape == (BATCH, 7)
    out[:, 0].sum().backward()
    assert all(weight.grad is not None for weight in network.parameters())
    with torch.device("meta"):
        assert costcalc.torch.build("vgg16")(torch.rand(BATCH, 3, 224, 224)).shape == (BATCH, 1000)


BAD = [
    ({"spec": "no_such_network"}, "no network"),
    ({"spec": "alexnet", "no_such_knob": 1}, "no knob"),
    ({"spec": "alexnet", "batch": 2}, "batch is nothing that is asked here"),
    ({"spec": "alexnet", "input": (3, 0, 7)}, "no input shape"),
]


@pytest.mark.parametrize(("given", "said"), BAD)
def test_a_bad_spec_is_told(given: dict[str, Any], said: str) -> None:
    with pytest.raises(costcalc.SpecError, match=said):
        costcalc.torch.build(given["spec"], **{name: given[name] for name in given if name != "spec"})


def test_without_torch_one_line_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(costcalc.SpecError) as refused:
        costcalc.torch.build("alexnet")
    assert str(refused.value) == "this needs torch, which is not installed: pip install 'costcalc[torch]'"


# ---- small networks, really computed --------------------------------------------------------------


def small(text: str) -> Graph:
    return expand(zoo.load_text(f"costcalc: 1\n{text}"))


SMALL = {
    "chain": """
input: [4, 9, 8]
layers:
  - conv: {out: 8, kernel: [3, 1], stride: 2, padding: same, norm: batch, act: relu6}
  - dwconv: {kernel: 3, multiplier: 2, padding: half, norm: layer, act: swish}
  - max_pool: {kernel: 3, stride: 2, ceil_mode: true}
  - conv_transpose: {out: 6, kernel: 3, stride: 2, padding: [1, 0, 0, 1], groups: 2}
  - group_norm: {groups: 3}
  - prelu: {per_channel: true}
  - avg_pool: {kernel: 2, padding: same}
  - flatten
  - fc: {out: 5, norm: batch, act: softmax}
""",
    "one axis": """
input: [6, 21]
layers:
  - conv: {out: 8, kernel: 4, stride: 3, padding: same, groups: 2, act: gelu}
  - max_pool: {kernel: 2, padding: same}
  - upsample: {scale: 3, mode: linear}
  - shift: {kernel: 3}
  - fc: {out: 7, per_position: true}
  - global_max_pool
""",
    "branches": """
input: [4, 9, 8]
layers:
  - {conv: {out: 8, kernel: 1}, name: stem}
  - add: [[], [{conv: {out: 8, kernel: 3, padding: half}}, relu], stem]
  - concat: {a: stem, b: {max_pool: {kernel: 3, stride: 1, padding: half}}, c: []}
  - multiply: [[], [global_avg_pool, {fc: {out: c_in, act: sigmoid}}]]
""",
    "several outputs": """
input: [4, 9, 8]
layers:
  - {split: {sizes: [1, 3]}, name: s}
  - {conv: {out: 2, kernel: 3}, name: a, from: s.part0}
  - {conv: {out: 2, kernel: 3}, name: b, from: s.part1}
outputs: [a, b]
""",
    "attention": """
input: [16, 10]
layers:
  - {fc: {out: 16, per_position: true}, name: q}
  - {transpose, name: k, from: input}
  - matmul: [q, k]
  - softmax
""",
    "shared": """
input: [4, 9, 8]
blocks:
  head:
    - conv: {out: 4, kernel: 3, stride: 2, padding: same, norm: batch, act: relu}
    - conv: {out: 3, kernel: 1}
layers:
  - {conv: {out: 4, kernel: 1}, name: p1}
  - {max_pool: {kernel: 2}, name: p2}
  - {head, name: h1, from: p1, share: heads}
  - {head, name: h2, from: p2, share: heads}
  - {head, name: h3, from: p1, share: heads}
outputs: [h1, h2, h3]
""",
    "no input": """
input: [4, 9]
layers:
  - add: [[], {parameter: {shape: [4, 9]}}]
  - concat: [[], {parameter: {shape: [2, 9], store: buffer}}]
""",
    "names": """
input: [4, 9, 8]
blocks:
  stage:
    - {conv: {out: 4, kernel: 1, norm: batch, act: relu}, name: one}
layers:
  - {conv: {out: 4, kernel: 1}, name: forward}
  - {conv: {out: 4, kernel: 1, norm: batch}, name: layer1.0.conv1}
  - {relu, name: layer1}
  - {relu, name: layer1_}
  - {relu, name: nodes}
  - {stage, repeat: 2}
  - {stage, name: type}
""",
    "stated": """
input: [4, 9, 8]
layers:
  - custom: {params: 77, macs: 5, shape: [3, 2]}
  - flatten
  - fc: {out: 2}
""",
}


@pytest.mark.parametrize("name", SMALL)
def test_small(name: str) -> None:
    graph = small(SMALL[name])
    assert verify(graph).agrees
    torch.manual_seed(0)
    network = build(graph)
    outputs = each(network(picture(graph)))
    assert all(torch.isfinite(t).all() for t in outputs)
    sum(t.square().sum() for t in outputs).backward()
    stated = [p for node in graph.nodes if not node.op.derived for p in network.nodes[node.index].parameters()]
    assert all((p.grad is None) == any(p is s for s in stated) for p in network.parameters())


# Where the module of each row stands: at the row's path. A word of PyTorch's and a layer that others are in get a `_`.
NAMES = {
    "forward": "forward_",
    "layer1.0.conv1": "layer1.0.conv1",
    "layer1.0.conv1/batch_norm": "layer1.0.conv1/batch_norm",
    "layer1": "layer1_",
    "layer1_": "layer1__",
    "nodes": "nodes_",
    "stage1/one": "stage1.one",
    "stage1/one/batch_norm": "stage1.one/batch_norm",
    "stage1/one/relu": "stage1.one/relu",
    "stage2/one": "stage2.one",
    "stage2/one/batch_norm": "stage2.one/batch_norm",
    "stage2/one/relu": "stage2.one/relu",
    "type/one": "type_.one",
    "type/one/batch_norm": "type_.one/batch_norm",
    "type/one/relu": "type_.one/relu",
}


def test_modules_stand_where_their_rows_do() -> None:
    graph = small(SMALL["names"])
    network = build(graph)
    assert [node.name for node in graph.nodes] == list(NAMES)
    assert [network.get_submodule(path) for path in NAMES.values()] == network.nodes
    keys = list(network.state_dict())
    assert keys[:4] == ["forward_.weight", "forward_.bias", "layer1.0.conv1.weight", "layer1.0.conv1/batch_norm.weight"]
    weights = [tensor for name, tensor in network.named_parameters() if name.startswith("layer1.0.conv1.")]
    assert [tuple(tensor.shape) for tensor in weights] == [(4, 4, 1, 1)]


def test_a_copy_runs_its_own_modules() -> None:
    graph = small(SMALL["chain"])
    network = build(graph).eval()
    image = picture(graph)
    before = network(image)
    twin = copy.deepcopy(network)
    with torch.no_grad():
        for weight in twin.parameters():
            weight.zero_()
    assert torch.equal(network(image), before)
    assert not torch.equal(twin(image), before)


# What PyTorch does to a module that may part what is shared.
CHANGES = {
    "nothing": lambda network: network,
    "copy": copy.deepcopy,
    "double": lambda network: network.double(),
    "meta": lambda network: network.to("meta"),
    "from meta": lambda network: network.to("meta").to_empty(device="cpu"),
    "load": lambda network: loaded(network, assign=False),
    "assign": lambda network: loaded(network, assign=True),
}


def loaded(network: Any, *, assign: bool) -> Any:
    state = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    network.load_state_dict(state, assign=assign)
    return network


@pytest.mark.parametrize("change", CHANGES)
def test_shared_weights_are_one(change: str) -> None:
    graph = small(SMALL["shared"])
    network = CHANGES[change](build(graph).eval())
    heads = [network.get_submodule(f"h{k}") for k in (1, 2, 3)]
    for path in ("conv1", "conv1/batch_norm", "conv2"):
        tensors = [[*parts.parameters(), *parts.buffers()] for parts in (head.get_submodule(path) for head in heads)]
        assert [len({id(t) for t in ties}) for ties in zip(*tensors, strict=True)] == [1] * len(tensors[0])
    assert sum(weight.numel() for weight in network.parameters()) == costcalc.count(graph.spec).params


def test_shared_weights_do_the_same() -> None:
    graph = small(SMALL["shared"])
    network = build(graph)
    first, _, third = network.eval()(picture(graph))
    assert torch.equal(first, third)


def test_numbers_agree_with_the_same_network_by_hand() -> None:
    graph = small(
        """
input: [4, 9, 8]
layers:
  - conv: {out: 8, kernel: 3, stride: 2, padding: half, norm: batch, act: relu}
  - dwconv: {kernel: 3, padding: half}
  - add: [[], {conv: {out: 8, kernel: 1}}]
  - global_avg_pool
  - fc: {out: 5}
"""
    )
    network = build(graph).eval()
    nn = torch.nn
    stem = nn.Sequential(
        nn.Conv2d(4, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 3, 1, 1, groups=8)
    )
    side, head = nn.Conv2d(8, 8, 1), nn.Linear(8, 5)
    theirs = nn.ModuleList([stem, side, head]).eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), network.state_dict().values(), strict=True)))
    image = picture(graph)
    inner = stem(image)
    wanted = head((inner + side(inner)).mean((2, 3)))
    assert torch.allclose(network(image), wanted, atol=1e-6)
