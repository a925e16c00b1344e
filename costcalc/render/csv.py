"""Records as CSV: exact numbers, one header line, the convention in a column."""

from __future__ import annotations

from typing import Any


def render(records: list[dict[str, Any]]) -> str:
    """Return the records as CSV text."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(records[0]) if records else ["name"], lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().rstrip("\n")
