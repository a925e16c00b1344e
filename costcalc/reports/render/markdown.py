"""A table as Markdown."""

from __future__ import annotations

from costcalc.reports.render.figures import cells
from costcalc.reports.table import Table


def render(table: Table, *, exact: bool = False) -> str:
    """Return the table as a Markdown table, its last line the totals in bold."""
    heads, texts = cells(table, exact=exact)
    titles = [f"{title} ({unit})" if unit else title for title, unit in heads]
    ruler = ["---" if column.kind == "text" else "---:" for column in table.columns]
    total = [f"**{escaped(text)}**" if text else "" for text in texts[-1]]
    body = [[escaped(text) for text in row] for row in texts[:-1]]
    return "\n".join(f"| {' | '.join(row)} |" for row in (titles, ruler, *body, total))


def escaped(text: str) -> str:
    """Return a text with the signs that Markdown reads made harmless."""
    for sign in "\\|*_<`":
        text = text.replace(sign, "\\" + sign)
    return text
