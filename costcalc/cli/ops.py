"""`costcalc ops`."""

from __future__ import annotations

import click

from costcalc.base.errors import nearest, stop
from costcalc.cli import common, usage
from costcalc.language import operator_reference as reference
from costcalc.operators import op


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc ops
    costcalc ops conv fc
    """,
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@common.all_option
@click.option("--markdown", is_flag=True, help="Print the whole reference as Markdown.")
def command(names: tuple[str, ...], *, markdown: bool, every: bool) -> None:
    """List the operators, those of other packages too; tell all about those that are NAMEd."""
    if markdown:
        common.write(reference.whole().rstrip())
        return
    if not names:
        op.load_packages()
        common.write_entries(overview(), families(), {"every": every}, "costcalc ops NAME all about one")
        return
    text = "\n".join(reference.entry(found(name), "##") for name in names)
    if not common.colored():
        common.write(text.rstrip())
        return
    from rich.console import Console
    from rich.markdown import Markdown

    Console().print(Markdown(text))


def found(name: str) -> type[op.Op]:
    """Return an operator by name."""
    cls = op.find(name)
    if cls is None:
        raise stop(f"there is no operator '{name}'", hint=nearest(name, op.operators()) or "costcalc ops lists them")
    return cls


def families() -> list[str]:
    """Return a line a family, or more where it is long: its operators' names."""
    named = (", ".join(cls.kind for cls in classes) for classes in reference.families().values())
    return common.wrapped(named).split("\n")


def overview() -> list[str]:
    """Return a line an operator, under its family: its name, its other names, and what it is."""
    wide = max(map(len, op.operators()))
    lines = []
    for module, classes in reference.families().items():
        lines += ["", reference.title(module)]
        for cls in classes:
            also = f" (also {', '.join(cls.aliases)})" if cls.aliases else ""
            lines.append(f"  {cls.kind:{wide}}  {(cls.__doc__ or '').strip().splitlines()[0]}{also}")
    return lines[1:]
