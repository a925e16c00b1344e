"""What is kept of a block's calls gives the same as expanding it anew: rows, names, totals, metrics, mistakes."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
import strategies
from hypothesis import given, settings

from costcalc.base.errors import SpecError
from costcalc.base.kept import Kept
from costcalc.costs import conventions
from costcalc.graph.expand import Expansion, expand
from costcalc.graph.graph import Graph, Tensor
from costcalc.graph.knobs import knob_values
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.reports.result import Result

METRICS = ("peak_memory", "receptive_field", "bytes")


def told(graph: Graph) -> list[Any]:
    """Return all that is to be known of a graph."""
    places = {node: node.index for node in graph.nodes}

    def place(tensor: Tensor) -> Any:
        return (None if tensor.node is None else places[tensor.node], tensor.shape)

    rows = [
        (
            node.index, node.name, node.layer, node.op.kind, repr(vars(node.op)), str(node.x), str(node.y),
            repr(node.bits), repr(node.density), node.call, node.holds_input, str(node.mark),
            None if node.shared is None else places[node.shared], [place(tensor) for tensor in node.inputs],
            [place(tensor) for tensor in node.outputs],
        )
        for node in graph.nodes
    ]  # fmt: skip
    return [*rows, [place(tensor) for tensor in graph.outputs]]


def outcome(count: Callable[[], Graph], metrics: tuple[str, ...]) -> Any:
    """Return what a network comes to: rows, totals, metrics, all of its graph; or its mistakes."""
    try:
        graph = count()
    except SpecError as error:
        return str(error)
    result = Result(graph, conventions.get(conventions.DEFAULT))
    measured = [(one.total, one.rows) for one in result.metrics(metrics)]
    rows = [(row.name, row.type, row.params, row.macs, row.elementwise) for row in result.rows]
    return [result.params, result.macs, rows, measured, told(graph)]


def require_same(spec: Spec, knobs: dict[str, Any], metrics: tuple[str, ...] = ()) -> Any:
    """Hold a spec, whatever it keeps by now, to the same expanded anew."""
    found = outcome(lambda: expand(spec, knobs, blame=False), metrics)
    assert found == outcome(lambda: Expansion(spec, knob_values(spec, knobs)).network({}), metrics)
    return found


@settings(max_examples=150)
@given(strategies.block_networks())
def test_what_is_kept_is_what_it_would_be_anew(case: tuple[str, list[dict[str, Any]]]) -> None:
    text, others = case
    try:
        spec = zoo.load_text(text)
    except SpecError:
        return
    for knobs in [{}, *others, {}]:
        require_same(spec, knobs, METRICS)


@pytest.mark.parametrize("spec", zoo.specs(), ids=lambda spec: zoo.stem(spec.where))
def test_every_network_of_the_zoo_is_the_same_again_and_again(spec: Spec) -> None:
    for knob, value in (("width", 0.5), ("width", 1.5), ("classes", 10), ("resolution", 64)):
        if knob in spec.knobs:
            require_same(spec, {knob: value})
    assert not isinstance(require_same(spec, {}), str)


def test_what_is_kept_is_bounded() -> None:
    spec = zoo.load_text(zoo.load("resnet50").text)
    for number in range(60):
        expand(spec, {"width": 1 + number / 100})
        assert 0 < spec.kept.weight <= spec.kept.most
    kept = Kept(3)
    for number in range(9):
        kept.put(number, number, weight=1)
    assert [kept.get(number) for number in range(9)] == [*[None] * 6, 6, 7, 8]
    assert len(pickle.loads(pickle.dumps(kept))) == 0


def test_a_label_and_a_call_have_paths_of_their_own() -> None:
    text = (
        "costcalc: 1\ninput: [4, 8, 8]\nblocks: {unit: [conv: {out: 4, kernel: 1}]}\n"
        "layers: [{add: {unit1: [conv: {out: 4, kernel: 1}, conv: {out: 4, kernel: 1}], b: []}}, unit, unit]\n"
    )
    found = [node.name for node in expand(zoo.load_text(text)).nodes]
    assert found == ["unit1/conv1", "unit1/conv2", "add", "unit2/conv", "unit3/conv"]


LISTS = """
costcalc: 1
knobs: {n: 3}
input: [4, 8, 8]
defaults: {conv: {kernel: 1}}
blocks:
  dense(kids): [concat: kids, conv: {out: 2}]
  grown(m):
    - {conv: {out: m}, into: own}
    - {conv: {out: m}, into: own, repeat: 2}
    - concat: own
  gated: [multiply: {a: [], b: [conv: {out: c_of(joined)}]}]
  pooled: [global_avg_pool]
layers:
  - {conv: {out: 2}, into: kids}
  - {dense: [kids], into: kids, repeat: n}
  - {dense: [kids], into: kids, repeat: n}
  - grown: [4]
  - grown: [4]
  - gated
  - gated
  - pooled
"""


def test_lists_of_layers_are_arguments_like_others() -> None:
    spec = zoo.load_text(LISTS)
    for n in (3, 1, 4, 3):
        assert not isinstance(require_same(spec, {"n": n}), str)


@pytest.mark.parametrize("name", conventions.names())
def test_a_convention_counts_a_block_as_its_layers(name: str) -> None:
    own = "batch_norm, relu, {conv: {out: 4, kernel: 1}}"
    text = "costcalc: 1\ninput: [4, 8, 8]\n%slayers: [{conv: {out: 4, kernel: 3}}, %s, %s]\n"
    written = text % ("", own, own), text % (f"blocks: {{own: [{own}]}}\n", "own", "own")
    listed, called = (Result(expand(zoo.load_text(one)), conventions.get(name)) for one in written)
    assert [row.cost for row in called.rows] == [row.cost for row in listed.rows]
    assert called.cost == listed.cost


# What a call's rows depend on, each with a spec whose calls differ in nothing else, and knobs to count it with in turn.
DEPENDS_ON = {
    "a knob that the body reads": ("b: [conv: {out: 4, bias: k > 2}]", "b", [2, 3]),
    "a knob through a function": ("b: [conv: {out: more(4)}]", "b", [2, 3]),
    "a knob through a block": ("b: [inner], inner: [conv: {out: k}]", "b", [2, 3]),
    "a knob through a default": ("b: [dwconv: {kernel: 1}]", "b", [2, 3]),
    "a knob through a constant": ("b: [conv: {out: twice}]", "b", [2, 3]),
    "a knob through an argument's default": ("'b(x=k)': [conv: {out: x}]", "b", [2, 3]),
    "an argument's type, of true": ("b(x): [conv: {out: 4, groups: x}]", "{b: [1]}, {b: [true]}", [2]),
    "an argument's type, of a fraction": ("b(x): [conv: {out: x / 2 * 2}]", "{b: [4]}, {b: [4.0]}", [2]),
    "which of two tensors enter": (
        "b: {inputs: [p, q], layers: [add: [p, q]]}",
        "{relu, name: u}, {relu, name: v}, {b, from: [u, v], name: w}, {b, from: [w, w], name: z}, {b, from: [z, u]}",
        [2],
    ),
    "a layer as an argument": (
        "b(x): [add: [x, []]]", "{relu, name: u}, {relu, name: v}, {b: [v]}, {b: [u]}", [2]
    ),
    "bits": ("b: [conv: {out: 4}]", "b, {b, bits: 8}, {b, bits: k}", [2, 3]),
    "density, which is written as it is": ("b: [conv: {out: 4}]", "{b, density: 1}, {b, density: 1.0}", [2]),
    "shared weights": ("b: [conv: {out: 4}]", "{b, share: s}, b, {b, share: s}", [2]),
    "the pixels that enter": ("b: [conv: {out: 4}]", "b, {max_pool: {kernel: 2}}, b", [2]),
}  # fmt: skip


@pytest.mark.parametrize("what", DEPENDS_ON)
def test_a_call_is_told_from_another_by(what: str) -> None:
    blocks, layers, values = DEPENDS_ON[what]
    text = (
        "costcalc: 1\nknobs: {k: 2}\ndefine: {more(x): x + k, twice: 2 * k}\ninput: [4, 8, 8]\n"
        f"defaults: {{conv: {{kernel: 1, bias: true}}, dwconv: {{bias: k > 2}}}}\n"
        f"blocks: {{{blocks}}}\nlayers: [{layers}, {{conv: {{out: k + 0 * more(1) + 0 * twice}}}}]\n"
    )
    spec = zoo.load_text(text)
    found = [require_same(spec, {"k": value}) for value in (*values, *values)]
    right = what != "an argument's type, of true"  # that is refused, though 1 is not
    assert [not isinstance(one, str) for one in found] == [right] * len(found), found[0]
