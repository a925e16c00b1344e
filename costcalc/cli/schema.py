"""`costcalc schema`."""

from __future__ import annotations

import click

from costcalc.cli import common


@click.command()
@click.argument("which", type=click.Choice(("spec", "report")), default="spec")
@common.output_option
def command(which: str, output: str | None) -> None:
    """Print the JSON Schema of specs (an editor completes and checks them by it), or of reports."""
    import json

    from costcalc import schema

    made = schema.spec_schema() if which == "spec" else schema.report_schema()
    common.write(json.dumps(made, indent=2), output)
