"""Sweeps: every setting is what `count` gives for it; questions, blocks, processes and files change nothing."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import random
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from in_process import Run
from test_properties import steady

import costcalc
from costcalc import SpecError
from costcalc.base import files
from costcalc.base.errors import Fault
from costcalc.costs import conventions
from costcalc.language import zoo
from costcalc.language.ranges import spanned
from costcalc.numbers import factored, num
from costcalc.sweeps import chunks, mappers, parquet
from costcalc.sweeps.engine import Axis, Grid, cuts
from costcalc.sweeps.engine import parts as counted
from costcalc.sweeps.grids import values_of

# Howard et al. 2017, arXiv:1704.04861, Tables 6 and 7: million mult-adds, million parameters.
PAPER = [
    ({"width": 1.0}, 569, 4.2),
    ({"width": 0.75}, 325, 2.6),
    ({"width": 0.5}, 149, 1.3),
    ({"width": 0.25}, 41, 0.5),
    ({"resolution": 192}, 418, 4.2),
    ({"resolution": 128}, 186, 4.2),
]


@pytest.mark.parametrize(("knobs", "macs", "params"), PAPER)
def test_tables_of_the_mobilenet_paper(knobs: dict[str, Any], macs: int, params: float) -> None:
    table = costcalc.sweep("mobilenet_v1", width=[0.25, 0.5, 0.75, 1.0], resolution=[128, 160, 192, 224])
    full = {"width": 1.0, "resolution": 224} | knobs
    (row,) = table[(table["width"] == full["width"]) & (table["resolution"] == full["resolution"])].to_dict("records")
    assert (round(row["macs"] / 1e6), round(row["params"] / 1e6, 1)) == (macs, params)


# ---- against the counts one by one -----------------------------------------------------------------------


def some_values(spec: Any, name: str, default: Any) -> list[Any]:
    """Return values to sweep a knob over: its default, those of the variants, and, of a number, some near it."""
    found = [default, *(values[name] for values in spec.variants.values() if name in values)]
    if type(default) in (int, float) and name in ("width", "resolution", "classes"):
        found += [type(default)(default * factor) for factor in (1.25, 1.5, 2)]
    return list({repr(value): value for value in found}.values())[:5]


MOST_COUNTED = 24  # settings of a network's sweep, drawn of up to 125, that are counted one by one too


@pytest.mark.parametrize("path", zoo.files(), ids=zoo.stem)
def test_a_sweep_of_a_zoo_network_is_its_counts(path: str) -> None:
    spec = costcalc.load(path)
    rng = random.Random(path)
    names = rng.sample(sorted(spec.knobs), min(3, len(spec.knobs)))
    axes = {name: some_values(spec, name, spec.knobs[name]) for name in names}
    settings = list(itertools.product(*axes.values()))
    expected = {}
    for index in sorted(rng.sample(range(len(settings)), min(MOST_COUNTED, len(settings)))):
        given = dict(zip(axes, settings[index], strict=True))
        try:
            expected[index] = costcalc.count(spec, **given)
        except SpecError:  # knobs that go together only: what is refused alone is refused in a sweep
            with pytest.raises(SpecError, match="at "):
                costcalc.sweep(spec, **{name: [value] for name, value in given.items()})
    try:
        table = costcalc.sweep(spec, **{name: list(values) for name, values in axes.items()})
    except SpecError:
        assert any(refused(spec, dict(zip(axes, setting, strict=True))) for setting in settings)
        return
    assert len(table) == len(settings)
    found = {index: (table["params"][index], table["macs"][index]) for index in expected}
    assert found == {index: (one.params, one.macs) for index, one in expected.items()}


def refused(spec: Any, knobs: dict[str, Any]) -> bool:
    try:
        costcalc.count(spec, **knobs)
    except SpecError:
        return True
    return False


STRUCTURE = """
costcalc: 1
name: structure
knobs: {width: 1.0, resolution: 32, depth: 2, kernel: 3, block: plain, widths: [4, 8], deep: true}
define: {ch(c): int(c * width)}
input: [3, resolution, resolution]
blocks:
  plain(out): [{conv: {out: out, kernel: kernel, padding: same, norm: batch}}, relu]
  wide(out): [{conv: {out: 2 * out, kernel: 1}}, {conv: {out: out, kernel: kernel, padding: same}}]
layers:
  - {conv: {out: ch(8), kernel: 3}, name: stem}
  - table: {c: widths}
    do:
      - {block: [ch(c)], repeat: depth}
      - {add: [stem, []], if: c_in == c_of(stem) and h_in == h_of(stem)}
      - {max_pool: {kernel: 2}, if: h_in > 20 and deep}
  - {conv: {out: c_in, kernel: 1}, if: h_in * c_in > 100}
  - global_avg_pool
  - {fc: {out: "10 if width < 0.8 else 20"}}
"""
AXES: dict[str, list[Any]] = {
    "width": [0.5, 0.75, 1.0, 2.0],
    "resolution": [16, 24, 32],
    "depth": [0, 1, 3],
    "kernel": [1, 3],
    "block": ["plain", "wide"],
    "widths": [[4, 8], [8], [16, 8, 8]],
    "deep": [True, False],
}


@pytest.mark.parametrize("names", [*([name] for name in AXES), ["width", "resolution"], list(AXES)])
def test_knobs_that_change_the_structure(names: list[str]) -> None:
    axes = {name: AXES[name] for name in names}
    table = costcalc.sweep(STRUCTURE, **axes)
    settings = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    assert len(table) == len(settings)
    for (_, row), knobs in zip(table.iterrows(), settings, strict=True):
        one = costcalc.count(STRUCTURE, **knobs)
        assert (row["params"], row["macs"]) == (one.params, one.macs), knobs


def test_arrays_have_an_axis_a_knob_in_the_order_given() -> None:
    made = costcalc.sweep_arrays("mobilenet_v2", resolution=[96, 224], width=[0.5, 1.0, 1.4], batch=2)
    assert made.macs.shape == made.params.shape == (2, 3)
    assert made.axes == {"resolution": [96, 224], "width": [0.5, 1.0, 1.4]}
    assert made.macs.dtype == np.int64
    one = costcalc.count("mobilenet_v2", resolution=96, width=1.4, batch=2)
    assert (made.params[0, 2], made.macs[0, 2]) == (one.params, one.macs)


def test_zipped_knobs_change_together() -> None:
    table = costcalc.sweep("mobilenet_v1", width=[0.5, 1.0], resolution=[128, 224], zip=True)
    assert [tuple(row) for row in table[["width", "resolution"]].to_numpy()] == [(0.5, 128), (1.0, 224)]
    assert table["macs"].tolist() == [49160192, 568740352]


def test_several_networks_stand_under_each_other() -> None:
    table = costcalc.sweep("resnet18", "resnet50", resolution=[112, 224])
    assert table["network"].tolist() == ["resnet18", "resnet18", "resnet50", "resnet50"]
    assert table["macs"].tolist()[1::2] == [1814073344, 4089184256]


@pytest.mark.parametrize("view", ["layer", "type"])
def test_rows_per_layer_sum_to_the_setting(view: str) -> None:
    table = costcalc.sweep("mobilenet_v2", width=[0.5, 1.0], resolution=[96, 224], per=view)
    sums = table.groupby(["width", "resolution"], sort=False)[["params", "macs"]].sum()
    whole = costcalc.sweep("mobilenet_v2", width=[0.5, 1.0], resolution=[96, 224])
    assert sums.to_numpy().tolist() == whole[["params", "macs"]].to_numpy().tolist()
    one = costcalc.count("mobilenet_v2", width=0.5, resolution=96)
    first = table[(table["width"] == 0.5) & (table["resolution"] == 96)]
    by_type = {name: (cost.params, cost.operations) for name, cost in one.by_type().items()}
    if view == "type":
        assert {row["type"]: (row["params"], row["macs"]) for _, row in first.iterrows()} == by_type


# ---- the numbers of a sweep ----------------------------------------------------------------------------

SIZES = (3, 4, 2)
Lanes = list[list[int]]
OPERATIONS: dict[str, Any] = {
    "add": lambda x, y: x + y,
    "mul": lambda x, y: x * y,
    "sub": lambda x, y: x - y,
    "truediv": lambda x, y: x / (y * y + 1),
    "floordiv": lambda x, y: x // (y * y + 1),
    "max": num.maximum,
    "min": num.minimum,
    "mod": lambda x, y: x % (y * y + 1),
    "compare": lambda x, y: x > y,
    "same": lambda x, y: x == y,
    "both": lambda x, y: (x > 2) & (y > 1),
    "ceil_div": lambda x, y: num.ceil_div(x, y * y + 1),
    "trunc": lambda x, y: num.trunc(x) + num.nearest(y),
}


@st.composite
def expressions(draw: Any, depth: int = 3) -> Any:
    """Draw a function of three numbers that may be spread over three axes: sums, products, and what mixes them."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        k = draw(st.sampled_from([0, 1, 2, None]))
        n = draw(st.sampled_from([-3, 0, 1, 2, 5, 0.1, 0.7, 1.5]))
        return lambda v: n if k is None else v[k]
    a, b = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    two = OPERATIONS[draw(st.sampled_from(sorted(OPERATIONS)))]
    return lambda v: two(a(v), b(v))


ONES = [[0, 1, 2, 3]] * 3


@steady(300)
@given(expressions(), st.lists(st.lists(st.integers(-1, 9), min_size=4, max_size=4), min_size=3, max_size=3))
@example(lambda v: v[0] * v[1] + 5, ONES)  # a number beside nothing but products, in a later block
@example(lambda v: v[0] * v[1] + v[1] * v[2] - 1.5, ONES)
@example(lambda v: (v[0] > 0) + (v[0] > 1) + (v[1] > 1) * (v[1] > 2), ONES)  # true is 1, and true + true 2
@example(lambda v: (v[0] > 0) // (v[0] >= 0) * 200 - (v[1] > 1), ONES)
@example(lambda v: (v[0] + v[1]) * 0.7, [[3, 1, 2, 3], [7, 1, 2, 3], [1, 1, 1, 1]])  # 7, and not 2.1 + 4.9
@example(lambda v: v[0] * 1.4 * v[1], [[3, 1, 2, 3], [5, 1, 2, 3], [1, 1, 1, 1]])
def test_a_spread_is_its_numbers_setting_by_setting(expression: Any, values: Lanes) -> None:
    vectors = [row[:n] for row, n in zip(values, SIZES, strict=True)]
    lanes = [factored.along(k, np.array(vector)) for k, vector in enumerate(vectors)]
    expected = np.array([num.trunc(expression(setting)) for setting in itertools.product(*vectors)]).reshape(SIZES)
    found = factored.block(num.trunc(expression(lanes)), {}, SIZES)
    assert found.tolist() == expected.tolist()
    part = {0: slice(1, 3), 1: np.array([0, 3])}
    cut = factored.block(num.trunc(expression(lanes)), part, (2, 2, 2))
    assert cut.tolist() == expected[1:3][:, [0, 3]].tolist()
    assert factored.block(num.trunc(expression(lanes)), {2: slice(1, 1)}, (3, 4, 0)).shape == (3, 4, 0)


def test_terms_that_cancel_out_are_exact() -> None:
    """x * y - x * (y - 1) is x, though its terms are 2 * 10^18 and more, where floats are 256 apart."""
    x, y = [10**9 + 7, 3 * 10**9 + 1, 1, 0], [2 * 10**9 + 9, 10**9 + 1]
    a, b = factored.along(0, np.array(x)), factored.along(1, np.array(y))
    assert factored.block(a * b - a * (b - 1), {}, (4, 2)).tolist() == [[value, value] for value in x]
    with pytest.raises(Fault, match="too large"):
        factored.block(a * b, {}, (4, 2))
    assert factored.block(a * b, {0: slice(2, 4)}, (2, 2)).tolist() == [y, [0, 0]]


PRODUCT = """
costcalc: 1
knobs: {n: 8, c: 8}
input: [c, n, n]
layers:
  - {conv: {out: 4, kernel: 3, padding: 1, bias: false}}
  - global_avg_pool
  - {custom: {macs: 5, params: 0}}
"""


@pytest.mark.parametrize("last", [3, 40, 1100])
def test_a_product_of_knobs_and_a_constant(last: int) -> None:
    """n * n pixels, 4 kernels of 9 * c weights, and 5; the last has more settings than one block."""
    table = costcalc.sweep(PRODUCT, n=list(range(1, last + 1)), c=list(range(1, last + 1)), top=2)
    assert table["macs"].tolist() == [36 * last * last * c + 5 for c in (last, last - 1)]
    assert table["params"].tolist() == [36 * last, 36 * (last - 1)]


def test_the_constant_stands_in_every_block() -> None:
    axes = [{"n": [1, 2, 3, 4, 5]}, {"c": [1, 2, 3]}]
    for block in (1, 2, 3, 4, 7, 15):
        found = chunks.fold(chunks.Task(costcalc.load(PRODUCT), axes, block=block))
        assert found["macs"].tolist() == [36 * n * n * c + 5 for n in (1, 2, 3, 4, 5) for c in (1, 2, 3)]


# What Python computes for each setting, knob by knob; by hand. Numbers on the way may be larger than int64.
COMPUTED: list[tuple[str, dict[str, list[Any]], list[int]]] = [
    ("c * n + 5", {"c": [1, 2], "n": [3, 4]}, [8, 9, 11, 13]),
    ("+c + -n + 9", {"c": [1, 2], "n": [3, 4]}, [7, 6, 8, 7]),
    ("(c > 1) + (c > 2)", {"c": [1, 2, 3]}, [0, 1, 2]),
    ("(c > 1) // (n > 0) * 200", {"c": [1, 2], "n": [3, 4]}, [0, 0, 200, 200]),
    ("(c or 8) * 4", {"c": [0, 2]}, [32, 8]),
    ("(c and n) * 4", {"c": [0, 2], "n": [3, 4]}, [0, 0, 12, 16]),
    ("((c > 1) and 5) * 4", {"c": [1, 2]}, [0, 20]),
    ("3 if c == none else 5", {"c": [1, 2]}, [5, 5]),
    ("(c in ['none', 2]) + 5", {"c": [1, 2]}, [5, 6]),
    ("(c in [2, 3]) + n", {"c": [1, 2], "n": [3, 4]}, [3, 4, 4, 5]),
    ("int((c + n) * w)", {"c": [3, 4], "n": [6, 7], "w": [0.7, 1.4]}, [6, 12, 7, 14, 7, 14, 7, 15]),
    ("int(w * c * n)", {"c": [3, 4], "n": [5, 6], "w": [1.4, 0.5]}, [20, 7, 25, 9, 28, 10, 33, 12]),
    ("c * n // 10 ** 9", {"c": [10**9, 4 * 10**9], "n": [1, 4 * 10**9]}, [1, 4 * 10**9, 4, 16 * 10**9]),
    ("c * n % 1000 + 1", {"c": [2**32, 1], "n": [2**32 + 1, 1]}, [913, 297, 298, 2]),
    ("2 ** c // 2 ** (c - 3)", {"c": [3, 70]}, [8, 8]),
    ("c ** n % 97", {"c": [3, 5], "n": [2, 40]}, [9, 36, 25, 16]),
    ("int(4 * 2 ** c)", {"c": [-1, 2]}, [2, 16]),
    ("int(c ** 0.5)", {"c": [16, 24, 25]}, [4, 4, 5]),
    ("int(c * 1e30) // 10 ** 29", {"c": [1, 2]}, [10, 20]),
    ("max(c, 10 ** 14 * 10 ** 14) % 7", {"c": [1, 2]}, [4, 4]),
    ("min(c + 10 ** 14 * 10 ** 14, n)", {"c": [1, 2], "n": [3, 4]}, [3, 4, 3, 4]),
]
COMPUTING = """
costcalc: 1
knobs: {{c: 1, n: 1, w: 1.0}}
input: [1]
layers: [{{custom: {{macs: "{}", params: "0 * (c + n + int(w))"}}}}]
"""


@pytest.mark.parametrize(("expression", "axes", "values"), COMPUTED)
def test_expressions_on_arrays_give_what_python_gives(
    expression: str, axes: dict[str, list[Any]], values: list[int]
) -> None:
    spec = COMPUTING.format(expression)
    assert costcalc.sweep(spec, **axes)["macs"].tolist() == values
    settings = [dict(zip(axes, setting, strict=True)) for setting in itertools.product(*axes.values())]
    assert [costcalc.count(spec, **setting).macs for setting in settings] == values


REFUSED = [
    ("c + w", {"c": [1, 2], "w": [0.5, 1.0]}, "at c 1, w 0.5: macs: 1.5 is not a whole number"),
    ("c * n", {"c": [1, 2**32], "n": [1, 2**32 + 1]}, "at c 4294967296, n 4294967297: macs: the number is too large"),
    ("2 ** c", {"c": [1, 64]}, "at c 64: macs: the number is too large"),
    ("2 ** c", {"c": [1, 5000]}, "at c 5000: the power 2 .. 5000 is too large"),
    ("c ** 0.5", {"c": [4, -4]}, "at c -4: -4 has no real power 0.5"),
    ("c // (n - 1)", {"c": [1, 2], "n": [1, 2]}, "at c 1, n 1: 1 is divided by zero"),
]


@pytest.mark.parametrize(("expression", "axes", "message"), REFUSED)
def test_expressions_on_arrays_are_refused_where_python_is(
    expression: str, axes: dict[str, list[Any]], message: str
) -> None:
    with pytest.raises(SpecError, match=message):
        costcalc.sweep(COMPUTING.format(expression), **axes)


HUGE = """
costcalc: 1
knobs: {c: 8, n: 8}
input: [c, n, n]
layers: [{conv: {out: c, kernel: 3}}]
"""


@pytest.mark.parametrize(
    "axes",
    [
        {"c": [10, 3 * 10**9]},
        {"c": [10, 10**5], "n": [10, 10**5]},
        {"c": [10, 10**4], "n": [10, 10**5]},
        {"c": [8, 9], "batch": 10**17},
    ],
)
@pytest.mark.parametrize("sweep", [costcalc.sweep, costcalc.sweep_arrays])
def test_numbers_beyond_int64_are_refused(axes: dict[str, Any], sweep: Any) -> None:
    """9 * c * c weights alone, and so many at n * n pixels, or for a batch: each fits, their product does not."""
    with pytest.raises(SpecError, match="too large"):
        sweep(HUGE, **axes)


@pytest.mark.parametrize("sweep", [costcalc.sweep, costcalc.sweep_arrays])
def test_large_totals_within_int64_are_exact(sweep: Any) -> None:
    """9 * 10^8 weights at 9998 * 9998 = 99,960,004 pixels: above 2^53, where float64 has gaps."""
    found = sweep(HUGE, c=[10, 10**4], n=[10, 10**4])
    assert np.asarray(found.macs).ravel()[-1] == 89_964_003_600_000_000


def test_tensors_that_are_too_large_are_refused_in_a_sweep() -> None:
    """3 channels of (c * n) * (c * n) pixels, which cost nothing: 4.8 * 10^21 elements."""
    spec = HUGE.replace("[c, n, n]", "[3, n, n]").replace("{conv: {out: c, kernel: 3}}", "{upsample: {scale: c}}, relu")
    with pytest.raises(SpecError, match=r"at c 200000, n 200000: a tensor of 3x40000000000x40000000000 is too large"):
        costcalc.sweep(spec, c=[1, 2 * 10**5], n=[1, 2 * 10**5])


# ---- questions, blocks, processes, files ------------------------------------------------------------------

WIDE = {"width": [round(0.1 * k, 1) for k in range(1, 15)], "resolution": list(range(64, 257, 16))}


@pytest.fixture(scope="module")
def everything() -> pd.DataFrame:
    return costcalc.sweep("mobilenet_v2", **WIDE)


def test_where(everything: pd.DataFrame) -> None:
    table = costcalc.sweep("mobilenet_v2", **WIDE, where="macs < 300M and params < 4M and resolution % 32 == 0")
    wanted = everything.query("macs < 300_000_000 and params < 4_000_000 and resolution % 32 == 0")
    assert 0 < len(table) < len(everything)
    assert table.to_numpy().tolist() == wanted.to_numpy().tolist()


@pytest.mark.parametrize(
    ("by", "columns", "ascending"), [("-macs", ["macs"], [False]), ("params,-macs", ["params", "macs"], [True, False])]
)
def test_top(everything: pd.DataFrame, by: str, columns: list[str], ascending: list[bool]) -> None:
    table = costcalc.sweep("mobilenet_v2", **WIDE, top=7, by=by)
    wanted = everything.sort_values(columns, ascending=ascending, kind="stable").head(7)
    assert table.to_numpy().tolist() == wanted.to_numpy().tolist()


def test_pareto(everything: pd.DataFrame) -> None:
    table = costcalc.sweep("mobilenet_v2", **WIDE, pareto="macs,-params")
    points = everything[["macs", "params"]].to_numpy()
    kept = [
        not any((m <= macs and p >= params) and (m < macs or p > params) for m, p in points) for macs, params in points
    ]
    assert 1 < sum(kept) < len(points)
    assert table.to_numpy().tolist() == everything[kept].to_numpy().tolist()


CHOSEN = """
costcalc: 1
knobs: {c: 8, w: [1, 2], b: plain, t: true, f: 0.5}
input: [c, 1, 1]
layers: [{custom: {macs: "c * 10 ** 9 * int(4 * f)", params: "w[0]"}}, {relu: {}, if: "t and b == 'plain'"}]
"""
CHOICES = {"c": [1, 2, 9], "f": [0.5, 2.0], "w": [[1, 2], [3]], "b": ["plain", "wide"], "t": [True, False]}
# How many of the 48 settings each holds for: macs are 2, 4, 18 G at f 0.5, 8, 16, 72 G at 2.0; params 1 or 3.
WHERES = [
    ("macs * macs * macs > 10 ** 14 * 10 ** 14", 40),
    ("macs * macs * macs > 5832 * 10 ** 14 * 10 ** 13", 8),
    ("params * 10 ** 14 * 100 > 10 ** 16", 24),
    ("macs > 3G if c > 1 else macs > 5G", 40),
    ("(c > 1) + (f > 1) > 1", 16),
    ("(c > 1) == (f > 1)", 24),
    ("c ** 70 > 1", 32),
    ("c ** -1 > 0.4", 32),
    ("9 > c > 1 and t", 8),
    ("t", 24),
    ("not t or f > 1", 36),
    ("c in [1, 9]", 32),
    ("b == 'plain'", 24),
    ("b in ['wide', 'plain'] and b != 'wide'", 24),
    ("w == [1, 2]", 24),
    ("w[0] > 1", 24),
    ("len(w) == 1", 24),
    ("c in w", 16),
]


@pytest.mark.parametrize(("where", "number"), WHERES)
def test_where_asks_as_python_does(where: str, number: int) -> None:
    assert len(costcalc.sweep(CHOSEN, **CHOICES, where=where)) == number


WRONG_WHERES = [
    ("c == b", "1 and 'plain' can never be equal"),
    ("c > b", "'plain' is not a number"),
    ("t and b", "'plain' is neither true nor false"),
    ("c", "it is no condition"),
    ("t and c", "it is no condition"),
    ("macs / (c - 9) > 3", "18000000000 is divided by zero"),
    ("nope > 1 if c > 1 else t", "a sweep has no 'nope'"),
]


@pytest.mark.parametrize(("where", "message"), WRONG_WHERES)
def test_wrong_wheres_are_refused(where: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        costcalc.sweep(CHOSEN, **CHOICES, where=where)


def task(question: chunks.Question | None = None, block: int = 1000) -> chunks.Task:
    return chunks.Task(
        costcalc.load("mobilenet_v2"), [{name: values} for name, values in WIDE.items()], question, block=block
    )


@pytest.mark.parametrize("block", [1, 7, 50, 10**6])
def test_blocks_of_any_size_give_the_same(everything: pd.DataFrame, block: int) -> None:
    kept = chunks.fold(task(chunks.Question("macs < 100M", 9, ("params", "-macs")), block))
    wanted = everything[everything["macs"] < 10**8].sort_values(
        ["params", "macs"], ascending=[True, False], kind="stable"
    )
    assert kept["setting"].tolist() == wanted.head(9).index.tolist()


def test_processes_give_the_same(everything: pd.DataFrame) -> None:
    kept = chunks.fold(task(block=60), mappers.processes(2))
    assert kept["macs"].tolist() == everything["macs"].tolist()


def test_a_cluster_gives_the_same(everything: pd.DataFrame) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None
    ) as cluster:
        kept = chunks.fold(task(block=60), mappers.dask(cluster.scheduler_address))
    assert kept["macs"].tolist() == everything["macs"].tolist()


def test_part_files_by_one_by_many_and_after_a_stop_are_the_same(everything: pd.DataFrame, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    one, two, stopped = (str(tmp_path / name) for name in ("one", "two", "stopped"))
    number, _ = parquet.write(task(block=60), one)
    assert number > 2
    parquet.write(task(block=60), two, mappers.processes(2))
    parquet.write(task(block=60), stopped)
    for name in sorted(os.listdir(stopped))[1:3]:
        os.remove(os.path.join(stopped, name))
    Path(stopped, "part-000000.parquet.tmp").write_bytes(b"half a file")
    assert parquet.write(task(block=60), stopped) == (2, number - 2)
    tables = [
        pd.concat([pd.read_parquet(path) for path in sorted(Path(folder).glob("*.parquet"))], ignore_index=True)
        for folder in (one, two, stopped)
    ]
    assert tables[0].equals(tables[1])
    assert tables[0].equals(tables[2])
    wanted = everything.sort_values(["width", "resolution"]).to_numpy().tolist()
    assert tables[0].sort_values(["width", "resolution"]).to_numpy().tolist() == wanted


def test_part_files_of_another_sweep_are_left_alone(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    folder = str(tmp_path / "out")
    parquet.write(task(block=60), folder)
    with pytest.raises(SpecError, match="holds another sweep"):
        parquet.write(task(chunks.Question("macs < 1M"), block=60), folder)
    with pytest.raises(SpecError, match="is not empty"):
        parquet.write(task(), str(tmp_path))


def test_a_stopped_fold_goes_on(tmp_path: Path) -> None:
    question = chunks.Question("", 5, ("macs",))
    path = str(tmp_path / "state.json")
    saved = parquet.SavedState(path, task(question, 20))
    first = list(itertools.islice(chunks.folding(task(question, 20)), 3))
    saved.write(*first[-1])
    again = parquet.SavedState(path, task(question, 20))
    assert again.done == 3
    *_, (done, kept) = chunks.folding(task(question, 20), start=again.done, kept=again.kept)
    assert done == len(chunks.ready(task(question, 20)).blocks) > 3
    whole = chunks.fold(task(question, 20))
    assert sorted(kept["setting"]) == sorted(whole["setting"])
    with pytest.raises(SpecError, match="another sweep"):
        parquet.SavedState(path, task(chunks.Question("", 6), 20))


# ---- what is kept of a sweep -----------------------------------------------------------------------

NO_STATES = {
    "empty": b"", "cut": b'{"sweep": "', "a list": b"[]", "a number": b"1", "null": b"null",
    "binary": bytes(range(256)), "UTF-16": "{}".encode("utf-16"), "deep": b"[" * 100_000,
    "a long number": b'{"sweep": ' + b"9" * 10_000 + b"}",
    "nothing": b"{}", "no text": b'{"sweep": 1}',
}  # fmt: skip
JSON = (None, True, -5, 10**30, 1.5, float("nan"), "x", [], [1], {}, {"a": 1})


@pytest.mark.parametrize("content", NO_STATES.values(), ids=NO_STATES)
@pytest.mark.parametrize("name", ["state.json", "parts.parquet/_sweep.json"])
def test_what_holds_no_sweep_is_refused(tmp_path: Path, run: Run, name: str, content: bytes) -> None:
    if name != "state.json":
        pytest.importorskip("pyarrow")
    (tmp_path / "parts.parquet").mkdir()
    (tmp_path / name).write_bytes(content)
    more = (
        ["--top", "2", "--resume", name] if name == "state.json" else ["--block", "basic,bottleneck", "-o", name[:13]]
    )
    code, _, err = run("sweep", "resnet50", "--width", "0.5,1", *more, folder=tmp_path)
    assert (code, err.splitlines()[0]) == (2, f"{name} holds no sweep")
    assert (tmp_path / name).read_bytes() == content


def states() -> Iterator[tuple[str, Any]]:
    """Yield what a state may not hold: every kind of value in every field, and what doesn't belong together."""
    yield from (("done", value) for value in (*JSON, 3))
    yield from (("kept", value) for value in JSON)
    for name in ("setting", "params", "macs"):
        yield from (
            (f"kept.{name}", value)
            for value in (*JSON, [True, False], ["1", "2"], [1, 2.5], [1, 2, 3], [10**19, 1], [1.0, 2.0])
        )
    yield from (("kept.setting", value) for value in ([0, 0], [-1, 0], [0, 2]))
    yield "kept.other", [1, 2]


@pytest.mark.parametrize(("field", "value"), list(states()))
def test_a_state_with_an_odd_field_is_refused(tmp_path: Path, run: Run, field: str, value: Any) -> None:
    path = tmp_path / "state.json"
    words = ("sweep", "mobilenet_v1", "--width", "0.5,1", "--top", "2", "--resume", "state.json")
    assert run(*words, folder=tmp_path).code == 0
    data = json.loads(path.read_text())
    assert (data["done"], data["kept"]["setting"]) == (1, [0, 1])
    at = data["kept"] if "." in field else data
    at[field.removeprefix("kept.")] = value
    path.write_text(json.dumps(data))
    code, _, err = run(*words, folder=tmp_path)
    assert (code, err.splitlines()[0]) == (2, "state.json holds no sweep")
    path.unlink()
    assert run(*words, folder=tmp_path).code == 0


def test_the_second_in_a_folder_is_told_who_was_first(tmp_path: Path, run: Run) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "parts.parquet").mkdir()
    told = f"is in use by process {os.getpid()} on"
    with files.locked(str(tmp_path / "parts.parquet" / "_sweep.json")):
        found = run("sweep", "resnet50", "--block", "basic,bottleneck", "-o", "parts.parquet", folder=tmp_path)
    assert (found.code, told in found.err) == (2, True)
    with files.locked(str(tmp_path / "state.json")):
        found = run("sweep", "alexnet", "--classes", "1,2", "--top", "1", "--resume", "state.json", folder=tmp_path)
    assert (found.code, told in found.err) == (2, True)


def test_what_a_killed_run_was_writing_is_removed(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / ".costcalc-0123.tmp").write_bytes(b"half a manifest")
    (tmp_path / "_sweep.json.lock").write_bytes(b"")
    number, _ = parquet.write(task(block=60), str(tmp_path))
    wanted = ["_sweep.json", *(f"part-{k:06d}.parquet" for k in range(number))]
    assert sorted(os.listdir(tmp_path)) == wanted


# ---- who counts ------------------------------------------------------------------------------------


class Late:
    """A block under way: done when it is asked for."""

    under_way: ClassVar[set[int]] = set()
    most = 0

    def __init__(self, number: int) -> None:
        self.number = number
        self.under_way.add(number)
        Late.most = max(Late.most, len(self.under_way))

    def result(self) -> int:
        self.cancel()
        return self.number

    def cancel(self) -> None:
        self.under_way.discard(self.number)


def test_few_blocks_are_under_way_at_once() -> None:
    found = mappers._in_window(Late, Late.result, range(1000), lambda: 4)  # type: ignore[arg-type]
    assert [next(found) for _ in range(500)] == list(range(500))
    found.close()
    assert (Late.most, Late.under_way) == (4, set())


def test_a_worker_that_sees_another_folder_writes_nothing(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    with pytest.raises(SpecError, match=r"a worker sees no .*_sweep\.json"):
        parquet.write_part(task(block=60), str(tmp_path), 0)
    assert os.listdir(tmp_path) == []


def test_workers_write_the_parts(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    came = []

    def mapper(work: mappers.Work, numbers: Sequence[int]) -> Iterator[Any]:
        for number in numbers:
            came.append(pickle.loads(pickle.dumps(work))(number))
            yield came[-1]

    number, _ = parquet.write(task(block=60), str(tmp_path), mapper)
    assert came == [None] * number  # what comes back holds nothing


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("nonsense", "'nonsense' is no address of a Dask scheduler"),
        ("localhost", "'localhost' is no address of a Dask scheduler"),
        ("", "'' is no address of a Dask scheduler"),
        ("tcp://127.0.0.1:abc", "'tcp://127.0.0.1:abc' is no address of a Dask scheduler"),
        ("foo://127.0.0.1:8786", "'foo://127.0.0.1:8786' is no address of a Dask scheduler"),
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at 'tcp://127.0.0.1:1'"),
        ("SILENT", "no Dask scheduler answers at 'tcp://127.0.0.1:"),
    ],
)
def test_a_cluster_that_is_not_there_is_told(
    address: str, words: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(mappers, "LISTENS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # listens, and is no scheduler
        given = address.replace("SILENT", f"tcp://127.0.0.1:{silent.getsockname()[1]}")
        code, _, err = run("sweep", "alexnet", "--classes", "1,2", "--dask", given)
    assert code == 2
    assert words in err
    assert "--dask tcp://HOST:8786" in err


def test_a_cluster_without_a_worker_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(mappers, "WORKS", 0.5)
    with (
        distributed.LocalCluster(n_workers=0, processes=False, dashboard_address=None) as cluster,
        pytest.raises(SpecError, match=r"has no worker\n.*start one: dask worker"),
    ):
        chunks.fold(task(), mappers.dask(cluster.scheduler_address))


@given(st.lists(st.integers(1, 6), max_size=4), st.integers(1, 40))
def test_cuts_cover_a_grid_once(lengths: list[int], size: int) -> None:
    seen = np.zeros(lengths, dtype=int)
    for cut in cuts(lengths, size):
        assert seen[cut].size <= size
        seen[cut] += 1
    assert (seen == 1).all()


# ---- what is written ------------------------------------------------------------------------------------

RANGES = [
    ("128:224:32", [128, 160, 192, 224]),
    ("0.25:1:0.25", [0.25, 0.5, 0.75, 1.0]),
    ("0.1:0.3:0.1", [0.1, 0.2, 0.3]),
    ("3:1:-1", [3, 2, 1]),
    ("1:4", [1, 2, 3, 4]),
    ("1:2:0.4", [1, 1.4, 1.8]),
]


@pytest.mark.parametrize(("text", "values"), RANGES)
def test_ranges_hold_their_end(text: str, values: list[Any]) -> None:
    assert spanned(text) == values


VALUES = [
    ("width", "0.25,0.5", [0.25, 0.5]),
    ("resolution", "16:32:16,64", [16, 32, 64]),
    ("block", "plain,wide", ["plain", "wide"]),
    ("widths", "[4, 8],[8]", [[4, 8], [8]]),
    ("widths", "4,8;8", [[4, 8], [8]]),
    ("deep", "true,false", [True, False]),
]


@pytest.mark.parametrize(("knob", "text", "values"), VALUES)
def test_values_of_a_knob(knob: str, text: str, values: list[Any]) -> None:
    assert values_of(zoo.load_text(STRUCTURE), knob, text) == values


BAD = [
    ({"widht": [1.0]}, "has no knob 'widht'"),
    ({"width": []}, "'width' has no values"),
    ({"width": ["big"]}, "knob 'width' takes a number"),
    ({"width": [1.0], "where": "mac < 3"}, "a sweep has no 'mac'"),
    ({"width": [1.0], "where": "macs <"}, "where 'macs <'"),
    ({"width": [1.0], "by": "cost"}, "a sweep has no 'cost'"),
    ({"width": [1.0], "per": "pixel"}, "no lines per 'pixel'"),
    ({"width": [1.0, 0.0]}, "at width 0.0"),
    ({"width": [0.5, 1.0], "resolution": [32], "zip": True}, "need equally many values"),
    ({"width": [0.5, 1.0], "where": "macs"}, "it is no condition"),
    ({"width": [0.5, 1.0], "where": "macs / 0 > 1"}, "divided by zero"),
    ({"width": [0.5, float("nan")]}, "nan is not a number that can be counted with"),
    ({"width": [0.5, 10**30]}, "is not a number that can be counted with"),
    ({"width": [np.ones(2)]}, "takes values of one number each"),
]


@pytest.mark.parametrize(("given_", "message"), BAD)
def test_mistakes(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        costcalc.sweep(STRUCTURE, **given_)


def test_words_lists_and_truth_values_stay_what_they_are() -> None:
    table = costcalc.sweep(STRUCTURE, widths=[[4, 8], [8]], deep=[True, False], block=["plain"])
    assert table["widths"].tolist() == [[4, 8], [4, 8], [8], [8]]
    assert table["deep"].tolist() == [True, False, True, False]
    assert len(costcalc.sweep(STRUCTURE, deep=[True, False], where="deep == true")) == 1


# c_out filters of 3 * 9 weights and a bias each, and 100 a filter that the spec states of a layer of unknown work.
ODD = (
    "costcalc: 1\nknobs: {n: 4, odd: true}\ninput: [3, 8, 8]\nlayers:\n  - conv: {out: n, kernel: 3}\n"
    "  - {opaque: {shape: [4], params: 100 * n}, if: odd}\n"
)


def test_unknown_columns_stay_unknown() -> None:
    table = costcalc.sweep(ODD, n=[1, 2], odd=[True, False])
    assert table["params"].tolist() == [128, 28, 256, 56]
    assert table["macs"].tolist() == [None, 36 * 27, None, 36 * 54]
    assert costcalc.sweep_arrays(ODD, n=[1, 2], odd=[True, False]).macs.tolist() == [[None, 972], [None, 1944]]
    assert costcalc.sweep(ODD, n=[1, 2], where="params > 200")["n"].tolist() == [2]
    assert costcalc.solve(ODD, {"n": [1, 2, 3]}, limits={"params": 300})["n"].tolist() == [2]
    layers = costcalc.sweep(ODD, n=[1, 2], per="layer")
    assert layers["macs"].tolist() == [972, None, 1944, None]
    saved = costcalc.sweep(ODD, n=[1], columns="saved,params")  # counted setting by setting
    assert (saved["saved"].tolist(), saved["params"].tolist()) == ([None], [128])


@pytest.mark.parametrize("question", [{"where": "macs < 1M"}, {"top": 1}, {"pareto": "macs,params"}])
def test_questions_about_what_is_unknown_are_refused(question: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="macs is unknown, since that of a layer is"):
        costcalc.sweep(ODD, n=[1, 2], **question)


def test_the_command_says_what_is_unknown(run: Run, tmp_path: Path) -> None:
    (tmp_path / "odd.yaml").write_text(ODD)
    words = ["sweep", str(tmp_path / "odd.yaml"), "--n", "1,2"]
    lines = [line.split() for line in run(*words).out.splitlines()]
    assert lines[2:4] == [["1", "128", "unknown"], ["2", "256", "unknown"]]
    assert run(*words, "--format", "csv").out.splitlines()[1] == "1,128,,costcalc,9c528e"
    assert json.loads(run(*words, "--format", "json").out)[1]["macs"] is None


BAD_COMMANDS = [
    (["--width", "0.25:1"], "has no step"),
    (["--width", "0.5,1", "-o", "x.csv", "--format", "json"], "x.csv is for csv, not json"),
    (["--width", "0.5,1", "--top", "1", "--resume", "no/state.json"], "cannot be written"),
    (["--width", "0.5,1", "--where", "macs = 300M"], "write == to compare"),
    (["--width", "0.5,1", "--where", "macs < 300 M"], "write a number and its unit together: 300M"),
    (["--width", "0.5,1", "--where", "macs < 300M, params < 4M"], "join conditions by and"),
    (["--width", "0.5,1", "--where", "macs < 300M && params < 4M"], "write and, or"),
    (["--width", "0.5,1", "--jobs", "all"], "'all' is no whole number from 1"),
    (["--width", "0.5,1", "--top", "0"], "'0' is no whole number from 1"),
    (["--width", "0.5", "1"], "values of a knob are joined by commas: 0.5,1"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_COMMANDS)
def test_mistakes_of_the_command(arguments: list[str], message: str, run: Run) -> None:
    done = run("sweep", "mobilenet_v1", *arguments)
    assert done.code == 2
    assert message in done.err


def test_the_command(tmp_path: Path, run: Run) -> None:
    done = run("sweep", "mobilenet_v1", "--width", "0.5,1", "--resolution", "128:224:96")
    assert done.code == 0
    lines = [line.split() for line in done.out.splitlines()]
    assert ["0.5", "128", "1331.6", "49.2"] in lines
    assert ["1.0", "224", "4232.0", "568.7"] in lines
    assert "counted: params: learnable; MACs: conv + fc + matmul, no bias (costcalc 9c528e)" in done.out
    path = tmp_path / "out.csv"
    assert run("sweep", "mobilenet_v1", "--width", "0.5,1", "-o", str(path)).code == 0
    assert pd.read_csv(path)["macs"].tolist() == [149497088, 568740352]


def test_a_table_too_long_to_read_is_refused(run: Run) -> None:
    done = run("sweep", "mobilenet_v1", "--width", "0.1:2:0.001", "--resolution", "32:256")
    assert done.code == 2
    assert "10,000 lines at most" in done.err


def test_parts_hold_every_setting_once() -> None:
    grid = Grid([Axis({name: values}) for name, values in AXES.items()])
    found = list(counted(zoo.load_text(STRUCTURE), grid, conventions.get("costcalc")))
    seen = np.zeros(grid.shape, dtype=int)
    for part in found:
        seen[np.ix_(*part.indices)] += 1
    assert (seen == 1).all()
    assert len(found) > 1


# ---- a word with knobs -------------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_word_with_knobs_is_swept(run: Run, jobs: str) -> None:
    """The paper's Table 6 and 7: width 0.5 has 1.3 million parameters and 149 million MACs."""
    words = ["mobilenet_v1@width=0.5", "--resolution", "192,224", "--jobs", jobs, "--format", "json"]
    code, out, _ = run("sweep", *words)
    assert code == 0
    assert [row["params"] for row in json.loads(out)] == [1_331_592] * 2
    assert json.loads(out)[1]["macs"] == 149_497_088
    assert costcalc.sweep("mobilenet_v1@width=0.5", resolution=[224])["macs"].tolist() == [149_497_088]
    assert costcalc.whatif("vgg16@width=0.5", "pool_classifier").before.macs == costcalc.count("vgg16", width=0.5).macs


WORDS = [
    ("sweep mobilenet_v1@width=0.5 --width 1,2", "the knob 'width' is given twice: the network itself says 0.5"),
    ("sweep mobilenet_v1@resolution=128 --width 1,2 --input 3x160x160", "resolution only says what the input is"),
    ("sweep mobilenet_v1@input=3x160x160 --width 1,2", "here the input stands beside the network"),
    ("report mobilenet_v1@width=0.5 --width 1", "the knob 'width' is given twice"),
    ("solve mobilenet_v1@width=0.5 --vary width --max-macs 1G", "the knob 'width' is given twice"),
    ("whatif mobilenet_v1@wdth=0.5 --pool-classifier", "did you mean 'width'?"),
]


@pytest.mark.parametrize(("words", "said"), WORDS)
def test_a_word_that_contradicts_is_refused(words: str, said: str, run: Run) -> None:
    code, _, err = run(*words.split())
    assert (code, said in err) == (2, True)


def test_python_sweeps_in_processes_and_goes_on(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    asked: dict[str, Any] = {"n": [1, 2, 3], "odd": [True, False]}
    first = costcalc.sweep(ODD, **asked, jobs=2, resume=state)
    assert json.loads(Path(state).read_text())["done"] == 2  # blocks: two structures
    again = costcalc.sweep(ODD, **asked, resume=state)  # found again, unknown as it was
    assert first["macs"].tolist() == again["macs"].tolist() == costcalc.sweep(ODD, **asked)["macs"].tolist()
    for wrong, said in (
        ({"jobs": 0}, "jobs is a whole number from 1"),
        ({"jobs": 2, "per": "layer"}, "in this process"),
    ):
        with pytest.raises(SpecError, match=said):
            costcalc.sweep(ODD, n=[1], **wrong)


def test_python_writes_part_files_and_goes_on(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    folder = str(tmp_path / "x.parquet")
    asked = {"width": [0.5, 1.0], "resolution": [128, 224]}
    for _ in range(2):  # the second time nothing is counted again
        table = costcalc.sweep("mobilenet_v1", **asked, resume=folder)
        assert table["macs"].tolist()[-1] == 568_740_352  # Howard et al. 2017: 569 M
        assert table.equals(costcalc.sweep("mobilenet_v1", **asked))
    assert sorted(path.name for path in Path(folder).glob("[!._]*")) == ["part-000000.parquet"]
    with pytest.raises(SpecError, match="without top, pareto"):
        costcalc.sweep("mobilenet_v1", **asked, top=1, resume=folder)
