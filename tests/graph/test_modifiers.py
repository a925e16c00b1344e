"""Each modifier on each kind of item: it applies to all that the item runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from costcalc.graph.expand import HANDLERS, expand
from costcalc.graph.graph import Graph
from costcalc.language import zoo
from costcalc.language.document import Item

# An item of each kind that runs two 1x1 convolutions on 4 channels, of 4 * 4 + 4 = 20 parameters each, with a place for
# modifiers; and how many of those two have weights of their own where all share that can. Turns and rows share.
KINDS = {
    "operator": ("{conv: {out: 4, kernel: 1}, repeat: 2%s}", 1),
    "join": ("{add: {a: {conv: {out: 4, kernel: 1}}, b: {conv: {out: 4, kernel: 1}}}%s}", 2),
    "item of a branch": ("add: [{conv: {out: 4, kernel: 1}, repeat: 2%s}, input]", 1),
    "block": ("{pair: 4%s}", 2),
    "do": ("{do: [{conv: {out: 4, kernel: 1}}, {conv: {out: 4, kernel: 1}}]%s}", 2),
    "table of columns": ("{table: {c: [4, 4]}, do: [{conv: {out: c, kernel: 1}}]%s}", 1),
    "table of rows": ("{table: [[c], [4], [4]], do: [{conv: {out: c, kernel: 1}}]%s}", 1),
    "variable operator": ("{key: {out: 4, kernel: 1}, repeat: 2%s}", 1),
    "variable join": ("{join: [{conv: {out: 4, kernel: 1}}, {conv: {out: 4, kernel: 1}}]%s}", 2),
    "variable block": ("{called: 4%s}", 2),
    "include": ("{include: {spec: pair.yaml, as: part}%s}", 2),
    "include again": ("{include: {spec: pair.yaml, as: part, knobs: {c: 4}}, repeat: 1%s}", 2),
}
BODY = "[{conv: {out: c, kernel: 1}}, {conv: {out: c, kernel: 1}}]"
HEAD = f"""
costcalc: 1
input: [4, 8, 8]
knobs: {{key: conv, join: add, called: pair, eight: 8}}
blocks:
  pair(c): {BODY}
layers:
  - {{do: [{{key: {{out: 4, kernel: 1}}}}, {{join: [[]]}}, {{called: 4}}], if: eight < 8}}  # that all knobs are read
"""
INCLUDED = f"costcalc: 1\nknobs: {{c: 4}}\ninput: [4, 8, 8]\nlayers: {BODY}\n"


def graph(folder: Path, *layers: str) -> Graph:
    (folder / "pair.yaml").write_text(INCLUDED, encoding="utf-8")
    host = folder / "host.yaml"
    host.write_text(HEAD.lstrip() + "".join(f"  - {layer}\n" for layer in layers), encoding="utf-8")
    return expand(zoo.load(str(host)))


def convs(found: Graph) -> list[str]:
    return [node.name for node in found.nodes if node.op.kind == "conv"]


def weights(found: Graph) -> list[int]:
    """Return how many weights each convolution has of its own, biases included."""
    return [
        node.op.weights(node.x, node.y) + node.op.biases(node.x, node.y)
        for node in found.nodes
        if node.op.kind == "conv" and node.shared is None
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("modifier", "bits", "density"), [("bits: eight", 8, None), ("density: eight / 16", None, 0.5)]
)
def test_bits_and_density(kind: str, modifier: str, bits: int | None, density: float | None, tmp_path: Path) -> None:
    found = graph(tmp_path, KINDS[kind][0] % f", {modifier}", "{conv: {out: 4, kernel: 1}}")
    told = [(node.bits, node.density) for node in found.nodes if node.op.kind == "conv"]
    assert told == [(bits, density), (bits, density), (None, None)]


def test_a_tables_bits_may_be_a_column(tmp_path: Path) -> None:
    found = graph(tmp_path, "{table: {b: [2, 4]}, do: [{conv: {out: 4, kernel: 1}}], bits: b, density: 1 / b}")
    assert [(node.bits, node.density) for node in found.nodes] == [(2, 0.5), (4, 0.25)]


@pytest.mark.parametrize("kind", KINDS)
def test_share(kind: str, tmp_path: Path) -> None:
    item, own = KINDS[kind]
    again = item.replace("part", "part2")
    found = graph(tmp_path, item % ", share: w", again % ", share: w")
    assert len(convs(found)) == 4
    assert weights(found) == [20] * own


@pytest.mark.parametrize("kind", KINDS)
def test_if(kind: str, tmp_path: Path) -> None:
    assert convs(graph(tmp_path, KINDS[kind][0] % ", if: eight < 8", "relu")) == []


@pytest.mark.parametrize("kind", KINDS)
def test_name(kind: str, tmp_path: Path) -> None:
    name = "n(row + eight)" if "table" in kind else "n"
    item = KINDS[kind][0] % f", name: {name}"
    last = "n9" if "table" in kind else "n"
    found = graph(
        tmp_path, item, "{conv: {out: 8, kernel: 1}, name: other}", f"{{relu, from: {last}}}", "concat: [[], other]"
    )
    assert [str(node.x) for node in found.nodes if node.op.kind == "relu"] == ["4x8x8"]


@pytest.mark.parametrize("kind", KINDS)
def test_from(kind: str, tmp_path: Path) -> None:
    before = ["{conv: {out: 4, kernel: 1}, name: narrow}", "{conv: {out: 6, kernel: 1}, name: wide}"]
    item = KINDS[kind][0]
    # What comes before has 4 * 4 + 4 and 6 * 4 + 6 weights; fed by `wide` the item's would have 28.
    found = graph(tmp_path, *before, item % ", from: narrow", "{concat: [[], wide]}")
    assert weights(found) == [20, 30, 20, 20]


def test_every_kind_of_item_is_run() -> None:
    assert {*HANDLERS} == {*Item.__subclasses__()}
