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
    "the index of a group's name reads what enters it": (
        """
layers:
  - conv: {out: 4, kernel: 1}
  - {do: [conv: {out: 8, kernel: 1}, conv: {out: 16, kernel: 1}], name: g(c_in)}
  - {conv: {out: 2, kernel: 1}, from: g4}
""",
        {"conv1": 16, "g4/conv1": 40, "g4/conv2": 144, "conv2": 34},
    ),
    "a knob that only a variable item reads": (
        """
knobs: {k: 1, join: add, c: 2, f: 3}
layers:
  - join: [[conv: {out: c + 6, kernel: k}], {conv: {out: 8, kernel: 1}, if: f > 2}]
""",
        {"conv1": 32, "conv2": 32, "add": 0},
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
    # lstm over [96, 32]: 4 * 8 * (96 + 8) and 2 * 4 * 8; its last states are [1, 8]
    "the first of an lstm's outputs flows on, and the others have names": (
        """
layers:
  - {reshape: {shape: [96, 32]}, name: rows}
  - {lstm: {hidden: 8}, name: r}
  - {fc: {out: 4, per_position: true}, name: each}
  - {add: [r.h, r.c], name: last}
  - {flatten, name: flat}
  - {fc: {out: 2}, name: of_state}
  - {slice: {start: 31, axis: 1}, from: r.out, name: end}
outputs: [each, of_state, end, r]
""",
        {"rows": 0, "r": 3392, "each": 36, "last": 0, "flat": 0, "of_state": 18, "end": 0},
    ),
    "the states alone may be used": (
        """
layers:
  - {reshape: {shape: [96, 32]}}
  - {gru: {hidden: 8}, name: r}
  - {flatten, from: r.h, name: h}
""",
        {"reshape": 0, "r": 2544, "h": 0},
    ),
}


@pytest.mark.parametrize("case", GIVES)
def test_a_spec_gives(case: str) -> None:
    text, rows = GIVES[case]
    assert [(row.name, row.params) for row in costcalc.count(zoo.load_text(HEAD + text)).rows] == [*rows.items()]


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
    "a knob that nothing reads beside a variable item": (
        """
knobs: {k: 1, join: add}
layers:
  - join: [[], []]
""",
        [("3:9", "nothing reads the knob 'k'", "use it, or remove it")],
    ),
    "a variable item that fails, and a name inside": (
        """
knobs: {join: add, z: 0}
layers:
  - {join: [{conv: {out: 8, kernel: 1}, name: x}, {conv: {out: 8, kernel: 1}, name: y}], if: 3 / z > 1}
  - {conv: {out: 8, kernel: 1}, from: y}
  - {relu, from: input, name: q(0)}
  - {relu, from: q(1)}
""",
        [
            ("5:94", "3 is divided by zero", ""),
            ("8:18", "no layer before this one is called 'q1'", "a layer can be used after"),
        ],
    ),
    "a mistake of many turns, and another": (
        """
layers:
  - {do: [{conv: {out: 8, kernel: 99}, from: input}], repeat: 200}
  - {conv: {out: 8, kernel: 77}, from: input}
""",
        [("4:35", "a window of 99 does not fit into 32", ""), ("5:29", "a window of 77 does not fit into 32", "")],
    ),
    "an index that is the same in each turn": (
        """
layers:
  - {do: [{relu, name: p(0)}], repeat: 2}
""",
        [("4:24", "two layers are called 'p0'", "an index must differ in each turn")],
    ),
    "an index of rows in a repeat": (
        """
layers:
  - {do: [{table: {c: [1, 2]}, name: s(row), do: [relu]}], repeat: 2}
""",
        [("4:38", "two layers are called 's0'", "an index must differ in each turn")],
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
    "a state that an operator has not": (
        """
layers:
  - {reshape: {shape: [96, 32]}}
  - {gru: {hidden: 8}, name: r}
  - {flatten, from: r.c}
""",
        [("6:21", "'r' has no part 'c'", "it has out, h")],
    ),
    "a state of what follows an lstm": (
        """
layers:
  - {reshape: {shape: [96, 32]}}
  - {do: [lstm: {hidden: 8}, relu], name: r}
  - {flatten, from: r.h}
""",
        [("6:21", "'r' has no part 'h'", "it gives one tensor only")],
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


def everything(value: Any, seen: dict[int, Any]) -> Any:
    """Return all that a value of the language holds, as plain data; what else is in it, functions say, is itself."""
    if id(value) in seen:
        return "seen"
    if isinstance(value, dict):
        return {key: everything(part, seen) for key, part in value.items()}
    if isinstance(value, list | tuple | set):
        return [everything(part, seen) for part in value]
    if not type(value).__module__.startswith("costcalc.language"):
        return value
    seen[id(value)] = value
    names = [name for cls in type(value).__mro__ for name in getattr(cls, "__slots__", ()) if name not in KEPT]
    parts = {name: getattr(value, name) for name in names} | getattr(value, "__dict__", {})
    return {name: everything(part, seen) for name, part in parts.items()}


KEPT = ("made", "parsed", "read")  # of items: what was worked out of them, which is the same each time


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "fasterrcnn_resnet50_fpn"])
def test_counting_changes_no_spec(name: str) -> None:
    """A spec of the zoo is read once, and shared; between threads too."""
    spec = zoo.load_text(zoo.load(name).text)
    before = everything(spec, {})
    costcalc.count(spec)
    assert everything(spec, {}) == before


def test_a_part_of_a_network_is_never_counted_as_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any) -> None:
        raise expand.DependsOnMistake

    monkeypatch.setitem(expand.HANDLERS, expand.OpItem, unknown)
    with pytest.raises(SpecError, match="no mistake was found"):
        costcalc.count(zoo.load_text(HEAD + "\nlayers: [relu]\n"))
