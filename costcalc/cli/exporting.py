"""`costcalc export FORMAT`: a spec becomes a file of another tool."""

from __future__ import annotations

import os

import click

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.files import in_words
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.costs import conventions
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph
from costcalc.numbers.num import UNKNOWN
from costcalc.reports.page import Page
from costcalc.reports.result import Result

_LEAVE_OUT = click.option("--leave-out", is_flag=True, help="Leave out what the format can't hold, and say it.")


@click.group(
    cls=usage.Commands,
    epilog="""
    costcalc export onnx resnet50 -o resnet50.onnx
    costcalc export scale-sim alexnet
    """,
)
def command() -> None:
    """Write a spec as a file of another tool."""


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc export onnx resnet50 -o resnet50.onnx
    """,
)
@common.spec_argument
@common.knob_option
@common.output("Write to this file.", required=True)
@click.pass_context
def onnx(ctx: click.Context, spec: str, pairs: tuple[str, ...], input_: str | None, output: str) -> None:
    """Write SPEC as an ONNX graph, for other tools to open.

    It has shapes, and no trained weights. Needs onnx.
    """
    from costcalc.interop.onnx import write as onnx_export

    if output == "-":
        raise stop("an ONNX graph is no text", hint="name a file: -o model.onnx")
    onnx_export.write(graph_of(ctx, spec, pairs, input_), output)


@command.command(
    "scale-sim",
    cls=common.KnobCommand,
    epilog="""
    costcalc export scale-sim alexnet
    costcalc export scale-sim mobilenet_v1 --width 0.5 -o topology.csv
    """,
)
@common.spec_argument
@common.knob_option
@_LEAVE_OUT
@common.output_option
@click.pass_context
def scale_sim(
    ctx: click.Context, spec: str, pairs: tuple[str, ...], input_: str | None, output: str | None, *, leave_out: bool
) -> None:
    """Write a topology of the SCALE-Sim simulator.

    It is a CSV with a line for each layer that multiplies.
    """
    from costcalc.interop.simulators import scalesim

    left: list[str] | None = [] if leave_out else None
    common.write(scalesim.topology(graph_of(ctx, spec, pairs, input_), left).rstrip("\n"), output)
    tell(left)


@command.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc export timeloop alexnet -o problems
    """,
)
@common.spec_argument
@common.knob_option
@_LEAVE_OUT
@common.output("Write the files to this folder.", "FOLDER", required=True)
@click.pass_context
def timeloop(
    ctx: click.Context, spec: str, pairs: tuple[str, ...], input_: str | None, output: str, *, leave_out: bool
) -> None:
    """Write problems of Timeloop, a YAML file a layer.

    There is one for each layer that multiplies.
    """
    from costcalc.interop.simulators import timeloop as exporter

    left: list[str] | None = [] if leave_out else None
    problems = exporter.problems(graph_of(ctx, spec, pairs, input_), left)
    tell(left)
    with in_words(output):
        os.makedirs(output, exist_ok=True)
        older = [name for name in sorted(os.listdir(output)) if exporter.is_problem(name) and name not in problems]
    if older:
        raise stop(
            f"{output} holds the problems of another network: {older[0]}", hint="remove them, or name a new folder"
        )
    for name, text in problems.items():
        common.write(text.rstrip("\n"), os.path.join(output, name))
    common.tell(f"{plural(len(problems), 'problem')} in {output}")


@command.command(
    "model-explorer",
    cls=common.KnobCommand,
    epilog="""
    costcalc export model-explorer resnet50 -o macs.json
    costcalc export model-explorer resnet50 --of bytes --share
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--of", "metric", metavar="METRIC", shell_complete=common.complete_metric, help="Operations unless told.")
@click.option("--share", is_flag=True, help="Each row's part of the sum, in per cent.")
@common.convention_option
@common.batch_option
@common.output_option
@click.pass_context
def model_explorer(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], **options: Datum) -> None:
    """Write node data for Google's Model Explorer.

    It is a number a node. Nodes are those of the graph that costcalc export onnx writes of the same SPEC.
    """
    from costcalc.interop.simulators.model_explorer import node_data

    result = Result(
        graph_of(ctx, spec, pairs, options["input_"]), conventions.get(options["convention"]), options["batch"]
    )
    found = result.metric(options["metric"] or result.convention.called)
    known = [value for value in found.rows if value is not None and value is not UNKNOWN]
    if options["share"] and sum(known) != found.total:
        raise stop(f"{found.name} is no sum of rows: they have no shares of it", hint="leave --share out")
    name = f"{found.name}{' in %' if options['share'] else ''} ({' '.join(result.convention.mark.values())})"
    made = node_data(result.graph, found.rows, name, share=options["share"])
    common.write_page(Page(data=lambda: made), {"format_": "json", "output": options["output"]})


def tell(left: list[str] | None) -> None:
    """Say what was left out."""
    for note in left or []:
        common.tell(f"left out: {note}")


def graph_of(ctx: click.Context, spec: str, pairs: tuple[str, ...], input_: str | None) -> Graph:
    """Return the graph of a spec for the knobs given."""
    loaded, knobs = common.chosen(ctx, spec, pairs)
    return expand(loaded, knobs, common.input_shape(input_))
