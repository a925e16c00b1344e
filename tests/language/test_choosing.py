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
    ("do: [{fc: {out: 6}}, {split: {parts: 2}, name: half}, concat: ['half[1]', 'half[0]', 'half[0]']]", 9),  # a word
    ("do: [{fc: {out: 6}}, {split: {parts: 3}, name: same}, {concat: same}, {fc: {out: len(same)}}]", 3),
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


CUT = "quote a text that holds a comma"
PICK = "what an operator gives beside it is picked by name: x.h"
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
    ("{FC, from: joined}", "'joined' is what enters the branches of a join, and there is none here", None),
    ("fc: {out: c_of(joined)}", "'joined' is what enters the branches of a join, and there is none here", None),
    ("{split: {parts: 3}, name: h}", "nothing uses the result", None),
    ("add: ['p1[0]', []]", "a layer's output (7) is not a list, so nothing can be picked from it", PICK),
    ("{einsum: {equation: a,b->ab}, from: [a, b]}", "branch 'b->ab' is empty", f'{CUT}: equation: "a,b->ab"'),
    ("{FC, from: b, if: a}", "a layer's output (4) is neither true nor false", "write a comparison: x != none"),
    ("{FC, from: b, if: 'either(none, none)'}", "'none' is neither true nor false", "write a comparison: x != none"),
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


# ---- lists that grow, names that are set anew ------------------------------------------------------------

# Items over an input of 8 channels; the output's channels, by hand.
GROWING = [
    # 8, then 2 each: the list has 8, 2, 2, 2
    ("[{do: [], into: kids}, {do: [concat: kids, fc: {out: 2}], into: kids, repeat: 3}, concat: kids]", 14),
    ("[{fc: {out: 3}, into: kids}, {fc: {out: 5}, into: kids}, concat: 'kids + [input]']", 16),
    ("[{fc: {out: 3}, into: kids}, concat: [kids, input]]", 11),
    ("[{fc: {out: 3}, into: kids, if: false}, {fc: {out: 1 + len(kids)}}]", 1),  # skipped, nothing is put there
    ("[{fc: {out: 3}, into: kids, repeat: 0}, concat: '[input] + kids', relu]", 8),
    ("[{table: {c: [1, 2, 4]}, do: [{fc: {out: c}}], into: kids}, concat: kids]", 7),
    ("[{table: {c: [1, 2, 4]}, do: [{fc: {out: c}}], into: kids(row)}, concat: '[kids2[0], kids(1)[0]]']", 6),
    ("[{do: [{fc: {out: 3}, into: kids}, relu], name: g}, concat: [kids, g]]", 6),
    ("[{fc: {out: 3}, name: x}, {fc: {out: 5}, sets: x}, {fc: {out: 2}}, concat: [x, []]]", 7),
    ("[{fc: {out: 3}, name: x}, {fc: {out: 5}, sets: x, if: false}, {fc: {out: 2}}, concat: [x, []]]", 5),
    ("[{fc: {out: 1}, name: x}, {fc: {out: c_of(x) + 1}, sets: x, repeat: 4}, {concat: [x, x]}]", 10),  # 1, 2, .. 5
    ("[{do: [{fc: {out: 3}, name: x}, {fc: {out: c_of(x) + i}, sets: x}], repeat: 2}, concat: [x, x]]", 8),
    ("[{fc: {out: 3}, name: p(1)}, {fc: {out: 5}, sets: p(1)}, {fc: {out: 2}}, concat: [p1, []]]", 7),
    ("[{custom: {shape: [4]}, into: into}, concat: '[into[0], into[0]]']", 8),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "channels"), GROWING, ids=[text for text, _ in GROWING])
def test_lists_grow_and_names_are_set_anew(layers: str, channels: int) -> None:
    found = costcalc.count(zoo.load_text(f"costcalc: 1\ninput: [8]\nlayers: {layers}\n"))
    assert found.graph.outputs[-1].shape == Shape(channels)


def test_each_call_of_a_block_has_lists_of_its_own_and_sets_its_own_inputs() -> None:
    """By hand: 2 + 2 channels a call, then 4 + 4; the pair is exchanged."""
    text = """
costcalc: 1
input: [8]
blocks:
  twice: [{fc: {out: 2}, into: kids, repeat: 2}, concat: kids]
  exchanged:
    inputs: [l, r]
    layers: [{do: [], from: l, name: old}, {do: [], from: r, sets: l}, {do: [], from: old, sets: r}]
    outputs: [l, r]
layers:
  - {twice, repeat: 2}
  - {fc: {out: 3}, name: three}
  - {fc: {out: 5}, name: five}
  - {exchanged, from: [three, five], name: pair}
  - {fc: {out: 1}, from: "pair[0]"}
  - concat: [[], "pair[1]"]
"""
    rows = costcalc.count(zoo.load_text(text)).rows
    assert [row.output[0] for row in rows] == [2, 2, 4, 2, 2, 4, 3, 5, 1, 4]
    assert [row.inputs for row in rows[-2:]] == [5, 4]


NOT_GROWING = [
    ("{relu, sets: x}", "no layer is called 'x'", "name: x gives a name first, sets: x gives it anew"),
    ("{relu, sets: kids}", "no layer is called 'kids'", "it is a list: into: kids puts a layer to its end"),
    ("{relu, sets: firsd}", "no layer is called 'firsd'", "did you mean 'first'?"),
    ("{relu, sets: later}", "no layer before this one is called 'later'", None),
    ("{relu, sets: input}", "no layer is called 'input'", None),
    ("{relu, into: first}", "a layer and a list of layers are called 'first'", "sets: first gives the layer anew"),
    ("{relu, name: kids}", "a layer and a list of layers are called 'kids'", "kids is a list: into: kids"),
    ("{relu, into: relu}", "a layer cannot be called 'relu'", "it is an operator's name: shadowing is refused"),
    ("{relu, into: c_in}", "a layer cannot be called 'c_in'", None),
    ("{relu, into: [a]}", "'into' takes a name, not a list", None),
    ("{relu, into: }", "'into' is empty", None),
    ("{split: {parts: 2}, into: kids}", "2 tensors flow in here (part0, part1)", None),
    ("{relu, repeat: 201, into: kids}", "a list of 201 values", "one value has 200 at most"),
    ("{relu, from: 'kids[7]'}", "there is no item 7 in a list of 1", "items count from 0"),
    ("{add: kids + first}", "a list of 1 is not a number", None),
    ("{conv: {out: 8, kernel: 9}, into: kids}, concat: kids", "a window of 9 does not fit into 4", None),
]


@pytest.mark.parametrize(("item", "said", "hint"), NOT_GROWING, ids=[item for item, *_ in NOT_GROWING])
def test_lists_and_names_that_cannot_be(item: str, said: str, hint: str | None) -> None:
    layers = f"[{{relu, name: first}}, {{relu, into: kids}}, {item}, {{relu, name: later}}]"
    with pytest.raises(SpecError) as caught:
        costcalc.count(zoo.load_text(f"costcalc: 1\ninput: [8, 4, 4]\nlayers: {layers}\n"))
    problem = caught.value.problems[0]
    assert said in problem.message
    assert hint is None or problem.hint == hint
    assert (problem.mark.line, len(caught.value.problems)) == (2, 1), str(caught.value)


def test_what_a_block_runs_by_a_word_is_asked_anew_where_a_knob_of_it_differs() -> None:
    """By hand: 3 weights an output; q and 2 * q outputs by which block is run. A kept call sees what it reads."""
    text = """
costcalc: 1
knobs: {kind: wide, q: 2}
input: [3]
blocks:
  wide: [fc: {out: 2 * q, bias: false}]
  slim: [fc: {out: q, bias: false}]
  body(word): [concat: [kind, word if q > 1 else wide]]
layers: [body: [slim]]
"""
    spec = zoo.load_text(text)
    settings = [{"q": q, "kind": kind} for q in (2, 1, 2, 5) for kind in ("wide", "slim")]
    found = [costcalc.count(spec, knobs=knobs).params for knobs in settings]
    assert found == [3 * n for n in (4 + 2, 2 + 2, 2 + 2, 1 + 2, 4 + 2, 2 + 2, 10 + 5, 5 + 5)]
