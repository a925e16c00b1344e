"""`costcalc table`."""

from __future__ import annotations

import click

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.published import verdicts
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table


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

    SOURCE is a part of where the table stands, WHERE its number; without them, the tables that there are.
    A count that is not what is printed is marked ≠; costcalc zoo says why.
    """
    if source is None or where is None:
        table = listing(source or "")
        records = [dict(zip(("source", "where", "rows"), row, strict=True)) for row in table.cells]
    else:
        rows = verdicts.find_table(source, where)
        table = verdicts.paper_table(rows)
        records = [verdicts.record(spec, row) for spec, row in rows]
    common.write_page(Page(lambda: [table], lambda: records), options)


def listing(source: str) -> Table:
    """Return the tables that the zoo has rows of."""
    found = [(*key, len(rows)) for key, rows in verdicts.tables().items() if source.lower() in key[0].lower()]
    columns = [Column("source"), Column("where"), Column("rows", "number")]
    if not found:
        raise stop(f"the zoo has no figure of a source called '{source}'", hint="costcalc table lists the tables")
    return Table(columns, [list(row) for row in sorted(found)], [plural(len(found), "table"), "", ""])
