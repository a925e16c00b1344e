"""Rows have names of their own, whatever the words of a spec."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.graph.expand import expand
from costcalc.language import zoo

# Words that come near what costcalc numbers, and what it calls norms and activations.
WORDS = ["a", "b", "conv", "relu6", "batch_norm", "conv1", "a/b", "b/conv", "relu(6)", "conv(2)", "b(2)"]
LABELS = [word for word in WORDS if "(" not in word] + ["b1", "a1/b1", "do"]
NAMES = [word for word in WORDS if word not in {"a", "b", "conv", "batch_norm", "relu6"}] + [
    "c",
    "c(1)",
    "c/batch_norm",
]


@st.composite
def items(draw: st.DrawFn, free: list[str], blocks: list[str], depth: int) -> list[Any]:
    """Draw items that keep four channels; `free` are the names that no other item of the body has."""
    found: list[Any] = []
    for _ in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv", "conv", "norm", *blocks, *(["do", "add", "add"] if depth else [])]))
        item: dict[str, Any] = {kind: None}
        if kind == "conv":
            roles = {"norm": draw(st.sampled_from(["none", "batch"])), "act": draw(st.sampled_from(["none", "relu6"]))}
            item = {"conv": {"out": 4, "kernel": 1, **roles}}
        elif kind == "norm":
            item = {"batch_norm": None}
        elif kind == "do":
            item = {"do": draw(items(free, blocks, depth - 1))}
        elif kind == "add":
            labels = draw(st.lists(st.sampled_from(LABELS), min_size=2, max_size=2, unique=True))
            item = {"add": {label: draw(items(free, blocks, depth - 1)) for label in labels}}
        if free and draw(st.booleans()):
            item["name"] = free.pop(draw(st.integers(0, len(free) - 1)))
        if "(" not in item.get("name", "") and not depth and draw(st.integers(0, 3)) == 0:
            item["repeat"] = 2
        found.append(item)
    return found


@st.composite
def specs(draw: st.DrawFn) -> dict[str, Any]:
    blocks = {"a": draw(items([*NAMES], [], 1)), "b": [*draw(items([*NAMES], ["a"], 1)), "a"]}
    layers = [*draw(items([*NAMES], ["a", "b"], 2)), "b"]  # a block that nothing calls is refused
    return {"costcalc": 1, "input": [4, 8, 8], "blocks": blocks, "layers": layers}


# By hand: a number stands apart from a digit before it, and a thing that is the only one of its kind has none.
CALLED = [
    (["figure5", "figure5", "figure7"], ["figure5_1", "figure5_2", "figure7"]),
    (["relu6", "relu6"], ["relu6_1", "relu6_2"]),
    (["softmax", "relu", "softmax"], ["softmax1", "relu", "softmax2"]),
    (["figure5", "figure5", {"relu": None, "name": "figure5_1"}], ["figure5_1", "figure5_2", "figure5_1_2"]),
]


@pytest.mark.parametrize(("layers", "names"), CALLED)
def test_numbers_of_names(layers: list[Any], names: list[str]) -> None:
    used = {word for word in layers if isinstance(word, str)}
    blocks = {name: ["relu"] for name in ("figure5", "figure7") if name in used}
    nodes = expand(zoo.load({"costcalc": 1, "input": [4, 8, 8], "blocks": blocks, "layers": layers})).nodes
    assert [node.layer.partition("/")[0] for node in nodes] == names


@settings(max_examples=300)
@given(specs())
def test_names_of_rows_are_unique(data: dict[str, Any]) -> None:
    nodes = expand(zoo.load(data)).nodes
    assert len({node.name for node in nodes}) == len(nodes)
    layers = [node.layer for node in nodes if node.name == node.layer]
    assert {node.layer for node in nodes} == {*layers}
