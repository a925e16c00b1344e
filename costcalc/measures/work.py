"""What a network computes and learns: parameters, operations by kind, products on real pixels."""

from __future__ import annotations

from collections.abc import Sequence

from costcalc.costs.counting import costs_of
from costcalc.graph.graph import Graph
from costcalc.measures.metric import Metric, Setup, counted
from costcalc.numbers.num import UNKNOWN, Dim


class Params(Metric, name="params"):
    """Parameters, as the convention counts them."""

    unit, title = "params", "params"
    source = "docs/conventions.md"
    local = True
    vectorised = True

    def heading(self, setup: Setup) -> str:
        return setup.convention.things

    measured_in = heading

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [one.params for one in costs_of(graph, setup.convention, setup.batch)]


class Operations(Metric, name="operations"):
    """Operations, as the convention counts them, in its unit: MACs, FLOPs, or what else it says."""

    unit, title = "operations", "operations"
    source = "docs/conventions.md"
    uses = ("batch",)
    local = True
    vectorised = True

    def heading(self, setup: Setup) -> str:
        return setup.convention.named(self.name).unit

    measured_in = heading

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [one.operations for one in costs_of(graph, setup.convention.named(self.name), setup.batch)]


class Macs(Operations, name="macs"):
    """Multiply-accumulates, of a convention that counts them and nothing else."""

    unit, title = "MACs", "MACs"


class Flops(Operations, name="flops"):
    """Multiplications and additions counted apart, of a convention that does."""

    unit, title = "FLOPs", "FLOPs"


class RealMacs(Metric, name="real_macs"):
    """Multiply-accumulates whose factor is a pixel of the input, none of the padding's zeros."""

    unit, title = "MACs", "real MACs"
    source = "counted tap by tap: a 3x3 kernel with padding 1 on 7x7 has 19 * 19 = 361 of 441 products inside"
    uses = ("batch",)
    local = True
    vectorised = True

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        found = (node.op.real_macs(node.x, node.y) for node in graph.nodes)
        return [number if number is UNKNOWN else number * setup.batch for number in found]


class Elementwise(Metric, name="elementwise"):
    """Operations that are no multiply-accumulates: element by element, of all kinds, with the additions of biases."""

    unit, title = "operations", "element-wise"
    source = "docs/conventions.md, components elementwise and bias_adds"
    uses = ("batch",)
    local = True
    vectorised = True

    def rows(self, graph: Graph, setup: Setup) -> Sequence[Dim]:
        return [(sum(row.elementwise.values()) + row.bias_adds) * setup.batch for row in counted(graph)]
