"""Search spaces: how many networks, what they cost, which fit; golden numbers, brute force, what is refused."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from itertools import product
from pathlib import Path
from typing import Any

import in_process
import pandas as pd
import pytest
from fuzz_spaces import compared

import costcalc
from costcalc.base.errors import SpecError

DATA = Path(__file__).parent.parent / "data" / "search_spaces.csv"
ROWS = list(csv.DictReader(line for line in DATA.read_text(encoding="utf-8").splitlines() if line[0] != "#"))
EDGES = {
    "none": "nothing",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv_1x1",
    "nor_conv_3x3": "conv_3x3",
    "avg_pool_3x3": "pool_3x3",
}


def typed(word: str) -> int | str:
    return int(word) if word.isdigit() else word


def named(row: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """Return our network for a row, and its knobs."""
    if row["space"] == "nas_bench_201":
        edges = [EDGES[word.split("~")[0]] for word in re.findall(r"[^|+]+", row["setting"])]
        return "nas_bench_201", {"edges": edges, "resolution": int(row["resolution"])}
    lists = {words[0]: [typed(word) for word in words[1:]] for words in map(str.split, row["setting"].split(";"))}
    if "_w" not in row["space"]:
        knobs = {name: words[0] if len(words) == 1 else words for name, words in lists.items()}
        return row["space"], {"resolution": int(row["resolution"]), **knobs}
    stem, _, width = row["space"].rpartition("_w")
    name = {"ofa_mbv3": "ofa_mobilenet_v3", "ofa_proxyless": "ofa_proxyless"}[stem]
    return name, {"width": float(width), "resolution": int(row["resolution"]), **lists}


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['space']}-{k}" for k, row in enumerate(ROWS)])
def test_a_network_of_a_published_space_costs_what_its_reference_implementation_does(row: dict[str, str]) -> None:
    name, knobs = named(row)
    counted = costcalc.count(name, knobs=knobs)
    assert (counted.params, counted.macs) == (int(row["params"]), int(row["macs"]))


@pytest.fixture(scope="module")
def ofa() -> Any:
    return costcalc.space("ofa_mobilenet_v3")


# The spaces of the zoo: how many networks, the least and the most of params and of MACs. OFA's number is
# (9^2 + 9^3 + 9^4)^5, arXiv:1908.09791 says "over 10^19"; NAS-Bench-201's 5^6, arXiv:2001.00326.
SPACES = {
    "ofa_mobilenet_v3": (21_758_655_492_572_485_851, (3_410_792, 7_664_760), (121_278_672, 566_170_656)),
    "ofa_proxyless": (21_758_655_492_572_485_851, (4_282_040, 7_942_056), (292_977_624, 1_004_908_032)),
    "nas_bench_201": (15_625, (73_306, 1_531_546), (7_783_040, 220_119_680)),
}


@pytest.mark.parametrize(("name", "size", "params", "macs"), [(name, *row) for name, row in SPACES.items()])
def test_a_space_of_the_zoo_has_its_published_size(
    name: str, size: int, params: tuple[int, int], macs: tuple[int, int]
) -> None:
    space = costcalc.space(name)
    assert (space.size, space.refused) == (size, 0)
    for metric, wanted in (("params", params), ("macs", macs)):
        assert (space.least(metric).costs[metric], space.most(metric).costs[metric]) == wanted


# Of how many networks the papers speak: 4^20 (SPOS), 9^22 (FBNet), 6^6 7^15 (ProxylessNAS: a block that keeps the shape
# may be left out), and of DARTS' cells (1 3 6 10 7^8) each of two.
# AttentiveNAS' is the product of its implementation's lists: channels, depths, kernels, expansions, resolutions.
SIZES = {
    "spos": 4**20, "fbnet": 9**22, "proxylessnas": 6**6 * 7**15, "darts_cifar": (180 * 7**8) ** 2,
    "attentive_nas": (2**7 * 3 * 4) * (2 * 3 * 4 * 4 * 6 * 6 * 2) * 2**7 * 3**4 * 4,
}  # fmt: skip


@pytest.mark.parametrize("name", SIZES)
def test_a_space_has_its_published_size_and_its_ends_count_again(name: str) -> None:
    space = costcalc.space(name)
    assert (space.size, space.refused) == (SIZES[name], 0)
    for metric in ("params", "macs"):
        for end in (space.least(metric), space.most(metric)):
            counted = costcalc.count(name, knobs=end.knobs)
            assert end.costs == {"params": counted.params, "macs": counted.macs}


def test_what_fits_a_budget_is_counted_exactly(ofa: Any) -> None:
    assert ofa.count("macs <= 300M") == 856_295_841_105_991_212  # by dynamic programming over stages' tables, in numpy
    assert ofa.count("macs > 300M") == ofa.size - 856_295_841_105_991_212
    assert ofa.quantile("macs", 0.5) == 352_351_584


def test_the_most_of_one_metric_under_a_budget_of_another(ofa: Any) -> None:
    found = ofa.most("params", "macs <= 300M")
    assert found.costs["macs"] <= 300_000_000
    counted = costcalc.count("ofa_mobilenet_v3", knobs=found.knobs)
    assert found.costs == {"params": counted.params, "macs": counted.macs}
    more = ofa.sample(2000, "macs <= 300M", 1)
    assert found.costs["params"] > more["params"].max()


def test_a_sample_is_of_networks_that_fit_and_count_again(ofa: Any) -> None:
    found = ofa.sample(30, "macs <= 300M", 7)
    assert found.equals(ofa.sample(30, "macs <= 300M", 7))
    assert found["macs"].max() <= 300_000_000
    for row in found.to_dict("records"):
        costs = {name: row.pop(name) for name in ("params", "macs")}
        counted = costcalc.count("ofa_mobilenet_v3", knobs=row)
        assert costs == {"params": counted.params, "macs": counted.macs}


# An edge of NAS-Bench-201 adds 35,389,440 MACs and 243,040 parameters (3x3), 3,932,160 and 28,000 (1x1), or nothing, in
# three ways, to 7,783,040 and 73,306: by truth's rows. So no 3x3, or one and at most one 1x1; four 3x3 or more.
FITTING = {
    "macs <= 50M": 4**6 + 6 * (3**5 + 5 * 3**4),
    "macs <= 50M and params > 200000": 6 * (3**5 + 5 * 3**4) + 6 * 3 + 1,  # without a 3x3 it takes five 1x1
    "params > 1M": 15 * 4**2 + 6 * 4 + 1,
}


@pytest.mark.parametrize(("where", "size"), [("", 15_625), *FITTING.items()])
def test_each_network_is_drawn_as_likely_as_any_other(where: str, size: int) -> None:
    """A chi-square over 100,000 draws: n - 1 on average, with a standard deviation of sqrt(2 (n - 1))."""
    space = costcalc.space("nas_bench_201")
    assert space.count(where) == size
    draws = Counter(map(tuple, space.sample(100_000, where, 3)["edges"]))
    expected = 100_000 / size
    statistic = sum((count - expected) ** 2 for count in draws.values()) / expected + (size - len(draws)) * expected
    assert abs(statistic - (size - 1)) < 4 * (2 * (size - 1)) ** 0.5


@pytest.mark.parametrize("start", range(0, 60, 12))
def test_small_spaces_answer_as_brute_force_does(start: int) -> None:
    """`tests/tools/fuzz_spaces.py` does the same for thousands, and larger ones."""
    said = Counter(compared(seed, most=60) for seed in range(start, start + 12))
    assert said["equal"] + said["equal, with settings that are refused"] > 2


def test_a_knob_that_is_given_is_chosen_no_more() -> None:
    space = costcalc.space("ofa_mobilenet_v3", knobs={"depths": [2, 2, 2, 2, 2]})
    assert space.size == 81**5
    assert {choice.knob for choice in space.choices} == {"kernels", "expands"}


CHAIN = """costcalc: 1
name: chain
knobs: {times: 1, widths: [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8]}
search: {times: [1, 2], widths: {each: [8, 16, 24]}}
input: [8, 1, 1]
layers:
  - conv: {out: "times * widths[i]", kernel: 1, bias: false}
    repeat: 16
"""


def test_a_chain_is_cut_in_its_middle() -> None:
    """Neighbours are tied, and one choice ties all; by a table of costs for each last width, layer after layer."""
    wanted: Counter[int] = Counter()
    for scale in (1, 2):
        ends = {8: Counter({0: 1})}
        for _ in range(16):
            after: dict[int, Counter[int]] = {width: Counter() for width in (8 * scale, 16 * scale, 24 * scale)}
            for before, costs in ends.items():
                for width, there in after.items():
                    for cost, many in costs.items():
                        there[cost + before * width] += many
            ends = after
        wanted += sum(ends.values(), Counter())
    space = costcalc.space(CHAIN)
    assert space.size == wanted.total() == 2 * 3**16
    assert [space.count(f"macs <= {most}") for most in (4_000, 9_000)] == [
        sum(many for cost, many in wanted.items() if cost <= most) for most in (4_000, 9_000)
    ]
    assert space.count("macs <= 9000 and params > 4000") == space.count("macs > 4000 and macs <= 9000")
    assert space.sample(100, "macs <= 4000", 1)["macs"].max() <= 4_000
    assert space.most("macs", "params <= 4000").costs["macs"] == max(cost for cost in wanted if cost <= 4_000)


def test_a_space_that_is_tied_too_closely_is_refused_before_long() -> None:
    """AnyNetX: each stage's first block depends on both widths, 128 values each, and 18 ways to group them."""
    with pytest.raises(SpecError, match=r"do not fall apart: layers read d\[0\], w\[0\], b\[0\], g\[0\] together"):
        costcalc.space("anynet_x")


def test_two_budgets_that_would_take_too_long_are_told_as_an_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("costcalc.spaces.dominance.MOST_STEPS", 1)
    with pytest.raises(SpecError, match=r"0 to 4,096 of them have macs <= 50,000,000 and params <= 300,000"):
        costcalc.space("nas_bench_201").count("macs <= 50M and params <= 300K")


# ---- what is refused --------------------------------------------------------------------------------


def test_a_space_whose_choices_hang_together_is_refused_with_their_names() -> None:
    layers = [{"conv": {"out": "+".join(f"ks[{k}]" for k in range(20)), "kernel": 1}}]
    spec = {"costcalc": 1, "input": [3, 8, 8], "knobs": {"ks": [1] * 20}, "search": {"ks": {"each": [1, 2, 3]}}}
    with pytest.raises(SpecError, match=r"do not fall apart: layers read ks\[0\], ks\[1\], .* and \d+ more together"):
        costcalc.space(spec | {"layers": layers})


@pytest.mark.parametrize(
    ("network", "ask", "words"),
    [
        ("mobilenet_v1", lambda s: s.size, "MobileNetV1 says nothing of a search"),
        ("nas_bench_201@edges=[skip,skip,skip,skip,skip,skip]", lambda s: s.size, "nothing left to choose"),
        ("nas_bench_201", lambda s: s.count("macs"), "'macs' is no condition of a space"),
        ("nas_bench_201", lambda s: s.count("mac <= 3"), "did you mean 'macs'"),
        ("nas_bench_201", lambda s: s.most("macs", "macs <= 50M and params <= 1M"), "sought under one bound"),
        ("nas_bench_201", lambda s: s.spread_of("macs <= 50M and params <= 1M"), "under a condition on one metric"),
        (
            "nas_bench_201",
            lambda s: s.sample(9, "macs <= 7783040 and params >= 74000"),
            "too few to draw 9: of 2,000,000",
        ),
        ("nas_bench_201", lambda s: s.spread_of("", ["edge"]), "did you mean 'edges'"),
        ("nas_bench_201", lambda s: s.quantile("bytes", 0.5), "was not asked for 'bytes'"),
    ],
)
def test_what_a_space_cannot_answer(network: str, ask: Any, words: str) -> None:
    with pytest.raises(SpecError) as error:
        ask(costcalc.space(network))
    assert words in str(error.value)


def test_a_metric_that_is_no_sum_of_layers_is_refused() -> None:
    with pytest.raises(SpecError, match="peak_memory is no sum over layers"):
        costcalc.space("nas_bench_201", "peak_memory")


def test_a_convention_that_reads_what_stands_before_a_layer_is_refused() -> None:
    with pytest.raises(SpecError, match="'onnx-tool' counts a layer by what stands before it"):
        costcalc.space("nas_bench_201", convention="onnx-tool")


# Two convolutions on 8x8 and a classifier: each kind's time is the sum of lines of the table below, in microseconds.
TIMED = {
    "costcalc": 1, "name": "timed", "input": [3, 8, 8],
    "knobs": {"kernels": [3, 3], "width": 8},
    "search": {"kernels": {"each": [3, 5]}, "width": [8, 16]},
    "defaults": {"conv": {"padding": "half", "norm": "batch", "act": "relu"}},
    "layers": [
        {"conv": {"out": "width", "kernel": "kernels[0]"}}, {"conv": {"out": 16, "kernel": "kernels[1]"}},
        "global_avg_pool", {"fc": {"out": 10}},
    ],
}  # fmt: skip
TABLE = """type,input,output,latency_ms
conv 3x3,3x8x8,8x8x8,0.1
conv 3x3,3x8x8,16x8x8,0.2
conv 5x5,3x8x8,8x8x8,0.25
conv 5x5,3x8x8,16x8x8,0.5
conv 3x3,8x8x8,,1
conv 3x3,16x8x8,,2
conv 5x5,,16x8x8,3
"""


def test_a_table_of_layers_is_one_metric_more(tmp_path: Path) -> None:
    table = tmp_path / "layers.csv"
    table.write_text(TABLE + "fc,,,0.05\n", encoding="utf-8")
    space = costcalc.space(TIMED, "macs", lut=str(table))
    assert space.metrics == ("macs", "lut_us")
    least, most = space.least("lut_us"), space.most("lut_us")
    assert (least.knobs, least.costs["lut_us"]) == ({"kernels": [3, 3], "width": 8}, 100 + 1000 + 50)
    assert (most.knobs, most.costs["lut_us"]) == ({"kernels": [5, 5], "width": 16}, 500 + 3000 + 50)
    assert space.count("lut_us <= 2250") == 3  # 1150, 1300 and 2250; then 2550, 3150 and more
    assert space.notes[1] == "not in the table, and of no time: global_avg_pool"
    table.write_text(TABLE, encoding="utf-8")
    with pytest.raises(SpecError, match="no line for a layer of type fc, input 16, output 10"):
        costcalc.space(TIMED, lut=str(table))


@pytest.mark.parametrize("network", ["nas_bench_201", "timed"])
def test_a_time_and_an_energy_are_sums_of_rounded_rows(network: str) -> None:
    spec = TIMED if network == "timed" else network
    options = {"device": "pixel3_4_threads", "fusion": "eager"}
    space = costcalc.space(spec, "latency,energy,bytes", options=options)
    for row in space.sample(5, seed=3).to_dict("records"):
        sums = [row.pop(name) for name in ("latency_us", "energy", "bytes")]
        result = costcalc.count(spec, knobs=row)
        metrics = [result.metric("latency", **options), result.metric("energy", fusion="eager")]
        rounded = [
            sum(round(steps * value) for value in one.rows if value is not None)
            for one, steps in zip(metrics, (1000, 1), strict=True)
        ]
        assert sums == [*rounded, result.metric("bytes").total]


@pytest.mark.parametrize(
    ("columns", "options", "words"),
    [
        ("latency", {"device": "pixel3_4_threads"}, "depends on what is fused"),
        ("energy", {}, "depends on what is fused"),
        ("energy", {"onchip": 1000, "fusion": "eager"}, "is no sum over layers"),
        ("latency", {"fusion": "eager"}, "a time is one on a device"),
    ],
)
def test_what_is_no_sum_is_refused(columns: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        costcalc.space(TIMED, columns, options=options)


SPEC = """costcalc: 1
name: searched
knobs: {width: 8, kernels: [3, 3], word: relu}
search:
  SEARCH
input: [3, 8, 8]
layers:
  - conv: {out: width, kernel: "kernels[0]", padding: half}
  - conv: {out: width, kernel: "kernels[1]", padding: half}
  - word
"""


@pytest.mark.parametrize(
    ("search", "place", "words"),
    [
        ("width: 8", "5:10", "'width' is searched among '8'"),
        ("width: [16, 24]", "5:10", "the spec's own network is not in the search: 'width' is 8"),
        ("width: [8, 8]", "5:11", "'width' has the value 8 twice"),
        ("width: [8, wide]", "5:14", "takes a number, not wide"),
        ("widht: [8, 16]", "5:3", "did you mean 'width'?"),
        ("width: {each: [8, 16]}", "5:10", "is no list of which each element"),
        ("kernels: {each: [5, 7]}", "5:12", "'kernels' is 3"),
        ("kernels: {every: [3, 7]}", "5:12", "'kernels' is searched among a mapping"),
        ("kernels: [3, 7]", "5:13", "takes a list, not 3"),
        ("width: 8:4:1", "5:10", "has no numbers in it"),
    ],
)
def test_a_mistake_in_a_search_is_told_with_its_place(search: str, place: str, words: str) -> None:
    with pytest.raises(SpecError) as error:
        costcalc.count(SPEC.replace("SEARCH", search))
    assert f"spec:{place}:" in str(error.value)
    assert words in str(error.value)


@pytest.mark.parametrize(
    ("search", "size"),
    [
        ("width: [8, 16, 24]", 3),
        ("width: 8:32:8", 4),
        ("kernels: {each: [3, 5, 7]}", 9),
        ("kernels: [[3, 3], [5, 7]]", 2),
        ("{word: [relu, sigmoid], kernels: {each: [3, 5]}, width: [8, 16]}", 16),
    ],
)
def test_how_a_search_is_written(search: str, size: int) -> None:
    assert costcalc.space(SPEC.replace("SEARCH", search)).size == size


def test_what_is_searched_changes_no_count() -> None:
    plain = SPEC.replace("search:\n  SEARCH\n", "")
    searched = SPEC.replace("SEARCH", "{width: [8, 16]}")
    assert costcalc.count(plain).to_dict()["rows"] == costcalc.count(searched).to_dict()["rows"]


# ---- settings of one's own ------------------------------------------------------------------------------

OWN = """
costcalc: 1
name: own
knobs: {widths: [8, 8], groups: 1, op: plain, last: [1, 2], bias: true}
search:
  widths: {each: [8, 12, 16]}
  groups: [1, 2, 3]
  op: [plain, separable]
  last: [[1, 2], [3]]
input: [4, 6, 6]
defaults: {conv: {kernel: 3, padding: half}, dwconv: {kernel: 3, padding: half}}
blocks:
  plain(out):
    - conv: {out: out}
  separable(out):
    - dwconv
    - conv: {out: out, kernel: 1}
layers:
  - op: {out: "widths[0]"}
  - conv: {out: "widths[1]", groups: groups}
  - global_avg_pool
  - fc: {out: "last[0]", bias: bias}
"""
SETTINGS = {  # lists or their text; a knob without a column has the spec's own value
    "widths": [[8, 16], "12, 12", "[16,8]", (8, 8), [12, 12]],
    "op": ["plain", "separable", "plain", "separable", "plain"],
    "groups": [2, 3, 1, 2, 3],
    "last": [[1, 2], [3], "[3]", [1, 2], [3]],
    "accuracy": [0.9, 0.8, 0.7, 0.6, 0.5],
    "macs": [0, 0, 0, 0, 0],
    "bias": [True] * 5,
}
WIDTHS = [[8, 16], [12, 12], [16, 8], [8, 8], [12, 12]]


def test_settings_of_ones_own_cost_what_each_counts() -> None:
    found = costcalc.space(OWN).counted(pd.DataFrame(SETTINGS))
    assert list(found) == ["widths", "op", "groups", "last", "accuracy", "bias", "params", "macs"]
    assert found["widths"].tolist() == WIDTHS
    for place, line in enumerate(found.to_dict("records")):
        knobs = {name: SETTINGS[name][place] for name in ("op", "groups")} | {"widths": WIDTHS[place]}
        counted = costcalc.count(OWN, knobs={**knobs, "last": [3] if place in (1, 2, 4) else [1, 2]})
        assert (line["params"], line["macs"]) == (counted.params, counted.macs)
        assert line["accuracy"] == SETTINGS["accuracy"][place]


def test_what_is_not_read_costs_nothing_among_settings(ofa: Any) -> None:
    """Two blocks a stage: the kernels of the other two are not read."""
    kernels = [3, 5, 7, 3] * 5
    others = [7 if place % 4 > 1 else kernel for place, kernel in enumerate(kernels)]
    found = ofa.counted(pd.DataFrame({"kernels": [kernels, others], "depths": [[2] * 5] * 2}))
    counted = costcalc.count("ofa_mobilenet_v3", kernels=kernels, depths=[2] * 5)
    assert found["macs"].tolist() == [counted.macs] * 2
    assert found["params"].tolist() == [counted.params] * 2


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"widths": [[8, 8], [8, 9]]}, "setting 2: widths[1] is 9, which is not searched\n        those are 8, 12, 16"),
        ({"widths": ["8, 8, 8"]}, "setting 1: widths is [8, 8, 8], and not a list of 2 values"),
        ({"widths": ["8, "]}, "setting 1: widths: a value is empty"),
        ({"widths": [None]}, "setting 1: widths is None, and not a list of 2 values"),
        ({"op": ["conv"]}, "setting 1: op is conv, which is not searched"),
        ({"last": [[2, 1]]}, "setting 1: last is [2, 1], which is not searched"),
        ({"widths": [[8, 8]] * 3, "groups": [2, 3, 3]}, "setting 2 is refused by the spec, of 2 settings that are"),
        ({"groups": [3]}, "--widths [8,8] --groups 3 --op plain --last [1,2]"),
        (
            {"op": ["plain"] * 2, "bias": ["true", "false"]},
            "the settings have a column bias, which is true in this space",
        ),
        ({"width": [8]}, "no column is a knob that is searched\n        those are: groups, last, op, widths"),
    ],
)
def test_a_wrong_setting_is_told_with_its_number(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError) as error:
        costcalc.space(OWN).counted(pd.DataFrame(columns))
    assert words in str(error.value)


@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_the_command_counts_the_settings_of_a_file(run: in_process.Run, tmp_path: Path, end: str) -> None:
    if end == "parquet":
        pytest.importorskip("pyarrow")
    file = str(tmp_path / f"some.{end}")
    run("space", "nas_bench_201", "--sample", "20", "-o", file)
    drawn = costcalc.space("nas_bench_201").sample(20)
    said = run("space", "nas_bench_201", "--settings", file, "--where", "macs <= 50M", "--format", "json").out
    assert [line["macs"] for line in json.loads(said)] == [macs for macs in drawn["macs"] if macs <= 50_000_000]
    (tmp_path / "broken.parquet").write_text("no table", encoding="utf-8")
    for name in ("broken.parquet", "none.csv"):
        result = run("space", "nas_bench_201", "--settings", str(tmp_path / name))
        assert result.code == 2
        assert f"{name} is no table" in result.err


@pytest.mark.parametrize("end", ["csv", "parquet"])
def test_each_line_of_a_written_sample_counts_again(run: in_process.Run, tmp_path: Path, end: str) -> None:
    if end == "parquet":
        pytest.importorskip("pyarrow")
    file = tmp_path / f"some.{end}"
    run("space", "nas_bench_201", "--where", "macs <= 50M", "--sample", "20", "--seed", "1", "-o", str(file))
    lines = pd.read_csv(file) if end == "csv" else pd.read_parquet(file)
    assert len(lines) == 20
    for edges, params, macs in zip(lines["edges"], lines["params"], lines["macs"], strict=True):
        words = edges.split(", ") if end == "csv" else list(edges)
        one = costcalc.count("nas_bench_201", edges=words)
        assert (one.params, one.macs) == (params, macs)
        assert macs <= 50_000_000


# ---- solve, over a search -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "knobs"),
    [
        ({"macs": 50_000_000}, {}),
        ({"params": "200K"}, {}),
        ({"elementwise": "900K"}, {}),
        ({"macs": 20e6}, {"channels": 8}),
    ],
)
def test_the_largest_of_a_search_within_a_budget_is_that_of_all_settings(
    limits: dict[str, Any], knobs: dict[str, Any]
) -> None:
    """NAS-Bench-201's 15,625 cells, counted one and all."""
    ((metric, limit),) = limits.items()
    (row,) = costcalc.solve("nas_bench_201", "search", limits=limits, knobs=knobs).to_dict("records")
    space = costcalc.space("nas_bench_201", f"params,macs,{metric}", knobs=knobs)
    all_of_them = space.counted(pd.DataFrame({"edges": [list(edges) for edges in product(EDGES.values(), repeat=6)]}))
    most = {"200K": 200_000, "900K": 900_000}.get(limit, limit)
    assert row[metric] == max(value for value in all_of_them[metric] if value <= most)
    counted = costcalc.count("nas_bench_201", knobs={**knobs, "edges": row["edges"]})
    assert (row["params"], row["macs"]) == (counted.params, counted.macs)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--max-macs 300M --max-params 5M", '--sample 1000 --where "params <= 5000000 and macs <= 300000000"'),
        ("--max-peak-memory 300K", "draw a sample, and count its networks: costcalc space SPEC --sample 1000"),
        ("--max latency=1 --device nvidia_t4 --fusion eager", "SPEC --columns latency --most latency_us"),
        ("--max-macs 1K", "the least is 7,783,040 MACs (budget 1,000)\n        at edges ["),
        ("--max-macs 30M --vary resolution", "a search varies alone"),
        ("", "there is no budget"),
    ],
)
def test_what_solve_refuses_of_a_search(run: in_process.Run, words: str, said: str) -> None:
    result = run("solve", "nas_bench_201", "--vary", "search", *words.split())
    assert (result.code, result.out) == (2, "")
    assert said in result.err


def test_solve_says_the_network_of_a_search(run: in_process.Run) -> None:
    """The most MACs of those that fit, of which 47,104,640 is the median."""
    said = run("solve", "nas_bench_201", "--vary", "search", "--max-macs", "47104640", "--format", "json").out
    assert json.loads(said)[0]["macs"] == 47_104_640
    said = run("solve", "mobilenet_v1", "--vary", "search", "--max-macs", "1G")
    assert "MobileNetV1 says nothing of a search" in said.err


# ---- the command line ---------------------------------------------------------------------------------


def test_the_command_says_all_as_records(run: in_process.Run) -> None:
    found = json.loads(run("space", "nas_bench_201", "--where", "macs <= 50M", "--format", "json").out)
    assert (found["networks"], found["settings"], found["refused"], found["within"]) == (15_625, 15_625, 0, 7_984)
    assert found["ends"]["most macs"]["macs"] == 220_119_680
    assert found["convention"] == "costcalc"


def test_the_command_draws_networks(run: in_process.Run) -> None:
    said = run("space", "nas_bench_201", "--sample", "5", "--seed", "2", "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(said)))
    assert len(lines) == 5
    for line in lines:
        edges = line["edges"].split(", ")
        assert costcalc.count("nas_bench_201", edges=edges).macs == int(line["macs"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--sample", "3", "--most", "macs"], "--sample and --most are different questions"),
        (["--sample", "3", "--settings", "some.csv"], "--settings and --sample are different questions"),
        (["--most", "macs", "-o", "most.parquet"], "Parquet is for --sample and --settings"),
        (["--seed", "3"], "--seed is about --sample"),
        (["--most", "macs", "--where", "macs <= 1"], "no network of NAS-Bench-201 has macs <= 1"),
        (["--by", "edge"], "did you mean 'edges'"),
    ],
)
def test_the_command_refuses(run: in_process.Run, words: list[str], said: str) -> None:
    result = run("space", "nas_bench_201", *words)
    assert result.code == 2
    assert said in result.err
