"""`costcalc list`."""

from __future__ import annotations

import click

from costcalc.base import Data, Datum
from costcalc.base.errors import stop
from costcalc.base.progress import steps
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.costs.conventions import DEFAULT, get
from costcalc.language import zoo
from costcalc.language.document import Spec
from costcalc.numbers.text import figure
from costcalc.published import accuracies
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc list
    costcalc list resnet
    """,
)
@click.argument("words", nargs=-1)
@common.exact_option
@common.all_option
@common.table_option
@common.output_option
def command(words: tuple[str, ...], **options: Datum) -> None:
    """List the networks of the zoo, those whose names or families hold all WORDS, with their costs."""
    found = [one for one in zoo.index().get("networks") or counted() if chosen(one, words)]
    if not found:
        raise stop(f"no network's name or family holds {' and '.join(words)}", hint="costcalc list shows all of them")
    found = [one | get(DEFAULT).mark for one in found]
    notes = [*accuracies.notes(found), get(DEFAULT).counted]
    page = Page(lambda: [table(found, exact=options["exact"])], lambda: found, notes=notes, prose=True)
    common.write_page(page, options)


def counted() -> list[Data]:
    """Return what is listed of every network of the zoo, counted now."""
    found = zoo.networks()
    return [record(*one) for one in steps(found.items(), "networks", len(found))]


def chosen(found: Data, words: tuple[str, ...]) -> bool:
    """Say whether a network's name or family holds all words."""
    text = f"{found['network']} {found['family']}".lower()
    return all(word.lower() in text for word in words)


def record(name: str, spec: Spec) -> Data:
    """Return what is listed of a network."""
    from costcalc.costs.counting import cost_of
    from costcalc.graph.expand import expand
    from costcalc.numbers.shape import listed

    graph = expand(spec)
    whole = cost_of(graph, get(DEFAULT))
    return {
        "network": name,
        "family": str(spec.meta.get("family", "")),
        "year": spec.meta.get("year", ""),
        "input": listed([*graph.input_shapes.values()]),
        "params": whole.params,
        "macs": whole.operations,
        **accuracies.record(graph),
    }


def table(found: list[Data], *, exact: bool) -> Table:
    """Return the list as a table."""
    columns = [
        Column("network"), Column("family"), Column("year"), Column("input"), Column("params", "number"),
        Column("MACs", "number"), Column("top-1", "number"),
    ]  # fmt: skip
    cells: list[list[Datum]] = [
        [
            f["network"],
            f["family"],
            str(f["year"]),
            f["input"],
            figure(f["params"], exact=exact),
            figure(f["macs"], exact=exact),
            accuracies.text(f),
        ]
        for f in found
    ]
    return Table(columns, cells, [plural(len(found), "network"), *[""] * 6])
