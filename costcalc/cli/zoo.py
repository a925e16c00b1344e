"""`costcalc zoo`."""

from __future__ import annotations

import sys

import click

from costcalc.base import Datum
from costcalc.base.errors import stop
from costcalc.cli import common, usage
from costcalc.published import verdicts
from costcalc.reports.page import Page


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc zoo mobilenet
    costcalc zoo 1704.04861 --format csv
    """,
)
@click.argument("words", nargs=-1)
@common.all_option
@common.table_option
@common.output_option
def command(words: tuple[str, ...], **options: Datum) -> None:
    """Print every published figure of the zoo, ours beside it, and the verdict.

    WORDS choose: those figures whose network or source holds all of them. Exit code 1 if a verdict
    is not what its spec claims.
    """
    found = verdicts.figures(words)
    if not found:
        raise stop(f"the zoo has no figure of '{' '.join(words)}'", hint="costcalc zoo shows all")
    notes = verdicts.Notes()
    table = verdicts.account_table(found, notes)
    page = Page(
        lambda: [table],
        lambda: [figure.to_dict() for figure in found],
        notes=[*notes.lines, *[""] * bool(notes.lines), verdicts.summary(found)],
    )
    common.write_page(page, options)
    sys.exit(any(figure.verdict not in verdicts.GOOD for figure in found))
