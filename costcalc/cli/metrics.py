"""`costcalc metrics`."""

from __future__ import annotations

import click

from costcalc.base import Data, Datum
from costcalc.base.text import plural
from costcalc.cli import common, usage
from costcalc.measures.metric import GROUPS, OPTIONS, metrics
from costcalc.reports.body import docs
from costcalc.reports.page import Page
from costcalc.reports.table import Column, Table


@click.command(
    cls=usage.Command,
    epilog="""
    costcalc metrics
    """,
)
@common.all_option
@common.table_option
@common.output_option
def command(**options: Datum) -> None:
    """List the metrics that --columns, --max and their like take, each with its unit, and what they ask for."""
    records = [
        {"name": m.name, "unit": m.unit, "doc": m.doc, "options": list(m.uses), "source": m.source}
        for m in metrics().values()
    ]
    if options["format_"] == "table":
        said = "\n\n".join([*map(told, records), asked()])
        wide = max(len(record["name"]) for record in records)
        heads = [f"{record['name']:{wide}}  {record['doc']}" for record in records]
        common.write_entries(said.split("\n"), heads, options, "and the options that metrics ask for")
        return
    flat: list[Data] = [{**record, "options": " ".join(record["options"])} for record in records]
    columns = [Column(name) for name in ("name", "unit", "doc", "options", "source")]
    table = Table(columns, [list(record.values()) for record in flat], [plural(len(flat), "metric"), "", "", "", ""])
    common.write_page(Page(lambda: [table], lambda: flat, lambda: records), options)


def told(record: Data) -> str:
    """Return a metric in words."""
    uses = ", ".join(f"--{name.replace('_', '-')}" for name in record["options"])
    said = [f"{record['name']} ({record['unit']})", f"  {record['doc']}"]
    return "\n".join([*said, *([f"  options    {uses}"] if uses else []), f"  source     {record['source']}"])


def asked() -> str:
    """Return the options of metrics in words, and the groups that are asked for by one name."""
    width = max(map(len, OPTIONS)) + 2
    said = {name: f"{'|'.join(one.words)}: {one.doc}" if one.words else one.doc for name, one in OPTIONS.items()}
    lines = [f"  --{name.replace('_', '-'):{width}} {doc}" for name, doc in said.items()]
    wide = max(map(len, GROUPS)) + 2
    groups = [f"  {name:{wide}} {', '.join(group)}" for name, group in GROUPS.items()]
    columns = docs()
    room = max(map(len, columns)) + 2
    drawn = [f"  {name:{room}} {doc}" for name, doc in columns.items()]
    return "\n".join(["options:", *lines, "", "groups:", *groups, "", "what a line of a report is:", *drawn])
