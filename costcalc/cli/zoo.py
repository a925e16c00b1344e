"""`costcalc zoo`."""

from __future__ import annotations

import sys

import click

from costcalc.cli import common
from costcalc.published import verdicts


@click.command()
@click.argument("words", nargs=-1)
@common.table_option
@common.output_option
def command(words: tuple[str, ...], format_: str, output: str | None) -> None:
    """Print every published figure of the zoo, ours beside it, and the verdict.

    WORDS choose: those figures whose network or source holds all of them. Exit code 1 if a verdict
    is not what its spec claims.
    """
    found = verdicts.figures(words)
    common.write_table(verdicts.account_table(found), [figure.to_dict() for figure in found], format_, output)
    if format_ == "table":
        click.echo(verdicts.summary(found), err=output is not None)
    sys.exit(any(figure.verdict not in verdicts.GOOD for figure in found))
