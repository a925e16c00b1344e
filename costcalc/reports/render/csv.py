"""Records as CSV: exact numbers, one header line, the convention in a column."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.base import Data, Datum
from costcalc.base.text import clean

if TYPE_CHECKING:
    from costcalc.reports.page import Page


def page(page: Page, **_: object) -> str:
    """Return the page's records as CSV."""
    return render(page.records())


def render(records: list[Data]) -> str:
    """Return the records as CSV text."""
    import csv
    import io

    out = io.StringIO()
    names = dict.fromkeys(name for record in records for name in record) or ["name"]
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([clean(name, "csv") for name in names])
    writer.writerows([_cell(record.get(name)) for name in names] for record in records)
    return out.getvalue().rstrip("\n")


def _cell(value: Datum) -> Datum:
    """Return numbers as they are; text, that of a list with commas, as it may stand in a spreadsheet."""
    if value is None or isinstance(value, int | float):
        return value
    return clean(", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value), "csv")
