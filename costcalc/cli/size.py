"""`costcalc size`."""

from __future__ import annotations

import click

from costcalc import api
from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.cli import common, usage
from costcalc.costs.layer_patterns import valued
from costcalc.estimates.sizing import Sizes
from costcalc.hardware.compression import SCALES, Coding, pattern_of
from costcalc.language.ranges import one


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc size alexnet --bits 8 --bits fc=4 --density fc=0.1
    """,
)
@common.spec_argument
@common.knob_option
@click.option("--bits", multiple=True, metavar="[SELECTOR=]N", help="Bits of a weight: 8, or fc=4.")
@click.option("--density", multiple=True, metavar="[SELECTOR=]D", help='Share that is not 0: "conv 3x3=0.3".')
@click.option("--gap", default=4, metavar="K", help="Bits of an index: the gap to the weight before.")
@click.option("--pattern", metavar="N:M", help="N of every M weights are kept: 2:4.")
@click.option("--scales", type=click.Choice(SCALES), default="none", help="what is stored beside.")
@click.option("--link", metavar="RATE", help="Seconds to send it, at bits a second: 1M.")
@usage.option(
    "--by",
    type=click.Choice(("form", "layer")),
    metavar="WHAT",
    default="form",
    group=usage.LINES,
    help="a line each.",
)
@common.table_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, pairs: tuple[str, ...], input_: str | None, **options: Datum) -> None:
    """Print what SPEC's weights take to store: dense, quantized, pruned with indices, N of M.

    SELECTOR is a layer type as reports print it ("conv 3x3"), a layer's or group's path, or a pattern of either; a
    later option wins. What the spec states as bits and density holds where no option says otherwise.
    """
    loaded, knobs = common.chosen(ctx, spec, pairs)
    result = api.count(loaded, input=common.input_shape(input_), knobs=knobs)
    pattern = pattern_of(options["pattern"]) if options["pattern"] else None
    bits, density = ([valued(text, str) for text in options[name]] for name in ("bits", "density"))
    found = Sizes(result, bits, density, Coding(options["gap"], pattern, options["scales"]))
    if options["format_"] in ("csv", "json"):
        what = "a line a form" if options["format_"] == "csv" else "forms and layers"
        common.refuse_lines(ctx, f"{options['format_']} has {what}")
        if options["link"]:
            raise stop("--link is for tables: records hold bytes", hint="leave --link out")
    common.write_page(found.page(options["by"], rate(options["link"])), options)


def rate(text: str | None) -> float | None:
    """Return bits a second from their text, 1M; raise SpecError for what is none."""
    if text is None:
        return None
    value = one(text, "link")
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise stop(f"'{text[:40]}' is no rate", hint="bits a second: --link 1M")
    return float(value)
