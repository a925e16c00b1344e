"""`costcalc latency`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Datum
from costcalc.cli import common
from costcalc.estimates.timing import WeightsFit, estimated
from costcalc.hardware import device, lut
from costcalc.hardware.words import DTYPES, FUSIONS
from costcalc.reports.lines import VIEWS


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc latency mobilenet_v1 --device pixel1_big_core
    """,
)
@common.spec_argument
@common.knob_option
@click.option(
    "--device",
    "device_",
    required=True,
    metavar="NAME",
    shell_complete=common.complete_device,
    help="Of costcalc devices, or a file's path.",
)
@click.option("--dtype", type=click.Choice(tuple(DTYPES)), help="as measured, unless told.")
@click.option("--fusion", type=click.Choice(tuple(FUSIONS)), help="as measured, unless told.")
@click.option("--lut", "lut_", metavar="FILE", help="Measured layers (CSV), above the model.")
@common.view_options(VIEWS, default="layer")
@common.batch_option
@common.table_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Print how long SPEC takes on a device: a range where its rates were measured, else a lower bound.

    Of an NPU it prints whether the weights fit on the chip, and no time.
    """
    chosen = device.load(options["device_"])
    table = lut.load(options["lut_"]) if options["lut_"] else ()
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = api.count(loaded, input=common.input_shape(input_), batch=options["batch"], knobs=knobs)
    found = estimated(result, chosen, dtype=options["dtype"] or "", fusion=options["fusion"] or "", table=table)
    if options["format_"] in ("csv", "json"):
        common.refuse_lines(ctx, f"{options['format_']} has every row")
    if isinstance(found, WeightsFit):
        common.refuse_lines(ctx, "of an NPU is told what fits, in all")
    common.write_page(found.page(options["by"], options["fold"]), options)
