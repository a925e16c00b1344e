"""`costcalc calibrate`."""

from __future__ import annotations

import click

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.cli import common, usage
from costcalc.estimates.calibrating import Calibrated
from costcalc.hardware.device import KINDS
from costcalc.hardware.words import DTYPES, FUSIONS


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc calibrate timed.csv --title "my phone" -o phone.yaml
    """,
)
@click.argument("path", metavar="FILE")
@click.option("--only", multiple=True, metavar="COLUMN=VALUE", help="Only lines of the file that say so.")
@click.option("--dtype", type=click.Choice(tuple(DTYPES)), default="fp32", help="the networks' numbers.")
@click.option("--fusion", type=click.Choice(tuple(FUSIONS)), default="ideal", help="what is one pass.")
@click.option("--hold-out", default="", metavar="PATTERN", help='Predicted, not fitted: "mobilenet_v2*".')
@click.option("--title", default="a device", metavar="TEXT", help="What the device is called.")
@click.option("--kind", type=click.Choice(KINDS[:2]), default="cpu", help="what it is.")
@common.output("Write the device's file.")
def command(path: str, only: tuple[str, ...], **options: Datum) -> None:
    """Fit a device's rates to the networks that FILE says were timed on it, and tell how far off they are.

    FILE is CSV with the columns network (mobilenet_v1@width=0.5) and latency_ms; batch if it is not 1. Errors are of
    networks that the fit did not see: each left out in turn, each family, and those held out.
    """
    wanted = dict(pair.partition("=")[::2] for pair in only)
    if not all(wanted.values()):
        raise stop("--only takes COLUMN=VALUE")
    about = {name: options[name] for name in ("dtype", "fusion", "title", "kind")}
    found = Calibrated(path, wanted, hold_out=options["hold_out"], **about)
    common.write(common.wrapped(found.lines()))
    if options["output"]:
        common.write(found.text().rstrip("\n"), options["output"])
