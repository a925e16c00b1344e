"""The page's data, evaluated where sliders stand at random, against what is counted of the network by itself."""

from __future__ import annotations

import random

import pytest
from page_data import Stand

import costcalc
from costcalc.reports.result import Result

# networks, what they are given, the places that are drawn
NETWORKS = {
    "resnet50": {},
    "mobilenet_v3_large": {},
    "unet": {},
    "yolo_v3": {},
    "fpn_resnet50": {"width": [0.5, 0.75, 1.0], "height": [800, 608], "length": [1333, 801]},
    "shufflenet_v2_x1_0": {},
    "densenet121": {},
    "r3d_18": {},
    "efficientnet_b0": {"vary": "variant"},
    "mobilenet_v2": {"width": [0.5, 0.6, 0.77, 1.0, 1.3], "resolution": [96, 130, 224]},
    "googlenet": {"options": {"mode": "eager"}},
}
CONVENTIONS = ("costcalc", "costcalc:flops", "thop", "fvcore", "ptflops", "torchinfo", "mobilenet", "bytes")


def drawn(page: dict, draw: random.Random, network: int = 0) -> Stand:
    """A network with its sliders and lists at places of one of its forms."""
    one = page["networks"][network]
    form = draw.choice(one["forms"])
    return Stand(page, one, [draw.choice(where) for where in form["where"]], list(form["at"]))


def counted(name: str, stand: Stand, **more) -> Result:
    knobs = dict(stand.knobs)
    variant = knobs.pop("variant", "")
    return costcalc.count(f"{name.split('_b', maxsplit=1)[0]}@{variant}" if variant else name, knobs=knobs, **more)


def compare(stand: Stand, network: str, draw: random.Random, mode: str) -> None:
    batch = draw.choice([1, 1, 3, 8])
    for convention in CONVENTIONS:
        found = stand.costs(convention)
        result = counted(network, stand, convention=convention, batch=batch)
        assert found is not None
        params, operations = found
        assert params == [row.params for row in result.rows]
        assert [one * batch for one in operations] == [row.operations for row in result.rows]
    result = counted(network, stand, batch=batch)
    assert [row[0] for row in stand.form["rows"]] == [row.name for row in result.rows]
    for name in ("activations", "elementwise"):
        assert stand.metric(name, batch) == result.metric(name).total
    assert stand.alive(batch) == list(result.metric("peak_memory", mode=mode).rows)
    texts = stand.page["texts"]
    assert [texts[stand.form["kinds"][kind]["type"]] for kind in stand.kinds] == [row.type for row in result.rows]
    field = result.metric("receptive_field")
    assert stand.fields() == list(field.rows)
    assert stand.fields()[stand.form["field"]] == field.total
    for device in ("pixel1_big_core", "nvidia_t4", "jetson_nano"):
        dtype = next(one["dtype"] for one in stand.page["rates"] if one["device"] == device)
        least, most = stand.seconds(device, dtype, batch)
        assert 1e3 * least == pytest.approx(result.metric("latency", device=device, dtype=dtype).total, rel=1e-6)
        expected = result.metric("latency_most", device=device, dtype=dtype).total
        assert (most and 1e3 * most) == (expected if expected is None else pytest.approx(expected, rel=1e-6))


@pytest.mark.parametrize("network", NETWORKS)
def test_every_number_is_that_of_the_network_counted_by_itself(network: str) -> None:
    draw = random.Random(network)
    asked = NETWORKS[network]
    page = costcalc.explore(network, **asked).data
    mode = asked.get("options", {}).get("mode", "fused")
    for _ in range(3):
        compare(drawn(page, draw), network, draw, mode)


# ---- where boxes stand ----------------------------------------------------------------------------------


def boxes(box: dict) -> list[dict]:
    """A box and all boxes in it."""
    return [box, *(one for item in box["items"] if isinstance(item, dict) for one in boxes(item))]


@pytest.mark.parametrize("network", ["resnet50", "nasnet_a_mobile", "googlenet", "unet", "densenet121", "alexnet"])
def test_a_layout_is_a_grid_on_which_edges_run_down_between_the_items(network: str) -> None:
    form = costcalc.explore(network).data["networks"][0]["forms"][0]
    for box in boxes(form["graph"]):
        layout, items = box["layout"], box["items"]
        assert len({*map(tuple, layout["at"])}) == len(items) == len(layout["at"])
        taken = {*map(tuple, layout["at"])}
        assert all(0 <= rank < layout["ranks"] and 0 <= lane < layout["lanes"] for rank, lane in taken)
        for start, end, row, part, chain in layout["edges"]:
            first = layout["at"][start][0] + 1 if start >= 0 else 0
            last = layout["at"][end][0] if end >= 0 else layout["ranks"]
            assert first <= last
            passed = layout["chains"][chain][: last - first] if chain >= 0 else []
            assert len(passed) == last - first
            assert not taken & {(first + n, lane) for n, lane in enumerate(passed)}
            assert row < 0 or part < len(form["kinds"][form["rows"][row][1]]["writes"])


def test_equal_blocks_that_follow_each_other_are_one() -> None:
    """He et al. 2015, table 1: 3, 4, 6 and 3 blocks, the first of each with another shortcut or stride."""
    form = costcalc.explore("resnet50").data["networks"][0]["forms"][0]
    titles = [box["title"] for box in boxes(form["graph"]) if box["name"].count("/")]
    times = [box.get("times", 1) for box in boxes(form["graph"]) if box["name"].count("/")]
    assert times == [1, 2, 1, 3, 1, 5, 1, 2]
    assert titles[:4] == ["bottleneck1", "bottleneck2-3 ×2", "bottleneck1", "bottleneck2-4 ×3"]
    shown = sorted(line for box in boxes(form["graph"]) for line in box["items"] if isinstance(line, int))
    copies = [
        line + turn * (box["lines"][1] // box["times"])
        for box in boxes(form["graph"])
        if box.get("times")
        for line in shown
        if box["lines"][0] <= line < box["lines"][0] + box["lines"][1] // box["times"]
        for turn in range(1, box["times"])
    ]
    assert sorted(shown + copies) == [*range(len(form["lines"]))]
    for box in boxes(form["graph"]):
        size = box["lines"][1] // box.get("times", 1)
        first, *others = [
            [
                form["rows"][row][1]
                for line in form["lines"][start : start + size]
                for row in range(line[1], line[1] + line[2])
            ]
            for start in range(box["lines"][0], sum(box["lines"]), size)
        ]
        assert all(other == first for other in others)


# ---- what moves -----------------------------------------------------------------------------------------

TINY = """\
costcalc: 1
name: tiny
knobs: {c: 32, n: 2, k: 3, word: relu, size: 64, half: 1.0}
variants: {deep: {n: 4}, wide: {c: 64, word: relu6}}
input: [3, size, size]
layers:
  - conv: {out: int(c * half), kernel: k, padding: half}
    act: word
  - {conv: {out: 8, kernel: 3, stride: 2}, repeat: n}
  - global_avg_pool
  - flatten
  - fc: {out: 10}
"""
