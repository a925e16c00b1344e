"""A table as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from costcalc.base.text import clean
from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table

if TYPE_CHECKING:
    from costcalc.reports.page import Page


def page(page: Page, *, exact: bool, **_: object) -> str:
    """Return the page as Markdown: lines that stay lines, tables between them."""
    title, said = (
        ([f"**{clean(page.heading[0], 'markdown')}**"], page.heading[1:]) if page.titled else ([], page.heading)
    )
    tables = [render(table, exact=exact) for table in page.tables()]
    folded = [
        f"<details><summary>{clean(said, 'markdown')}</summary>\n\n{render(table, exact=exact)}\n\n</details>"
        for said, table in page.folded()
    ]
    return "\n\n".join(filter(None, [*title, _lines(said), *tables, *folded, _lines(page.notes)]))


def _lines(said: Sequence[str]) -> str:
    return "  \n".join(clean(line) for line in said)


def render(table: Table, *, exact: bool = False) -> str:
    """Return the table as a Markdown table, its last line the totals in bold."""
    heads, texts = cells(table, exact=exact, format_="markdown")
    titles = [f"{title} ({unit})" if unit else title for title, unit in heads]
    ruler = ["---" if column.kind == "text" else "---:" for column in table.columns]
    total = [[f"**{text}**" if text else "" for text in texts[-1]]] if table.totals else []
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, ruler, *texts[:-1], *total))
