"""`costcalc reconcile`."""

from __future__ import annotations

import click

from costcalc.base import Data, Datum
from costcalc.base.text import lines
from costcalc.cli import common, usage
from costcalc.explanations import reconciling
from costcalc.explanations.reconciling import Answer, Match
from costcalc.graph.expand import expand
from costcalc.graph.knobs import with_knobs
from costcalc.language import zoo
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table


@click.command(
    cls=common.KnobCommand,
    epilog="""
    costcalc reconcile resnet50 4.12G
    """,
)
@common.spec_argument
@click.argument("number", metavar="NUMBER")
@common.knob_option
@click.option("--top", type=usage.WholeFromOne(), default=10, metavar="N", help="The simplest so many.")
@common.table_option
@common.output_option
@click.pass_context
def command(ctx: click.Context, /, spec: str, number: str, pairs: tuple[str, ...], **options: Datum) -> None:
    """Find what makes SPEC cost NUMBER (4.12G, 25.5M): conventions, choices, resolutions, widths, variants.

    The digits of NUMBER are its tolerance.
    """
    loaded, knobs = common.chosen(ctx, spec, pairs)
    shape = common.input_shape(options["input_"])
    if shape is not None:
        expand(loaded, knobs, shape)  # tells what is wrong with it
    loaded = with_knobs(loaded, knobs, shape)
    name = spec.removesuffix(zoo.SUFFIX)
    found = reconciling.reconcile(loaded, number, name=name if name in zoo.names() else "", top=options["top"])
    write(found, loaded.name, options)


def write(found: Answer, name: str, options: Data) -> None:
    """Write what was found; say so where nothing explains the number."""
    shown = found.matches or found.nearest
    if options["format_"] == "table":
        head = f"{name}, {found.claim.text}: " + (
            "" if found.matches else "nothing that was tried gives it. The nearest:"
        )
        common.write(lines([head.strip(), *(part for one in shown for part in line(one))]), options["output"])
        return
    records = [record(one, found, options["format_"]) for one in shown]
    common.write_page(Page(lambda: [table(shown)], lambda: records), options)


def table(matches: list[Match]) -> Table:
    """Return a line a match: its number, what is left unexplained, and the steps to it."""
    columns = [Column("counts", "number"), Column("of"), Column("off by", "number"), Column("how")]
    cells = [
        [f"{one.number:,}", one.unit, f"{one.difference:+,}", "; ".join(one.steps) or "as costcalc counts it"]
        for one in matches
    ]
    return Table(columns, cells, [""] * 4)


def line(match: Match) -> list[str]:
    """Return a match as two lines: its number and what is left unexplained, then the steps to it."""
    how = "; ".join(match.steps) or "as costcalc counts it"
    return [f"  {match.number:,} {match.unit}, off by {match.difference:+,}", f"      {how}"]


def record(match: Match, found: Answer, format_: str) -> Data:
    """Return a match as plain data; in a CSV the steps are one text."""
    told = match._asdict() | {"steps": "; ".join(match.steps) if format_ == "csv" else list(match.steps)}
    return {"claim": found.claim.text, "explains": bool(found.matches), **told}
