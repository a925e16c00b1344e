"""`costcalc schema`."""

from __future__ import annotations

import click

from costcalc.cli import common, usage
from costcalc.reports.page import Page


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc schema
    costcalc schema report -o report.schema.json
    """,
)
@click.argument("which", type=click.Choice(("spec", "report")), default="spec")
@common.output_option
def command(which: str, output: str | None) -> None:
    """Print the JSON Schema of specs (an editor completes and checks them by it), or of reports."""
    from costcalc.language.schema import spec_schema
    from costcalc.reports.schema import report_schema

    made = {"spec": spec_schema, "report": report_schema}[which]
    common.write_page(Page(data=made), {"format_": "json", "output": output})
