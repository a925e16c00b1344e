"""What a spec's layers become: rows with their names, and what is refused where. Numbers are worked out by hand.

A 1x1 convolution of n to m channels has m * n + m parameters, a norm of m channels 2 * m.
"""

from __future__ import annotations

from typing import Any

import pytest

import costcalc
from costcalc import SpecError
from costcalc.graph import expand
from costcalc.language import zoo

HEAD = "costcalc: 1\ninput: [3, 32, 32]"

GIVES: dict[str, tuple[str, dict[str, int]]] = {
    "a norm's defaults see what enters it": (
        """
defaults: {group_norm: {groups: c_in // 4}}
layers:
  - conv: {out: 8, kernel: 1, norm: group}
  - conv: {out: 8, kernel: 1}
""",
        {"conv1": 24, "conv1/group_norm": 16, "conv2": 72},
    ),
    "a label called as a block is": (
        """
blocks:
  b(c): [conv: {out: c, kernel: 1}]
layers:
  - b: 8
  - add:
      b: [conv: {out: 8, kernel: 1}]
      d: [conv: {out: 8, kernel: 1}]
""",
        {"b1/conv": 32, "b/conv": 72, "d/conv": 72, "add": 0},
    ),
    "a label called as a layer with a norm is": (
        """
layers:
  - {conv: {out: 8, kernel: 1, norm: batch}, name: c}
  - add:
      c: [batch_norm]
      d: [conv: {out: 8, kernel: 1}]
""",
        {"c": 24, "c/batch_norm": 16, "c/batch_norm1": 16, "d/conv": 72, "add": 0},
    ),
    "a layer called as the activation of another is": (
        """
layers:
  - {conv: {out: 8, kernel: 1, act: relu6}, name: c}
  - add:
      c: [{conv: {out: 8, kernel: 1}, name: relu(6)}]
      d: []
""",
        {"c": 32, "c/relu6": 0, "c/relu6_2": 72, "add": 0},
    ),
    "a name with a slash": (
        """
blocks:
  a: [{conv: {out: 8, kernel: 1}, name: b}]
layers:
  - a
  - {conv: {out: 8, kernel: 1}, name: a/b}
""",
        {"a1/b": 32, "a/b": 72},
    ),
    "a repeat of nothing has a name": (
        """
knobs: {n: 0}
layers:
  - {conv: {out: 8, kernel: 1}, name: a}
  - {conv: {out: 8, kernel: 1}, name: b, repeat: n}
  - {conv: {out: 4, kernel: 1}, name: c, from: b}
outputs: [b, c]
""",
        {"a": 32, "c": 36},
    ),
    "parts of parts": (
        """
blocks:
  two:
    layers:
      - {conv: {out: 8, kernel: 1}, name: p}
      - {conv: {out: 16, kernel: 1}, name: q}
    outputs: [p, q]
  outer: {layers: [{two, name: s}], outputs: [s.p, s.q]}
layers:
  - {outer, name: t}
  - {conv: {out: 4, kernel: 1}, from: t.p, name: x}
  - {conv: {out: 4, kernel: 1}, from: t.s.q, name: y}
outputs: [x, y]
""",
        {"t/s/p": 32, "t/s/q": 144, "x": 36, "y": 68},
    ),
    "parts with an index": (
        """
layers:
  - {conv: {out: 8, kernel: 1}, name: p(0)}
  - {split: {parts: 2}, name: p(1)}
  - {do: [], from: [p(0), p(1).part0], name: g}
  - {conv: {out: 2, kernel: 1}, from: g.p0, name: x}
  - {conv: {out: 2, kernel: 1}, from: g.part0, name: y}
  - {conv: {out: 2, kernel: 1}, from: g.p1, name: z}
  - concat: [x, y, z, p1.part1]
""",
        {"p0": 32, "p1": 0, "x": 18, "y": 10, "z": 10, "concat": 0},
    ),
}


@pytest.mark.parametrize("case", GIVES)
def test_a_spec_gives(case: str) -> None:
    text, rows = GIVES[case]
    assert [(layer.name, layer.params) for layer in costcalc.count(zoo.load_text(HEAD + text)).layers] == [
        *rows.items()
    ]


# What is refused: the line and column, the message and a part of the hint of each mistake.
REFUSED: dict[str, tuple[str, list[tuple[str, str, str]]]] = {
    "a norm that cannot split the channels": (
        """
defaults: {group_norm: {groups: 3}}
layers:
  - conv: {out: 8, kernel: 1, groups: 1, norm: group}
""",
        [("5:48", "8 channels can't be split into 3 groups", "multiple of groups")],
    ),
    "a norm's default that is wrong by itself": (
        """
defaults: {group_norm: {groups: 1 - 1}}
layers:
  - conv: {out: 8, kernel: 1, groups: 1, norm: group}
""",
        [("3:33", "groups: must be at least 1, not 0", "")],
    ),
    "a part that two have": (
        """
blocks:
  two:
    layers:
      - {conv: {out: 8, kernel: 1}, name: p}
      - {conv: {out: 16, kernel: 1}, name: q}
    outputs: [p, q]
layers:
  - {two, name: a}
  - {two, from: input, name: b}
  - {do: [], from: [a.p, b.p], name: g}
  - {relu, from: g.p}
  - concat: [a.q, b.q]
""",
        [("13:18", "'g' has several parts 'p'", "it has a.p, b.p: give each a name of its own")],
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_spec_is_refused(case: str) -> None:
    text, told = REFUSED[case]
    with pytest.raises(SpecError) as caught:
        costcalc.count(zoo.load_text(HEAD + text))
    found = [(str(problem.mark).removeprefix("spec:"), problem.message) for problem in caught.value.problems]
    assert found == [(where, message) for where, message, _ in told]
    assert all(hint in problem.hint for problem, (_, _, hint) in zip(caught.value.problems, told, strict=True))


def test_a_part_of_a_network_is_never_counted_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise expand.DependsOnMistake

    monkeypatch.setitem(expand._HANDLERS, expand.OpItem, unknown)
    with pytest.raises(SpecError, match="no mistake was found"):
        costcalc.count(zoo.load_text(HEAD + "\nlayers: [relu]\n"))
