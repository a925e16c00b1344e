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
