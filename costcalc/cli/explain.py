"""`costcalc explain`."""

from __future__ import annotations

import click

from costcalc import conventions, explain
from costcalc.cli import common
from costcalc.counting import rows
from costcalc.expand import expand


@click.command(cls=common.KnobCommand)
@common.spec_argument
@click.argument("layer")
@common.knob_option
@common.convention_option
@click.pass_context
def command(
    ctx: click.Context, spec: str, layer: str, pairs: tuple[str, ...], input_: str | None, convention: str
) -> None:
    """Print the formulas of LAYER in SPEC, with the numbers put in."""
    loaded, knobs = common.chosen(ctx, spec, pairs)
    graph = expand(loaded, knobs, common.input_shape(input_))
    nodes = explain.find(graph, layer)
    counted = rows(graph)
    page = explain.page(nodes, [counted[node.index] for node in nodes], conventions.get(convention))
    common.write("\n".join(page))
