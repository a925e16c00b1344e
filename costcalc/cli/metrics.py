"""`costcalc metrics`."""

from __future__ import annotations

from typing import Any

import click

from costcalc.cli import common
from costcalc.metrics.metric import OPTIONS, metrics
from costcalc.reports.table import Column, Table


@click.command()
@common.table_option
@common.output_option
def command(**options: Any) -> None:
    """List the metrics that --columns, --max and their like take, each with its unit, and what they ask for."""
    records = [
        {"name": m.name, "unit": m.unit, "doc": m.doc, "options": list(m.uses), "source": m.source}
        for m in metrics().values()
    ]
    if options["format_"] == "table":
        common.write("\n\n".join([*map(told, records), asked()]), options["output"])
        return
    flat = [{**record, "options": " ".join(record["options"])} for record in records]
    columns = [Column(name) for name in ("name", "unit", "doc", "options", "source")]
    table = Table(columns, [list(record.values()) for record in flat], [f"{len(flat)} metrics", "", "", "", ""])
    common.write_table(table, records if options["format_"] == "json" else flat, options["format_"], options["output"])


def told(record: dict[str, Any]) -> str:
    """Return a metric in words."""
    uses = ", ".join(f"--{name.replace('_', '-')}" for name in record["options"])
    said = [f"{record['name']} ({record['unit']})", f"  {record['doc']}"]
    return "\n".join([*said, *([f"  options    {uses}"] if uses else []), f"  source     {record['source']}"])


def asked() -> str:
    """Return the options of metrics in words."""
    width = max(map(len, OPTIONS)) + 2
    lines = [f"  --{name.replace('_', '-'):{width}} {option.doc}" for name, option in OPTIONS.items()]
    return "\n".join(["options:", *lines])
