"""`costcalc list`."""

from __future__ import annotations

import click

from costcalc import api, zoo
from costcalc.cli import common
from costcalc.report import Column, Table


@click.command()
@click.option("--exact", is_flag=True, help="All digits.")
@click.argument("words", nargs=-1)
def command(words: tuple[str, ...], *, exact: bool) -> None:
    """List the networks of the zoo, those whose names hold all WORDS, with their costs."""
    from costcalc.render import text
    from costcalc.render.figures import readable

    columns = [Column("network"), Column("input"), Column("params", "number"), Column("MACs", "number"), Column("year")]
    cells = []
    for name in zoo.networks():
        if all(word in name for word in words):
            result = api.count(name)
            spec, shape = result.graph.spec, result.graph.input.shape
            figures = [f"{n:,}" if exact else readable(n) for n in (result.params, result.macs)]
            cells.append([name, str(shape), *figures, str(spec.meta.get("year", ""))])
    table = Table(columns, cells, [f"{len(cells)} networks", "", "", "", ""])
    common.write(text.render(table, columns=common.columns(), color=common.colored()))
    common.write("counted: params: all learnable; MACs: conv + fc + matmul, no bias (costcalc)")
