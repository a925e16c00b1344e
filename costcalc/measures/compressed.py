"""Pruned and quantized weights: what they take to store, and the products that are left."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.graph.graph import Graph
from costcalc.hardware.compression import Coding, stored, whole
from costcalc.measures.metric import Metric, Setup
from costcalc.measures.sizes import held
from costcalc.numbers.num import UNKNOWN, Dim

SOURCE = "docs/compression.md"


class Compressed(Metric, name="compressed_bytes"):
    """Bytes of the weights that pruning leaves, with gaps of 4 bits and random fillers; biases and norms at 32 bits."""

    unit, title = "bytes", "compressed"
    source = SOURCE
    uses = ("bits", "weight_bits", "density")

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [stored(one, "relative", Coding())[1] for one in held(graph, setup)]

    def total(self, graph: Graph, setup: Setup) -> Dim:
        """Return the bytes of all numbers packed, rounded up once."""
        return whole(held(graph, setup), "relative", Coding())[1]


class EffectiveMacs(Metric, name="effective_macs"):
    """Multiply-accumulates whose weight is not zero: only hardware that skips zeros is spared the others."""

    unit, title = "MACs", "effective MACs"
    source = SOURCE
    uses = ("density", "batch")

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [one.macs if one.macs is UNKNOWN else one.macs * setup.batch for one in held(graph, setup)]
