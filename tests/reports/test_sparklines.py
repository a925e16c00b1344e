"""Bars and sparklines in the terminal's tables, without matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from in_process import Run

import costcalc
from costcalc.reports import sparklines

BARS = [
    (0, 8, False, ""),
    (8, 8, False, "████"),
    (4, 8, False, "██"),
    (3, 8, False, "█▌"),
    (1e-9, 8, False, "▏"),
    (20, 8, False, "████"),
    (4, 0, False, ""),
    (3, 8, True, "##"),
    (1e-9, 8, True, "#"),
]


@pytest.mark.parametrize(("value", "most", "plain", "text"), BARS)
def test_a_bar_is_as_long_as_its_value(value: float, most: float, plain: bool, text: str) -> None:
    assert sparklines.bar(value, most, 4, plain=plain) == text


SPARKS = [
    ([], False, ""),
    ([5], False, "▁"),
    ([3, 3, 3], False, "▁▁▁"),
    ([0, 1, 2, 3, 4, 5, 6, 7], False, "▁▂▃▄▅▆▇█"),
    ([7, 0, 3.5], False, "█▁▅"),
    ([0, 7], True, "_#"),
]


@pytest.mark.parametrize(("values", "plain", "text"), SPARKS)
def test_a_sparkline_goes_as_its_values(values: list[float], plain: bool, text: str) -> None:
    assert sparklines.spark(values, plain=plain) == text


def test_a_long_sparkline_keeps_its_ends() -> None:
    shown = sparklines.thinned(list(range(1000)))
    assert (len(shown), shown[0], shown[-1]) == (sparklines.LONGEST, 0, 999)
    assert shown == sorted(set(shown))


def test_output_that_takes_ascii_alone_gets_ascii(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert sparklines.ascii_only()
    with (tmp_path / "out").open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        assert not sparklines.ascii_only()


@pytest.mark.parametrize("network", ["mobilenet_v1", "resnet50", "googlenet", "nasnet_a_mobile"])
@pytest.mark.parametrize("by", ["layer", "type", "block"])
def test_a_report_with_bars_fits_a_terminal(network: str, by: str, run: Run) -> None:
    text = run("report", network, "--by", by, "--bars", env={"COLUMNS": "80"}).out
    assert max(map(len, text.splitlines())) <= 80
    # By the letters alone: the longest bar is the largest share, and what costs nothing has none.
    costs = [line.cost.operations for line in costcalc.count(network).lines(by)]
    assert text.count("█" * sparklines.BAR) >= 1
    body = text.split("total")[0].splitlines()
    drawn = [sum(line.count(letter) for letter in sparklines.EIGHTHS) for line in body]
    assert sum(map(bool, drawn)) == sum(map(bool, costs))


def test_bars_are_for_tables(run: Run) -> None:
    found = run("report", "alexnet", "--bars", "--format", "json")
    assert "--bars is for tables" in found.err


def test_a_sweep_of_one_knob_ends_with_a_sparkline(run: Run) -> None:
    one = run("sweep", "mobilenet_v1", "resnet18", "--width", "0.25:1:0.25").out.splitlines()
    assert one[-2:] == ["MACs ▁▂▅█ 41.03 M to 568.7 M mobilenet_v1", "MACs ▁▂▅█ 135.6 M to 1.814 G resnet18"]
    others = (
        ["--width", "0.5,1"],
        ["--width", "0.5:1:0.1", "--resolution", "160,224"],
        ["--width", "0.5:1:0.1", "--top", "4"],
    )
    for knobs in others:
        assert "▁" not in run("sweep", "mobilenet_v1", *knobs).out
