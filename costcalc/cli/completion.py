"""`costcalc completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from costcalc.cli import usage


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc completion bash > costcalc.bash
    """,
)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the script that completes commands, options, networks and files in SHELL.

    bash: put  eval "$(costcalc completion bash)"  into ~/.bashrc; the others likewise.
    """
    maker = get_completion_class(shell)
    assert maker is not None
    click.echo(maker(ctx.find_root().command, {}, "costcalc", "_COSTCALC_COMPLETE").source())
