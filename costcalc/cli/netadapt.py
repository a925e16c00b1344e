"""`costcalc netadapt`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Datum
from costcalc.cli import common
from costcalc.transforms.netadapt import RULES


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc netadapt mobilenet_v1 --target 0.8 --step 0.05
    costcalc netadapt mobilenet_v1 --target 0.9 --by share -o smaller.yaml
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--target", type=float, required=True, metavar="SHARE", help="Of what the network costs: 0.8.")
@click.option("--metric", default="macs", metavar="NAME", help="macs, latency, or any that is a sum of layers.")
@click.option("--step", type=float, default=0.02, metavar="SHARE", help="That an iteration saves.")
@click.option("--decay", type=float, default=1.0, metavar="N", help="Of the step, by iteration: 0.98.")
@click.option("--by", "rule", type=click.Choice(RULES), default="params", help="Which proposal is taken.")
@click.option("--scores", metavar="FILE", help="CSV of layer,score, in place of --by.")
@click.option("--divisor", type=click.IntRange(1, 1024), default=8, metavar="N", help="Of channels.")
@click.option("--lut", "lut_", default="", metavar="FILE", help="Measured layers (CSV), for --metric latency.")
@click.option("--device", default="", metavar="NAME", help="For --metric latency, with fusion eager.")
@common.convention_option
@common.batch_option
@common.format_option(common.TABLE_FORMATS, "what to print.", by_file=False)
@common.output("Write the new spec to a file.")
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Take channels away layer by layer, as NetAdapt does, until SPEC costs a share of what it did.

    In each iteration every layer proposes the most channels with which the network costs a step less, and one proposal
    is taken: by the largest saving a parameter, the least share of channels, or your scores. Nothing is trained.
    """
    loaded, knobs = common.chosen(ctx, spec, pairs)
    found = api.netadapt(
        loaded,
        options["target"],
        options["metric"],
        step=options["step"],
        decay=options["decay"],
        by=options["rule"],
        scores=None if options["scores"] is None else scores(options["scores"]),
        divisor=options["divisor"],
        lut=options["lut_"],
        knobs=knobs,
        input=common.input_shape(input_),
        batch=options["batch"],
        convention=options["convention"],
        options={"device": options["device"], "fusion": "eager"} if options["device"] else {},
    )
    if options["output"]:
        common.write(found.text().rstrip("\n"), options["output"])
        if options["output"] == "-":
            return
    common.write_page(found.page(), {**options, "output": None})


def scores(path: str) -> dict[str, float]:
    """Return the scores of layers that a CSV file says: columns `layer` and `score`."""
    from costcalc.base.errors import stop
    from costcalc.hardware.lut import table

    names, lines = table(path)
    if sorted(names) != ["layer", "score"]:
        raise stop(f"{path} has the columns {', '.join(names)}", hint="scores are a CSV of layer,score")
    try:
        return {line["layer"]: float(line["score"]) for line in lines}
    except ValueError as error:
        raise stop(f"{path}: {error}", hint="a score is a number") from None
