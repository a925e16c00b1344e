"""Pruned and quantized weights: what they take to store, and the products that are left."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.base.errors import stop
from costcalc.costs.layer_patterns import assigned, valued
from costcalc.graph.graph import Graph
from costcalc.hardware.compression import Coding, StoredRow, checked_density, kept, stored, whole
from costcalc.measures.metric import Metric, Setup, counted
from costcalc.measures.sizes import weight_bits
from costcalc.numbers.num import UNKNOWN, Dim

SOURCE = "docs/compression.md"


def held(graph: Graph, setup: Setup) -> list[StoredRow]:
    """Return what is stored of every row: its spec's bits and density, those asked for where it states none."""
    rows = counted(graph)
    choices = [valued(part, checked_density) for part in setup.density.split(";") if part.strip()]
    if setup.density and not choices:
        raise stop(f"'{setup.density[:40]}' is no density", hint='0.3, or "conv 3x3=0.3; fc=0.1"')
    return kept(rows, {row.name: weight_bits(row, setup) for row in rows}, assigned(rows, choices, "density"))


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
