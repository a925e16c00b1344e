"""The language: each feature on a small network whose numbers are worked out by hand, in the comment beside it.

A weight of a convolution is one of C_o * C_i / G * K * K; each is used once at every output pixel. Where
nothing else is said the specs have no biases, so that the products can be read off.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import generate
import numpy as np
import pytest
import yaml

import costcalc
from costcalc import SpecError
from costcalc.base.errors import Mark
from costcalc.language import source as yaml_source
from costcalc.language import zoo
from costcalc.language.expr import parse
from costcalc.language.standalone import standalone
from costcalc.numbers import num
from costcalc.reports.result import Result

HEAD = "costcalc: 1\n"


def run(text: str, **arguments: Any) -> Result:
    return costcalc.count(zoo.load_text(HEAD + text.strip() + "\n"), **arguments)


def shapes(result: Result) -> dict[str, tuple[int, ...]]:
    return {row.name: row.output for row in result.rows}


def out(result: Result) -> tuple[int, ...]:
    return result.rows[-1].output


def message(text: str, **arguments: Any) -> str:
    with pytest.raises(SpecError) as caught:
        run(text, **arguments)
    (problem,) = caught.value.problems
    return problem.message


# ---- expressions ------------------------------------------------------------------------------------

# Each stands for `out` of an fc on 6 channels: C_o is its value. Knobs: k 3, f 2.5, w word, l [4, 5, 6], t true.
EXPRESSIONS = [
    ("7", 7),
    ("017", 17),  # YAML 1.2: no octal
    ("0x1f", 31),
    ("0o17", 15),
    ("8.0", 8),
    ("1e2", 100),
    ("1e+1", 10),
    ("+5", 5),
    ("1_000", 1000),
    ("k", 3),
    ("2 + 3 * 4", 14),
    ("int(1.1 ** 100)", 13780),
    ("(2 + 3) * 4", 20),
    ("10 - 2 - 3", 5),
    ("7 // 2", 3),
    ("-7 // 2 + 9", 5),  # floor: -4 + 9
    ("7 % 4", 3),
    ("2 ** 3 ** 2", 512),  # 2 ** 9
    ("6 / 2", 3),  # 3.0 is whole
    ("-(-4)", 4),
    ("2 * f", 5),
    ("int(f)", 2),
    ("int(-f) + 9", 7),  # towards zero: -2 + 9
    ("round(f)", 2),  # of two, the even one
    ("round(3.5)", 4),
    ("floor(-f) + 9", 6),  # -3 + 9
    ("ceil(f)", 3),
    ("min(4, k, 9)", 3),
    ("max(4, k, 9)", 9),
    ("min(l) + max(l)", 10),  # 4 + 6
    ("len(l)", 3),
    ("l[0] + l[-1]", 10),
    ("[7, 8, 9][k - 1]", 9),
    ("divisible(20)", 24),  # 20 + 4 = 24, a multiple of 8
    ("divisible(19)", 24),  # 16 is below 0.9 * 19 = 17.1
    ("divisible(33)", 32),  # 32 is above 0.9 * 33 = 29.7
    ("divisible(3)", 8),  # at least by
    ("divisible(20, 16)", 32),  # 16 is below 0.9 * 20 = 18
    ("divisible(20, by=5)", 20),
    ("c_in", 6),
    ("c_of(input) + 1", 7),
    ("1 if k > 2 else 9", 1),
    ("1 if k > 3 else 9", 9),
    ("1 if 1 < k <= 3 else 9", 1),
    ("1 if k == 3 and f != 2 else 9", 1),
    ("1 if k == 4 or not t else 9", 9),
    ("sum(l) - sum([])", 15),  # 4 + 5 + 6
    ("sum([k, f, 0.5])", 6),
    ("log2(8) + log2(0.5)", 2),  # 3 - 1
    ("int(abs_(-7) + log2(k))", 8),  # 7 + 1.58
    ("max([c_in, size_of(input, 0) + 1])", 7),
    ("1 if k in l else 9", 9),
    ("1 if 5 in l and 7 not in l else 9", 1),
    ("1 if w == word else 9", 9),  # the knob holds another word
    ("1 if w == relu else 9", 1),
    ("1 if w == 'relu' else 9", 1),
    ("1 if true else 9", 1),
    ("3 or 4", 3),
    ("0 or 4", 4),
    ("3 and 4", 4),
    ("ch(10)", 25),  # int(10 * 2.5)
    ("ch(ch(2)) + base", 44),  # int(5 * 2.5) + 32
    ("pick[1]", 9),
]


@pytest.mark.parametrize(("text", "value"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_expressions(text: str, value: int) -> None:
    quoted = f'"{text}"' if "," in text or "[" in text or "'" in text else text
    result = run(f"""
knobs: {{k: 3, f: 2.5, w: relu, l: [4, 5, 6], t: true}}
define:
  ch(c): int(c * f)
  base: 32
  pick: [k, 3 * k]
  abs_(x): max(x, -x)
input: [6]
blocks: {{word: [relu]}}
layers:
  - {{word, if: false}}
  - fc: {{out: {quoted}, bias: false}}
  - {{fc: {{out: k + f + len(l)}}, if: false and t and w == relu}}
""")
    assert out(result) == (value,)
    assert result.params == 6 * value


DIMENSIONS = [
    ("c_in", 5),
    ("h_in", 12),
    ("w_in", 9),
    ("c_of(input)", 3),
    ("h_of(input)", 24),
    ("w_of(first)", 18),
    ("h_of('first')", 24),
    ("c_of(p(2))", 5),
    ("c_of(p2)", 5),
    ("w_of(p(k + 1))", 9),
    ("size_of(first, 0)", 3),
    ("size_of(p2, k)", 12),
    ("sum([size_of(first, 1), size_of(first, 2), 0])", 42),  # 24 + 18
]


@pytest.mark.parametrize(("text", "value"), DIMENSIONS)
def test_sizes_of_tensors(text: str, value: int) -> None:
    result = run(f"""
knobs: {{k: 1}}
input: [3, 24, 18]
layers:
  - {{relu, name: first}}
  - {{conv: {{out: 5, kernel: 2, stride: 2}}, name: p(k + 1)}}
  - conv: {{out: "{text}", kernel: 1}}
""")
    assert out(result) == (value, 12, 9)


@pytest.mark.parametrize(
    ("space", "text", "value"),
    [
        ([7, 5, 3], "d_in", 7),
        ([7, 5, 3], "d_of(input) + h_of(first)", 12),
        ([7, 5, 3], "size_of(first, 3)", 3),
        ([9, 7, 5, 3], "d_in", 7),  # the third from last
        ([11], "l_in + l_of(input) + w_in", 33),
        ([7, 5], "d_in", "a tensor of shape 4x7x5 has no depth"),
        ([7, 5], "l_of(first)", "a tensor of shape 4x7x5 has no length"),
        ([7, 5], "size_of(first, 3)", "axis 3 is past the last axis of 4x7x5: 2"),
        ([7, 5], "size_of(first, -1)", "size_of takes an axis from 0, the channels, not -1"),
        ([7, 5], "size_of(first)", "size_of takes a layer's name and an axis, not 1"),
        ([7, 5], "log2(c_in - 4)", "log2(0): only a number above 0 has a logarithm"),
        ([7, 5], "sum(c_in)", "4 is not a list"),
        ([7, 5], "sum(1, 2)", "sum takes 1 argument, not 2"),
    ],
)
def test_sizes_along_any_number_of_axes(space: list[int], text: str, value: int | str) -> None:
    spec = f"""
input: [4, {", ".join(map(str, space))}]
layers:
  - {{relu, name: first}}
  - fc: {{out: "{text}", per_position: true}}
"""
    assert (message(spec) if isinstance(value, str) else out(run(spec))[0]) == value


def test_a_swept_logarithm_and_sum() -> None:
    text = HEAD + 'knobs: {c: 8}\ninput: [4]\nlayers: [fc: {out: "log2(c) + sum([c, 1])"}]'
    found = costcalc.sweep(zoo.load_text(text), c=[8, 16, 32])
    assert list(found.params) == [5 * (n + 2**n + 1) for n in (3, 4, 5)]  # 4 inputs and a bias


def test_i_and_row() -> None:
    # rows 0 and 1, turns 0 and 1 of each: 8 * row + i + 1 channels
    result = run("""
input: [4]
layers:
  - table: {n: [2, 2]}
    do:
      - fc: {out: 8 * row + i + 1, bias: false}
        repeat: n
""")
    assert [row.output for row in result.rows] == [(1,), (2,), (9,), (10,)]
    assert result.params == 4 * 1 + 1 * 2 + 2 * 9 + 9 * 10


def test_the_nearest_repeat_counts() -> None:
    result = run("""
input: [4]
layers:
  - do:
      - {fc: {out: 10 * i + 1}, repeat: 2}
      - fc: {out: 100 * (i + 1)}
    repeat: 2
""")
    assert [row.output[0] for row in result.rows] == [1, 11, 100, 1, 11, 200]


# ---- operators: shorthand, defaults, padding --------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "params"),
    [
        ("", 8 * 4 * 9 + 8),  # a bias by default
        (", bias: false", 8 * 4 * 9),
        (", norm: batch", 8 * 4 * 9 + 16),  # no bias beside a norm; gamma and beta
        (", norm: batch, bias: true", 8 * 4 * 9 + 8 + 16),
        (", norm: none", 8 * 4 * 9 + 8),
        (", act: prelu", 8 * 4 * 9 + 8 + 1),  # one slope
        (", groups: 4", 8 * 1 * 9 + 8),
    ],
)
def test_norm_act_and_the_rule_of_the_bias(fields: str, params: int) -> None:
    result = run(f"input: [4, 6, 6]\nlayers:\n  - conv: {{out: 8, kernel: 3{fields}}}")
    assert result.params == params
    assert result.macs == (8 if "groups" in fields else 32) * 9 * 16  # 4 x 4 pixels


def test_norm_and_act_are_rows_in_that_order() -> None:
    result = run("input: [4, 6, 6]\nlayers:\n  - {conv: {out: 8, kernel: 3, act: relu, norm: batch}, name: stem}")
    assert [row.name for row in result.rows] == ["stem", "stem/batch_norm", "stem/relu"]


def test_defaults_are_per_operator_and_an_item_wins() -> None:
    result = run("""
input: [4, 6, 6]
defaults:
  conv: {padding: half, norm: batch, act: relu, kernel: 3}
  batch_norm: {affine: true}
  max_pool: {kernel: 2}
layers:
  - conv: {out: 8}                         # 4 * 8 * 9 + 16, 36 pixels
  - dwconv: {kernel: 3}                    # inherits nothing: no padding, 8 * 9 weights, 8 biases, 16 pixels
  - conv: {out: 2, kernel: 1, norm: none}  # 8 * 2 + 2, 16 pixels
  - max_pool
""")
    assert result.params == 4 * 8 * 9 + 16 + 8 * 9 + 8 + 8 * 2 + 2
    assert result.macs == 4 * 8 * 9 * 36 + 8 * 9 * 16 + 8 * 2 * 16
    assert out(result) == (2, 2, 2)
    assert [row.kind for row in result.rows] == [
        "conv", "batch_norm", "relu", "dwconv", "conv", "relu", "max_pool",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ("kernel: 3", (5, 7)),  # 7 - 3 + 1, 9 - 3 + 1
        ("kernel: 3, stride: 2", (3, 4)),
        ("kernel: 3, padding: half", (7, 9)),
        ("kernel: 3, padding: half, dilation: 2", (7, 9)),
        ("kernel: 3, padding: 2, stride: 2", (5, 6)),  # (7 + 4 - 3) // 2 + 1, (9 + 4 - 3) // 2 + 1
        ("kernel: 4, padding: same, stride: 2", (4, 5)),  # ceil(7 / 2), ceil(9 / 2)
        ("kernel: 4, padding: valid", (4, 6)),
        ("kernel: [1, 3], padding: half", (7, 9)),
        ("kernel: [1, 3], stride: [2, 1]", (4, 7)),
        ("kernel: [3, 1], padding: [1, 0]", (7, 9)),
        ("kernel: 2, padding: [0, 1, 1, 0]", (7, 9)),
    ],
)
def test_windows(fields: str, size: tuple[int, int]) -> None:
    result = run(f"input: [2, 7, 9]\nlayers:\n  - conv: {{out: 3, {fields}}}")
    assert out(result) == (3, *size)


def test_a_pool_steps_by_its_kernel() -> None:
    assert out(run("input: [2, 9, 9]\nlayers:\n  - max_pool: {kernel: 3}")) == (2, 3, 3)
    assert out(run("input: [2, 8, 8]\nlayers:\n  - max_pool: {kernel: 3, ceil_mode: true}")) == (2, 3, 3)


def test_fc_takes_positions_only_when_told_to() -> None:
    result = run("input: [4, 3, 3]\nlayers:\n  - fc: {out: 5, per_position: true}")
    assert (out(result), result.params, result.macs) == ((5, 3, 3), 4 * 5 + 5, 4 * 5 * 9)
    result = run("input: [4, 3, 3]\nlayers:\n  - flatten\n  - fc: {out: 5}")
    assert (out(result), result.params, result.macs) == ((5,), 36 * 5 + 5, 36 * 5)


@pytest.mark.parametrize("text", ["[relu]", "relu", "{relu: }", "{relu: {}}"])
def test_a_bare_word_is_an_item(text: str) -> None:
    item = "relu" if text == "[relu]" else text
    assert [row.name for row in run(f"input: [4]\nlayers: [{item}]").rows] == ["relu"]


def test_custom_is_what_it_states() -> None:
    result = run("""
input: [4, 8, 8]
layers:
  - custom: {shape: [6, 4, 4], params: 9 * c_in, macs: "c_in * h_in * w_in", note: "a layer (of 2020, of ours)"}
  - custom: {note: nothing}
""")
    assert (result.params, result.macs) == (36, 256)
    assert shapes(result) == {"custom1": (6, 4, 4), "custom2": (6, 4, 4)}
    assert [row.to_dict()["stated"] for row in result.rows] == [True, True]


# ---- one dimension, and none ------------------------------------------------------------------------


def test_networks_of_one_dimension() -> None:
    # 16000 samples: (16000 - 80) // 4 + 1 = 3981, then 3981 // 4 = 995, then padded
    result = run("""
input: [1, 16000]
layers:
  - conv: {out: 32, kernel: 80, stride: 4, bias: false}
  - max_pool: {kernel: 4}
  - conv: {out: 64, kernel: 3, padding: half, norm: batch}
  - global_avg_pool
  - fc: {out: 10}
""")
    assert shapes(result) == {
        "conv1": (32, 3981),
        "max_pool": (32, 995),
        "conv2": (64, 995),
        "conv2/batch_norm": (64, 995),
        "global_avg_pool": (64,),
        "fc": (10,),
    }
    assert result.params == 32 * 80 + 64 * 32 * 3 + 128 + 650
    assert result.macs == 32 * 80 * 3981 + 64 * 32 * 3 * 995 + 640


def test_a_perceptron() -> None:
    result = run("input: [784]\nlayers:\n  - fc: {out: 100, act: relu}\n  - fc: {out: 10}")
    assert (result.params, result.macs) == (785 * 100 + 101 * 10, 784 * 100 + 100 * 10)


def test_width_of_one_dimension() -> None:
    assert out(run("input: [4, 20]\nlayers:\n  - conv: {out: w_in, kernel: 1}")) == (20, 20)


# ---- repeat, do, if ---------------------------------------------------------------------------------


def test_repeat_chains() -> None:
    # each turn is fed by the one before: 4 -> 8 -> 16 -> 32 channels
    result = run("input: [4]\nlayers:\n  - fc: {out: 2 * c_in, bias: false}\n    repeat: 3")
    assert result.params == 4 * 8 + 8 * 16 + 16 * 32
    assert [row.name for row in result.rows] == ["fc1", "fc2", "fc3"]


def test_no_turns_are_the_identity() -> None:
    result = run("input: [4]\nlayers:\n  - fc: {out: 8}\n    repeat: 0\n  - fc: {out: 2, bias: false}")
    assert (result.params, len(result.rows)) == (8, 1)


def test_from_is_of_the_first_turn() -> None:
    # from the input's 4 channels: 4 * 6, then 6 * 6
    result = run("""
input: [4]
layers:
  - {fc: {out: 3, bias: false}, name: side}
  - {fc: {out: 6, bias: false}, from: input, repeat: 2, name: main}
  - {concat: [side, main]}
""")
    assert result.params == 4 * 3 + 4 * 6 + 6 * 6
    assert out(result) == (9,)
    assert [row.name for row in result.rows] == ["side", "main", "main_2", "concat"]


def test_if_is_asked_in_each_turn() -> None:
    # turns 0 and 2 are run: 4 * 8, 8 * 8
    result = run("input: [4]\nlayers:\n  - {fc: {out: 8, bias: false}, repeat: 4, if: i % 2 == 0}")
    assert result.params == 4 * 8 + 8 * 8


def test_an_item_that_is_not_run_is_the_identity() -> None:
    # its fields are not evaluated, its from moves the flow, its name names what flows
    result = run("""
knobs: {on: false, zero: 0}
input: [4]
layers:
  - {fc: {out: 8, bias: false}, name: first}
  - {fc: {out: 1 // zero}, if: on, from: input, name: second}
  - fc: {out: c_of(second), bias: false}
  - concat: [first, []]
""")
    assert result.params == 4 * 8 + 4 * 4
    assert out(result) == (12,)


def test_do_groups() -> None:
    # (4 -> 6 -> 4) twice, the second group not at all
    result = run("""
input: [4]
layers:
  - do:
      - fc: {out: 6, bias: false}
      - fc: {out: 4, bias: false}
    repeat: 2
    name: stage
  - do: [{fc: {out: 9}}]
    if: c_in == 5
""")
    assert result.params == 2 * (24 + 24)
    assert [row.name for row in result.rows] == ["stage/fc1", "stage/fc2", "stage_2/fc1", "stage_2/fc2"]


# ---- tables -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "table",
    [
        "[[c, k], [8, 3], [16, 1]]",
        "{c: [8, 16], k: [3, 1]}",
        "{c: wide, k: [3, 2 - 1]}",
        '{c: "[8, 2 * 8]", k: kernels}',
        "[[c, k], ['wide[0]', 3], [2 * 8, 'kernels[1]']]",
    ],
)
def test_tables_by_rows_and_by_columns(table: str) -> None:
    # 3 * 8 * 9 weights at 16 pixels, 8 * 16 * 1 at 16
    result = run(f"""
knobs: {{wide: [8, 16], kernels: [3, 1]}}
input: [3, 6, 6]
layers:
  - table: {table}
    do:
      - conv: {{out: c, kernel: k, bias: false}}
  - {{relu, if: len(wide) == len(kernels)}}
""")
    assert result.params == 3 * 8 * 9 + 8 * 16
    assert result.macs == (3 * 8 * 9 + 8 * 16) * 16


def test_name_and_if_are_asked_for_each_row() -> None:
    # row 1 is not run: its name is what flowed, 8 channels
    result = run("""
input: [3]
layers:
  - table:
      - [c,  on]
      - [8,  true]
      - [16, false]
      - [32, true]
    name: stage(row + 1)
    if: on
    do:
      - fc: {out: c, bias: false}
  - concat: [stage1, stage2, stage3]
""")
    assert result.params == 3 * 8 + 8 * 32
    assert out(result) == (8 + 8 + 32,)
    assert [row.name for row in result.rows] == ["stage1/fc", "stage3/fc", "concat"]


def test_a_table_is_repeated_and_nested() -> None:
    # (2 -> 3 -> 2) with [2, 3] columns, twice: rows (a, b): (1,1) (1,2) (2,1) (2,2) give a * b channels
    result = run("""
input: [1]
layers:
  - table: {a: [1, 2]}
    do:
      - table: {b: [1, 2]}
        do:
          - fc: {out: a * b + row, bias: false}
    repeat: 2
""")
    # the inner row counts from 0: 1, 3, 2, 5 channels
    assert [row.output[0] for row in result.rows] == [1, 3, 2, 5] * 2
    assert result.params == 1 * 1 + 1 * 3 + 3 * 2 + 2 * 5 + 5 * 1 + 1 * 3 + 3 * 2 + 2 * 5


def test_a_cell_may_be_an_earlier_rows_layer() -> None:
    result = run("""
input: [2]
layers:
  - table:
      - [c, source]
      - [3, input]
      - [5, l0]
      - [7, l0]
    do:
      - {fc: {out: c, bias: false}, from: source, name: l(row)}
  - concat: [l0, l1, l2]
""")
    assert result.params == 2 * 3 + 3 * 5 + 3 * 7
    assert out(result) == (15,)


# ---- branches ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "branches",
    [
        "[input, {conv: {out: 4, kernel: 1, bias: false}}]",
        "[[], [{conv: {out: 4, kernel: 1, bias: false}}]]",
        "{short: [], long: {conv: {out: 4, kernel: 1, bias: false}}}",
        "{short: input, long: [{conv: {out: 4, kernel: 1, bias: false}}]}",
        "[first, {conv: {out: 4, kernel: 1, bias: false}}]",
        "[word, {conv: {out: 4, kernel: 1, bias: false}}]",
        "[[{relu, from: word}], {conv: {out: 4, kernel: 1, bias: false}, from: input}]",
    ],
)
def test_branches(branches: str) -> None:
    # 4 * 4 weights at 9 pixels, and one addition an element
    result = run(f"""
knobs: {{word: first}}
input: [4, 3, 3]
layers:
  - {{relu, name: first}}
  - add: {branches}
  - {{tanh, if: word == relu}}
""")
    assert (result.params, result.macs) == (16, 16 * 9)
    assert result.rows[-1].elementwise == {"add": 36}


def test_labels_of_branches_name_rows() -> None:
    result = run("input: [4]\nlayers:\n  - concat: {left: {fc: {out: 1}}, right: [relu, {fc: {out: 2}}]}")
    assert [row.name for row in result.rows] == ["left/fc", "right/relu", "right/fc", "concat"]
    assert out(result) == (3,)


def test_multiply_broadcasts_over_space() -> None:
    # squeeze-and-excite of 8 channels by 4: 8 * 2 + 2 and 2 * 8 + 8; one product for each of 8 * 25
    result = run("""
input: [8, 5, 5]
blocks:
  se(ratio=4):
    - global_avg_pool
    - fc: {out: c_in // ratio, act: relu}
    - fc: {out: c_of(input), act: sigmoid}
    - multiply: [input, []]
layers:
  - se
""")
    assert (result.params, result.macs) == (8 * 2 + 2 + 2 * 8 + 8, 16 + 16)
    assert (out(result), result.rows[-1].elementwise) == ((8, 5, 5), {"mul": 200})


# ---- names ------------------------------------------------------------------------------------------


def test_a_name_points_after_norm_and_act() -> None:
    result = run("""
input: [3, 4, 4]
layers:
  - {conv: {out: 5, kernel: 1, norm: batch, act: relu}, name: stem}
  - {conv: {out: 6, kernel: 1}, name: other}
  - concat: [stem, other]
""")
    assert [tensor.node.name for tensor in result.rows[-1].row.node.inputs] == ["stem/relu", "other"]
    assert out(result) == (11, 4, 4)


def test_turns_of_a_repeat_give_a_name_anew() -> None:
    result = run("""
input: [3]
layers:
  - {fc: {out: 2 * c_in}, repeat: 3, name: last}
  - do:
      - {fc: {out: c_in + 1}, name: inner}
    repeat: 2
  - concat: [last, inner]
""")
    assert out(result) == (24 + 26,)


def test_indexed_names() -> None:
    # p2, p3, p4 of 4, 9, 16 channels; the sum of the last two
    result = run("""
knobs: {last: 4}
input: [3]
layers:
  - table: {k: [2, 3, 4]}
    do:
      - {fc: {out: k * k}, name: p(k)}
  - concat: [p(last - 1), p(last)]
  - fc: {out: c_of(p(2)) + c_of(p4)}
  - concat: [p2, []]
""")
    assert [row.output[0] for row in result.rows] == [4, 9, 16, 25, 20, 24]


def test_outputs_leave_out_what_if_took_away() -> None:
    text = """
knobs: {aux: true}
input: [4]
layers:
  - {fc: {out: 8}, name: main}
  - {fc: {out: 2}, if: aux, from: main, name: side}
outputs: [main, side]
"""
    assert [str(tensor.shape) for tensor in run(text).graph.outputs] == ["8", "2"]
    assert [str(tensor.shape) for tensor in run(text, aux=False).graph.outputs] == ["8"]


def test_names_that_begin_with_a_digit() -> None:
    result = run(
        "input: [4]\nlayers:\n  - {fc: {out: 8}, name: 1st layer}\n  - {fc: {out: 2}, name: 2}\n"
        "  - concat: [1st layer, '2']"
    )
    assert out(result) == (10,)


# ---- blocks -----------------------------------------------------------------------------------------

INVERTED = """
blocks:
  inverted(expand, out, kernel=3, stride=1, mid=expand * c_in):
    - conv: {out: mid, kernel: 1, bias: false}
      if: expand != 1
    - dwconv: {kernel: kernel, stride: stride, padding: half, bias: false}
    - conv: {out: out, kernel: 1, bias: false}
    - add: [input, []]
      if: stride == 1 and out == c_of(input)
"""


@pytest.mark.parametrize(
    ("call", "params", "size", "added"),
    [
        ("[1, 4]", 4 * 9 + 4 * 4, 8, True),
        ("[2, 4]", 4 * 8 + 8 * 9 + 8 * 4, 8, True),
        ("[2, 6, 5, 2]", 4 * 8 + 8 * 25 + 8 * 6, 4, False),
        ("{expand: 2, out: 6}", 4 * 8 + 8 * 9 + 8 * 6, 8, False),
        ("{out: 4, expand: 2, kernel: 5}", 4 * 8 + 8 * 25 + 8 * 4, 8, True),
        ("{expand: 3, out: 4, mid: 5}", 4 * 5 + 5 * 9 + 5 * 4, 8, True),
    ],
)
def test_blocks_by_position_and_by_name(call: str, params: int, size: int, added: bool) -> None:
    result = run(f"input: [4, 8, 8]\n{INVERTED}layers:\n  - inverted: {call}")
    assert result.params == params
    assert out(result)[1:] == (size, size)
    assert (result.rows[-1].kind == "add") is added


def test_a_default_is_evaluated_where_the_block_is_entered() -> None:
    # 4 -> 8 -> 16: the default reads c_in of each turn
    result = run("""
input: [4]
blocks:
  double(out=2 * c_in):
    - relu
    - fc: {out: out, bias: false}
layers:
  - double
  - double: {}
  - double: [3]
""")
    assert result.params == 4 * 8 + 8 * 16 + 16 * 3


def test_input_of_a_block_is_what_entered_it() -> None:
    result = run("""
input: [4]
blocks:
  outer:
    - fc: {out: 6, bias: false}
    - inner
    - concat: [input, []]
  inner:
    - fc: {out: 5, bias: false}
    - concat: [input, []]
layers:
  - outer
""")
    assert result.params == 4 * 6 + 6 * 5
    assert out(result) == (4 + 6 + 5,)
    assert [row.name for row in result.rows] == [
        "outer/fc",
        "outer/inner/fc",
        "outer/inner/concat",
        "outer/concat",
    ]


WORDS = """
knobs: {block: basic, op: relu}
input: [4]
blocks:
  basic(out): [{fc: {out: out, bias: false}}]
  wide(out): [{fc: {out: 2 * out, bias: false}}]
  twice(kind, out):
    - kind: [out]
    - kind: {out: out}
  after(source): [{fc: {out: 3, bias: false}, from: source}, {concat: [input, []]}]
layers:
  - {relu, name: first}
  - twice: [block, 6]
  - op
  - {op: , name: second}
  - table:
      - [kind,  out]
      - [basic, 5]
      - [wide,  5]
    do:
      - kind: [out]
  - after: [input]
"""


def test_words_are_handed_on() -> None:
    # 4 * 6, 6 * 6; then 6 * 5 and 5 * 10; then 4 * 3 from the network's input, beside the 10
    result = run(WORDS)
    assert (result.params, out(result)) == (24 + 36 + 30 + 50 + 12, (13,))
    assert [row.kind for row in result.rows] == ["relu", "fc", "fc", "relu", "relu", "fc", "fc", "fc", "concat"]
    # 4 * 12, 12 * 12; then 12 * 5 and 5 * 10; then 4 * 3
    result = run(WORDS, block="wide", op="tanh")
    assert result.params == 48 + 144 + 60 + 50 + 12
    assert [row.kind for row in result.rows if row.kind == "tanh"] == ["tanh", "tanh"]


def test_a_layer_is_handed_on() -> None:
    # the block's source is the caller's layer of 8 channels, not what flows into it (2 channels)
    result = run("""
input: [4]
blocks:
  skip(source, out):
    - fc: {out: out, bias: false}
    - concat: [source, []]
layers:
  - {fc: {out: 8, bias: false}, name: wide}
  - fc: {out: 2, bias: false}
  - skip: [wide, 3]
""")
    assert result.params == 32 + 16 + 6
    assert out(result) == (11,)


def test_words_of_fields_are_handed_on() -> None:
    result = run("""
input: [4, 8, 8]
blocks:
  unit(act, norm=batch, around=half): [{conv: {out: 4, kernel: 3, act: act, norm: norm, padding: around}}]
layers:
  - unit: [relu]
  - unit: {act: none, norm: none, around: valid}
""")
    assert [row.kind for row in result.rows] == ["conv", "batch_norm", "relu", "conv"]
    assert out(result) == (4, 6, 6)


CELL = """
input: [4]
blocks:
  cell(f):
    inputs: [prev, cur]
    layers:
      - {fc: {out: f, bias: false}, from: prev, name: a}
      - {fc: {out: f, bias: false}, from: cur, name: b}
      - {add: [a, b], name: out}
    outputs: [cur, out]
layers:
  - {fc: {out: 6, bias: false}, name: stem}
"""


def test_blocks_of_several_tensors() -> None:
    # cell of (4, 6) to 5: 4 * 5 + 6 * 5; the pair (6, 5) goes on: 6 * 7 + 5 * 7; then (5, 7): 5 * 7 + 7 * 7
    result = run(
        CELL
        + "  - {cell: [5], from: [input, stem]}\n  - {cell: [7], repeat: 2, name: pair}\n  - {relu, from: pair.out}"
    )
    assert result.params == 24 + 20 + 30 + 42 + 35 + 35 + 49
    assert out(result) == (7,)


def test_a_part_is_picked_by_name() -> None:
    result = run(
        CELL
        + "  - {cell: [5], from: [stem, stem], name: c(1)}\n  - concat: [c(1).out, c1.cur]\n  - fc: {out: c_of(c1.out)}"
    )
    assert [row.output[0] for row in result.rows[-2:]] == [11, 5]


def test_all_parts_are_the_end_of_a_network() -> None:
    result = run(CELL + "  - {cell: [5], from: [stem, stem]}")
    assert [str(tensor.shape) for tensor in result.graph.outputs] == ["6", "5"]


def test_split_parts() -> None:
    # 3, 4 and 5 of 12 channels; a shuffle unit: half goes by
    result = run(
        "input: [12]\nlayers:\n  - {split: {sizes: [3, 4, 5]}, name: s}\n"
        "  - concat: [s.part2, s.part0, {fc: {out: 1, bias: false}, from: s.part1}]"
    )
    assert (result.params, out(result)) == (4, (9,))
    result = run(
        "input: [12]\nlayers:\n  - {split: {parts: 2}, name: s}\n  - concat: [s.part0, [{relu, from: s.part1}]]"
    )
    assert out(result) == (12,)


# ---- include ----------------------------------------------------------------------------------------

BACKBONE = """costcalc: 1
name: backbone
knobs: {width: 1}
define: {ch(c): c * width}
input: [3, 8, 8]
defaults: {conv: {bias: false}}
blocks: {unit(out): [{conv: {out: out, kernel: 1}}]}
layers:
  - {unit: [ch(4)], name: stage1}
  - {unit: [ch(8)], name: stage2}
  - {unit: [ch(16)], name: stage3}
"""


@pytest.fixture
def backbone(tmp_path: Path) -> Path:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "backbone.yaml").write_text(BACKBONE)
    return tmp_path / "host.yaml"


@pytest.mark.parametrize(
    ("layers", "params", "outputs"),
    [
        ("  - include: parts/backbone.yaml", 12 + 32 + 128, 16),
        ("  - include: {spec: parts/backbone.yaml}", 12 + 32 + 128, 16),
        ("  - include: {spec: parts/backbone.yaml, until: stage2}", 12 + 32, 8),
        ("  - include: {spec: parts/backbone.yaml, knobs: {width: 2}}", 24 + 128 + 512, 32),
        ("  - include: {spec: parts/backbone.yaml, knobs: {width: wide + 1}}\n  - {relu, if: wide}", 24 + 640, 32),
        ("  - include: {spec: parts/backbone.yaml, as: b, until: stage2}\n  - concat: [b.stage1, []]", 44, 12),
        ("  - include: {spec: parts/backbone.yaml, as: b}\n  - conv: {out: c_of(b.stage2), kernel: 1}", 172 + 136, 8),
        # the host's conv has a bias, the included ones' none: nothing of the host reaches in
        ("  - conv: {out: 3, kernel: 1}\n  - include: parts/backbone.yaml", 12 + 172, 16),
    ],
)  # fmt: skip
def test_include(backbone: Path, layers: str, params: int, outputs: int) -> None:
    knobs = "knobs: {wide: 1}\n" if "wide" in layers else ""
    backbone.write_text(f"costcalc: 1\n{knobs}input: [3, 8, 8]\nlayers:\n{layers}\n")
    result = costcalc.count(backbone)
    assert (result.params, out(result)[0]) == (params, outputs)


def test_two_of_one_network(backbone: Path) -> None:
    backbone.write_text(
        "costcalc: 1\ninput: [3, 8, 8]\nlayers:\n"
        "  - {include: {spec: parts/backbone.yaml, as: a}}\n"
        "  - {include: {spec: parts/backbone.yaml, as: b, until: stage1}, from: input}\n"
        "  - concat: [a.stage3, b.stage1]\n"
    )
    result = costcalc.count(backbone)
    assert (result.params, out(result)) == (172 + 12, (20, 8, 8))
    assert [row.name for row in result.rows][:4] == [
        "a/stage1/conv",
        "a/stage2/conv",
        "a/stage3/conv",
        "b/stage1/conv",
    ]


def test_include_of_the_zoo() -> None:
    # the whole network; of half the width 1,331,592 parameters at any resolution (tests/data/layers)
    whole = costcalc.count("mobilenet_v1")
    text = "input: [3, 224, 224]\nlayers:\n  - include: mobilenet_v1"
    assert (run(text).params, run(text).macs) == (whole.params, whole.macs)
    assert (
        run("input: [3, 64, 64]\nlayers:\n  - include: {spec: mobilenet_v1, knobs: {width: 0.5}}").params == 1_331_592
    )


# ---- shared weights ---------------------------------------------------------------------------------


def test_shared_items_count_once() -> None:
    # 4 * 4 * 9 + 4 once; its MACs at 6 * 6 and at 4 * 4 pixels
    result = run(
        "input: [4, 8, 8]\nlayers:\n  - {conv: {out: 4, kernel: 3}, share: w}\n"
        "  - {conv: {out: 4, kernel: 3}, share: w}"
    )
    assert result.params == 4 * 4 * 9 + 4
    assert result.macs == 4 * 4 * 9 * (36 + 16)


def test_shared_calls_of_a_block_count_once_norms_included() -> None:
    # 4 * 4 + 8 of its norm, 4 * 2 + 2; at 64 pixels and at 16
    result = run("""
input: [4, 8, 8]
blocks:
  head:
    - conv: {out: 4, kernel: 1, norm: batch, act: relu}
    - conv: {out: 2, kernel: 1}
layers:
  - {relu, name: p3}
  - {max_pool: {kernel: 2}, name: p4}
  - {head, from: p3, share: head, name: h3}
  - {head, from: p4, share: head, name: h4}
outputs: [h3, h4]
""")
    assert result.params == 16 + 8 + 10
    assert result.macs == (16 + 8) * (64 + 16)
    assert [row.to_dict()["shares"] for row in result.rows if row.name == "h4/conv1"] == ["h3/conv1"]


def test_shared_by_index() -> None:
    # two sets of weights, each for two rows: 2 * 2, once each
    result = run("""
input: [2]
layers:
  - table: {k: [0, 1, 0, 1]}
    do:
      - {fc: {out: 2, bias: false}, share: w(k)}
""")
    assert (result.params, result.macs) == (8, 16)


def test_shared_turns_of_a_repeat() -> None:
    result = run("input: [3]\nlayers:\n  - {fc: {out: 3, bias: false}, repeat: 5, share: w}")
    assert (result.params, result.macs) == (9, 45)


# ---- bits and density -------------------------------------------------------------------------------


def test_bits_and_density_are_carried_and_inherited() -> None:
    result = run("""
knobs: {b: 4}
input: [4]
layers:
  - {fc: {out: 4}, bits: 2 * b}
  - do:
      - fc: {out: 4}
      - {fc: {out: 4}, bits: 1}
    bits: b
    density: 0.25
  - fc: {out: 4}
""")
    assert [(row.to_dict()["bits"], row.to_dict()["density"]) for row in result.rows] == [
        (8, None), (4, 0.25), (1, 0.25), (None, None),
    ]  # fmt: skip
    assert result.params == 4 * 20  # they change no count


# ---- knobs, variants, input, sources ----------------------------------------------------------------

FAMILY = """
name: family
knobs: {width: 1, depth: 2, kind: relu, wide: false, sizes: [5, 6]}
variants:
  small: {width: 0.5}
  deep: {depth: 3, kind: tanh}
input: [4]
layers:
  - {fc: {out: 8 * width, bias: false}, repeat: depth}
  - kind
  - {fc: {out: "sizes[0]", bias: false}, if: wide}
"""


@pytest.mark.parametrize(
    ("knobs", "params"),
    [
        ({}, 4 * 8 + 8 * 8),
        ({"width": 2}, 4 * 16 + 16 * 16),
        ({"width": 0.5}, 4 * 4 + 4 * 4),
        ({"depth": 0}, 0),
        ({"depth": 1, "wide": True}, 4 * 8 + 8 * 5),
        ({"depth": 1, "wide": True, "sizes": [7]}, 4 * 8 + 8 * 7),
    ],
)
def test_knobs(knobs: dict[str, Any], params: int) -> None:
    assert run(FAMILY, **knobs).params == params


def test_variants() -> None:
    spec = zoo.load_text(HEAD + FAMILY)
    assert spec.variants == {"small": {"width": 0.5}, "deep": {"depth": 3, "kind": "tanh"}}
    small, deep = spec.chosen("small"), spec.chosen("deep")
    assert (small.name, small.knobs["width"], spec.knobs["width"]) == ("family (small)", 0.5, 1)
    assert costcalc.count(small).params == 4 * 4 + 4 * 4
    assert costcalc.count(deep).params == 4 * 8 + 2 * 8 * 8
    assert costcalc.count(deep, depth=1).params == 4 * 8  # what is given wins over the variant
    assert costcalc.count(deep).rows[-1].kind == "tanh"


def test_another_input() -> None:
    text = "input: [3, 8, 8]\nlayers:\n  - conv: {out: 4, kernel: 3, bias: false}"
    assert (run(text).macs, run(text, input=(5, 8, 12)).macs) == (4 * 27 * 36, 4 * 45 * 60)
    assert message(text, input=(3, 100)) == "3x100 does not fit: the spec's input has 3 axes"  # no network of one axis
    assert message(text, input=(1, 3, 8, 12)) == "1x3x8x12 does not fit: the spec's input has 3 axes"
    # Of the spec's own only the axes are known here.
    lost = "knobs: {n: 3}\ninput: [3, 24 / n, 8]\nlayers: [{conv: {out: n, kernel: 1}}]"
    assert out(run(lost, n=7, input=(3, 4, 4))) == (7, 4, 4)
    assert message(lost, n=7, input=(4, 4)) == "4x4 does not fit: the spec's input has 3 axes"


def test_an_input_of_other_channels_is_told() -> None:
    text = "input: [3, 8, 8]\nlayers: [relu]"
    told = "the input 8x8x3 has other channels than the spec's own 3x8x8: they come first, 3x8x8"
    assert f"! {told}" in run(text, input=(8, 8, 3)).notes()
    assert run(text, input=(1, 8, 8)).graph.channel_warning == (
        "the input 1x8x8 has other channels than the spec's own 3x8x8"
    )
    assert run(text, input=(3, 9, 9)).graph.channel_warning == ""
    assert run(text).graph.channel_warning == ""


def test_min_resolution() -> None:
    text = "knobs: {resolution: 32}\ninput: [3, resolution, resolution]\nmin_resolution: 16\nlayers: [relu]"
    assert out(run(text, resolution=16)) == (3, 16, 16)
    assert message(text, resolution=15) == "at resolution 15: the input is 15x15, and this network needs 16 at least"
    assert message(text, input=(1, 8, 64)) == "the input is 8x64, and this network needs 16 at least"


def test_a_batch_multiplies_operations_only() -> None:
    result = run("input: [4]\nlayers:\n  - fc: {out: 8}", batch=10)
    assert (result.params, result.macs) == (40, 320)


DATA = {"costcalc": 1, "name": "net", "input": [4], "layers": [{"fc": {"out": 8}}, "relu"]}


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "costcalc: 1\nname: net\ninput: [4]\nlayers:\n  - fc: {out: 8}\n  - relu\n"
    path = tmp_path / "net.yaml"
    path.write_text(text)
    monkeypatch.chdir(tmp_path)
    sources = [DATA, path, str(path), "net.yaml", "./net.yaml", text, costcalc.load(path), costcalc.load(DATA)]
    for source in sources:
        result = costcalc.count(source)
        assert (result.name, result.params, result.macs) == ("net", 40, 32)
    assert costcalc.load("net.yaml") is not costcalc.load("net.yaml")
    assert costcalc.load(sources[-1]) is sources[-1]


def test_a_file_here_comes_before_the_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert costcalc.count("mobilenet_v1.yaml").params == costcalc.count("mobilenet_v1").params
    (tmp_path / "mobilenet_v1.yaml").write_text("costcalc: 1\ninput: [4]\nlayers:\n  - fc: {out: 8}\n")
    monkeypatch.chdir(tmp_path)
    assert costcalc.count("mobilenet_v1.yaml").params == 40
    assert costcalc.count("mobilenet_v1").params == 4_231_976


def test_a_spec_is_not_changed_by_counting() -> None:
    spec = zoo.load_text(HEAD + WORDS)
    first = costcalc.count(spec).to_dict()
    costcalc.count(spec, block="wide")
    assert costcalc.count(spec).to_dict() == first


def test_anchors_and_aliases_are_yaml() -> None:
    result = run(
        "input: [4]\nlayers:\n  - fc: &layer {out: 6, bias: false}\n  - fc: *layer\n  - &again relu\n  - *again"
    )
    assert result.params == 24 + 36


def test_quoted_text_is_no_number() -> None:
    result = run("""
knobs: {kind: "relu"}
input: [4]
layers:
  - fc: {out: "6", bias: false}
  - {fc: {out: '2 * 3', "bias": false}, name: "a b"}
  - kind
  - add: [a b, []]
""")
    assert result.params == 24 + 36


# ---- operators of several tensors, and of none --------------------------------------------------------

JOINED = """
costcalc: 1
input: [4, 6, 6]
layers:
  - {conv: {out: 8, kernel: 1}, name: a}
  - {conv: {out: 8, kernel: 1}, name: b, from: input}
  - ITEM
"""


@pytest.mark.parametrize(
    ("item", "shape"),
    [
        ("add: [a, b]", (8, 6, 6)),
        ("{add, from: [a, b]}", (8, 6, 6)),
        ("{concat: {axis: 1}, from: [a, b]}", (8, 12, 6)),
        ("{concat: {axis: 2}, from: [a, b]}", (8, 6, 12)),
        ("{concat: {axis: a, other: b}}", (16, 6, 6)),  # branches by name: `other` is no field
        ("do: [{split: {parts: 2}, from: a}, concat, {add: [[], b]}]", (8, 6, 6)),
        ("do: [{parameter: {shape: [8, 1, 1]}, name: p}, {multiply: [p, a]}, {add: [[], b]}]", (8, 6, 6)),
    ],
)
def test_what_joins_takes_branches_or_what_flows(item: str, shape: tuple[int, ...]) -> None:
    assert costcalc.count(JOINED.replace("ITEM", item)).rows[-1].output == shape


def test_a_parameter_is_counted_and_needs_no_input() -> None:
    result = costcalc.count(JOINED.replace("ITEM", "do: [{parameter: {shape: [8, 6, 6]}, name: p}, {add: [p, a, b]}]"))
    row = next(row for row in result.rows if row.name == "p")
    assert (row.params, row.macs, row.input, row.output) == (288, 0, (), (8, 6, 6))


def test_a_layer_in_a_branch_may_be_called_as_a_block_is_not() -> None:
    with pytest.raises(SpecError, match="a layer cannot be called 'relu'"):
        costcalc.load(JOINED.replace("ITEM", "{relu, name: relu}"))


VARIANT = """
costcalc: 1
knobs: {c: 4}
variants: {wide: {c: 8}}
input: [3, 8, 8]
layers:
  - conv: {out: c, kernel: 1, bias: false}
"""


@pytest.mark.parametrize(
    "macs",
    [
        lambda spec: costcalc.count(spec, variant="wide").macs,
        lambda spec: costcalc.count(costcalc.load(spec, variant="wide")).macs,
        lambda spec: int(costcalc.sweep(spec, batch=1, c=[8], variant="wide")["macs"][0]),
        lambda spec: int(costcalc.solve(spec, {"c": [8]}, limits={"macs": 2000}, variant="wide")["macs"][0]),
        lambda spec: costcalc.whatif(spec, ("channel_svd", 2, "conv 1x1"), variant="wide").before.macs,
        lambda spec: costcalc.reconcile(spec, "1536", variant="wide").matches[0].number,
    ],
)
def test_a_variant_is_chosen_by_every_function(macs: Callable[[Any], int]) -> None:
    """8 channels of 3, on 8x8: 3 * 8 * 64."""
    assert macs(yaml.safe_load(VARIANT)) == 1536
    with pytest.raises(costcalc.SpecError, match="has no variant 'tall'"):
        costcalc.count(yaml.safe_load(VARIANT), variant="tall")


# What is written, and its parameters, by hand. The input has 3 channels, on 8x8; convolutions are 1x1.
COUNTED: dict[str, tuple[str, int]] = {
    "a label that ends as the note of a duplicate": (
        """
layers:
  - concat:
      a: [{conv: {out: 2, kernel: 1, bias: false}}]
      b (again): [{conv: {out: 4, kernel: 1, bias: false}}]
""",
        3 * 2 + 3 * 4,
    ),
    "defaults of a join of branches: it joins heights, so that 3 channels stay": (
        """
defaults: {concat: {axis: 1}}
layers:
  - concat: [input, input]
  - conv: {out: 1, kernel: 1, bias: false}
""",
        3,
    ),
    "defaults of a join by a variable, and of c_in": (
        """
knobs: {join: concat}
defaults: {concat: {axis: c_in - 2}}
layers:
  - join: {a: [{conv: {out: 3, kernel: 1, bias: false}}], b: [{conv: {out: 3, kernel: 1, bias: false}}]}
  - conv: {out: 1, kernel: 1, bias: false}
""",
        3 * 3 + 3 * 3 + 3,
    ),
    "a list given as a tuple is equal to a list": (
        """
knobs: {depths: [2, 2]}
layers:
  - {conv: {out: 2, kernel: 1, bias: false}, if: "depths == [2, 2] and depths in [none, [2, 2]]"}
  - {conv: {out: 5, kernel: 1, bias: false}, if: depths == none}
""",
        3 * 2,
    ),
    "an anchor on a key, and a least size that is whole": (
        """
knobs: {&c c: 4}
min_resolution: 8.0
layers:
  - {conv: {out: *c, kernel: 1, bias: false}}
""",
        3 * 4,
    ),
    "names whose stem ends in a digit": (
        """
layers:
  - {conv: {out: 2, kernel: 1, bias: false}, name: conv2(i), repeat: 2}
  - concat: [conv20, conv21]
  - conv: {out: 1, kernel: 1, bias: false}
""",
        3 * 2 + 2 * 2 + 4,
    ),
    "an index below zero": (
        """
layers:
  - {conv: {out: 2, kernel: 1, bias: false}, name: p(i - 1), repeat: 2}
  - concat: [p-1, p0]
  - conv: {out: 1, kernel: 1, bias: false}
""",
        3 * 2 + 2 * 2 + 4,
    ),
    "a definition that names a block": (
        """
knobs: {deep: true}
define: {unit: wide if deep else narrow}
blocks:
  narrow: [{conv: {out: 2, kernel: 1, bias: false}}]
  wide: [{conv: {out: 5, kernel: 1, bias: false}}]
layers: [unit]
""",
        3 * 5,
    ),
    "a name given in a branch of a join that a variable holds": (
        """
knobs: {join: concat}
layers:
  - join: {a: [{conv: {out: 2, kernel: 1, bias: false}, name: x}], b: [relu]}
  - {concat: [[], x]}
  - conv: {out: 1, kernel: 1, bias: false}
""",
        3 * 2 + (2 + 3 + 2),
    ),
    "weights shared with a branch of a join that a variable holds": (
        """
knobs: {join: concat}
layers:
  - join: {a: [{conv: {out: 2, kernel: 1, bias: false}, share: w}], b: [relu]}
  - {concat: [[], [{conv: {out: 2, kernel: 1, bias: false}, from: input, share: w}]]}
""",
        3 * 2,
    ),
    "names that look like numbers": (
        """
layers:
  - {conv: {out: 2, kernel: 1, bias: false}, name: 1.10}
  - {conv: {out: 4, kernel: 1, bias: false}, name: 1.1, from: input}
  - {conv: {out: 1, kernel: 1, bias: false}, name: 007, from: 1.10}
  - {add: [007, [{conv: {out: 1, kernel: 1, bias: false}, from: 1.1}]], name: 7}
""",
        3 * 2 + 3 * 4 + 2 + 4,
    ),
    "a part of an indexed name in an expression": (
        """
layers:
  - {split: {parts: 3}, name: k(1)}
  - {relu, from: k(1).part0}
  - conv: {out: c_of(k(1).part0) + c_of(k(2 - 1).part1), kernel: 1, bias: false}
  - concat: [[], k(1).part1, k(1).part2]
""",
        1 * 2,
    ),
    "a layer called as a word of a field": (
        """
layers:
  - {conv: {out: 2, kernel: 1, bias: false}, name: half}
  - table: [[p], [half]]
    do: [{conv: {out: c_of(half), kernel: 3, padding: p, bias: false}}]
  - add: [half, []]
""",
        3 * 2 + 2 * 2 * 9,
    ),
}


@pytest.mark.parametrize("case", COUNTED)
def test_what_is_counted(case: str) -> None:
    text, params = COUNTED[case]
    assert run(f"input: [3, 8, 8]{text}").params == params


def test_a_tuple_is_a_list() -> None:
    text, params = COUNTED["a list given as a tuple is equal to a list"]
    assert run(f"input: [3, 8, 8]{text}", depths=(2, 2)).params == params


def test_a_knob_that_an_input_reads_through_a_definition_is_idle_beside_another() -> None:
    text = "knobs: {r: 8}\ndefine: {side: 2 * r}\ninput: [3, side, side]\nlayers: [relu]"
    assert out(run(text, r=2)) == (3, 4, 4)
    with pytest.raises(SpecError, match="r only says what the input is"):
        run(text, r=2, input=(3, 5, 5))


def test_names_are_kept_as_they_are_written() -> None:
    text = "name: 1.10\nknobs: {c: 1}\nvariants:\n  1.0: {c: 2}\ninput: [3]\n"
    text += "published: {rows: [{variant: 1.0, params: 8}]}"
    spec = costcalc.load(f"{HEAD}{text}\nlayers: [fc: {{out: c}}]\n")
    assert spec.name == "1.10"
    assert spec.published[0]["variant"] == "1.0"
    assert costcalc.count(standalone(zoo.chosen(spec, "1.0"))).params == 3 * 2 + 2


def test_a_quoted_text_is_never_cut() -> None:
    text = 'input: [3]\npublished: {rows: [{where: A, of: ["a (left", "b)"], params: 8}]}\nlayers: [relu]\n'
    assert zoo.load_text(HEAD + text).published[0]["of"] == ["a (left", "b)"]


def test_an_expression_is_pickled_with_its_limit() -> None:
    expression = parse("macs < 2000000000000000", num.LARGEST_TOTAL)
    assert pickle.loads(pickle.dumps(expression)).text == expression.text


def test_arrays_in_a_dict() -> None:
    data = DATA | {"input": np.array([4]), "layers": [{"fc": {"out": np.int64(8), "bias": np.bool_(False)}}]}
    assert costcalc.count(data).params == 4 * 8
    with pytest.raises(SpecError, match="'1' stands here twice"):
        costcalc.count(DATA | {"layers": [{"concat": {1: ["relu"], "1": ["relu"]}}]})


def test_a_file_that_is_included_is_called_by_its_stem(tmp_path: Path) -> None:
    """Its knob's word is its own: neither a layer nor a name of the host."""
    inner = "knobs: {block: wide}\ninput: [3, 8, 8]\nblocks:\n  narrow: [fc: {out: 2, per_position: true}]\n"
    inner += "  wide: [fc: {out: 5, per_position: true}]\nlayers: [{block, name: s}]\n"
    (tmp_path / "sub.net.yaml").write_text(HEAD + inner, encoding="utf-8")
    host = "input: [3, 8, 8]\nlayers:\n  - {relu, name: narrow}\n"
    host += "  - include: {spec: sub.net.yaml, knobs: {block: narrow}}\n  - {relu, from: sub.net.s}\n"
    (tmp_path / "host.yaml").write_text(HEAD + host, encoding="utf-8")
    result = costcalc.count(tmp_path / "host.yaml")
    assert (result.params, result.rows[1].name) == (3 * 2 + 2, "sub.net/s/fc")


@pytest.mark.parametrize(("defaults", "shape"), [("{}", (3, 8, 8)), ("{add: {broadcast: true}}", (3, 8, 8))])
def test_an_add_broadcasts_unless_its_defaults_forbid_it(defaults: str, shape: tuple[int, ...]) -> None:
    text = f"input: [3, 8, 8]\ndefaults: {defaults}\nlayers: [{{global_avg_pool, name: g}}, {{add: [input, g]}}]"
    assert out(run(text)) == shape
    said = message(text.replace(defaults, "{add: {broadcast: false}}"))
    assert said == "add needs equal shapes, but the branches give 3x8x8 and 3"


def test_what_is_loaded_is_the_callers_own() -> None:
    """A change of what `load` gave changes no network that is asked for later."""
    before = costcalc.count("resnet34").params, costcalc.count("mobilenet_v1").params
    costcalc.load("mobilenet_v1").knobs["width"] = 0.5
    spec = costcalc.load("resnet18")
    spec.knobs["depths"].append(9)
    for values in spec.variants.values():
        values["depths"].append(9)
    spec.meta["name"] = "mine"
    spec.published.clear()
    assert (costcalc.count("resnet34").params, costcalc.count("mobilenet_v1").params) == before == (21797672, 4231976)
    assert costcalc.load("resnet18").name == "ResNet (resnet18)"
    assert costcalc.load("resnet18").published


SHOWN = """costcalc: 1
name: net
knobs: {c: 4}
variants: {big: {c: 8}}
input: [3, 8, 8]
layers:
  - conv: {out: c, kernel: 1}
"""


FLOW = "{costcalc: 1, name: n, knobs: {c: 4}, variants: {big: {c: 8}}, input: [3, 8, 8], layers: [{fc: {out: c}}]}\n"
ANCHOR = SHOWN.replace("{c: 4}", "{c: &c 4}").replace("layers:\n", "layers:\n  - conv: {out: *c, kernel: 1}\n")


def test_a_variant_is_written_right_or_not_at_all() -> None:
    right = "costcalc: 1\nname: big\nknobs: {c: 8}\n\ninput: [3, 8, 8]\nlayers:\n  - conv: {out: c, kernel: 1}\n"
    assert standalone(costcalc.load(SHOWN, variant="big")) == right
    for text in (FLOW, ANCHOR):
        with pytest.raises(SpecError, match="cannot be written with the variant resolved"):
            standalone(zoo.chosen(zoo.load_text(text), "big"))


@pytest.mark.parametrize(
    ("arguments", "macs"),
    [
        ({"batch": np.int32(64)}, 64 * 568_740_352),  # which wraps in 32 bits
        ({"width": np.float32(0.5)}, 149_497_088),
        ({"width": np.array(0.5)}, 149_497_088),
        ({"resolution": np.uint8(192)}, 418_121_728),  # three figures of the paper, Tables 6 and 7
    ],
)
def test_numbers_of_numpy_are_numbers(arguments: dict[str, Any], macs: int) -> None:
    result = costcalc.count("mobilenet_v1", **arguments)
    assert (result.macs, type(result.macs)) == (macs, int)


def test_one_setting_has_one_value() -> None:
    with pytest.raises(SpecError, match="width has one value here, not an array"):
        costcalc.count("mobilenet_v1", width=np.array([0.5, 1.0]))


# ---- what is kept of costcalc's own files --------------------------------------------------------


def all_of(node: yaml_source.YamlNode) -> Any:
    """Return everything that a node holds, places too."""
    marks = [tuple(getattr(mark, slot) for slot in Mark.__slots__) for mark in (node.mark, *node.keys.values())]
    value = [*node.value] if node.is_map else type(node.value) if node.is_list else node.value
    return [type(value), value, node.text, [*node.keys], marks, [all_of(part) for part in node.children]]


@pytest.mark.parametrize("path", generate.own_yaml(), ids=lambda path: path.stem)
def test_what_is_kept_of_a_file_is_what_the_parser_makes_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    built, _ = yaml_source.built(text, str(path))
    monkeypatch.setattr(yaml_source, "built", None)
    kept, problems = yaml_source.parse(text, str(path))
    assert kept
    assert not problems
    assert all_of(kept) == all_of(built)


PLAIN = "conv bottleneck yes true True null NULL 160 017 0x1F 0o17 1_000 1e5 0.5 .5 5. 1.10 2.x 9" + "9" * 30 + " Ä é"


@pytest.mark.parametrize("text", PLAIN.split())
def test_one_word_is_what_the_parser_makes_of_it(text: str) -> None:
    root, _ = yaml_source.parse(text, "--depth")
    built, _ = yaml_source.built(text, "--depth")
    assert root
    assert built
    assert all_of(root) == all_of(built)


def test_nothing_is_kept_of_files_that_are_gone() -> None:
    kept = {path.stem for path in (generate.ROOT / generate.PARSED).glob("*.py")} - {"__init__"}
    assert kept == {path.stem for path in generate.own_yaml()}


def test_of_a_changed_file_nothing_that_is_kept_is_used() -> None:
    text = (generate.ROOT / "specs/mobilenet_v1.yaml").read_text(encoding="utf-8")
    for changed in (f"# ours\n{text}", text.replace("1024", "1025"), f"{text} "):
        root, _ = yaml_source.parse(changed, "mobilenet_v1.yaml")
        built, _ = yaml_source.built(changed, "mobilenet_v1.yaml")
        assert root
        assert built
        assert all_of(root) == all_of(built), changed
