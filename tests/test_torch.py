"""The second road: networks built in PyTorch from their specs, and compared node by node."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

import costcalc
from costcalc import zoo
from costcalc.counting import Row, rows
from costcalc.expand import expand
from costcalc.graph import Graph
from costcalc.interop.torch import build

torch = pytest.importorskip("torch")
flop_counter = pytest.importorskip("torch.utils.flop_counter")

BATCH = 2


def each(one: Any) -> tuple[Any, ...]:
    return one if isinstance(one, tuple) else (one,)


def sizes(shapes: Any) -> list[tuple[int, ...]]:
    return [(BATCH, *shape.dims) for shape in each(shapes)]


def elements(tensors: Any) -> int:
    return sum(tensor.numel() for tensor in tensors)


def picture(graph: Graph) -> Any:
    assert graph.input.shape is not None
    return torch.rand(BATCH, *graph.input.shape.dims)


def watched(network: Any, image: Any) -> tuple[Any, list[Any], list[int]]:
    """Return the outputs, and of each node that runs, in order, what it gives and its operations."""
    given, totals = [], [0]
    flops = flop_counter.FlopCounterMode(display=False)

    def note(_: Any, __: Any, result: Any) -> None:
        given.append([tuple(tensor.shape) for tensor in each(result)])
        totals.append(flops.get_total_flops())

    hooks = [module.register_forward_hook(note) for module in dict.fromkeys(network.nodes)]
    with torch.no_grad(), flops:
        outputs = network(image)
    for hook in hooks:
        hook.remove()
    return outputs, given, [after - before for before, after in pairwise(totals)]


def agree(graph: Graph) -> list[Row]:
    """Compare shapes, parameters, buffers and MACs with what PyTorch builds and counts; return the rows."""
    counted = rows(graph)
    with torch.device("meta"):
        network = build(graph).eval()
        outputs, given, operations = watched(network, picture(graph))
    for row, module, shapes, flops in zip(counted, network.nodes, given, operations, strict=True):
        assert shapes == sizes(row.node.y), row
        if row.node.shared is None:
            assert elements(module.parameters()) == row.learnable, row
            assert elements(module.buffers()) == row.buffers, row
        if row.node.op.derived:
            assert flops == 2 * BATCH * row.macs, row
    assert elements(network.parameters()) == sum(row.learnable for row in counted)
    assert elements(network.buffers()) == sum(row.buffers for row in counted)
    assert [tuple(t.shape) for t in each(outputs)] == sizes(tuple(t.shape for t in graph.outputs))
    return counted


@pytest.mark.parametrize("name", zoo.names())
def test_zoo(name: str) -> None:
    agree(expand(costcalc.load(name)))


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
    "names": """
input: [4, 9, 8]
layers:
  - {conv: {out: 4, kernel: 1}, name: forward}
  - {conv: {out: 4, kernel: 1, norm: batch}, name: a.b}
  - {relu, name: type}
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
    agree(graph)
    torch.manual_seed(0)
    network = build(graph)
    outputs = each(network(picture(graph)))
    assert all(torch.isfinite(t).all() for t in outputs)
    sum(t.square().sum() for t in outputs).backward()
    stated = [p for node in graph.nodes if not node.op.derived for p in network.nodes[node.index].parameters()]
    assert all((p.grad is None) == any(p is s for s in stated) for p in network.parameters())


def test_modules_are_named_after_rows() -> None:
    network = build(small(SMALL["names"]))
    named = [(name, type(module).__name__) for name, module in network.layers.named_children()]
    assert named[:3] == [("forward_", "Conv2d"), ("a_b", "Conv2d"), ("a_b/batch_norm", "BatchNorm2d")]
    assert [module for _, module in network.layers.named_children()] == network.nodes
    assert next(iter(network.state_dict())) == "layers.forward_.weight"


def test_shared_weights_are_one() -> None:
    graph = small(SMALL["shared"])
    network = build(graph)
    by_name = {node.name: module for node, module in zip(graph.nodes, network.nodes, strict=True)}
    assert by_name["h3/conv1"] is by_name["h1/conv1"]
    weights = [next(iter(by_name[f"{h}/conv1"].parameters())) for h in ("h1", "h2", "h3")]
    assert len({id(w) for w in weights}) == 1
    means = [next(by_name[f"{h}/conv1/batch_norm"].buffers()) for h in ("h1", "h2", "h3")]
    assert len({id(m) for m in means}) == 1
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
