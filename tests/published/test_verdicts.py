"""The account of published figures: verdicts, the exit code, and papers' tables with ours beside."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from in_process import Run

from costcalc.language import zoo
from costcalc.published import verdicts
from costcalc.published.figures import Claim, holds

# What is printed, ours, whether it holds, what the row claims of that.
VERDICTS = [
    ("4231976", 4231976, True, True, "exact"),
    ("569M", 568740352, True, True, "rounded"),
    ("575M", 568740352, False, False, "not reproduced"),
    ("575M", 568740352, False, "explained", "explained"),
    ("575M", 568740352, False, True, "WRONG"),
    ("569M", 568740352, True, False, "STALE"),
    ("569M", 568740352, True, "explained", "STALE"),
]


@pytest.mark.parametrize(("printed", "ours", "holds", "reproduces", "said"), VERDICTS)
def test_verdict(printed: str, ours: int, holds: bool, reproduces: bool | str, said: str) -> None:
    row = {"reproduces": reproduces}
    assert verdicts.verdict(Claim(row, "macs", printed, ours, holds, reproduces is True)) == said


# What a row says of its figure, ours, and what is said beside it.
NOTES = [
    ({}, "569M", 568740352, ""),
    ({"rounding": "floor"}, "290M", 290675200, "cut, not rounded"),
    ({"rounding": "floor"}, "41M", 41030272, ""),  # to the nearest it is the same
    ({"rounding": "ceil"}, "527M", 526487712, "rounded up"),
    ({"digits": 2}, "720M", 724406816, "to 2 digits"),
    ({"digits": 2, "rounding": "floor"}, "240M", 249000000, "cut, not rounded"),
    ({"rounding": "floor", "note": "a habit"}, "290M", 290675200, "cut, not rounded; a habit"),
    ({"reproduces": False, "note": "a misprint"}, "575M", 568740352, "a misprint"),
]


@pytest.mark.parametrize(("row", "printed", "ours", "said"), NOTES)
def test_a_note_says_what_the_verdict_rests_on(row: dict[str, Any], printed: str, ours: int, said: str) -> None:
    held = holds(ours, printed, row.get("digits"), row.get("rounding", "nearest"))
    assert verdicts.note(Claim(row, "macs", printed, ours, held, "reproduces" not in row)) == said


def test_a_time_is_told_with_how_far_the_model_is_from_it() -> None:
    claim = Claim({}, "ms", "75", Decimal("74.46"), holds=True, reproduces=True)
    assert (verdicts.verdict(claim), verdicts.off(claim)) == ("modelled", "-1 %")


@pytest.mark.parametrize(("quantity", "printed", "shown"), [("ms", "75", "74.46"), ("macs", "74.5%", "74.46 %")])
def test_only_a_share_is_in_per_cent(quantity: str, printed: str, shown: str) -> None:
    claim = Claim({}, quantity, printed, Decimal("74.46"), holds=True, reproduces=True)
    table = verdicts.account_table([verdicts.PublishedFigure("net", claim)], verdicts.Notes())
    assert table.cells[0][3] == shown


# One 1x1 convolution of 2 -> 3 channels with bias on 4x4: 2*3 + 3 = 9 parameters, 16*6 = 96 MACs.
SPEC = """\
costcalc: 1
name: small
source: by hand
input: [2, 4, 4]
layers:
  - conv: {out: 3, kernel: 1}
published:
  source: a paper
  rows:
    - {where: [Table 1, Table 2], macs: 96, params: 9, top1: 50.0}
    - {where: Table 2, ROW}
"""


@pytest.fixture
def small_zoo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(zoo, "folder", lambda: str(tmp_path))
    return tmp_path / "small.yaml"


EXITS = [
    ("macs: 0.1K", 0, "2 exact, 1 rounded"),
    ("macs: 98, reproduces: explained, note: a misprint", 0, "2 exact, 1 explained"),
    ("macs: 98, reproduces: false, note: never published", 0, "2 exact, 1 not reproduced"),
    ("macs: 98", 1, "2 exact, 1 WRONG"),
    ("macs: 96, reproduces: false, note: no longer true", 1, "3 exact".replace("3", "2") + ", 1 STALE"),
]


@pytest.mark.parametrize(("row", "code", "said"), EXITS)
def test_zoo_exits_with_1_for_a_verdict_that_is_not_claimed(
    small_zoo: Path, row: str, code: int, said: str, run: Run
) -> None:
    small_zoo.write_text(SPEC.replace("ROW", row), encoding="utf-8")
    done = run("zoo")
    assert (done.code, done.out.splitlines()[-1]) == (code, said)


@pytest.mark.parametrize(
    ("convention", "called", "unit"),
    [("weights", "macs", "mult-adds"), ("flops", "flops", "FLOPs"), ("lecture", "operations", "operations")],
)
def test_a_figure_is_called_what_its_convention_counts(
    small_zoo: Path, convention: str, called: str, unit: str, run: Run
) -> None:
    small_zoo.write_text(SPEC.replace("ROW", f"macs: 96, convention: {convention}"), encoding="utf-8")
    figures = [one for one in json.loads(run("zoo", "--format", "json").out) if one["convention"] == convention]
    assert {(one["quantity"], one["unit"]) for one in figures} == {(called, unit)}


def test_every_figure_of_the_zoo_has_the_verdict_that_its_spec_claims() -> None:
    found = verdicts.figures()
    assert len(found) > 250
    assert [f.to_dict() for f in found if f.verdict not in verdicts.GOOD] == []
    assert all(f.claim.row.get("note") for f in found if f.verdict in (verdicts.EXPLAINED, verdicts.MISSED))


def test_zoo_shows_each_note_once_under_a_number(small_zoo: Path, run: Run) -> None:
    missed = "reproduces: false, note: never published"
    row = f"macs: 98, {missed}}}\n    - {{where: Table 3, source: a book, params: 8, {missed}"
    small_zoo.write_text(SPEC.replace("ROW", row), encoding="utf-8")
    said = run("zoo").out.splitlines()
    assert sum(line.endswith("not reproduced ¹") for line in said) == 2
    assert said[-3:] == ["¹ never published", "", "2 exact, 2 not reproduced"]


def test_no_note_is_the_count_again() -> None:
    """What a note says is why: our count stands beside the figure already."""
    again = [
        (found.network, said)
        for found in verdicts.figures()
        if (said := str(found.claim.row.get("note", "")))
        and isinstance(found.claim.ours, int)
        and re.fullmatch(r"[\d.]+ ?[KMGBT]?B?( and [\d.]+[KMGBT]?)?(: [\d.]+ % (more|less))?", said)
    ]
    assert again == []


def test_validate_tells_a_figure_that_does_not_hold(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC.replace("ROW", "macs: 98"), encoding="utf-8")
    done = run("validate", str(path))
    assert done.code == 2
    assert f"{path}:11:30: macs 98 is printed, and we count 96" in done.err
