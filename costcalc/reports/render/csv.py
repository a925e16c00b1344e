"""Records as CSV: exact numbers, one header line, the convention in a column."""

from __future__ import annotations

from typing import Any


def render(records: list[dict[str, Any]]) -> str:
    """Return the records as CSV text."""
    import csv
    import io

    out = io.StringIO()
    names = dict.fromkeys(name for record in records for name in record)
    writer = csv.DictWriter(out, fieldnames=list(names) or ["name"], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().rstrip("\n")
