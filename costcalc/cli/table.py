"""`costcalc table`."""

from __future__ import annotations

import click

from costcalc.base import Datum
from costcalc.cli import common, usage
from costcalc.language import printed_tables
from costcalc.published import printed
from costcalc.reports.page import Page


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc table
    costcalc table 1704.04861 8
    """,
)
@click.argument("source", required=False)
@click.argument("where", required=False)
@common.all_option
@common.table_option
@common.output_option
def command(source: str | None, where: str | None, **options: Datum) -> None:
    """Print a paper's table with our counts beside its figures: costcalc table 1704.04861 8.

    SOURCE is a part of where the table stands, WHERE its number, or SOURCE is the file of a table of your own. Without
    them, the tables that there are. A count that is not what is printed is marked ≠; numbers lead to the notes below.
    """
    if where is None and source and source.endswith((".yaml", ".yml")):
        page = printed.page(printed_tables.load(source))
    elif where is None:
        table, records = printed.listing(source or "")
        page = Page(lambda: [table], lambda: records)
    else:
        page = printed.page(printed.find(source or "", where))
    common.write_page(page, options)
