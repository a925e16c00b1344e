"""Multiplications of Winograd's filtering: hand-computed layers, and reductions of whole networks."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.hardware import winograd


def rows(layers, shape=(4, 8, 8)):
    return [one.row for one in costcalc.count({"costcalc": 1, "input": list(shape), "layers": layers}).rows]


# By hand: 4 channels to 8 over so many outputs; (m + 2)^2 products a tile and pair of channels.
LAYERS = [
    ({"out": 8, "kernel": 3, "padding": 1}, (8, 8), 4 * 4 * 16 * 32, 2 * 2 * 36 * 32),
    # 7 x 7 outputs: 4 tiles of 2 a side, 2 of 4
    ({"out": 8, "kernel": 3, "padding": 1}, (7, 7), 4 * 4 * 16 * 32, 2 * 2 * 36 * 32),
    # 6 x 7 outputs of a valid convolution over 8 x 9
    ({"out": 8, "kernel": 3}, (8, 9), 3 * 4 * 16 * 32, 2 * 2 * 36 * 32),
    # where it does not apply, the MACs: 8 * 8 outputs of 32 pairs, 9 (1, 25) products each
    ({"out": 8, "kernel": 3, "padding": 1, "stride": 2}, (8, 8), 16 * 9 * 32, 16 * 9 * 32),
    ({"out": 8, "kernel": 3, "padding": 2, "dilation": 2}, (8, 8), 64 * 9 * 32, 64 * 9 * 32),
    ({"out": 8, "kernel": 1}, (8, 8), 64 * 32, 64 * 32),
    ({"out": 8, "kernel": 5, "padding": 2}, (8, 8), 64 * 25 * 32, 64 * 25 * 32),
    ({"out": 8, "kernel": 3, "padding": 1, "groups": 4}, (8, 8), 64 * 9 * 8, 64 * 9 * 8),
]


@pytest.mark.parametrize(("conv", "space", "two", "four"), LAYERS)
def test_multiplications_are_those_by_hand(conv, space, two, four) -> None:
    (row,) = rows([{"conv": conv}], (4, *space))
    assert [winograd.multiplications(row, tile) for tile in winograd.TILES] == [two, four]


# MACs over multiplications of F(2, 3) and F(4, 3), tiles rounded up; counted apart from costcalc.
NETWORKS = [
    ("vgg16", "2.23", "3.80"),
    ("resnet18", "1.77", "2.45"),
    ("googlenet", "1.59", "1.95"),
    ("squeezenet1_0", "1.40", "1.64"),
    ("resnet50", "1.24", "1.35"),
    ("mobilenet_v2", "1.00", "1.00"),
]


@pytest.mark.parametrize(("name", "two", "four"), NETWORKS)
def test_reductions_of_networks(name, two, four) -> None:
    found = [row.row for row in costcalc.count(name).rows]
    assert [f"{float(winograd.reduction(found, tile)):.2f}" for tile in winograd.TILES] == [two, four]
