"""Specs of one network at several values of a knob, as one with the knob."""

from __future__ import annotations

from typing import Any

import pytest

import costcalc
from costcalc.base.errors import Fault
from costcalc.interop.blocks.folding import folded
from costcalc.language.flat import Flat
from costcalc.language.varied import merged

AMOUNTS = {"n": [150, 97], "min(100, n)": [100, 97]}


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([3, 3], 3),
        ([150, 97], "n"),
        ([300, 194], "2 * n"),
        ([100, 97], "min(100, n)"),
        ([{"a": [600, 7], "b": True}, {"a": [388, 7], "b": True}], {"a": ["4 * n", 7], "b": True}),
    ],
)
def test_a_number_that_differs_is_an_expression(found: list[Any], said: Any) -> None:
    assert merged(found, AMOUNTS) == said


@pytest.mark.parametrize(
    "found",
    [[151, 98], [0, 97], [True, False], [1, True], ["a", "b"], [[1], [1, 2]], [{"a": 1}, {"b": 1}], [1.5, 0.97]],
)
def test_what_differs_otherwise_is_refused(found: list[Any]) -> None:
    with pytest.raises(Fault, match="the specs differ"):
        merged(found, AMOUNTS)


def layers(regions: int) -> Flat:
    """Return a network of a picture and of so many regions, two modules that are alike."""
    flat = Flat("net", (8, 40, 40))
    (value,) = flat.add("reshape", ["input"], "flat", shape=[8, 1600])
    (value,) = flat.add("slice", [value], "regions", axis=1, stop=regions)
    for k in range(4):
        (value,) = flat.add("conv", [value], f"layer{k}.first", out=8, kernel=1)
        (value,) = flat.add("relu", [value], f"layer{k}.relu")
        (value,) = flat.add("conv", [value], f"layer{k}.second", out=8, kernel=1)
    flat.outputs = [value]
    return flat


@pytest.mark.parametrize("written", [Flat.data, folded])
def test_a_network_with_a_knob_counts_as_at_each_value(written: Any) -> None:
    flat = layers(150)
    flat.knobs, flat.others, flat.amounts = {"n": 150}, [layers(97)], AMOUNTS
    spec = costcalc.load(written(flat))
    for n in (1, 97, 150, 1600):
        assert (
            costcalc.count(spec, n=n).macs == costcalc.count(layers(n).data()).macs == 8 * 64 * n
        )  # eight convolutions
