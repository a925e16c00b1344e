"""NetAdapt's sequence on networks small enough to be counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import in_process
import pytest

import costcalc
from costcalc.base.errors import SpecError
from costcalc.measures.metric import Setup
from costcalc.spaces.additive import additive
from costcalc.transforms.netadapt import NetAdapt, tied
from costcalc.transforms.network import flattened

# 4 pixels. a: 4 * 8 * 4 = 128 MACs, b: 8 * 8 * 4 = 256, fc: 8 * 2 = 16; together 400. Of c channels in a: 48 c + 16, in
# b: 128 + 34 c. So with at most 320 a has 6 (304, and 24 parameters less), b 5 (298, and 30 less).
CHAIN: dict[str, Any] = {
    "costcalc": 1, "name": "chain", "input": [4, 2, 2],
    "defaults": {"conv": {"kernel": 1, "bias": False}},
    "layers": [
        {"conv": {"out": 8}, "name": "a"}, {"conv": {"out": 8}, "name": "b"}, "global_avg_pool",
        {"fc": {"out": 2, "bias": False}},
    ],
}  # fmt: skip


def adapted(spec: Any, **given: Any) -> NetAdapt:
    given = {"metric": "macs", "target": 0.8, "step": 0.2, "divisor": 1} | given
    return NetAdapt(costcalc.count(spec), additive("macs", Setup("costcalc")).rows, **given)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({}, ("a", 8, 6, 304, 88)),  # saves 96 by 24 parameters, b 102 by 30
        ({"rule": "share"}, ("a", 8, 6, 304, 88)),  # a quarter of a's channels, three eighths of b's
        ({"scores": {"a": 3.0, "b": 1.0}}, ("b", 8, 5, 298, 82)),  # 3 / 4 against 3 / 8
        ({"divisor": 4}, ("a", 8, 4, 208, 64)),  # saves 192 by 48 parameters; b of 4 saves 136 by 40
    ],
)
def test_the_proposal_that_is_taken(given: Any, taken: tuple[Any, ...]) -> None:
    found = adapted(CHAIN, **given)
    assert [tuple(one) for one in found.taken] == [taken]
    counted = costcalc.count(found.text())
    assert (counted.macs, counted.params) == taken[3:]


def test_steps_follow_one_another_down_to_the_target() -> None:
    """At most 360 (a: 7, 352; b: 6, 332): a's saves 48 by 12, b's 68 by 20. Then at most 320, from a's 7 channels."""
    found = adapted(CHAIN, step=0.1)
    assert [one.cost for one in found.taken] == [352, 304]
    assert found.cost == costcalc.count(found.text()).macs


def test_what_is_added_keeps_equal_channels() -> None:
    layers = [
        {"conv": {"out": 8, "norm": "batch"}, "name": "a"},
        {"add": [[{"conv": {"out": 16}, "name": "b"}, {"conv": {"out": 8}, "name": "c"}], []]},
        {"concat": [[{"conv": {"out": 8}, "name": "d"}], []]},
        {"add": [[{"conv": {"out": 16}, "name": "e"}], []]},
        "global_avg_pool",
        {"fc": {"out": 2}},
    ]
    network = flattened(costcalc.count({**CHAIN, "layers": layers}).graph)
    # d and what a and c give are put side by side, and e is added to that; the classes stay.
    assert [(one.path, len(one.steps)) for one in tied(network)] == [("b", 1)]
    network = flattened(costcalc.count({**CHAIN, "layers": [*layers[:2], *layers[4:]]}).graph)
    assert [(one.path, len(one.steps)) for one in tied(network)] == [("a", 2), ("b", 1)]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"target": 1.2}, "shares above 0 and below 1"),
        ({"step": 0.0}, "shares above 0 and below 1"),
        ({"rule": "parms"}, "did you mean 'params'"),
        ({"step": 0.79, "target": 0.05}, "no layer by itself saves the step from 64 to 20"),
        ({"scores": {"a": 1.0}}, "the scores say nothing of b"),
    ],
)
def test_what_is_refused(given: Any, words: str) -> None:
    with pytest.raises(SpecError) as error:
        adapted(CHAIN, **given)
    assert words in str(error.value)


def test_a_network_of_the_zoo_costs_what_its_new_spec_says() -> None:
    found = adapted("mobilenet_v2", target=0.9, step=0.05, divisor=8)
    counted = costcalc.count(found.text())
    assert found.cost == counted.macs <= 0.9 * found.start.cost
    assert found.taken[-1].params == counted.params


def test_the_command_takes_times_from_a_table(run: in_process.Run, tmp_path: Path) -> None:
    """Of c channels in a: c ms, where the table has a line; then b's takes 1 ms whatever enters."""
    lines = [f"a,4x2x2,{c}x2x2,{c}" for c in range(1, 9)] + ["b,,,1", "fc,,,1"]
    (tmp_path / "t.csv").write_text("name,input,output,latency_ms\n" + "\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "chain.yaml").write_text(flattened(CHAIN).text(), encoding="utf-8")
    words = ("--metric", "latency", "--lut", str(tmp_path / "t.csv"), "--target", "0.8", "--step", "0.1")
    result = run("netadapt", str(tmp_path / "chain.yaml"), *words, "--divisor", "1", "--format", "csv")
    assert [line.split(",")[1:5] for line in result.out.splitlines()[1:]] == [
        ["a", "8", "7", "9000"],
        ["a", "7", "6", "8000"],
    ]
