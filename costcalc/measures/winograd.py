"""Multiplications of fast convolution algorithms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from costcalc.graph.graph import Graph
from costcalc.hardware.winograd import multiplications
from costcalc.measures.metric import Metric, Setup, counted
from costcalc.numbers.num import UNKNOWN, Dim


class Winograd(Metric):
    """What the tile sizes share: multiplications where the algorithm applies, else the row's MACs."""

    unit = "multiplications"
    source = "Lavin & Gray 2016, arXiv:1509.09308; the transforms are not counted, and it is no speed-up"
    uses = ("batch",)
    vectorised = True
    tile: ClassVar[int]

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        found = (multiplications(row, self.tile) for row in counted(graph))
        return [number if number is UNKNOWN else number * setup.batch for number in found]


class Winograd2(Winograd, name="winograd2"):
    """Multiplications where dense 3x3 convolutions of stride 1 take Winograd's F(2x2, 3x3), tiles rounded up."""

    title, tile = "F(2,3)", 2


class Winograd4(Winograd, name="winograd4"):
    """Multiplications where dense 3x3 convolutions of stride 1 take Winograd's F(4x4, 3x3), tiles rounded up."""

    title, tile = "F(4,3)", 4
