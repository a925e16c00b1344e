"""Colours of layer types: every operator has one, and the colour-blind tell them apart."""

from __future__ import annotations

import itertools

import pytest

import costcalc
from costcalc.operators.op import operators
from costcalc.reports.colours import COLOURS, family

# Machado, Oliveira and Fernandes 2009, Table 1, severity 1.0: what is seen of linear RGB.
SEEN = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "no green": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
    "no blue": (
        (1.255528, -0.076749, -0.178779),
        (-0.078411, 0.930809, 0.147602),
        (0.004733, 0.691367, 0.303900),
    ),
}
XYZ = ((0.4124 / 0.9505, 0.3576 / 0.9505, 0.1805 / 0.9505), (0.2126, 0.7152, 0.0722))
XYZ = (*XYZ, (0.0193 / 1.089, 0.1192 / 1.089, 0.9505 / 1.089))  # of sRGB, IEC 61966-2-1, over D65
APART = 15  # of CIE 1976: ten are clear at a glance, 2.3 just told apart


def times(matrix: tuple[tuple[float, ...], ...], vector: list[float]) -> list[float]:
    return [sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix]


def lab(colour: str, seen: tuple[tuple[float, ...], ...]) -> list[float]:
    """Return a colour in CIE L*a*b*, as it is seen so."""
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    white = times(XYZ, [min(max(p, 0), 1) for p in times(seen, linear)])
    x, y, z = (p ** (1 / 3) if p > 0.008856 else 7.787 * p + 16 / 116 for p in white)
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]


@pytest.mark.parametrize("seen", SEEN)
@pytest.mark.parametrize("ground", [0, 1], ids=["on white", "on black"])
def test_colours_are_told_apart(seen: str, ground: int) -> None:
    places = {name: lab(pair[ground], SEEN[seen]) for name, pair in COLOURS.items()}
    for one, other in itertools.combinations(places, 2):
        apart = sum((a - b) ** 2 for a, b in zip(places[one], places[other], strict=True)) ** 0.5
        assert apart > APART, (one, other)


def test_operators_has_a_colour() -> None:
    assert {op.family for op in operators().values()} <= COLOURS.keys()


CASES = [  # an item, and the families of its rows
    ({"conv": {"out": 8, "kernel": 3}}, ["convolution"]),
    ({"conv": {"out": 8, "kernel": 1, "norm": "batch", "act": "relu"}}, ["pointwise", "norm", "activation"]),
    ({"conv": {"out": 8, "kernel": [1, 3]}}, ["convolution"]),
    ({"conv": {"out": 8, "kernel": 1, "groups": 2}}, ["grouped"]),
    ({"conv": {"out": 8, "kernel": 3, "groups": 8}}, ["depthwise"]),
    ({"dwconv": {"kernel": 3}}, ["depthwise"]),
    ({"conv_transpose": {"out": 8, "kernel": 2, "stride": 2}}, ["transposed"]),
    ({"max_pool": {"kernel": 2}}, ["pooling"]),
    ("global_avg_pool", ["pooling"]),
    ("softmax", ["activation"]),
    ({"lrn": {}}, ["norm"]),
    ({"add": ["input", [{"conv": {"out": 8, "kernel": 1}}]]}, ["pointwise", "join"]),
    ({"upsample": {"scale": 2}}, ["other"]),
    ({"custom": {"params": 3}}, ["other"]),
]
SEQUENCES = [  # of inputs that are no images
    ([8], {"fc": {"out": 8}}, "fully connected"),
    ([8, 5], {"lstm": {"hidden": 8}}, "recurrent"),
    ([5], {"embedding": {"count": 9, "out": 8}}, "embeddings"),
    ([2, 5, 8], {"attention": ["input", "input", "input"]}, "products"),
]


@pytest.mark.parametrize(("item", "wanted"), CASES)
def test_the_family_of_a_row(item: object, wanted: list[str]) -> None:
    result = costcalc.count({"costcalc": 1, "input": [8, 8, 8], "layers": [item]})
    assert [family(row.node) for row in result.rows] == wanted


@pytest.mark.parametrize(("shape", "item", "wanted"), SEQUENCES)
def test_the_family_of_a_row_of_a_sequence(shape: list[int], item: object, wanted: str) -> None:
    result = costcalc.count({"costcalc": 1, "input": shape, "layers": [item]})
    assert wanted in {family(row.node) for row in result.rows}
