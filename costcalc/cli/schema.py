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
    costcalc schema --draft 07 -o costcalc.schema.json
    """,
)
@click.argument("which", type=click.Choice(("spec", "report")), default="spec")
@click.option(
    "--draft", type=click.Choice(("2020-12", "07")), default="2020-12", help="which JSON Schema: most editors read 07."
)
@common.output_option
def command(which: str, draft: str, output: str | None) -> None:
    """Print the JSON Schema of specs (an editor completes and checks them by it), or of reports."""
    from costcalc.language.schema import in_draft_07, spec_schema
    from costcalc.reports.schema import report_schema

    made = {"spec": spec_schema, "report": report_schema}[which]
    page = Page(data=lambda: in_draft_07(made()) if draft == "07" else made())
    common.write_page(page, {"format_": "json", "output": output})
