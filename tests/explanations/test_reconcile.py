"""`costcalc reconcile`: which settings give a claimed number."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from in_process import Run

import costcalc
from costcalc.costs import conventions
from costcalc.costs.counting import cost
from costcalc.explanations.reconciling import alike, choices, claimed, cost_of

# network, claim, what must be among the first answers, and the number behind it (from papers and other tools)
ANSWERS = [
    ("resnet50", "4.09G", "as costcalc counts it", 4_089_184_256),
    ("resnet50", "8.2G", "two FLOPs a MAC", 8_178_368_512),
    ("resnet50", "4.13G", "as thop", 4_133_742_592),
    ("resnet50", "4.11G", "as fvcore", 4_111_512_576),
    ("resnet50", "4.12G", "as onnx-tool", 4_117_342_184),
    # He et al. 2015 cut 3.86 G to 3.8, of the network with its stride in the first 1x1
    ("resnet50", "3.8G", "printed in arXiv:1512.03385, Table 1: resnet50_v1, cut, not rounded", 3_857_973_248),
    ("resnet50", "3.8G", "G is 1,073,741,824", 4_089_184_256),
    # 3,857,973,248 and two for each of its norms' 26,560 channels
    (
        "resnet50",
        "3858026368",
        "the network resnet50_v1; one for each number that a norm learns, two a channel, whatever its size",
        3_858_026_368,
    ),
    ("resnet50", "8.27G", "as thop; two FLOPs a MAC", 2 * 4_133_742_592),
    ("mobilenet_v2", "320M", "as ptflops", 320_300_008),
    ("mobilenet_v2", "300M", "cut, not rounded", 300_774_272),
    ("mobilenet_v2", "301M", "as costcalc counts it", 300_774_272),
    ("googlenet", "1.5G", "as costcalc counts it", 1_498_376_192),
    # at 155 x 155 the five stages have 155, 77, 38, 19 and 9 pixels a side:
    # 38592, 221184, 1474560, 5898240 and 7077888 weights there, 123633664 in the fully connected layers
    ("vgg16", "7.2G", "resolution 155; an image of an odd size", 7_194_044_608),
    ("vgg16", "15.35G", "the fully connected layers left out, but those of squeeze-and-excite", 15_346_630_656),
    ("vgg16", "138M", "as costcalc counts it", 138_357_544),
    ("mobilenet_v1", "149M", "width 0.5", 149_497_088),
    ("mobilenet_v1", "418M", "resolution 192", 418_121_728),
    ("inception_v3", "5.7G", "as costcalc counts it", 5_713_216_096),
    # thop's 4,133,742,592 at 224 are 4,087,136,256 of convolutions, 44,455,936 of norms (four an element), 2,048,000 of
    # fc and 2048 * (7 * 7 + 1) of the pool; at 256 the first two are 64 / 49 times as many, and 8 * 8 pixels are pooled
    ("resnet50", "5398546432", "resolution 256; as thop", 5_398_546_432),
    ("resnet50", "10.80G", "resolution 256; as thop; two FLOPs a MAC", 2 * 5_398_546_432),
    # with the stride in the first 1x1, whose norms have 526,848 elements less: 3,857,973,248 + 4 * 10,587,136 + 102,400
    ("resnet50", "3900424192", "the network resnet50_v1; as thop", 3_900_424_192),
]


@pytest.mark.parametrize(("network", "claim", "how", "number"), ANSWERS, ids=[f"{r[0]} {r[1]}" for r in ANSWERS])
def test_a_claim_is_explained(network: str, claim: str, how: str, number: int) -> None:
    found = costcalc.reconcile(network, claim).matches
    # A tool's name is followed by its hash.
    told = {
        re.sub(r" [0-9a-f]{6}(?=;|$)", "", "; ".join(match.steps)) or "as costcalc counts it": match for match in found
    }
    assert how in told
    assert told[how].number == number
    assert found[0].printed or len(found[0].steps) <= len(told[how].steps)


def test_what_nothing_explains_is_said_with_the_nearest(run: Run) -> None:
    found = costcalc.reconcile("mobilenet_v1", "123456789")
    assert (found.matches, len(found.nearest)) == ([], 3)
    assert [abs(one.difference) for one in found.nearest] == sorted(abs(one.difference) for one in found.nearest)
    told = run("reconcile", "mobilenet_v1", "123456789").out
    assert told.startswith("MobileNetV1, 123456789: nothing that was tried gives it. The nearest:\n")


def test_no_explanation_only_adds_steps_to_another() -> None:
    found = costcalc.reconcile("resnet50", "4.1G", top=100).matches
    assert found[0].steps == ()
    for one in found:
        assert not any(set(other.steps) < set(one.steps) for other in found)


def test_knobs_and_formats(run: Run) -> None:
    told = json.loads(run("reconcile", "mobilenet_v1", "149.5M", "--width", "0.5", "--format", "json").out)
    assert told[0] == {
        "claim": "149.5M", "explains": True, "steps": [], "number": 149497088, "unit": "MACs", "difference": -2912,
        "printed": False,
    }  # fmt: skip
    assert "counts" in run("reconcile", "mobilenet_v1", "149.5M", "--format", "markdown").out
    assert run("reconcile", "mobilenet_v1", "149.5M", "--format", "csv").out.startswith("claim,")


SPELLED = [
    ("4,089,184,256", 4_089_184_256),
    ("4.09 GMACs", 4_090_000_000),
    ("4.1GFLOPs", 4_100_000_000),
    ("25.6m params", 25_600_000),
]


@pytest.mark.parametrize(("text", "number"), SPELLED, ids=[row[0] for row in SPELLED])
def test_a_claim_may_be_written_as_people_write(text: str, number: int) -> None:
    assert claimed(text).value == number


def test_another_input_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    monkeypatch.chdir(tmp_path)
    spec = {"costcalc": 1, "input": [3, 64, 64], "layers": [{"conv": {"out": 64, "kernel": 3, "padding": 1}}]}
    Path("net.yaml").write_text(json.dumps(spec), encoding="utf-8")
    assert (
        "as costcalc counts it" in run("reconcile", "net.yaml", "28.3M", "--input", "3x128x128").out
    )  # 64 * 27 * 128 * 128
    assert "nothing that was tried" in run("reconcile", "net.yaml", "28.3M").out


@pytest.mark.parametrize("text", ["many", "12%", "4.1.2G", "", "-5M"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(costcalc.SpecError, match=r"write it as it is printed|is no figure"):
        claimed(text)


def test_each_choice_counts_something_somewhere() -> None:
    """A choice that changes no network's count would be a slip; these networks have what all of them are about."""
    found = [costcalc.count(name).rows for name in ("mobilenet_v3_small", "unet", "resnet18")]
    for choice in choices():
        sums = [
            sum(part.params or part.operations for part in (cost(layer.row, choice) for layer in one)) for one in found
        ]
        assert any(sums), choice.name


@pytest.mark.parametrize("network", ["resnet50", "mobilenet_v3_small", "densenet121", "inception_v3", "shufflenet_v1"])
def test_rows_that_are_taken_as_one_are_counted_as_often_as_they_are(network: str) -> None:
    result = costcalc.count(network)
    every = [row.row for row in result.rows]
    found = alike(result.graph)
    assert sum(number for _, number in found) == len(every) > len(found)
    for rule in (*map(conventions.get, conventions.names()), *choices()):
        whole = {name: sum(getattr(cost(row, rule), name) for row in every) for name in ("operations", "params")}
        assert cost_of(found, rule) == whole, rule.name
