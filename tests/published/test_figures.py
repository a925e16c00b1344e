"""Published figures: how a figure is read and compared, and that every claim of the zoo is true."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from costcalc.base.errors import Fault, SpecError
from costcalc.language import zoo
from costcalc.published.figures import Claim, check, figure, holds, rounded


@pytest.mark.parametrize(
    ("text", "digits", "value", "step"),
    [
        ("569M", None, 569_000_000, 1_000_000),
        ("4.2M", None, 4_200_000, 100_000),
        ("1.5G", None, 1_500_000_000, 100_000_000),
        ("0.39B", None, 390_000_000, 10_000_000),
        ("1.0B", None, 1_000_000_000, 100_000_000),
        ("37B", None, 37_000_000_000, 1_000_000_000),
        ("1.2T", None, 1_200_000_000_000, 100_000_000_000),
        ("320K", None, 320_000, 1_000),
        ("61100840", None, 61_100_840, 1),  # all digits written count, the last zero too
        ("1.32M", None, 1_320_000, 10_000),
        ("720M", 2, 720_000_000, 10_000_000),
        ("720M", 3, 720_000_000, 1_000_000),
        ("15300M", 3, 15_300_000_000, 100_000_000),
        ("0.50B", 1, 500_000_000, 100_000_000),
        ("0.5", None, Decimal("0.5"), Decimal("0.1")),
        ("0", None, 0, 1),
    ],
)
def test_a_figure_is_read(text: str, digits: int | None, value: Any, step: Any) -> None:
    assert figure(text, digits) == (value, step)


@pytest.mark.parametrize(
    ("text", "digits", "says"),
    [
        ("", None, "'' is no figure"),
        ("569 M", None, "'569 M' is no figure"),
        ("569m", None, "'569m' is no figure"),
        ("-1M", None, "'-1M' is no figure"),
        ("1e9", None, "'1e9' is no figure"),
        ("5.M", None, "'5.M' is no figure"),
        ("569M", 2, "'569M' has not 2 digits that count"),  # the third is no zero
        ("569M", 4, "'569M' has not 4 digits that count"),  # more than are written
        ("0M", 1, "'0M' has not 1 digits that count"),
        ("720M", 0, "digits is 0: it is a whole number, 1 or more"),
        ("720M", "two", "digits is two: it is a whole number, 1 or more"),
        ("720M", True, "digits is True: it is a whole number, 1 or more"),
    ],
)
def test_what_is_no_figure(text: str, digits: Any, says: str) -> None:
    with pytest.raises(Fault) as caught:
        figure(text, digits)
    assert caught.value.message == says


@pytest.mark.parametrize(
    ("number", "step", "rounding", "result"),
    [
        (568_740_352, 1_000_000, "nearest", 569_000_000),
        (568_740_352, 1_000_000, "floor", 568_000_000),
        (568_740_352, 1_000_000, "ceil", 569_000_000),
        (568_000_001, 1_000_000, "ceil", 569_000_000),
        (568_000_000, 1_000_000, "ceil", 568_000_000),
        (568_500_000, 1_000_000, "nearest", 569_000_000),  # a half goes up, as on paper
        (567_500_000, 1_000_000, "nearest", 568_000_000),  # to the even neighbour it would too, ...
        (566_500_000, 1_000_000, "nearest", 567_000_000),  # ... this would not
        (568_499_999, 1_000_000, "nearest", 568_000_000),
        (999_999_999_999_999, 1, "nearest", 999_999_999_999_999),  # no float could say it
        (7, Decimal("0.1"), "floor", 7),
    ],
)
def test_rounding(number: int, step: Any, rounding: str, result: int) -> None:
    assert rounded(number, step, rounding) == result


@pytest.mark.parametrize(
    ("ours", "printed", "digits", "rounding", "right"),
    [
        (568_740_352, "569M", None, "nearest", True),
        (568_740_352, "568M", None, "nearest", False),
        (568_740_352, "568M", None, "floor", True),
        (568_740_352, "569M", None, "floor", False),
        (290_675_200, "290M", None, "floor", True),  # MobileNetV1 on 160 pixels, as printed
        (290_675_200, "290M", None, "nearest", False),
        (724_406_816, "720M", 2, "nearest", True),
        (724_406_816, "720M", None, "nearest", False),
        (725_000_000, "720M", 2, "nearest", False),
        (15_346_630_656, "15300M", 3, "nearest", True),
        (15_470_264_320, "15300M", 3, "nearest", False),
        (4_231_976, "4.2M", None, "nearest", True),
        (4_250_000, "4.2M", None, "nearest", False),
        (4_249_999, "4.2M", None, "nearest", True),
        (4_150_000, "4.2M", None, "nearest", True),
        (470_072, "0.5M", None, "nearest", True),
        (37_745_884_192, "37B", None, "floor", True),
        (37_745_884_192, "37B", None, "nearest", False),
        (993_561_872, "1.0B", None, "nearest", True),
        (526_487_712, "527M", None, "ceil", True),
        (526_487_712, "527M", None, "nearest", False),
        (59_285_808, "59.2M", None, "floor", True),
        (1_248_424, "1248424", None, "nearest", True),
        (1_248_425, "1248424", None, "nearest", False),
    ],
)
def test_holds(ours: int, printed: str, digits: int | None, rounding: str, right: bool) -> None:
    assert holds(ours, printed, digits, rounding) is right


# ---- a small spec: what a row may say ----------------------------------------------------------------

SPEC: dict[str, Any] = {
    "costcalc": 1,
    "name": "one layer",
    "knobs": {"out": 10, "side": 8},
    "variants": {"wide": {"out": 100}},
    "input": [3, "side", "side"],
    # 27 * out weights, out biases, 27 * out * side * side MACs: 270, 10, 17,280
    "layers": [{"conv": {"out": "out", "kernel": 3, "padding": 1}}],
}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"macs": "17280"}, [("macs", 17_280, True, True)]),
        ({"macs": 17280}, [("macs", 17_280, True, True)]),
        ({"macs": "17.3K", "params": 280}, [("macs", 17_280, True, True), ("params", 280, True, True)]),
        ({"macs": "17K", "rounding": "floor"}, [("macs", 17_280, True, True)]),
        ({"macs": "18K"}, [("macs", 17_280, False, True)]),
        ({"macs": "18K", "reproduces": False, "note": "a misprint"}, [("macs", 17_280, False, False)]),
        ({"params": 270, "convention": "weights"}, [("params", 270, True, True)]),
        ({"variant": "wide", "params": 2800}, [("params", 2_800, True, True)]),
        ({"variant": "wide", "knobs": {"out": 1}, "params": 28}, [("params", 28, True, True)]),
        ({"knobs": {"side": 16}, "macs": "69.1K"}, [("macs", 69_120, True, True)]),
        ({"top1": 70.6}, []),
    ],
)
def test_a_row(row: dict[str, Any], expected: list[tuple[str, int, bool, bool]]) -> None:
    claims = check(zoo.load({**SPEC, "published": {"source": "a paper", "rows": [row]}}))
    assert [(c.quantity, c.ours, c.holds, c.reproduces) for c in claims] == expected
    assert all(claim.row["source"] == "a paper" and claim.printed == str(row[claim.quantity]) for claim in claims)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"where": "Table 1", "macs": "17280", "digits": 9}, "published, Table 1: '17280' has not 9 digits"),
        ({"macs": "17280", "digits": "x"}, r"published.*digits is 'x'"),
        ({"macs": "17280", "convention": "waits"}, "unknown convention 'waits'"),
        ({"macs": "17280", "knobs": {"out": "many"}}, "knob 'out' takes a number"),
    ],
)
def test_a_wrong_row(row: dict[str, Any], says: str) -> None:
    spec = zoo.load({**SPEC, "published": {"rows": [row]}})
    with pytest.raises(SpecError, match=says):
        check(spec)


# ---- the zoo -----------------------------------------------------------------------------------------


@cache
def claims(file: str) -> list[Claim]:
    return check(zoo.load(file))


FILES = [Path(path).stem for path in zoo.files()]


@pytest.mark.parametrize("file", FILES)
def test_every_claim_is_true(file: str) -> None:
    """A row's figure holds, or the row says that it does not and why; an excuse that became stale is found."""
    wrong = [
        f"{claim.row.get('where')}: {claim.quantity} {claim.printed}, ours {claim.ours:,}"
        for claim in claims(file)
        if claim.holds != claim.reproduces
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("file", FILES)
def test_every_claim_says_where_it_stands(file: str) -> None:
    for claim in claims(file):
        assert claim.row.get("where"), claim.row
        assert claim.row.get("source"), claim.row


def test_most_of_the_zoo_has_figures() -> None:
    assert sum(len(claims(file)) for file in FILES) >= 330
    # Networks for which no count that could be checked was found in print.
    without = [file for file in FILES if not claims(file)]
    assert without == [
        "cspdarknet53",
        "darknet53",
        "hrnet_w18_small",
        "nas_bench_201",
        "nin_cifar10",
        "ofa_mobilenet_v3",
        "ofa_proxyless",
        "preresnet",
        "proxylessnas",
        "yolo_v3",
    ]


# A 1x1 convolution of 2 -> 3 channels on 4x4 (6 weights, 3 biases, 96 MACs), then an fc of 3 -> 1 (3 + 1, 3 MACs).
PARTS = """\
costcalc: 1
input: [2, 4, 4]
layers:
  - {conv: {out: 3, kernel: 1}, name: first}
  - global_avg_pool
  - {fc: {out: 1}, name: last}
published:
  rows:
    - {of: ROW}
"""

OF = [
    ("first, params: 9", "9", 9, True),
    ("conv 1x1, macs: 96", "96", 96, True),
    ("last, params: 3, convention: weights", "3", 3, True),
    ("conv 1x1, macs: 97.0%", "97.0%", Decimal(9600) / 99, True),  # 96 / 99 = 96.97 %
    ("conv 1x1, macs: 96.9%, rounding: floor", "96.9%", Decimal(9600) / 99, True),
    ("[first, last], params: 13", "13", 13, True),
    ("fc, macs: 3.1%", "3.1%", Decimal(300) / 99, False),  # 3 / 99 = 3.03 %
]


@pytest.mark.parametrize(("row", "printed", "ours", "held"), OF)
def test_a_figure_of_a_part(row: str, printed: str, ours: int | Decimal, held: bool) -> None:
    (claim,) = check(zoo.load_text(PARTS.replace("ROW", row)))
    assert (claim.printed, claim.ours, claim.holds) == (printed, ours, held)


def test_a_part_that_is_not_there_is_refused() -> None:
    with pytest.raises(SpecError, match="there is no layer, group or layer type 'frist'"):
        check(zoo.load_text(PARTS.replace("ROW", "frist, params: 9")))
