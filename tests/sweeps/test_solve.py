"""The largest setting in a budget: by the papers' tables, by counting its neighbours, by every pair there is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from in_process import Run

import costcalc
from costcalc import SpecError

# Howard et al. 2017, arXiv:1704.04861, Tables 6 and 7: 569, 325, 149, 41 M at width 1, 0.75, 0.5, 0.25;
# 569, 418, 290, 186 M at resolution 224, 192, 160, 128; 4.2, 2.6, 1.3, 0.5 M parameters.
WIDTHS, RESOLUTIONS = [0.25, 0.5, 0.75, 1.0], [128, 160, 192, 224]
PAPER: list[tuple[dict[str, Any], dict[str, float], dict[str, Any]]] = [
    ({"width": WIDTHS}, {"macs": 150e6}, {"width": 0.5}),
    ({"width": WIDTHS}, {"macs": 140e6}, {"width": 0.25}),
    ({"width": WIDTHS}, {"macs": 600e6, "params": 3e6}, {"width": 0.75}),
    ({"resolution": RESOLUTIONS}, {"macs": 300e6}, {"resolution": 160}),
    ({"resolution": RESOLUTIONS}, {"macs": 1e9}, {"resolution": 224}),
]


@pytest.mark.parametrize(("vary", "budgets", "wanted"), PAPER)
def test_settings_of_the_mobilenet_paper(vary: Any, budgets: dict[str, float], wanted: dict[str, Any]) -> None:
    (row,) = costcalc.solve("mobilenet_v1", vary=vary, limits=budgets).to_dict("records")
    assert {name: row[name] for name in wanted} == wanted


@pytest.mark.parametrize(("name", "budget"), [("mobilenet_v1", 150e6), ("mobilenet_v2", 200e6), ("resnet50", 1e9)])
def test_the_next_step_is_over_the_budget(name: str, budget: float) -> None:
    (row,) = costcalc.solve(name, vary="width", limits={"macs": budget}).to_dict("records")
    assert costcalc.count(name, width=row["width"]).macs == row["macs"] <= budget
    assert costcalc.count(name, width=round(row["width"] + 0.001, 3)).macs > budget


def test_of_several_knobs_every_setting_that_none_exceeds() -> None:
    widths, sizes = [0.25, 0.5, 0.75, 1.0, 1.4], [96, 128, 160, 192, 224]
    table = costcalc.solve("mobilenet_v2", vary={"width": widths, "resolution": sizes}, limits={"macs": 120e6})
    every = {(w, n): costcalc.count("mobilenet_v2", width=w, resolution=n).macs for w in widths for n in sizes}
    fits = {setting for setting, macs in every.items() if macs <= 120e6}
    best = {(w, n) for w, n in fits if not any((a, b) != (w, n) and a >= w and b >= n for a, b in fits)}
    assert set(zip(table["width"], table["resolution"], strict=True)) == best
    assert 1 < len(best) < len(fits)


def test_compound_scaling_goes_on_where_the_budget_is_far() -> None:
    """A layer of n^2 weights, n = 100 * 1.1^phi: 1e10 is phi = log(1000) / log(1.1) = 72.47; 100 is phi = -24.16."""
    spec = {"costcalc": 1, "knobs": {"n": 100}, "input": ["n"], "layers": [{"fc": {"out": "n", "bias": False}}]}
    for budget, phi, n in ((1e10, 72.4, 100_000), (100, -24.1, 10)):
        (row,) = costcalc.scale_compound(spec, {"n": 1.1}, limits={"params": budget}).to_dict("records")
        assert (abs(row["phi"] - phi) < 0.6, n * 0.99 < row["n"] <= n) == (True, True)
    with pytest.raises(costcalc.SpecError, match="the least that was tried is 1 params"):
        costcalc.scale_compound(spec, {"n": 1.1}, limits={"params": 0})


def test_compound_scaling() -> None:
    factors = {"depth": 1.2, "width": 1.1, "resolution": 1.15}
    (row,) = costcalc.scale_compound("efficientnet_b0", factors, limits={"macs": 1e9}).to_dict("records")

    def macs(phi: float) -> int:
        knobs = {"depth": round(1.2**phi, 6), "width": round(1.1**phi, 6), "resolution": round(224 * 1.15**phi)}
        return int(costcalc.count("efficientnet_b0", **knobs).macs)

    assert macs(row["phi"]) == row["macs"] <= 1e9
    assert all(macs(row["phi"] + step) > 1e9 for step in (0.02, 0.05, 0.2))


@pytest.mark.parametrize(("rounding", "knob"), [("1:down", "width")])
def test_scaling_without_a_knob_is_the_knob_where_it_rounds_alike(rounding: str, knob: str, run: Run) -> None:
    """MobileNetV1's own knob takes int(c * width): whole channels, rounded down."""
    words = ["mobilenet_v1", "--scale-width", "--rounding", rounding, "--max-macs", "150M", "--format", "json"]
    (scaled,) = json.loads(run("solve", *words).out)
    (by_knob,) = costcalc.solve("mobilenet_v1", vary=knob, limits={"macs": 150e6}).to_dict("records")
    assert (scaled["scale_width"], scaled["params"], scaled["macs"]) == tuple(by_knob.values())


def test_a_factor_that_a_layer_forbids_is_told(run: Run) -> None:
    done = run("solve", "fasterrcnn_resnet50_fpn", "--scale-width", "--max-params", "1M")
    assert done.code == 2
    assert "scale-width 0" in done.err


def test_what_the_network_refuses_is_no_answer() -> None:
    """Widths below 1 / 32 leave no channel in MobileNetV1; the least is told of those that do."""
    with pytest.raises(SpecError, match=r"the least that was tried is 1,440,848 MACs \(budget 1,000\)"):
        costcalc.solve("mobilenet_v1", vary="width", limits={"macs": 1000})


def test_where_the_network_refuses_all_that_is_tried() -> None:
    with pytest.raises(SpecError, match="every setting is refused by the spec"):
        costcalc.solve("mobilenet_v1", vary={"width": [0.001, 0.002]}, limits={"macs": 1e9})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"vary": "width"}, "there is no budget"),
        ({"vary": "widht", "limits": {"macs": 1e9}}, "has no knob 'widht'"),
        ({"vary": {"width": []}, "limits": {"macs": 1e9}, "resolution": "big"}, "knob 'resolution' takes a number"),
    ],
)
def test_mistakes(options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        costcalc.solve("mobilenet_v1", **options)


COMMANDS = [
    (["mobilenet_v1", "--vary", "width=0.25,0.5,0.75,1", "--max-macs", "150M"], ["0.5", "1331.6", "149.5"]),
    (["mobilenet_v1", "--vary", "width=0.25:1:0.25", "--max-params", "3M"], ["0.75", "2585.6", "325.4"]),
    (
        ["mobilenet_v1", "--vary", "resolution=128:224:32", "--width", "0.5", "--max-macs", "80M"],
        ["160", "0.5", "1331.6", "76.5"],
    ),
]


@pytest.mark.parametrize(("arguments", "line"), COMMANDS)
def test_the_command(arguments: list[str], line: list[str], run: Run) -> None:
    done = run("solve", *arguments)
    assert done.code == 0
    assert line in [shown.split() for shown in done.out.splitlines()]


CLASHES = [
    (["--vary", "width", "--compound", "width=1.2"], "are different searches"),
    (["--vary", "width", "--scale-width"], "are different searches"),
    (["--vary", "width", "--rounding", "4"], "--rounding is about --scale-width"),
    (["--vary", "width", "--vary", "width"], "--vary width is given twice"),
    (["--vary", "width", "--width", "0.5"], "can't both vary and have a value"),
    (["--compound", "width=0.9"], "can't grow by a factor of 0.9"),
]


@pytest.mark.parametrize(("arguments", "message"), CLASHES)
def test_options_that_clash(arguments: list[str], message: str, run: Run) -> None:
    done = run("solve", "mobilenet_v1", "--max-macs", "1G", *arguments)
    assert done.code == 2
    assert message in done.err


def test_a_command_without_a_knob_names_them(run: Run) -> None:
    done = run("solve", "mobilenet_v1", "--max-macs", "1M")
    assert done.code == 2
    assert "knobs: width, resolution, classes" in done.err


# ResNet-50 and -101 of torchvision have 4,089,184,256 and 7,801,405,440 MACs; what is given later is the larger.
LISTS = [
    ({"depths": [[2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 23, 3]]}, 5e9, [{"depths": [3, 4, 6, 3]}]),
    ({"depths": [[2, 2, 2, 2], [3, 4, 6, 3], [3, 4, 23, 3]]}, 7_801_405_440, [{"depths": [3, 4, 23, 3]}]),
    ({"depths": [[3, 4, 23, 3], [3, 4, 6, 3], [2, 2, 2, 2]]}, 5e9, [{"depths": [2, 2, 2, 2]}]),
    ({"block": ["basic", "bottleneck"]}, 5e9, [{"block": "bottleneck"}]),
    (
        {"depths": [[3, 4, 6, 3], [3, 4, 23, 3]], "resolution": [32, 224]},
        5e9,
        [{"depths": [3, 4, 6, 3], "resolution": 224}, {"depths": [3, 4, 23, 3], "resolution": 32}],
    ),
]


@pytest.mark.parametrize(("vary", "most", "found"), LISTS)
def test_lists_and_words_are_in_the_order_in_which_they_are_given(
    vary: dict[str, Any], most: float, found: list[dict[str, Any]]
) -> None:
    table = costcalc.solve("resnet50", vary=vary, limits={"macs": most})
    assert table[[*vary]].to_dict("records") == found
