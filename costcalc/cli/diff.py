"""`costcalc diff`."""

from __future__ import annotations

import click

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.cli import common, usage
from costcalc.cli.networks import networks
from costcalc.comparisons import diffing
from costcalc.comparisons.diffing import Diff

TOP = 20  # changes that a table shows


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc diff resnet50 resnext50_32x4d
    costcalc diff mobilenet_v1 mobilenet_v1@width=0.5
    """,
)
@click.argument("before", metavar="BEFORE", shell_complete=common.complete_spec)
@click.argument("after", metavar="AFTER", shell_complete=common.complete_spec)
@common.knob_option
@usage.option(
    "--top", type=usage.WholeFromOne(), metavar="N", group=usage.LINES, help="The N biggest changes, 20 unless told."
)
@common.all_option
@common.convention_option
@common.batch_option
@common.table_option
@click.option("--exit-code", "tells", is_flag=True, help="Exit with 1 if there is a difference.")
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, before: str, after: str, **options: Datum) -> None:
    """Print which layers make AFTER cost more than BEFORE, or less, and each one's part of the difference.

    Both may have knobs of their own: mobilenet_v1@width=0.5. Markdown is for a pull request; CSV and JSON have every
    change, in the network's order.
    """
    if options["top"] and options["format_"] in ("csv", "json"):
        raise stop(f"{options['format_']} has every change: --top is for tables", hint="leave --top out")
    if options["top"] and options["every"]:
        raise stop("--top and --all contradict each other", hint="leave one of them out")
    found = Diff(*networks(ctx, (before, after), options))
    top = None if options["every"] else options["top"] or TOP
    page = diffing.page(found, top, wide=options["format_"] == "markdown")
    common.write_page(page, options | {"every": top != TOP or bool(options["top"])})
    ctx.exit(1 if options["tells"] and found else 0)
