"""`costcalc validate`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress

import click

from costcalc import api
from costcalc.asked import loaded
from costcalc.base.errors import Problem, SpecError
from costcalc.base.text import plural
from costcalc.cli import common, progress, usage
from costcalc.graph.expand import expand
from costcalc.graph.graph import Graph, unmatched
from costcalc.language.document import Spec
from costcalc.published import verdicts
from costcalc.reports.page import Page


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc validate my.yaml
    """,
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@common.told_option
def command(files: tuple[str, ...], format_: str) -> None:
    """Check FILEs: every mistake is told with file, line and column; exit code 2 if there is any.

    Each spec is read and expanded, with its own knobs and with those of every variant, and its published
    figures are counted.
    """
    found: list[Problem] = []
    for name in files:
        problems, said = checked(name)
        found += problems
        if not problems and format_ == "text":
            common.say(said)
    if format_ == "json":
        common.write_page(
            Page(data=lambda: [problem.to_dict(for_shell=True) for problem in found]), {"format_": "json"}
        )
    elif found:
        progress.clear()
        click.echo(SpecError(found).render(for_shell=True), err=True)
        common.tell(plural(len(found), "mistake"))
    sys.exit(2 if found else 0)


def checked(name: str) -> tuple[list[Problem], str]:
    """Return the mistakes of one spec, and a line that sums it up."""
    try:
        spec = loaded(name, None, {})
        result = api.count(spec)
        common.tell_channels(spec, {}, None)
        graphs = [result.graph, *(expand(spec.chosen(variant)) for variant in spec.variants)]
        problems = [*verdicts.unclaimed(spec), *unmatched([*graphs, *turned(spec)])]
    except SpecError as error:
        return list(error.problems), ""
    number = len(spec.variants)
    variants = f", {plural(number, 'variant')}" if number else ""
    return problems, f"{name}: ok, {plural(len(result.rows), 'row')}{variants}"


def turned(spec: Spec) -> Iterator[Graph]:
    """Yield the network with each knob that is true or false, or a block's name, otherwise: `reference` may mean it."""
    for name, value in spec.knobs.items() if spec.pattern_marks else ():
        words = [*spec.blocks] if isinstance(value, str) and value in spec.blocks else []
        for other in [not value] if isinstance(value, bool) else words:
            with suppress(SpecError):
                yield expand(spec, {name: other})
