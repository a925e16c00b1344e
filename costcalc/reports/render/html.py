"""A table as HTML, for a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from costcalc.base.text import clean
from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table

if TYPE_CHECKING:
    from costcalc.reports.page import Page


def render(table: Table, *, exact: bool = False) -> str:
    """Return the table as an HTML table; numbers to the right."""
    heads, texts = cells(table, exact=exact, format_="html")
    sides = ["left" if column.kind == "text" else "right" for column in table.columns]

    def row(tag: str, values: list[str]) -> str:
        made = (f'<{tag} style="text-align:{s}">{v}</{tag}>' for v, s in zip(values, sides, strict=True))
        return f"<tr>{''.join(made)}</tr>"

    titles = [f"{title} ({unit})" if unit else title for title, unit in heads]
    body = "".join(row("td", values) for values in texts[:-1])
    foot = f"<tfoot>{row('th', texts[-1])}</tfoot>" if table.totals else ""
    return f"<table><thead>{row('th', titles)}</thead><tbody>{body}</tbody>{foot}</table>"


def page(page: Page, *, exact: bool, **_: object) -> str:
    """Return what a notebook shows: a title, lines, tables (those with a summary folded away), the small print."""
    title, *said = [f"<div>{clean(line, 'html')}</div>" for line in page.heading] or [""]
    title = title.replace("<div>", "<div><b>").replace("</div>", "</b></div>")
    tables = [_folded(table.summary, render(table, exact=exact)) for table in page.tables()]
    small = [f"<div><small>{clean(note, 'html')}</small></div>" for note in page.notes]
    return "".join([title, *said, *tables, *small])


def _folded(summary: str, table: str) -> str:
    return f"<details><summary>{clean(summary, 'html')}</summary>{table}</details>" if summary else table
