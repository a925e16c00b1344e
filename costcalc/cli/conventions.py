"""`costcalc conventions`."""

from __future__ import annotations

import click

from costcalc.cli import common
from costcalc.conventions import CONVENTIONS, DEFAULT


@click.command()
def command() -> None:
    """Tell what each convention counts; --convention NAME chooses one."""
    for convention in CONVENTIONS.values():
        default = " (the default)" if convention.name == DEFAULT else ""
        common.write(
            f"{convention.name}{default}: {convention.says}\n"
            f"  params     {convention.params}\n"
            f"  {convention.unit:10} {convention.macs}\n"
            f"  source     {convention.source}\n"
        )
