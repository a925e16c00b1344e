"""`costcalc compare`."""

from __future__ import annotations

import click

from costcalc.base import Datum
from costcalc.cli import common
from costcalc.cli.networks import networks
from costcalc.comparisons import comparing
from costcalc.costs.conventions import get
from costcalc.published import accuracies
from costcalc.reports.page import Page


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc compare resnet18 resnet50 resnext50_32x4d
    costcalc compare mobilenet_v1 mobilenet_v1@width=0.5,resolution=160
    """,
)
@click.argument("words", nargs=-1, required=True, metavar="SPEC...", shell_complete=common.complete_spec)
@common.knob_option
@common.convention_option
@common.columns_option
@common.batch_option
@common.all_option
@common.table_option
@common.exact_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, words: tuple[str, ...], **options: Datum) -> None:
    """Print a line for each SPEC, and what it costs in units of the first.

    A SPEC may have knobs of its own: mobilenet_v1@width=0.5,resolution=160 or resnet18@depths=[3,4,6,3]. Knobs given
    as options are for all of them.
    """
    names, given = common.metrics(options)
    found = networks(ctx, words, options)
    rule, batch = get(options["convention"]), options["batch"]
    counted = [f"{said}{f'; a batch of {batch}' if batch > 1 else ''}" for said in rule.told(names)]
    lines, setup = comparing.records(found, names, **given), found[0].result.setup(**given)
    page = Page(
        lambda: [comparing.table(lines, setup, names, exact=options["exact"])],
        lambda: lines,
        notes=[*accuracies.notes(lines), *counted, *common.under(setup, names)],
    )
    common.write_page(page, options)
