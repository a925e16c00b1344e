"""`costcalc energy`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Datum
from costcalc.cli import common
from costcalc.comparisons.budgets import amount
from costcalc.estimates.powering import Energy
from costcalc.hardware import energy
from costcalc.hardware.words import DTYPES, FUSIONS
from costcalc.reports.lines import VIEWS


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc energy alexnet --onchip 1M
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--energy-table", default=energy.DEFAULT, metavar="NAME", help="What operations take: a file too.")
@click.option("--dtype", type=click.Choice(tuple(DTYPES)), default="fp32", help="numbers without stated bits.")
@click.option("--fusion", type=click.Choice(tuple(FUSIONS)), default="ideal", help="what is one pass.")
@click.option("--onchip", metavar="N", help="Bytes on the chip, which need no DRAM: 1M.")
@common.view_options(VIEWS, default="type")
@common.batch_option
@common.table_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Print where SPEC's energy goes: compute, on-chip memory, DRAM, in shares under a named table.

    NAME is horowitz_45nm, eyeriss, or the path of a file.
    """
    table = energy.load(options["energy_table"])
    room = amount(options["onchip"]) if options["onchip"] else 0
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = api.count(loaded, input=common.input_shape(input_), batch=options["batch"], knobs=knobs)
    found = Energy(result, table, energy.Chip(options["dtype"], options["batch"], options["fusion"], room))
    if options["format_"] in ("csv", "json"):
        common.refuse_lines(ctx, f"{options['format_']} has every row")
    common.write_page(found.page(options["by"], options["fold"]), options)
