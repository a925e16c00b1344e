"""`costcalc explain`."""

from __future__ import annotations

import click

from costcalc.base.errors import stop
from costcalc.cli import common
from costcalc.costs import conventions
from costcalc.costs.rows import rows
from costcalc.explanations import explain, tool_differences
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.reports.result import Result


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc explain mobilenet_v1 separable3/dwconv
    costcalc explain resnet50 --convention thop
    """,
)
@common.spec_argument
@click.argument("layer", required=False, shell_complete=common.complete_layer)
@common.knob_option
@common.convention_option
@click.pass_context
def command(
    ctx: click.Context, spec: str, layer: str | None, pairs: tuple[str, ...], input_: str | None, convention: str
) -> None:
    """Print the formulas of LAYER in SPEC, with the numbers put in.

    With --convention TOOL and no LAYER: why that tool's total differs from ours, operator by operator.
    """
    loaded, knobs = common.chosen(ctx, spec, pairs)
    graph = expand(loaded, knobs, common.input_shape(input_))
    said = why(graph, convention) if layer is None else formulas(graph, layer, convention)
    common.say(*said)


def formulas(graph: Graph, layer: str, convention: str) -> list[str]:
    """Return the formulas of a layer."""
    nodes = explain.find(graph, layer)
    counted = rows(graph)
    return explain.page(nodes, [counted[node.index] for node in nodes], conventions.get(convention))


def why(graph: Graph, convention: str) -> list[str]:
    """Return why another convention's total differs from ours."""
    rule = conventions.get(convention)
    if rule.name == conventions.DEFAULT:
        raise stop("which layer?", hint="costcalc explain SPEC LAYER; or --convention thop: why its total differs")
    return [*tool_differences.told(Result(graph, rule), rule), rule.counted]
