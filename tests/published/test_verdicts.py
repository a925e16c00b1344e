"""The account of published figures: verdicts, the exit code, and papers' tables with ours beside."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from in_process import Run

from costcalc.language import zoo
from costcalc.published import verdicts
from costcalc.published.figures import Claim

# What is printed, ours, whether it holds, whether the spec claims that it does.
VERDICTS = [
    ("4231976", 4231976, True, True, "exact"),
    ("569M", 568740352, True, True, "rounded"),
    ("575M", 568740352, False, False, "explained"),
    ("575M", 568740352, False, True, "WRONG"),
    ("569M", 568740352, True, False, "STALE"),
]


@pytest.mark.parametrize(("printed", "ours", "holds", "reproduces", "said"), VERDICTS)
def test_verdict(printed: str, ours: int, holds: bool, reproduces: bool, said: str) -> None:
    assert verdicts.verdict(Claim({}, "macs", printed, ours, holds, reproduces)) == said


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
    ("macs: 98, reproduces: false, note: a misprint", 0, "2 exact, 1 explained"),
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
    lines = [json.loads(run("table", "a paper", number, "--format", "json").out) for number in ("1", "2")]
    (line,) = (line for line in itertools.chain(*lines) if line["convention"] == convention)
    assert [name for name in line if name.startswith("our_")] == [f"our_{called}"]


def test_table_gathers_the_rows_of_one_place(small_zoo: Path, run: Run) -> None:
    small_zoo.write_text(SPEC.replace("ROW", "macs: 98"), encoding="utf-8")
    first = run("table", "a paper", "1").out
    assert first.splitlines()[2].split() == ["small", "96", "96", "9", "9", "50.0"]
    second = run("table", "a paper", "table 2").out
    assert "96 ≠" in second
    (line,) = json.loads(run("table", "a paper", "1", "--format", "json").out)[:1]
    assert (line["our_macs"], line["convention"], line["convention_hash"]) == (96, "costcalc", "9c528e")
    listed = run("table", "--format", "json").out
    assert json.loads(listed) == [
        {"source": "a paper", "where": "Table 1", "rows": 1},
        {"source": "a paper", "where": "Table 2", "rows": 2},
    ]


def test_every_figure_of_the_zoo_has_the_verdict_that_its_spec_claims() -> None:
    found = verdicts.figures()
    assert len(found) > 250
    assert [f.to_dict() for f in found if f.verdict not in verdicts.GOOD] == []
    assert all(f.claim.row.get("note") for f in found if f.verdict == verdicts.EXPLAINED)


# Table 9 of arXiv:1704.04861 as the paper prints it.
TABLE_9 = {"mobilenet_v1 --width 0.5 --resolution 160": ("76M", "1.32M"), "alexnet_grouped": ("720M", "60M")}


def test_a_papers_table_comes_back(run: Run) -> None:
    records = json.loads(run("table", "1704.04861", "9", "--format", "json").out)
    printed = {(r["network"], r[key]) for r in records for key in ("macs", "params") if key in r}
    assert printed >= {(network, figure) for network, figures in TABLE_9.items() for figure in figures}


def test_validate_tells_a_figure_that_does_not_hold(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "small.yaml"
    path.write_text(SPEC.replace("ROW", "macs: 98"), encoding="utf-8")
    done = run("validate", str(path))
    assert done.code == 2
    assert f"{path}:11:30: macs 98 is printed, and we count 96" in done.err
