"""What holds of time, energy and stored size for every network: the zoo's, and random ones."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from strategies import specs

import costcalc
from costcalc.estimates.powering import Energy
from costcalc.estimates.sizing import Sizes
from costcalc.estimates.timing import Latency
from costcalc.hardware import device, energy
from costcalc.hardware.compression import Coding
from costcalc.hardware.energy import Chip
from costcalc.hardware.traffic import works
from costcalc.hardware.words import FUSIONS
from costcalc.reports.result import Result

PHONE, CARD = device.load("pixel3_4_threads"), device.load("nvidia_t4")


def holds(result: Result) -> None:
    """Check what is true of any network whose MACs are known."""
    rows = [row.row for row in result.rows]
    asked = {fusion: works(rows, fusion) for fusion in FUSIONS}
    moved = [sum(one.elements for one in asked[fusion]) for fusion in ("ideal", "pointwise", "eager")]
    assert 0 <= moved[0] <= moved[1] <= moved[2]
    assert all(one.elements >= 0 for each in asked.values() for one in each)
    phone, card = Latency(result, PHONE), Latency(result, CARD)
    assert 0 <= phone.total.least <= phone.total.most
    assert card.total.least >= 0
    assert sum(part.least for part in phone.rows) == pytest.approx(phone.total.least)
    found = Energy(result, chip=Chip("int8", onchip=10**6))
    assert sum(found.of(place) for place in energy.PLACES) == pytest.approx(found.total)
    sizes = Sizes(result, 8, 0.5, Coding(pattern=(2, 4), scales="channel"))
    assert all(0 <= form.least <= form.most for form in sizes.forms)
    assert 0 <= sizes.effective_macs <= sizes.macs


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "efficientnet_b0", "nasnet_a_mobile", "shufflenet_v2_x1_0",
                                  "densenet121", "unet", "condensenet74_g4", "convnext_tiny"])  # fmt: skip
def test_it_holds_of_the_zoo(name: str) -> None:
    holds(costcalc.count(name))


@settings(max_examples=60, deadline=None)
@given(specs())
def test_it_holds_of_random_networks(spec: Any) -> None:
    result = costcalc.count(spec)
    if isinstance(result.macs, int) and any(row.row.weights for row in result.rows):
        holds(result)
