"""`costcalc show`."""

from __future__ import annotations

import click

from costcalc.asked import loaded
from costcalc.cli import common, usage
from costcalc.language.standalone import for_an_editor, standalone


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc show resnet50
    costcalc show resnet50 > my.yaml
    """,
)
@common.spec_argument
def command(spec: str) -> None:
    """Print SPEC as a complete file to edit: costcalc show resnet50 > my.yaml."""
    text = for_an_editor(standalone(loaded(spec, None, {})))
    if not common.colored():
        click.echo(text, nl=not text.endswith("\n"))
        return
    from rich.console import Console
    from rich.syntax import Syntax

    Console().print(Syntax(text, "yaml", background_color="default"))
