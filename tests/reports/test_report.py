"""What `count` returns and how tables are made: sums, views, formats, the conventions' figures."""

from __future__ import annotations

import csv
import io
import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc.base.errors import Mark, Problem
from costcalc.costs import conventions
from costcalc.measures.metric import GROUPS, names
from costcalc.measures.metric import metrics as every_metric
from costcalc.numbers import num
from costcalc.numbers.text import figure
from costcalc.published.figures import check
from costcalc.reports.lines import VIEWS, merged
from costcalc.reports.page import FORMATS
from costcalc.reports.render import figures, text
from costcalc.reports.render.csv import render as render_csv
from costcalc.reports.table import Column, Table

SMALL: dict[str, Any] = {
    "costcalc": 1,
    "name": "small",
    "input": [3, 8, 8],
    "defaults": {"conv": {"padding": "half"}},
    "blocks": {
        "pair": [{"conv": {"out": 4, "kernel": 1, "norm": "batch", "act": "relu"}}, {"conv": {"out": 4, "kernel": 3}}]
    },
    "layers": [{"conv": {"out": 4, "kernel": 3}}, {"pair": None, "repeat": 2}, "global_avg_pool", {"fc": {"out": 10}}],
}
BARE = {key: value for key, value in SMALL.items() if key != "blocks"}  # for other layers, which call no block
# By hand: conv 3*4*9+4 = 112 params, 64*108 = 6912 MACs; each pair 4*4 (no bias) + 8 of the norm, 64*16 = 1024,
# then 4*4*9+4 = 148, 64*144 = 9216; fc 4*10+10 = 50, 40.
PARAMS = 112 + 2 * (16 + 8 + 148) + 50
MACS = 6912 + 2 * (1024 + 9216) + 40


def test_totals() -> None:
    result = costcalc.count(SMALL)
    assert (result.params, result.macs, result.operations, result.unit) == (PARAMS, MACS, MACS, "MACs")


# Table 2 of arXiv:1704.04861, to its printed digits; the paper's 1.19 for conv 3x3 is a misprint of 1.91.
TABLE_2 = [
    ("conv 1x1", "74.59", "94.86"),
    ("conv dw 3x3", "1.06", "3.06"),
    ("conv 3x3", "0.02", "1.91"),
    ("fc", "24.33", "0.18"),
]


@pytest.mark.parametrize(("kind", "params", "macs"), TABLE_2)
def test_resources_per_layer_type(kind: str, params: str, macs: str) -> None:
    result = costcalc.count("mobilenet_v1", convention="weights")
    part = result.by_type()[kind]
    assert (f"{100 * part.params / result.params:.2f}", f"{100 * part.operations / result.macs:.2f}") == (params, macs)
    shown = next(line for line in result.page("type").written(exact=True).splitlines() if line.startswith(kind + " "))
    assert params in shown.split()
    assert macs in shown.split()


# The lecture's Ho*Wo*Co*Ci*Kh*Kw/G + Ho*Wo*Co: 724,406,816 MACs and 659,272 outputs of conv and fc (AlexNet,
# grouped); 15,470,264,320 and 13,556,712 (VGG-16); 568,740,352 and 5,043,688 (MobileNetV1:
# 112^2 * 128 + 56^2 * 448 + 28^2 * 896 + 14^2 * 5888 + 7^2 * 3584 + 1000).
# Its Co*Ci*Kh*Kw/G + Co: 4,209,088 kernels and 11,944 outputs (MobileNetV1's slide); the others have a bias anyway.
LECTURE = [
    ("alexnet_grouped", 60_965_224, 724_406_816 + 659_272),
    ("vgg16", 138_357_544, 15_470_264_320 + 13_556_712),
    ("mobilenet_v1", 4_221_032, 568_740_352 + 5_043_688),
]


@pytest.mark.parametrize(("network", "params", "operations"), LECTURE)
def test_the_lectures_formulas(network: str, params: int, operations: int) -> None:
    result = costcalc.count(network, convention="lecture")
    assert (result.params, result.operations, result.unit) == (params, operations, "operations")


@pytest.mark.parametrize("convention", conventions.names())
@pytest.mark.parametrize(
    ("by", "fold"), [(by, fold) for by in VIEWS for fold in (None, 1, 2) if by != "type" or not fold]
)
def test_every_view_sums_to_the_same_totals(convention: str, by: str, fold: int | None) -> None:
    result = costcalc.count(SMALL, convention=convention)
    shown = result.lines(by, fold)
    assert sum(line.cost.params for line in shown) == result.params
    assert sum(line.cost.operations for line in shown) == result.operations
    assert sum(len(line.rows) for line in shown) == len(result.rows) == 9 + 2


VIEWS_OF_SMALL = [
    ("layer", None, ["conv", "pair1/conv1", "pair1/conv2", "pair2/conv1", "pair2/conv2", "global_avg_pool", "fc"]),
    ("layer", 1, ["conv", "pair1", "pair2", "global_avg_pool", "fc"]),
    ("block", None, ["conv", "pair1", "pair2", "global_avg_pool", "fc"]),
    ("type", None, ["conv 3x3", "conv 1x1", "fc", "batch_norm", "relu", "global_avg_pool"]),
]


@pytest.mark.parametrize(("by", "fold", "names"), VIEWS_OF_SMALL)
def test_views(by: str, fold: int | None, names: list[str]) -> None:
    assert [line.name for line in costcalc.count(SMALL).lines(by, fold)] == names


def test_a_layer_holds_its_norm_and_activation() -> None:
    result = costcalc.count(SMALL)
    line = next(line for line in result.lines("layer") if line.name == "pair1/conv1")
    assert [member.name for member in line.rows] == ["pair1/conv1", "pair1/conv1/batch_norm", "pair1/conv1/relu"]
    assert (line.type, line.cost.params, line.kernel, line.stride) == ("conv 1x1", 16 + 8, "1", "1")


def test_batch_scales_operations_and_never_parameters() -> None:
    one, eight = costcalc.count(SMALL), costcalc.count(SMALL, batch=8)
    assert (eight.params, eight.macs) == (one.params, 8 * one.macs)
    first, last = (result.to_dict()["rows"][0] for result in (one, eight))
    assert {key for key in first if first[key] != last[key]} == {
        "operations", "plain_macs", "bias_adds", "input_elements", "output_elements",
    }  # fmt: skip


def test_csv_holds_every_row_and_names_its_convention() -> None:
    records = list(csv.DictReader(io.StringIO(costcalc.count(SMALL).page().written("csv"))))
    assert len(records) == 11
    assert sum(int(record["params"]) for record in records) == PARAMS
    assert sum(int(record["macs"]) for record in records) == MACS
    assert {record["convention"] for record in records} == {"costcalc"}


def test_csv_of_a_folded_view() -> None:
    records = list(csv.DictReader(io.StringIO(costcalc.count(SMALL).page("block").written("csv"))))
    assert [record["name"] for record in records] == ["conv", "pair1", "pair2", "global_avg_pool", "fc"]
    assert sum(int(record["macs"]) for record in records) == MACS


def test_json_is_the_dict() -> None:
    result = costcalc.count(SMALL)
    made = json.loads(result.page().written("json"))
    assert made == result.to_dict()
    assert made["totals"] == {"params": PARAMS, "operations": MACS, "unit": "MACs", "macs": MACS, "rows": 11}
    assert made["convention"]["name"] == "costcalc"
    assert sum(row["operations"] for row in made["rows"]) == MACS


def test_pandas() -> None:
    pytest.importorskip("pandas")
    table = costcalc.count(SMALL).to_pandas()
    assert (len(table), table["params"].sum(), table["macs"].sum()) == (11, PARAMS, MACS)
    assert table.attrs["convention"] == "costcalc"
    assert str(table["macs"].dtype) == "int64"


@pytest.mark.parametrize("format_", ["table", "markdown", "csv", "json", "latex"])
@pytest.mark.parametrize("convention", conventions.names())
def test_every_format_names_the_convention(format_: str, convention: str) -> None:
    made = costcalc.count(SMALL, convention=convention).page().written(format_, columns=1000)
    assert convention in made
    if format_ in ("table", "markdown", "latex"):
        assert conventions.get(convention).says in made


def test_html() -> None:
    made = costcalc.count(SMALL)._repr_html_()
    assert made.count("<table>") == made.count("</table>") == 2
    assert "conv + fc + matmul, no bias" in made
    assert "<script" not in costcalc.count({**SMALL, "name": "<script>x</script>"})._repr_html_()


def test_repr_says_what_it_is() -> None:
    assert repr(costcalc.count("mobilenet_v1", width=0.5)) == (
        "<MobileNetV1, width=0.5, resolution=224, classes=1000: 1,331,592 params, 149,497,088 MACs (costcalc)>"
    )


NUMBERS = [
    (864, "864"), (1_000, "1.000 K"), (4_231_976, "4.232 M"), (568_740_352, "568.7 M"), (4_089_184_256, "4.089 G"),
    (15_470_264_320, "15.47 G"), (0, "0"), (999, "999"),
]  # fmt: skip


@pytest.mark.parametrize(("number", "shown"), NUMBERS)
def test_readable_numbers(number: int, shown: str) -> None:
    assert figure(number) == shown


CELLS = [(0, "0"), (1, "<0.1"), (49_999, "<0.1"), (50_000, "0.1"), (10_838_016, "10.8"), (568_740_352, "568.7")]


@pytest.mark.parametrize(("number", "shown"), CELLS)
def test_what_is_there_is_never_shown_as_nothing(number: int, shown: str) -> None:
    assert figures.in_unit(number, figures.Unit(10**6, "M")) == shown


# A column's unit, its largest line, the total below: never five digits before the point, as far as possible by a unit.
UNITS = [
    (2_359_296, 9_999_000, "K", "2359.3", "9999.0"),
    (2_359_296, 25_557_032, "M", "2.359", "25.557"),
    (26_214_400, 66_347_960, "M", "26.2", "66.3"),
    (600_000_000, 37_745_884_192, "G", "0.600", "37.746"),
    (20_000, 12_345_000_000, "G", "<0.001", "12.345"),
    (864, 12_345, "", "864", "12,345"),
]


@pytest.mark.parametrize(("line", "total", "unit", "shown", "whole"), UNITS)
def test_a_columns_unit_suits_its_total_too(line: int, total: int, unit: str, shown: str, whole: str) -> None:
    table = Table([Column("layer"), Column("params", "count")], [["a", line]], ["total", total])
    heads, texts = figures.cells(table, exact=False)
    assert (heads[1][1], texts[0][1], texts[1][1]) == (unit, shown, whole)


@pytest.mark.parametrize("network", ["resnet50", "efficientnet_b7", "vgg16", "densenet161", "mobilenet_v1"])
@pytest.mark.parametrize("by", VIEWS)
@pytest.mark.parametrize("columns", [(), ("memory",), ("macs", "latency")])
def test_no_number_of_a_table_has_five_digits_in_a_row(network: str, by: str, columns: tuple[str, ...]) -> None:
    device = {"device": "stm32f746"} if "latency" in columns else {}
    table = costcalc.count(network).table(by, columns=columns, **device)
    _, texts = figures.cells(table, exact=False)
    numbers = [index for index, column in enumerate(table.columns) if column.kind != "text"]
    assert not [row for row in texts for index in numbers if re.search(r"\d{5}", row[index])]


SHARES = [(0.0, "0"), (0.04, "<0.1"), (1.06, "1.1"), (94.857, "94.9"), (100.0, "100")]


@pytest.mark.parametrize(("value", "shown"), SHARES)
def test_shares(value: float, shown: str) -> None:
    assert figures.share(value) == shown


@pytest.mark.parametrize("network", ["mobilenet_v1", "mobilenet_v2", "resnet50", "alexnet", "vgg16", "squeezenet1_1"])
@pytest.mark.parametrize("columns", [80, 120])
def test_tables_fit_the_terminal(network: str, columns: int) -> None:
    result = costcalc.count(network)
    for table in (result.table(), result.table("type")):
        made = text.render(table, columns=columns).splitlines()
        assert max(map(text.width, made)) <= columns


def test_a_path_is_told_whole_by_headings() -> None:
    made = text.render(costcalc.count("resnet50").table(), columns=80)
    assert "\nstage4/bottleneck3\n" in made


# Repeats are those of the papers' tables: ResNet-50 has 3, 4, 6, 3 bottlenecks, MobileNetV1 five units alike,
# pre-activated ResNet-1001 three times 111.
RESNET = (
    "conv max_pool stage1/bottleneck1 stage1/bottleneck2-3 x2 stage2/bottleneck1 stage2/bottleneck2-4 x3 "
    "stage3/bottleneck1 stage3/bottleneck2-6 x5 stage4/bottleneck1 stage4/bottleneck2-3 x2 global_avg_pool fc"
)
MOBILENET = (
    "conv separable1 separable2 separable3 separable4 separable5 separable6 separable7-11 x5 separable12 separable13 "
    "global_avg_pool fc softmax"
)
PRERESNET = (
    "conv stage1/unit1 stage1/unit2-111 x110 stage2/unit1 stage2/unit2-111 x110 stage3/unit1 stage3/unit2-111 x110 "
    "bn_relu/batch_norm bn_relu/relu global_avg_pool fc"
)
# What is asked for on a terminal of so many columns and lines: the first column, and a cell that is computed by hand.
# stage2/bottleneck2-4: 3 * (512*128 + 9*128*128 + 128*512 + 2 * (128 + 128 + 512)) = 840,192 params.
# separable7-11: 5 * (9*512 + 512*512 + 2*2*512) = 1,344,000 params; 2*4*512*14*14 = 802,816 bytes are alive at once.
FOLDED: list[tuple[str, dict[str, Any], tuple[int, int], str, str]] = [
    ("resnet50", {}, (120, 40), "conv max_pool stage1 stage2 stage3 stage4 global_avg_pool fc", "16 layers"),
    ("resnet50", {}, (120, 50), RESNET, "0.840"),
    ("resnet50", {"fold": 2}, (120, 24), RESNET, "0.840"),
    ("resnet50", {"fold": 2}, (120, 60), "", ""),
    ("resnet50", {"fold": 1}, (120, 10), "", ""),
    ("mobilenet_v1", {}, (100, 40), MOBILENET, "1344.0"),
    ("mobilenet_v1", {"columns": "memory"}, (120, 40), MOBILENET, "802.8"),
    ("mobilenet_v1", {"by": "type"}, (80, 30), "", ""),
    ("mobilenet_v1", {"by": "block"}, (80, 30), "", ""),
    ("mobilenet_v1", {}, (80, 200), "", ""),
    ("mobilenet_v1", {}, (80, 0), "", ""),
    ("preresnet1001_cifar", {}, (100, 40), PRERESNET, "10 layers"),
    ("preresnet1001_cifar", {}, (100, 20), "conv stage1 stage2 stage3 bn_relu global_avg_pool fc", "1,111 layers"),
]


@pytest.mark.parametrize(("network", "asked", "terminal", "names", "cell"), FOLDED)
def test_a_report_is_folded_to_what_a_terminal_shows(
    network: str, asked: dict[str, Any], terminal: tuple[int, int], names: str, cell: str
) -> None:
    columns, height = terminal
    result = costcalc.count(network)
    page = result.page(**asked)
    whole, shown = (page.written(columns=columns, height=lines) for lines in (0, height))
    if not names:
        assert shown == whole
        return
    found = [line.split("  ")[0] for line in shown.split("───\n")[1].splitlines()[:-1]]
    assert " ".join(found) == names
    assert cell in shown
    note = f"{len(result.rows):,} rows folded to {len(found)} lines: --all shows all, --fold N so many levels"
    assert shown.endswith(f"\n{note}")
    assert "fold" in asked or shown.count("\n") + 2 <= height or not any("/" in name for name in found)


# Names of layers that cost the same, but for those of `wide`, and the lines that stand for them.
SIBLINGS = [
    ("c1 c2 c3", "c1-3 x3"),
    ("c9 c10", "c9-10 x2"),
    ("c1 c2 c4 c5", "c1-2 x2, c4-5 x2"),
    ("c2 c1", "c2, c1"),
    ("c1 d2", "c1, d2"),
    ("a b", "a, b"),
    ("c1 wide2 c3", "c1, wide2, c3"),
    ("c1 c2wide c3wide", "c1, c2-3wide x2"),
    ("a1b1 a2b1 a2b2", "a1-2b1 x2, a2b2"),
    ("a1b1 a1b2 a2b3", "a1b1-2 x2, a2b3"),
    ("c01 c02", "c01-02 x2"),
]


@pytest.mark.parametrize(("names", "shown"), SIBLINGS)
def test_siblings_that_are_alike_are_one_line(names: str, shown: str) -> None:
    layers = [
        {"conv": {"out": 4, "kernel": 3 if "wide" in name else 1, "padding": "half"}, "name": name}
        for name in names.split()
    ]
    result = costcalc.count({"costcalc": 1, "name": "net", "input": [4, 8, 8], "layers": layers})
    found = merged(result.lines(), lambda line: [line.cost])
    assert ", ".join(line.name for line in found) == shown
    assert sum(line.cost.params for line in found) == result.params
    assert sum(line.cost.operations for line in found) == result.macs


LONG = "a_name_of_more_than_a_third_of_80"  # columns: a third is 26, of which 2 are the inset and 1 the sign


def test_a_long_name_stands_under_a_heading_and_shows_its_end_on_a_terminal() -> None:
    blocks = {
        "features": [{"block_of_a_long_name": None, "repeat": 2}],
        "block_of_a_long_name": [{"conv": {"out": 4, "kernel": 1}, "name": "first"}, {"tanh": None, "name": LONG}],
    }
    spec = {"costcalc": 1, "name": "n", "input": [4, 8, 8], "blocks": blocks, "layers": ["features"]}
    page = costcalc.count(spec).page()
    shown = page.written(height=100).split("───\n")[1].splitlines()[:-1]
    assert [line.split()[0] for line in shown] == [
        "features/block_of_a_long_name1", "first", "…more_than_a_third_of_80",
        "features/block_of_a_long_name2", "first", "…more_than_a_third_of_80",
    ]  # fmt: skip
    assert "…" not in page.written()
    assert LONG in page.written()


def test_color_styles_only() -> None:
    table = costcalc.count(SMALL).table()
    plain = text.render(table)
    colored = text.render(table, color=True)
    assert "\x1b" not in plain
    assert re.sub(r"\x1b\[\d+m", "", colored) == plain != colored


WORDS = Table(
    [Column("what it is"), Column("Mult-Adds in millions", "number"), Column("ours", "number", joined=True)],
    [["one long name of words", "569", "568.7"], ["a line between rows", None, None], ["short", "1", ""]],
    ["2 rows", "", ""],
    prose=True,
)
BROKEN = {
    60: """\
what it is              Mult-Adds in millions   ours
────────────────────────────────────────────────────
one long name of words                    569  568.7
a line between rows
short                                       1
────────────────────────────────────────────────────
2 rows""",
    40: """\
                        Mult-Adds
                               in
what it is               millions   ours
────────────────────────────────────────
one long name of words        569  568.7
a line between rows
short                           1
────────────────────────────────────────
2 rows""",
    28: """\
                 Mult-
                  Adds
                    in
what it is    millions  ours
────────────────────────────
one long name      569 568.7
of words
a line between rows
short                1
────────────────────────────
2 rows""",
    15: """\
                          Mult-
                           Adds
                             in
what it is             millions  ours
─────────────────────────────────────
one long name of words      569 568.7
a line between rows
short                         1
─────────────────────────────────────
2 rows""",  # there is no room for its longest words: no line is broken
}


@pytest.mark.parametrize("columns", BROKEN)
def test_a_table_of_words_breaks_them_where_it_is_too_wide(columns: int) -> None:
    assert text.render(WORDS, columns=columns) == BROKEN[columns]


def test_a_column_stays_beside_the_one_that_it_is_joined_to() -> None:
    names = ["name", "first figure", "ours", "second figure", "ours"]
    columns = [Column(name, "number", joined=name == "ours") for name in names]
    wide = Table(columns, [["x", *["123456789"] * 4]], [""] * 5)
    parts = text.beside(wide, 36)
    assert [[column.title for column in part.columns] for part in parts] == [names[:3], [names[0], *names[3:]]]


def test_wide_characters_align() -> None:
    result = costcalc.count({**BARE, "layers": [{"conv": {"out": 4, "kernel": 3}, "name": "畳み込み"}, "relu"]})
    made = text.render(result.table()).splitlines()
    assert len({text.width(line) for line in made if "畳" in line or "relu" in line or "─" in line}) == 1


def test_custom_is_marked_in_every_table() -> None:
    layer = {"custom": {"shape": [4, 8, 8], "params": "10 * c_in", "macs": 7, "note": "a lookup"}, "name": "odd"}
    result = costcalc.count({**BARE, "layers": [layer]})
    assert (result.params, result.macs) == (30, 7)
    assert "* as the spec states it, not derived: a lookup" in result.notes()
    for format_ in ("table", "markdown", "latex"):
        assert "odd*" in result.page().written(format_).replace("\\", "")
    assert '"stated": true' in result.page().written("json")


UNKNOWN = {**BARE, "layers": [{"conv": {"out": 4, "kernel": 3}}, {"opaque": {"shape": [4, 8, 8], "params": 5}}]}


@pytest.mark.parametrize(
    ("convention", "total", "shown"),
    [
        ("costcalc", num.UNKNOWN, "unknown"),
        ("lecture", num.UNKNOWN, "unknown"),
        ("flops", num.UNKNOWN, "unknown"),
        ("activations", num.UNKNOWN, "unknown"),
    ],
)
def test_an_unknown_cost_makes_totals_unknown(convention: str, total: Any, shown: str) -> None:
    result = costcalc.count(UNKNOWN, convention=convention)
    assert (result.params, result.operations) == (112 + 5, total)
    table = result.page().written()
    assert re.search(rf"^total +2 lines +117 +100 +{shown}", table, re.MULTILINE)
    data = json.loads(result.page().written("json"))
    assert data["totals"]["operations"] == (None if total is num.UNKNOWN else total)


def test_what_is_known_beside_an_unknown_cost_is_told() -> None:
    result = costcalc.count(UNKNOWN)
    assert "unknown: the MACs of 1 of 2 rows; the others have 6,912" in result.notes()
    rows = list(csv.DictReader(io.StringIO(result.page().written("csv"))))
    assert [row["macs"] for row in rows] == ["6912", ""]
    assert list(result.to_pandas()["macs"].isna()) == [False, True]
    assert [line.name for line in result.lines("type")] == ["conv 3x3", "opaque"]


def test_figures_of_an_unknown_cost_are_refused() -> None:
    published = {"source": "nowhere", "rows": [{"where": "here", "macs": "1M"}]}
    with pytest.raises(costcalc.SpecError, match="the macs are unknown"):
        check(costcalc.load({**UNKNOWN, "published": published}))


BAD = [
    ({"batch": 0}, "a batch is a whole number from 1, not 0"),
    ({"batch": 1.5}, "a batch is a whole number from 1, not 1.5"),
    ({"convention": "wieghts"}, "unknown convention 'wieghts'"),
    ({"input": (3, 0, 8)}, "'3x0x8' is no input shape"),
    ({"width": 0.5}, "small has no knob 'width'"),
]


def test_a_view_by_type_cannot_be_folded() -> None:
    with pytest.raises(costcalc.SpecError, match="fold sums groups of layers"):
        costcalc.count(SMALL).lines("type", 2)


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(costcalc.SpecError) as caught:
        costcalc.count(SMALL, **options)
    assert caught.value.problems[0].message == message


# ---- one pipeline, one page --------------------------------------------------------------------------


@pytest.mark.parametrize("by", VIEWS)
def test_params_and_macs_are_columns_like_any_other(by: str) -> None:
    result = costcalc.count("shufflenet_v1", batch=2)
    usual, chosen = result.table(by), result.table(by, columns="params,macs")
    numbers = [index for index, column in enumerate(usual.columns) if column.title != "%"]
    assert [[row[index] for index in numbers] for row in usual.cells] == chosen.cells
    assert [usual.totals[index] for index in numbers] == chosen.totals


@pytest.mark.parametrize(("group", "metrics"), GROUPS.items())
def test_a_group_of_columns_is_asked_for_by_its_name(group: str, metrics: tuple[str, ...]) -> None:
    assert group not in every_metric()
    metrics = tuple("macs" if name == "operations" else name for name in metrics)
    assert names(f"{group},params") == tuple(dict.fromkeys((*metrics, "params")))
    options = {"device": "pixel1_big_core"} if group == "times" else {}
    found = costcalc.count(SMALL).to_dict(columns=group, **options)["metrics"]
    assert tuple(one["name"] for one in found) == metrics


# ---- text that others wrote ----------------------------------------------------------------------------

PAYLOADS = {
    "escape": "a\x1b[2Jb",
    "C1": "a\x9b2Jb",
    "return": "a\rb",
    "NUL": "a\0b",
    "bidi": "a\u202eb",
    "line": "a\n\\input{b}",
    "lone half": "a\ud800b",
}


def hostile(text: str) -> dict[str, Any]:
    """Return a spec with a text in its source, in the note of a stated layer, and in a figure's source."""
    stated = {"custom": {"macs": 3, "params": 2, "note": text}}
    return {**SMALL, "source": text, "layers": [*SMALL["layers"], stated]}


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
@pytest.mark.parametrize("format_", FORMATS)
def test_text_of_others_steers_no_output(payload: str, format_: str) -> None:
    made = costcalc.count(hostile(payload)).page().written(format_)
    plain = costcalc.count(hostile("ab")).page().written(format_)
    assert len(made.split("\n")) == len(plain.split("\n"))  # no line more
    assert all(line.isprintable() for line in made.split("\n"))
    if format_ == "json":
        assert json.loads(made)["source"] == payload


NAMED = [  # where a name is given
    {"name": "BAD"},
    {"layers": [{"conv": {"out": 4, "kernel": 3}, "name": "BAD"}]},
    {"layers": [{"concat": {"BAD": ["identity"], "c": ["identity"]}}]},
    {"knobs": {"BAD": 1}},
    {"blocks": {"BAD": ["identity"]}},
    {"knobs": {"w": 1}, "variants": {"BAD": {"w": 2}}},
    {"define": {"BAD": 1}},
]


@pytest.mark.parametrize("place", NAMED, ids="+".join)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_name_that_cannot_be_seen_is_refused(payload: str, place: dict[str, Any]) -> None:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {filled(key): filled(one) for key, one in value.items()}
        return [filled(one) for one in value] if isinstance(value, list) else payload if value == "BAD" else value

    with pytest.raises(costcalc.SpecError) as caught:
        costcalc.load({**SMALL, **filled(place)})
    assert all(line.isprintable() for line in str(caught.value).split("\n"))


FORMULAS = ["=1+1", "+1", "-2", "@x", "=cmd|calc"]


def test_text_is_no_formula_in_a_spreadsheet() -> None:
    layers = [{"conv": {"out": 4, "kernel": 1}, "name": name} for name in FORMULAS]
    result = costcalc.count({**BARE, "layers": layers, "blocks": {}, "defaults": {}})
    for by in (None, "layer", "block"):
        rows = list(csv.DictReader(io.StringIO(result.page(by).written("csv"))))
        assert [row["name"] for row in rows] == [f"'{name}" for name in FORMULAS]
    assert [row["name"] for row in json.loads(result.page().written("json"))["rows"]] == FORMULAS
    # Numbers stay numbers: what a difference takes away has its sign.
    made = render_csv([{"layer": "a", "params": -864, "share": -1.5, "-x": "\t=1", "none": None}])
    assert made == "layer,params,share,'-x,none\na,-864,-1.5,' =1,"


def test_a_problem_steers_no_terminal() -> None:
    problem = Problem("m\x1b[2J", Mark("f\x9b.yaml", "a\u202eb", 0), "h\r\x1b[2J", ["t\0"])
    assert all(line.isprintable() for line in str(costcalc.SpecError([problem])).split("\n"))
    assert problem.to_dict()["hint"] == "h\r\x1b[2J"  # data stay as they are


@pytest.mark.parametrize(
    "words", ["report FILE", "check FILE --max-macs 1", "check FILE", "validate FILE", "size FILE"]
)
def test_a_files_name_steers_no_terminal(words: str, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    name = "a\x1b[2J.yaml"
    Path(name).write_text(json.dumps(SMALL), encoding="utf-8")
    _, out, err = run(*(name if word == "FILE" else word for word in words.split()))
    assert out or err
    assert all(line.isprintable() for line in (out + err).split("\n"))


PICKLED: list[Any] = [
    ("mobilenet_v1", {"width": 0.5}),
    ("resnet1202_cifar", {}),  # deep: a thousand layers behind one another
    (
        {
            "costcalc": 1,
            "knobs": {"c": 4},
            "input": [3, 8, 8],
            "layers": [{"conv": {"out": "c * 2", "kernel": [1, "c"]}}],
        },
        {},
    ),
]


@pytest.mark.parametrize(("network", "knobs"), PICKLED)
def test_what_functions_return_can_be_kept(network: Any, knobs: dict[str, Any]) -> None:
    """Results, specs, comparisons and answers go through pickle, as processes and notebooks hand them on."""
    result = costcalc.count(network, convention="thop", batch=2, **knobs)
    again = pickle.loads(pickle.dumps(result))
    assert again.to_dict() == result.to_dict()
    assert again.metric("peak_memory").total == result.metric("peak_memory").total
    spec = pickle.loads(pickle.dumps(costcalc.load(network)))
    assert costcalc.count(spec, **knobs).macs == costcalc.count(network, **knobs).macs
    with pytest.raises(costcalc.SpecError) as caught:
        costcalc.count(network, knobs={"nonsuch": 1, "other": 2})
    error = pickle.loads(pickle.dumps(caught.value))
    assert (str(error), error.problems[0].head) == (str(caught.value), caught.value.problems[0].head)
    checked = pickle.loads(pickle.dumps(costcalc.check(network, limits={"macs": "1K"})))
    assert [breach.reason for breach in checked.breaches] == [
        breach.reason for breach in costcalc.check(network, limits={"macs": "1K"}).breaches
    ]
