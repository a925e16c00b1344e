"""Choosing layers: expressions where layers are named, lists of layers, words as branches, `joined`, pieces.

Layers `a` and `b` of 4 and 6 channels go before each row; an `fc` of one output without bias, or a `conv` 1x1, tells by
its weights which layer entered.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import costcalc
from costcalc import SpecError
from costcalc.language import zoo
from costcalc.numbers.shape import Shape
from costcalc.reports.result import Result

HEAD = """
costcalc: 1
knobs: {first: true, deep: false, k: 2, kind: double, taps: [a, b], names: [a, none, relu]}
input: [8]
define:
  either(x, y): x if first else y
blocks:
  double: [fc: {out: 2 * c_in, bias: false}]
  skip(x, other=none, more=[]):
    - {concat: [x, other, more]}
    - {fc: {out: 3, bias: false}, if: other != none}
  halves:
    inputs: [l, r]
    layers: [{add: [l, r], name: out}]
    outputs: [out, l if first else r]
layers:
  - {fc: {out: 4, bias: false}, name: a}
  - {fc: {out: 6, bias: false}, name: b, from: input}
  - {fc: {out: 5, bias: false}, name: a-b, from: input}
  - {fc: {out: 7, bias: false}, name: p(1), from: input}
  - {fc: {out: 9, bias: false}, name: p(2), from: input}
  - {do: [{skip: [a]}, {halves, from: [a, a]}, add: [taps, names, kind, double]], if: deep and k > 9}
"""
OUTPUTS = "outputs: [a, b, a-b, p1, p2, x]\n"
BEFORE = 8 * (4 + 6 + 5 + 7 + 9)
FC = "fc: {out: 1, bias: false}"


def run(layers: str, outputs: str = OUTPUTS, **knobs: object) -> Result:
    return costcalc.count(zoo.load_text(HEAD + layers + "\n" + outputs), knobs=knobs)


# One more layer `x`, and the channels of what enters it (or comes out of it, where it is a join).
SINGLE = [
    ("a if first else b", 4),
    ("b if first else a", 6),
    ("a-b", 5),  # a name of the body before it is an expression
    ("(a)", 4),
    ("p(k)", 9),
    ("p(1) if deep else p(k)", 9),
    ("p(1 if first else 2)", 7),
    ("[a, b][1]", 6),
    ("either(a, b)", 4),
    ("either(p(1), b) if first else a", 7),
    ("taps[1]", 6),
    ("input if c_of(a) > 4 else b", 6),
    ("a if a != none else b", 4),
]


@pytest.mark.parametrize(("text", "channels"), SINGLE, ids=[text for text, _ in SINGLE])
def test_an_expression_stands_where_a_layer_is_named(text: str, channels: int) -> None:
    """By hand: one weight a channel of the layer that is meant."""
    assert run(f'  - {{{FC}, from: "{text}", name: x}}').params == BEFORE + channels
    branch = run(f'  - {{add: ["{text}", "{text}"], name: x}}')
    assert (branch.rows[-1].output, branch.params) == ((channels,), BEFORE)
    listed = run(f"  - {{{FC}, from: a, name: x}}", f'outputs: [a, b, a-b, p1, p2, x, "{text}"]\n')
    assert listed.graph.outputs[-1].shape == Shape(channels)


LISTS = [
    ("concat: taps", 10),  # words of a knob
    ("concat: [a, b]", 10),
    ('concat: "[a, b, p(2)]"', 19),
    ("concat: 'taps + [p(1)]'", 17),
    ("concat: [taps, p(1)]", 17),
    ("{concat: {axis: 0}, from: taps}", 10),
    ("{concat: {axis: 0}, from: [taps, p2]}", 19),
    ("concat: [a, none, b]", 10),
    ("concat: [a, b if deep else none, b]", 10),
    ("add: [a, none]", 4),  # of one it is the identity: no row
    ("multiply: [none, b if first else none]", 6),
    ("add: '[b]'", 6),
    ("concat: [a, relu]", 13),  # a bare operator: of what flows, 9 channels
    ("concat: [double, a]", 22),  # a block of it: 2 * 9
    ("concat: [kind, a]", 22),  # a knob that holds the block
    ("concat: names", 13),  # a, and relu of what flows
    ("concat: [relu if first else none, a]", 13),
    ("concat: [[], [concat: [joined, [fc: {out: c_of(joined) + 1, bias: false}]]]]", 9 + 9 + 10),
    ("concat: [[fc: {out: 2, bias: false}, concat: [[], joined]], joined]", 2 + 2 + 9),  # the nearest join's
    ("do: [{fc: {out: 6, bias: false}}, {split: {parts: 2}, name: h}, concat: ['h[1]', 'h[0]', 'h.part0']]", 9),
    ("do: [{fc: {out: 6, bias: false}}, {split: {parts: 2}, name: h}, {concat: h}]", 6),
    ("do: [{fc: {out: 6}}, {split: {parts: 3}, name: h}, {concat: h}, {fc: {out: len(h)}}]", 3),
    ("{skip: [a], from: b}", 4),
    ("{skip: [a, none, [b, p(1)]], from: b}", 17),
    ("{skip: {x: a, other: b}, from: b}", 3),
    ("do: [{halves, from: [b, b], name: y}, concat: y]", 12),
    ("do: [{halves, from: [b, b], name: y}, concat: ['y[1]', y.out]]", 12),
    ("do: [{table: {t: taps}, do: [{fc: {out: c_of(t), bias: false}}]}]", 6),
]


@pytest.mark.parametrize(("item", "channels"), LISTS, ids=[text for text, _ in LISTS])
def test_lists_of_layers_words_and_pieces(item: str, channels: int) -> None:
    item = item.removesuffix("}") if item.startswith("{") else f"{{{item}"
    assert run(f"  - {item}, name: x}}").graph.outputs[-1].shape == Shape(channels)


def test_a_join_of_one_costs_no_row_and_an_output_that_is_none_is_left_out() -> None:
    assert [row.name for row in run("  - {concat: [a, none], name: x}").rows] == ["a", "b", "a-b", "p1", "p2"]
    left = run(f"  - {{{FC}, name: x}}", "outputs: [a, b, a-b, p1, x, p2 if deep else none, x if deep else taps]\n")
    assert len(left.graph.outputs) == 7  # of the last, a and b


def test_a_swept_choice_counts_as_each_setting() -> None:
    spec = zoo.load_text(HEAD + f"  - {{{FC}, from: a if k > 2 else b, name: x}}\n{OUTPUTS}")
    assert list(costcalc.sweep(spec, k=[1, 2, 3]).params) == [BEFORE + 6, BEFORE + 6, BEFORE + 4]


def test_the_names_of_what_is_included_win_over_expressions(tmp_path: Path) -> None:
    """A layer of the included spec may be called as an expression reads: it is known by that name."""
    inner = "costcalc: 1\ninput: [8]\nlayers: [{fc: {out: 3}, name: s-1}, {fc: {out: 2}, name: s}]\n"
    (tmp_path / "net.yaml").write_text(inner, encoding="utf-8")
    layers = f"[include: net.yaml, {{{FC}, from: net.s-1}}, concat: [net.s if c_in > 0 else net.s-1, []]]"
    (tmp_path / "host.yaml").write_text(f"costcalc: 1\ninput: [8]\nlayers: {layers}\n", encoding="utf-8")
    found = costcalc.count(tmp_path / "host.yaml")
    assert [row.output for row in found.rows] == [(3,), (2,), (1,), (3,)]  # the last: 2 of net.s and 1


WRONG = [
    ("{FC, from: a if firts else b}", "unknown name 'firts'", "did you mean 'first'?"),
    ("{FC, from: a if first els b}", "'a if first els b' is no expression", None),
    ("{FC, from: a if first else c}", "unknown name 'c'", None),
    ("{FC, from: k + 1}", "'k + 1' is 3, which is no layer", None),
    ("{FC, from: b if deep else none}", "is none, and a layer is needed here", "only a join and a list leave none out"),
    ("{FC, from: kind if first else a}", "no layer before this one is called 'double'", None),
    ("{FC, from: taps}", "2 tensors flow in here (taps[0], taps[1])", None),
    ("concat: kind", "'kind' is no list of layers to join", "write [kind, []]"),
    ("concat: a", "'a' is no list of layers to join", "write [a, []]"),
    ("concat: input", "'input' is no list of layers to join", "write [input, []]"),
    ("concat: 3", "concat joins branches", "write concat: [input, []], or a mapping of them"),
    ("add: [none, none]", "add has nothing to join", "its list is empty, or each of its branches is none"),
    ("matmul: [a, none]", "matmul takes 2 tensors, and 1 flows in", None),
    ("{FC, from: joined}", "no layer is called 'joined'", None),
    ("fc: {out: c_of(joined)}", "'joined' is what enters the branches of a join, and there is none here", None),
    ("{split: {parts: 3}, name: h}", "nothing uses the result", None),
    ("add: ['p1[0]', []]", "a layer's output (7) is not a list, so nothing can be picked from it", None),
    ("fc: {out: 3 if a == b else 4}", "a layer's output (4) is compared with a layer's output (6)", None),
]


@pytest.mark.parametrize(("item", "said", "hint"), WRONG, ids=[item for item, *_ in WRONG])
def test_what_names_no_layer_is_refused_in_words(item: str, said: str, hint: str | None) -> None:
    item = item.replace("FC", FC)
    with pytest.raises(SpecError) as caught:
        run(f"  - {item}", "outputs: [a, b, a-b, p1, p2]\n")
    problem = caught.value.problems[0]
    assert said in problem.message
    assert hint is None or problem.hint == hint
    assert problem.mark.line >= 0
